//! Why a command was refused: always the application's doing, never the network's.

use super::TransferId;
use super::event::{IncomingId, RegistrationId, SessionId};
use super::notification::{PublicationId, SubscriptionId};
use crate::flow::SocketId;

/// What is wrong with a command. Nothing has been sent and nothing has changed when one returns this.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentError {
    /// The session never was, or has ended.
    UnknownSession(SessionId),
    /// The registration never was, or has been forgotten.
    UnknownRegistration(RegistrationId),
    /// The subscription never was, or has ended.
    UnknownSubscription(SubscriptionId),
    /// The publication never was, or has ended.
    UnknownPublication(PublicationId),
    /// The request never was, has been answered, or its sender has given up on it.
    UnknownRequest(IncomingId),
    /// The transfer never was, or nobody wants to hear of it any more.
    UnknownTransfer(TransferId),
    /// `open_socket` has not been called for this socket, or it is closed.
    UnknownSocket(SocketId),
    /// The command does not fit what the session is doing now.
    WrongState {
        /// The command.
        command: &'static str,
        /// What the session or registration is doing.
        state: &'static str,
    },
    /// `Config::max_sessions` sessions, `Config::max_subscriptions` subscriptions or `Config::max_transactions` transactions are there already.
    Full,
    /// The status cannot be given here: a ringing 200, a rejecting 180.
    WrongStatus(u16),
    /// A header's name or value has characters that would break the message apart.
    InvalidHeader {
        /// Its name as given.
        name: String,
    },
    /// The method has a command of its own (INVITE, ACK, CANCEL, BYE) and cannot be sent as a plain request.
    WrongMethod(String),
}

impl core::fmt::Display for AgentError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::UnknownSession(id) => {
                write!(f, "there is no session {}; it may have ended", id.0)
            }
            Self::UnknownRegistration(id) => write!(f, "there is no registration {}", id.0),
            Self::UnknownSubscription(id) => write!(f, "there is no subscription {}", id.0),
            Self::UnknownPublication(id) => write!(f, "there is no publication {}", id.0),
            Self::UnknownRequest(id) => write!(f, "request {} waits for no answer", id.0),
            Self::UnknownTransfer(id) => write!(f, "there is no transfer {}", id.0),
            Self::UnknownSocket(id) => write!(f, "socket {} is not open", id.0),
            Self::WrongState { command, state } => write!(f, "cannot {command} while {state}"),
            Self::Full => f.write_str("the agent has as many sessions, subscriptions or transactions as it may have"),
            Self::WrongStatus(status) => write!(f, "status {status} cannot be given here"),
            Self::InvalidHeader { name } => {
                write!(f, "the header {name:?} would break the message apart")
            }
            Self::WrongMethod(method) => write!(f, "{method} has a command of its own"),
        }
    }
}

impl core::error::Error for AgentError {}
