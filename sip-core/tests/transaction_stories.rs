//! What the tables of `transactions.md` do not show: schedules, matching, addresses, limits.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use sip_core::message::{HeaderName, Message, Request, Response, StatusCode};
use sip_core::transaction::{
    ClientId, Limits, NoTransaction, Phase, RequestError, ServerId, Timers, TransactionEvent,
    TransactionOutput, Transactions,
};
use sip_core::{Duration, Flow, Instant, SocketId, Transport};

#[test]
fn an_unanswered_invite_is_sent_seven_times_in_32_seconds() {
    let mut stack = Stack::new();
    let id = stack.send(&request("INVITE", "1"));

    let (sent, end) = stack.run_out();

    assert_eq!(sent, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    assert_eq!(end, 32_000);
    assert!(matches!(stack.events[0], TransactionEvent::Timeout { id: of } if of == id));
    assert!(
        stack.copies.windows(2).all(|pair| pair[0] == pair[1]),
        "every copy is the same"
    );
}

#[test]
fn an_unanswered_request_is_sent_eleven_times_no_more_than_t2_apart() {
    let mut stack = Stack::new();
    let id = stack.send(&request("BYE", "1"));

    let (sent, end) = stack.run_out();

    let expected = [
        0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
    ];
    assert_eq!(sent, expected);
    assert_eq!(end, 32_000);
    assert!(matches!(stack.events[0], TransactionEvent::Timeout { id: of } if of == id));
}

#[test]
fn after_a_provisional_response_a_request_is_sent_every_t2() {
    let mut stack = Stack::new();
    let bye = request("BYE", "1");
    stack.send(&bye);
    stack.receive_response(&bye.reply(StatusCode::TRYING, None));

    let (sent, end) = stack.run_out();

    assert_eq!(
        sent,
        [0, 500, 4_500, 8_500, 12_500, 16_500, 20_500, 24_500, 28_500]
    );
    assert_eq!(end, 32_000);
}

#[test]
fn a_refusal_without_ack_is_sent_eleven_times_and_reported() {
    let mut stack = Stack::new();
    let invite = request("INVITE", "1");
    let id = stack.receive(&invite);
    stack
        .respond(id, &invite.reply(StatusCode::BUSY_HERE, Some("b")))
        .unwrap();

    let (sent, end) = stack.run_out();

    assert_eq!(sent.len(), 11);
    assert_eq!(end, 32_000);
    assert!(matches!(stack.events[1], TransactionEvent::AckTimeout { id: of } if of == id));
}

#[test]
fn a_silent_invite_gets_its_100_after_200_ms_and_copies_get_it_again() {
    let mut stack = Stack::new();
    let invite = request("INVITE", "1");
    stack.receive(&invite);
    stack.receive_again(&invite);
    assert_eq!(stack.sent(), [""; 0]);

    stack.advance(200);
    assert_eq!(stack.sent(), ["SIP/2.0 100 Trying"]);
    stack.receive_again(&invite);

    assert_eq!(stack.sent(), ["SIP/2.0 100 Trying"]);
    assert_eq!(stack.events.len(), 1, "copies are not told");
}

#[test]
fn a_cancel_names_the_invite_that_it_cancels() {
    let mut stack = Stack::new();
    let invite = stack.receive(&request("INVITE", "1"));

    stack.receive_again(&request("CANCEL", "1"));
    stack.receive_again(&request("CANCEL", "2"));
    let mut elsewhere = request("CANCEL", "1");
    elsewhere.headers.set(
        HeaderName::Via,
        "SIP/2.0/UDP other.invalid;branch=z9hG4bK1;rport",
    );
    stack.receive_again(&elsewhere);

    let named: Vec<Option<ServerId>> = stack.events[1..].iter().map(cancelled).collect();
    assert_eq!(named, [Some(invite), None, None]);
}

#[test]
fn a_copy_of_a_cancel_gets_the_same_answer() {
    let mut stack = Stack::new();
    stack.receive(&request("INVITE", "1"));
    let cancel = request("CANCEL", "1");
    stack.receive_again(&cancel);
    let TransactionEvent::Cancel { id, .. } = stack.events[1] else {
        panic!()
    };
    stack
        .respond(id, &cancel.reply(StatusCode::OK, Some("b")))
        .unwrap();

    stack.receive_again(&cancel);

    assert_eq!(stack.sent(), ["SIP/2.0 200 OK", "SIP/2.0 200 OK"]);
    assert_eq!(stack.events.len(), 2);
}

#[test]
fn a_request_that_comes_by_two_ways_is_refused_the_second_time() {
    let mut stack = Stack::new();
    stack.receive(&request("INVITE", "1"));
    let mut second = request("INVITE", "1");
    second.headers.set(
        HeaderName::Via,
        "SIP/2.0/UDP p2.invalid;branch=z9hG4bK2;rport",
    );

    stack.receive_again(&second);

    assert_eq!(stack.sent(), ["SIP/2.0 482 Loop Detected"]);
    assert_eq!(stack.events.len(), 1, "the user hears of the first one");
    assert_eq!(stack.transactions.counters().merged_requests, 1);
    let mut ack = request("ACK", "2");
    ack.headers.set(
        HeaderName::Via,
        "SIP/2.0/UDP p2.invalid;branch=z9hG4bK2;rport",
    );
    stack.receive_again(&ack);
    assert_eq!(stack.events.len(), 1, "and not of the ACK");
}

#[test]
fn a_call_forked_to_two_users_behind_one_address_is_two_calls() {
    let mut stack = Stack::new();
    stack.receive(&request("INVITE", "1"));
    let mut fork = request("INVITE", "2");
    fork.uri = "sip:carol@example.com".parse().unwrap();

    stack.receive(&fork);

    assert_eq!(stack.transactions.server_count(), 2);
    assert_eq!(stack.transactions.counters().merged_requests, 0);
}

#[test]
fn the_next_attempt_and_requests_in_a_dialog_are_not_merged() {
    let mut stack = Stack::new();
    stack.receive(&request("INVITE", "1"));
    let mut with_credentials = request("INVITE", "2");
    with_credentials.headers.set(HeaderName::CSeq, "2 INVITE");
    stack.receive(&with_credentials);
    for branch in ["3", "4"] {
        let mut inside = request("INVITE", branch);
        inside
            .headers
            .set(HeaderName::To, "<sip:bob@example.com>;tag=b");
        stack.receive(&inside);
    }

    assert_eq!(stack.transactions.counters().merged_requests, 0);
    assert_eq!(stack.events.len(), 4);
}

#[test]
fn above_the_limit_requests_are_answered_503_and_forgotten() {
    let limits = Limits {
        clients: 1,
        servers: 1,
    };
    let mut stack = Stack::with_limits(limits);
    stack.receive(&request("INVITE", "1"));
    let mut other = request("OPTIONS", "2");
    other.headers.set(HeaderName::CallId, "other");

    stack.receive_again(&other);
    stack.receive_again(&other);

    let [first, second] = &stack.copies[..] else {
        panic!("two answers")
    };
    assert_eq!(first, second, "with the same tag");
    assert!(first.starts_with("SIP/2.0 503 Service Unavailable\r\n"));
    assert_eq!(stack.transactions.server_count(), 1);
    assert_eq!(stack.transactions.counters().refused_requests, 2);

    stack.receive_again(&request("CANCEL", "1"));
    assert!(
        cancelled(&stack.events[1]).is_some(),
        "the CANCEL of what runs is let in"
    );

    stack.send(&request("OPTIONS", "3"));
    let refused = stack
        .transactions
        .request(request("OPTIONS", "4"), FLOW, UDP, stack.now);
    assert_eq!(refused, Err(RequestError::Full));
    assert_eq!(stack.transactions.counters().refused_clients, 1);
}

#[test]
fn responses_go_to_the_port_of_sent_by_unless_rport_asks_for_the_source() {
    for (via, port) in [
        ("SIP/2.0/UDP 192.0.2.9:5066;branch=z9hG4bK1", 5066),
        ("SIP/2.0/UDP pbx.invalid;branch=z9hG4bK2", 5060),
        ("SIP/2.0/UDP 10.0.0.1:5066;branch=z9hG4bK3;rport", 5070),
    ] {
        let mut stack = Stack::new();
        let mut options = request("OPTIONS", "1");
        options.headers.set(HeaderName::Via, via);
        let id = stack.receive(&options);
        stack
            .respond(id, &options.reply(StatusCode::OK, Some("b")))
            .unwrap();

        assert_eq!(
            stack.flows[0].remote,
            Some(format!("192.0.2.9:{port}").parse().unwrap())
        );
    }
}

#[test]
fn senders_of_rfc_2543_are_told_apart_without_branch() {
    let mut stack = Stack::new();
    let old = |method: &str, to: &str| {
        let mut request = request(method, "1");
        request
            .headers
            .set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.9:5070;branch=7");
        request.headers.set(HeaderName::To, to);
        request
    };
    let bob = "<sip:bob@example.com>";
    let invite = old("INVITE", bob);
    let id = stack.receive(&invite);
    stack.receive_again(&invite);
    stack.receive_again(&old("CANCEL", bob));
    assert_eq!(cancelled(&stack.events[1]), Some(id));
    stack
        .respond(id, &invite.reply(StatusCode::BUSY_HERE, Some("b")))
        .unwrap();

    stack.receive_again(&old("ACK", "<sip:bob@example.com>;tag=other"));
    assert_eq!(
        stack.transactions.server(id).unwrap().phase,
        Phase::Completed
    );
    stack.receive_again(&old("ACK", "<sip:bob@example.com>;tag=b"));

    assert_eq!(
        stack.transactions.server(id).unwrap().phase,
        Phase::Confirmed
    );
    assert_eq!(stack.transactions.counters().stray_acks, 1);
    assert_eq!(stack.events.len(), 2);
}

#[test]
fn the_ack_of_a_2xx_is_passed_on() {
    let mut stack = Stack::new();
    let invite = request("INVITE", "1");
    let id = stack.receive(&invite);
    stack
        .respond(id, &invite.reply(StatusCode::OK, Some("b")))
        .unwrap();

    stack.receive_again(&request("ACK", "2"));

    let TransactionEvent::Ack { request: ack, flow } = &stack.events[1] else {
        panic!()
    };
    assert_eq!((ack, *flow), (&request("ACK", "2"), FLOW));
}

#[test]
fn each_2xx_of_each_fork_is_told_and_a_late_one_is_stray() {
    let mut stack = Stack::new();
    let invite = request("INVITE", "1");
    stack.send(&invite);
    for tag in ["b", "c", "b"] {
        stack.receive_response(&invite.reply(StatusCode::OK, Some(tag)));
    }
    assert_eq!(stack.events.len(), 3);

    stack.advance(32_000);
    stack.receive_response(&invite.reply(StatusCode::OK, Some("d")));

    assert!(matches!(
        stack.events[3],
        TransactionEvent::ClientTerminated { .. }
    ));
    let TransactionEvent::StrayResponse { response, flow } = &stack.events[4] else {
        panic!()
    };
    assert_eq!(
        (response.headers.to().unwrap().tag(), *flow),
        (Some("d"), FLOW)
    );
}

#[test]
fn responses_that_are_not_ours_are_dropped_and_counted() {
    let mut stack = Stack::new();
    let options = request("OPTIONS", "1");
    stack.send(&options);
    let ok = options.reply(StatusCode::OK, Some("b"));
    let with = |name: HeaderName, value: &str| {
        let mut response = ok.clone();
        response.headers.set(name, value);
        response
    };
    let ours = ok.headers.get(&HeaderName::Via).unwrap();

    stack.receive_response(&with(
        HeaderName::Via,
        "SIP/2.0/UDP k3.invalid;branch=z9hG4bK2",
    ));
    stack.receive_response(&with(HeaderName::CSeq, "1 BYE"));
    stack.receive_response(&with(HeaderName::Via, &format!("{ours}, {ours}")));
    assert_eq!(stack.transactions.counters().stray_responses, 3);
    stack.receive_response(&with(HeaderName::Via, "SIP/2.0/UDP k3.invalid"));
    assert_eq!(stack.transactions.counters().unmatchable, 1);

    assert_eq!(stack.events.len(), 0);
    stack.receive_response(&ok);
    assert_eq!(stack.events.len(), 1);
}

#[test]
fn requests_without_a_transaction_are_refused() {
    let mut stack = Stack::new();
    stack.send(&request("OPTIONS", "1"));
    let mut refused = |request: Request| stack.transactions.request(request, FLOW, UDP, stack.now);
    let mut bare = request("OPTIONS", "2");
    bare.headers.remove(&HeaderName::Via);

    assert_eq!(
        refused(request("OPTIONS", "1")),
        Err(RequestError::BranchInUse)
    );
    assert_eq!(refused(request("OPTIONS", "")), Err(RequestError::NoBranch));
    assert_eq!(refused(bare), Err(RequestError::NoBranch));
    assert_eq!(refused(request("ACK", "3")), Err(RequestError::Ack));
}

#[test]
fn what_is_over_cannot_be_answered() {
    let mut stack = Stack::new();
    let options = request("OPTIONS", "1");
    let id = stack.receive(&options);
    let ok = options.reply(StatusCode::OK, Some("b"));
    stack.respond(id, &ok).unwrap();

    assert_eq!(stack.respond(id, &ok), Err(NoTransaction));
    stack.advance(32_000);

    assert_eq!(stack.transactions.server_count(), 0);
    assert_eq!(stack.respond(id, &ok), Err(NoTransaction));
}

#[test]
fn the_invite_is_there_for_its_cancel_and_its_ack_while_it_runs() {
    let mut stack = Stack::new();
    let invite = request("INVITE", "1");
    let id = stack.send(&invite);
    let options = stack.send(&request("OPTIONS", "2"));

    assert_eq!(stack.transactions.invite_request(id), Some(&invite));
    assert_eq!(stack.transactions.invite_request(options), None);
    stack.receive_response(&invite.reply(StatusCode::OK, Some("b")));
    assert_eq!(stack.transactions.invite_request(id), Some(&invite));
    stack.advance(32_000);
    assert_eq!(stack.transactions.invite_request(id), None);
}

#[test]
fn a_closed_socket_takes_its_own_transactions_with_it() {
    let mut stack = Stack::new();
    let here = stack.send(&request("OPTIONS", "1"));
    let there = Flow::connection(SocketId(8));
    let elsewhere =
        stack
            .transactions
            .request(request("OPTIONS", "2"), there, Transport::Ws, stack.now);
    stack.receive(&request("INVITE", "3"));

    stack
        .transactions
        .handle_socket_closed(FLOW.socket, stack.now);
    stack.drain();

    assert_eq!(
        (
            stack.transactions.client_count(),
            stack.transactions.server_count()
        ),
        (1, 0)
    );
    assert!(stack.transactions.client(elsewhere.unwrap()).is_some());
    let failed = |event: &&TransactionEvent| matches!(event, TransactionEvent::TransportFailed { id } if *id == here);
    assert_eq!(stack.events.iter().filter(failed).count(), 1);
}

#[test]
fn an_unreachable_address_fails_its_own_flow() {
    let mut stack = Stack::new();
    let here = stack.send(&request("OPTIONS", "1"));
    let there = Flow::datagram(FLOW.socket, "192.0.2.10:5060".parse().unwrap());
    let elsewhere = stack
        .transactions
        .request(request("OPTIONS", "2"), there, UDP, stack.now);

    stack.transactions.handle_flow_failed(FLOW, stack.now);

    assert!(stack.transactions.client(here).is_none());
    assert!(stack.transactions.client(elsewhere.unwrap()).is_some());
}

#[test]
fn a_host_that_wakes_late_sends_one_copy_not_all_that_it_missed() {
    let mut stack = Stack::new();
    stack.send(&request("OPTIONS", "1"));
    stack.copies.clear();

    stack.now += Duration::from_millis(20_000);
    stack.transactions.handle_timeout(stack.now);
    stack.drain();

    assert_eq!(stack.copies.len(), 1);
}

#[test]
fn thousands_of_transactions_end_and_leave_nothing() {
    let mut stack = Stack::new();
    for number in 0..1_500 {
        stack.send(&request("INVITE", &format!("c{number}")));
        let mut invite = request("INVITE", &format!("s{number}"));
        invite
            .headers
            .set(HeaderName::CallId, format!("call-{number}"));
        let id = stack.receive(&invite);
        stack
            .respond(id, &invite.reply(StatusCode::DECLINE, Some("b")))
            .unwrap();
    }
    assert_eq!(
        stack.transactions.client_count() + stack.transactions.server_count(),
        3_000
    );

    stack.run_out();

    assert_eq!(
        stack.transactions.client_count() + stack.transactions.server_count(),
        0
    );
    assert_eq!(stack.transactions.next_timeout(), None);
}

const FLOW: Flow = Flow::datagram(
    SocketId(3),
    core::net::SocketAddr::new(
        core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 9)),
        5070,
    ),
);
const UDP: Transport = Transport::Udp;

/// Transactions, and what came out of them.
struct Stack {
    transactions: Transactions,
    now: Instant,
    copies: Vec<String>,
    flows: Vec<Flow>,
    times: Vec<u64>,
    events: Vec<TransactionEvent>,
}

impl Stack {
    fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    fn with_limits(limits: Limits) -> Self {
        Self {
            transactions: Transactions::with_limits(Timers::default(), limits),
            now: Instant::ZERO,
            copies: Vec::new(),
            flows: Vec::new(),
            times: Vec::new(),
            events: Vec::new(),
        }
    }

    fn send(&mut self, request: &Request) -> ClientId {
        let id = self
            .transactions
            .request(request.clone(), FLOW, UDP, self.now)
            .unwrap();
        self.drain();
        id
    }

    fn receive(&mut self, request: &Request) -> ServerId {
        self.receive_again(request);
        match self.events.last() {
            Some(TransactionEvent::Request { id, .. }) => *id,
            other => panic!("{other:?}"),
        }
    }

    fn receive_again(&mut self, request: &Request) {
        let message = Message::Request(request.clone());
        self.transactions
            .handle_message(message, FLOW, UDP, self.now);
        self.drain();
    }

    fn receive_response(&mut self, response: &Response) {
        let message = Message::Response(response.clone());
        self.transactions
            .handle_message(message, FLOW, UDP, self.now);
        self.drain();
    }

    fn respond(&mut self, id: ServerId, response: &Response) -> Result<(), NoTransaction> {
        let result = self.transactions.respond(id, response.clone(), self.now);
        self.drain();
        result
    }

    fn advance(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while let Some(next) = self.transactions.next_timeout().filter(|next| *next <= end) {
            self.now = next;
            self.transactions.handle_timeout(next);
            self.drain();
        }
        self.now = end;
    }

    /// Lets time pass until nothing runs: when something was sent, and the end.
    fn run_out(&mut self) -> (Vec<u64>, u64) {
        while let Some(next) = self.transactions.next_timeout() {
            self.now = next;
            self.transactions.handle_timeout(next);
            self.drain();
        }
        (self.times.clone(), self.now.as_micros() / 1_000)
    }

    fn drain(&mut self) {
        while let Some(output) = self.transactions.poll_output() {
            match output {
                TransactionOutput::Transmit { flow, bytes } => {
                    self.copies.push(String::from_utf8(bytes).unwrap());
                    self.flows.push(flow);
                    self.times.push(self.now.as_micros() / 1_000);
                }
                TransactionOutput::Event(event) => self.events.push(event),
            }
        }
    }

    /// First lines of what was sent since the last time.
    fn sent(&mut self) -> Vec<String> {
        let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
        self.copies.drain(..).map(first_line).collect()
    }
}

fn cancelled(event: &TransactionEvent) -> Option<ServerId> {
    match event {
        TransactionEvent::Cancel { invite, .. } => *invite,
        other => panic!("{other:?}"),
    }
}

fn request(method: &str, branch: &str) -> Request {
    let text = format!(
        "{method} sip:bob@example.com SIP/2.0\r\n\
         Via: SIP/2.0/UDP k3.invalid;branch=z9hG4bK{branch};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:alice@example.com>;tag=a\r\n\
         To: <sip:bob@example.com>\r\n\
         Call-ID: call-1\r\n\
         CSeq: 1 {method}\r\n\
         Contact: <sip:alice@192.0.2.9>\r\n\r\n"
    );
    match Message::parse(text.as_bytes()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}
