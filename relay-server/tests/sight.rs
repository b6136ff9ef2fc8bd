//! What an operator sees: metrics, readiness, call records; and the paces that are kept at the door.

mod door;
mod phone;
mod town;

use door::{Door, http};
use futures_util::SinkExt;
use phone::Phone;
use relay_server::config::{Config, Readers};
use relay_server::demo;
use serde_json::Value;
use std::path::PathBuf;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// A file that goes with the test.
struct TempFile(PathBuf);

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_call_is_in_the_metrics_and_in_the_records() {
    let file = TempFile(std::env::temp_dir().join(format!("switchhook-{}-calls.jsonl", std::process::id())));
    let mut config = Config { sip: relay_server::config::Sip::default(), ..door::config() };
    config.records.file = Some(file.0.clone());
    let (stop, stopped) = oneshot::channel::<()>();
    let demo = demo::start(config, async { drop(stopped.await) }).await.expect("free ports");
    let web = demo.relay.web;
    let mut alice = Phone::connect(web, "alice").await;

    let busy = alice.call("sip:busy@demo.localhost");
    assert_eq!(alice.ended(busy).await.0, 486);
    let echo = alice.call("sip:echo@demo.localhost");
    alice.answer(echo).await;
    let now = alice.now();
    alice.agent.hang_up(echo, None, now).expect("it talks");
    alice.ended(echo).await;
    door::until(web, "calls", 0).await;

    let mut stream = tokio::net::TcpStream::connect(web).await.expect("a listener");
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {web}\r\nConnection: close\r\n\r\n");
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.expect("open");
    let mut metrics = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut metrics).await.expect("text");
    for row in [
        "switchhook_calls 0\n",
        "switchhook_calls_ended_total{direction=\"outbound\",status=\"200\"} 1\n",
        "switchhook_calls_ended_total{direction=\"outbound\",status=\"486\"} 1\n",
        "switchhook_call_seconds_count 1\n",
        "switchhook_gateway_up{trunk=\"demo\",host=\"127.0.0.1\"} 1\n",
        "switchhook_events_total{event=\"webSocketsOpened\"} 1\n",
        "# TYPE switchhook_packets_total counter\n",
        "switchhook_media_calls 0\n",
        "\nswitchhook_media_complexity{thread=\"0\"} ",
        "switchhook_media_dropped_total{reason=\"trunk_foreign\"} 0\n",
    ] {
        assert!(metrics.contains(row), "{row} is not in {metrics}");
    }

    let _ = stop.send(());
    demo.finished().await.expect("it was asked to");
    let lines = std::fs::read_to_string(&file.0).expect("records");
    let records: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(records.iter().any(|record| record["status"] == 486 && record["to"] == "sip:busy@demo.localhost"));
    let talked = records.iter().find(|record| record["talkedMs"].is_number()).expect("an answered call");
    assert_eq!((&talked["endedBy"], &talked["direction"]), (&Value::from("browser"), &Value::from("outbound")));
    assert!(talked["web"]["lost"].is_number() && talked["trunk"]["jitterMs"].is_number());
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file.0).expect("there").permissions());
    assert_eq!(mode & 0o077, 0, "nobody else reads who called whom");
}

#[tokio::test]
async fn metrics_are_for_the_relays_own_machine_unless_the_settings_say_otherwise() {
    let proxied = |door: &Door| {
        format!(
            "GET /metrics HTTP/1.1\r\nHost: {}\r\nX-Forwarded-For: 192.0.2.7\r\nConnection: close\r\n\r\n",
            door.web()
        )
    };
    let door = Door::open().await;
    assert!(door.answer(&proxied(&door)).await.starts_with("HTTP/1.1 403 "));
    assert!(http(&door, "/metrics").await.starts_with("HTTP/1.1 200 "));
    door.close().await;
    let all = Door::open_with(|config| config.web.metrics = Readers::All).await;
    assert!(all.answer(&proxied(&all)).await.starts_with("HTTP/1.1 200 "));
    all.close().await;
    let none = Door::open_with(|config| config.web.metrics = Readers::None).await;
    assert!(http(&none, "/metrics").await.starts_with("HTTP/1.1 404 "));
    none.close().await;
}

#[tokio::test]
async fn a_relay_whose_gateways_are_all_down_is_not_ready() {
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let door = Door::open_with(|config| {
        config.sip.domains.clear();
        config.trunks = vec![relay_server::config::Trunk {
            name: "pbx".to_owned(),
            domains: vec!["*".to_owned()],
            hosts: vec![relay_server::config::Host {
                host: "127.0.0.1".to_owned(),
                port: Some(nobody.port()),
                transport: None,
                priority: 0,
                weight: 1,
            }],
            failures: 1,
            ..relay_server::config::Trunk::default()
        }];
    })
    .await;

    let failing = async {
        while !http(&door, "/readyz").await.starts_with("HTTP/1.1 503 ") {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(town::PATIENCE, failing).await.expect("the gateway is found to be down");
    door.close().await;
}

#[tokio::test]
async fn messages_that_come_too_fast_close_their_connection() {
    let door = Door::open_with(|config| config.limits.messages_per_minute = 20).await;
    let mut request = format!("ws://{}/sip", door.web()).into_client_request().expect("a request");
    let origin = HeaderValue::from_str(&format!("http://{}", door.web())).expect("an origin");
    request.headers_mut().insert("origin", origin);
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("sip"));
    request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static("192.0.2.7"));
    let (mut hasty, _) = tokio_tungstenite::connect_async(request).await.expect("a WebSocket");

    for _ in 0..21 {
        // The last may meet a closed door.
        let _ = hasty.send(Message::text("\r\n\r\n")).await;
    }

    assert_eq!(door::close_code(&mut hasty).await, Some(CloseCode::Policy));
    assert_eq!(door.count("hastyClients").await, 1);
    door.close().await;
}
