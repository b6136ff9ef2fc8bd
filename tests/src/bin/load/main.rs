//! The load generator of `make bench`: simulated browsers (ICE, DTLS, SRTP) on one side and RTP phones on the other,
//! driving our relay by SIP over WebSocket, or rtpengine by its ng protocol, with the same streams.
//!
//! `load --help` lists the flags; `load complexity SPEECH FOLDER` measures our encoder instead. It prints one line of JSON. It judges nothing: `tests/bench/beside.mjs` runs it for
//! both servers in turn and compares.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod browser;
mod call;
mod complexity;
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

use std::path::Path;
use std::process::ExitCode;

/// What goes wrong here ends the run with a sentence.
type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match report() {
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

fn report() -> Fallible<serde_json::Value> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [what, speech, folder] if what == "complexity" => complexity::table(Path::new(speech), Path::new(folder)),
        _ => options::parse(arguments.into_iter()).and_then(|options| run::run(&options)),
    }
}
