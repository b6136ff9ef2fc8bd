//! The relay as values: calls, legs, media, codecs. No socket, clock, task or global.
//!
//! Two machines, because they live at different speeds: [`b2bua::B2bua`] is the signalling of all calls, one for the
//! process; [`media`] is the audio, fifty packets a second each way, spread over worker threads. They never call each
//! other. What one wants of the other crosses as [`media::control`] values, carried by the shell.
#![forbid(unsafe_code)]

pub mod admission;
pub mod b2bua;
pub mod codec;
pub mod exchange;
pub mod framing;
pub mod media;
