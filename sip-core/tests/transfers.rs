//! Transfers (RFC 3515, RFC 4488, RFC 5589, RFC 6665): who asks, who is asked, and what goes wrong between them.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{Fate, Pair, Side, uri};
use sip_core::agent::{Config, Event, OutgoingRequest, Refer, Reply, SessionId, TransferEvent, TransferId};
use sip_core::digest::Credentials;
use sip_core::message::{HeaderName, Message, Method, NameAddr, StatusCode, StatusLine};
use sip_core::{Duration, Transport};

fn phone() -> Config {
    let mut config = Config { transfers: true, supported: vec!["replaces", "norefersub"], ..Config::default() };
    config.allow.push(Method::Refer);
    config
}

/// A phone that knows nothing of transfers and whose application answers REFER itself.
fn plain() -> Config {
    let mut config = phone();
    config.transfers = false;
    config
}

struct Town {
    pair: Pair,
    alice: SessionId,
    bob: SessionId,
}

impl Town {
    fn new() -> Self {
        Self::with(phone(), phone())
    }

    fn with(alice: Config, bob: Config) -> Self {
        let mut pair = Pair::with_configs(Transport::Udp, alice, bob);
        let (alice, bob) = pair.established();
        Self { pair, alice, bob }
    }

    fn refer(&mut self, refer: Refer) -> TransferId {
        let id = self.pair.alice.agent.refer(self.alice, refer, self.pair.now).unwrap();
        self.pair.settle();
        id
    }

    /// What Bob is asked.
    fn asked(&mut self) -> TransferId {
        while let Some(event) = self.pair.bob.events.pop_front() {
            if let Event::Transfer { id, event: TransferEvent::Asked { .. }, .. } = event {
                return id;
            }
        }
        panic!("nobody asked: {:?}", self.pair.story())
    }

    /// Alice asks Bob to call Carol, and Bob agrees.
    fn agreed() -> (Self, TransferId) {
        let mut town = Self::new();
        town.refer(carol());
        let asked = town.asked();
        town.pair.bob.agent.accept_transfer(asked, town.pair.now).unwrap();
        town.pair.settle();
        (town, asked)
    }

    fn report(&mut self, id: TransferId, status: StatusCode) {
        let line = StatusLine::new(status);
        self.pair.bob.agent.report_transfer(id, line, self.pair.now).unwrap();
        self.pair.settle();
    }

    fn alice_hears(&mut self) -> Vec<String> {
        self.pair.alice.told()
    }

    /// A NOTIFY of Bob's own making.
    fn notify(&mut self, event: &str, state: &str, body: Option<(&str, &str)>) {
        let rows = vec![(HeaderName::Event, event.to_owned()), (HeaderName::SubscriptionState, state.to_owned())];
        let body = body.map(|(kind, text)| (kind.to_owned(), text.as_bytes().to_vec()));
        self.pair.bob.agent.session_request(self.bob, Method::Notify, rows, body, self.pair.now).unwrap();
        self.pair.settle();
    }

    /// The REFER that came to a Bob without transfers.
    fn answer_refer(&mut self, reply: Reply) {
        let id = self.pair.bob.events.drain(..).find_map(|event| match event {
            Event::Request { id, request, .. } if request.method == Method::Refer => Some(id),
            _ => None,
        });
        self.pair.bob.agent.respond(id.unwrap(), reply, self.pair.now).unwrap();
        self.pair.settle();
    }

    fn sipfrags(&self) -> Vec<(String, String)> {
        let notifies = self.pair.sent("NOTIFY").into_iter().map(|sent| &sent.message);
        let pairs = notifies.map(|message| {
            let state = message.headers().get(&HeaderName::SubscriptionState).unwrap();
            let state = state.split(";expires").next().unwrap();
            (state.to_owned(), String::from_utf8(message.body().to_vec()).unwrap().trim().to_owned())
        });
        pairs.collect()
    }
}

fn carol() -> Refer {
    let referred_by = Some(NameAddr::new(uri("sip:alice@example.com")));
    Refer { referred_by, ..Refer::new(uri("sip:carol@example.com")) }
}

fn sipfrag(text: &str) -> Option<(&str, &str)> {
    Some(("message/sipfrag;version=2.0", text))
}

#[test]
fn a_transfer_is_agreed_to_followed_and_ends_with_the_answer() {
    let (mut town, asked) = Town::agreed();
    town.report(asked, StatusCode::RINGING);
    town.report(asked, StatusCode::OK);

    assert_eq!(
        town.pair.story(),
        [
            "alice REFER",
            "bob 202 REFER",
            "bob NOTIFY",
            "alice 200 NOTIFY",
            "bob NOTIFY",
            "alice 200 NOTIFY",
            "bob NOTIFY",
            "alice 200 NOTIFY",
        ]
    );
    let refer = town.pair.request("REFER");
    assert_eq!(refer.headers.get(&HeaderName::ReferTo), Some("<sip:carol@example.com>"));
    assert_eq!(refer.headers.get(&HeaderName::ReferredBy), Some("<sip:alice@example.com>"));
    assert!(refer.headers.has(&HeaderName::Contact));
    let number = refer.headers.cseq().unwrap().number;
    let notify = town.pair.request("NOTIFY");
    assert_eq!(notify.headers.get(&HeaderName::Event), Some(format!("refer;id={number}").as_str()));
    assert_eq!(notify.headers.get(&HeaderName::ContentType), Some("message/sipfrag;version=2.0"));
    assert_eq!(notify.body, b"SIP/2.0 200 OK\r\n");
    let states = ["active", "active", "terminated;reason=noresource"].map(str::to_owned);
    let lines = ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK"].map(str::to_owned);
    assert_eq!(town.sipfrags(), states.into_iter().zip(lines).collect::<Vec<_>>());
    assert_eq!(town.alice_hears(), ["transfer accepted", "transfer 100", "transfer 180", "transferred 200"]);
    assert!(town.pair.bob.agent.report_transfer(asked, StatusLine::new(StatusCode::OK), town.pair.now).is_err());
}

#[test]
fn a_transfer_that_fails_leaves_the_call_as_it_was() {
    let (mut town, asked) = Town::agreed();
    town.report(asked, StatusCode::BUSY_HERE);

    assert_eq!(town.alice_hears(), ["transfer accepted", "transfer 100", "transfer failed 486"]);
    town.pair.log.clear();
    town.pair.pass(Duration::from_secs(200));
    assert_eq!(town.pair.story(), Vec::<String>::new());
    town.pair.alice.agent.offer(town.alice, "v=0".to_owned(), town.pair.now).unwrap();
    town.pair.settle();
    assert_eq!(town.pair.story(), ["alice INVITE"]);
}

#[test]
fn who_refuses_at_once_says_it_in_the_response() {
    let mut town = Town::new();
    town.refer(carol());
    let asked = town.asked();
    town.pair.bob.agent.reject_transfer(asked, StatusCode::DECLINE, town.pair.now).unwrap();
    town.pair.settle();

    assert_eq!(town.pair.story(), ["alice REFER", "bob 603 REFER"]);
    assert_eq!(town.alice_hears(), ["transfer refused 603"]);
    assert!(town.pair.bob.agent.accept_transfer(asked, town.pair.now).is_err());
}

#[test]
fn who_thinks_about_it_is_waited_for_by_a_pending_subscription() {
    let mut town = Town::new();
    town.refer(carol());
    let asked = town.asked();
    town.pair.pass(Duration::from_secs(20));

    assert_eq!(town.sipfrags(), [("pending".to_owned(), "SIP/2.0 100 Trying".to_owned())]);
    town.pair.bob.agent.reject_transfer(asked, StatusCode::DECLINE, town.pair.now).unwrap();
    town.pair.settle();

    assert_eq!(town.sipfrags()[1], ("terminated;reason=rejected".to_owned(), "SIP/2.0 603 Decline".to_owned()));
    assert_eq!(town.alice_hears(), ["transfer accepted", "transfer 100", "transfer failed 603"]);
}

#[test]
fn who_never_decides_is_taken_for_a_no() {
    let mut town = Town::new();
    town.refer(carol());
    town.asked();
    town.pair.pass(Duration::from_secs(130));

    assert_eq!(town.pair.bob.told(), ["transfer withdrawn"]);
    assert_eq!(town.alice_hears().last().unwrap(), "transfer failed 408");
}

#[test]
fn without_a_subscription_the_agreement_is_all_that_is_known() {
    let mut town = Town::new();
    town.refer(Refer { subscribe: false, ..carol() });
    let asked = town.asked();
    town.pair.bob.agent.accept_transfer(asked, town.pair.now).unwrap();
    town.pair.settle();
    town.report(asked, StatusCode::OK);

    assert_eq!(town.pair.story(), ["alice REFER", "bob 202 REFER"]);
    let refer_sub = HeaderName::other("Refer-Sub");
    assert_eq!(town.pair.request("REFER").headers.get(&refer_sub), Some("false"));
    assert_eq!(town.pair.response("202 REFER").headers.get(&refer_sub), Some("false"));
    assert_eq!(town.alice_hears(), ["transferred 202 (unconfirmed)"]);
}

#[test]
fn news_may_overtake_the_agreement() {
    let mut town = Town::new();
    let is_202 = |message: &Message| matches!(message, Message::Response(response) if response.status.as_u16() == 202);
    town.pair.link(move |_, message| match is_202(message) {
        true => Fate::IsLate(Duration::from_millis(100)),
        false => Fate::Arrives,
    });
    town.refer(carol());
    let asked = town.asked();
    town.pair.bob.agent.accept_transfer(asked, town.pair.now).unwrap();
    town.pair.pass(Duration::from_millis(50));
    let line = StatusLine::new(StatusCode::OK);
    town.pair.bob.agent.report_transfer(asked, line, town.pair.now).unwrap();
    town.pair.settle();

    assert_eq!(town.alice_hears(), ["transfer 100", "transferred 200"]);
}

#[test]
fn lost_news_are_sent_again_and_stay_in_order() {
    let (mut town, asked) = Town::agreed();
    town.pair.link(|number, _| if number == 4 { Fate::IsLost } else { Fate::Arrives });
    for status in [StatusCode::RINGING, StatusCode::SESSION_PROGRESS, StatusCode::OK] {
        let line = StatusLine::new(status);
        town.pair.bob.agent.report_transfer(asked, line, town.pair.now).unwrap();
    }
    town.pair.pass(Duration::from_secs(5));

    assert_eq!(town.alice_hears(), ["transfer accepted", "transfer 100", "transfer 180", "transferred 200"]);
}

#[test]
fn no_news_at_all_is_a_lost_transfer() {
    let mut town = Town::with(phone(), plain());
    town.refer(carol());
    town.answer_refer(Reply::new(StatusCode::ACCEPTED));
    town.pair.pass(Duration::from_secs(33));

    assert_eq!(town.alice_hears(), ["transfer accepted", "transfer lost Timeout"]);
    assert!(town.pair.alice.agent.session(town.alice).is_some());
}

#[test]
fn a_subscription_that_ends_without_a_result_is_a_lost_transfer() {
    let mut town = Town::with(phone(), plain());
    town.refer(carol());
    town.answer_refer(Reply::new(StatusCode::OK));
    town.notify("refer", "active;expires=60", sipfrag("SIP/2.0 100 Trying\r\n"));
    town.notify("refer", "terminated;reason=noresource", sipfrag("SIP/2.0 180 Ringing"));

    let heard = town.alice_hears();
    assert_eq!(heard.get(..2).unwrap(), ["transfer accepted", "transfer 100"]);
    assert!(heard[2].starts_with("transfer lost Protocol"), "{heard:?}");
    assert_eq!(heard.len(), 3);
}

#[test]
fn a_final_status_counts_though_the_subscription_goes_on() {
    let mut town = Town::with(phone(), plain());
    town.refer(carol());
    town.answer_refer(Reply::new(StatusCode::ACCEPTED));
    town.notify("refer", "active;expires=60", sipfrag("SIP/2.0 200 OK\r\nContact: <sip:x@y>\r\n"));
    town.notify("refer", "terminated", None);

    assert_eq!(town.alice_hears(), ["transfer accepted", "transferred 200"]);
    assert_eq!(town.pair.sent("200 NOTIFY").len(), 2);
}

#[test]
fn news_nobody_asked_for_or_in_another_language_are_refused() {
    let mut town = Town::with(phone(), plain());
    town.notify("refer", "active", sipfrag("SIP/2.0 100 Trying"));
    assert_eq!(town.pair.sent("481 NOTIFY").len(), 1);
    town.pair.alice.told();
    assert!(town.pair.alice.agent.session(town.alice).is_some());

    let mut town = Town::with(phone(), plain());
    town.refer(carol());
    town.answer_refer(Reply::new(StatusCode::ACCEPTED));
    town.notify("refer;id=4711", "active", sipfrag("SIP/2.0 200 OK"));
    assert_eq!(town.pair.sent("481 NOTIFY").len(), 1);

    let mut town = Town::with(phone(), plain());
    town.refer(carol());
    town.answer_refer(Reply::new(StatusCode::ACCEPTED));
    town.notify("refer", "active", Some(("text/plain", "SIP/2.0 200 OK")));
    town.notify("refer", "active", sipfrag("what?"));
    assert_eq!(town.pair.response("415 NOTIFY").headers.get(&HeaderName::Accept), Some("message/sipfrag"));
    assert_eq!(town.pair.sent("400 NOTIFY").len(), 1);
    assert_eq!(town.alice_hears(), ["transfer accepted"]);
}

#[test]
fn a_refer_is_asked_for_credentials_and_its_news_are_known_by_the_second_number() {
    let mut pair = Pair::with_configs(Transport::Udp, phone(), plain());
    let credentials = Some(Credentials::new("alice", "secret"));
    let invite = sip_core::agent::Invite { credentials, ..pair.invitation() };
    let alice = pair.alice.agent.invite(invite, pair.now).unwrap();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.bob.agent.accept(bob, pair::ANSWER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.settle();
    pair.alice.told();
    let mut town = Town { pair, alice, bob };

    town.refer(carol());
    let challenge = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=MD5";
    town.answer_refer(Reply::new(StatusCode::UNAUTHORIZED).header(HeaderName::WwwAuthenticate, challenge));
    town.answer_refer(Reply::new(StatusCode::ACCEPTED));
    let refer = town.pair.request("REFER");
    assert!(refer.headers.has(&HeaderName::Authorization));
    let event = format!("refer;id={}", refer.headers.cseq().unwrap().number);
    town.notify(&event, "terminated;reason=noresource", sipfrag("SIP/2.0 200 OK"));

    assert_eq!(town.alice_hears(), ["transfer accepted", "transferred 200"]);
}

#[test]
fn a_phone_without_transfers_says_405_and_the_call_goes_on() {
    let mut town = Town::with(phone(), Config::default());
    town.refer(carol());

    assert_eq!(town.alice_hears(), ["transfer refused 405"]);
    assert!(town.pair.alice.agent.session(town.alice).is_some());
}

#[test]
fn who_hangs_up_at_the_agreement_still_hears_how_it_went() {
    let (mut town, asked) = Town::agreed();
    town.pair.alice.agent.hang_up(town.alice, None, town.pair.now).unwrap();
    town.pair.settle();
    town.pair.log.clear();
    town.report(asked, StatusCode::RINGING);
    town.report(asked, StatusCode::OK);

    assert_eq!(town.pair.story(), ["bob NOTIFY", "alice 200 NOTIFY", "bob NOTIFY", "alice 200 NOTIFY"]);
    let heard = town.alice_hears();
    assert_eq!(heard.last().unwrap(), "transferred 200", "{heard:?}");
    assert!(town.pair.alice.agent.session(town.alice).is_none());
}

#[test]
fn who_is_hung_up_on_before_deciding_is_asked_no_more() {
    let mut town = Town::new();
    town.refer(carol());
    let asked = town.asked();
    town.pair.alice.agent.hang_up(town.alice, None, town.pair.now).unwrap();
    town.pair.settle();

    assert_eq!(town.pair.sent("487 REFER").len(), 1);
    assert_eq!(town.pair.bob.told(), ["ended Remote", "transfer withdrawn"]);
    assert!(town.pair.bob.agent.accept_transfer(asked, town.pair.now).is_err());
}

#[test]
fn news_that_nobody_takes_end_without_harm() {
    let (mut town, asked) = Town::agreed();
    town.pair.link(|_, _| Fate::IsLost);
    let line = StatusLine::new(StatusCode::RINGING);
    town.pair.bob.agent.report_transfer(asked, line, town.pair.now).unwrap();
    town.pair.pass(Duration::from_secs(40));

    assert!(town.pair.bob.agent.report_transfer(asked, StatusLine::new(StatusCode::OK), town.pair.now).is_err());
    assert!(town.pair.bob.agent.session(town.bob).is_some());
    assert_eq!(town.pair.bob.told(), Vec::<String>::new());
}

#[test]
fn both_sides_asking_at_once_refuse_each_other() {
    let mut town = Town::new();
    let now = town.pair.now;
    town.pair.alice.agent.refer(town.alice, carol(), now).unwrap();
    town.pair.bob.agent.refer(town.bob, carol(), now).unwrap();
    town.pair.settle();

    assert_eq!(town.alice_hears(), ["transfer refused 491"]);
    assert_eq!(town.pair.bob.told(), ["transfer refused 491"]);
}

#[test]
fn one_transfer_at_a_time_and_a_bounded_number_in_all() {
    let mut town = Town::new();
    town.refer(carol());
    assert!(town.pair.alice.agent.refer(town.alice, carol(), town.pair.now).is_err());

    let mut town = Town::with(plain(), Config { max_transfers: 0, ..phone() });
    let rows = vec![(HeaderName::ReferTo, "<sip:carol@example.com>".to_owned())];
    town.pair.alice.agent.session_request(town.alice, Method::Refer, rows, None, town.pair.now).unwrap();
    town.pair.settle();
    assert!(town.pair.response("503 REFER").headers.has(&HeaderName::RetryAfter));

    let mut town = Town::with(plain(), phone());
    for _ in 0..20 {
        let rows = vec![(HeaderName::ReferTo, "<sip:carol@example.com>".to_owned())];
        town.pair.alice.agent.session_request(town.alice, Method::Refer, rows, None, town.pair.now).unwrap();
    }
    town.pair.settle();
    assert_eq!(town.pair.sent("486 REFER").len(), 19);
    assert_eq!(town.pair.bob.agent.counters().refused, 19);
}

#[test]
fn targets_that_are_no_calls_and_headers_that_cannot_be_read_are_refused() {
    for (rows, status) in [
        (vec!["<http://example.com/>"], "403 REFER"),
        (vec!["<sip:carol@example.com;method=BYE>"], "403 REFER"),
        (vec!["<sip:carol@example.com"], "400 REFER"),
        (vec!["<sip:carol@example.com?Replaces=nonsense>"], "400 REFER"),
        (vec![], "400 REFER"),
        (vec!["<sip:carol@example.com>", "<sip:dave@example.com>"], "400 REFER"),
    ] {
        let mut town = Town::with(plain(), phone());
        let headers = rows.iter().map(|value| (HeaderName::ReferTo, (*value).to_owned())).collect();
        town.pair.alice.agent.session_request(town.alice, Method::Refer, headers, None, town.pair.now).unwrap();
        town.pair.settle();
        assert_eq!(town.pair.sent(status).len(), 1, "{rows:?}: {:?}", town.pair.story());
        assert_eq!(town.pair.bob.told(), Vec::<String>::new());
    }
}

#[test]
fn out_of_the_blue_nobody_is_sent_anywhere() {
    let mut pair = Pair::with_config(Transport::Udp, phone());
    let flow = pair.flow(Side::Alice);
    let refer = OutgoingRequest {
        headers: vec![(HeaderName::ReferTo, "<sip:premium@example.com>".to_owned())],
        ..OutgoingRequest::new(Method::Refer, Side::Bob.uri(), NameAddr::new(Side::Alice.uri()), flow)
    };
    pair.alice.agent.request(refer, pair.now).unwrap();
    pair.settle();

    assert_eq!(pair.story(), ["alice REFER", "bob 403 REFER"]);
    assert_eq!(pair.bob.told(), Vec::<String>::new());
}
