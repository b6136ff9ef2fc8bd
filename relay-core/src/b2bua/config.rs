//! What the B2BUA is told once: where it listens, where each domain lives, how much it takes on.

use crate::media::control::TrunkCodec;
use core::net::SocketAddr;
use sip_core::{Duration, SocketId};
use std::sync::Arc;

/// The settings of a [`B2bua`](super::B2bua).
#[derive(Clone, Debug)]
pub struct Config {
    /// The UDP socket toward PBXs.
    pub trunk_socket: SocketId,
    /// Its address as a PBX reaches it: in Via, Contact and `o=`.
    pub trunk_local: SocketAddr,
    /// Where the SIP domains live. The first that matches wins.
    pub domains: Vec<Domain>,
    /// What may be spoken with a PBX: offered in this order; of what a PBX offers, its first that is here is taken.
    pub codecs: Arc<[TrunkCodec]>,
    /// `User-Agent` and `Server`; none leaves them out.
    pub product: Option<String>,
    /// Calls at once; above it an INVITE is answered 503 with Retry-After.
    pub max_calls: usize,
    /// Bindings at once; above it a REGISTER is answered 503 with Retry-After.
    pub max_bindings: usize,
    /// How long an inbound call may ring before the caller is told 480.
    pub ring_timeout: Duration,
    /// How long a looked-up PBX address is used before it is looked up again.
    pub resolve_ttl: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            trunk_socket: SocketId(0),
            trunk_local: SocketAddr::from(([127, 0, 0, 1], 5060)),
            domains: Vec::new(),
            codecs: Arc::new(TrunkCodec::ALL),
            product: Some(concat!("switchhook-relay/", env!("CARGO_PKG_VERSION")).to_owned()),
            max_calls: 2_000,
            max_bindings: 20_000,
            ring_timeout: Duration::from_secs(180),
            resolve_ttl: Duration::from_secs(60),
        }
    }
}

/// A SIP domain and the PBX that serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The host part of addresses of record, compared without case; `*` is any.
    pub name: String,
    /// The PBX.
    pub next_hop: NextHop,
}

/// Where requests for a domain go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NextHop {
    /// A name or an address.
    pub host: String,
    /// The UDP port.
    pub port: u16,
}
