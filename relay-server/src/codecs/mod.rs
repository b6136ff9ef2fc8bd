//! Codecs from libraries that the operator has installed, loaded at run time (see `relay_core::codec::InstalledCodecs`).
//!
//! Neither linked nor shipped: libbcg729 is GPL-3, and most relays need neither. A library is loaded once, for the life of
//! the process.

mod bcg729;
mod speex;
mod speex_frames;

use bcg729::Bcg729;
use libloading::Library;
use relay_core::codec::{CodecError, Decoder, Encoder, InstalledCodec, InstalledCodecs};
use relay_core::media::control::TrunkCodec;
use speex::Speex;
use std::sync::Arc;

/// The libraries that are there.
#[derive(Debug)]
pub struct Installed {
    bcg729: Option<Arc<Bcg729>>,
    speex: Option<Arc<Speex>>,
}

impl Installed {
    /// Loads what `wanted` needs and this system has.
    #[must_use]
    pub fn load(wanted: &[TrunkCodec]) -> Self {
        let wants = |is: fn(InstalledCodec) -> bool| wanted.iter().filter_map(|codec| codec.installed()).any(is);
        let g729 = wants(|codec| codec == InstalledCodec::G729);
        let speex = wants(|codec| matches!(codec, InstalledCodec::Speex(_)));
        Self {
            bcg729: g729.then(Bcg729::load).and_then(|found| told("G.729", found)),
            speex: speex.then(Speex::load).and_then(|found| told("Speex", found)),
        }
    }

    /// Of `wanted`, what can be spoken: all that is built in, and what is installed.
    #[must_use]
    pub fn spoken(&self, wanted: &[TrunkCodec]) -> Vec<TrunkCodec> {
        let can = |codec: &TrunkCodec| codec.installed().is_none_or(|codec| self.has(codec));
        wanted.iter().copied().filter(can).collect()
    }
}

impl InstalledCodecs for Installed {
    fn has(&self, codec: InstalledCodec) -> bool {
        match codec {
            InstalledCodec::G729 => self.bcg729.is_some(),
            InstalledCodec::Speex(_) => self.speex.is_some(),
        }
    }

    fn encoder(&self, codec: InstalledCodec) -> Result<Box<dyn Encoder>, CodecError> {
        match codec {
            InstalledCodec::G729 => bcg729::encoder(self.bcg729.as_ref()),
            InstalledCodec::Speex(rate) => speex::encoder(self.speex.as_ref(), rate),
        }
    }

    fn decoder(&self, codec: InstalledCodec) -> Result<Box<dyn Decoder>, CodecError> {
        match codec {
            InstalledCodec::G729 => bcg729::decoder(self.bcg729.as_ref()),
            InstalledCodec::Speex(rate) => speex::decoder(self.speex.as_ref(), rate),
        }
    }
}

/// A library that is not there is no fault: most operators need none.
fn told<T>(codec: &str, found: Result<T, libloading::Error>) -> Option<Arc<T>> {
    match found {
        Ok(library) => {
            tracing::info!(codec, "a codec library was loaded");
            Some(Arc::new(library))
        }
        Err(error) => {
            tracing::info!(codec, %error, "not offered to PBXs: its library is not installed");
            None
        }
    }
}

#[allow(unsafe_code, reason = "running a library's initialisers")]
fn open(name: &str) -> Result<Library, libloading::Error> {
    // SAFETY: the libraries named here have no initialisers that do anything; nobody unloads them while they are used.
    unsafe { Library::new(name) }
}

#[cfg(test)]
mod tests;
