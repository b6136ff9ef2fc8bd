//! Digest authentication against the examples of RFC 2617, RFC 7616 and RFC 8760, and through the ways it goes wrong.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use sip_core::digest::{Algorithm, Authenticator, Credentials, Refusal, Secret, Verdict, Verifier, verify};
use sip_core::message::{Authorization, HeaderName, Method, Request, Response, StatusCode};
use sip_core::{Duration, Entropy, Instant};

fn request() -> Request {
    Request::new(Method::Register, "sip:example.com".parse().unwrap())
}

fn entropy() -> Entropy {
    Entropy::new([9; 32])
}

/// A 401 with some challenges.
fn challenged(rows: &[&str]) -> Response {
    let mut response = Response::new(StatusCode::UNAUTHORIZED);
    for row in rows {
        response.headers.push(HeaderName::WwwAuthenticate, *row);
    }
    response
}

fn sent(request: &Request) -> Authorization {
    request.headers.get(&HeaderName::Authorization).unwrap().parse().unwrap()
}

/// Credentials, written over several lines.
fn authorization(text: &str) -> Authorization {
    text.replace('\n', " ").parse().unwrap()
}

// Known answers.

#[test]
fn rfc_2617_section_3_5() {
    let credentials = authorization(
        r#"Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
        uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1",
        opaque="5ccc069c403ebaf9f0171e9517f40e41""#,
    );
    let method = Method::Other("GET".to_owned());

    assert!(verify(&credentials, &Secret::new("Circle Of Life"), &method, b""));
    assert!(!verify(&credentials, &Secret::new("Circle of Life"), &method, b""));
    assert!(!verify(&credentials, &Secret::new("Circle Of Life"), &Method::Other("POST".to_owned()), b""));
}

#[test]
fn rfc_7616_section_3_9_1() {
    for (algorithm, response) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let credentials = authorization(&format!(
            r#"Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm={algorithm},
            nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001,
            cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="{response}",
            opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#
        ));
        assert!(
            verify(&credentials, &Secret::new("Circle of Life"), &Method::Other("GET".to_owned()), b""),
            "{algorithm}"
        );
    }
}

/// The user and nonces of RFC 7616 §3.9.2; its printed response is wrong (erratum 4897), this one was computed with
/// another implementation.
#[test]
fn rfc_7616_section_3_9_2_without_hashed_user() {
    let credentials = authorization(
        r#"Digest username="Jäsøn Doe", realm="api@example.org", uri="/doe.json", algorithm=sha-512-256,
        nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", nc=00000001, cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm",
        qop=auth, response="7a4e1192babbba02e91182d2895bfdbf7adafc6e48d4e517ca301974843d840c""#,
    );

    assert!(verify(&credentials, &Secret::new("Secret, or not?"), &Method::Other("GET".to_owned()), b""));
}

/// The user, password and nonces that draft-smith-sipping-auth-examples works through.
#[test]
fn every_algorithm_and_quality_of_protection() {
    for (parameters, response) in [
        ("algorithm=MD5", "bf57e4e0d0bffc0fbaedce64d59add5e"),
        (r#"qop=auth, nc=00000001, cnonce="0a4f113b""#, "89eb0059246c02b2f6ee02c7961d5ea3"),
        (r#"qop=auth-int, nc=00000001, cnonce="0a4f113b""#, "77226bb823dc077c1ad3537415667bae"),
        (r#"algorithm=MD5-sess, qop=auth, nc=00000001, cnonce="0a4f113b""#, "e4e4ea61d186d07a92c9e1f6919902e9"),
        (
            r#"algorithm=SHA-256-sess, qop=auth, nc=00000001, cnonce="0a4f113b""#,
            "5da59c9ca40954be9d5063a15a174066c8251be2c10cf47c144c366dc7daf792",
        ),
    ] {
        let credentials = authorization(&format!(
            r#"Digest username="bob", realm="biloxi.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
            uri="sip:bob@biloxi.com", response="{}", {parameters}"#,
            response.to_uppercase()
        ));
        assert!(verify(&credentials, &Secret::new("zanzibar"), &Method::Invite, b"v=0\r\n"), "{parameters}");
    }
}

// The client.

#[test]
fn a_nonce_is_counted_in_eight_hexadecimal_digits() {
    let mut authenticator = Authenticator::new(Credentials::new("alice", "secret"));
    let challenge = challenged(&[r#"Digest realm="example.com", nonce="n1", opaque="o", qop="auth,auth-int""#]);
    let mut first = request();
    authenticator.answer(&mut first, &challenge, &mut entropy()).unwrap();
    assert_eq!(sent(&first).nc.as_deref(), Some("00000001"));
    assert_eq!((sent(&first).opaque.as_deref(), sent(&first).qop.as_deref()), (Some("o"), Some("auth")));

    let counts: Vec<_> = (0..10)
        .map(|_| {
            let mut next = request();
            authenticator.authorize(&mut next);
            assert!(verify(&sent(&next), &Secret::new("secret"), &Method::Register, b""));
            sent(&next).nc.unwrap()
        })
        .collect();

    assert_eq!((counts[0].as_str(), counts[8].as_str(), counts[9].as_str()), ("00000002", "0000000a", "0000000b"));
}

#[test]
fn the_strongest_known_algorithm_is_answered() {
    let mut authenticator = Authenticator::new(Credentials::new("alice", "secret"));
    let challenge = challenged(&[
        r#"Digest realm="r", nonce="1", qop="auth", algorithm=md5"#,
        r#"Digest realm="r", nonce="2", qop="auth", algorithm=SHA3-512"#,
        r#"Digest realm="r", nonce="3", qop="auth", algorithm="sha-256""#,
        r#"Digest realm="r", nonce="4", qop="x-unknown", algorithm=SHA-512-256"#,
        r#"Basic realm="r""#,
    ]);
    let mut request = request();

    authenticator.answer(&mut request, &challenge, &mut entropy()).unwrap();

    assert_eq!(request.headers.get_all(&HeaderName::Authorization).count(), 1);
    assert_eq!((sent(&request).nonce.as_str(), sent(&request).algorithm.as_deref()), ("3", Some("sha-256")));
    assert!(verify(&sent(&request), &Secret::new("secret"), &Method::Register, b""));
}

#[test]
fn a_challenge_without_qop_is_answered_as_rfc_2069_says() {
    let mut authenticator = Authenticator::new(Credentials::new("alice", "secret"));
    let mut first = request();

    authenticator.answer(&mut first, &challenged(&[r#"Digest realm="r", nonce="1""#]), &mut entropy()).unwrap();

    let credentials = sent(&first);
    assert_eq!(
        (&credentials.qop, &credentials.nc, &credentials.cnonce, &credentials.algorithm),
        (&None, &None, &None, &None)
    );
    assert!(verify(&credentials, &Secret::new("secret"), &Method::Register, b""));
    let mut next = request();
    authenticator.authorize(&mut next);
    assert!(!next.headers.has(&HeaderName::Authorization), "such a nonce is not used again unasked");
}

#[test]
fn auth_int_covers_the_body() {
    let mut authenticator = Authenticator::new(Credentials::new("alice", "secret"));
    let mut request = request();
    request.set_body("text/plain", "hello");
    let challenge = challenged(&[r#"Digest realm="r", nonce="1", qop="auth-int", algorithm=SHA-512-256-sess"#]);

    authenticator.answer(&mut request, &challenge, &mut entropy()).unwrap();

    assert!(verify(&sent(&request), &Secret::new("secret"), &Method::Register, b"hello"));
    assert!(!verify(&sent(&request), &Secret::new("secret"), &Method::Register, b"Hello"));
}

#[test]
fn a_wrong_password_is_told_after_one_attempt() {
    let mut authenticator = Authenticator::new(Credentials::new("alice", "wrong"));
    let mut request = request();
    authenticator
        .answer(&mut request, &challenged(&[r#"Digest realm="r", nonce="1", qop="auth""#]), &mut entropy())
        .unwrap();

    for next in [r#"Digest realm="r", nonce="1", qop="auth""#, r#"Digest realm="r", nonce="2", qop="auth""#] {
        let refusal = authenticator.answer(&mut request.clone(), &challenged(&[next]), &mut entropy());
        assert_eq!(refusal, Err(Refusal::WrongPassword { realm: "r".to_owned() }), "{next}");
    }
}

#[test]
fn a_stale_nonce_is_replaced_once() {
    let mut authenticator = Authenticator::new(Credentials::new("alice", "secret"));
    let mut request = request();
    let stale = |nonce: u8| challenged(&[&format!(r#"Digest realm="r", nonce="{nonce}", qop="auth", stale=true"#)]);
    authenticator
        .answer(&mut request, &challenged(&[r#"Digest realm="r", nonce="1", qop="auth""#]), &mut entropy())
        .unwrap();

    assert_eq!(authenticator.answer(&mut request, &stale(2), &mut entropy()), Ok(()));
    assert_eq!(sent(&request).nonce, "2");
    let again = authenticator.answer(&mut request, &stale(3), &mut entropy());
    assert_eq!(again, Err(Refusal::WrongPassword { realm: "r".to_owned() }));
}

#[test]
fn a_nonce_that_worked_may_expire_without_being_called_stale() {
    let mut authenticator = Authenticator::new(Credentials::new("alice", "secret"));
    authenticator
        .answer(&mut request(), &challenged(&[r#"Digest realm="r", nonce="1", qop="auth""#]), &mut entropy())
        .unwrap();
    let mut refresh = request();
    authenticator.authorize(&mut refresh);

    let expired = challenged(&[r#"Digest realm="r", nonce="2", qop="auth""#]);
    assert_eq!(authenticator.answer(&mut refresh, &expired, &mut entropy()), Ok(()));
    assert_eq!((sent(&refresh).nonce.as_str(), sent(&refresh).nc.as_deref()), ("2", Some("00000001")));
}

#[test]
fn a_proxy_and_a_server_are_answered_side_by_side() {
    let mut authenticator = Authenticator::new(Credentials::new("alice", "secret"));
    let mut request = request();
    let mut proxy = Response::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    proxy.headers.push(HeaderName::ProxyAuthenticate, r#"Digest realm="p1", nonce="1", qop="auth""#);
    proxy.headers.push(HeaderName::ProxyAuthenticate, r#"Digest realm="p2", nonce="2", qop="auth""#);
    authenticator.answer(&mut request, &proxy, &mut entropy()).unwrap();

    authenticator.answer(&mut request, &challenged(&[r#"Digest realm="s", nonce="3""#]), &mut entropy()).unwrap();

    let proxies = request.headers.get_all(&HeaderName::ProxyAuthorization);
    let realms: Vec<_> = proxies.map(|row| authorization(row).realm).collect();
    assert_eq!(realms, ["p1", "p2"]);
    assert_eq!(sent(&request).realm, "s");
}

#[test]
fn credentials_answer_their_own_realm_only() {
    let credentials = Credentials::new("alice", "secret").for_realm("trunk.example.com");
    let mut authenticator = Authenticator::new(credentials);
    let mut answer = |row| authenticator.answer(&mut request(), &challenged(&[row]), &mut entropy());

    let foreign = answer(r#"Digest realm="evil.example.net", nonce="1""#);
    assert_eq!(foreign, Err(Refusal::OtherRealm { realm: "evil.example.net".to_owned() }));
    assert_eq!(answer(r#"Digest realm="trunk.example.com", nonce="1""#), Ok(()));
    let unknown = answer(r#"Digest realm="trunk.example.com", nonce="1", algorithm=ROT13"#);
    assert_eq!(unknown, Err(Refusal::Unsupported { realm: "trunk.example.com".to_owned() }));
    assert_eq!(answer("\"\""), Err(Refusal::NoChallenge));
}

#[test]
fn the_next_nonce_of_a_success_is_taken() {
    let mut authenticator = Authenticator::new(Credentials::new("alice", "secret"));
    authenticator
        .answer(&mut request(), &challenged(&[r#"Digest realm="r", nonce="1", qop="auth""#]), &mut entropy())
        .unwrap();
    let mut ok = Response::new(StatusCode::OK);
    ok.headers.push(HeaderName::AuthenticationInfo, r#"qop=auth, nextnonce="2", nc=00000001"#);

    authenticator.accepted(&ok);

    let mut next = request();
    authenticator.authorize(&mut next);
    assert_eq!((sent(&next).nonce.as_str(), sent(&next).nc.as_deref()), ("2", Some("00000001")));
}

#[test]
fn secrets_are_not_printed() {
    let credentials = Credentials::new("alice", "swordfish");
    let authenticator = Authenticator::new(credentials.clone());

    assert!(!format!("{credentials:?} {authenticator:?}").contains("swordfish"));
}

// The server.

/// A verifier, and a client's credentials for its challenge.
fn exchange(password: &str) -> (Verifier, Authenticator, Request) {
    let algorithms = [Algorithm::Sha256, Algorithm::Md5];
    let mut verifier = Verifier::new("example.com", &algorithms, Duration::from_secs(300));
    let rows: Vec<_> =
        verifier.challenge(false, &mut entropy(), Instant::ZERO).iter().map(ToString::to_string).collect();
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let mut authenticator = Authenticator::new(Credentials::new("alice", password));
    let mut request = request();
    authenticator.answer(&mut request, &challenged(&rows), &mut Entropy::new([1; 32])).unwrap();
    (verifier, authenticator, request)
}

fn judge(verifier: &mut Verifier, request: &Request, now: Instant) -> Verdict {
    verifier.verify(&sent(request), &Secret::new("secret"), &Method::Register, b"", now)
}

#[test]
fn the_verifier_takes_each_count_once() {
    let (mut verifier, mut authenticator, first) = exchange("secret");
    let mut second = request();
    authenticator.authorize(&mut second);

    assert_eq!(sent(&first).algorithm.as_deref(), Some("SHA-256"));
    assert_eq!(judge(&mut verifier, &first, Instant::ZERO), Verdict::Accepted);
    assert_eq!(judge(&mut verifier, &first, Instant::ZERO), Verdict::Stale, "replayed");
    assert_eq!(judge(&mut verifier, &second, Instant::ZERO), Verdict::Accepted);
}

#[test]
fn the_verifier_calls_old_nonces_stale_and_wrong_passwords_wrong() {
    let (mut verifier, _, request) = exchange("secret");
    assert_eq!(judge(&mut verifier, &request, Instant::from_millis(301_000)), Verdict::Stale);

    let (mut verifier, _, request) = exchange("guess");
    assert_eq!(judge(&mut verifier, &request, Instant::ZERO), Verdict::Refused);
}

#[test]
fn the_verifier_refuses_what_it_did_not_offer() {
    let (mut verifier, _, request) = exchange("secret");
    let weaker = Authorization { algorithm: Some("SHA-512-256".to_owned()), ..sent(&request) };
    let elsewhere = Authorization { realm: "other".to_owned(), ..sent(&request) };
    let uncounted = Authorization { qop: None, nc: None, ..sent(&request) };

    for credentials in [weaker, elsewhere, uncounted] {
        let verdict = verifier.verify(&credentials, &Secret::new("secret"), &Method::Register, b"", Instant::ZERO);
        assert_eq!(verdict, Verdict::Refused);
    }
}
