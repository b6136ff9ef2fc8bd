//! What is asked of the DNS, and what it says: the records that lead to a PBX (RFC 3263).

use core::net::{Ipv4Addr, Ipv6Addr};
use sip_core::Duration;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// A domain name, in small letters.
    pub name: String,
    /// What about it.
    pub kind: RecordKind,
}

/// The types of records that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordKind {
    /// Which transports a domain has (RFC 3403).
    Naptr,
    /// Which hosts serve a domain by one transport (RFC 2782).
    Srv,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
}

/// Records and how long they are true. None is an answer too: there are none of this kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// In the order in which they came.
    pub records: Vec<Record>,
    /// The shortest time of any of them, or that of the negative answer.
    pub ttl: Duration,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record {
    /// RFC 3403.
    Naptr {
        /// Lower ones must be used first.
        order: u16,
        /// Lower ones should be used first.
        preference: u16,
        /// `s` leads to SRV records.
        flags: String,
        /// `SIP+D2U`, `SIPS+D2T`.
        service: String,
        /// Where to go on.
        replacement: String,
    },
    /// RFC 2782.
    Srv {
        /// Lower ones are used first.
        priority: u16,
        /// Among equals, how often.
        weight: u16,
        /// The port.
        port: u16,
        /// The host; `.` says that the service is not there.
        target: String,
    },
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
}
