//! What stands around a relay in these tests: PBXs on UDP, TCP and TLS, a DNS server, and authorities that sign
//! certificates. All on loopback, on ports that the system chooses.

#![allow(dead_code, reason = "each test file uses its part")]

use hickory_resolver::proto::op::{Message as DnsMessage, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, NAPTR, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use relay_core::framing::{Frame, Framer};
use rustls::pki_types::PrivateKeyDer;
use sip_core::message::{HeaderName, Message, Request, StatusCode};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How a PBX answers an INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// With this status.
    Says(u16),
    /// Not at all.
    Silent,
    /// By closing the connection.
    HangsUp,
}

/// A PBX that answers and tells what it got.
pub(crate) struct Pbx {
    pub(crate) address: SocketAddr,
    /// Which connection (0 for datagrams) and what came.
    requests: mpsc::UnboundedReceiver<(usize, Request)>,
    task: JoinHandle<()>,
}

impl Drop for Pbx {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Pbx {
    /// The next request of a method, and the number of its connection.
    pub(crate) async fn next(&mut self, method: &str) -> (usize, Request) {
        let reading = async {
            loop {
                let (connection, request) = self.requests.recv().await.expect("the PBX runs");
                if request.method.as_str() == method {
                    return (connection, request);
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("no {method}"))
    }

    pub(crate) async fn udp(ip: &str, manner: Manner) -> Self {
        let socket = UdpSocket::bind((ip.parse::<IpAddr>().expect("an address"), 0)).await.expect("a port");
        let (seen, requests) = mpsc::unbounded_channel();
        let address = socket.local_addr().expect("bound");
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 65_536];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let Ok(Message::Request(request)) = Message::parse(&buffer[..length]) else { continue };
                for answer in answers(&request, manner) {
                    socket.send_to(&answer, from).await.expect("sent");
                }
                let _ = seen.send((0, request));
            }
        });
        Self { address, requests, task }
    }

    pub(crate) async fn tcp(manner: Manner) -> Self {
        Self::stream(manner, None, "127.0.0.1:0").await
    }

    /// The same on a given port.
    pub(crate) async fn tcp_at(address: SocketAddr, manner: Manner) -> Self {
        Self::stream(manner, None, &address.to_string()).await
    }

    pub(crate) async fn tls(manner: Manner, papers: &Papers, clients: Option<&Authority>) -> Self {
        Self::stream(manner, Some(papers.acceptor(clients)), "127.0.0.1:0").await
    }

    async fn stream(manner: Manner, tls: Option<tokio_rustls::TlsAcceptor>, at: &str) -> Self {
        let listener = TcpListener::bind(at).await.expect("a port");
        let (seen, requests) = mpsc::unbounded_channel();
        let address = listener.local_addr().expect("bound");
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            for number in 1.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (seen, tls) = (seen.clone(), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => serve(stream, manner, number, seen).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, manner, number, seen).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, requests, task }
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    manner: Manner,
    number: usize,
    seen: mpsc::UnboundedSender<(usize, Request)>,
) {
    let mut framer = Framer::new();
    let mut buffer = [0; 4_096];
    while let Ok(length) = stream.read(&mut buffer).await {
        if length == 0 {
            return;
        }
        framer.push(&buffer[..length]);
        while let Some(frame) = framer.next_frame().expect("SIP") {
            let Frame::Message(bytes) = frame else { continue };
            let Ok(Message::Request(request)) = Message::parse(&bytes) else { continue };
            let is_invite = request.method.as_str() == "INVITE";
            for answer in answers(&request, manner) {
                if stream.write_all(&answer).await.is_err() {
                    return;
                }
            }
            let _ = seen.send((number, request));
            if manner == Manner::HangsUp && is_invite {
                return;
            }
        }
    }
}

const ANSWER: &str = "v=0\r\no=- 17 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 12000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n";

fn answers(request: &Request, manner: Manner) -> Vec<Vec<u8>> {
    let reply = |status: u16| request.reply(StatusCode::new(status).expect("a status"), Some("pbx"));
    match (request.method.as_str(), manner) {
        ("ACK", _) | ("INVITE", Manner::Silent | Manner::HangsUp) | ("OPTIONS", Manner::Silent) => Vec::new(),
        ("INVITE", Manner::Says(200)) => {
            let mut ok = reply(200);
            ok.headers.push(HeaderName::Contact, "<sip:pbx@pbx.test>");
            ok.set_body("application/sdp", ANSWER);
            vec![reply(100).write(), ok.write()]
        }
        ("INVITE", Manner::Says(status)) => vec![reply(100).write(), reply(status).write()],
        _ => vec![reply(200).write()],
    }
}

/// A DNS server with a table.
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) type Zone = BTreeMap<(String, RecordType), Vec<RData>>;

impl Dns {
    pub(crate) async fn serve(rows: &[(&str, RData)]) -> Self {
        let mut zone = Zone::new();
        for (name, data) in rows {
            zone.entry((format!("{name}."), data.record_type())).or_default().push(data.clone());
        }
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("bound");
        let task = tokio::spawn(async move {
            let mut buffer = [0; 4_096];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                if let Some(answer) = dns_answer(&zone, &buffer[..length]) {
                    socket.send_to(&answer, from).await.expect("sent");
                }
            }
        });
        Self { address, task }
    }
}

fn dns_answer(zone: &Zone, bytes: &[u8]) -> Option<Vec<u8>> {
    let query = DnsMessage::from_vec(bytes).ok()?;
    let question = query.queries.first()?.clone();
    let mut answer = query.into_response();
    let mut name = question.name().clone();
    // CNAMEs are followed here, as a resolver's upstream does; a circle is left to whoever asked.
    for _ in 0..4 {
        let here = name.to_ascii().to_ascii_lowercase();
        if let Some(found) = zone.get(&(here.clone(), question.query_type())) {
            answer.add_answers(found.iter().map(|data| Record::from_rdata(name.clone(), 30, data.clone())));
            break;
        }
        let Some(RData::CNAME(next)) = zone.get(&(here, RecordType::CNAME)).and_then(|found| found.first()) else {
            break;
        };
        answer.add_answer(Record::from_rdata(name.clone(), 30, RData::CNAME(next.clone())));
        name = next.0.clone();
    }
    if answer.answers.is_empty() {
        answer.metadata.response_code = ResponseCode::NXDomain;
    }
    answer.to_vec().ok()
}

fn name(text: &str) -> Name {
    Name::from_utf8(format!("{text}.")).expect("a name")
}

pub(crate) fn a(ip: &str) -> RData {
    match ip.parse().expect("an address") {
        IpAddr::V4(ip) => RData::A(A(ip)),
        IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
    }
}

pub(crate) fn cname(target: &str) -> RData {
    RData::CNAME(CNAME(name(target)))
}

pub(crate) fn srv(priority: u16, port: u16, target: &str) -> RData {
    RData::SRV(SRV::new(priority, 1, port, name(target)))
}

pub(crate) fn naptr(order: u16, service: &str, regexp: &str, replacement: &str) -> RData {
    let bytes = |text: &str| text.as_bytes().to_vec().into_boxed_slice();
    RData::NAPTR(NAPTR::new(order, 0, bytes("s"), bytes(service), bytes(regexp), name(replacement)))
}

/// Somebody who signs certificates, and a folder for them.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A certificate with its key, as files and as values.
pub(crate) struct Papers {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    chain: rustls::pki_types::CertificateDer<'static>,
    secret: Vec<u8>,
}

impl Authority {
    pub(crate) fn new(label: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("switchhook-{}-{label}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary directory");
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, format!("{label} authority"));
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate");
        std::fs::write(folder.join("ca.pem"), issuer.pem()).expect("written");
        Self { issuer, folder }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    pub(crate) fn signs(&self, label: &str, names: Vec<SanType>) -> Papers {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("parameters");
        params.subject_alt_names = names;
        let pair = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&pair, &self.issuer).expect("signed");
        let papers = Papers {
            certificate: self.folder.join(format!("{label}.pem")),
            key: self.folder.join(format!("{label}.key")),
            chain: certificate.der().clone(),
            secret: pair.serialize_der(),
        };
        std::fs::write(&papers.certificate, certificate.pem()).expect("written");
        std::fs::write(&papers.key, pair.serialize_pem()).expect("written");
        papers
    }
}

pub(crate) fn dns_name(text: &str) -> SanType {
    SanType::DnsName(text.try_into().expect("a name"))
}

pub(crate) fn uri_name(text: &str) -> SanType {
    SanType::URI(text.try_into().expect("a URI"))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

impl Papers {
    fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.secret.clone().into())
    }

    pub(crate) fn acceptor(&self, clients: Option<&Authority>) -> tokio_rustls::TlsAcceptor {
        let builder = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("versions");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(authority.issuer.der().clone()).expect("a root");
                let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
                builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        Arc::new(builder.with_single_cert(vec![self.chain.clone()], self.key_der()).expect("a key")).into()
    }
}

/// TLS as a PBX that trusts this authority and shows these papers.
pub(crate) fn connector(authority: &Authority, own: Option<&Papers>) -> tokio_rustls::TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.issuer.der().clone()).expect("a root");
    let builder = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => builder.with_client_auth_cert(vec![own.chain.clone()], own.key_der()).expect("a key"),
    };
    Arc::new(config).into()
}
