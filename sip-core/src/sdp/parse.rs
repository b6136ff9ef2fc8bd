//! Text to descriptions (RFC 8866 §9), bearing with what is met in the wild.

use core::fmt;

use super::{
    Attribute, Bandwidth, Connection, MAX_ATTRIBUTES, MAX_DESCRIPTION, MAX_MEDIA, Media, Origin, SessionDescription,
    Time,
};

/// Why a text is no description that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SdpError {
    /// It does not begin with `v=0`.
    NotSdp,
    /// An m-line cannot be read.
    Media,
    /// Larger than the limits.
    TooLarge,
}

impl fmt::Display for SdpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSdp => "not a session description",
            Self::Media => "an unreadable m-line",
            Self::TooLarge => "session description too large",
        })
    }
}

impl core::error::Error for SdpError {}

pub(super) fn parse(text: &str) -> Result<SessionDescription, SdpError> {
    if text.len() > MAX_DESCRIPTION {
        return Err(SdpError::TooLarge);
    }
    let mut lines = text.split(['\n', '\r']).filter(|line| !line.trim().is_empty());
    if lines.next().map(str::trim) != Some("v=0") {
        return Err(SdpError::NotSdp);
    }
    let mut description = SessionDescription { name: "-".to_owned(), ..SessionDescription::default() };
    for line in lines {
        // What is no `x=value` is passed over, as unknown lines are: gateways pad with zeroes, and patched ones leave scraps.
        if let Some((letter, value)) = letter_and_value(line) {
            read_line(&mut description, letter, value)?;
        }
    }
    if description.times.is_empty() {
        description.times.push(Time::default());
    }
    Ok(description)
}

fn letter_and_value(line: &str) -> Option<(char, &str)> {
    let (kind, value) = line.trim_start().split_once('=')?;
    let mut letters = kind.chars();
    let letter = letters.next()?;
    letters.next().is_none().then_some((letter, value))
}

fn read_line(description: &mut SessionDescription, letter: char, value: &str) -> Result<(), SdpError> {
    if letter == 'm' {
        if description.media.len() >= MAX_MEDIA {
            return Err(SdpError::TooLarge);
        }
        description.media.push(media(value).ok_or(SdpError::Media)?);
        return Ok(());
    }
    match description.media.last_mut() {
        Some(media) => media_line(media, letter, value),
        None => session_line(description, letter, value),
    }
}

fn session_line(description: &mut SessionDescription, letter: char, value: &str) -> Result<(), SdpError> {
    match letter {
        'o' => description.origin = origin(value).unwrap_or_default(),
        's' => description.name = if value.is_empty() { "-".to_owned() } else { value.to_owned() },
        'c' => keep_first(&mut description.connection, connection(value)),
        'b' => return push(&mut description.bandwidth, bandwidth(value)),
        't' => return push(&mut description.times, time(value)),
        'r' => {
            if let Some(time) = description.times.last_mut() {
                return push(&mut time.repeats, Some(value.to_owned()));
            }
        }
        'a' => return push(&mut description.attributes, attribute(value)),
        'i' | 'u' | 'e' | 'p' => {
            return push(&mut description.information, Some((letter, value.to_owned())));
        }
        _ => {}
    }
    Ok(())
}

fn media_line(media: &mut Media, letter: char, value: &str) -> Result<(), SdpError> {
    match letter {
        'i' => media.title = Some(value.to_owned()),
        'c' => keep_first(&mut media.connection, connection(value)),
        'b' => return push(&mut media.bandwidth, bandwidth(value)),
        'a' => return push(&mut media.attributes, attribute(value)),
        _ => {}
    }
    Ok(())
}

/// Adds what could be read, and passes over what could not.
fn push<T>(list: &mut Vec<T>, item: Option<T>) -> Result<(), SdpError> {
    if list.len() >= MAX_ATTRIBUTES {
        return Err(SdpError::TooLarge);
    }
    list.extend(item);
    Ok(())
}

/// More than one `c=` belongs to layered multicast, which nobody calls.
fn keep_first(place: &mut Option<Connection>, connection: Option<Connection>) {
    if place.is_none() {
        *place = connection;
    }
}

/// Read from its end: CUCM writes a user name with a space in it. The spaces become hyphens.
fn origin(value: &str) -> Option<Origin> {
    let mut words: Vec<&str> = value.split_whitespace().collect();
    let (address, address_type) = (words.pop()?, words.pop()?);
    words.pop()?;
    let (session_version, session_id) = (words.pop()?, words.pop()?);
    let username = if words.is_empty() { "-".to_owned() } else { words.join("-") };
    Some(Origin {
        username,
        session_id: session_id.to_owned(),
        session_version: session_version.to_owned(),
        address: Connection { address_type: address_type.to_owned(), address: address.to_owned() },
    })
}

fn connection(value: &str) -> Option<Connection> {
    let mut words = value.split_whitespace();
    let (Some(_), Some(address_type), Some(address)) = (words.next(), words.next(), words.next()) else {
        return None;
    };
    Some(Connection { address_type: address_type.to_owned(), address: address.to_owned() })
}

fn bandwidth(value: &str) -> Option<Bandwidth> {
    let (kind, number) = value.trim().split_once(':')?;
    Some(Bandwidth { kind: kind.to_owned(), value: number.trim().parse().ok()? })
}

fn time(value: &str) -> Option<Time> {
    let mut words = value.split_whitespace();
    let (start, stop) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Time { start, stop, repeats: Vec::new() })
}

fn attribute(value: &str) -> Option<Attribute> {
    let value = value.trim_end();
    let (name, value) = value.split_once(':').map_or((value, None), |(name, value)| (name, Some(value)));
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    is_name.then(|| Attribute { name: name.to_owned(), value: value.map(str::to_owned) })
}

fn media(value: &str) -> Option<Media> {
    let mut words = value.split_whitespace();
    let (kind, port, protocol) = (words.next()?, words.next()?, words.next()?);
    let (port, count) = port.split_once('/').map_or((port, None), |(port, count)| (port, Some(count)));
    let port_count = match count {
        Some(count) => Some(count.parse().ok()?),
        None => None,
    };
    Some(Media {
        kind: kind.to_owned(),
        port: port.parse().ok()?,
        port_count,
        protocol: protocol.to_owned(),
        formats: words.take(MAX_ATTRIBUTES).map(str::to_owned).collect(),
        ..Media::default()
    })
}
