//! Which pages may open a WebSocket (RFC 6455 §10.2): cookies and private networks make any page a user of the relay
//! unless its origin is checked. It does not authenticate anybody: programs can send any Origin they like.

use axum::http::{HeaderMap, HeaderValue, header};
use relay_core::admission::{Page, normal_origin};
use std::net::IpAddr;

/// The rules from `web.origins`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origins {
    admits_all: bool,
    admits_absent: bool,
    admits_localhost: bool,
    list: Vec<String>,
}

impl Origins {
    pub(crate) fn new(rules: &[String]) -> Self {
        Self {
            admits_all: rules.iter().any(|rule| rule == "*"),
            admits_absent: rules.iter().any(|rule| rule == "none"),
            admits_localhost: rules.iter().any(|rule| rule == "localhost"),
            list: rules.iter().map(|rule| normal_origin(rule)).collect(),
        }
    }

    /// `host` is the request's Host: pages from there are always admitted.
    pub(crate) fn admits(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(origin) = origin else {
            return self.admits_all || self.admits_absent;
        };
        let origin = normal_origin(origin);
        let is_neighbour = self.admits_localhost && is_localhost(&origin);
        self.admits_all || is_neighbour || self.list.contains(&origin) || is_same_host(&origin, host)
    }
}

/// The page that makes a request; none for a program.
pub(crate) fn page_of(headers: &HeaderMap) -> Option<Page> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let origin = normal_origin(text(header::ORIGIN)?);
    let is_own = is_same_host(&origin, text(header::HOST));
    Some(Page { origin, is_own })
}

/// Where a request comes from: who connected, or whom a proxy on this machine names last.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let named = forwarded.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
    named.filter(|_| peer.is_loopback()).unwrap_or(peer).to_canonical()
}

/// Whether `web.origins` may have this entry: `scheme://host`, maybe with a port.
pub(crate) fn is_rule(rule: &str) -> bool {
    let is_origin = |rule: &str| {
        let authority = rule.split_once("://").map(|(_, authority)| authority.trim_end_matches('/'));
        authority.is_some_and(|authority| !authority.is_empty() && !authority.contains(['/', '?', '#', '@', ' ', '*']))
    };
    matches!(rule, "*" | "none" | "null" | "localhost") || is_origin(rule)
}

/// A page that this machine serves to itself, whatever its port.
fn is_localhost(origin: &str) -> bool {
    let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

fn is_same_host(origin: &str, host: Option<&str>) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let host = host.map(|host| normal_origin(&format!("{scheme}://{host}")));
    host.as_deref().and_then(|host| host.split_once("://")).is_some_and(|(_, host)| host == authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(rules: &[&str]) -> Origins {
        Origins::new(&rules.iter().map(|rule| (*rule).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn pages_of_the_same_host_are_admitted_and_others_are_not() {
        let origins = origins(&[]);

        assert!(origins.admits(Some("http://localhost:8080"), Some("localhost:8080")));
        assert!(origins.admits(Some("https://Phone.Example.com"), Some("phone.example.com")));
        assert!(origins.admits(Some("https://phone.example.com:443"), Some("phone.example.com")));
        assert!(!origins.admits(Some("http://localhost:9090"), Some("localhost:8080")));
        assert!(!origins.admits(Some("https://evil.example"), Some("phone.example.com")));
        assert!(!origins.admits(Some("https://phone.example.com.evil.example"), Some("phone.example.com")));
        assert!(!origins.admits(Some("null"), Some("phone.example.com")));
        assert!(!origins.admits(Some("https://phone.example.com"), None));
        assert!(!origins.admits(None, Some("phone.example.com")));
    }

    #[test]
    fn listed_pages_are_admitted() {
        let origins = origins(&["https://www.example.com/", "http://localhost:3000"]);

        assert!(origins.admits(Some("https://www.example.com"), Some("relay.example.com")));
        assert!(origins.admits(Some("http://localhost:3000"), Some("relay.example.com")));
        assert!(!origins.admits(Some("http://www.example.com"), Some("relay.example.com")));
    }

    #[test]
    fn only_the_star_admits_everybody() {
        assert!(origins(&["*"]).admits(Some("https://evil.example"), None));
        assert!(origins(&["*"]).admits(None, None));
        assert!(origins(&["none"]).admits(None, Some("relay.example.com")));
        assert!(!origins(&["none"]).admits(Some("https://evil.example"), Some("relay.example.com")));
    }

    #[test]
    fn pages_of_this_machine_are_admitted_at_every_port_where_that_is_wanted() {
        let here = origins(&["localhost"]);

        for page in ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:8081", "https://localhost"] {
            assert!(here.admits(Some(page), Some("localhost:8080")), "{page}");
            assert!(!origins(&[]).admits(Some(page), Some("localhost:8080")), "{page}");
        }
        for page in
            ["http://localhost.evil.example", "http://evil.example:5173", "http://127.0.0.1.evil.example", "null"]
        {
            assert!(!here.admits(Some(page), Some("localhost:8080")), "{page}");
        }
        assert!(!here.admits(None, Some("localhost:8080")));
    }

    #[test]
    fn rules_are_origins_and_not_addresses_of_pages() {
        assert!(is_rule("https://www.example.com"));
        assert!(is_rule("http://localhost:3000/"));
        assert!(!is_rule("www.example.com"));
        assert!(!is_rule("https://www.example.com/page"));
        assert!(!is_rule("https://*.example.com"));
    }
}
