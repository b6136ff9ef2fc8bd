//! Codecs that are not built in: the shell brings them, from libraries that the operator has installed.
//!
//! G.729's one free implementation is under a licence that ours must not inherit, and Speex is C that few need: neither is
//! linked or shipped. What is not installed is not offered.

use super::{CodecError, Decoder, Encoder, OpusSettings, Rate};
use core::fmt::Debug;
use std::sync::Arc;

/// A codec that a library may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstalledCodec {
    /// ITU-T G.729 Annex A, without Annex B.
    G729,
    /// RFC 5574, at 8 or 16 kHz.
    Speex(Rate),
}

/// What is installed.
pub trait InstalledCodecs: Debug + Send + Sync {
    /// Whether this codec is there.
    fn has(&self, codec: InstalledCodec) -> bool;

    /// A fresh encoder.
    ///
    /// # Errors
    /// [`CodecError::Unavailable`] where it is not installed or has no memory.
    fn encoder(&self, codec: InstalledCodec) -> Result<Box<dyn Encoder>, CodecError>;

    /// A fresh decoder.
    ///
    /// # Errors
    /// As for [`encoder`](Self::encoder).
    fn decoder(&self, codec: InstalledCodec) -> Result<Box<dyn Decoder>, CodecError>;
}

/// What codecs are made of in this process.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    /// How our Opus encoder spends its time and bits.
    pub opus: OpusSettings,
    /// What libraries bring; none: nothing.
    pub installed: Option<Arc<dyn InstalledCodecs>>,
}

impl Shelf {
    pub(crate) fn encoder(&self, codec: InstalledCodec) -> Result<Box<dyn Encoder>, CodecError> {
        self.installed.as_ref().ok_or(CodecError::Unavailable)?.encoder(codec)
    }

    pub(crate) fn decoder(&self, codec: InstalledCodec) -> Result<Box<dyn Decoder>, CodecError> {
        self.installed.as_ref().ok_or(CodecError::Unavailable)?.decoder(codec)
    }
}
