//! What a user agent is told once: its name, its timers, its limits.

use crate::flow::Transport;
use crate::message::{Method, Uri};
use crate::time::Duration;
use crate::transaction::Timers;

/// The settings of a [`UserAgent`](super::UserAgent), with their defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// The `User-Agent` of requests and `Server` of responses; none leaves them out.
    pub product: Option<String>,
    /// T1, T2 and T4.
    pub timers: Timers,
    /// Option tags this agent understands when a request's `Require` names them. Others are answered 420.
    pub supported: Vec<&'static str>,
    /// Methods named in `Allow`, together with `application_methods`. Others are answered 405.
    pub allow: Vec<Method>,
    /// Out-of-dialog requests of these methods become [`Event::Request`](super::Event::Request); OPTIONS that is not
    /// among them is answered 200 by the agent itself.
    pub application_methods: Vec<Method>,
    /// Requests of these methods inside a dialog that no session has become
    /// [`Event::Request`](super::Event::Request): the application keeps such dialogs itself. Others are answered 481.
    pub dialog_methods: Vec<Method>,
    /// Event packages of which we notify others, named where a SUBSCRIBE is refused (RFC 6665 §4.2.1.1, 489).
    pub allow_events: Vec<&'static str>,
    /// Subscriptions at once, above which `subscribe` is refused.
    pub max_subscriptions: usize,
    /// Publications at once, above which `publish` is refused.
    pub max_publications: usize,
    /// Sessions at once; an INVITE above it is answered 486 (a phone) or what `full_status` says.
    pub max_sessions: usize,
    /// The status for an INVITE above `max_sessions`.
    pub full_status: u16,
    /// REFER inside a call is a [`TransferEvent::Asked`](super::TransferEvent::Asked), and the agent keeps the
    /// subscription that comes with it. Otherwise REFER and its NOTIFYs, where allowed, are plain requests.
    pub transfers: bool,
    /// Transfers at once, above which a REFER is answered 503.
    pub max_transfers: usize,
    /// An INVITE with Replaces is matched against the calls there are: 481 where it fits none (RFC 3891). Otherwise the
    /// header is the application's to read. `supported` should name the option `replaces` in both cases.
    pub replaces: bool,
    /// Server transactions at once, above which requests are answered 503 statelessly; and client transactions, above
    /// which commands are refused.
    pub max_transactions: usize,
    /// Outputs that may wait for the host; above it, requests are dropped and counted.
    pub max_outputs: usize,
    /// Provisional responses that are acknowledged by PRACK.
    pub reliability: Reliability,
    /// Sessions that end unless they are refreshed; none leaves that to the other side.
    pub session_timers: Option<SessionTimers>,
}

/// Reliable provisional responses (RFC 3262).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reliability {
    /// `100rel` is unknown here: an INVITE that requires it is answered 420.
    #[default]
    None,
    /// Understood and offered. Our provisional responses are reliable where the caller requires it, and where the caller
    /// supports it and they carry a description.
    Supported,
    /// Our INVITEs require it, and INVITEs of callers that do not support it are answered 421.
    Required,
}

/// Session timers (RFC 4028).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimers {
    /// The interval to ask for, and to grant at most. In whole seconds.
    pub expires: Duration,
    /// The shortest interval to agree to; a shorter one is answered 422. RFC 4028 allows nothing below 90 seconds.
    pub minimum: Duration,
    /// Who is to send the refreshes, where we may choose; none leaves it to the other side, and to the caller where that
    /// has no wish either.
    pub refresher: Option<Refresher>,
}

impl Default for SessionTimers {
    fn default() -> Self {
        Self { expires: Duration::from_secs(1_800), minimum: Duration::from_secs(90), refresher: None }
    }
}

/// Who sends the refreshes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// This agent.
    Local,
    /// The other side.
    Remote,
}

impl Config {
    /// The option tags that a request may require of this agent.
    pub(crate) fn understands(&self, option: &str) -> bool {
        let own = self.negotiated().into_iter().flatten();
        own.chain(self.supported.iter().copied()).any(|known| known.eq_ignore_ascii_case(option))
    }

    /// The option tags of calls that this agent sees to by itself.
    pub(crate) fn negotiated(&self) -> [Option<&'static str>; 2] {
        let reliable = self.reliability != Reliability::None;
        [reliable.then_some("100rel"), self.session_timers.map(|_| "timer")]
    }
}

impl Default for Config {
    /// A phone that answers INVITE and OPTIONS and takes INFO, MESSAGE and NOTIFY where they come inside a call.
    fn default() -> Self {
        use Method::{Ack, Bye, Cancel, Info, Invite, Message, Notify, Options, Update};
        Self {
            product: None,
            timers: Timers::default(),
            supported: Vec::new(),
            allow: vec![Invite, Ack, Cancel, Bye, Options, Update, Info, Message, Notify],
            application_methods: Vec::new(),
            dialog_methods: Vec::new(),
            allow_events: Vec::new(),
            max_subscriptions: 128,
            max_publications: 8,
            max_sessions: 64,
            full_status: 486,
            transfers: false,
            max_transfers: 16,
            replaces: false,
            max_transactions: 4_096,
            max_outputs: 4_096,
            reliability: Reliability::None,
            session_timers: None,
        }
    }
}

/// How this agent names itself on a socket.
#[derive(Clone, Debug)]
pub struct LocalSocket {
    /// The transport in Via.
    pub transport: Transport,
    /// `sent-by` in Via: `192.0.2.1:5060`, or `k3v9x2.invalid` in a browser (RFC 7118 §5).
    pub sent_by: String,
    /// The Contact of dialogs made on this socket, where the command gives no other.
    pub contact: Uri,
}
