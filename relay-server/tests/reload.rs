//! New settings while the relay runs.

mod door;

use door::Door;
use relay_server::config::{Config, Host, Site, Trunk};
use tokio::io::AsyncWriteExt;

fn site(key: &str) -> Site {
    Site {
        name: key.to_owned(),
        trunk: "pbx".to_owned(),
        callees: vec!["support".to_owned()],
        origins: vec!["self".to_owned()],
        site_key: Some(key.to_owned()),
        ..Site::default()
    }
}

fn settings(keys: &[&str]) -> Config {
    let mut config = door::config();
    config.sip.domains.clear();
    let host = Host { host: "127.0.0.1".to_owned(), port: Some(5060), transport: None, priority: 0, weight: 1 };
    config.trunks = vec![Trunk { name: "pbx".to_owned(), hosts: vec![host], ..Trunk::default() }];
    config.sites = keys.iter().map(|key| site(key)).collect();
    config
}

/// The status of a request for a token.
async fn ask(door: &Door, key: &str) -> String {
    let body = format!("{{\"siteKey\":\"{key}\"}}");
    let mut stream = door.tcp().await;
    let request = format!(
        "POST /api/tokens HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {1}\r\n\r\n{body}",
        door.web(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("open");
    door::head(&mut stream).await.split(' ').nth(1).expect("a status").to_owned()
}

#[tokio::test]
async fn sites_come_and_go_while_the_relay_runs() {
    let door = Door::open_with(|config| *config = settings(&["pk_first_shop"])).await;
    assert_eq!(
        (ask(&door, "pk_first_shop").await.as_str(), ask(&door, "pk_other_shop").await.as_str()),
        ("200", "403")
    );

    door.reload(&settings(&["pk_other_shop"])).await.expect("good settings");

    assert_eq!(
        (ask(&door, "pk_first_shop").await.as_str(), ask(&door, "pk_other_shop").await.as_str()),
        ("403", "200")
    );
    door.close().await;
}

#[tokio::test]
async fn settings_that_cannot_be_used_change_nothing_and_are_named() {
    let door = Door::open_with(|config| *config = settings(&["pk_first_shop"])).await;

    let mut broken = settings(&["pk_other_shop"]);
    broken.sites[0].secret.file = Some("/does/not/exist".into());
    let said = door.reload(&broken).await.expect_err("no such file");
    assert!(said.starts_with("site.secret_file is /does/not/exist"), "{said}");
    let mut moved = settings(&["pk_other_shop"]);
    moved.trunks[0].hosts[0].port = Some(5070);
    let said = door.reload(&moved).await.expect_err("another trunk");
    assert!(said.starts_with("trunk has changed") && said.contains("restart"), "{said}");

    assert_eq!(
        (ask(&door, "pk_first_shop").await.as_str(), ask(&door, "pk_other_shop").await.as_str()),
        ("200", "403")
    );
    door.close().await;
}
