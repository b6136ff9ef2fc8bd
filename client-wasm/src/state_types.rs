//! The part of the border that says how things stand: connection, registration, calls, their ends and errors. Plain data
//! like all of [`types`](crate::types), where users of it find these names.

use tsify::Tsify;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::types::OnPageHide;

/// The WebSocket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum ConnectionState {
    /// There is none, and none is wanted.
    Disconnected,
    /// The first attempt is under way.
    Connecting,
    /// SIP can be sent.
    Connected,
    /// It was lost, or the first attempt failed; another attempt follows by itself.
    Reconnecting,
}

/// The registration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum RegistrationState {
    /// There is none.
    Unregistered,
    /// It is under way.
    Registering,
    /// Calls reach this page.
    Registered,
    /// It failed; `error` says why and whether another attempt follows.
    Failed,
}

/// A call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum CallState {
    /// Nothing left yet, or nothing was answered yet.
    New,
    /// The INVITE left.
    Calling,
    /// It rings at the other side, or here for an incoming call.
    Ringing,
    /// The other side sends sound before it answers: no ringback tone of our own.
    Early,
    /// Another page had it, and this one takes it back.
    Reconnecting,
    /// Both sides talk.
    Active,
    /// It is over.
    Ended,
}

/// How digits are sent.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Tsify)]
#[serde(rename_all = "kebab-case")]
pub enum DigitMethod {
    /// As telephone events where the other side takes them, else as INFO.
    #[default]
    Auto,
    /// As telephone events (RFC 4733) only.
    Rtp,
    /// As INFO with `application/dtmf-relay`.
    InfoRelay,
    /// As INFO with `application/dtmf`.
    InfoDtmf,
}

/// A transfer that this page asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum TransferState {
    /// The other side agreed to call.
    Accepted,
    /// Its call goes on: `status`.
    Progress,
    /// Its call was answered; ours is hung up.
    Succeeded,
    /// It failed, and the call is as before.
    Failed,
}

/// One side of a call.
#[derive(Clone, PartialEq, Eq, Debug, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Party {
    /// Its address: `sip:bob@example.com`.
    pub uri: String,
    /// Its name, where it gave one.
    #[tsify(optional)]
    pub display_name: Option<String>,
}

/// How a call ended.
#[derive(Clone, PartialEq, Eq, Debug, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct CallEnd {
    /// Who ended it.
    pub by: EndedBy,
    /// The SIP status, where there was one.
    #[tsify(optional)]
    pub status: Option<u16>,
    /// The reason in the other side's words; may be empty.
    pub reason: String,
    /// The Q.850 cause, where there was one (RFC 3326).
    #[tsify(optional)]
    pub q850: Option<u16>,
    /// What went wrong; none after a normal call and after one's own hang-up.
    #[tsify(optional)]
    pub error: Option<Box<ErrorInfo>>,
}

/// Who ended a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum EndedBy {
    /// This page.
    Local,
    /// The other side.
    Remote,
    /// Neither: a time-out, a lost connection, a missing microphone.
    System,
}

/// An error as a value: what happened, and what may be done.
#[derive(Clone, PartialEq, Eq, Debug, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct ErrorInfo {
    /// For programs. Stable.
    pub code: ErrorCode,
    /// For people: what happened and what to do about it, in a sentence.
    pub message: String,
    /// The SIP status behind it.
    #[tsify(optional)]
    pub status: Option<u16>,
    /// Nothing more will be tried until the page changes something.
    pub fatal: bool,
    /// The same attempt may succeed later.
    pub retryable: bool,
}

/// What happened, for programs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Tsify)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// The user, the browser or the page's policy does not allow the microphone.
    MicDenied,
    /// There is no microphone, or none that fits the constraints.
    MicNotFound,
    /// Another program holds the microphone, or it failed.
    MicInUse,
    /// The page is not served over https (or from localhost), so browsers give it no microphone.
    InsecurePage,
    /// The connection to the server was lost.
    ConnectionLost,
    /// The server could not be reached, or is no SIP server.
    ConnectionRefused,
    /// The server refused user name or password, or asked for them and there are none.
    WrongCredentials,
    /// The other side is in another call.
    Busy,
    /// Nobody has this number or address.
    NotFound,
    /// Nobody answered.
    NoAnswer,
    /// The other side declined.
    Rejected,
    /// The call was cancelled before it was answered.
    Cancelled,
    /// The server does not allow it.
    Forbidden,
    /// The server failed.
    ServerError,
    /// The other side cannot be reached now.
    Unreachable,
    /// The server did not answer in time.
    Timeout,
    /// The sound's connection failed or was lost.
    MediaFailed,
    /// Both sides have no codec or no security in common.
    IncompatibleMedia,
    /// The other side, or the server between, knows no transfers.
    TransferUnsupported,
    /// The other side agreed to the transfer and never said how it went.
    TransferUnconfirmed,
    /// The target is no phone number and no SIP address.
    InvalidTarget,
    /// A setting is wrong.
    InvalidConfig,
    /// An argument is wrong: a header with a line break, a digit that no phone has.
    InvalidArgument,
    /// The command does not fit the moment.
    WrongState,
    /// The other side broke the protocol.
    ProtocolError,
    /// The message is longer than the other side, or a server on the way, takes.
    MessageTooLarge,
    /// The other side knows no such request, event package or type of content.
    NotSupported,
    /// The user agent was disposed.
    Disposed,
}

#[wasm_bindgen(typescript_custom_section)]
const CORE_ERROR: &str = "
/**
 * What the methods of `Core` throw.
 */
export interface CoreError extends Error, ErrorInfo {
    name: \"CoreError\";
    message: string;
}
";

/// The words that cross the border; the tests compare them with the generated types.
macro_rules! words {
    ($($type:ident { $($variant:ident $word:literal)* })*) => {
        $(impl $type {
            /// As TypeScript knows it.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        })*

        #[cfg(test)]
        const WORDS: &[(&str, &[&str])] = &[$((<$type as Tsify>::DECL, &[$($word),*])),*];
    };
}

words! {
    OnPageHide { Hangup "hangup" Keep "keep" }
    ConnectionState {
        Disconnected "disconnected" Connecting "connecting" Connected "connected" Reconnecting "reconnecting"
    }
    RegistrationState {
        Unregistered "unregistered" Registering "registering" Registered "registered" Failed "failed"
    }
    CallState {
        New "new" Calling "calling" Ringing "ringing" Early "early" Reconnecting "reconnecting" Active "active" Ended "ended"
    }
    DigitMethod { Auto "auto" Rtp "rtp" InfoRelay "info-relay" InfoDtmf "info-dtmf" }
    TransferState { Accepted "accepted" Progress "progress" Succeeded "succeeded" Failed "failed" }
    EndedBy { Local "local" Remote "remote" System "system" }
    ErrorCode {
        MicDenied "MIC_DENIED"
        MicNotFound "MIC_NOT_FOUND"
        MicInUse "MIC_IN_USE"
        InsecurePage "INSECURE_PAGE"
        ConnectionLost "CONNECTION_LOST"
        ConnectionRefused "CONNECTION_REFUSED"
        WrongCredentials "WRONG_CREDENTIALS"
        Busy "BUSY"
        NotFound "NOT_FOUND"
        NoAnswer "NO_ANSWER"
        Rejected "REJECTED"
        Cancelled "CANCELLED"
        Forbidden "FORBIDDEN"
        ServerError "SERVER_ERROR"
        Unreachable "UNREACHABLE"
        Timeout "TIMEOUT"
        MediaFailed "MEDIA_FAILED"
        IncompatibleMedia "INCOMPATIBLE_MEDIA"
        TransferUnsupported "TRANSFER_UNSUPPORTED"
        TransferUnconfirmed "TRANSFER_UNCONFIRMED"
        InvalidTarget "INVALID_TARGET"
        InvalidConfig "INVALID_CONFIG"
        InvalidArgument "INVALID_ARGUMENT"
        WrongState "WRONG_STATE"
        ProtocolError "PROTOCOL_ERROR"
        MessageTooLarge "MESSAGE_TOO_LARGE"
        NotSupported "NOT_SUPPORTED"
        Disposed "DISPOSED"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_generated_types() {
        for (declaration, words) in WORDS {
            let generated: Vec<&str> = declaration.split('"').skip(1).step_by(2).collect();
            assert_eq!(&generated, words);
        }
    }
}
