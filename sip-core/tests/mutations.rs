//! Mutated bytes never make a parser panic, and what it accepts it can write and read again.
//!
//! Seeded and bounded: the same mutations on every run. `SIP_MUTATIONS=100 cargo test --release` tries a hundred times
//! as many.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

use sip_core::Entropy;
use sip_core::message::{Authorization, Challenge, HeaderName, Message, NameAddr, Uri, Via};
use sip_core::sdp::{Candidate, Crypto, Fingerprint, SessionDescription};

const MESSAGES: [&[u8]; 8] = [
    include_bytes!("data/rfc4475/wsinv.dat"),
    include_bytes!("data/rfc4475/intmeth.dat"),
    include_bytes!("data/rfc4475/esc01.dat"),
    include_bytes!("data/rfc4475/unreason.dat"),
    include_bytes!("data/rfc4475/multi01.dat"),
    include_bytes!("data/rfc4475/mpart01.dat"),
    include_bytes!("data/invite-chromium.sip"),
    include_bytes!("data/rfc4475/badvers.dat"),
];

const URIS: [&str; 5] = [
    "sip:alice:secret@[2001:db8::1]:5060;transport=ws;lr?Subject=a%20b&X=y",
    "sips:%61lice;x=1@atlanta.example.com:5061;maddr=192.0.2.1",
    "tel:+1-201-555-0123;phone-context=example.com",
    "urn:service:sos.fire",
    "\"A \\\" B\" <sip:a@b;c=d>;tag=e;+sip.instance=\"<urn:uuid:1>\";q=0.5",
];

const CHALLENGES: [&str; 3] = [
    r#"Digest realm="a \"b\"", nonce="84a4cc6f", opaque="x", stale=TRUE, algorithm=SHA-256, qop="auth,auth-int""#,
    r#"Digest username="bob", realm="r", nonce="n", uri="sip:a", response="0f", cnonce="c", qop=auth, nc=0000000a"#,
    r#"Digest realm="a", nonce="1", Basic realm="b", Digest realm=c,nonce=2"#,
];

/// Bytes that parsers look for.
const SPICE: &[u8] = b"\r\n\0 \t:;,<>\"\\%@?=&/[]()*-+.0a\x7f\xc3\xff";

/// How many mutations a test tries.
fn rounds(usual: usize) -> core::ops::Range<usize> {
    let factor = std::env::var("SIP_MUTATIONS").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    0..usual * factor
}

/// Turns numbers into mutations.
struct Mutator {
    entropy: Entropy,
    pool: Vec<u8>,
}

impl Mutator {
    fn new(seed: u8) -> Self {
        Self { entropy: Entropy::new([seed; 32]), pool: Vec::new() }
    }

    fn below(&mut self, limit: usize) -> usize {
        if self.pool.len() < 4 {
            self.pool.extend(self.entropy.bytes());
        }
        let number = self.pool.drain(..4).fold(0, |number, byte| number << 8 | usize::from(byte));
        number % limit.max(1)
    }

    /// One to four changes: a byte replaced, bytes removed, doubled, or moved from elsewhere, the end cut off.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let (at, length) = (self.below(bytes.len()), self.below(12));
            let end = (at + length).min(bytes.len());
            let spice = SPICE[self.below(SPICE.len())];
            match self.below(6) {
                0 => bytes.insert(at, spice),
                1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = spice),
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let copy: Vec<_> = bytes[at..end].repeat(1 + length % 3);
                    bytes.splice(at..at, copy);
                }
                4 => {
                    let from = self.below(bytes.len());
                    let copy: Vec<_> = bytes.iter().skip(from).take(length).copied().collect();
                    bytes.splice(at..end, copy);
                }
                _ => bytes.truncate(bytes.len() - length.min(bytes.len())),
            }
        }
    }

    fn mutated(&mut self, original: &[u8]) -> Vec<u8> {
        let mut bytes = original.to_vec();
        self.mutate(&mut bytes);
        bytes
    }
}

fn read_everything(message: &Message) {
    let headers = message.headers();
    let _ = (headers.vias(), headers.from(), headers.to(), headers.contacts(), headers.call_id(), headers.cseq());
    let _ = (headers.routes(), headers.record_routes(), headers.require(), headers.supported(), headers.content_type());
    let _ = (
        headers.max_forwards(),
        headers.expires(),
        headers.retry_after(),
        headers.reason(),
        headers.rack(),
        headers.rseq(),
    );
    let _ = (headers.challenges(&HeaderName::WwwAuthenticate), headers.parameterized(&HeaderName::SessionExpires));
}

#[test]
fn mutated_messages_are_refused_or_read_back() {
    let mut mutator = Mutator::new(1);
    let mut accepted = 0;
    for round in rounds(20_000) {
        let bytes = mutator.mutated(MESSAGES[round % MESSAGES.len()]);
        match Message::parse(&bytes) {
            Ok(message) => {
                accepted += 1;
                read_everything(&message);
                let written = message.write();
                assert_eq!(Message::parse(&written).as_ref(), Ok(&message), "{}", bytes.escape_ascii());
            }
            Err(error) => {
                if let (Some(request), Some(status)) = (error.request(), error.status()) {
                    let _ = request.reply(status, Some("t")).write();
                }
            }
        }
    }
    assert!(accepted > 2_000, "{accepted}");
}

#[test]
fn mutated_uris_and_addresses_are_refused_or_read_back() {
    let mut mutator = Mutator::new(2);
    for round in rounds(80_000) {
        let bytes = mutator.mutated(URIS[round % URIS.len()].as_bytes());
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(uri) = text.parse::<Uri>() {
            assert_eq!(uri.to_string().parse().as_ref(), Ok(&uri), "{text}");
            assert!(uri.matches(&uri), "{text}");
        }
        if let Ok(address) = text.parse::<NameAddr>() {
            assert_eq!(address.to_string().parse().as_ref(), Ok(&address), "{text}");
            let _ = (address.q(), address.expires(), address.uri.user_text());
        }
        let hop = format!("SIP/2.0/UDP {text}");
        if let Ok(via) = hop.parse::<Via>() {
            assert_eq!(via.to_string().parse().as_ref(), Ok(&via), "{text}");
        }
    }
}

#[test]
fn mutated_challenges_and_credentials_are_refused_or_read_back() {
    let mut mutator = Mutator::new(3);
    for round in rounds(60_000) {
        let bytes = mutator.mutated(CHALLENGES[round % CHALLENGES.len()].as_bytes());
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(challenge) = text.parse::<Challenge>() {
            assert!(challenge.to_string().parse::<Challenge>().is_ok(), "{text}");
        }
        if let Ok(credentials) = text.parse::<Authorization>() {
            assert!(credentials.to_string().parse::<Authorization>().is_ok(), "{text}");
        }
    }
}

#[test]
fn mutated_descriptions_are_refused_or_read_back() {
    let offers =
        [include_bytes!("data/sdp/chromium.sdp").as_slice(), include_bytes!("data/sdp/asterisk.sdp").as_slice()];
    let mut mutator = Mutator::new(4);
    for round in rounds(6_000) {
        let bytes = mutator.mutated(offers[round % offers.len()]);
        let text = String::from_utf8_lossy(&bytes);
        let Ok(description) = SessionDescription::parse(&text) else {
            continue;
        };
        assert_eq!(SessionDescription::parse(&description.to_string()), Ok(description.clone()), "{text}");
        for media in &description.media {
            let _ =
                (media.codecs(), media.candidates(), media.crypto(), media.ptime(), media.rtcp(), media.direction());
            let _ = (description.fingerprints(media), description.setup(media), description.ice_credentials(media));
            let _ = (description.direction_of(media), description.address_of(media), description.has_trickle(media));
        }
        for line in text.lines() {
            let _ = (Candidate::parse(line), Crypto::parse(line), Fingerprint::parse(line));
        }
    }
}
