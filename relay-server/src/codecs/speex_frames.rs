//! Whether a payload is made of Speex frames (the Speex manual §9.3 and §10.3): libspeex prints to standard error what is not.

/// Bits of a narrow-band frame by its mode, the mode's own included; the manual's table 9.2.
const NARROW: [usize; 9] = [5, 43, 119, 160, 220, 300, 364, 492, 79];
/// The same of the layer that makes it wide band; table 10.2.
const WIDE: [usize; 5] = [4, 36, 112, 192, 352];
/// Modes that are no sound: a request of the application's, one of the codec's, the end.
const USER: usize = 13;
const REQUEST: usize = 14;
const END: usize = 15;
/// Wide-band layers in a row that libspeex puts up with.
const MOST_LAYERS: usize = 2;
/// Fewer bits are padding.
const LEAST: usize = 5;

/// Whether a decoder will find only frames here, each of them whole.
pub(super) fn are_whole(payload: &[u8]) -> bool {
    let (total, mut at, mut layers) = (payload.len() * 8, 0, 0);
    while total - at >= LEAST {
        layers = if bits(payload, at, 1) == 1 { layers + 1 } else { 0 };
        if layers > MOST_LAYERS {
            return false;
        }
        match piece(payload, at) {
            Some(0) => return true,
            Some(length) if at + length <= total => at += length,
            _ => return false,
        }
    }
    true
}

/// The length of what begins at a bit; 0 is the end, none is nothing that Speex knows.
fn piece(payload: &[u8], at: usize) -> Option<usize> {
    if bits(payload, at, 1) == 1 {
        return WIDE.get(bits(payload, at + 1, 3)).copied();
    }
    match bits(payload, at + 1, 4) {
        END => Some(0),
        REQUEST => Some(9 + request_bits(bits(payload, at + 5, 4))),
        USER => Some(14 + 8 * bits(payload, at + 5, 4)),
        mode => NARROW.get(mode).copied(),
    }
}

/// What follows a request of the codec's.
const fn request_bits(code: usize) -> usize {
    match code {
        0 | 1 => 1,
        2..=7 => 4,
        8 | 9 => 8,
        10 | 11 => 16,
        12 | 13 => 32,
        _ => 64,
    }
}

/// Some bits as a number; beyond the end they are 0.
fn bits(payload: &[u8], from: usize, count: usize) -> usize {
    let bit = |at: usize| payload.get(at / 8).map_or(0, |octet| usize::from(octet >> (7 - at % 8) & 1));
    (from..from + count).fold(0, |number, at| number << 1 | bit(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_to_their_last_bit() {
        // Narrow-band mode 1 has 43 bits: six octets, the rest the terminator 01111.
        assert!(are_whole(&[0b0000_1000, 0, 0, 0, 0, 0b0000_1111]));
        assert!(!are_whole(&[0b0000_1000, 0, 0, 0, 0]));
        assert!(are_whole(&[0b0111_1000]));
    }

    #[test]
    fn modes_that_do_not_exist_are_refused() {
        assert!(!are_whole(&[0xFF; 20]));
        assert!(!are_whole(&[0b0100_1000, 0, 0, 0, 0, 0, 0]));
        assert!(!are_whole(&[0b0110_0000, 0, 0, 0, 0, 0, 0]));
    }
}
