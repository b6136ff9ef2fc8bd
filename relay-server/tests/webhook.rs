//! Calls with tokens that a program of the operator's decides on: over real HTTP, with and without TLS, and when it fails.

mod door;
mod exchange;
mod phone;
mod town;

use door::json;
use exchange::Exchange;
use phone::Phone;
use relay_server::config::{OnFailure, Webhook};
use ring::hmac;
use serde_json::Value;
use sip_core::agent::SessionId;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use town::{Authority, Papers, dns_name};

const SECRET: &str = "the-secret-of-the-program";

/// How the program answers.
#[derive(Clone, Copy)]
enum Manner {
    /// With this status line and body.
    Says(&'static str, &'static str),
    /// With a Location.
    Sends,
    /// Not at all.
    Silent,
}

/// The operator's program.
struct Program {
    port: u16,
    /// Head and body of each question.
    questions: mpsc::UnboundedReceiver<(String, String)>,
    task: JoinHandle<()>,
}

impl Drop for Program {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Program {
    async fn start(manner: Manner, papers: Option<&Papers>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (seen, questions) = mpsc::unbounded_channel();
        let tls = papers.map(|papers| papers.acceptor(None));
        let task = tokio::spawn(async move {
            // Those that are not answered stay open.
            let mut open = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                let seen = seen.clone();
                open.push(match tls.clone() {
                    None => tokio::spawn(answer(stream, manner, seen)),
                    Some(tls) => tokio::spawn(async move {
                        if let Ok(stream) = tls.accept(stream).await {
                            answer(stream, manner, seen).await;
                        }
                    }),
                });
            }
        });
        Self { port, questions, task }
    }

    async fn says(body: &'static str) -> Self {
        Self::start(Manner::Says("200 OK", body), None).await
    }

    fn settings(&self) -> Webhook {
        let mut settings = Webhook { url: Some(format!("http://127.0.0.1:{}/call", self.port)), ..Webhook::default() };
        settings.secret.file = Some(secret_file());
        settings
    }

    async fn next(&mut self) -> (String, String) {
        tokio::time::timeout(town::PATIENCE, self.questions.recv()).await.expect("in time").expect("a question")
    }
}

/// Written once: another test may be reading it.
fn secret_file() -> PathBuf {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    let write = || {
        let path = std::env::temp_dir().join(format!("switchhook-{}-webhook.secret", std::process::id()));
        std::fs::write(&path, SECRET).expect("a temporary directory");
        path
    };
    FILE.get_or_init(write).clone()
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    manner: Manner,
    seen: mpsc::UnboundedSender<(String, String)>,
) {
    let mut text = String::new();
    let question = loop {
        let mut part = [0; 4_096];
        let length = stream.read(&mut part).await.expect("open");
        text.push_str(std::str::from_utf8(&part[..length]).expect("text"));
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.ends_with('}')
        {
            break (head.to_owned(), body.to_owned());
        }
    };
    let _ = seen.send(question);
    let reply = match manner {
        Manner::Says(status, body) => format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
        Manner::Sends => "HTTP/1.1 307 No\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n".to_owned(),
        Manner::Silent => std::future::pending().await,
    };
    stream.write_all(reply.as_bytes()).await.expect("open");
    // Not an error: who has its answer may be gone.
    let _ = stream.shutdown().await;
}

async fn exchange(settings: Webhook) -> Exchange {
    Exchange::open_with(|config| config.webhook = settings).await
}

/// How the call of a visitor ended.
async fn call(exchange: &Exchange) -> (u16, String) {
    let (mut visitor, call) = visit(exchange).await;
    visitor.ended(call).await
}

/// A visitor calls the echo with a token of the demo's shop.
async fn visit(exchange: &Exchange) -> (Phone, SessionId) {
    let web = exchange.web();
    let ask = "{\"siteKey\":\"pk_demo_shop\",\"callee\":\"echo\"}";
    let request = format!(
        "POST /api/tokens HTTP/1.1\r\nHost: {web}\r\nOrigin: http://{web}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{ask}",
        ask.len()
    );
    let token = json(web, &request).await["token"].as_str().expect("a token").to_owned();
    let mut visitor = Phone::connect(web, "visitor-page").await;
    let call = visitor.call_with_token("sip:echo@demo.localhost", &token);
    (visitor, call)
}

#[tokio::test]
async fn the_program_is_asked_with_a_signature_and_its_denial_is_told() {
    let mut program = Program::says("{\"action\":\"deny\",\"status\":486,\"reason\":\"Closed On Sundays\"}").await;
    let exchange = exchange(program.settings()).await;

    assert_eq!(call(&exchange).await, (486, "Closed On Sundays".to_owned()));

    let (head, body) = program.next().await;
    assert!(head.starts_with("POST /call HTTP/1.1\r\n"), "{head}");
    let question: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&question["site"], &question["callee"]), (&Value::from("demo-shop"), &Value::from("echo")));
    let header = |name: &str| {
        let row = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        row.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
    };
    let signed = format!("{}.{body}", header("switchhook-timestamp"));
    let shown = header("switchhook-signature").strip_prefix("v1=").expect("a version").to_owned();
    let tag: Vec<u8> = (0..shown.len() / 2)
        .map(|at| u8::from_str_radix(&shown[2 * at..2 * at + 2], 16).expect("hexadecimal"))
        .collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    assert!(hmac::verify(&key, signed.as_bytes(), &tag).is_ok());
    exchange.close().await;
}

#[tokio::test]
async fn another_number_is_called_where_the_program_says_so() {
    let program = Program::says("{\"action\":\"allow\",\"callee\":\"busy\"}").await;
    let exchange = exchange(program.settings()).await;

    assert_eq!(call(&exchange).await.0, 486, "the exchange's busy line, not its echo");
    exchange.close().await;
}

#[tokio::test]
async fn without_a_usable_answer_the_call_is_refused() {
    for manner in [
        Manner::Says("500 Internal Server Error", "{\"action\":\"allow\"}"),
        Manner::Says("200 OK", "yes"),
        Manner::Says("200 OK", "{\"action\":\"allow\",\"to\":\"112\"}"),
        Manner::Sends,
        Manner::Silent,
    ] {
        let program = Program::start(manner, None).await;
        let settings = Webhook { timeout: Duration::from_millis(300), ..program.settings() };
        let exchange = exchange(settings).await;

        assert_eq!(call(&exchange).await, (503, "The Call Could Not Be Checked".to_owned()));
        door::until(exchange.web(), "webhookFailed", 1).await;
        exchange.close().await;
    }
}

#[tokio::test]
async fn without_a_usable_answer_the_call_is_made_where_the_operator_prefers_that() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound");
    let mut settings =
        Webhook { url: Some(format!("http://{nobody}/")), on_failure: OnFailure::Allow, ..Webhook::default() };
    settings.secret.file = Some(secret_file());
    let exchange = exchange(settings).await;

    let (mut visitor, call) = visit(&exchange).await;
    visitor.answer(call).await;
    door::until(exchange.web(), "webhookFailed", 1).await;
    exchange.close().await;
}

#[tokio::test]
async fn a_program_behind_tls_must_have_a_certificate_of_its_authority() {
    let (ours, theirs) = (Authority::new("webhook-ours"), Authority::new("webhook-theirs"));
    let papers = ours.signs("webhook", vec![dns_name("localhost")]);
    let program = Program::start(Manner::Says("200 OK", "{\"action\":\"deny\",\"status\":480}"), Some(&papers)).await;
    for (authority, status) in [(&ours, 480), (&theirs, 503)] {
        let settings = Webhook {
            url: Some(format!("https://localhost:{}/call", program.port)),
            ca: Some(authority.file()),
            ..program.settings()
        };
        let exchange = exchange(settings).await;

        assert_eq!(call(&exchange).await.0, status);
        exchange.close().await;
    }
}
