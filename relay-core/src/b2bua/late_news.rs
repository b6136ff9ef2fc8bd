//! News of a browser's transfer that come after the PBX's BYE. The subscription outlives the call (RFC 5057 §3.2), and
//! some telephones hang up first and tell then: the browser's leg waits a moment for what they say.

use super::call::Call;
use super::{B2bua, cause, headers};
use crate::media::control::{MediaId, Side};
use sip_core::agent::{End, EndedBy, IncomingId};
use sip_core::message::{Headers, Method, NameAddr, Reason, Request, Response};
use sip_core::{Duration, Instant};

/// For the last of the news.
const PATIENCE: Duration = Duration::from_secs(4);

/// Call-ID and our tag of a dialog with the PBX.
pub(super) type DialogName = (String, String);

/// What the PBX agreed to do for a browser, and has not said the end of.
#[derive(Debug)]
pub(super) struct News {
    dialog: DialogName,
    /// The PBX has hung up, for this reason: only the news keep the browser's leg.
    late: Option<Option<Reason>>,
}

impl B2bua {
    /// The PBX answered what the browser asked inside a call: where it agrees to a transfer, news of it will come.
    pub(super) fn expect_news(&mut self, id: MediaId, response: &Response) {
        let Some(refer) = response.headers.cseq().ok().filter(|cseq| cseq.method == Method::Refer) else { return };
        let tells = response.status.is_success() && !headers::refuses_news(&response.headers);
        let name = dialog_name(&response.headers, response.headers.from().ok());
        if let (true, Some(dialog), Some(call)) = (tells, name, self.calls.call_mut(id))
            && !call.refers.iter().any(|crossed| crossed.there == refer.number && crossed.is_told)
        {
            call.news = Some(News { dialog, late: None });
        }
    }

    /// The last news have come, maybe before the answer to what they are of.
    pub(super) fn end_news(&mut self, id: MediaId) {
        let Some(call) = self.calls.call_mut(id) else { return };
        call.refers.iter_mut().filter(|crossed| crossed.side == Side::Web).for_each(|crossed| crossed.is_told = true);
        if call.news.as_ref().is_some_and(|news| news.late.is_none()) {
            call.news = None;
        }
    }

    /// The PBX hung up. Whether the browser's leg waits for news; its call is closed then but for that.
    pub(super) fn waits_for_news(&mut self, id: MediaId, end: &End, now: Instant) -> bool {
        let Some(Call { news: Some(news), web: Some(_), farewell: None, .. }) = self.calls.call_mut(id) else {
            return false;
        };
        if end.by != EndedBy::Remote {
            return false;
        }
        news.late = Some(cause::reason_of(end, Side::Trunk));
        self.late_news.insert(news.dialog.clone(), id);
        self.close(id);
        self.calls.set_deadline(id, Some(now + PATIENCE));
        true
    }

    /// A NOTIFY in no dialog that stands: false where no browser waits for it.
    pub(super) fn trunk_tells_late(&mut self, incoming: IncomingId, notify: &Request, now: Instant) -> bool {
        let name = dialog_name(&notify.headers, notify.headers.to().ok());
        let Some(id) = name.and_then(|name| self.late_news.get(&name).copied()) else {
            return false;
        };
        self.cross(Side::Trunk, id, incoming, notify, now);
        true
    }

    /// The browser's leg has waited long enough. False where it did not wait.
    pub(super) fn news_timeout(&mut self, id: MediaId, now: Instant) -> bool {
        let Some(Call { news: Some(News { late: Some(reason), .. }), web: Some(web), .. }) = self.calls.call_mut(id)
        else {
            return false;
        };
        let (reason, web) = (reason.take(), *web);
        self.hang_up(Side::Web, web, reason, now);
        true
    }

    /// The call is over on both legs.
    pub(super) fn forget_news(&mut self, call: &Call) {
        if let Some(news) = &call.news {
            self.late_news.remove(&news.dialog);
        }
    }
}

/// A dialog by the tag of our side of it.
fn dialog_name(headers: &Headers, ours: Option<NameAddr>) -> Option<DialogName> {
    Some((headers.call_id().ok()?.to_owned(), ours?.tag()?.to_owned()))
}
