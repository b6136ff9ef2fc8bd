//! Transfers of ours and of theirs, and calls whose place another takes.

use sip_core::agent::{Event, Invite, Refer, SessionEvent, SessionId, TransferEvent, TransferId};
use sip_core::message::{HeaderName, NameAddr, Replaces, StatusCode, StatusLine, Uri};
use sip_core::{Duration, Flow};

use super::bench::{Bench, Wish, sdp};
use crate::types::{CallOptions, CallState, CoreEvent, EndedBy, ErrorCode, TransferOptions, TransferState};

fn options() -> TransferOptions {
    TransferOptions::default()
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

impl Bench {
    /// What the server is asked to do.
    fn asked(&mut self) -> (TransferId, Uri, Option<Replaces>, Option<NameAddr>) {
        let found = self.server_events.drain(..).find_map(|event| match event {
            Event::Transfer { id, event: TransferEvent::Asked { target, replaces, referred_by, .. }, .. } => {
                Some((id, *target, replaces.map(|it| *it), referred_by.map(|it| *it)))
            }
            _ => None,
        });
        found.unwrap()
    }

    fn transfers(&self) -> Vec<(TransferState, Option<u16>, Option<ErrorCode>)> {
        let changes = self.events.iter().filter_map(|event| match event {
            CoreEvent::TransferChange { state, status, error, .. } => {
                Some((*state, *status, error.as_ref().map(|error| error.code)))
            }
            _ => None,
        });
        changes.collect()
    }

    fn server_heard(&self) -> Vec<String> {
        let heard = self.server_events.iter().filter_map(|event| match event {
            Event::Transfer { event: TransferEvent::Succeeded { status, .. }, .. } => Some(format!("ok {status}")),
            Event::Transfer { event: TransferEvent::Progress { status, .. }, .. } => Some(status.to_string()),
            Event::Transfer { event: TransferEvent::Failed { status, .. }, .. } => Some(format!("failed {status}")),
            Event::Transfer { event: TransferEvent::Refused { status, .. }, .. } => Some(format!("refused {status}")),
            _ => None,
        });
        heard.collect()
    }

    /// Somebody calls who wants the place of the other side.
    fn take_place(&mut self, session: SessionId) -> SessionId {
        let replaces = self.server.replaces(session).unwrap();
        let from: NameAddr = "\"Carol\" <sip:carol@example.com>".parse().unwrap();
        let target = self.server.session(session).unwrap().remote_target.unwrap().clone();
        let mut invite = Invite::new(target, from, Flow::connection(self.socket.unwrap()));
        invite.offer = Some(sdp("carol"));
        invite.headers =
            vec![(HeaderName::Replaces, replaces.to_string()), (HeaderName::Require, "replaces".to_owned())];
        self.serve(|server, now| server.invite(invite, now)).unwrap()
    }
}

#[test]
fn a_transfer_hangs_up_once_the_new_call_stands() {
    let (mut bench, call, _) = Bench::in_call();
    bench.tell(|phone, now| phone.transfer(call, "carol", &options(), now)).map_err(|e| e.message).unwrap();
    let (id, target, replaces, by) = bench.asked();
    assert_eq!((target.to_string().as_str(), replaces), ("sip:carol@example.com", None));
    assert_eq!(by.map(|by| by.uri.to_string()).as_deref(), Some("sip:alice@example.com"));
    bench.serve(|server, now| server.accept_transfer(id, now)).unwrap();
    bench.serve(|server, now| server.report_transfer(id, StatusLine::new(StatusCode::RINGING), now)).unwrap();
    assert!(bench.end().is_none());
    bench.serve(|server, now| server.report_transfer(id, StatusLine::new(StatusCode::OK), now)).unwrap();

    assert_eq!(
        bench.transfers(),
        [
            (TransferState::Accepted, None, None),
            (TransferState::Progress, Some(100), None),
            (TransferState::Progress, Some(180), None),
            (TransferState::Succeeded, Some(200), None),
        ]
    );
    assert_eq!(bench.end().map(|end| end.by), Some(EndedBy::Local));
    assert!(bench.server_ended());
}

#[test]
fn a_transfer_that_fails_leaves_the_call() {
    for (status, code) in [(486, ErrorCode::Busy), (404, ErrorCode::NotFound), (603, ErrorCode::Rejected)] {
        let (mut bench, call, _) = Bench::in_call();
        bench.tell(|phone, now| phone.transfer(call, "carol", &options(), now)).map_err(|e| e.message).unwrap();
        let (id, ..) = bench.asked();
        bench.serve(|server, now| server.accept_transfer(id, now)).unwrap();
        let line = StatusLine::new(StatusCode::new(status).unwrap());
        bench.serve(|server, now| server.report_transfer(id, line, now)).unwrap();

        assert_eq!(bench.transfers().last(), Some(&(TransferState::Failed, None, Some(code))));
        assert!(bench.end().is_none());
    }
}

#[test]
fn a_server_without_transfers_has_an_error_of_its_own() {
    for (status, code) in
        [(405, ErrorCode::TransferUnsupported), (501, ErrorCode::TransferUnsupported), (403, ErrorCode::Forbidden)]
    {
        let (mut bench, call, _) = Bench::in_call();
        bench.tell(|phone, now| phone.transfer(call, "carol", &options(), now)).map_err(|e| e.message).unwrap();
        let (id, ..) = bench.asked();
        bench.serve(|server, now| server.reject_transfer(id, StatusCode::new(status).unwrap(), now)).unwrap();

        assert_eq!(bench.transfers(), [(TransferState::Failed, None, Some(code))]);
    }
}

#[test]
fn what_cannot_be_transferred_is_said_at_once() {
    let mut bench = Bench::connected();
    let call = bench.call("bob");
    let early = bench.tell(|phone, now| phone.transfer(call, "carol", &options(), now)).unwrap_err();
    assert_eq!(early.code, ErrorCode::WrongState);

    let (mut bench, call, _) = Bench::in_call();
    let nonsense = bench.tell(|phone, now| phone.transfer(call, "two words", &options(), now)).unwrap_err();
    assert_eq!(nonsense.code, ErrorCode::InvalidTarget);
    bench.tell(|phone, now| phone.transfer(call, "carol", &options(), now)).map_err(|e| e.message).unwrap();
    let twice = bench.tell(|phone, now| phone.transfer(call, "dave", &options(), now)).unwrap_err();
    assert_eq!(twice.code, ErrorCode::WrongState);
    let nobody = bench.tell(|phone, now| phone.reject_transfer(call, 603, now)).unwrap_err();
    assert_eq!(nobody.code, ErrorCode::WrongState);
}

#[test]
fn an_attended_transfer_names_the_other_call() {
    let (mut bench, first, _) = Bench::in_call();
    bench.server_events.clear();
    let second = bench.call("carol");
    bench.describe(second, "us too");
    let session = bench.incoming_at_server();
    bench.serve(|server, now| server.accept(session, sdp("carol"), Vec::new(), now)).unwrap();
    bench.tell(|phone, now| phone.transfer_to_call(first, second, &options(), now)).map_err(|e| e.message).unwrap();
    let (_, target, replaces, _) = bench.asked();

    assert_eq!(target.to_string(), "sip:carol@example.com");
    assert_eq!(bench.server.replaced_by(&replaces.unwrap()), Ok(session));
}

/// The other side asks for a call.
fn requested(refer: Refer) -> (Bench, u32, SessionId) {
    let (mut bench, call, session) = Bench::in_call();
    bench.server_events.clear();
    bench.serve(|server, now| server.refer(session, refer, now)).unwrap();
    (bench, call, session)
}

#[test]
fn a_transfer_asked_for_becomes_a_call_whose_fate_is_reported() {
    let replaces: Replaces = "4711@pbx;to-tag=a;from-tag=b".parse().unwrap();
    let referred_by = Some("\"Bob\" <sip:bob@example.com>".parse().unwrap());
    let refer = Refer { replaces: Some(replaces.clone()), referred_by, ..Refer::new(uri("sip:carol@example.com")) };
    let (mut bench, call, _) = requested(refer);
    let Some(CoreEvent::TransferRequest { target, referred_by, replaces: true, .. }) = bench.events.last() else {
        panic!("no request")
    };
    assert_eq!(target, "sip:carol@example.com");
    assert_eq!(referred_by.as_ref().and_then(|by| by.display_name.as_deref()), Some("Bob"));
    let new = bench
        .tell(|phone, now| phone.accept_transfer(call, &CallOptions::default(), now))
        .map_err(|e| e.message)
        .unwrap();
    bench.describe(new, "us for carol");
    let position = bench.server_events.iter().position(|event| matches!(event, Event::IncomingCall { .. }));
    let Event::IncomingCall { session, request, .. } = bench.server_events.remove(position.unwrap()) else { panic!() };
    assert_eq!(request.uri.to_string(), "sip:carol@example.com");
    assert_eq!(request.headers.get(&HeaderName::Replaces), Some(replaces.to_string().as_str()));
    assert_eq!(request.headers.get(&HeaderName::Require), Some("replaces"));
    assert_eq!(request.headers.get(&HeaderName::ReferredBy), Some("\"Bob\" <sip:bob@example.com>"));
    bench.serve(|server, now| server.ring(session, StatusCode::RINGING, None, Vec::new(), now)).unwrap();
    bench.serve(|server, now| server.accept(session, sdp("carol"), Vec::new(), now)).unwrap();

    assert_eq!(bench.server_heard(), ["100", "180", "ok 200"]);
    assert!(bench.end().is_none(), "who asked hangs the old call up");
}

#[test]
fn a_transfer_asked_for_that_fails_is_reported_too() {
    let (mut bench, call, _) = requested(Refer::new(uri("tel:+49-30-1234")));
    let new = bench
        .tell(|phone, now| phone.accept_transfer(call, &CallOptions::default(), now))
        .map_err(|e| e.message)
        .unwrap();
    let denied = crate::types::ErrorInfo::new(ErrorCode::MicDenied);
    bench.tell(|phone, now| phone.handle_description(new, Err(denied), now));

    assert_eq!(bench.server_heard(), ["100", "failed 480"]);
    assert_eq!(bench.states().iter().filter(|state| **state == CallState::Ended).count(), 1);
}

#[test]
fn a_transfer_asked_for_is_refused() {
    let (mut bench, call, _) = requested(Refer::new(uri("sip:carol@example.com")));
    bench.tell(|phone, now| phone.reject_transfer(call, 603, now)).map_err(|e| e.message).unwrap();

    assert_eq!(bench.server_heard(), ["refused 603"]);
}

#[test]
fn who_hangs_up_asks_no_more() {
    let (mut bench, call, session) = requested(Refer::new(uri("sip:carol@example.com")));
    bench.serve(|server, now| server.hang_up(session, None, now)).unwrap();

    assert!(bench.tell(|phone, now| phone.accept_transfer(call, &CallOptions::default(), now)).is_err());
    assert!(bench.end().is_some());
}

#[test]
fn who_waits_too_long_is_told_that_nobody_asks_any_more() {
    let (mut bench, ..) = requested(Refer::new(uri("sip:carol@example.com")));
    bench.pass(Duration::from_secs(130));

    assert!(bench.events.iter().any(|event| matches!(event, CoreEvent::TransferWithdrawn { .. })));
    assert_eq!(bench.server_heard(), ["100", "failed 408"], "{:?}", bench.sent);
}

#[test]
fn a_call_goes_on_with_who_takes_the_others_place() {
    let (mut bench, call, old) = Bench::in_call();
    let new = bench.take_place(old);
    assert_eq!(bench.wishes.last(), Some(&Wish::FreshAnswer(sdp("carol"))));
    bench.describe(call, "us for carol");

    let Some(CoreEvent::CallReplaced { call: replaced, remote }) =
        bench.events.iter().find(|event| matches!(event, CoreEvent::CallReplaced { .. }))
    else {
        panic!("no news")
    };
    assert_eq!((*replaced, remote.display_name.as_deref()), (call, Some("Carol")));
    assert!(bench.end().is_none());
    assert!(bench.server.session(old).is_none());
    bench.tell(|phone, now| phone.hang_up(call, now));
    assert!(bench.server.session(new).is_none());
}

#[test]
fn the_old_other_side_may_hang_up_before_the_new_one_is_there() {
    let (mut bench, call, old) = Bench::in_call();
    let new = bench.take_place(old);
    bench.serve(|server, now| server.hang_up(old, None, now)).unwrap();
    assert!(bench.end().is_none());
    bench.describe(call, "us for carol");

    assert!(bench.end().is_none());
    assert!(bench.server.session(new).is_some());
}

#[test]
fn who_takes_itself_back_leaves_the_old_call() {
    let (mut bench, call, old) = Bench::in_call();
    let new = bench.take_place(old);
    bench.serve(|server, now| server.ring(new, StatusCode::RINGING, None, Vec::new(), now)).unwrap_err();
    // A CANCEL needs a provisional response, which nobody gives here; the browser fails instead.
    let failed = crate::types::ErrorInfo::new(ErrorCode::IncompatibleMedia);
    bench.tell(|phone, now| phone.handle_description(call, Err(failed), now));

    assert!(bench.server_events.iter().any(|event| {
        matches!(event, Event::Session { event: SessionEvent::Ended(end), .. } if end.status == StatusCode::new(488))
    }));
    assert_eq!(bench.wishes.last(), Some(&Wish::Offer(true)));
    assert!(bench.end().is_none());
}
