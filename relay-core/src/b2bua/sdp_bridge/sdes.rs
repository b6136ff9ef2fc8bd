//! Keys in descriptions (SDES, RFC 4568): one suite, AES_CM_128_HMAC_SHA1_80, which every implementation has (§6.2).

use super::SdpFault;
use crate::b2bua::terms::Srtp;
use crate::media::control::SrtpKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sip_core::sdp::{Crypto, Media};

const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";
/// Of the only key that we offer.
pub(super) const OUR_TAG: u32 = 1;

/// The other side's first key that we can use, with its tag. Those with an index of master keys, or with wishes for their
/// session that we would have to know (§6.3), are passed over.
pub(super) fn key_of(media: &Media) -> Option<(u32, SrtpKey)> {
    media.crypto().iter().find_map(|crypto| Some((crypto.tag, usable(crypto)?)))
}

fn usable(crypto: &Crypto) -> Option<SrtpKey> {
    let may_ignore = |parameter: &String| parameter.starts_with('-') || parameter.starts_with("WSH=");
    if crypto.suite != SUITE || !crypto.parameters.iter().all(may_ignore) {
        return None;
    }
    let mut parts = crypto.key.split('|');
    let key = SrtpKey::read(&STANDARD.decode(parts.next()?).ok()?)?;
    // A lifetime is longer than any call; an index has a colon.
    parts.all(|part| !part.contains(':')).then_some(key)
}

/// Our key as an attribute.
pub(super) fn push_key(media: &mut Media, tag: u32, key: &SrtpKey) {
    let (suite, key) = (SUITE.to_owned(), STANDARD.encode(key.bytes()));
    media.push("crypto", Crypto { tag, suite, key, parameters: Vec::new() }.to_string());
}

impl Srtp {
    /// The profile of our offers. Keys beside plain RTP are an offer that everybody understands (RFC 8643).
    pub(super) const fn profile(self) -> &'static str {
        if matches!(self, Self::Required) { "RTP/SAVP" } else { "RTP/AVP" }
    }

    /// What is wrong with an offer of RTP that is not taken.
    pub(super) const fn refusal(self) -> SdpFault {
        if matches!(self, Self::Off) { SdpFault::Encrypted } else { SdpFault::NoKey }
    }

    /// Whether a PBX may describe its RTP like this; feedback profiles are taken as well, nobody is obliged to send any
    /// (RFC 4585 §3.6.2).
    pub(super) fn takes(self, media: &Media) -> bool {
        let has_key = self != Self::Off && key_of(media).is_some();
        match media.protocol.as_str() {
            "RTP/AVP" | "RTP/AVPF" => has_key || self != Self::Required,
            "RTP/SAVP" | "RTP/SAVPF" => has_key,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_core::sdp::SessionDescription;

    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    fn media(rows: &str) -> Media {
        let text = format!("v=0\r\nm=audio 4000 RTP/SAVP 0\r\n{rows}");
        SessionDescription::parse(&text).unwrap().media.remove(0)
    }

    #[test]
    fn the_first_key_that_we_know_everything_about_is_taken() {
        let rows = format!(
            "a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}\r\n\
             a=crypto:2 {SUITE} inline:{KEY}|2^20|1:4\r\n\
             a=crypto:3 {SUITE} inline:{KEY} UNENCRYPTED_SRTP\r\n\
             a=crypto:4 {SUITE} inline:c2hvcnQ=\r\n\
             a=crypto:5 {SUITE} inline:{KEY}|2^20 WSH=64\r\n"
        );
        let (tag, key) = key_of(&media(&rows)).unwrap();
        assert_eq!((tag, STANDARD.encode(key.bytes())), (5, KEY.to_owned()));
        assert_eq!(format!("{key:?}"), "SrtpKey", "it is in no log");
    }

    #[test]
    fn what_is_written_reads_back() {
        let key = SrtpKey::new([7; 32]);
        let mut ours = media("");
        push_key(&mut ours, 3, &key);
        assert_eq!(key_of(&ours), Some((3, key)));
    }
}
