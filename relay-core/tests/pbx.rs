//! Where requests to a PBX go, and where they go next: RFC 3263, gateways and failover, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod street;

use relay_core::b2bua::{Config, FlowFault, Health, Input, Record, RecordKind as Kind, Redirects, Trunk};
use relay_core::media::control::MediaCommand;
use sip_core::Duration;
use sip_core::Flow;
use sip_core::agent::SessionId;
use sip_core::message::{HeaderName, Message};
use street::{Street, TCP, TLS, UDP, UDP6, a, config, naptr, srv, trunk, udp};

const ANSWER: &str = "v=0\r\no=- 17 1 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n\
    m=audio 12000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n";

fn named() -> Street {
    Street::new(config(trunk(&["pbx.example.com"])))
}

fn flow(socket: sip_core::SocketId, address: &str) -> Flow {
    Flow::datagram(socket, address.parse().unwrap())
}

#[test]
fn a_long_text_takes_tcp_and_is_413_where_the_pbx_refuses_it_which_says_nothing_against_the_gateway() {
    let mut street = Street::new(config(Trunk { failures: 1, ..trunk(&["192.0.2.10:5070"]) }));
    street.text("sip:bob@example.com", &"x".repeat(1_300));
    let (refused, _) = street.request("MESSAGE");
    assert_eq!(refused, flow(TCP, "192.0.2.10:5070"));
    street.tell(Input::FlowFailed { flow: refused, fault: FlowFault::Unreachable });

    let answer = street.answered();
    assert_eq!(answer.status.as_u16(), 413);
    assert!(answer.reason.contains("1300"), "{}", answer.reason);
    assert!(street.sent.is_empty(), "not by UDP: RFC 3428 §8");
    assert!(street.gateways.is_empty(), "the gateway is as it was");

    street.text("sip:bob@example.com", "short");
    let short = street.request("MESSAGE");
    assert_eq!(short.0, udp("192.0.2.10:5070"));
    street.answer(&short, 202, None);
    assert_eq!(street.answered().status.as_u16(), 202);
}

#[test]
fn naptr_chooses_the_transport_and_srv_the_server() {
    let mut street = named().with_zone(&[
        (
            "pbx.example.com",
            Kind::Naptr,
            vec![
                naptr(20, "s", "SIP+D2U", "_sip._udp.pbx.example.com."),
                naptr(10, "S", "sips+d2t", "_sips._tcp.pbx.example.com."),
                naptr(1, "u", "E2U+sip", "."),
                naptr(2, "s", "SIP+D2S", "_sip._sctp.pbx.example.com."),
                naptr(3, "", "SIP+D2T", "pbx.example.com."),
            ],
        ),
        (
            "_sips._tcp.pbx.example.com",
            Kind::Srv,
            vec![srv(1, 1, 5071, "b.example.com."), srv(0, 1, 0, "x.example.com.")],
        ),
        ("_sip._udp.pbx.example.com", Kind::Srv, vec![srv(1, 1, 5070, "a.example.com.")]),
        ("a.example.com", Kind::A, vec![a("192.0.2.10")]),
        ("b.example.com", Kind::A, vec![a("192.0.2.11")]),
    ]);

    street.dial("sip:bob@example.com");
    let first = street.request("INVITE");
    street.answer(&first, 503, None);
    street.next("ACK");
    let (second, _) = street.request("INVITE");

    assert_eq!((first.0, second), (flow(TLS, "192.0.2.11:5071"), udp("192.0.2.10:5070")));
    assert_eq!(first.1.headers.via().unwrap().transport, "TLS");
    assert!(first.1.headers.get(&HeaderName::Contact).unwrap().contains("192.0.2.1:5061;transport=tls"));
}

#[test]
fn without_naptr_the_first_transport_with_srv_is_taken_and_without_srv_the_host() {
    let mut tcp = named().with_zone(&[
        ("_sip._tcp.pbx.example.com", Kind::Srv, vec![srv(1, 1, 5070, "a.example.com")]),
        ("a.example.com", Kind::A, vec![a("192.0.2.10")]),
    ]);
    tcp.dial("sip:bob@example.com");
    assert_eq!(tcp.request("INVITE").0, flow(TCP, "192.0.2.10:5070"));

    let mut host = named().with_zone(&[("pbx.example.com", Kind::A, vec![a("192.0.2.12")])]);
    host.dial("sip:bob@example.com");
    assert_eq!(host.request("INVITE").0, udp("192.0.2.12:5060"));
    let kinds: Vec<Kind> = host.asked.iter().map(|question| question.kind).collect();
    assert_eq!(kinds, [Kind::Naptr, Kind::Srv, Kind::Srv, Kind::Srv, Kind::Aaaa, Kind::A]);
}

#[test]
fn a_name_with_a_port_is_a_host_and_what_is_known_is_not_asked_again() {
    let mut settings = trunk(&["pbx.example.com"]);
    settings.gateways[0].port = Some(5080);
    let mut street = Street::new(config(settings)).with_zone(&[("pbx.example.com", Kind::A, vec![a("192.0.2.12")])]);

    street.dial("sip:bob@example.com");
    street.dial("sip:carol@example.com");

    assert_eq!(street.tried("INVITE"), [udp("192.0.2.12:5080")]);
    assert_eq!(street.asked.len(), 2, "AAAA and A, once: {:?}", street.asked);
    street.pass(Duration::from_secs(61));
    street.dial("sip:dave@example.com");
    assert_eq!(street.asked.len(), 4, "after its time to live");
}

#[test]
fn a_name_that_leads_nowhere_is_told_at_once() {
    let mut street = named().with_zone(&[
        // A circle of names, and a service that says it is not there.
        ("_sip._udp.pbx.example.com", Kind::Srv, vec![srv(1, 1, 5060, "pbx.example.com"), srv(1, 1, 5060, ".")]),
    ]);

    let call = street.dial("sip:bob@example.com");

    let (status, reason) = street.end(call).unwrap();
    assert_eq!(status, 503);
    assert!(reason.contains("Cannot Be Resolved: pbx.example.com"), "{reason}");
    assert!(street.asked.len() < 10);
}

#[test]
fn sips_takes_tls_or_nothing() {
    let mut plain = trunk(&["192.0.2.10:5060"]);
    plain.gateways[0].transport = Some(sip_core::Transport::Udp);
    let mut street = Street::new(config(plain));
    let call = street.dial("sips:bob@example.com");
    assert!(street.end(call).unwrap().1.contains("Needs TLS"));

    let mut street = named().with_zone(&[("pbx.example.com", Kind::A, vec![a("192.0.2.12")])]);
    street.dial("sips:bob@example.com");
    let (to, invite) = street.request("INVITE");
    assert_eq!(to, flow(TLS, "192.0.2.12:5061"));
    assert!(invite.headers.get(&HeaderName::Contact).unwrap().starts_with("<sips:"), "{invite:?}");
}

#[test]
fn an_address_where_nobody_listens_is_left_for_the_next() {
    let mut street = Street::new(config(trunk(&["192.0.2.10:5060", "192.0.2.11:5060"])));
    street.dead = vec!["192.0.2.10:5060".parse().unwrap()];

    let call = street.dial("sip:bob@example.com");
    let _dead = street.request("INVITE");
    let alive = street.request("INVITE");
    street.answer(&alive, 200, Some(ANSWER));

    assert_eq!(alive.0, udp("192.0.2.11:5060"));
    assert!(street.is_accepted(call));
    street.sent.clear();
    street.dial("sip:carol@example.com");
    assert_eq!(street.request("INVITE").0, udp("192.0.2.11:5060"), "the dead one is tried last for a while");
}

#[test]
fn silence_is_waited_for_only_as_long_as_there_is_somebody_else() {
    let mut street = Street::new(config(trunk(&["192.0.2.10:5060", "192.0.2.11:5060"])));
    let call = street.dial("sip:bob@example.com");
    let silent = street.request("INVITE");

    street.pass(Duration::from_secs(4));
    street.sent.retain(|sent| sent.flow != silent.0);
    let second = street.request("INVITE");
    assert_eq!(second.0, udp("192.0.2.11:5060"));
    assert_ne!(second.1.headers.call_id(), silent.1.headers.call_id(), "a call of its own");

    // The first wakes up: it is taken back, and the browser hears nothing of it.
    street.answer(&silent, 180, None);
    let (to, _) = street.request("CANCEL");
    assert_eq!(to, silent.0);
    street.answer(&second, 200, Some(ANSWER));
    assert!(street.is_accepted(call));
    street.pass(Duration::from_secs(40));
    assert_eq!(street.end(call), None);
}

#[test]
fn an_address_that_says_trying_is_not_left() {
    let mut street = Street::new(config(trunk(&["192.0.2.10:5060", "192.0.2.11:5060"])));
    let call = street.dial("sip:bob@example.com");
    let first = street.request("INVITE");
    street.answer(&first, 100, None);

    street.pass(Duration::from_secs(30));

    assert!(street.tried("INVITE").is_empty());
    street.answer(&first, 486, None);
    assert_eq!(street.end(call).unwrap().0, 486, "a refusal is one everywhere");
    assert_eq!(street.tried("INVITE"), []);
}

#[test]
fn an_address_that_rings_after_another_was_unavailable_rings_as_long_as_it_likes() {
    let mut street = Street::new(config(trunk(&["192.0.2.10:5060", "192.0.2.11:5060"])));
    let call = street.dial("sip:bob@example.com");
    let first = street.request("INVITE");
    street.answer(&first, 503, None);
    street.next("ACK");

    rings_for_half_a_minute(&mut street, call);
}

#[test]
fn an_address_that_a_call_was_sent_to_rings_as_long_as_it_likes() {
    let settings = config(trunk(&["192.0.2.10:5060", "192.0.2.11:5060"]));
    let mut street = Street::new(Config { redirects: Redirects::Follow, ..settings });
    let call = street.dial("sip:bob@example.com");
    let (flow, first) = street.request("INVITE");
    street.answer_with((&flow, &first), 302, None, &[(HeaderName::Contact, "<sip:carol@192.0.2.10>")]);
    street.next("ACK");

    rings_for_half_a_minute(&mut street, call);
}

fn rings_for_half_a_minute(street: &mut Street, call: SessionId) {
    let ringing = street.request("INVITE");
    street.answer(&ringing, 180, None);
    street.pass(Duration::from_secs(30));
    assert_eq!(street.end(call), None);
    assert!(street.sent.is_empty(), "no CANCEL: {:?}", street.sent);
    street.answer(&ringing, 200, Some(ANSWER));
    assert!(street.is_accepted(call));
}

#[test]
fn the_last_failure_is_what_the_browser_hears() {
    let mut street = Street::new(config(trunk(&["192.0.2.10:5060", "192.0.2.11:5060"])));
    street.dead = vec!["192.0.2.10:5060".parse().unwrap(), "192.0.2.11:5060".parse().unwrap()];
    let call = street.dial("sip:bob@example.com");
    assert_eq!(street.end(call).unwrap(), (503, "The PBX Cannot Be Reached".to_owned()));
    assert_eq!(street.tried("INVITE").len(), 2);
}

#[test]
fn a_wrong_certificate_is_named() {
    let mut settings = trunk(&["pbx.example.com"]);
    settings.gateways[0].transport = Some(sip_core::Transport::Tls);
    let mut street = Street::new(config(settings)).with_zone(&[("pbx.example.com", Kind::A, vec![a("192.0.2.12")])]);
    let call = street.dial("sip:bob@example.com");
    let (flow, _) = street.request("INVITE");

    let fault = FlowFault::Certificate("it is not for pbx.example.com".to_owned());
    street.tell(Input::FlowFailed { flow, fault });

    let (status, reason) = street.end(call).unwrap();
    assert_eq!(status, 502);
    assert!(reason.contains("it is not for pbx.example.com"), "{reason}");
}

#[test]
fn the_other_family_gets_ports_of_its_own() {
    let mut street = named().with_zone(&[
        ("pbx.example.com", Kind::Aaaa, vec![Record::Aaaa("2001:db8::10".parse().unwrap())]),
        ("pbx.example.com", Kind::A, vec![a("192.0.2.12")]),
    ]);
    street.dead = vec!["[2001:db8::10]:5060".parse().unwrap()];

    street.dial("sip:bob@example.com");
    let (v6, first) = street.request("INVITE");
    let (v4, second) = street.request("INVITE");

    assert_eq!((v6, v4), (flow(UDP6, "[2001:db8::10]:5060"), udp("192.0.2.12:5060")));
    let text = |request: &sip_core::message::Request| String::from_utf8(request.write()).unwrap();
    assert!(text(&first).contains("Via: SIP/2.0/UDP [2001:db8::1]:5060"), "{}", text(&first));
    assert!(text(&first).contains("@[2001:db8::1]:5060>") && text(&first).contains("c=IN IP6 2001:db8::1\r\n"));
    assert!(text(&second).contains("c=IN IP4 192.0.2.1\r\n"), "{}", text(&second));
    let moves = street.commands.iter().filter(|command| matches!(command, MediaCommand::MoveTrunk { .. })).count();
    assert_eq!(moves, 2);
}

#[test]
fn a_register_goes_to_the_next_address_as_well() {
    use sip_core::agent::{Event, Register, RegistrationEvent};
    let mut street = Street::new(config(trunk(&["192.0.2.10:5060", "192.0.2.11:5060", "192.0.2.12:5060"])));
    let register = Register {
        registrar: street::uri("sip:example.com"),
        aor: sip_core::message::NameAddr::new(street::uri("sip:alice@example.com")),
        contact: sip_core::message::NameAddr::new(street::uri("sip:alice@abc.invalid;transport=ws")),
        flow: Flow::connection(sip_core::SocketId(7)),
        expires: Duration::from_secs(600),
        credentials: None,
        headers: Vec::new(),
        is_sole: false,
    };
    street.browser.register(register, street.now);
    street.pass(Duration::ZERO);
    let first = street.request("REGISTER");
    street.answer(&first, 503, None);
    let silent = street.request("REGISTER");
    street.pass(Duration::from_secs(4));
    street.sent.retain(|sent| sent.flow != silent.0);
    let third = street.request("REGISTER");

    let contact = third.1.headers.get(&HeaderName::Contact).unwrap().to_owned();
    street.answer_with((&third.0, &third.1), 200, None, &[(HeaderName::Contact, &contact)]);

    assert_eq!((first.0, third.0), (udp("192.0.2.10:5060"), udp("192.0.2.12:5060")));
    let is_registered =
        |event: &Event| matches!(event, Event::Registration { event: RegistrationEvent::Registered { .. }, .. });
    assert!(street.events.iter().any(is_registered), "{:?}", street.events);
}

fn probed() -> Street {
    let settings = Trunk { probe: Some(Duration::from_secs(30)), ..trunk(&["192.0.2.10:5060", "192.0.2.11:5060"]) };
    Street::new(config(settings))
}

/// Answers the probes of one gateway and lets the others go unanswered.
fn answer_probes(street: &mut Street, of: &str) {
    for sent in std::mem::take(&mut street.sent) {
        if let Message::Request(request) = sent.message
            && request.method == sip_core::message::Method::Options
            && sent.flow == udp(of)
        {
            street.answer(&(sent.flow, request), 404, None);
        }
    }
}

#[test]
fn a_gateway_that_answers_no_probe_goes_down_and_comes_back() {
    let mut street = probed();
    for _ in 0..30 {
        answer_probes(&mut street, "192.0.2.11:5060");
        street.pass(Duration::from_secs(1));
    }
    let state = |street: &Street| street.relay.gateways().iter().map(|gateway| gateway.health).collect::<Vec<_>>();
    assert_eq!(state(&street), [Health::Down, Health::Up]);
    assert_eq!(street.gateways.iter().filter(|status| status.health == Health::Down).count(), 1);
    street.dial("sip:bob@example.com");
    assert_eq!(street.tried("INVITE"), [udp("192.0.2.11:5060")], "the one that is down is not tried");

    for _ in 0..10 {
        answer_probes(&mut street, "192.0.2.10:5060");
        street.pass(Duration::from_secs(1));
    }
    assert_eq!(state(&street)[0], Health::Up, "two answers in a row");
}

#[test]
fn when_all_gateways_are_down_a_call_is_refused_at_once() {
    let mut street = probed();
    street.pass(Duration::from_secs(40));
    street.sent.clear();

    let call = street.dial("sip:bob@example.com");

    assert_eq!(street.end(call).unwrap(), (503, "No Gateway Of The PBX Answers".to_owned()));
    assert_eq!(street.tried("INVITE"), []);
}

#[test]
fn an_answer_to_a_challenge_goes_where_the_challenge_came_from() {
    let mut settings = trunk(&["192.0.2.10:5060", "192.0.2.11:5060"]);
    settings.gateways.iter_mut().for_each(|gateway| gateway.priority = 0);
    for _ in 0..8 {
        let mut street = Street::new(config(settings.clone()));
        let alice = sip_core::digest::Credentials::new("alice", "secret");
        street.dial_with("sip:bob@example.com", |invite| invite.credentials = Some(alice));
        let first = street.request("INVITE");
        let challenge = "Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256";
        street.answer_with((&first.0, &first.1), 407, None, &[(HeaderName::ProxyAuthenticate, challenge)]);
        street.next("ACK");
        let second = street.request("INVITE");
        assert_eq!(second.0, first.0);
        assert!(second.1.headers.get(&HeaderName::ProxyAuthorization).is_some());
        settings.gateways.reverse();
    }
}

#[test]
fn a_pbx_may_have_its_requests_answered_and_sent_by_its_own_connection() {
    let mut street = Street::new(config(trunk(&["192.0.2.10:5060"])));
    let connection = flow(TCP, "192.0.2.10:41234");
    let invite = |via: &str| {
        format!(
            "INVITE sip:token@192.0.2.1:5060;transport=tcp SIP/2.0\r\nVia: SIP/2.0/TCP {via};branch=z9hG4bK{}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:x@example.com>;tag=1\r\nTo: <sip:y@example.com>\r\nCall-ID: {via}\r\n\
             CSeq: 1 INVITE\r\nContact: <sip:x@192.0.2.10>\r\nContent-Length: 0\r\n\r\n",
            via.len()
        )
    };

    street.tell(Input::TrunkMessage { flow: connection, bytes: invite("192.0.2.10:5060;alias").into_bytes() });
    street.tell(Input::TrunkMessage { flow: connection, bytes: invite("192.0.2.66:5060;alias").into_bytes() });
    street.tell(Input::TrunkMessage { flow: connection, bytes: invite("192.0.2.10:5060").into_bytes() });

    assert_eq!(street.aliases, [(connection, "192.0.2.10:5060".parse().unwrap())], "only for where it comes from");
    assert!(street.sent.iter().all(|sent| sent.flow == connection), "answers take the connection: {:?}", street.sent);
    let _ = (UDP, TLS);
}
