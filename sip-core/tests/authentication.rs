//! Challenges to calls: answered once, with nonces used again, and never in circles (RFC 3261 §22).

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{ANSWER, Alone, OFFER, Side, answer};
use sip_core::Transport;
use sip_core::agent::{EndedBy, Invite};
use sip_core::digest::Credentials;
use sip_core::message::{Authorization, HeaderName, Method, NameAddr, StatusCode};

#[test]
fn a_challenge_is_answered_with_credentials_and_the_next_cseq() {
    let mut alone = Alone::new(Transport::Udp);
    let wish = Invite {
        offer: Some(OFFER.to_owned()),
        credentials: Some(Credentials::new("alice", "secret")),
        ..Invite::new(Side::Bob.uri(), NameAddr::new(Side::Alice.uri()), alone.flow)
    };
    let id = alone.invite(wish);
    let first = alone.next_request(Method::Invite);
    let mut refusal = first.reply(StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some("p"));
    refusal
        .headers
        .push(HeaderName::ProxyAuthenticate, "Digest realm=\"p\", nonce=\"1\", qop=\"auth\", algorithm=SHA-256");

    alone.receive(refusal);
    let ack = alone.next_request(Method::Ack);
    let second = alone.next_request(Method::Invite);
    alone.receive(answer(&second, 200, "b", Some(ANSWER)));
    let ack_of_2xx = alone.next_request(Method::Ack);
    alone.agent.hang_up(id, None, alone.now).unwrap();
    alone.drain();
    let bye = alone.next_request(Method::Bye);

    assert_eq!(ack.headers.via().unwrap().branch(), first.headers.via().unwrap().branch());
    assert_eq!((first.headers.cseq().unwrap().number, second.headers.cseq().unwrap().number), (1, 2));
    assert_eq!(first.headers.call_id(), second.headers.call_id());
    assert_eq!(first.headers.get(&HeaderName::From), second.headers.get(&HeaderName::From));
    assert_eq!(second.headers.to().unwrap().tag(), None);
    assert_eq!(second.body, OFFER.as_bytes());
    assert_eq!(
        ack_of_2xx.headers.get(&HeaderName::ProxyAuthorization),
        second.headers.get(&HeaderName::ProxyAuthorization),
        "the ACK carries the credentials of its INVITE"
    );
    assert_eq!(ack_of_2xx.headers.cseq().unwrap().number, 2);
    let given: Authorization = bye.headers.get(&HeaderName::ProxyAuthorization).unwrap().parse().unwrap();
    assert_eq!((given.nonce.as_str(), given.nc.as_deref()), ("1", Some("00000002")), "the nonce is used again");
    assert_eq!(bye.headers.cseq().unwrap().number, 3);
}

#[test]
fn a_challenged_bye_is_sent_again_with_credentials() {
    let mut alone = Alone::new(Transport::Udp);
    let wish = Invite {
        offer: Some(OFFER.to_owned()),
        credentials: Some(Credentials::new("alice", "secret")),
        ..Invite::new(Side::Bob.uri(), NameAddr::new(Side::Alice.uri()), alone.flow)
    };
    let id = alone.invite(wish);
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 200, "b", Some(ANSWER)));
    alone.next_request(Method::Ack);
    alone.agent.hang_up(id, None, alone.now).unwrap();
    alone.drain();
    let first = alone.next_request(Method::Bye);
    let mut refusal = first.reply(StatusCode::UNAUTHORIZED, None);
    refusal.headers.push(HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"1\", qop=\"auth\"");

    alone.receive(refusal.clone());
    let second = alone.next_request(Method::Bye);
    let mut again = second.reply(StatusCode::UNAUTHORIZED, None);
    again.headers.push(HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"1\", qop=\"auth\"");
    alone.receive(again);

    assert_eq!((first.headers.cseq().unwrap().number, second.headers.cseq().unwrap().number), (2, 3));
    assert!(second.headers.has(&HeaderName::Authorization));
    assert!(alone.sent.is_empty(), "refused twice is refused");
    assert_eq!(alone.end().by, EndedBy::Local);
    assert_eq!(alone.agent.session_count(), 0);
}

#[test]
fn a_challenge_without_credentials_ends_the_call_and_is_handed_on() {
    let mut alone = Alone::new(Transport::Udp);
    alone.call();
    let invite = alone.next_request(Method::Invite);
    let mut refusal = answer(&invite, 407, "p", None);
    refusal.headers.push(HeaderName::ProxyAuthenticate, "Digest realm=\"p\", nonce=\"1\"");

    alone.receive(refusal);

    assert_eq!(alone.story(), ["ACK"]);
    let end = alone.end();
    assert_eq!((end.by, end.status), (EndedBy::Remote, Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED)));
    assert_eq!(
        end.response.unwrap().headers.get(&HeaderName::ProxyAuthenticate),
        Some("Digest realm=\"p\", nonce=\"1\"")
    );
}
