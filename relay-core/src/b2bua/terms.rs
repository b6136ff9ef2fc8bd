//! What may be spoken with a PBX, and whose order counts where several codecs are in common.

use super::B2bua;
use super::config::Config;
use super::sdp_bridge::OpusUse;
use crate::codec::Rate;
use crate::media::control::{MediaId, TrunkCodec};
use std::sync::Arc;

/// The codecs of one trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CodecOrder {
    /// Offered in this order, and none beside them.
    pub(super) codecs: Arc<[TrunkCodec]>,
    pub(super) chooser: Chooser,
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

impl CodecOrder {
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
    /// What may be spoken with the PBX of a call.
    pub(super) fn codecs(&self, id: MediaId) -> CodecOrder {
        self.calls.call(id).map_or_else(|| self.config.codec_order(None), |call| call.codecs.clone())
    }
}

impl Config {
    /// What a trunk's calls may speak: its own order, else that of all trunks.
    pub(super) fn codec_order(&self, trunk: Option<usize>) -> CodecOrder {
        match trunk.and_then(|trunk| self.trunks.get(trunk)?.codecs.clone()) {
            Some(codecs) => CodecOrder { codecs, chooser: Chooser::Relay },
            None => CodecOrder { codecs: Arc::clone(&self.codecs), chooser: Chooser::Pbx },
        }
    }
}
