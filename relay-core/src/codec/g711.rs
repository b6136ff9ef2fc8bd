//! G.711 µ-law and A-law as tables (ITU-T G.711; the arithmetic is that of G.191's software tool library).
//!
//! Samples are 16 bits wide, left-aligned. Loss is concealed by [`Concealment`]; G.711 has no redundancy of its own.

use super::concealment::Concealment;
use super::{CodecError, Decoder, Encoder, MAX_PACKET_MS, Rate};
use crate::media::G711Law;

/// Samples to G.711 octets.
#[derive(Debug)]
pub struct G711Encoder(G711Law);

impl G711Encoder {
    /// An encoder of `law`.
    #[must_use]
    pub const fn new(law: G711Law) -> Self {
        Self(law)
    }
}

impl Encoder for G711Encoder {
    fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> Result<usize, CodecError> {
        let octets = payload.get_mut(..samples.len()).ok_or(CodecError::Payload)?;
        match self.0 {
            G711Law::Mu => octets.iter_mut().zip(samples).for_each(|(octet, sample)| *octet = mu_compress(*sample)),
            G711Law::A => octets.iter_mut().zip(samples).for_each(|(octet, sample)| *octet = a_compress(*sample)),
        }
        Ok(samples.len())
    }
}

/// G.711 octets to samples.
#[derive(Debug)]
pub struct G711Decoder {
    law: G711Law,
    concealment: Concealment,
}

impl G711Decoder {
    /// A decoder of `law`.
    #[must_use]
    pub const fn new(law: G711Law) -> Self {
        Self { law, concealment: Concealment::new(Rate::Narrow) }
    }
}

impl Decoder for G711Decoder {
    fn decode(&mut self, payload: &[u8], samples: &mut Vec<i16>) -> Result<(), CodecError> {
        if payload.is_empty() || payload.len() > MAX_PACKET_MS * Rate::Narrow.per_ms() {
            return Err(CodecError::Payload);
        }
        let table = match self.law {
            G711Law::Mu => &MU_EXPAND,
            G711Law::A => &A_EXPAND,
        };
        let start = samples.len();
        samples.extend(payload.iter().map(|octet| table[usize::from(*octet)]));
        self.concealment.good(samples.get_mut(start..).unwrap_or_default());
        Ok(())
    }

    fn conceal(&mut self, missing: usize, _next: Option<&[u8]>, samples: &mut Vec<i16>) {
        self.concealment.missing(missing, samples);
    }
}

fn mu_compress(sample: i16) -> u8 {
    let octet = MU_COMPRESS[usize::from(magnitude(sample) >> 2)];
    if sample < 0 { octet } else { octet | 0x80 }
}

fn a_compress(sample: i16) -> u8 {
    let octet = A_COMPRESS[usize::from(magnitude(sample) >> 4)];
    if sample < 0 { octet ^ 0x55 } else { (octet | 0x80) ^ 0x55 }
}

/// One's complement, as both laws have it: -1 is as small as 0. Always below 32,768.
const fn magnitude(sample: i16) -> u16 {
    (if sample < 0 { !sample } else { sample }).unsigned_abs()
}

static MU_COMPRESS: [u8; 8_192] = {
    let mut table = [0; 8_192];
    let mut index = 0;
    while index < table.len() {
        let biased = if index + 33 > 0x1FFF { 0x1FFF } else { index + 33 };
        let mut segment = 1;
        let mut rest = biased >> 6;
        while rest != 0 {
            segment += 1;
            rest >>= 1;
        }
        table[index] = (((8 - segment) << 4) | (0xF - ((biased >> segment) & 0xF))) as u8;
        index += 1;
    }
    table
};

static A_COMPRESS: [u8; 2_048] = {
    let mut table = [0; 2_048];
    let mut index = 0;
    while index < table.len() {
        let mut mantissa = index;
        if mantissa > 15 {
            let mut exponent = 1;
            while mantissa > 31 {
                mantissa >>= 1;
                exponent += 1;
            }
            mantissa = mantissa - 16 + (exponent << 4);
        }
        table[index] = mantissa as u8;
        index += 1;
    }
    table
};

static MU_EXPAND: [i16; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let inverted = !(octet as u8);
        let exponent = ((inverted >> 4) & 7) as i16;
        let step = 8 << exponent;
        let level = (0x80 << exponent) + step * (inverted & 0xF) as i16 + step / 2 - 132;
        table[octet] = if octet < 0x80 { -level } else { level };
        octet += 1;
    }
    table
};

static A_EXPAND: [i16; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let bits = (octet as u8) ^ 0x55;
        let exponent = (bits & 0x7F) >> 4;
        let mut level = (bits & 0xF) as i16;
        if exponent > 0 {
            level += 16;
        }
        level = (level << 4) + 8;
        if exponent > 1 {
            level <<= exponent - 1;
        }
        table[octet] = if bits & 0x80 == 0 { -level } else { level };
        octet += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// G.711 tables 2a/2b by their decision values: eight segments, the first twice as long, sixteen steps each.
    fn mu_by_formula(sample: i16) -> u8 {
        let magnitude = i32::from(magnitude(sample) >> 2).min(8_158);
        let segment = (0..8).find(|s| magnitude + 33 < 64 << s).unwrap();
        let step = (magnitude + 33 - (32 << segment)) / (2 << segment);
        let octet = !((segment << 4 | step) as u8);
        if sample < 0 { octet & 0x7F } else { octet }
    }

    /// G.711 tables 1a/1b in the same manner: segments 0 and 1 share a step size.
    fn a_by_formula(sample: i16) -> u8 {
        let magnitude = i32::from(magnitude(sample) >> 4);
        let segment = (1..8).find(|s| magnitude < 16 << s).unwrap();
        let (segment, step) = match magnitude {
            0..=15 => (0, magnitude),
            _ => (segment, (magnitude - (8 << segment)) / (1 << (segment - 1))),
        };
        let octet = (segment << 4 | step) as u8;
        (if sample < 0 { octet } else { octet | 0x80 }) ^ 0x55
    }

    #[test]
    fn both_laws_follow_the_recommendation_for_every_sample() {
        for sample in i16::MIN..=i16::MAX {
            assert_eq!(mu_compress(sample), mu_by_formula(sample), "µ-law of {sample}");
            assert_eq!(a_compress(sample), a_by_formula(sample), "A-law of {sample}");
        }
    }

    #[test]
    fn every_octet_survives_expansion_and_compression() {
        for octet in 0..=255_u8 {
            // µ-law has two zeros; the negative one comes back as the positive.
            let mu = if octet == 0x7F { 0xFF } else { octet };
            assert_eq!(mu_compress(MU_EXPAND[usize::from(octet)]), mu);
            assert_eq!(a_compress(A_EXPAND[usize::from(octet)]), octet);
        }
    }

    #[test]
    fn well_known_values() {
        assert_eq!((MU_EXPAND[0x00], MU_EXPAND[0x80], MU_EXPAND[0xFF]), (-32_124, 32_124, 0));
        assert_eq!((A_EXPAND[0x2A], A_EXPAND[0xAA], A_EXPAND[0xD5]), (-32_256, 32_256, 8));
    }
}
