//! SIP and SDP as values: no socket, clock, task or global.
#![forbid(unsafe_code)]

pub mod agent;
pub mod dialog;
pub mod digest;
mod entropy;
mod flow;
pub mod message;
mod registration;
pub mod sdp;
mod session;
mod time;
pub mod transaction;

pub use entropy::Entropy;
pub use flow::{Flow, SocketId, Transport};
pub use time::{Duration, Instant};
