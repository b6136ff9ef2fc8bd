//! What the doctor has seen of a machine, as plain values.

use relay_core::b2bua::GatewayStatus;
use relay_core::media::control::TrunkCodec;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// See the module.
#[derive(Debug)]
pub struct View {
    /// Seconds since 1970, as the system has it.
    pub now: i64,
    /// Whether something keeps the clock right; none where the system does not say.
    pub is_clock_kept: Option<bool>,
    /// Each socket that the settings ask for.
    pub ports: Vec<Port>,
    /// Each file with certificates.
    pub certificates: Vec<Certificate>,
    /// Each host of a trunk that is a name.
    pub names: Vec<Name>,
    /// How each gateway answered OPTIONS, or why none could be asked.
    pub gateways: Result<Vec<GatewayStatus>, String>,
    /// `net.core.rmem_max`.
    pub receive_buffer: Option<u64>,
    /// Files that the process may have open.
    pub open_files: Option<u64>,
    /// The machine's address on the way to the rest of the world.
    pub own_address: Option<IpAddr>,
    /// Of the configured codecs, those that can be spoken.
    pub spoken: Vec<TrunkCodec>,
}

/// A socket, and whether it can be had.
#[derive(Debug)]
pub struct Port {
    /// The key that asks for it.
    pub key: &'static str,
    /// `UDP` or `TCP`.
    pub protocol: &'static str,
    /// Where.
    pub at: SocketAddr,
    /// Why it cannot be had.
    pub fault: Option<io::ErrorKind>,
}

/// A file with certificates.
#[derive(Debug)]
pub struct Certificate {
    /// The key that names it.
    pub key: &'static str,
    /// The file.
    pub path: PathBuf,
    /// When all of them are good, or why they cannot be used.
    pub found: Result<Validity, String>,
}

/// From when to when certificates are good, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The latest beginning.
    pub from: i64,
    /// The earliest end.
    pub until: i64,
}

/// What the DNS says of a host.
#[derive(Debug)]
pub struct Name {
    /// The trunk that has it.
    pub trunk: String,
    /// The host as configured.
    pub host: String,
    /// Its addresses; none where it has none.
    pub found: Result<Vec<IpAddr>, String>,
}
