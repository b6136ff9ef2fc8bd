//! Walks every row of `transactions.md` against the real machines, in virtual time.
//!
//! A missing row, a second row for the same case, a row for a case that cannot be reached, and a row that says more or
//! less than what happens: each fails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "transactions/bench.rs"]
mod bench;
#[path = "transactions/document.rs"]
mod document;
#[path = "transactions/machines.rs"]
mod machines;

use std::collections::BTreeSet;

use bench::Bench;
use document::{RELIABLE, Seen, UNRELIABLE, name, rows};
use machines::{INVITE_CLIENT, INVITE_SERVER, Machine, NON_INVITE_CLIENT, NON_INVITE_SERVER, samples};
use sip_core::transaction::{Phase, TransactionView};

#[test]
fn every_row_of_the_invite_client_holds() {
    walk(&INVITE_CLIENT);
}

#[test]
fn every_row_of_the_non_invite_client_holds() {
    walk(&NON_INVITE_CLIENT);
}

#[test]
fn every_row_of_the_invite_server_holds() {
    walk(&INVITE_SERVER);
}

#[test]
fn every_row_of_the_non_invite_server_holds() {
    walk(&NON_INVITE_SERVER);
}

fn walk(machine: &Machine) {
    let mut walked = BTreeSet::new();
    for row in rows(machine.title) {
        for (state, transport, input) in row.cases() {
            let case = format!("{}: {state}, {transport}, {input}", machine.title);
            assert!(walked.insert((state, transport, input)), "two rows for {case}");
            for sample in samples(input) {
                let seen = execute(machine, state, transport, input, sample)
                    .unwrap_or_else(|| panic!("{case}: there is no such case"));
                row.check(&seen, state, transport, &format!("{case}, {sample}"));
            }
        }
    }
    for transport in [UNRELIABLE, RELIABLE] {
        assert!(walked.contains(&("Start", transport, "request")), "no row for Start, {transport}");
        for (state, ..) in machine.states {
            for input in inputs(machine, state, transport) {
                let case = (*state, transport, input.as_str());
                assert!(walked.contains(&case), "{}: no row for {case:?}", machine.title);
            }
        }
    }
}

/// What can happen in a state: nothing at all where it is never reached, else the inputs and each timer that can fire.
fn inputs(machine: &Machine, state: &str, transport: &str) -> Vec<String> {
    let Some(bench) = Bench::reach(machine, state, transport) else {
        return Vec::new();
    };
    let timers = bench.view().map(|view| view.timers).unwrap_or_default();
    let timers = timers.iter().map(|(timer, _)| name(*timer));
    let firing = timers.chain(["Cancel".to_owned()]).filter(|timer| {
        let mut bench = Bench::reach(machine, state, transport).expect("reached a moment ago");
        bench.wait_until_before(timer).is_some()
    });
    let firing = firing.map(|timer| format!("timer {timer}"));
    machine.inputs.iter().map(|input| (*input).to_owned()).chain(firing).collect()
}

/// Brings a new machine into a state and lets one input happen; none where the state or the timer is not reached.
fn execute(machine: &Machine, state: &str, transport: &str, input: &str, sample: u16) -> Option<Seen> {
    if (state, input) == ("Start", "request") {
        let mut bench = Bench::new(machine, transport);
        let acts = bench.start();
        return Some(bench.seen(acts, None, &TransactionView { phase: Phase::Terminated, timers: vec![] }));
    }
    let mut bench = Bench::reach(machine, state, transport)?;
    let fired = input.strip_prefix("timer ");
    if let Some(timer) = fired {
        bench.wait_until_before(timer)?;
    }
    let before = bench.view()?;
    let acts = bench.happen(input, sample);
    Some(bench.seen(acts, fired, &before))
}
