//! `relay-server`: the tokio and axum shell of [`relay_core`].
//!
//! [`run`] opens the sockets, starts one task for signalling, one for each browser, one for the SIP socket, and the
//! media threads, and gives back the addresses. The shell moves bytes; what they mean is decided in the core.
#![deny(unsafe_code)]

mod api;
mod app;
pub mod cli;
mod clock;
pub mod codecs;
pub mod config;
mod counters;
pub mod demo;
pub mod doctor;
mod drain;
mod error;
mod http_client;
mod icmp;
mod listener;
pub mod log;
pub mod media;
mod metrics;
mod origin;
mod records;
mod reload;
mod resolve;
mod seats;
pub mod shutdown;
mod signaling;
mod sip_sockets;
mod sip_udp;
mod sites;
mod start;
mod streams;
mod tokens;
mod web_tls;
mod webhook;
mod websocket;

pub use drain::Haste;
pub use error::{RunError, StartError};
pub use reload::Reload;
pub use start::{Running, run};
