//! ICE in descriptions (RFC 8839): credentials, candidates, options.

use core::net::IpAddr;

use super::{Media, SessionDescription};

/// The type of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateKind {
    /// An address of the host itself.
    Host,
    /// As a STUN server sees it.
    ServerReflexive,
    /// As the other agent sees it.
    PeerReflexive,
    /// On a TURN server.
    Relayed,
}

/// `a=candidate` (RFC 8839 §5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Groups candidates of equal kind, base and server.
    pub foundation: String,
    /// 1 for RTP, 2 for RTCP.
    pub component: u16,
    /// `udp` or `tcp`, as it was spelt.
    pub transport: String,
    /// Higher is better.
    pub priority: u32,
    /// An address, or a name of multicast DNS.
    pub address: String,
    /// The port.
    pub port: u16,
    /// The type.
    pub kind: CandidateKind,
    /// Whatever follows the type: `raddr`, `tcptype`, `generation`, …, as it came.
    pub extensions: String,
}

impl Candidate {
    /// The address; none where it is a name.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.parse().ok()
    }

    /// Reads the value of the attribute, as it stands behind `candidate:`.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let foundation = words.next()?.to_owned();
        let component = words.next()?.parse().ok()?;
        let transport = words.next()?.to_owned();
        let priority = words.next()?.parse().ok()?;
        let (address, port) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        let kind = match (words.next()?, words.next()?) {
            ("typ", "host") => CandidateKind::Host,
            ("typ", "srflx") => CandidateKind::ServerReflexive,
            ("typ", "prflx") => CandidateKind::PeerReflexive,
            ("typ", "relay") => CandidateKind::Relayed,
            _ => return None,
        };
        let extensions = words.collect::<Vec<_>>().join(" ");
        Some(Self { foundation, component, transport, priority, address, port, kind, extensions })
    }
}

impl Media {
    /// Its candidates; those that cannot be read are passed over (RFC 8839 §5.1).
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate> {
        self.all("candidate").filter_map(Candidate::parse).collect()
    }
}

impl SessionDescription {
    /// The ICE user fragment and password of an m-line, its own or the session's.
    #[must_use]
    pub fn ice_credentials<'a>(&'a self, media: &'a Media) -> Option<(&'a str, &'a str)> {
        Some((self.inherited(media, "ice-ufrag")?, self.inherited(media, "ice-pwd")?))
    }

    /// Whether the sender implements ICE in its light form.
    #[must_use]
    pub fn is_ice_lite(&self) -> bool {
        self.has("ice-lite")
    }

    /// Whether candidates may follow by other ways (RFC 8840).
    #[must_use]
    pub fn has_trickle(&self, media: &Media) -> bool {
        let options = self.inherited(media, "ice-options").unwrap_or_default();
        options.split_ascii_whitespace().any(|option| option == "trickle")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_of_browsers_are_read() {
        let chromium = "1467250027 1 udp 2122260223 192.0.2.7 46243 typ host generation 0 network-id 1";
        let firefox = "0 1 UDP 2122252543 8b5f5b2c-7b5c.local 40678 typ host";
        let tcp = "3 1 TCP 2105524479 2001:db8::7 9 typ host tcptype active";

        let candidate = Candidate::parse(chromium).unwrap();
        assert_eq!((candidate.priority, candidate.port), (2_122_260_223, 46_243));
        assert_eq!(candidate.ip(), "192.0.2.7".parse().ok());
        assert_eq!(candidate.extensions, "generation 0 network-id 1");
        assert_eq!(Candidate::parse(firefox).unwrap().ip(), None);
        assert_eq!(Candidate::parse(tcp).unwrap().extensions, "tcptype active");
    }

    #[test]
    fn broken_candidates_are_none() {
        for value in ["", "1 1 udp", "1 1 udp 1 a 70000 typ host", "1 1 udp 1 a 7 typ odd", "1 1 udp 1 a 7 kind host"] {
            assert_eq!(Candidate::parse(value), None, "{value}");
        }
    }
}
