//! Numbers that look random, the same in every run.

pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// Damages a file at a byte: leaves out what is behind it, puts up to `most` bytes between, or changes some.
    #[allow(dead_code, reason = "not all that need random numbers damage files")]
    pub(crate) fn damage(&mut self, bytes: &mut Vec<u8>, at: usize, most: u64) {
        match self.below(8) {
            0 => bytes.truncate(at + 1),
            1 => drop(bytes.splice(at..at, (0..self.below(most)).map(|byte| byte as u8))),
            2 => bytes[at..].iter_mut().take(8).for_each(|byte| *byte = 0xff),
            3 => bytes[at] = bytes[at].wrapping_add(1),
            _ => bytes[at] = self.below(256) as u8,
        }
    }
}
