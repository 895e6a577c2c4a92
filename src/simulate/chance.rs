//! Random choices. They only use integers of fixed width: a `usize` or a power of a float would differ between
//! platforms.

use fastrand::Rng;

/// Returns true in `share` out of `of` cases.
pub(super) fn happens(rng: &mut Rng, share: u32, of: u32) -> bool {
    rng.u32(0..of) < share
}

/// An index below `len`, with equal probability; 0 if `len` is 0.
pub(super) fn index(rng: &mut Rng, len: usize) -> usize {
    // Lossless in both directions: the number is below a usize.
    rng.u64(0..(len as u64).max(1)) as usize
}

/// One of `choices`, with equal probability.
pub(super) fn choose<'a, T: ?Sized>(rng: &mut Rng, choices: &[&'a T]) -> &'a T {
    choices[index(rng, choices.len())]
}

/// A distribution of popularity: the most popular rank is drawn far more often than the others, and the tail is long
/// (Zipf's law with a softened top).
#[derive(Debug)]
pub(super) struct Popularity {
    cumulative: Vec<u64>,
}

impl Popularity {
    /// A distribution over `len` ranks, at least one; rank 0 is the most popular.
    pub(super) fn new(len: usize) -> Self {
        let mut sum = 0;
        let cumulative = (0..len.max(1) as u64)
            .map(|rank| {
                sum += 1_000_000_000 / (rank + 5);
                sum
            })
            .collect();
        Self { cumulative }
    }

    /// Draws a rank.
    pub(super) fn draw(&self, rng: &mut Rng) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(1);
        let drawn = rng.u64(0..total);
        self.cumulative.partition_point(|&sum| sum <= drawn)
    }
}

/// A new guid of version 4.
pub(super) fn guid(rng: &mut Rng) -> u128 {
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0b11 << 62;
    rng.u128(..) & !VERSION & !VARIANT | 4 << 76 | 0b10 << 62
}

/// Appends a guid in its usual form: in lower case, with hyphens and without braces.
pub(super) fn push_guid(text: &mut String, guid: u128) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (place, byte) in guid.to_be_bytes().into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// A new guid as text.
pub(super) fn guid_text(rng: &mut Rng) -> String {
    let mut text = String::with_capacity(36);
    push_guid(&mut text, guid(rng));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_of_version_4() {
        let mut rng = Rng::with_seed(1);
        for _ in 0..100 {
            let text = guid_text(&mut rng);
            assert_eq!(text.len(), 36);
            assert_eq!(text.as_bytes()[14], b'4');
            assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        }
    }

    #[test]
    fn a_guid_is_written_most_significant_digit_first() {
        let mut text = String::new();
        push_guid(&mut text, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(text, "01234567-89ab-cdef-0123-456789abcdef");
    }

    #[test]
    fn popularity_falls_with_rank_and_reaches_the_last() {
        let mut rng = Rng::with_seed(1);
        let popularity = Popularity::new(40);
        let mut drawn = [0_u32; 40];
        for _ in 0..100_000 {
            drawn[popularity.draw(&mut rng)] += 1;
        }
        assert!(drawn[0] > 2 * drawn[10] && drawn[10] > 2 * drawn[39]);
        assert!(drawn[39] > 0);
    }
}
