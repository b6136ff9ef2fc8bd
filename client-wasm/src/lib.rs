//! The browser shell of sip-core: WebSocket, timers, `RTCPeerConnection` and devices behind one object.
//!
//! JavaScript sees one class, `core::Core`, and the plain data of [`types`]. `phone` is the part that thinks, a value
//! like sip-core's own machines; the other files do what it wants in the browser and tell it what happened. Compiled
//! for wasm32 by npm/scripts/build-wasm.mjs; natively only what thinks is, for its tests.

#[cfg(target_arch = "wasm32")]
mod border;
#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "natively only the tests use it"))]
pub mod call_types;
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "natively only the tests use it"))]
pub mod command;
#[cfg(target_arch = "wasm32")]
pub mod core;
#[cfg(target_arch = "wasm32")]
mod driver;
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "natively only the tests use it"))]
mod errors;
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "natively only the tests use it"))]
pub mod event_types;
#[cfg(target_arch = "wasm32")]
mod media;
#[cfg(target_arch = "wasm32")]
mod microphone;
#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(target_arch = "wasm32")]
mod peer;
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "natively only the tests use it"))]
mod phone;
#[cfg(target_arch = "wasm32")]
mod socket;
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "natively only the tests use it"))]
pub mod state_types;
pub mod types;

/// Half the size of the default allocator.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
