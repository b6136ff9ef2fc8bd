//! What happens inside an established call, on both legs: hold in every combination of directions, changes that concern
//! one leg alone, and offers that meet (RFC 3264 §6.1 and §8.4, RFC 3261 §14).

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::media::control::{Direction, G711Law, MediaCommand, TrunkCodec};
use sip_core::Duration;
use sip_core::agent::{Event, SessionEvent, SessionId};
use sip_core::message::{Message, StatusCode};
use sip_core::sdp::{self, SessionDescription};
use world::{End, TRUNK_SDP, WEB_OFFER, World};

const SENDRECV: &str = "sendrecv";
const SENDONLY: &str = "sendonly";
const RECVONLY: &str = "recvonly";
const INACTIVE: &str = "inactive";

/// A hold, by the direction of the offer: what the other side is offered and answers, what the asker is answered, and
/// whether the PBX hears the browser and the browser the PBX.
type Row = (&'static str, &'static str, &'static str, &'static str, (bool, bool));

const TABLE: [Row; 9] = [
    (SENDRECV, "", "", SENDRECV, (true, true)),
    (SENDONLY, SENDONLY, RECVONLY, RECVONLY, (true, false)),
    (SENDONLY, SENDONLY, INACTIVE, INACTIVE, (false, false)),
    (SENDONLY, SENDONLY, SENDRECV, RECVONLY, (true, false)),
    (RECVONLY, RECVONLY, SENDONLY, SENDONLY, (false, true)),
    (RECVONLY, RECVONLY, INACTIVE, INACTIVE, (false, false)),
    (INACTIVE, INACTIVE, INACTIVE, INACTIVE, (false, false)),
    (INACTIVE, INACTIVE, RECVONLY, INACTIVE, (false, false)),
    (INACTIVE, INACTIVE, SENDRECV, INACTIVE, (false, false)),
];

#[test]
fn the_browsers_offer_is_the_pbxs_and_the_answer_comes_back() {
    for (offer, offered, answer, answered, heard) in TABLE {
        let mut talk = Talk::new();
        talk.browser_offers(&web(offer));
        if offered.is_empty() {
            assert!(talk.pbx_offered().is_none(), "{offer} changes nothing");
        } else {
            assert_eq!(talk.pbx_offered().as_deref(), Some(offered), "for {offer}");
            assert_eq!(talk.browser_answered(), None, "{offer} is not answered before the PBX has");
            talk.pbx_answers(&trunk(answer));
        }

        assert_eq!(talk.browser_answered().unwrap().unwrap(), answered, "{offer}, {answer}");
        assert_eq!(talk.heard(), heard, "{offer}, {answer}");
    }
}

#[test]
fn the_pbxs_offer_is_the_browsers_and_the_answer_comes_back() {
    for (offer, offered, answer, answered, (by_browser, by_pbx)) in TABLE {
        let mut talk = Talk::new();
        talk.pbx_offers(&trunk(offer));
        if offered.is_empty() {
            assert!(talk.browser_offered().is_none(), "{offer} changes nothing");
        } else {
            assert_eq!(talk.browser_offered().as_deref(), Some(offered), "for {offer}");
            assert_eq!(talk.pbx_answered(), None, "{offer} is not answered before the browser has");
            talk.browser_answers(answer);
        }

        assert_eq!(talk.pbx_answered().unwrap().unwrap(), answered, "{offer}, {answer}");
        assert_eq!(talk.heard(), (by_pbx, by_browser), "{offer}, {answer}");
    }
}

#[test]
fn the_old_hold_of_an_address_of_zeroes_is_a_hold() {
    for (direction, offered, answer, answered, heard) in [
        (SENDRECV, SENDONLY, RECVONLY, RECVONLY, (false, true)),
        (SENDONLY, SENDONLY, RECVONLY, RECVONLY, (false, true)),
        (RECVONLY, INACTIVE, INACTIVE, INACTIVE, (false, false)),
        (INACTIVE, INACTIVE, INACTIVE, INACTIVE, (false, false)),
    ] {
        let mut talk = Talk::new();
        talk.pbx_offers(&trunk(direction).replace("c=IN IP4 192.0.2.99", "c=IN IP4 0.0.0.0"));

        assert_eq!(talk.browser_offered().as_deref(), Some(offered), "c=0.0.0.0 with {direction}");
        talk.browser_answers(answer);
        assert_eq!(talk.pbx_answered().unwrap().unwrap(), answered, "c=0.0.0.0 with {direction}");
        assert_eq!(talk.heard(), heard, "c=0.0.0.0 with {direction}");

        talk.pbx_offers(&trunk(SENDRECV));
        assert_eq!(talk.browser_offered().as_deref(), Some(SENDRECV));
        talk.browser_answers(SENDRECV);
        assert_eq!(talk.heard(), (true, true), "after c=0.0.0.0 with {direction}");
    }
}

#[test]
fn a_browsers_address_of_zeroes_is_what_every_browser_writes() {
    let mut talk = Talk::new();
    assert!(WEB_OFFER.contains("c=IN IP4 0.0.0.0"));

    talk.browser_offers(&web(SENDRECV));

    assert_eq!(talk.browser_answered().unwrap().unwrap(), SENDRECV);
    assert_eq!(talk.heard(), (true, true));
}

#[test]
fn a_pbx_that_switches_the_audio_off_is_answered_in_kind_and_may_switch_it_on() {
    let mut talk = Talk::new();
    talk.pbx_offers(&trunk(SENDRECV).replace("m=audio 12000", "m=audio 0"));
    assert_eq!(talk.browser_offered().as_deref(), Some(INACTIVE));
    talk.browser_answers(INACTIVE);
    assert!(talk.last_body(End::Pbx, "200 INVITE").contains("m=audio 0 "), "a refused line stays refused");
    assert_eq!(talk.heard(), (false, false));

    talk.browser_offers(&web(SENDONLY));
    assert!(talk.pbx_offered().is_none(), "nobody switches on what the PBX has switched off");
    assert_eq!(talk.browser_answered().unwrap().unwrap(), INACTIVE);
    talk.browser_offers(&web(SENDRECV));
    assert_eq!(talk.browser_answered().unwrap().unwrap(), INACTIVE);

    talk.pbx_offers(&trunk(SENDRECV));
    assert_eq!(talk.browser_offered().as_deref(), Some(SENDRECV));
    talk.browser_answers(SENDRECV);
    assert!(talk.last_body(End::Pbx, "200 INVITE").contains("m=audio 30002 "));
    assert_eq!(talk.heard(), (true, true));
}

#[test]
fn a_fax_in_the_place_of_the_audio_is_488_and_the_call_goes_on() {
    let mut talk = Talk::new();
    let fax = "m=image 4000 udptl t38\r\n";
    for media in [format!("m=audio 0 RTP/AVP 8\r\n{fax}"), fax.to_owned()] {
        let start = TRUNK_SDP.split_once("m=audio").unwrap().0;
        talk.pbx_offers(&format!("{start}{media}"));

        assert_eq!(talk.pbx_answered(), Some(Err(StatusCode::NOT_ACCEPTABLE_HERE)), "{media}");
        assert_eq!(talk.heard(), (true, true));
    }
}

#[test]
fn a_browser_without_audio_or_with_other_lines_is_488_and_the_call_goes_on() {
    let video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\n";
    let start = WEB_OFFER.split_once("m=audio").unwrap().0;
    let audio = WEB_OFFER.split_once("m=audio").unwrap().1;
    let offers = [
        WEB_OFFER.replace("m=audio 9 ", "m=audio 0 "),
        start.to_owned(),
        format!("{start}{video}"),
        format!("{start}{video}m=audio{audio}"),
        WEB_OFFER.replace("opus/48000/2", "ISAC/16000").replace(" 9 0 8 13 ", " "),
        WEB_OFFER.replace("a=fingerprint", "a=x-fingerprint"),
        "not a description".to_owned(),
    ];
    for offer in offers {
        let mut talk = Talk::new();
        talk.browser_offers(&offer);

        assert_eq!(talk.browser_answered(), Some(Err(StatusCode::NOT_ACCEPTABLE_HERE)), "{offer}");
        assert!(talk.pbx_offered().is_none());
        assert_eq!(talk.heard(), (true, true));
        assert_eq!(talk.world.relay.occupancy().calls, 1);
    }
    let mut talk = Talk::new();
    talk.browser_offers(&format!("{WEB_OFFER}{video}"));
    assert_eq!(talk.browser_answered().unwrap().unwrap(), SENDRECV, "a line more is refused alone (RFC 3264 §8.1)");
    assert!(talk.last_body(End::Browser, "200 INVITE").contains("m=video 0 "));
}

#[test]
fn each_side_holds_and_resumes_alone() {
    let mut talk = Talk::new();
    talk.pbx_offers(&trunk(SENDONLY));
    talk.browser_answers(RECVONLY);
    assert_eq!(talk.heard(), (false, true), "music on hold is heard");

    talk.browser_offers(&web(INACTIVE));
    assert_eq!(talk.pbx_offered().as_deref(), Some(INACTIVE));
    talk.pbx_answers(&trunk(INACTIVE));
    assert_eq!(talk.browser_answered().unwrap().unwrap(), INACTIVE);
    assert_eq!(talk.heard(), (false, false));

    talk.browser_offers(&web(SENDRECV));
    assert_eq!(talk.pbx_offered().as_deref(), Some(SENDRECV));
    talk.pbx_answers(&trunk(SENDONLY));
    assert_eq!(talk.browser_answered().unwrap().unwrap(), SENDONLY, "the PBX still holds");
    assert_eq!(talk.heard(), (false, true));

    talk.browser_offers(&web(SENDONLY));
    talk.pbx_answers(&trunk(INACTIVE));
    assert_eq!(talk.heard(), (false, false));
    talk.pbx_offers(&trunk(SENDRECV));
    assert_eq!(talk.browser_offered().as_deref(), Some(SENDRECV));
    talk.browser_answers(SENDONLY);
    assert_eq!(talk.pbx_answered().unwrap().unwrap(), SENDONLY, "the browser still holds");
    assert_eq!(talk.heard(), (true, false));

    talk.browser_offers(&web(SENDRECV));
    talk.pbx_answers(&trunk(SENDRECV));
    assert_eq!(talk.heard(), (true, true));
}

#[test]
fn a_refusal_goes_to_the_side_that_asked_and_nothing_changes() {
    for status in [488, 403, 500, 603] {
        let refusal = StatusCode::new(status).unwrap();
        let mut talk = Talk::new();
        talk.browser_offers(&web(SENDONLY));
        talk.pbx_refuses(refusal);
        assert_eq!(talk.browser_answered(), Some(Err(refusal)));
        assert_eq!(talk.heard(), (true, true), "a refused hold holds nobody");

        talk.pbx_offers(&trunk(SENDONLY));
        talk.browser_refuses(refusal);
        assert_eq!(talk.pbx_answered(), Some(Err(refusal)));
        assert_eq!(talk.heard(), (true, true));
        assert_eq!(talk.world.relay.occupancy().calls, 1);
    }
}

#[test]
fn a_side_that_does_not_answer_is_told_as_504_and_its_late_answer_is_put_right() {
    let mut talk = Talk::new();
    talk.browser_offers(&web(SENDONLY));
    assert_eq!(talk.pbx_offered().as_deref(), Some(SENDONLY));
    talk.world.pass(Duration::from_secs(21));
    assert_eq!(talk.browser_answered(), Some(Err(StatusCode::SERVER_TIMEOUT)));
    assert_eq!(talk.heard(), (true, true));

    talk.pbx_answers(&trunk(RECVONLY));
    assert_eq!(talk.pbx_offered().as_deref(), Some(SENDRECV), "the browser holds nobody");
    talk.pbx_answers(&trunk(SENDRECV));
    assert_eq!(talk.heard(), (true, true));
    assert_eq!(talk.browser_answered(), None);
}

#[test]
fn two_holds_that_meet_are_both_done_in_the_end() {
    let mut talk = Talk::new();
    talk.browser_offers_unheard(&web(SENDONLY));
    talk.pbx_offers_unheard(&trunk(SENDONLY));
    for _ in 0..40 {
        talk.world.pass(Duration::from_millis(500));
        if talk.pbx_offered().is_some() {
            talk.pbx_answers(&trunk(SENDONLY));
        }
        if talk.browser_offered().is_some() {
            talk.browser_answers(SENDONLY);
        }
    }

    assert_eq!(talk.heard(), (false, false));
    let glares = |ladder: Vec<String>| ladder.iter().filter(|name| *name == "491 INVITE").count();
    assert!(glares(talk.world.ladder(End::Pbx)) + glares(talk.world.ladder(End::Browser)) >= 1);
    assert_eq!(talk.world.relay.occupancy().calls, 1);
}

#[test]
fn who_hangs_up_while_a_hold_is_asked_for_ends_both_legs() {
    let mut talk = Talk::new();
    talk.pbx_offers(&trunk(SENDONLY));
    assert_eq!(talk.browser_offered().as_deref(), Some(SENDONLY));
    let (pbx, now) = (talk.pbx, talk.world.now);
    talk.world.pbx.hang_up(pbx, None, now).unwrap();
    talk.world.settle();

    assert_eq!(talk.world.relay.occupancy().calls, 0);
    assert!(talk.world.ladder(End::Browser).contains(&"BYE".to_owned()));
}

#[test]
fn other_codecs_addresses_and_events_of_the_pbx_concern_the_pbx_alone() {
    let mut talk = Talk::new();
    let other = trunk(SENDRECV)
        .replace("m=audio 12000 RTP/AVP 8 101", "m=audio 12400 RTP/AVP 0 96")
        .replace("a=rtpmap:8 PCMA", "a=rtpmap:0 PCMU")
        .replace(":101 ", ":96 ")
        .replace("c=IN IP4 192.0.2.99", "c=IN IP4 192.0.2.98");
    talk.pbx_offers(&other);

    assert!(talk.browser_offered().is_none());
    assert_eq!(talk.pbx_answered().unwrap().unwrap(), SENDRECV);
    let answer = talk.last_body(End::Pbx, "200 INVITE");
    assert!(answer.contains("m=audio 30002 RTP/AVP 0 96\r\n"), "{answer}");
    let remote = talk.commands().rev().find_map(|command| match command {
        MediaCommand::Trunk { remote, .. } => Some(remote.clone()),
        _ => None,
    });
    let remote = remote.unwrap();
    assert_eq!(remote.rtp.to_string(), "192.0.2.98:12400");
    assert_eq!((remote.codec, remote.telephone_event), (TrunkCodec::G711(G711Law::Mu), Some((96, 8_000))));

    talk.browser_offers(&web(SENDONLY));
    let offer = talk.last_body(End::Pbx, "INVITE");
    assert!(offer.contains("RTP/AVP 0 8 9 96\r\n"), "what is in use comes first: {offer}");
}

#[test]
fn the_same_description_is_answered_with_the_same() {
    let mut talk = Talk::new();
    talk.pbx_offers(&trunk(SENDRECV));
    let first = talk.last_body(End::Pbx, "200 INVITE");
    talk.pbx_offers(&trunk(SENDRECV));

    assert_eq!(talk.last_body(End::Pbx, "200 INVITE"), first, "unchanged, and so is its version");
    talk.browser_offers(&web(SENDRECV));
    let answer = talk.last_body(End::Browser, "200 INVITE");
    talk.browser_offers(&web(SENDRECV));
    assert_eq!(talk.last_body(End::Browser, "200 INVITE"), answer);
    assert!(talk.pbx_offered().is_none() && talk.browser_offered().is_none());
}

#[test]
fn our_offer_to_a_browser_keeps_what_it_had() {
    let mut talk = Talk::new();
    let answer = talk.last_body(End::Browser, "200 INVITE");
    talk.pbx_offers(&trunk(SENDONLY));
    let offer = talk.last_body(End::Browser, "INVITE");

    for line in ["m=audio", "a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=mid", "a=candidate", "a=rtpmap:111", "c="] {
        let of = |text: &str| text.lines().find(|row| row.starts_with(line)).map(str::to_owned);
        assert_eq!(of(&offer), of(&answer), "{offer}");
    }
    assert!(offer.contains("a=group:BUNDLE 0\r\n") && offer.contains("a=setup:actpass\r\n"), "{offer}");
    let version = |text: &str| SessionDescription::parse(text).unwrap().origin.version();
    assert_eq!(version(&offer), version(&answer) + 1);
}

#[test]
fn an_ice_restart_gets_other_credentials_and_no_hold_waits_for_it() {
    let mut talk = Talk::new();
    let ufrag = |text: String| text.lines().find_map(|row| row.strip_prefix("a=ice-ufrag:").map(str::to_owned));
    let before = ufrag(talk.last_body(End::Browser, "200 INVITE"));
    let restart = WEB_OFFER.replace("uFrG", "nEwU").replace("aPassword", "bPassword");
    talk.browser_offers(&restart);

    assert_eq!(talk.browser_answered().unwrap().unwrap(), SENDRECV);
    let after = ufrag(talk.last_body(End::Browser, "200 INVITE"));
    assert_ne!(before, after);
    assert!(talk.pbx_offered().is_none());
    let told = talk.commands().find_map(|command| match command {
        MediaCommand::RestartIce { local, .. } => Some(local.ufrag.clone()),
        _ => None,
    });
    assert_eq!(told, after);

    talk.browser_offers(&restart);
    assert_eq!(ufrag(talk.last_body(End::Browser, "200 INVITE")), after, "the same credentials restart nothing");
}

#[test]
fn an_ice_restart_with_a_refused_hold_restarts_nothing() {
    let mut talk = Talk::new();
    talk.browser_offers(&WEB_OFFER.replace("uFrG", "nEwU").replace("a=sendrecv", "a=sendonly"));
    talk.pbx_refuses(StatusCode::NOT_ACCEPTABLE_HERE);

    assert_eq!(talk.browser_answered(), Some(Err(StatusCode::NOT_ACCEPTABLE_HERE)));
    assert!(!talk.commands().any(|command| matches!(command, MediaCommand::RestartIce { .. })));
}

#[test]
fn a_pbx_that_answers_on_hold_is_told_to_the_browser() {
    let mut world = World::new();
    let browser = world.dial("sip:bob@example.com");
    let (pbx, _) = world.pbx_rings();
    world.pbx.accept(pbx, trunk(SENDONLY), vec![], world.now).unwrap();
    world.settle();
    let mut talk = Talk { world, browser, pbx };

    assert_eq!(talk.browser_offered().as_deref(), Some(SENDONLY));
    talk.browser_answers(RECVONLY);
    assert_eq!(talk.heard(), (false, true));
}

#[test]
fn an_inbound_call_begins_in_the_direction_that_both_want() {
    for (offer, offered, answer, answered, heard) in [
        (SENDRECV, SENDRECV, RECVONLY, RECVONLY, (false, true)),
        (SENDONLY, SENDONLY, RECVONLY, RECVONLY, (false, true)),
        (RECVONLY, RECVONLY, SENDONLY, SENDONLY, (true, false)),
        (INACTIVE, INACTIVE, INACTIVE, INACTIVE, (false, false)),
    ] {
        let mut world = World::new();
        let contact = world.register();
        let pbx = world.pbx_dials(contact, Some(&trunk(offer)));
        let (browser, _, sdp) = world.browser_rings();
        assert_eq!(direction_in(&sdp.unwrap()), offered);
        world.browser.accept(browser, web_answer(answer), vec![], world.now).unwrap();
        assert_eq!(direction_in(&world.pbx_accepted(pbx)), answered);
        let talk = Talk { world, browser, pbx };
        assert_eq!(talk.heard(), heard, "{offer}, {answer}");
    }
}

/// A call under way, and what its two ends hear of each other.
struct Talk {
    world: World,
    browser: SessionId,
    pbx: SessionId,
}

impl Talk {
    fn new() -> Self {
        let mut world = World::new();
        let (browser, pbx) = world.established();
        world.settle();
        world.pbx_events.clear();
        world.browser_events.clear();
        let talk = Self { world, browser, pbx };
        assert_eq!(talk.heard(), (true, true));
        talk
    }

    fn browser_offers_unheard(&mut self, sdp: &str) {
        self.world.browser.offer(self.browser, sdp.to_owned(), self.world.now).unwrap();
    }

    fn pbx_offers_unheard(&mut self, sdp: &str) {
        self.world.pbx.offer(self.pbx, sdp.to_owned(), self.world.now).unwrap();
    }

    fn browser_offers(&mut self, sdp: &str) {
        self.browser_offers_unheard(sdp);
        self.world.settle();
    }

    fn pbx_offers(&mut self, sdp: &str) {
        self.pbx_offers_unheard(sdp);
        self.world.settle();
    }

    fn browser_answers(&mut self, direction: &str) {
        let result = Ok(web_answer(direction));
        self.world.browser.answer_offer(self.browser, result, self.world.now).unwrap();
        self.world.settle();
    }

    fn pbx_answers(&mut self, sdp: &str) {
        self.world.pbx.answer_offer(self.pbx, Ok(sdp.to_owned()), self.world.now).unwrap();
        self.world.settle();
    }

    fn browser_refuses(&mut self, status: StatusCode) {
        self.world.browser.answer_offer(self.browser, Err(status), self.world.now).unwrap();
        self.world.settle();
    }

    fn pbx_refuses(&mut self, status: StatusCode) {
        self.world.pbx.answer_offer(self.pbx, Err(status), self.world.now).unwrap();
        self.world.settle();
    }

    /// The direction that the PBX is offered now.
    fn pbx_offered(&mut self) -> Option<String> {
        offered(&mut self.world, End::Pbx)
    }

    fn browser_offered(&mut self) -> Option<String> {
        offered(&mut self.world, End::Browser)
    }

    /// The direction in the answer to the offer of the PBX, or the refusal.
    fn pbx_answered(&mut self) -> Option<Result<String, StatusCode>> {
        answered(&mut self.world, End::Pbx)
    }

    fn browser_answered(&mut self) -> Option<Result<String, StatusCode>> {
        answered(&mut self.world, End::Browser)
    }

    fn last_body(&self, end: End, name: &str) -> String {
        match self.world.last(end, name) {
            Message::Request(request) => String::from_utf8_lossy(&request.body).into_owned(),
            Message::Response(response) => String::from_utf8_lossy(&response.body).into_owned(),
        }
    }

    fn commands(&self) -> impl DoubleEndedIterator<Item = &MediaCommand> {
        self.world.commands.iter()
    }

    /// Whether media lets the PBX hear the browser, and the browser the PBX.
    fn heard(&self) -> (bool, bool) {
        let last = |of: fn(&MediaCommand) -> Option<Direction>| self.commands().rev().find_map(of).unwrap();
        let web = last(|command| match command {
            MediaCommand::Web { remote, .. } => Some(remote.direction),
            _ => None,
        });
        let trunk = last(|command| match command {
            MediaCommand::Trunk { remote, .. } => Some(remote.direction),
            _ => None,
        });
        (web.receive && trunk.send, trunk.receive && web.send)
    }
}

fn offered(world: &mut World, end: End) -> Option<String> {
    events(world, end).into_iter().find_map(|event| match event {
        SessionEvent::Offered { offer, .. } => Some(direction_in(&offer.unwrap())),
        _ => None,
    })
}

fn answered(world: &mut World, end: End) -> Option<Result<String, StatusCode>> {
    events(world, end).into_iter().find_map(|event| match event {
        SessionEvent::Answered { result, .. } => Some(result.map(|answer| direction_in(&answer.unwrap()))),
        _ => None,
    })
}

fn events(world: &mut World, end: End) -> Vec<SessionEvent> {
    let mut events = Vec::new();
    while let Some(event) = world.event(end) {
        if let Event::Session { event, .. } = event {
            events.push(event);
        }
    }
    events
}

fn direction_in(text: &str) -> String {
    let description = SessionDescription::parse(text).unwrap();
    let media = description.media.iter().find(|media| media.kind == "audio").unwrap();
    let direction: sdp::Direction = description.direction_of(media);
    direction.as_str().to_owned()
}

fn web(direction: &str) -> String {
    WEB_OFFER.replace("a=sendrecv", &format!("a={direction}"))
}

fn web_answer(direction: &str) -> String {
    web(direction).replace("a=setup:actpass", "a=setup:active")
}

fn trunk(direction: &str) -> String {
    TRUNK_SDP.replace("a=sendrecv", &format!("a={direction}"))
}
