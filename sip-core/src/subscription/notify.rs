//! What the notifier sends (RFC 6665 §4.1.3, §4.4.1): each NOTIFY is answered, and moves the subscription.

use super::{Open, Opening, State, Subscription};
use crate::agent::{Endpoint, Notified, SubscriptionEnd, SubscriptionEvent, refresh_after};
use crate::dialog::Dialog;
use crate::message::{HeaderName, Parameterized, Request, StatusCode};
use crate::time::{Duration, Instant};
use crate::transaction::ServerId;

impl Subscription {
    /// A NOTIFY with its Call-ID and tag.
    pub(crate) fn handle_notify(
        &mut self,
        (server, notify): (ServerId, Request),
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let judged = self.judge(&notify);
        let status = judged.as_ref().map_or_else(|status| *status, |_| StatusCode::OK);
        let mut response = notify.reply(status, None);
        if status == StatusCode::BAD_EVENT {
            response.headers.push(HeaderName::AllowEvents, self.package());
        }
        if let Ok(contact) = endpoint.socket(self.wish.flow.socket).map(|local| local.contact.clone()) {
            endpoint.respond(server, &notify, response, &contact, now);
        }
        match judged {
            Ok((dialog, said)) => self.take(dialog, &said, notify, endpoint, now),
            Err(_) => endpoint.counters.refused += 1,
        }
    }

    /// The dialog with this NOTIFY in it, and what the NOTIFY says of the subscription; or the status it is refused with.
    fn judge(&self, notify: &Request) -> Result<(Dialog, Parameterized), StatusCode> {
        let mut dialog = match &self.state {
            State::Opening(opening) => self.first_dialog(opening, notify)?,
            State::Open(open) => open.dialog.clone(),
            State::Leaving { dialog, .. } => (**dialog).clone(),
            State::Idle | State::Waiting { .. } | State::Over => return Err(StatusCode::CALL_DOES_NOT_EXIST),
        };
        if from_tag(notify) != dialog.remote_tag() {
            return Err(StatusCode::CALL_DOES_NOT_EXIST);
        }
        if !self.is_its_event(notify) {
            return Err(StatusCode::BAD_EVENT);
        }
        let said = notify.headers.parameterized(&HeaderName::SubscriptionState).ok_or(StatusCode::BAD_REQUEST)?;
        dialog.handle_request(notify)?;
        Ok((dialog, said))
    }

    /// The first NOTIFY makes the dialog, whichever fork the 2xx came from.
    fn first_dialog(&self, opening: &Opening, notify: &Request) -> Result<Dialog, StatusCode> {
        match &opening.dialog {
            Some(dialog) if dialog.remote_tag() == from_tag(notify) => Ok(dialog.clone()),
            _ => Dialog::subscriber(&opening.subscribe, notify, self.wish.flow).map_err(|error| error.status()),
        }
    }

    fn is_its_event(&self, notify: &Request) -> bool {
        let (Some(theirs), Ok(ours)) =
            (notify.headers.parameterized(&HeaderName::Event), self.wish.event.parse::<Parameterized>())
        else {
            return false;
        };
        theirs.is(&ours.value) && theirs.params.get("id") == ours.params.get("id")
    }

    fn package(&self) -> &str {
        self.wish.event.split(';').next().unwrap_or_default().trim()
    }

    fn take(&mut self, dialog: Dialog, said: &Parameterized, notify: Request, endpoint: &mut Endpoint, now: Instant) {
        let state = match () {
            () if said.is("terminated") => Notified::Terminated,
            () if said.is("active") => Notified::Active,
            () => Notified::Pending,
        };
        self.tell(SubscriptionEvent::Notified { state, request: Box::new(notify) }, endpoint);
        match (state, &mut self.state) {
            (Notified::Terminated, _) => self.handle_terminated(said, endpoint, now),
            (_, State::Leaving { dialog: kept, .. }) => **kept = dialog,
            (_, State::Opening(opening)) if opening.leave => self.leave(dialog, endpoint, now),
            // One answer was asked for, and here it is (§4.4.3).
            (_, State::Opening(_)) if self.expires == 0 => self.end(None, None, endpoint),
            (_, State::Opening(opening)) => {
                let granted = seconds(said, "expires").or(opening.granted).unwrap_or(self.expires);
                self.stand(dialog, now, granted, endpoint, now);
            }
            (_, State::Open(open)) => {
                let since = open.since;
                match seconds(said, "expires") {
                    Some(granted) => self.stand(dialog, since, granted, endpoint, now),
                    None => open.dialog = dialog,
                }
            }
            (_, State::Idle | State::Waiting { .. } | State::Over) => {}
        }
    }

    fn stand(&mut self, dialog: Dialog, since: Instant, granted: u32, endpoint: &mut Endpoint, now: Instant) {
        let refresh = now + refresh_after(granted, endpoint);
        let until = now + Duration::from_secs(granted.into());
        self.state = State::Open(Box::new(Open { dialog, since, refresh, until }));
    }

    /// The notifier's last word (§4.1.3): whether another subscription is worth it, and when.
    fn handle_terminated(&mut self, said: &Parameterized, endpoint: &mut Endpoint, now: Instant) {
        let reason = said.params.get("reason").map(str::to_ascii_lowercase);
        let is_unwanted = match &self.state {
            State::Leaving { .. } => true,
            State::Opening(opening) => opening.leave,
            _ => false,
        };
        self.asking = None;
        if is_unwanted || self.expires == 0 {
            return self.end(None, reason, endpoint);
        }
        match reason.as_deref() {
            Some("rejected" | "noresource" | "invariant") => self.end(None, reason, endpoint),
            _ => {
                let wait = seconds(said, "retry-after").map(|seconds| Duration::from_secs(seconds.into()));
                self.renew(SubscriptionEnd { failure: None, reason }, wait.or_else(|| pause(said)), endpoint, now);
            }
        }
    }
}

/// `probation` and `giveup` without a time of their own ask for some patience; `deactivated` and `timeout` do not.
fn pause(said: &Parameterized) -> Option<Duration> {
    const PATIENCE: Duration = Duration::from_secs(30);
    let reason = said.params.get("reason").unwrap_or_default();
    let is_later = ["probation", "giveup"].iter().any(|later| reason.eq_ignore_ascii_case(later));
    is_later.then_some(PATIENCE)
}

fn seconds(said: &Parameterized, name: &str) -> Option<u32> {
    said.params.get(name)?.parse().ok()
}

fn from_tag(notify: &Request) -> String {
    notify.headers.from().ok().and_then(|from| from.tag().map(str::to_owned)).unwrap_or_default()
}
