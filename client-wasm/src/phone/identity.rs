//! Who calls, and by whom a call was diverted, as the server tells it (RFC 3325, 3323, 5806, 7044); and a caller of ours
//! who wants to stay unknown.
//!
//! The server that a page has chosen is believed: it asserts identities, or removes what others claimed.

use sip_core::message::{HeaderName, Headers, Host, NameAddr, Reason, Uri};

use super::call::party;
use crate::types::{Diversion, Identity};

/// Stations that are told.
const MAX_DIVERSIONS: usize = 10;
/// Who does not say who they are (RFC 3323 §4.1.1.3).
const ANONYMOUS: &str = "anonymous.invalid";

/// From of who stays unknown.
pub(super) fn anonymous() -> NameAddr {
    let uri = Uri::sip(Some("anonymous"), Host::Name(ANONYMOUS.to_owned()), None);
    let mut from = NameAddr::new(uri);
    from.display_name = Some("Anonymous".to_owned());
    from
}

/// What asks the server to keep `from` to itself.
pub(super) fn privacy(from: Option<&NameAddr>) -> Vec<(HeaderName, String)> {
    let mut rows = vec![(HeaderName::Privacy, "id".to_owned())];
    rows.extend(from.map(|from| (HeaderName::PPreferredIdentity, from.to_string())));
    rows
}

/// Who calls.
pub(super) fn caller(headers: &Headers, from: &NameAddr) -> Identity {
    let first = |name: &HeaderName| headers.addresses(name).ok().and_then(|addresses| addresses.into_iter().next());
    let asserted = first(&HeaderName::PAssertedIdentity);
    let remote = first(&HeaderName::RemotePartyId);
    let privacy = headers.get(&HeaderName::Privacy).unwrap_or_default();
    let hidden = remote.as_ref().and_then(|remote| remote.params.get("privacy")).unwrap_or("off");
    let is_named = |words: &str, kinds: &[&str]| {
        words.split([';', ',', '-']).any(|word| kinds.iter().any(|kind| word.trim().eq_ignore_ascii_case(kind)))
    };
    let is_anonymous = is_named(privacy, &["id", "user", "header"])
        || is_named(hidden, &["full", "uri", "name"])
        || matches!(&from.uri.host, Host::Name(name) if name.eq_ignore_ascii_case(ANONYMOUS))
        || from.uri.user.as_deref().is_some_and(|user| user.eq_ignore_ascii_case("anonymous"));
    let known = asserted.as_ref().or(remote.as_ref());
    let who = party(known.unwrap_or(from));
    let name = who.display_name.or_else(|| party(from).display_name).filter(|_| !is_anonymous);
    Identity { name, uri: who.uri, asserted: asserted.is_some(), anonymous: is_anonymous }
}

/// By whom the call was sent here, the latest first; Diversion is the simpler of the two headers.
pub(super) fn diversions(headers: &Headers) -> Vec<Diversion> {
    let mut told = Vec::new();
    for address in headers.addresses(&HeaderName::Diversion).unwrap_or_default() {
        told.push(diversion(&address, address.params.get("reason").map(str::to_owned)));
    }
    if told.is_empty() {
        // In History-Info, who sent a call on says why in its own URI (RFC 7044 §10.2); the last entry is ourselves.
        for address in headers.addresses(&HeaderName::HistoryInfo).unwrap_or_default() {
            if let Some(why) = address.uri.header_text("Reason") {
                told.insert(0, diversion(&address, reason(&why)));
            }
        }
    }
    told.truncate(MAX_DIVERSIONS);
    told
}

fn diversion(address: &NameAddr, reason: Option<String>) -> Diversion {
    let who = party(address);
    Diversion { uri: who.uri, name: who.display_name, reason }
}

/// The word of RFC 5806 for the cause of RFC 4458.
fn reason(text: &str) -> Option<String> {
    let word = match text.parse::<Reason>().ok()?.cause? {
        302 => "unconditional",
        486 => "user-busy",
        408 | 480 | 487 => "no-answer",
        404 => "unknown",
        503 => "unavailable",
        _ => return None,
    };
    Some(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(rows: &[(HeaderName, &str)]) -> Headers {
        rows.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect()
    }

    fn identity(rows: &[(HeaderName, &str)], from: &str) -> (Option<String>, String, bool, bool) {
        let Identity { name, uri, asserted, anonymous } = caller(&headers(rows), &from.parse().unwrap());
        (name, uri, asserted, anonymous)
    }

    #[test]
    fn who_is_asserted_is_believed_before_who_is_claimed() {
        let asserted = [(HeaderName::PAssertedIdentity, "<sip:+4930@example.com>, <tel:+4930>")];
        let name = Some("Zoë".to_owned());

        let from = "\"Zoë\" <sip:zoe@example.com>";
        assert_eq!(identity(&asserted, from), (name.clone(), "sip:+4930@example.com".to_owned(), true, false));
        assert_eq!(identity(&[], from), (name, "sip:zoe@example.com".to_owned(), false, false));
        let broken = [(HeaderName::PAssertedIdentity, "nonsense"), (HeaderName::RemotePartyId, "<sip:jo@example.com>")];
        assert_eq!(identity(&broken, from).1, "sip:jo@example.com");
    }

    #[test]
    fn who_wants_to_stay_unknown_has_no_name() {
        let from = "\"Zoë\" <sip:zoe@example.com>";

        assert_eq!(identity(&[(HeaderName::Privacy, "critical; ID")], from).0, None);
        assert!(identity(&[(HeaderName::RemotePartyId, "<sip:a@b>;privacy=full")], from).3);
        assert!(identity(&[], "\"Anonymous\" <sip:anonymous@anonymous.invalid>").3);
        assert!(identity(&[], "<sip:Anonymous@192.0.2.1>").3);
        assert!(!identity(&[(HeaderName::Privacy, "none")], from).3);
    }

    #[test]
    fn diversions_are_read_from_either_header() {
        let told = |rows: &[(HeaderName, &str)]| {
            let told = diversions(&headers(rows)).into_iter();
            told.map(|told| (told.uri, told.name, told.reason)).collect::<Vec<_>>()
        };
        let busy = Some("user-busy".to_owned());

        let diversion = [(HeaderName::Diversion, "\"Desk\" <sip:100@example.com>;reason=user-busy;counter=1")];
        assert_eq!(told(&diversion), [("sip:100@example.com".to_owned(), Some("Desk".to_owned()), busy.clone())]);
        let history = [(
            HeaderName::HistoryInfo,
            "<sip:100@example.com?Reason=SIP%3Bcause%3D486>;index=1, <sip:200@example.com>;index=1.1",
        )];
        assert_eq!(told(&history), [("sip:100@example.com".to_owned(), None, busy)]);
        assert!(told(&[(HeaderName::Diversion, "<<<")]).is_empty());
        let many = vec!["<sip:a@b>"; 40].join(", ");
        assert_eq!(told(&[(HeaderName::Diversion, &many)]).len(), 10);
    }
}
