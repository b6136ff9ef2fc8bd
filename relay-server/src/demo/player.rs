//! Drives one player of the demo exchange: a task with an RTP socket and a timer.

use crate::clock::Clock;
use relay_core::exchange::player::{Application, Player, PlayerOutput, Remote};
use sip_core::Instant;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket as StdSocket};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

/// The longest packet on an Ethernet.
const DATAGRAM: usize = 1_500;
/// Orders that may wait: a call gives a few in its life.
const MAX_ORDERS: usize = 16;
/// Pairs of ports to try.
const ATTEMPTS: usize = 32;

/// What signalling tells a player.
#[derive(Debug)]
pub(super) enum Order {
    Retarget(Remote),
    Play(Application),
}

/// A running player; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Handle(mpsc::Sender<Order>);

impl Handle {
    /// Binds a pair of ports on `ip` and starts the task.
    pub(super) fn open(
        ip: IpAddr,
        application: Application,
        seed: u64,
        clock: Clock,
    ) -> io::Result<(Self, SocketAddr)> {
        let (rtp, rtcp) = bind_pair(ip)?;
        let address = rtp.local_addr()?;
        rtp.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(rtp)?;
        let (orders, queue) = mpsc::channel(MAX_ORDERS);
        tokio::spawn(async move {
            run(socket, Player::new(application, seed), queue, clock).await;
            // Bound for as long, so that reports about this call reach no other.
            drop(rtcp);
        });
        Ok((Self(orders), address))
    }

    pub(super) fn order(&self, order: Order) {
        if let Err(error) = self.0.try_send(order) {
            tracing::debug!(%error, "a player does not listen");
        }
    }
}

/// RTP on an even port and RTCP on the next (RFC 3550 §11).
fn bind_pair(ip: IpAddr) -> io::Result<(StdSocket, StdSocket)> {
    let mut unfit = Vec::new();
    for _ in 0..ATTEMPTS {
        let rtp = StdSocket::bind((ip, 0))?;
        let port = rtp.local_addr()?.port();
        match port.checked_add(1).filter(|_| port.is_multiple_of(2)).map(|next| StdSocket::bind((ip, next))) {
            Some(Ok(rtcp)) => return Ok((rtp, rtcp)),
            // Kept until a pair is found, or the system would offer it again.
            _ => unfit.push(rtp),
        }
    }
    Err(io::Error::other("no pair of UDP ports is free"))
}

async fn run(socket: UdpSocket, mut player: Player, mut orders: mpsc::Receiver<Order>, clock: Clock) {
    let mut deadline = None;
    let mut buffer = [0; DATAGRAM];
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Retarget(remote)) => player.retarget(remote, clock.now()),
                Some(Order::Play(application)) => player.play(application, clock.now()),
                None => return,
            },
            received = socket.recv_from(&mut buffer) => {
                if let Ok((length, from)) = received {
                    player.handle_datagram(from, buffer.get(..length).unwrap_or_default());
                }
            }
            () = clock.sleep_until(deadline) => player.handle_timeout(clock.now()),
        }
        deadline = drain(&socket, &mut player);
    }
}

fn drain(socket: &UdpSocket, player: &mut Player) -> Option<Instant> {
    loop {
        match player.poll_output() {
            PlayerOutput::Transmit { to, bytes } => {
                if let Err(error) = socket2::SockRef::from(socket).send_to(&bytes, &to.into()) {
                    tracing::trace!(%error, "RTP of the exchange");
                }
            }
            PlayerOutput::Timeout(at) => return at,
        }
    }
}
