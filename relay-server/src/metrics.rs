//! `/metrics`, as Prometheus reads it (text format 0.0.4): the state of the relay, what it counted, how calls ended and
//! how both of their legs sounded.
//!
//! It names trunks and causes, no callers; still it is the operator's, and not shown to everybody.

use crate::app::App;
use crate::listener::Peer;
use crate::media::MediaView;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use relay_core::admission::Denial;
use relay_core::b2bua::{CallDirection, CallRecord, Health};
use relay_core::media::control::LegReport;
use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::sync::{Arc, Mutex, PoisonError};

const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// What each of our metrics begins with.
const PREFIX: &str = "switchhook_";

/// What ended calls add up to.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Sums>);

#[derive(Clone, Debug, Default)]
struct Sums {
    /// By direction and final status; 200 was answered.
    ended: BTreeMap<(&'static str, u16), u64>,
    denied: BTreeMap<&'static str, u64>,
    talked_seconds: f64,
    talked: u64,
    web: Leg,
    trunk: Leg,
}

#[derive(Clone, Debug, Default)]
struct Leg {
    packets: BTreeMap<&'static str, u64>,
    jitter_seconds: f64,
    round_trip_seconds: f64,
    round_trips: u64,
}

impl Tally {
    pub(crate) fn ended(&self, record: &CallRecord) {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let status = record.answered.map_or(0, |_| 200);
        let status = record.status.map_or(status, sip_core::message::StatusCode::as_u16);
        *sums.ended.entry((direction(record.direction), status)).or_default() += 1;
        if let Some(answered) = record.answered {
            sums.talked += 1;
            sums.talked_seconds += record.ended.since(answered).as_secs_f64();
            sums.web.add(&record.report.web);
            sums.trunk.add(&record.report.trunk);
        }
    }

    pub(crate) fn denied(&self, denial: Denial) {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *sums.denied.entry(denial.name()).or_default() += 1;
    }

    fn sums(&self) -> Sums {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Leg {
    fn add(&mut self, report: &LegReport) {
        let counts = [
            ("received", report.packets_received),
            ("sent", report.packets_sent),
            ("lost", report.packets_lost),
            ("late", report.packets_late),
            ("rejected", report.packets_rejected),
        ];
        for (what, count) in counts {
            *self.packets.entry(what).or_default() += count;
        }
        self.jitter_seconds += report.jitter.as_secs_f64();
        if let Some(round_trip) = report.round_trip {
            self.round_trip_seconds += round_trip.as_secs_f64();
            self.round_trips += 1;
        }
    }
}

pub(crate) const fn direction(direction: CallDirection) -> &'static str {
    match direction {
        CallDirection::Outbound => "outbound",
        CallDirection::Inbound => "inbound",
    }
}

/// Who may read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readers {
    /// Programs on the relay's own machine.
    #[default]
    Local,
    /// Everybody who reaches the port.
    All,
    /// Nobody.
    None,
}

/// `GET /metrics`.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
) -> Response {
    let is_passed_on =
        ["x-forwarded-for", "forwarded", "x-real-ip", "via"].iter().any(|name| headers.contains_key(*name));
    let is_local = peer.address.ip().is_loopback() && !is_passed_on;
    match app.readers {
        Readers::All => {}
        Readers::Local if is_local => {}
        Readers::Local => return (StatusCode::FORBIDDEN, "web.metrics says who may read this.\n").into_response(),
        Readers::None => return StatusCode::NOT_FOUND.into_response(),
    }
    ([(header::CONTENT_TYPE, FORMAT)], page(&app)).into_response()
}

fn page(app: &App) -> String {
    let mut page = Page::default();
    let (occupancy, signaling) = (app.signaling.occupancy(), &app.signaling);
    page.gauge("calls", "Calls that are not over.", occupancy.calls);
    page.gauge("calls_max", "Calls that are taken on at once.", app.max_calls);
    page.gauge("registrations", "Bindings granted or asked for.", occupancy.bindings);
    page.gauge("subscriptions", "Subscriptions that are not over.", occupancy.subscriptions);
    page.gauge("web_sockets", "Browsers that are connected.", signaling.web_sockets());
    page.gauge("pbx_connections", "Connections with PBXs over TCP and TLS.", signaling.streams());
    page.gauge("signalling_queue", "Inputs that wait for signalling.", signaling.waiting());
    page.begin("gateway_up", "Whether a gateway of a trunk answers.", "gauge");
    for gateway in signaling.gateways() {
        let up = u8::from(gateway.health != Health::Down);
        page.row("gateway_up", &[("trunk", &gateway.trunk), ("host", &gateway.host)], up);
    }
    page.begin("events_total", "What was opened, refused, dropped or closed, as /healthz names it.", "counter");
    for (event, count) in app.counters.all() {
        page.row("events_total", &[("event", event)], count);
    }
    page.media(&app.media);
    page.sums(&app.tally.sums());
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn begin(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.text, "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}");
    }

    fn row(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{PREFIX}{name}{labels} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: usize) {
        self.begin(name, help, "gauge");
        self.row(name, &[], value);
    }

    fn media(&mut self, view: &MediaView) {
        self.begin("media_calls", "Calls whose media is open.", "gauge");
        self.row("media_calls", &[], view.calls());
        let help = "How hard the Opus encoders of a thread try, 0 to 10; less than configured under load.";
        self.begin("media_complexity", help, "gauge");
        for (thread, complexity) in view.complexities().enumerate() {
            self.row("media_complexity", &[("thread", &thread.to_string())], complexity);
        }
        self.begin("media_total", "Datagrams of audio, and events that signalling was too slow for.", "counter");
        for (what, count) in view.counts() {
            self.row("media_total", &[("what", what)], count);
        }
        self.begin("media_dropped_total", "Packets of audio that were dropped, by reason.", "counter");
        for (reason, count) in view.drops() {
            self.row("media_dropped_total", &[("reason", reason)], count);
        }
    }

    fn sums(&mut self, sums: &Sums) {
        self.begin(
            "calls_ended_total",
            "Calls that are over, by final status; 200 was answered, 0 given up.",
            "counter",
        );
        for ((direction, status), count) in &sums.ended {
            self.row("calls_ended_total", &[("direction", direction), ("status", &status.to_string())], count);
        }
        self.begin("guests_denied_total", "Calls with a token that were refused.", "counter");
        for (reason, count) in &sums.denied {
            self.row("guests_denied_total", &[("reason", reason)], count);
        }
        self.begin("call_seconds", "How long answered calls lasted.", "summary");
        self.row("call_seconds_sum", &[], sums.talked_seconds);
        self.row("call_seconds_count", &[], sums.talked);
        self.begin("packets_total", "RTP packets of calls that are over, by leg.", "counter");
        for (name, leg) in [("web", &sums.web), ("trunk", &sums.trunk)] {
            for (what, count) in &leg.packets {
                self.row("packets_total", &[("leg", name), ("what", what)], count);
            }
        }
        self.begin("jitter_seconds", "Jitter at the end of answered calls (RFC 3550), by leg.", "summary");
        for (name, leg) in [("web", &sums.web), ("trunk", &sums.trunk)] {
            self.row("jitter_seconds_sum", &[("leg", name)], leg.jitter_seconds);
            self.row("jitter_seconds_count", &[("leg", name)], sums.talked);
        }
        self.begin("round_trip_seconds", "Round trip at the end of answered calls, where RTCP told it.", "summary");
        for (name, leg) in [("web", &sums.web), ("trunk", &sums.trunk)] {
            self.row("round_trip_seconds_sum", &[("leg", name)], leg.round_trip_seconds);
            self.row("round_trip_seconds_count", &[("leg", name)], leg.round_trips);
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
