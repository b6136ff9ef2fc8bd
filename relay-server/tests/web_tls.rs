//! HTTPS and WSS with given certificates, which may change while the relay runs.

mod door;
mod town;

use door::Door;
use rustls::pki_types::ServerName;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use town::{Authority, PATIENCE, Papers, connector, dns_name};

async fn open(papers: &Papers) -> Door {
    let (certificate, key) = (papers.certificate.clone(), papers.key.clone());
    Door::open_with(move |config| {
        config.web.tls_certificate = Some(certificate);
        config.web.tls_key = Some(key);
    })
    .await
}

async fn connect(door: &Door, authority: &Authority) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(door.web()).await?;
    connector(authority, None).connect(ServerName::try_from("localhost").expect("a name"), stream).await
}

async fn ask(stream: &mut TlsStream<TcpStream>, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("open");
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = stream.read_buf(&mut answer).await.expect("an answer");
        assert_ne!(length, 0, "closed after {:?}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// A counter of `/healthz`, asked for over TLS.
async fn count(door: &Door, authority: &Authority, name: &str) -> u64 {
    let mut page = connect(door, authority).await.expect("a trusted certificate");
    page.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.expect("open");
    let mut answer = String::new();
    // The end of TLS may be missing: what counts came before.
    let _ = page.read_to_string(&mut answer).await;
    let (_, value) = answer.split_once(&format!("\"{name}\":")).expect(name);
    value.split(|c: char| !c.is_ascii_digit()).next().expect("a number").parse().expect("a number")
}

#[tokio::test]
async fn pages_and_websockets_come_over_tls() {
    let authority = Authority::new("web");
    let door = open(&authority.signs("localhost", vec![dns_name("localhost")])).await;

    let mut page = connect(&door, &authority).await.expect("a trusted certificate");
    let health = ask(&mut page, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(health.starts_with("HTTP/1.1 200 "), "{health}");
    let mut browser = connect(&door, &authority).await.expect("a trusted certificate");
    let upgraded = ask(
        &mut browser,
        "GET /sip HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Origin: https://localhost\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
    )
    .await;
    assert!(upgraded.starts_with("HTTP/1.1 101 "), "{upgraded}");
    drop((page, browser));
    door.close().await;
}

#[tokio::test]
async fn a_client_that_never_shakes_hands_keeps_nobody_waiting() {
    let authority = Authority::new("web-slow");
    let door = open(&authority.signs("localhost", vec![dns_name("localhost")])).await;

    let silent = TcpStream::connect(door.web()).await.expect("a listener");
    let mut plain = TcpStream::connect(door.web()).await.expect("a listener");
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("open");
    let mut page = connect(&door, &authority).await.expect("a trusted certificate");

    let health = ask(&mut page, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(health.starts_with("HTTP/1.1 200 "), "{health}");
    let mut refused = Vec::new();
    let _ = plain.read_to_end(&mut refused).await;
    assert!(!refused.starts_with(b"HTTP"), "plain HTTP is no TLS");
    assert_eq!(count(&door, &authority, "webTlsFailed").await, 1);
    drop((silent, page));
    door.close().await;
}

#[tokio::test]
async fn a_certificate_that_changes_is_shown_without_a_restart() {
    let (old, new) = (Authority::new("web-old"), Authority::new("web-new"));
    let papers = old.signs("localhost", vec![dns_name("localhost")]);
    let door = open(&papers).await;
    assert!(connect(&door, &old).await.is_ok() && connect(&door, &new).await.is_err());

    let next = new.signs("localhost", vec![dns_name("localhost")]);
    std::fs::copy(&next.certificate, &papers.certificate).expect("written");
    std::fs::copy(&next.key, &papers.key).expect("written");

    let changing = async {
        while connect(&door, &new).await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, changing).await.expect("the new certificate is shown");
    assert!(connect(&door, &old).await.is_err());
    door.close().await;
}

#[tokio::test]
async fn a_broken_certificate_does_not_take_the_place_of_a_good_one() {
    let authority = Authority::new("web-broken");
    let papers = authority.signs("localhost", vec![dns_name("localhost")]);
    let door = open(&papers).await;

    std::fs::write(&papers.certificate, "not a certificate").expect("written");
    let noticing = async {
        while count(&door, &authority, "certificatesRefused").await == 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };

    // Each look is a handshake with the good one.
    tokio::time::timeout(PATIENCE, noticing).await.expect("the change is noticed");
    assert!(connect(&door, &authority).await.is_ok());
    door.close().await;
}
