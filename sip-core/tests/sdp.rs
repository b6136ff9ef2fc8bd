//! Descriptions as browsers, phones and exchanges write them.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use core::net::IpAddr;

use sip_core::sdp::{CandidateKind, Direction, Media, SdpError, SessionDescription, Setup};

const CHROMIUM: &str = include_str!("data/sdp/chromium.sdp");
const FIREFOX: &str = include_str!("data/sdp/firefox.sdp");
const ASTERISK: &str = include_str!("data/sdp/asterisk.sdp");
const CUCM: &str = include_str!("data/sdp/cucm.sdp");
const CISCO: &str = include_str!("data/sdp/cisco.sdp");
const FREESWITCH: &str = include_str!("data/sdp/freeswitch.sdp");
const BARESIP: &str = include_str!("data/sdp/baresip.sdp");
const LINPHONE: &str = include_str!("data/sdp/linphone.sdp");

fn parse(text: &str) -> SessionDescription {
    SessionDescription::parse(text).unwrap()
}

fn audio(description: &SessionDescription) -> &Media {
    description.first("audio").unwrap()
}

fn names(media: &Media) -> Vec<String> {
    let codecs = media.codecs().into_iter();
    codecs
        .map(|codec| format!("{} {}/{}/{}", codec.payload_type, codec.name, codec.clock_rate, codec.channels))
        .collect()
}

#[test]
fn what_is_exact_is_written_as_it_came() {
    for text in [CHROMIUM, FIREFOX, ASTERISK, CISCO, FREESWITCH, BARESIP, LINPHONE] {
        assert_eq!(parse(text).to_string(), text);
    }
    let repaired = CUCM.replace("Cisco SystemsCCM-SIP", "Cisco-SystemsCCM-SIP");
    assert_eq!(parse(CUCM).to_string(), repaired);
}

#[test]
fn line_feeds_alone_are_line_ends() {
    assert_eq!(parse(&CHROMIUM.replace("\r\n", "\n")), parse(CHROMIUM));
    assert_eq!(parse(&format!("{}\r\n\r\n", ASTERISK.trim_end())), parse(ASTERISK));
}

#[test]
fn chromiums_offer() {
    let description = parse(CHROMIUM);
    let audio = audio(&description);

    assert_eq!(description.bundle(), ["0"]);
    assert_eq!(description.ice_credentials(audio), Some(("F7gI", "x9cml/YzichV2+XlhiMu8gx5")));
    let fingerprints = description.fingerprints(audio);
    assert_eq!((fingerprints[0].hash.as_str(), fingerprints[0].value.len()), ("sha-256", 32));
    assert_eq!(description.setup(audio), Some(Setup::ActPass));
    assert!(description.has_trickle(audio) && audio.has_rtcp_mux() && audio.has("rtcp-rsize"));
    assert_eq!((audio.mid(), audio.rtcp()), (Some("0"), Some((9, "0.0.0.0".parse().ok()))));
    let opus = audio.codec("OPUS", 48_000).unwrap();
    assert_eq!((opus.payload_type, opus.channels, opus.parameter("useinbandfec")), (111, 2, Some("1")));
    assert_eq!(names(audio)[6..], ["110 telephone-event/48000/1", "126 telephone-event/8000/1"]);
    assert_eq!(audio.all("ssrc").count(), 2);
    assert_eq!(description.direction_of(audio), Direction::SendRecv);
}

#[test]
fn firefoxs_offer_has_its_fingerprint_at_the_session() {
    let description = parse(FIREFOX);
    let audio = audio(&description);

    assert_eq!(description.origin.session_id, "5834176182945208711");
    assert_eq!(description.fingerprints(audio).len(), 1);
    assert_eq!(description.ice_credentials(audio), Some(("1a2b3c4d", "aa1bb2cc3dd4ee5ff60718293a4b5c6d")));
    assert!(description.has_trickle(audio));
    let candidates = audio.candidates();
    let kinds: Vec<_> = candidates.iter().map(|candidate| candidate.kind).collect();
    assert_eq!(kinds, [CandidateKind::Host, CandidateKind::Host, CandidateKind::ServerReflexive]);
    assert_eq!(candidates[2].ip(), "192.0.2.33".parse().ok());
    assert_eq!(names(audio)[1], "9 G722/8000/1");
}

#[test]
fn offers_of_exchanges() {
    let asterisk = parse(ASTERISK);
    assert_eq!(asterisk.address_of(audio(&asterisk)), "192.0.2.10".parse().ok());
    assert_eq!((audio(&asterisk).ptime(), audio(&asterisk).max_ptime()), (Some(20), Some(150)));

    let cucm = parse(CUCM);
    assert_eq!(cucm.origin.address.ip(), "192.0.2.20".parse().ok());
    assert_eq!((cucm.origin.session_id.as_str(), cucm.origin.version()), ("2000", 1));
    assert_eq!(cucm.bandwidth.len(), 3);

    let cisco = parse(CISCO);
    assert_eq!(cisco.address_of(audio(&cisco)), "192.0.2.22".parse().ok());
    assert_eq!(audio(&cisco).codec("G729", 8_000).unwrap().parameter("annexb"), Some("no"));

    let freeswitch = parse(FREESWITCH);
    assert_eq!(names(audio(&freeswitch)).len(), 6);
    assert_eq!(audio(&freeswitch).codec("opus", 48_000).unwrap().parameter("maxaveragebitrate"), Some("30000"));
}

#[test]
fn offers_of_phones() {
    let baresip = parse(BARESIP);
    assert_eq!(audio(&baresip).rtcp(), Some((14_037, None)));
    assert!(baresip.first("video").is_none(), "a refused m-line is not used");
    assert_eq!(baresip.attribute("tool"), Some("baresip 3.9.0"));

    let linphone = parse(LINPHONE);
    let keys = audio(&linphone).crypto();
    assert_eq!(keys.len(), 2);
    assert_eq!((keys[0].tag, keys[0].suite.as_str()), (1, "AES_CM_128_HMAC_SHA1_80"));
    assert!(keys[1].key.ends_with("|2^20|1:4"));
    assert_eq!(linphone.address_of(audio(&linphone)), Some(IpAddr::V6("2001:db8::50".parse().unwrap())));
}

#[test]
fn what_is_missing_or_unknown_is_borne_with() {
    let description = parse(
        "v=0\nq=what\nz=0 0\nk=clear:x\no=broken\nm=audio 4000/2 TCP/RTP/AVP 0\ny=what\na=\na= x\nb=odd\nc=IN\na=ptime:20.5\n",
    );

    assert_eq!((description.name.as_str(), description.times.len()), ("-", 1));
    let audio = audio(&description);
    assert_eq!((audio.port, audio.port_count, audio.protocol.as_str()), (4_000, Some(2), "TCP/RTP/AVP"));
    assert_eq!((audio.ptime(), audio.attributes.len()), (Some(20), 1));
    assert_eq!(description.address_of(audio), None);
    assert!(
        description
            .to_string()
            .starts_with("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 4000/2 TCP/RTP/AVP 0\r\n")
    );

    let named = parse("v=0\nc=IN IP4 media.example.com\nm=audio 1 RTP/AVP 0\n");
    assert_eq!(named.address_of(&named.media[0]), None);
    assert_eq!(parse("v=0\no=- 18446744073709551616 1 IN IP4 192.0.2.1\n").origin.session_id, "18446744073709551616");
}

#[test]
fn what_is_no_description_is_an_error() {
    for (text, error) in [
        ("", SdpError::NotSdp),
        ("hello", SdpError::NotSdp),
        ("v=1\n", SdpError::NotSdp),
        ("{\"type\":\"offer\"}", SdpError::NotSdp),
        ("v=0\nm=audio\n", SdpError::Media),
        ("v=0\nm=audio 70000 RTP/AVP 0\n", SdpError::Media),
    ] {
        assert_eq!(SessionDescription::parse(text), Err(error), "{text}");
    }
    let long = |line: &str| format!("v=0\n{}", line.repeat(1_100));
    for text in [long("m=audio 0 RTP/AVP 0\n"), long("a=x\n"), long(&"i=x".repeat(40))] {
        assert_eq!(SessionDescription::parse(&text), Err(SdpError::TooLarge));
    }
}

#[test]
fn lines_that_are_none_are_passed_over() {
    let scraps = ["hello", "ab=1", "=x", "\0\0\0\0"];
    for scrap in scraps {
        let text = ASTERISK.replace("t=0 0", &format!("{scrap}\nt=0 0")) + scrap;
        assert_eq!(parse(&text), parse(ASTERISK), "{scrap:?}");
    }
}

#[test]
fn values_of_an_application_cannot_add_lines() {
    let mut description = parse(ASTERISK);
    description.media[0].push("label", "1\r\nm=audio 1 RTP/AVP 0");

    assert_eq!(parse(&description.to_string()).media.len(), 1);
}

#[test]
fn a_direction_is_replaced() {
    let mut description = parse(ASTERISK);
    description.media[0].set_direction(Direction::Inactive);

    let reread = parse(&description.to_string());

    assert_eq!(reread.direction_of(&reread.media[0]), Direction::Inactive);
    assert_eq!(reread.media[0].attributes.len(), description.media[0].attributes.len());
}
