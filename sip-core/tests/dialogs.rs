//! Dialogs (RFC 3261 §12): what they are made of, how they address and number requests, what they refuse.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use sip_core::dialog::{Dialog, DialogError, DialogId};
use sip_core::message::{Message, Method, Request, Response, StatusCode, Uri};
use sip_core::{Flow, SocketId};

const FLOW: Flow = Flow::connection(SocketId(1));

#[test]
fn the_caller_sends_through_the_proxies_from_the_bottom_up() {
    let mut dialog = Dialog::uac(&invite(7), &ok(&[P1_LOOSE, P2_LOOSE]), FLOW).unwrap();

    let bye = dialog.request(Method::Bye);

    assert_text(
        &bye,
        "BYE sip:bob@192.0.2.4:5062 SIP/2.0\r\n\
         Route: <sip:p2.example.com;lr>\r\n\
         Route: <sip:p1.example.com;lr;ftag=1>;x=y\r\n\
         Max-Forwards: 70\r\n\
         From: \"Alice\" <sip:alice@example.com>;tag=a\r\n\
         To: <sip:bob@example.com>;tag=b\r\n\
         Call-ID: call-1\r\n\
         CSeq: 8 BYE\r\n\
         Content-Length: 0\r\n\r\n",
    );
}

#[test]
fn the_callee_sends_through_the_proxies_as_they_came() {
    let mut invite = invite(7);
    record(&mut invite.headers, &[P1_LOOSE, P2_LOOSE]);
    let mut dialog = Dialog::uas(&invite, "b", &uri("sip:bob@192.0.2.4:5062"), FLOW).unwrap();

    let bye = dialog.request(Method::Bye);

    assert_text(
        &bye,
        "BYE sip:alice@192.0.2.1 SIP/2.0\r\n\
         Route: <sip:p1.example.com;lr;ftag=1>;x=y\r\n\
         Route: <sip:p2.example.com;lr>\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:bob@example.com>;tag=b\r\n\
         To: \"Alice\" <sip:alice@example.com>;tag=a\r\n\
         Call-ID: call-1\r\n\
         CSeq: 1 BYE\r\n\
         Content-Length: 0\r\n\r\n",
    );
}

#[test]
fn a_strict_router_gets_its_own_uri_and_the_target_stands_last() {
    let strict = "<sip:p2.example.com;method=INVITE;transport=tcp?x=y>";
    let mut dialog = Dialog::uac(&invite(7), &ok(&[P1_LOOSE, strict]), FLOW).unwrap();

    let info = dialog.request(Method::Info);

    assert_text(
        &info,
        "INFO sip:p2.example.com;transport=tcp SIP/2.0\r\n\
         Route: <sip:p1.example.com;lr;ftag=1>;x=y\r\n\
         Route: <sip:bob@192.0.2.4:5062>\r\n\
         Max-Forwards: 70\r\n\
         From: \"Alice\" <sip:alice@example.com>;tag=a\r\n\
         To: <sip:bob@example.com>;tag=b\r\n\
         Call-ID: call-1\r\n\
         CSeq: 8 INFO\r\n\
         Content-Length: 0\r\n\r\n",
    );
}

#[test]
fn the_ack_has_the_number_of_its_invite_and_takes_none() {
    let mut dialog = Dialog::uac(&invite(7), &ok(&[P1_LOOSE]), FLOW).unwrap();

    let ack = dialog.ack(7);

    assert_text(
        &ack,
        "ACK sip:bob@192.0.2.4:5062 SIP/2.0\r\n\
         Route: <sip:p1.example.com;lr;ftag=1>;x=y\r\n\
         Max-Forwards: 70\r\n\
         From: \"Alice\" <sip:alice@example.com>;tag=a\r\n\
         To: <sip:bob@example.com>;tag=b\r\n\
         Call-ID: call-1\r\n\
         CSeq: 7 ACK\r\n\
         Content-Length: 0\r\n\r\n",
    );
    assert_eq!(number(&dialog.request(Method::Invite)), 8);
    assert_eq!(number(&dialog.request(Method::Bye)), 9);
}

#[test]
fn a_target_with_headers_and_method_becomes_a_request_uri() {
    let mut ok = ok(&[]);
    ok.headers.set(name("Contact"), "<sip:bob@192.0.2.4;method=BYE;ob?Replaces=x>");
    let mut dialog = Dialog::uac(&invite(7), &ok, FLOW).unwrap();

    assert_eq!(dialog.request(Method::Bye).uri.to_string(), "sip:bob@192.0.2.4;ob");
}

#[test]
fn the_2xx_brings_the_route_set_that_stays() {
    let mut dialog = Dialog::uac(&invite(7), &ringing(&[P1_LOOSE]), FLOW).unwrap();
    assert!(dialog.is_early());
    let mut ok = ok(&[P2_LOOSE]);
    ok.headers.set(name("Contact"), "<sip:bob@192.0.2.9>");

    dialog.handle_response(&invite(7), &ok);

    assert!(!dialog.is_early());
    assert_eq!(routes(&dialog), ["<sip:p2.example.com;lr>"]);
    assert_eq!(dialog.remote_target().to_string(), "sip:bob@192.0.2.9");
}

#[test]
fn a_confirmed_dialog_keeps_its_route_set() {
    let mut dialog = Dialog::uac(&invite(7), &ok(&[P1_LOOSE]), FLOW).unwrap();
    let reinvite = dialog.request(Method::Invite);
    let mut again = ok(&[P2_LOOSE]);
    again.headers.set(name("Contact"), "<sip:bob@192.0.2.9>");

    dialog.handle_response(&reinvite, &again);

    assert_eq!(routes(&dialog), ["<sip:p1.example.com;lr;ftag=1>;x=y"]);
    assert_eq!(dialog.remote_target().to_string(), "sip:bob@192.0.2.9");
}

#[test]
fn the_callee_keeps_its_route_set_when_its_own_reinvite_is_accepted() {
    let mut invite = invite(7);
    record(&mut invite.headers, &[P1_LOOSE]);
    let mut dialog = Dialog::uas(&invite, "b", &uri("sip:bob@192.0.2.4"), FLOW).unwrap();
    let reinvite = dialog.request(Method::Invite);

    dialog.handle_response(&reinvite, &ok(&[P2_LOOSE]));

    assert_eq!(routes(&dialog), ["<sip:p1.example.com;lr;ftag=1>;x=y"]);
}

#[test]
fn only_a_2xx_to_a_target_refresh_moves_the_target() {
    for (method, status, moved) in [
        (Method::Invite, 200, true),
        (Method::Update, 200, true),
        (Method::Invite, 488, false),
        (Method::Invite, 180, false),
        (Method::Info, 200, false),
        (Method::Bye, 200, false),
    ] {
        let mut dialog = Dialog::uac(&invite(7), &ok(&[]), FLOW).unwrap();
        let request = dialog.request(method.clone());
        let mut response = ok(&[]);
        response.status = StatusCode::new(status).unwrap();
        response.headers.set(name("Contact"), "<sip:bob@192.0.2.9>");

        dialog.handle_response(&request, &response);

        let expected = if moved { "sip:bob@192.0.2.9" } else { "sip:bob@192.0.2.4:5062" };
        assert_eq!(dialog.remote_target().to_string(), expected, "{method} {status}");
    }
}

#[test]
fn only_their_target_refresh_moves_the_target() {
    for (method, moved) in [("INVITE", true), ("UPDATE", true), ("INFO", false), ("ACK", false)] {
        let mut dialog = callee();

        dialog.handle_request(&theirs(method, 8, "<sip:alice@192.0.2.8>")).unwrap();

        let expected = if moved { "sip:alice@192.0.2.8" } else { "sip:alice@192.0.2.1" };
        assert_eq!(dialog.remote_target().to_string(), expected, "{method}");
    }
}

#[test]
fn gaps_between_their_numbers_are_fine_and_steps_back_are_not() {
    let mut dialog = callee();
    let contact = "<sip:alice@192.0.2.8>";

    assert_eq!(dialog.handle_request(&theirs("INFO", 8, contact)), Ok(()));
    assert_eq!(dialog.handle_request(&theirs("INFO", 500, contact)), Ok(()));
    let late = theirs("UPDATE", 499, contact);
    assert_eq!(dialog.handle_request(&late), Err(StatusCode::SERVER_INTERNAL_ERROR));

    assert_eq!(dialog.remote_sequence(), Some(500));
    assert_eq!(dialog.remote_target().to_string(), "sip:alice@192.0.2.1");
}

#[test]
fn ack_and_cancel_have_an_older_number_without_harm() {
    let mut dialog = callee();
    let contact = "<sip:alice@192.0.2.1>";
    dialog.handle_request(&theirs("INFO", 9, contact)).unwrap();

    assert_eq!(dialog.handle_request(&theirs("CANCEL", 7, contact)), Ok(()));
    assert!(dialog.is_early());
    assert_eq!(dialog.handle_request(&theirs("ACK", 7, contact)), Ok(()));

    assert!(!dialog.is_early());
    assert_eq!(dialog.remote_sequence(), Some(9));
    assert_eq!(dialog.handle_request(&theirs("INFO", 10, contact)), Ok(()));
}

#[test]
fn the_first_request_of_the_callee_sets_the_callers_expectation() {
    let mut dialog = Dialog::uac(&invite(7), &ok(&[]), FLOW).unwrap();
    assert_eq!(dialog.remote_sequence(), None);

    let mut bye = theirs("BYE", 0, "<sip:bob@192.0.2.4>");
    bye.headers.set(name("From"), "<sip:bob@example.com>;tag=b");
    assert_eq!(dialog.handle_request(&bye), Ok(()));

    assert_eq!(dialog.remote_sequence(), Some(0));
}

#[test]
fn numbers_end_below_two_to_the_31() {
    let mut dialog = Dialog::uac(&invite(2_147_483_646), &ok(&[]), FLOW).unwrap();

    assert_eq!(number(&dialog.request(Method::Info)), 2_147_483_647);
    assert_eq!(number(&dialog.request(Method::Bye)), 2_147_483_647);
}

#[test]
fn sides_without_tags_are_borne_with() {
    let mut untagged = ok(&[]);
    untagged.headers.set(name("To"), "<sip:bob@example.com>");
    let mut dialog = Dialog::uac(&invite(7), &untagged, FLOW).unwrap();
    assert_eq!(dialog.remote_tag(), "");
    assert_eq!(dialog.request(Method::Bye).headers.get(&name("To")), Some("<sip:bob@example.com>"));

    let mut untagged = invite(7);
    untagged.headers.set(name("From"), "<sip:alice@example.com>");
    let dialog = Dialog::uas(&untagged, "b", &uri("sip:bob@192.0.2.4"), FLOW).unwrap();
    assert_eq!(dialog.remote_tag(), "");
    let mut bye = theirs("BYE", 8, "<sip:alice@192.0.2.1>");
    bye.headers.set(name("From"), "<sip:alice@example.com>");
    assert_eq!(DialogId::of_request(&bye).as_ref(), Some(dialog.id()));
}

#[test]
fn requests_and_responses_name_their_dialog() {
    let caller = Dialog::uac(&invite(7), &ok(&[]), FLOW).unwrap();
    let callee = callee();

    assert_eq!(DialogId::of_response(&ok(&[])).as_ref(), Some(caller.id()));
    let info = theirs("INFO", 8, "<sip:alice@192.0.2.1>");
    assert_eq!(DialogId::of_request(&info).as_ref(), Some(callee.id()));
    assert_eq!(DialogId::of_request(&invite(7)), None);
}

#[test]
fn what_makes_no_dialog_says_why() {
    let flow = FLOW;
    let error = |response: &Response| Dialog::uac(&invite(7), response, flow).unwrap_err();
    let mut response = ringing(&[]);
    response.headers.set(name("To"), "<sip:bob@example.com>");
    assert_eq!(error(&response), DialogError::NoTag);
    for status in [100, 302, 486, 603] {
        let mut response = ok(&[]);
        response.status = StatusCode::new(status).unwrap();
        assert_eq!(error(&response), DialogError::Status(response.status));
    }

    let mut invite = invite(7);
    invite.headers.remove(&name("Contact"));
    let error = Dialog::uas(&invite, "b", &uri("sip:bob@192.0.2.4"), FLOW).unwrap_err();
    assert_eq!((&error, error.status()), (&DialogError::NoContact, StatusCode::BAD_REQUEST));
}

#[test]
fn without_a_contact_in_the_response_requests_go_where_the_invite_went() {
    for contact in [None, Some("<sip:bob@"), Some("*")] {
        let mut response = ok(&[]);
        response.headers.remove(&name("Contact"));
        if let Some(contact) = contact {
            response.headers.push(name("Contact"), contact);
        }

        let dialog = Dialog::uac(&invite(7), &response, FLOW).unwrap();

        assert_eq!(dialog.ack(7).uri.to_string(), "sip:bob@example.com");
    }
}

#[test]
fn a_sips_target_makes_the_dialog_secure() {
    let mut secure = invite(7);
    secure.uri = uri("sips:bob@example.com");

    assert!(Dialog::uac(&secure, &ok(&[]), FLOW).unwrap().is_secure());
    assert!(Dialog::uas(&secure, "b", &uri("sips:bob@192.0.2.4"), FLOW).unwrap().is_secure());
    assert!(!Dialog::uac(&invite(7), &ok(&[]), FLOW).unwrap().is_secure());
}

const P1_LOOSE: &str = "<sip:p1.example.com;lr;ftag=1>;x=y";
const P2_LOOSE: &str = "<sip:p2.example.com;lr>";

fn invite(number: u32) -> Request {
    request(&format!(
        "INVITE sip:bob@example.com SIP/2.0\r\n\
         Via: SIP/2.0/WSS k3.invalid;branch=z9hG4bK1\r\n\
         From: \"Alice\" <sip:alice@example.com>;tag=a\r\n\
         To: <sip:bob@example.com>\r\n\
         Call-ID: call-1\r\n\
         CSeq: {number} INVITE\r\n\
         Contact: <sip:alice@192.0.2.1>\r\n\r\n"
    ))
}

fn theirs(method: &str, number: u32, contact: &str) -> Request {
    request(&format!(
        "{method} sip:bob@192.0.2.4 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2\r\n\
         From: \"Alice\" <sip:alice@example.com>;tag=a\r\n\
         To: <sip:bob@example.com>;tag=b\r\n\
         Call-ID: call-1\r\n\
         CSeq: {number} {method}\r\n\
         Contact: {contact}\r\n\r\n"
    ))
}

fn callee() -> Dialog {
    Dialog::uas(&invite(7), "b", &uri("sip:bob@192.0.2.4:5062"), FLOW).unwrap()
}

fn ok(records: &[&str]) -> Response {
    let mut response = invite(7).reply(StatusCode::OK, Some("b"));
    record(&mut response.headers, records);
    response.headers.push(name("Contact"), "<sip:bob@192.0.2.4:5062>");
    response
}

fn ringing(records: &[&str]) -> Response {
    Response { status: StatusCode::RINGING, ..ok(records) }
}

fn record(headers: &mut sip_core::message::Headers, records: &[&str]) {
    for route in records {
        headers.push(name("Record-Route"), *route);
    }
}

fn request(text: &str) -> Request {
    match Message::parse(text.as_bytes()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn name(text: &str) -> sip_core::message::HeaderName {
    text.parse().unwrap()
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

fn number(request: &Request) -> u32 {
    request.headers.cseq().unwrap().number
}

fn routes(dialog: &Dialog) -> Vec<String> {
    dialog.route_set().iter().map(ToString::to_string).collect()
}

fn assert_text(request: &Request, expected: &str) {
    assert_eq!(String::from_utf8(request.write()).unwrap(), expected);
}
