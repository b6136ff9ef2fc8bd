//! Tokens as a site's back end, or somebody with worse intentions, would write them.

#![allow(dead_code, reason = "each file of tests uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use relay_core::admission::{Allowance, Key, Pattern, Rules, Site};
use ring::hmac;
use serde_json::{Value, json};
use sip_core::Duration;

pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const SECRET: &[u8] = b"a secret of the shop, 32 bytes or more";
pub(crate) const ORIGIN: &str = "https://shop.example";

pub(crate) fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::parse(text).unwrap()).collect()
}

/// A shop that signs its tokens with [`SECRET`].
pub(crate) fn shop() -> Site {
    Site {
        name: "shop".to_owned(),
        trunk: 0,
        domain: "pbx.example.com".to_owned(),
        key: Some(Key::secret(SECRET).unwrap()),
        allowance: Allowance {
            callees: patterns(&["support", "+49*"]),
            origins: Vec::new(),
            caller: None,
            max_duration: Duration::from_secs(600),
            max_calls: 10,
        },
    }
}

pub(crate) fn rules() -> Rules {
    Rules { sites: vec![shop()], denied: patterns(&["112", "+49900*"]), ..Rules::default() }
}

/// Claims that are good at [`NOW`], with some changed; null takes one away.
pub(crate) fn claims(changes: &Value) -> Value {
    let mut claims = json!({ "iss": "shop", "exp": NOW + 60, "jti": "one", "callee": "support" });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

/// A token signed with [`SECRET`].
pub(crate) fn token(changes: &Value) -> String {
    signed(&json!({ "alg": "HS256", "typ": "JWT" }), &claims(changes), SECRET)
}

/// A token with any header, signed as HS256 is.
pub(crate) fn signed(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}
