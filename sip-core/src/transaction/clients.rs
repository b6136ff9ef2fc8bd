//! The client transactions by id, by key and by flow.

use super::client_invite::ClientInvite;
use super::client_non_invite::ClientNonInvite;
use super::context::{ClientInput, Context};
use super::key::ClientKey;
use super::{ClientId, Phase};
use crate::flow::{Flow, SocketId};
use crate::message::Request;
use crate::ordered::{Map, Set};

/// One of the two client machines.
#[derive(Debug)]
pub(super) enum ClientMachine {
    Invite(ClientInvite),
    NonInvite(ClientNonInvite),
}

impl ClientMachine {
    pub(super) fn handle(&mut self, input: ClientInput, cx: &mut Context<'_>) {
        match self {
            Self::Invite(machine) => machine.handle(input, cx),
            Self::NonInvite(machine) => machine.handle(input, cx),
        }
    }

    pub(super) const fn phase(&self) -> Phase {
        match self {
            Self::Invite(machine) => machine.phase(),
            Self::NonInvite(machine) => machine.phase(),
        }
    }

    /// The request as it was sent, while sending it again may help.
    const fn unanswered(&self) -> Option<&[u8]> {
        match self {
            Self::Invite(machine) => machine.unanswered(),
            Self::NonInvite(machine) => machine.unanswered(),
        }
    }

    pub(super) fn invite(&self) -> Option<&Request> {
        match self {
            Self::Invite(machine) => Some(machine.request()),
            Self::NonInvite(_) => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) key: ClientKey,
    pub(super) flow: Flow,
    pub(super) is_reliable: bool,
    pub(super) machine: ClientMachine,
}

#[derive(Debug, Default)]
pub(super) struct Clients {
    by_id: Map<ClientId, Client>,
    by_key: Map<ClientKey, ClientId>,
    by_flow: Set<(Flow, ClientId)>,
}

impl Clients {
    pub(super) fn insert(&mut self, id: ClientId, client: Client) {
        self.by_key.insert(client.key.clone(), id);
        self.by_flow.insert((client.flow, id));
        self.by_id.insert(id, client);
    }

    pub(super) fn remove(&mut self, id: ClientId) {
        if let Some(client) = self.by_id.remove(&id) {
            self.by_key.remove(&client.key);
            self.by_flow.remove(&(client.flow, id));
        }
    }

    pub(super) fn find(&self, key: &ClientKey) -> Option<ClientId> {
        self.by_key.get(key).copied()
    }

    pub(super) fn client(&self, id: ClientId) -> Option<&Client> {
        self.by_id.get(&id)
    }

    pub(super) fn client_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        self.by_id.get_mut(&id)
    }

    pub(super) fn on_flow(&self, flow: Flow) -> Vec<ClientId> {
        let flows = (flow, ClientId(0))..=(flow, ClientId(u64::MAX));
        self.by_flow.range(flows).map(|(_, id)| *id).collect()
    }

    pub(super) fn on_socket(&self, socket: SocketId) -> Vec<ClientId> {
        let from = self.by_flow.range((Flow::connection(socket), ClientId(0))..);
        let here = from.take_while(|(flow, _)| flow.socket == socket);
        here.map(|(_, id)| *id).collect()
    }

    /// Moves one to another flow. Returns its request where there is no final response yet.
    pub(super) fn rebind(&mut self, id: ClientId, flow: Flow) -> Option<Vec<u8>> {
        let client = self.by_id.get_mut(&id)?;
        self.by_flow.remove(&(client.flow, id));
        self.by_flow.insert((flow, id));
        client.flow = flow;
        client.machine.unanswered().map(<[u8]>::to_vec)
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }
}
