//! Speex through libspeex (Debian's libspeex1), where the operator has installed it (RFC 5574).
#![allow(unsafe_code, reason = "a C library; see the SAFETY comments")]

use super::{open, speex_frames};
use core::ffi::{c_char, c_int, c_void};
use core::ptr::{self, NonNull};
use libloading::Library;
use relay_core::codec::{CodecError, Decoder, Encoder, Rate};
use std::sync::Arc;

/// Of 10: about 15 kbit/s in narrow band, 28 in wide band.
const QUALITY: c_int = 8;
const SET_QUALITY: c_int = 4;
/// The longest packet: 120 ms in frames of 20.
const MAX_FRAMES: usize = 6;
/// What six frames of the highest quality need, and more.
const MAX_OCTETS: usize = 1_000;

type LibMode = unsafe extern "C" fn(mode: c_int) -> *const c_void;
type Init = unsafe extern "C" fn(mode: *const c_void) -> *mut c_void;
type Destroy = unsafe extern "C" fn(state: *mut c_void);
type Control = unsafe extern "C" fn(state: *mut c_void, request: c_int, value: *mut c_void) -> c_int;
type EncodeInt = unsafe extern "C" fn(state: *mut c_void, samples: *mut i16, bits: *mut Bits) -> c_int;
type DecodeInt = unsafe extern "C" fn(state: *mut c_void, bits: *mut Bits, samples: *mut i16) -> c_int;
type BitsCall = unsafe extern "C" fn(bits: *mut Bits);
type BitsRead = unsafe extern "C" fn(bits: *mut Bits, octets: *const c_char, length: c_int);
type BitsWrite = unsafe extern "C" fn(bits: *mut Bits, octets: *mut c_char, most: c_int) -> c_int;

/// `SpeexBits`, 48 octets on 64-bit systems; with room to spare, since only the library looks inside.
#[repr(C, align(16))]
struct Bits([u64; 16]);

/// The library's functions.
#[derive(Debug)]
pub(super) struct Speex {
    mode: LibMode,
    encoder_init: Init,
    encoder_destroy: Destroy,
    encoder_control: Control,
    encode: EncodeInt,
    decoder_init: Init,
    decoder_destroy: Destroy,
    decode: DecodeInt,
    bits_init: BitsCall,
    bits_destroy: BitsCall,
    bits_reset: BitsCall,
    bits_terminate: BitsCall,
    bits_read: BitsRead,
    bits_write: BitsWrite,
    /// Keeps the functions where they are.
    _library: Library,
}

impl Speex {
    pub(super) fn load() -> Result<Self, libloading::Error> {
        let library = open("libspeex.so.1")?;
        // SAFETY: the signatures are those of speex.h and speex_bits.h, version 1.1 and later, which is what the soname
        // stands for.
        unsafe {
            Ok(Self {
                mode: *library.get(b"speex_lib_get_mode\0")?,
                encoder_init: *library.get(b"speex_encoder_init\0")?,
                encoder_destroy: *library.get(b"speex_encoder_destroy\0")?,
                encoder_control: *library.get(b"speex_encoder_ctl\0")?,
                encode: *library.get(b"speex_encode_int\0")?,
                decoder_init: *library.get(b"speex_decoder_init\0")?,
                decoder_destroy: *library.get(b"speex_decoder_destroy\0")?,
                decode: *library.get(b"speex_decode_int\0")?,
                bits_init: *library.get(b"speex_bits_init\0")?,
                bits_destroy: *library.get(b"speex_bits_destroy\0")?,
                bits_reset: *library.get(b"speex_bits_reset\0")?,
                bits_terminate: *library.get(b"speex_bits_insert_terminator\0")?,
                bits_read: *library.get(b"speex_bits_read_from\0")?,
                bits_write: *library.get(b"speex_bits_write\0")?,
                _library: library,
            })
        }
    }

    /// A state made by `init` for `rate`.
    fn state(&self, init: Init, rate: Rate) -> Result<NonNull<c_void>, CodecError> {
        let number = match rate {
            Rate::Narrow => 0,
            Rate::Wide => 1,
        };
        // SAFETY: both modes exist in every build, and are constants of the library.
        NonNull::new(unsafe { init((self.mode)(number)) }).ok_or(CodecError::Unavailable)
    }

    fn bits(&self) -> Box<Bits> {
        let mut bits = Box::new(Bits([0; 16]));
        // SAFETY: the library fills in its structure, which is smaller than ours.
        unsafe { (self.bits_init)(&raw mut *bits) }
        bits
    }
}

pub(super) fn encoder(library: Option<&Arc<Speex>>, rate: Rate) -> Result<Box<dyn Encoder>, CodecError> {
    let library = Arc::clone(library.ok_or(CodecError::Unavailable)?);
    let state = library.state(library.encoder_init, rate)?;
    let mut quality = QUALITY;
    // SAFETY: the state is open; this request takes an int.
    unsafe { (library.encoder_control)(state.as_ptr(), SET_QUALITY, (&raw mut quality).cast()) };
    let bits = library.bits();
    Ok(Box::new(SpeexEncoder { library, state, bits, frame: frame_of(rate), scratch: Vec::new() }))
}

pub(super) fn decoder(library: Option<&Arc<Speex>>, rate: Rate) -> Result<Box<dyn Decoder>, CodecError> {
    let library = Arc::clone(library.ok_or(CodecError::Unavailable)?);
    let state = library.state(library.decoder_init, rate)?;
    let bits = library.bits();
    Ok(Box::new(SpeexDecoder { library, state, bits, frame: frame_of(rate) }))
}

/// 20 ms.
const fn frame_of(rate: Rate) -> usize {
    20 * rate.per_ms()
}

struct SpeexEncoder {
    library: Arc<Speex>,
    state: NonNull<c_void>,
    bits: Box<Bits>,
    frame: usize,
    /// The library works on what it gets.
    scratch: Vec<i16>,
}

// SAFETY: the state has no tie to the thread that made it, and is used by one at a time (`&mut self`).
unsafe impl Send for SpeexEncoder {}

impl Encoder for SpeexEncoder {
    fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> Result<usize, CodecError> {
        if samples.is_empty() || !samples.len().is_multiple_of(self.frame) || samples.len() / self.frame > MAX_FRAMES {
            return Err(CodecError::Payload);
        }
        let bits = &raw mut *self.bits;
        self.scratch.clear();
        self.scratch.extend_from_slice(samples);
        // SAFETY: state and bits are open; the library reads and writes one frame of samples at a time, and writes no
        // more octets than it is told.
        let length = unsafe {
            (self.library.bits_reset)(bits);
            for frame in self.scratch.chunks_exact_mut(self.frame) {
                (self.library.encode)(self.state.as_ptr(), frame.as_mut_ptr(), bits);
            }
            (self.library.bits_terminate)(bits);
            let most = c_int::try_from(payload.len()).unwrap_or(c_int::MAX);
            (self.library.bits_write)(bits, payload.as_mut_ptr().cast(), most)
        };
        usize::try_from(length).ok().filter(|length| *length > 0).ok_or(CodecError::Payload)
    }
}

impl Drop for SpeexEncoder {
    fn drop(&mut self) {
        // SAFETY: opened once, closed once.
        unsafe {
            (self.library.encoder_destroy)(self.state.as_ptr());
            (self.library.bits_destroy)(&raw mut *self.bits);
        }
    }
}

struct SpeexDecoder {
    library: Arc<Speex>,
    state: NonNull<c_void>,
    bits: Box<Bits>,
    frame: usize,
}

// SAFETY: as for the encoder.
unsafe impl Send for SpeexDecoder {}

impl SpeexDecoder {
    /// One frame from `bits`, or a lost one from null; false where there is none.
    fn frame(&mut self, bits: *mut Bits, samples: &mut Vec<i16>) -> bool {
        let start = samples.len();
        samples.resize(start + self.frame, 0);
        let room = samples.get_mut(start..).unwrap_or_default();
        // SAFETY: the state is open, `bits` is ours or null, which stands for a lost frame; one frame is written.
        let result = unsafe { (self.library.decode)(self.state.as_ptr(), bits, room.as_mut_ptr()) };
        if result != 0 {
            samples.truncate(start);
        }
        result == 0
    }
}

impl Decoder for SpeexDecoder {
    fn decode(&mut self, payload: &[u8], samples: &mut Vec<i16>) -> Result<(), CodecError> {
        if payload.is_empty() || payload.len() > MAX_OCTETS || !speex_frames::are_whole(payload) {
            return Err(CodecError::Payload);
        }
        let bits = &raw mut *self.bits;
        // SAFETY: the bits are open; the library copies the payload.
        unsafe { (self.library.bits_read)(bits, payload.as_ptr().cast(), payload.len() as c_int) };
        let start = samples.len();
        while samples.len() - start < MAX_FRAMES * self.frame && self.frame(bits, samples) {}
        if samples.len() == start { Err(CodecError::Payload) } else { Ok(()) }
    }

    fn conceal(&mut self, missing: usize, _next: Option<&[u8]>, samples: &mut Vec<i16>) {
        let whole = samples.len() + missing;
        while samples.len() < whole && self.frame(ptr::null_mut(), samples) {}
        samples.resize(whole, 0);
    }
}

impl Drop for SpeexDecoder {
    fn drop(&mut self) {
        // SAFETY: opened once, closed once.
        unsafe {
            (self.library.decoder_destroy)(self.state.as_ptr());
            (self.library.bits_destroy)(&raw mut *self.bits);
        }
    }
}
