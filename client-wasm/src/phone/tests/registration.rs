//! Accounts: registered, refused, renewed after a lost connection.

use super::bench::Bench;
use crate::phone::Phone;
use crate::types::{ErrorCode, RegistrationState};
use sip_core::Duration;
use sip_core::message::HeaderName;

use RegistrationState::{Failed, Registered, Registering, Unregistered};

fn registered() -> Bench {
    let mut bench = Bench::connected();
    bench.tell(Phone::register).map_err(|error| error.message).unwrap();
    let register = bench.take_registers().remove(0);
    bench.grant(register);
    bench
}

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
    let mut bench = registered();
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
    let mut bench = registered();

    bench.tell(Phone::unregister);
    let (id, request) = bench.take_registers().remove(0);
    assert_eq!(request.headers.expires(), Some(0));
    bench.refuse(id, 200, None);
    bench.close_socket();
    bench.pass(Duration::from_secs(1));
    bench.accept_socket();

    assert!(bench.take_registers().is_empty());
    assert_eq!(bench.registrations().last(), Some(&(Unregistered, None)));
}
