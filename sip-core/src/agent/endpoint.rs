//! What sessions, registrations and plain requests share: sockets, transactions, identifiers, and the outputs.
//!
//! Everything that leaves the agent passes here, where Via, branch and the agent's own headers are put on
//! (RFC 3261 §8.1.1). It knows nothing about calls.

use super::event::{Event, Output, RegistrationId, RequestId, SessionEvent, SessionId};
use super::notification::{PublicationId, SubscriptionId};
use super::{AgentError, Config, Counters, LocalSocket, TransferId, headers};
use crate::dialog::Dialog;
use crate::entropy::Entropy;
use crate::flow::{Flow, SocketId, Transport};
use crate::message::{CSeq, HeaderName, Method, NameAddr, Reason, Request, Response, Scheme, Uri, Via};
use crate::ordered::Map;
use crate::time::{Duration, Instant};
use crate::transaction::{ClientId, Limits, ServerId, Transactions};
use core::net::{IpAddr, SocketAddr};
use std::collections::VecDeque;

/// What one datagram surely carries: a longer request takes a stream (RFC 3261 §18.1.1).
const MAX_DATAGRAM: usize = 1_300;
/// 2xx of one INVITE whose ACKs are kept for repetition: one for each fork.
const MAX_FORKS: usize = 8;

/// On whose behalf a client transaction runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The INVITE that makes a session.
    Invite(SessionId),
    /// An offer inside a session, by INVITE or UPDATE.
    Reinvite(SessionId),
    /// A PRACK or a refresh inside a session.
    Aside(SessionId),
    /// The end of a session.
    Bye(SessionId),
    /// The application's own request.
    Request(RequestId),
    /// A binding.
    Registration(RegistrationId),
    /// Somebody's state.
    Subscription(SubscriptionId),
    /// A document of ours.
    Publication(PublicationId),
    /// A REFER, or a NOTIFY of one.
    Transfer(TransferId),
    /// Its answer changes nothing: CANCEL, the BYE of a surplus fork.
    Nobody,
}

/// An ACK for a 2xx, which is sent again for each copy of that 2xx (RFC 3261 §13.2.2.4).
#[derive(Debug)]
struct SentAck {
    /// The To tag of the 2xx.
    fork: String,
    flow: Flow,
    bytes: Vec<u8>,
}

/// A request that went by a stream because of its length, for the datagram it would else have been (RFC 3261 §18.1.1).
#[derive(Debug)]
struct Oversize {
    request: Request,
    flow: Flow,
    has_failed: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) config: Config,
    pub(crate) counters: Counters,
    pub(crate) entropy: Entropy,
    pub(crate) transactions: Transactions,
    /// How we are named there, and the proxies that requests out of a dialog pass.
    sockets: Map<SocketId, (LocalSocket, Vec<NameAddr>)>,
    owners: Map<ClientId, (Owner, Flow)>,
    acks: Map<ClientId, Vec<SentAck>>,
    oversize: Map<ClientId, Oversize>,
    outputs: VecDeque<Output>,
    /// Sockets that are gone for the moment: what is sent there is lost.
    muted: Vec<SocketId>,
    /// Sessions that were told to be over, for whoever holds something of theirs.
    ended: Vec<SessionId>,
    last_id: u64,
}

impl Endpoint {
    pub(crate) fn new(config: Config, seed: [u8; 32]) -> Self {
        Self {
            counters: Counters::default(),
            entropy: Entropy::new(seed),
            transactions: transactions(&config),
            sockets: Map::new(),
            owners: Map::new(),
            acks: Map::new(),
            oversize: Map::new(),
            outputs: VecDeque::new(),
            muted: Vec::new(),
            ended: Vec::new(),
            last_id: 0,
            config,
        }
    }

    pub(crate) fn open_socket(&mut self, socket: SocketId, local: LocalSocket) {
        self.sockets.insert(socket, (local, Vec::new()));
    }

    /// The account on this socket is reached at `contact`, and reaches others by way of `routes` (RFC 3608, RFC 5627).
    pub(crate) fn name_socket(&mut self, socket: SocketId, contact: Uri, routes: Vec<NameAddr>) {
        if let Some((local, here)) = self.sockets.get_mut(&socket) {
            local.contact = contact;
            *here = routes;
        }
    }

    /// The proxies that a request out of a dialog passes, nearest first.
    pub(crate) fn routes(&self, socket: SocketId) -> &[NameAddr] {
        self.sockets.get(&socket).map_or(&[], |(_, routes)| routes)
    }

    pub(crate) fn close_socket(&mut self, socket: SocketId) {
        self.sockets.remove(&socket);
        self.muted.retain(|other| *other != socket);
    }

    /// What is sent on this socket from now on is lost.
    pub(crate) fn mute_socket(&mut self, socket: SocketId) {
        if !self.muted.contains(&socket) {
            self.muted.push(socket);
        }
    }

    /// What ran on a socket goes on with another flow.
    pub(crate) fn rebind(&mut self, socket: SocketId, flow: Flow) {
        let owners = self.owners.values_mut().map(|(_, flow)| flow);
        let acks = self.acks.values_mut().flatten().map(|ack| &mut ack.flow);
        owners.chain(acks).filter(|here| here.socket == socket).for_each(|here| *here = flow);
    }

    pub(crate) fn socket(&self, socket: SocketId) -> Result<&LocalSocket, AgentError> {
        self.sockets.get(&socket).map(|(local, _)| local).ok_or(AgentError::UnknownSocket(socket))
    }

    /// Sends a request in a client transaction of its own.
    pub(crate) fn send(
        &mut self,
        mut request: Request,
        flow: Flow,
        owner: Owner,
        now: Instant,
    ) -> Result<ClientId, AgentError> {
        let contact = self.socket(flow.socket)?.contact.clone();
        headers::complete_request(&mut request, &self.config, Some(&contact));
        self.put_via(&mut request, flow.socket)?;
        let (flow, oversize) = self.make_room(&mut request, flow)?;
        let transport = self.socket(flow.socket)?.transport;
        let client = self.transactions.request(request, flow, transport, now).map_err(|_| AgentError::Full)?;
        self.owners.insert(client, (owner, flow));
        if let Some(oversize) = oversize {
            self.oversize.insert(client, oversize);
        }
        Ok(client)
    }

    /// A request too long for a datagram takes a stream, where there is one (RFC 3261 §18.1.1).
    fn make_room(&mut self, request: &mut Request, flow: Flow) -> Result<(Flow, Option<Oversize>), AgentError> {
        let stream = flow.remote.filter(|_| self.socket(flow.socket).is_ok_and(|local| !local.transport.is_reliable()));
        let stream =
            stream.and_then(|remote| self.socket_for(Transport::Tcp, remote).map(|id| Flow::datagram(id, remote)));
        match stream {
            Some(stream) if request.write().len() > MAX_DATAGRAM => {
                let oversize = Oversize { request: request.clone(), flow, has_failed: false };
                request.headers.remove_first(&HeaderName::Via);
                self.put_via(request, stream.socket)?;
                Ok((stream, Some(oversize)))
            }
            _ => Ok((flow, None)),
        }
    }

    /// A request could not be sent. Whether it will be as the datagram it would else have been.
    pub(crate) fn falls_back(&mut self, client: ClientId) -> bool {
        let oversize = self.oversize.get_mut(&client);
        oversize.map(|oversize| oversize.has_failed = true).is_some()
    }

    /// A transaction has ended; a request that fell back starts anew for the same owner.
    pub(crate) fn retire(&mut self, client: ClientId, now: Instant) {
        match (self.oversize.remove(&client), self.owner(client)) {
            (Some(Oversize { request, flow, has_failed: true }), Some((owner, _))) => {
                self.owners.insert(client, (owner, flow));
                if self.transactions.request_as(client, request, flow, Transport::Udp, now).is_err() {
                    self.forget_client(client);
                }
            }
            _ => self.forget_client(client),
        }
    }

    /// Sends the ACK of a 2xx to `invite`, and again whenever `client` sees another copy of that 2xx.
    pub(crate) fn acknowledge(
        &mut self,
        dialog: &Dialog,
        invite: &Request,
        answer: Option<&str>,
        flow: Flow,
        client: ClientId,
    ) {
        let mut ack = dialog.ack(invite.headers.cseq().map_or(0, |cseq| cseq.number));
        for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
            for credentials in invite.headers.get_all(&name) {
                ack.headers.push(name.clone(), credentials);
            }
        }
        if let Some(answer) = answer {
            ack.set_body("application/sdp", answer);
        }
        headers::complete_request(&mut ack, &self.config, None);
        let flow = self.next_hop(&ack, flow);
        if self.put_via(&mut ack, flow.socket).is_err() {
            return;
        }
        let bytes = ack.write();
        self.transmit(flow, bytes.clone());
        self.remember_ack(client, SentAck { fork: dialog.remote_tag().to_owned(), flow, bytes });
    }

    fn remember_ack(&mut self, client: ClientId, ack: SentAck) {
        let acks = self.acks.entry(client).or_default();
        acks.retain(|known| known.fork != ack.fork);
        if acks.len() < MAX_FORKS {
            acks.push(ack);
        }
    }

    /// Sends the ACK again if this 2xx has had one.
    pub(crate) fn repeat_ack(&mut self, client: ClientId, response: &Response) -> bool {
        let fork = headers::to_tag(&response.headers);
        let acks = self.acks.get(&client).map_or(&[][..], Vec::as_slice);
        let Some(SentAck { flow, bytes, .. }) = acks.iter().find(|ack| ack.fork == fork) else {
            return false;
        };
        let (flow, bytes) = (*flow, bytes.clone());
        self.transmit(flow, bytes);
        true
    }

    /// Whether another fork of this INVITE may still be answered.
    pub(crate) fn has_room_for_fork(&self, client: ClientId) -> bool {
        self.acks.get(&client).is_none_or(|acks| acks.len() < MAX_FORKS)
    }

    /// CANCEL of an INVITE that has had a provisional response (RFC 3261 §9.1): the INVITE's own top Via, so that
    /// every hop finds it.
    ///
    /// # Errors
    /// It cannot be sent now: too many transactions run, or the socket is gone.
    pub(crate) fn cancel(&mut self, invite: ClientId, reason: Option<&Reason>, now: Instant) -> Result<(), AgentError> {
        let (Some(sent), Some((_, flow))) = (self.transactions.invite_request(invite), self.owner(invite)) else {
            return Ok(());
        };
        let mut cancel = cancel_of(sent);
        if let Some(reason) = reason {
            cancel.headers.push(HeaderName::Reason, reason.to_string());
        }
        headers::complete_request(&mut cancel, &self.config, None);
        let transport = self.socket(flow.socket)?.transport;
        let sent = self.transactions.request(cancel, flow, transport, now);
        let client = sent.map_err(|_| AgentError::Full)?;
        self.owners.insert(client, (Owner::Nobody, flow));
        Ok(())
    }

    /// Answers a request in its server transaction; one that is gone needs no answer any more.
    pub(crate) fn respond(
        &mut self,
        id: ServerId,
        request: &Request,
        mut response: Response,
        contact: &Uri,
        now: Instant,
    ) {
        headers::complete_response(&mut response, &request.method, &self.config, Some(contact));
        if self.transactions.respond(id, response, now).is_err() {
            tracing::debug!(?id, "the request to answer is gone");
        }
    }

    /// Bytes that belong to no transaction: ACKs of 2xx, stateless responses.
    pub(crate) fn transmit(&mut self, flow: Flow, bytes: Vec<u8>) {
        if !self.muted.contains(&flow.socket) {
            self.outputs.push_back(Output::Transmit { flow, bytes });
        }
    }

    pub(crate) fn emit(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(crate) fn emit_session(&mut self, id: SessionId, event: SessionEvent) {
        if let SessionEvent::Ended(_) = event {
            self.ended.push(id);
        }
        self.emit(Event::Session { id, event });
    }

    /// A session that has ended since the last question.
    pub(crate) fn pop_ended(&mut self) -> Option<SessionId> {
        self.ended.pop()
    }

    pub(crate) fn pop_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.outputs.len() >= self.config.max_outputs
    }

    /// On whose behalf a client transaction runs, and where it went.
    pub(crate) fn owner(&self, client: ClientId) -> Option<(Owner, Flow)> {
        self.owners.get(&client).copied()
    }

    pub(crate) fn forget_client(&mut self, client: ClientId) {
        self.owners.remove(&client);
        self.acks.remove(&client);
    }

    /// Whether nothing is kept of any transaction, and nothing waits for the host.
    #[cfg(test)]
    pub(crate) fn is_bare(&self) -> bool {
        self.owners.is_empty() && self.acks.is_empty() && self.outputs.is_empty()
    }

    /// A number never given before: for sessions, registrations and requests.
    pub(crate) const fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(crate) fn fresh_tag(&mut self) -> String {
        self.entropy.token(16)
    }

    pub(crate) fn fresh_call_id(&mut self) -> String {
        self.entropy.token(26)
    }

    /// A moment between `from` and `to`.
    pub(crate) fn random_between(&mut self, from: Duration, to: Duration) -> Duration {
        let span = u64::try_from(to.saturating_sub(from).as_micros()).unwrap_or(u64::MAX);
        from + Duration::from_micros(self.entropy.number() % span.saturating_add(1))
    }

    /// 64·T1: how long an answer is waited for.
    pub(crate) fn patience(&self) -> Duration {
        self.config.timers.patience()
    }

    /// Where a request inside a dialog goes. On a flow with an address, to the address and by the transport that its
    /// first Route or its Request-URI names (RFC 3261 §8.1.2); names, and addresses behind a NAT that only the flow gets
    /// through, stay on the flow.
    pub(crate) fn next_hop(&self, request: &Request, flow: Flow) -> Flow {
        let (Some(current), Ok(local)) = (flow.remote, self.socket(flow.socket)) else {
            return flow;
        };
        let route = request.headers.routes().ok().and_then(|routes| routes.into_iter().next());
        let loose = route.filter(|route| route.uri.params.has("lr"));
        let uri = loose.as_ref().map_or(&request.uri, |route| &route.uri);
        let transport = transport_of(uri, local.transport);
        let port = uri.port.unwrap_or(if transport == Transport::Tls { 5061 } else { 5060 });
        match uri.host.ip() {
            Some(ip) if port != 0 && is_reachable(ip, current.ip()) => {
                let remote = SocketAddr::new(ip, port);
                let stays = transport == local.transport && ip.is_ipv4() == current.is_ipv4();
                let other = if stays { Some(flow.socket) } else { self.socket_for(transport, remote) };
                other.map_or(flow, |socket| Flow::datagram(socket, remote))
            }
            _ => flow,
        }
    }

    /// The first socket of this transport and of the address's family.
    fn socket_for(&self, transport: Transport, remote: SocketAddr) -> Option<SocketId> {
        let serves = |local: &LocalSocket| {
            let ip = local.contact.host.ip();
            local.transport == transport && ip.is_some_and(|ip| ip.is_ipv4() == remote.is_ipv4())
        };
        self.sockets.iter().find(|(_, (local, _))| serves(local)).map(|(id, _)| *id)
    }

    fn put_via(&mut self, request: &mut Request, socket: SocketId) -> Result<(), AgentError> {
        let branch = self.entropy.token(20);
        let local = self.socket(socket)?;
        let rport = match local.transport {
            Transport::Udp => ";rport",
            // The other side may send its requests by the connection that this one came on (RFC 5923 §5).
            Transport::Tls => ";alias",
            Transport::Tcp | Transport::Ws | Transport::Wss => "",
        };
        let (transport, sent_by) = (local.transport.as_str(), &local.sent_by);
        let via = ["SIP/2.0/", transport, " ", sent_by, ";branch=", Via::COOKIE, &branch, rport].concat();
        request.headers.push_front(HeaderName::Via, via);
        Ok(())
    }
}

/// The CANCEL of an INVITE as it was sent (RFC 3261 §9.1).
fn cancel_of(invite: &Request) -> Request {
    let mut cancel = Request::new(Method::Cancel, invite.uri.clone());
    if let Ok(via) = invite.headers.via() {
        cancel.headers.push(HeaderName::Via, via.to_string());
    }
    let copied = [HeaderName::Route, HeaderName::From, HeaderName::To, HeaderName::CallId];
    for name in copied {
        for value in invite.headers.get_all(&name) {
            cancel.headers.push(name.clone(), value);
        }
    }
    let number = invite.headers.cseq().map_or(0, |cseq| cseq.number);
    let cseq = CSeq { number, method: Method::Cancel };
    cancel.headers.push(HeaderName::CSeq, cseq.to_string());
    cancel
}

fn transactions(config: &Config) -> Transactions {
    let limits = Limits { clients: config.max_transactions, servers: config.max_transactions };
    Transactions::with_limits(config.timers.clone(), limits)
}

/// The transport that a URI asks for; one that asks for none is reached like its sender.
fn transport_of(uri: &Uri, current: Transport) -> Transport {
    let wanted = uri.params.get("transport").unwrap_or_default();
    let named = [Transport::Udp, Transport::Tcp, Transport::Tls];
    let named = named.into_iter().find(|transport| transport.uri_parameter().eq_ignore_ascii_case(wanted));
    match (&uri.scheme, named) {
        // sips: over TCP is TLS (RFC 3261 §26.2.2).
        (Scheme::Sips, _) => Transport::Tls,
        (_, Some(named)) => named,
        _ => current,
    }
}

/// Whether an address in a message is likely to be where its sender, seen at `seen`, can be reached.
fn is_reachable(named: IpAddr, seen: IpAddr) -> bool {
    let is_inside = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local(),
    };
    let same_family = named.is_ipv4() == seen.is_ipv4();
    same_family && !named.is_unspecified() && !named.is_multicast() && (is_inside(seen) || !is_inside(named))
}
