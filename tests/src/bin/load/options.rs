//! The flags.

use crate::Fallible;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What a run is.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) server: Server,
    /// Whose CPU time and memory are counted.
    pub(crate) pid: u32,
    pub(crate) web: Codec,
    pub(crate) trunk: Codec,
    pub(crate) calls: usize,
    pub(crate) seconds: usize,
    /// A folder with speech-8000.wav, speech-16000.wav and speech-48000.wav.
    pub(crate) speech: PathBuf,
    /// Packets toward the server that get lost, on both legs; the calls take turns with these.
    pub(crate) losses: Vec<Loss>,
    /// Browsers send what a full-band call would, whatever the answer asks for.
    pub(crate) full_band: bool,
    /// Asked of rtpengine instead of the 10 that it takes by itself.
    pub(crate) complexity: Option<u8>,
    /// Where the sound of all calls is written.
    pub(crate) record: Option<PathBuf>,
}

/// Who is measured.
#[derive(Clone, Debug)]
pub(crate) enum Server {
    /// Our relay: its WebSocket, and the SIP address of the phone that it takes for its PBX.
    Relay { websocket: SocketAddr, phone: SocketAddr },
    /// rtpengine's ng port.
    Rtpengine { ng: SocketAddr },
}

/// A codec on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Opus,
    Pcmu,
    Pcma,
    G722,
    G729,
}

/// Lost packets: how many, and how many in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    pub(crate) percent: f64,
    /// The mean length of a loss.
    pub(crate) burst: f64,
}

const HELP: &str = "load --pid PID (--relay HOST:PORT --phone HOST:PORT | --rtpengine HOST:PORT) --speech FOLDER \
    [--web opus] [--trunk PCMU] [--calls 20] [--seconds 10] [--losses PERCENT:BURST,…] [--full-band] [--complexity N] \
    [--record FOLDER]";

pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Fallible<Options> {
    let (mut websocket, mut phone, mut ng, mut pid, mut speech) = (None, None, None, None, None);
    let (mut web, mut trunk, mut calls, mut seconds) = (Codec::Opus, Codec::Pcmu, 20, 10);
    let (mut losses, mut full_band) = (vec![Loss { percent: 0.0, burst: 1.0 }], false);
    let (mut complexity, mut record) = (None, None);
    while let Some(flag) = arguments.next() {
        if flag == "--full-band" {
            full_band = true;
            continue;
        }
        let value = arguments.next().ok_or(HELP)?;
        match flag.as_str() {
            "--relay" => websocket = Some(value.parse()?),
            "--phone" => phone = Some(value.parse()?),
            "--rtpengine" => ng = Some(value.parse()?),
            "--pid" => pid = Some(value.parse()?),
            "--speech" => speech = Some(PathBuf::from(value)),
            "--web" => web = Codec::named(&value)?,
            "--trunk" => trunk = Codec::named(&value)?,
            "--calls" => calls = value.parse()?,
            "--seconds" => seconds = value.parse()?,
            "--losses" => losses = value.split(',').map(Loss::parse).collect::<Fallible<_>>()?,
            "--complexity" => complexity = Some(value.parse()?),
            "--record" => record = Some(PathBuf::from(value)),
            _ => return Err(HELP.into()),
        }
    }
    let server = match (websocket, phone, ng) {
        (Some(websocket), Some(phone), None) => Server::Relay { websocket, phone },
        (None, None, Some(ng)) => Server::Rtpengine { ng },
        _ => return Err(HELP.into()),
    };
    let (pid, speech) = (pid.ok_or(HELP)?, speech.ok_or(HELP)?);
    Ok(Options { server, pid, web, trunk, calls, seconds, speech, losses, full_band, complexity, record })
}

impl Loss {
    fn parse(text: &str) -> Fallible<Self> {
        let (percent, burst) = text.split_once(':').ok_or("a loss is PERCENT:BURST")?;
        Ok(Self { percent: percent.parse()?, burst: burst.parse()? })
    }
}

impl Codec {
    fn named(name: &str) -> Fallible<Self> {
        let all = [Self::Opus, Self::Pcmu, Self::Pcma, Self::G722, Self::G729];
        let found = all.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| format!("{name} is no codec that the generator speaks").into())
    }

    /// As SDP calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::G729 => "G729",
        }
    }

    /// The payload type in descriptions of ours.
    pub(crate) const fn payload_type(self) -> u8 {
        match self {
            Self::Opus => 111,
            Self::Pcmu => 0,
            Self::Pcma => 8,
            Self::G722 => 9,
            Self::G729 => 18,
        }
    }

    /// Of the RTP time stamps.
    pub(crate) const fn clock(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::Pcmu | Self::Pcma | Self::G722 | Self::G729 => 8_000,
        }
    }

    /// Time stamp units in a packet of 20 ms.
    pub(crate) const fn step(self) -> u32 {
        self.clock() / 50
    }
}
