//! What the page goes through: hidden, shown again, gone, offline, online.
//!
//! Browsers freeze timers of hidden pages and close WebSockets of cached ones without a word, so each return is a
//! reason to look at once. `unload` is not used: it keeps pages out of the back/forward cache.

use std::rc::Weak;

use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::{Event, EventTarget, PageTransitionEvent};

use crate::driver::Shell;
use crate::phone::Phone;

/// Listens to the page, as long as the result lives. In a worker there is no page and nothing to listen to.
pub(crate) fn listen(shell: &Weak<Shell>) -> Vec<EventListener> {
    let Some(window) = web_sys::window() else {
        return Vec::new();
    };
    let on = |target: &EventTarget, what: &'static str, told: fn(&Shell, &Event)| {
        let shell = shell.clone();
        EventListener::new(target, what, move |event| {
            if let Some(shell) = shell.upgrade() {
                told(&shell, event);
            }
        })
    };
    let mut listeners =
        vec![on(&window, "online", awake), on(&window, "pageshow", awake), on(&window, "pagehide", hidden)];
    if let Some(document) = window.document() {
        listeners.push(on(&document, "visibilitychange", visibility_changed));
    }
    listeners
}

fn awake(shell: &Shell, _event: &Event) {
    shell.tell(Phone::handle_wake);
}

fn visibility_changed(shell: &Shell, event: &Event) {
    let is_hidden = web_sys::window().and_then(|window| window.document()).is_none_or(|document| document.hidden());
    if !is_hidden {
        awake(shell, event);
    }
}

fn hidden(shell: &Shell, event: &Event) {
    // A persisted page goes to the back/forward cache and may come back.
    if !event.unchecked_ref::<PageTransitionEvent>().persisted() {
        shell.tell(Phone::handle_page_gone);
    }
}
