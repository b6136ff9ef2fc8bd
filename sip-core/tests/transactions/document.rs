//! The rows of `transactions.md`, and whether one says what was seen.

use sip_core::Duration;
use sip_core::transaction::Timer;

/// One row of a table.
pub(crate) struct Row {
    states: Vec<&'static str>,
    transports: Vec<&'static str>,
    inputs: Vec<&'static str>,
    next: &'static str,
    actions: Vec<&'static str>,
}

pub(crate) const UNRELIABLE: &str = "unreliable";
pub(crate) const RELIABLE: &str = "reliable";

/// The rows below a heading of the document.
pub(crate) fn rows(title: &str) -> Vec<Row> {
    let document = include_str!("../transactions.md");
    let heading = format!("## {title}\n");
    let (_, section) = document.split_once(&heading).expect("the heading is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter(|line| line.starts_with('|')).skip(2);
    lines.map(row).collect()
}

fn row(line: &'static str) -> Row {
    let list = |cell: &'static str, by: &str| -> Vec<&'static str> {
        cell.split(by).map(str::trim).filter(|item| *item != "nothing").collect()
    };
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let &[states, transport, inputs, next, actions] = cells.as_slice() else {
        panic!("five cells: {line}");
    };
    let transports = match transport {
        "any" => vec![UNRELIABLE, RELIABLE],
        UNRELIABLE | RELIABLE => vec![transport],
        _ => panic!("no such transport: {line}"),
    };
    let (states, inputs) = (list(states, ","), list(inputs, ","));
    Row { states, transports, inputs, next, actions: list(actions, ";") }
}

impl Row {
    /// Each state, transport and input that the row is about.
    pub(crate) fn cases(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let mut cases = Vec::new();
        for state in &self.states {
            for transport in &self.transports {
                cases.extend(self.inputs.iter().map(|input| (*state, *transport, *input)));
            }
        }
        cases
    }

    /// Whether the row says what was seen, no more and no less.
    pub(crate) fn check(&self, seen: &Seen, state: &str, transport: &str, case: &str) {
        let next = if self.next == "same" { state } else { self.next };
        assert_eq!(seen.next, next, "next state: {case}");
        let acts: Vec<&str> = self.actions.iter().copied().filter(|act| !is_about_timer(act)).collect();
        assert_eq!(seen.acts, acts, "actions: {case}");

        let started: Vec<&str> = self.actions.iter().copied().filter(|act| act.starts_with("start ")).collect();
        assert_eq!(seen.started, started, "started timers: {case}");

        let stopped = self.actions.iter().filter_map(|act| act.strip_prefix("stop "));
        let (running, idle): (Vec<&str>, Vec<&str>) =
            stopped.partition(|timer| seen.before.iter().any(|name| name == timer));
        let may_idle = |timer: &&str| transport == RELIABLE && ["A", "E", "G"].contains(timer);
        assert!(idle.iter().all(may_idle), "stops what did not run: {case}");
        assert_eq!(seen.stopped, running, "stopped timers: {case}");
    }
}

fn is_about_timer(action: &str) -> bool {
    action.starts_with("start ") || action.starts_with("stop ")
}

/// What one input did, in the words of the document.
pub(crate) struct Seen {
    pub(crate) next: String,
    /// Sent, told and refused, in order.
    pub(crate) acts: Vec<String>,
    /// Timers that ran.
    pub(crate) before: Vec<String>,
    pub(crate) started: Vec<String>,
    /// Neither fired nor running any more; none when the transaction is over.
    pub(crate) stopped: Vec<String>,
}

/// A timer as the document writes it.
pub(crate) fn name(timer: Timer) -> String {
    format!("{timer:?}")
}

/// A time as the document writes it for this timer.
pub(crate) fn words(timer: Timer, time: Duration) -> &'static str {
    use Timer::*;
    match (timer, time.as_millis()) {
        (A | E | G, 500) => "T1",
        (A | E | G, 1_000) => "2·T1",
        (E, 4_000) => "T2",
        (I | K, 5_000) => "T4",
        (B | D | F | H | J | L | M | Cancel, 32_000) => "64·T1",
        (Trying, 200) => "200 ms",
        (A | B | D | E | F | G | H | I | J | K | L | M | Trying | Cancel, _) => "at a time of its own",
    }
}
