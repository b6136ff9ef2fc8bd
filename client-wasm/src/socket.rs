//! One WebSocket with the subprotocol `sip` (RFC 7118 §4), from opening to close.
//!
//! It carries bytes and says what happened to it. When to open another is the phone's decision.

use std::rc::Weak;

use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use sip_core::SocketId;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use crate::driver::Shell;

/// An open or opening WebSocket. Dropping it closes it, and nothing is heard from it afterwards.
pub(crate) struct Socket {
    pub(crate) id: SocketId,
    socket: WebSocket,
    _listeners: [EventListener; 3],
}

impl Socket {
    /// Starts to open a WebSocket. It is refused at once for a wrong address or `ws://` on a secure page.
    pub(crate) fn open(url: &str, id: SocketId, shell: &Weak<Shell>) -> Result<Self, JsValue> {
        let socket = WebSocket::new_with_str(url, "sip")?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let tell = |what: &'static str, told: fn(&Shell, SocketId, &web_sys::Event)| {
            let shell = shell.clone();
            EventListener::new(&socket, what, move |event| {
                if let Some(shell) = shell.upgrade() {
                    told(&shell, id, event);
                }
            })
        };
        let listeners = [tell("open", opened), tell("message", received), tell("close", closed)];
        Ok(Self { id, socket, _listeners: listeners })
    }

    /// Sends one message. What a dying socket does not take is lost; its close says so.
    pub(crate) fn send(&self, bytes: &[u8]) {
        let _ = match core::str::from_utf8(bytes) {
            Ok(text) => self.socket.send_with_str(text),
            Err(_) => self.socket.send_with_u8_array(bytes),
        };
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.socket.close();
    }
}

fn opened(shell: &Shell, id: SocketId, _event: &web_sys::Event) {
    shell.tell(|phone, now| phone.handle_socket_open(id, now));
}

fn received(shell: &Shell, id: SocketId, event: &web_sys::Event) {
    let data = event.unchecked_ref::<MessageEvent>().data();
    let bytes = match data.as_string() {
        Some(text) => text.into_bytes(),
        None => Uint8Array::new(data.unchecked_ref::<ArrayBuffer>()).to_vec(),
    };
    shell.tell(|phone, now| phone.handle_message(id, &bytes, now));
}

fn closed(shell: &Shell, id: SocketId, event: &web_sys::Event) {
    let event = event.unchecked_ref::<CloseEvent>();
    let close = Some((event.code(), event.reason()));
    shell.tell(|phone, now| phone.handle_socket_closed(id, close, now));
}
