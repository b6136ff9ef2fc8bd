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
use crate::command::CoreCommand;
use crate::driver::Shell;
use crate::types::{CoreConfig, CoreEvent, ErrorCode, ErrorInfo};

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

    /// Does what the command says. Returns the id of what that makes: a call, a message, a subscription, a publication.
    pub fn command(&self, command: Ts<CoreCommand>) -> Result<u32, JsValue> {
        if self.is_disposed.get() {
            return Err(thrown(ErrorInfo::new(ErrorCode::Disposed)));
        }
        border::command(command.into()).and_then(|command| self.shell.command(&command)).map_err(thrown)
    }

    /// What names the dialog of an answered call, for the page that comes after this one (`resume`): whoever has it can
    /// take the call over.
    pub fn dialog(&self, call: u32) -> Option<String> {
        self.shell.tell(|phone, _| phone.dialog(call))
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

    /// Hangs up, disconnects and lets go of everything in the browser. `command` throws afterwards; `drain` still
    /// gives the last events.
    pub fn dispose(&self) {
        if !self.is_disposed.replace(true) {
            self.shell.dispose();
        }
    }
}

/// The error as JavaScript throws it: an `Error` with the fields of [`ErrorInfo`].
#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn thrown(info: Box<ErrorInfo>) -> JsValue {
    let error = js_sys::Error::new(&info.message);
    error.set_name("CoreError");
    Object::assign(&error, border::error_info(&info).unchecked_ref()).into()
}
