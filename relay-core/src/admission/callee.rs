//! Whom a token may reach: numbers and names, and the patterns that allow or deny them.

use sip_core::message::{Scheme, Uri};

/// The longest user part that is dialled.
const MAX_USER: usize = 64;
/// What people write between digits and nobody dials (RFC 3966 §5.1.1).
const SEPARATORS: [char; 5] = ['-', '.', '(', ')', ' '];
/// What is dialled instead of `+`, somewhere in the world.
const INTERNATIONAL: [&str; 2] = ["00", "011"];

/// A callee as it is dialled: nothing in it can be a parameter, a header or a feature code of a PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callee {
    /// The number or name.
    pub user: String,
    /// The domain it was asked for in; none for `tel:`.
    pub host: Option<String>,
}

impl Callee {
    /// The callee of a Request-URI, or of a claim.
    #[must_use]
    pub fn of(uri: &Uri) -> Option<Self> {
        let host = match uri.scheme {
            Scheme::Sip | Scheme::Sips => Some(uri.host.to_string().to_ascii_lowercase()),
            Scheme::Tel => None,
            Scheme::Other(_) => return None,
        };
        Some(Self { user: dialled(&uri.user_text()?)?, host })
    }

    /// The callee that people write: `support`, `+49 30 123`, `sip:support@example.com`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix("sip:").or_else(|| text.strip_prefix("tel:")).unwrap_or(text);
        let (user, host) = text.split_once('@').map_or((text, None), |(user, host)| (user, Some(host)));
        Some(Self { user: dialled(user)?, host: host.map(str::to_ascii_lowercase) })
    }

    /// Whether the user part is a telephone number.
    fn is_number(&self) -> bool {
        let digits = self.user.strip_prefix('+').unwrap_or(&self.user);
        digits.len() > 1 && digits.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The same number in each form that would reach it.
    fn forms(&self) -> Vec<Self> {
        let international = |prefix: &&str| {
            let rest = self.user.strip_prefix(*prefix).filter(|_| self.is_number())?;
            Some(Self { user: format!("+{rest}"), host: self.host.clone() })
        };
        let mut forms: Vec<_> = INTERNATIONAL.iter().filter_map(international).collect();
        forms.push(self.clone());
        forms
    }
}

/// Letters, digits and a few marks: what remains of a number without its separators. None for anything else.
fn dialled(user: &str) -> Option<String> {
    let is_number = |c: char| c.is_ascii_digit() || c == '+' || SEPARATORS.contains(&c);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '+');
    let user: String = match user.chars().all(is_number) {
        true => user.chars().filter(|c| !SEPARATORS.contains(c)).collect(),
        false => user.to_owned(),
    };
    let is_short = (1..=MAX_USER).contains(&user.len());
    (is_short && user.chars().all(is_name) && user.chars().skip(1).all(|c| c != '+')).then_some(user)
}

/// Callees: `support`, `+4930*`, `*@pbx.example.com`. A star is any number of characters; without a host, any will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    user: String,
    host: Option<String>,
}

impl Pattern {
    /// None where it could match nothing, or is written wrongly.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("sip:").or_else(|| text.strip_prefix("tel:")).unwrap_or(text);
        let (user, host) = match text.split_once('@') {
            Some((user, host)) => (user, Some(host.to_ascii_lowercase())),
            None => (text, None),
        };
        let plain: String = user.chars().filter(|c| *c != '*').collect();
        let is_host = |host: &String| {
            !host.is_empty()
                && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '[' | ']' | '*'))
        };
        if user.is_empty() || !host.iter().all(is_host) {
            return None;
        }
        let user = match plain.is_empty() {
            true => "*".to_owned(),
            false => {
                dialled(&plain)?;
                let is_number = plain.chars().all(|c| c.is_ascii_digit() || c == '+' || SEPARATORS.contains(&c));
                user.chars().filter(|c| !is_number || !SEPARATORS.contains(c)).collect()
            }
        };
        Some(Self { user, host })
    }

    /// Whether it names one callee and no other.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.user.contains('*')
    }

    /// The callee it names, as text.
    #[must_use]
    pub fn as_text(&self) -> String {
        match &self.host {
            Some(host) => format!("{}@{host}", self.user),
            None => self.user.clone(),
        }
    }

    /// The domain it insists on.
    pub(super) fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Whether this callee is one of them.
    #[must_use]
    pub fn is_met(&self, callee: &Callee) -> bool {
        let is_there = |host: &String| callee.host.as_ref().is_some_and(|asked| is_like(host, asked));
        is_like(&self.user, &callee.user) && self.host.as_ref().is_none_or(is_there)
    }

    /// The same for what must not be reached, in whichever form it is dialled.
    pub(super) fn is_met_in_any_form(&self, callee: &Callee) -> bool {
        callee.forms().iter().any(|form| self.is_met(form))
    }
}

/// Whether `text` is `pattern` with something in the place of each star.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = text.get(at + part.len()..).unwrap_or_default();
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callee(uri: &str) -> Option<Callee> {
        Callee::of(&uri.parse().unwrap())
    }

    fn meets(pattern: &str, uri: &str) -> bool {
        Pattern::parse(pattern).unwrap().is_met(&callee(uri).unwrap())
    }

    #[test]
    fn separators_are_not_dialled_and_names_stay() {
        assert_eq!(callee("sip:+49(30)123-45@x").unwrap().user, "+493012345");
        assert_eq!(callee("tel:+49-30-12345").unwrap(), Callee { user: "+493012345".into(), host: None });
        assert_eq!(callee("sip:front-desk.1@X.example").unwrap().user, "front-desk.1");
    }

    #[test]
    fn what_a_pbx_could_read_as_more_than_a_number_is_no_callee() {
        for uri in [
            "sip:*21*+4990012@x",
            "sip:%2372@x",
            "sip:1%3bphone-context=x@x",
            "sip:a%0d%0aX-Evil:%20y@x",
            "sip:a%40b@x",
            "sip:x",
            "sip:1+2@x",
            "http://example.com",
        ] {
            assert_eq!(uri.parse().ok().and_then(|uri| Callee::of(&uri)), None, "{uri}");
        }
        assert_eq!(callee(&format!("sip:{}@x", "1".repeat(65))), None);
    }

    #[test]
    fn stars_stand_for_anything_and_hosts_count_where_they_are_named() {
        assert!(meets("support", "sip:support@any.example"));
        assert!(!meets("support", "sip:support2@any.example"));
        assert!(meets("+4930*", "sip:+49(30)1@x") && !meets("+4930*", "sip:+49401@x"));
        assert!(meets("+49 30*", "sip:+49301@x"), "as people write it");
        assert!(meets("*", "sip:anybody@x"));
        assert!(
            meets("*@pbx.example.com", "sip:1@PBX.example.com") && !meets("*@pbx.example.com", "sip:1@evil.example")
        );
        assert!(!meets("1@pbx.example.com", "tel:1"), "a number without a domain is in none");
        assert!(meets("a*c*e", "sip:abcde@x") && !meets("a*c*e", "sip:abed@x"));
        for wrong in ["", "@x", "a@", "a b;c", "a@b c"] {
            assert_eq!(Pattern::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_denied_number_is_denied_in_each_form_that_reaches_it() {
        let premium = Pattern::parse("+49900*").unwrap();
        for uri in
            ["sip:+499001234@x", "sip:00499001234@x", "sip:011499001234@x", "sip:+49-900-1234@x", "tel:+49(900)1234"]
        {
            assert!(premium.is_met_in_any_form(&callee(uri).unwrap()), "{uri}");
        }
        assert!(!premium.is_met_in_any_form(&callee("sip:+49301234@x").unwrap()));
    }
}
