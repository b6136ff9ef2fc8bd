//! STUN Binding as ICE needs it (RFC 8489, RFC 8445 §7): read in place, answered into a caller's buffer.
//!
//! What it does not do: any other method, long-term credentials, sending requests (a lite agent never does).

use core::net::{IpAddr, SocketAddr};
use ring::hmac;

const HEADER: usize = 20;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const REQUEST: u16 = 0x0001;
const SUCCESS: u16 = 0x0101;
const ERROR: u16 = 0x0111;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;

const INTEGRITY_SIZE: usize = 20;
const FINGERPRINT_MASK: u32 = 0x5354_554E;

/// The longest answer written here.
pub(super) const MAX_ANSWER: usize = 128;

/// A Binding request, as it came; nothing in it is to be believed before [`Request::is_authentic`].
#[derive(Debug)]
pub(super) struct Request<'a> {
    bytes: &'a [u8],
    transaction: [u8; 12],
    /// The two fragments of USERNAME: ours, then the sender's (RFC 8445 §7.2.2).
    pub(super) ufrags: (&'a str, &'a str),
    pub(super) use_candidate: bool,
    /// The sender takes the controlled role.
    pub(super) controlled: bool,
    /// The first attribute that we would have to understand, and do not.
    pub(super) unknown: Option<u16>,
    integrity_at: usize,
}

/// Why a datagram is not a usable Binding request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StunError {
    /// Broken framing, wrong FINGERPRINT, or a mandatory attribute is missing.
    Malformed,
    /// Well-formed, but something we have no use for: an indication, an answer, another method.
    NotARequest,
}

/// A HMAC key from an ICE password (RFC 8489 §9.1.1).
pub(super) fn key(pwd: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, pwd.as_bytes())
}

impl<'a> Request<'a> {
    /// Reads a request that carries USERNAME, MESSAGE-INTEGRITY and a correct FINGERPRINT.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, StunError> {
        let (header, rest) = bytes.split_at_checked(HEADER).ok_or(StunError::Malformed)?;
        if header.get(4..8) != Some(&COOKIE) || usize::from(word(header, 2)) != rest.len() {
            return Err(StunError::Malformed);
        }
        if word(header, 0) != REQUEST {
            return Err(StunError::NotARequest);
        }
        let transaction = header.last_chunk().copied().ok_or(StunError::Malformed)?;
        let (use_candidate, controlled, unknown) = (false, false, None);
        let mut request =
            Self { bytes, transaction, ufrags: ("", ""), use_candidate, controlled, unknown, integrity_at: 0 };
        request.read_attributes(rest)?;
        Ok(request)
    }

    /// Whether MESSAGE-INTEGRITY was made with `key`.
    pub(super) fn is_authentic(&self, key: &hmac::Key) -> bool {
        let Some(tag) = self.bytes.get(self.integrity_at + 4..self.integrity_at + 4 + INTEGRITY_SIZE) else {
            return false;
        };
        // The length that counts is that of a message ending with MESSAGE-INTEGRITY (RFC 8489 §14.5).
        let length = (self.integrity_at + 4 + INTEGRITY_SIZE - HEADER) as u16;
        let mut context = hmac::Context::with_key(key);
        context.update(self.bytes.get(..2).unwrap_or_default());
        context.update(&length.to_be_bytes());
        context.update(self.bytes.get(4..self.integrity_at).unwrap_or_default());
        rtc_dtls::crypto_provider::constant_time_eq(context.sign().as_ref(), tag)
    }

    /// The answer that makes a check succeed (RFC 8445 §7.3.1).
    pub(super) fn success(&self, source: SocketAddr, key: &hmac::Key) -> Answer {
        let mut answer = Answer::new(SUCCESS, self.transaction);
        answer.mapped_address(source);
        answer.finish(key)
    }

    /// 487: a full agent that faces a lite one must control (RFC 8445 §6.1.1, §7.3.1.1).
    pub(super) fn role_conflict(&self, key: &hmac::Key) -> Answer {
        let mut answer = Answer::new(ERROR, self.transaction);
        answer.attribute(ERROR_CODE, b"\0\0\x04\x57Role Conflict");
        answer.finish(key)
    }

    /// 420: an attribute that must be understood is not (RFC 8489 §6.3.1).
    pub(super) fn unknown_attribute(&self, attribute: u16, key: &hmac::Key) -> Answer {
        let mut answer = Answer::new(ERROR, self.transaction);
        answer.attribute(ERROR_CODE, b"\0\0\x04\x14Unknown Attribute");
        answer.attribute(UNKNOWN_ATTRIBUTES, &attribute.to_be_bytes());
        answer.finish(key)
    }

    fn read_attributes(&mut self, mut rest: &'a [u8]) -> Result<(), StunError> {
        let mut fingerprinted = false;
        while !rest.is_empty() {
            let at = self.bytes.len() - rest.len();
            let (head, tail) = rest.split_at_checked(4).ok_or(StunError::Malformed)?;
            let (kind, length) = (word(head, 0), usize::from(word(head, 2)));
            let value = tail.get(..length).ok_or(StunError::Malformed)?;
            rest = tail.get(length.next_multiple_of(4)..).ok_or(StunError::Malformed)?;
            match kind {
                FINGERPRINT => fingerprinted = rest.is_empty() && self.has_fingerprint(at, value),
                // What follows MESSAGE-INTEGRITY is not protected and does not count (§14.5).
                _ if self.integrity_at != 0 => {}
                MESSAGE_INTEGRITY if length == INTEGRITY_SIZE => self.integrity_at = at,
                USERNAME => self.ufrags = ufrags(value).ok_or(StunError::Malformed)?,
                USE_CANDIDATE => self.use_candidate = true,
                ICE_CONTROLLED => self.controlled = true,
                PRIORITY => {}
                _ if kind < 0x8000 => self.unknown = self.unknown.or(Some(kind)),
                _ => {}
            }
        }
        let complete = fingerprinted && self.integrity_at != 0 && !self.ufrags.0.is_empty();
        if complete { Ok(()) } else { Err(StunError::Malformed) }
    }

    fn has_fingerprint(&self, at: usize, value: &[u8]) -> bool {
        let crc = crc32(self.bytes.get(..at).unwrap_or_default()) ^ FINGERPRINT_MASK;
        value == crc.to_be_bytes()
    }
}

/// An answer under construction, then ready to send.
#[derive(Debug)]
pub(super) struct Answer {
    bytes: [u8; MAX_ANSWER],
    length: usize,
}

impl Answer {
    fn new(kind: u16, transaction: [u8; 12]) -> Self {
        let mut answer = Self { bytes: [0; MAX_ANSWER], length: 0 };
        answer.push(&kind.to_be_bytes());
        answer.push(&[0, 0]);
        answer.push(&COOKIE);
        answer.push(&transaction);
        answer
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn push(&mut self, bytes: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.length..self.length + bytes.len()) {
            room.copy_from_slice(bytes);
            self.length += bytes.len();
        }
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.push(&kind.to_be_bytes());
        self.push(&(value.len() as u16).to_be_bytes());
        self.push(value);
        self.push([0; 3].get(..value.len().next_multiple_of(4) - value.len()).unwrap_or_default());
    }

    /// RFC 8489 §14.2.
    fn mapped_address(&mut self, address: SocketAddr) {
        let port = (address.port() ^ 0x2112).to_be_bytes();
        match address.ip() {
            IpAddr::V4(ip) => {
                let ip = (u32::from(ip) ^ u32::from_be_bytes(COOKIE)).to_be_bytes();
                let mut value = [0, 1, port[0], port[1], 0, 0, 0, 0];
                value[4..].copy_from_slice(&ip);
                self.attribute(XOR_MAPPED_ADDRESS, &value);
            }
            IpAddr::V6(ip) => {
                let mut value = [0; 20];
                value[..4].copy_from_slice(&[0, 2, port[0], port[1]]);
                value[4..].copy_from_slice(&ip.octets());
                let mask: [u8; 16] =
                    self.bytes.get(4..HEADER).and_then(|mask| mask.try_into().ok()).unwrap_or_default();
                value[4..].iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
                self.attribute(XOR_MAPPED_ADDRESS, &value);
            }
        }
    }

    fn finish(mut self, key: &hmac::Key) -> Self {
        self.announce(4 + INTEGRITY_SIZE);
        let tag = hmac::sign(key, self.as_bytes());
        self.attribute(MESSAGE_INTEGRITY, tag.as_ref());
        self.announce(8);
        let crc = crc32(self.as_bytes()) ^ FINGERPRINT_MASK;
        self.attribute(FINGERPRINT, &crc.to_be_bytes());
        self
    }

    /// Sets the message length to what is there plus `coming`.
    fn announce(&mut self, coming: usize) {
        let length = ((self.length - HEADER + coming) as u16).to_be_bytes();
        self.bytes[2..4].copy_from_slice(&length);
    }
}

fn ufrags(username: &[u8]) -> Option<(&str, &str)> {
    core::str::from_utf8(username).ok()?.split_once(':').filter(|(ours, _)| !ours.is_empty())
}

fn word(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// The CRC of ITU V.42 (RFC 8489 §14.7).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| (crc >> 8) ^ CRC[usize::from(crc as u8 ^ *byte)])
}

static CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xEDB8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 §2.1, without its SOFTWARE text changed: the published sample request.
    const SAMPLE: &[u8] = b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
        \x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\
        \x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20\
        \x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\
        \x80\x28\x00\x04\xe5\x7a\x3b\xcf";

    #[test]
    fn the_sample_request_of_rfc_5769_is_authentic() {
        let request = Request::parse(SAMPLE).unwrap();

        assert_eq!(request.ufrags, ("evtj", "h6vY"));
        assert!(request.controlled && !request.use_candidate && request.unknown.is_none());
        assert!(request.is_authentic(&key("VOkJxbRl1RmTxUk/WvJxBt")));
        assert!(!request.is_authentic(&key("VOkJxbRl1RmTxUk/WvJxBT")));
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        for at in 0..SAMPLE.len() {
            let mut bytes = SAMPLE.to_vec();
            bytes[at] ^= 0x40;
            let authentic =
                Request::parse(&bytes).is_ok_and(|request| request.is_authentic(&key("VOkJxbRl1RmTxUk/WvJxBt")));
            assert!(!authentic, "byte {at}");
        }
    }

    #[test]
    fn the_answer_reads_back_with_another_implementation() {
        use rtc_stun::integrity::MessageIntegrity;
        use rtc_stun::message::{Getter, Message};
        let request = Request::parse(SAMPLE).unwrap();
        for source in ["192.0.2.1:32853", "[2001:db8:1234:5678:11:2233:4455:6677]:32853"] {
            let source: SocketAddr = source.parse().unwrap();
            let answer = request.success(source, &key("VOkJxbRl1RmTxUk/WvJxBt"));

            let mut message = Message::new();
            message.unmarshal_binary(answer.as_bytes()).unwrap();
            let mut mapped = rtc_stun::xoraddr::XorMappedAddress::default();
            mapped.get_from(&message).unwrap();
            let provider = rtc_dtls::crypto_provider::default_provider().unwrap();
            MessageIntegrity::check(&mut message, b"VOkJxbRl1RmTxUk/WvJxBt", provider.crypto()).unwrap();
            rtc_stun::fingerprint::FINGERPRINT.check(&message).unwrap();
            assert_eq!(SocketAddr::new(mapped.ip, mapped.port), source);
        }
    }
}
