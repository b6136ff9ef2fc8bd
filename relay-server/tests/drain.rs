//! How a process leaves: what it carries to its end, what it refuses meanwhile, and what it hangs up on.

mod door;
mod phone;

use phone::Phone;
use serde_json::Value;
use sip_core::agent::{Event, RegistrationEvent, SessionEvent, SessionId};
use sip_core::message::HeaderName;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const KEY: &str = "the-operators-own-key";

/// The program with its demo exchange, in a process of its own.
struct Process {
    child: Child,
    web: SocketAddr,
    records: PathBuf,
}

impl Process {
    async fn start(name: &str, drain: &str) -> Self {
        let records = std::env::temp_dir().join(format!("switchhook-{}-{name}.jsonl", std::process::id()));
        let sets = [
            "media.web_listen=127.0.0.1:0".to_owned(),
            format!("limits.drain={drain}"),
            format!("records.file={}", records.display()),
            "api.secret_env=DRAIN_TEST_KEY".to_owned(),
        ];
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchhook-relay"));
        command.args(["demo", "--listen", "127.0.0.1:0", "--log", "warn"]).env("DRAIN_TEST_KEY", KEY);
        command.args(sets.iter().flat_map(|set| ["--set", set]));
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program");
        let mut said = BufReader::new(child.stdout.take().expect("piped"));
        let reading = move || {
            let mut line = String::new();
            said.read_line(&mut line).map(|_| line)
        };
        let line = tokio::task::spawn_blocking(reading).await.expect("a thread").expect("a line");
        let url = line.split_once("http://").and_then(|(_, rest)| rest.split_once('/')).expect("its address").0;
        Self { child, web: url.parse().expect("an address"), records }
    }

    fn terminate(&self) {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(killed.expect("kill").success());
    }

    /// What an HTTP request is answered with: status line and headers, and the body.
    async fn ask(&self, request: &str, headers: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.web).await.expect("a listener");
        let length = body.len();
        let text = format!(
            "{request} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}",
            self.web
        );
        stream.write_all(text.as_bytes()).await.expect("open");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        (head.to_owned(), body.to_owned())
    }

    /// Until it says that it takes no calls any more.
    async fn is_draining(&self) {
        let asking = async {
            loop {
                let (head, body) = self.ask("GET /readyz", "", "").await;
                if head.starts_with("HTTP/1.1 503 ") {
                    return assert_eq!(body, "draining\n");
                }
            }
        };
        tokio::time::timeout(door::PATIENCE, asking).await.expect("it hears of it");
    }

    /// How it left, and the record of the one call that was answered.
    async fn left(mut self) -> (ExitStatus, Value) {
        let left = async {
            loop {
                if let Some(status) = self.child.try_wait().expect("our child") {
                    return status;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let status = tokio::time::timeout(door::PATIENCE, left).await.expect("it leaves");
        let lines = std::fs::read_to_string(&self.records).expect("records");
        let records = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        // The exchange asks for credentials first, which is a record of its own.
        let answered: Vec<Value> = records.filter(|record| record["talkedMs"].is_number()).collect();
        let [answered] = &answered[..] else { panic!("one record of an answered call: {lines}") };
        (status, answered.clone())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has left already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.records);
    }
}

/// Someone who talks.
async fn talking(process: &Process) -> (Phone, SessionId) {
    let mut alice = Phone::connect(process.web, "alice").await;
    let call = alice.call("sip:echo@demo.localhost");
    alice.answer(call).await;
    (alice, call)
}

/// The Retry-After that a call was refused with.
async fn refused_call(phone: &mut Phone) -> (u16, Option<String>) {
    let call = phone.call("sip:echo@demo.localhost");
    let end_of = |events: &[Event]| {
        events.iter().find_map(|event| match event {
            Event::Session { id, event: SessionEvent::Ended(end) } if *id == call => end.response.clone(),
            _ => None,
        })
    };
    let response = phone.until("a refusal", end_of).await;
    (response.status.as_u16(), response.headers.get(&HeaderName::RetryAfter).map(str::to_owned))
}

#[tokio::test]
async fn a_process_that_is_told_to_leave_carries_its_call_and_takes_nothing_new() {
    let process = Process::start("carries", "10m").await;
    let (mut alice, call) = talking(&process).await;
    let mut bob = Phone::connect(process.web, "bob").await;

    process.terminate();
    process.is_draining().await;
    assert_eq!(refused_call(&mut bob).await, (503, Some("30".to_owned())));
    let registration = bob.register("bob-secret").await;
    assert!(matches!(registration, RegistrationEvent::Failed { .. }), "{registration:?}");
    assert_eq!(door::health(process.web).await["calls"], 1, "Alice still talks");
    let now = alice.now();
    alice.agent.hang_up(call, None, now).expect("it talks");
    alice.ended(call).await;

    let (status, record) = process.left().await;
    assert!(status.success(), "it left by itself, long before its deadline: {status}");
    assert_eq!(record["endedBy"], "browser");
}

#[tokio::test]
async fn the_deadline_ends_calls_with_a_bye_and_a_record() {
    let process = Process::start("deadline", "1s").await;
    let (mut alice, call) = talking(&process).await;

    process.terminate();

    let (_, reason) = alice.ended(call).await;
    assert_eq!(reason, "The relay is leaving");
    let (status, record) = process.left().await;
    assert!(status.success(), "{status}");
    assert_eq!((&record["reason"], &record["endedBy"]), (&Value::from("The relay is leaving"), &Value::Null));
    assert!(record["talkedMs"].as_u64() >= Some(900), "it had its second: {record}");
}

#[tokio::test]
async fn a_second_sigterm_does_not_wait() {
    let process = Process::start("hurry", "10m").await;
    let (mut alice, call) = talking(&process).await;

    process.terminate();
    process.is_draining().await;
    process.terminate();

    alice.ended(call).await;
    assert!(process.left().await.0.success());
}

#[tokio::test]
async fn the_operator_drains_by_http_and_nobody_else_does() {
    let process = Process::start("http", "0s").await;
    let (mut alice, call) = talking(&process).await;

    for key in ["", "Authorization: Bearer the-operators-own-kex\r\n", "Authorization: Basic dGhlOmtleQ==\r\n"] {
        let (head, body) = process.ask("POST /api/drain", key, "").await;
        assert!(head.starts_with("HTTP/1.1 401 ") && body.contains("\"unauthorized\""), "{key}: {head} {body}");
    }
    let key = format!("Authorization: Bearer {KEY}\r\n");
    let (head, _) = process.ask("POST /api/drain", &key, "{\"deadline\":1}").await;
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    assert_eq!(door::health(process.web).await["status"], "ok", "none of these was heeded");

    let (head, body) = process.ask("POST /api/drain", &key, "{\"deadlineSeconds\":600}").await;
    assert!(head.starts_with("HTTP/1.1 202 "), "{head}");
    assert_eq!(body, "{\"calls\":1,\"deadlineSeconds\":600}");
    process.is_draining().await;
    process.ask("POST /api/drain", &key, "{\"deadlineSeconds\":0}").await;

    alice.ended(call).await;
    assert!(process.left().await.0.success(), "another deadline has taken the place of the first");
}
