//! The browser shell of sip-core: WebSocket, timers, `RTCPeerConnection` and devices behind one object.
//!
//! JavaScript sees one class, [`core::Core`], and the plain data of [`types`]. It holds no SIP decision: those are
//! sip-core's. It is compiled for wasm32 by npm/scripts/build-wasm.mjs; natively only its tests are.

pub mod types;
