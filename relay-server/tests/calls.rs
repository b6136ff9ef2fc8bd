//! Whole calls over real sockets: a browser's WebSocket, the relay, UDP, the demo exchange. Media is another suite's.

mod door;
mod exchange;
mod phone;

use exchange::Exchange;
use phone::{OFFER, Phone};
use sip_core::agent::{Failure, RegistrationEvent};
use sip_core::message::StatusCode;
use std::time::Duration;

#[tokio::test]
async fn a_browser_registers_through_the_relay_with_its_own_digest() {
    let exchange = Exchange::open().await;

    let _alice = exchange.registered("alice").await;

    door::until(exchange.web(), "registrations", 1).await;
    exchange.close().await;
}

#[tokio::test]
async fn a_wrong_password_is_refused_by_the_exchange_and_told_by_the_relay() {
    let exchange = Exchange::open().await;
    let mut alice = Phone::connect(exchange.web(), "alice").await;

    let registration = alice.register("guess").await;

    let failed = matches!(
        registration,
        RegistrationEvent::Failed { failure: Failure::Unauthorized { status: StatusCode::UNAUTHORIZED, .. }, .. }
    );
    assert!(failed, "{registration:?}");
    exchange.close().await;
}

#[tokio::test]
async fn a_browser_that_went_away_is_not_there_and_rings_again_when_it_is_back() {
    let exchange = Exchange::open().await;
    let (alice, mut bob) = (exchange.registered("alice").await, exchange.registered("bob").await);

    drop(alice);
    door::until(exchange.web(), "webSockets", 1).await;
    let call = bob.call("sip:alice@demo.localhost");
    let (status, _) = bob.ended(call).await;
    let mut alice = exchange.registered("alice").await;
    let again = bob.call("sip:alice@demo.localhost");
    let ((session, _), ()) = tokio::join!(alice.incoming(), bob.progress(again, StatusCode::SESSION_PROGRESS));
    let now = alice.now();
    alice.agent.reject(session, StatusCode::BUSY_HERE, None, Vec::new(), now).expect("it rings");
    alice.drain().await;

    assert_eq!(status, 480);
    assert_eq!(bob.ended(again).await.0, 486);
    exchange.close().await;
}

#[tokio::test]
async fn refusals_of_the_exchange_reach_the_browser() {
    let exchange = Exchange::open().await;
    let mut alice = exchange.registered("alice").await;

    for (number, status) in [("busy", 486), ("reject", 603), ("nobody", 404), ("bob", 480)] {
        let call = alice.call(&format!("sip:{number}@demo.localhost"));
        assert_eq!(alice.ended(call).await.0, status, "{number}");
    }

    exchange.is_idle().await;
    exchange.close().await;
}

#[tokio::test]
async fn a_call_that_rings_is_cancelled_on_both_legs() {
    let exchange = Exchange::open().await;
    let mut alice = exchange.registered("alice").await;
    let call = alice.call("sip:noanswer@demo.localhost");
    alice.progress(call, StatusCode::RINGING).await;

    let now = alice.now();
    alice.agent.hang_up(call, None, now).expect("it rings");

    assert_eq!(alice.ended(call).await.0, 487);
    exchange.is_idle().await;
    exchange.close().await;
}

#[tokio::test]
async fn a_number_that_answers_is_hung_up_from_the_browser() {
    let exchange = Exchange::open().await;
    let mut alice = exchange.registered("alice").await;
    let call = alice.call("sip:echo@demo.localhost");

    let answer = alice.answer(call).await;
    door::until(exchange.web(), "calls", 1).await;
    let now = alice.now();
    alice.agent.hang_up(call, None, now).expect("it talks");
    alice.ended(call).await;

    assert!(answer.contains("a=fingerprint:") && answer.contains("a=ice-lite"), "{answer}");
    exchange.is_idle().await;
    exchange.close().await;
}

#[tokio::test]
async fn a_browser_calls_another() {
    let exchange = Exchange::open().await;
    let (mut alice, mut bob) = (exchange.registered("alice").await, exchange.registered("bob").await);

    let call = alice.call("sip:bob@demo.localhost");
    let ((session, offer), ()) = tokio::join!(bob.incoming(), alice.progress(call, StatusCode::SESSION_PROGRESS));
    let answer = OFFER.replace("actpass", "active");
    let now = bob.now();
    bob.agent.accept(session, answer, Vec::new(), now).expect("it rings");
    bob.drain().await;
    alice.answer(call).await;
    let now = alice.now();
    alice.agent.hang_up(call, None, now).expect("it talks");
    let (_, (status, _)) = tokio::join!(alice.ended(call), bob.ended(session));

    assert!(offer.contains("UDP/TLS/RTP/SAVPF"), "{offer}");
    assert_eq!(status, 0, "a plain BYE");
    exchange.is_idle().await;
    exchange.close().await;
}

#[tokio::test]
async fn a_browser_that_does_not_come_back_in_time_ends_its_call_on_the_other_leg() {
    let exchange = Exchange::open_with(|config| config.limits.call_recovery = Duration::from_millis(200)).await;
    let mut alice = exchange.registered("alice").await;
    let call = alice.call("sip:echo@demo.localhost");
    alice.answer(call).await;

    drop(alice);

    exchange.is_idle().await;
    exchange.close().await;
}

#[tokio::test]
async fn a_pbx_that_is_not_there_is_told_at_once() {
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let door = door::Door::open_with(|config| config.sip.domains[0].port = Some(nobody.port())).await;
    let mut alice = Phone::connect(door.web(), "alice").await;
    let began = alice.now();

    let call = alice.call("sip:anyone@pbx.test");
    let (status, _) = alice.ended(call).await;

    assert_eq!(status, 503);
    // Timer B would take 32 s.
    assert!(alice.now().since(began) < Duration::from_secs(10));
    assert!(door.count("unreachable").await >= 1);
    door.close().await;
}

#[tokio::test]
async fn a_pbx_whose_name_is_unknown_is_told() {
    let door = door::Door::open_with(|config| config.sip.domains[0].host = "pbx.invalid".to_owned()).await;
    let mut alice = Phone::connect(door.web(), "alice").await;

    let call = alice.call("sip:anyone@pbx.test");
    let (status, _) = alice.ended(call).await;

    assert!((500..600).contains(&status), "{status}");
    door.close().await;
}

#[tokio::test]
async fn leaving_hangs_up_first() {
    let exchange = Exchange::open().await;
    let mut alice = exchange.registered("alice").await;
    let call = alice.call("sip:echo@demo.localhost");
    alice.answer(call).await;

    let closing = tokio::spawn(exchange.close());
    alice.ended(call).await;
    alice.drain().await;

    closing.await.expect("in order");
}

#[tokio::test]
async fn a_page_is_told_whom_it_can_call() {
    let exchange = Exchange::open().await;
    let request = format!("GET /demo.json HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", exchange.web());

    let facts = door::json(exchange.web(), &request).await;

    assert_eq!(facts["server"], "/sip");
    assert_eq!(facts["accounts"][0]["uri"], "sip:alice@demo.localhost");
    assert_eq!(facts["accounts"][1]["password"], "bob-secret");
    assert_eq!(facts["numbers"][0]["number"], "echo");
    exchange.close().await;
}
