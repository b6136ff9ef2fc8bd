//! What a PBX may have of us: codecs, whose order counts where several are in common, and whether RTP is encrypted.

use super::B2bua;
use super::config::Config;
use super::sdp_bridge::OpusUse;
use crate::codec::Rate;
use crate::media::control::{MediaId, SrtpKey, TrunkCodec};
use sip_core::Entropy;
use std::sync::Arc;

/// The terms of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Offered in this order, and none beside them.
    pub(super) codecs: Arc<[TrunkCodec]>,
    pub(super) chooser: Chooser,
    pub(super) srtp: Srtp,
    /// What our packets are encrypted with, where they are: another one in each call, and for each PBX that is tried.
    pub(super) key: SrtpKey,
}

/// Who chooses among the codecs that a PBX offers. In its answers to our offers it always does (RFC 3264 §7): what it names
/// first is what it will send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chooser {
    /// Its first that we have: nobody has said anything else.
    Pbx,
    /// Our first that it has: the operator has written an order.
    Relay,
}

/// Whether RTP with a PBX is encrypted by keys in the descriptions (SDES, RFC 4568).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Srtp {
    /// Never; who offers nothing else is refused.
    #[default]
    Off,
    /// Where the PBX can: keys are offered beside plain RTP (RFC 8643).
    Optional,
    /// Always; who cannot is refused.
    Required,
}

impl Terms {
    /// What becomes of the browser's Opus, as far as is known before the PBX has said anything. A browser is answered before
    /// its PBX, so the whole band is asked for wherever the PBX may take it.
    pub(super) fn opus(&self) -> OpusUse {
        match self.codecs.first() {
            _ if self.codecs.contains(&TrunkCodec::Opus) => OpusUse::Passed(None),
            first => OpusUse::Transcoded(first.map_or(Rate::Narrow, |codec| codec.rate())),
        }
    }
}

impl B2bua {
    /// The terms of a call.
    pub(super) fn terms(&mut self, id: MediaId) -> Terms {
        match self.calls.call(id) {
            Some(call) => call.terms.clone(),
            None => self.config.terms(None, &mut self.entropy),
        }
    }
}

impl Config {
    /// The terms of a call at a trunk: its own, else those of all trunks.
    pub(super) fn terms(&self, trunk: Option<usize>, entropy: &mut Entropy) -> Terms {
        let trunk = trunk.and_then(|trunk| self.trunks.get(trunk));
        let (codecs, chooser) = match trunk.and_then(|trunk| trunk.codecs.clone()) {
            Some(codecs) => (codecs, Chooser::Relay),
            None => (Arc::clone(&self.codecs), Chooser::Pbx),
        };
        let srtp = trunk.map_or(Srtp::Off, |trunk| trunk.srtp);
        Terms { codecs, chooser, srtp, key: SrtpKey::new(entropy.bytes()) }
    }
}
