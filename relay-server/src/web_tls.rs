//! HTTPS and WSS: a certificate that may change while the relay runs, and the handshake as a part of the first read.
//!
//! The handshake is done where the connection is used, so that a slow one keeps nobody else waiting; it has a time.

use crate::counters::Counters;
use crate::streams::tls::{Identity, TlsError};
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the files are looked at.
const WATCH: Duration = Duration::from_secs(2);

/// TLS for browsers.
#[derive(Clone)]
pub(crate) struct WebTls {
    acceptor: TlsAcceptor,
    counters: Arc<Counters>,
}

impl std::fmt::Debug for WebTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebTls")
    }
}

impl WebTls {
    /// With this certificate, and the next that is in its files.
    pub(crate) fn new(identity: Identity, counters: Arc<Counters>) -> Result<Self, TlsError> {
        let key = RwLock::new(Arc::new(identity.certified()?));
        let current = Arc::new(Current { seen: modified(&identity), identity, key });
        tokio::spawn(watch(Arc::downgrade(&current), Arc::clone(&counters)));
        let mut config = ServerConfig::builder_with_provider(crate::streams::tls::provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(current);
        // WebSockets are upgraded from HTTP/1.1 (RFC 6455).
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: Arc::new(config).into(), counters })
    }

    pub(crate) fn accept(&self, stream: TcpStream) -> Secured {
        let state = State::Shaking(Box::new(self.acceptor.accept(stream)));
        let deadline = Box::pin(tokio::time::sleep(PATIENCE));
        Secured { state, deadline, counters: Arc::clone(&self.counters) }
    }
}

/// The certificate that is shown now.
#[derive(Debug)]
struct Current {
    identity: Identity,
    /// As the files were when the relay started.
    seen: Modified,
    key: RwLock<Arc<CertifiedKey>>,
}

type Modified = [Option<SystemTime>; 2];

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.key.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn modified(identity: &Identity) -> Modified {
    let of = |path: &Path| std::fs::metadata(path).and_then(|data| data.modified()).ok();
    [of(&identity.certificate), of(&identity.key)]
}

/// As long as somebody shows the certificate. Files that do not belong together are read again when they change again.
async fn watch(current: Weak<Current>, counters: Arc<Counters>) {
    let mut seen = current.upgrade().map(|current| current.seen);
    loop {
        tokio::time::sleep(WATCH).await;
        let Some(current) = current.upgrade() else { return };
        let now = modified(&current.identity);
        if seen.replace(now) == Some(now) {
            continue;
        }
        match current.identity.certified() {
            Ok(key) => {
                *current.key.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                tracing::info!("web.tls_certificate has changed and is shown from now on");
            }
            Err(error) => {
                tracing::error!(%error, "web.tls_certificate has changed, and the old one is still shown");
                counters.certificates_refused.add_one();
            }
        }
    }
}

/// A connection with TLS, or on its way there.
pub(crate) struct Secured {
    state: State,
    deadline: Pin<Box<tokio::time::Sleep>>,
    counters: Arc<Counters>,
}

enum State {
    Shaking(Box<Accept<TcpStream>>),
    Open(Box<TlsStream<TcpStream>>),
    Failed,
}

impl std::fmt::Debug for Secured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secured")
    }
}

impl Secured {
    /// The connection underneath, where TLS is done with it.
    pub(crate) fn into_tcp(self) -> Option<TcpStream> {
        match self.state {
            State::Open(stream) => Some(stream.into_inner().0),
            State::Shaking(_) | State::Failed => None,
        }
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut TlsStream<TcpStream>>>> {
        if let State::Shaking(accept) = &mut self.state {
            let shaken = match Pin::new(accept).poll(cx) {
                Poll::Ready(shaken) => shaken,
                Poll::Pending => {
                    ready!(self.deadline.as_mut().poll(cx));
                    Err(io::ErrorKind::TimedOut.into())
                }
            };
            self.state = match shaken {
                Ok(stream) => State::Open(Box::new(stream)),
                Err(error) => {
                    tracing::debug!(%error, "no TLS with a browser");
                    self.counters.web_tls_failed.add_one();
                    State::Failed
                }
            };
        }
        match &mut self.state {
            State::Open(stream) => Poll::Ready(Ok(Pin::new(stream.as_mut()))),
            State::Shaking(_) | State::Failed => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
        }
    }
}

impl AsyncRead for Secured {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx))?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.state {
            State::Open(_) => ready!(self.poll_open(cx))?.poll_shutdown(cx),
            State::Shaking(_) | State::Failed => Poll::Ready(Ok(())),
        }
    }
}
