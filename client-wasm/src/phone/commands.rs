//! What the page asks the phone to do. Each is done at once or refused with a sentence.

use sip_core::message::{HeaderName, NameAddr, StatusCode, Uri};
use sip_core::{Duration, Instant};

use super::call::{Call, Outgoing, Stage};
use super::redirect::Elsewhere;
use super::{Output, PATIENCE, Phone, admission, identity, settings, target};
use crate::types::{CallEnd, CallOptions, CallState, CoreEvent, EndedBy, ErrorCode, ErrorInfo, OnPageHide};

impl Phone {
    /// Connects to the server and stays connected.
    pub(crate) fn connect(&mut self, now: Instant) {
        self.connection.want(&mut self.entropy, &mut self.out, now);
    }

    /// The page's own policy for the attempt that is waited for: after so many milliseconds.
    pub(crate) fn retry_in(&mut self, wait_ms: u32, now: Instant) {
        self.connection.retry_in(Duration::from_millis(wait_ms.into()), now);
    }

    /// The page's own policy is not to try again.
    pub(crate) fn give_up(&mut self, now: Instant) {
        if self.connection.is_waiting() {
            let mut error = ErrorInfo::new(ErrorCode::ConnectionLost);
            error.fatal = true;
            let open = self.connection.drop(Some(error), &mut self.out);
            self.leave_sockets(open, now);
            self.end_preparing(ErrorCode::ConnectionLost, |_| true);
        }
    }

    /// Hangs up, withdraws the registration and closes the connection.
    pub(crate) fn disconnect(&mut self, now: Instant) {
        self.hang_up_all(now);
        self.fail_messages(ErrorCode::Cancelled, None);
        self.end_watches(now);
        self.registration.unwant(false, &mut self.agent, &mut self.out, now);
        // What the agent says now must leave before the socket closes.
        self.drain_agent(now);
        let open = self.connection.drop(None, &mut self.out);
        self.leave_sockets(open, now);
    }

    /// The page goes away for good.
    pub(crate) fn handle_page_gone(&mut self, now: Instant) {
        match self.settings.on_page_hide {
            OnPageHide::Hangup => self.disconnect(now),
            // A WebSocket that the browser closes with its page says that nobody comes back.
            OnPageHide::Keep => drop(self.connection.drop(None, &mut self.out)),
        }
    }

    /// Makes this page reachable, and connects if need be.
    pub(crate) fn register(&mut self, now: Instant) -> Result<(), Box<ErrorInfo>> {
        if !self.settings.has_account {
            let message = "There is no account to register: the setting account is missing.";
            return Err(ErrorInfo::with_message(ErrorCode::WrongState, message));
        }
        let flow = self.flow();
        self.registration.want(&mut self.agent, &self.settings, flow, now);
        self.connect(now);
        Ok(())
    }

    /// Makes this page unreachable; with `all`, the account at every phone.
    pub(crate) fn unregister(&mut self, all: bool, now: Instant) {
        self.registration.unwant(all, &mut self.agent, &mut self.out, now);
    }

    /// Calls somebody, and connects if need be.
    pub(crate) fn call(&mut self, target: &str, options: &CallOptions, now: Instant) -> Result<u32, Box<ErrorInfo>> {
        let target = target::parse(target, &self.settings.home)?;
        if options.display_name.as_ref().is_some_and(|name| name.contains(char::is_control)) {
            let message = "A display name is one line.";
            return Err(ErrorInfo::with_message(ErrorCode::InvalidArgument, message));
        }
        Ok(self.dial(target, settings::headers(&options.headers)?, options, now))
    }

    pub(super) fn dial(
        &mut self,
        target: Uri,
        headers: Vec<(HeaderName, String)>,
        options: &CallOptions,
        now: Instant,
    ) -> u32 {
        let mut all = self.settings.headers.clone();
        all.extend(headers);
        let mut from = self.settings.from.clone();
        if options.display_name.is_some() {
            from.display_name.clone_from(&options.display_name);
        }
        if options.anonymous {
            all.extend(identity::privacy(Some(&from).filter(|_| self.settings.has_account)));
            from = identity::anonymous();
        }
        let delayed = options.offer.as_deref() == Some("delayed");
        let patience = options.no_answer.map_or(self.admission.outgoing, admission::patience);
        let (to, elsewhere) = (NameAddr::new(target.clone()), Elsewhere::default());
        let invite = Box::new(Outgoing { target, to, from, headers: all, patience, offer: None, elsewhere });
        // An empty offer asks the other side for one.
        let offer = delayed.then(|| (String::new(), now + PATIENCE));
        let stage = Stage::Preparing { invite, offer };
        let call = self.calls.add(Call::new(stage, CallState::New));
        if !delayed {
            self.out.push_back(Output::MakeOffer { call, fresh: false });
        }
        self.connect(now);
        self.invite(call, now);
        // Somebody waits: no time to lose on a connection that is being waited for, or is dead.
        self.connection.wake(&mut self.entropy, &mut self.out, now);
        call
    }

    /// Takes an incoming call.
    pub(crate) fn answer(&mut self, id: u32, headers: &[(String, String)]) -> Result<(), Box<ErrorInfo>> {
        let headers: Vec<(HeaderName, String)> = settings::headers(headers)?;
        let call = self.calls.get_mut(id).ok_or_else(over)?;
        let Stage::Ringing { session, offer } = &mut call.stage else {
            return Err(ErrorInfo::with_message(
                ErrorCode::WrongState,
                "Only a ringing incoming call can be answered.",
            ));
        };
        let (session, offer) = (*session, offer.take());
        call.stage = Stage::Answering { session, headers };
        self.out.push_back(match offer {
            Some(offer) => Output::MakeAnswer { call: id, offer, fresh: false },
            None => Output::MakeOffer { call: id, fresh: false },
        });
        Ok(())
    }

    /// Ends a call in any state. Nothing happens when it is over.
    pub(crate) fn hang_up(&mut self, id: u32, now: Instant) {
        self.leave(id, StatusCode::BUSY_HERE.as_u16(), None, now);
        self.end(id, by_us(None));
    }

    /// Mutes or unmutes the microphone of a call.
    pub(crate) fn set_muted(&mut self, id: u32, muted: bool) -> Result<(), Box<ErrorInfo>> {
        let call = self.calls.get_mut(id).ok_or_else(over)?;
        if call.muted != muted {
            call.muted = muted;
            // Who is held hears nothing of us anyway.
            let is_silent = muted || call.hold.local;
            self.out.push_back(Output::SetMuted { call: id, muted: is_silent });
            self.out.push_back(Output::Event(CoreEvent::MuteChange { call: id, muted }));
        }
        Ok(())
    }

    fn hang_up_all(&mut self, now: Instant) {
        for call in self.calls.ids(|_| true) {
            self.hang_up(call, now);
        }
    }
}

pub(super) fn over() -> Box<ErrorInfo> {
    ErrorInfo::with_message(ErrorCode::WrongState, "This call is over.")
}

pub(super) const fn by_us(status: Option<u16>) -> CallEnd {
    CallEnd { by: EndedBy::Local, status, reason: String::new(), q850: None, error: None }
}
