//! G.729 Annex A through libbcg729 (Debian's libbcg729-0), where the operator has installed it.
#![allow(unsafe_code, reason = "a C library; see the SAFETY comments")]

use super::open;
use core::ffi::c_void;
use core::ptr::{self, NonNull};
use libloading::Library;
use relay_core::codec::{CodecError, Decoder, Encoder};
use std::sync::Arc;

/// 10 ms.
const FRAME_SAMPLES: usize = 80;
const FRAME_OCTETS: usize = 10;
/// A silence description (Annex B), which we do not ask for, but some send all the same.
const SID_OCTETS: usize = 2;
/// 120 ms.
const MAX_FRAMES: usize = 12;

type Open = unsafe extern "C" fn() -> *mut c_void;
type OpenEncoder = unsafe extern "C" fn(enable_vad: u8) -> *mut c_void;
type Close = unsafe extern "C" fn(channel: *mut c_void);
type Encode = unsafe extern "C" fn(channel: *mut c_void, samples: *const i16, octets: *mut u8, length: *mut u8);
type Decode = unsafe extern "C" fn(
    channel: *mut c_void,
    octets: *const u8,
    length: u8,
    is_erased: u8,
    is_sid: u8,
    is_rfc3389: u8,
    samples: *mut i16,
);

/// The library's functions.
#[derive(Debug)]
pub(super) struct Bcg729 {
    open_encoder: OpenEncoder,
    close_encoder: Close,
    encode: Encode,
    open_decoder: Open,
    close_decoder: Close,
    decode: Decode,
    /// Keeps the functions where they are.
    _library: Library,
}

impl Bcg729 {
    pub(super) fn load() -> Result<Self, libloading::Error> {
        let library = open("libbcg729.so.0")?;
        // SAFETY: the signatures are those of bcg729's encoder.h and decoder.h, version 1.0.2 and later, which is what
        // the soname stands for.
        unsafe {
            Ok(Self {
                open_encoder: *library.get(b"initBcg729EncoderChannel\0")?,
                close_encoder: *library.get(b"closeBcg729EncoderChannel\0")?,
                encode: *library.get(b"bcg729Encoder\0")?,
                open_decoder: *library.get(b"initBcg729DecoderChannel\0")?,
                close_decoder: *library.get(b"closeBcg729DecoderChannel\0")?,
                decode: *library.get(b"bcg729Decoder\0")?,
                _library: library,
            })
        }
    }
}

pub(super) fn encoder(library: Option<&Arc<Bcg729>>) -> Result<Box<dyn Encoder>, CodecError> {
    let library = Arc::clone(library.ok_or(CodecError::Unavailable)?);
    // SAFETY: no argument but a flag: no voice activity detection.
    let channel = NonNull::new(unsafe { (library.open_encoder)(0) }).ok_or(CodecError::Unavailable)?;
    Ok(Box::new(EncoderChannel { library, channel }))
}

pub(super) fn decoder(library: Option<&Arc<Bcg729>>) -> Result<Box<dyn Decoder>, CodecError> {
    let library = Arc::clone(library.ok_or(CodecError::Unavailable)?);
    // SAFETY: no argument.
    let channel = NonNull::new(unsafe { (library.open_decoder)() }).ok_or(CodecError::Unavailable)?;
    Ok(Box::new(DecoderChannel { library, channel }))
}

struct EncoderChannel {
    library: Arc<Bcg729>,
    channel: NonNull<c_void>,
}

// SAFETY: a channel has no tie to the thread that made it, and is used by one at a time (`&mut self`).
unsafe impl Send for EncoderChannel {}

impl Encoder for EncoderChannel {
    fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> Result<usize, CodecError> {
        let frames = samples.len() / FRAME_SAMPLES;
        let fits = samples.len().is_multiple_of(FRAME_SAMPLES)
            && frames <= MAX_FRAMES
            && payload.len() >= frames * FRAME_OCTETS;
        if !fits {
            return Err(CodecError::Payload);
        }
        for (frame, octets) in samples.chunks_exact(FRAME_SAMPLES).zip(payload.chunks_exact_mut(FRAME_OCTETS)) {
            let mut length = 0;
            // SAFETY: the channel is open; the library reads 80 samples and writes at most 10 octets and one length.
            unsafe {
                (self.library.encode)(self.channel.as_ptr(), frame.as_ptr(), octets.as_mut_ptr(), &raw mut length);
            }
        }
        Ok(frames * FRAME_OCTETS)
    }
}

impl Drop for EncoderChannel {
    fn drop(&mut self) {
        // SAFETY: opened once, closed once.
        unsafe { (self.library.close_encoder)(self.channel.as_ptr()) }
    }
}

struct DecoderChannel {
    library: Arc<Bcg729>,
    channel: NonNull<c_void>,
}

// SAFETY: as for the encoder.
unsafe impl Send for DecoderChannel {}

impl DecoderChannel {
    /// One frame; none is a lost one.
    fn frame(&mut self, octets: Option<&[u8]>, samples: &mut Vec<i16>) {
        let mut frame = [0; FRAME_SAMPLES];
        let length = octets.map_or(0, <[u8]>::len) as u8;
        let is_sid = octets.is_some_and(|octets| octets.len() == SID_OCTETS);
        let start = octets.map_or(ptr::null(), <[u8]>::as_ptr);
        // SAFETY: the channel is open; `start` is null, which the library allows for an erased frame, or has `length`
        // octets, 10 or 2 with the flag for that; it writes 80 samples.
        unsafe {
            (self.library.decode)(
                self.channel.as_ptr(),
                start,
                length,
                u8::from(octets.is_none()),
                u8::from(is_sid),
                0,
                frame.as_mut_ptr(),
            );
        }
        samples.extend_from_slice(&frame);
    }
}

impl Decoder for DecoderChannel {
    fn decode(&mut self, payload: &[u8], samples: &mut Vec<i16>) -> Result<(), CodecError> {
        let rest = payload.len() % FRAME_OCTETS;
        if payload.is_empty() || payload.len() > MAX_FRAMES * FRAME_OCTETS || (rest != 0 && rest != SID_OCTETS) {
            return Err(CodecError::Payload);
        }
        payload.chunks(FRAME_OCTETS).for_each(|octets| self.frame(Some(octets), samples));
        Ok(())
    }

    fn conceal(&mut self, missing: usize, _next: Option<&[u8]>, samples: &mut Vec<i16>) {
        let whole = samples.len() + missing;
        (0..missing.div_ceil(FRAME_SAMPLES)).for_each(|_| self.frame(None, samples));
        samples.truncate(whole);
    }
}

impl Drop for DecoderChannel {
    fn drop(&mut self) {
        // SAFETY: opened once, closed once.
        unsafe { (self.library.close_decoder)(self.channel.as_ptr()) }
    }
}
