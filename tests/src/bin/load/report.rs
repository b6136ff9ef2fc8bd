//! What a run has shown, as JSON.

use crate::Fallible;
use crate::call::Call;
use crate::options::Options;
use crate::speech::{self, Speech};
use serde_json::{Value, json};

/// What was counted while the calls talked.
#[derive(Default)]
pub(crate) struct Counted {
    pub(crate) seconds: f64,
    /// Of the server.
    pub(crate) cpu: f64,
    pub(crate) generator_cpu: f64,
    /// In kB, all calls together.
    pub(crate) memory: u64,
    /// Datagrams lost in front of a slow reader.
    pub(crate) overrun: u64,
    /// Milliseconds in which the generator was more than 5 ms late.
    pub(crate) late: usize,
    /// For all calls' INVITE, ICE and DTLS.
    pub(crate) set_up_cpu: f64,
    pub(crate) set_up_time: f64,
}

pub(crate) fn write(calls: &[Call], speech: &Speech, counted: &Counted, options: &Options) -> Fallible<Value> {
    let count = calls.len() as f64;
    let frames = counted.seconds * speech::RATE as f64;
    Ok(json!({
        "web": options.web.name(),
        "trunk": options.trunk.name(),
        "calls": calls.len(),
        "seconds": counted.seconds,
        "cpu": counted.cpu,
        "cpuPerCallMinute": counted.cpu / count / counted.seconds * 60.0,
        "microsecondsPerFrame": counted.cpu * 1e6 / count / frames,
        "callsPerCore": count * counted.seconds / counted.cpu.max(0.01),
        "memoryPerCall": counted.memory as f64 / count,
        "generatorCpu": counted.generator_cpu,
        "overrun": counted.overrun,
        "late": counted.late,
        "setUpCpu": counted.set_up_cpu / count,
        "setUpTime": counted.set_up_time / count,
        "toTrunk": direction(calls, 0, speech, options)?,
        "toWeb": direction(calls, 1, speech, options)?,
    }))
}

/// 0 is browser to phone, 1 phone to browser.
fn direction(calls: &[Call], which: usize, speech: &Speech, options: &Options) -> Fallible<Value> {
    let (mut sent, mut heard, mut jitters, mut delays) = (0, 0, Vec::new(), Vec::new());
    for (index, call) in calls.iter().enumerate() {
        let (mouth, ear) = call.directions()[which];
        sent += mouth.sent;
        heard += ear.packets;
        jitters.push(ear.jitter);
        if !ear.keeps() {
            continue;
        }
        let (sound, places) = ear.sound()?;
        let Some(path) = mouth.path(speech, &sound, &places) else { continue };
        delays.extend(path.delays().unwrap_or_default());
        if let (Some(folder), Some((said, heard))) = (&options.record, path.pair()) {
            let name = |what| folder.join(format!("{}-{index}-{what}.wav", ["to-trunk", "to-web"][which]));
            speech::write(&name("said"), &said)?;
            speech::write(&name("heard"), &heard)?;
        }
    }
    Ok(json!({
        "sent": sent,
        "heard": heard,
        "missing": 1.0 - heard as f64 / (sent as f64).max(1.0),
        "jitter": quantile(&mut jitters, 0.5),
        "delay": quantile(&mut delays, 0.5),
        "delay99": quantile(&mut delays, 0.99),
    }))
}

fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64 * share) as usize).min(values.len().checked_sub(1)?);
    values.get(at).copied()
}
