//! Calls that outlive their page: what is kept of them, and how the next page asks for them.

use sip_core::Duration;
use sip_core::agent::{Event, IncomingId};
use sip_core::message::{HeaderName, Replaces, Request, StatusCode};

use super::bench::{Bench, Wish, sdp};
use crate::phone::Phone;
use crate::types::{CallState, ErrorCode, OnPageHide};

const DIALOG: &str = "<sip:relay@server.invalid?Replaces=4711%40page%3Bto-tag%3Da%3Bfrom-tag%3Db&Require=replaces>";

fn invite(bench: &Bench) -> Option<&Request> {
    bench.server_events.iter().find_map(|event| match event {
        Event::IncomingCall { request, .. } => Some(&**request),
        _ => None,
    })
}

fn resume(bench: &mut Bench, muted: bool, held: bool) -> u32 {
    bench.tell(|phone, now| phone.resume(DIALOG, muted, held, now)).map_err(|error| error.message).unwrap()
}

#[test]
fn the_name_of_a_dialog_is_what_the_server_would_give_up() {
    let (mut bench, call, session) = Bench::in_call();
    let name = bench.phone.dialog(call).unwrap();
    let ours = bench.server.session(session).unwrap();

    assert!(name.starts_with("<sip:server@server.invalid"), "{name}");
    assert!(name.contains(&format!("to-tag%3D{}", ours.local_tag)), "{name}");
    assert!(name.ends_with("Require=replaces>"), "{name}");
    bench.tell(|phone, now| phone.hang_up(call, now));
    assert_eq!(bench.phone.dialog(call), None);
}

#[test]
fn a_call_that_is_taken_back_is_asked_for_with_replaces() {
    let mut bench = Bench::connected();
    let call = resume(&mut bench, false, false);
    bench.describe(call, "anew");

    let request = invite(&bench).expect("an INVITE");
    let replaces: Replaces = request.headers.get(&HeaderName::Replaces).unwrap().parse().unwrap();
    assert_eq!(
        (replaces.call_id.as_str(), replaces.to_tag.as_str(), replaces.from_tag.as_str()),
        ("4711@page", "a", "b")
    );
    assert_eq!(request.headers.require(), ["replaces"]);
    assert_eq!(request.uri.to_string(), "sip:relay@server.invalid");
    assert_eq!(bench.states(), [], "it is shown as what it was");

    let session = bench.incoming_at_server();
    bench.serve(|server, now| server.accept(session, sdp("them"), Vec::new(), now)).unwrap();
    assert_eq!(bench.states(), [CallState::Active]);
    assert!(bench.phone.dialog(call).is_some(), "the next page can do the same");
}

#[test]
fn a_call_waits_for_the_registration_it_may_need() {
    let mut bench = Bench::new();
    bench.tell(|phone, now| phone.register(now)).map_err(|error| error.message).unwrap();
    let call = resume(&mut bench, false, false);
    bench.describe(call, "anew");
    bench.accept_socket();
    assert!(invite(&bench).is_none());

    let register: (IncomingId, _) = bench.take_registers().remove(0);
    bench.grant(register);

    assert!(invite(&bench).is_some());
}

#[test]
fn what_was_held_and_muted_stays_so_from_the_first_description() {
    let mut bench = Bench::connected();
    resume(&mut bench, true, true);

    assert_eq!(bench.wishes, [Wish::Offer(false), Wish::Way("sendonly"), Wish::Muted(true)]);
}

#[test]
fn a_call_that_is_gone_is_a_lost_one() {
    let mut bench = Bench::connected();
    let call = resume(&mut bench, false, false);
    bench.describe(call, "anew");
    let session = bench.incoming_at_server();
    let gone = StatusCode::CALL_DOES_NOT_EXIST;
    bench.serve(|server, now| server.reject(session, gone, None, Vec::new(), now)).unwrap();

    assert_eq!(bench.end_code(), Some(ErrorCode::ConnectionLost));
}

#[test]
fn nobody_waits_for_ever_for_a_server_that_is_away() {
    let mut bench = Bench::new();
    let call = resume(&mut bench, false, false);
    bench.describe(call, "anew");

    bench.pass(Duration::from_secs(29));
    assert!(
        bench.end().is_none() && bench.sockets.len() > 1,
        "it tries again, as long as the server may keep the call"
    );
    bench.pass(Duration::from_secs(2));

    assert_eq!(bench.end_code(), Some(ErrorCode::ConnectionLost));
}

#[test]
fn what_names_no_dialog_is_refused() {
    let mut bench = Bench::connected();
    for name in ["", "sip:bob@example.com", "<sip:bob@example.com?Replaces=x>"] {
        assert!(bench.tell(|phone, now| phone.resume(name, false, false, now)).is_err(), "{name}");
    }
}

#[test]
fn a_page_that_keeps_its_calls_closes_its_socket_and_says_nothing() {
    let mut bench = Bench::with(|config| config.on_page_hide = OnPageHide::Keep);
    bench.tell(Phone::connect);
    bench.accept_socket();
    bench.sent.clear();

    bench.tell(Phone::handle_page_gone);

    assert_eq!(bench.sent, ["close"]);
}
