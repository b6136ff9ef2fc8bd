//! What the page follows and publishes (RFC 6665, 3903), over as many connections as that takes.
//!
//! sip-core keeps one subscription or publication fresh on one connection; this begins it again on the next one, and
//! tells the page how it stands.

use sip_core::agent::{
    Failure, IncomingId, Notified, PublicationEvent, PublicationId, Publish, Reply, Subscribe, SubscriptionEnd,
    SubscriptionEvent, SubscriptionId,
};
use sip_core::message::{HeaderName, Request, StatusCode};
use sip_core::{Duration, Flow, Instant, SocketId};

use super::{Output, Phone, settings, target};
use crate::errors;
use crate::event_types::{
    Notification, PublicationChange, PublicationState, PublishOptions, SubscribeOptions, SubscriptionChange,
    SubscriptionState,
};
use crate::types::{CoreEvent, ErrorCode, ErrorInfo};

/// Subscriptions at once; a console with more watched lines asks for a list (RFC 4662) or another page.
const MAX_SUBSCRIPTIONS: usize = 128;
/// Publications at once.
const MAX_PUBLICATIONS: usize = 8;
/// Bytes of a published document.
const MAX_DOCUMENT: usize = 32 * 1_024;
/// RFC 3842.
const LAMP: &str = "message-summary";
/// The subscription of those that nobody has made.
const UNASKED: u32 = 0;
/// Seconds.
const EXPIRES: u32 = 3_600;

/// All of them, by their ids.
#[derive(Default)]
pub(super) struct Watches {
    subscriptions: Vec<Watch<Subscribe, SubscriptionId>>,
    publications: Vec<Watch<Publish, PublicationId>>,
    last: u32,
}

/// One of them.
struct Watch<Wish, Id> {
    id: u32,
    stage: Stage<Wish, Id>,
    shown: SubscriptionState,
}

enum Stage<Wish, Id> {
    /// For the first connection.
    Waiting(Box<Wish>),
    /// The agent has it.
    Kept(Id),
    /// The agent refused it; its end is about to be told.
    Refused,
}

impl<Wish: Clone, Id: Copy + PartialEq> Watch<Wish, Id> {
    fn new(id: u32, wish: Wish) -> Self {
        Self { id, stage: Stage::Waiting(Box::new(wish)), shown: SubscriptionState::Subscribing }
    }

    const fn agent(&self) -> Option<Id> {
        match &self.stage {
            Stage::Kept(id) => Some(*id),
            Stage::Waiting(_) | Stage::Refused => None,
        }
    }

    /// Hands a wish that waited to the agent.
    fn start(&mut self, hand: impl FnOnce(Wish) -> Option<Id>) {
        if let Stage::Waiting(wish) = &self.stage {
            let wish = (**wish).clone();
            self.stage = hand(wish).map_or(Stage::Refused, Stage::Kept);
        }
    }

    /// What is to be begun again on a new connection.
    fn interrupted(&mut self) -> Option<Id> {
        let agent = self.agent().filter(|_| self.shown == SubscriptionState::Waiting)?;
        self.shown = SubscriptionState::Subscribing;
        Some(agent)
    }
}

impl Phone {
    /// Follows the state of somebody, and connects if need be.
    pub(crate) fn subscribe(
        &mut self,
        target: &str,
        event: &str,
        options: &SubscribeOptions,
        now: Instant,
    ) -> Result<u32, Box<ErrorInfo>> {
        let target = target::parse(target, &self.settings.home)?;
        settings::event(event)?;
        if self.watches.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return Err(ErrorInfo::with_message(ErrorCode::WrongState, "There are 128 subscriptions already."));
        }
        let mut headers = self.settings.headers.clone();
        headers.extend(settings::headers(&options.headers)?);
        let wish = Subscribe {
            accept: options.accept.clone(),
            expires: Duration::from_secs(options.expires.unwrap_or(EXPIRES).into()),
            headers,
            credentials: self.settings.credentials.clone(),
            ..Subscribe::new(target, self.settings.from.clone(), event.to_owned(), NOWHERE)
        };
        self.watches.last += 1;
        let id = self.watches.last;
        self.watches.subscriptions.push(Watch::new(id, wish));
        self.connect(now);
        self.start_watches(now);
        Ok(id)
    }

    /// Ends a subscription; its last event follows. Nothing happens when it is over.
    pub(crate) fn unsubscribe(&mut self, id: u32, now: Instant) {
        let Some(watch) = self.watches.subscriptions.iter().find(|watch| watch.id == id) else { return };
        match watch.agent() {
            Some(agent) => drop(self.agent.unsubscribe(agent, now)),
            None => self.end_subscription(id, None, None),
        }
    }

    /// Publishes a document about this account, and connects if need be.
    pub(crate) fn publish(
        &mut self,
        event: &str,
        document: (String, &[u8]),
        options: &PublishOptions,
        now: Instant,
    ) -> Result<u32, Box<ErrorInfo>> {
        settings::event(event)?;
        let body = checked(document)?;
        if !self.settings.has_account {
            let message = "There is no account to publish for: the setting account is missing.";
            return Err(ErrorInfo::with_message(ErrorCode::WrongState, message));
        }
        if self.watches.publications.len() >= MAX_PUBLICATIONS {
            return Err(ErrorInfo::with_message(ErrorCode::WrongState, "There are 8 publications already."));
        }
        let mut headers = self.settings.headers.clone();
        headers.extend(settings::headers(&options.headers)?);
        let wish = Publish {
            target: self.settings.from.uri.clone(),
            flow: NOWHERE,
            from: self.settings.from.clone(),
            event: event.to_owned(),
            expires: Duration::from_secs(options.expires.unwrap_or(EXPIRES).into()),
            route: Vec::new(),
            headers,
            body,
            credentials: self.settings.credentials.clone(),
        };
        self.watches.last += 1;
        let id = self.watches.last;
        self.watches.publications.push(Watch::new(id, wish));
        self.connect(now);
        self.start_watches(now);
        Ok(id)
    }

    /// Replaces a published document.
    pub(crate) fn modify(&mut self, id: u32, document: (String, &[u8]), now: Instant) -> Result<(), Box<ErrorInfo>> {
        let body = checked(document)?;
        let watch = self.watches.publications.iter_mut().find(|watch| watch.id == id);
        let over = || ErrorInfo::with_message(ErrorCode::WrongState, "This publication is over. Publish anew.");
        let watch = watch.ok_or_else(over)?;
        match &mut watch.stage {
            Stage::Kept(agent) => self.agent.modify(*agent, body, now).map_err(|_| over()),
            Stage::Waiting(wish) => {
                wish.body = body;
                Ok(())
            }
            Stage::Refused => Err(over()),
        }
    }

    /// Withdraws a published document; its last event follows. Nothing happens when it is over.
    pub(crate) fn unpublish(&mut self, id: u32, now: Instant) {
        let Some(watch) = self.watches.publications.iter().find(|watch| watch.id == id) else { return };
        match watch.agent() {
            Some(agent) => drop(self.agent.unpublish(agent, now)),
            None => self.end_publication(id, None),
        }
    }

    /// A connection is there: everything begins on it.
    pub(super) fn resume_watches(&mut self, now: Instant) {
        let Some(flow) = self.flow() else { return };
        for agent in self.watches.subscriptions.iter_mut().filter_map(Watch::interrupted) {
            drop(self.agent.resubscribe(agent, flow, now));
        }
        for agent in self.watches.publications.iter_mut().filter_map(Watch::interrupted) {
            drop(self.agent.republish(agent, flow, now));
        }
        self.start_watches(now);
    }

    /// What waits for its first connection leaves, if there is one.
    fn start_watches(&mut self, now: Instant) {
        let Some(flow) = self.flow() else { return };
        let mut refused = Vec::new();
        for watch in &mut self.watches.subscriptions {
            watch.start(|wish| self.agent.subscribe(Subscribe { flow, ..wish }, now).ok());
            refused.extend(matches!(watch.stage, Stage::Refused).then_some(watch.id));
        }
        refused.drain(..).for_each(|id| self.end_subscription(id, Some(&REFUSED), None));
        for watch in &mut self.watches.publications {
            watch.start(|wish| self.agent.publish(Publish { flow, ..wish }, now).ok());
            refused.extend(matches!(watch.stage, Stage::Refused).then_some(watch.id));
        }
        refused.into_iter().for_each(|id| self.end_publication(id, Some(&REFUSED)));
    }

    /// The page says good-bye: everything is given back, as far as the connection still carries it.
    pub(super) fn end_watches(&mut self, now: Instant) {
        let subscriptions: Vec<u32> = self.watches.subscriptions.iter().map(|watch| watch.id).collect();
        subscriptions.into_iter().for_each(|id| self.unsubscribe(id, now));
        let publications: Vec<u32> = self.watches.publications.iter().map(|watch| watch.id).collect();
        publications.into_iter().for_each(|id| self.unpublish(id, now));
    }

    pub(super) fn handle_subscription(&mut self, agent: SubscriptionId, event: SubscriptionEvent) {
        let Some(watch) = self.watches.subscriptions.iter_mut().find(|watch| watch.agent() == Some(agent)) else {
            return;
        };
        let id = watch.id;
        match event {
            SubscriptionEvent::Notified { state, request } => self.handle_notified(id, state, *request),
            SubscriptionEvent::Interrupted { cause, retry_in } => {
                watch.shown = SubscriptionState::Waiting;
                let SubscriptionEnd { failure, reason } = cause;
                let error = failure.as_ref().map(errors::failure);
                let change = SubscriptionChange {
                    state: SubscriptionState::Waiting,
                    retry_in_ms: retry_in.map(millis),
                    reason,
                    error,
                };
                self.tell_subscription(id, change);
            }
            SubscriptionEvent::Ended(SubscriptionEnd { failure, reason }) => {
                self.end_subscription(id, failure.as_ref(), reason);
            }
            _ => {}
        }
    }

    fn handle_notified(&mut self, id: u32, state: Notified, request: Request) {
        let shown = match state {
            Notified::Pending => Some(SubscriptionState::Pending),
            Notified::Active => Some(SubscriptionState::Active),
            // What follows says whether it is over.
            Notified::Terminated => None,
        };
        let watch = self.watches.subscriptions.iter_mut().find(|watch| watch.id == id);
        if let (Some(shown), Some(watch)) = (shown, watch)
            && watch.shown != shown
        {
            watch.shown = shown;
            self.tell_subscription(id, bare(shown));
        }
        self.tell_notified(id, request);
    }

    /// A NOTIFY without a subscription: the lamp of the voice mail, which many servers show every registered phone. Others
    /// belong to nothing (RFC 6665 §4.1.3).
    pub(super) fn handle_unasked(&mut self, id: IncomingId, request: Request, now: Instant) {
        let event = request.headers.parameterized(&HeaderName::Event);
        let is_lamp = event.is_some_and(|event| event.is(LAMP)) && self.registration.stands();
        let status = match request.body.len() {
            _ if !is_lamp => StatusCode::CALL_DOES_NOT_EXIST,
            length if length > MAX_DOCUMENT => StatusCode::REQUEST_ENTITY_TOO_LARGE,
            _ => StatusCode::OK,
        };
        if self.agent.respond(id, Reply::new(status), now).is_ok() && status.is_success() {
            self.tell_notified(UNASKED, request);
        }
    }

    fn tell_notified(&mut self, id: u32, request: Request) {
        let content_type = request.headers.get(&HeaderName::ContentType).map(str::to_owned);
        let headers = settings::rows(&request.headers);
        let notification = Notification { content_type, body: request.body, headers };
        self.out.push_back(Output::Event(CoreEvent::Notify { subscription: id, notification }));
    }

    fn end_subscription(&mut self, id: u32, failure: Option<&Failure>, reason: Option<String>) {
        self.watches.subscriptions.retain(|watch| watch.id != id);
        let error = failure.map(errors::failure);
        self.tell_subscription(id, SubscriptionChange { reason, error, ..bare(SubscriptionState::Terminated) });
    }

    pub(super) fn handle_publication(&mut self, agent: PublicationId, event: PublicationEvent) {
        let Some(watch) = self.watches.publications.iter_mut().find(|watch| watch.agent() == Some(agent)) else {
            return;
        };
        let id = watch.id;
        match event {
            PublicationEvent::Published { expires } => {
                watch.shown = SubscriptionState::Active;
                let expires = u32::try_from(expires.as_secs()).ok();
                self.tell_publication(id, PublicationChange { expires, ..state(PublicationState::Published) });
            }
            PublicationEvent::Interrupted { failure, retry_in } => {
                watch.shown = SubscriptionState::Waiting;
                let error = Some(errors::failure(&failure));
                let retry_in_ms = retry_in.map(millis);
                self.tell_publication(id, PublicationChange { retry_in_ms, error, ..state(PublicationState::Waiting) });
            }
            PublicationEvent::Ended { failure } => self.end_publication(id, failure.as_ref()),
            _ => {}
        }
    }

    fn end_publication(&mut self, id: u32, failure: Option<&Failure>) {
        self.watches.publications.retain(|watch| watch.id != id);
        let error = failure.map(errors::failure);
        self.tell_publication(id, PublicationChange { error, ..state(PublicationState::Ended) });
    }

    fn tell_subscription(&mut self, subscription: u32, change: SubscriptionChange) {
        self.out.push_back(Output::Event(CoreEvent::SubscriptionChange { subscription, change }));
    }

    fn tell_publication(&mut self, publication: u32, change: PublicationChange) {
        self.out.push_back(Output::Event(CoreEvent::PublicationChange { publication, change }));
    }
}

/// Replaced by the connection's, once there is one.
const NOWHERE: Flow = Flow::connection(SocketId(0));

/// The agent took no more: its bounds are above ours, so this does not happen.
const REFUSED: Failure = Failure::Protocol("the agent is full");

fn checked((content_type, body): (String, &[u8])) -> Result<(String, Vec<u8>), Box<ErrorInfo>> {
    settings::content_type(&content_type)?;
    if body.len() > MAX_DOCUMENT {
        let message = "The document is too long: at most 32768 bytes can be published.";
        return Err(ErrorInfo::with_message(ErrorCode::MessageTooLarge, message));
    }
    Ok((content_type, body.to_vec()))
}

const fn bare(state: SubscriptionState) -> SubscriptionChange {
    SubscriptionChange { state, retry_in_ms: None, reason: None, error: None }
}

const fn state(state: PublicationState) -> PublicationChange {
    PublicationChange { state, expires: None, retry_in_ms: None, error: None }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
