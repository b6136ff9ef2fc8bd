//! Requests of the application, and requests it has to answer, outside INVITE (RFC 3261 §8, §11, §12.2).

use super::event::{Event, Failure, IncomingId, RequestId, SessionId};
use super::{AgentError, Auth, Deadlines, Endpoint, OutgoingRequest, Owner, Reply, advance_cseq, headers};
use crate::flow::{Flow, SocketId};
use crate::message::{CSeq, HeaderName, Method, NameAddr, Request, Response, StatusCode, Uri};
use crate::ordered::Map;
use crate::session::Sessions;
use crate::time::Instant;
use crate::transaction::ServerId;

/// Both kinds, while they wait.
#[derive(Debug)]
pub(crate) struct Requests {
    outgoing: Map<RequestId, Outgoing>,
    incoming: Map<IncomingId, Incoming>,
    deadlines: Deadlines<IncomingId>,
}

/// Ours.
#[derive(Debug)]
struct Outgoing {
    /// As last sent, without Via.
    request: Request,
    flow: Flow,
    asker: Asker,
}

/// Whose dialog and credentials it uses.
#[derive(Debug)]
enum Asker {
    Nobody(Option<Auth>),
    Session(SessionId),
    /// The application, which keeps the dialog; a challenge is its business.
    Application,
}

/// Theirs.
#[derive(Debug)]
struct Incoming {
    server: ServerId,
    request: Request,
    to_tag: String,
    contact: Uri,
}

impl Requests {
    pub(crate) const fn new() -> Self {
        Self { outgoing: Map::new(), incoming: Map::new(), deadlines: Deadlines::new() }
    }

    // Commands.

    /// A request out of any dialog.
    pub(crate) fn request(
        &mut self,
        mut wish: OutgoingRequest,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<RequestId, AgentError> {
        headers::check(&wish.headers)?;
        if matches!(wish.method, Method::Invite | Method::Ack | Method::Cancel) {
            return Err(AgentError::WrongMethod(wish.method.as_str().to_owned()));
        }
        let (flow, auth) = (wish.flow, wish.credentials.take().map(Auth::new));
        let request = out_of_dialog(wish, endpoint);
        self.send(request, flow, Asker::Nobody(auth), endpoint, now)
    }

    /// A request that a session has made.
    pub(crate) fn request_in_session(
        &mut self,
        (session, request): (SessionId, Request),
        flow: Flow,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<RequestId, AgentError> {
        self.send(request, flow, Asker::Session(session), endpoint, now)
    }

    /// A request in a dialog that the application keeps.
    pub(crate) fn dialog_request(
        &mut self,
        request: Request,
        flow: Flow,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<RequestId, AgentError> {
        self.send(request, flow, Asker::Application, endpoint, now)
    }

    /// The tag of our answers to this request.
    pub(crate) fn reply_tag(&self, id: IncomingId) -> Option<&str> {
        self.incoming.get(&id).map(|incoming| incoming.to_tag.as_str())
    }

    fn send(
        &mut self,
        request: Request,
        flow: Flow,
        asker: Asker,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<RequestId, AgentError> {
        let id = RequestId(endpoint.fresh_id());
        endpoint.send(request.clone(), flow, Owner::Request(id), now)?;
        self.outgoing.insert(id, Outgoing { request, flow, asker });
        Ok(id)
    }

    pub(crate) fn respond(
        &mut self,
        id: IncomingId,
        reply: Reply,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        headers::check(&reply.headers)?;
        let Incoming { server, request, to_tag, contact } =
            self.incoming.get(&id).ok_or(AgentError::UnknownRequest(id))?;
        let Reply { status, reason, headers: rows, body } = reply;
        let mut response = request.reply(status, Some(to_tag));
        response.reason = reason.unwrap_or(response.reason);
        headers::lay_over(&mut response.headers, rows);
        if let Some((content_type, content)) = body {
            response.set_body(&content_type, content);
        }
        endpoint.respond(*server, request, response, contact, now);
        if status.is_final() {
            self.forget_incoming(id);
        }
        Ok(())
    }

    // What came.

    /// Hands a request to the application. It has 64·T1 to answer, and 48·T1 inside a session: who hears nothing for 64·T1
    /// gives up on the dialog (RFC 3261 §12.2.1.2).
    pub(crate) fn handle_request(
        &mut self,
        (server, request): (ServerId, Request),
        (flow, contact): (Flow, Uri),
        (session, to_tag): (Option<SessionId>, String),
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let id = IncomingId(server.0);
        let waiting = Incoming { server, request: request.clone(), to_tag, contact };
        self.incoming.insert(id, waiting);
        let patience = if session.is_some() { endpoint.patience() * 3 / 4 } else { endpoint.patience() };
        self.deadlines.set(id, Some(now + patience));
        endpoint.emit(Event::Request { id, flow, session, request: Box::new(request) });
    }

    /// Requests on a socket go on with another flow.
    pub(crate) fn rebind(&mut self, socket: SocketId, flow: Flow) {
        for outgoing in self.outgoing.values_mut().filter(|outgoing| outgoing.flow.socket == socket) {
            outgoing.flow = flow;
        }
    }

    pub(crate) fn handle_outcome(
        &mut self,
        id: RequestId,
        outcome: Result<Response, Failure>,
        sessions: &mut Sessions,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        match outcome {
            Ok(response) if response.status.is_provisional() => {
                endpoint.emit(Event::Response { id, response: Box::new(response) });
            }
            Ok(response) => self.handle_final(id, response, sessions, endpoint, now),
            Err(failure) => {
                let silent = self.outgoing.remove(&id).filter(|_| failure == Failure::Timeout);
                endpoint.emit(Event::RequestFailed { id, failure });
                if let Some(Outgoing { request, asker: Asker::Session(session), .. }) = silent {
                    sessions.with(session, |session| session.note_silence(&request, endpoint, now));
                }
            }
        }
    }

    fn handle_final(
        &mut self,
        id: RequestId,
        response: Response,
        sessions: &mut Sessions,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let Some(mut waiting) = self.outgoing.remove(&id) else {
            return;
        };
        if waiting.answers(&response, sessions, endpoint) {
            let sent = endpoint.send(waiting.request.clone(), waiting.flow, Owner::Request(id), now);
            if sent.is_err() {
                return endpoint.emit(Event::RequestFailed { id, failure: Failure::TransportFailed });
            }
            self.outgoing.insert(id, waiting);
            return;
        }
        let response = Box::new(response);
        endpoint.emit(Event::Response { id, response: response.clone() });
        if let Asker::Session(session) = waiting.asker {
            sessions.with(session, |session| session.note_response(&waiting.request, *response, endpoint, now));
        }
    }

    /// The transaction under a request is gone: nobody waits for the answer.
    pub(crate) fn handle_terminated(&mut self, server: ServerId) {
        self.forget_incoming(IncomingId(server.0));
    }

    /// Answers 500 in place of an application that did not.
    pub(crate) fn handle_timeout(&mut self, endpoint: &mut Endpoint, now: Instant) {
        while let Some(id) = self.deadlines.pop_due(now) {
            let Some(Incoming { server, request, to_tag, contact }) = self.incoming.remove(&id) else {
                continue;
            };
            endpoint.counters.unanswered_requests += 1;
            let response = request.reply(StatusCode::SERVER_INTERNAL_ERROR, Some(&to_tag));
            endpoint.respond(server, &request, response, &contact, now);
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    fn forget_incoming(&mut self, id: IncomingId) {
        self.incoming.remove(&id);
        self.deadlines.set(id, None);
    }
}

impl Outgoing {
    /// Whether `response` is a challenge, and the request is now ready to answer it.
    fn answers(&mut self, response: &Response, sessions: &mut Sessions, endpoint: &mut Endpoint) -> bool {
        let Self { request, asker, .. } = self;
        match asker {
            Asker::Nobody(auth) => {
                let answered = Auth::answer(auth, request, response, endpoint).is_ok();
                if answered {
                    advance_cseq(request);
                }
                answered
            }
            Asker::Application => false,
            Asker::Session(id) => {
                sessions.with(*id, |session| session.answer_challenge(request, response, endpoint)).unwrap_or(false)
            }
        }
    }
}

/// The message of a request out of any dialog, without Via and without what is the same in all requests of this agent
/// (§8.1.1).
pub(crate) fn out_of_dialog(wish: OutgoingRequest, endpoint: &mut Endpoint) -> Request {
    let OutgoingRequest { method, target, mut from, to, contact, route, headers: rows, body, .. } = wish;
    from.set_tag(&wish.from_tag.unwrap_or_else(|| endpoint.fresh_tag()));
    let mut to = to.unwrap_or_else(|| NameAddr::new(target.clone()));
    to.params.remove("tag");
    let call_id = wish.call_id.unwrap_or_else(|| endpoint.fresh_call_id());
    let cseq = CSeq { number: wish.cseq.unwrap_or(1), method: method.clone() };
    let granted = if method == Method::Register { &[][..] } else { endpoint.routes(wish.flow.socket) };
    let routes = if route.is_empty() { granted } else { &route };
    let mut request = Request::new(method, target.to_request_uri());
    let own = &mut request.headers;
    for route in routes {
        own.push(HeaderName::Route, route.to_string());
    }
    own.push(HeaderName::From, from.to_string());
    own.push(HeaderName::To, to.to_string());
    own.push(HeaderName::CallId, call_id);
    own.push(HeaderName::CSeq, cseq.to_string());
    if let Some(contact) = contact {
        own.push(HeaderName::Contact, contact.to_string());
    }
    headers::lay_over(own, rows);
    if let Some((content_type, content)) = body {
        request.set_body(&content_type, content);
    }
    request
}
