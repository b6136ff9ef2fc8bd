//! What the exchange is told once.

use core::net::SocketAddr;
use sip_core::digest::Secret;
use sip_core::{Duration, SocketId};

/// The settings of an [`Exchange`](super::Exchange).
#[derive(Clone, Debug)]
pub struct Config {
    /// Its SIP domain, and the realm of its challenges.
    pub domain: String,
    /// Its UDP socket.
    pub socket: SocketId,
    /// That socket's address.
    pub local: SocketAddr,
    /// Who may register and call.
    pub accounts: Vec<Account>,
    /// `Server` and `User-Agent`.
    pub product: String,
    /// Calls at once; above it an INVITE is answered 503.
    pub max_calls: usize,
    /// How long a nonce may be used; afterwards it is stale (RFC 7616 §3.3).
    pub nonce_lifetime: Duration,
    /// The shortest binding; below it a REGISTER is answered 423.
    pub min_expires: Duration,
    /// The longest binding; more is cut to this.
    pub max_expires: Duration,
    /// How long a phone that nobody answers rings.
    pub ring_time: Duration,
    /// How long `delay` plays its early tone.
    pub delay: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            domain: "demo.localhost".to_owned(),
            socket: SocketId(0),
            local: SocketAddr::from(([127, 0, 0, 1], 5060)),
            accounts: Vec::new(),
            product: concat!("switchhook-exchange/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_calls: 100,
            nonce_lifetime: Duration::from_secs(300),
            min_expires: Duration::from_secs(60),
            max_expires: Duration::from_secs(3_600),
            ring_time: Duration::from_secs(30),
            delay: Duration::from_secs(3),
        }
    }
}

/// Somebody with a phone.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user of its address, and its authorization name.
    pub name: String,
    /// Its password.
    pub password: Secret,
}
