//! Messages, subscriptions and publications through the relay's two legs, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::b2bua::{Access, Input};
use sip_core::agent::{
    Event, IncomingId, Notified, OutgoingRequest, PublicationEvent, Publish, Reply, Subscribe, SubscriptionEvent,
    SubscriptionId,
};
use sip_core::dialog::Dialog;
use sip_core::digest::Credentials;
use sip_core::message::{HeaderName, Method, NameAddr, Request, StatusCode, Uri};
use sip_core::{Duration, SocketId};
use world::{BROWSER, End, World};

fn alice() -> NameAddr {
    "\"Alice\" <sip:alice@example.com>".parse().unwrap()
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

impl World {
    fn text(&mut self, to: &str, body: &str, credentials: Option<Credentials>) {
        let message = OutgoingRequest {
            body: Some(("text/plain;charset=UTF-8".to_owned(), body.into())),
            credentials,
            ..OutgoingRequest::new(Method::Message, uri(to), alice(), World::web_flow())
        };
        self.browser.request(message, self.now).unwrap();
        self.settle();
    }

    /// The next request of this method at one end.
    fn asked(&mut self, end: End, method: &Method) -> (IncomingId, Request) {
        loop {
            match self.event(end).unwrap_or_else(|| panic!("no {} at {end:?}", method.as_str())) {
                Event::Request { id, request, .. } if request.method == *method => return (id, *request),
                _ => {}
            }
        }
    }

    fn answer(&mut self, end: End, id: IncomingId, status: u16, rows: &[(HeaderName, &str)]) {
        let mut reply = Reply::new(StatusCode::new(status).unwrap());
        reply.headers.extend(rows.iter().map(|(name, value)| (name.clone(), (*value).to_owned())));
        let agent = if end == End::Browser { &mut self.browser } else { &mut self.pbx };
        agent.respond(id, reply, self.now).unwrap();
        self.settle();
    }

    /// The next answer at one end: status, reason and headers.
    fn answered(&mut self, end: End) -> sip_core::message::Response {
        loop {
            match self.event(end).expect("an answer") {
                Event::Response { response, .. } => return *response,
                Event::RequestFailed { failure, .. } => panic!("{failure:?}"),
                _ => {}
            }
        }
    }

    fn text_from_pbx(&mut self, to: Uri, body: &str) {
        let message = OutgoingRequest {
            body: Some(("text/plain".to_owned(), body.into())),
            headers: vec![(HeaderName::PAssertedIdentity, "<sip:bob@example.com>".to_owned())],
            ..OutgoingRequest::new(Method::Message, to, "<sip:bob@example.com>".parse().unwrap(), World::trunk_flow())
        };
        self.pbx.request(message, self.now).unwrap();
        self.settle();
    }

    fn subscribe(&mut self, event: &str) -> SubscriptionId {
        self.subscribe_as(event, None)
    }

    fn subscribe_as(&mut self, event: &str, credentials: Option<Credentials>) -> SubscriptionId {
        let subscribe = Subscribe {
            accept: Some("application/pidf+xml".to_owned()),
            expires: Duration::from_secs(600),
            credentials,
            ..Subscribe::new(uri("sip:bob@example.com"), alice(), event.to_owned(), World::web_flow())
        };
        let id = self.browser.subscribe(subscribe, self.now).unwrap();
        self.settle();
        id
    }

    /// The PBX's dialog of a SUBSCRIBE, which is granted for five minutes.
    fn granted(&mut self) -> (Dialog, Request) {
        let (id, request) = self.asked(End::Pbx, &Method::Subscribe);
        let dialog = self.dialog_of(id, &request);
        self.answer(End::Pbx, id, 200, &[(HeaderName::Expires, "300")]);
        (dialog, request)
    }

    fn dialog_of(&self, id: IncomingId, request: &Request) -> Dialog {
        let tag = self.pbx.reply_tag(id).unwrap();
        let mut dialog = Dialog::uas(request, tag, &uri("sip:pbx@192.0.2.99:5060"), World::trunk_flow()).unwrap();
        dialog.confirm();
        dialog
    }

    fn notify(&mut self, dialog: &mut Dialog, event: &str, state: &str, body: Option<(&str, &str)>) {
        let mut notify = dialog.request(Method::Notify);
        notify.headers.push(HeaderName::Event, event);
        notify.headers.push(HeaderName::SubscriptionState, state);
        if let Some((content_type, body)) = body {
            notify.set_body(content_type, body);
        }
        self.pbx.dialog_request(notify, World::trunk_flow(), self.now).unwrap();
        self.settle();
    }

    /// What the browser's subscription said since: states and bodies.
    fn told(&mut self) -> Vec<String> {
        self.settle();
        let said = self.browser_events.drain(..).filter_map(|event| match event {
            Event::Subscription { event: SubscriptionEvent::Accepted { expires }, .. } => {
                Some(format!("accepted {}", expires.as_secs()))
            }
            Event::Subscription { event: SubscriptionEvent::Notified { state, request }, .. } => {
                let word = if state == Notified::Terminated { "last" } else { "notified" };
                Some(format!("{word} {}", String::from_utf8_lossy(&request.body)).trim_end().to_owned())
            }
            Event::Subscription { event: SubscriptionEvent::Interrupted { cause, .. }, .. } => {
                Some(format!("interrupted {}", cause.reason.unwrap_or_default()).trim_end().to_owned())
            }
            Event::Subscription { event: SubscriptionEvent::Ended(end), .. } => Some(match end.failure {
                Some(failure) => format!("ended {failure:?}"),
                None => "ended".to_owned(),
            }),
            _ => None,
        });
        said.collect()
    }
}

#[test]
fn a_text_crosses_to_the_pbx_and_its_answer_comes_back() {
    for (status, row) in [(200, None), (404, None), (480, None), (415, Some((HeaderName::Accept, "text/plain")))] {
        let mut world = World::new();
        world.text("sip:bob@example.com", "Grüße 👋", None);

        let (id, request) = world.asked(End::Pbx, &Method::Message);
        assert_eq!(request.uri.to_string(), "sip:bob@example.com");
        assert_eq!(request.headers.from().unwrap().uri.to_string(), "sip:alice@example.com");
        assert_eq!(request.headers.get(&HeaderName::ContentType), Some("text/plain;charset=UTF-8"));
        assert_eq!(request.body, "Grüße 👋".as_bytes());
        assert!(!request.headers.has(&HeaderName::Contact));
        assert!(request.headers.via().unwrap().to_string().contains("192.0.2.1"), "ours, not the browser's");
        world.answer(End::Pbx, id, status, row.as_slice());

        let response = world.answered(End::Browser);
        assert_eq!(response.status.as_u16(), status);
        assert_eq!(response.headers.get(&HeaderName::Accept), row.map(|(_, value)| value));
    }
}

#[test]
fn a_challenged_text_is_answered_by_the_browser() {
    let mut world = World::new();
    world.text("sip:bob@example.com", "hello", Some(Credentials::new("alice", "secret")));
    let (id, first) = world.asked(End::Pbx, &Method::Message);
    let challenge = "Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256";
    world.answer(End::Pbx, id, 407, &[(HeaderName::ProxyAuthenticate, challenge)]);

    let (id, again) = world.asked(End::Pbx, &Method::Message);
    let credentials = again.headers.get(&HeaderName::ProxyAuthorization).expect("the browser's credentials");
    assert!(credentials.contains("uri=\"sip:bob@example.com\""), "{credentials}");
    assert_eq!(again.headers.call_id(), first.headers.call_id());
    assert_eq!(again.headers.cseq().unwrap().number, first.headers.cseq().unwrap().number + 1);
    world.answer(End::Pbx, id, 202, &[]);

    assert_eq!(world.answered(End::Browser).status, StatusCode::ACCEPTED);
}

#[test]
fn a_text_too_long_for_the_way_is_refused_with_a_sentence() {
    let mut world = World::new();
    world.text("sip:bob@example.com", &"x".repeat(1_300), None);

    let response = world.answered(End::Browser);

    assert_eq!(response.status, StatusCode::REQUEST_ENTITY_TOO_LARGE);
    assert!(response.reason.contains("1300"), "{}", response.reason);
    assert_eq!(world.ladder(End::Pbx), [""; 0]);
}

#[test]
fn a_text_for_nobody_is_404_and_for_a_dead_pbx_503() {
    let mut world = World::new();
    world.text("sip:bob@elsewhere.example", "hello", None);
    assert_eq!(world.answered(End::Browser).status, StatusCode::NOT_FOUND);

    world.is_pbx_reachable = false;
    world.text("sip:bob@example.com", "hello", None);
    assert_eq!(world.answered(End::Browser).status, StatusCode::SERVICE_UNAVAILABLE);

    world.is_pbx_reachable = true;
    world.is_pbx_deaf = true;
    world.text("sip:bob@example.com", "hello", None);
    world.pass(Duration::from_secs(33));
    let told: Vec<Event> = world.browser_events.drain(..).collect();
    assert!(
        matches!(told.last(), Some(Event::RequestFailed { .. } | Event::Response { .. })),
        "something is said in any case: {told:?}"
    );
}

#[test]
fn a_text_of_the_pbx_reaches_the_registered_browser_only() {
    let mut world = World::new();
    let contact = world.register();
    world.text_from_pbx(contact.clone(), "Grüße 👋");
    let (id, request) = world.asked(End::Browser, &Method::Message);

    assert_eq!(request.uri.to_string(), "sip:me@abc.invalid;transport=ws");
    assert_eq!(request.headers.from().unwrap().uri.to_string(), "sip:bob@example.com");
    assert_eq!(request.headers.to().unwrap().uri.to_string(), "sip:alice@example.com");
    assert_eq!(request.headers.get(&HeaderName::PAssertedIdentity), Some("<sip:bob@example.com>"));
    assert_eq!(request.body, "Grüße 👋".as_bytes());
    world.answer(End::Browser, id, 415, &[(HeaderName::Accept, "text/html")]);
    let response = world.answered(End::Pbx);
    assert_eq!((response.status.as_u16(), response.headers.get(&HeaderName::Accept)), (415, Some("text/html")));

    world.text_from_pbx(uri("sip:guessed@192.0.2.1:5060"), "hello");
    assert_eq!(world.answered(End::Pbx).status, StatusCode::NOT_FOUND);

    world.tell(Input::WebClosed { socket: BROWSER });
    world.text_from_pbx(contact, "hello");
    assert_eq!(world.answered(End::Pbx).status, StatusCode::TEMPORARILY_UNAVAILABLE);
}

#[test]
fn a_subscription_stands_on_two_dialogs_and_is_refreshed_through_both() {
    let mut world = World::new();
    world.subscribe("presence");
    let (mut dialog, first) = world.granted();
    assert_eq!(first.headers.get(&HeaderName::Event), Some("presence"));
    assert_eq!(first.headers.get(&HeaderName::Accept), Some("application/pidf+xml"));
    assert_eq!(first.headers.expires(), Some(600));
    assert_eq!(first.headers.get(&HeaderName::Contact), Some("<sip:alice@192.0.2.1:5060>"));
    assert_eq!(world.told(), ["accepted 300"]);

    world.notify(&mut dialog, "presence", "active;expires=300", Some(("application/pidf+xml", "<one/>")));
    assert_eq!(world.told(), ["notified <one/>"]);
    assert_eq!(world.answered(End::Pbx).status, StatusCode::OK, "the browser's own 200");
    let seen = world.last(End::Browser, "NOTIFY").headers().clone();
    assert!(!seen.get(&HeaderName::Contact).unwrap().contains("192.0.2.99"), "the PBX stays unseen");
    assert_ne!(seen.call_id(), first.headers.call_id());

    world.pass(Duration::from_secs(271));
    let (id, refresh) = world.asked(End::Pbx, &Method::Subscribe);
    assert_eq!(refresh.headers.to().unwrap().tag(), Some(dialog.local_tag()));
    assert_eq!(refresh.uri.to_string(), "sip:pbx@192.0.2.99:5060");
    assert_eq!(refresh.headers.call_id(), first.headers.call_id());
    world.answer(End::Pbx, id, 200, &[(HeaderName::Expires, "300")]);
    assert_eq!(world.told(), ["accepted 300"]);
    assert_eq!(world.relay.occupancy().subscriptions, 1);
}

#[test]
fn unsubscribing_crosses_and_leaves_nothing_behind() {
    let mut world = World::new();
    let id = world.subscribe("presence");
    let (mut dialog, _) = world.granted();
    world.notify(&mut dialog, "presence", "active", None);
    world.told();

    world.browser.unsubscribe(id, world.now).unwrap();
    let (id, last) = world.asked(End::Pbx, &Method::Subscribe);
    assert_eq!(last.headers.expires(), Some(0));
    world.answer(End::Pbx, id, 200, &[(HeaderName::Expires, "0")]);
    world.notify(&mut dialog, "presence", "terminated;reason=timeout", None);

    assert_eq!(world.told(), ["last", "ended"]);
    assert_eq!(world.relay.occupancy().subscriptions, 0);
    world.notify(&mut dialog, "presence", "active", None);
    world.answered(End::Pbx);
    assert_eq!(world.answered(End::Pbx).status, StatusCode::CALL_DOES_NOT_EXIST);
}

#[test]
fn a_notify_before_the_2xx_is_mapped_back_and_another_fork_ends() {
    let mut world = World::new();
    world.subscribe("presence");
    let (id, request) = world.asked(End::Pbx, &Method::Subscribe);
    let mut dialog = Dialog::uas(&request, "fork-b", &uri("sip:b@192.0.2.99:5060"), World::trunk_flow()).unwrap();

    world.notify(&mut dialog, "presence", "active;expires=200", Some(("text/plain", "early")));
    assert_eq!(world.told(), ["notified early"]);
    world.answer(End::Pbx, id, 200, &[(HeaderName::Expires, "200")]);
    assert_eq!(world.told(), ["accepted 200"]);
    let mut other = Dialog::uas(&request, "fork-a", &uri("sip:a@192.0.2.99:5060"), World::trunk_flow()).unwrap();
    world.pbx_events.clear();
    world.notify(&mut other, "presence", "active", None);

    assert_eq!(world.answered(End::Pbx).status, StatusCode::CALL_DOES_NOT_EXIST);
    assert_eq!(world.told(), [""; 0]);
}

#[test]
fn a_challenged_subscription_is_answered_by_the_browser() {
    let mut world = World::new();
    world.subscribe_as("presence", Some(Credentials::new("alice", "secret")));
    let (id, first) = world.asked(End::Pbx, &Method::Subscribe);
    let challenge = "Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\"";
    world.answer(End::Pbx, id, 401, &[(HeaderName::WwwAuthenticate, challenge)]);

    let (_, again) = world.granted();

    assert!(again.headers.has(&HeaderName::Authorization));
    assert_eq!(again.headers.call_id(), first.headers.call_id());
    assert_eq!(again.headers.cseq().unwrap().number, 2);
    assert_eq!((world.told(), world.relay.occupancy().subscriptions), (vec!["accepted 300".to_owned()], 1));
}

#[test]
fn each_refusal_of_a_subscription_reaches_the_browser() {
    for (status, word) in [(404, "ended"), (489, "ended"), (403, "ended"), (503, "interrupted")] {
        let mut world = World::new();
        world.subscribe("nonsense");
        let (id, _) = world.asked(End::Pbx, &Method::Subscribe);
        world.answer(End::Pbx, id, status, &[(HeaderName::AllowEvents, "presence")]);

        let told = world.told();
        assert!(told[0].starts_with(word), "{status}: {told:?}");
        let refusal = world.last(End::Browser, &format!("{status} SUBSCRIBE"));
        assert_eq!(refusal.headers().get(&HeaderName::AllowEvents), Some("presence"));
        assert_eq!(world.relay.occupancy().subscriptions, 0);
    }
}

#[test]
fn a_browser_that_is_gone_is_unsubscribed_at_the_pbx() {
    let mut world = World::new();
    world.subscribe_as("presence", Some(Credentials::new("alice", "secret")));
    let (mut dialog, _) = world.granted();
    world.notify(&mut dialog, "presence", "active", None);

    world.tell(Input::WebClosed { socket: BROWSER });
    let (id, last) = world.asked(End::Pbx, &Method::Subscribe);
    assert_eq!((last.headers.expires(), last.headers.to().unwrap().tag()), (Some(0), Some(dialog.local_tag())));
    assert_eq!(last.headers.get(&HeaderName::Event), Some("presence"));
    world.answer(End::Pbx, id, 200, &[(HeaderName::Expires, "0")]);
    world.pbx_events.clear();
    world.notify(&mut dialog, "presence", "terminated;reason=timeout", None);

    assert_eq!(world.answered(End::Pbx).status, StatusCode::OK);
    assert_eq!(world.relay.occupancy().subscriptions, 0);
}

#[test]
fn a_browser_that_is_gone_too_early_is_unsubscribed_once_the_pbx_answers() {
    let mut world = World::new();
    world.subscribe("presence");
    let (id, _) = world.asked(End::Pbx, &Method::Subscribe);
    world.tell(Input::WebClosed { socket: BROWSER });
    assert_eq!(world.ladder(End::Pbx), ["SUBSCRIBE"]);

    world.answer(End::Pbx, id, 200, &[(HeaderName::Expires, "300")]);
    let (id, last) = world.asked(End::Pbx, &Method::Subscribe);
    assert_eq!(last.headers.expires(), Some(0));
    world.answer(End::Pbx, id, 401, &[]);

    assert_eq!(world.relay.occupancy().subscriptions, 0, "without a password there is no more to say");
}

#[test]
fn a_pbx_that_is_gone_ends_the_browsers_subscription() {
    let mut world = World::new();
    world.subscribe("presence");
    let (mut dialog, _) = world.granted();
    world.notify(&mut dialog, "presence", "active;expires=300", None);
    world.told();
    world.is_pbx_reachable = false;

    world.pass(Duration::from_secs(271));

    let told = world.told();
    assert!(told.contains(&"last".to_owned()), "{told:?}");
    assert!(told.iter().any(|word| word.starts_with("interrupted")), "{told:?}");
    let last = world.last(End::Browser, "NOTIFY").headers().get(&HeaderName::SubscriptionState).unwrap();
    assert!(last.starts_with("terminated;reason=probation"), "{last}");
}

#[test]
fn a_subscription_that_nobody_refreshes_ends_with_its_time() {
    let mut world = World::new();
    let id = world.subscribe("presence");
    let (mut dialog, _) = world.granted();
    world.notify(&mut dialog, "presence", "active;expires=300", None);
    world.browser.forget_subscription(id);

    world.pass(Duration::from_secs(340));

    let last = world.last(End::Browser, "NOTIFY").headers().get(&HeaderName::SubscriptionState).unwrap();
    assert_eq!(last, "terminated;reason=timeout");
    assert_eq!(world.relay.occupancy().subscriptions, 0);
}

#[test]
fn a_browser_may_not_subscribe_without_end() {
    let mut world = World::with(|config| config.max_subscriptions_per_browser = 3);
    for _ in 0..5 {
        world.subscribe("presence");
    }

    assert_eq!(world.ladder(End::Pbx).iter().filter(|name| *name == "SUBSCRIBE").count(), 3);
    assert_eq!(world.ladder(End::Browser).iter().filter(|name| *name == "403 SUBSCRIBE").count(), 2);

    let mut world = World::with(|config| config.max_subscriptions = 1);
    world.subscribe("presence");
    world.subscribe("presence");
    let busy = world.last(End::Browser, "503 SUBSCRIBE");
    assert!(busy.headers().retry_after().is_some());
}

#[test]
fn a_notify_that_belongs_to_nothing_is_481_and_one_out_of_order_500() {
    let mut world = World::new();
    world.subscribe("presence");
    let (mut dialog, request) = world.granted();
    let mut stranger = Dialog::uas(&request, "x", &uri("sip:x@192.0.2.99:5060"), World::trunk_flow()).unwrap();
    let mut old = dialog.clone();
    world.notify(&mut dialog, "presence", "active", None);
    world.notify(&mut dialog, "presence", "active", None);
    world.pbx_events.clear();

    world.notify(&mut stranger, "presence", "active", None);
    assert_eq!(world.answered(End::Pbx).status, StatusCode::CALL_DOES_NOT_EXIST);
    world.notify(&mut old, "presence", "active", None);
    assert_eq!(world.answered(End::Pbx).status, StatusCode::SERVER_INTERNAL_ERROR);
}

#[test]
fn other_watchers_do_not_learn_the_name_that_rings_a_browser() {
    let mut world = World::new();
    let contact = world.register();
    world.subscribe("dialog");
    let (mut dialog, _) = world.granted();
    let body = format!("<dialog-info><target uri=\"{contact}\"/><target uri=\"sip:x@192.0.2.1:5060\"/></dialog-info>");

    world.notify(&mut dialog, "dialog", "active", Some(("application/dialog-info+xml", &body)));

    let clean =
        "<dialog-info><target uri=\"sip:alice@example.com\"/><target uri=\"sip:x@192.0.2.1:5060\"/></dialog-info>";
    assert!(world.told().contains(&format!("notified {clean}")));
}

#[test]
fn a_publication_crosses_with_its_entity_tags() {
    let mut world = World::new();
    let publish = Publish {
        target: uri("sip:alice@example.com"),
        flow: World::web_flow(),
        from: alice(),
        event: "presence".to_owned(),
        expires: Duration::from_secs(600),
        route: vec![],
        headers: vec![],
        body: ("application/pidf+xml".to_owned(), b"<open/>".to_vec()),
        credentials: None,
    };
    let publication = world.browser.publish(publish, world.now).unwrap();
    let (id, request) = world.asked(End::Pbx, &Method::Publish);
    assert_eq!(
        (request.headers.get(&HeaderName::Event), request.body.as_slice()),
        (Some("presence"), b"<open/>".as_slice())
    );
    world.answer(End::Pbx, id, 200, &[(HeaderName::SipEtag, "e1"), (HeaderName::Expires, "300")]);

    world.browser.unpublish(publication, world.now).unwrap();
    let (id, request) = world.asked(End::Pbx, &Method::Publish);
    assert_eq!((request.headers.get(&HeaderName::SipIfMatch), request.headers.expires()), (Some("e1"), Some(0)));
    world.answer(End::Pbx, id, 412, &[]);

    let ended =
        |event: &Event| matches!(event, Event::Publication { event: PublicationEvent::Ended { failure: None }, .. });
    assert!(world.browser_events.iter().any(ended), "{:?}", world.browser_events);
}

#[test]
fn another_browsers_subscription_cannot_be_touched() {
    let mut world = World::new();
    world.subscribe("presence");
    world.granted();
    let peer = "198.51.100.6:40000".parse().unwrap();
    world.tell(Input::WebOpened { socket: SocketId(8), peer, secure: false, page: None, access: Access::Full });
    let stolen = "SUBSCRIBE sip:switchhook@relay.invalid SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n\
        Max-Forwards: 70\r\nFrom: <sip:eve@example.com>;tag=e\r\nTo: <sip:bob@example.com>;tag=guess\r\nCall-ID: guess\r\n\
        CSeq: 9 SUBSCRIBE\r\nEvent: presence\r\nExpires: 0\r\n\r\n";

    world.tell(Input::WebMessage { socket: SocketId(8), bytes: stolen.as_bytes().to_vec() });

    assert_eq!(world.ladder(End::Browser).last().map(String::as_str), Some("481 SUBSCRIBE"));
    assert_eq!(world.relay.occupancy().subscriptions, 1);
}
