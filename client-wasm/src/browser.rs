//! What web-sys does not have, and throws that must be a `Result`.

use js_sys::{Array, Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{RtcPeerConnection, RtcdtmfSender};

#[wasm_bindgen]
extern "C" {
    /// Runs `callback` when the JavaScript that runs now has returned.
    #[wasm_bindgen(js_name = queueMicrotask)]
    pub(crate) fn queue_microtask(callback: &Function);

    /// A peer connection with the methods that web-sys lacks.
    #[wasm_bindgen(extends = RtcPeerConnection, js_name = RTCPeerConnection, typescript_type = "RTCPeerConnection")]
    #[derive(Clone)]
    pub(crate) type PeerConnection;

    #[wasm_bindgen(constructor, catch, js_class = "RTCPeerConnection")]
    pub(crate) fn new(configuration: &JsValue) -> Result<PeerConnection, JsValue>;

    /// Makes the offer or answer that is due and sets it.
    #[wasm_bindgen(method, js_name = setLocalDescription)]
    pub(crate) fn set_due_description(this: &PeerConnection) -> Promise;

    /// `connectionState`, in the words that cross the border.
    #[wasm_bindgen(method, getter, js_name = connectionState)]
    pub(crate) fn connection_state_text(this: &PeerConnection) -> String;

    /// All its transceivers.
    #[wasm_bindgen(method, js_name = getTransceivers)]
    pub(crate) fn transceivers(this: &PeerConnection) -> Array;

    /// A transceiver, with directions as words.
    #[wasm_bindgen(js_name = RTCRtpTransceiver)]
    pub(crate) type Transceiver;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn sender(this: &Transceiver) -> JsValue;

    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_direction(this: &Transceiver, direction: &str);

    /// A tone sender with what web-sys lacks.
    #[wasm_bindgen(extends = RtcdtmfSender, js_name = RTCDTMFSender)]
    pub(crate) type ToneSender;

    /// Whether the other side takes telephone events (RFC 4733).
    #[wasm_bindgen(method, getter, js_name = canInsertDTMF)]
    pub(crate) fn can_insert(this: &ToneSender) -> bool;

    /// Something with a name and a message: an `Error` or a `DOMException`.
    pub(crate) type Thrown;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn name(this: &Thrown) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn message(this: &Thrown) -> Option<String>;
}
