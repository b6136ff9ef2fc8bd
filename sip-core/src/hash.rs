//! MD5 (RFC 1321), SHA-256 and SHA-512/256 (FIPS 180-4), in as few instructions as they can be said.
//!
//! A phone hashes a few times an hour and draws a few tags a call, and each page loads this code: it is written for size.
//! Tests compare it with the `md-5` and `sha2` crates. Nothing here is for secrets that a clock could betray.

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    /// RFC 1321.
    Md5,
    /// FIPS 180-4 §6.2.
    Sha256,
    /// FIPS 180-4 §6.7.
    Sha512256,
}

impl Hash {
    /// The hash of some parts, one after the other.
    pub(crate) fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        let message = parts.concat();
        match self {
            Self::Md5 => md5(&padded(message, 64, u64::to_le_bytes)),
            Self::Sha256 => NARROW.hash(message),
            Self::Sha512256 => WIDE.hash(message),
        }
    }
}

/// SHA-256 of some parts, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    Hash::Sha256.of(parts).try_into().unwrap_or_default()
}

/// A message with a one bit, zeros and its length in bits, in whole blocks.
fn padded(mut message: Vec<u8>, block: usize, length: fn(u64) -> [u8; 8]) -> Vec<u8> {
    let bits = (message.len() as u64).wrapping_mul(8);
    message.push(0x80);
    // The length has an eighth of a block, of which eight bytes are ever needed.
    let end = (message.len() + block / 8).next_multiple_of(block);
    message.resize(end - 8, 0);
    message.extend(length(bits));
    message
}

/// The sine and cosine of one, from which the constants of MD5 come.
const ONE: (f64, f64) = (0.841_470_984_807_896_5, 0.540_302_305_868_139_8);
const MD5_START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
const MD5_SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

fn md5(message: &[u8]) -> Vec<u8> {
    let mut state = MD5_START;
    for block in message.as_chunks::<64>().0 {
        let (words, _) = block.as_chunks::<4>();
        let [mut a, mut b, mut c, mut d] = state;
        let (mut sine, mut cosine) = ONE;
        for step in 0..64 {
            let (mixed, word) = match step / 16 {
                0 => (b & c | !b & d, step),
                1 => (d & b | !d & c, 5 * step + 1),
                2 => (b ^ c ^ d, 3 * step + 5),
                _ => (c ^ (b | !d), 7 * step),
            };
            let word = words.get(word % 16).map_or(0, |word| u32::from_le_bytes(*word));
            let shift = MD5_SHIFTS.as_flattened().get(step / 16 * 4 + step % 4).copied().unwrap_or(0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the integer part is meant")]
            let constant = (sine.abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(mixed).wrapping_add(constant).wrapping_add(word);
            (a, b, c, d) = (d, b.wrapping_add(sum.rotate_left(shift)), b, c);
            (sine, cosine) = (sine * ONE.1 + cosine * ONE.0, cosine * ONE.1 - sine * ONE.0);
        }
        for (old, new) in state.iter_mut().zip([a, b, c, d]) {
            *old = old.wrapping_add(new);
        }
    }
    state.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// What tells the functions of the SHA-2 family apart.
struct Sha2 {
    start: [u64; 8],
    /// Bytes of a word.
    word: usize,
    rounds: usize,
    /// Of Σ0, Σ1, σ0 and σ1; the third of the last two is a shift.
    rotations: [[u32; 3]; 4],
}

static NARROW: Sha2 = Sha2 {
    start: [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19],
    word: 4,
    rounds: 64,
    rotations: [[2, 13, 22], [6, 11, 25], [7, 18, 3], [17, 19, 10]],
};

static WIDE: Sha2 = Sha2 {
    start: [
        0x2231_2194_fc2b_f72c,
        0x9f55_5fa3_c84c_64c2,
        0x2393_b86b_6f53_b151,
        0x9638_7719_5940_eabd,
        0x9628_3ee2_a88e_ffe3,
        0xbe5e_1e25_5386_3992,
        0x2b01_99fc_2c85_b8aa,
        0x0eb7_2ddc_81c5_2ca2,
    ],
    word: 8,
    rounds: 80,
    rotations: [[28, 34, 39], [14, 18, 41], [1, 8, 7], [19, 61, 6]],
};

/// The first 64 bits of the fractions of the cube roots of the first 80 primes; SHA-256 has the upper halves of 64 of
/// them.
static CONSTANTS: [u64; 80] = [
    0x428a_2f98_d728_ae22,
    0x7137_4491_23ef_65cd,
    0xb5c0_fbcf_ec4d_3b2f,
    0xe9b5_dba5_8189_dbbc,
    0x3956_c25b_f348_b538,
    0x59f1_11f1_b605_d019,
    0x923f_82a4_af19_4f9b,
    0xab1c_5ed5_da6d_8118,
    0xd807_aa98_a303_0242,
    0x1283_5b01_4570_6fbe,
    0x2431_85be_4ee4_b28c,
    0x550c_7dc3_d5ff_b4e2,
    0x72be_5d74_f27b_896f,
    0x80de_b1fe_3b16_96b1,
    0x9bdc_06a7_25c7_1235,
    0xc19b_f174_cf69_2694,
    0xe49b_69c1_9ef1_4ad2,
    0xefbe_4786_384f_25e3,
    0x0fc1_9dc6_8b8c_d5b5,
    0x240c_a1cc_77ac_9c65,
    0x2de9_2c6f_592b_0275,
    0x4a74_84aa_6ea6_e483,
    0x5cb0_a9dc_bd41_fbd4,
    0x76f9_88da_8311_53b5,
    0x983e_5152_ee66_dfab,
    0xa831_c66d_2db4_3210,
    0xb003_27c8_98fb_213f,
    0xbf59_7fc7_beef_0ee4,
    0xc6e0_0bf3_3da8_8fc2,
    0xd5a7_9147_930a_a725,
    0x06ca_6351_e003_826f,
    0x1429_2967_0a0e_6e70,
    0x27b7_0a85_46d2_2ffc,
    0x2e1b_2138_5c26_c926,
    0x4d2c_6dfc_5ac4_2aed,
    0x5338_0d13_9d95_b3df,
    0x650a_7354_8baf_63de,
    0x766a_0abb_3c77_b2a8,
    0x81c2_c92e_47ed_aee6,
    0x9272_2c85_1482_353b,
    0xa2bf_e8a1_4cf1_0364,
    0xa81a_664b_bc42_3001,
    0xc24b_8b70_d0f8_9791,
    0xc76c_51a3_0654_be30,
    0xd192_e819_d6ef_5218,
    0xd699_0624_5565_a910,
    0xf40e_3585_5771_202a,
    0x106a_a070_32bb_d1b8,
    0x19a4_c116_b8d2_d0c8,
    0x1e37_6c08_5141_ab53,
    0x2748_774c_df8e_eb99,
    0x34b0_bcb5_e19b_48a8,
    0x391c_0cb3_c5c9_5a63,
    0x4ed8_aa4a_e341_8acb,
    0x5b9c_ca4f_7763_e373,
    0x682e_6ff3_d6b2_b8a3,
    0x748f_82ee_5def_b2fc,
    0x78a5_636f_4317_2f60,
    0x84c8_7814_a1f0_ab72,
    0x8cc7_0208_1a64_39ec,
    0x90be_fffa_2363_1e28,
    0xa450_6ceb_de82_bde9,
    0xbef9_a3f7_b2c6_7915,
    0xc671_78f2_e372_532b,
    0xca27_3ece_ea26_619c,
    0xd186_b8c7_21c0_c207,
    0xeada_7dd6_cde0_eb1e,
    0xf57d_4f7f_ee6e_d178,
    0x06f0_67aa_7217_6fba,
    0x0a63_7dc5_a2c8_98a6,
    0x113f_9804_bef9_0dae,
    0x1b71_0b35_131c_471b,
    0x28db_77f5_2304_7d84,
    0x32ca_ab7b_40c7_2493,
    0x3c9e_be0a_15c9_bebc,
    0x431d_67c4_9c10_0d4c,
    0x4cc5_d4be_cb3e_42b6,
    0x597f_299c_fc65_7e2a,
    0x5fcb_6fab_3ad6_faec,
    0x6c44_198c_4a47_5817,
];

impl Sha2 {
    fn hash(&self, message: Vec<u8>) -> Vec<u8> {
        let mut state = self.start;
        for block in padded(message, self.word * 16, u64::to_be_bytes).chunks_exact(self.word * 16) {
            self.compress(&mut state, block);
        }
        let bytes = state.iter().flat_map(|word| word.to_be_bytes().into_iter().skip(8 - self.word));
        bytes.take(32).collect()
    }

    /// FIPS 180-4 §6.2.2 and §6.4.2.
    #[expect(clippy::indexing_slicing, reason = "of sixteen words, modulo sixteen")]
    fn compress(&self, state: &mut [u64; 8], block: &[u8]) {
        // The last sixteen words of the schedule.
        let mut words = [0; 16];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(self.word)) {
            *word = bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        }
        let [sum_a, sum_e, near, far] = &self.rotations;
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
        for (round, constant) in CONSTANTS.iter().enumerate().take(self.rounds) {
            let word = |ahead: usize| words[(round + ahead) % 16];
            let first = word(0);
            let next = [first, self.mix(word(1), near, true), word(9), self.mix(word(14), far, true)];
            words[round % 16] = self.cut(next.into_iter().fold(0, u64::wrapping_add));
            let constant = constant >> (64 - 8 * self.word);
            let one = [h, self.mix(e, sum_e, false), e & f ^ !e & g, constant, first];
            let one = one.into_iter().fold(0, u64::wrapping_add);
            let two = self.mix(a, sum_a, false).wrapping_add(a & b ^ a & c ^ b & c);
            (h, g, f, e) = (g, f, e, self.cut(d.wrapping_add(one)));
            (d, c, b, a) = (c, b, a, self.cut(one.wrapping_add(two)));
        }
        for (old, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *old = self.cut(old.wrapping_add(new));
        }
    }

    /// The Σ and σ of FIPS 180-4 §4.1.
    fn mix(&self, word: u64, [first, second, third]: &[u32; 3], shifts: bool) -> u64 {
        let third = if shifts { word >> third } else { self.rotate(word, *third) };
        self.rotate(word, *first) ^ self.rotate(word, *second) ^ third
    }

    fn rotate(&self, word: u64, by: u32) -> u64 {
        // A narrow word twice, so that what leaves on the right has come in on the left.
        let word = if self.word == 4 { word | word << 32 } else { word };
        self.cut(word.rotate_right(by))
    }

    /// As much as a word holds.
    const fn cut(&self, sum: u64) -> u64 {
        sum & u64::MAX >> (64 - 8 * self.word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use md5::Md5;
    use sha2::{Digest, Sha256, Sha512_256};

    #[test]
    fn hashes_of_every_length_are_those_of_the_crates() {
        let message: Vec<u8> = (0..300_u32).map(|index| (index * 7 + index / 11) as u8).collect();
        for length in 0..message.len() {
            let (head, tail) = message.split_at(length);
            assert_eq!(Hash::Md5.of(&[head]), Md5::digest(head).to_vec(), "{length}");
            assert_eq!(Hash::Sha256.of(&[head]), Sha256::digest(head).to_vec(), "{length}");
            assert_eq!(Hash::Sha512256.of(&[head]), Sha512_256::digest(head).to_vec(), "{length}");
            assert_eq!(Hash::Md5.of(&[head, tail]), Hash::Md5.of(&[&message]));
        }
    }
}
