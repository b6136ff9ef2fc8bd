//! One sub-band's adaptive predictor and scale (ITU-T G.722 §3, blocks 3 and 4).
//!
//! After the public-domain lineage of Steve Underwood's G.722, which goes back to Chengxiang Lu and Alex Hauptmann
//! (Carnegie Mellon University, 1993: use unrestricted, acknowledgement of the origin appreciated).

/// The state that encoder and decoder keep alike. Names are the Recommendation's.
#[derive(Clone, Debug, Default)]
pub(super) struct Band {
    /// The prediction of the next sample.
    pub(super) s: i32,
    /// Its part from the zeros.
    sz: i32,
    /// Reconstructed signal, newest first.
    r: [i32; 3],
    /// Partly reconstructed signal.
    p: [i32; 3],
    /// Pole coefficients; index 0 is not used.
    a: [i32; 3],
    /// Quantised differences.
    d: [i32; 7],
    /// Zero coefficients; index 0 is not used.
    b: [i32; 7],
    /// Logarithmic scale.
    nb: i32,
    /// Linear scale.
    pub(super) det: i32,
}

/// ILB: fractions of a power of two.
const FRACTIONS: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025,
    3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

impl Band {
    pub(super) fn new(det: i32) -> Self {
        Self { det, ..Self::default() }
    }

    /// LOGSCL and SCALEL (or H): the scale follows the size of the codes.
    pub(super) fn rescale(&mut self, weight: i32, highest: i32, shift: i32) {
        self.nb = (((self.nb * 127) >> 7) + weight).clamp(0, highest);
        let fraction = FRACTIONS[(self.nb >> 6 & 31) as usize];
        let down = shift - (self.nb >> 11);
        self.det = if down < 0 { fraction << -down } else { fraction >> down } << 2;
    }

    /// Block 4: takes the quantised difference, adapts both predictors, and predicts the next sample.
    pub(super) fn adapt(&mut self, d: i32) {
        self.d[0] = d;
        self.r[0] = saturate(self.s + d);
        self.p[0] = saturate(self.sz + d);
        let (a1, a2) = self.poles();
        let zeros = self.zeros(d);
        self.d.copy_within(0..6, 1);
        self.b = zeros;
        self.r.copy_within(0..2, 1);
        self.p.copy_within(0..2, 1);
        (self.a[1], self.a[2]) = (a1, a2);
        self.predict();
    }

    /// UPPOL2 and UPPOL1.
    fn poles(&self) -> (i32, i32) {
        let is_alike = |n: usize| (self.p[0] < 0) == (self.p[n] < 0);
        let four_a1 = saturate(self.a[1] << 2);
        let toward = if is_alike(1) { -four_a1 } else { four_a1 }.min(32_767);
        let step = if is_alike(2) { 128 } else { -128 };
        let a2 = ((toward >> 7) + step + ((self.a[2] * 32_512) >> 15)).clamp(-12_288, 12_288);

        let step = if is_alike(1) { 192 } else { -192 };
        let limit = saturate(15_360 - a2);
        let a1 = saturate(step + ((self.a[1] * 32_640) >> 15)).clamp(-limit, limit);
        (a1, a2)
    }

    /// UPZERO.
    fn zeros(&self, d: i32) -> [i32; 7] {
        let step = if d == 0 { 0 } else { 128 };
        core::array::from_fn(|n| {
            let toward = if (self.d[n] < 0) == (d < 0) { step } else { -step };
            saturate(toward + ((self.b[n] * 32_640) >> 15))
        })
    }

    /// FILTEP, FILTEZ and PREDIC.
    fn predict(&mut self) {
        let pole = |n: usize| (self.a[n] * saturate(self.r[n] * 2)) >> 15;
        let sp = saturate(pole(1) + pole(2));
        let zero = |n: usize| (self.b[n] * saturate(self.d[n] * 2)) >> 15;
        self.sz = saturate((1..7).map(zero).sum());
        self.s = saturate(sp + self.sz);
    }
}

/// To 16 bits.
pub(super) fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}
