//! The operator's requests, with a real call: what they show, what they do, and who is refused.

mod door;
mod exchange;
mod phone;

use exchange::Exchange;
use phone::Phone;
use serde_json::{Value, json};
use sip_core::agent::SessionId;
use std::path::PathBuf;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const KEY: &str = "the-operators-own-key";
const OPENAPI: &str = include_str!("../openapi.json");
const PAPER: &str = include_str!("../../docs/operator/api.md");

/// A file that goes with the test.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("switchhook-{}-{name}", std::process::id()));
        std::fs::write(&path, text).expect("a temporary directory");
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A relay with its exchange, a key and records.
struct Scene {
    exchange: Exchange,
    records: TempFile,
    _key: TempFile,
}

impl Scene {
    async fn open(name: &str) -> Self {
        Self::open_with_pace(name, 600).await
    }

    async fn open_with_pace(name: &str, pace: usize) -> Self {
        let key = TempFile::new(&format!("{name}.key"), KEY);
        let records = TempFile::new(&format!("{name}.jsonl"), "");
        let exchange = Exchange::open_with(|config| {
            config.api.secret.file = Some(key.0.clone());
            config.api.requests_per_minute = pace;
            config.records.file = Some(records.0.clone());
        })
        .await;
        Self { exchange, records, _key: key }
    }

    /// Status, head and JSON of an answer.
    async fn ask_as(&self, key: &str, request: &str, body: &str) -> (u16, String, Value) {
        let web = self.exchange.web();
        let mut stream = TcpStream::connect(web).await.expect("a listener");
        let text = format!(
            "{request} HTTP/1.1\r\nHost: {web}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nAuthorization: Bearer {key}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(text.as_bytes()).await.expect("open");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or(Value::Null))
    }

    async fn ask(&self, request: &str, body: &str) -> (u16, Value) {
        let (status, _, answer) = self.ask_as(KEY, request, body).await;
        (status, answer)
    }

    /// Somebody who talks, with the number of the call.
    async fn talking(&self, name: &str) -> (Phone, SessionId, u64) {
        let mut phone = Phone::connect(self.exchange.web(), name).await;
        let call = phone.call("sip:echo@demo.localhost");
        phone.answer(call).await;
        let (_, list) = self.ask("GET /api/calls", "").await;
        let calls = list["calls"].as_array().expect("a list");
        let is_it = |call: &&Value| call["state"] == "talking" && call["from"] == format!("sip:{name}@demo.localhost");
        let talking = calls.iter().find(is_it).expect("it was answered");
        let id = talking["call"].as_u64().expect("a number");
        (phone, call, id)
    }

    async fn close(self) -> Vec<Value> {
        self.exchange.close().await;
        let lines = std::fs::read_to_string(&self.records.0).expect("records");
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

#[tokio::test]
async fn a_call_is_shown_and_ended_under_the_number_that_its_record_has() {
    let scene = Scene::open("ended").await;
    let (mut alice, call, id) = scene.talking("alice").await;

    let (status, shown) = scene.ask(&format!("GET /api/calls/{id}"), "").await;
    assert_eq!((status, &shown["state"], &shown["direction"]), (200, &json!("talking"), &json!("outbound")));
    assert_eq!((&shown["from"], &shown["to"]), (&json!("sip:alice@demo.localhost"), &json!("sip:echo@demo.localhost")));
    assert!(shown["talkedMs"].is_u64() && shown["started"].as_u64() > Some(1_700_000_000), "{shown}");
    let (status, _) = scene.ask(&format!("DELETE /api/calls/{id}"), "{\"reason\":\"Closing time\"}").await;
    assert_eq!(status, 204);

    assert_eq!(alice.ended(call).await.1, "Closing time");
    scene.exchange.is_idle().await;
    assert_eq!(scene.ask(&format!("GET /api/calls/{id}"), "").await.0, 404);
    let records = scene.close().await;
    let record = records.iter().find(|record| record["call"] == id).expect("a record");
    assert_eq!((&record["reason"], &record["endedBy"]), (&json!("Closing time"), &Value::Null));
}

#[tokio::test]
async fn digits_are_sent_into_a_call_and_mistakes_are_told_apart() {
    let scene = Scene::open("digits").await;
    let (_alice, _, id) = scene.talking("alice").await;
    let path = format!("POST /api/calls/{id}/digits");

    assert_eq!(scene.ask(&path, "{\"digits\":\"12#\",\"to\":\"pbx\"}").await.0, 202);
    for (request, body, status, error) in [
        (path.as_str(), "{\"digits\":\"12x\",\"to\":\"pbx\"}", 422, "digits"),
        (path.as_str(), "{\"digits\":\"12\",\"to\":\"everybody\"}", 400, "malformed"),
        (path.as_str(), "", 400, "malformed"),
        ("POST /api/calls/999/digits", "{\"digits\":\"1\",\"to\":\"pbx\"}", 404, "no_such_call"),
        ("GET /api/calls/seven", "", 404, "no_such_call"),
        ("GET /api/calls?limit=many", "", 400, "malformed"),
        ("DELETE /api/calls/1", "{\"reason\":\"two\\r\\nlines\"}", 422, "reason"),
        ("DELETE /api/calls/1", "{\"cause\":\"x\"}", 400, "malformed"),
    ] {
        let (found, answer) = scene.ask(request, body).await;
        assert_eq!((found, &answer["error"]), (status, &json!(error)), "{request} {body}: {answer}");
        assert!(answer["message"].is_string(), "{answer}");
    }
    scene.close().await;
}

#[tokio::test]
async fn the_list_comes_in_parts() {
    let scene = Scene::open("parts").await;
    let (_alice, _, first) = scene.talking("alice").await;
    let (_bob, _, second) = scene.talking("bob").await;

    // The attempts that were challenged are over.
    door::until(scene.exchange.web(), "calls", 2).await;
    let numbers = |list: &Value| {
        let calls = list["calls"].as_array().expect("a list").iter();
        calls.map(|call| call["call"].as_u64().expect("a number")).collect::<Vec<_>>()
    };

    let (_, part) = scene.ask("GET /api/calls?limit=1", "").await;
    assert_eq!((numbers(&part), &part["next"]), (vec![first], &json!(first)));
    let (_, rest) = scene.ask(&format!("GET /api/calls?after={first}"), "").await;
    assert_eq!((numbers(&rest), &rest["next"]), (vec![second], &Value::Null));
    scene.close().await;
}

#[tokio::test]
async fn without_the_key_nothing_is_shown_and_guesses_are_slowed_down() {
    let scene = Scene::open_with_pace("guesses", 5).await;

    for guess in ["", "the-operators-own-kez", "the-operators-own-key2", "the"] {
        let (status, head, answer) = scene.ask_as(guess, "GET /api/calls", "").await;
        assert_eq!((status, &answer["error"]), (401, &json!("unauthorized")), "{guess}");
        assert!(head.contains("www-authenticate: bearer") && head.contains("cache-control: no-store"), "{head}");
    }
    assert_eq!(scene.ask("GET /api/calls", "").await.0, 200);
    let (status, head, answer) = scene.ask_as(KEY, "GET /api/calls", "").await;
    assert_eq!((status, &answer["error"]), (429, &json!("hasty")));
    assert!(head.contains("retry-after: "), "{head}");
    assert_eq!(door::health(scene.exchange.web()).await["counters"]["apiRefused"], 5);
    scene.close().await;
}

#[tokio::test]
async fn without_a_key_in_the_settings_there_is_no_api() {
    let door = door::Door::open().await;
    for path in ["/api/calls", "/api/calls/1"] {
        let answer = door::http(&door, path).await;
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("\"disabled\""), "{answer}");
    }
    door.close().await;
}

/// `GET /api/calls` and the like, as openapi.json has them.
fn described() -> Vec<String> {
    let openapi: Value = serde_json::from_str(OPENAPI).expect("JSON");
    let paths = openapi["paths"].as_object().expect("paths").clone();
    let methods = |path: &String, item: &Value| {
        let methods =
            ["get", "post", "put", "patch", "delete"].into_iter().filter(|method| item.get(*method).is_some());
        methods.map(|method| format!("{} {path}", method.to_ascii_uppercase())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(|(path, item)| methods(path, item)).collect()
}

#[tokio::test]
async fn each_described_request_exists_and_wants_the_key() {
    let scene = Scene::open("described").await;

    for request in described() {
        let (status, head, answer) = scene.ask_as("", &request.replace("{id}", "1"), "{}").await;
        let expected: &[u16] = match request.as_str() {
            "GET /api/openapi.json" => &[200],
            // A token of a site is another matter: no site has this secret.
            "POST /api/tokens" => &[403],
            _ => &[401],
        };
        assert!(expected.contains(&status), "{request}: {head} {answer}");
    }
    let (_, openapi) = scene.ask("GET /api/openapi.json", "").await;
    assert_eq!(openapi, serde_json::from_str::<Value>(OPENAPI).expect("JSON"));
    scene.close().await;
}

#[test]
fn the_paper_and_the_description_name_the_same_requests() {
    let rows = PAPER.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let mut of_paper: Vec<String> =
        rows.map(|(request, _)| request.to_owned()).filter(|request| request.contains(" /api/")).collect();
    let mut described: Vec<String> = described().into_iter().filter(|request| request != "POST /api/tokens").collect();
    of_paper.sort();
    described.sort();

    assert_eq!(of_paper, described);
}

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    let openapi: Value = serde_json::from_str(OPENAPI).expect("JSON");
    let references: Vec<&str> =
        OPENAPI.split("\"$ref\": \"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();

    assert!(references.len() > 20, "{references:?}");
    assert!(references.iter().all(|reference| openapi.pointer(reference).is_some()), "{references:?}");
}
