//! The time of an event as Qlik Sense writes it: ISO 8601 with a UTC offset.

use std::ops::Range;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, Utc};
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while_m_n},
    character::complete::{char, one_of},
    combinator::{all_consuming, map_opt, opt, value},
    sequence::preceded,
};

/// Reads a time such as `20211109T153726.028+0200`, as Qlik's `Iso8601TimeOffsetPatternConverter` prints
/// it, or in the longer form `2021-11-09T15:37:26,028+02:00` that other converters of log4net can be
/// made to print.
///
/// The fraction of a second may have one to nine digits or be missing. The UTC offset is required, as `+0200`,
/// `+02:00` or `Z`. `None` for anything else, and for a time that does not exist.
///
/// ```
/// use qlik_sense_events::payload::parse_time;
///
/// let time = parse_time("20211109T153726.028+0200").unwrap();
/// assert_eq!(time.to_rfc3339(), "2021-11-09T13:37:26.028+00:00");
/// assert!(parse_time("2021-11-09 15:37:26").is_none());
/// ```
#[must_use]
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    usual_time(text).or_else(|| any_time(text))
}

/// Reads a time, possibly surrounded by spaces, that every codec can write: binary codecs count nanoseconds in 64 bits.
pub(super) fn read(text: &str) -> Option<DateTime<Utc>> {
    parse_time(text.trim_ascii()).filter(|time| time.timestamp_nanos_opt().is_some())
}

/// Reads the one form that Qlik's converter prints, of which log and performance events have one or two each. The
/// parsers below would take more than three times as long.
fn usual_time(text: &str) -> Option<DateTime<Utc>> {
    let text: &[u8; "20211109T153726.028+0200".len()] = text.as_bytes().try_into().ok()?;
    let sign = match [text[8], text[15], text[19]] {
        [b'T', b'.', b'+'] => 1,
        [b'T', b'.', b'-'] => -1,
        _ => return None,
    };
    let number = |place: Range<usize>| {
        let mut digits = text[place].iter();
        digits.try_fold(0, |number, digit| {
            let is_digit = digit.is_ascii_digit();
            is_digit.then(|| number * 10 + u32::from(digit - b'0'))
        })
    };
    let date = NaiveDate::from_ymd_opt(number(0..4)?.cast_signed(), number(4..6)?, number(6..8)?)?;
    let [hour, minute, second] = [number(9..11)?, number(11..13)?, number(13..15)?];
    let time = NaiveTime::from_hms_milli_opt(hour, minute, second, number(16..19)?)?;
    at(
        date,
        time,
        distance(sign, number(20..22)?, number(22..24)?)?,
    )
}

fn any_time(text: &str) -> Option<DateTime<Utc>> {
    all_consuming(time).parse(text).ok().map(|(_, time)| time)
}

type Parsed<'a, T> = IResult<&'a str, T, nom::error::Error<&'a str>>;

fn time(input: &str) -> Parsed<'_, DateTime<Utc>> {
    map_opt(
        (date, char('T'), time_of_day, offset),
        |(date, _, time, offset)| at(date, time, offset),
    )
    .parse(input)
}

fn at(date: NaiveDate, time: NaiveTime, offset: FixedOffset) -> Option<DateTime<Utc>> {
    let time = date.and_time(time).and_local_timezone(offset).single()?;
    Some(time.to_utc())
}

fn date(input: &str) -> Parsed<'_, NaiveDate> {
    let dash = || opt(char('-'));
    map_opt(
        (digits(4), dash(), digits(2), dash(), digits(2)),
        |(year, _, month, _, day)| NaiveDate::from_ymd_opt(year.cast_signed(), month, day),
    )
    .parse(input)
}

fn time_of_day(input: &str) -> Parsed<'_, NaiveTime> {
    let colon = || opt(char(':'));
    let fraction = opt(preceded(one_of(".,"), nanoseconds));
    map_opt(
        (digits(2), colon(), digits(2), colon(), digits(2), fraction),
        |(hour, _, minute, _, second, fraction)| {
            NaiveTime::from_hms_nano_opt(hour, minute, second, fraction.unwrap_or(0))
        },
    )
    .parse(input)
}

fn offset(input: &str) -> Parsed<'_, FixedOffset> {
    let sign = alt((value(1, char('+')), value(-1, char('-'))));
    let distance = map_opt(
        (sign, digits(2), opt(char(':')), digits(2)),
        |(sign, hours, _, minutes)| self::distance(sign, hours, minutes),
    );
    let utc = map_opt(tag("Z"), |_| FixedOffset::east_opt(0));
    alt((distance, utc)).parse(input)
}

fn distance(sign: i32, hours: u32, minutes: u32) -> Option<FixedOffset> {
    let seconds = (hours * 60 + minutes).cast_signed() * 60;
    (minutes < 60)
        .then(|| FixedOffset::east_opt(sign * seconds))
        .flatten()
}

/// A number of exactly this many digits.
fn digits<'a>(
    count: usize,
) -> impl Parser<&'a str, Output = u32, Error = nom::error::Error<&'a str>> {
    map_opt(
        take_while_m_n(count, count, |c: char| c.is_ascii_digit()),
        |digits: &str| digits.parse().ok(),
    )
}

/// One to nine digits after the decimal point, as nanoseconds.
fn nanoseconds(input: &str) -> Parsed<'_, u32> {
    map_opt(
        take_while_m_n(1, 9, |c: char| c.is_ascii_digit()),
        |digits: &str| Some(digits.parse::<u32>().ok()? * 10_u32.pow(9 - digits.len() as u32)),
    )
    .parse(input)
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<String> {
        parse_time(text).map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }

    #[test]
    fn times_with_an_offset_are_read() {
        let rows = [
            ("20211109T153726.028+0200", "2021-11-09T13:37:26.028Z"),
            ("20211109T153726.028-0330", "2021-11-09T19:07:26.028Z"),
            ("20211109T153726,5+0000", "2021-11-09T15:37:26.500Z"),
            (
                "20211109T153726.123456789+0000",
                "2021-11-09T15:37:26.123456789Z",
            ),
            ("20211109T153726Z", "2021-11-09T15:37:26Z"),
            ("20211231T233000.000-0100", "2022-01-01T00:30:00Z"),
            ("20240229T000000.000+0000", "2024-02-29T00:00:00Z"),
            ("2021-11-09T15:37:26.028+02:00", "2021-11-09T13:37:26.028Z"),
            ("2021-11-09T15:37:26,028+02:00", "2021-11-09T13:37:26.028Z"),
        ];
        for (text, expected) in rows {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        let none = [
            "",
            " ",
            "20211109",
            "20211109T153726.028",
            "20211109T153726.+0200",
            "20211109T153726.1234567890+0200",
            "20211109T153726.028+02",
            "20211109T153726.028+0260",
            "20211109T153726.028+2400",
            "20211109T153726.028+0200 ",
            " 20211109T153726.028+0200",
            "20211109T153726.028+0200x",
            "20211109 153726.028+0200",
            "20210229T153726.028+0200",
            "20211309T153726.028+0200",
            "20211109T243726.028+0200",
            "20211109T153760.028+0200",
            "2021-11-09 15:37:26,028",
            "%longIso8601date",
            "٢٠٢١1109T153726.028+0200",
        ];
        for text in none {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!((rows.len(), none.len()), (9, 20));
    }

    proptest! {
        #[test]
        fn times_are_those_that_chrono_reads(
            seconds in -62_167_219_200_i64..253_402_300_799,
            millisecond in 0_u32..1_000,
            minutes in -1_439_i32..=1_439,
        ) {
            let time = DateTime::from_timestamp(seconds, millisecond * 1_000_000).expect("a time");
            let offset = FixedOffset::east_opt(minutes * 60).expect("an offset");
            let local = time.with_timezone(&offset);
            // .NET writes years with four digits.
            prop_assume!((0..10_000).contains(&chrono::Datelike::year(&local)));
            let text = local.format("%Y%m%dT%H%M%S%.3f%z").to_string();
            prop_assert_eq!(parse_time(&text), Some(time), "{}", text);
            prop_assert_eq!(parse_time(&local.to_rfc3339()), Some(time));
        }

        #[test]
        fn the_usual_form_is_read_as_any_other(
            text in "20[0-9]{2}(0[0-9]|1[0-3])[0-3][0-9]T[0-2][0-9][0-6][0-9][0-6][0-9]\\.[0-9]{3}[+-][0-2][0-9][0-6][0-9]"
        ) {
            prop_assert_eq!(usual_time(&text), any_time(&text));
        }

        #[test]
        fn any_text_is_a_time_or_none(text in "[0-9T:.,+Z-]{0,30}|.*") {
            let _ = parse_time(&text);
        }
    }
}
