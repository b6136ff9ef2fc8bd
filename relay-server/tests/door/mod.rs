//! A relay on loopback for one test, with a WebSocket client and a few lines of HTTP.

#![allow(dead_code, reason = "each test file uses its part")]

use futures_util::StreamExt;
use relay_server::config::{Config, Domain};
use relay_server::{Running, run};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub(crate) type Browser = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Everything on loopback, on ports that the system chooses.
pub(crate) fn config() -> Config {
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = Config::default();
    config.web.listen = local;
    config.sip.listen = local;
    config.sip.domains =
        vec![Domain { name: "*".to_owned(), host: "127.0.0.1".to_owned(), port: Some(5060), transport: None }];
    config.media.web_listen = local;
    config.media.trunk_listen = local.ip();
    config.media.workers = 1;
    config
}

/// A relay that stops with the test.
pub(crate) struct Door {
    running: Running,
    stop: oneshot::Sender<()>,
}

impl Door {
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| ()).await
    }

    pub(crate) async fn open_with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config();
        change(&mut config);
        let (stop, stopped) = oneshot::channel();
        let running = run(config, async { drop(stopped.await) }).await.expect("free ports");
        Self { running, stop }
    }

    pub(crate) fn web(&self) -> SocketAddr {
        self.running.web
    }

    /// Where PBXs send SIP.
    pub(crate) fn sip(&self) -> SocketAddr {
        self.running.sip
    }

    /// Gives it other settings.
    pub(crate) async fn reload(&self, config: &Config) -> Result<(), String> {
        self.running.reload.apply(config).await.map_err(|error| error.to_string())
    }

    /// Where they connect by TLS.
    pub(crate) fn sip_tls(&self) -> SocketAddr {
        self.running.sip_tls.expect("a TLS listener")
    }

    /// Stops it and waits for its end, which must be in order.
    pub(crate) async fn close(self) {
        let _ = self.stop.send(());
        let finished = tokio::time::timeout(PATIENCE, self.running.finished()).await;
        finished.expect("it stops in time").expect("it was asked to");
    }

    pub(crate) async fn connect(&self) -> Result<(Browser, Response), tungstenite::Error> {
        connect(self.web()).await
    }

    pub(crate) async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.web()).await.expect("a listener")
    }

    /// Sends a request and reads the head of its answer.
    pub(crate) async fn answer(&self, request: &str) -> String {
        let mut stream = self.tcp().await;
        stream.write_all(request.as_bytes()).await.expect("open");
        head(&mut stream).await
    }

    pub(crate) async fn health(&self) -> Value {
        health(self.web()).await
    }

    pub(crate) async fn count(&self, counter: &str) -> u64 {
        self.health().await["counters"][counter].as_u64().expect("a counter")
    }

    /// Asks until a number of `/healthz` is so.
    pub(crate) async fn until(&self, name: &str, count: u64) {
        until(self.web(), name, count).await;
    }
}

pub(crate) async fn health(web: SocketAddr) -> Value {
    json(web, &format!("GET /healthz HTTP/1.1\r\nHost: {web}\r\nConnection: close\r\n\r\n")).await
}

/// The JSON that a request is answered with.
pub(crate) async fn json(web: SocketAddr, request: &str) -> Value {
    let mut stream = TcpStream::connect(web).await.expect("a listener");
    stream.write_all(request.as_bytes()).await.expect("open");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("text");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    serde_json::from_str(body).expect("JSON")
}

/// Asks until a number is so; each question is an answer of the relay, not a guess about its speed.
pub(crate) async fn until(web: SocketAddr, name: &str, count: u64) {
    let asking = async {
        loop {
            let health = health(web).await;
            let found = health.get(name).or_else(|| health["counters"].get(name)).and_then(Value::as_u64);
            if found == Some(count) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("{name} does not become {count}"));
}

/// A WebSocket as a page of the relay's own host opens it.
pub(crate) async fn connect(web: SocketAddr) -> Result<(Browser, Response), tungstenite::Error> {
    connect_from(web, &format!("http://{web}")).await
}

/// A WebSocket as a page of this origin opens it.
pub(crate) async fn connect_from(web: SocketAddr, origin: &str) -> Result<(Browser, Response), tungstenite::Error> {
    let mut request = format!("ws://{web}/sip").into_client_request()?;
    let origin = HeaderValue::from_str(origin).expect("an origin");
    request.headers_mut().insert("origin", origin);
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("sip"));
    connect_async(request).await
}

/// An upgrade request with further headers.
pub(crate) fn upgrade(door: &Door, headers: &str) -> String {
    format!(
        "GET /sip HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n",
        door.web()
    )
}

/// A GET on a connection of its own: the whole answer.
pub(crate) async fn http(door: &Door, path: &str) -> String {
    let mut stream = door.tcp().await;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", door.web());
    stream.write_all(request.as_bytes()).await.expect("open");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Up to the empty line, and what comes with it.
pub(crate) async fn head(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 4_096];
        let reading = tokio::time::timeout(PATIENCE, stream.read(&mut part));
        let length = reading.await.expect("an answer in time").expect("an answer");
        assert_ne!(length, 0, "closed after {:?}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..length]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The next message that is not about the connection itself.
pub(crate) async fn next_text(browser: &mut Browser) -> String {
    let reading = async {
        loop {
            match browser.next().await.expect("open").expect("a frame") {
                Message::Text(text) => return text.to_string(),
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("a message in time")
}

/// How the relay closes; none where it just goes.
pub(crate) async fn close_code(browser: &mut Browser) -> Option<CloseCode> {
    let reading = async {
        while let Some(Ok(frame)) = browser.next().await {
            if let Message::Close(close) = frame {
                return close.map(|close| close.code);
            }
        }
        None
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("closed in time")
}
