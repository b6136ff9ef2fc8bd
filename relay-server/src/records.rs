//! Call detail records: one JSON object a line for each call that is over, appended to a file.
//!
//! The file is opened for each batch, so that it may be moved away at any time. A thread writes, because a disk may be
//! slow; what it cannot keep up with is dropped and counted.

use crate::clock::unix_now;
use crate::counters::Counters;
use crate::metrics::direction;
use relay_core::b2bua::CallRecord;
use relay_core::media::control::{LegReport, Side};
use serde_json::{Value, json};
use sip_core::Instant;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// Records that may wait for the disk.
const MAX_WAITING: usize = 4_096;
/// They name who called whom.
const ONLY_OWNER: u32 = 0o600;

/// Where records go.
#[derive(Debug)]
pub(crate) struct Records {
    lines: Option<SyncSender<String>>,
    writer: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
}

impl Records {
    /// None keeps no records.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn open(file: Option<&Path>, counters: Arc<Counters>) -> io::Result<Self> {
        let (lines, writer) = match file {
            Some(path) => {
                append(path)?;
                let (sender, receiver) = sync_channel(MAX_WAITING);
                let (path, counted) = (path.to_owned(), Arc::clone(&counters));
                let writer = thread::Builder::new().name("records".to_owned());
                let writer = writer.spawn(move || write(&path, &receiver, &counted))?;
                (Some(sender), Some(writer))
            }
            None => (None, None),
        };
        Ok(Self { lines, writer, counters })
    }

    /// A call is over.
    pub(crate) fn ended(&self, record: &CallRecord, now: Instant) {
        let Some(lines) = &self.lines else { return };
        if lines.try_send(format!("{}\n", line(record, now))).is_err() {
            self.counters.records_dropped.add_one();
        }
    }
}

/// The last records are written before the relay leaves.
impl Drop for Records {
    fn drop(&mut self) {
        self.lines = None;
        if self.writer.take().is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the thread for call records did not end well");
        }
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(ONLY_OWNER).open(path)
}

/// Until the relay drops its end.
fn write(path: &Path, lines: &Receiver<String>, counters: &Counters) {
    while let Ok(first) = lines.recv() {
        let batch: Vec<String> = std::iter::once(first).chain(lines.try_iter()).collect();
        let written = append(path).and_then(|mut file| file.write_all(batch.concat().as_bytes()));
        if let Err(error) = written {
            tracing::error!(%error, records = batch.len(), "call records are lost");
            batch.iter().for_each(|_| counters.records_dropped.add_one());
        }
    }
}

fn line(record: &CallRecord, now: Instant) -> Value {
    let millis = |from: Instant, to: Instant| u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX);
    let started = unix_now().0.saturating_sub(now.since(record.started).as_secs());
    json!({
        "call": record.id.0,
        "started": started,
        "direction": direction(record.direction),
        "site": record.site,
        "from": record.from,
        "to": record.to,
        "rangMs": millis(record.started, record.answered.unwrap_or(record.ended)),
        "talkedMs": record.answered.map(|answered| millis(answered, record.ended)),
        "status": record.status.map(sip_core::message::StatusCode::as_u16),
        "reason": record.reason,
        "endedBy": record.ended_by.map(|side| match side { Side::Web => "browser", Side::Trunk => "pbx" }),
        "web": leg(&record.report.web),
        "trunk": leg(&record.report.trunk),
    })
}

fn leg(report: &LegReport) -> Value {
    json!({
        "received": report.packets_received,
        "sent": report.packets_sent,
        "lost": report.packets_lost,
        "late": report.packets_late,
        "rejected": report.packets_rejected,
        "jitterMs": report.jitter.as_secs_f64() * 1_000.0,
        "roundTripMs": report.round_trip.map(|time| time.as_secs_f64() * 1_000.0),
    })
}
