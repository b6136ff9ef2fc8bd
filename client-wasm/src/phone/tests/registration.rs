//! Accounts: registered, refused, renewed after a lost connection.

use super::bench::Bench;
use crate::phone::Phone;
use crate::types::{CoreEvent, ErrorCode, RegistrationGrant, RegistrationState};
use sip_core::Duration;
use sip_core::agent::Reply;
use sip_core::message::{HeaderName, Method, StatusCode};

use RegistrationState::{Failed, Registered, Registering, Unregistered};

#[test]
fn the_binding_names_the_instance_and_an_invalid_host() {
    let mut bench = Bench::connected();
    bench.tell(Phone::register).map_err(|error| error.message).unwrap();
    let (_, request) = bench.take_registers().remove(0);

    let contact = request.headers.get(&HeaderName::Contact).unwrap();
    assert!(contact.contains(".invalid;transport=ws>"), "{contact}");
    assert!(contact.contains("+sip.instance=\"<urn:uuid:"), "{contact}");
    assert!(contact.contains("reg-id=1"), "{contact}");
    assert!(request.headers.supports("outbound") && request.headers.supports("path"));
}

#[test]
fn a_registration_is_made_again_on_the_next_connection() {
    let mut bench = Bench::registered();
    bench.pass(Duration::from_secs(30));

    bench.close_socket();
    bench.pass(Duration::from_millis(300));
    bench.accept_socket();
    let register = bench.take_registers().remove(0);
    bench.grant(register);

    let lost = (Unregistered, Some(ErrorCode::ConnectionLost));
    assert_eq!(
        bench.registrations(),
        [(Registering, None), (Registered, None), lost, (Registering, None), (Registered, None)]
    );
}

#[test]
fn a_refused_account_is_not_tried_again() {
    let mut bench = Bench::connected();
    bench.tell(Phone::register).map_err(|error| error.message).unwrap();
    let (id, _) = bench.take_registers().remove(0);
    bench.refuse(id, 403, None);

    bench.pass(Duration::from_secs(3_600));

    assert_eq!(bench.registrations().last(), Some(&(Failed, Some(ErrorCode::Forbidden))));
    assert_eq!(bench.sent.iter().filter(|sent| *sent == "REGISTER").count(), 1);
}

#[test]
fn a_busy_registrar_is_asked_again_when_it_says() {
    let mut bench = Bench::connected();
    bench.tell(Phone::register).map_err(|error| error.message).unwrap();
    let (id, _) = bench.take_registers().remove(0);
    bench.refuse(id, 503, Some((HeaderName::RetryAfter, "40")));
    assert_eq!(bench.registrations().last(), Some(&(Failed, Some(ErrorCode::ServerError))));

    bench.pass(Duration::from_secs(39));
    assert!(bench.take_registers().is_empty());
    bench.pass(Duration::from_secs(2));

    let again = bench.take_registers().remove(0);
    bench.grant(again);
    assert_eq!(bench.registrations().last(), Some(&(Registered, None)));
}

#[test]
fn a_registrar_that_does_not_answer_has_its_connection_replaced() {
    let mut bench = Bench::connected();
    bench.tell(Phone::register).map_err(|error| error.message).unwrap();

    bench.pass(Duration::from_secs(33));

    assert!(bench.registrations().contains(&(Failed, Some(ErrorCode::Timeout))));
    assert_eq!(bench.sockets.len(), 2);
}

#[test]
fn unregistering_withdraws_the_binding_and_stays_so() {
    let mut bench = Bench::registered();

    bench.tell(|phone, now| phone.unregister(false, now));
    let (id, request) = bench.take_registers().remove(0);
    assert_eq!(request.headers.expires(), Some(0));
    bench.refuse(id, 200, None);
    bench.close_socket();
    bench.pass(Duration::from_secs(1));
    bench.accept_socket();

    assert!(bench.take_registers().is_empty());
    assert_eq!(bench.registrations().last(), Some(&(Unregistered, None)));
}

#[test]
fn a_binding_keeps_its_call_id_and_its_contact_on_each_connection() {
    let mut bench = Bench::connected();
    bench.tell(Phone::register).map_err(|error| error.message).unwrap();
    let first = bench.take_registers().remove(0);
    let before = first.1.clone();
    bench.grant(first);

    bench.close_socket();
    bench.pass(Duration::from_millis(300));
    bench.accept_socket();
    let (_, after) = bench.take_registers().remove(0);

    assert_eq!(after.headers.call_id(), before.headers.call_id());
    assert_eq!(after.headers.get(&HeaderName::Contact), before.headers.get(&HeaderName::Contact));
    assert!(after.headers.cseq().unwrap().number > before.headers.cseq().unwrap().number);
}

#[test]
fn what_was_granted_is_shown_and_the_flow_timer_obeyed() {
    let mut bench = Bench::connected();
    bench.tell(Phone::register).map_err(|error| error.message).unwrap();
    let (id, request) = bench.take_registers().remove(0);
    let contact = request.headers.get(&HeaderName::Contact).unwrap();
    let reply = Reply::new(StatusCode::OK)
        .header(HeaderName::Contact, format!("{contact};pub-gruu=\"sip:alice@example.com;gr=1\""))
        .header(HeaderName::Require, "outbound")
        .header(HeaderName::ServiceRoute, "<sip:edge.example.com;lr>")
        .header(HeaderName::FlowTimer, "25");
    bench.serve(|server, now| server.respond(id, reply, now)).unwrap();

    let grant = bench.events.iter().rev().find_map(|event| match event {
        CoreEvent::RegistrationChange { grant, .. } => grant.clone(),
        _ => None,
    });
    let expected = RegistrationGrant {
        expires: 600,
        public_gruu: Some("sip:alice@example.com;gr=1".to_owned()),
        temporary_gruu: None,
        service_route: vec!["<sip:edge.example.com;lr>".to_owned()],
        outbound: true,
        flow_timer: Some(25),
    };
    assert_eq!(grant, Some(expected));
    bench.sent.clear();
    bench.pass(Duration::from_secs(100));
    assert!((4..=5).contains(&bench.sent.len()), "{:?}", bench.sent);

    bench.answers_pings = false;
    bench.pass(Duration::from_secs(35));
    assert_eq!(bench.registrations().last(), Some(&(Unregistered, Some(ErrorCode::ConnectionLost))));
}

#[test]
fn a_tab_that_slept_through_the_end_of_its_binding_renews_it_when_it_wakes() {
    let mut bench = Bench::registered();
    bench.now += Duration::from_secs(7_200);

    bench.tell(Phone::handle_wake);

    assert_eq!(bench.registrations().last(), Some(&(Registering, None)), "it shows what is true");
    let register = bench.take_registers().remove(0);
    bench.grant(register);
    assert_eq!(bench.registrations().last(), Some(&(Registered, None)));
}

#[test]
fn a_flow_that_failed_is_replaced() {
    let mut bench = Bench::connected();
    bench.tell(Phone::register).map_err(|error| error.message).unwrap();
    let (id, _) = bench.take_registers().remove(0);

    bench.refuse(id, 430, None);
    bench.pass(Duration::from_millis(300));
    bench.accept_socket();

    let register = bench.take_registers().remove(0);
    bench.grant(register);
    assert_eq!(bench.registrations().last(), Some(&(Registered, None)));
}

#[test]
fn all_phones_of_the_account_can_be_unregistered() {
    let mut bench = Bench::registered();

    bench.tell(|phone, now| phone.unregister(true, now));
    let (id, request) = bench.take_registers().remove(0);
    assert_eq!(request.method, Method::Register);
    assert_eq!(request.headers.get(&HeaderName::Contact), Some("*"));
    bench.refuse(id, 200, None);

    assert_eq!(bench.registrations().last(), Some(&(Unregistered, None)));
}

#[test]
fn a_registrar_that_forgot_us_is_asked_again_later() {
    let mut bench = Bench::connected();
    bench.tell(Phone::register).map_err(|error| error.message).unwrap();
    let (id, _) = bench.take_registers().remove(0);
    bench.refuse(id, 200, Some((HeaderName::Contact, "<sip:somebody@else.invalid>;expires=60")));
    assert_eq!(bench.registrations().last(), Some(&(Failed, Some(ErrorCode::ProtocolError))));

    bench.pass(Duration::from_secs(6));

    assert_eq!(bench.take_registers().len(), 1);
}

#[test]
fn a_patience_of_years_is_cut_to_an_hour() {
    let mut bench = Bench::connected();
    bench.tell(Phone::register).map_err(|error| error.message).unwrap();
    let (id, _) = bench.take_registers().remove(0);
    bench.refuse(id, 503, Some((HeaderName::RetryAfter, "4294967295")));

    bench.pass(Duration::from_secs(3_601));

    assert_eq!(bench.take_registers().len(), 1);
}
