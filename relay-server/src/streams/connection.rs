//! One connection toward a PBX: made, read, written, ended. Every wait in here has an end.

use super::tls::{self, TlsPeer};
use super::{Shared, Way};
use relay_core::b2bua::{FlowFault, Input};
use relay_core::framing::{Frame, Framer};
use sip_core::Flow;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long the other side may take to read one message.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a message may take from its first byte to its last.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// For the end of TLS and of TCP.
const FAREWELL: Duration = Duration::from_secs(1);
/// The system finds out that the other side is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const BUFFER: usize = 8_192;

/// Connects and stays until the connection ends; why it did.
pub(super) async fn dial(
    way: &Way,
    (flow, remote): (Flow, SocketAddr),
    queue: mpsc::Receiver<Vec<u8>>,
    shared: &Shared,
) -> FlowFault {
    let stream = match timeout(shared.connect_timeout, connect(way, remote)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%error, %remote, "no connection");
            shared.counters.unreachable.add_one();
            return FlowFault::Unreachable;
        }
        Err(_) => {
            shared.counters.unreachable.add_one();
            return FlowFault::TimedOut;
        }
    };
    shared.counters.streams_opened.add_one();
    match &way.tls {
        None => run(stream, flow, queue, shared).await,
        Some(peer) => match handshake(peer, stream, shared).await {
            Ok(stream) => run(stream, flow, queue, shared).await,
            Err(fault) => {
                tracing::warn!(%remote, reason = fault.text(), "no TLS with a PBX");
                shared.counters.tls_failed.add_one();
                fault
            }
        },
    }
}

async fn handshake(
    peer: &TlsPeer,
    stream: TcpStream,
    shared: &Shared,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, FlowFault> {
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::clone(&peer.config));
    let shaking = connector.connect(peer.name.clone(), stream);
    match timeout(shared.connect_timeout, shaking).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(tls::fault(&error, &peer.host)),
        Err(_) => Err(FlowFault::Handshake("no answer in time".to_owned())),
    }
}

async fn connect(way: &Way, remote: SocketAddr) -> io::Result<TcpStream> {
    let socket = if remote.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(from) = way.from.filter(|from| from.is_ipv4() == remote.is_ipv4()) {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    let stream = socket.connect(remote).await?;
    // A port that listens to nobody but connects to itself: Linux does that.
    if stream.local_addr()? == remote {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    settle(&stream);
    Ok(stream)
}

/// SIP messages are short, and nobody should find out by the next call that a connection is dead.
pub(super) fn settle(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keep_alive = TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE / 4);
    for result in [socket.set_tcp_nodelay(true), socket.set_tcp_keepalive(&keep_alive)] {
        if let Err(error) = result {
            tracing::debug!(%error, "a connection's options");
        }
    }
}

/// Reads and writes until one of both ends; why.
pub(super) async fn run<S: AsyncRead + AsyncWrite>(
    stream: S,
    flow: Flow,
    queue: mpsc::Receiver<Vec<u8>>,
    shared: &Shared,
) -> FlowFault {
    let (reader, mut writer) = tokio::io::split(stream);
    let (pong, pongs) = mpsc::channel(1);
    let (activity, active) = tokio::sync::watch::channel(());
    let fault = tokio::select! {
        fault = read(reader, flow, pong, &activity, shared) => fault,
        fault = write(&mut writer, queue, pongs, &activity) => fault,
        () = idle(active, shared.idle_timeout) => {
            tracing::debug!(?flow, "an idle connection is closed");
            FlowFault::Closed
        }
    };
    if timeout(FAREWELL, writer.shutdown()).await.is_err() {
        tracing::debug!(?flow, "a connection did not close in time");
    }
    fault
}

async fn idle(mut active: tokio::sync::watch::Receiver<()>, limit: Duration) {
    while timeout(limit, active.changed()).await.is_ok() {}
}

async fn read<S: AsyncRead>(
    mut reader: ReadHalf<S>,
    flow: Flow,
    pong: mpsc::Sender<()>,
    activity: &tokio::sync::watch::Sender<()>,
    shared: &Shared,
) -> FlowFault {
    let mut framer = Framer::new();
    let mut buffer = vec![0; BUFFER];
    let mut begun = None;
    loop {
        let limit = begun.map(|begun: tokio::time::Instant| begun + MESSAGE_TIMEOUT);
        let length = match next(&mut reader, &mut buffer, limit).await {
            Some(Ok(length)) if length > 0 => length,
            Some(_) => {
                if framer.is_midway() {
                    shared.counters.streams_cut.add_one();
                }
                return FlowFault::Closed;
            }
            None => {
                tracing::info!(?flow, "a PBX does not finish its message");
                shared.counters.streams_slow.add_one();
                return FlowFault::Closed;
            }
        };
        activity.send_replace(());
        framer.push(buffer.get(..length).unwrap_or_default());
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Message(bytes))) => {
                    begun = None;
                    shared.signaling.input(Input::TrunkMessage { flow, bytes }).await;
                }
                // One that waits is enough.
                Ok(Some(Frame::Ping)) => drop(pong.try_send(())),
                Ok(Some(Frame::Pong)) => {}
                Ok(None) => break,
                Err(error) => {
                    tracing::info!(?flow, reason = error.text(), "a connection cannot be read on");
                    shared.counters.streams_broken.add_one();
                    return FlowFault::Closed;
                }
            }
        }
        if framer.is_midway() {
            begun.get_or_insert_with(tokio::time::Instant::now);
        } else {
            begun = None;
        }
    }
}

/// What comes next; none if it comes too late.
async fn next<S: AsyncRead>(
    reader: &mut ReadHalf<S>,
    buffer: &mut [u8],
    limit: Option<tokio::time::Instant>,
) -> Option<io::Result<usize>> {
    match limit {
        Some(limit) => tokio::time::timeout_at(limit, reader.read(buffer)).await.ok(),
        None => Some(reader.read(buffer).await),
    }
}

async fn write<S: AsyncWrite>(
    writer: &mut WriteHalf<S>,
    mut queue: mpsc::Receiver<Vec<u8>>,
    mut pongs: mpsc::Receiver<()>,
    activity: &tokio::sync::watch::Sender<()>,
) -> FlowFault {
    loop {
        let bytes = tokio::select! {
            bytes = queue.recv() => bytes,
            Some(()) = pongs.recv() => Some(b"\r\n".to_vec()),
        };
        // The table has given the connection up.
        let Some(bytes) = bytes else { return FlowFault::Closed };
        let writing = async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        };
        match timeout(WRITE_TIMEOUT, writing).await {
            Ok(Ok(())) => activity.send_replace(()),
            Ok(Err(_)) => return FlowFault::Closed,
            Err(_) => return FlowFault::Congested,
        }
    }
}
