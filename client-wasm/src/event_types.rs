//! The part of the border that carries messages and event state (RFC 3428, 6665, 3903): plain data like all of
//! [`types`](crate::types). Bodies cross as bytes; TypeScript reads them.

use tsify::Tsify;

use crate::types::{ErrorInfo, Party};

/// How to send a message.
#[derive(Default, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct MessageOptions {
    /// The type of the body. Default `text/plain;charset=UTF-8`.
    #[tsify(optional)]
    pub content_type: Option<String>,
    /// Headers added to the MESSAGE.
    #[tsify(optional)]
    pub headers: Vec<(String, String)>,
}

/// How to subscribe.
#[derive(Default, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct SubscribeOptions {
    /// Seconds asked for; the server may grant less. Default 3600. 0 asks once.
    #[tsify(optional)]
    pub expires: Option<u32>,
    /// The `Accept` header: the content types that are understood.
    #[tsify(optional)]
    pub accept: Option<String>,
    /// Headers added to each SUBSCRIBE.
    #[tsify(optional)]
    pub headers: Vec<(String, String)>,
}

/// How to publish.
#[derive(Default, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct PublishOptions {
    /// Seconds asked for; the server may grant less. Default 3600.
    #[tsify(optional)]
    pub expires: Option<u32>,
    /// Headers added to each PUBLISH.
    #[tsify(optional)]
    pub headers: Vec<(String, String)>,
}

/// A message that came in.
#[derive(Tsify)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedMessage {
    /// Who sent it.
    pub from: Party,
    /// Whom it is for.
    pub to: Party,
    /// The type of the body, with its parameters.
    pub content_type: String,
    /// The body.
    #[tsify(type = "Uint8Array")]
    pub body: Vec<u8>,
    /// All headers of the MESSAGE.
    pub headers: Vec<(String, String)>,
}

/// How a subscription stands.
#[derive(Tsify)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionChange {
    /// Now.
    pub state: SubscriptionState,
    /// Milliseconds until the next attempt.
    #[tsify(optional)]
    pub retry_in_ms: Option<u32>,
    /// The notifier's reason for an end: `deactivated`, `rejected`, `noresource`, `timeout`, … (RFC 6665 §4.1.3).
    #[tsify(optional)]
    pub reason: Option<String>,
    /// What failed.
    #[tsify(optional)]
    pub error: Option<Box<ErrorInfo>>,
}

/// A subscription.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum SubscriptionState {
    /// Asked for; nothing came yet.
    Subscribing,
    /// Somebody has to allow it first.
    Pending,
    /// It stands.
    Active,
    /// It is interrupted; another attempt follows by itself.
    Waiting,
    /// It is over.
    Terminated,
}

/// What a NOTIFY brought.
#[derive(Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// The type of the body, with its parameters; none where there is no body.
    #[tsify(optional)]
    pub content_type: Option<String>,
    /// The body; may be empty.
    #[tsify(type = "Uint8Array")]
    pub body: Vec<u8>,
    /// All headers of the NOTIFY.
    pub headers: Vec<(String, String)>,
}

/// How a publication stands.
#[derive(Tsify)]
#[serde(rename_all = "camelCase")]
pub struct PublicationChange {
    /// Now.
    pub state: PublicationState,
    /// Seconds that the server granted.
    #[tsify(optional)]
    pub expires: Option<u32>,
    /// Milliseconds until the next attempt.
    #[tsify(optional)]
    pub retry_in_ms: Option<u32>,
    /// What failed.
    #[tsify(optional)]
    pub error: Option<Box<ErrorInfo>>,
}

/// A publication.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum PublicationState {
    /// Asked for.
    Publishing,
    /// The server has the document.
    Published,
    /// It is interrupted; another attempt follows by itself.
    Waiting,
    /// It is over.
    Ended,
}

impl SubscriptionState {
    /// As TypeScript knows it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Subscribing => "subscribing",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Waiting => "waiting",
            Self::Terminated => "terminated",
        }
    }
}

impl PublicationState {
    /// As TypeScript knows it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Publishing => "publishing",
            Self::Published => "published",
            Self::Waiting => "waiting",
            Self::Ended => "ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_generated_types() {
        let words =
            |declaration: &str| declaration.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        use PublicationState as P;
        use SubscriptionState as S;

        let ours = [S::Subscribing, S::Pending, S::Active, S::Waiting, S::Terminated].map(S::as_str);
        assert_eq!(words(S::DECL), ours);
        let ours = [P::Publishing, P::Published, P::Waiting, P::Ended].map(P::as_str);
        assert_eq!(words(P::DECL), ours);
    }
}
