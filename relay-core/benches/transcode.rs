//! CPU and memory of transcoded calls: `cargo bench -p relay-core --bench transcode -- [calls]`.
//!
//! Every call carries 20 ms of speech-like sound in both directions per step, Opus in SRTP on one side and PCMU in RTP on
//! the other, through [`relay_core::media::Worker`] only: no socket, so no system call is counted. The packets are made
//! beforehand.
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used)]

#[path = "../tests/media/browser.rs"]
#[allow(dead_code)]
mod browser;
#[path = "../tests/media/exchange.rs"]
#[allow(dead_code)]
mod exchange;

use browser::Browser;
use exchange::Exchange;
use relay_core::media::control::*;
use relay_core::media::{Identity, MediaSettings, Port, Worker};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use sip_core::{Duration, Instant};
use std::net::SocketAddr;
use std::sync::Arc;

/// Ten seconds of sound.
const STEPS: usize = 500;

struct Call {
    id: MediaId,
    browser: Browser,
    pbx: Exchange,
    from_browser: Vec<Vec<u8>>,
    from_pbx: Vec<Vec<u8>>,
}

fn main() {
    let calls = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(20);
    println!("{calls} calls, {} s of sound in both directions, Opus 8 kHz <-> PCMU", STEPS / 50);
    for profile in [SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm, SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80] {
        measure(calls, profile);
    }
}

fn measure(count: usize, profile: SrtpProtectionProfile) {
    let epoch = std::time::Instant::now();
    let identity = Arc::new(Identity::generate(epoch).unwrap());
    let mut worker = Worker::new(MediaSettings::default(), identity, [1; 32]);
    let mut now = Instant::from_millis(1);

    let setup = cpu();
    let mut calls: Vec<Call> = (0..count).map(|number| open(number, profile, epoch, &mut worker, now)).collect();
    let setup = (cpu() - setup).as_micros() as f64 / count as f64;
    calls.iter_mut().for_each(speak);
    let before = resident();

    let start = cpu();
    let mut sent = 0_u64;
    for step in 0..STEPS {
        now += Duration::from_millis(20);
        worker.handle_timeout(now);
        for call in &calls {
            worker.handle_web(call.browser.address, &call.from_browser[step], now);
            worker.handle_trunk_rtp(call.id, call.pbx.address, &call.from_pbx[step], now);
            while let Some(transmit) = worker.poll_transmit() {
                sent += u64::from(!matches!(transmit.port, Port::TrunkRtcp(_)));
            }
        }
        while worker.poll_event().is_some() {}
    }
    let spent = cpu() - start;
    let each = spent.as_secs_f64() * 1e6 / (count * STEPS) as f64;
    println!(
        "{profile:?}: {each:.1} µs per call and 20 ms ({:.0} calls on a core), {} kB per call, set-up with both ends {setup:.0} µs, {sent} packets sent",
        20_000.0 / each,
        (resident().saturating_sub(before)) / count as u64 / 1_000,
    );
}

fn open(
    number: usize,
    profile: SrtpProtectionProfile,
    epoch: std::time::Instant,
    worker: &mut Worker,
    now: Instant,
) -> Call {
    let id = MediaId(number as u64);
    let local = IceCredentials { ufrag: format!("relay{number}"), pwd: "a-password-of-the-relay".into() };
    let at = |host, port: usize| SocketAddr::from(([192, 0, 2, host], port as u16));
    worker.open(id, local.clone(), at(1, 20_000 + 2 * number), now);
    let mut browser = Browser::new(at(2, 1_000 + number), local, DtlsRole::Server, &[profile], epoch);
    let pbx = Exchange::new(at(3, 1_000 + 2 * number), TrunkCodec::G711(G711Law::Mu));
    let (direction, ptime) = (Direction::SENDRECV, Duration::from_millis(20));
    let remote = WebRemote {
        ice: browser.local.clone(),
        fingerprints: vec![browser.fingerprint()],
        dtls: DtlsRole::Server,
        codec: WebCodec::Opus { payload_type: browser::OPUS },
        telephone_event: None,
        direction,
        ptime,
    };
    worker.command(MediaCommand::Web { id, remote }, now);
    let codec = TrunkCodec::G711(G711Law::Mu);
    let payload_type = codec.payload_type();
    let remote = TrunkRemote {
        rtp: pbx.address,
        rtcp: pbx.rtcp,
        signalling: None,
        srtp: None,
        codec,
        payload_type,
        telephone_event: None,
        direction,
        ptime,
    };
    worker.command(MediaCommand::Trunk { id, remote }, now);
    let password = browser.relay.pwd.clone();
    let mut flight = vec![browser.check(true, &password, true)];
    flight.extend(browser.hello(now));
    while !flight.is_empty() {
        flight.iter().for_each(|datagram| worker.handle_web(browser.address, datagram, now));
        flight.clear();
        while let Some(transmit) = worker.poll_transmit() {
            flight.extend(browser.receive(transmit.bytes, now));
        }
    }
    assert!(browser.is_connected());
    Call { id, browser, pbx, from_browser: Vec::new(), from_pbx: Vec::new() }
}

fn speak(call: &mut Call) {
    for step in 0..STEPS {
        let wide = voice(step * 960, 960, 48_000.0);
        call.from_browser.push(call.browser.speak(&wide));
        let narrow = voice(step * 160, 160, 8_000.0);
        call.from_pbx.push(call.pbx.speak(&narrow));
    }
}

/// Harmonics of a gliding pitch under syllables, with a little noise: what a speech coder works for.
fn voice(from: usize, count: usize, rate: f64) -> Vec<i16> {
    let sample = |n: usize| {
        let t = n as f64 / rate;
        let pitch = 120.0 * t + 6.0 * (t * 2.1).sin();
        let voiced: f64 = (1..20)
            .map(|harmonic| (std::f64::consts::TAU * pitch * f64::from(harmonic)).sin() / f64::from(harmonic))
            .sum();
        let hiss = ((n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64 / 16_777_216.0 - 0.5;
        let syllable = 0.5 + 0.5 * (t * 4.0 * std::f64::consts::TAU).sin();
        ((voiced * 4_000.0 + hiss * 1_500.0) * syllable) as i16
    };
    (from..from + count).map(sample).collect()
}

/// CPU time of this process, in the kernel's ticks of 10 ms.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Resident memory in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}
