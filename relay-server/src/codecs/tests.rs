//! With the libraries that this machine has; set-up for tests installs both.

use super::*;
use relay_core::codec::Rate;

fn installed() -> Installed {
    Installed::load(&TrunkCodec::ALL)
}

/// A voice-like sound: the G.729 model knows nothing else.
fn voice(rate: Rate, frames: usize) -> Vec<i16> {
    let hz = f64::from(rate.hz());
    let mut phase = 0.0_f64;
    let samples = (0..frames * 20 * rate.per_ms()).map(|n| {
        let at = n as f64 / hz;
        phase += (130.0 + 20.0 * (at * 3.0).sin()) / hz * core::f64::consts::TAU;
        let formants = |h: f64| (-((h * 130.0 - 600.0) / 400.0).powi(2)).exp() + 0.3 / h;
        let sound: f64 = (1..20).map(|h| formants(f64::from(h)) * (phase * f64::from(h)).sin()).sum();
        (sound * 3_000.0 * (0.6 + 0.4 * (at * 12.0).sin())) as i16
    });
    samples.collect()
}

fn energy(samples: &[i16]) -> f64 {
    (samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
}

fn codecs() -> [(InstalledCodec, Rate, usize); 3] {
    [
        (InstalledCodec::G729, Rate::Narrow, 20),
        (InstalledCodec::Speex(Rate::Narrow), Rate::Narrow, 38),
        (InstalledCodec::Speex(Rate::Wide), Rate::Wide, 70),
    ]
}

#[test]
fn a_voice_comes_back_as_loud_as_it_was() {
    for (codec, rate, octets) in codecs() {
        let (mut encoder, mut decoder) = (installed().encoder(codec).unwrap(), installed().decoder(codec).unwrap());
        let said = voice(rate, 100);
        let mut heard = Vec::new();
        for frame in said.chunks(20 * rate.per_ms()) {
            let mut payload = [0; 200];
            let length = encoder.encode(frame, &mut payload).unwrap();
            assert!(length.abs_diff(octets) <= 1, "{codec:?}: {length}");
            decoder.decode(&payload[..length], &mut heard).unwrap();
        }
        assert_eq!(heard.len(), said.len());
        let gain = 20.0 * (energy(&heard[3_200..]) / energy(&said[3_200..])).log10();
        assert!(gain.abs() < 2.0, "{codec:?}: {gain} dB");
    }
}

#[test]
fn a_loss_is_bridged_to_the_sample() {
    for (codec, rate, _) in codecs() {
        let (mut encoder, mut decoder) = (installed().encoder(codec).unwrap(), installed().decoder(codec).unwrap());
        let mut heard = Vec::new();
        for frame in voice(rate, 20).chunks(20 * rate.per_ms()) {
            let mut payload = [0; 200];
            let length = encoder.encode(frame, &mut payload).unwrap();
            decoder.decode(&payload[..length], &mut heard).unwrap();
        }
        let before = heard.len();
        decoder.conceal(333, None, &mut heard);
        assert_eq!(heard.len(), before + 333);
        assert!(energy(&heard[before..before + 160]) > 100.0, "{codec:?}");
    }
}

#[test]
fn what_is_no_payload_is_refused() {
    for (codec, rate, _) in codecs() {
        let mut decoder = installed().decoder(codec).unwrap();
        let mut heard = Vec::new();
        assert_eq!(decoder.decode(&[], &mut heard), Err(CodecError::Payload));
        assert_eq!(decoder.decode(&[0; 2_000], &mut heard), Err(CodecError::Payload));
        let mut encoder = installed().encoder(codec).unwrap();
        assert_eq!(encoder.encode(&[0; 7], &mut [0; 200]), Err(CodecError::Payload));
        assert!(encoder.encode(&vec![0; 20 * rate.per_ms()], &mut [0; 200]).is_ok());
    }
}

#[test]
fn random_octets_do_no_harm() {
    let mut state = 1_u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    for (codec, ..) in codecs() {
        let mut decoder = installed().decoder(codec).unwrap();
        for round in 0..200 {
            let payload: Vec<u8> = (0..round % 130).map(|_| random()).collect();
            let mut heard = Vec::new();
            let _ = decoder.decode(&payload, &mut heard);
            assert!(heard.len() <= 120 * 16, "{codec:?}: {}", heard.len());
        }
    }
}

#[test]
fn what_is_not_wanted_is_not_loaded_and_not_spoken() {
    let none = Installed::load(&TrunkCodec::BUILT_IN);
    assert!(!none.has(InstalledCodec::G729) && !none.has(InstalledCodec::Speex(Rate::Wide)));
    let own: Vec<TrunkCodec> = TrunkCodec::ALL.into_iter().filter(|codec| codec.installed().is_none()).collect();
    assert_eq!(none.spoken(&TrunkCodec::ALL), own);
    assert!(own.len() < TrunkCodec::ALL.len());
    assert!(none.decoder(InstalledCodec::G729).is_err());
}
