//! The calls of a page by their ids: a handful, so a vector finds them as fast as a tree, in a tenth of the code.

use sip_core::agent::SessionId;

use super::call::{Call, Stage};

/// The calls that are not over.
#[derive(Default)]
pub(super) struct Calls {
    all: Vec<(u32, Call)>,
    last: u32,
}

impl Calls {
    pub(super) fn add(&mut self, call: Call) -> u32 {
        self.last += 1;
        self.all.push((self.last, call));
        self.last
    }

    /// Returns whether it was there.
    pub(super) fn remove(&mut self, id: u32) -> bool {
        let before = self.all.len();
        self.all.retain(|(here, _)| *here != id);
        self.all.len() < before
    }

    pub(super) fn get(&self, id: u32) -> Option<&Call> {
        self.all.iter().find(|(here, _)| *here == id).map(|(_, call)| call)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Call> {
        self.all.iter_mut().find(|(here, _)| *here == id).map(|(_, call)| call)
    }

    pub(super) fn has(&self, id: u32) -> bool {
        self.get(id).is_some()
    }

    pub(super) const fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Call> {
        self.all.iter().map(|(_, call)| call)
    }

    /// The ids of the calls that are so.
    pub(super) fn ids(&self, is_so: impl Fn(&Call) -> bool) -> Vec<u32> {
        self.all.iter().filter(|(_, call)| is_so(call)).map(|(id, _)| *id).collect()
    }

    pub(super) fn of_session(&self, session: SessionId) -> Option<u32> {
        self.all.iter().find(|(_, call)| call.session() == Some(session)).map(|(id, _)| *id)
    }

    /// Those that wait for an offer or a connection.
    pub(super) fn preparing(&self) -> Vec<u32> {
        self.ids(|call| matches!(call.stage, Stage::Preparing { .. }))
    }
}
