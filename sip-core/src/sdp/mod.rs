//! Session descriptions as values (RFC 8866).
//!
//! Reading is lenient, because PBXs are not exact: unknown lines are passed over, `t=` and others may be missing, a
//! line may end in LF alone. Writing is exact: order and line ends of the RFC, attributes in their order. What
//! attributes mean is read on demand: [`Media`]'s methods, and those of [`SessionDescription`] that fall back to the
//! session level. What to answer is the business of [`offer_answer`].
//!
//! ```
//! use sip_core::sdp::{Direction, SessionDescription};
//!
//! let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
//!     m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n";
//! let description = SessionDescription::parse(text)?;
//! let audio = description.first("audio").ok_or("no audio")?;
//! assert_eq!(audio.codecs()[0].name, "PCMA");
//! assert_eq!(description.direction_of(audio), Direction::SendOnly);
//! assert_eq!(description.to_string(), text);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod codec;
mod ice;
pub mod offer_answer;
mod parse;
mod security;
mod write;

use core::net::IpAddr;

pub use codec::Codec;
pub use ice::{Candidate, CandidateKind};
pub use offer_answer::Direction;
pub use parse::SdpError;
pub use security::{Crypto, Fingerprint, Setup};

/// Bytes in one description.
pub const MAX_DESCRIPTION: usize = 65_535;

/// m-lines in one description.
pub const MAX_MEDIA: usize = 64;

/// Attributes of the session or of one m-line.
pub const MAX_ATTRIBUTES: usize = 1_024;

/// A session description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionDescription {
    /// `o=`.
    pub origin: Origin,
    /// `s=`; `-` where there was none.
    pub name: String,
    /// `i=`, `u=`, `e=` and `p=`, with their letters.
    pub information: Vec<(char, String)>,
    /// `c=`.
    pub connection: Option<Connection>,
    /// `b=`.
    pub bandwidth: Vec<Bandwidth>,
    /// `t=`; one `0 0` where there was none.
    pub times: Vec<Time>,
    /// `a=` before the first m-line.
    pub attributes: Vec<Attribute>,
    /// The m-lines.
    pub media: Vec<Media>,
}

/// Who made a description, and which version of it this is (RFC 8866 §5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The user on the originating host, or `-`.
    pub username: String,
    /// Digits; some senders write more than fit 64 bits.
    pub session_id: String,
    /// Digits that grow with each change (RFC 3264 §8).
    pub session_version: String,
    /// Where the session was made.
    pub address: Connection,
}

impl Origin {
    /// An origin without user name.
    #[must_use]
    pub fn new(session_id: u64, session_version: u64, ip: IpAddr) -> Self {
        Self {
            username: "-".to_owned(),
            session_id: session_id.to_string(),
            session_version: session_version.to_string(),
            address: Connection::new(ip),
        }
    }

    /// The version as a number; 0 where it is none that fits.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.session_version.parse().unwrap_or(0)
    }
}

impl Default for Origin {
    fn default() -> Self {
        Self::new(0, 0, IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED))
    }
}

/// `IN IP4 …` (RFC 8866 §5.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// `IP4` or `IP6`.
    pub address_type: String,
    /// An address or a name, with `/ttl` where one came.
    pub address: String,
}

impl Connection {
    /// The connection to an address.
    #[must_use]
    pub fn new(ip: IpAddr) -> Self {
        let address_type = if ip.is_ipv4() { "IP4" } else { "IP6" };
        Self { address_type: address_type.to_owned(), address: ip.to_string() }
    }

    /// The address; none where it is a name.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.split('/').next()?.parse().ok()
    }
}

/// `b=` (RFC 8866 §5.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bandwidth {
    /// `AS`, `TIAS`, `RS`, …
    pub kind: String,
    /// Its number, in the unit of its kind.
    pub value: u64,
}

/// `t=` and its `r=` lines (RFC 8866 §5.9).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// NTP seconds.
    pub start: u64,
    /// NTP seconds.
    pub stop: u64,
    /// The values of `r=` lines.
    pub repeats: Vec<String>,
}

/// `a=name` or `a=name:value` (RFC 8866 §5.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The name, case-sensitive.
    pub name: String,
    /// What follows the colon.
    pub value: Option<String>,
}

impl Attribute {
    /// `a=name`.
    #[must_use]
    pub fn flag(name: &str) -> Self {
        Self { name: name.to_owned(), value: None }
    }

    /// `a=name:value`.
    #[must_use]
    pub fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: Some(value.into()) }
    }
}

/// An m-line and what belongs to it (RFC 8866 §5.14).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media {
    /// `audio`, `video`, `application`, `image`, …
    pub kind: String,
    /// The port; 0 refuses the m-line.
    pub port: u16,
    /// How many ports, where that is written.
    pub port_count: Option<u16>,
    /// `RTP/AVP`, `UDP/TLS/RTP/SAVPF`, …
    pub protocol: String,
    /// Payload types, or what the protocol makes of them.
    pub formats: Vec<String>,
    /// `i=`.
    pub title: Option<String>,
    /// `c=`.
    pub connection: Option<Connection>,
    /// `b=`.
    pub bandwidth: Vec<Bandwidth>,
    /// `a=`.
    pub attributes: Vec<Attribute>,
}

impl SessionDescription {
    /// A description without m-lines.
    #[must_use]
    pub fn new(origin: Origin) -> Self {
        Self { origin, name: "-".to_owned(), times: vec![Time::default()], ..Self::default() }
    }

    /// Reads a description.
    ///
    /// # Errors
    /// It is not SDP, an m-line cannot be read, or it is larger than the limits allow.
    pub fn parse(text: &str) -> Result<Self, SdpError> {
        parse::parse(text)
    }

    /// The first m-line of a kind that is not refused.
    #[must_use]
    pub fn first(&self, kind: &str) -> Option<&Media> {
        self.media.iter().find(|media| media.kind == kind && media.port != 0)
    }

    /// The value of a session attribute; empty for one without value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        value_of(&self.attributes, name)
    }

    /// Whether there is a session attribute of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// Where an m-line wants its packets: its own `c=` or the session's. None where that is a name.
    #[must_use]
    pub fn address_of(&self, media: &Media) -> Option<IpAddr> {
        media.connection.as_ref().or(self.connection.as_ref())?.ip()
    }

    /// Which way the sender of this description wants media to flow: the m-line's attribute, the session's, or both
    /// ways (RFC 8866 §6.7).
    #[must_use]
    pub fn direction_of(&self, media: &Media) -> Direction {
        media.direction().or_else(|| direction_in(&self.attributes)).unwrap_or(Direction::SendRecv)
    }

    /// The `mid`s of the first BUNDLE group (RFC 9143).
    #[must_use]
    pub fn bundle(&self) -> Vec<&str> {
        let groups = all_values(&self.attributes, "group");
        let mut bundle = groups.filter_map(|group| group.strip_prefix("BUNDLE"));
        bundle.next().map(|mids| mids.split_whitespace().collect()).unwrap_or_default()
    }

    /// The value of a media attribute, or of the session's where the m-line has none.
    fn inherited<'a>(&'a self, media: &'a Media, name: &str) -> Option<&'a str> {
        media.attribute(name).or_else(|| self.attribute(name))
    }
}

impl Media {
    /// The value of an attribute; empty for one without value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        value_of(&self.attributes, name)
    }

    /// The values of all attributes of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        all_values(&self.attributes, name)
    }

    /// Whether there is an attribute of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// Adds an attribute.
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.attributes.push(Attribute::new(name, value));
    }

    /// Adds an attribute without value.
    pub fn push_flag(&mut self, name: &str) {
        self.attributes.push(Attribute::flag(name));
    }

    /// Its own direction attribute.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        direction_in(&self.attributes)
    }

    /// Replaces its direction attribute.
    pub fn set_direction(&mut self, direction: Direction) {
        self.attributes.retain(|attribute| Direction::of(&attribute.name).is_none());
        self.push_flag(direction.as_str());
    }

    /// `a=mid` (RFC 5888).
    #[must_use]
    pub fn mid(&self) -> Option<&str> {
        self.attribute("mid")
    }

    /// `a=ptime` in milliseconds. Some senders write a fraction, which is dropped.
    #[must_use]
    pub fn ptime(&self) -> Option<u32> {
        leading_number(self.attribute("ptime")?)
    }

    /// `a=maxptime` in milliseconds.
    #[must_use]
    pub fn max_ptime(&self) -> Option<u32> {
        leading_number(self.attribute("maxptime")?)
    }

    /// Whether RTP and RTCP share a port (RFC 5761).
    #[must_use]
    pub fn has_rtcp_mux(&self) -> bool {
        self.has("rtcp-mux")
    }

    /// `a=rtcp` (RFC 3605): the port, and the address where one is written.
    #[must_use]
    pub fn rtcp(&self) -> Option<(u16, Option<IpAddr>)> {
        let mut words = self.attribute("rtcp")?.split_whitespace();
        let port = words.next()?.parse().ok()?;
        Some((port, words.nth(2).and_then(|address| address.parse().ok())))
    }
}

fn value_of<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    let attribute = attributes.iter().find(|attribute| attribute.name == name)?;
    Some(attribute.value.as_deref().unwrap_or_default())
}

fn all_values<'a>(attributes: &'a [Attribute], name: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
    let named = attributes.iter().filter(move |attribute| attribute.name == name);
    named.map(|attribute| attribute.value.as_deref().unwrap_or_default())
}

fn direction_in(attributes: &[Attribute]) -> Option<Direction> {
    attributes.iter().find_map(|attribute| Direction::of(&attribute.name))
}

fn leading_number(text: &str) -> Option<u32> {
    let text = text.trim_start();
    let length = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.get(..length)?.parse().ok()
}
