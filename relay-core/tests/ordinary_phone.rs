//! What a PBX gets to see: an ordinary phone, in one datagram, whatever the browser wrote.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod street;

use sip_core::message::{HeaderName, Headers, NameAddr, Request};
use street::{Street, config, trunk, uri};

fn street() -> Street {
    Street::new(config(trunk(&["192.0.2.10:5060"])))
}

fn names(headers: &Headers) -> Vec<String> {
    headers.iter().map(|row| row.name.as_str().to_owned()).collect()
}

fn row(name: &str, value: &str) -> (HeaderName, String) {
    (name.parse().unwrap(), value.to_owned())
}

#[test]
fn routing_and_identity_of_the_browser_stay_on_its_side() {
    let mut street = street();
    let hostile = [
        row("Route", "<sip:evil.example.net;lr>"),
        row("Path", "<sip:evil.example.net;lr>"),
        row("P-Asserted-Identity", "<sip:boss@example.com>"),
        row("P-Preferred-Identity", "<sip:boss@example.com>"),
        row("P-Charging-Vector", "x"),
        row("Remote-Party-ID", "<sip:boss@example.com>"),
        row("User-Agent", "Browser/1.0"),
        row("Proxy-Require", "x"),
        row("Record-Route", "<sip:evil.example.net;lr>"),
        row("Max-Forwards", "20"),
    ];
    street.dial_with("sip:bob@example.com;maddr=10.0.0.1;transport=ws;ttl=3;user=phone", |invite| {
        invite.headers.extend(hostile);
        invite.contact = Some(uri("sip:me@abc.invalid;transport=ws"));
    });

    let (_, invite) = street.request("INVITE");

    assert_eq!(invite.uri.to_string(), "sip:bob@example.com;user=phone");
    let text = String::from_utf8(invite.write()).unwrap();
    for alien in ["evil", "boss", "Browser/1.0", "Charging", "abc.invalid", "maddr", "=ws", "/WS"] {
        assert!(!text.contains(alien), "{alien} in {text}");
    }
    assert_eq!(invite.headers.vias().unwrap().len(), 1);
    assert_eq!(invite.headers.max_forwards(), Some(19));
    assert!(invite.headers.get(&HeaderName::UserAgent).unwrap().starts_with("switchhook-relay/"));
    assert!(names(&invite.headers).iter().all(|name| name != "Route" && name != "Path"));
}

#[test]
fn hops_are_counted_and_run_out() {
    let mut street = street();
    let call = street.dial_with("sip:bob@example.com", |invite| invite.headers.push(row("Max-Forwards", "0")));
    assert_eq!(street.end(call).unwrap().0, 483);

    street.dial_with("sip:bob@example.com", |invite| invite.headers.push(row("Max-Forwards", "1")));
    assert_eq!(street.request("INVITE").1.headers.max_forwards(), Some(0));
}

#[test]
fn a_call_that_comes_back_is_a_loop() {
    let mut street = street();
    let call = street.dial("sip:bob@example.com");
    let sent = street.sent.front().cloned().unwrap();
    let (flow, invite) = street.request("INVITE");

    // The PBX is the relay itself, or a proxy that sends it back there.
    let mut returned: Request = invite.clone();
    returned.headers.push_front(HeaderName::Via, "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKproxy");
    street.tell(relay_core::b2bua::Input::TrunkMessage { flow, bytes: returned.write() });

    street.next("482");
    street.answer(&(flow, invite), 482, None);
    assert_eq!(street.end(call).unwrap().0, 482);
    assert!(sent.length < 1_300);
}

/// The INVITE that leaves for a call like this, and its length.
fn written(target: &str, change: impl FnOnce(&mut sip_core::agent::Invite)) -> (String, usize) {
    let mut street = street();
    street.dial_with(target, change);
    let sent = street.next("INVITE");
    let sip_core::message::Message::Request(request) = &sent.message else { unreachable!() };
    assert!(sip_core::sdp::SessionDescription::parse(std::str::from_utf8(&request.body).unwrap()).is_ok());
    (String::from_utf8(request.write()).unwrap(), sent.length)
}

#[test]
fn an_invite_stays_below_the_limit_however_long_the_names_are() {
    let long_domain = format!("{}.example.com", "d".repeat(63) + &".e".repeat(80));
    let name = |length: usize| "Jürgen ".repeat(length / 8 + 1);
    for length in [0, 20, 100, 200, 400, 700, 1_000, 3_000] {
        let (text, size) = written(&format!("sip:bob@{long_domain}"), |invite| {
            invite.from.display_name = Some(name(length));
            let mut to = NameAddr::new(uri(&format!("sip:bob@{long_domain}")));
            to.display_name = Some(name(length));
            invite.to = Some(to);
            for number in 0..length / 20 {
                invite.headers.push(row(&format!("X-Customer-{number}"), &"v".repeat(60)));
            }
        });
        assert!(size <= 1_300, "{size} bytes for names of {length}: {text}");
        for needed in ["INVITE sip:bob@", "From: ", "Max-Forwards: 69", "m=audio 30000 RTP/AVP 0 8 "] {
            assert!(text.contains(needed), "{needed} in {text}");
        }
    }
}

#[test]
fn at_the_limit_a_name_is_cut_and_below_it_left_alone() {
    let (plain, size) = written("sip:bob@example.com", |_| ());
    assert!(plain.contains("Allow: ") && plain.contains("User-Agent: "), "{plain}");
    let room = 1_300 - size - "\"\" ".len();

    let fitting = "n".repeat(room);
    let (text, size) = written("sip:bob@example.com", |invite| invite.from.display_name = Some(fitting.clone()));
    assert_eq!(size, 1_300);
    assert!(text.contains(&fitting));

    let (text, size) = written("sip:bob@example.com", |invite| invite.from.display_name = Some(format!("{fitting}n")));
    assert_eq!(size, 1_300);
    assert!(text.contains(&fitting) && text.contains("User-Agent: "), "{text}");
}

#[test]
fn what_cannot_be_made_short_takes_a_stream_and_a_datagram_only_where_there_is_none() {
    let user = "u".repeat(700);
    let mut street = street();
    let call = street.dial(&format!("sip:{user}@example.com"));
    let (flow, _) = street.request("INVITE");
    assert_eq!(flow.socket, street::TCP, "RFC 3261 §18.1.1");

    street.tell(relay_core::b2bua::Input::FlowFailed { flow, fault: relay_core::b2bua::FlowFault::Unreachable });
    let (flow, invite) = street.request("INVITE");
    assert_eq!(flow.socket, street::UDP);
    assert_eq!(invite.headers.via().unwrap().transport, "UDP");
    street.answer(&(flow, invite), 486, None);
    assert_eq!(street.end(call).unwrap().0, 486);
}
