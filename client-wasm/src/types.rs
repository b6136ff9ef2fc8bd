//! What crosses the border to TypeScript: plain tagged data, from which tsify writes the `.d.ts`.
//!
//! Field names are camelCase on the other side, unions are tagged by `type`. Ids of calls are numbers that this
//! crate gives out; no Rust handle but `Core` itself ever crosses. The serde attributes are tsify's to read; the values
//! themselves are read and written by `border`, in a quarter of what serde's code would weigh. Nothing here decides
//! anything.

use tsify::Tsify;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::event_types::{Notification, PublicationChange, ReceivedMessage, SubscriptionChange};

/// The settings of one user agent.
#[derive(Tsify)]
#[serde(rename_all = "camelCase")]
pub struct CoreConfig {
    /// The SIP server's WebSocket: `wss://relay.example.com/sip`. `ws://` is for development on localhost.
    pub server: String,
    /// All servers with their weights, where there are several: the heaviest first, those of one weight in any order.
    /// `server` is then not looked at.
    #[tsify(optional)]
    pub servers: Vec<(String, u32)>,
    /// The SIP account to register and to call from. Without one, calls are anonymous.
    #[tsify(optional)]
    pub account: Option<Account>,
    /// Seconds a registration is asked for. Default 600; the server may grant another time.
    #[tsify(optional)]
    pub expires: Option<u32>,
    /// The `User-Agent` header. Default `Switchhook/<version>`.
    #[tsify(optional)]
    pub user_agent: Option<String>,
    /// A UUID that stays the same for this browser, `urn:uuid:…` without the prefix (RFC 5626 `+sip.instance`), so
    /// that a reload replaces its registration instead of adding one. Default: a random one per page.
    #[tsify(optional)]
    pub instance_id: Option<String>,
    /// STUN and TURN servers. Not needed with a relay that is reachable. Default none.
    #[tsify(optional, type = "RTCIceServer[]")]
    pub ice_servers: JsValue,
    /// How long an offer or answer may wait for ICE candidates, in milliseconds. Default 0: it leaves at once, which
    /// any server that is itself reachable allows. Set it for a server that does not learn addresses from checks.
    #[tsify(optional)]
    pub gathering_timeout_ms: Option<u32>,
    /// Constraints for the microphone. Default `true`.
    #[tsify(optional, type = "MediaTrackConstraints | boolean")]
    pub audio: JsValue,
    /// Headers added to each REGISTER and INVITE.
    #[tsify(optional)]
    pub headers: Vec<(String, String)>,
    /// The types of messages that this page takes; `text/*` is any text. Others are answered 415. Default: texts, JSON,
    /// `application/im-iscomposing+xml` and `message/cpim`.
    #[tsify(optional)]
    pub message_types: Vec<String>,
    /// Milliseconds between keep-alives from the page (RFC 5626 §3.5.1); 0 sends none. Default: what the server asks for
    /// (`Flow-Timer`), else every 95 to 120 seconds where it answers them.
    #[tsify(optional)]
    pub keep_alive_ms: Option<u32>,
    /// What happens to calls and the registration when the page goes away for good. Default `"hangup"`.
    #[tsify(optional)]
    pub on_page_hide: OnPageHide,
    /// Seconds that established calls wait for a lost connection to come back. Default 30.
    #[tsify(optional)]
    pub call_recovery: Option<u32>,
    /// Seconds after which a call that nobody refreshes ends (RFC 4028); 0 leaves that to the other side. Default 1800.
    #[tsify(optional)]
    pub session_expires: Option<u32>,
    /// The shortest such time that is agreed to; at least 90, the default.
    #[tsify(optional)]
    pub session_minimum: Option<u32>,
    /// Who refreshes calls, where this page may choose. Default: whom the other side names.
    #[tsify(optional, type = "'local' | 'remote'")]
    pub session_refresher: Option<String>,
    /// Provisional responses that are acknowledged (RFC 3262). Default `"supported"`.
    #[tsify(optional, type = "'none' | 'supported' | 'required'")]
    pub reliable_provisional: Option<String>,
}

/// A SIP account.
#[derive(Clone, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The address of record: `sip:alice@example.com`.
    pub uri: String,
    /// The user name for authentication where it differs from the one in `uri`.
    #[tsify(optional)]
    pub authorization_name: Option<String>,
    /// The password. It stays in this page; the server sees digests.
    #[tsify(optional)]
    pub password: Option<String>,
    /// The name shown to the other side.
    #[tsify(optional)]
    pub display_name: Option<String>,
    /// The registrar's URI where it is not the domain of `uri`.
    #[tsify(optional)]
    pub registrar: Option<String>,
}

/// What a server granted to a registration.
#[derive(Clone, Default, PartialEq, Eq, Debug, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationGrant {
    /// Seconds that it lasts. It is renewed before.
    pub expires: u32,
    /// An address that always leads to this user agent, whatever its connection (RFC 5627).
    #[tsify(optional)]
    pub public_gruu: Option<String>,
    /// The same without the name of the account; a new one with each renewal (RFC 5627).
    #[tsify(optional)]
    pub temporary_gruu: Option<String>,
    /// The proxies that calls and messages of this account pass, nearest first (RFC 3608).
    pub service_route: Vec<String>,
    /// The server knows this page's connection as a flow, which a later one of the same browser replaces (RFC 5626).
    pub outbound: bool,
    /// Seconds of silence after which the server takes the connection for dead (RFC 5626 §4.4).
    #[tsify(optional)]
    pub flow_timer: Option<u32>,
}

/// What happens when the page goes away for good.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum OnPageHide {
    /// Calls are hung up and the registration is withdrawn.
    #[default]
    Hangup,
    /// Nothing is sent.
    Keep,
}

/// How to make a call.
#[derive(Default, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct CallOptions {
    /// Headers added to the INVITE.
    #[tsify(optional)]
    pub headers: Vec<(String, String)>,
    /// The name shown to the other side, instead of the account's.
    #[tsify(optional)]
    pub display_name: Option<String>,
    /// Sound to send instead of the microphone's. Its tracks are the page's: they are not stopped when the call ends.
    #[tsify(optional, type = "MediaStream")]
    pub stream: JsValue,
    /// Whether the INVITE brings our offer, or asks the other side for one. Default `"early"`.
    #[tsify(optional, type = "'early' | 'delayed'")]
    pub offer: Option<String>,
}

/// How to answer a call.
#[derive(Default, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct AnswerOptions {
    /// Headers added to the 200.
    #[tsify(optional)]
    pub headers: Vec<(String, String)>,
    /// Sound to send instead of the microphone's. Its tracks are the page's: they are not stopped when the call ends.
    #[tsify(optional, type = "MediaStream")]
    pub stream: JsValue,
}

/// How to transfer a call.
#[derive(Default, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct TransferOptions {
    /// Headers added to the REFER.
    #[tsify(optional)]
    pub headers: Vec<(String, String)>,
    /// Whether news of the transfer are wanted. Default `true`; otherwise the other side's agreement is all that is known
    /// (RFC 4488).
    #[tsify(optional)]
    pub subscribe: Option<bool>,
}

/// Something happened. The order is the order in which it happened.
#[derive(Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum CoreEvent {
    /// The WebSocket changed.
    ConnectionChange {
        /// Now.
        state: ConnectionState,
        /// The close code of the connection that was lost (RFC 6455 §7.4).
        #[tsify(optional)]
        code: Option<u16>,
        /// The close reason of the connection that was lost.
        #[tsify(optional)]
        reason: Option<String>,
        /// Milliseconds until the next attempt.
        #[tsify(optional)]
        retry_in_ms: Option<u32>,
        /// How many attempts have failed since the last connection that lasted.
        #[tsify(optional)]
        attempt: Option<u32>,
        /// The server that is connected, or was.
        #[tsify(optional)]
        server: Option<String>,
        /// Why there is no connection.
        #[tsify(optional)]
        error: Option<ErrorInfo>,
    },
    /// The registration changed.
    RegistrationChange {
        /// Now.
        state: RegistrationState,
        /// What the server granted.
        #[tsify(optional)]
        grant: Option<RegistrationGrant>,
        /// Why it failed.
        #[tsify(optional)]
        error: Option<ErrorInfo>,
        /// Milliseconds until the next attempt, where one follows by itself.
        #[tsify(optional)]
        retry_in_ms: Option<u32>,
    },
    /// Somebody calls. It rings until `answer`, `reject` or its `callEnded`.
    IncomingCall {
        /// The new call.
        call: u32,
        /// Who calls.
        from: Party,
        /// Whom they called.
        to: Party,
        /// All headers of the INVITE.
        headers: Vec<(String, String)>,
    },
    /// A call changed.
    CallChange {
        /// Which.
        call: u32,
        /// Now.
        state: CallState,
        /// The SIP status that caused it.
        #[tsify(optional)]
        status: Option<u16>,
        /// Who is there, where the other side said so.
        #[tsify(optional)]
        remote: Option<Party>,
    },
    /// The microphone of a call was muted or unmuted.
    MuteChange {
        /// Which.
        call: u32,
        /// Now.
        muted: bool,
    },
    /// A digit left.
    DigitSent {
        /// Which call.
        call: u32,
        /// One of `0-9`, `A-D`, `*` and `#`.
        digit: String,
    },
    /// A digit could not be sent.
    DigitFailed {
        /// Which call.
        call: u32,
        /// One of `0-9`, `A-D`, `*` and `#`.
        digit: String,
        /// Why.
        error: ErrorInfo,
    },
    /// The other side pressed a digit.
    Digit {
        /// Which call.
        call: u32,
        /// One of `0-9`, `A-D`, `*` and `#`.
        digit: String,
        /// How long it sounded, in milliseconds.
        duration_ms: u32,
    },
    /// Who holds whom changed.
    HoldChange {
        /// Which call.
        call: u32,
        /// This page holds the other side.
        local: bool,
        /// The other side holds this page.
        remote: bool,
    },
    /// What became of `setHeld`.
    HoldResult {
        /// Which call.
        call: u32,
        /// Why the call goes on as it was; none where it was done.
        #[tsify(optional)]
        error: Option<ErrorInfo>,
    },
    /// The peer connection of a call changed.
    MediaChange {
        /// Which.
        call: u32,
        /// Its `connectionState`.
        #[tsify(type = "RTCPeerConnectionState")]
        state: String,
    },
    /// The other side's sound is there: play `remoteStream(call)`.
    RemoteTrack {
        /// Which call.
        call: u32,
    },
    /// A message came in.
    Message {
        /// What came.
        message: ReceivedMessage,
    },
    /// A message came in inside a call.
    CallMessage {
        /// Which.
        call: u32,
        /// What came.
        message: ReceivedMessage,
    },
    /// A message of this page arrived, or did not. Always its last event, and never missing.
    MessageSent {
        /// Which.
        message: u32,
        /// The other side's words for its refusal.
        #[tsify(optional)]
        reason: Option<String>,
        /// Why it did not arrive.
        #[tsify(optional)]
        error: Option<ErrorInfo>,
    },
    /// A subscription changed; `terminated` is its last event.
    SubscriptionChange {
        /// Which.
        subscription: u32,
        /// How it stands.
        change: SubscriptionChange,
    },
    /// A subscription brought something.
    Notify {
        /// Which.
        subscription: u32,
        /// What came.
        notification: Notification,
    },
    /// A publication changed; `ended` is its last event.
    PublicationChange {
        /// Which.
        publication: u32,
        /// How it stands.
        change: PublicationChange,
    },
    /// A call is over. Always its last event, and never missing.
    /// A transfer that this page asked for goes on. May come after `callEnded`.
    TransferChange {
        /// Which call is transferred.
        call: u32,
        /// Now.
        state: TransferState,
        /// The SIP status of the new call, where it has one.
        #[tsify(optional)]
        status: Option<u16>,
        /// Whether the new call is known to be answered: not where the other side only agreed to make it.
        confirmed: bool,
        /// Why it failed.
        #[tsify(optional)]
        error: Option<ErrorInfo>,
    },
    /// The other side asks this page to call somebody in place of this call: `acceptTransfer` or `rejectTransfer`.
    TransferRequest {
        /// In which call.
        call: u32,
        /// Whom to call.
        target: String,
        /// Who asks, by its own words.
        #[tsify(optional)]
        referred_by: Option<Party>,
        /// Whether the target is in a call already, whose other side this page would replace.
        replaces: bool,
    },
    /// The other side asks no more.
    TransferWithdrawn {
        /// In which call.
        call: u32,
    },
    /// Somebody else took the place of a call's other side. The call goes on.
    CallReplaced {
        /// Which.
        call: u32,
        /// Who is there now.
        remote: Party,
    },
    /// A call is over. Always its last event, and never missing, but for those of a transfer.
    CallEnded {
        /// Which.
        call: u32,
        /// How.
        end: CallEnd,
    },
}

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
    pub error: Option<ErrorInfo>,
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
        New "new" Calling "calling" Ringing "ringing" Early "early" Active "active" Ended "ended"
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
