//! What reading one browser INVITE costs: `cargo bench -p sip-core`.
//!
//! Prints the best of many rounds in microseconds: other work on the machine only ever adds to a figure.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark reads the clock and prints")]

use std::hint::black_box;
use std::time::Instant;

use sip_core::message::{Headers, Message};
use sip_core::sdp::SessionDescription;

const INVITE: &[u8] = include_bytes!("../tests/data/invite-chromium.sip");
const OFFER: &str = include_str!("../tests/data/sdp/chromium.sdp");

/// The INVITE with the first lines of its offer only: 1.1 kB, as other stacks are measured with.
fn short_invite() -> Vec<u8> {
    let Ok(mut message) = Message::parse(INVITE) else {
        return Vec::new();
    };
    let offer: Vec<_> = OFFER.split_inclusive('\n').take(12).collect();
    if let Message::Request(request) = &mut message {
        request.body = offer.concat().into_bytes();
    }
    message.write()
}

fn read_typed(headers: &Headers) {
    black_box((headers.vias().is_ok(), headers.from().is_ok(), headers.to().is_ok(), headers.contacts().is_ok()));
    black_box((headers.cseq().is_ok(), headers.routes().is_ok(), headers.call_id().is_ok(), headers.max_forwards()));
}

fn measure(name: &str, mut act: impl FnMut()) {
    const REPEATS: u32 = 50;
    let mut best = f64::MAX;
    for _ in 0..8_000 {
        let start = Instant::now();
        for _ in 0..REPEATS {
            act();
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e6 / f64::from(REPEATS));
    }
    println!("{name:<44} {best:>8.2} µs");
}

fn main() {
    let invite = short_invite();
    println!("INVITE of {} bytes, offer of {} bytes", invite.len(), OFFER.len());
    measure("message: parse and check", || {
        black_box(Message::parse(black_box(&invite)).is_ok());
    });
    measure("message: parse, check, all typed headers", || {
        if let Ok(message) = Message::parse(black_box(&invite)) {
            read_typed(message.headers());
        }
    });
    if let Ok(message) = Message::parse(&invite) {
        measure("message: write", || {
            black_box(message.write());
        });
    }
    measure("sdp: parse", || {
        black_box(SessionDescription::parse(black_box(OFFER)).is_ok());
    });
    measure("sdp: parse and write", || {
        black_box(SessionDescription::parse(black_box(OFFER)).map(|description| description.to_string()).is_ok());
    });
}
