//! The browsers' door: who may in, what is not taken, and what everybody else notices of it, which is nothing.

mod door;

use door::{Door, http, upgrade};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

const OPTIONS: &str = "OPTIONS sip:relay.invalid SIP/2.0\r\nVia: SIP/2.0/WS tester.invalid;branch=z9hG4bKtest\r\n\
    Max-Forwards: 70\r\nFrom: <sip:tester@demo.localhost>;tag=1\r\nTo: <sip:relay.invalid>\r\nCall-ID: options\r\n\
    CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_page_of_the_same_host_comes_in_with_the_subprotocol_sip() {
    let door = Door::open().await;

    let (mut browser, response) = door.connect().await.expect("a WebSocket");

    assert_eq!(response.headers()["sec-websocket-protocol"], "sip");
    browser.send(Message::text(OPTIONS)).await.expect("open");
    assert!(door::next_text(&mut browser).await.starts_with("SIP/2.0 200 OK\r\n"));
    door.close().await;
}

#[tokio::test]
async fn binary_frames_are_as_good_as_text() {
    let door = Door::open().await;
    let (mut browser, _) = door.connect().await.expect("a WebSocket");

    browser.send(Message::binary(OPTIONS.as_bytes())).await.expect("open");

    assert!(door::next_text(&mut browser).await.starts_with("SIP/2.0 200 OK\r\n"));
    door.close().await;
}

#[tokio::test]
async fn a_double_crlf_is_answered_by_one() {
    let door = Door::open().await;
    let (mut browser, _) = door.connect().await.expect("a WebSocket");

    browser.send(Message::text("\r\n\r\n")).await.expect("open");

    assert_eq!(door::next_text(&mut browser).await, "\r\n");
    door.close().await;
}

#[tokio::test]
async fn a_page_of_another_origin_stays_out() {
    let door = Door::open().await;

    let foreign = door.answer(&upgrade(&door, "Origin: https://evil.example\r\nSec-WebSocket-Protocol: sip\r\n")).await;
    let absent = door.answer(&upgrade(&door, "Sec-WebSocket-Protocol: sip\r\n")).await;

    assert!(foreign.starts_with("HTTP/1.1 403 "), "{foreign}");
    assert!(foreign.contains("web.origins"), "{foreign}");
    assert!(absent.starts_with("HTTP/1.1 403 "), "{absent}");
    assert_eq!(door.count("originsRefused").await, 2);
    door.close().await;
}

#[tokio::test]
async fn listed_origins_come_in() {
    let door = Door::open_with(|config| config.web.origins = vec!["https://www.example.com".to_owned()]).await;

    let listed = "Origin: https://www.example.com\r\nSec-WebSocket-Protocol: sip\r\n";
    let answer = door.answer(&upgrade(&door, listed)).await;

    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    door.close().await;
}

#[tokio::test]
async fn what_does_not_speak_sip_is_told_so() {
    let door = Door::open().await;
    let origin = format!("Origin: http://{}\r\n", door.web());

    let without = door.answer(&upgrade(&door, &origin)).await;
    let other = door.answer(&upgrade(&door, &format!("{origin}Sec-WebSocket-Protocol: chat\r\n"))).await;
    let plain =
        door.answer(&format!("GET /sip HTTP/1.1\r\nHost: {}\r\n{origin}Connection: close\r\n\r\n", door.web())).await;

    assert!(without.starts_with("HTTP/1.1 400 "), "{without}");
    assert!(other.starts_with("HTTP/1.1 400 "), "{other}");
    assert!(plain.starts_with("HTTP/1.1 426 "), "{plain}");
    assert!(plain.to_lowercase().contains("upgrade: websocket"), "{plain}");
    assert_eq!(door.count("upgradesRefused").await, 3);
    door.close().await;
}

#[tokio::test]
async fn a_message_of_a_megabyte_closes_its_connection_with_1009_and_no_other() {
    let door = Door::open().await;
    let (mut greedy, _) = door.connect().await.expect("a WebSocket");
    let (mut other, _) = door.connect().await.expect("a WebSocket");

    // It may fail half way: the relay reads no further than the header.
    let _ = greedy.send(Message::text("A".repeat(1 << 20))).await;

    assert_eq!(door::close_code(&mut greedy).await, Some(CloseCode::Size));
    other.send(Message::text(OPTIONS)).await.expect("open");
    assert!(door::next_text(&mut other).await.starts_with("SIP/2.0 200 OK\r\n"));
    assert_eq!(door.count("oversizedMessages").await, 1);
    door.close().await;
}

#[tokio::test]
async fn rubbish_is_dropped_and_the_connection_goes_on() {
    let door = Door::open().await;
    let (mut browser, _) = door.connect().await.expect("a WebSocket");

    for rubbish in ["", "hello", "INVITE", "SIP/2.0 200 OK\r\n\r\n", "\0\0\0", &"x".repeat(60_000)] {
        browser.send(Message::text(rubbish.to_owned())).await.expect("open");
        browser.send(Message::binary(rubbish.as_bytes().to_vec())).await.expect("open");
    }
    browser.send(Message::binary(vec![0xFF; 500])).await.expect("open");
    browser.send(Message::text(OPTIONS)).await.expect("open");

    assert!(door::next_text(&mut browser).await.starts_with("SIP/2.0 200 OK\r\n"));
    door.close().await;
}

#[tokio::test]
async fn bytes_that_are_no_frame_close_the_connection() {
    let door = Door::open().await;
    let headers = format!("Origin: http://{}\r\nSec-WebSocket-Protocol: sip\r\n", door.web());
    let mut stream = door.tcp().await;
    stream.write_all(upgrade(&door, &headers).as_bytes()).await.expect("open");
    door::head(&mut stream).await;

    stream.write_all(&[0xFF; 64]).await.expect("open");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("closed in order");

    assert_eq!(rest.first(), Some(&0x88), "a Close frame");
    assert_eq!(rest.get(2..4), Some(&1002_u16.to_be_bytes()[..]));
    door.close().await;
}

#[tokio::test]
async fn a_browser_that_answers_no_ping_is_gone() {
    let door = Door::open_with(|config| config.web.ping_interval = std::time::Duration::from_millis(50)).await;
    let headers = format!("Origin: http://{}\r\nSec-WebSocket-Protocol: sip\r\n", door.web());
    let mut silent = door.tcp().await;
    silent.write_all(upgrade(&door, &headers).as_bytes()).await.expect("open");

    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).await.expect("closed in order");

    assert_eq!(door.count("silentClients").await, 1);
    door.until("webSockets", 0).await;
    door.close().await;
}

#[tokio::test]
async fn a_browser_that_answers_pings_stays() {
    let door = Door::open_with(|config| config.web.ping_interval = std::time::Duration::from_millis(50)).await;
    let (mut browser, _) = door.connect().await.expect("a WebSocket");

    let mut pings = 0;
    while pings < 6 {
        // Reading answers them.
        if matches!(browser.next().await, Some(Ok(Message::Ping(_)))) {
            pings += 1;
        }
    }

    assert_eq!(door.count("silentClients").await, 0);
    door.close().await;
}

#[tokio::test]
async fn a_browser_that_does_not_read_is_closed_and_the_relay_goes_on() {
    let door = Door::open_with(|config| config.web.outbox = 8).await;
    let (mut slow, _) = door.connect().await.expect("a WebSocket");
    let (mut other, _) = door.connect().await.expect("a WebSocket");

    // Each is answered with as much as it says, and nothing of it is read.
    let padding = format!("\r\nX-Padding: {}\r\nContent-Length", "x".repeat(8_000));
    let long = OPTIONS.replace("branch=z9hG4bKtest", &format!("branch=z9hG4bKtest;pad={}", "y".repeat(8_000)));
    let long = long.replace("\r\nContent-Length", &padding);
    for n in 0..4_000 {
        if slow.send(Message::text(long.replace("z9hG4bKtest", &format!("z9hG4bK{n}")))).await.is_err() {
            break;
        }
    }

    door.until("slowClients", 1).await;
    other.send(Message::text(OPTIONS)).await.expect("open");
    assert!(door::next_text(&mut other).await.starts_with("SIP/2.0 200 OK\r\n"));
    door.close().await;
}

#[test]
fn leaving_says_good_bye_with_1001_before_the_process_ends() {
    let of_the_relay = tokio::runtime::Runtime::new().expect("threads");
    let of_the_browser = tokio::runtime::Runtime::new().expect("threads");
    let door = of_the_relay.block_on(Door::open());
    let (mut browser, _) = of_the_browser.block_on(door.connect()).expect("a WebSocket");
    of_the_browser.block_on(browser.send(Message::text(OPTIONS))).expect("open");
    of_the_browser.block_on(door::next_text(&mut browser));

    of_the_relay.block_on(door.close());
    of_the_relay.shutdown_background();

    assert_eq!(of_the_browser.block_on(door::close_code(&mut browser)), Some(CloseCode::Away));
}

#[tokio::test]
async fn health_says_who_is_there() {
    let door = Door::open().await;
    let (_browser, _) = door.connect().await.expect("a WebSocket");
    door.until("webSockets", 1).await;

    let health = door.health().await;

    assert_eq!(health["status"], "ok");
    assert_eq!(health["calls"], 0);
    assert_eq!(health["registrations"], 0);
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    door.close().await;
}

#[tokio::test]
async fn pages_come_with_their_types_and_a_policy_for_wasm() {
    let site = std::env::temp_dir().join(format!("switchhook-site-{}", std::process::id()));
    std::fs::create_dir_all(&site).expect("a temporary directory");
    for (name, content) in [("index.html", "<!doctype html>"), ("a.js", "export {}"), ("a.wasm", "\0asm")] {
        std::fs::write(site.join(name), content).expect("a temporary directory");
    }
    let there = site.clone();
    let door = Door::open_with(move |config| config.web.site = Some(there)).await;

    let (page, script, wasm) = (http(&door, "/").await, http(&door, "/a.js").await, http(&door, "/a.wasm").await);
    let outside = http(&door, "/../Cargo.toml").await;

    assert!(page.contains("content-type: text/html"), "{page}");
    assert!(page.contains("content-security-policy: ") && page.contains("'wasm-unsafe-eval'"), "{page}");
    assert!(page.contains("cache-control: no-cache"), "{page}");
    assert!(script.contains("content-type: text/javascript"), "{script}");
    assert!(wasm.contains("content-type: application/wasm"), "{wasm}");
    assert!(outside.starts_with("HTTP/1.1 404 "), "{outside}");
    std::fs::remove_dir_all(site).expect("ours");
    door.close().await;
}

#[tokio::test]
async fn an_address_in_use_is_named_with_its_key() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut config = door::config();
    config.web.listen = taken.local_addr().expect("bound");

    let said = relay_server::run(config, std::future::pending()).await.expect_err("in use").to_string();

    assert!(said.contains("for browsers") && said.contains("--listen"), "{said}");
}

#[tokio::test]
async fn more_connections_than_allowed_wait_and_then_come_in() {
    let door = Door::open_with(|config| config.limits.connections = 2).await;
    let first = door.tcp().await;
    let mut second = door.tcp().await;
    let (mut third, mut buffer) = (door.tcp().await, [0; 12]);
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", door.web());

    third.write_all(request.as_bytes()).await.expect("open");
    second.write_all(request.as_bytes()).await.expect("open");
    second.read_exact(&mut buffer).await.expect("an answer");
    drop::<TcpStream>(first);
    third.read_exact(&mut buffer).await.expect("an answer");

    assert_eq!(&buffer, b"HTTP/1.1 200");
    drop((second, third));
    door.close().await;
}
