//! What a page can ask for: plain tagged data like the events, and the one table from a command to the phone.
//!
//! A method of its own in the module for each would be four times the code, most of it for carrying arguments.

use sip_core::Instant;
use tsify::Tsify;
use wasm_bindgen::JsValue;

use crate::event_types::{MessageOptions, PublishOptions, SubscribeOptions};
use crate::phone::Phone;
use crate::types::{AnswerOptions, CallOptions, DigitMethod, ErrorInfo, RejectOptions, TransferOptions};

/// What `Core.command` takes.
#[derive(Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum CoreCommand {
    /// Connects to the server, and again whenever the connection is lost, until `disconnect`.
    Connect,
    /// Hangs up, withdraws the registration and closes the connection.
    Disconnect,
    /// Makes this page reachable at its account, now and after each reconnect, until `unregister`.
    Register,
    /// Makes this page unreachable.
    Unregister {
        /// The account at every phone (`Contact: *`).
        all: bool,
    },
    /// Has the next attempt to connect, which is being waited for, made then.
    RetryIn {
        /// Milliseconds.
        wait_ms: u32,
    },
    /// Does not try to connect again, where that is being waited for.
    GiveUp,
    /// Calls a number, a name or a SIP address. Makes a call; all else comes as events.
    Call {
        /// Whom.
        target: String,
        /// How.
        options: CallOptions,
    },
    /// Takes back a call that another page had. Makes a call.
    Resume {
        /// What names its dialog.
        dialog: String,
        /// It was muted.
        muted: bool,
        /// It was held.
        held: bool,
    },
    /// Answers an incoming call.
    Answer {
        /// Which call.
        call: u32,
        /// How.
        options: AnswerOptions,
    },
    /// Declines an incoming call with a SIP status: 486 is "busy", 603 "declined", 302 "call there instead".
    Reject {
        /// Which call.
        call: u32,
        /// From 300 to 699.
        status: u32,
        /// Why, and where to instead.
        options: RejectOptions,
    },
    /// Calls where the other side of a call named in its `redirected`.
    FollowRedirect {
        /// Which call.
        call: u32,
    },
    /// Ends a call with the status of its `redirected`.
    RefuseRedirect {
        /// Which call.
        call: u32,
    },
    /// Refuses incoming calls from now on, without ringing.
    SetDoNotDisturb {
        /// With this status; 0 lets them ring again.
        status: u32,
    },
    /// Ends a call in any state; nothing happens when it is over.
    HangUp {
        /// Which call.
        call: u32,
        /// Why, for the other side; `targets` is not looked at.
        options: RejectOptions,
    },
    /// Sends silence instead of the microphone, or the microphone again.
    SetMuted {
        /// Which call.
        call: u32,
        /// Silence?
        muted: bool,
    },
    /// Has the other side of a call call somebody (RFC 3515). `transferChange` tells how it goes; when the new call
    /// stands, this one is hung up.
    Transfer {
        /// Which call.
        call: u32,
        /// Whom.
        target: String,
        /// How.
        options: TransferOptions,
    },
    /// Has the other side of a call take this page's place in another call, which is answered (RFC 3891).
    TransferToCall {
        /// Which call.
        call: u32,
        /// The other one.
        other: u32,
        /// How.
        options: TransferOptions,
    },
    /// Does what the other side asked for by `transferRequest`. Makes a call.
    AcceptTransfer {
        /// In which call it was asked for.
        call: u32,
        /// How to call.
        options: CallOptions,
    },
    /// Refuses it.
    RejectTransfer {
        /// In which call it was asked for.
        call: u32,
        /// With this status.
        status: u32,
    },
    /// Holds the other side, or resumes. The event `holdResult` says whether it was done.
    SetHeld {
        /// Which call.
        call: u32,
        /// Hold?
        held: bool,
    },
    /// Offers a call anew, as its peer connection is now: after `restartIce`.
    Renegotiate {
        /// Which call.
        call: u32,
    },
    /// Sends digits, after those that are on their way. A comma pauses for two seconds, a `w` for half a second. Each one
    /// is told by `digitSent` or `digitFailed`.
    SendDigits {
        /// Which call.
        call: u32,
        /// 64 at most.
        digits: String,
        /// How.
        method: DigitMethod,
        /// Milliseconds that each is heard.
        tone_ms: u32,
        /// Milliseconds between two.
        gap_ms: u32,
    },
    /// Sends a message. Makes a message; its result is an event.
    Message {
        /// To whom.
        target: String,
        /// As it is.
        #[tsify(type = "Uint8Array")]
        body: Vec<u8>,
        /// What it is.
        options: MessageOptions,
    },
    /// Sends a message inside a call. Makes a message.
    CallMessage {
        /// Which call.
        call: u32,
        /// As it is.
        #[tsify(type = "Uint8Array")]
        body: Vec<u8>,
        /// What it is.
        options: MessageOptions,
    },
    /// Forgets a message: no event of it follows, and it is not sent any more where it waits for a connection.
    DropMessage {
        /// Which.
        message: u32,
    },
    /// Follows somebody's state until `unsubscribe`. Makes a subscription.
    Subscribe {
        /// Whose.
        target: String,
        /// The event package.
        event: String,
        /// How.
        options: SubscribeOptions,
    },
    /// Ends a subscription; nothing happens when it is over.
    Unsubscribe {
        /// Which.
        subscription: u32,
    },
    /// Publishes a document about this account until `unpublish`. Makes a publication.
    Publish {
        /// The event package.
        event: String,
        /// The document's type.
        content_type: String,
        /// The document.
        #[tsify(type = "Uint8Array")]
        body: Vec<u8>,
        /// How.
        options: PublishOptions,
    },
    /// Replaces a published document.
    Modify {
        /// Which publication.
        publication: u32,
        /// The new document's type.
        content_type: String,
        /// The new document.
        #[tsify(type = "Uint8Array")]
        body: Vec<u8>,
    },
    /// Withdraws a published document; nothing happens when it is over.
    Unpublish {
        /// Which publication.
        publication: u32,
    },
}

impl CoreCommand {
    /// The page's own sound for the call that this command makes or answers.
    pub(crate) const fn stream(&self) -> Option<&JsValue> {
        match self {
            Self::Call { options, .. } | Self::AcceptTransfer { options, .. } => Some(&options.stream),
            Self::Answer { options, .. } => Some(&options.stream),
            _ => None,
        }
    }

    /// Has the phone do it. The id of what it makes; else 0, or the call that is answered.
    pub(crate) fn run(&self, phone: &mut Phone, now: Instant) -> Result<u32, Box<ErrorInfo>> {
        use CoreCommand as C;
        let done = match self {
            C::Call { target, options } => return phone.call(target, options, now),
            C::Resume { dialog, muted, held } => return phone.resume(dialog, *muted, *held, now),
            C::AcceptTransfer { call, options } => return phone.accept_transfer(*call, options, now),
            C::Message { target, body, options } => {
                return phone.message(target, (options.content_type.clone(), body), &options.headers, now);
            }
            C::CallMessage { call, body, options } => {
                return phone.call_message(*call, (options.content_type.clone(), body), &options.headers, now);
            }
            C::Subscribe { target, event, options } => return phone.subscribe(target, event, options, now),
            C::Publish { event, content_type, body, options } => {
                return phone.publish(event, (content_type.clone(), body), options, now);
            }
            C::Answer { call, options } => return phone.answer(*call, &options.headers).map(|()| *call),
            C::Reject { call, status, options } => phone.reject(*call, code(*status), options, now),
            C::HangUp { call, options } => phone.hang_up_saying(*call, options, now),
            C::SetDoNotDisturb { status } => phone.set_do_not_disturb(*status),
            C::SetMuted { call, muted } => phone.set_muted(*call, *muted),
            C::Transfer { call, target, options } => phone.transfer(*call, target, options, now),
            C::TransferToCall { call, other, options } => phone.transfer_to_call(*call, *other, options, now),
            C::RejectTransfer { call, status } => phone.reject_transfer(*call, code(*status), now),
            C::SetHeld { call, held } => phone.set_held(*call, *held),
            C::Renegotiate { call } => phone.renegotiate(*call),
            C::SendDigits { call, digits, method, tone_ms, gap_ms } => {
                phone.send_digits(*call, digits, (*method, *tone_ms, *gap_ms), now)
            }
            C::Modify { publication, content_type, body } => {
                phone.modify(*publication, (content_type.clone(), body), now)
            }
            C::Register => phone.register(now),
            sure => {
                sure.run_surely(phone, now);
                Ok(())
            }
        };
        done.map(|()| 0)
    }

    /// The commands that cannot be refused.
    fn run_surely(&self, phone: &mut Phone, now: Instant) {
        match self {
            Self::Connect => phone.connect(now),
            Self::Disconnect => phone.disconnect(now),
            Self::Unregister { all } => phone.unregister(*all, now),
            Self::RetryIn { wait_ms } => phone.retry_in(*wait_ms, now),
            Self::GiveUp => phone.give_up(now),
            Self::FollowRedirect { call } => phone.follow_redirect(*call, now),
            Self::RefuseRedirect { call } => phone.refuse_redirect(*call),
            Self::DropMessage { message } => phone.drop_message(*message),
            Self::Unsubscribe { subscription } => phone.unsubscribe(*subscription, now),
            Self::Unpublish { publication } => phone.unpublish(*publication, now),
            _ => {}
        }
    }
}

/// A status that the phone refuses where it is none.
fn code(status: u32) -> u16 {
    u16::try_from(status).unwrap_or(0)
}
