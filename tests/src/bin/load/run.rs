//! A run: set the calls up, let them talk, count for a while, hang up.

use crate::Fallible;
use crate::browser::Identity;
use crate::call::{Call, Shelf};
use crate::options::Options;
use crate::process::{cpu_seconds, resident_kilobytes};
use crate::report::{self, Counted};
use crate::server::Exchange;
use crate::speech::Speech;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// In milliseconds.
const FRAME: usize = 20;
/// Talked before anything is counted: jitter buffers, caches and clocks settle.
const WARM_UP: usize = 1_500;
/// Chromium's interval between consent checks.
const CONSENT: usize = 2_500;
const TEND: usize = 5_000;

pub(crate) fn run(options: &Options) -> Fallible<serde_json::Value> {
    let speech = Speech::load(&options.speech)?;
    let identity = Identity::generate()?;
    let mut exchange = Exchange::open(options)?;
    let before = resident_kilobytes(options.pid)?;
    let (began, cpu) = (Instant::now(), cpu_seconds(options.pid)?);
    let mut shelf = Shelf::default();
    let mut calls = Vec::with_capacity(options.calls);
    for index in 0..options.calls {
        calls.push(Call::set_up(index, &mut exchange, &identity, &speech, &mut shelf, options)?);
    }
    let mut counted = Counted {
        set_up_cpu: cpu_seconds(options.pid)? - cpu,
        set_up_time: began.elapsed().as_secs_f64(),
        ..Counted::default()
    };
    talk(&mut calls, &mut exchange, &mut counted, options)?;
    counted.memory = resident_kilobytes(options.pid)?.saturating_sub(before);
    exchange.hang_up()?;
    report::write(&calls, &speech, &counted, options)
}

/// One thread for all calls: in each millisecond the packets that are due are sent, in between those that come are read.
fn talk(calls: &mut [Call], exchange: &mut Exchange, counted: &mut Counted, options: &Options) -> Fallible<()> {
    let mut poll = listen(calls)?;
    let (mut events, mut packet) = (Events::with_capacity(1_024), Vec::with_capacity(2_048));
    let mut window = None;
    let begin = Instant::now();
    for tick in 0..WARM_UP + options.seconds * 1_000 {
        if tick == WARM_UP {
            calls.iter_mut().for_each(Call::mark);
            window = Some(Window::open(options.pid)?);
            counted.late = 0;
        }
        let due = begin + Duration::from_millis(tick as u64);
        hear_until(due, &mut poll, &mut events, calls)?;
        counted.late += usize::from(due.elapsed() > Duration::from_millis(5));
        for call in calls.iter_mut().skip(tick % FRAME).step_by(FRAME) {
            call.speak_web(&mut packet)?;
        }
        for call in calls.iter_mut().skip((tick + FRAME / 2) % FRAME).step_by(FRAME) {
            call.speak_trunk(&mut packet)?;
        }
        if let Some(call) = calls.get_mut(tick % CONSENT) {
            call.browser.consent()?;
        }
        if tick % TEND == TEND - 1 {
            exchange.tend();
        }
    }
    if let Some(window) = window {
        window.close(options.pid, counted)?;
    }
    // What is under way still counts.
    hear_until(Instant::now() + Duration::from_millis(50), &mut poll, &mut events, calls)
}

fn listen(calls: &[Call]) -> Fallible<Poll> {
    let poll = Poll::new()?;
    for (index, call) in calls.iter().enumerate() {
        let sockets = [call.browser.socket.as_raw_fd(), call.phone.as_raw_fd()];
        for (side, socket) in sockets.iter().enumerate() {
            poll.registry().register(&mut SourceFd(socket), Token(2 * index + side), Interest::READABLE)?;
        }
    }
    Ok(poll)
}

fn hear_until(due: Instant, poll: &mut Poll, events: &mut Events, calls: &mut [Call]) -> Fallible<()> {
    let mut buffer = [0; 2_048];
    loop {
        let left = due.saturating_duration_since(Instant::now());
        poll.poll(events, Some(left))?;
        for event in &*events {
            let Token(number) = event.token();
            let Some(call) = calls.get_mut(number / 2) else { continue };
            if number % 2 == 0 {
                call.hear_web(&mut buffer)?;
            } else {
                call.hear_trunk(&mut buffer);
            }
        }
        if left.is_zero() {
            return Ok(());
        }
    }
}

/// The time that is counted.
struct Window {
    began: Instant,
    server: f64,
    generator: f64,
    overrun: u64,
}

impl Window {
    fn open(pid: u32) -> Fallible<Self> {
        let (server, generator) = (cpu_seconds(pid)?, cpu_seconds(std::process::id())?);
        Ok(Self { began: Instant::now(), server, generator, overrun: overruns()? })
    }

    fn close(self, pid: u32, counted: &mut Counted) -> Fallible<()> {
        counted.seconds = self.began.elapsed().as_secs_f64();
        counted.cpu = cpu_seconds(pid)? - self.server;
        counted.generator_cpu = cpu_seconds(std::process::id())? - self.generator;
        counted.overrun = overruns()? - self.overrun;
        Ok(())
    }
}

/// Datagrams that the system threw away because their reader, ours or the server, was too slow.
fn overruns() -> Fallible<u64> {
    let text = std::fs::read_to_string("/proc/net/snmp")?;
    let mut rows = text.lines().filter_map(|row| row.strip_prefix("Udp: "));
    let (names, values) = (rows.next().ok_or("no counters of UDP")?, rows.next().ok_or("no counters of UDP")?);
    let mut columns = names.split(' ').zip(values.split(' '));
    let (_, value) = columns.find(|(name, _)| *name == "RcvbufErrors").ok_or("no count of overruns")?;
    Ok(value.parse()?)
}
