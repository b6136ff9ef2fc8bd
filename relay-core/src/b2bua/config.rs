//! What the B2BUA is told once: where it listens, where each domain lives, how much it takes on.

use super::guards::RequestPaces;
use super::passing::PassHeaders;
use super::redirect::Redirects;
use super::terms::Srtp;
use crate::admission::Rules;
use crate::media::control::TrunkCodec;
use core::net::SocketAddr;
use sip_core::agent::{Refresher, Reliability, SessionTimers};
use sip_core::digest::Credentials;
use sip_core::{Duration, SocketId, Transport};
use std::sync::Arc;

/// The settings of a [`B2bua`](super::B2bua).
#[derive(Clone, Debug)]
pub struct Config {
    /// The ways toward PBXs, the preferred first of each transport.
    pub sockets: Vec<TrunkSocket>,
    /// The PBXs.
    pub trunks: Vec<Trunk>,
    /// Which trunk serves which SIP domain. The first that matches wins.
    pub domains: Vec<Domain>,
    /// What may be spoken with a PBX: offered in this order; of what a PBX offers, its first that is here is taken.
    pub codecs: Arc<[TrunkCodec]>,
    /// `User-Agent` and `Server`; none leaves them out.
    pub product: Option<String>,
    /// Calls at once; above it an INVITE is answered 503 with Retry-After.
    pub max_calls: usize,
    /// Bindings at once; above it a REGISTER is answered 503 with Retry-After.
    pub max_bindings: usize,
    /// Bindings of one address of record at once; above it a REGISTER is answered 403.
    pub max_bindings_per_aor: usize,
    /// How long an established call waits for a browser whose WebSocket was lost.
    pub call_recovery: Duration,
    /// REGISTERs carry a Path (RFC 3327) that leads here, for PBXs that ask their edges for one.
    pub path: bool,
    /// Headers of INVITEs that cross from leg to leg.
    pub pass_headers: PassHeaders,
    /// What is done with a 3xx of a PBX.
    pub redirects: Redirects,
    /// Subscriptions at once; above it a SUBSCRIBE is answered 503 with Retry-After.
    pub max_subscriptions: usize,
    /// Subscriptions of one WebSocket at once; above it a SUBSCRIBE is answered 403.
    pub max_subscriptions_per_browser: usize,
    /// How long an inbound call may ring before the caller is told 480.
    pub ring_timeout: Duration,
    /// The longest that a DNS record is believed, whatever its own time to live.
    pub resolve_ttl: Duration,
    /// How often one address may call, and guess.
    pub paces: RequestPaces,
    /// Who may call with a token, and whom.
    pub admission: Rules,
    /// Whether somebody outside decides on each call with a token.
    pub asks_about_guests: bool,
    /// What is negotiated with browsers.
    pub web_leg: LegConfig,
    /// What is negotiated with PBXs.
    pub trunk_leg: LegConfig,
}

/// What one leg of each call negotiates for itself; the other leg hears nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegConfig {
    /// Provisional responses that are acknowledged (RFC 3262).
    pub reliability: Reliability,
    /// Sessions that end unless they are refreshed (RFC 4028); none leaves that to the other side.
    pub session_timers: Option<SessionTimers>,
}

impl Default for LegConfig {
    fn default() -> Self {
        Self { reliability: Reliability::Supported, session_timers: Some(SessionTimers::default()) }
    }
}

impl LegConfig {
    /// For browsers, whose timers are late when their page is in the background: the relay refreshes.
    #[must_use]
    pub fn web() -> Self {
        let timers = SessionTimers { refresher: Some(Refresher::Local), ..SessionTimers::default() };
        Self { session_timers: Some(timers), ..Self::default() }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sockets: Vec::new(),
            trunks: Vec::new(),
            domains: Vec::new(),
            codecs: Arc::new(TrunkCodec::BUILT_IN),
            product: Some(concat!("switchhook-relay/", env!("CARGO_PKG_VERSION")).to_owned()),
            max_calls: 2_000,
            max_bindings: 20_000,
            max_bindings_per_aor: 10,
            call_recovery: Duration::from_secs(30),
            path: false,
            pass_headers: PassHeaders::default(),
            redirects: Redirects::Pass,
            max_subscriptions: 100_000,
            max_subscriptions_per_browser: 200,
            ring_timeout: Duration::from_secs(180),
            resolve_ttl: Duration::from_secs(60),
            paces: RequestPaces::default(),
            admission: Rules::default(),
            asks_about_guests: false,
            web_leg: LegConfig::web(),
            trunk_leg: LegConfig::default(),
        }
    }
}

impl Config {
    /// The domain in addresses of a trunk's callees, where the caller names none.
    pub(super) fn domain_of(&self, trunk: usize) -> Option<String> {
        let named = self.domains.iter().find(|domain| domain.trunk == trunk && domain.name != "*");
        let host = || Some(self.trunks.get(trunk)?.gateways.first()?.host.clone());
        named.map(|domain| domain.name.clone()).or_else(host)
    }
}

/// One way toward PBXs: a transport of one address family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkSocket {
    /// Its number, in flows.
    pub id: SocketId,
    /// UDP, TCP or TLS.
    pub transport: Transport,
    /// Its address as a PBX reaches it: in Via and Contact.
    pub local: SocketAddr,
    /// For this gateway alone: of TLS, each has its own name to verify.
    pub gateway: Option<GatewayId>,
}

/// A gateway: its trunk and its place in there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GatewayId {
    /// The place in [`Config::trunks`].
    pub trunk: usize,
    /// The place in [`Trunk::gateways`].
    pub gateway: usize,
}

/// One PBX, reached through one or several gateways.
#[derive(Clone, Debug)]
pub struct Trunk {
    /// For logs.
    pub name: String,
    /// Where it is.
    pub gateways: Vec<Gateway>,
    /// How often each gateway is asked by OPTIONS whether it is there; none never asks.
    pub probe: Option<Duration>,
    /// Failures in a row, of probes and calls, after which a gateway is down.
    pub failures: u32,
    /// Answered probes in a row after which it is up again.
    pub recoveries: u32,
    /// How long a request may go unanswered before the next address is tried, where there is one.
    pub patience: Duration,
    /// What the relay answers this PBX's challenges with in calls that it makes by itself: to their realm alone.
    pub credentials: Option<Credentials>,
    /// What may be spoken with this PBX, in this order, in offers and in answers; none leaves it to [`Config::codecs`].
    pub codecs: Option<Arc<[TrunkCodec]>>,
    /// Whether RTP with this PBX is encrypted.
    pub srtp: Srtp,
}

impl Trunk {
    /// A trunk of one gateway that is not asked whether it is there.
    #[must_use]
    pub fn new(name: &str, gateway: Gateway) -> Self {
        Self {
            name: name.to_owned(),
            gateways: vec![gateway],
            probe: None,
            failures: 3,
            recoveries: 2,
            patience: Duration::from_secs(4),
            credentials: None,
            codecs: None,
            srtp: Srtp::Off,
        }
    }
}

/// One host or domain of a PBX; RFC 3263 says which addresses that means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// A name or an address.
    pub host: String,
    /// None lets the DNS choose, for a name; else the transport's usual one.
    pub port: Option<u16>,
    /// None lets the DNS choose, for a name without a port; else UDP.
    pub transport: Option<Transport>,
    /// Lower ones are used first.
    pub priority: u16,
    /// Among those of one priority, how often.
    pub weight: u16,
}

impl Gateway {
    /// A gateway at a host, all else by RFC 3263.
    #[must_use]
    pub fn new(host: &str, port: Option<u16>, transport: Option<Transport>) -> Self {
        Self { host: host.to_owned(), port, transport, priority: 0, weight: 1 }
    }
}

/// A SIP domain and the trunk that serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The host part of addresses of record, compared without case; `*` is any.
    pub name: String,
    /// The place in [`Config::trunks`].
    pub trunk: usize,
}
