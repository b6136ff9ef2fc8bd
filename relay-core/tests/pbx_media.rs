//! What the relay agrees with a PBX about its sound: codecs and their order, packets, keys, addresses.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::b2bua::{Config, Domain, Srtp};
use relay_core::codec::Rate;
use relay_core::media::control::{G711Law, MediaCommand, TrunkCodec, TrunkRemote};
use sip_core::agent::EndedBy;
use sip_core::message::{HeaderName, Message};
use world::{End, TRUNK_SDP, WEB_OFFER, World};

const PCMU: TrunkCodec = TrunkCodec::G711(G711Law::Mu);
const PCMA: TrunkCodec = TrunkCodec::G711(G711Law::A);

/// A PBX's description with these payload types.
fn described(formats: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\nm=audio 12000 RTP/AVP {formats}\r\n"
    )
}

fn web_answer() -> String {
    WEB_OFFER.replace("a=setup:actpass", "a=setup:active")
}

/// The trunk of example.com speaks these; that of example.net has no wishes.
fn ordered(codecs: &'static [TrunkCodec]) -> impl FnOnce(&mut Config) {
    |config| {
        let other = config.trunks[0].clone();
        config.trunks.push(other);
        config.trunks[0].codecs = Some(codecs.into());
        config.domains.push(Domain { name: "example.net".to_owned(), trunk: 1 });
    }
}

fn body(message: &Message) -> String {
    match message {
        Message::Request(request) => String::from_utf8_lossy(&request.body).into_owned(),
        Message::Response(response) => String::from_utf8_lossy(&response.body).into_owned(),
    }
}

/// What the PBX at `target` is offered, and what the browser is then asked for.
fn offered(world: &mut World, target: &str) -> (String, String) {
    let call = world.dial(target);
    let (incoming, request) = world.pbx_rings();
    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    (String::from_utf8(request.body).unwrap(), world.browser_accepted(call))
}

#[test]
fn each_trunk_is_offered_its_own_codecs_in_their_order() {
    let mut world = World::with(ordered(&[TrunkCodec::G722, PCMA]));

    let (offer, answer) = offered(&mut world, "sip:bob@example.com");
    assert!(offer.contains("RTP/AVP 9 8 101\r\n"), "{offer}");
    assert!(answer.contains("maxplaybackrate=16000"), "its first is wide band: {answer}");
    let (offer, answer) = offered(&mut world, "sip:bob@example.net");
    assert!(offer.contains("RTP/AVP 0 8 9 101\r\n"), "{offer}");
    assert!(answer.contains("maxplaybackrate=8000"), "{answer}");
}

#[test]
fn of_a_pbxs_offer_the_first_in_the_order_of_its_trunk_is_taken() {
    for (codecs, formats, taken) in [
        (&[TrunkCodec::G722, PCMA][..], "0 8 9", Some((TrunkCodec::G722, "9"))),
        (&[PCMA, TrunkCodec::G722], "0 9 8", Some((PCMA, "8"))),
        (&[PCMA], "0 9", None),
    ] {
        let mut world = World::with(ordered(codecs));
        let contact = world.register();
        world.pbx_dials(contact, Some(&described(formats)));
        let Some((codec, format)) = taken else {
            assert!(matches!(world.ended(End::Pbx).by, EndedBy::Remote));
            assert!(world.ladder(End::Pbx).contains(&"488 INVITE".to_owned()), "{formats} has nothing of its trunk's");
            continue;
        };
        let (incoming, ..) = world.browser_rings();
        world.browser.accept(incoming, web_answer(), vec![], world.now).unwrap();
        world.settle();

        let answer = body(world.last(End::Pbx, "200 INVITE"));
        assert!(answer.contains(&format!(" RTP/AVP {format}\r\n")), "{answer}");
        assert!(world.trunk_codec(codec));
    }
}

#[test]
fn in_its_answer_the_pbx_chooses() {
    let mut world = World::with(ordered(&[PCMA, PCMU]));
    let call = world.dial("sip:bob@example.com");
    let (incoming, _) = world.pbx_rings();
    world.pbx.accept(incoming, described("0 8"), vec![], world.now).unwrap();
    world.browser_accepted(call);

    assert!(world.trunk_codec(PCMU), "what it names first is what it will send (RFC 3264 §7)");
}

const OPUS_ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n\
    m=audio 12000 RTP/AVP 96 100 97\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1;maxaveragebitrate=40000\r\n\
    a=rtpmap:100 telephone-event/8000\r\na=rtpmap:97 telephone-event/48000\r\n";

fn last_trunk(world: &World) -> TrunkRemote {
    let last = world.commands.iter().rev().find_map(|command| match command {
        MediaCommand::Trunk { remote, .. } => Some(remote.clone()),
        _ => None,
    });
    last.expect("media knows the PBX")
}

#[test]
fn opus_is_offered_where_it_is_named_with_events_at_both_clocks() {
    let mut world = World::with(ordered(&[PCMA, TrunkCodec::Opus]));
    let call = world.dial("sip:bob@example.com");
    let (incoming, request) = world.pbx_rings();
    let offer = String::from_utf8(request.body.clone()).unwrap();
    assert!(offer.contains(" RTP/AVP 8 107 101 102\r\n"), "{offer}");
    for row in [
        "a=rtpmap:107 opus/48000/2",
        "a=fmtp:107 useinbandfec=1",
        "a=rtpmap:101 telephone-event/8000",
        "a=rtpmap:102 telephone-event/48000",
    ] {
        assert!(offer.contains(&format!("{row}\r\n")), "{row} in {offer}");
    }
    assert!(request.write().len() < 1_300);

    world.pbx.accept(incoming, OPUS_ANSWER.to_owned(), vec![], world.now).unwrap();
    let answer = world.browser_accepted(call);
    assert!(answer.contains("a=fmtp:111 minptime=10;useinbandfec=1;stereo=0\r\n"), "the whole band: {answer}");
    let remote = last_trunk(&world);
    assert_eq!((remote.codec, remote.payload_type), (TrunkCodec::Opus, 96));
    assert_eq!(remote.telephone_event, Some((97, 48_000)), "at the clock of the sound");
}

#[test]
fn a_pbx_that_calls_with_opus_is_taken_at_its_word_about_it() {
    let mut world = World::with(ordered(&[TrunkCodec::Opus, PCMA]));
    let contact = world.register();
    world.pbx_dials(contact, Some(OPUS_ANSWER));
    let (incoming, _, offer) = world.browser_rings();
    let offer = offer.unwrap();
    assert!(offer.contains("a=fmtp:111 minptime=10;useinbandfec=1;maxaveragebitrate=40000\r\n"), "{offer}");
    world.browser.accept(incoming, web_answer(), vec![], world.now).unwrap();
    world.settle();

    let answer = body(world.last(End::Pbx, "200 INVITE"));
    assert!(answer.contains(" RTP/AVP 96 97\r\n"), "{answer}");
    assert!(answer.contains("a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n"), "{answer}");
    assert!(world.trunk_codec(TrunkCodec::Opus));
}

#[test]
fn opus_of_a_pbx_is_left_alone_where_nobody_has_named_it() {
    let mut world = World::new();
    let contact = world.register();
    world.pbx_dials(contact, Some(&OPUS_ANSWER.replace(" 96 100", " 96 8 100")));
    let (incoming, ..) = world.browser_rings();
    world.browser.accept(incoming, web_answer(), vec![], world.now).unwrap();
    world.settle();

    assert!(world.trunk_codec(PCMA));
}

#[test]
fn a_pbx_may_leave_opus_in_the_call_and_numbers_of_its_own_keep_their_meaning() {
    let mut world = World::with(ordered(&[TrunkCodec::Opus, TrunkCodec::Speex(Rate::Narrow), PCMA]));
    let call = world.dial("sip:bob@example.com");
    let (trunk, _) = world.pbx_rings();
    let answer = OPUS_ANSWER.replace("96", "97").replace("100 97", "100");
    world.pbx.accept(trunk, answer.replace("a=rtpmap:97 telephone-event/48000\r\n", ""), vec![], world.now).unwrap();
    world.browser_accepted(call);
    world.settle();
    let held = WEB_OFFER.replace("a=sendrecv", "a=sendonly");
    assert_ne!(held, WEB_OFFER);
    world.browser.offer(call, held, world.now).unwrap();
    world.settle();
    let offer = body(world.last(End::Pbx, "INVITE"));
    assert!(offer.contains(" RTP/AVP 97 8 100 102\r\n"), "97 is Opus here, Speex has no number left: {offer}");

    let held = described("97").replace("\r\nm=", "\r\na=recvonly\r\nm=") + "a=rtpmap:97 opus/48000/2\r\n";
    world.pbx.answer_offer(trunk, Ok(held), world.now).unwrap();
    world.settle();
    assert!(world.trunk_codec(TrunkCodec::Opus), "on hold as well");

    world.pbx.offer(trunk, described("8"), world.now).unwrap();
    world.settle();
    assert!(world.trunk_codec(PCMA));
}

#[test]
fn media_is_told_from_where_a_pbx_signals() {
    let mut world = World::new();
    let call = world.dial("sip:bob@example.com");
    let (incoming, _) = world.pbx_rings();
    world
        .pbx
        .accept(incoming, TRUNK_SDP.replace("c=IN IP4 192.0.2.99", "c=IN IP4 10.0.0.5"), vec![], world.now)
        .unwrap();
    world.browser_accepted(call);

    let remote = last_trunk(&world);
    assert_eq!(
        (remote.rtp.ip().to_string(), remote.signalling.unwrap().to_string()),
        ("10.0.0.5".into(), "192.0.2.99".into())
    );
}

#[test]
fn a_name_in_the_place_of_an_address_is_refused_and_said() {
    let mut world = World::new();
    let contact = world.register();
    world.pbx_dials(contact, Some(&described("8").replace("c=IN IP4 192.0.2.99", "c=IN IP4 media.example.com")));

    let refusal = world.last(End::Pbx, "488 INVITE");
    let warning = refusal.headers().get(&HeaderName::Warning).unwrap();
    assert!(warning.contains("a name to send to, where an IP address is needed"), "{warning}");
}

const THEIR_KEY: &str = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

fn encrypted(srtp: Srtp) -> World {
    World::with(|config| config.trunks[0].srtp = srtp)
}

/// The same description with a key.
fn with_key(sdp: &str, profile: &str, tag: u32) -> String {
    sdp.replace("RTP/AVP", profile) + &format!("a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 {THEIR_KEY}|2^20\r\n")
}

fn key_in(sdp: &str) -> &str {
    sdp.lines().find_map(|line| line.strip_prefix("a=crypto:")).expect("a key")
}

#[test]
fn a_pbx_that_must_encrypt_is_offered_nothing_else_and_refused_without() {
    let mut world = encrypted(Srtp::Required);
    let call = world.dial("sip:bob@example.com");
    let (incoming, request) = world.pbx_rings();
    let offer = String::from_utf8(request.body.clone()).unwrap();
    assert!(offer.contains(" RTP/SAVP 0 8 9 101\r\n"), "{offer}");
    assert!(key_in(&offer).starts_with("1 AES_CM_128_HMAC_SHA1_80 inline:"), "{offer}");
    assert!(request.write().len() < 1_300);
    world.pbx.accept(incoming, with_key(TRUNK_SDP, "RTP/SAVP", 1), vec![], world.now).unwrap();
    world.browser_accepted(call);
    let keys = last_trunk(&world).srtp.expect("media has both keys");
    assert_eq!(keys.remote.bytes(), b"YS___semctl () {\t220;}\n}\nunles");

    let mut world = encrypted(Srtp::Required);
    let call = world.dial("sip:bob@example.com");
    let (incoming, _) = world.pbx_rings();
    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.browser_ended(call);
    let warning = world.last(End::Browser, "488 INVITE").headers().get(&HeaderName::Warning).unwrap();
    assert!(warning.contains("must be encrypted"), "{warning}");
}

#[test]
fn a_pbx_that_may_encrypt_is_offered_keys_beside_plain_rtp() {
    for (answer, has_keys) in [(TRUNK_SDP.to_owned(), false), (with_key(TRUNK_SDP, "RTP/AVP", 1), true)] {
        let mut world = encrypted(Srtp::Optional);
        let call = world.dial("sip:bob@example.com");
        let (incoming, request) = world.pbx_rings();
        let offer = String::from_utf8(request.body).unwrap();
        assert!(offer.contains(" RTP/AVP 0 8 9 101\r\n") && offer.contains("a=crypto:1 "), "{offer}");
        world.pbx.accept(incoming, answer, vec![], world.now).unwrap();
        world.browser_accepted(call);

        assert_eq!(last_trunk(&world).srtp.is_some(), has_keys);
    }
}

#[test]
fn a_pbx_that_calls_with_keys_is_answered_by_their_tag_or_refused_by_name() {
    for (srtp, offer, status) in [
        (Srtp::Off, with_key(TRUNK_SDP, "RTP/SAVP", 7), 488),
        (Srtp::Required, TRUNK_SDP.to_owned(), 488),
        (Srtp::Required, with_key(TRUNK_SDP, "RTP/SAVP", 7).replace("SHA1_80", "SHA1_32"), 488),
        (Srtp::Required, with_key(TRUNK_SDP, "RTP/SAVP", 7), 200),
        (Srtp::Optional, with_key(TRUNK_SDP, "RTP/SAVP", 7), 200),
        (Srtp::Optional, TRUNK_SDP.to_owned(), 200),
    ] {
        let mut world = encrypted(srtp);
        let contact = world.register();
        world.pbx_dials(contact, Some(&offer));
        if status == 200 {
            let (incoming, ..) = world.browser_rings();
            world.browser.accept(incoming, web_answer(), vec![], world.now).unwrap();
            world.settle();
        }
        let answer = body(world.last(End::Pbx, &format!("{status} INVITE")));
        if status == 200 && offer.contains("crypto") {
            assert!(answer.contains(" RTP/SAVP 8 101\r\n"), "{answer}");
            assert!(key_in(&answer).starts_with("7 AES_CM_128_HMAC_SHA1_80 inline:"), "{answer}");
            assert_ne!(key_in(&answer), key_in(&offer), "each encrypts with its own");
        } else {
            assert!(!answer.contains("crypto"), "{answer}");
        }
    }
}
