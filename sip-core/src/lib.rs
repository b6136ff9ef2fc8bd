//! SIP and SDP as values: no socket, clock, task or global.
//!
//! [`agent::UserAgent`] is a whole SIP user agent (RFC 3261) that does nothing by itself. Its host hands in what
//! happened and carries out what comes back; the same code runs in a browser tab, in a relay with thousands of
//! connections, and in a test whose clock jumps.
//!
//! # The contract
//!
//! - The host **never asks** the agent to wait: each method returns at once.
//! - **Time** is an argument, always the last, and must not run backwards ([`Instant`]).
//! - **Entropy** is a seed, given once.
//! - **Sockets** are numbers ([`SocketId`]). The host says what an agent calls itself on one
//!   ([`agent::LocalSocket`]), hands in each message with the [`Flow`] it came on, and tells when a socket is gone.
//! - **Bytes from the network cannot make it panic**, and whatever they can fill has a bound in [`agent::Config`] and
//!   a count in [`agent::Counters`].
//!
//! # The law of draining
//!
//! **Every call of a method that takes `&mut self` is followed by calls of
//! [`poll_output`](agent::UserAgent::poll_output) until it returns [`Timeout`](agent::Output::Timeout).** Between two
//! drains nothing is lost, but nothing is sent either, and the deadline is the old one. A host is therefore this loop:
//!
//! 1. Wait for a message, for the deadline, or for a command.
//! 2. Hand it in: `handle_message`, `handle_timeout`, or the command.
//! 3. Drain: send what is to be sent, tell what is to be told, keep the deadline.
//!
//! ```
//! use sip_core::agent::{Config, Event, Invite, LocalSocket, Output, SessionEvent, UserAgent};
//! use sip_core::message::{NameAddr, StatusCode};
//! use sip_core::{Duration, Flow, Instant, SocketId, Transport};
//!
//! // Two agents on one wire, which is a queue here.
//! let wire = Flow::connection(SocketId(1));
//! let mut agents = ["alice", "bob"].map(|name| {
//!     let mut agent = UserAgent::new(Config::default(), [name.len() as u8; 32]); // a real host draws the seed
//!     let sent_by = format!("{name}.invalid");
//!     let contact = format!("sip:{name}@{sent_by};transport=ws").parse().unwrap();
//!     agent.open_socket(wire.socket, LocalSocket { transport: Transport::Wss, sent_by, contact });
//!     agent
//! });
//! let mut now = Instant::ZERO;
//! let (alice, bob) = ("sip:alice@example.com".parse()?, "sip:bob@example.com".parse()?);
//! agents[0].invite(Invite { offer: Some("v=0…".into()), ..Invite::new(bob, NameAddr::new(alice), wire) }, now)?;
//!
//! let (mut told, mut deadlines) = (Vec::new(), [None; 2]);
//! loop {
//!     // 3. Drain both; what one sends, the other receives, which has to be drained in turn.
//!     let mut messages = Vec::new();
//!     for me in [0, 1] {
//!         deadlines[me] = loop {
//!             match agents[me].poll_output() {
//!                 Output::Transmit { bytes, .. } => messages.push((1 - me, bytes)),
//!                 Output::Event(Event::IncomingCall { session, .. }) => {
//!                     agents[me].ring(session, StatusCode::RINGING, None, Vec::new(), now)?;
//!                     agents[me].accept(session, "v=0…".into(), Vec::new(), now)?;
//!                 }
//!                 Output::Event(Event::Session { id, event: SessionEvent::Confirmed { .. } }) => {
//!                     agents[me].hang_up(id, None, now)?;
//!                 }
//!                 Output::Event(event) => told.push(event),
//!                 Output::Timeout(deadline) => break deadline,
//!             }
//!         };
//!     }
//!     // 1. and 2.: the next message, or the next moment.
//!     if !messages.is_empty() {
//!         messages.into_iter().for_each(|(to, bytes)| agents[to].handle_message(wire, &bytes, now));
//!     } else if let Some(next) = deadlines.into_iter().flatten().min() {
//!         now = next;
//!         agents.iter_mut().for_each(|agent| agent.handle_timeout(now));
//!     } else {
//!         break; // the call is over, and every transaction with it
//!     }
//! }
//!
//! let ends = told.iter().filter(|event| matches!(event, Event::Session { event: SessionEvent::Ended(_), .. }));
//! assert_eq!(ends.count(), 2);
//! assert!(now <= Instant::ZERO + Duration::from_secs(33));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where is what
//!
//! Folders are the chapters of RFC 3261, from the bottom up: [`message`] (§7, §19, §20) and [`sdp`] (RFC 8866, 3264),
//! [`digest`] (§22), [`transaction`] (§17), [`dialog`] (§12), sessions (§13 to §15), registrations (§10),
//! subscriptions (RFC 6665), publications (RFC 3903), transfers (RFC 3515), and [`agent`] (§8, §11), which is all that most hosts
//! use.
#![forbid(unsafe_code)]

pub mod agent;
pub mod dialog;
pub mod digest;
mod entropy;
mod flow;
mod hash;
pub mod message;
mod ordered;
mod publication;
mod registration;
pub mod sdp;
mod session;
mod subscription;
mod time;
pub mod transaction;
mod transfer;

pub use entropy::Entropy;
pub use flow::{Flow, SocketId, Transport};
pub use time::{Duration, Instant};
