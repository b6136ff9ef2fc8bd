//! What crosses the border to TypeScript: plain tagged data, from which tsify writes the `.d.ts`.
//!
//! Field names are camelCase on the other side, unions are tagged by `type`. Ids of calls are numbers that this
//! crate gives out; no Rust handle but `Core` itself ever crosses. The serde attributes are tsify's to read; the values
//! themselves are read and written by `border`, in a quarter of what serde's code would weigh. Nothing here decides
//! anything.

use tsify::Tsify;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

pub use crate::state_types::{
    CallEnd, CallState, ConnectionState, DigitMethod, EndedBy, ErrorCode, ErrorInfo, Party, RegistrationState,
    TransferState,
};

pub use crate::call_types::{Diversion, Identity, RefusalCause, RejectOptions};

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
    /// Calls at once; one more that comes in is refused with 486. At most and by default 16.
    #[tsify(optional)]
    pub max_calls: Option<u32>,
    /// The status that incoming calls are refused with for now; 0 lets them ring, the default.
    #[tsify(optional)]
    pub do_not_disturb: Option<u32>,
    /// Seconds that an incoming call rings before it is refused with 480; 0 never refuses. Default 180.
    #[tsify(optional)]
    pub incoming_no_answer: Option<u32>,
    /// Seconds after which an outgoing call that nobody answers is cancelled; 0 leaves that to the server, the default.
    #[tsify(optional)]
    pub outgoing_no_answer: Option<u32>,
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
    /// Nothing is sent. Calls wait for the page that comes next, as long as the server keeps them.
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
    /// Seconds after which the call is cancelled where nobody answers; 0 leaves that to the server. Default: the setting
    /// `outgoingNoAnswer`.
    #[tsify(optional)]
    pub no_answer: Option<u32>,
    /// Does not tell the other side who calls (RFC 3323); the server knows. Default `false`.
    #[tsify(optional)]
    pub anonymous: bool,
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
        error: Option<Box<ErrorInfo>>,
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
        error: Option<Box<ErrorInfo>>,
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
        /// Who calls, as far as the server knows.
        identity: Identity,
        /// By whom the call was sent here, the latest first.
        diversion: Vec<Diversion>,
        /// All headers of the INVITE.
        headers: Vec<(String, String)>,
    },
    /// Somebody called and was refused without ringing.
    CallRefused {
        /// Who called.
        from: Party,
        /// Whom they called.
        to: Party,
        /// All headers of the INVITE.
        headers: Vec<(String, String)>,
        /// The status they got.
        status: u16,
        /// Why.
        cause: RefusalCause,
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
        error: Box<ErrorInfo>,
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
        error: Option<Box<ErrorInfo>>,
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
        error: Option<Box<ErrorInfo>>,
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
        /// Which; 0 where the server tells of the voice mail unasked.
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
        error: Option<Box<ErrorInfo>>,
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
    /// The other side, or a server before it, names other addresses: `followRedirect` or `refuseRedirect`.
    Redirected {
        /// Which call.
        call: u32,
        /// Where it is to go, the most wanted first.
        targets: Vec<String>,
        /// The status: 301 is for good, 302 for now.
        status: u16,
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
