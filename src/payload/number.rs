//! Numbers as .NET writes them, in the culture of the node.

/// A row number: whole, from 0 to 4,294,967,295, and without a sign.
pub(super) fn row(text: &str) -> Option<u32> {
    let digits = text.trim_ascii();
    // `parse` would accept a sign.
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// A whole number of 64 bits, perhaps with a sign.
pub(super) fn whole(text: &str) -> Option<i64> {
    text.trim_ascii().parse().ok()
}

/// A number of milliseconds, possibly with decimals, in nanoseconds: `18.734`, `0,148`, `1.5E-05`. Fractions of a
/// nanosecond are rounded, and numbers of more than nineteen characters to the precision of an `f64`. `None` for `NaN`,
/// infinities, and what exceeds 64 bits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "what does not fit is refused before"
)]
pub(super) fn milliseconds(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    if let Some(nanoseconds) = plain_milliseconds(text) {
        return Some(nanoseconds);
    }
    // `f64` would accept words such as `inf`.
    let is_digits = text.bytes().all(|byte| b"0123456789+-.,eE".contains(&byte));
    let number: f64 = text.replace(',', ".").parse().ok().filter(|_| is_digits)?;
    let nanoseconds = (number * 1e6).round();
    (nanoseconds.abs() < i64::MAX as f64).then_some(nanoseconds as i64)
}

/// The usual form: at most twelve digits, then at most six decimals.
fn plain_milliseconds(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    let mut bytes = digits.iter();
    let (whole, decimals) = match bytes.position(|byte| matches!(byte, b'.' | b',')) {
        Some(place) => (&digits[..place], bytes.as_slice()),
        None => (digits, &b"0"[..]),
    };
    if !(1..=12).contains(&whole.len()) || !(1..=6).contains(&decimals.len()) {
        return None;
    }
    let number = number(decimals, number(whole, 0)?)?;
    Some(sign * number * 10_i64.pow(6 - decimals.len() as u32))
}

/// Appends these digits to those of `number`, at most eighteen in all.
fn number(digits: &[u8], number: i64) -> Option<i64> {
    digits.iter().try_fold(number, |number, digit| {
        let is_digit = digit.is_ascii_digit();
        is_digit.then(|| number * 10 + i64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn milliseconds_are_read_as_nanoseconds() {
        let rows = [
            ("0", Some(0)),
            ("18.734", Some(18_734_000)),
            ("0,148", Some(148_000)),
            (" 61234,5 ", Some(61_234_500_000)),
            ("-1", Some(-1_000_000)),
            ("-0.5", Some(-500_000)),
            ("1.5E-05", Some(15)),
            ("1E+03", Some(1_000_000_000)),
            ("0.0000006", Some(1)),
            ("0.0000004", Some(0)),
            ("1.", Some(1_000_000)),
            (".5", Some(500_000)),
            ("999999999999.999999", Some(999_999_999_999_999_999)),
            ("99999999999999999999999999999999999999", None),
            ("9999999999999999999", None),
            ("1e12", Some(1_000_000_000_000_000_000)),
            ("9223372036855", None),
            ("1e400", None),
            ("NaN", None),
            ("Infinity", None),
            ("", None),
            ("-", None),
            (".", None),
            ("1.2.3", None),
            ("1 000", None),
            ("0x10", None),
            ("١", None),
        ];
        for (text, expected) in rows {
            assert_eq!(milliseconds(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_whole_number_has_no_decimals() {
        assert_eq!(whole(" -1 "), Some(-1));
        assert_eq!(whole("99999999999"), Some(99_999_999_999));
        for text in ["", "(null)", "1.0", "9223372036854775808", "NaN"] {
            assert_eq!(whole(text), None, "{text}");
        }
        assert_eq!(row("9999"), Some(9_999));
        for text in ["+1", "-1", "4294967296", "%rownum"] {
            assert_eq!(row(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn plain_times_are_exact(nanoseconds in -999_999_999_999_999_999_i64..=999_999_999_999_999_999, comma: bool) {
            let sign = if nanoseconds < 0 { "-" } else { "" };
            let amount = nanoseconds.unsigned_abs();
            let separator = if comma { ',' } else { '.' };
            let text = format!("{sign}{}{separator}{:06}", amount / 1_000_000, amount % 1_000_000);
            prop_assert_eq!(milliseconds(&text), Some(nanoseconds));
        }

        #[test]
        fn any_text_is_a_number_or_none(text in "[0-9.,eE+-]{0,24}|.*") {
            let _ = (milliseconds(&text), whole(&text), row(&text));
        }
    }
}
