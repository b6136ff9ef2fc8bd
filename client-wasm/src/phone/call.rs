//! One call as the page sees it: what it waits for, and what is shown.
//!
//! The SIP side of a call is sip-core's session; this joins it to the peer connection: our description before the
//! INVITE or the 200, the other side's description once. The offer/answer order is RFC 3264's, early media is told
//! from ringing by RFC 5009.

use sip_core::Instant;
use sip_core::agent::SessionId;
use sip_core::message::{HeaderName, NameAddr, Response, Uri};

use super::digits::Digits;
use crate::types::{CallState, Party};

/// One call.
pub(super) struct Call {
    pub(super) stage: Stage,
    pub(super) shown: CallState,
    pub(super) muted: bool,
    pub(super) digits: Digits,
}

/// What the call waits for.
pub(super) enum Stage {
    /// Ours: for our offer and, from then until a moment, for a connection to the server.
    Preparing { invite: Box<Outgoing>, offer: Option<(String, Instant)> },
    /// Ours: for the other side. `answer` is the description that the peer connection has got already.
    Inviting { session: SessionId, answer: Option<String> },
    /// Theirs: for our user. Without an offer, ours goes into the 200.
    Ringing { session: SessionId, offer: Option<String> },
    /// Theirs: for our answer.
    Answering { session: SessionId, headers: Vec<(HeaderName, String)> },
    /// For nothing: both sides talk.
    Active { session: SessionId, negotiation: Negotiation },
}

/// A change of the descriptions during a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Negotiation {
    /// None is under way.
    None,
    /// Our peer connection makes the answer to theirs, or the offer they asked us for.
    Theirs,
    /// Our peer connection makes an offer, or the other side has it.
    Ours,
}

/// What our INVITE will be made of.
pub(super) struct Outgoing {
    pub(super) target: Uri,
    pub(super) from: NameAddr,
    pub(super) headers: Vec<(HeaderName, String)>,
}

impl Call {
    pub(super) fn new(stage: Stage, shown: CallState) -> Self {
        Self { stage, shown, muted: false, digits: Digits::default() }
    }

    /// sip-core's session, once there is one.
    pub(super) const fn session(&self) -> Option<SessionId> {
        match &self.stage {
            Stage::Preparing { .. } => None,
            Stage::Inviting { session, .. }
            | Stage::Ringing { session, .. }
            | Stage::Answering { session, .. }
            | Stage::Active { session, .. } => Some(*session),
        }
    }

    /// Whether this page called.
    pub(super) const fn is_outgoing(&self) -> bool {
        matches!(self.stage, Stage::Preparing { .. } | Stage::Inviting { .. })
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
    attribute(offer, "m=audio ").is_some() && attribute(offer, "a=fingerprint:").is_some()
}

fn attribute<'a>(sdp: &'a str, start: &str) -> Option<&'a str> {
    sdp.lines().find_map(|line| line.strip_prefix(start)).map(str::trim_end)
}

/// The other side, as a header names it.
pub(super) fn party(address: &NameAddr) -> Party {
    let uri = Uri { password: None, ..address.uri.to_request_uri() };
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
    fn forks_are_told_apart_by_their_keys() {
        let one = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:ab\r\na=fingerprint:sha-256 01\r\n";

        assert!(!is_other_transport(one, &one.replace("111", "111 0")));
        assert!(is_other_transport(one, &one.replace(":ab", ":cd")));
        assert!(is_other_transport(one, &one.replace("01", "02")));
        assert!(is_acceptable(one));
        assert!(!is_acceptable("v=0\r\nm=audio 9 RTP/AVP 0\r\n"));
        assert!(!is_acceptable(&one.replace("audio", "video")));
    }
}
