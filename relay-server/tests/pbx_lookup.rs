//! Where a PBX is: NAPTR, SRV, A and AAAA from a DNS server of the test's own, IPv6, and gateways that come and go.

mod door;
mod phone;
mod town;

use door::Door;
use phone::Phone;
use relay_server::config::{Config, Domain, Host, Trunk};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use town::{Dns, Manner, PATIENCE, Pbx, a, cname, naptr, srv};

/// A relay that asks `dns` for `pbx.test`.
fn asking(dns: &Dns) -> impl FnOnce(&mut Config) {
    let address = dns.address;
    move |config| {
        config.sip.dns_servers = vec![address];
        config.sip.domains =
            vec![Domain { name: "*".to_owned(), host: "pbx.test".to_owned(), port: None, transport: None }];
    }
}

fn nobody() -> u16 {
    std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port()
}

#[tokio::test]
async fn naptr_leads_to_tcp_and_srv_to_the_second_server_when_the_first_is_gone() {
    let mut pbx = Pbx::tcp(Manner::Says(486)).await;
    let dns = Dns::serve(&[
        ("pbx.test", naptr(10, "E2U+sip", "!^.*$!sip:info@evil.test!", "evil.test")),
        ("pbx.test", naptr(20, "SIP+D2T", "", "_sip._tcp.pbx.test")),
        ("pbx.test", naptr(30, "SIP+D2U", "", "_sip._udp.pbx.test")),
        ("_sip._tcp.pbx.test", srv(10, nobody(), "one.pbx.test")),
        ("_sip._tcp.pbx.test", srv(20, pbx.address.port(), "two.pbx.test")),
        ("one.pbx.test", a("127.0.0.1")),
        ("two.pbx.test", cname("real.pbx.test")),
        ("real.pbx.test", cname("host.pbx.test")),
        ("host.pbx.test", a("127.0.0.1")),
    ])
    .await;
    let door = Door::open_with(asking(&dns)).await;
    let mut alice = Phone::connect(door.web(), "alice").await;

    let call = alice.call("sip:bob@example.com");

    assert_eq!(alice.ended(call).await.0, 486);
    let (_, invite) = pbx.next("INVITE").await;
    assert_eq!(invite.uri.to_string(), "sip:bob@example.com");
    door.close().await;
}

#[tokio::test]
async fn names_in_a_circle_and_names_that_are_not_there_are_told() {
    let dns = Dns::serve(&[
        ("_sip._udp.pbx.test", srv(1, 5060, "circle.test")),
        ("circle.test", cname("elcric.test")),
        ("elcric.test", cname("circle.test")),
    ])
    .await;
    let door = Door::open_with(asking(&dns)).await;
    let mut alice = Phone::connect(door.web(), "alice").await;

    let call = alice.call("sip:bob@example.com");

    let (status, reason) = alice.ended(call).await;
    assert_eq!((status, reason.as_str()), (503, "The PBX's Name Cannot Be Resolved: pbx.test"));
    door.close().await;
}

#[tokio::test]
async fn a_server_that_answers_503_and_one_that_is_silent_are_left_for_the_third() {
    let mut full = Pbx::udp("127.0.0.1", Manner::Says(503)).await;
    let mut silent = Pbx::udp("127.0.0.1", Manner::Silent).await;
    let mut third = Pbx::udp("127.0.0.1", Manner::Says(486)).await;
    let dns = Dns::serve(&[
        ("_sip._udp.pbx.test", srv(1, full.address.port(), "host.test")),
        ("_sip._udp.pbx.test", srv(2, silent.address.port(), "host.test")),
        ("_sip._udp.pbx.test", srv(3, third.address.port(), "host.test")),
        ("host.test", a("127.0.0.1")),
    ])
    .await;
    let door = Door::open_with(|config| {
        asking(&dns)(config);
        config.sip.failover_timeout = Duration::from_millis(700);
    })
    .await;
    let mut alice = Phone::connect(door.web(), "alice").await;
    let began = alice.now();

    let call = alice.call("sip:bob@example.com");

    assert_eq!(alice.ended(call).await.0, 486);
    let took = alice.now().since(began);
    assert!(took >= Duration::from_millis(700) && took < Duration::from_secs(10), "{took:?}");
    for pbx in [&mut full, &mut silent, &mut third] {
        pbx.next("INVITE").await;
    }
    door.close().await;
}

#[tokio::test]
async fn ipv6_is_tried_first_and_ipv4_when_nobody_is_there() {
    let mut pbx = Pbx::udp("127.0.0.1", Manner::Says(486)).await;
    let rows = [
        ("_sip._udp.pbx.test", srv(1, pbx.address.port(), "host.test")),
        ("host.test", a("::1")),
        ("host.test", a("127.0.0.1")),
    ];
    let dns = Dns::serve(&rows).await;
    let both = |config: &mut Config| {
        asking(&dns)(config);
        config.sip.listen_ipv6 = Some("[::1]:0".parse().expect("an address"));
        config.media.trunk_listen_ipv6 = Some("::1".parse().expect("an address"));
    };
    let door = Door::open_with(both).await;
    let mut alice = Phone::connect(door.web(), "alice").await;

    let call = alice.call("sip:bob@example.com");

    assert_eq!(alice.ended(call).await.0, 486);
    let (_, invite) = pbx.next("INVITE").await;
    let sdp = String::from_utf8(invite.body).expect("SDP");
    assert!(sdp.contains("c=IN IP4 127.0.0.1\r\n"), "{sdp}");
    assert!(door.count("unreachable").await >= 1);
    door.close().await;
}

#[tokio::test]
async fn a_call_by_ipv6_has_its_addresses_everywhere() {
    let mut pbx = Pbx::udp("::1", Manner::Says(486)).await;
    let door = Door::open_with(|config| {
        config.sip.listen = "[::1]:0".parse().expect("an address");
        config.media.trunk_listen = "::1".parse().expect("an address");
        let (host, port) = ("::1".to_owned(), Some(pbx.address.port()));
        config.sip.domains = vec![Domain { name: "*".to_owned(), host, port, transport: None }];
    })
    .await;
    let mut alice = Phone::connect(door.web(), "alice").await;

    let call = alice.call("sip:bob@example.com");

    assert_eq!(alice.ended(call).await.0, 486);
    let (_, invite) = pbx.next("INVITE").await;
    let text = String::from_utf8(invite.write()).expect("SIP");
    for part in ["Via: SIP/2.0/UDP [::1]:", "Contact: <sip:alice@[::1]:", "c=IN IP6 ::1\r\n", "o=- "] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.len() < 1_300);
    door.close().await;
}

#[tokio::test]
async fn the_announced_address_is_not_the_bound_one() {
    let mut pbx = Pbx::udp("127.0.0.1", Manner::Says(486)).await;
    let port = pbx.address.port();
    let door = Door::open_with(|config| {
        config.sip.domains[0].port = Some(port);
        config.sip.listen = "0.0.0.0:0".parse().expect("an address");
        config.media.trunk_listen = "0.0.0.0".parse().expect("an address");
        config.media.trunk_ports = 43_001..=43_099;
        config.network.bind_ip = Some("127.0.0.1".parse().expect("an address"));
        config.network.external_ip = Some("198.51.100.7".parse().expect("an address"));
    })
    .await;
    assert_eq!(door.sip().ip().to_string(), "127.0.0.1", "bound");
    let mut alice = Phone::connect(door.web(), "alice").await;

    let call = alice.call("sip:bob@example.com");

    assert_eq!(alice.ended(call).await.0, 486, "the answer comes to the bound one, by rport");
    let (_, invite) = pbx.next("INVITE").await;
    let announced = format!("198.51.100.7:{}", door.sip().port());
    let text = String::from_utf8(invite.write()).expect("SIP");
    for part in [format!("UDP {announced};"), format!("@{announced}>"), "c=IN IP4 198.51.100.7\r\n".to_owned()] {
        assert!(text.contains(&part), "{part} in {text}");
    }
    let audio = text.split("m=audio ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a port");
    let audio: u16 = audio.parse().expect("a port");
    assert!((43_002..=43_098).contains(&audio) && audio.is_multiple_of(2), "an even port of the range: {audio}");
    door.close().await;
}

#[tokio::test]
async fn when_the_rtp_ports_are_all_taken_a_call_is_refused_and_counted() {
    let pbx = Pbx::udp("127.0.0.1", Manner::Silent).await;
    let port = pbx.address.port();
    let door = Door::open_with(|config| {
        config.sip.domains[0].port = Some(port);
        config.media.trunk_ports = 43_200..=43_201;
    })
    .await;
    let mut alice = Phone::connect(door.web(), "alice").await;

    alice.call("sip:bob@example.com");
    let call = alice.call("sip:carol@example.com");

    assert_eq!(alice.ended(call).await.0, 503);
    assert_eq!(door.count("callsWithoutPorts").await, 1);
    door.close().await;
}

fn states(health: &Value) -> Vec<String> {
    let gateways = health["gateways"].as_array().expect("gateways");
    gateways.iter().map(|gateway| gateway["state"].as_str().expect("a state").to_owned()).collect()
}

async fn until_states(door: &Door, wanted: &[&str]) {
    let asking = async {
        while states(&door.health().await) != wanted {
            tokio::task::yield_now().await;
        }
    };
    let asked = tokio::time::timeout(PATIENCE, asking).await;
    assert!(asked.is_ok(), "{} instead of {wanted:?}", door.health().await["gateways"]);
}

#[tokio::test]
async fn gateways_are_probed_and_their_states_are_shown() {
    let mut up = Pbx::udp("127.0.0.1", Manner::Says(486)).await;
    let reserved: SocketAddr = SocketAddr::from(([127, 0, 0, 1], nobody()));
    let host = |address: SocketAddr, priority| Host {
        host: address.ip().to_string(),
        port: Some(address.port()),
        transport: Some(sip_core::Transport::Tcp).filter(|_| address == reserved),
        priority,
        weight: 1,
    };
    let trunk = Trunk {
        name: "office".to_owned(),
        domains: vec!["*".to_owned()],
        hosts: vec![host(reserved, 0), host(up.address, 1)],
        probe: Duration::from_millis(200),
        ..Trunk::default()
    };
    let door = Door::open_with(|config| {
        config.sip.domains.clear();
        config.trunks = vec![trunk];
    })
    .await;

    until_states(&door, &["down", "up"]).await;
    let options = up.next("OPTIONS").await.1;
    assert!(options.write().len() < 1_300);
    let mut alice = Phone::connect(door.web(), "alice").await;
    let call = alice.call("sip:bob@example.com");
    assert_eq!(alice.ended(call).await.0, 486);
    let _back = Pbx::tcp_at(reserved, Manner::Says(486)).await;
    until_states(&door, &["up", "up"]).await;
    drop(up);
    until_states(&door, &["up", "down"]).await;
    door.close().await;
}
