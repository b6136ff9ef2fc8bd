//! The subscriptions there are, found by either dialog, by WebSocket, and by the moment they are given up.

use super::SideKey;
use super::calls::Attempt;
use sip_core::agent::{IncomingId, RequestId};
use sip_core::dialog::Dialog;
use sip_core::message::{HeaderName, Request, StatusCode};
use sip_core::{Flow, Instant, SocketId};
use std::collections::{BTreeMap, BTreeSet};

/// One browser's subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WatchId(u64);

/// The two dialogs of a subscription.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) web: Dialog,
    pub(super) web_flow: Flow,
    /// As first sent to the PBX: its first NOTIFY makes the dialog.
    subscribe: Request,
    pub(super) trunk: Option<Dialog>,
    /// Whether a NOTIFY has fixed the trunk dialog; other forks end by 481.
    is_notified: bool,
    pub(super) trunk_flow: Flow,
    pub(super) contact: String,
    pub(super) event: String,
    /// The browser's last, for the end that it cannot ask for any more.
    pub(super) credentials: Vec<(HeaderName, String)>,
    pub(super) attempt: Attempt,
    pub(super) stage: Stage,
    until: Instant,
}

/// How far a subscription has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The first SUBSCRIBE has no answer.
    Opening,
    Standing,
    /// The browser went away before the PBX answered.
    Left,
    /// The end was asked for, or told.
    Leaving,
}

/// What a request of ours is for.
#[derive(Debug)]
pub(super) enum Asking {
    /// To the PBX: a browser's first SUBSCRIBE, and the seconds it asks for.
    First { incoming: IncomingId, asked: u32 },
    /// To the PBX: a later one.
    Again { incoming: IncomingId, asked: u32 },
    /// To the PBX: the end, in the place of a browser that is gone.
    Farewell,
    /// To the browser: the PBX's NOTIFY.
    Notify { incoming: IncomingId, is_last: bool },
    /// To the browser: the end, in the place of a PBX that is gone.
    LastWord,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Watches {
    all: BTreeMap<WatchId, Watch>,
    dialogs: BTreeMap<(SideKey, String, String), WatchId>,
    sockets: BTreeSet<(SocketId, WatchId)>,
    deadlines: BTreeSet<(Instant, WatchId)>,
    sent: BTreeMap<(SideKey, RequestId), (WatchId, Asking, Request)>,
    last: u64,
}

impl Watch {
    pub(super) fn new(
        (web, web_flow): (Dialog, Flow),
        (subscribe, trunk_flow): (Request, Flow),
        attempt: Attempt,
        until: Instant,
    ) -> Self {
        let row = |name: &HeaderName| subscribe.headers.get(name).unwrap_or_default().to_owned();
        let mut watch = Self {
            web,
            web_flow,
            trunk: None,
            is_notified: false,
            trunk_flow,
            contact: row(&HeaderName::Contact),
            event: row(&HeaderName::Event),
            credentials: Vec::new(),
            attempt,
            stage: Stage::Opening,
            until,
            subscribe,
        };
        let subscribe = watch.subscribe.clone();
        watch.keep_credentials(&subscribe);
        watch
    }

    pub(super) fn keep_credentials(&mut self, subscribe: &Request) {
        let names = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
        let of = |name: &HeaderName| subscribe.headers.get_all(name).map(str::to_owned).collect::<Vec<_>>();
        let rows = names.iter().flat_map(|name| of(name).into_iter().map(move |value| (name.clone(), value)));
        self.credentials = rows.collect();
    }

    /// A NOTIFY of the PBX; the first one makes the dialog, whichever fork the 2xx came from (RFC 6665 §4.4.1).
    pub(super) fn take_notify(&mut self, notify: &Request) -> Result<(), StatusCode> {
        let tag = notify.headers.from().ok().and_then(|from| from.tag().map(str::to_owned)).unwrap_or_default();
        let fits = self.trunk.as_ref().is_some_and(|dialog| dialog.remote_tag() == tag);
        match (self.is_notified, fits) {
            (_, true) => {}
            (true, false) => return Err(StatusCode::CALL_DOES_NOT_EXIST),
            (false, false) => {
                let dialog = Dialog::subscriber(&self.subscribe, notify, self.trunk_flow);
                self.trunk = Some(dialog.map_err(|error| error.status())?);
            }
        }
        let dialog = self.trunk.as_mut().ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
        dialog.handle_request(notify)?;
        self.is_notified = true;
        Ok(())
    }

    fn keys(&self) -> [(SideKey, String, String); 2] {
        let own = |name: &HeaderName| self.subscribe.headers.get(name).unwrap_or_default().to_owned();
        let tag = self.subscribe.headers.from().ok().and_then(|from| from.tag().map(str::to_owned));
        [
            (SideKey::Web, self.web.call_id().to_owned(), self.web.local_tag().to_owned()),
            (SideKey::Trunk, own(&HeaderName::CallId), tag.unwrap_or_default()),
        ]
    }
}

impl Watches {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many a browser has.
    pub(super) fn on_socket(&self, socket: SocketId) -> usize {
        self.sockets.range((socket, WatchId(0))..=(socket, WatchId(u64::MAX))).count()
    }

    pub(super) fn of_socket(&self, socket: SocketId) -> Vec<WatchId> {
        self.sockets.range((socket, WatchId(0))..=(socket, WatchId(u64::MAX))).map(|(_, id)| *id).collect()
    }

    pub(super) fn ids(&self) -> Vec<WatchId> {
        self.all.keys().copied().collect()
    }

    pub(super) fn insert(&mut self, watch: Watch) -> WatchId {
        self.last += 1;
        let id = WatchId(self.last);
        for key in watch.keys() {
            self.dialogs.insert(key, id);
        }
        self.sockets.insert((watch.web_flow.socket, id));
        self.deadlines.insert((watch.until, id));
        self.all.insert(id, watch);
        id
    }

    pub(super) fn get_mut(&mut self, id: WatchId) -> Option<&mut Watch> {
        self.all.get_mut(&id)
    }

    pub(super) fn remove(&mut self, id: WatchId) -> Option<Watch> {
        let watch = self.all.remove(&id)?;
        for key in watch.keys() {
            self.dialogs.remove(&key);
        }
        self.sockets.remove(&(watch.web_flow.socket, id));
        self.deadlines.remove(&(watch.until, id));
        Some(watch)
    }

    /// The subscription whose dialog on this side a request names.
    pub(super) fn of_request(&self, side: SideKey, request: &Request) -> Option<WatchId> {
        let call_id = request.headers.call_id().ok()?.to_owned();
        let tag = request.headers.to().ok()?.tag()?.to_owned();
        self.dialogs.get(&(side, call_id, tag)).copied()
    }

    pub(super) fn set_until(&mut self, id: WatchId, until: Instant) {
        if let Some(watch) = self.all.get_mut(&id) {
            self.deadlines.remove(&(watch.until, id));
            watch.until = until;
            self.deadlines.insert((until, id));
        }
    }

    pub(super) fn pop_due(&mut self, now: Instant) -> Option<WatchId> {
        let (until, id) = *self.deadlines.first()?;
        if until > now {
            return None;
        }
        self.deadlines.pop_first();
        Some(id)
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(until, _)| *until)
    }

    pub(super) fn note_sent(&mut self, side: SideKey, sent: RequestId, id: WatchId, asking: Asking, request: Request) {
        self.sent.insert((side, sent), (id, asking, request));
    }

    pub(super) fn take_sent(&mut self, side: SideKey, sent: RequestId) -> Option<(WatchId, Asking, Request)> {
        self.sent.remove(&(side, sent))
    }
}
