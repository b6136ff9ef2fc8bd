//! Messages, subscriptions and publications as a page sees them.

use sip_core::agent::{Event, IncomingId, OutgoingRequest, Reply};
use sip_core::dialog::Dialog;
use sip_core::message::{HeaderName, Method, Request, StatusCode};
use sip_core::{Duration, Flow};

use super::bench::Bench;
use crate::event_types::{PublishOptions, SubscribeOptions};
use crate::phone::Phone;
use crate::types::{CoreEvent, ErrorCode};

fn text(bench: &mut Bench, to: &str, body: &str) -> u32 {
    let sent = bench.tell(|phone, now| phone.message(to, (None, body.as_bytes()), &[], now));
    sent.map_err(|error| error.message).unwrap()
}

fn requests(bench: &mut Bench, method: &Method) -> Vec<(IncomingId, Box<Request>)> {
    let all = bench.take_registers();
    all.into_iter().filter(|(_, request)| request.method == *method).collect()
}

/// The results of the messages so far: which, and the error's code.
fn results(bench: &Bench) -> Vec<(u32, Option<ErrorCode>)> {
    let results = bench.events.iter().filter_map(|event| match event {
        CoreEvent::MessageSent { message, error, .. } => Some((*message, error.as_ref().map(|error| error.code))),
        _ => None,
    });
    results.collect()
}

fn watches(bench: &Bench) -> Vec<String> {
    let states = bench.events.iter().filter_map(|event| match event {
        CoreEvent::SubscriptionChange { change, .. } => Some(change.state.as_str().to_owned()),
        CoreEvent::PublicationChange { change, .. } => Some(change.state.as_str().to_owned()),
        CoreEvent::Notify { notification, .. } => Some(String::from_utf8_lossy(&notification.body).into_owned()),
        _ => None,
    });
    states.collect()
}

/// A MESSAGE of the server's; returns the status it gets, and its Accept.
fn receive(bench: &mut Bench, content_type: &str, body: &[u8]) -> (u16, Option<String>) {
    let (to, from) = ("sip:x@phone.invalid".parse().unwrap(), "\"Bøb\" <sip:bob@example.com>".parse().unwrap());
    let flow = Flow::connection(bench.socket.unwrap());
    let message = OutgoingRequest {
        body: Some((content_type.to_owned(), body.to_vec())),
        ..OutgoingRequest::new(Method::Message, to, from, flow)
    };
    bench.serve(|server, now| server.request(message, now)).unwrap();
    let mut answers = bench.server_events.drain(..).filter_map(|event| match event {
        Event::Response { response, .. } => {
            Some((response.status.as_u16(), response.headers.get(&HeaderName::Accept).map(str::to_owned)))
        }
        _ => None,
    });
    answers.next_back().unwrap()
}

#[test]
fn a_message_arrives_and_says_so() {
    let mut bench = Bench::connected();
    let id = text(&mut bench, "bob", "Grüße 👋");

    let (incoming, request) = requests(&mut bench, &Method::Message).remove(0);
    assert_eq!(request.uri.to_string(), "sip:bob@example.com");
    assert_eq!(request.headers.get(&HeaderName::ContentType), Some("text/plain;charset=UTF-8"));
    assert_eq!(request.body, "Grüße 👋".as_bytes());
    assert!(!request.headers.has(&HeaderName::Contact), "RFC 3428 §4");
    assert_eq!(results(&bench), [], "not before the answer");
    bench.refuse(incoming, 202, None);

    assert_eq!(results(&bench), [(id, None)]);
}

#[test]
fn each_refusal_of_a_message_has_its_code() {
    for (status, code) in [
        (404, ErrorCode::NotFound),
        (413, ErrorCode::MessageTooLarge),
        (513, ErrorCode::MessageTooLarge),
        (415, ErrorCode::NotSupported),
        (405, ErrorCode::NotSupported),
        (480, ErrorCode::Unreachable),
        (408, ErrorCode::Timeout),
        (403, ErrorCode::Forbidden),
        (603, ErrorCode::Rejected),
        (503, ErrorCode::ServerError),
    ] {
        let mut bench = Bench::connected();
        let id = text(&mut bench, "bob", "hello");
        let (incoming, _) = requests(&mut bench, &Method::Message).remove(0);

        bench.refuse(incoming, status, Some((HeaderName::Accept, "text/plain")));

        assert_eq!(results(&bench), [(id, Some(code))], "{status}");
    }
}

#[test]
fn a_refused_type_names_the_types_that_are_taken() {
    let mut bench = Bench::connected();
    text(&mut bench, "bob", "hello");
    let (incoming, _) = requests(&mut bench, &Method::Message).remove(0);

    bench.refuse(incoming, 415, Some((HeaderName::Accept, "application/cpim")));

    let Some(CoreEvent::MessageSent { error: Some(error), .. }) = bench.events.last() else { panic!() };
    assert!(error.message.ends_with("It takes: application/cpim."), "{}", error.message);
}

#[test]
fn a_challenge_is_answered_with_the_account() {
    let mut bench = Bench::connected();
    let id = text(&mut bench, "bob", "hello");
    let (incoming, _) = requests(&mut bench, &Method::Message).remove(0);
    bench.refuse(incoming, 401, Some((HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\"")));
    let (incoming, again) = requests(&mut bench, &Method::Message).remove(0);
    assert!(again.headers.has(&HeaderName::Authorization));

    bench.refuse(incoming, 200, None);

    assert_eq!(results(&bench), [(id, None)]);
}

#[test]
fn a_message_waits_for_a_connection_but_not_for_ever() {
    let mut bench = Bench::new();
    let early = text(&mut bench, "bob", "early");
    bench.pass(Duration::from_secs(2));
    bench.accept_socket();
    let (incoming, _) = requests(&mut bench, &Method::Message).remove(0);
    bench.refuse(incoming, 200, None);
    assert_eq!(results(&bench), [(early, None)]);

    bench.close_socket();
    let late = text(&mut bench, "bob", "late");
    let dropped = text(&mut bench, "bob", "dropped");
    bench.tell(|phone, _| phone.drop_message(dropped));
    bench.pass(Duration::from_secs(11));

    assert_eq!(results(&bench), [(early, None), (late, Some(ErrorCode::ConnectionLost))]);
}

#[test]
fn what_cannot_be_sent_is_refused_at_once() {
    let mut bench = Bench::connected();
    let long = vec![b'x'; 32 * 1_024 + 1];
    let mut code = |kind: Option<&str>, body: &[u8], to: &str| {
        let kind = kind.map(str::to_owned);
        bench.tell(|phone, now| phone.message(to, (kind, body), &[], now)).err().map(|error| error.code)
    };

    assert_eq!(code(None, &long, "bob"), Some(ErrorCode::MessageTooLarge));
    assert_eq!(code(Some("nonsense"), b"x", "bob"), Some(ErrorCode::InvalidArgument));
    assert_eq!(code(Some("text/plain\r\nVia: x"), b"x", "bob"), Some(ErrorCode::InvalidArgument));
    assert_eq!(code(None, b"x", "two words"), Some(ErrorCode::InvalidTarget));
    let codes: Vec<_> = (0..65).map(|_| code(None, b"x", "bob")).collect();
    assert_eq!(codes.iter().filter(|code| code.is_none()).count(), 64, "the others are too many at once");
}

#[test]
fn a_message_that_comes_in_is_told_once_it_is_taken() {
    let mut bench = Bench::connected();

    assert_eq!(receive(&mut bench, "text/plain;charset=utf-8", "Grüße".as_bytes()), (200, None));
    let Some(CoreEvent::Message { message }) = bench.events.pop() else { panic!() };
    assert_eq!((message.from.display_name.as_deref(), message.from.uri.as_str()), (Some("Bøb"), "sip:bob@example.com"));
    assert_eq!(
        (message.content_type.as_str(), message.body),
        ("text/plain;charset=utf-8", "Grüße".as_bytes().to_vec())
    );

    let (status, accept) = receive(&mut bench, "image/png", b"\x89PNG");
    assert_eq!((status, accept.unwrap().starts_with("text/*, ")), (415, true));
    assert_eq!(receive(&mut bench, "text/plain", &vec![b'x'; 33 * 1_024]).0, 413);
    assert!(!bench.events.iter().any(|event| matches!(event, CoreEvent::Message { .. })));
}

#[test]
fn messages_inside_a_call_belong_to_it() {
    let (mut bench, call, session) = Bench::in_call();
    let sent = bench.tell(|phone, now| phone.call_message(call, (None, b"hello"), &[], now));
    let id = sent.map_err(|error| error.message).unwrap();
    let (incoming, request) = requests(&mut bench, &Method::Message).remove(0);
    assert!(request.headers.to().unwrap().tag().is_some());
    bench.refuse(incoming, 200, None);
    assert_eq!(results(&bench), [(id, None)]);

    let body = Some(("text/plain".to_owned(), b"hello yourself".to_vec()));
    bench.serve(|server, now| server.session_request(session, Method::Message, Vec::new(), body, now)).unwrap();

    let Some(CoreEvent::CallMessage { call: told, message }) = bench.events.last() else { panic!() };
    assert_eq!((*told, message.body.as_slice()), (call, b"hello yourself".as_slice()));
}

/// The status of a NOTIFY that belongs to no subscription.
fn notify(bench: &mut Bench, event: &str, body: &[u8]) -> u16 {
    let (to, from) = ("sip:x@phone.invalid".parse().unwrap(), "<sip:mail@example.com>".parse().unwrap());
    let rows = [(HeaderName::Event, event), (HeaderName::SubscriptionState, "active")];
    let notify = OutgoingRequest {
        headers: rows.map(|(name, value)| (name, value.to_owned())).to_vec(),
        body: Some(("application/simple-message-summary".to_owned(), body.to_vec())),
        ..OutgoingRequest::new(Method::Notify, to, from, Flow::connection(bench.socket.unwrap()))
    };
    bench.serve(|server, now| server.request(notify, now)).unwrap();
    let mut answers = bench.server_events.drain(..).filter_map(|event| match event {
        Event::Response { response, .. } => Some(response.status.as_u16()),
        _ => None,
    });
    answers.next_back().unwrap()
}

#[test]
fn the_voice_mail_lamp_is_told_without_a_subscription_where_the_account_is_registered() {
    let mut bench = Bench::connected();
    assert_eq!(notify(&mut bench, "message-summary", b"Messages-Waiting: yes"), 481, "not registered");

    let mut bench = Bench::registered();
    assert_eq!(notify(&mut bench, "message-summary", b"Messages-Waiting: yes"), 200);
    let Some(CoreEvent::Notify { subscription: 0, notification }) = bench.events.pop() else { panic!() };
    assert_eq!(notification.content_type.as_deref(), Some("application/simple-message-summary"));
    assert_eq!(notification.body, b"Messages-Waiting: yes");

    for event in ["presence", "dialog", "refer", "check-sync"] {
        assert_eq!(notify(&mut bench, event, b""), 481, "{event}");
    }
    assert_eq!(notify(&mut bench, "message-summary", &vec![b'x'; 33 * 1_024]), 413);
    assert!(!bench.events.iter().any(|event| matches!(event, CoreEvent::Notify { .. })));
}

/// Grants a SUBSCRIBE and notifies; returns the dialog.
fn stand(bench: &mut Bench, (id, request): (IncomingId, Box<Request>), body: &str) -> Dialog {
    let flow = Flow::connection(bench.socket.unwrap());
    let tag = bench.server.reply_tag(id).unwrap().to_owned();
    let reply = Reply::new(StatusCode::OK).header(HeaderName::Expires, "600");
    bench.serve(|server, now| server.respond(id, reply, now)).unwrap();
    let target = "sip:server@server.invalid".parse().unwrap();
    let mut dialog = Dialog::uas(&request, &tag, &target, flow).unwrap();
    dialog.confirm();
    let mut notify = dialog.request(Method::Notify);
    notify.headers.push(HeaderName::Event, request.headers.get(&HeaderName::Event).unwrap());
    notify.headers.push(HeaderName::SubscriptionState, "active;expires=600");
    notify.set_body("text/plain", body);
    bench.serve(|server, now| server.dialog_request(notify, flow, now)).unwrap();
    dialog
}

#[test]
fn a_subscription_goes_on_on_the_next_connection_until_it_is_given_back() {
    let mut bench = Bench::new();
    let subscribed = bench.tell(|phone, now| phone.subscribe("bob", "presence", &SubscribeOptions::default(), now));
    let id = subscribed.map_err(|error| error.message).unwrap();
    bench.accept_socket();
    let first = requests(&mut bench, &Method::Subscribe).remove(0);
    assert_eq!(first.1.headers.get(&HeaderName::Event), Some("presence"));
    stand(&mut bench, first, "one");
    bench.server_events.clear();

    bench.close_socket();
    bench.pass(Duration::from_millis(300));
    bench.accept_socket();
    let second = requests(&mut bench, &Method::Subscribe).remove(0);
    stand(&mut bench, second, "two");
    bench.server_events.clear();
    assert_eq!(watches(&bench), ["active", "one", "waiting", "active", "two"]);

    bench.tell(|phone, now| phone.unsubscribe(id, now));
    let (_, last) = requests(&mut bench, &Method::Subscribe).remove(0);
    assert_eq!(last.headers.expires(), Some(0));
    bench.pass(Duration::from_secs(33));
    assert_eq!(watches(&bench).last().map(String::as_str), Some("terminated"));
}

#[test]
fn a_refused_subscription_ends_with_its_error() {
    let mut bench = Bench::connected();
    let subscribed = bench.tell(|phone, now| phone.subscribe("bob", "nonsense", &SubscribeOptions::default(), now));
    subscribed.map_err(|error| error.message).unwrap();
    let (id, _) = requests(&mut bench, &Method::Subscribe).remove(0);

    bench.refuse(id, 489, Some((HeaderName::AllowEvents, "presence")));

    let Some(CoreEvent::SubscriptionChange { change, .. }) = bench.events.last() else { panic!() };
    assert_eq!(
        change.error.as_ref().map(|error| (error.code, error.status)),
        Some((ErrorCode::NotSupported, Some(489)))
    );
    let wrong = bench.tell(|phone, now| phone.subscribe("bob", "two words", &SubscribeOptions::default(), now));
    assert_eq!(wrong.err().map(|error| error.code), Some(ErrorCode::InvalidArgument));
}

#[test]
fn disconnecting_gives_everything_back() {
    let mut bench = Bench::connected();
    let subscribed = bench.tell(|phone, now| phone.subscribe("bob", "presence", &SubscribeOptions::default(), now));
    subscribed.map_err(|error| error.message).unwrap();
    let request = requests(&mut bench, &Method::Subscribe).remove(0);
    stand(&mut bench, request, "one");
    bench.sent.clear();

    bench.tell(Phone::disconnect);

    assert_eq!(bench.sent, ["SUBSCRIBE", "close"]);
    assert_eq!(watches(&bench).last().map(String::as_str), Some("terminated"));
}

#[test]
fn a_document_is_published_changed_and_withdrawn() {
    let mut bench = Bench::connected();
    let document = |text: &str| ("application/pidf+xml".to_owned(), text.as_bytes().to_vec());
    let (kind, body) = document("<open/>");
    let published = bench.tell(|phone, now| phone.publish("presence", (kind, &body), &PublishOptions::default(), now));
    let id = published.map_err(|error| error.message).unwrap();
    for expected in ["<open/>", "<closed/>", ""] {
        let (incoming, request) = requests(&mut bench, &Method::Publish).remove(0);
        assert_eq!(request.uri.to_string(), "sip:alice@example.com");
        assert_eq!(request.body, expected.as_bytes());
        bench.refuse(incoming, 200, Some((HeaderName::SipEtag, "tag")));
        match expected {
            "<open/>" => {
                let (kind, body) = document("<closed/>");
                bench.tell(|phone, now| phone.modify(id, (kind, &body), now)).map_err(|error| error.message).unwrap();
            }
            "<closed/>" => bench.tell(|phone, now| phone.unpublish(id, now)),
            _ => {}
        }
    }

    assert_eq!(watches(&bench), ["published", "published", "ended"]);
    let (kind, body) = document("<late/>");
    assert!(bench.tell(|phone, now| phone.modify(id, (kind, &body), now)).is_err());
}
