//! Whole calls with PBXs that nobody here wrote, over each transport: registration, a call from browser to browser through
//! Kamailio and back, calls to SIPp by TCP and by IPv6. Signalling alone; the sound is `tests/interop`'s.

#[path = "../../relay-server/tests/door/mod.rs"]
mod door;
mod foreign;
#[path = "../../relay-server/tests/phone/mod.rs"]
mod phone;

use door::Door;
use foreign::{Kamailio, Sipp, free_port};
use phone::{OFFER, Phone};
use relay_server::config::{Config, Domain};
use sip_core::Transport;
use sip_core::agent::RegistrationEvent;
use sip_core::message::StatusCode;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A certificate for Kamailio and the relay both, signed by itself.
struct Papers {
    folder: PathBuf,
}

impl Papers {
    fn new(label: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("switchhook-papers-{}-{label}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary directory");
        let names = vec!["pbx.test".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        std::fs::write(folder.join("cert.pem"), made.cert.pem()).expect("written");
        std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("written");
        Self { folder }
    }

    fn certificate(&self) -> PathBuf {
        self.folder.join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.join("key.pem")
    }
}

impl Drop for Papers {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn toward(host: &str, port: u16, transport: Transport) -> Vec<Domain> {
    vec![Domain { name: "*".to_owned(), host: host.to_owned(), port: Some(port), transport: Some(transport) }]
}

async fn registered(door: &Door, name: &str) -> Phone {
    let mut phone = Phone::connect(door.web(), name).await;
    let registration = phone.register(&format!("{name}-secret")).await;
    assert!(matches!(registration, RegistrationEvent::Registered { .. }), "{registration:?}");
    phone
}

/// Alice registers, Bob registers, Alice calls Bob: Kamailio's INVITE to the relay takes the transport of Bob's Contact.
async fn call_through_kamailio(label: &str, transport: Transport, change: impl FnOnce(&mut Config, &Papers)) {
    let papers = Papers::new(label);
    let kamailio = Kamailio::start(label, &papers.certificate(), &papers.key());
    let port = if transport == Transport::Tls { kamailio.tls } else { kamailio.port };
    let door = Door::open_with(|config| {
        config.sip.domains = toward("127.0.0.1", port, transport);
        change(config, &papers);
    })
    .await;
    let (mut alice, mut bob) = (registered(&door, "alice").await, registered(&door, "bob").await);

    let call = alice.call("sip:bob@demo.localhost");
    let progress = alice.progress(call, StatusCode::SESSION_PROGRESS);
    let ((session, _), ()) = tokio::join!(bob.incoming(), progress);
    let now = bob.now();
    bob.agent.accept(session, OFFER.replace("actpass", "active"), Vec::new(), now).expect("it rings");
    bob.drain().await;
    alice.answer(call).await;
    let now = alice.now();
    alice.agent.hang_up(call, None, now).expect("it talks");
    let (_, (status, _)) = tokio::join!(alice.ended(call), bob.ended(session));

    assert_eq!(status, 0, "a plain BYE");
    door.until("calls", 0).await;
    door.close().await;
}

#[tokio::test]
async fn kamailio_by_udp() {
    call_through_kamailio("udp", Transport::Udp, |_, _| ()).await;
}

#[tokio::test]
async fn kamailio_by_tcp() {
    call_through_kamailio("tcp", Transport::Tcp, |_, _| ()).await;
}

#[tokio::test]
async fn kamailio_by_tls() {
    call_through_kamailio("tls", Transport::Tls, |config, papers| {
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        config.sip.tls_listen = Some(local);
        config.sip.tls_certificate = Some(papers.certificate());
        config.sip.tls_key = Some(papers.key());
        config.sip.tls_ca = Some(papers.certificate());
        let domain = config.sip.domains.remove(0);
        let host = relay_server::config::Host {
            host: domain.host,
            port: domain.port,
            transport: domain.transport,
            priority: 0,
            weight: 1,
        };
        config.trunks = vec![relay_server::config::Trunk {
            name: "kamailio".to_owned(),
            domains: vec!["*".to_owned()],
            hosts: vec![host],
            server_name: Some("pbx.test".to_owned()),
            ..relay_server::config::Trunk::default()
        }];
    })
    .await;
}

async fn call_to_sipp(host: &str, transport: Transport, word: &str) {
    let port = free_port(host);
    let sipp = Sipp::answering(host, port, word);
    let door = Door::open_with(|config| {
        let ip = host.parse().expect("an address");
        config.sip.listen = SocketAddr::new(ip, 0);
        config.media.trunk_listen = ip;
        config.sip.domains = toward(host, port, transport);
    })
    .await;
    let mut alice = Phone::connect(door.web(), "alice").await;
    // SIPp says nothing when it is there: the first call it takes tells.
    let call = loop {
        let call = alice.call("sip:service@demo.localhost");
        let reached = alice
            .until("an answer or a refusal", |events| {
                use sip_core::agent::{Event, SessionEvent};
                events.iter().find_map(|event| match event {
                    Event::Session { id, event: SessionEvent::Accepted { .. } } if *id == call => Some(true),
                    Event::Session { id, event: SessionEvent::Ended(_) } if *id == call => Some(false),
                    _ => None,
                })
            })
            .await;
        if reached {
            break call;
        }
    };
    let now = alice.now();
    alice.agent.hang_up(call, None, now).expect("it talks");
    alice.ended(call).await;

    let is_content = tokio::task::spawn_blocking(|| sipp.ends_well()).await.expect("a verdict");
    assert!(is_content, "SIPp's scenario was kept to: ACK and BYE came");
    door.close().await;
}

#[tokio::test]
async fn sipp_by_tcp() {
    call_to_sipp("127.0.0.1", Transport::Tcp, "t1").await;
}

#[tokio::test]
async fn sipp_by_ipv6() {
    call_to_sipp("::1", Transport::Udp, "u1").await;
}
