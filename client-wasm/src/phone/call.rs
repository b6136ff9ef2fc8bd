//! One call as the page sees it: what it waits for, and what is shown.
//!
//! The SIP side of a call is sip-core's session; this joins it to the peer connection: our description before the
//! INVITE or the 200, the other side's description once. The offer/answer order is RFC 3264's, early media is told
//! from ringing by RFC 5009.

use sip_core::agent::SessionId;
use sip_core::message::{HeaderName, NameAddr, Response, Uri};
use sip_core::{Duration, Instant};

use super::digits::Digits;
use super::hold::Hold;
use super::redirect::Elsewhere;
use super::transfer::Replacing;
use crate::types::{CallEnd, CallState, Party};

/// One call.
pub(super) struct Call {
    pub(super) stage: Stage,
    pub(super) shown: CallState,
    pub(super) muted: bool,
    pub(super) digits: Digits,
    pub(super) hold: Hold,
    /// The offer under way is the page's own wish, with nothing new to agree on: an ICE restart.
    pub(super) renews: bool,
    /// Until when somebody is to answer it.
    pub(super) answer_by: Option<Instant>,
    /// What its INVITE was made of, until somebody answers.
    pub(super) dialled: Option<Box<Outgoing>>,
}

/// What the call waits for.
pub(super) enum Stage {
    /// Ours: for our offer (an empty one asks for theirs) and, from then until a moment, for a connection to the server.
    Preparing { invite: Box<Outgoing>, offer: Option<(String, Instant)> },
    /// Ours: for the other side. `answer` is the description that the peer connection has got already: theirs, which is
    /// an offer where ours was delayed. `asked`: our peer connection makes the answer to an offer of theirs.
    Inviting { session: SessionId, answer: Option<String>, delayed: bool, asked: bool },
    /// Ours: for the page, which is to say whether it goes elsewhere; otherwise this is its end. `had_media`: the peer
    /// connection has heard who sent it away.
    Redirected { end: Box<CallEnd>, had_media: bool },
    /// Theirs: for our user. Without an offer, ours goes into the 200.
    Ringing { session: SessionId, offer: Option<String> },
    /// Theirs: for our answer.
    Answering { session: SessionId, headers: Vec<(HeaderName, String)> },
    /// For nothing: both sides talk.
    Active { session: SessionId, negotiation: Negotiation },
}

/// A change of the descriptions during a call.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Negotiation {
    /// None is under way.
    None,
    /// Our peer connection makes the answer to theirs, or the offer they asked us for.
    Theirs,
    /// Our peer connection makes an offer.
    Making,
    /// Our offer is sent, or waits for another attempt after a collision.
    Ours,
    /// Our peer connection makes the description for who takes the other side's place.
    Replacing(Box<Replacing>),
}

/// What our INVITE will be made of.
pub(super) struct Outgoing {
    pub(super) target: Uri,
    /// Whom the page called: the same after a redirection (RFC 3261 §8.1.3.4).
    pub(super) to: NameAddr,
    pub(super) from: NameAddr,
    pub(super) headers: Vec<(HeaderName, String)>,
    /// How long it waits for an answer.
    pub(super) patience: Option<Duration>,
    /// Our description, once it has left; an empty one asked for theirs.
    pub(super) offer: Option<String>,
    pub(super) elsewhere: Elsewhere,
}

impl Call {
    pub(super) fn new(stage: Stage, shown: CallState) -> Self {
        let (digits, hold) = (Digits::default(), Hold::default());
        Self { stage, shown, muted: false, digits, hold, renews: false, answer_by: None, dialled: None }
    }

    /// When it ends because nobody answers.
    pub(super) fn unanswered_at(&self) -> Option<Instant> {
        self.answer_by.filter(|_| matches!(self.stage, Stage::Inviting { .. } | Stage::Ringing { .. }))
    }

    /// sip-core's session, once there is one.
    pub(super) const fn session(&self) -> Option<SessionId> {
        match &self.stage {
            Stage::Preparing { .. } | Stage::Redirected { .. } => None,
            Stage::Inviting { session, .. }
            | Stage::Ringing { session, .. }
            | Stage::Answering { session, .. }
            | Stage::Active { session, .. } => Some(*session),
        }
    }

    /// Whether this session gives its place to another, or takes it.
    pub(super) fn is_replacing(&self, one: SessionId) -> bool {
        let Stage::Active { session, negotiation: Negotiation::Replacing(replacing) } = &self.stage else {
            return false;
        };
        *session == one || replacing.session == one
    }

    /// Whether it was another page's, and its other side has not agreed to have this one in its place.
    pub(super) fn is_resuming(&self) -> bool {
        self.shown == CallState::Reconnecting
    }

    /// Whether this page called.
    pub(super) const fn is_outgoing(&self) -> bool {
        matches!(self.stage, Stage::Preparing { .. } | Stage::Inviting { .. } | Stage::Redirected { .. })
    }
}

/// What a provisional response shows, where it shows something new.
pub(super) fn progress(shown: CallState, response: &Response, has_media: bool) -> Option<CallState> {
    let authorized =
        response.headers.get(&HeaderName::PEarlyMedia).map(|value| !value.eq_ignore_ascii_case("inactive"));
    let early = has_media && authorized.unwrap_or(response.status.as_u16() == 183);
    let next = match response.status.as_u16() {
        _ if early => CallState::Early,
        // Sound that came before goes on unless the header takes it back.
        180 if shown != CallState::Early || authorized == Some(false) => CallState::Ringing,
        _ => shown,
    };
    (next != shown).then_some(next)
}

/// Whether two descriptions stand for different transports, so that one peer connection cannot have both: another
/// fork of the call answered with other keys.
pub(super) fn is_other_transport(one: &str, other: &str) -> bool {
    ["a=ice-ufrag:", "a=fingerprint:"].iter().any(|line| attribute(one, line) != attribute(other, line))
}

/// Whether a browser can talk to who offers this: sound, and keys for it (RFC 8827 §6.5).
pub(super) fn is_acceptable(offer: &str) -> bool {
    let is_on = attribute(offer, "m=audio ").is_some_and(|line| !line.starts_with("0 "));
    is_on && attribute(offer, "a=fingerprint:").is_some()
}

/// Whether the writer of a description wants no sound from us (RFC 3264 §8.4), by its direction or, as RFC 2543 said it,
/// by an address of zeroes. Port 9 there only says that candidates follow (RFC 8840 §4.1.1).
pub(super) fn is_hold(sdp: &str) -> bool {
    let (session, media) = sdp.split_once("\nm=audio ").unwrap_or((sdp, ""));
    let media = media.split("\nm=").next().unwrap_or_default();
    let session = session.split("\nm=").next().unwrap_or_default();
    let direction = |part: &str| {
        let mut lines = part.lines().map(str::trim_end);
        lines.find_map(|line| match line {
            "a=sendrecv" | "a=recvonly" => Some(false),
            "a=sendonly" | "a=inactive" => Some(true),
            _ => None,
        })
    };
    let address = |part: &str| attribute(part, "c=IN IP4 ").map(|address| address == "0.0.0.0");
    let is_nowhere = address(media).or_else(|| address(session)).unwrap_or(false) && !media.starts_with("9 ");
    is_nowhere || direction(media).or_else(|| direction(session)).unwrap_or(false)
}

/// An answer that takes nothing of an offer (RFC 3264 §6).
pub(super) fn declined(offer: &str) -> String {
    let mut answer = String::new();
    for line in offer.lines().filter(|line| !line.starts_with("a=candidate:")) {
        match line.strip_prefix("m=").and_then(|line| line.split_once(' ')) {
            Some((kind, rest)) => {
                let rest = rest.split_once(' ').map_or("", |(_, rest)| rest);
                answer.push_str("m=");
                answer.push_str(kind);
                answer.push_str(" 0 ");
                answer.push_str(rest);
            }
            None => answer.push_str(line),
        }
        answer.push_str("\r\n");
    }
    answer
}

fn attribute<'a>(sdp: &'a str, start: &str) -> Option<&'a str> {
    sdp.lines().find_map(|line| line.strip_prefix(start)).map(str::trim_end)
}

/// The other side, as a header names it.
pub(super) fn party(address: &NameAddr) -> Party {
    let mut uri = address.uri.to_request_uri();
    uri.password = None;
    Party { uri: uri.to_string(), display_name: address.display_name.clone().filter(|name| !name.is_empty()) }
}

/// Who answered, where the server vouches for it (RFC 3325).
pub(super) fn asserted(response: &Response) -> Option<Party> {
    let addresses = response.headers.addresses(&HeaderName::PAssertedIdentity).ok()?;
    addresses.first().map(party)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_core::message::StatusCode;

    fn response(status: u16, early: Option<&str>) -> Response {
        let mut response = Response::new(StatusCode::new(status).unwrap());
        if let Some(early) = early {
            response.headers.set(HeaderName::PEarlyMedia, early);
        }
        response
    }

    #[test]
    fn sound_before_the_answer_is_early_media() {
        let calling = |status, early, sdp| progress(CallState::Calling, &response(status, early), sdp);

        assert_eq!(calling(183, None, true), Some(CallState::Early));
        assert_eq!(calling(183, Some("sendrecv"), true), Some(CallState::Early));
        assert_eq!(calling(183, Some("inactive"), true), None);
        assert_eq!(calling(183, None, false), None);
    }

    #[test]
    fn a_description_alone_does_not_stop_the_ringback() {
        let calling = |early, sdp| progress(CallState::Calling, &response(180, early), sdp);

        assert_eq!(calling(None, false), Some(CallState::Ringing));
        assert_eq!(calling(None, true), Some(CallState::Ringing));
        assert_eq!(calling(Some("inactive"), true), Some(CallState::Ringing));
        assert_eq!(calling(Some("sendonly"), true), Some(CallState::Early));
    }

    #[test]
    fn ringing_does_not_stop_sound_that_came_before() {
        assert_eq!(progress(CallState::Early, &response(180, None), false), None);
        assert_eq!(progress(CallState::Early, &response(180, Some("inactive")), true), Some(CallState::Ringing));
    }

    #[test]
    fn a_hold_is_read_from_direction_or_address() {
        let sdp = |session: &str, port: u16, address: &str, media: &str| {
            let audio = format!("m=audio {port} UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 {address}\r\n{media}\r\n");
            format!("v=0\r\n{session}\r\n{audio}m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=inactive\r\n")
        };
        let plain = |direction: &str| is_hold(&sdp("t=0 0", 4000, "192.0.2.1", direction));

        assert_eq!(["a=sendrecv", "a=recvonly", "a=mid:0"].map(plain), [false; 3]);
        assert_eq!(["a=sendonly", "a=inactive"].map(plain), [true; 2]);
        assert!(is_hold(&sdp("a=sendonly", 4000, "192.0.2.1", "a=mid:0")), "of the session");
        assert!(!is_hold(&sdp("a=inactive", 4000, "192.0.2.1", "a=sendrecv")), "of the line before the session's");
        assert!(is_hold(&sdp("t=0 0", 4000, "0.0.0.0", "a=sendrecv")));
        assert!(!is_hold(&sdp("t=0 0", 9, "0.0.0.0", "a=sendrecv")), "candidates follow");
        assert!(is_hold("v=0\nc=IN IP4 0.0.0.0\nm=audio 4000 UDP/TLS/RTP/SAVPF 111\n"));
        assert!(!is_hold(""));
    }

    #[test]
    fn a_declined_offer_has_its_lines_and_no_port() {
        let offer =
            "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";

        assert_eq!(declined(offer), "v=0\r\nm=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n");
    }

    #[test]
    fn forks_are_told_apart_by_their_keys() {
        let one = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:ab\r\na=fingerprint:sha-256 01\r\n";

        assert!(!is_other_transport(one, &one.replace("111", "111 0")));
        assert!(is_other_transport(one, &one.replace(":ab", ":cd")));
        assert!(is_other_transport(one, &one.replace("01", "02")));
        assert!(is_acceptable(one));
        assert!(!is_acceptable("v=0\r\nm=audio 9 RTP/AVP 0\r\n"));
        assert!(!is_acceptable(&one.replace("audio", "video")));
        assert!(!is_acceptable(&one.replace("audio 9", "audio 0")));
    }
}
