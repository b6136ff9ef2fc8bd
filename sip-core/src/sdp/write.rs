//! Descriptions to text, in the order of RFC 8866 §5.

use core::fmt::{self, Display, Formatter};

use super::{Attribute, Bandwidth, Connection, Media, Origin, SessionDescription, Time};

impl Display for SessionDescription {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("v=0\r\no=")?;
        self.origin.fmt(f)?;
        line(f, "\r\ns=", &self.name)?;
        for (letter, value) in &self.information {
            f.write_str(letter.encode_utf8(&mut [0; 4]))?;
            line(f, "=", value)?;
        }
        self.connection.iter().try_for_each(|connection| write_connection(connection, f))?;
        self.bandwidth.iter().try_for_each(|bandwidth| bandwidth.fmt(f))?;
        self.times.iter().try_for_each(|time| time.fmt(f))?;
        self.attributes.iter().try_for_each(|attribute| attribute.fmt(f))?;
        self.media.iter().try_for_each(|media| media.fmt(f))
    }
}

impl Display for Media {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("m=")?;
        f.write_str(&self.kind)?;
        f.write_str(" ")?;
        self.port.fmt(f)?;
        if let Some(count) = self.port_count {
            f.write_str("/")?;
            count.fmt(f)?;
        }
        f.write_str(" ")?;
        f.write_str(&self.protocol)?;
        self.formats.iter().try_for_each(|format| words(f, [" ", format]))?;
        f.write_str("\r\n")?;
        self.title.iter().try_for_each(|title| line(f, "i=", title))?;
        self.connection.iter().try_for_each(|connection| write_connection(connection, f))?;
        self.bandwidth.iter().try_for_each(|bandwidth| bandwidth.fmt(f))?;
        self.attributes.iter().try_for_each(|attribute| attribute.fmt(f))
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        words(f, [&self.username, " ", &self.session_id, " ", &self.session_version, " "])?;
        self.address.fmt(f)
    }
}

impl Display for Connection {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        words(f, ["IN ", &self.address_type, " ", &self.address])
    }
}

impl Display for Bandwidth {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        words(f, ["b=", &self.kind, ":"])?;
        self.value.fmt(f)?;
        f.write_str("\r\n")
    }
}

impl Display for Time {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("t=")?;
        self.start.fmt(f)?;
        f.write_str(" ")?;
        self.stop.fmt(f)?;
        f.write_str("\r\n")?;
        self.repeats.iter().try_for_each(|repeat| line(f, "r=", repeat))
    }
}

impl Display for Attribute {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.value {
            None => line(f, "a=", &self.name),
            Some(value) => {
                words(f, ["a=", &self.name, ":"])?;
                line(f, "", value)
            }
        }
    }
}

fn write_connection(connection: &Connection, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str("c=")?;
    connection.fmt(f)?;
    f.write_str("\r\n")
}

fn words<const N: usize>(f: &mut Formatter<'_>, words: [&str; N]) -> fmt::Result {
    words.into_iter().try_for_each(|word| f.write_str(word))
}

/// One line. Line ends inside a value would begin a line of somebody else's choice; they become spaces.
fn line(f: &mut Formatter<'_>, start: &str, value: &str) -> fmt::Result {
    f.write_str(start)?;
    for (index, part) in value.split(['\r', '\n']).enumerate() {
        if index > 0 {
            f.write_str(" ")?;
        }
        f.write_str(part)?;
    }
    f.write_str("\r\n")
}
