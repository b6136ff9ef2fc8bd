//! One transaction between its user and its network, in virtual time.

use sip_core::message::{Message, Request, Response, StatusCode};
use sip_core::transaction::{
    ClientId, Phase, ServerId, Timer, Timers, TransactionEvent, TransactionOutput, TransactionView, Transactions,
};
use sip_core::{Duration, Flow, Instant, SocketId, Transport};

use super::document::{Seen, UNRELIABLE, name, words};
use super::machines::{INVITE_SERVER, Machine, samples};

/// One transaction, its user and its network.
pub(crate) struct Bench<'a> {
    machine: &'a Machine,
    transactions: Transactions,
    transport: Transport,
    flow: Flow,
    now: Instant,
    client: ClientId,
    server: ServerId,
    /// The request as the user knows it: sent, or told.
    request: Request,
    /// The last response of the user, or from the network.
    response: Option<Response>,
}

const SOCKET: SocketId = SocketId(3);

impl<'a> Bench<'a> {
    pub(crate) fn new(machine: &'a Machine, transport: &str) -> Self {
        let (transport, flow) = match transport {
            UNRELIABLE => (Transport::Udp, Flow::datagram(SOCKET, "192.0.2.9:5070".parse().unwrap())),
            _ => (Transport::Wss, Flow::connection(SOCKET)),
        };
        Self {
            machine,
            transactions: Transactions::new(Timers::default()),
            transport,
            flow,
            now: Instant::from_millis(1_000),
            client: ClientId(0),
            server: ServerId(0),
            request: request(machine.method, transport.as_str()),
            response: None,
        }
    }

    /// A bench whose transaction is in a state; none where it does not get there on this transport.
    pub(crate) fn reach(machine: &'a Machine, state: &str, transport: &str) -> Option<Self> {
        let (_, phase, path) = machine.states.iter().find(|(name, ..)| *name == state)?;
        let mut bench = Self::new(machine, transport);
        bench.start();
        for input in *path {
            bench.happen(input, samples(input)[1 % samples(input).len()]);
        }
        let is_there = bench.view().is_some_and(|view| view.phase == *phase);
        is_there.then_some(bench)
    }

    pub(crate) fn view(&self) -> Option<TransactionView> {
        match self.machine.is_client {
            true => self.transactions.client(self.client),
            false => self.transactions.server(self.server),
        }
    }

    pub(crate) fn start(&mut self) -> Vec<String> {
        let (request, flow, transport) = (self.request.clone(), self.flow, self.transport);
        if self.machine.is_client {
            self.client = self.transactions.request(request, flow, transport, self.now).unwrap();
        } else {
            self.transactions.handle_message(request.into(), flow, transport, self.now);
        }
        self.drain()
    }

    pub(crate) fn happen(&mut self, input: &str, sample: u16) -> Vec<String> {
        match input {
            "1xx" | "2xx" | "3xx–6xx" if self.machine.is_client => self.receive_response(sample),
            "1xx" | "2xx" | "3xx–6xx" => return self.respond(sample),
            "request again" => self.receive(&request(self.machine.method, self.transport.as_str())),
            "ACK" => self.receive(&request("ACK", self.transport.as_str())),
            "CANCEL sent" => self.send_cancel(),
            "flow failed" => self.transactions.handle_flow_failed(self.flow, self.now),
            "socket closed" => self.transactions.handle_socket_closed(SOCKET, self.now),
            _ if input.starts_with("timer ") => self.transactions.handle_timeout(self.now),
            _ => panic!("no such input: {input}"),
        }
        self.drain()
    }

    fn receive(&mut self, request: &Request) {
        let message = Message::Request(request.clone());
        self.transactions.handle_message(message, self.flow, self.transport, self.now);
    }

    fn receive_response(&mut self, status: u16) {
        let response = self.request.reply(StatusCode::new(status).unwrap(), Some("b"));
        self.response = Some(response.clone());
        self.transactions.handle_message(response.into(), self.flow, self.transport, self.now);
    }

    fn respond(&mut self, status: u16) -> Vec<String> {
        let response = self.request.reply(StatusCode::new(status).unwrap(), Some("b"));
        if self.transactions.respond(self.server, response.clone(), self.now).is_err() {
            assert_eq!(self.drain(), [""; 0], "what is refused does nothing else");
            return vec!["refuse".to_owned()];
        }
        self.response = Some(response);
        self.drain()
    }

    fn send_cancel(&mut self) {
        let cancel = request("CANCEL", self.transport.as_str());
        self.transactions.request(cancel, self.flow, self.transport, self.now).unwrap();
    }

    /// Lets time pass up to the moment of a timer, and all that comes before it happen.
    pub(crate) fn wait_until_before(&mut self, timer: &str) -> Option<()> {
        if timer == "Cancel" {
            self.now += Duration::from_millis(1);
            self.send_cancel();
        }
        loop {
            let timers = self.view()?.timers;
            let (_, deadline) = *timers.iter().find(|(running, _)| name(*running) == timer)?;
            self.now = self.transactions.next_timeout()?.min(deadline);
            if self.now == deadline {
                self.drain();
                return Some(());
            }
            self.transactions.handle_timeout(self.now);
        }
    }

    /// Takes all outputs and puts them in the words of the document.
    fn drain(&mut self) -> Vec<String> {
        let outputs: Vec<_> = core::iter::from_fn(|| self.transactions.poll_output()).collect();
        outputs.into_iter().filter_map(|output| self.name(output)).collect()
    }

    fn name(&mut self, output: TransactionOutput) -> Option<String> {
        Some(match output {
            TransactionOutput::Transmit { flow, bytes } => {
                assert_eq!(flow, self.flow);
                return self.name_message(&bytes);
            }
            TransactionOutput::Event(event) => match self.name_event(event)? {
                name if name == OVER => name.to_owned(),
                name => format!("tell {name}"),
            },
        })
    }

    /// The CANCEL's own transaction is no part of the table.
    fn name_message(&self, bytes: &[u8]) -> Option<String> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let response = self.response.as_ref().map(Response::write);
        Some(match text.split(' ').next() {
            Some("CANCEL") => return None,
            _ if self.machine.is_client && bytes == self.request.write() => "send request".to_owned(),
            _ if !self.machine.is_client && Some(bytes) == response.as_deref() => "send response".to_owned(),
            _ if self.machine.is_client && text == ACK.replace("TRANSPORT", self.transport.as_str()) => {
                "send ACK".to_owned()
            }
            _ if !self.machine.is_client && text == self.trying() => "send 100".to_owned(),
            _ => panic!("unexpected message:\n{text}"),
        })
    }

    fn trying(&self) -> String {
        let via = match self.transport {
            Transport::Udp => "UDP k3.invalid;branch=z9hG4bK1;rport=5070;received=192.0.2.9",
            _ => "WSS k3.invalid;branch=z9hG4bK1;rport",
        };
        TRYING.replace("VIA", via)
    }

    fn name_event(&mut self, event: TransactionEvent) -> Option<&'static str> {
        let (client, server) = (self.client, self.server);
        Some(match event {
            TransactionEvent::Request { id, request, flow } => {
                assert_eq!((flow, &request.method), (self.flow, &self.request.method));
                self.server = id;
                self.request = request;
                "request"
            }
            TransactionEvent::Response { id, response } if id == client => {
                assert_eq!(Some(&response), self.response.as_ref());
                "response"
            }
            TransactionEvent::Ack { request, flow } => {
                assert_eq!((flow, request.method.as_str()), (self.flow, "ACK"));
                "ACK"
            }
            TransactionEvent::Timeout { id } if id == client => "Timeout",
            TransactionEvent::TransportFailed { id } if id == client => "TransportFailed",
            TransactionEvent::ServerTransportFailed { id } if id == server => "TransportFailed",
            TransactionEvent::AckTimeout { id } if id == server => "AckTimeout",
            TransactionEvent::ClientTerminated { id } if id == client => OVER,
            TransactionEvent::ServerTerminated { id } if id == server => OVER,
            TransactionEvent::TransportFailed { .. }
            | TransactionEvent::Timeout { .. }
            | TransactionEvent::ClientTerminated { .. } => return None,
            other => panic!("unexpected event: {other:?}"),
        })
    }

    pub(crate) fn seen(&self, mut acts: Vec<String>, fired: Option<&str>, before: &TransactionView) -> Seen {
        let after = self.view();
        if after.is_none() {
            let others = self.transactions.client_count() + self.transactions.server_count();
            let is_idle = self.transactions.next_timeout().is_none();
            assert_eq!(is_idle, others == 0, "no timer outlives its transaction");
            assert_eq!(acts.pop().as_deref(), Some(OVER), "the end is told, and last");
        }
        assert!(acts.iter().all(|act| act != OVER), "told as over, and still there");
        let now = after.as_ref().map_or(&[][..], |view| view.timers.as_slice());
        let new = now.iter().filter(|timer| !before.timers.contains(timer));
        let started =
            new.map(|(timer, deadline)| format!("start {timer:?} {}", words(*timer, deadline.since(self.now))));
        let is_running = |timer: &String| now.iter().any(|(running, _)| name(*running) == *timer);
        let before: Vec<String> = before.timers.iter().map(|(timer, _)| name(*timer)).collect();
        let gone = before.iter().filter(|timer| after.is_some() && !is_running(timer));
        let gone = gone.filter(|timer| Some(timer.as_str()) != fired);
        Seen {
            next: self.state(after.as_ref()),
            acts,
            started: started.collect(),
            stopped: gone.cloned().collect(),
            before,
        }
    }

    /// The state by its name in the document.
    fn state(&self, view: Option<&TransactionView>) -> String {
        let Some(TransactionView { phase, timers }) = view else {
            return "Terminated".to_owned();
        };
        match phase {
            Phase::Proceeding if self.machine.title == INVITE_SERVER.title => {
                let is_silent = timers.iter().any(|(timer, _)| *timer == Timer::Trying);
                let what = if is_silent { "silent" } else { "answered" };
                format!("Proceeding ({what})")
            }
            phase => format!("{phase:?}"),
        }
    }
}

const OVER: &str = "over";

fn request(method: &str, transport: &str) -> Request {
    let text = format!(
        "{method} sip:bob@example.com SIP/2.0\r\n\
         Via: SIP/2.0/{transport} k3.invalid;branch=z9hG4bK1;rport\r\n\
         Route: <sip:p1.example.com;lr>\r\n\
         Route: <sip:p2.example.com;lr>, <sip:p3.example.com;lr>\r\n\
         Max-Forwards: 69\r\n\
         From: \"Alice\" <sip:alice@example.com>;tag=a\r\n\
         To: <sip:bob@example.com>\r\n\
         Call-ID: call-1\r\n\
         CSeq: 4711 {method}\r\n\
         Contact: <sip:alice@k3.invalid;transport=ws>\r\n\r\n"
    );
    match Message::parse(text.as_bytes()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

const ACK: &str = "ACK sip:bob@example.com SIP/2.0\r\n\
    Via: SIP/2.0/TRANSPORT k3.invalid;branch=z9hG4bK1;rport\r\n\
    Route: <sip:p1.example.com;lr>\r\n\
    Route: <sip:p2.example.com;lr>, <sip:p3.example.com;lr>\r\n\
    Max-Forwards: 70\r\n\
    From: \"Alice\" <sip:alice@example.com>;tag=a\r\n\
    To: <sip:bob@example.com>;tag=b\r\n\
    Call-ID: call-1\r\n\
    CSeq: 4711 ACK\r\n\
    Content-Length: 0\r\n\r\n";

const TRYING: &str = "SIP/2.0 100 Trying\r\n\
    Via: SIP/2.0/VIA\r\n\
    From: \"Alice\" <sip:alice@example.com>;tag=a\r\n\
    To: <sip:bob@example.com>\r\n\
    Call-ID: call-1\r\n\
    CSeq: 4711 INVITE\r\n\
    Content-Length: 0\r\n\r\n";
