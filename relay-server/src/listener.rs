//! Accepts TCP connections for axum: at most so many at once, without Nagle's delay, and with a close that lets the
//! other side read our last words.
//!
//! Closing a socket with unread bytes in it makes the system send RST, which discards what the peer has not read yet:
//! our WebSocket Close frame with its code and reason. A connection that is marked to linger is therefore read dry for
//! a moment after it was shut down (as HTTP servers do, RFC 9112 §9.6).

use crate::config::Limits;
use crate::counters::Counters;
use crate::seats::{Seat, Seats};
use crate::web_tls::{Secured, WebTls};
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 4 << 20;
/// After the process ran out of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// See the module.
#[derive(Debug)]
pub(crate) struct WebListener {
    listener: TcpListener,
    room: Arc<Semaphore>,
    seats: Seats,
    tls: Option<WebTls>,
    counters: Arc<Counters>,
}

impl WebListener {
    pub(crate) fn new(listener: TcpListener, limits: &Limits, tls: Option<WebTls>, counters: Arc<Counters>) -> Self {
        let room = Arc::new(Semaphore::new(limits.connections));
        Self { listener, room, seats: Seats::new(limits.connections_per_address), tls, counters }
    }

    /// The next whose address has a seat left; others are closed.
    async fn accept_seated(&self) -> (TcpStream, SocketAddr, Seat) {
        loop {
            let (stream, address) = self.accept_tcp().await;
            if let Some(seat) = self.seats.take(address.ip()) {
                return (stream, address, seat);
            }
            self.counters.connections_refused.add_one();
            tracing::debug!(%address, "an address has too many connections");
        }
    }

    async fn accept_tcp(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}

impl Listener for WebListener {
    type Io = WebStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (WebStream, SocketAddr) {
        let permit = Arc::clone(&self.room).acquire_owned().await.ok();
        let (stream, address, seat) = self.accept_seated().await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let linger = Linger::default();
        let stream = match &self.tls {
            Some(tls) => Io::Tls(tls.accept(stream)),
            None => Io::Plain(stream),
        };
        (WebStream { stream: Some(stream), linger, permit, _seat: seat }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Whether a connection's close is to be read by the other side for sure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Linger(Arc<AtomicBool>);

impl Linger {
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Who is at the other end of a request's connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) linger: Linger,
    /// Whether it came over TLS.
    pub(crate) secure: bool,
}

impl Connected<IncomingStream<'_, WebListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, WebListener>) -> Self {
        let secure = matches!(stream.io().stream, Some(Io::Tls(_)));
        Self { address: *stream.remote_addr(), linger: stream.io().linger.clone(), secure }
    }
}

/// A TCP connection that gives back its place when it is over.
#[derive(Debug)]
pub(crate) struct WebStream {
    /// None only while it is dropped.
    stream: Option<Io>,
    linger: Linger,
    permit: Option<OwnedSemaphorePermit>,
    _seat: Seat,
}

/// With or without TLS.
#[derive(Debug)]
enum Io {
    Plain(TcpStream),
    Tls(Secured),
}

/// Either, pinned; both may be moved.
trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl WebStream {
    fn inner(&mut self) -> io::Result<Pin<&mut dyn Duplex>> {
        match &mut self.stream {
            Some(Io::Plain(stream)) => Ok(Pin::new(stream)),
            Some(Io::Tls(stream)) => Ok(Pin::new(stream)),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl AsyncRead for WebStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.inner()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for WebStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.inner()?.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.inner()?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        matches!(self.stream, Some(Io::Plain(_)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner()?.poll_shutdown(cx)
    }
}

impl Drop for WebStream {
    fn drop(&mut self) {
        let (Some(stream), permit) = (self.stream.take(), self.permit.take()) else {
            return;
        };
        let stream = match stream {
            Io::Plain(stream) => Some(stream),
            Io::Tls(secured) => secured.into_tcp(),
        };
        let is_asked = self.linger.0.load(Ordering::Relaxed);
        if let (true, Some(stream), Ok(runtime)) = (is_asked, stream, tokio::runtime::Handle::try_current()) {
            runtime.spawn(read_dry(stream, permit));
        }
    }
}

async fn read_dry(mut stream: TcpStream, _permit: Option<OwnedSemaphorePermit>) {
    let reading = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await
    };
    if let Ok(Err(error)) = tokio::time::timeout(LINGER, reading).await {
        tracing::trace!(%error, "a connection that was read dry");
    }
}
