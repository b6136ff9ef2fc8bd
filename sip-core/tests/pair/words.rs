//! Messages and events as words, for stories.

use sip_core::agent::{End, Event, RegistrationEvent, SessionEvent};
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
            SessionEvent::Answered { result: Ok(_) } => "answered".to_owned(),
            SessionEvent::Answered { result: Err(status) } => format!("answered {}", status.as_u16()),
            SessionEvent::Ended(end) => format!("ended {:?}", end.by),
            other => format!("{other:?}"),
        },
        other => format!("{other:?}"),
    }
}
