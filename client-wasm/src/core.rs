//! What JavaScript sees: one class, plain data, no promises, no callbacks but one.
//!
//! Its owner is npm/src/sdk/driver.ts, which drains the events after each command and when it is woken. Every command
//! is done at once or throws a `CoreError`; misuse gets a sentence.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Function, Object};
use tsify::Ts;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MediaStream, RtcPeerConnection};

use crate::border;
use crate::driver::Shell;
use crate::event_types::{MessageOptions, PublishOptions, SubscribeOptions};
use crate::phone::Phone;
use crate::types::{
    AnswerOptions, CallOptions, CoreConfig, CoreEvent, ErrorCode, ErrorInfo, RejectOptions, TransferOptions,
};

/// A SIP user agent: its connection, its registration and its calls.
#[wasm_bindgen]
pub struct Core {
    shell: Rc<Shell>,
    is_disposed: Cell<bool>,
}

#[wasm_bindgen]
impl Core {
    /// A user agent that does nothing yet. `entropy` is 32 unpredictable bytes. `wake` is called in a microtask, never
    /// inside another call, when events wait in `drain`.
    #[wasm_bindgen(constructor)]
    pub fn new(config: Ts<CoreConfig>, entropy: &[u8], wake: Function) -> Result<Core, JsValue> {
        let config = border::config(config.into()).map_err(thrown)?;
        let message = "The second argument is 32 bytes from crypto.getRandomValues.";
        let seed =
            entropy.try_into().map_err(|_| thrown(ErrorInfo::with_message(ErrorCode::InvalidArgument, message)))?;
        let shell = Shell::new(config, seed, wake).map_err(thrown)?;
        Ok(Self { shell, is_disposed: Cell::new(false) })
    }

    /// Connects to the server, and again whenever the connection is lost, until `disconnect`.
    pub fn connect(&self) -> Result<(), JsValue> {
        self.alive()?.tell(Phone::connect);
        Ok(())
    }

    /// Hangs up, withdraws the registration and closes the connection.
    pub fn disconnect(&self) -> Result<(), JsValue> {
        self.alive()?.tell(Phone::disconnect);
        Ok(())
    }

    /// Makes this page reachable at its account, now and after each reconnect, until `unregister`.
    pub fn register(&self) -> Result<(), JsValue> {
        self.alive()?.tell(Phone::register).map_err(thrown)
    }

    /// Makes this page unreachable; with `all`, the account at every phone (`Contact: *`).
    pub fn unregister(&self, all: bool) -> Result<(), JsValue> {
        self.alive()?.tell(|phone, now| phone.unregister(all, now));
        Ok(())
    }

    /// Has the next attempt to connect, which is being waited for, made after `waitMs` milliseconds.
    #[wasm_bindgen(js_name = retryIn)]
    pub fn retry_in(&self, #[wasm_bindgen(js_name = waitMs)] wait_ms: u32) -> Result<(), JsValue> {
        self.alive()?.tell(|phone, now| phone.retry_in(wait_ms, now));
        Ok(())
    }

    /// Does not try to connect again, where that is being waited for.
    #[wasm_bindgen(js_name = giveUp)]
    pub fn give_up(&self) -> Result<(), JsValue> {
        self.alive()?.tell(Phone::give_up);
        Ok(())
    }

    /// Calls a number, a name or a SIP address. Returns the call's id at once; all else comes as events.
    pub fn call(&self, target: &str, options: Ts<CallOptions>) -> Result<u32, JsValue> {
        let shell = self.alive()?;
        let options = border::call_options(options.into()).map_err(thrown)?;
        shell.call(target, &options).map_err(thrown)
    }

    /// Answers an incoming call.
    pub fn answer(&self, call: u32, options: Ts<AnswerOptions>) -> Result<(), JsValue> {
        let shell = self.alive()?;
        let options = border::answer_options(options.into()).map_err(thrown)?;
        shell.give_stream(call, &options.stream);
        shell.tell(|phone, _| phone.answer(call, &options.headers)).map_err(thrown)
    }

    /// Declines an incoming call with a SIP status: 486 is "busy", 603 "declined", 302 "call there instead".
    pub fn reject(&self, call: u32, status: u16, options: Ts<RejectOptions>) -> Result<(), JsValue> {
        let shell = self.alive()?;
        let options = border::reject_options(options.into()).map_err(thrown)?;
        shell.tell(|phone, now| phone.reject(call, status, &options, now)).map_err(thrown)
    }

    /// Calls where the other side of a call named in its `redirected`.
    #[wasm_bindgen(js_name = followRedirect)]
    pub fn follow_redirect(&self, call: u32) -> Result<(), JsValue> {
        self.alive()?.tell(|phone, now| phone.follow_redirect(call, now));
        Ok(())
    }

    /// Ends a call with the status of its `redirected`.
    #[wasm_bindgen(js_name = refuseRedirect)]
    pub fn refuse_redirect(&self, call: u32) -> Result<(), JsValue> {
        self.alive()?.tell(|phone, _| phone.refuse_redirect(call));
        Ok(())
    }

    /// Refuses incoming calls with this status from now on, without ringing; 0 lets them ring again.
    #[wasm_bindgen(js_name = setDoNotDisturb)]
    pub fn set_do_not_disturb(&self, status: u32) -> Result<(), JsValue> {
        self.alive()?.tell(|phone, _| phone.set_do_not_disturb(status)).map_err(thrown)
    }

    /// Ends a call in any state; nothing happens when it is over.
    #[wasm_bindgen(js_name = hangUp)]
    pub fn hang_up(&self, call: u32) -> Result<(), JsValue> {
        self.alive()?.tell(|phone, now| phone.hang_up(call, now));
        Ok(())
    }

    /// Sends silence instead of the microphone, or the microphone again.
    #[wasm_bindgen(js_name = setMuted)]
    pub fn set_muted(&self, call: u32, muted: bool) -> Result<(), JsValue> {
        self.alive()?.tell(|phone, _| phone.set_muted(call, muted)).map_err(thrown)
    }

    /// Has the other side of a call call somebody (RFC 3515). `transferChange` tells how it goes; when the new call
    /// stands, this one is hung up.
    pub fn transfer(&self, call: u32, target: &str, options: Ts<TransferOptions>) -> Result<(), JsValue> {
        let shell = self.alive()?;
        let options = border::transfer_options(options.into()).map_err(thrown)?;
        shell.tell(|phone, now| phone.transfer(call, target, &options, now)).map_err(thrown)
    }

    /// Has the other side of a call take this page's place in another call, which is answered (RFC 3891).
    #[wasm_bindgen(js_name = transferToCall)]
    pub fn transfer_to_call(&self, call: u32, other: u32, options: Ts<TransferOptions>) -> Result<(), JsValue> {
        let shell = self.alive()?;
        let options = border::transfer_options(options.into()).map_err(thrown)?;
        shell.tell(|phone, now| phone.transfer_to_call(call, other, &options, now)).map_err(thrown)
    }

    /// Does what the other side asked for by `transferRequest`. Returns the id of the new call.
    #[wasm_bindgen(js_name = acceptTransfer)]
    pub fn accept_transfer(&self, call: u32, options: Ts<CallOptions>) -> Result<u32, JsValue> {
        let shell = self.alive()?;
        let options = border::call_options(options.into()).map_err(thrown)?;
        shell.accept_transfer(call, &options).map_err(thrown)
    }

    /// Refuses it with a SIP status.
    #[wasm_bindgen(js_name = rejectTransfer)]
    pub fn reject_transfer(&self, call: u32, status: u16) -> Result<(), JsValue> {
        self.alive()?.tell(|phone, now| phone.reject_transfer(call, status, now)).map_err(thrown)
    }

    /// Holds the other side, or resumes. The event `holdResult` says whether it was done.
    #[wasm_bindgen(js_name = setHeld)]
    pub fn set_held(&self, call: u32, held: bool) -> Result<(), JsValue> {
        self.alive()?.tell(|phone, _| phone.set_held(call, held)).map_err(thrown)
    }

    /// Sends digits, each for `toneMs` milliseconds and `gapMs` apart, after those that are on their way. A comma pauses
    /// for two seconds, a `w` for half a second. Each one is told by `digitSent` or `digitFailed`.
    #[wasm_bindgen(js_name = sendDigits)]
    pub fn send_digits(
        &self,
        call: u32,
        digits: &str,
        #[wasm_bindgen(unchecked_param_type = "DigitMethod")] method: &str,
        #[wasm_bindgen(js_name = toneMs)] tone_ms: u32,
        #[wasm_bindgen(js_name = gapMs)] gap_ms: u32,
    ) -> Result<(), JsValue> {
        let shell = self.alive()?;
        let how = (border::digit_method(method).map_err(thrown)?, tone_ms, gap_ms);
        shell.tell(|phone, now| phone.send_digits(call, digits, how, now)).map_err(thrown)
    }

    /// Sends a message. Returns its id at once; its result is an event.
    pub fn message(&self, target: &str, body: &[u8], options: Ts<MessageOptions>) -> Result<u32, JsValue> {
        let shell = self.alive()?;
        let MessageOptions { content_type, headers } = border::message_options(options.into()).map_err(thrown)?;
        shell.tell(|phone, now| phone.message(target, (content_type, body), &headers, now)).map_err(thrown)
    }

    /// Sends a message inside a call.
    #[wasm_bindgen(js_name = callMessage)]
    pub fn call_message(&self, call: u32, body: &[u8], options: Ts<MessageOptions>) -> Result<u32, JsValue> {
        let shell = self.alive()?;
        let MessageOptions { content_type, headers } = border::message_options(options.into()).map_err(thrown)?;
        shell.tell(|phone, now| phone.call_message(call, (content_type, body), &headers, now)).map_err(thrown)
    }

    /// Forgets a message: no event of it follows, and it is not sent any more where it waits for a connection.
    #[wasm_bindgen(js_name = dropMessage)]
    pub fn drop_message(&self, message: u32) -> Result<(), JsValue> {
        self.alive()?.tell(|phone, _| phone.drop_message(message));
        Ok(())
    }

    /// Follows somebody's state until `unsubscribe`. Returns the subscription's id at once; all else comes as events.
    pub fn subscribe(&self, target: &str, event: &str, options: Ts<SubscribeOptions>) -> Result<u32, JsValue> {
        let shell = self.alive()?;
        let options = border::subscribe_options(options.into()).map_err(thrown)?;
        shell.tell(|phone, now| phone.subscribe(target, event, options, now)).map_err(thrown)
    }

    /// Ends a subscription; nothing happens when it is over.
    pub fn unsubscribe(&self, subscription: u32) -> Result<(), JsValue> {
        self.alive()?.tell(|phone, now| phone.unsubscribe(subscription, now));
        Ok(())
    }

    /// Publishes a document about this account until `unpublish`. Returns its id at once; all else comes as events.
    pub fn publish(
        &self,
        event: &str,
        #[wasm_bindgen(js_name = contentType)] content_type: String,
        body: &[u8],
        options: Ts<PublishOptions>,
    ) -> Result<u32, JsValue> {
        let shell = self.alive()?;
        let options = border::publish_options(options.into()).map_err(thrown)?;
        shell.tell(|phone, now| phone.publish(event, (content_type, body), &options, now)).map_err(thrown)
    }

    /// Replaces a published document.
    pub fn modify(
        &self,
        publication: u32,
        #[wasm_bindgen(js_name = contentType)] content_type: String,
        body: &[u8],
    ) -> Result<(), JsValue> {
        self.alive()?.tell(|phone, now| phone.modify(publication, (content_type, body), now)).map_err(thrown)
    }

    /// Withdraws a published document; nothing happens when it is over.
    pub fn unpublish(&self, publication: u32) -> Result<(), JsValue> {
        self.alive()?.tell(|phone, now| phone.unpublish(publication, now));
        Ok(())
    }

    /// What the other side sends, once there is something. The same stream as long as the call lasts.
    #[wasm_bindgen(js_name = remoteStream)]
    pub fn remote_stream(&self, call: u32) -> Option<MediaStream> {
        self.shell.media_of(call)?.remote()
    }

    /// What this side sends, once the microphone is open.
    #[wasm_bindgen(js_name = localStream)]
    pub fn local_stream(&self, call: u32) -> Option<MediaStream> {
        self.shell.media_of(call)?.local()
    }

    /// The browser's peer connection, for statistics.
    #[wasm_bindgen(js_name = peerConnection)]
    pub fn peer_connection(&self, call: u32) -> Option<RtcPeerConnection> {
        self.shell.media_of(call)?.connection()
    }

    /// Takes the events that wait, oldest first. Never throws, also not after `dispose`.
    pub fn drain(&self) -> Vec<Ts<CoreEvent>> {
        let events = self.shell.drain();
        events.into_iter().map(|event| Ts::new_unchecked(border::event(event))).collect()
    }

    /// Hangs up, disconnects and lets go of everything in the browser. Other methods throw afterwards; `drain` still
    /// gives the last events.
    pub fn dispose(&self) {
        if !self.is_disposed.replace(true) {
            self.shell.dispose();
        }
    }

    fn alive(&self) -> Result<&Shell, JsValue> {
        if self.is_disposed.get() { Err(thrown(ErrorInfo::new(ErrorCode::Disposed))) } else { Ok(&self.shell) }
    }
}

/// The error as JavaScript throws it: an `Error` with the fields of [`ErrorInfo`].
#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn thrown(info: ErrorInfo) -> JsValue {
    let error = js_sys::Error::new(&info.message);
    error.set_name("CoreError");
    Object::assign(&error, border::error_info(&info).unchecked_ref()).into()
}
