//! RTP that came before there was anybody to hear it.
//!
//! A phone speaks in the moment it answers. Its first packets are often here before its 200 has been read (RFC 3264 §5.1
//! asks an offerer to be ready for that), and often before the browser's ICE and DTLS are done. They wait, a few and not
//! for long, and are played once both are there, if the description names their source. A browser hears them a little
//! faster than they were spoken, and nobody's first word is cut.

use core::net::SocketAddr;
use sip_core::{Duration, Instant};
use std::collections::VecDeque;

/// A fifth of a second in packets of 20 ms.
const MAX_PACKETS: usize = 10;
/// Sound older than this is no beginning of anything.
const MAX_AGE: Duration = Duration::from_millis(200);
/// No sound that we can play is longer.
const MAX_LENGTH: usize = 1_500;

/// The packets that wait.
#[derive(Debug, Default)]
pub(super) struct EarlyRtp {
    packets: VecDeque<Early>,
}

#[derive(Debug)]
struct Early {
    source: SocketAddr,
    at: Instant,
    bytes: Box<[u8]>,
}

impl EarlyRtp {
    /// Keeps a packet; false where one, this or an older one, is lost by it.
    pub(super) fn keep(&mut self, source: SocketAddr, bytes: &[u8], now: Instant) -> bool {
        if bytes.len() > MAX_LENGTH {
            return false;
        }
        let is_full = self.packets.len() == MAX_PACKETS;
        if is_full {
            self.packets.pop_front();
        }
        self.packets.push_back(Early { source, at: now, bytes: bytes.into() });
        !is_full
    }

    /// The packets of `source` that are young enough, in the order they came; and how many are thrown away.
    pub(super) fn claim(self, source: SocketAddr, now: Instant) -> (Vec<Box<[u8]>>, usize) {
        let kept = self.packets.len();
        let claimed = self.packets.into_iter().filter(|early| early.source == source && now.since(early.at) <= MAX_AGE);
        let claimed: Vec<_> = claimed.map(|early| early.bytes).collect();
        let lost = kept - claimed.len();
        (claimed, lost)
    }
}
