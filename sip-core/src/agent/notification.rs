//! Event state of others and of our own: what an application asks for (SUBSCRIBE, RFC 6665; PUBLISH, RFC 3903), and
//! what it is told.

use super::event::Failure;
use crate::digest::Credentials;
use crate::flow::Flow;
use crate::message::{HeaderName, NameAddr, Request, Uri};
use crate::time::Duration;

/// One subscription that the agent keeps, over as many dialogs as that takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub u64);

/// One published document that the agent keeps fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicationId(pub u64);

/// A subscription to make and to keep (RFC 6665 §4.1).
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// Whose state: the Request-URI and To.
    pub target: Uri,
    /// Where the SUBSCRIBE goes.
    pub flow: Flow,
    /// Who subscribes. Its tag, if any, is replaced.
    pub from: NameAddr,
    /// The event package, with its parameters: `presence`, `dialog;sla`.
    pub event: String,
    /// The content types that are understood; none leaves the package's default.
    pub accept: Option<String>,
    /// How long; the notifier may grant less. Nothing asks once (§4.4.3) and ends with the NOTIFY.
    pub expires: Duration,
    /// Where the notifier reaches us; none is the socket's.
    pub contact: Option<Uri>,
    /// Proxies to pass, nearest first.
    pub route: Vec<NameAddr>,
    /// More headers.
    pub headers: Vec<(HeaderName, String)>,
    /// A filter: content type and content.
    pub body: Option<(String, Vec<u8>)>,
    /// Who we are when a challenge comes.
    pub credentials: Option<Credentials>,
}

impl Subscribe {
    /// A subscription of `from` to the state `event` of `target`, for an hour.
    #[must_use]
    pub const fn new(target: Uri, from: NameAddr, event: String, flow: Flow) -> Self {
        Self {
            target,
            flow,
            from,
            event,
            accept: None,
            expires: Duration::from_secs(3_600),
            contact: None,
            route: Vec::new(),
            headers: Vec::new(),
            body: None,
            credentials: None,
        }
    }
}

/// A document to publish and to keep published (RFC 3903 §4).
#[derive(Clone, Debug)]
pub struct Publish {
    /// Whose state: the Request-URI and To.
    pub target: Uri,
    /// Where the PUBLISH goes.
    pub flow: Flow,
    /// Who publishes. Its tag, if any, is replaced.
    pub from: NameAddr,
    /// The event package: `presence`.
    pub event: String,
    /// How long; the server may grant less.
    pub expires: Duration,
    /// Proxies to pass, nearest first.
    pub route: Vec<NameAddr>,
    /// More headers.
    pub headers: Vec<(HeaderName, String)>,
    /// The document: content type and content.
    pub body: (String, Vec<u8>),
    /// Who we are when a challenge comes.
    pub credentials: Option<Credentials>,
}

/// What became of a subscription.
#[derive(Debug)]
#[non_exhaustive]
pub enum SubscriptionEvent {
    /// The notifier took the SUBSCRIBE, the first one or a refresh.
    Accepted {
        /// For how long.
        expires: Duration,
    },
    /// A NOTIFY; it has been answered.
    Notified {
        /// What it says of the subscription.
        state: Notified,
        /// The request, with its body.
        request: Box<Request>,
    },
    /// It is interrupted. The agent makes it anew by itself, where it says when.
    Interrupted {
        /// Why.
        cause: SubscriptionEnd,
        /// When the next SUBSCRIBE leaves; none: its flow is gone, and `resubscribe` names another.
        retry_in: Option<Duration>,
    },
    /// It is over. Always its last event.
    Ended(SubscriptionEnd),
}

/// What a NOTIFY says of the subscription (RFC 6665 §4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notified {
    /// Somebody has to allow it first; the state shown may be empty or wrong.
    Pending,
    /// It stands.
    Active,
    /// This is the last one in this dialog.
    Terminated,
}

/// Why a subscription or its dialog is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionEnd {
    /// What failed; none after our own unsubscribing, and where the notifier ended it.
    pub failure: Option<Failure>,
    /// The notifier's reason: `deactivated`, `rejected`, `noresource`, `timeout`, … (RFC 6665 §4.1.3).
    pub reason: Option<String>,
}

/// What became of a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicationEvent {
    /// The server has the document, the first one, a later one or a refreshed one.
    Published {
        /// For how long.
        expires: Duration,
    },
    /// It is interrupted. The agent tries again by itself, where it says when.
    Interrupted {
        /// Why.
        failure: Failure,
        /// When the next PUBLISH leaves; none: its flow is gone, and `republish` names another.
        retry_in: Option<Duration>,
    },
    /// It is over: withdrawn by our own wish, or refused. Always its last event.
    Ended {
        /// What failed; none after our own wish.
        failure: Option<Failure>,
    },
}
