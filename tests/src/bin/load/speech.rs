//! What browsers and phones say: real speech, encoded beforehand, so that the generator's own cost is small.

use crate::Fallible;
use crate::options::Codec;
use relay_core::codec::{
    Decoder, Encoder, G711Decoder, G711Encoder, G722Decoder, G722Encoder, InstalledCodec, InstalledCodecs, OpusDecoder,
    Rate,
};
use relay_core::media::control::{G711Law, TrunkCodec};
use relay_server::codecs::Installed;
use std::path::Path;

/// Packets in a second.
pub(crate) const RATE: usize = 50;
/// Samples at 8 kHz in a packet.
pub(crate) const NARROW_FRAME: usize = 160;

/// The same speech at three rates.
pub(crate) struct Speech {
    pub(crate) narrow: Vec<i16>,
    wide: Vec<i16>,
    full: Vec<i16>,
}

/// How a browser encodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// What the answer's `maxplaybackrate` asks for; Chromium honours it.
    pub(crate) max_rate: Option<u32>,
    /// What its receiver reports tell it, in per cent.
    pub(crate) loss: f64,
}

impl Speech {
    pub(crate) fn load(folder: &Path) -> Fallible<Self> {
        let read = |rate: usize| samples(&folder.join(format!("speech-{rate}.wav")));
        let mut speech = Self { narrow: read(8_000)?, wide: read(16_000)?, full: read(48_000)? };
        let frames = speech.narrow.len() / NARROW_FRAME;
        speech.narrow.truncate(frames * NARROW_FRAME);
        speech.wide.resize(frames * 320, 0);
        speech.full.resize(frames * 960, 0);
        Ok(speech)
    }

    /// Packets until it begins again.
    pub(crate) fn frames(&self) -> usize {
        self.narrow.len() / NARROW_FRAME
    }

    /// One payload for each 20 ms.
    pub(crate) fn encode(&self, codec: Codec, shape: Shape) -> Fallible<Vec<Vec<u8>>> {
        if codec == Codec::Opus {
            return self.encode_opus(shape);
        }
        let (mut encoder, samples): (Box<dyn Encoder>, _) = match codec {
            Codec::Pcma => (Box::new(G711Encoder::new(G711Law::A)), &self.narrow),
            Codec::G722 => (Box::new(G722Encoder::new(Rate::Wide)), &self.wide),
            Codec::G729 => (g729()?.encoder(InstalledCodec::G729)?, &self.narrow),
            Codec::Pcmu | Codec::Opus => (Box::new(G711Encoder::new(G711Law::Mu)), &self.narrow),
        };
        let mut payload = [0; 1_000];
        let frames = samples.chunks_exact(samples.len() / self.frames());
        let mut encode =
            |frame: &[i16]| Ok(encoder.encode(frame, &mut payload).map(|length| payload[..length].to_vec())?);
        frames.map(&mut encode).collect()
    }

    /// As Chromium on a desktop: complexity 9, in-band FEC, 32 kbit/s unless the answer asks for less.
    fn encode_opus(&self, shape: Shape) -> Fallible<Vec<Vec<u8>>> {
        let mut encoder = opus::Encoder::new(48_000, opus::Channels::Mono, opus::Application::Voip)?;
        encoder.set_complexity(9)?;
        encoder.set_inband_fec(true)?;
        encoder.set_packet_loss_perc(shape.loss.round() as i32)?;
        let (bandwidth, bitrate) = match shape.max_rate {
            Some(..=8_000) => (opus::Bandwidth::Narrowband, 24_000),
            Some(..=16_000) => (opus::Bandwidth::Wideband, 32_000),
            _ => (opus::Bandwidth::Fullband, 32_000),
        };
        encoder.set_max_bandwidth(bandwidth)?;
        encoder.set_bitrate(opus::Bitrate::Bits(bitrate))?;
        let mut payload = [0; 1_500];
        let frames = self.full.chunks_exact(960);
        let mut encode =
            |frame: &[i16]| Ok(encoder.encode(frame, &mut payload).map(|length| payload[..length].to_vec())?);
        frames.map(&mut encode).collect()
    }
}

/// What the receiver of `codec` hears, at 8 kHz; it conceals like a decent phone or browser.
pub(crate) fn decoder(codec: Codec) -> Fallible<Box<dyn Decoder>> {
    Ok(match codec {
        Codec::Opus => Box::new(OpusDecoder::new(Rate::Narrow)?),
        Codec::Pcmu => Box::new(G711Decoder::new(G711Law::Mu)),
        Codec::Pcma => Box::new(G711Decoder::new(G711Law::A)),
        Codec::G722 => Box::new(G722Decoder::new(Rate::Narrow)),
        Codec::G729 => g729()?.decoder(InstalledCodec::G729)?,
    })
}

fn g729() -> Fallible<Installed> {
    let installed = Installed::load(&[TrunkCodec::G729]);
    if installed.has(InstalledCodec::G729) { Ok(installed) } else { Err("libbcg729 is not installed".into()) }
}

/// The samples of a WAV file, 16 bits, mono.
fn samples(file: &Path) -> Fallible<Vec<i16>> {
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let at = bytes.windows(4).position(|window| window == b"data").ok_or("a WAV file without samples")?;
    let data = bytes.get(at + 8..).unwrap_or_default();
    Ok(data.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
}

/// Writes such a file, at 8 kHz.
pub(crate) fn write(file: &Path, samples: &[i16]) -> Fallible<()> {
    let length = (samples.len() * 2) as u32;
    let mut bytes = Vec::with_capacity(44 + samples.len() * 2);
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + length).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend_from_slice(&8_000_u32.to_le_bytes());
    bytes.extend_from_slice(&16_000_u32.to_le_bytes());
    bytes.extend_from_slice(b"\x02\0\x10\0data");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    Ok(std::fs::write(file, bytes)?)
}
