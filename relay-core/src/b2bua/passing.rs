//! Headers of an INVITE that have no meaning to SIP itself and cross from leg to leg, as the operator allows.
//!
//! Routing, identity and what tells a phone how to behave never cross by this list, whatever it says. What crosses is
//! bounded: an INVITE toward a PBX has to fit a datagram.

use super::headers::Rows;
use crate::media::control::Side;
use sip_core::message::{HeaderName, Headers};
use std::sync::Arc;

/// Headers of one INVITE.
const MAX_ROWS: usize = 16;
/// The bytes of all of them, names and values.
const MAX_BYTES: usize = 1_024;

/// Names that cross: whole, or a beginning with `*` behind it. Names compare without case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassHeaders(Arc<[String]>);

impl PassHeaders {
    /// The list, or the first name that may not be in it.
    ///
    /// # Errors
    /// A name is none, is too general, or has a meaning to SIP.
    pub fn new(names: &[String]) -> Result<Self, String> {
        match names.iter().find(|name| !may_be_listed(name)) {
            Some(name) => Err(name.clone()),
            None => Ok(Self(names.into())),
        }
    }

    /// The rows of an INVITE that came from this side.
    pub(super) fn rows(&self, from: Side, headers: &Headers) -> Rows {
        let mut bytes = 0;
        let mut rows = Rows::new();
        for row in headers {
            bytes += row.name.as_str().len() + row.value.len();
            let is_for_phones = from == Side::Web && tells_phones(&row.name);
            if rows.len() >= MAX_ROWS || bytes > MAX_BYTES {
                break;
            }
            match is_plain(&row.name) && !is_for_phones && self.has(row.name.as_str()) {
                true => rows.push((row.name.clone(), row.value.clone())),
                false => bytes -= row.name.as_str().len() + row.value.len(),
            }
        }
        rows
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|listed| match listed.strip_suffix('*') {
            Some(start) => name.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start)),
            None => name.eq_ignore_ascii_case(listed),
        })
    }
}

impl Default for PassHeaders {
    fn default() -> Self {
        let names =
            ["X-*", "Subject", "Organization", "Priority", "Call-Info", "Alert-Info", "Answer-Mode", "User-to-User"];
        Self(names.map(str::to_owned).into())
    }
}

fn may_be_listed(listed: &str) -> bool {
    match listed.strip_suffix('*') {
        // A shorter beginning would take in headers that nobody thought of.
        Some(start) => start.len() >= 2 && start.parse::<HeaderName>().is_ok(),
        None => listed.parse().is_ok_and(|name| is_plain(&name)),
    }
}

/// Without meaning to SIP's routing, identity, dialogs and bodies.
fn is_plain(name: &HeaderName) -> bool {
    match *name {
        HeaderName::Subject
        | HeaderName::Organization
        | HeaderName::Priority
        | HeaderName::CallInfo
        | HeaderName::AlertInfo
        | HeaderName::UserToUser => true,
        _ => !name.is_known() && !is_one_of(name, &MEANINGFUL),
    }
}

/// What sip-core has no name for, and yet decides where a call goes or who pays for it.
const MEANINGFUL: [&str; 5] =
    ["Refer-Sub", "P-Charging-Vector", "P-Charging-Function-Addresses", "P-Access-Network-Info", "Identity-Info"];

/// What has a phone answer by itself, or ring in another way: the PBX's to say.
fn tells_phones(name: &HeaderName) -> bool {
    match *name {
        HeaderName::CallInfo | HeaderName::AlertInfo => true,
        _ => is_one_of(name, &["Answer-Mode", "Priv-Answer-Mode", "P-Auto-Answer"]),
    }
}

fn is_one_of(name: &HeaderName, names: &[&str]) -> bool {
    names.iter().any(|other| name.as_str().eq_ignore_ascii_case(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(rows: &[(&str, &str)]) -> Headers {
        rows.iter().map(|(name, value)| (name.parse().unwrap(), (*value).to_owned())).collect()
    }

    fn names(rows: &Rows) -> Vec<&str> {
        rows.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn what_is_listed_crosses_and_what_tells_phones_comes_from_the_pbx_alone() {
        let given = headers(&[("x-order", "1"), ("Alert-Info", "<a>"), ("Answer-Mode", "Auto"), ("Y-Other", "2")]);
        let list = PassHeaders::default();

        assert_eq!(names(&list.rows(Side::Web, &given)), ["x-order"]);
        assert_eq!(names(&list.rows(Side::Trunk, &given)), ["x-order", "Alert-Info", "Answer-Mode"]);
    }

    #[test]
    fn what_means_something_to_sip_cannot_be_listed_and_does_not_cross_by_a_pattern() {
        let wrong =
            ["*", "P*", "Via", "route", "P-Asserted-Identity", "Contact", "P-Charging-Vector", "X Y", "", "X-\r\n"];
        for name in wrong {
            assert_eq!(PassHeaders::new(&[name.to_owned()]), Err(name.to_owned()), "{name}");
        }
        let list = PassHeaders::new(&["P-*".to_owned(), "Re*".to_owned()]).unwrap();
        let given = headers(&[
            ("P-Asserted-Identity", "<sip:boss@x>"),
            ("P-Charging-Vector", "icid-value=1"),
            ("Record-Route", "<sip:x>"),
            ("P-Own", "1"),
        ]);
        assert_eq!(names(&list.rows(Side::Web, &given)), ["P-Own"]);
    }

    #[test]
    fn many_and_long_headers_stay_behind() {
        let name: Vec<String> = (0..40).map(|number| format!("X-{number}")).collect();
        let many: Vec<(&str, &str)> = name.iter().map(|name| (name.as_str(), "1")).collect();
        let long = "v".repeat(900);

        assert_eq!(PassHeaders::default().rows(Side::Trunk, &headers(&many)).len(), 16);
        let rows = PassHeaders::default().rows(Side::Trunk, &headers(&[("X-1", &long), ("X-2", &long)]));
        assert_eq!(names(&rows), ["X-1"]);
    }
}
