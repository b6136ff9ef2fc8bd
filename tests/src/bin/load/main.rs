//! The load generator of `make bench`: simulated browsers (ICE, DTLS, SRTP) on one side and RTP phones on the other,
//! driving our relay by SIP over WebSocket, or rtpengine by its ng protocol, with the same streams.
//!
//! `load --help` lists the flags. It prints one line of JSON. It judges nothing: `tests/bench/beside.mjs` runs it for
//! both servers in turn and compares.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod browser;
mod call;
mod delay;
mod ear;
mod options;
mod phone;
mod process;
mod report;
mod run;
mod sdp;
mod server;
mod speech;
mod stun;

use std::process::ExitCode;

/// What goes wrong here ends the run with a sentence.
type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match options::parse(std::env::args().skip(1)).and_then(|options| run::run(&options)) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}
