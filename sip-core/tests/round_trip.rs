//! What is written reads back as what it was, for values of every kind; and a message read from the wire is the same
//! after being written again.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use core::net::{Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sip_core::message::{
    Authorization, CSeq, Challenge, HeaderName, Headers, Host, Message, Method, NameAddr, Params, Reason, Request,
    Response, Scheme, StatusCode, Uri, Via,
};
use sip_core::sdp::{Attribute, Bandwidth, Connection, Media, Origin, SessionDescription, Time};

fn token() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9.!%*_+`'~-]{1,12}"
}

/// Anything a quoted string can carry: all but line ends.
fn text() -> impl Strategy<Value = String> {
    "[^\r\n]{0,20}"
}

/// A header value as it is after parsing: no control characters, no white space at its ends.
fn value() -> impl Strategy<Value = String> {
    "[!-~é大]([ !-~é大]{0,30}[!-~é大])?"
}

fn host() -> impl Strategy<Value = Host> {
    prop_oneof![
        "[a-z][a-z0-9-]{0,8}(\\.[a-z][a-z0-9]{0,5}){0,2}".prop_map(Host::Name),
        any::<[u8; 4]>().prop_map(|bytes| Host::V4(Ipv4Addr::from(bytes))),
        any::<[u8; 16]>().prop_map(|bytes| Host::V6(Ipv6Addr::from(bytes))),
    ]
}

fn header_params() -> impl Strategy<Value = Params> {
    let pairs = vec((token(), option::of(text())), 0..4);
    pairs.prop_map(|pairs| {
        let mut params = Params::new();
        for (name, value) in pairs {
            params.set(&name, value.as_deref());
        }
        params
    })
}

fn uri_params() -> impl Strategy<Value = Params> {
    let pairs = vec((token(), option::of("[a-z0-9%./:&$+]{1,8}")), 0..4);
    pairs.prop_map(|pairs| {
        let mut params = Params::new();
        for (name, value) in pairs {
            params.set(&name, value.as_deref());
        }
        params
    })
}

fn sip_uri() -> impl Strategy<Value = Uri> {
    let userinfo = option::of((text(), option::of("[a-z0-9&=+$,]{0,8}")));
    let uri_headers = vec(("[a-zA-Z-]{1,8}", "([a-z]|%[0-9A-F]{2}){0,8}"), 0..3);
    (any::<bool>(), userinfo, host(), option::of(any::<u16>()), uri_params(), uri_headers).prop_map(
        |(secure, userinfo, host, port, params, headers)| {
            let (user, password) = userinfo.unzip();
            let user = user.filter(|user| !user.is_empty());
            let mut uri = Uri::sip(user.as_deref(), host, port);
            uri.scheme = if secure { Scheme::Sips } else { Scheme::Sip };
            uri.password = password.flatten().filter(|_| user.is_some());
            (uri.params, uri.headers) = (params, headers);
            uri
        },
    )
}

fn uri() -> impl Strategy<Value = Uri> {
    prop_oneof![
        4 => sip_uri(),
        1 => ("\\+?[0-9]{1,15}", uri_params()).prop_map(|(number, params)| {
            let mut uri = Uri::tel(&number);
            uri.params = params;
            uri
        }),
        1 => "[a-z]{4,8}:[a-z0-9:/;=]{1,12}".prop_filter_map("another scheme", |text| text.parse::<Uri>().ok()),
    ]
}

fn name_addr() -> impl Strategy<Value = NameAddr> {
    (option::of(text()), uri(), header_params()).prop_map(|(display_name, uri, params)| {
        let mut address = NameAddr::new(uri);
        address.display_name = display_name;
        address.params = params;
        address
    })
}

fn via() -> impl Strategy<Value = Via> {
    (token(), host(), option::of(any::<u16>()), header_params()).prop_map(|(transport, host, port, params)| Via {
        transport,
        host,
        port,
        params,
    })
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![Just(Method::Invite), Just(Method::Register), token().prop_map(|name| name.parse().unwrap())]
}

fn row() -> impl Strategy<Value = (HeaderName, String)> {
    prop_oneof![
        (Just(HeaderName::Contact), name_addr().prop_map(|address| address.to_string())),
        (Just(HeaderName::Via), via().prop_map(|via| via.to_string())),
        (Just(HeaderName::Subject), prop_oneof![value(), Just(String::new())]),
        ("X-[a-zA-Z]{1,10}".prop_map(|name| HeaderName::other(&name)), value()),
    ]
}

prop_compose! {
    /// A header section with what must be in it.
    fn headers()(
        via in via(), from in name_addr(), to in name_addr(), call_id in "[a-z0-9]{1,20}(@[a-z.]{1,10})?",
        number in 0..1_u32 << 31, method in method(), rows in vec(row(), 0..8),
    ) -> (Method, Headers) {
        let mut headers = Headers::new();
        headers.push(HeaderName::Via, via.to_string());
        headers.push(HeaderName::From, from.to_string());
        headers.push(HeaderName::To, to.to_string());
        headers.push(HeaderName::CallId, call_id);
        headers.push(HeaderName::CSeq, CSeq { number, method: method.clone() }.to_string());
        headers.extend(rows);
        (method, headers)
    }
}

fn message() -> impl Strategy<Value = Message> {
    let body = vec(any::<u8>(), 0..64);
    prop_oneof![
        (headers(), uri(), body.clone()).prop_map(|((method, headers), mut uri, body)| {
            uri.headers.clear();
            Request { method, uri, headers, body }.into()
        }),
        (headers(), 100..700_u16, text(), body).prop_map(|((_, headers), status, reason, body)| {
            let reason = reason.replace('\0', "");
            Response { status: StatusCode::new(status).unwrap(), reason, headers, body }.into()
        }),
    ]
}

fn challenge() -> impl Strategy<Value = Challenge> {
    (text(), text(), option::of(text()), option::of(token()), vec("auth|auth-int|x", 0..3), any::<bool>()).prop_map(
        |(realm, nonce, opaque, algorithm, qop, stale)| Challenge {
            scheme: "Digest".to_owned(),
            realm,
            nonce,
            opaque,
            algorithm,
            qop,
            stale,
        },
    )
}

fn attributes() -> impl Strategy<Value = Vec<Attribute>> {
    vec(("[a-z][a-z-]{0,10}", option::of("[!-~]([ -~]{0,20}[!-~])?")), 0..6)
        .prop_map(|pairs| pairs.into_iter().map(|(name, value)| Attribute { name, value }).collect())
}

prop_compose! {
    fn media()(
        kind in "audio|video|application", port: u16, port_count in option::of(any::<u16>()), protocol in "RTP/AVP|UDP/TLS/RTP/SAVPF",
        formats in vec("[0-9]{1,3}", 1..5), title in option::of("[a-z ]{1,10}"), address in option::of(any::<[u8; 16]>()),
        value: u64, attributes in attributes(),
    ) -> Media {
        let connection = address.map(|bytes| Connection::new(Ipv6Addr::from(bytes).into()));
        let bandwidth = vec![Bandwidth { kind: "AS".to_owned(), value }];
        Media { kind, port, port_count, protocol, formats, title, connection, bandwidth, attributes }
    }
}

prop_compose! {
    fn description()(
        session: u64, version: u64, ip: [u8; 4], name in "[a-z]([a-z ]{0,8}[a-z])?", start: u64, stop: u64,
        repeats in vec("7d 1h 0", 0..2), attributes in attributes(), media in vec(media(), 0..4),
    ) -> SessionDescription {
        let ip = Ipv4Addr::from(ip).into();
        SessionDescription {
            name,
            information: vec![('u', "https://example.com/".to_owned())],
            connection: Some(Connection::new(ip)),
            times: vec![Time { start, stop, repeats }],
            attributes,
            media,
            ..SessionDescription::new(Origin::new(session, version, ip))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(160) })]

    #[test]
    fn messages(message in message()) {
        prop_assert_eq!(Message::parse(&message.write()), Ok(message));
    }

    #[test]
    fn uris(uri in uri()) {
        let reread: Uri = uri.to_string().parse().unwrap();
        prop_assert!(reread.matches(&uri) && uri.matches(&reread));
        prop_assert_eq!(reread, uri);
    }

    #[test]
    fn users(user in "[^\0]{1,20}") {
        let uri = Uri::sip(Some(&user), Host::Name("a".to_owned()), None);
        let reread: Uri = uri.to_string().parse().unwrap();
        prop_assert_eq!(reread.user_text(), Some(user));
    }

    #[test]
    fn addresses(address in name_addr()) {
        prop_assert_eq!(address.to_string().parse(), Ok(address));
    }

    #[test]
    fn hops(via in via()) {
        prop_assert_eq!(via.to_string().parse(), Ok(via));
    }

    #[test]
    fn reasons(cause in option::of(any::<u16>()), text in option::of(text())) {
        let reason = Reason { protocol: "Q.850".to_owned(), cause, text };
        prop_assert_eq!(reason.to_string().parse(), Ok(reason));
    }

    #[test]
    fn challenges(challenge in challenge()) {
        prop_assert_eq!(challenge.to_string().parse(), Ok(challenge));
    }

    #[test]
    fn credentials(username in text(), realm in text(), qop in option::of(token()), cnonce in option::of(text())) {
        let credentials = Authorization { username, realm, qop, cnonce, ..Authorization::default() };
        prop_assert_eq!(credentials.to_string().parse(), Ok(credentials));
    }

    #[test]
    fn descriptions(description in description()) {
        prop_assert_eq!(SessionDescription::parse(&description.to_string()), Ok(description));
    }
}
