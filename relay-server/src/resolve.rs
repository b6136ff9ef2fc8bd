//! Names of PBXs to addresses, by the system's resolver (A and AAAA). Not here yet: NAPTR and SRV (RFC 3263).

use crate::counters::Counters;
use crate::signaling::Signaling;
use relay_core::b2bua::Input;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

const TIMEOUT: Duration = Duration::from_secs(5);
/// The system's resolver takes a thread for each.
const MAX_LOOKUPS: usize = 32;

/// Looks names up beside the signalling task.
#[derive(Debug)]
pub(crate) struct Lookups {
    /// Addresses of its family are of use.
    local: SocketAddr,
    room: Arc<Semaphore>,
    counters: Arc<Counters>,
}

impl Lookups {
    pub(crate) fn new(local: SocketAddr, counters: Arc<Counters>) -> Self {
        Self { local, room: Arc::new(Semaphore::new(MAX_LOOKUPS)), counters }
    }

    /// Answers with [`Input::Resolved`], later.
    pub(crate) fn start(&self, query: u64, host: String, port: u16, signaling: Signaling) {
        let permit = Arc::clone(&self.room).try_acquire_owned();
        if permit.is_err() {
            self.counters.lookups_refused.add_one();
        }
        let local = self.local;
        tokio::spawn(async move {
            let result = match permit {
                Ok(_permit) => lookup(&host, port, local).await,
                Err(_) => Err("too many look-ups are under way".to_owned()),
            };
            tracing::debug!(host, ?result, "looked up");
            signaling.input(Input::Resolved { query, result }).await;
        });
    }
}

/// Addresses that a socket bound to `local` can send to, best first.
pub(crate) async fn lookup(host: &str, port: u16, local: SocketAddr) -> Result<Vec<SocketAddr>, String> {
    let found = tokio::time::timeout(TIMEOUT, tokio::net::lookup_host((host, port)));
    let found = found.await.map_err(|_| format!("no answer in {} s", TIMEOUT.as_secs()))?;
    let found = found.map_err(|error| error.to_string())?;
    let usable: Vec<SocketAddr> = found.filter(|address| address.is_ipv4() == local.is_ipv4()).collect();
    if usable.is_empty() { Err("no address of the SIP socket's family".to_owned()) } else { Ok(usable) }
}
