//! Following somebody's state (RFC 6665 §4.1), against a notifier that is written message by message.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{Alone, Side, answer, request_of_bob, uri};
use sip_core::agent::{AgentError, Config, LocalSocket, Subscribe, SubscriptionId};
use sip_core::digest::Credentials;
use sip_core::message::{HeaderName, Message, Method, NameAddr, Request, StatusCode};
use sip_core::{Duration, Flow, SocketId, Transport};

fn wish(alone: &Alone) -> Subscribe {
    let from = NameAddr::new(Side::Alice.uri());
    Subscribe {
        accept: Some("application/pidf+xml".to_owned()),
        ..Subscribe::new(Side::Bob.uri(), from, "presence".to_owned(), alone.flow)
    }
}

fn subscribe(alone: &mut Alone) -> (SubscriptionId, Request) {
    let wish = wish(alone);
    subscribe_as(alone, wish)
}

fn subscribe_as(alone: &mut Alone, wish: Subscribe) -> (SubscriptionId, Request) {
    let id = alone.agent.subscribe(wish, alone.now).unwrap();
    alone.drain();
    (id, alone.next_request(Method::Subscribe))
}

/// A NOTIFY of Bob's with this tag, in the dialog of Alice's SUBSCRIBE.
fn notify(subscribe: &Request, tag: &str, number: u32, state: &str) -> Request {
    let mut notify = request_of_bob(&Method::Notify, &format!("{tag}{number}{}", state.len()));
    let mut from = subscribe.headers.to().unwrap();
    from.set_tag(tag);
    let rows = &mut notify.headers;
    rows.set(HeaderName::From, from.to_string());
    rows.set(HeaderName::To, subscribe.headers.get(&HeaderName::From).unwrap());
    rows.set(HeaderName::CallId, subscribe.headers.call_id().unwrap());
    rows.set(HeaderName::CSeq, format!("{number} NOTIFY"));
    rows.set(HeaderName::Contact, format!("<sip:{tag}@192.0.2.2:5060>"));
    rows.push(HeaderName::Event, subscribe.headers.get(&HeaderName::Event).unwrap());
    rows.push(HeaderName::SubscriptionState, state);
    notify
}

fn granted(subscribe: &Request, tag: &str, expires: u32) -> sip_core::message::Response {
    let mut ok = answer(subscribe, 200, tag, None);
    ok.headers.push(HeaderName::Expires, expires.to_string());
    ok
}

/// Subscribed, with the first NOTIFY taken; nothing is told or sent any more.
fn standing(alone: &mut Alone, expires: u32) -> (SubscriptionId, Request) {
    let (id, request) = subscribe(alone);
    alone.receive(granted(&request, "b", expires));
    alone.receive(notify(&request, "b", 1, &format!("active;expires={expires}")));
    alone.next_response(200);
    assert_eq!(alone.told(), [&format!("accepted {expires}"), "active"]);
    (id, request)
}

/// Lets time pass second by second until something is sent; returns the seconds.
fn seconds_until_sent(alone: &mut Alone, limit: u32) -> Option<u32> {
    (1..=limit).find(|_| {
        alone.pass(Duration::from_secs(1));
        !alone.sent.is_empty()
    })
}

#[test]
fn a_subscription_asks_stands_and_is_refreshed_in_its_dialog() {
    let mut alone = Alone::new(Transport::Ws);
    let (_, first) = subscribe(&mut alone);

    assert_eq!(first.uri, Side::Bob.uri());
    for (name, value) in
        [(HeaderName::Event, "presence"), (HeaderName::Accept, "application/pidf+xml"), (HeaderName::Expires, "3600")]
    {
        assert_eq!(first.headers.get(&name), Some(value));
    }
    assert!(first.headers.has(&HeaderName::Contact));
    alone.receive(granted(&first, "b", 600));
    alone.receive(notify(&first, "b", 1, "active;expires=600"));
    alone.next_response(200);
    assert_eq!(alone.told(), ["accepted 600", "active"]);

    let waited = seconds_until_sent(&mut alone, 600).unwrap();
    assert!((450..=540).contains(&waited), "{waited}");
    let second = alone.next_request(Method::Subscribe);
    assert_eq!(second.uri, uri("sip:b@192.0.2.2:5060"), "the notifier's Contact");
    assert_eq!(second.headers.to().unwrap().tag(), Some("b"));
    assert_eq!(second.headers.call_id(), first.headers.call_id());
    assert_eq!(second.headers.cseq().unwrap().number, first.headers.cseq().unwrap().number + 1);
    assert_eq!(second.headers.get(&HeaderName::Event), Some("presence"));
    alone.receive(granted(&second, "b", 600));
    assert_eq!(alone.told(), ["accepted 600"]);
    alone.receive(notify(&second, "b", 2, "active;expires=600"));
    assert_eq!(alone.told(), ["active"]);
}

#[test]
fn a_notify_before_the_2xx_makes_the_dialog() {
    let mut alone = Alone::new(Transport::Udp);
    let (id, request) = subscribe(&mut alone);

    alone.receive(notify(&request, "b", 7, "pending;expires=300"));
    alone.next_response(200);
    alone.receive(granted(&request, "b", 300));
    assert_eq!(alone.told(), ["pending", "accepted 300"]);

    alone.agent.unsubscribe(id, alone.now).unwrap();
    alone.drain();
    let bye = alone.next_request(Method::Subscribe);
    assert_eq!((bye.headers.expires(), bye.headers.to().unwrap().tag()), (Some(0), Some("b")));
}

#[test]
fn unsubscribing_waits_for_the_last_notify() {
    let mut alone = Alone::new(Transport::Ws);
    let (id, request) = standing(&mut alone, 600);

    alone.agent.unsubscribe(id, alone.now).unwrap();
    alone.drain();
    let last = alone.next_request(Method::Subscribe);
    alone.receive(granted(&last, "b", 0));
    assert_eq!(alone.told(), [""; 0], "not over yet");
    assert!(matches!(alone.agent.unsubscribe(id, alone.now), Err(AgentError::WrongState { .. })));
    alone.receive(notify(&request, "b", 2, "terminated;reason=timeout"));

    alone.next_response(200);
    assert_eq!(alone.told(), ["terminated", "ended timeout"]);
    alone.receive(notify(&request, "b", 3, "active"));
    alone.next_response(481);
    assert!(alone.agent.unsubscribe(id, alone.now).is_err());
}

#[test]
fn unsubscribing_ends_without_the_last_notify_too() {
    let mut alone = Alone::new(Transport::Ws);
    let (id, _) = standing(&mut alone, 600);
    alone.agent.unsubscribe(id, alone.now).unwrap();
    alone.drain();
    let last = alone.next_request(Method::Subscribe);
    alone.receive(granted(&last, "b", 0));

    alone.pass(Duration::from_secs(33));

    assert_eq!(alone.told(), ["ended"]);
}

#[test]
fn unsubscribing_before_any_answer_follows_the_dialog() {
    for notify_first in [false, true] {
        let mut alone = Alone::new(Transport::Ws);
        let (id, request) = subscribe(&mut alone);
        alone.agent.unsubscribe(id, alone.now).unwrap();
        alone.drain();
        assert!(alone.sent.is_empty(), "there is no dialog to end yet");

        if notify_first {
            alone.receive(notify(&request, "b", 1, "active"));
            alone.next_response(200);
        } else {
            alone.receive(granted(&request, "b", 600));
        }

        let last = alone.next_request(Method::Subscribe);
        assert_eq!((last.headers.expires(), last.headers.to().unwrap().tag()), (Some(0), Some("b")));
    }
}

#[test]
fn of_several_forks_the_first_notify_is_kept_and_the_others_end() {
    let mut alone = Alone::new(Transport::Udp);
    let (_, request) = subscribe(&mut alone);
    alone.receive(granted(&request, "b", 600));

    alone.receive(notify(&request, "c", 1, "active"));
    alone.next_response(200);
    alone.receive(notify(&request, "b", 1, "active"));
    alone.next_response(481);
    alone.receive(notify(&request, "c", 2, "active"));
    alone.next_response(200);

    assert_eq!(alone.told(), ["accepted 600", "active", "active"]);
    seconds_until_sent(&mut alone, 600).unwrap();
    assert_eq!(alone.next_request(Method::Subscribe).headers.to().unwrap().tag(), Some("c"));
}

/// RFC 6665 §4.1.3: what each reason asks of the subscriber. `None`: nothing more; else the seconds before the next
/// SUBSCRIBE, from and to.
const REASONS: [(&str, Option<(u32, u32)>); 10] = [
    ("terminated;reason=deactivated", Some((0, 1))),
    ("terminated;reason=timeout", Some((0, 1))),
    ("terminated;reason=probation", Some((30, 32))),
    ("terminated;reason=probation;retry-after=120", Some((120, 121))),
    ("terminated;reason=giveup", Some((30, 32))),
    ("terminated;reason=giveup;retry-after=5", Some((5, 6))),
    ("terminated", Some((0, 1))),
    ("terminated;reason=rejected", None),
    ("terminated;reason=noresource;retry-after=5", None),
    ("Terminated; reason=invariant", None),
];

#[test]
fn each_reason_of_an_end_is_followed() {
    for (state, next) in REASONS {
        let mut alone = Alone::new(Transport::Ws);
        let (_, request) = standing(&mut alone, 600);

        alone.receive(notify(&request, "b", 2, state));
        alone.next_response(200);

        let told = alone.told();
        assert_eq!(told[0], "terminated", "{state}");
        let Some((from, to)) = next else {
            assert!(told[1].starts_with("ended "), "{state}: {told:?}");
            alone.pass(Duration::from_secs(1_000));
            assert!(alone.sent.is_empty(), "{state}: it is not wanted there");
            continue;
        };
        assert!(told[1].starts_with("interrupted") && told[1].ends_with(", retries"), "{state}: {told:?}");
        let waited = if alone.sent.is_empty() { seconds_until_sent(&mut alone, 200).unwrap() } else { 0 };
        assert!((from..=to).contains(&waited), "{state}: {waited}");
        let fresh = alone.next_request(Method::Subscribe);
        assert_ne!(fresh.headers.call_id(), request.headers.call_id(), "{state}: a new dialog");
        assert_eq!(fresh.headers.to().unwrap().tag(), None);
    }
}

/// RFC 6665 §4.1.2.2: what a refused refresh does. `true`: the subscription is over; `false`: it goes on, or begins anew.
const REFUSED_REFRESHES: [(u16, &str); 9] = [
    (404, "ended 404"),
    (405, "ended 405"),
    (489, "ended 489"),
    (501, "ended 501"),
    (604, "ended 604"),
    (403, "ended 403"),
    (481, "interrupted 481, retries"),
    (480, "interrupted 480, retries"),
    (500, ""),
];

#[test]
fn each_refusal_of_a_refresh_is_followed() {
    for (status, word) in REFUSED_REFRESHES {
        let mut alone = Alone::new(Transport::Ws);
        let (_, first) = standing(&mut alone, 600);
        seconds_until_sent(&mut alone, 600).unwrap();
        let refresh = alone.next_request(Method::Subscribe);

        alone.receive(answer(&refresh, status, "b", None));

        let told = alone.told();
        assert_eq!(told.first().map_or("", String::as_str), word, "{status}");
        if status == 500 {
            seconds_until_sent(&mut alone, 150).unwrap();
            let again = alone.next_request(Method::Subscribe);
            assert_eq!(again.headers.call_id(), first.headers.call_id(), "what was granted still holds");
            alone.receive(granted(&again, "b", 600));
            assert_eq!(alone.told(), ["accepted 600"]);
        }
    }
}

#[test]
fn a_subscription_that_cannot_be_refreshed_begins_anew_when_its_time_is_over() {
    let mut alone = Alone::new(Transport::Ws);
    let (_, first) = standing(&mut alone, 60);
    let mut refused = 0;
    let fresh = loop {
        seconds_until_sent(&mut alone, 61).unwrap();
        let request = alone.next_request(Method::Subscribe);
        if request.headers.to().unwrap().tag().is_none() {
            break request;
        }
        refused += 1;
        alone.receive(answer(&request, 500, "b", None));
    };

    assert!((1..=4).contains(&refused), "{refused}");
    assert_eq!(alone.told(), ["interrupted Timeout, retries"]);
    assert_ne!(fresh.headers.call_id(), first.headers.call_id());
}

/// What a refused first SUBSCRIBE does.
const REFUSALS: [(u16, &str); 8] = [
    (404, "ended 404"),
    (403, "ended 403"),
    (405, "ended 405"),
    (489, "ended 489"),
    (481, "ended 481"),
    (603, "ended 603"),
    (503, "interrupted 503, retries"),
    (480, "interrupted 480, retries"),
];

#[test]
fn each_refusal_of_the_first_subscribe_is_told() {
    for (status, word) in REFUSALS {
        let mut alone = Alone::new(Transport::Ws);
        let (_, request) = subscribe(&mut alone);

        alone.receive(answer(&request, status, "b", None));

        assert_eq!(alone.told(), [word]);
    }
}

#[test]
fn too_brief_is_asked_again_and_not_for_ever() {
    let mut alone = Alone::new(Transport::Ws);
    let short = Subscribe { expires: Duration::from_secs(10), ..wish(&alone) };
    let (_, mut request) = subscribe_as(&mut alone, short);
    let mut asked = vec![request.headers.expires().unwrap()];
    while asked.len() < 10 {
        let mut refusal = answer(&request, 423, "b", None);
        refusal.headers.push(HeaderName::MinExpires, (asked.last().unwrap() * 2).to_string());
        alone.receive(refusal);
        if alone.sent.is_empty() {
            break;
        }
        request = alone.next_request(Method::Subscribe);
        asked.push(request.headers.expires().unwrap());
    }

    assert_eq!(asked, [10, 20, 40, 80]);
    assert_eq!(alone.told(), ["ended 423"]);
}

#[test]
fn a_challenge_is_answered_once_for_a_wrong_password() {
    let mut alone = Alone::new(Transport::Ws);
    let secret = Subscribe { credentials: Some(Credentials::new("alice", "secret")), ..wish(&alone) };
    let (_, first) = subscribe_as(&mut alone, secret);
    let challenge = |request: &Request| {
        let mut refusal = answer(request, 401, "b", None);
        refusal.headers.push(HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"");
        refusal
    };

    alone.receive(challenge(&first));
    let second = alone.next_request(Method::Subscribe);
    assert!(second.headers.has(&HeaderName::Authorization));
    assert_eq!(second.headers.call_id(), first.headers.call_id());
    assert_eq!(second.headers.cseq().unwrap().number, 2);
    alone.receive(challenge(&second));

    assert!(alone.sent.is_empty());
    assert_eq!(alone.told(), ["ended 401"]);
}

#[test]
fn without_any_notify_the_subscription_is_made_anew_after_timer_n() {
    let mut alone = Alone::new(Transport::Ws);
    let (_, request) = subscribe(&mut alone);
    alone.receive(granted(&request, "b", 600));
    alone.told();

    alone.pass(Duration::from_millis(31_900));
    assert!(alone.told().is_empty());
    alone.pass(Duration::from_millis(200));

    assert_eq!(alone.told(), ["interrupted Timeout, retries"]);
    seconds_until_sent(&mut alone, 10).unwrap();
    assert_ne!(alone.next_request(Method::Subscribe).headers.call_id(), request.headers.call_id());
}

#[test]
fn a_notifier_that_ends_each_subscription_is_asked_ever_less_often() {
    let mut alone = Alone::new(Transport::Ws);
    let (_, mut request) = subscribe(&mut alone);
    let begin = alone.now;
    let mut asked = 1;
    while alone.now.since(begin) < Duration::from_secs(3_600) {
        alone.receive(granted(&request, "b", 600));
        alone.receive(notify(&request, "b", 1, "terminated;reason=deactivated"));
        alone.sent.clear();
        seconds_until_sent(&mut alone, 400).unwrap();
        request = alone.next_request(Method::Subscribe);
        asked += 1;
    }

    assert!((10..=40).contains(&asked), "{asked} in an hour");
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut alone = Alone::with_config(Transport::Udp, Config { allow_events: vec!["refer"], ..Config::default() });
    let (_, request) = standing(&mut alone, 600);

    let mut stray = notify(&request, "b", 9, "active");
    stray.headers.set(HeaderName::CallId, "never-heard-of");
    alone.receive(stray);
    alone.next_response(481);

    alone.receive(request_of_bob(&Method::Notify, "outside"));
    alone.next_response(481);

    let mut other = notify(&request, "b", 8, "active");
    other.headers.set(HeaderName::Event, "dialog");
    alone.receive(other);
    assert_eq!(alone.next_response(489).headers.get(&HeaderName::AllowEvents), Some("presence"));

    let mut other = notify(&request, "b", 9, "active");
    other.headers.set(HeaderName::Event, "presence;id=7");
    other.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKid");
    alone.receive(other);
    alone.next_response(489);

    let mut silent = notify(&request, "b", 10, "active");
    silent.headers.remove(&HeaderName::SubscriptionState);
    alone.receive(silent);
    alone.next_response(400);

    alone.receive(notify(&request, "b", 20, "active"));
    alone.next_response(200);
    alone.receive(notify(&request, "b", 19, "active;expires=1"));
    alone.next_response(500);

    assert_eq!(alone.told(), ["active"]);
    let counters = alone.agent.counters();
    assert_eq!((counters.unknown_subscription, counters.refused), (2, 4));
}

#[test]
fn a_subscribe_to_us_names_the_packages_we_have() {
    let config = Config { allow_events: vec!["refer"], ..Config::default() };
    let allow = config.allow.iter().cloned().chain([Method::Subscribe]).collect();
    let mut alone = Alone::with_config(Transport::Udp, Config { allow, ..config });
    let mut request = request_of_bob(&Method::Subscribe, "s");
    request.headers.push(HeaderName::Event, "presence");

    alone.receive(request);

    assert_eq!(alone.next_response(489).headers.get(&HeaderName::AllowEvents), Some("refer"));
    assert_eq!(alone.agent.counters().unknown_event, 1);
}

#[test]
fn a_question_asked_once_ends_with_its_answer() {
    let mut alone = Alone::new(Transport::Ws);
    let once = Subscribe { expires: Duration::ZERO, ..wish(&alone) };
    let (_, request) = subscribe_as(&mut alone, once);
    assert_eq!(request.headers.expires(), Some(0));

    alone.receive(granted(&request, "b", 0));
    alone.receive(notify(&request, "b", 1, "terminated;reason=timeout"));

    assert_eq!(alone.told(), ["accepted 0", "terminated", "ended timeout"]);
}

#[test]
fn a_lost_connection_is_told_and_another_one_takes_over() {
    let mut alone = Alone::new(Transport::Ws);
    let (id, first) = standing(&mut alone, 600);

    alone.agent.handle_socket_closed(alone.flow.socket, alone.now);
    alone.drain();
    assert_eq!(alone.told(), ["interrupted TransportFailed"]);
    alone.pass(Duration::from_secs(1_000));
    assert!(alone.sent.is_empty());

    let flow = Flow::connection(SocketId(7));
    let contact = uri("sip:alice@df7jal23ls0d.invalid;transport=ws");
    let sent_by = "df7jal23ls0d.invalid".to_owned();
    alone.agent.open_socket(flow.socket, LocalSocket { transport: Transport::Ws, sent_by, contact });
    alone.flow = flow;
    alone.agent.resubscribe(id, flow, alone.now).unwrap();
    alone.drain();
    let fresh = alone.next_request(Method::Subscribe);

    assert_ne!(fresh.headers.call_id(), first.headers.call_id());
    alone.receive(notify(&first, "b", 2, "active"));
    alone.next_response(481);
    alone.receive(notify(&fresh, "d", 1, "active"));
    alone.next_response(200);
    assert_eq!(alone.told(), ["active"]);
}

#[test]
fn a_storm_of_subscriptions_is_refused_at_the_door() {
    let mut alone = Alone::with_config(Transport::Ws, Config { max_subscriptions: 3, ..Config::default() });
    for _ in 0..3 {
        subscribe(&mut alone);
    }

    assert_eq!(alone.agent.subscribe(wish(&alone), alone.now).unwrap_err(), AgentError::Full);
    let broken = vec![(HeaderName::Subject, "a\r\nVia: b".to_owned())];
    let broken = Subscribe { headers: broken, ..wish(&alone) };
    assert!(matches!(alone.agent.subscribe(broken, alone.now), Err(AgentError::InvalidHeader { .. })));
}

#[test]
fn a_storm_of_notifies_leaves_nothing_behind() {
    let mut alone = Alone::new(Transport::Ws);
    for number in 0..2_000 {
        let mut stray = request_of_bob(&Method::Notify, &format!("n{number}"));
        stray.headers.set(HeaderName::To, "<sip:alice@192.0.2.1>;tag=nobody");
        alone.receive(stray);
    }

    let refused = |message: &Message| matches!(message, Message::Response(response) if response.status == StatusCode::CALL_DOES_NOT_EXIST);
    assert!(alone.sent.iter().all(refused));
    assert_eq!(alone.agent.counters().unknown_subscription, 2_000);
    assert!(alone.events.is_empty());
    alone.pass(Duration::from_secs(64));
    alone.sent.clear();
    alone.pass(Duration::from_secs(64));
    assert!(alone.sent.is_empty());
}
