//! Calls from the first click to the last frame: what the phone sends, asks of the page, and tells it.

use super::bench::{Bench, Wish, sdp};
use crate::phone::Phone;
use crate::types::{CallOptions, CallState, CoreEvent, EndedBy, ErrorCode, ErrorInfo, RejectOptions};
use sip_core::Duration;
use sip_core::agent::{Event, Invite, SessionEvent, SessionId};
use sip_core::message::{HeaderName, Host, NameAddr, StatusCode, Uri};

/// The server calls the page.
pub(super) fn call_page(bench: &mut Bench, offer: Option<&str>) -> SessionId {
    let flow = sip_core::Flow::connection(bench.socket.unwrap());
    let bob = NameAddr::new(Uri::sip(Some("bob"), Host::Name("example.com".to_owned()), None));
    let target = Uri::sip(Some("alice"), Host::Name("example.com".to_owned()), None);
    let invite = Invite { offer: offer.map(sdp), ..Invite::new(target, bob, flow) };
    bench.serve(|server, now| server.invite(invite, now)).unwrap()
}

pub(super) fn incoming(bench: &Bench) -> u32 {
    let found = bench.events.iter().find_map(|event| match event {
        CoreEvent::IncomingCall { call, .. } => Some(*call),
        _ => None,
    });
    found.unwrap()
}

fn accepted_answer(bench: &Bench) -> Option<String> {
    bench.server_events.iter().find_map(|event| match event {
        Event::Session { event: SessionEvent::Accepted { answer, .. }, .. } => answer.clone(),
        _ => None,
    })
}

#[test]
fn the_invite_waits_for_the_offer_and_for_the_connection() {
    let mut bench = Bench::new();
    let call = bench.call("bob");
    bench.describe(call, "us");
    assert!(bench.sent.is_empty());

    bench.accept_socket();

    assert_eq!(bench.sent, ["ping", "INVITE"]);
    assert_eq!(bench.states(), [CallState::Calling]);
}

#[test]
fn a_call_rings_is_answered_and_ends_once() {
    let mut bench = Bench::connected();
    let call = bench.call("bob");
    bench.describe(call, "us");
    let session = bench.incoming_at_server();

    bench.serve(|server, now| server.ring(session, StatusCode::RINGING, None, Vec::new(), now)).unwrap();
    bench.serve(|server, now| server.accept(session, sdp("them"), Vec::new(), now)).unwrap();
    bench.serve(|server, now| server.hang_up(session, None, now)).unwrap();

    assert_eq!(bench.states(), [CallState::Calling, CallState::Ringing, CallState::Active, CallState::Ended]);
    assert_eq!(bench.wishes, [Wish::Offer(false), Wish::Apply(sdp("them")), Wish::Close]);
    assert_eq!(bench.end().map(|end| end.by), Some(EndedBy::Remote));
    assert_eq!(bench.end_code(), None);
}

#[test]
fn the_same_description_in_183_and_200_is_applied_once() {
    let mut bench = Bench::connected();
    let call = bench.call("bob");
    bench.describe(call, "us");
    let session = bench.incoming_at_server();
    let inactive = vec![(HeaderName::PEarlyMedia, "inactive".to_owned())];

    let status = StatusCode::SESSION_PROGRESS;
    bench.serve(|server, now| server.ring(session, status, Some(sdp("them")), inactive, now)).unwrap();
    bench.serve(|server, now| server.accept(session, sdp("them"), Vec::new(), now)).unwrap();

    assert_eq!(bench.wishes, [Wish::Offer(false), Wish::Apply(sdp("them"))]);
    assert_eq!(bench.states(), [CallState::Calling, CallState::Active]);
}

#[test]
fn another_fork_than_the_one_heard_early_gets_an_offer_of_its_own() {
    let mut bench = Bench::connected();
    let call = bench.call("bob");
    bench.describe(call, "us");
    let session = bench.incoming_at_server();
    let status = StatusCode::SESSION_PROGRESS;
    bench.serve(|server, now| server.ring(session, status, Some(sdp("voicemail")), Vec::new(), now)).unwrap();
    assert_eq!(bench.states(), [CallState::Calling, CallState::Early]);

    bench.serve(|server, now| server.accept(session, sdp("bob"), Vec::new(), now)).unwrap();
    assert_eq!(bench.wishes.last(), Some(&Wish::Offer(true)));
    bench.describe(call, "us again");
    bench.serve(|server, now| server.answer_offer(session, Ok(sdp("bob again")), now)).unwrap();

    assert_eq!(bench.wishes.last(), Some(&Wish::Apply(sdp("bob again"))));
    assert!(bench.end().is_none());
}

#[test]
fn a_refusal_names_its_status_and_its_kind() {
    let mut bench = Bench::connected();
    let call = bench.call("bob");
    bench.describe(call, "us");
    let session = bench.incoming_at_server();

    bench.serve(|server, now| server.reject(session, StatusCode::BUSY_HERE, None, Vec::new(), now)).unwrap();

    assert_eq!(bench.end_code(), Some(ErrorCode::Busy));
    assert_eq!(bench.end().and_then(|end| end.status), Some(486));
    assert_eq!(bench.wishes.last(), Some(&Wish::Close));
}

#[test]
fn hanging_up_while_it_rings_cancels_and_is_no_error() {
    let mut bench = Bench::connected();
    let call = bench.call("bob");
    bench.describe(call, "us");
    let session = bench.incoming_at_server();
    bench.serve(|server, now| server.ring(session, StatusCode::RINGING, None, Vec::new(), now)).unwrap();

    bench.tell(|phone, now| phone.hang_up(call, now));

    assert!(bench.sent.contains(&"CANCEL".to_owned()));
    assert!(bench.server_ended());
    assert_eq!((bench.end().map(|end| end.by), bench.end_code()), (Some(EndedBy::Local), None));
}

#[test]
fn hanging_up_says_why_in_the_cancel_the_refusal_and_the_bye() {
    let leaving = RejectOptions { text: Some("Gone \"home\"".to_owned()), q850: Some(31), targets: Vec::new() };
    let hang_up = |bench: &mut Bench, call| {
        bench.tell(|phone, now| phone.hang_up_saying(call, &leaving, now)).map_err(|error| error.message).unwrap();
        assert_eq!(bench.end().map(|end| (end.by, end.reason.as_str())), Some((EndedBy::Local, "Gone \"home\"")));
    };
    let heard = |bench: &mut Bench| {
        let mut ends = bench.server_events.drain(..).filter_map(|event| match event {
            Event::Session { event: SessionEvent::Ended(end), .. } => Some((end.q850, end.response, end.reason)),
            _ => None,
        });
        let (q850, refusal, text) = ends.next_back().unwrap();
        let header = refusal.and_then(|refusal| refusal.headers.get(&HeaderName::Reason).map(str::to_owned));
        (q850, header.unwrap_or(text))
    };
    let (mut bench, call, _) = Bench::in_call();
    hang_up(&mut bench, call);
    assert_eq!(heard(&mut bench), (Some(31), "Gone \"home\"".to_owned()), "BYE");

    let mut bench = Bench::connected();
    let call = bench.call("bob");
    bench.describe(call, "us");
    let session = bench.incoming_at_server();
    bench.serve(|server, now| server.ring(session, StatusCode::RINGING, None, Vec::new(), now)).unwrap();
    hang_up(&mut bench, call);
    assert_eq!(heard(&mut bench), (Some(31), "Gone \"home\"".to_owned()), "CANCEL");

    let mut bench = Bench::connected();
    call_page(&mut bench, Some("them"));
    let call = incoming(&bench);
    hang_up(&mut bench, call);
    assert_eq!(heard(&mut bench), (Some(31), "Q.850;cause=31;text=\"Gone \\\"home\\\"\"".to_owned()), "486");
}

#[test]
fn a_reason_is_one_line_and_a_cause_seven_bits_or_the_call_goes_on() {
    let (mut bench, call, _) = Bench::in_call();
    for (text, q850) in [
        (Some("a\r\nVia: x"), None),
        (Some("a\nb"), None),
        (Some("\0"), Some(16)),
        (Some("x".repeat(257).as_str()), None),
        (None, Some(0)),
        (None, Some(128)),
    ] {
        let options = RejectOptions { text: text.map(str::to_owned), q850, targets: Vec::new() };
        let refused = bench.tell(|phone, now| phone.hang_up_saying(call, &options, now));
        assert_eq!(refused.err().map(|error| error.code), Some(ErrorCode::InvalidArgument), "{text:?} {q850:?}");
    }
    assert!(bench.end().is_none() && !bench.sent.contains(&"BYE".to_owned()));
}

#[test]
fn hanging_up_before_the_offer_sends_nothing() {
    let mut bench = Bench::connected();
    let call = bench.call("bob");
    bench.tell(|phone, now| phone.hang_up(call, now));
    bench.describe(call, "us");

    assert!(!bench.sent.contains(&"INVITE".to_owned()));
    assert_eq!(bench.end().map(|end| end.by), Some(EndedBy::Local));
}

#[test]
fn an_incoming_call_rings_by_itself_and_is_answered() {
    let mut bench = Bench::connected();
    call_page(&mut bench, Some("bob"));
    assert!(bench.sent.contains(&"180".to_owned()));
    let call = incoming(&bench);

    bench.tell(|phone, _| phone.answer(call, &[])).map_err(|error| error.message).unwrap();
    assert_eq!(bench.wishes, [Wish::Answer(sdp("bob"))]);
    bench.describe(call, "us");

    assert_eq!(accepted_answer(&bench), Some(sdp("us")));
    assert_eq!(bench.states(), [CallState::Active]);
}

#[test]
fn a_call_without_an_offer_gets_ours_in_the_answer() {
    let mut bench = Bench::connected();
    let session = call_page(&mut bench, None);
    let call = incoming(&bench);
    bench.tell(|phone, _| phone.answer(call, &[])).map_err(|error| error.message).unwrap();
    bench.describe(call, "us");

    assert_eq!(accepted_answer(&bench), Some(sdp("us")));
    bench.serve(|server, now| server.answer_offer(session, Ok(sdp("bob")), now)).unwrap();

    assert_eq!(bench.wishes, [Wish::Offer(false), Wish::Apply(sdp("bob"))]);
}

#[test]
fn an_offer_without_keys_is_refused_before_it_rings() {
    let mut bench = Bench::connected();
    let flow = sip_core::Flow::connection(bench.socket.unwrap());
    let bob = NameAddr::new(Uri::sip(Some("bob"), Host::Name("example.com".to_owned()), None));
    let invite = Invite {
        offer: Some("v=0\r\nm=audio 4000 RTP/AVP 0\r\n".to_owned()),
        ..Invite::new(bob.uri.clone(), bob, flow)
    };
    bench.serve(|server, now| server.invite(invite, now)).unwrap();

    assert!(bench.sent.contains(&"488".to_owned()));
    assert!(!bench.events.iter().any(|event| matches!(event, CoreEvent::IncomingCall { .. })));
}

#[test]
fn a_missing_microphone_declines_the_incoming_call() {
    let mut bench = Bench::connected();
    call_page(&mut bench, Some("bob"));
    let call = incoming(&bench);
    bench.tell(|phone, _| phone.answer(call, &[])).map_err(|error| error.message).unwrap();

    let missing = ErrorInfo::new(ErrorCode::MicNotFound);
    bench.tell(|phone, now| phone.handle_description(call, Err(missing), now));

    assert!(bench.sent.contains(&"480".to_owned()));
    assert_eq!(bench.end_code(), Some(ErrorCode::MicNotFound));
}

#[test]
fn a_change_that_the_browser_cannot_make_leaves_the_call_as_it_was() {
    let (mut bench, call, session) = Bench::in_call();
    bench.serve(|server, now| server.offer(session, sdp("odd"), now)).unwrap();
    assert_eq!(bench.wishes.last(), Some(&Wish::Answer(sdp("odd"))));

    let incompatible = ErrorInfo::new(ErrorCode::IncompatibleMedia);
    bench.tell(|phone, now| phone.handle_description(call, Err(incompatible), now));

    assert!(bench.sent.contains(&"488".to_owned()));
    assert!(bench.end().is_none());
}

#[test]
fn failed_media_ends_the_call_on_both_sides() {
    let (mut bench, call, _) = Bench::in_call();

    bench.tell(|phone, now| phone.handle_media_state(call, "failed", now));

    assert_eq!(bench.end_code(), Some(ErrorCode::MediaFailed));
    assert!(bench.sent.contains(&"BYE".to_owned()));
    assert!(bench.server_ended());
}

#[test]
fn misuse_is_refused_with_a_sentence() {
    let mut bench = Bench::connected();
    let call = bench.call("bob");
    let refused = |error: Box<ErrorInfo>| error.code;

    assert_eq!(bench.tell(|phone, _| phone.answer(call, &[])).map_err(refused), Err(ErrorCode::WrongState));
    assert_eq!(
        bench.tell(|phone, now| phone.reject(call, 486, &RejectOptions::default(), now)).map_err(refused),
        Err(ErrorCode::WrongState)
    );
    assert_eq!(
        bench.tell(|phone, now| phone.send_digits(call, "1", Default::default(), now)).map_err(refused),
        Err(ErrorCode::WrongState)
    );
    assert_eq!(bench.tell(|phone, _| phone.set_held(call, true)).map_err(refused), Err(ErrorCode::WrongState));
    assert_eq!(bench.tell(|phone, _| phone.set_muted(99, true)).map_err(refused), Err(ErrorCode::WrongState));
}

#[test]
fn disconnecting_says_goodbye_before_the_socket_closes() {
    let (mut bench, _, _) = Bench::in_call();
    bench.tell(Phone::register).map_err(|error| error.message).unwrap();
    let register = bench.take_registers().remove(0);
    bench.grant(register);
    bench.sent.clear();

    bench.tell(Phone::disconnect);

    assert_eq!(bench.sent, ["BYE", "REGISTER", "close"]);
    assert_eq!(bench.end().map(|end| end.by), Some(EndedBy::Local));
    bench.pass(Duration::from_secs(120));
    assert_eq!(bench.sockets.len(), 1);
}

#[test]
fn an_anonymous_caller_tells_the_server_alone() {
    let mut bench = Bench::connected();
    let options = CallOptions { anonymous: true, ..CallOptions::default() };
    let call = bench.call_with("bob", &options);
    bench.describe(call, "us");

    let found = bench.server_events.iter().find_map(|event| match event {
        Event::IncomingCall { request, .. } => Some(&request.headers),
        _ => None,
    });
    let headers = found.unwrap();
    assert_eq!(headers.from().unwrap().uri.to_string(), "sip:anonymous@anonymous.invalid");
    assert_eq!(headers.get(&HeaderName::Privacy), Some("id"));
    assert_eq!(headers.get(&HeaderName::PPreferredIdentity), Some("<sip:alice@example.com>"));
}

#[test]
fn a_name_with_a_line_break_or_a_header_of_sips_own_calls_nobody() {
    let mut bench = Bench::connected();
    let name = CallOptions { display_name: Some("A\r\nVia: evil".to_owned()), ..CallOptions::default() };
    let route = CallOptions { headers: vec![("Route".to_owned(), "<sip:evil>".to_owned())], ..CallOptions::default() };

    for options in [name, route] {
        let refused = bench.tell(|phone, now| phone.call("bob", &options, now)).map_err(|error| error.code);
        assert_eq!(refused, Err(ErrorCode::InvalidArgument));
    }
    assert!(bench.wishes.is_empty());
}

#[test]
fn who_calls_and_who_sent_the_call_here_is_told() {
    let mut bench = Bench::connected();
    let flow = sip_core::Flow::connection(bench.socket.unwrap());
    let from: NameAddr = "\"Bob \u{dc}nal\" <sip:bob@example.com>".parse().unwrap();
    let headers = vec![
        (HeaderName::PAssertedIdentity, "<tel:+49301234>".to_owned()),
        (HeaderName::Diversion, "<sip:100@example.com>;reason=no-answer".to_owned()),
    ];
    let target = Uri::sip(Some("alice"), Host::Name("example.com".to_owned()), None);
    let invite = Invite { offer: Some(sdp("bob")), headers, ..Invite::new(target, from, flow) };
    bench.serve(|server, now| server.invite(invite, now)).unwrap();

    let told = bench.events.iter().find_map(|event| match event {
        CoreEvent::IncomingCall { identity, diversion, .. } => Some((identity, diversion)),
        _ => None,
    });
    let (identity, diversion) = told.unwrap();
    assert_eq!(
        (identity.name.as_deref(), identity.uri.as_str(), identity.asserted),
        (Some("Bob Ünal"), "tel:+49301234", true)
    );
    assert_eq!(diversion.iter().map(|by| by.reason.as_deref()).collect::<Vec<_>>(), [Some("no-answer")]);
}
