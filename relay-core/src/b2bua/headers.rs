//! Which headers cross from one leg to the other. Everything not named here stays on its leg: routing, identity and
//! capabilities are each leg's own (the browser must not be able to speak to the PBX through them).

use super::call::DigitsTaken;
use super::guests::bearer_of;
use super::identity;
use crate::media::control::Side;
use sip_core::message::{HeaderName, Headers, dtmf};

/// Rows of a message on one leg, for a message on the other.
pub(super) type Rows = Vec<(HeaderName, String)>;

/// The browser's credentials go to the PBX untouched: they were made for it.
const CREDENTIALS: [HeaderName; 2] = [HeaderName::Authorization, HeaderName::ProxyAuthorization];

/// What a browser's INVITE or REGISTER tells the PBX. Tokens are for the relay.
pub(super) fn to_trunk_request(headers: &Headers) -> Rows {
    let mut rows = pick(headers, &CREDENTIALS);
    rows.retain(|(_, value)| bearer_of(value).is_none());
    rows
}

/// What the PBX's request tells the browser, without what the operator's list adds.
pub(super) fn to_web_request(headers: &Headers) -> Rows {
    identity::to_web(headers)
}

/// What the PBX's response tells the browser: challenges, and how and when to try again.
pub(super) fn to_web_response(headers: &Headers) -> Rows {
    const NAMES: [HeaderName; 6] = [
        HeaderName::WwwAuthenticate,
        HeaderName::ProxyAuthenticate,
        HeaderName::RetryAfter,
        HeaderName::MinExpires,
        HeaderName::Warning,
        HeaderName::Reason,
    ];
    pick(headers, &NAMES)
}

/// What the browser's response tells the PBX.
pub(super) fn to_trunk_response(headers: &Headers) -> Rows {
    pick(headers, &[HeaderName::RetryAfter, HeaderName::Warning, HeaderName::Reason])
}

/// What a request inside a dialog brings along with its body.
pub(super) fn in_dialog_request(from: Side, headers: &Headers) -> Rows {
    let mut rows = match from {
        Side::Web => to_trunk_request(headers),
        Side::Trunk => to_web_request(headers),
    };
    rows.extend(pick(headers, &[HeaderName::InfoPackage, HeaderName::ContentDisposition, HeaderName::Accept]));
    rows
}

/// What the answer to a request inside a dialog says besides its status; `from` gave it.
pub(super) fn in_dialog_response(from: Side, headers: &Headers) -> Rows {
    let mut rows = match from {
        Side::Trunk => to_web_response(headers),
        Side::Web => to_trunk_response(headers),
    };
    rows.extend(pick(headers, &[HeaderName::Accept, HeaderName::RecvInfo]));
    rows
}

/// How a client takes digits: it allows INFO, and names the body or does not.
pub(super) fn digits_taken(headers: &Headers) -> DigitsTaken {
    let names = |name: HeaderName, wanted: &str| {
        headers
            .values(&name)
            .any(|value| value.split(';').next().is_some_and(|value| value.trim().eq_ignore_ascii_case(wanted)))
    };
    match names(HeaderName::Allow, "INFO") {
        true if names(HeaderName::Accept, dtmf::RELAY) => DigitsTaken::AsInfo,
        true => DigitsTaken::AsTheyCome,
        false => DigitsTaken::Heard,
    }
}

/// What a browser's MESSAGE, SUBSCRIBE or PUBLISH tells the PBX.
pub(super) fn to_trunk_event(headers: &Headers) -> Rows {
    const NAMES: [HeaderName; 6] = [
        HeaderName::Event,
        HeaderName::Expires,
        HeaderName::Accept,
        HeaderName::SipIfMatch,
        HeaderName::Subject,
        HeaderName::Priority,
    ];
    let mut rows = to_trunk_request(headers);
    rows.extend(pick(headers, &NAMES));
    rows.extend(content(headers));
    rows
}

/// What belongs to a body, beside its type.
pub(super) fn content(headers: &Headers) -> Rows {
    const NAMES: [HeaderName; 5] = [
        HeaderName::ContentEncoding,
        HeaderName::ContentDisposition,
        HeaderName::ContentLanguage,
        HeaderName::Date,
        HeaderName::InReplyTo,
    ];
    pick(headers, &NAMES)
}

/// What the PBX's NOTIFY tells the browser.
pub(super) fn notification(headers: &Headers) -> Rows {
    let mut rows = pick(headers, &[HeaderName::Event, HeaderName::SubscriptionState]);
    rows.extend(content(headers));
    rows
}

/// What the PBX's answer to one of these tells the browser.
pub(super) fn to_web_event_response(headers: &Headers) -> Rows {
    let mut rows = to_web_response(headers);
    rows.extend(pick(headers, &[HeaderName::SipEtag, HeaderName::Expires]));
    rows.extend(understood(headers));
    rows
}

/// What the browser's answer to a MESSAGE tells the PBX.
pub(super) fn to_trunk_event_response(headers: &Headers) -> Rows {
    let mut rows = to_trunk_response(headers);
    rows.extend(understood(headers));
    rows
}

/// What the answering side would understand.
fn understood(headers: &Headers) -> Rows {
    const NAMES: [HeaderName; 4] =
        [HeaderName::Accept, HeaderName::AcceptEncoding, HeaderName::AllowEvents, HeaderName::Unsupported];
    pick(headers, &NAMES)
}

/// Whether news of a transfer are wanted (RFC 4488).
pub(super) fn refer_sub(headers: &Headers) -> Option<(HeaderName, String)> {
    let name = HeaderName::other("Refer-Sub");
    headers.get(&name).map(str::to_owned).map(|value| (name, value))
}

/// Whether no news of a transfer will come (RFC 4488 §4).
pub(super) fn refuses_news(headers: &Headers) -> bool {
    refer_sub(headers).is_some_and(|(_, wanted)| wanted.trim().eq_ignore_ascii_case("false"))
}

/// Whether the sender has answered a challenge, so that another is unlikely.
pub(super) fn has_credentials(headers: &Headers) -> bool {
    CREDENTIALS.iter().any(|name| headers.get(name).is_some())
}

fn pick(headers: &Headers, names: &[HeaderName]) -> Rows {
    let rows = names.iter().flat_map(|name| headers.get_all(name).map(move |value| (name.clone(), value.to_owned())));
    rows.collect()
}
