//! What the relay agrees with a PBX about its sound: the codecs of each trunk and their order.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::b2bua::{Config, Domain};
use relay_core::media::control::{G711Law, TrunkCodec};
use sip_core::agent::EndedBy;
use sip_core::message::Message;
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
