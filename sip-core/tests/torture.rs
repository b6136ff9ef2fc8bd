//! The messages of RFC 4475, a file each, and what becomes of them. Where the RFC leaves a choice, ours is stated here.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use sip_core::message::{
    Contacts, Fault, HeaderError, HeaderName, Message, Method, Request, Response, Scheme, StatusCode,
};

/// The bytes of one message.
macro_rules! torture {
    ($name:literal) => {
        include_bytes!(concat!("data/rfc4475/", $name, ".dat")).as_slice()
    };
}

fn request(bytes: &[u8]) -> Request {
    match Message::parse(bytes).unwrap() {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

fn response(bytes: &[u8]) -> Response {
    match Message::parse(bytes).unwrap() {
        Message::Response(response) => response,
        Message::Request(_) => panic!("a request"),
    }
}

fn contacts(request: &Request) -> Vec<String> {
    let contacts = request.headers.contacts().unwrap();
    contacts.list().iter().map(ToString::to_string).collect()
}

// §3.1.1: valid messages.

#[test]
fn wsinv_a_short_tortuous_invite() {
    let request = request(torture!("wsinv"));
    let headers = &request.headers;

    assert_eq!(request.uri.to_string(), "sip:vivekg@chair-dnrc.example.com;unknownparam");
    assert_eq!(headers.to().unwrap().tag(), Some("1918181833n"));
    let from = headers.from().unwrap();
    assert_eq!((from.display_name.as_deref(), from.tag()), (Some(r#"J Rosenberg \""#), Some("98asjd8")));
    assert_eq!(headers.max_forwards(), Some(68));
    assert_eq!(headers.cseq().unwrap().number, 9);
    let vias: Vec<_> = headers.vias().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        vias,
        [
            "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw",
            "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8",
            "SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239",
        ]
    );
    assert_eq!(headers.get(&HeaderName::Subject), Some(""));
    let unknown = HeaderName::other("newfangledheader");
    assert_eq!(headers.get(&unknown), Some("newfangled value continued newfangled value"));
    let unusual = HeaderName::other("UnknownHeaderWithUnusualValue");
    assert_eq!(headers.get(&unusual), Some(";;,,;;,;"));
    let route = &headers.routes().unwrap()[0];
    assert!(route.uri.params.has("lr") && route.uri.params.has("unknown-no-value"));
    assert_eq!(route.uri.params.get("unknownwith"), Some("value"));
    let contact = headers.contacts().unwrap().first().unwrap().clone();
    assert_eq!(contact.display_name.as_deref(), Some(r#"Quoted string """#));
    assert_eq!((contact.params.get("newparam"), contact.q()), (Some("newvalue"), Some(330)));
    assert!(contact.params.has("secondparam"));
    assert_eq!(request.body.len(), 150);
}

#[test]
fn intmeth_a_wide_range_of_valid_characters() {
    let request = request(torture!("intmeth"));
    let headers = &request.headers;

    assert_eq!(request.method.as_str(), "!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(request.uri.user.as_deref(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
    assert_eq!(request.uri.password.as_deref(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    assert_eq!(headers.via().unwrap().branch(), Some("z9hG4bK-.!%66*_+`'~"));
    assert_eq!(headers.to().unwrap().display_name.as_deref(), Some("BEL:\u{7} NUL:\0 DEL:\u{7f}"));
    let from = headers.from().unwrap();
    assert_eq!(from.display_name.as_deref(), Some("token1~` token2'+_ token3*%!.-"));
    assert_eq!(from.params.get("fromParam''~+*_!.-%"), Some("работающий"));
    assert_eq!(from.tag(), Some("_token~1'+`*%!-."));
    assert_eq!(headers.call_id(), Ok("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"));
    assert_eq!(headers.cseq().unwrap().number, 139_122_385);
    assert_eq!(headers.max_forwards(), Some(255));
    let extension = HeaderName::other("extensionHeader-!.%*+_`'~");
    assert_eq!(headers.get(&extension), Some("\u{feff}大停電"));
}

#[test]
fn esc01_escapes_are_kept_and_decoded_on_demand() {
    let request = request(torture!("esc01"));

    assert_eq!(request.uri.user_text().as_deref(), Some("sips:user@example.com"));
    assert!(request.uri.is_sip() && request.uri.scheme == Scheme::Sip);
    assert!(request.headers.to().unwrap().uri.matches(&"sip:user@example.com".parse().unwrap()));
    assert_eq!(request.headers.from().unwrap().uri.user_text().as_deref(), Some("I have spaces"));
    assert_eq!(contacts(&request), ["<sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>"]);
}

#[test]
fn escnull_escaped_nulls_are_characters() {
    let request = request(torture!("escnull"));

    assert_eq!(request.headers.to().unwrap().uri.user_text().as_deref(), Some("null-\0-null"));
    let contacts = request.headers.contacts().unwrap();
    assert!(!contacts.list()[0].uri.matches(&contacts.list()[1].uri));
}

#[test]
fn esc02_percents_that_are_no_escapes_stay() {
    let request = request(torture!("esc02"));

    assert_eq!(request.method, Method::Other("RE%47IST%45R".to_owned()));
    assert_eq!(request.headers.to().unwrap().display_name.as_deref(), Some("%Z%45"));
    assert_eq!(contacts(&request), ["<sip:alias1@host1.example.com>", "<sip:alias3@host3.example.com>"]);
}

#[test]
fn lwsdisp_a_display_name_may_touch_the_bracket() {
    let request = request(torture!("lwsdisp"));

    assert_eq!(request.headers.from().unwrap().display_name.as_deref(), Some("caller"));
}

#[test]
fn longreq_long_values() {
    let request = request(torture!("longreq"));

    assert_eq!(request.headers.vias().unwrap().len(), 34);
    assert_eq!(request.headers.from().unwrap().tag().unwrap().len(), 155);
    assert_eq!(request.headers.to().unwrap().uri.port, Some(6000));
}

#[test]
fn dblreq_what_follows_the_body_is_dropped() {
    let request = request(torture!("dblreq"));

    assert_eq!(request.method, Method::Register);
    assert!(request.body.is_empty());
}

#[test]
fn semiuri_semicolons_may_stand_in_the_user() {
    let request = request(torture!("semiuri"));

    assert_eq!(request.uri.user.as_deref(), Some("user;par=u%40example.net"));
    assert!(request.uri.params.is_empty());
    assert_eq!(request.headers.values(&HeaderName::Accept).count(), 6);
}

#[test]
fn transports_unknown_ones_are_names() {
    let vias = request(torture!("transports")).headers.vias().unwrap();

    let transports: Vec<_> = vias.iter().map(|via| via.transport.as_str()).collect();
    assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
}

#[test]
fn mpart01_a_binary_body_survives() {
    let request = request(torture!("mpart01"));

    let content_type = request.headers.content_type().unwrap();
    assert!(content_type.is("multipart/mixed"));
    assert_eq!(content_type.params.get("boundary"), Some("7a9cbec02ceef655"));
    let reread = Message::parse(&request.write()).unwrap();
    assert_eq!(reread.body(), request.body);
}

#[test]
fn unreason_and_noreason_are_reasons() {
    let unusual = response(torture!("unreason"));
    assert_eq!(unusual.status, StatusCode::OK);
    assert_eq!(unusual.reason, "= 2**3 * 5**2 но сто девяносто девять - простое");

    let none = response(torture!("noreason"));
    assert_eq!((none.status, none.reason.as_str()), (StatusCode::TRYING, ""));
}

// §3.1.2 and §3.3: messages that cannot be accepted, and what is answered.

fn malformed(name: HeaderName) -> impl Fn(&Fault) -> bool {
    move |fault| matches!(fault, Fault::Header(error) if *error.name() == name && error.syntax().is_some())
}

fn is(expected: Fault) -> impl Fn(&Fault) -> bool {
    move |fault| *fault == expected
}

/// Name, bytes, the status of the answer (none: it is dropped), and the fault.
type Row = (&'static str, &'static [u8], Option<StatusCode>, Box<dyn Fn(&Fault) -> bool>);

fn invalid() -> Vec<Row> {
    const BAD: Option<StatusCode> = Some(StatusCode::BAD_REQUEST);
    vec![
        ("badinv01", torture!("badinv01"), BAD, Box::new(malformed(HeaderName::Via))),
        ("clerr", torture!("clerr"), BAD, Box::new(is(Fault::ContentLength))),
        ("ncl", torture!("ncl"), BAD, Box::new(malformed(HeaderName::ContentLength))),
        ("scalar02", torture!("scalar02"), BAD, Box::new(malformed(HeaderName::CSeq))),
        ("scalarlg", torture!("scalarlg"), None, Box::new(malformed(HeaderName::CSeq))),
        ("quotbal", torture!("quotbal"), BAD, Box::new(malformed(HeaderName::To))),
        ("ltgtruri", torture!("ltgtruri"), BAD, Box::new(is(Fault::StartLine))),
        ("lwsruri", torture!("lwsruri"), BAD, Box::new(is(Fault::StartLine))),
        ("lwsstart", torture!("lwsstart"), BAD, Box::new(is(Fault::StartLine))),
        ("trws", torture!("trws"), BAD, Box::new(is(Fault::StartLine))),
        ("escruri", torture!("escruri"), BAD, Box::new(is(Fault::StartLine))),
        ("badaspec", torture!("badaspec"), BAD, Box::new(malformed(HeaderName::To))),
        ("baddn", torture!("baddn"), BAD, Box::new(malformed(HeaderName::From))),
        ("badvers", torture!("badvers"), Some(StatusCode::VERSION_NOT_SUPPORTED), Box::new(is(Fault::Version))),
        ("mismatch01", torture!("mismatch01"), BAD, Box::new(is(Fault::MethodMismatch))),
        ("mismatch02", torture!("mismatch02"), BAD, Box::new(is(Fault::MethodMismatch))),
        ("bigcode", torture!("bigcode"), None, Box::new(is(Fault::StartLine))),
        ("insuf", torture!("insuf"), BAD, Box::new(is(Fault::Header(HeaderError::missing(HeaderName::From))))),
        ("multi01", torture!("multi01"), BAD, Box::new(is(Fault::Duplicate(HeaderName::CSeq)))),
        ("mcl01", torture!("mcl01"), BAD, Box::new(is(Fault::Duplicate(HeaderName::ContentLength)))),
    ]
}

#[test]
fn invalid_messages_get_the_right_answer() {
    for (name, bytes, status, is_fault) in invalid() {
        let error = Message::parse(bytes).expect_err(name);

        assert!(is_fault(error.fault()), "{name}: {error}");
        assert_eq!(error.status(), status, "{name}: {error}");
        assert_eq!(error.request().is_some(), status.is_some(), "{name}");
    }
}

#[test]
fn an_answer_to_a_broken_request_copies_its_rows() {
    for (name, bytes, ..) in invalid() {
        let error = Message::parse(bytes).expect_err(name);
        let (Some(status), Some(request)) = (error.status(), error.request()) else {
            continue;
        };

        let answer = request.reply(status, Some("t"));

        for copied in [HeaderName::Via, HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
            let (rows, expected) = (answer.headers.get_all(&copied), request.headers.get_all(&copied));
            assert!(rows.eq(expected), "{name}: {copied}");
        }
        assert!(answer.write().starts_with(b"SIP/2.0 "));
    }
}

// Well-formed messages that ask for something this layer does not decide.

#[test]
fn baddate_a_date_nobody_reads_does_no_harm() {
    assert_eq!(request(torture!("baddate")).headers.get(&HeaderName::Date), Some("Fri, 01 Jan 2010 16:00:00 EST"));
}

#[test]
fn regbadct_a_contact_with_headers_needs_brackets() {
    assert!(request(torture!("regbadct")).headers.contacts().is_err());
    assert_eq!(contacts(&request(torture!("regescrt"))), ["<sip:user@example.com?Route=%3Csip:sip.example.com%3E>"]);
}

#[test]
fn badbranch_a_cookie_alone_is_a_branch_of_its_own_kind() {
    assert_eq!(request(torture!("badbranch")).headers.via().unwrap().branch(), Some("z9hG4bK"));
}

#[test]
fn unknown_schemes_are_carried_whole() {
    for (bytes, uri) in [
        (torture!("unkscm"), "nobodyKnowsThisScheme:totallyopaquecontent"),
        (torture!("novelsc"), "soap.beep://192.0.2.103:3002"),
    ] {
        let request = request(bytes);
        assert!(!request.uri.is_sip());
        assert_eq!(request.uri.to_string(), uri);
    }
    let request = request(torture!("unksm2"));
    assert_eq!(request.headers.to().unwrap().uri.to_string(), "isbn:2983792873");
    assert_eq!(request.headers.from().unwrap().uri.scheme, Scheme::Other("http".to_owned()));
    assert_eq!(contacts(&request), ["<name:John_Smith>"]);
}

#[test]
fn bext01_required_extensions_are_listed() {
    let request = request(torture!("bext01"));

    assert_eq!(request.headers.require(), ["nothingSupportsThis", "nothingSupportsThisEither"]);
    assert_eq!(request.headers.values(&HeaderName::ProxyRequire).count(), 2);
}

#[test]
fn unknown_bodies_and_schemes_of_credentials_are_text() {
    assert!(request(torture!("invut")).headers.content_type().unwrap().is("application/unknownformat"));
    let register = request(torture!("regaut01"));
    assert_eq!(register.headers.get(&HeaderName::Authorization), Some("NoOneKnowsThisScheme opaque-data=here"));
    assert_eq!(request(torture!("sdp01")).headers.get(&HeaderName::Accept), Some("text/nobodyKnowsThis"));
}

#[test]
fn bcast_a_foreign_second_via_is_seen() {
    let vias = response(torture!("bcast")).headers.vias().unwrap();

    assert_eq!(vias.len(), 2);
    assert_eq!(vias[1].host.to_string(), "255.255.255.255");
}

#[test]
fn zeromf_no_forwards_are_left() {
    assert_eq!(request(torture!("zeromf")).headers.max_forwards(), Some(0));
}

#[test]
fn cparam_a_parameter_belongs_to_what_its_brackets_say() {
    let outside = request(torture!("cparam01")).headers.contacts().unwrap();
    let inside = request(torture!("cparam02")).headers.contacts().unwrap();

    assert!(outside.first().unwrap().params.has("unknownparam"));
    assert!(inside.first().unwrap().uri.params.has("unknownparam"));
    assert!(matches!(outside, Contacts::List(list) if list.len() == 1));
}

#[test]
fn inv2543_an_invite_of_the_older_protocol() {
    let request = request(torture!("inv2543"));

    assert_eq!(request.headers.via().unwrap().branch(), None);
    assert_eq!(request.headers.from().unwrap().tag(), None);
    assert_eq!(request.headers.max_forwards(), None);
    assert_eq!(request.headers.to().unwrap().params.get("user"), Some("phone"));
    assert!(!request.body.is_empty());
}
