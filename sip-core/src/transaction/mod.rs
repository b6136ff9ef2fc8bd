//! Transactions: a request and its responses, kept together over a network that loses and repeats them
//! (RFC 3261 §17, with the Accepted state of RFC 6026).
//!
//! [`Transactions`] routes each message and each deadline to one of four machines; `tests/transactions.md` holds their
//! tables. As everywhere in this crate: after each call, drain [`poll_output`](Transactions::poll_output), then call
//! [`handle_timeout`](Transactions::handle_timeout) at [`next_timeout`](Transactions::next_timeout).
//!
//! Not here: dialogs; the ACK of a 2xx and sending a 2xx again (§13.2.2.4, §13.3.1.4), which are end to end and the
//! business of the session; timer C and forwarding, which are a proxy's.

mod client_invite;
mod client_non_invite;
mod clients;
mod context;
mod event;
mod key;
mod receive;
mod reply_path;
mod server_invite;
mod server_non_invite;
mod servers;
mod timer;

pub use event::{
    NoTransaction, Phase, RequestError, TransactionCounters, TransactionEvent, TransactionOutput, TransactionView,
};
pub use timer::{Timer, Timers};

use client_invite::ClientInvite;
use client_non_invite::ClientNonInvite;
use clients::{Client, ClientMachine, Clients};
use context::{ClientInput, Context, Outbox, ServerInput};
use key::ClientKey;
use servers::Servers;
use timer::Owner;

use crate::flow::{Flow, SocketId, Transport};
use crate::message::{Message, Method, Request, Response};
use crate::time::Instant;

/// A client transaction: a request of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// A server transaction: a request of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub u64);

/// How many transactions may run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests of ours; above it [`Transactions::request`] refuses.
    pub clients: usize,
    /// Requests of theirs; above it they are answered 503 without a transaction. CANCELs of what runs do not count.
    pub servers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { clients: 65_536, servers: 65_536 }
    }
}

/// All transactions of one agent.
#[derive(Debug)]
pub struct Transactions {
    limits: Limits,
    clients: Clients,
    servers: Servers,
    outbox: Outbox,
    counters: TransactionCounters,
    last_id: u64,
}

impl Transactions {
    /// No transactions, with the default [`Limits`].
    #[must_use]
    pub fn new(timers: Timers) -> Self {
        Self::with_limits(timers, Limits::default())
    }

    /// No transactions.
    #[must_use]
    pub fn with_limits(timers: Timers, limits: Limits) -> Self {
        Self {
            limits,
            clients: Clients::default(),
            servers: Servers::default(),
            outbox: Outbox::new(timers),
            counters: TransactionCounters::default(),
            last_id: 0,
        }
    }

    /// Sends a request, whose topmost Via carries a fresh branch; a CANCEL carries that of its INVITE.
    ///
    /// # Errors
    /// The request cannot have a transaction: it is an ACK, its branch is missing or in use, or too many run.
    pub fn request(
        &mut self,
        request: Request,
        flow: Flow,
        transport: Transport,
        now: Instant,
    ) -> Result<ClientId, RequestError> {
        let id = ClientId(self.fresh_id());
        self.request_as(id, request, flow, transport, now)?;
        Ok(id)
    }

    /// The same under the number of a transaction that has ended without an answer: another try for the same owner.
    pub(crate) fn request_as(
        &mut self,
        id: ClientId,
        request: Request,
        flow: Flow,
        transport: Transport,
        now: Instant,
    ) -> Result<(), RequestError> {
        let key = self.admit(&request)?;
        let cancelled = key.cancelled().and_then(|invite| self.clients.find(&invite));
        let is_reliable = transport.is_reliable();
        let outbox = &mut self.outbox;
        let mut cx = Context { outbox, owner: Owner::Client(id), flow, is_reliable, now };
        let machine = match request.method {
            Method::Invite => ClientMachine::Invite(ClientInvite::start(id, request, &mut cx)),
            _ => ClientMachine::NonInvite(ClientNonInvite::start(id, &request, &mut cx)),
        };
        self.clients.insert(id, Client { key, flow, is_reliable, machine });
        if let Some(invite) = cancelled {
            self.step_client(invite, ClientInput::CancelSent, now);
        }
        Ok(())
    }

    /// Answers a request. Of an INVITE, each copy of the 2xx passes here too.
    ///
    /// # Errors
    /// The transaction is gone, or has its final response already.
    pub fn respond(&mut self, id: ServerId, response: Response, now: Instant) -> Result<(), NoTransaction> {
        let server = self.servers.server_mut(id).ok_or(NoTransaction)?;
        if !server.machine.is_open_for(response.status) {
            return Err(NoTransaction);
        }
        server.to_tag = response.headers.to().ok().and_then(|to| to.tag().map(str::to_owned));
        self.step_server(id, ServerInput::from(response), now);
        Ok(())
    }

    /// Takes a message that came on a flow.
    pub fn handle_message(&mut self, message: Message, flow: Flow, transport: Transport, now: Instant) {
        match message {
            Message::Request(request) => self.receive_request(request, flow, transport, now),
            Message::Response(response) => self.receive_response(response, flow, now),
        }
    }

    /// Messages on this flow do not arrive: an ICMP error, a refused connection, one that has ended. An INVITE that has
    /// had an answer waits on: the next may come on a connection of the other side's.
    pub fn handle_flow_failed(&mut self, flow: Flow, now: Instant) {
        for id in self.clients.on_flow(flow) {
            self.step_client(id, ClientInput::FlowFailed, now);
        }
        for id in self.servers.on_flow(flow) {
            let input = if self.servers.send_home(id) { ServerInput::Repeated } else { ServerInput::FlowFailed };
            self.step_server(id, input, now);
        }
    }

    /// The socket is gone, and all transactions on it with it.
    pub fn handle_socket_closed(&mut self, socket: SocketId, now: Instant) {
        for id in self.clients.on_socket(socket) {
            self.step_client(id, ClientInput::SocketClosed, now);
        }
        for id in self.servers.on_socket(socket) {
            self.step_server(id, ServerInput::SocketClosed, now);
        }
    }

    /// Whoever was on a socket is back on another flow: transactions go on there, and requests without an answer are
    /// sent again, since what was sent last may be lost.
    pub fn rebind(&mut self, socket: SocketId, flow: Flow) {
        for id in self.clients.on_socket(socket) {
            if let Some(request) = self.clients.rebind(id, flow) {
                self.outbox.transmit(flow, request);
            }
        }
        for id in self.servers.on_socket(socket) {
            self.servers.rebind(id, flow);
        }
    }

    /// Lets every timer fire whose moment has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((owner, timer)) = self.outbox.table.pop_due(now) {
            match owner {
                Owner::Client(id) => self.step_client(id, ClientInput::Fired(timer), now),
                Owner::Server(id) => self.step_server(id, ServerInput::Fired(timer), now),
            }
        }
    }

    /// What is to be done next; none: nothing until [`next_timeout`](Self::next_timeout).
    pub fn poll_output(&mut self) -> Option<TransactionOutput> {
        self.outbox.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called if nothing else happens before.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        self.outbox.table.next_timeout()
    }

    /// The INVITE as it was sent, for its CANCEL and the ACK of its 2xx; while its transaction runs.
    #[must_use]
    pub fn invite_request(&self, id: ClientId) -> Option<&Request> {
        self.clients.client(id)?.machine.invite()
    }

    /// How many client transactions run.
    #[must_use]
    pub fn client_count(&self) -> usize {
        self.clients.len()
    }

    /// How many server transactions run.
    #[must_use]
    pub fn server_count(&self) -> usize {
        self.servers.len()
    }

    /// A client transaction as it is now.
    #[must_use]
    pub fn client(&self, id: ClientId) -> Option<TransactionView> {
        let phase = self.clients.client(id)?.machine.phase();
        let timers = self.outbox.table.running(Owner::Client(id));
        Some(TransactionView { phase, timers })
    }

    /// A server transaction as it is now.
    #[must_use]
    pub fn server(&self, id: ServerId) -> Option<TransactionView> {
        let phase = self.servers.server(id)?.machine.phase();
        let timers = self.outbox.table.running(Owner::Server(id));
        Some(TransactionView { phase, timers })
    }

    /// What was refused and dropped.
    #[must_use]
    pub const fn counters(&self) -> &TransactionCounters {
        &self.counters
    }

    fn admit(&mut self, request: &Request) -> Result<ClientKey, RequestError> {
        if request.method == Method::Ack {
            return Err(RequestError::Ack);
        }
        let key = ClientKey::of(&request.headers).ok_or(RequestError::NoBranch)?;
        if self.clients.find(&key).is_some() {
            return Err(RequestError::BranchInUse);
        }
        if self.clients.len() >= self.limits.clients {
            self.counters.refused_clients += 1;
            return Err(RequestError::Full);
        }
        Ok(key)
    }

    fn step_client(&mut self, id: ClientId, input: ClientInput, now: Instant) {
        let Some(client) = self.clients.client_mut(id) else {
            return;
        };
        let Client { flow, is_reliable, .. } = *client;
        let outbox = &mut self.outbox;
        let mut cx = Context { outbox, owner: Owner::Client(id), flow, is_reliable, now };
        client.machine.handle(input, &mut cx);
        if client.machine.phase() == Phase::Terminated {
            cx.stop_all();
            cx.emit(TransactionEvent::ClientTerminated { id });
            self.clients.remove(id);
        }
    }

    fn step_server(&mut self, id: ServerId, input: ServerInput, now: Instant) {
        let Some(server) = self.servers.server_mut(id) else {
            return;
        };
        let servers::Server { flow, is_reliable, .. } = *server;
        let outbox = &mut self.outbox;
        let mut cx = Context { outbox, owner: Owner::Server(id), flow, is_reliable, now };
        server.machine.handle(input, &mut cx);
        if server.machine.phase() == Phase::Terminated {
            cx.stop_all();
            cx.emit(TransactionEvent::ServerTerminated { id });
            self.servers.remove(id);
        }
    }

    const fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}
