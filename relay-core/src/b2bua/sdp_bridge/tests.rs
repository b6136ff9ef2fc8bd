use super::*;
use crate::b2bua::call::MediaRoom;
use crate::b2bua::terms::{Chooser, Srtp, Terms};
use crate::codec::Rate;
use crate::media::control::{Fingerprint, G711Law, IceCredentials, SrtpKey, TrunkCodec, WebCodec};
use std::sync::Arc;

const FIREFOX: &str = "v=0\r\n\
o=mozilla...THIS_IS_SDPARTA-99.0 123 0 IN IP4 0.0.0.0\r\n\
s=-\r\n\
t=0 0\r\n\
a=sendrecv\r\n\
a=fingerprint:sha-256 12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0\r\n\
a=group:BUNDLE 0 1\r\n\
a=ice-options:trickle\r\n\
m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101\r\n\
c=IN IP4 0.0.0.0\r\n\
a=sendrecv\r\n\
a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1\r\n\
a=fmtp:101 0-15\r\n\
a=ice-pwd:0123456789abcdef0123456789abcdef\r\n\
a=ice-ufrag:deadbeef\r\n\
a=mid:0\r\n\
a=rtcp-mux\r\n\
a=rtpmap:109 opus/48000/2\r\n\
a=rtpmap:9 G722/8000/1\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:101 telephone-event/8000/1\r\n\
a=setup:actpass\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 120\r\n\
c=IN IP4 0.0.0.0\r\n\
a=mid:1\r\n\
a=rtpmap:120 VP8/90000\r\n";

fn room() -> MediaRoom {
    MediaRoom {
        trunk: "192.0.2.1:30000".parse().unwrap(),
        web: vec!["203.0.113.1:40000".parse().unwrap(), "[2001:db8::1]:40000".parse().unwrap()],
        fingerprint: Fingerprint { algorithm: "sha-256".to_owned(), value: vec![0xAB, 0xCD] },
        opus: OpusUse::Transcoded(Rate::Narrow),
    }
}

fn all() -> Terms {
    Terms { codecs: Arc::new(TrunkCodec::BUILT_IN), chooser: Chooser::Pbx, srtp: Srtp::Off, key: SrtpKey::new([9; 32]) }
}

fn local() -> IceCredentials {
    IceCredentials { ufrag: "ufrag".to_owned(), pwd: "password".to_owned() }
}

const ORIGIN: Origin = Origin { session: 5, version: 1 };

#[test]
fn an_answer_takes_the_browsers_numbers_and_refuses_its_video() {
    let offer = WebSdp::offer(FIREFOX).unwrap();

    let answer = offer.write_answer(&room(), &local(), ORIGIN, offer.remote.direction);

    assert_eq!(offer.remote.codec, WebCodec::Opus { payload_type: 109 });
    assert_eq!(offer.remote.telephone_event, Some((101, 8_000)));
    let expected = "v=0\r\n\
        o=- 5 1 IN IP4 203.0.113.1\r\n\
        s=-\r\n\
        t=0 0\r\n\
        a=group:BUNDLE 0\r\n\
        a=ice-lite\r\n\
        m=audio 40000 UDP/TLS/RTP/SAVPF 109 101\r\n\
        c=IN IP4 203.0.113.1\r\n\
        a=mid:0\r\n\
        a=sendrecv\r\n\
        a=rtcp-mux\r\n\
        a=rtpmap:109 opus/48000/2\r\n\
        a=fmtp:109 minptime=10;useinbandfec=1;stereo=0;maxplaybackrate=8000;maxaveragebitrate=24000\r\n\
        a=rtpmap:101 telephone-event/8000\r\n\
        a=fmtp:101 0-16\r\n\
        a=ptime:20\r\n\
        a=ice-ufrag:ufrag\r\n\
        a=ice-pwd:password\r\n\
        a=fingerprint:sha-256 AB:CD\r\n\
        a=setup:passive\r\n\
        a=candidate:1 1 udp 2130706431 203.0.113.1 40000 typ host\r\n\
        a=candidate:2 1 udp 2130706175 2001:db8::1 40000 typ host\r\n\
        a=end-of-candidates\r\n\
        m=video 0 UDP/TLS/RTP/SAVPF 120\r\n";
    assert!(answer.starts_with(expected), "{answer}");
    assert!(answer.ends_with("a=mid:1\r\n") || answer.contains("a=mid:1\r\n"), "{answer}");
}

#[test]
fn a_held_browser_is_answered_in_kind() {
    for (theirs, ours) in [("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")] {
        let offer = WebSdp::offer(&FIREFOX.replace("a=sendrecv", &format!("a={theirs}"))).unwrap();

        let answer = offer.write_answer(&room(), &local(), ORIGIN, offer.remote.direction);

        assert!(answer.contains(&format!("a={ours}\r\n")), "{theirs}: {answer}");
    }
}

#[test]
fn a_pbx_is_answered_with_its_first_codec_that_we_have() {
    let offer = "v=0\r\no=CiscoSystemsCCM-SIP 1 1 IN IP4 192.0.2.9\r\ns=SIP Call\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n\
        m=audio 20000 RTP/AVP 18 8 0 96\r\na=rtpmap:18 G729/8000\r\na=rtpmap:96 telephone-event/8000\r\na=ptime:30\r\n\
        m=video 20002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n";

    let sdp = TrunkSdp::offer(offer, &all()).unwrap();
    let answer = sdp.write_answer(room().trunk, ORIGIN, sdp.remote.direction);

    assert_eq!(sdp.remote.codec, TrunkCodec::G711(G711Law::A));
    assert_eq!((sdp.remote.rtp.port(), sdp.remote.rtcp.port()), (20_000, 20_001));
    assert_eq!(sdp.remote.ptime, Duration::from_millis(30));
    assert!(answer.contains("m=audio 30000 RTP/AVP 8 96\r\n"), "{answer}");
    assert!(answer.contains("m=video 0 RTP/AVP 97\r\n"), "{answer}");
}

#[test]
fn wide_band_is_taken_where_it_is_first_and_the_browser_is_asked_for_it() {
    let offer =
        "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 20000 RTP/AVP 9 0\r\n";
    let sdp = TrunkSdp::offer(offer, &all()).unwrap();
    assert_eq!(sdp.remote.codec, TrunkCodec::G722);
    let answer = sdp.write_answer(room().trunk, ORIGIN, sdp.remote.direction);
    assert!(answer.contains("m=audio 30000 RTP/AVP 9\r\n"), "{answer}");
    assert!(answer.contains("a=rtpmap:9 G722/8000\r\n"), "{answer}");

    let room = MediaRoom { opus: sdp.opus(), ..room() };
    let to_browser = web_offer(&room, &local(), ORIGIN, Direction::SENDRECV);
    assert!(to_browser.contains(";maxplaybackrate=16000;maxaveragebitrate=32000\r\n"), "{to_browser}");

    let only_narrow = Terms { codecs: Arc::new([TrunkCodec::G711(G711Law::Mu)]), ..all() };
    assert_eq!(TrunkSdp::offer(offer, &only_narrow).unwrap().remote.codec, TrunkCodec::G711(G711Law::Mu));
}

#[test]
fn an_offer_inside_the_call_begins_with_what_is_in_use() {
    let offer = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 20000 RTP/AVP 8\r\n";
    let sdp = TrunkSdp::offer(offer, &all()).unwrap();
    let ours = sdp.write_offer(room().trunk, ORIGIN, Direction::SENDRECV);
    assert!(ours.contains("m=audio 30000 RTP/AVP 8 0 9 101\r\n"), "{ours}");
}

#[test]
fn an_address_of_zeroes_is_a_hold() {
    let text = "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";
    let sdp = TrunkSdp::offer(text, &all());

    let direction = sdp.unwrap().remote.direction;

    assert_eq!(direction, Direction { send: false, receive: true });
}

#[test]
fn what_cannot_be_used_is_named() {
    let trunk = |media: &str| {
        let text = format!("v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\n{media}");
        TrunkSdp::offer(&text, &all()).map(|_| ()).unwrap_err()
    };
    assert_eq!(trunk("m=audio 9 RTP/AVP 18\r\n"), SdpFault::NoCodec);
    assert_eq!(trunk("m=audio 0 RTP/AVP 0\r\n"), SdpFault::NoAudio);
    assert_eq!(trunk("m=audio 9 RTP/SAVP 0\r\n"), SdpFault::Encrypted);
    assert_eq!(trunk("m=video 9 RTP/AVP 97\r\n"), SdpFault::NoAudio);
    assert_eq!(WebSdp::offer("not sdp").map(|_| ()).unwrap_err(), SdpFault::Unreadable);
    assert_eq!(WebSdp::answer(FIREFOX).map(|_| ()).unwrap_err(), SdpFault::NoSetup);
}

#[test]
fn a_browser_that_answers_with_both_clocks_of_events_sends_them_at_the_lower() {
    let both =
        FIREFOX.replace("109 9 0 8 101\r\n", "109 110 126\r\n").replace("a=setup:actpass", "a=setup:active").replace(
            "a=rtpmap:101 telephone-event/8000/1\r\n",
            "a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n",
        );

    assert_eq!(WebSdp::answer(&both).unwrap().remote.telephone_event, Some((126, 8_000)));
    assert_eq!(
        WebSdp::answer(&both.replace("a=rtpmap:126 telephone-event/8000\r\n", "")).unwrap().remote.telephone_event,
        Some((110, 48_000))
    );
    assert_eq!(WebSdp::offer(&both.replace("active", "actpass")).unwrap().remote.telephone_event, Some((110, 48_000)));
}

#[test]
fn what_would_fail_later_is_refused_with_the_offer() {
    let fingerprint = FIREFOX.lines().find(|line| line.starts_with("a=fingerprint")).unwrap();
    let weak = format!("a=fingerprint:sha-1 {}", ["AA"; 20].join(":"));
    let (ufrag, pwd) = ("a=ice-ufrag:deadbeef", "a=ice-pwd:0123456789abcdef0123456789abcdef");
    let long = format!("a=ice-ufrag:{}", "u".repeat(257));
    for (line, instead, fault) in [
        (fingerprint, "", SdpFault::NoFingerprint),
        (fingerprint, weak.as_str(), SdpFault::WeakFingerprint),
        (fingerprint, "a=fingerprint:sha-256 12:34", SdpFault::WeakFingerprint),
        (ufrag, "", SdpFault::NoIce),
        (ufrag, "a=ice-ufrag:", SdpFault::BadIce),
        (ufrag, "a=ice-ufrag:a:bcd", SdpFault::BadIce),
        (ufrag, long.as_str(), SdpFault::BadIce),
        (pwd, "a=ice-pwd:short", SdpFault::BadIce),
        ("a=rtcp-mux", "", SdpFault::NoMux),
    ] {
        assert!(FIREFOX.contains(line), "{line}");
        assert_eq!(WebSdp::offer(&FIREFOX.replace(line, instead)).map(|_| ()).unwrap_err(), fault, "{instead}");
    }
    let both = FIREFOX.replace(fingerprint, &format!("{weak}\r\n{fingerprint}"));
    assert_eq!(WebSdp::offer(&both).unwrap().remote.fingerprints.len(), 2, "one that proves is enough");
}

/// RFC 8829 §5.1.2: the profile's name says nothing any more.
#[test]
fn each_profile_of_rtp_is_answered_under_its_own_name() {
    for profile in ["RTP/SAVPF", "RTP/SAVP", "RTP/AVP", "UDP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF"] {
        let offer =
            WebSdp::offer(&FIREFOX.replace("audio 9 UDP/TLS/RTP/SAVPF", &format!("audio 9 {profile}"))).unwrap();

        let answer = offer.write_answer(&room(), &local(), ORIGIN, offer.remote.direction);

        assert!(answer.contains(&format!("m=audio 40000 {profile} 109 101\r\n")), "{answer}");
    }
    let other = FIREFOX.replace("audio 9 UDP/TLS/RTP/SAVPF", "audio 9 udptl");
    assert_eq!(WebSdp::offer(&other).map(|_| ()).unwrap_err(), SdpFault::NoAudio);
}

#[test]
fn a_browser_without_opus_speaks_g711() {
    let without = FIREFOX.replace("SAVPF 109 9 0 8 101", "SAVPF 9 8 0 101");
    let offer = WebSdp::offer(&without).unwrap();

    let answer = offer.write_answer(&room(), &local(), ORIGIN, offer.remote.direction);

    assert_eq!(offer.remote.codec, WebCodec::G711(G711Law::A, 8));
    assert!(answer.contains("m=audio 40000 UDP/TLS/RTP/SAVPF 8 101\r\n"), "{answer}");
    assert!(answer.contains("a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"), "{answer}");
    let none = FIREFOX.replace("SAVPF 109 9 0 8 101", "SAVPF 9 101");
    assert_eq!(WebSdp::offer(&none).map(|_| ()).unwrap_err(), SdpFault::NoCodec);
}

#[test]
fn a_pbx_that_speaks_of_feedback_is_answered_in_its_words() {
    let offer = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 20000 RTP/AVPF 8\r\n";
    let sdp = TrunkSdp::offer(offer, &all()).unwrap();

    let answer = sdp.write_answer(room().trunk, ORIGIN, sdp.remote.direction);

    assert!(answer.contains("m=audio 30000 RTP/AVPF 8\r\n"), "{answer}");
}

#[test]
fn packets_are_as_long_as_the_other_side_asks_for_and_takes() {
    let offer = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 20000 RTP/AVP 8\r\n";
    for (rows, millis) in [
        ("", 20),
        ("a=ptime:10\r\n", 10),
        ("a=ptime:30\r\n", 30),
        ("a=ptime:40\r\na=maxptime:60\r\n", 40),
        ("a=ptime:60\r\na=maxptime:40\r\n", 40),
        ("a=maxptime:10\r\n", 10),
        ("a=ptime:200\r\n", 60),
        ("a=ptime:0\r\n", 10),
        ("a=ptime:often\r\n", 20),
    ] {
        let sdp = TrunkSdp::offer(&format!("{offer}{rows}"), &all()).unwrap();
        assert_eq!(sdp.remote.ptime, Duration::from_millis(millis), "{rows}");
        let answer = sdp.write_answer(room().trunk, ORIGIN, sdp.remote.direction);
        assert!(answer.contains(&format!("a=ptime:{millis}\r\n")), "one length both ways: {answer}");

        let browser = WebSdp::offer(&FIREFOX.replace("a=setup:actpass\r\n", &format!("a=setup:actpass\r\n{rows}")));
        assert_eq!(browser.unwrap().remote.ptime, Duration::from_millis(millis), "{rows}");
    }
}
