//! The phone against a server made of sip-core, in virtual time.

mod admission;
mod bench;
mod calls;
mod connection;
mod events;
mod failover;
mod in_call;
mod negotiation;
mod redirect;
mod registration;
mod resume;
mod transfer;
