//! Which tokens admit a call. Each row of the threats that tokens bring has its test here; what becomes of an admitted
//! call is in `guests.rs`.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod tokens;

use relay_core::admission::{
    Admission, Asked, Customer, Denial, Grant, Key, KeyFault, Mint, Page, Rules, Site, UnixTime, Wish,
};
use serde_json::{Value, json};
use sip_core::Duration;
use tokens::{NOW, ORIGIN, SECRET, claims, patterns, rules, shop, signed, token};

fn admit(admission: &mut Admission, token: &str, callee: &str, origin: Option<&str>) -> Result<Grant, Denial> {
    let page = origin.map(Page::of);
    admission.admit(Asked { token, callee: &callee.parse().unwrap(), page: page.as_ref() }, UnixTime(NOW))
}

/// What becomes of a token with these changes, in a call to the support.
fn fate(changes: &Value) -> Result<Grant, Denial> {
    fate_of(&token(changes))
}

fn fate_of(token: &str) -> Result<Grant, Denial> {
    admit(&mut Admission::new(rules()), token, "sip:support@shop.example", Some(ORIGIN))
}

fn denial(changes: &Value) -> Option<Denial> {
    fate(changes).err()
}

#[test]
fn a_good_token_admits_its_callee_on_the_trunk_of_its_site() {
    let grant =
        fate(&json!({ "caller": "\"Web shop\" <sip:web@pbx.example.com>", "max_duration": 60, "sub": "v1" })).unwrap();

    assert_eq!((grant.trunk, grant.callee.user.as_str()), (0, "support"));
    assert_eq!(grant.callee.host.as_deref(), Some("pbx.example.com"), "not where the page says");
    assert_eq!(grant.caller.unwrap().display_name.as_deref(), Some("Web shop"));
    assert_eq!(grant.max_duration, Duration::from_secs(60));
    assert_eq!((grant.party.site.as_str(), grant.party.subject.as_str()), ("shop", "v1"));
}

#[test]
fn a_token_admits_one_call_and_a_replay_none() {
    let (mut admission, one) = (Admission::new(rules()), token(&json!({})));
    assert!(admit(&mut admission, &one, "sip:support@x", None).is_ok());

    assert_eq!(admit(&mut admission, &one, "sip:support@x", None).err(), Some(Denial::Spent));
    let resigned = token(&json!({ "exp": NOW + 90 }));
    assert_eq!(admit(&mut admission, &resigned, "sip:support@x", None).err(), Some(Denial::Spent), "the id counts");
    assert!(admit(&mut admission, &token(&json!({ "jti": "two" })), "sip:support@x", None).is_ok());
}

#[test]
fn a_token_that_is_refused_is_not_spent() {
    let (mut admission, one) = (Admission::new(rules()), token(&json!({})));

    assert_eq!(admit(&mut admission, &one, "sip:boss@x", None).err(), Some(Denial::Callee));
    assert!(admit(&mut admission, &one, "sip:support@x", None).is_ok());
}

#[test]
fn times_are_kept_within_the_leeway_of_clocks() {
    assert_eq!(denial(&json!({ "exp": NOW - 31 })), Some(Denial::Expired));
    assert!(fate(&json!({ "exp": NOW - 29 })).is_ok(), "the clocks differ");
    assert_eq!(denial(&json!({ "nbf": NOW + 31 })), Some(Denial::Early));
    assert!(fate(&json!({ "nbf": NOW + 29 })).is_ok());
    assert_eq!(denial(&json!({ "exp": NOW + 3_700 })), Some(Denial::Lasting), "it would have to be remembered as long");
    assert_eq!(denial(&json!({ "exp": -1 })), Some(Denial::Malformed));
    assert_eq!(denial(&json!({ "exp": 1e300 })), Some(Denial::Malformed));
}

#[test]
fn claims_that_are_needed_are_needed() {
    for name in ["exp", "jti", "callee"] {
        assert_eq!(denial(&json!({ name: null })), Some(Denial::Malformed), "{name}");
    }
    for changes in [
        json!({ "iss": null }),
        json!({ "jti": "" }),
        json!({ "jti": "x".repeat(300) }),
        json!({ "callee": [] }),
        json!({ "callee": { "any": true } }),
        json!({ "caller": "nobody" }),
        json!({ "caller": "<sip:web@x?Replaces=1>" }),
        json!({ "caller": "\"x\r\nX-Evil: y\" <sip:web@x>" }),
        json!({ "max_duration": -1 }),
    ] {
        assert_eq!(denial(&changes), Some(Denial::Malformed), "{changes}");
    }
}

#[test]
fn a_token_without_signature_is_none_whatever_its_header_says() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let text = signed(&json!({ "alg": alg }), &claims(&json!({})), SECRET);
        let (unsigned, _) = text.rsplit_once('.').unwrap();
        assert_eq!(fate_of(&format!("{unsigned}.")).err(), Some(Denial::Signature), "{alg:?}");
        assert_eq!(fate_of(&text).err(), Some(Denial::Signature), "{alg:?} with the right signature");
    }
}

#[test]
fn a_public_key_is_no_secret_to_sign_with() {
    let pem = include_str!("tokens/rsa.pub");
    for (key, header) in [(Key::rsa_pem(pem), "HS256"), (Key::rsa_pem(pem), "RS256")] {
        let site = Site { key: Some(key.unwrap()), ..shop() };
        let mut admission = Admission::new(Rules { sites: vec![site], ..rules() });
        let forged = signed(&json!({ "alg": header }), &claims(&json!({})), pem.as_bytes());
        assert_eq!(admit(&mut admission, &forged, "sip:support@x", None).err(), Some(Denial::Signature), "{header}");
    }
}

#[test]
fn changed_claims_and_other_secrets_break_the_signature() {
    let good = token(&json!({}));
    let other = token(&json!({ "callee": "+4930123" }));
    let (head, rest) = good.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let body = other.split('.').nth(1).unwrap();
    assert_eq!(fate_of(&format!("{head}.{body}.{signature}")).err(), Some(Denial::Signature));
    let foreign = signed(&json!({ "alg": "HS256" }), &claims(&json!({})), b"another secret that has 32 bytes, too");
    assert_eq!(fate_of(&foreign).err(), Some(Denial::Signature));
    assert_eq!(denial(&json!({ "iss": "nobody" })), Some(Denial::Issuer));
}

#[test]
fn what_is_no_token_is_told_so() {
    let critical = signed(&json!({ "alg": "HS256", "crit": ["b64"] }), &claims(&json!({})), SECRET);
    let twice = "eyJhbGciOiJIUzI1NiIsImFsZyI6Im5vbmUifQ.e30.AA";
    let long = token(&json!({ "note": "x".repeat(5_000) }));
    for text in ["", ".", "..", "a.b", "a.b.c", "a.b.c.d", "=.=.=", twice, &critical, &long] {
        assert_eq!(fate_of(text).err(), Some(Denial::Malformed), "{text:.40}");
    }
}

#[test]
fn a_token_of_one_page_is_no_token_on_another() {
    let one = || token(&json!({ "origin": ORIGIN }));
    for (origin, expected) in [
        (Some(ORIGIN), None),
        (Some("HTTPS://SHOP.example"), None),
        (Some("https://shop.example.evil"), Some(Denial::Origin)),
        (Some("null"), Some(Denial::Origin)),
        (None, Some(Denial::Origin)),
    ] {
        let result = admit(&mut Admission::new(rules()), &one(), "sip:support@x", origin);
        assert_eq!(result.err(), expected, "{origin:?}");
    }
    let mut site = shop();
    site.allowance.origins = vec![ORIGIN.to_owned()];
    let mut admission = Admission::new(Rules { sites: vec![site], ..rules() });
    let widened = token(&json!({ "origin": ["https://evil.example", ORIGIN] }));
    let elsewhere = admit(&mut admission, &widened, "sip:support@x", Some("https://evil.example"));
    assert_eq!(elsewhere.err(), Some(Denial::Origin), "the site's own list counts as well");
}

#[test]
fn both_the_token_and_its_site_must_allow_the_callee() {
    let to = |callee: &str, claim: &str| {
        admit(&mut Admission::new(rules()), &token(&json!({ "callee": claim })), callee, None)
            .map(|grant| grant.callee.user)
    };
    assert_eq!(to("sip:+4930123@x", "+4930*"), Ok("+4930123".to_owned()));
    assert_eq!(to("tel:+49-30-123", "+4930*"), Ok("+4930123".to_owned()));
    assert_eq!(to("sip:+4940123@x", "+4930*"), Err(Denial::Callee), "not this token");
    assert_eq!(to("sip:+33123@x", "*"), Err(Denial::Callee), "not this site");
    assert_eq!(to("sip:support;phone-context=evil@x", "*"), Err(Denial::Callee));
    assert_eq!(to("sip:*21*0900@x", "*"), Err(Denial::Callee), "a feature code");
}

#[test]
fn premium_and_emergency_numbers_are_out_of_reach_in_every_spelling() {
    let mut site = shop();
    site.allowance.callees = patterns(&["*"]);
    let rules = Rules { sites: vec![site], ..rules() };
    for number in
        ["112", "1-1-2", "+49900123", "+49 (900) 123".replace(' ', "").as_str(), "0049900123", "011-49-900-123"]
    {
        let mut admission = Admission::new(rules.clone());
        let result =
            admit(&mut admission, &token(&json!({ "callee": ["*", "112"] })), &format!("sip:{number}@x"), None);
        assert_eq!(result.err(), Some(Denial::Forbidden), "{number}");
    }
}

#[test]
fn calls_at_once_are_counted_for_each_subject_and_for_the_site() {
    let mut site = shop();
    site.allowance.max_calls = 3;
    let mut admission = Admission::new(Rules { sites: vec![site], ..rules() });
    let mut call = |id: &str, sub: &str| {
        admit(&mut admission, &token(&json!({ "jti": id, "sub": sub, "max_calls": 1 })), "sip:support@x", None)
    };
    let first = call("1", "ann").unwrap();
    assert_eq!(call("2", "ann").err(), Some(Denial::Busy), "another tab of the same visitor");
    assert!(call("3", "ben").is_ok() && call("4", "cat").is_ok());
    assert_eq!(call("5", "dan").err(), Some(Denial::Busy), "the site has three");

    admission.release(&first.party);
    let again = token(&json!({ "jti": "6", "sub": "ann", "max_calls": 1 }));
    assert!(admit(&mut admission, &again, "sip:support@x", None).is_ok());
}

#[test]
fn a_token_allows_no_longer_call_than_its_site() {
    assert_eq!(fate(&json!({ "max_duration": 1_000_000 })).unwrap().max_duration, Duration::from_secs(600));
    assert_eq!(fate(&json!({})).unwrap().max_duration, Duration::from_secs(600));
}

#[test]
fn tokens_signed_by_openssl_are_verified_with_public_keys() {
    let keys = [
        (Key::ed25519_pem(include_str!("tokens/ed25519.pub")), include_str!("tokens/ed25519.jwt")),
        (Key::rsa_pem(include_str!("tokens/rsa.pub")), include_str!("tokens/rsa.jwt")),
    ];
    for (key, token) in keys {
        let key = key.unwrap();
        let mut admission = Admission::new(Rules { sites: vec![Site { key: Some(key), ..shop() }], ..rules() });
        assert!(admit(&mut admission, token, "sip:support@x", None).is_ok());
        assert_eq!(admit(&mut admission, token, "sip:support@x", None).err(), Some(Denial::Spent));
        let changed = token.replacen("eyJpc3MiOiAic2hvcCIs", "eyJpc3MiOiAgInNob3As", 1);
        assert!(admit(&mut admission, &changed, "sip:support@x", None).is_err());
    }
}

#[test]
fn keys_of_another_kind_or_too_short_are_refused_by_name() {
    let (ed, rsa) = (include_str!("tokens/ed25519.pub"), include_str!("tokens/rsa.pub"));
    assert_eq!(Key::ed25519_pem(rsa).err(), Some(KeyFault::OtherKind));
    assert_eq!(Key::rsa_pem(ed).err(), Some(KeyFault::OtherKind));
    assert_eq!(Key::rsa_pem("hello").err(), Some(KeyFault::NotPem));
    assert_eq!(Key::secret(b"short").err(), Some(KeyFault::Short));
    assert_eq!(format!("{:?}", Key::secret(SECRET).unwrap()), "Key(HS256)");
}

const PAGE_KEY: &str = "pk_shop";
const BACK_END: &str = "sk_a_secret_of_the_back_end";

fn mint() -> (Mint, Admission) {
    let mut site = shop();
    site.allowance.origins = vec![ORIGIN.to_owned()];
    let key = Key::secret(b"the relay's own key, of 32 bytes at least").unwrap();
    let customer = Customer::new(site.clone(), Some(PAGE_KEY.to_owned()), Some(BACK_END.as_bytes()));
    let rules = Rules { sites: vec![site], relay_key: Some(key.clone()), ..rules() };
    (Mint::new(vec![customer], key, Duration::from_secs(120)), Admission::new(rules))
}

fn of_page() -> Wish {
    Wish { site_key: Some(PAGE_KEY.to_owned()), page: Some(Page::of(ORIGIN)), ..Wish::default() }
}

#[test]
fn a_page_with_a_site_key_gets_a_token_for_the_callee_its_site_names() {
    let (mint, mut admission) = mint();

    let minted = mint.issue(&of_page(), "id-1".to_owned(), UnixTime(NOW)).unwrap();

    assert_eq!((minted.callee.as_str(), minted.expires), ("support", UnixTime(NOW + 120)));
    let grant = admit(&mut admission, &minted.token, "sip:support@x", Some(ORIGIN)).unwrap();
    assert_eq!(grant.party.site, "shop");
    let other = mint.issue(&of_page(), "id-2".to_owned(), UnixTime(NOW)).unwrap();
    assert_eq!(admit(&mut admission, &other.token, "sip:+4930123@x", Some(ORIGIN)).err(), Some(Denial::Callee));
    assert_eq!(admit(&mut admission, &other.token, "sip:support@x", None).err(), Some(Denial::Origin));
}

#[test]
fn a_page_cannot_choose_more_than_its_site_names() {
    let (mint, _) = mint();
    let ask = |wish: Wish| mint.issue(&wish, "id".to_owned(), UnixTime(NOW)).map(|minted| minted.callee);

    assert_eq!(ask(Wish { callee: Some("+4930123".to_owned()), ..of_page() }), Err(Denial::Callee), "a pattern's");
    assert_eq!(ask(Wish { callee: Some("boss".to_owned()), ..of_page() }), Err(Denial::Callee));
    assert_eq!(ask(Wish { callee: Some("sip:support@any.example".to_owned()), ..of_page() }), Ok("support".to_owned()));
    assert_eq!(ask(Wish { page: Some(Page::of("https://evil.example")), ..of_page() }), Err(Denial::Origin));
    assert_eq!(ask(Wish { page: None, ..of_page() }), Err(Denial::Origin));
    assert_eq!(ask(Wish { site_key: Some("pk_other".to_owned()), ..of_page() }), Err(Denial::Issuer));
    assert_eq!(ask(Wish { site_key: None, ..of_page() }), Err(Denial::Issuer));
    assert_eq!(
        ask(Wish { caller: Some("<sip:ceo@x>".to_owned()), ..of_page() }),
        Ok("support".to_owned()),
        "not heard"
    );
}

#[test]
fn a_back_end_chooses_within_what_its_site_may_do() {
    let (mint, mut admission) = mint();
    let of_back_end =
        || Wish { secret: Some(BACK_END.to_owned()), callee: Some("+49 30 123".to_owned()), ..Wish::default() };
    let ask = |wish: Wish| mint.issue(&wish, "id".to_owned(), UnixTime(NOW));

    let caller = Some("\"Ann\" <sip:ann@x>".to_owned());
    let minted = ask(Wish { caller, max_duration: Some(5), page: Some(Page::of(ORIGIN)), ..of_back_end() });
    let grant = admit(&mut admission, &minted.unwrap().token, "sip:+4930123@x", Some(ORIGIN)).unwrap();
    assert_eq!(
        (grant.max_duration, grant.caller.unwrap().uri.to_string().as_str()),
        (Duration::from_secs(5), "sip:ann@x")
    );
    assert_eq!(ask(Wish { secret: Some("sk_guess".to_owned()), ..of_back_end() }).err(), Some(Denial::Issuer));
    assert_eq!(ask(Wish { callee: Some("+331".to_owned()), ..of_back_end() }).err(), Some(Denial::Callee));
    assert_eq!(ask(Wish { callee: None, ..of_back_end() }).err(), Some(Denial::Malformed));
    assert_eq!(ask(Wish { caller: Some("x".to_owned()), ..of_back_end() }).err(), Some(Denial::Malformed));
}

#[test]
fn a_site_cannot_sign_as_the_relay() {
    let (_, mut admission) = mint();
    let forged = signed(&json!({ "alg": "HS256", "kid": "relay" }), &claims(&json!({})), SECRET);

    assert_eq!(admit(&mut admission, &forged, "sip:support@x", Some(ORIGIN)).err(), Some(Denial::Signature));
}

#[test]
fn pages_of_the_relays_own_host_are_named_self() {
    let mut site = shop();
    site.allowance.origins = vec!["self".to_owned()];
    let mut admission = Admission::new(Rules { sites: vec![site], ..rules() });
    let callee = "sip:support@x".parse().unwrap();
    let mut admit = |page: Page| {
        let token = token(&json!({}));
        admission.admit(Asked { token: &token, callee: &callee, page: Some(&page) }, UnixTime(NOW)).err()
    };

    assert_eq!(admit(Page::of("https://relay.example")), Some(Denial::Origin));
    assert_eq!(admit(Page::of("self")), Some(Denial::Origin), "whatever it calls itself");
    assert_eq!(admit(Page { origin: "https://relay.example".to_owned(), is_own: true }), None);
}
