//! Whole numbers on the command line.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

/// Reads a number within bounds. The parsers of clap and of the standard library name types of Rust instead.
pub fn within<N>(
    bounds: RangeInclusive<N>,
) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync
where
    N: FromStr + PartialOrd + Display + Clone + Send + Sync,
{
    move |text| {
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        let (least, most) = (bounds.start(), bounds.end());
        number.ok_or_else(|| format!("expected a whole number from {least} to {most}"))
    }
}
