//! The HTTP side: `/sip` (WebSocket), `/healthz`, and pages from a directory.

use crate::api::{self, Api};
use crate::clock::Clock;
use crate::config::{Config, Web};
use crate::counters::Counters;
use crate::listener::WebListener;
use crate::media::MediaView;
use crate::metrics::{self, Readers, Tally};
use crate::origin::Origins;
use crate::shutdown::{Leave, Stage};
use crate::signaling::Signaling;
use crate::tokens;
use crate::websocket;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use relay_core::admission::{Pace, Page};
use relay_core::b2bua::{GatewayStatus, Health};
use serde_json::{Value, json};
use sip_core::SocketId;
use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::mpsc;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// What every request and every WebSocket needs.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) signaling: Signaling,
    pub(crate) counters: Arc<Counters>,
    pub(crate) origins: Origins,
    pub(crate) counter: RwLock<tokens::Counter>,
    pub(crate) clock: Clock,
    pub(crate) tally: Arc<Tally>,
    pub(crate) media: MediaView,
    pub(crate) readers: Readers,
    pub(crate) max_calls: usize,
    /// Messages of one WebSocket.
    pub(crate) messages: Pace,
    pub(crate) max_message_size: usize,
    pub(crate) outbox: usize,
    pub(crate) ping_interval: Duration,
    pub(crate) api: Api,
    leave: Leave,
    last_socket: AtomicU64,
    /// Every request and every WebSocket holds the app: who waits for the other end of this waits for all of them.
    _presence: mpsc::Sender<Infallible>,
}

impl App {
    /// With the receiver that ends when nobody uses the app any more.
    pub(crate) fn new(
        config: &Config,
        signaling: Signaling,
        counters: Arc<Counters>,
        (counter, tally, media): (tokens::Counter, Arc<Tally>, MediaView),
        clock: Clock,
        (leave, api): (Leave, Api),
    ) -> (Self, mpsc::Receiver<Infallible>) {
        let (presence, absence) = mpsc::channel(1);
        let web = &config.web;
        let app = Self {
            signaling,
            counters,
            origins: Origins::new(&web.origins),
            counter: RwLock::new(counter),
            clock,
            tally,
            media,
            readers: web.metrics,
            max_calls: config.limits.calls,
            messages: Pace::per_minute(u32::try_from(config.limits.messages_per_minute).unwrap_or(u32::MAX)),
            max_message_size: web.max_message_size,
            outbox: web.outbox,
            ping_interval: web.ping_interval,
            api,
            leave,
            last_socket: AtomicU64::new(0),
            _presence: presence,
        };
        (app, absence)
    }

    /// Whether a page is one of a site's.
    pub(crate) fn serves(&self, page: &Page) -> bool {
        self.counter.read().unwrap_or_else(PoisonError::into_inner).serves(page)
    }

    /// Whether a page may ask for tokens.
    pub(crate) fn knows(&self, page: &Page) -> bool {
        self.counter.read().unwrap_or_else(PoisonError::into_inner).knows(page)
    }

    /// A number for a WebSocket; 0 is the UDP socket's.
    pub(crate) fn next_socket(&self) -> SocketId {
        SocketId(self.last_socket.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Serves until told to leave.
pub(crate) async fn serve(
    listener: WebListener,
    config: &Config,
    app: Arc<App>,
    demo: Option<Value>,
) -> std::io::Result<()> {
    let leave = app.leave.clone();
    let service = router(&config.web, app, demo).into_make_service_with_connect_info::<crate::listener::Peer>();
    axum::serve(listener, service).with_graceful_shutdown(leave.told()).await
}

fn router(web: &Web, app: Arc<App>, demo: Option<Value>) -> Router {
    let mut router = Router::new().route(&web.path, any(websocket::upgrade)).route("/healthz", get(health));
    router = router.route("/readyz", get(ready)).route("/metrics", get(metrics::get));
    let counter = post(tokens::post).options(tokens::preflight).layer(DefaultBodyLimit::max(tokens::MAX_BODY));
    router =
        router.route("/api/tokens", counter).nest("/api", api::routes().layer(DefaultBodyLimit::max(tokens::MAX_BODY)));
    if let Some(demo) = demo {
        router = router.route("/demo.json", get(|| async { Json(demo) }));
    }
    let router = router.with_state(app);
    match &web.site {
        Some(site) => router.fallback_service(pages(site, &web.content_security_policy)),
        None => router.fallback(no_pages),
    }
}

async fn health(State(app): State<Arc<App>>) -> Json<Value> {
    let occupancy = app.signaling.occupancy();
    let counters: serde_json::Map<String, Value> =
        app.counters.all().map(|(name, count)| (name.to_owned(), count.into())).collect();
    let gateways: Vec<Value> = app.signaling.gateways().iter().map(gateway).collect();
    Json(json!({
        "status": app.leave.stage().as_str(),
        "version": env!("CARGO_PKG_VERSION"),
        "calls": occupancy.calls,
        "registrations": occupancy.bindings,
        "subscriptions": occupancy.subscriptions,
        "webSockets": app.signaling.web_sockets(),
        "pbxConnections": app.signaling.streams(),
        "gateways": gateways,
        "media": media(&app.media),
        "counters": counters,
    }))
}

/// Whether calls may be sent here: not while it leaves, and not while every gateway is known to be down.
async fn ready(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    let gateways = app.signaling.gateways();
    match () {
        () if app.leave.stage() == Stage::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        () if app.leave.stage() == Stage::Leaving => (StatusCode::SERVICE_UNAVAILABLE, "leaving\n"),
        () if !gateways.is_empty() && gateways.iter().all(|gateway| gateway.health == Health::Down) => {
            (StatusCode::SERVICE_UNAVAILABLE, "no gateway answers\n")
        }
        () => (StatusCode::OK, "ready\n"),
    }
}

/// The least complexity of any thread: below what is configured, the relay is short of processor time.
fn media(view: &MediaView) -> Value {
    let drops: serde_json::Map<String, Value> =
        view.drops().map(|(reason, count)| (reason.to_owned(), count.into())).collect();
    let mut media = json!({ "calls": view.calls(), "complexity": view.complexities().min(), "dropped": drops });
    view.counts().into_iter().for_each(|(what, count)| media[what] = count.into());
    media
}

fn gateway(status: &GatewayStatus) -> Value {
    json!({ "trunk": status.trunk, "host": status.host, "state": status.health.as_str(), "reason": status.reason })
}

async fn no_pages() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "switchhook-relay: no pages are served here (web.site names a directory with some).\n")
}

/// A directory's files. They are checked for changes each time, which costs a 304, so that a rebuilt page is never
/// mixed with an old script.
fn pages(site: &Path, policy: &str) -> Router {
    let fixed = [
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("permissions-policy"), "microphone=(self)"),
    ];
    let policy = HeaderValue::from_str(policy).ok().filter(|policy| !policy.is_empty());
    let policy = policy.map(|policy| (header::CONTENT_SECURITY_POLICY, policy));
    let headers = fixed.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).chain(policy);
    headers.fold(Router::new().fallback_service(ServeDir::new(site)), |router, (name, value)| {
        router.layer(SetResponseHeaderLayer::overriding(name, value))
    })
}
