//! SIP with PBXs over TCP and TLS, on real sockets: what is sent, what is believed, and what bad input does.

mod door;
mod phone;
mod town;

use door::Door;
use phone::Phone;
use relay_server::config::{Config, Host, Trunk};
use sip_core::Transport;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use town::{Authority, Manner, PATIENCE, Pbx, connector, dns_name, uri_name};

fn host(address: SocketAddr, transport: Transport) -> Host {
    let port = Some(address.port());
    Host { host: address.ip().to_string(), port, transport: Some(transport), priority: 0, weight: 1 }
}

fn trunk(hosts: Vec<Host>) -> Trunk {
    let domains = vec!["*".to_owned()];
    Trunk { name: "pbx".to_owned(), domains, hosts, probe: Duration::ZERO, ..Trunk::default() }
}

fn through(trunk: Trunk) -> impl FnOnce(&mut Config) {
    move |config| {
        config.sip.domains.clear();
        config.trunks = vec![trunk];
    }
}

#[tokio::test]
async fn calls_share_a_connection_and_a_lost_one_is_made_again() {
    let mut pbx = Pbx::tcp(Manner::Says(486)).await;
    let door = Door::open_with(through(trunk(vec![host(pbx.address, Transport::Tcp)]))).await;
    let mut alice = Phone::connect(door.web(), "alice").await;

    for _ in 0..2 {
        let call = alice.call("sip:bob@pbx.test");
        assert_eq!(alice.ended(call).await.0, 486);
        let (connection, invite) = pbx.next("INVITE").await;
        let via = invite.headers.via().expect("a Via");
        assert_eq!((connection, via.transport.as_str()), (1, "TCP"));
        assert!(invite.headers.get(&sip_core::message::HeaderName::Contact).expect("one").contains(";transport=tcp"));
    }
    door.until("pbxConnections", 1).await;
    let address = pbx.address;
    drop(pbx);
    door.until("pbxConnections", 0).await;
    let mut pbx = Pbx::tcp_at(address, Manner::Says(603)).await;
    let call = alice.call("sip:bob@pbx.test");

    assert_eq!(alice.ended(call).await.0, 603);
    assert_eq!(pbx.next("INVITE").await.0, 1);
    door.close().await;
}

#[tokio::test]
async fn a_pbx_that_hangs_up_in_the_middle_is_left_for_the_next() {
    let (mut first, mut second) = (Pbx::tcp(Manner::HangsUp).await, Pbx::tcp(Manner::Says(486)).await);
    let mut hosts = vec![host(first.address, Transport::Tcp), host(second.address, Transport::Tcp)];
    hosts[1].priority = 1;
    let door = Door::open_with(through(trunk(hosts))).await;
    let mut alice = Phone::connect(door.web(), "alice").await;

    let call = alice.call("sip:bob@pbx.test");

    assert_eq!(alice.ended(call).await.0, 486);
    first.next("INVITE").await;
    second.next("INVITE").await;
    door.close().await;
}

async fn tls_call(papers: &town::Papers, authority: &Authority, change: impl FnOnce(&mut Config)) -> (u16, String) {
    let pbx = Pbx::tls(Manner::Says(486), papers, None).await;
    let dns = town::Dns::serve(&[("pbx.test", town::a("127.0.0.1"))]).await;
    let mut gateway = host(pbx.address, Transport::Tls);
    gateway.host = "pbx.test".to_owned();
    let door = Door::open_with(|config| {
        through(trunk(vec![gateway]))(config);
        config.sip.dns_servers = vec![dns.address];
        config.sip.tls_ca = Some(authority.file());
        change(config);
    })
    .await;
    let mut alice = Phone::connect(door.web(), "alice").await;
    let call = alice.call("sip:bob@pbx.test");
    let end = alice.ended(call).await;
    if end.0 != 486 {
        assert!(door.count("tlsFailed").await >= 1);
    }
    door.close().await;
    end
}

#[tokio::test]
async fn a_certificate_is_for_the_domain_or_there_is_no_call() {
    let (authority, stranger) = (Authority::new("names"), Authority::new("stranger"));
    let good = authority.signs("good", vec![dns_name("pbx.test")]);
    let sip = authority.signs("sip", vec![uri_name("sip:pbx.test"), dns_name("other.test")]);
    let wrong = authority.signs("wrong", vec![dns_name("other.test")]);
    let other_uri = authority.signs("other-uri", vec![uri_name("sip:other.test"), dns_name("pbx.test")]);
    let wildcard = authority.signs("wildcard", vec![dns_name("*.office.test")]);
    let foreign = stranger.signs("foreign", vec![dns_name("pbx.test")]);

    assert_eq!(tls_call(&good, &authority, |_| ()).await.0, 486);
    assert_eq!(tls_call(&sip, &authority, |_| ()).await.0, 486, "a sip: URI counts (RFC 5922 §7.1)");
    for papers in [&wrong, &other_uri] {
        let (status, reason) = tls_call(papers, &authority, |_| ()).await;
        assert_eq!(status, 502);
        assert_eq!(reason, "The PBX's Certificate Is Refused: it is not for pbx.test");
    }
    let (status, reason) = tls_call(&foreign, &authority, |_| ()).await;
    assert_eq!(
        (status, reason.as_str()),
        (502, "The PBX's Certificate Is Refused: nobody who is trusted has signed it")
    );
    for (wildcards, status) in [(false, 502), (true, 486)] {
        let change = |config: &mut Config| {
            config.trunks[0].server_name = Some("pbx.office.test".to_owned());
            config.trunks[0].wildcards = wildcards;
        };
        assert_eq!(tls_call(&wildcard, &authority, change).await.0, status, "a wildcard is no name (§7.2)");
    }
    assert_eq!(
        tls_call(&wrong, &authority, |config| config.trunks[0].server_name = Some("other.test".into())).await.0,
        486
    );
    assert_eq!(tls_call(&foreign, &authority, |config| config.trunks[0].insecure = true).await.0, 486);
}

#[tokio::test]
async fn a_pbx_that_asks_for_a_certificate_gets_ours() {
    let authority = Authority::new("mutual");
    let (theirs, ours) =
        (authority.signs("pbx", vec![dns_name("pbx.test")]), authority.signs("relay", vec![dns_name("relay.test")]));
    let mut pbx = Pbx::tls(Manner::Says(486), &theirs, Some(&authority)).await;
    let door = Door::open_with(|config| {
        let mut trunk = trunk(vec![host(pbx.address, Transport::Tls)]);
        trunk.server_name = Some("pbx.test".to_owned());
        through(trunk)(config);
        config.sip.tls_ca = Some(authority.file());
        config.sip.tls_certificate = Some(ours.certificate.clone());
        config.sip.tls_key = Some(ours.key.clone());
    })
    .await;
    let mut alice = Phone::connect(door.web(), "alice").await;

    let call = alice.call("sip:bob@pbx.test");

    assert_eq!(alice.ended(call).await.0, 486);
    assert_eq!(pbx.next("INVITE").await.1.headers.via().expect("a Via").transport, "TLS");
    door.close().await;
}

#[tokio::test]
async fn one_who_speaks_no_tls_is_told_apart_from_one_who_is_not_there() {
    let plain = Pbx::tcp(Manner::Says(486)).await;
    let door = Door::open_with(|config| {
        let authority = Authority::new("plain");
        config.sip.tls_ca = Some(authority.file());
        through(trunk(vec![host(plain.address, Transport::Tls)]))(config);
        std::mem::forget(authority);
    })
    .await;
    let mut alice = Phone::connect(door.web(), "alice").await;

    let call = alice.call("sip:bob@pbx.test");

    // The PBX takes the handshake for garbage and says nothing sensible.
    let (status, reason) = alice.ended(call).await;
    assert!(matches!(status, 502 | 503), "{status} {reason}");
    door.close().await;
}

const OPTIONS: &str = "OPTIONS sip:relay SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:5099;branch=z9hG4bK1\r\n\
    Max-Forwards: 70\r\nFrom: <sip:pbx@127.0.0.1>;tag=1\r\nTo: <sip:relay@127.0.0.1>\r\nCall-ID: 1\r\n\
    CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

/// Reads until a whole answer is there, or the end.
async fn answer<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 4_096];
    let reading = async {
        while !text.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut buffer).await {
                Ok(length) if length > 0 => text.extend_from_slice(&buffer[..length]),
                _ => break,
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("an answer or an end in time")
}

#[tokio::test]
async fn a_pbx_connects_and_is_answered_on_its_connection() {
    let door = Door::open().await;
    let mut stream = TcpStream::connect(door.sip()).await.expect("the relay listens");

    // In small pieces, with keep-alives before and between.
    for piece in format!("\r\n\r\n{OPTIONS}").as_bytes().chunks(37) {
        stream.write_all(piece).await.expect("open");
    }
    let text = answer(&mut stream).await;

    // The answer to the keep-alive comes before it.
    let text = text.trim_start();
    assert!(text.starts_with("SIP/2.0 200 "), "{text}");
    assert!(text.contains("branch=z9hG4bK1"), "{text}");
    door.close().await;
}

#[tokio::test]
async fn what_is_not_sip_closes_its_connection_and_no_other() {
    let door = Door::open().await;
    let mut good = TcpStream::connect(door.sip()).await.expect("the relay listens");
    let hostile: [&[u8]; 5] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"{\"json\": true}\r\n",
        b"INVITE sip:a SIP/2.0\r\nContent-Length: 4294967296\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n",
        b"\0\0\0\0\0\0\0\0",
    ];
    for bytes in hostile {
        let mut bad = TcpStream::connect(door.sip()).await.expect("the relay listens");
        bad.write_all(bytes).await.expect("open");
        assert_eq!(answer(&mut bad).await, "", "closed");
    }
    let mut endless = TcpStream::connect(door.sip()).await.expect("the relay listens");
    endless.write_all(b"INVITE sip:a SIP/2.0\r\n").await.expect("open");
    while endless.write_all(&[b'x'; 4_096]).await.is_ok() {}
    assert_eq!(door.count("pbxConnectionsBroken").await, 6);

    good.write_all(OPTIONS.as_bytes()).await.expect("open");
    assert!(answer(&mut good).await.starts_with("SIP/2.0 200 "));
    let mut cut = TcpStream::connect(door.sip()).await.expect("the relay listens");
    cut.write_all(&OPTIONS.as_bytes()[..60]).await.expect("open");
    cut.shutdown().await.expect("open");
    door.until("pbxConnectionsCut", 1).await;
    door.close().await;
}

#[tokio::test]
async fn a_pbx_connects_by_tls_with_the_right_papers_and_a_half_open_one_does_not_stay() {
    let authority = Authority::new("door");
    let ours = authority.signs("relay", vec![dns_name("relay.test")]);
    let theirs = authority.signs("pbx", vec![dns_name("pbx.test")]);
    let door = Door::open_with(|config| {
        config.sip.tls_listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        config.sip.tls_certificate = Some(ours.certificate.clone());
        config.sip.tls_key = Some(ours.key.clone());
        config.sip.tls_client_ca = Some(authority.file());
    })
    .await;
    let address = door.sip_tls();
    let name = || "relay.test".try_into().expect("a name");

    let stream = TcpStream::connect(address).await.expect("the relay listens");
    let mut pbx = connector(&authority, Some(&theirs)).connect(name(), stream).await.expect("TLS");
    pbx.write_all(OPTIONS.replace("SIP/2.0/TCP", "SIP/2.0/TLS").as_bytes()).await.expect("open");
    assert!(answer(&mut pbx).await.starts_with("SIP/2.0 200 "));

    let stream = TcpStream::connect(address).await.expect("the relay listens");
    if let Ok(mut nobody) = connector(&authority, None).connect(name(), stream).await {
        // In TLS 1.3 the refusal comes after the client's last word.
        let _ = nobody.write_all(OPTIONS.as_bytes()).await;
        assert_eq!(answer(&mut nobody).await, "");
    }
    let mut silent = TcpStream::connect(address).await.expect("the relay listens");
    silent.write_all(&[0x16, 0x03]).await.expect("open");
    assert_eq!(answer(&mut silent).await, "", "closed after a few seconds");
    assert_eq!(door.count("tlsFailed").await, 2);
    door.close().await;
}

#[tokio::test]
async fn a_message_that_drips_in_is_not_waited_for_for_ever() {
    let door = Door::open().await;
    let mut slow = TcpStream::connect(door.sip()).await.expect("the relay listens");
    let dripping = async {
        for byte in OPTIONS.as_bytes().iter().cycle() {
            if slow.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    tokio::time::timeout(PATIENCE, dripping).await.expect("closed in time");
    assert_eq!(door.count("pbxConnectionsSlow").await, 1);
    door.close().await;
}

#[tokio::test]
async fn one_address_has_only_so_many_connections() {
    let door = Door::open().await;
    let mut held = Vec::new();
    for _ in 0..70 {
        held.push(TcpStream::connect(door.sip()).await.expect("the system takes it"));
    }
    door.until("pbxConnections", 64).await;
    door.until("pbxConnectionsRefused", 6).await;
    held.truncate(1);
    door.until("pbxConnections", 1).await;
    door.close().await;
}
