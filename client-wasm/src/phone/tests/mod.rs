//! The phone against a server made of sip-core, in virtual time.

mod bench;
mod calls;
mod connection;
mod failover;
mod registration;
