//! The server transactions by id, by key and by flow, and the requests that a second copy may be merged with.

use super::context::{Context, ServerInput};
use super::key::{MergeKey, ServerKey};
use super::server_invite::ServerInvite;
use super::server_non_invite::ServerNonInvite;
use super::{Phase, ServerId};
use crate::flow::{Flow, SocketId};
use crate::message::StatusCode;
use crate::ordered::{Map, Set};

/// One of the two server machines.
#[derive(Debug)]
pub(super) enum ServerMachine {
    Invite(ServerInvite),
    NonInvite(ServerNonInvite),
}

impl ServerMachine {
    pub(super) fn handle(&mut self, input: ServerInput, cx: &mut Context<'_>) {
        match self {
            Self::Invite(machine) => machine.handle(input, cx),
            Self::NonInvite(machine) => machine.handle(input, cx),
        }
    }

    pub(super) const fn is_open_for(&self, status: StatusCode) -> bool {
        match self {
            Self::Invite(machine) => machine.is_open_for(status),
            Self::NonInvite(machine) => machine.is_open(),
        }
    }

    pub(super) const fn phase(&self) -> Phase {
        match self {
            Self::Invite(machine) => machine.phase(),
            Self::NonInvite(machine) => machine.phase(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) key: ServerKey,
    pub(super) merge: Option<MergeKey>,
    /// Where the responses go.
    pub(super) flow: Flow,
    /// Where they go when the connection they came on is gone (RFC 3261 §18.2.2).
    pub(super) home: Option<Flow>,
    pub(super) is_reliable: bool,
    pub(super) machine: ServerMachine,
    /// The To tag of our last response, by which an ACK of RFC 2543 is known.
    pub(super) to_tag: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Servers {
    by_id: Map<ServerId, Server>,
    by_key: Map<ServerKey, ServerId>,
    by_flow: Set<(Flow, ServerId)>,
    /// The first copy of each.
    by_merge: Map<MergeKey, ServerId>,
}

impl Servers {
    pub(super) fn insert(&mut self, id: ServerId, server: Server) {
        if let Some(merge) = &server.merge {
            self.by_merge.entry(merge.clone()).or_insert(id);
        }
        self.by_key.insert(server.key.clone(), id);
        self.by_flow.insert((server.flow, id));
        self.by_id.insert(id, server);
    }

    pub(super) fn remove(&mut self, id: ServerId) {
        if let Some(server) = self.by_id.remove(&id) {
            self.by_key.remove(&server.key);
            self.by_flow.remove(&(server.flow, id));
            self.remove_merge(server.merge.as_ref(), id);
        }
    }

    fn remove_merge(&mut self, merge: Option<&MergeKey>, id: ServerId) {
        if let Some(merge) = merge
            && self.by_merge.get(merge) == Some(&id)
        {
            self.by_merge.remove(merge);
        }
    }

    pub(super) fn find(&self, key: &ServerKey) -> Option<ServerId> {
        self.by_key.get(key).copied()
    }

    /// Whether the same request is here already by another way.
    pub(super) fn has_merged(&self, merge: &MergeKey) -> bool {
        self.by_merge.contains_key(merge)
    }

    pub(super) fn server(&self, id: ServerId) -> Option<&Server> {
        self.by_id.get(&id)
    }

    pub(super) fn server_mut(&mut self, id: ServerId) -> Option<&mut Server> {
        self.by_id.get_mut(&id)
    }

    /// Moves a transaction to the flow on which its sender listens; once.
    pub(super) fn send_home(&mut self, id: ServerId) -> bool {
        let Some(server) = self.by_id.get_mut(&id) else { return false };
        let Some(home) = server.home.take().filter(|home| *home != server.flow) else { return false };
        self.by_flow.remove(&(server.flow, id));
        server.flow = home;
        self.by_flow.insert((home, id));
        true
    }

    pub(super) fn on_flow(&self, flow: Flow) -> Vec<ServerId> {
        let flows = (flow, ServerId(0))..=(flow, ServerId(u64::MAX));
        self.by_flow.range(flows).map(|(_, id)| *id).collect()
    }

    pub(super) fn on_socket(&self, socket: SocketId) -> Vec<ServerId> {
        let from = self.by_flow.range((Flow::connection(socket), ServerId(0))..);
        let here = from.take_while(|(flow, _)| flow.socket == socket);
        here.map(|(_, id)| *id).collect()
    }

    pub(super) fn rebind(&mut self, id: ServerId, flow: Flow) {
        if let Some(server) = self.by_id.get_mut(&id) {
            self.by_flow.remove(&(server.flow, id));
            self.by_flow.insert((flow, id));
            server.flow = flow;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }
}
