//! Chance that falls the same way for the same seed on every machine: integer arithmetic, and no function whose last digit is a library's own.

use jiff::Timestamp;

/// SplitMix64.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    pub(super) fn share(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).expect("32 bits are left")) / 4_294_967_296.0
    }

    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.share()
    }

    /// From `low` to `high`, both included.
    pub(super) fn whole(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).expect("high is not below low");
        low + i64::try_from(self.next() % span).expect("it is below the span")
    }

    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let last = i64::try_from(choices.len()).expect("choices are few") - 1;
        choices[usize::try_from(self.whole(0, last)).expect("it is not negative")]
    }

    pub(super) fn happens(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// Nearly normal around 0 with a spread of 1: the sum of twelve.
    pub(super) fn noise(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }

    /// An id that looks and sorts like a fresh one of that moment.
    pub(super) fn id(&mut self, at: Timestamp) -> String {
        let random = self.next();
        format!(
            "{:012x}7{:03x}{:x}{:015x}",
            at.as_millisecond(),
            random & 0xfff,
            8 + ((random >> 12) & 3),
            self.next() >> 4
        )
    }

    /// `sha256:` and digits of no file at all.
    pub(super) fn digest(&mut self) -> String {
        let parts: Vec<String> = (0..4).map(|_| format!("{:016x}", self.next())).collect();
        format!("sha256:{}", parts.concat())
    }
}
