//! Texts to others and from others (RFC 3428), outside of calls and inside.
//!
//! A message waits a few seconds for a connection that is being made, leaves, and gets one result. What comes in is
//! answered here: 200, or 415 with the types that the page takes.

use sip_core::agent::{Failure, IncomingId, OutgoingRequest, Reply, RequestId, SessionId};
use sip_core::message::{HeaderName, Method, Request, Response, StatusCode};
use sip_core::{Flow, Instant};

use super::call;
use super::{Output, PATIENCE, Phone, settings, target};
use crate::errors;
use crate::event_types::ReceivedMessage;
use crate::types::{CoreEvent, ErrorCode, ErrorInfo};

/// Bytes of one message, either way. RFC 3428 §8 wants messages small; longer texts belong into a file or a page.
const MAX_BODY: usize = 32 * 1_024;
/// Messages without a result.
const MAX_MESSAGES: usize = 64;

/// The messages that have no result yet.
#[derive(Default)]
pub(super) struct Messages {
    all: Vec<(u32, Stage)>,
    last: u32,
}

enum Stage {
    /// For a connection.
    Waiting {
        request: Box<OutgoingRequest>,
        until: Instant,
    },
    Sent(RequestId),
}

impl Messages {
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let untils = self.all.iter().filter_map(|(_, stage)| match stage {
            Stage::Waiting { until, .. } => Some(*until),
            Stage::Sent(_) => None,
        });
        untils.min()
    }

    fn add(&mut self, stage: Stage) -> u32 {
        self.last += 1;
        self.all.push((self.last, stage));
        self.last
    }

    fn take_sent(&mut self, request: RequestId) -> Option<u32> {
        let is_it = |stage: &Stage| matches!(stage, Stage::Sent(sent) if *sent == request);
        let at = self.all.iter().position(|(_, stage)| is_it(stage))?;
        Some(self.all.swap_remove(at).0)
    }

    /// Takes the first message that waits for a connection, if it waits long enough.
    fn take_waiting(&mut self, is_meant: impl Fn(Instant) -> bool) -> Option<(u32, Box<OutgoingRequest>)> {
        let is_it = |stage: &Stage| matches!(stage, Stage::Waiting { until, .. } if is_meant(*until));
        let at = self.all.iter().position(|(_, stage)| is_it(stage))?;
        match self.all.remove(at) {
            (id, Stage::Waiting { request, .. }) => Some((id, request)),
            (_, Stage::Sent(_)) => None,
        }
    }
}

impl Phone {
    /// Sends a message out of any call, and connects if need be. Its result is an event.
    pub(crate) fn message(
        &mut self,
        target: &str,
        content: (Option<String>, &[u8]),
        headers: &[(String, String)],
        now: Instant,
    ) -> Result<u32, Box<ErrorInfo>> {
        let target = target::parse(target, &self.settings.home)?;
        let body = self.content(content)?;
        let mut rows = self.settings.headers.clone();
        rows.extend(settings::headers(headers)?);
        // Set when it leaves.
        let flow = self.flow().unwrap_or(Flow::connection(sip_core::SocketId(0)));
        let request = Box::new(OutgoingRequest {
            headers: rows,
            body: Some(body),
            credentials: self.settings.credentials.clone(),
            ..OutgoingRequest::new(Method::Message, target, self.settings.from.clone(), flow)
        });
        self.connect(now);
        self.connection.wake(&mut self.entropy, &mut self.out, now);
        let id = self.messages.add(Stage::Waiting { request, until: now + PATIENCE });
        self.send_messages(now);
        Ok(id)
    }

    /// Sends a message inside a call.
    pub(crate) fn call_message(
        &mut self,
        call: u32,
        content: (Option<String>, &[u8]),
        headers: &[(String, String)],
        now: Instant,
    ) -> Result<u32, Box<ErrorInfo>> {
        let (content_type, body) = self.content(content)?;
        let rows = settings::headers(headers)?;
        let session = self.calls.get(call).and_then(call::Call::session);
        let not_now =
            || ErrorInfo::with_message(ErrorCode::WrongState, "Only a call that was answered takes messages.");
        let session = session.ok_or_else(not_now)?;
        let sent = self.agent.session_request(session, Method::Message, rows, Some((content_type, body)), now);
        let request = sent.map_err(|_| not_now())?;
        Ok(self.messages.add(Stage::Sent(request)))
    }

    /// The page does not care for the result any more; a message that waits for a connection is not sent.
    pub(crate) fn drop_message(&mut self, id: u32) {
        self.messages.all.retain(|(here, _)| *here != id);
    }

    fn content(&self, (content_type, body): (Option<String>, &[u8])) -> Result<(String, Vec<u8>), Box<ErrorInfo>> {
        if body.len() > MAX_BODY {
            let message = "The message is too long: at most 32768 bytes can be sent at once.";
            return Err(ErrorInfo::with_message(ErrorCode::MessageTooLarge, message));
        }
        if self.messages.all.len() >= MAX_MESSAGES {
            let message = "Too many messages wait for their result. Try again when some have one.";
            return Err(ErrorInfo::with_message(ErrorCode::WrongState, message));
        }
        let content_type = content_type.unwrap_or_else(|| "text/plain;charset=UTF-8".to_owned());
        settings::content_type(&content_type)?;
        Ok((content_type, body.to_vec()))
    }

    /// Sends what waits for a connection, if there is one.
    pub(super) fn send_messages(&mut self, now: Instant) {
        let Some(flow) = self.flow() else { return };
        while let Some((id, mut request)) = self.messages.take_waiting(|_| true) {
            request.flow = flow;
            match self.agent.request(*request, now) {
                Ok(sent) => self.messages.all.push((id, Stage::Sent(sent))),
                Err(error) => {
                    let error = ErrorInfo::with_message(ErrorCode::WrongState, error.to_string());
                    self.tell_sent(id, None, Some(error));
                }
            }
        }
    }

    /// Those that waited too long; with `now` in the far future, all of them.
    pub(super) fn fail_messages(&mut self, code: ErrorCode, now: Option<Instant>) {
        while let Some((id, _)) = self.messages.take_waiting(|until| now.is_none_or(|now| until <= now)) {
            self.tell_sent(id, None, Some(ErrorInfo::new(code)));
        }
    }

    /// The last word about a request of ours: a message, or a digit.
    pub(super) fn handle_request_outcome(&mut self, id: RequestId, outcome: Result<&Response, &Failure>, now: Instant) {
        let arrived = outcome.is_ok_and(|response| response.status.is_success());
        match (self.messages.take_sent(id), outcome) {
            (None, outcome) => self.handle_digit_result(id, outcome.ok().map(|response| response.status), now),
            (Some(message), _) if arrived => self.tell_sent(message, None, None),
            (Some(message), Ok(response)) => {
                self.tell_sent(message, Some(response.reason.clone()), Some(errors::request(response)));
            }
            (Some(message), Err(failure)) => self.tell_sent(message, None, Some(errors::failure(failure))),
        }
    }

    /// A MESSAGE.
    pub(super) fn handle_incoming_message(
        &mut self,
        (id, session): (IncomingId, Option<SessionId>),
        request: Request,
        now: Instant,
    ) {
        let (Ok(from), Ok(to)) = (request.headers.from(), request.headers.to()) else {
            return;
        };
        let call = session.and_then(|session| self.calls.of_session(session));
        let reply = self.judge_message(&request, session.is_some() && call.is_none());
        let is_taken = reply.status.is_success();
        if self.agent.respond(id, reply, now).is_err() || !is_taken {
            return;
        }
        let content_type = request.headers.get(&HeaderName::ContentType).unwrap_or("text/plain").to_owned();
        let headers = settings::rows(&request.headers);
        let (from, to) = (call::party(&from), call::party(&to));
        let message = ReceivedMessage { from, to, content_type, body: request.body, headers };
        self.out.push_back(Output::Event(match call {
            Some(call) => CoreEvent::CallMessage { call, message },
            None => CoreEvent::Message { message },
        }));
    }

    fn judge_message(&self, request: &Request, is_stray: bool) -> Reply {
        if is_stray {
            return Reply::new(StatusCode::CALL_DOES_NOT_EXIST);
        }
        if request.body.len() > MAX_BODY {
            return Reply::new(StatusCode::REQUEST_ENTITY_TOO_LARGE);
        }
        let encoding = request.headers.get(&HeaderName::ContentEncoding).unwrap_or("identity");
        let content_type = request.headers.content_type();
        let kind = content_type.as_ref().map_or("text/plain", |kind| &kind.value);
        if !encoding.eq_ignore_ascii_case("identity") || !self.settings.takes(kind) {
            let types = self.settings.message_types.join(", ");
            return Reply::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).header(HeaderName::Accept, types);
        }
        Reply::new(StatusCode::OK)
    }

    fn tell_sent(&mut self, message: u32, reason: Option<String>, error: Option<Box<ErrorInfo>>) {
        self.out.push_back(Output::Event(CoreEvent::MessageSent { message, reason, error }));
    }
}
