//! Whole calls through the relay's signalling, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::b2bua::{CallDirection, Input};
use relay_core::media::control::{G711Law, MediaCommand, MediaEvent, MediaId, Side, TrunkCodec, WebFailure};
use sip_core::Duration;
use sip_core::agent::{EndedBy, Invite};
use sip_core::digest::Credentials;
use sip_core::message::{HeaderName, Reason, StatusCode};
use world::{BROWSER, End, RELAY, TRUNK_SDP, WEB_OFFER, World, invite};

#[test]
fn a_call_out_is_answered_early_with_one_description_and_hung_up() {
    let mut world = World::new();
    let call = world.dial("sip:echo@example.com");
    let (incoming, request) = world.pbx_rings();

    assert_eq!(request.uri.to_string(), "sip:echo@example.com");
    assert_eq!(request.headers.from().unwrap().uri.to_string(), "sip:alice@example.com");
    assert!(request.write().len() < 1_300, "fits a datagram: {}", request.write().len());
    let offer = String::from_utf8(request.body.clone()).unwrap();
    assert!(offer.contains("RTP/AVP 0 8 9 101\r\n"), "{offer}");
    for alien in ["ice", "fingerprint", "rtcp-mux", "SAVPF", "opus"] {
        assert!(!offer.contains(alien), "{alien} is not an ordinary phone's: {offer}");
    }

    world.pbx.ring(incoming, StatusCode::RINGING, None, vec![], world.now).unwrap();
    let (status, early) = world.browser_progress(call);
    assert_eq!(status, 180);
    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    let answer = world.browser_accepted(call);
    assert_eq!(early.as_deref(), Some(answer.as_str()), "every response carries the same answer");
    assert!(answer.contains("a=ice-lite") && answer.contains("a=setup:passive"), "{answer}");
    assert!(answer.contains("maxplaybackrate=8000"), "{answer}");
    assert!(world.trunk_codec(TrunkCodec::G711(G711Law::A)));

    world.browser.hang_up(call, None, world.now).unwrap();
    let end = world.pbx_ended();
    assert_eq!(end.by, EndedBy::Remote);
    world.settle();
    let record = world.records.pop().expect("the call is recorded");
    assert_eq!((record.direction, record.ended_by), (CallDirection::Outbound, Some(Side::Web)));
    assert!(record.answered.is_some() && record.status.is_none());
    assert_eq!(world.relay.occupancy().calls, 0);
}

#[test]
fn early_media_is_announced_and_silence_is_too() {
    let mut world = World::new();
    let call = world.dial("sip:bob@example.com");
    let (incoming, _) = world.pbx_rings();

    world.pbx.ring(incoming, StatusCode::RINGING, None, vec![], world.now).unwrap();
    world.browser_progress(call);
    let silent = world.last(End::Browser, "180 INVITE").headers().get(&HeaderName::PEarlyMedia).unwrap().to_owned();
    world.pbx.ring(incoming, StatusCode::SESSION_PROGRESS, Some(TRUNK_SDP.to_owned()), vec![], world.now).unwrap();
    world.browser_progress(call);
    let heard = world.last(End::Browser, "183 INVITE").headers().get(&HeaderName::PEarlyMedia).unwrap().to_owned();

    assert_eq!((silent.as_str(), heard.as_str()), ("inactive", "sendrecv"));
}

#[test]
fn each_refusal_of_the_pbx_reaches_the_browser_as_it_is() {
    for status in [404, 408, 480, 486, 488, 500, 503, 603] {
        let mut world = World::new();
        let call = world.dial("sip:echo@example.com");
        let (incoming, _) = world.pbx_rings();

        world.pbx.reject(incoming, StatusCode::new(status).unwrap(), None, vec![], world.now).unwrap();

        let end = world.browser_ended(call);
        assert_eq!(end.status.map(StatusCode::as_u16), Some(status));
        world.settle();
        assert_eq!(world.records.len(), 1, "after {status}");
    }
}

#[test]
fn a_challenge_goes_to_the_browser_and_its_answer_continues_the_trunk_call() {
    let mut world = World::new();
    let alice = Credentials::new("alice", "secret");
    let call = world.dial_with("sip:echo@example.com", Some(alice));
    let (first, request) = world.pbx_rings();
    let challenge = "Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256";
    let rows = vec![(HeaderName::ProxyAuthenticate, challenge.to_owned())];

    world.pbx.reject(first, StatusCode::PROXY_AUTHENTICATION_REQUIRED, None, rows, world.now).unwrap();
    let (second, again) = world.pbx_rings();

    assert_eq!(again.headers.call_id().unwrap(), request.headers.call_id().unwrap());
    assert_eq!(again.headers.from().unwrap().tag(), request.headers.from().unwrap().tag());
    assert_eq!(again.headers.cseq().unwrap().number, request.headers.cseq().unwrap().number + 1);
    let credentials = again.headers.get(&HeaderName::ProxyAuthorization).expect("the browser's credentials");
    assert!(credentials.contains("uri=\"sip:echo@example.com\""), "{credentials}");
    assert_eq!(
        world.ladder(End::Browser).iter().filter(|name| *name == "183 INVITE").count(),
        1,
        "early once it is safe"
    );
    world.pbx.accept(second, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.browser_accepted(call);
}

#[test]
fn a_cancelled_call_is_cancelled_at_the_pbx() {
    let mut world = World::new();
    let call = world.dial("sip:noanswer@example.com");
    let (incoming, _) = world.pbx_rings();
    world.pbx.ring(incoming, StatusCode::RINGING, None, vec![], world.now).unwrap();
    world.settle();

    world.browser.hang_up(call, None, world.now).unwrap();

    assert_eq!(world.pbx_ended().by, EndedBy::Remote);
    assert!(world.ladder(End::Pbx).contains(&"CANCEL".to_owned()));
    assert_eq!(world.browser_ended(call).by, EndedBy::Local);
    world.settle();
    assert_eq!(world.relay.occupancy().calls, 0);
}

#[test]
fn an_unreachable_pbx_is_told_at_once_and_a_dead_one_within_32_seconds() {
    let mut world = World::new();
    world.is_pbx_reachable = false;
    let call = world.dial("sip:echo@example.com");
    assert_eq!(world.browser_ended(call).status, Some(StatusCode::SERVICE_UNAVAILABLE));

    let mut world = World::new();
    world.is_pbx_deaf = true;
    let call = world.dial("sip:echo@example.com");
    let before = world.now;
    world.pass(Duration::from_secs(33));
    let end = world.browser_ended(call);
    assert_eq!(end.status, Some(StatusCode::SERVER_TIMEOUT), "{end:?}");
    assert!(world.now.since(before) <= Duration::from_secs(33));
}

#[test]
fn media_waits_for_the_browser_only_once_the_browser_has_an_answer() {
    let mut world = World::new();
    world.dial("sip:echo@example.com");
    let (incoming, _) = world.pbx_rings();
    let is_web = |command: &MediaCommand| matches!(command, MediaCommand::Web { .. });
    assert!(!world.commands.iter().any(is_web), "nobody can come yet: {:?}", world.commands);

    world.pbx.ring(incoming, StatusCode::RINGING, None, vec![], world.now).unwrap();
    world.settle();
    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.settle();

    assert_eq!(world.commands.iter().filter(|command| is_web(command)).count(), 1);
}

#[test]
fn a_name_that_resolves_to_nothing_is_503() {
    let mut world = World::with(|config| config.trunks[0].gateways[0].host = "pbx.invalid".to_owned());

    let call = world.dial("sip:echo@example.com");

    assert_eq!(world.browser_ended(call).status, Some(StatusCode::SERVICE_UNAVAILABLE));
}

#[test]
fn descriptions_that_cannot_be_bridged_are_488_with_the_reason() {
    let cases = [
        ("a=fingerprint", "fingerprint"),
        ("a=ice-ufrag", "ICE"),
        ("a=setup", "DTLS role"),
        ("a=rtcp-mux", "rtcp-mux"),
        ("m=audio", "audio"),
        ("a=rtpmap", "codec"),
    ];
    for (missing, word) in cases {
        let offer: String = WEB_OFFER.split_inclusive("\r\n").filter(|line| !line.starts_with(missing)).collect();
        // Static numbers mean something without their rtpmap.
        let offer = if word == "codec" { offer.replace(" 9 0 8 13 ", " ") } else { offer };
        let mut world = World::new();
        let call = world.offer("sip:echo@example.com", Some(offer));

        let end = world.browser_ended(call);

        assert_eq!(end.status, Some(StatusCode::NOT_ACCEPTABLE_HERE), "without {missing}");
        let response = end.response.expect("a response");
        let warning = response.headers.get(&HeaderName::Warning).unwrap_or_default();
        assert!(warning.contains(word), "without {missing}: {warning}");
        assert_eq!(world.relay.occupancy().calls, 0);
    }
}

#[test]
fn a_domain_without_a_pbx_is_404_and_a_full_relay_503() {
    let mut world = World::new();
    let call = world.dial("sip:echo@elsewhere.example");
    assert_eq!(world.browser_ended(call).status, Some(StatusCode::NOT_FOUND));

    let mut world = World::with(|config| config.max_calls = 0);
    let call = world.dial("sip:echo@example.com");
    let end = world.browser_ended(call);
    assert_eq!(end.status, Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(end.response.unwrap().headers.retry_after(), Some(10));
}

#[test]
fn a_registration_passes_through_and_calls_come_back_along_it() {
    let mut world = World::new();
    let contact = world.register();
    assert!(contact.to_string().starts_with("sip:") && contact.to_string().ends_with("@192.0.2.1:5060"), "{contact}");
    let granted = world.last(End::Browser, "200 REGISTER").headers().contacts().unwrap();
    assert_eq!(granted.list().len(), 1);
    assert_eq!(granted.list()[0].uri.to_string(), "sip:me@abc.invalid;transport=ws");
    assert_eq!(granted.list()[0].expires(), Some(300), "what the PBX granted");

    let call = world.pbx_dials(contact, Some(TRUNK_SDP));
    let (session, request, offer) = world.browser_rings();
    assert_eq!(request.headers.from().unwrap().display_name.as_deref(), Some("Bob Ünal"));
    let offer = offer.expect("an offer for the browser");
    assert!(offer.contains("a=setup:actpass") && offer.contains("a=ice-lite"), "{offer}");
    world.browser.ring(session, StatusCode::RINGING, None, vec![], world.now).unwrap();
    let answer = WEB_OFFER.replace("actpass", "active");
    world.browser.accept(session, answer, vec![], world.now).unwrap();
    let sdp = world.pbx_accepted(call);
    assert!(sdp.contains("RTP/AVP 8 101\r\n"), "the PBX's own codec: {sdp}");

    world.pbx.hang_up(call, Some(Reason::q850(16, "Normal call clearing")), world.now).unwrap();
    let end = world.browser_ended(session);
    assert_eq!((end.by, end.q850), (EndedBy::Remote, Some(16)));
    world.settle();
    assert_eq!(world.records.len(), 1);
}

#[test]
fn a_delayed_offer_is_answered_with_ours_and_the_ack_brings_the_pbx() {
    let mut world = World::new();
    let contact = world.register();
    let call = world.pbx_dials(contact, None);
    let (session, ..) = world.browser_rings();
    world.browser.accept(session, WEB_OFFER.replace("actpass", "active"), vec![], world.now).unwrap();
    let offer = world.pbx_accepted(call);
    assert!(offer.contains("RTP/AVP 0 8 9 101\r\n"), "{offer}");
    // sip_core's UAC sends its answer in the ACK by `answer_offer`.
    world.pbx.answer_offer(call, Ok(TRUNK_SDP.to_owned()), world.now).unwrap();
    world.settle();
    assert!(world.trunk_codec(TrunkCodec::G711(G711Law::A)), "{:?}", world.commands);
}

#[test]
fn a_caller_who_gives_up_stops_the_browser_ringing() {
    let mut world = World::new();
    let contact = world.register();
    let call = world.pbx_dials(contact, Some(TRUNK_SDP));
    let (session, ..) = world.browser_rings();
    world.browser.ring(session, StatusCode::RINGING, None, vec![], world.now).unwrap();
    world.settle();

    world.pbx.hang_up(call, None, world.now).unwrap();

    assert_eq!(world.browser_ended(session).by, EndedBy::Remote);
    world.settle();
    assert_eq!(world.relay.occupancy().calls, 0);
}

#[test]
fn a_browser_that_refuses_and_one_that_is_away_are_told_to_the_caller() {
    let mut world = World::new();
    let contact = world.register();
    let call = world.pbx_dials(contact.clone(), Some(TRUNK_SDP));
    let (session, ..) = world.browser_rings();
    world.browser.reject(session, StatusCode::BUSY_HERE, None, vec![], world.now).unwrap();
    assert_eq!(world.pbx_call_ended(call).status, Some(StatusCode::BUSY_HERE));

    world.tell(Input::WebClosed { socket: BROWSER });
    let call = world.pbx_dials(contact, Some(TRUNK_SDP));
    assert_eq!(world.pbx_call_ended(call).status, Some(StatusCode::TEMPORARILY_UNAVAILABLE));
}

#[test]
fn a_stranger_cannot_ring_a_browser_without_its_binding() {
    let mut world = World::new();
    world.register();

    let call = world.pbx_dials("sip:alice@192.0.2.1:5060".parse().unwrap(), Some(TRUNK_SDP));

    assert_eq!(world.pbx_call_ended(call).status, Some(StatusCode::NOT_FOUND));
}

#[test]
fn a_lost_websocket_ends_the_call_at_the_pbx_with_a_cause() {
    let mut world = World::new();
    let (_, incoming) = world.established();

    world.tell(Input::WebClosed { socket: BROWSER });

    let end = world.pbx_ended();
    assert_eq!(end.q850, Some(41));
    let _ = incoming;
    assert_eq!(world.relay.occupancy().calls, 0);
}

#[test]
fn media_that_dies_ends_both_legs() {
    let mut world = World::new();
    let (call, _) = world.established();
    let event = MediaEvent::WebFailed { id: MediaId(1), failure: WebFailure::ConsentExpired };

    world.tell(Input::Media(event));

    assert_eq!(world.pbx_ended().q850, Some(41));
    assert_eq!(world.browser_ended(call).q850, Some(41));
}

#[test]
fn a_silent_pbx_is_asked_and_only_a_dead_one_loses_its_call() {
    let mut world = World::new();
    let (call, _) = world.established();
    world.tell(Input::Media(MediaEvent::TrunkSilent { id: MediaId(1) }));
    assert!(
        world.ladder(End::Pbx).ends_with(&["OPTIONS".to_owned(), "200 OPTIONS".to_owned()]),
        "{:?}",
        world.ladder(End::Pbx)
    );
    assert_eq!(world.relay.occupancy().calls, 1);

    world.is_pbx_deaf = true;
    world.tell(Input::Media(MediaEvent::TrunkSilent { id: MediaId(1) }));
    world.pass(Duration::from_secs(33));

    assert_eq!(world.browser_ended(call).q850, Some(41));
}

#[test]
fn a_relay_that_leaves_hangs_up_on_both_sides() {
    let mut world = World::new();
    let (call, _) = world.established();

    world.tell(Input::Shutdown);

    assert_eq!(world.browser_ended(call).by, EndedBy::Remote);
    assert_eq!(world.pbx_ended().by, EndedBy::Remote);
    assert_eq!(world.relay.occupancy().calls, 0);
}

#[test]
fn what_the_browser_claims_about_itself_does_not_reach_the_pbx() {
    let mut world = World::new();
    let mut invite = invite("sip:echo@example.com", Some(WEB_OFFER.to_owned()));
    invite.headers = vec![
        (HeaderName::PAssertedIdentity, "<sip:boss@example.com>".to_owned()),
        (HeaderName::Route, "<sip:127.0.0.1:22;lr>".to_owned()),
        (HeaderName::AlertInfo, "<urn:alert:service:auto-answer>".to_owned()),
        (HeaderName::Diversion, "<sip:boss@example.com>".to_owned()),
    ];
    world.browser.invite(invite, world.now).unwrap();

    let (_, request) = world.pbx_rings();

    for name in [HeaderName::PAssertedIdentity, HeaderName::Route, HeaderName::AlertInfo, HeaderName::Diversion] {
        assert_eq!(request.headers.get(&name), None);
    }
    assert_eq!(request.headers.vias().unwrap().len(), 1);
    assert_eq!(request.headers.contacts().unwrap().list()[0].uri.to_string(), format!("sip:alice@{RELAY}"));
}

#[test]
fn what_the_pbx_tells_about_a_call_reaches_the_browser() {
    let mut world = World::new();
    let contact = world.register();
    let told = [
        (HeaderName::AlertInfo, "<http://pbx.example.com/bell>;info=external"),
        (HeaderName::CallInfo, "<sip:bob@example.com>;answer-after=0"),
        (HeaderName::Subject, "Invoice 17"),
        (HeaderName::Organization, "Pedal & Pine"),
        (HeaderName::other("X-Queue"), "sales"),
    ];
    let from = "<sip:bob@example.com>".parse().unwrap();
    let mut call = Invite::new(contact, from, World::trunk_flow());
    call.offer = Some(TRUNK_SDP.to_owned());
    call.headers.extend(told.iter().map(|(name, value)| (name.clone(), (*value).to_owned())));
    world.pbx.invite(call, world.now).unwrap();

    let (_, request, _) = world.browser_rings();

    for (name, value) in told {
        assert_eq!(request.headers.get(&name), Some(value), "{name:?}");
    }
}

#[test]
fn an_inbound_call_that_nobody_answers_is_480_after_the_ring_time() {
    let mut world = World::with(|config| config.ring_timeout = Duration::from_secs(30));
    let contact = world.register();
    let call = world.pbx_dials(contact, Some(TRUNK_SDP));
    let (session, ..) = world.browser_rings();
    world.browser.ring(session, StatusCode::RINGING, None, vec![], world.now).unwrap();

    world.pass(Duration::from_secs(31));

    assert_eq!(world.pbx_call_ended(call).status, Some(StatusCode::TEMPORARILY_UNAVAILABLE));
    assert_eq!(world.browser_ended(session).by, EndedBy::Remote);
}
