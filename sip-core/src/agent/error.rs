//! Why a command was refused: always the application's doing, never the network's.

use super::TransferId;
use super::event::{IncomingId, RegistrationId, SessionId};
use super::notification::{PublicationId, SubscriptionId};
use crate::flow::SocketId;
use crate::message::scan::write_quoted;
use crate::message::text::{decimal, text};

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

impl AgentError {
    fn write_to(&self, out: &mut String) {
        let missing = |out: &mut String, before: &str, id: u64, after: &str| {
            for part in [before, decimal(id).as_str(), after] {
                out.push_str(part);
            }
        };
        match self {
            Self::UnknownSession(id) => missing(out, "there is no session ", id.0, "; it may have ended"),
            Self::UnknownRegistration(id) => missing(out, "there is no registration ", id.0, ""),
            Self::UnknownSubscription(id) => missing(out, "there is no subscription ", id.0, ""),
            Self::UnknownPublication(id) => missing(out, "there is no publication ", id.0, ""),
            Self::UnknownRequest(id) => missing(out, "request ", id.0, " waits for no answer"),
            Self::UnknownTransfer(id) => missing(out, "there is no transfer ", id.0, ""),
            Self::UnknownSocket(id) => missing(out, "socket ", id.0, " is not open"),
            Self::WrongState { command, state } => {
                for part in ["cannot ", *command, " while ", *state] {
                    out.push_str(part);
                }
            }
            Self::Full => out.push_str("the agent has as many sessions, subscriptions or transactions as it may have"),
            Self::WrongStatus(status) => missing(out, "status ", (*status).into(), " cannot be given here"),
            Self::InvalidHeader { name } => {
                out.push_str("the header ");
                write_quoted(name, out);
                out.push_str(" would break the message apart");
            }
            Self::WrongMethod(method) => {
                out.push_str(method);
                out.push_str(" has a command of its own");
            }
        }
    }
}

text!(AgentError);

impl core::error::Error for AgentError {}
