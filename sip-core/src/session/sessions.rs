//! All sessions of an agent, and how one is found: by id, by dialog, by socket, by deadline. No message and no
//! deadline walks through all of them.

use super::Session;
use crate::agent::{Deadlines, SessionId};
use crate::flow::SocketId;
use crate::ordered::{Map, Set};
use crate::time::Instant;

/// See the module.
#[derive(Debug)]
pub(crate) struct Sessions {
    all: Map<SessionId, Session>,
    /// Local tag and Call-ID.
    dialogs: Map<(String, String), SessionId>,
    sockets: Set<(SocketId, SessionId)>,
    deadlines: Deadlines<SessionId>,
}

impl Sessions {
    pub(crate) const fn new() -> Self {
        Self { all: Map::new(), dialogs: Map::new(), sockets: Set::new(), deadlines: Deadlines::new() }
    }

    pub(crate) fn insert(&mut self, session: Session) {
        let id = session.id;
        self.dialogs.insert(dialog_key(&session), id);
        self.sockets.insert((session.flow.socket, id));
        self.deadlines.set(id, session.deadline());
        self.all.insert(id, session);
    }

    /// Lets something happen to a session and brings the indexes up to date; a session that is over goes.
    pub(crate) fn with<T>(&mut self, id: SessionId, act: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let session = self.all.get_mut(&id)?;
        let socket = session.flow.socket;
        let result = act(session);
        self.bring_up_to_date(id, socket);
        Some(result)
    }

    fn bring_up_to_date(&mut self, id: SessionId, socket: SocketId) {
        let Some(session) = self.all.get(&id) else { return };
        if session.flow.socket != socket {
            self.sockets.remove(&(socket, id));
            self.sockets.insert((session.flow.socket, id));
        }
        if session.is_over() {
            self.remove(id);
        } else {
            self.deadlines.set(id, session.deadline());
        }
    }

    fn remove(&mut self, id: SessionId) {
        if let Some(session) = self.all.remove(&id) {
            self.dialogs.remove(&dialog_key(&session));
            self.sockets.remove(&(session.flow.socket, id));
            self.deadlines.set(id, None);
        }
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<&Session> {
        self.all.get(&id)
    }

    /// The session that gave this tag to a dialog of this Call-ID.
    pub(crate) fn find(&self, call_id: &str, local_tag: &str) -> Option<SessionId> {
        self.dialogs.get(&(local_tag.to_owned(), call_id.to_owned())).copied()
    }

    pub(crate) fn on_socket(&self, socket: SocketId) -> Vec<SessionId> {
        let range = (socket, SessionId(0))..=(socket, SessionId(u64::MAX));
        self.sockets.range(range).map(|(_, id)| *id).collect()
    }

    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<SessionId> {
        self.deadlines.pop_due(now)
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
}

fn dialog_key(session: &Session) -> (String, String) {
    (session.local_tag.clone(), session.call_id.clone())
}
