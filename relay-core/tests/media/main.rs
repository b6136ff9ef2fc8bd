//! The media plane between a browser and a PBX that other implementations play, in virtual time.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod attacks;
mod browser;
mod comfort;
mod digits;
mod exchange;
mod life;
mod long;
mod passed;
mod sdes;
mod sound;
mod tone;
mod world;
