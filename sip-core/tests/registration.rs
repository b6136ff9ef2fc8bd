//! The registration flows of RFC 3665 §2, refreshes, and what a registrar may refuse.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{Alone, Side, uri};
use sip_core::agent::{Event, Failure, LocalSocket, Register, RegistrationEvent, RegistrationId};
use sip_core::digest::{Algorithm, Credentials, Verdict, Verifier};
use sip_core::message::{Authorization, HeaderName, Method, NameAddr, Request, Response, StatusCode};
use sip_core::{Duration, Entropy, Flow, SocketId, Transport};

/// A registrar that grants what it is told and asks for a password where it has one.
struct Registrar {
    verifier: Option<Verifier>,
    entropy: Entropy,
    grant: u32,
}

impl Registrar {
    fn open(grant: u32) -> Self {
        Self { verifier: None, entropy: Entropy::new([9; 32]), grant }
    }

    fn guarded(nonce_lifetime: Duration) -> Self {
        let verifier = Verifier::new("example.com", &[Algorithm::Sha256, Algorithm::Md5], nonce_lifetime);
        Self { verifier: Some(verifier), ..Self::open(3_600) }
    }

    /// What it answers, and whether it was content.
    fn answer(&mut self, request: &Request, now: sip_core::Instant) -> Response {
        let stale = match &mut self.verifier {
            None => None,
            Some(verifier) => match request.headers.get(&HeaderName::Authorization) {
                None => Some(false),
                Some(row) => {
                    let given: Authorization = row.parse().unwrap();
                    match verifier.verify(&given, &"secret".into(), &request.method, &request.body, now) {
                        Verdict::Accepted => None,
                        Verdict::Stale => Some(true),
                        Verdict::Refused => Some(false),
                    }
                }
            },
        };
        match (stale, &mut self.verifier) {
            (Some(stale), Some(verifier)) => {
                let mut refusal = request.reply(StatusCode::UNAUTHORIZED, Some("r"));
                for challenge in verifier.challenge(stale, &mut self.entropy, now) {
                    refusal.headers.push(HeaderName::WwwAuthenticate, challenge.to_string());
                }
                refusal
            }
            _ => self.bind(request),
        }
    }

    fn bind(&self, request: &Request) -> Response {
        let mut ok = request.reply(StatusCode::OK, Some("r"));
        let mut contact: NameAddr = request.headers.get(&HeaderName::Contact).unwrap().parse().unwrap();
        if contact.expires() != Some(0) {
            contact.params.set("expires", Some(&self.grant.to_string()));
            ok.headers.push(HeaderName::Contact, contact.to_string());
        }
        ok
    }
}

fn wish(alone: &Alone) -> Register {
    Register {
        registrar: uri("sip:example.com"),
        aor: NameAddr::new(uri("sip:alice@example.com")),
        contact: NameAddr::new(Side::Alice.uri()),
        flow: alone.flow,
        expires: Duration::from_secs(3_600),
        credentials: Some(Credentials::new("alice", "secret")),
        headers: Vec::new(),
        is_sole: true,
    }
}

fn register(alone: &mut Alone) -> RegistrationId {
    let id = alone.agent.register(wish(alone), alone.now);
    alone.drain();
    id
}

/// Registers with a registrar until nothing more is sent; returns the REGISTERs.
fn exchange(alone: &mut Alone, registrar: &mut Registrar) -> Vec<Request> {
    let mut requests = Vec::new();
    while !alone.sent.is_empty() {
        let request = alone.next_request(Method::Register);
        alone.receive(registrar.answer(&request, alone.now));
        requests.push(request);
        assert!(requests.len() < 10, "it goes round in circles");
    }
    requests
}

fn numbers(requests: &[Request]) -> Vec<u32> {
    requests.iter().map(|request| request.headers.cseq().unwrap().number).collect()
}

fn credentials(request: &Request) -> Authorization {
    request.headers.get(&HeaderName::Authorization).unwrap().parse().unwrap()
}

#[test]
fn a_binding_is_made_after_a_challenge() {
    let mut alone = Alone::new(Transport::Udp);
    register(&mut alone);

    let requests = exchange(&mut alone, &mut Registrar::guarded(Duration::from_secs(300)));

    assert_eq!(alone.told(), ["registering", "registered 3600"]);
    assert_eq!(numbers(&requests), [1, 2]);
    let [first, second] = &requests[..] else { panic!() };
    assert_eq!(first.uri, uri("sip:example.com"));
    assert_eq!(first.headers.get(&HeaderName::To), Some("<sip:alice@example.com>"));
    assert_eq!(first.headers.from().unwrap().uri, uri("sip:alice@example.com"));
    assert_eq!(first.headers.get(&HeaderName::Contact), Some("<sip:alice@192.0.2.1:5060>;expires=3600"));
    assert_eq!(first.headers.expires(), Some(3_600));
    assert_eq!(first.headers.call_id(), second.headers.call_id());
    assert_eq!(first.headers.get(&HeaderName::From), second.headers.get(&HeaderName::From));
    assert_ne!(first.headers.via().unwrap().branch(), second.headers.via().unwrap().branch());
    let given = credentials(second);
    assert_eq!(
        (given.algorithm.as_deref(), given.nc.as_deref(), given.uri.as_str()),
        (Some("SHA-256"), Some("00000001"), "sip:example.com")
    );
}

#[test]
fn a_refresh_comes_in_time_with_the_next_nonce_count() {
    let mut alone = Alone::new(Transport::Udp);
    let mut registrar = Registrar::guarded(Duration::from_secs(100_000));
    register(&mut alone);
    exchange(&mut alone, &mut registrar);
    alone.told();

    alone.pass(Duration::from_secs(2_699));
    assert!(alone.sent.is_empty(), "not before 75 %");
    let mut waited = 0;
    while alone.sent.is_empty() && waited < 542 {
        alone.pass(Duration::from_secs(1));
        waited += 1;
    }
    alone.sent.truncate(1);
    let requests = exchange(&mut alone, &mut registrar);

    assert_eq!(numbers(&requests), [3], "at 90 % at the latest");
    assert_eq!(credentials(&requests[0]).nc.as_deref(), Some("00000002"));
    assert_eq!(alone.told(), ["registered 3600"]);
}

#[test]
fn a_stale_nonce_is_replaced_without_a_word() {
    let mut alone = Alone::new(Transport::Udp);
    let mut registrar = Registrar::guarded(Duration::from_secs(60));
    let id = register(&mut alone);
    exchange(&mut alone, &mut registrar);
    alone.told();

    alone.now += Duration::from_secs(300);
    alone.agent.unregister(id, alone.now).unwrap();
    alone.drain();
    let requests = exchange(&mut alone, &mut registrar);

    assert_eq!(numbers(&requests), [3, 4]);
    assert_ne!(credentials(&requests[0]).nonce, credentials(&requests[1]).nonce);
    assert_eq!(alone.told(), ["unregistered"]);
}

#[test]
fn a_wrong_password_is_tried_once() {
    let mut alone = Alone::new(Transport::Udp);
    let wrong = Register { credentials: Some(Credentials::new("alice", "wrong")), ..wish(&alone) };
    alone.agent.register(wrong, alone.now);
    alone.drain();

    let requests = exchange(&mut alone, &mut Registrar::guarded(Duration::from_secs(300)));

    assert_eq!(requests.len(), 2);
    let failure = Failure::Unauthorized { status: StatusCode::UNAUTHORIZED, realm: Some("example.com".to_owned()) };
    let told: Vec<_> = alone.events.drain(..).collect();
    assert!(
        matches!(&told[1], Event::Registration { event: RegistrationEvent::Failed { failure: told, .. }, .. } if *told == failure)
    );
    alone.pass(Duration::from_secs(10_000));
    assert!(alone.sent.is_empty(), "a failed registration stays quiet");
}

#[test]
fn a_registrar_with_ever_new_realms_and_stale_nonces_is_given_up() {
    for stale in ["", ", stale=true"] {
        let mut alone = Alone::new(Transport::Udp);
        register(&mut alone);
        let mut asked = 0;
        while !alone.sent.is_empty() {
            asked += 1;
            assert!(asked < 10, "it goes round in circles");
            let request = alone.next_request(Method::Register);
            let mut refusal = request.reply(StatusCode::UNAUTHORIZED, Some("r"));
            let realm = if stale.is_empty() { asked } else { 0 };
            refusal.headers.push(
                HeaderName::WwwAuthenticate,
                format!("Digest realm=\"{realm}\", nonce=\"{asked}\", qop=\"auth\"{stale}"),
            );
            alone.receive(refusal);
        }
        assert!(matches!(
            alone.events.pop_back(),
            Some(Event::Registration {
                event: RegistrationEvent::Failed { failure: Failure::Unauthorized { .. }, .. },
                ..
            })
        ));
    }
}

#[test]
fn a_proxy_and_a_registrar_may_both_ask() {
    let mut alone = Alone::new(Transport::Udp);
    register(&mut alone);

    let first = alone.next_request(Method::Register);
    let mut refusal = first.reply(StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some("p"));
    refusal
        .headers
        .push(HeaderName::ProxyAuthenticate, "Digest realm=\"proxy\", nonce=\"1\", qop=\"auth\", algorithm=MD5");
    alone.receive(refusal);
    let second = alone.next_request(Method::Register);
    let mut refusal = second.reply(StatusCode::UNAUTHORIZED, Some("r"));
    refusal.headers.push(HeaderName::WwwAuthenticate, "Digest realm=\"example.com\", nonce=\"2\", qop=\"auth\"");
    alone.receive(refusal);
    let third = alone.next_request(Method::Register);

    assert!(!second.headers.has(&HeaderName::Authorization));
    assert!(third.headers.has(&HeaderName::ProxyAuthorization), "the proxy asks each time");
    assert_eq!(credentials(&third).realm, "example.com");
    alone.receive(Registrar::open(60).bind(&third));
    assert_eq!(alone.told(), ["registering", "registered 60"]);
}

#[test]
fn a_shorter_binding_is_refreshed_earlier() {
    let mut alone = Alone::new(Transport::Udp);
    let mut registrar = Registrar::open(60);
    register(&mut alone);
    exchange(&mut alone, &mut registrar);

    let mut times = Vec::new();
    for second in 1..=180 {
        alone.pass(Duration::from_secs(1));
        if !exchange(&mut alone, &mut registrar).is_empty() {
            times.push(second);
        }
    }

    assert!(times.len() >= 3, "{times:?}");
    assert!((45..=55).contains(&times[0]), "{times:?}");
}

#[test]
fn too_brief_is_asked_again_with_what_the_registrar_wants() {
    let mut alone = Alone::new(Transport::Udp);
    alone.agent.register(Register { expires: Duration::from_secs(30), ..wish(&alone) }, alone.now);
    alone.drain();

    let first = alone.next_request(Method::Register);
    let mut refusal = first.reply(StatusCode::INTERVAL_TOO_BRIEF, Some("r"));
    refusal.headers.push(HeaderName::MinExpires, "1800");
    alone.receive(refusal);
    let second = alone.next_request(Method::Register);
    alone.receive(Registrar::open(1_800).bind(&second));

    assert_eq!((first.headers.expires(), second.headers.expires()), (Some(30), Some(1_800)));
    assert_eq!(second.headers.get(&HeaderName::Contact), Some("<sip:alice@192.0.2.1:5060>;expires=1800"));
    assert_eq!(alone.told(), ["registering", "registered 1800"]);
}

#[test]
fn a_registrar_that_always_says_too_brief_is_given_up() {
    let mut alone = Alone::new(Transport::Udp);
    register(&mut alone);
    let mut asked = 0;

    while !alone.sent.is_empty() {
        asked += 1;
        let request = alone.next_request(Method::Register);
        let mut refusal = request.reply(StatusCode::INTERVAL_TOO_BRIEF, Some("r"));
        refusal.headers.push(HeaderName::MinExpires, (request.headers.expires().unwrap() + 1).to_string());
        alone.receive(refusal);
    }

    assert_eq!(asked, 4);
    assert!(alone.told().last().unwrap().contains("Rejected"));
}

#[test]
fn unregistering_gives_the_binding_back() {
    let mut alone = Alone::new(Transport::Udp);
    let mut registrar = Registrar::open(3_600);
    let id = register(&mut alone);
    exchange(&mut alone, &mut registrar);

    alone.agent.unregister(id, alone.now).unwrap();
    alone.drain();
    let requests = exchange(&mut alone, &mut registrar);

    assert_eq!(requests[0].headers.get(&HeaderName::Contact), Some("<sip:alice@192.0.2.1:5060>;expires=0"));
    assert_eq!(requests[0].headers.expires(), Some(0));
    assert_eq!(alone.told(), ["registering", "registered 3600", "unregistered"]);
    assert!(alone.agent.unregister(id, alone.now).is_err());
    alone.pass(Duration::from_secs(10_000));
    assert!(alone.sent.is_empty());
}

#[test]
fn unregistering_waits_for_the_register_under_way() {
    let mut alone = Alone::new(Transport::Udp);
    let id = register(&mut alone);

    alone.agent.unregister(id, alone.now).unwrap();
    alone.drain();
    assert_eq!(alone.sent.len(), 1, "one REGISTER at a time");
    let requests = exchange(&mut alone, &mut Registrar::guarded(Duration::from_secs(300)));

    assert_eq!(
        requests.iter().map(|request| request.headers.expires().unwrap()).collect::<Vec<_>>(),
        [3_600, 3_600, 0]
    );
    assert_eq!(alone.told(), ["registering", "registered 3600", "unregistered"]);
}

#[test]
fn no_answer_fails_the_registration_after_64_t1() {
    let mut alone = Alone::new(Transport::Udp);
    register(&mut alone);

    alone.pass(Duration::from_secs(33));

    assert_eq!(alone.sent.len(), 11);
    assert!(matches!(
        alone.events.pop_back(),
        Some(Event::Registration { event: RegistrationEvent::Failed { failure: Failure::Timeout, .. }, .. })
    ));
}

#[test]
fn a_server_in_trouble_says_when_to_come_back() {
    let mut alone = Alone::new(Transport::Udp);
    register(&mut alone);
    let request = alone.next_request(Method::Register);
    let mut refusal = request.reply(StatusCode::SERVICE_UNAVAILABLE, Some("r"));
    refusal.headers.push(HeaderName::RetryAfter, "120 (maintenance)");

    alone.receive(refusal);

    let Some(Event::Registration { event: RegistrationEvent::Failed { failure, retry_after }, .. }) =
        alone.events.pop_back()
    else {
        panic!()
    };
    assert_eq!(
        failure,
        Failure::Rejected { status: StatusCode::SERVICE_UNAVAILABLE, reason: "Service Unavailable".to_owned() }
    );
    assert_eq!(retry_after, Some(Duration::from_secs(120)));
}

#[test]
fn a_binding_moves_to_a_new_connection_with_its_call_id() {
    let mut alone = Alone::new(Transport::Ws);
    let mut registrar = Registrar::guarded(Duration::from_secs(300));
    let id = register(&mut alone);
    let before = exchange(&mut alone, &mut registrar);

    alone.agent.handle_socket_closed(alone.flow.socket, alone.now);
    alone.drain();
    let flow = Flow::connection(SocketId(7));
    let contact = uri("sip:alice@df7jal23ls0d.invalid;transport=ws");
    alone.agent.open_socket(
        flow.socket,
        LocalSocket { transport: Transport::Ws, sent_by: "df7jal23ls0d.invalid".to_owned(), contact },
    );
    alone.agent.reregister(id, flow, alone.now).unwrap();
    alone.flow = flow;
    alone.drain();
    let after = exchange(&mut alone, &mut registrar);

    assert_eq!(numbers(&before), [1, 2]);
    assert_eq!(numbers(&after), [3], "the nonce still holds");
    assert_eq!(before[0].headers.call_id(), after[0].headers.call_id());
    let told = alone.told();
    assert_eq!(told[1], "registered 3600");
    assert!(told[2].contains("TransportFailed"));
    assert_eq!(told[3..], ["registering", "registered 3600"]);
}

#[test]
fn an_outbound_binding_says_so() {
    let mut alone = Alone::new(Transport::Ws);
    let contact = "<sip:x@df7jal23ls0d.invalid;transport=ws>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";
    alone.agent.register(Register { contact: contact.parse().unwrap(), ..wish(&alone) }, alone.now);
    alone.drain();

    let request = alone.next_request(Method::Register);

    assert_eq!(request.headers.get(&HeaderName::Supported), Some("path, outbound, gruu"));
    assert_eq!(request.headers.get(&HeaderName::Contact), Some(format!("{contact};expires=3600").as_str()));
}

#[test]
fn a_registrar_that_keeps_nothing_fails_the_registration() {
    let mut alone = Alone::new(Transport::Udp);
    register(&mut alone);
    let request = alone.next_request(Method::Register);

    alone.receive(Registrar::open(0).bind(&request));

    assert!(alone.told().last().unwrap().contains("did not keep"));
}
