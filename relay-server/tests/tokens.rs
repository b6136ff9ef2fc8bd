//! Calls with tokens over real sockets: the counter for tokens, the WebSocket, the relay's own account at the exchange.

mod door;
mod exchange;
mod phone;

use exchange::Exchange;
use phone::Phone;
use relay_server::config::{SecretSource, Site};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SECRET: &str = "sk_the_long_secret_of_the_back_end";
const SHOP: &str = "https://shop.example";
const KEY: &str = "{\"siteKey\":\"pk_demo_shop\",\"callee\":\"echo\"}";

fn own_page(exchange: &Exchange) -> String {
    format!("Origin: http://{}\r\n", exchange.web())
}

/// A request to the counter for tokens, and the whole answer.
async fn ask(exchange: &Exchange, method: &str, headers: &str, body: &str) -> (u16, String, Value) {
    let mut stream = TcpStream::connect(exchange.web()).await.expect("a listener");
    let request = format!(
        "{method} /api/tokens HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{headers}\r\n{body}",
        exchange.web(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("open");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or(Value::Null))
}

async fn post(exchange: &Exchange, headers: &str, body: &str) -> (u16, String, Value) {
    ask(exchange, "POST", headers, body).await
}

async fn token(exchange: &Exchange) -> String {
    let (status, _, answer) = post(exchange, &own_page(exchange), KEY).await;
    assert_eq!(status, 200, "{answer}");
    answer["token"].as_str().expect("a token").to_owned()
}

/// A site whose pages are elsewhere, with a secret for its back end.
fn shop() -> Site {
    let secret = std::env::temp_dir().join(format!("switchhook-{}-shop.secret", std::process::id()));
    std::fs::write(&secret, format!("{SECRET}\n")).expect("a temporary directory");
    Site {
        name: "shop".to_owned(),
        trunk: "demo".to_owned(),
        callees: vec!["echo".to_owned(), "mus*".to_owned()],
        origins: vec![SHOP.to_owned()],
        site_key: Some("pk_shop_2026".to_owned()),
        secret: SecretSource { file: Some(secret), ..SecretSource::default() },
        ..Site::default()
    }
}

#[tokio::test]
async fn a_page_gets_a_token_and_calls_without_an_account() {
    let exchange = Exchange::open().await;
    let token = token(&exchange).await;
    let mut visitor = Phone::connect(exchange.web(), "visitor-page").await;

    let call = visitor.call_with_token("sip:echo@demo.localhost", &token);
    let answer = visitor.answer(call).await;

    assert!(answer.contains("a=ice-lite"), "{answer}");
    let again = visitor.call_with_token("sip:echo@demo.localhost", &token);
    assert_eq!(visitor.ended(again).await, (403, "Token Used Already".to_owned()));
    door::until(exchange.web(), "guestsDenied", 1).await;
    let now = visitor.now();
    visitor.agent.hang_up(call, None, now).expect("it talks");
    visitor.ended(call).await;
    door::until(exchange.web(), "calls", 0).await;
    exchange.close().await;
}

#[tokio::test]
async fn a_token_for_one_number_reaches_no_other() {
    let exchange = Exchange::open().await;
    let token = token(&exchange).await;
    let mut visitor = Phone::connect(exchange.web(), "visitor-page").await;

    let call = visitor.call_with_token("sip:music@demo.localhost", &token);

    assert_eq!(visitor.ended(call).await, (403, "Token For Another Callee".to_owned()));
    exchange.close().await;
}

#[tokio::test]
async fn pages_of_other_origins_get_no_token_and_may_not_read_the_refusal() {
    let exchange = Exchange::open_with(|config| config.sites.push(shop())).await;

    let (status, head, answer) = post(&exchange, "Origin: https://evil.example\r\n", KEY).await;
    assert_eq!((status, answer["error"].as_str()), (403, Some("origin")));
    assert!(!head.contains("access-control-allow-origin"), "{head}");
    assert_eq!(post(&exchange, "", KEY).await.0, 403, "a program without an origin");
    let (status, _, answer) = post(&exchange, &own_page(&exchange), "{\"siteKey\":\"pk_shop_2026\"}").await;
    assert_eq!((status, answer["error"].as_str()), (403, Some("origin")), "the key of another page");
    let (preflight, ..) = ask(&exchange, "OPTIONS", "Origin: https://evil.example\r\n", "").await;
    assert_eq!(preflight, 403);
    exchange.close().await;
}

#[tokio::test]
async fn a_sites_own_page_asks_across_origins_and_connects_as_a_guest() {
    let exchange = Exchange::open_with(|config| config.sites.push(shop())).await;
    let page = format!("Origin: {SHOP}\r\n");

    let (preflight, head, _) = ask(&exchange, "OPTIONS", &page, "").await;
    assert_eq!(preflight, 204);
    assert!(head.contains("access-control-allow-headers: content-type"), "{head}");
    let (status, head, answer) = post(&exchange, &page, "{\"siteKey\":\"pk_shop_2026\"}").await;
    assert_eq!((status, answer["callee"].as_str()), (200, Some("echo")), "the first that its site names");
    assert!(head.contains(&format!("access-control-allow-origin: {SHOP}")), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    let mut visitor = Phone::connect_from(exchange.web(), "visitor-page", SHOP).await;
    let call = visitor.call_with_token("sip:echo@x", answer["token"].as_str().expect("a token"));
    visitor.answer(call).await;
    let account = visitor.call("sip:echo@demo.localhost");
    assert_eq!(visitor.ended(account).await, (403, "A Token Is Needed Here".to_owned()));
    exchange.close().await;
}

#[tokio::test]
async fn a_page_of_a_site_whose_tokens_others_make_connects_and_may_not_ask() {
    let origins = vec!["https://SHOP.example:443/".to_owned()];
    let exchange = Exchange::open_with(|config| config.sites.push(Site { site_key: None, origins, ..shop() })).await;
    let secret = format!("Authorization: Bearer {SECRET}\r\n");
    let body = "{\"callee\":\"echo\",\"origin\":\"https://shop.example:443\"}";

    let (status, _, answer) = post(&exchange, &secret, body).await;
    assert_eq!(status, 200, "{answer}");
    let (preflight, ..) = ask(&exchange, "OPTIONS", &format!("Origin: {SHOP}\r\n"), "").await;
    assert_eq!(preflight, 403);
    let mut visitor = Phone::connect_from(exchange.web(), "visitor-page", SHOP).await;
    let call = visitor.call_with_token("sip:echo@x", answer["token"].as_str().expect("a token"));
    visitor.answer(call).await;
    exchange.close().await;
}

#[tokio::test]
async fn a_back_end_with_its_secret_gets_what_its_site_may_do() {
    let exchange = Exchange::open_with(|config| config.sites.push(shop())).await;
    let secret = format!("Authorization: Bearer {SECRET}\r\n");
    let secret = secret.as_str();

    let (status, _, answer) =
        post(&exchange, secret, "{\"callee\":\"music\",\"origin\":\"https://shop.example\"}").await;
    assert_eq!((status, answer["callee"].as_str()), (200, Some("music")), "{answer}");
    for (headers, body, expected) in [
        (secret, "{\"callee\":\"busy\"}", (403, "callee")),
        (secret, "{}", (400, "malformed")),
        ("Authorization: Bearer sk_guess\r\n", "{\"callee\":\"music\"}", (403, "issuer")),
    ] {
        let (status, _, answer) = post(&exchange, headers, body).await;
        assert_eq!((status, answer["error"].as_str()), (expected.0, Some(expected.1)), "{body}");
    }
    exchange.close().await;
}

#[tokio::test]
async fn one_address_guesses_so_many_secrets_in_a_minute() {
    let exchange = Exchange::open_with(|config| {
        config.tokens.per_address = 3;
        config.sites.push(shop());
    })
    .await;
    let from =
        |address: &str, secret: &str| format!("X-Forwarded-For: {address}\r\nAuthorization: Bearer {secret}\r\n");
    let wish = "{\"callee\":\"music\"}";

    for _ in 0..10 {
        assert_eq!(post(&exchange, &from("192.0.2.7", SECRET), wish).await.0, 200, "a right one does not count");
    }
    for _ in 0..3 {
        assert_eq!(post(&exchange, &from("192.0.2.7", "sk_guess"), wish).await.0, 403);
    }
    assert_eq!(post(&exchange, &from("192.0.2.7", SECRET), wish).await.0, 429, "nobody learns that it was right");
    assert_eq!(post(&exchange, &from("192.0.2.8", SECRET), wish).await.0, 200, "another address");
    exchange.close().await;
}

#[tokio::test]
async fn what_is_not_asked_properly_is_told_by_its_status() {
    let exchange = Exchange::open().await;
    let page = own_page(&exchange);

    assert_eq!(post(&exchange, &page, "not json").await.0, 400);
    assert_eq!(post(&exchange, &page, "{\"siteKey\":1}").await.0, 422);
    assert_eq!(post(&exchange, &page, "{\"sitekey\":\"pk_demo_shop\"}").await.0, 422, "a key that is none");
    assert_eq!(post(&exchange, &page, &format!("{{\"siteKey\":\"{}\"}}", "x".repeat(5_000))).await.0, 413);
    assert_eq!(ask(&exchange, "GET", &page, "").await.0, 405);
    exchange.close().await;
}

#[tokio::test]
async fn one_address_gets_so_many_tokens_in_a_minute() {
    let exchange = Exchange::open_with(|config| config.tokens.per_address = 3).await;

    let from = |address: &str| format!("{}X-Forwarded-For: {address}\r\n", own_page(&exchange));
    for _ in 0..3 {
        assert_eq!(post(&exchange, &from("192.0.2.7"), KEY).await.0, 200);
    }
    let (status, head, answer) = post(&exchange, &from("192.0.2.7"), KEY).await;

    assert_eq!((status, answer["error"].as_str()), (429, Some("hasty")));
    assert!(head.contains("retry-after: "), "{head}");
    assert_eq!(post(&exchange, &from("192.0.2.8"), KEY).await.0, 200, "another address");
    assert_eq!(door::health(exchange.web()).await["counters"]["tokensIssued"], 4);
    exchange.close().await;
}
