//! Who calls, as each side may say it (RFC 3323, 3325, 5806): read and written anew, never passed as it came.
//!
//! The PBX is believed: whom it asserts, the browser is told, unless the caller wants to stay unknown. A browser asserts
//! nothing; it may ask for privacy, and name which of the addresses it is registered with it prefers.

use super::headers::Rows;
use super::routes::without_routing;
use sip_core::message::{HeaderName, Headers, NameAddr, Scheme, Uri};

/// A `sip:` and a `tel:` address (RFC 3325 §9.1).
const MAX_IDENTITIES: usize = 2;
/// Stations that a call was diverted by.
const MAX_DIVERSIONS: usize = 10;
/// What a caller may ask for (RFC 3323 §4.2, RFC 3325 §9.3).
const PRIVACY: [&str; 7] = ["none", "id", "user", "header", "session", "critical", "history"];

/// Who calls, for a browser.
pub(super) fn to_web(headers: &Headers) -> Rows {
    let mut rows = Rows::new();
    let identity = first_of(headers, &[HeaderName::PAssertedIdentity, HeaderName::RemotePartyId]);
    let is_private = wants_privacy(headers) || identity.iter().any(is_hidden);
    if is_private {
        rows.push((HeaderName::Privacy, "id".to_owned()));
    } else {
        let told = identity.iter().take(MAX_IDENTITIES).filter_map(clean);
        rows.extend(told.map(|identity| (HeaderName::PAssertedIdentity, identity.to_string())));
    }
    if !is_private && !asks_for(headers, "history") {
        rows.extend(way_here(headers));
    }
    rows
}

/// Whom the call was meant for before. It is the caller's as well: who stays unknown is not betrayed by whom it called.
fn way_here(headers: &Headers) -> Rows {
    let diversions = headers.addresses(&HeaderName::Diversion).unwrap_or_default();
    let mut rows: Rows = diversions.iter().take(MAX_DIVERSIONS).filter_map(diversion).collect();
    let history = headers.values(&HeaderName::HistoryInfo).take(MAX_DIVERSIONS);
    rows.extend(history.map(|entry| (HeaderName::HistoryInfo, entry.to_owned())));
    rows
}

/// What a browser wishes, for the PBX; it is registered with the addresses that `is_own` says.
pub(super) fn to_trunk(headers: &Headers, is_own: impl Fn(&Uri) -> bool) -> Rows {
    let mut rows = Rows::new();
    if let Some(preferred) = preferred(headers).filter(|preferred| is_own(&preferred.uri)) {
        rows.push((HeaderName::PPreferredIdentity, preferred.to_string()));
    }
    let asked: Vec<&str> = PRIVACY.into_iter().filter(|kind| asks_for(headers, kind)).collect();
    if !asked.is_empty() {
        rows.push((HeaderName::Privacy, asked.join(";")));
    }
    rows
}

/// Which of its addresses a browser calls from, where From does not say so.
pub(super) fn preferred(headers: &Headers) -> Option<NameAddr> {
    headers.addresses(&HeaderName::PPreferredIdentity).ok()?.first().and_then(clean)
}

/// The addresses of the first of these headers that has some.
fn first_of(headers: &Headers, names: &[HeaderName]) -> Vec<NameAddr> {
    let mut found = names.iter().map(|name| headers.addresses(name).unwrap_or_default());
    found.find(|addresses| !addresses.is_empty()).unwrap_or_default()
}

fn asks_for(headers: &Headers, kind: &str) -> bool {
    let kinds = headers.values(&HeaderName::Privacy).flat_map(|value| value.split(';'));
    kinds.map(str::trim).any(|asked| asked.eq_ignore_ascii_case(kind))
}

fn wants_privacy(headers: &Headers) -> bool {
    ["id", "user", "header"].iter().any(|kind| asks_for(headers, kind))
}

/// Remote-Party-ID says so in the address itself (draft-ietf-sip-privacy-04).
fn is_hidden(identity: &NameAddr) -> bool {
    let privacy = identity.params.get("privacy").unwrap_or("off");
    privacy.split(['-', ',']).any(|kind| ["full", "uri", "name"].iter().any(|hidden| kind.eq_ignore_ascii_case(hidden)))
}

/// An address without what would route it and without parameters of the header.
fn clean(address: &NameAddr) -> Option<NameAddr> {
    if let Scheme::Other(_) = address.uri.scheme {
        return None;
    }
    let mut uri = without_routing(&address.uri.to_request_uri());
    uri.password = None;
    let mut clean = NameAddr::new(uri);
    clean.display_name.clone_from(&address.display_name);
    Some(clean)
}

fn diversion(address: &NameAddr) -> Option<(HeaderName, String)> {
    let mut told = clean(address)?;
    for name in ["reason", "counter", "privacy"] {
        if let Some(value) = address.params.get(name) {
            told.params.set(name, Some(value));
        }
    }
    Some((HeaderName::Diversion, told.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(rows: &[(HeaderName, &str)]) -> Headers {
        rows.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_pbx_is_believed_without_what_would_route() {
        let value =
            "\"Jürgen \\\"J\\\" Ö\" <sip:jo:pw@example.com;maddr=1.2.3.4;lr>;x=y, <tel:+49301234>, <sip:third@x>";

        let rows = to_web(&headers(&[(HeaderName::PAssertedIdentity, value)]));

        let values: Vec<&str> = rows.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["\"Jürgen \\\"J\\\" Ö\" <sip:jo@example.com>", "<tel:+49301234>"]);
    }

    #[test]
    fn a_caller_who_wants_to_stay_unknown_stays_so() {
        let asserted = (HeaderName::PAssertedIdentity, "<sip:jo@example.com>");
        let private = [(HeaderName::Privacy, "id;critical")];
        let hidden = [(HeaderName::RemotePartyId, "<sip:jo@example.com>;party=calling;privacy=full")];
        let unknown = vec![(HeaderName::Privacy, "id".to_owned())];

        assert_eq!(to_web(&headers(&[asserted.clone(), private[0].clone()])), unknown);
        assert_eq!(to_web(&headers(&hidden)), unknown);
        assert_eq!(to_web(&headers(&[asserted, (HeaderName::Privacy, "none")])).len(), 1);
    }

    #[test]
    fn a_remote_party_id_is_read_where_nothing_is_asserted() {
        let rows =
            to_web(&headers(&[(HeaderName::RemotePartyId, "\"Jo\" <sip:jo@example.com>;party=calling;screen=yes")]));

        assert_eq!(rows, [(HeaderName::PAssertedIdentity, "\"Jo\" <sip:jo@example.com>".to_owned())]);
    }

    #[test]
    fn a_browser_prefers_only_what_is_its_own() {
        let wish = |preferred: &str| {
            let rows = [(HeaderName::PPreferredIdentity, preferred), (HeaderName::Privacy, "id;nonsense")];
            to_trunk(&headers(&rows), |uri| uri.user.as_deref() == Some("jo"))
        };

        let privacy = (HeaderName::Privacy, "id".to_owned());
        let preferred = (HeaderName::PPreferredIdentity, "<sip:jo@example.com>".to_owned());
        assert_eq!(wish("<sip:jo@example.com;maddr=evil>;x=1"), [preferred, privacy.clone()]);
        assert_eq!(wish("<sip:boss@example.com>"), std::slice::from_ref(&privacy));
        assert_eq!(wish("<nonsense"), [privacy]);
    }

    #[test]
    fn diversions_are_bounded() {
        let many = ["<sip:a@example.com>;reason=user-busy;counter=1"; 12].join(", ");
        for name in [HeaderName::Diversion, HeaderName::HistoryInfo] {
            let rows = to_web(&headers(&[(name.clone(), &many)]));

            assert_eq!(rows.len(), 10);
            assert_eq!(rows[0], (name, "<sip:a@example.com>;reason=user-busy;counter=1".to_owned()));
        }
    }

    #[test]
    fn the_way_here_is_not_told_of_who_asks_that_it_is_not() {
        let way =
            [(HeaderName::Diversion, "<sip:a@example.com>"), (HeaderName::HistoryInfo, "<sip:a@example.com>;index=1")];
        for (privacy, told) in [("none", 2), ("critical", 2), ("history", 0), ("id", 0), ("user;critical", 0)] {
            let rows = to_web(&headers(&[&way[..], &[(HeaderName::Privacy, privacy)]].concat()));
            let of_way = rows.iter().filter(|(name, _)| *name != HeaderName::Privacy).count();
            assert_eq!(of_way, told, "{privacy}");
        }
    }
}
