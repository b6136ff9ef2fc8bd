//! What phones, exchanges and browsers really send, and RFC 4475 does not show; the IPv6 cases are those of RFC 5118.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use sip_core::message::{
    Authorization, Contacts, Fault, HeaderName, Host, Message, Method, NameAddr, Request, StatusCode, Uri,
};

/// A request with some rows more than it needs.
fn message(start: &str, rows: &str) -> Vec<u8> {
    let text = format!(
        "{start}\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\nFrom: <sip:a@example.com>;tag=1\nTo: <sip:b@example.com>\n\
         Call-ID: 1@192.0.2.1\nCSeq: 1 OPTIONS\n{rows}\n"
    );
    text.replace('\n', "\r\n").into_bytes()
}

fn options(rows: &str) -> Request {
    match Message::parse(&message("OPTIONS sip:b@example.com SIP/2.0", rows)).unwrap() {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

fn refused(bytes: &[u8]) -> Fault {
    Message::parse(bytes).unwrap_err().fault().clone()
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn users_with_dots_plus_signs_and_hashes_are_users() {
    for (text, user) in [
        ("sip:john.smith@example.com", "john.smith"),
        ("sip:+49.30.12345@example.com;user=phone", "+49.30.12345"),
        ("sip:#31#0301234@example.com", "#31#0301234"),
        ("sip:*97@example.com", "*97"),
        ("sips:a%40b@example.com", "a%40b"),
    ] {
        let uri = uri(text);
        assert_eq!(uri.user.as_deref(), Some(user));
        assert_eq!(uri.host, Host::Name("example.com".to_owned()));
        assert_eq!(uri.to_string(), text);
    }
}

#[test]
fn uris_without_user_with_ports_addresses_and_headers() {
    for text in [
        "sip:example.com",
        "sip:192.0.2.7:5070;transport=tcp;lr",
        "sip:[2001:db8::1]:5060",
        "sip:alice@[2001:db8::1];transport=ws",
        "sip:a@h?Subject=x&Replaces=1%40b%3Bto-tag%3Dx",
        "sip:k3v9x2@df7jal23ls0d.invalid;transport=ws;ob",
        "sip:alice:secret@example.com",
        "sip:host_with_underscore",
    ] {
        assert_eq!(uri(text).to_string(), text);
    }
    assert_eq!(uri("sip:[2001:db8::1]:5060").host.ip(), "2001:db8::1".parse().ok());
}

#[test]
fn telephone_uris_have_a_number() {
    let number = uri("tel:+1-201-555-0123;phone-context=example.com");

    assert_eq!(number.user.as_deref(), Some("+1-201-555-0123"));
    assert_eq!(number.params.get("phone-context"), Some("example.com"));
    assert!(number.matches(&uri("tel:+12015550123;phone-context=EXAMPLE.com")));
    assert!(!number.matches(&uri("tel:+12015550123")));
    assert_eq!(uri("TEL:*21#").to_string(), "tel:*21#");
    for broken in ["tel:", "tel:+", "tel:-", "tel:1+2", "tel:x y"] {
        assert!(broken.parse::<Uri>().is_err(), "{broken}");
    }
    let bytes = message("OPTIONS tel:+12015550123 SIP/2.0", "");
    assert!(Message::parse(&bytes).is_ok());
}

#[test]
fn broken_uris_are_errors() {
    for text in [
        "",
        "sip",
        "sip:",
        ":a",
        "sip:@example.com",
        "sip:a@",
        "sip:a@b:99999",
        "sip:a@b:x",
        "sip:a@b c",
        "sip:a%4@b",
        "sip:a@[2001:db8::1",
        "sip:2001:db8::1",
        "sip:a@b;",
        "sip:a@b;;x",
        "sip:a@b?x",
        "sip:a@b?=x",
        "1sip:a",
        "sip:a@b@c",
    ] {
        // One trailing semicolon is borne with; nothing else.
        assert_eq!(text.parse::<Uri>().is_ok(), text == "sip:a@b;", "{text}");
    }
}

#[test]
fn comparison_follows_the_examples_of_rfc_3261() {
    for (a, b) in [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ] {
        assert!(uri(a).matches(&uri(b)) && uri(b).matches(&uri(a)), "{a} {b}");
    }
    for (a, b) in [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:a@b", "sips:a@b"),
        ("sip:a;b@c", "sip:a%3bb@c"),
    ] {
        assert!(!uri(a).matches(&uri(b)) && !uri(b).matches(&uri(a)), "{a} {b}");
    }
}

#[test]
fn every_compact_form_is_known() {
    let text = "INVITE sip:b@example.com SIP/2.0\r\nv: SIP/2.0/WSS x.invalid;branch=z9hG4bK1\r\nf: <sip:a@example.com>;tag=1\r\n\
        t: <sip:b@example.com>\r\ni: 1\r\nCSeq: 1 INVITE\r\nm: <sip:a@x.invalid>\r\nc: text/plain\r\nk: outbound\r\nl: 2\r\n\r\nhi";
    let Message::Request(request) = Message::parse(text.as_bytes()).unwrap() else { panic!("a response") };

    assert_eq!(request.headers.via().unwrap().transport, "WSS");
    assert_eq!(request.headers.supported(), ["outbound"]);
    assert_eq!(request.body, b"hi");
    let written = String::from_utf8(request.write()).unwrap();
    assert!(written.contains("\r\nContent-Type: text/plain\r\n") && written.ends_with("Content-Length: 2\r\n\r\nhi"));
}

#[test]
fn contacts_of_outbound_clients_are_typed() {
    let request = options(
        "Contact: <sip:alice@df7jal23ls0d.invalid;transport=ws>;+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\";\
         reg-id=1;expires=600;+sip.ice, \"B, C\" <sip:b@192.0.2.3>;q=0.5\n",
    );
    let contacts = request.headers.contacts().unwrap();

    let [first, second] = contacts.list() else { panic!("two contacts") };
    assert_eq!(first.params.get("+sip.instance"), Some("<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"));
    assert_eq!((first.params.get("reg-id"), first.expires()), (Some("1"), Some(600)));
    assert!(first.params.has("+sip.ice"));
    assert_eq!((second.display_name.as_deref(), second.q()), (Some("B, C"), Some(500)));
    assert_eq!(first.to_string().parse::<NameAddr>().as_ref(), Ok(first));
    assert_eq!(options("Contact: *\nExpires: 0\n").headers.contacts(), Ok(Contacts::Star));
    assert_eq!(options("").headers.contacts(), Ok(Contacts::List(Vec::new())));
    assert!(options("Contact: *, <sip:a@b>\n").headers.contacts().is_err());
}

#[test]
fn several_hops_in_one_row_are_several() {
    let request = options(
        "Via: SIP/2.0/TCP a.example.com;branch=z9hG4bK2, SIP/2.0/WSS b.invalid;branch=z9hG4bK3;received=2001:db8::9\n",
    );

    let vias = request.headers.vias().unwrap();

    let branches: Vec<_> = vias.iter().filter_map(|via| via.branch()).collect();
    assert_eq!(branches, ["z9hG4bK1", "z9hG4bK2", "z9hG4bK3"]);
    assert_eq!(vias[2].received(), "2001:db8::9".parse().ok());
}

#[test]
fn routes_keep_their_order_over_rows_and_commas() {
    let request =
        options("Route: <sip:p1.example.com;lr>,<sip:p2.example.com;lr>\nSubject: x\nRoute: <sip:p3.example.com>\n");

    let routes = request.headers.routes().unwrap();

    let hosts: Vec<_> = routes.iter().map(|route| route.uri.host.to_string()).collect();
    assert_eq!(hosts, ["p1.example.com", "p2.example.com", "p3.example.com"]);
    assert!(routes[1].uri.params.has("lr") && !routes[2].uri.params.has("lr"));
}

#[test]
fn old_exchanges_names_in_latin_1_are_read() {
    let mut bytes = message("OPTIONS sip:b@example.com SIP/2.0", "");
    let at = bytes.windows(5).position(|window| window == b"From:").unwrap() + 5;
    bytes.splice(at..at, b" \"M\xfcller\"".iter().copied());

    let message = Message::parse(&bytes).unwrap();

    assert_eq!(message.headers().from().unwrap().display_name.as_deref(), Some("Müller"));
}

#[test]
fn line_ends_before_the_message_are_skipped_and_alone_they_are_no_message() {
    let mut bytes = b"\r\n\r\n".to_vec();
    bytes.extend(message("OPTIONS sip:b@example.com SIP/2.0", ""));

    assert!(Message::parse(&bytes).is_ok());
    for keep_alive in ["", "\r\n", "\r\n\r\n"] {
        let error = Message::parse(keep_alive.as_bytes()).unwrap_err();
        assert_eq!((error.fault(), error.status()), (&Fault::Empty, None));
    }
}

#[test]
fn two_readers_see_one_message() {
    let good = String::from_utf8(message("OPTIONS sip:b@example.com SIP/2.0", "Subject: x\n")).unwrap();
    for (broken, fault) in [
        (good.replace(": x\r\n", ": x\nX-Smuggled: 1\r\n"), Fault::HeaderLine),
        (good.replace(": x\r\n", ": x\rX-Smuggled: 1\r\n"), Fault::HeaderLine),
        (good.replace(": x", ": \0"), Fault::HeaderLine),
        (good.replace("Subject: x", "Subject x"), Fault::HeaderLine),
        (good.replace("Subject: x", "Sub ject: x"), Fault::HeaderLine),
        (good.replace("\r\n\r\n", "\r\n"), Fault::Unterminated),
        (good.replace("Subject: x", "Content-Length: 1"), Fault::ContentLength),
        (good.replace("Subject: x", "Call-ID: 2"), Fault::Duplicate(HeaderName::CallId)),
        (good.replace("Subject: x", "Max-Forwards: 70\r\nMax-Forwards: 70"), Fault::Duplicate(HeaderName::MaxForwards)),
        (good.replace("SIP/2.0\r\n", "SIP/3.0\r\n"), Fault::Version),
    ] {
        assert!(broken != good);
        assert_eq!(refused(broken.as_bytes()), fault, "{broken:?}");
    }
}

#[test]
fn line_feeds_alone_are_read_where_there_is_nothing_else() {
    let sdp = "v=0\r\ns=-\r\n";
    let rows = format!("Subject: x\n folded\nContent-Length: {}\n", sdp.len());
    let head = String::from_utf8(message("OPTIONS sip:b@example.com SIP/2.0", &rows)).unwrap();

    let message = Message::parse((head.replace("\r\n", "\n") + sdp).as_bytes()).unwrap();

    let Message::Request(request) = message else { panic!("a request") };
    assert_eq!(request.headers.get(&HeaderName::Subject), Some("x folded"));
    assert_eq!(request.body, sdp.as_bytes(), "the body is as it was");
    let mixed = head.replacen("\r\n", "\n", 1);
    assert!(Message::parse(mixed.as_bytes()).is_err(), "two readers could see two messages");
}

#[test]
fn a_request_line_beyond_the_limit_is_answered() {
    let line = format!("OPTIONS sip:{}@example.com SIP/2.0", "a".repeat(9_000));

    let error = Message::parse(&message(&line, "")).unwrap_err();

    assert_eq!(error.status(), Some(StatusCode::MESSAGE_TOO_LARGE));
    assert!(error.request().is_some_and(|request| request.headers.call_id().is_ok()));
    let noise = Message::parse(&[b'A'; 20_000]).unwrap_err();
    assert!(noise.request().is_none());
}

#[test]
fn limits_hold() {
    let many = "X-Row: 1\n".repeat(300);
    let long = format!("X-Row: {}\n", "x".repeat(9_000));
    let folded = format!("X-Row: 1\n{}", format!(" {}\n", "x".repeat(4_000)).repeat(3));
    for rows in [many, long, folded] {
        assert_eq!(refused(&message("OPTIONS sip:b@example.com SIP/2.0", &rows)), Fault::TooLarge);
    }
    let mut huge = message("OPTIONS sip:b@example.com SIP/2.0", "");
    huge.resize(70_000, b'x');
    let error = Message::parse(&huge).unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::MESSAGE_TOO_LARGE));
}

#[test]
fn text_that_is_not_sip_is_dropped_without_an_answer() {
    for text in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "hello",
        "{\"type\":\"offer\"}\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "\u{0}\u{1}",
    ] {
        let error = Message::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.status(), None, "{text}");
    }
    let ack = String::from_utf8(message("ACK sip:b@example.com SIP/2.0", "")).unwrap();
    assert_eq!(Message::parse(ack.as_bytes()).unwrap_err().status(), None, "an ACK is never answered");
}

#[test]
fn a_response_copies_what_rfc_3261_says() {
    let mut request = options("Record-Route: <sip:p1;lr>\nRecord-Route: <sip:p2;lr>\nTimestamp: 54\nSubject: x\n");
    request.method = Method::Invite;
    let names = |status, tag| {
        let response = request.reply(status, tag);
        let names: Vec<_> = response.headers.iter().map(|row| row.name.as_str().to_owned()).collect();
        (names.join(" "), response.headers.to().unwrap().tag().map(str::to_owned))
    };

    assert_eq!(names(StatusCode::TRYING, None), ("Via From To Call-ID CSeq Timestamp".to_owned(), None));
    let ringing = "Via From To Call-ID CSeq Record-Route Record-Route".to_owned();
    assert_eq!(names(StatusCode::RINGING, Some("x")), (ringing, Some("x".to_owned())));
    assert_eq!(names(StatusCode::BUSY_HERE, Some("x")), ("Via From To Call-ID CSeq".to_owned(), Some("x".to_owned())));

    request.headers.set(HeaderName::To, "sip:b@example.com;tag=theirs");
    let answer = request.reply(StatusCode::OK, Some("ours"));
    assert_eq!(answer.headers.get(&HeaderName::To), Some("sip:b@example.com;tag=theirs"));
}

#[test]
fn values_of_an_application_cannot_add_rows() {
    const EVIL: &str = "a\r\nX-Evil: 1\r\n\r\nbody";
    let mut request = options("");
    request.headers.push(HeaderName::Subject, EVIL);
    request.headers.push(HeaderName::other(EVIL), "x");
    request.headers.push(HeaderName::ContentLength, "999");
    request.uri.params.set("user", Some(EVIL));

    let written = String::from_utf8(request.write()).unwrap();

    assert!(!written.contains("\nX-Evil"), "{written}");
    assert!(written.contains("\r\nSubject: a  X-Evil: 1    body\r\n"), "{written}");
    assert!(written.ends_with("\r\nContent-Length: 0\r\n\r\n"), "{written}");
}

#[test]
fn reasons_timers_and_retries_are_typed() {
    let request = options(
        "Reason: SIP;cause=200;text=\"Call completed elsewhere\", Q.850;cause=16;text=\"Terminated\"\nSession-Expires: 1800;refresher=uas\n\
         Retry-After: 18000;duration=3600 (I'm in a meeting)\nExpires: 99999999999\nMin-Expires: soon\nEvent: refer;id=93809824\n\
         Replaces: 98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff\n",
    );
    let headers = &request.headers;

    assert_eq!(headers.reason().unwrap().cause, Some(16));
    let expires = headers.parameterized(&HeaderName::SessionExpires).unwrap();
    assert_eq!((expires.number(), expires.params.get("refresher")), (Some(1_800), Some("uas")));
    assert_eq!(headers.retry_after(), Some(18_000));
    assert_eq!((headers.expires(), headers.min_expires()), (Some(u32::MAX), None));
    assert!(headers.parameterized(&HeaderName::Event).unwrap().is("refer"));
    let replaces = headers.parameterized(&HeaderName::Replaces).unwrap();
    assert_eq!((replaces.value.as_str(), replaces.params.get("to-tag")), ("98732@sip.example.com", Some("ff87ff")));
}

#[test]
fn credentials_of_phones_are_read() {
    let yealink = "Digest username=\"201\", realm=\"asterisk\", nonce=\"1700000000/5f2\", uri=\"sip:example.com:5060\", \
        response=\"0123456789abcdef0123456789abcdef\", algorithm=MD5, cnonce=\"0a4f113b\", opaque=\"26\", qop=auth, nc=0000000a";

    let credentials: Authorization = yealink.parse().unwrap();

    assert_eq!((credentials.nc.as_deref(), credentials.qop.as_deref()), (Some("0000000a"), Some("auth")));
    assert_eq!(credentials.uri, "sip:example.com:5060");
}

// RFC 5118.

#[test]
fn ipv6_needs_brackets_in_a_request_uri() {
    let bad = Message::parse(&message("OPTIONS sip:2001:db8::10 SIP/2.0", "")).unwrap_err();
    assert_eq!(bad.status(), Some(StatusCode::BAD_REQUEST));

    let ambiguous = uri("sip:[2001:db8::10:5070]");
    assert_eq!((ambiguous.host.ip(), ambiguous.port), ("2001:db8::10:5070".parse().ok(), None));
    assert_eq!(uri("sip:[2001:db8::10]:5070").port, Some(5070));
    assert_eq!(uri("sip:user@[::ffff:192.0.2.10]:19823").host.ip(), "::ffff:192.0.2.10".parse().ok());
}

#[test]
fn received_may_have_brackets_or_none() {
    for received in ["[2001:db8::9:255]", "2001:db8::9:255"] {
        let via = format!("SIP/2.0/UDP [2001:db8::9:1];received={received};branch=z9hG4bKas3-111");
        let request = options(&format!("Via: {via}\n"));
        assert_eq!(request.headers.vias().unwrap()[1].received(), "2001:db8::9:255".parse().ok());
    }
}
