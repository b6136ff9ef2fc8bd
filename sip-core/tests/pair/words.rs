//! Messages and events as words, for stories.

use sip_core::agent::{
    End, Event, Failure, PublicationEvent, RegistrationEvent, SessionEvent, SubscriptionEnd, SubscriptionEvent,
    TransferEvent,
};
use sip_core::message::Message;

/// `INVITE` or `180 INVITE`.
pub(crate) fn label(message: &Message) -> String {
    match message {
        Message::Request(request) => request.method.as_str().to_owned(),
        Message::Response(response) => {
            let method = response.headers.cseq().unwrap().method;
            format!("{} {}", response.status.as_u16(), method.as_str())
        }
    }
}

pub(crate) fn ended(event: Event) -> Option<End> {
    match event {
        Event::Session { event: SessionEvent::Ended(end), .. } => Some(end),
        _ => None,
    }
}

/// An event as a word, for stories.
pub(crate) fn word(event: &Event) -> String {
    match event {
        Event::IncomingCall { .. } => "call".to_owned(),
        Event::Request { request, .. } => request.method.as_str().to_owned(),
        Event::Response { response, .. } => format!("response {}", response.status.as_u16()),
        Event::RequestFailed { failure, .. } => format!("failed {failure:?}"),
        Event::Registration { event, .. } => match event {
            RegistrationEvent::Registering => "registering".to_owned(),
            RegistrationEvent::Registered { grant } => {
                format!("registered {}", grant.expires.as_secs())
            }
            RegistrationEvent::Unregistered => "unregistered".to_owned(),
            other => format!("{other:?}"),
        },
        Event::Session { event, .. } => match event {
            SessionEvent::Progress { response, .. } => response.status.as_u16().to_string(),
            SessionEvent::Accepted { .. } => "accepted".to_owned(),
            SessionEvent::Confirmed { .. } => "confirmed".to_owned(),
            SessionEvent::Offered { .. } => "offered".to_owned(),
            SessionEvent::Answered { result: Ok(_), .. } => "answered".to_owned(),
            SessionEvent::Answered { result: Err(status), .. } => format!("answered {}", status.as_u16()),
            SessionEvent::Ended(end) => format!("ended {:?}", end.by),
            other => format!("{other:?}"),
        },
        Event::Subscription { event, .. } => subscription_word(event),
        Event::Publication { event, .. } => match event {
            PublicationEvent::Published { expires } => format!("published {}", expires.as_secs()),
            PublicationEvent::Interrupted { failure, retry_in } => {
                format!("interrupted {}{}", failure_word(failure), if retry_in.is_some() { ", retries" } else { "" })
            }
            PublicationEvent::Ended { failure: None } => "ended".to_owned(),
            PublicationEvent::Ended { failure: Some(failure) } => format!("ended {}", failure_word(failure)),
            other => format!("{other:?}"),
        },
        Event::Transfer { event, .. } => transfer(event),
        other => format!("{other:?}"),
    }
}

fn subscription_word(event: &SubscriptionEvent) -> String {
    let cause = |SubscriptionEnd { failure, reason }: &SubscriptionEnd| {
        let failure = failure.as_ref().map(failure_word);
        failure.or_else(|| reason.clone()).map(|why| format!(" {why}")).unwrap_or_default()
    };
    match event {
        SubscriptionEvent::Accepted { expires } => format!("accepted {}", expires.as_secs()),
        SubscriptionEvent::Notified { state, .. } => format!("{state:?}").to_lowercase(),
        SubscriptionEvent::Interrupted { cause: why, retry_in } => {
            format!("interrupted{}{}", cause(why), if retry_in.is_some() { ", retries" } else { "" })
        }
        SubscriptionEvent::Ended(why) => format!("ended{}", cause(why)),
        other => format!("{other:?}"),
    }
}

/// A failure as a word: `Timeout`, or the status.
fn failure_word(failure: &Failure) -> String {
    match failure {
        Failure::Rejected { status, .. } | Failure::Unauthorized { status, .. } => status.as_u16().to_string(),
        other => format!("{other:?}"),
    }
}

fn transfer(event: &TransferEvent) -> String {
    match event {
        TransferEvent::Asked { .. } => "transfer asked".to_owned(),
        TransferEvent::Withdrawn => "transfer withdrawn".to_owned(),
        TransferEvent::Accepted => "transfer accepted".to_owned(),
        TransferEvent::Progress { status, .. } => format!("transfer {status}"),
        TransferEvent::Succeeded { status, is_confirmed: true } => format!("transferred {status}"),
        TransferEvent::Succeeded { status, .. } => format!("transferred {status} (unconfirmed)"),
        TransferEvent::Refused { status, .. } => format!("transfer refused {status}"),
        TransferEvent::Failed { status, .. } => format!("transfer failed {status}"),
        TransferEvent::Lost(failure) => format!("transfer lost {failure:?}"),
        other => format!("{other:?}"),
    }
}
