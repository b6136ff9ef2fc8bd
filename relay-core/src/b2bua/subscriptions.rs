//! Subscriptions of browsers at their PBX (RFC 6665): two dialogs, one on each leg, joined.
//!
//! The browser refreshes and ends its subscription itself, and answers the PBX's challenges; the relay carries times,
//! states and bodies across. When the browser's WebSocket is gone, the relay ends the PBX's dialog in its place; when the
//! PBX does not answer any more, the browser gets a last NOTIFY.

use super::calls::Attempt;
use super::cause::Refusal;
use super::guards::Guess;
use super::outbound::{attempt_of, without_tag};
use super::outside::body_of;
use super::routes::{self, Target};
use super::watches::{Asking, Stage, Watch, WatchId};
use super::{B2bua, SideKey, headers};
use crate::media::control::Side;
use sip_core::agent::{Failure, IncomingId, Reply, RequestId};
use sip_core::dialog::Dialog;
use sip_core::message::{CSeq, HeaderName, Method, NameAddr, Request, Response, StatusCode};
use sip_core::{Duration, Flow, Instant, SocketId};

/// Without any wish (RFC 6665 §4.1.2.1 leaves it to the package).
const DEFAULT_EXPIRES: u32 = 3_600;
/// How long after its end the PBX's last NOTIFY is waited for.
const GRACE: Duration = Duration::from_secs(32);

impl B2bua {
    /// A browser's first SUBSCRIBE.
    pub(super) fn browser_subscribes(
        &mut self,
        incoming: IncomingId,
        web_flow: Flow,
        request: &Request,
        target: Target,
        now: Instant,
    ) {
        let trunk_flow = target.flow();
        if self.watches.on_socket(web_flow.socket) >= self.config.max_subscriptions_per_browser {
            let reason = "Too Many Subscriptions";
            return self.turn_down(Side::Web, incoming, StatusCode::FORBIDDEN, reason, now);
        }
        if self.watches.len() >= self.config.max_subscriptions {
            return self.turn_down_for_now(incoming, now);
        }
        let tag = self.web.reply_tag(incoming).unwrap_or_default().to_owned();
        let web = match Dialog::uas(request, &tag, &super::web_contact(), web_flow) {
            Ok(dialog) => dialog,
            Err(error) => return self.turn_down(Side::Web, incoming, error.status(), &error.to_string(), now),
        };
        let attempt = attempt_of(request);
        let identity = self.trunk_identity(&attempt, now);
        let subscribe = self.trunk_subscribe(request, target, &identity);
        let asked = expires_of(request);
        let watch = Watch::new((web, web_flow), (subscribe.clone(), trunk_flow), attempt, now + self.time_for(asked));
        let id = self.watches.insert(watch);
        self.ask_watched(id, (subscribe, trunk_flow), Asking::First { incoming, asked }, now);
    }

    /// The first SUBSCRIBE on the trunk leg: as the browser's, from us.
    fn trunk_subscribe(
        &self,
        request: &Request,
        target: Target,
        (call_id, from_tag, cseq): &(String, String, u32),
    ) -> Request {
        let mut from = request.headers.from().map_or_else(|_| NameAddr::from(request.uri.clone()), without_tag);
        let user = from.uri.user_text().unwrap_or_else(|| "switchhook".to_owned());
        from.set_tag(from_tag);
        let to = request.headers.to().map_or_else(|_| NameAddr::from(request.uri.clone()), without_tag);
        let mut subscribe = Request::new(Method::Subscribe, routes::without_routing(&request.uri));
        let rows = &mut subscribe.headers;
        rows.push(HeaderName::From, from.to_string());
        rows.push(HeaderName::To, to.to_string());
        rows.push(HeaderName::CallId, call_id.as_str());
        rows.push(HeaderName::CSeq, CSeq { number: *cseq, method: Method::Subscribe }.to_string());
        let contact = self.contact_on(target.socket, &user);
        rows.push(HeaderName::Contact, NameAddr::from(contact).to_string());
        carry(request, &mut subscribe);
        subscribe
    }

    /// A SUBSCRIBE of the browser in a dialog that stands: a refresh, or the end.
    pub(super) fn browser_resubscribes(&mut self, incoming: IncomingId, request: &Request, now: Instant) {
        let Some(id) = self.watches.of_request(SideKey::Web, request) else {
            let reason = "No Such Subscription";
            return self.turn_down(Side::Web, incoming, StatusCode::CALL_DOES_NOT_EXIST, reason, now);
        };
        let Some(watch) = self.watches.get_mut(id) else { return };
        if let Err(status) = watch.web.handle_request(request) {
            return self.turn_down(Side::Web, incoming, status, status.reason(), now);
        }
        let Some(dialog) = &mut watch.trunk else {
            // The first SUBSCRIBE has no answer yet.
            let reply = Reply::new(StatusCode::SERVER_INTERNAL_ERROR).header(HeaderName::RetryAfter, "2");
            return self.reply(Side::Web, incoming, reply, now);
        };
        let mut subscribe = dialog.request(Method::Subscribe);
        carry(request, &mut subscribe);
        watch.keep_credentials(&subscribe);
        let (contact, flow) = (watch.contact.clone(), watch.trunk_flow);
        subscribe.headers.set(HeaderName::Contact, contact);
        self.ask_watched(id, (subscribe, flow), Asking::Again { incoming, asked: expires_of(request) }, now);
    }

    fn ask_watched(&mut self, id: WatchId, (request, flow): (Request, Flow), asking: Asking, now: Instant) {
        let guess = match self.guard_watched(id, &request, &asking, now) {
            Ok(guess) => guess,
            Err((incoming, refusal)) => {
                self.reply(Side::Web, incoming, refusal.into(), now);
                return self.drop_unanswered(id, &asking);
            }
        };
        match self.trunk.dialog_request(request.clone(), flow, now) {
            Ok(sent) => {
                self.note_guess(sent, guess);
                self.watches.note_sent(SideKey::Trunk, sent, id, asking, request);
            }
            Err(_) => match asking {
                Asking::First { incoming, .. } | Asking::Again { incoming, .. } => {
                    self.turn_down_for_now(incoming, now);
                    self.drop_unanswered(id, &asking);
                }
                Asking::Farewell | Asking::Notify { .. } | Asking::LastWord => drop(self.watches.remove(id)),
            },
        }
    }

    /// Whether the browser may try this password. What the relay sends by itself has one that was right.
    fn guard_watched(
        &mut self,
        id: WatchId,
        request: &Request,
        asking: &Asking,
        now: Instant,
    ) -> Result<Option<Guess>, (IncomingId, Refusal)> {
        let (Asking::First { incoming, .. } | Asking::Again { incoming, .. }) = asking else { return Ok(None) };
        let socket = self.watches.get_mut(id).map(|watch| watch.web_flow.socket);
        self.guard_guess(socket, &request.headers, now).map_err(|refusal| (*incoming, refusal))
    }

    fn drop_unanswered(&mut self, id: WatchId, asking: &Asking) {
        if matches!(asking, Asking::First { .. }) {
            self.watches.remove(id);
        }
    }

    /// A NOTIFY of the PBX.
    pub(super) fn trunk_notifies(&mut self, incoming: IncomingId, flow: Flow, notify: &Request, now: Instant) {
        let found = self.watches.of_request(SideKey::Trunk, notify);
        let Some((id, watch)) = found.and_then(|id| self.watches.get_mut(id).map(|watch| (id, watch))) else {
            if self.trunk_tells_late(incoming, notify, now) {
                return;
            }
            return self.trunk_tells_unasked(incoming, flow, notify, now);
        };
        if let Err(status) = watch.take_notify(notify) {
            return self.turn_down(Side::Trunk, incoming, status, status.reason(), now);
        }
        let is_last = is_terminated(notify);
        if !matches!(watch.stage, Stage::Standing | Stage::Opening) {
            self.turn_down(Side::Trunk, incoming, StatusCode::OK, "OK", now);
            return self.note_farewell(id, is_last, now);
        }
        if let Some(seconds) = expires_in(notify) {
            let until = now + self.time_for(seconds);
            self.watches.set_until(id, until);
        }
        let body = self.without_internals(notify);
        let Some(watch) = self.watches.get_mut(id) else { return };
        let mut request = watch.web.request(Method::Notify);
        for (name, value) in headers::notification(&notify.headers) {
            request.headers.push(name, value);
        }
        if let Some((content_type, body)) = body {
            request.set_body(&content_type, body);
        }
        let flow = watch.web_flow;
        match self.web.dialog_request(request.clone(), flow, now) {
            Ok(sent) => {
                self.watches.note_sent(SideKey::Web, sent, id, Asking::Notify { incoming, is_last }, request);
            }
            Err(_) => {
                let reason = "The Browser Is Gone";
                self.turn_down(Side::Trunk, incoming, StatusCode::CALL_DOES_NOT_EXIST, reason, now);
                self.watches.remove(id);
            }
        }
    }

    /// A NOTIFY for a browser that has left: what it said before does not matter, only that it is the last.
    fn note_farewell(&mut self, id: WatchId, is_last: bool, now: Instant) {
        if is_last {
            self.watches.remove(id);
        } else if let Some(Stage::Left) = self.watches.get_mut(id).map(|watch| watch.stage) {
            self.say_farewell(id, now);
        }
    }

    /// The answer to a SUBSCRIBE or NOTIFY of ours; returns whether it was one.
    pub(super) fn watch_answered(&mut self, side: Side, id: RequestId, response: &Response, now: Instant) -> bool {
        let Some((watch, asking, request)) = self.watches.take_sent(side.into(), id) else { return false };
        match asking {
            Asking::First { incoming, asked } => self.first_answered(watch, (incoming, asked), &request, response, now),
            Asking::Again { incoming, asked } => {
                self.again_answered(watch, (incoming, asked), &request, response, now);
            }
            Asking::Notify { incoming, is_last } => {
                let status = response.status;
                self.turn_down(Side::Trunk, incoming, status, &response.reason, now);
                if is_last || status == StatusCode::CALL_DOES_NOT_EXIST {
                    self.watches.remove(watch);
                }
            }
            // A PBX that wants a password for the end gets none from us; its next NOTIFY is answered 481.
            Asking::Farewell if !response.status.is_success() => drop(self.watches.remove(watch)),
            Asking::Farewell => {}
            Asking::LastWord => drop(self.watches.remove(watch)),
        }
        true
    }

    fn first_answered(
        &mut self,
        id: WatchId,
        (incoming, asked): (IncomingId, u32),
        request: &Request,
        response: &Response,
        now: Instant,
    ) {
        let granted = response.headers.expires().unwrap_or(asked);
        let reply = reply_of(response, granted);
        let until = now + self.time_for(granted);
        let Some(watch) = self.watches.get_mut(id) else { return };
        if !response.status.is_success() {
            if matches!(response.status.as_u16(), 401 | 407) {
                let (attempt, trunk, flow): (Attempt, _, _) =
                    (watch.attempt.clone(), identity_of(request), watch.trunk_flow);
                self.calls.remember(attempt, trunk, flow, now);
            }
            self.watches.remove(id);
            return self.reply(Side::Web, incoming, reply, now);
        }
        if watch.trunk.is_none() {
            watch.trunk = Dialog::uac(request, response, watch.trunk_flow).ok();
        }
        watch.web.confirm();
        let has_left = watch.stage == Stage::Left;
        if watch.stage == Stage::Opening {
            watch.stage = Stage::Standing;
        }
        self.watches.set_until(id, until);
        if has_left {
            return self.say_farewell(id, now);
        }
        self.reply(Side::Web, incoming, reply, now);
    }

    fn again_answered(
        &mut self,
        id: WatchId,
        (incoming, asked): (IncomingId, u32),
        request: &Request,
        response: &Response,
        now: Instant,
    ) {
        let granted = response.headers.expires().unwrap_or(asked);
        self.reply(Side::Web, incoming, reply_of(response, granted), now);
        let until = now + if asked == 0 { GRACE } else { self.time_for(granted) };
        let Some(watch) = self.watches.get_mut(id) else { return };
        if let Some(dialog) = &mut watch.trunk {
            dialog.handle_response(request, response);
        }
        match response.status.as_u16() {
            200..=299 => self.watches.set_until(id, until),
            481 => drop(self.watches.remove(id)),
            _ => {}
        }
    }

    /// A SUBSCRIBE or NOTIFY of ours got no answer; returns whether it was one.
    pub(super) fn watch_failed(&mut self, side: Side, id: RequestId, failure: &Failure, now: Instant) -> bool {
        let Some((watch, asking, _)) = self.watches.take_sent(side.into(), id) else { return false };
        let fault = self.watches.get_mut(watch).map(|watch| watch.trunk_flow).and_then(|flow| self.faults.get(&flow));
        let Refusal { status, reason, .. } = Refusal::from_failure(Some(failure), Side::Trunk, fault);
        match asking {
            Asking::First { incoming, .. } => {
                self.turn_down(Side::Web, incoming, status, &reason.unwrap_or_default(), now);
                self.watches.remove(watch);
            }
            Asking::Again { incoming, .. } => {
                self.turn_down(Side::Web, incoming, status, &reason.unwrap_or_default(), now);
                self.say_last_word(watch, "terminated;reason=probation;retry-after=10", now);
            }
            Asking::Notify { incoming, .. } => {
                let reason = "The Browser Is Gone";
                self.turn_down(Side::Trunk, incoming, StatusCode::CALL_DOES_NOT_EXIST, reason, now);
                self.watches.remove(watch);
            }
            Asking::Farewell | Asking::LastWord => drop(self.watches.remove(watch)),
        }
        true
    }

    /// A WebSocket is gone: its subscriptions end at the PBX.
    pub(super) fn watches_lose_socket(&mut self, socket: SocketId, now: Instant) {
        for id in self.watches.of_socket(socket) {
            self.say_farewell(id, now);
        }
    }

    /// SUBSCRIBE with Expires: 0 in the browser's place, with its last credentials: a PBX that takes each nonce once only
    /// refuses it, and ends the subscription by the 481 to its next NOTIFY.
    fn say_farewell(&mut self, id: WatchId, now: Instant) {
        let Some(watch) = self.watches.get_mut(id) else { return };
        let Some(dialog) = &mut watch.trunk else {
            watch.stage = Stage::Left;
            return;
        };
        watch.stage = Stage::Leaving;
        let mut subscribe = dialog.request(Method::Subscribe);
        subscribe.headers.set(HeaderName::Contact, watch.contact.as_str());
        subscribe.headers.set(HeaderName::Event, watch.event.as_str());
        subscribe.headers.set(HeaderName::Expires, "0");
        for (name, value) in &watch.credentials {
            subscribe.headers.push(name.clone(), value.as_str());
        }
        let flow = watch.trunk_flow;
        self.watches.set_until(id, now + GRACE);
        self.ask_watched(id, (subscribe, flow), Asking::Farewell, now);
    }

    /// The browser's subscription is over although the PBX did not say so.
    fn say_last_word(&mut self, id: WatchId, state: &str, now: Instant) {
        let Some(watch) = self.watches.get_mut(id) else { return };
        watch.stage = Stage::Leaving;
        let mut notify = watch.web.request(Method::Notify);
        notify.headers.push(HeaderName::Event, watch.event.as_str());
        notify.headers.push(HeaderName::SubscriptionState, state);
        let flow = watch.web_flow;
        match self.web.dialog_request(notify.clone(), flow, now) {
            Ok(sent) => self.watches.note_sent(SideKey::Web, sent, id, Asking::LastWord, notify),
            Err(_) => drop(self.watches.remove(id)),
        }
        self.watches.set_until(id, now + GRACE);
    }

    /// Subscriptions that nobody refreshed.
    pub(super) fn watches_timeout(&mut self, now: Instant) {
        while let Some(id) = self.watches.pop_due(now) {
            match self.watches.get_mut(id).map(|watch| watch.stage) {
                Some(Stage::Standing | Stage::Opening) => self.say_last_word(id, "terminated;reason=timeout", now),
                _ => drop(self.watches.remove(id)),
            }
        }
    }

    /// The relay leaves: nobody would answer the PBX's NOTIFYs.
    pub(super) fn end_watches(&mut self, now: Instant) {
        for id in self.watches.ids() {
            self.say_farewell(id, now);
        }
    }

    /// How long to wait for a refresh.
    fn time_for(&self, granted: u32) -> Duration {
        Duration::from_secs(u64::from(granted)) + GRACE
    }

    /// The body of a NOTIFY, unchanged but for our own Contacts: the name that a binding has at the PBX rings its browser,
    /// so other watchers get the address of record in its place (RFC 4235 `<target>`, RFC 3863 `<contact>`).
    fn without_internals(&self, notify: &Request) -> Option<(String, Vec<u8>)> {
        let (content_type, body) = body_of(notify)?;
        let Ok(mut text) = String::from_utf8(body) else { return body_of(notify) };
        for socket in &self.config.sockets {
            let at = format!("@{}", socket.local);
            if text.contains(&at) {
                text = self.without_tokens(&text, &at);
            }
        }
        Some((content_type, text.into_bytes()))
    }

    fn without_tokens(&self, text: &str, at: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(at) {
            let start = before.rfind("sip:").unwrap_or(before.len());
            let (kept, uri) = before.split_at(start);
            let token = uri.strip_prefix("sip:").unwrap_or_default();
            let aor = self.bindings.binding(token).and_then(|binding| binding.bound.as_ref()).map(|bound| &bound.aor);
            match aor {
                Some(aor) => clean.extend([kept, &aor.to_string()]),
                None => clean.extend([before, at]),
            }
            rest = after;
        }
        clean.push_str(rest);
        clean
    }
}

/// What a browser's SUBSCRIBE says to the PBX.
fn carry(request: &Request, subscribe: &mut Request) {
    for (name, value) in headers::to_trunk_event(&request.headers) {
        subscribe.headers.push(name, value);
    }
    if let Some((content_type, body)) = body_of(request) {
        subscribe.set_body(&content_type, body);
    }
}

fn reply_of(response: &Response, granted: u32) -> Reply {
    let mut rows = headers::to_web_event_response(&response.headers);
    if response.status.is_success() {
        rows.retain(|(name, _)| *name != HeaderName::Expires);
        rows.push((HeaderName::Expires, granted.to_string()));
    }
    Reply { status: response.status, reason: Some(response.reason.clone()), headers: rows, body: None }
}

fn expires_of(request: &Request) -> u32 {
    request.headers.expires().unwrap_or(DEFAULT_EXPIRES)
}

fn identity_of(request: &Request) -> (String, String, u32) {
    let (call_id, tag) = attempt_of(request);
    (call_id, tag, request.headers.cseq().map_or(0, |cseq| cseq.number))
}

fn is_terminated(notify: &Request) -> bool {
    notify.headers.parameterized(&HeaderName::SubscriptionState).is_some_and(|state| state.is("terminated"))
}

fn expires_in(notify: &Request) -> Option<u32> {
    notify.headers.parameterized(&HeaderName::SubscriptionState)?.params.get("expires")?.parse().ok()
}
