//! What our Opus encoder costs and gives at each complexity: the table that the default is chosen by.

use crate::Fallible;
use crate::options::Codec;
use crate::speech::{self, Shape, Speech};
use relay_core::codec::{Decoder, Encoder, G711Decoder, G722Decoder, OpusDecoder, OpusEncoder, OpusSettings, Rate};
use relay_core::media::control::G711Law;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;

/// Writes what was said and what is heard of it, as pairs of files, and tells their names and costs.
pub(crate) fn table(speech: &Path, folder: &Path) -> Fallible<Value> {
    let speech = Speech::load(speech)?;
    let said = folder.join("said.wav");
    speech::write(&said, &speech.narrow)?;
    let mut rows = Vec::new();
    for rate in [Rate::Narrow, Rate::Wide] {
        for complexity in 0..=10 {
            let (heard, micros, octets) = through(&through_pbx(&speech, rate)?, rate, complexity)?;
            let file = folder.join(format!("{}-{complexity}.wav", rate.hz()));
            speech::write(&file, &heard)?;
            let bitrate = octets as f64 * 8.0 * speech::RATE as f64 / speech.frames() as f64;
            let (rate, said, heard) = (rate.hz(), said.display().to_string(), file.display().to_string());
            rows.push(json!({
                "rate": rate, "complexity": complexity, "micros": micros, "bitrate": bitrate, "said": said, "heard": heard,
            }));
        }
    }
    Ok(rows.into())
}

/// What a PBX makes of it first: G.711 or G.722.
fn through_pbx(speech: &Speech, rate: Rate) -> Fallible<Vec<i16>> {
    let codec = if rate == Rate::Narrow { Codec::Pcmu } else { Codec::G722 };
    let mut decoder: Box<dyn Decoder> = match rate {
        Rate::Narrow => Box::new(G711Decoder::new(G711Law::Mu)),
        Rate::Wide => Box::new(G722Decoder::new(Rate::Wide)),
    };
    let mut samples = Vec::new();
    for payload in speech.encode(codec, Shape { max_rate: None, loss: 0.0 })? {
        decoder.decode(&payload, &mut samples)?;
    }
    Ok(samples)
}

/// The whole speech through an encoder of ours; what it cost is for one frame.
fn through(speech: &[i16], rate: Rate, complexity: u8) -> Fallible<(Vec<i16>, f64, usize)> {
    let settings = OpusSettings { complexity, wide_complexity: complexity, ..OpusSettings::default() };
    let (mut encoder, mut decoder) = (OpusEncoder::new(settings, rate)?, OpusDecoder::new(Rate::Narrow)?);
    let (mut heard, mut payload, mut spent, mut octets) = (Vec::new(), [0; 1_000], 0.0, 0);
    let frames = speech.len() / (20 * rate.per_ms());
    for frame in speech.chunks_exact(20 * rate.per_ms()) {
        let began = Instant::now();
        let length = encoder.encode(frame, &mut payload)?;
        spent += began.elapsed().as_secs_f64();
        octets += length;
        decoder.decode(payload.get(..length).unwrap_or_default(), &mut heard)?;
    }
    Ok((heard, spent * 1e6 / frames as f64, octets))
}
