//! Against a second implementation, and by what comes back.

use super::*;
use ezk_g722::libg722::{Bitrate, decoder, encoder};

/// Speech-like: a gliding harmonic tone in syllables, with some noise.
fn sound(seconds: f64, rate: Rate) -> Vec<i16> {
    let hz = f64::from(rate.hz());
    let (mut phase, mut noise) = (0.0_f64, 1_u32);
    let samples = (0..(seconds * hz) as usize).map(|n| {
        let at = n as f64 / hz;
        phase += (140.0 + 60.0 * (at * 1.7).sin()) / hz * core::f64::consts::TAU;
        let harmonics: f64 = (1..30).map(|h| (phase * f64::from(h)).sin() / f64::from(h)).sum();
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss = f64::from(noise >> 16) / 65_536.0 - 0.5;
        let envelope = (at * 4.0 * core::f64::consts::PI).sin().max(0.0);
        (envelope * (9_000.0 * harmonics + 1_500.0 * hiss)) as i16
    });
    samples.collect()
}

fn encode(rate: Rate, samples: &[i16]) -> Vec<u8> {
    encode_with(G722Encoder::new(rate), samples)
}

fn encode_with(mut codec: G722Encoder, samples: &[i16]) -> Vec<u8> {
    let rate = codec.rate;
    let mut octets = Vec::new();
    for frame in samples.chunks(160 * rate.factor()) {
        let mut payload = [0; 200];
        let length = codec.encode(frame, &mut payload).unwrap();
        octets.extend_from_slice(&payload[..length]);
    }
    octets
}

fn decode(rate: Rate, octets: &[u8]) -> Vec<i16> {
    decode_with(G722Decoder::new(rate), octets)
}

fn decode_with(mut codec: G722Decoder, octets: &[u8]) -> Vec<i16> {
    let mut samples = Vec::new();
    octets.chunks(160).for_each(|frame| codec.decode(frame, &mut samples).unwrap());
    samples
}

/// In dB, at the lag between -60 and 60 samples where it is best.
fn likeness(sent: &[i16], heard: &[i16]) -> f64 {
    let at = |lag: usize| {
        let pairs = sent.iter().zip(heard.iter().skip(lag));
        let (signal, noise) = pairs.fold((0.0, 0.0), |(signal, noise), (a, b)| {
            let (a, b) = (f64::from(*a), f64::from(*b));
            (signal + a * a, noise + (a - b) * (a - b))
        });
        10.0 * (signal / noise).log10()
    };
    (0..60).map(at).fold(f64::MIN, f64::max)
}

/// The other implementation forgets that the scales begin at 32 and 8 (ITU-T G.722 §3, table 2).
fn at_its_beginning() -> Bands {
    Bands { low: Band::new(0), high: Band::new(0), ..Bands::new() }
}

/// Without printing all of both.
fn assert_same<T: PartialEq + core::fmt::Debug>(ours: &[T], theirs: &[T]) {
    let differs = ours.iter().zip(theirs).position(|(a, b)| a != b);
    assert_eq!((differs, ours.len()), (None, theirs.len()));
}

#[test]
fn it_decodes_as_another_implementation_does() {
    let same = || G722Decoder { bands: at_its_beginning(), ..G722Decoder::new(Rate::Wide) };
    let octets = encode(Rate::Wide, &sound(4.0, Rate::Wide));
    let theirs = decoder::Decoder::new(Bitrate::Mode1_64000, false, false).decode(&octets);
    assert_same(&decode_with(same(), &octets), &theirs);
    // Random octets, too: no code is impossible.
    let random: Vec<u8> = (0..8_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let theirs = decoder::Decoder::new(Bitrate::Mode1_64000, false, false).decode(&random);
    assert_same(&decode_with(same(), &random), &theirs);
}

#[test]
fn it_encodes_as_another_implementation_does() {
    let samples = sound(4.0, Rate::Wide);
    let theirs = encoder::Encoder::new(Bitrate::Mode1_64000, false, false).encode(&samples);
    let same = G722Encoder { bands: at_its_beginning(), ..G722Encoder::new(Rate::Wide) };
    assert_same(&encode_with(same, &samples), &theirs);
}

#[test]
fn what_is_said_is_heard() {
    for (rate, at_least) in [(Rate::Wide, 15.0), (Rate::Narrow, 12.0)] {
        let samples = sound(4.0, rate);
        let octets = encode(rate, &samples);
        assert_eq!(octets.len(), samples.len() / rate.factor());
        let found = likeness(&samples, &decode(rate, &octets));
        assert!(found > at_least, "{rate:?}: {found:.1} dB");
    }
}

#[test]
fn a_narrow_side_hears_the_lower_band_of_a_wide_one() {
    let tone = |rate: Rate| -> Vec<i16> {
        let hz = f64::from(rate.hz());
        (0..rate.hz()).map(|n| (8_000.0 * (f64::from(n) * 440.0 / hz * core::f64::consts::TAU).sin()) as i16).collect()
    };
    let level = |samples: &[i16]| samples[2_000..].iter().map(|s| f64::from(s.unsigned_abs())).fold(0.0, f64::max);
    let narrow = decode(Rate::Narrow, &encode(Rate::Wide, &tone(Rate::Wide)));
    let wide = decode(Rate::Wide, &encode(Rate::Narrow, &tone(Rate::Narrow)));
    assert_eq!((narrow.len(), wide.len()), (8_000, 16_000));
    for level in [level(&narrow), level(&wide)] {
        assert!((7_000.0..9_200.0).contains(&level), "{level}");
    }
}

#[test]
fn a_payload_of_no_length_or_too_much_is_refused() {
    let mut codec = G722Decoder::new(Rate::Wide);
    assert_eq!(codec.decode(&[], &mut Vec::new()), Err(CodecError::Payload));
    assert_eq!(codec.decode(&[0; MAX_OCTETS + 1], &mut Vec::new()), Err(CodecError::Payload));
    assert_eq!(G722Encoder::new(Rate::Wide).encode(&[0; 320], &mut [0; 10]), Err(CodecError::Payload));
}

#[test]
fn a_loss_is_bridged_and_fades() {
    let octets = encode(Rate::Wide, &sound(1.0, Rate::Wide));
    let mut codec = G722Decoder::new(Rate::Wide);
    let mut samples = Vec::new();
    codec.decode(&octets[..900], &mut samples).unwrap();
    let before = samples.len();
    codec.conceal(16_000, None, &mut samples);
    assert_eq!(samples.len(), before + 16_000);
    assert!(samples[before..before + 160].iter().any(|sample| sample.unsigned_abs() > 100));
    assert!(samples[before + 1_600..].iter().all(|sample| *sample == 0));
}
