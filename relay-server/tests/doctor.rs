//! What the doctor says of machines, and of the one that it runs on.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod town;

use rcgen::{CertificateParams, KeyPair};
use relay_core::b2bua::{GatewayStatus, Health};
use relay_core::media::control::TrunkCodec;
use relay_server::config::Config;
use relay_server::doctor::{Certificate, Finding, Name, Port, Validity, Verdict, View, diagnose};
use serde_json::Value;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;
use town::{Manner, Pbx};

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

/// A machine on which nothing is wrong.
fn healthy() -> View {
    View {
        now: NOW,
        is_clock_kept: Some(true),
        ports: vec![Port { key: "web.listen", protocol: "TCP", at: "0.0.0.0:443".parse().unwrap(), fault: None }],
        certificates: vec![certificate(Ok(Validity { from: NOW - DAY, until: NOW + 60 * DAY }))],
        names: vec![Name {
            trunk: "office".to_owned(),
            host: "pbx.example.com".to_owned(),
            found: Ok(vec!["198.51.100.9".parse().unwrap()]),
        }],
        gateways: Ok(vec![gateway("pbx.example.com", Health::Up, "")]),
        receive_buffer: Some(8 << 20),
        open_files: Some(65_536),
        own_address: Some("198.51.100.7".parse().unwrap()),
        spoken: TrunkCodec::ALL.to_vec(),
    }
}

fn certificate(found: Result<Validity, String>) -> Certificate {
    Certificate { key: "web.tls_certificate", path: "cert.pem".into(), found }
}

fn gateway(host: &str, health: Health, reason: &str) -> GatewayStatus {
    GatewayStatus { trunk: "office".to_owned(), host: host.to_owned(), health, reason: reason.to_owned() }
}

/// The one finding that is not ok.
fn complaint(view: &View) -> Finding {
    complaint_about(&Config::default(), view)
}

fn complaint_about(config: &Config, view: &View) -> Finding {
    let all: Vec<Finding> =
        diagnose(config, view).into_iter().filter(|finding| finding.verdict != Verdict::Ok).collect();
    let [one] = &all[..] else { panic!("one complaint, not {all:?}") };
    assert!(!one.remedy.is_empty(), "each says what to do: {one:?}");
    one.clone()
}

fn assert_complaint(view: &View, subject: &str, verdict: Verdict, said: &str) {
    let found = complaint(view);
    assert_eq!((found.subject.as_str(), found.verdict), (subject, verdict), "{found:?}");
    assert!(found.said.contains(said), "{found:?}");
}

#[test]
fn of_a_machine_on_which_nothing_is_wrong_every_line_is_ok() {
    let findings = diagnose(&Config::default(), &healthy());

    assert!(findings.iter().all(|finding| finding.verdict == Verdict::Ok && finding.remedy.is_empty()), "{findings:?}");
    assert_eq!(findings.len(), 8, "{findings:?}");
}

#[test]
fn a_port_that_cannot_be_had_is_a_failure_that_says_why() {
    for (fault, said, remedy) in [
        (ErrorKind::AddrInUse, "taken by another program", "ss -lnp 'sport = :443'"),
        (ErrorKind::PermissionDenied, "may not be listened on", "cap_net_bind_service"),
        (ErrorKind::AddrNotAvailable, "no address of this machine", "network.external_ip"),
        (ErrorKind::OutOfMemory, "out of memory", "web.listen"),
    ] {
        let mut view = healthy();
        view.ports[0].fault = Some(fault);
        assert_complaint(&view, "web.listen", Verdict::Failure, said);
        assert!(complaint(&view).remedy.contains(remedy), "{remedy}");
    }
}

#[test]
fn certificates_are_looked_at_before_they_expire() {
    for (from, until, verdict, said) in [
        (-DAY, 13 * DAY, Verdict::Warning, "expires in 13 days"),
        (-90 * DAY, -3 * DAY, Verdict::Failure, "expired 3 days ago"),
        (DAY / 2, 90 * DAY, Verdict::Failure, "good from 1 days on only"),
    ] {
        let found = Ok(Validity { from: NOW + from, until: NOW + until });
        let view = View { certificates: vec![certificate(found)], ..healthy() };
        assert_complaint(&view, "web.tls_certificate", verdict, said);
    }
    let view = View { certificates: vec![certificate(Err("cert.pem: keys do not match".to_owned()))], ..healthy() };
    assert_complaint(&view, "web.tls_certificate", Verdict::Failure, "do not match");
}

#[test]
fn a_trunk_fails_when_none_of_its_gateways_answers() {
    let down = || gateway("pbx2.example.com", Health::Down, "The PBX's Certificate Is Refused: it has expired");
    let one_of_two = View { gateways: Ok(vec![gateway("pbx.example.com", Health::Up, ""), down()]), ..healthy() };
    assert_complaint(&one_of_two, "trunk office", Verdict::Warning, "it has expired");
    assert!(complaint(&one_of_two).remedy.contains("sip.tls_ca"));

    let silent = View { gateways: Ok(vec![gateway("pbx.example.com", Health::Unknown, "")]), ..healthy() };
    assert_complaint(&silent, "trunk office", Verdict::Failure, "does not answer OPTIONS");
    let unasked = View { gateways: Err("no sockets".to_owned()), ..healthy() };
    assert_complaint(&unasked, "trunks", Verdict::Failure, "no sockets");
}

#[test]
fn a_name_without_addresses_matters_as_far_as_nobody_answers_there() {
    for found in [Ok(Vec::new()), Err("no answer in 8 s".to_owned())] {
        let name = Name { trunk: "office".to_owned(), host: "pbx.example.com".to_owned(), found };
        let mut view = View { names: vec![name], ..healthy() };
        assert_complaint(&view, "trunk office", Verdict::Warning, "pbx.example.com has no address");
        view.gateways = Ok(Vec::new());
        assert_complaint(&view, "trunk office", Verdict::Failure, "pbx.example.com has no address");
    }
}

#[test]
fn clocks_buffers_and_limits_that_are_too_small_are_named_with_what_is_needed() {
    let loose = View { is_clock_kept: Some(false), ..healthy() };
    assert_complaint(&loose, "clock", Verdict::Warning, "nothing keeps it right");
    let stopped = View { now: 0, certificates: Vec::new(), ..healthy() };
    assert_complaint(&stopped, "clock", Verdict::Failure, "before this program was made");
    let narrow = View { receive_buffer: Some(212_992), ..healthy() };
    assert_complaint(&narrow, "net.core.rmem_max", Verdict::Warning, "212992 bytes");
    assert!(complaint(&narrow).remedy.contains("sysctl -w net.core.rmem_max=4194304"));
    let few = View { open_files: Some(1_024), ..healthy() };
    assert_complaint(&few, "open files", Verdict::Warning, "1024 are allowed");
    assert!(complaint(&few).remedy.contains("LimitNOFILE=30100"), "25,000 connections, 1,000 to PBXs, 2,000 calls");
}

#[test]
fn codecs_without_their_library_are_named() {
    let spoken = TrunkCodec::ALL.into_iter().filter(|codec| codec.installed().is_none()).collect();
    let built_in = View { spoken, ..healthy() };
    assert_complaint(&built_in, "media.codecs", Verdict::Warning, "no library for G729, speex;");
    assert_complaint(&View { spoken: Vec::new(), ..healthy() }, "media.codecs", Verdict::Failure, "not offered");
}

#[test]
fn an_inner_address_is_told_to_nobody_outside_unawares() {
    let mut view = View { own_address: Some("10.0.0.5".parse().unwrap()), ..healthy() };
    let mut config = Config::default();
    let inner = diagnose(&config, &view);
    let warned: Vec<&str> =
        inner.iter().filter(|found| found.verdict == Verdict::Warning).map(|found| &found.subject[..]).collect();
    assert_eq!(warned, ["media.web_external", "sip.external"]);

    config.media.web_external = Some("203.0.113.4".parse().unwrap());
    assert_eq!(complaint_about(&config, &view).subject, "sip.external");
    view.names[0].found = Ok(vec!["10.0.0.9".parse().unwrap()]);
    assert!(
        diagnose(&config, &view).iter().all(|found| found.verdict == Verdict::Ok),
        "the PBX is in the same network"
    );
    view.names[0].found = Ok(vec!["198.51.100.9".parse().unwrap()]);
    let translated = Config {
        network: relay_server::config::Network { external_ip: Some("203.0.113.4".parse().unwrap()), bind_ip: None },
        ..Config::default()
    };
    assert!(diagnose(&translated, &view).iter().all(|found| found.verdict == Verdict::Ok));
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("switchhook-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program itself: how it left, and what it said.
async fn doctor(config: &str) -> (Option<i32>, Vec<Value>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchhook-relay"));
    command.args(["doctor", "--json", "--config", config]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().expect("the program runs");
    (output.status.code(), serde_json::from_slice(&output.stdout).expect("JSON and nothing else"))
}

fn verdict<'a>(findings: &'a [Value], subject: &str) -> (&'a str, &'a str) {
    let found = findings.iter().find(|finding| finding["subject"] == subject);
    let found = found.unwrap_or_else(|| panic!("nothing of {subject} in {findings:#?}"));
    (found["verdict"].as_str().expect("a text"), found["said"].as_str().expect("a text"))
}

/// The files of a relay with TLS whose certificate ends at `until`.
fn relay_of(folder: &Folder, until: (i32, u8), sip: &str, pbx: &str) -> String {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec!["relay.example.com".to_owned()]).expect("a name");
    params.not_after = rcgen::date_time_ymd(until.0, until.1, 1);
    let certificate = folder.write("cert.pem", &params.self_signed(&key).expect("signed").pem());
    let key = folder.write("key.pem", &key.serialize_pem());
    folder.write(
        "relay.toml",
        &format!(
            "[web]\nlisten = \"127.0.0.1:0\"\ntls_certificate = {certificate:?}\ntls_key = {key:?}\n[media]\n\
             web_listen = \"127.0.0.1:0\"\n[sip]\nlisten = \"{sip}\"\ndomains = [\"* = {pbx}\"]\n"
        ),
    )
}

#[tokio::test]
async fn the_doctor_asks_a_real_pbx_and_reads_real_files() {
    let folder = Folder::new("doctor-well");
    let mut pbx = Pbx::udp("127.0.0.1", Manner::Says(200)).await;
    let config = relay_of(&folder, (2999, 1), "127.0.0.1:0", &pbx.address.to_string());

    let (status, findings) = doctor(&config).await;

    pbx.next("OPTIONS").await;
    assert_eq!(verdict(&findings, "trunk 127.0.0.1"), ("ok", "127.0.0.1 answers OPTIONS"));
    assert_eq!(verdict(&findings, "web.tls_certificate").0, "ok");
    assert_eq!(verdict(&findings, "configuration").0, "ok");
    assert_eq!(status, Some(0), "{findings:#?}");
}

#[tokio::test]
async fn a_taken_port_an_old_certificate_and_an_absent_pbx_are_found_for_real() {
    let folder = Folder::new("doctor-ill");
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let sip = taken.local_addr().expect("bound").to_string();
    let config = relay_of(&folder, (2020, 2), &sip, &nobody.to_string());

    let (status, findings) = doctor(&config).await;

    assert_eq!(status, Some(1));
    let said = verdict(&findings, "sip.listen");
    assert_eq!(said, ("failure", format!("UDP {sip} is taken by another program").as_str()));
    assert_eq!(verdict(&findings, "trunk 127.0.0.1").0, "failure");
    let (verdict, said) = verdict(&findings, "web.tls_certificate");
    assert!(verdict == "failure" && said.contains("expired"), "{said}");
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_the_only_finding() {
    let folder = Folder::new("doctor-torn");
    let config = folder.write("relay.toml", "[web]\nlistn = 1\n");

    let (status, findings) = doctor(&config).await;

    assert_eq!((status, findings.len()), (Some(1), 1));
    assert!(verdict(&findings, "configuration").1.contains("did you mean \"web.listen\"?"));
}
