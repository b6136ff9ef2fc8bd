//! Calls that are sent elsewhere.

use sip_core::agent::{Event, SessionEvent, SessionId};
use sip_core::message::{HeaderName, Request, StatusCode};

use super::bench::{Bench, Wish, sdp};
use super::calls::{call_page, incoming};
use crate::types::{CallState, CoreEvent, ErrorCode, RejectOptions};

impl Bench {
    /// The newest INVITE at the server.
    fn asked_server(&mut self) -> (SessionId, Box<Request>) {
        let mut found = self.server_events.drain(..).filter_map(|event| match event {
            Event::IncomingCall { session, request, .. } => Some((session, request)),
            _ => None,
        });
        found.next_back().unwrap()
    }

    /// The server refuses, with these Contacts.
    fn refuse_call(&mut self, session: SessionId, status: u16, contacts: &[&str]) {
        let rows = contacts.iter().map(|contact| (HeaderName::Contact, (*contact).to_owned())).collect();
        let status = StatusCode::new(status).unwrap();
        self.serve(|server, now| server.reject(session, status, None, rows, now)).unwrap();
    }

    fn redirections(&self) -> Vec<Vec<String>> {
        let told = self.events.iter().filter_map(|event| match event {
            CoreEvent::Redirected { targets, .. } => Some(targets.clone()),
            _ => None,
        });
        told.collect()
    }
}

fn calling() -> (Bench, u32) {
    let mut bench = Bench::connected();
    let call = bench.call("bob");
    bench.describe(call, "us");
    (bench, call)
}

#[test]
fn a_redirected_call_goes_where_it_is_wanted_most_with_the_same_offer() {
    let (mut bench, call) = calling();
    let (first, _) = bench.asked_server();
    bench.refuse_call(first, 302, &["<sip:voicemail@example.com>;q=0.1, <sip:carol@example.com>;q=0.9"]);
    assert_eq!(bench.redirections(), [["sip:carol@example.com", "sip:voicemail@example.com"]]);
    assert!(bench.end().is_none());

    bench.tell(|phone, now| phone.follow_redirect(call, now));

    let (second, invite) = bench.asked_server();
    assert_eq!(invite.uri.to_string(), "sip:carol@example.com");
    assert_eq!(invite.headers.to().unwrap().uri.to_string(), "sip:bob@example.com", "whom the page called");
    assert_eq!(String::from_utf8(invite.body.clone()).unwrap(), sdp("us"));
    bench.serve(|server, now| server.accept(second, sdp("carol"), Vec::new(), now)).unwrap();
    assert_eq!(bench.states().last(), Some(&CallState::Active));
    assert_eq!(bench.wishes, [Wish::Offer(false), Wish::Apply(sdp("carol"))]);
}

#[test]
fn the_next_address_is_called_when_one_does_not_take_it() {
    let (mut bench, call) = calling();
    let (first, _) = bench.asked_server();
    bench.refuse_call(first, 300, &["<sip:carol@example.com>, <sip:dave@example.com>"]);
    bench.tell(|phone, now| phone.follow_redirect(call, now));
    let (second, _) = bench.asked_server();
    bench.refuse_call(second, 486, &[]);

    let (third, invite) = bench.asked_server();
    assert_eq!(invite.uri.to_string(), "sip:dave@example.com");
    bench.refuse_call(third, 404, &[]);

    assert_eq!(bench.end_code(), Some(ErrorCode::NotFound));
}

#[test]
fn a_refusal_for_everywhere_ends_the_search() {
    let (mut bench, call) = calling();
    let (first, _) = bench.asked_server();
    bench.refuse_call(first, 300, &["<sip:carol@example.com>, <sip:dave@example.com>"]);
    bench.tell(|phone, now| phone.follow_redirect(call, now));
    let (second, _) = bench.asked_server();

    bench.refuse_call(second, 603, &[]);

    assert_eq!(bench.end_code(), Some(ErrorCode::Rejected));
}

#[test]
fn a_page_may_refuse_to_go_elsewhere() {
    let (mut bench, call) = calling();
    let (first, _) = bench.asked_server();
    bench.refuse_call(first, 302, &["<sip:+9001234@example.com>"]);

    bench.tell(|phone, _| phone.refuse_redirect(call));

    assert_eq!(bench.end().map(|end| end.status), Some(Some(302)));
    assert_eq!(bench.sent.iter().filter(|sent| *sent == "INVITE").count(), 1);
}

#[test]
fn a_loop_is_left_and_a_long_chain_too() {
    let (mut bench, call) = calling();
    let (session, _) = bench.asked_server();
    bench.refuse_call(session, 302, &["<sip:bob@example.com>"]);
    assert_eq!(bench.end().map(|end| end.status), Some(Some(302)), "it leads back");

    let (mut bench, other) = calling();
    for hop in 0..5 {
        let (session, _) = bench.asked_server();
        bench.refuse_call(session, 302, &[&format!("<sip:hop{hop}@example.com>")]);
        bench.tell(|phone, now| phone.follow_redirect(other, now));
    }
    let (session, _) = bench.asked_server();
    bench.refuse_call(session, 302, &["<sip:hop6@example.com>"]);
    assert_eq!(bench.end().map(|end| end.status), Some(Some(302)));
    assert_eq!(bench.redirections().len(), 5);
    assert_eq!(call, other, "each bench counts its own calls");
}

#[test]
fn a_redirection_without_a_usable_address_is_a_refusal() {
    for contacts in [&[][..], &["<http://example.com>"], &["*"], &["<sip:"], &["<mailto:bob@example.com>"]] {
        let (mut bench, _) = calling();
        let (session, _) = bench.asked_server();
        bench.refuse_call(session, 302, contacts);

        assert_eq!(bench.end_code(), Some(ErrorCode::Unreachable), "{contacts:?}");
        assert!(bench.redirections().is_empty());
    }
}

#[test]
fn early_sound_of_one_needs_another_offer_for_the_next() {
    let (mut bench, call) = calling();
    let (first, _) = bench.asked_server();
    let early = Some(sdp("them"));
    bench.serve(|server, now| server.ring(first, StatusCode::SESSION_PROGRESS, early, Vec::new(), now)).unwrap();
    bench.refuse_call(first, 302, &["<sip:carol@example.com>"]);

    bench.tell(|phone, now| phone.follow_redirect(call, now));

    assert_eq!(bench.wishes.last(), Some(&Wish::Offer(true)));
    bench.describe(call, "again");
    let (_, invite) = bench.asked_server();
    assert_eq!(String::from_utf8(invite.body.clone()).unwrap(), sdp("again"));
}

#[test]
fn hanging_up_while_the_page_decides_calls_nobody() {
    let (mut bench, call) = calling();
    let (first, _) = bench.asked_server();
    bench.refuse_call(first, 302, &["<sip:carol@example.com>"]);

    bench.tell(|phone, now| phone.hang_up(call, now));
    bench.tell(|phone, now| phone.follow_redirect(call, now));

    assert_eq!(bench.sent.iter().filter(|sent| *sent == "INVITE").count(), 1);
    assert!(bench.end().is_some());
}

#[test]
fn an_incoming_call_is_sent_elsewhere_in_the_order_given() {
    let mut bench = Bench::connected();
    call_page(&mut bench, Some("carol"));
    let call = incoming(&bench);
    let targets = vec!["dave".to_owned(), "+49 30 1234".to_owned()];

    let options = RejectOptions { targets, ..RejectOptions::default() };
    bench.tell(|phone, now| phone.reject(call, 302, &options, now)).map_err(|error| error.message).unwrap();

    let end = bench.server_events.iter().find_map(|event| match event {
        Event::Session { event: SessionEvent::Ended(end), .. } => Some(end),
        _ => None,
    });
    let response = end.unwrap().response.as_ref().unwrap();
    let contacts: Vec<&str> = response.headers.get_all(&HeaderName::Contact).collect();
    assert_eq!(response.status.as_u16(), 302);
    assert_eq!(contacts, ["<sip:dave@example.com>", "<sip:+49301234@example.com>;q=0.9"]);
}
