//! SIP over WebSocket, server side (RFC 7118): the upgrade, and one task for each browser.
//!
//! A frame is a SIP message and goes to signalling as it is; nothing here reads it. What signalling sends waits in a
//! bounded outbox: a browser that does not read loses its connection, not the relay its memory. Pings find browsers
//! that vanished without a word.

use crate::app::App;
use crate::listener::{Linger, Peer};
use crate::origin::{client_address, page_of};
use axum::body::Bytes;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use relay_core::admission::{Pace, Paces, Page};
use relay_core::b2bua::Access;
use sip_core::SocketId;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite;

const SUBPROTOCOL: &str = "sip";
/// 7.3 instead of 135 KiB for each idle connection, at the same speed.
const READ_BUFFER: usize = 4_096;
/// Pings without a sign of life after which a browser is gone.
const MAX_UNANSWERED: u32 = 2;
/// How long our last words may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// `GET /sip`: admits a browser, or says in a sentence why not.
pub(crate) async fn upgrade(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match admit(&app, &headers, upgrade) {
        Ok((upgrade, access)) => {
            let secure = peer.secure || headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
            let address = SocketAddr::new(client_address(peer.address.ip(), &headers), peer.address.port());
            let visitor = Visitor { address, secure, page: page_of(&headers), access };
            upgrade.on_upgrade(move |socket| serve(socket, app, peer.linger, visitor))
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Who has opened a WebSocket.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) address: SocketAddr,
    /// Whether it came over TLS.
    pub(crate) secure: bool,
    pub(crate) page: Option<Page>,
    pub(crate) access: Access,
}

/// The origin is checked before anything else is looked at. Pages of a site that are not ours besides are guests.
fn admit(
    app: &App,
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<(WebSocketUpgrade, Access), Refusal> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let origin = text(header::ORIGIN);
    let access = match app.origins.admits(origin, text(header::HOST)) {
        true => Access::Full,
        false if page_of(headers).is_some_and(|page| app.serves(&page)) => Access::Guest,
        false => {
            app.counters.origins_refused.add_one();
            tracing::warn!(origin, "a page of this origin may not connect; web.origins lists those that may");
            return Err(Refusal::Origin);
        }
    };
    let upgrade = upgrade.map_err(Refusal::Upgrade).and_then(|upgrade| {
        let upgrade = upgrade
            .protocols([SUBPROTOCOL])
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(app.max_message_size)
            .max_frame_size(app.max_message_size);
        upgrade.selected_protocol().is_some().then_some(upgrade).ok_or(Refusal::Subprotocol)
    });
    upgrade.inspect_err(|_| app.counters.upgrades_refused.add_one()).map(|upgrade| (upgrade, access))
}

/// Why a request does not become a WebSocket.
#[derive(Debug)]
enum Refusal {
    Origin,
    Subprotocol,
    Upgrade(WebSocketUpgradeRejection),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        const ORIGIN: &str = "Pages of this origin may not connect. The relay's operator can add it to web.origins.\n";
        const PROTOCOL: &str = "This is a SIP WebSocket (RFC 7118): offer the subprotocol \"sip\".\n";
        const UPGRADE: &str =
            "This is a SIP WebSocket (RFC 7118): connect with ws:// or wss:// and the subprotocol \"sip\".\n";
        use WebSocketUpgradeRejection::{InvalidConnectionHeader, InvalidUpgradeHeader, InvalidWebSocketVersionHeader};
        match self {
            Self::Origin => (StatusCode::FORBIDDEN, ORIGIN).into_response(),
            Self::Subprotocol => (StatusCode::BAD_REQUEST, PROTOCOL).into_response(),
            Self::Upgrade(InvalidConnectionHeader(_) | InvalidUpgradeHeader(_) | InvalidWebSocketVersionHeader(_)) => {
                let headers = [(header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_VERSION, "13")];
                (StatusCode::UPGRADE_REQUIRED, headers, UPGRADE).into_response()
            }
            Self::Upgrade(other) => other.into_response(),
        }
    }
}

/// What signalling sends to a browser.
#[derive(Debug)]
pub(crate) enum Frame {
    /// A SIP message.
    Message(Vec<u8>),
    /// Good-bye.
    Close { code: u16, reason: &'static str },
}

/// Signalling's end of a WebSocket: never waits.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    frames: mpsc::Sender<Frame>,
    overflow: Arc<Notify>,
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsendable {
    /// The browser reads too slowly: it has just lost its connection.
    Slow,
    /// The connection is over; signalling is about to hear of it.
    Gone,
}

impl Outbox {
    fn new(room: usize) -> (Self, mpsc::Receiver<Frame>) {
        let (frames, outgoing) = mpsc::channel(room);
        (Self { frames, overflow: Arc::default() }, outgoing)
    }

    pub(crate) fn send(&self, frame: Frame) -> Result<(), Unsendable> {
        self.frames.try_send(frame).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                self.overflow.notify_one();
                Unsendable::Slow
            }
            mpsc::error::TrySendError::Closed(_) => Unsendable::Gone,
        })
    }
}

/// Why a WebSocket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The browser leaves the page.
    Away,
    /// The browser closed it, maybe to open another, or its connection broke.
    ByPeer,
    /// A message above the limit.
    TooBig,
    /// More messages than anybody needs.
    Hasty,
    /// RFC 6455 was broken.
    Broken,
    /// No sign of life.
    Silent,
    /// Too much waits for it.
    Slow,
    /// Signalling closes it.
    Ours(u16, &'static str),
}

impl End {
    /// The code and reason of the Close frame; none where nobody reads it.
    const fn close(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Away | Self::ByPeer => None,
            Self::TooBig => Some((close_code::SIZE, "the message is longer than this relay takes")),
            Self::Hasty => Some((close_code::POLICY, "messages come too fast")),
            Self::Broken => Some((close_code::PROTOCOL, "not a WebSocket frame")),
            Self::Silent => Some((close_code::AWAY, "pings were not answered")),
            Self::Slow => Some((close_code::POLICY, "messages are not read fast enough")),
            Self::Ours(code, reason) => Some((code, reason)),
        }
    }

    /// Whether nobody comes back.
    const fn is_good_bye(self) -> bool {
        matches!(self, Self::Away | Self::Ours(..))
    }

    fn count(self, app: &App) {
        match self {
            Self::TooBig => app.counters.oversized.add_one(),
            Self::Hasty => app.counters.hasty_clients.add_one(),
            Self::Broken => app.counters.broken_frames.add_one(),
            Self::Silent => app.counters.silent_clients.add_one(),
            Self::Slow => app.counters.slow_clients.add_one(),
            Self::Away | Self::ByPeer | Self::Ours(..) => {}
        }
    }
}

/// One browser, from its first frame to its last.
async fn serve(socket: WebSocket, app: Arc<App>, linger: Linger, visitor: Visitor) {
    let id = app.next_socket();
    let (outbox, outgoing) = Outbox::new(app.outbox);
    let overflow = Arc::clone(&outbox.overflow);
    app.counters.web_opened.add_one();
    tracing::debug!(socket = id.0, peer = %visitor.address, "WebSocket opened");
    let visitor_address = visitor.address.ip();
    app.signaling.web_opened(id, visitor, outbox).await;

    let (mut sink, stream) = socket.split();
    let is_alive = AtomicBool::new(true);
    // The relay's own machine is its operator's, or a proxy that says whom it speaks for.
    let pace = Some(app.messages).filter(|_| !visitor_address.is_loopback());
    let end = tokio::select! {
        // First, because signalling drops its end of an outbox that overflowed, which looks like good-bye.
        biased;
        () = overflow.notified() => End::Slow,
        end = read(stream, &is_alive, id, (&app, pace)) => end,
        end = write(&mut sink, outgoing, &is_alive, app.ping_interval) => end,
    };

    end.count(&app);
    tracing::debug!(socket = id.0, ?end, "WebSocket closed");
    if end.is_good_bye() {
        app.signaling.web_closed(id).await;
    } else {
        app.signaling.web_lost(id).await;
    }
    close(sink, end, &linger).await;
}

async fn read(
    mut stream: SplitStream<WebSocket>,
    is_alive: &AtomicBool,
    id: SocketId,
    (app, pace): (&App, Option<Pace>),
) -> End {
    let (mut paces, signaling) = (Paces::default(), &app.signaling);
    while let Some(frame) = stream.next().await {
        is_alive.store(true, Ordering::Relaxed);
        if pace.is_some_and(|pace| !paces.keeps((), pace, app.clock.now())) {
            return End::Hasty;
        }
        match frame {
            Ok(Message::Text(text)) => signaling.web_message(id, text.as_bytes().to_vec()).await,
            Ok(Message::Binary(bytes)) => signaling.web_message(id, bytes.to_vec()).await,
            // Pings are answered below us.
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            Ok(Message::Close(Some(frame))) if frame.code == close_code::AWAY => return End::Away,
            Ok(Message::Close(_)) => return End::ByPeer,
            Err(error) => return end_of(error),
        }
    }
    End::ByPeer
}

fn end_of(error: axum::Error) -> End {
    use tungstenite::Error::{Capacity, ConnectionClosed, Io, Protocol, Utf8};
    use tungstenite::error::ProtocolError::ResetWithoutClosingHandshake;
    match error.into_inner().downcast_ref() {
        Some(Capacity(_)) => End::TooBig,
        Some(ConnectionClosed | Io(_) | Protocol(ResetWithoutClosingHandshake)) => End::ByPeer,
        Some(Protocol(_) | Utf8(_)) => End::Broken,
        _ => End::ByPeer,
    }
}

async fn write(
    sink: &mut SplitSink<WebSocket, Message>,
    mut outgoing: mpsc::Receiver<Frame>,
    is_alive: &AtomicBool,
    interval: Duration,
) -> End {
    let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + interval, interval);
    ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut unanswered = 0;
    loop {
        let frame = tokio::select! {
            frame = outgoing.recv() => match frame {
                Some(Frame::Message(bytes)) => message(bytes),
                Some(Frame::Close { code, reason }) => return End::Ours(code, reason),
                None => return End::Ours(close_code::AWAY, "the relay stops"),
            },
            _ = ping.tick() => {
                unanswered = if is_alive.swap(false, Ordering::Relaxed) { 0 } else { unanswered + 1 };
                if unanswered >= MAX_UNANSWERED {
                    return End::Silent;
                }
                Message::Ping(Bytes::new())
            }
        };
        match tokio::time::timeout(interval * MAX_UNANSWERED, sink.send(frame)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return End::ByPeer,
            Err(_) => return End::Slow,
        }
    }
}

/// A text frame where the message is UTF-8, as SIP's is; its body may be anything (RFC 7118 §5).
fn message(bytes: Vec<u8>) -> Message {
    let bytes = Bytes::from(bytes);
    Utf8Bytes::try_from(bytes.clone()).map_or_else(|_| Message::Binary(bytes), Message::Text)
}

async fn close(mut sink: SplitSink<WebSocket, Message>, end: End, linger: &Linger) {
    let Some((code, reason)) = end.close() else {
        return;
    };
    linger.ask();
    let frame = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }));
    if tokio::time::timeout(CLOSE_TIMEOUT, sink.send(frame)).await.is_err() {
        tracing::debug!("a Close frame could not be sent in time");
    }
}
