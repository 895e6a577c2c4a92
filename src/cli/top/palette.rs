//! The styles on a terminal: with colour if it supports that, otherwise without.

use ratatui::{
    style::{Color, Modifier, Style},
    symbols::{bar, border},
};

use crate::cli::columns::{ellipsis, knows_unicode};

/// Styles and characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Palette {
    pub title: Style,
    pub heading: Style,
    pub sorted: Style,
    pub number: Style,
    pub curve: Style,
    pub faint: Style,
    pub notice: Style,
    /// The characters of the curve, from the lowest.
    pub bars: bar::Set<'static>,
    pub border: border::Set<'static>,
    /// Marks where text was cut.
    pub ellipsis: &'static str,
}

/// Characters for a terminal without Unicode.
const ASCII_BARS: bar::Set<'static> = bar::Set {
    full: "@",
    seven_eighths: "#",
    three_quarters: "*",
    five_eighths: "+",
    half: "=",
    three_eighths: "-",
    one_quarter: ":",
    one_eighth: ".",
    empty: " ",
};

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

impl Palette {
    /// The palette for an environment: no colour with `NO_COLOR` or `TERM=dumb`, and ASCII characters instead of blocks
    /// if the locale is not UTF-8.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let with_colour =
            is_set("NO_COLOR").is_none() && is_set("TERM").is_none_or(|term| term != "dumb");
        Self::new(with_colour, knows_unicode(variable))
    }

    pub fn new(with_colour: bool, with_unicode: bool) -> Self {
        let plain = Style::new();
        let coloured = |colour: Color| if with_colour { plain.fg(colour) } else { plain };
        Self {
            title: plain.add_modifier(Modifier::BOLD),
            heading: plain.add_modifier(Modifier::REVERSED),
            sorted: plain.add_modifier(Modifier::REVERSED | Modifier::BOLD),
            number: coloured(Color::Cyan).add_modifier(Modifier::BOLD),
            curve: coloured(Color::Green),
            faint: coloured(Color::DarkGray),
            notice: coloured(Color::Yellow).add_modifier(Modifier::BOLD),
            bars: if with_unicode {
                bar::NINE_LEVELS
            } else {
                ASCII_BARS
            },
            border: if with_unicode {
                border::PLAIN
            } else {
                ASCII_BORDER
            },
            ellipsis: ellipsis(with_unicode),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        type Variables = &'static [(&'static str, &'static str)];
        let rows: [(Variables, bool, bool); 8] = [
            (&[("LANG", "en_US.UTF-8")], true, true),
            (&[("LANG", "en_US.UTF-8"), ("NO_COLOR", "1")], false, true),
            (&[("LANG", "en_US.UTF-8"), ("NO_COLOR", "")], true, true),
            (&[("LANG", "en_US.UTF-8"), ("TERM", "dumb")], false, true),
            (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")], true, false),
            (&[("LC_CTYPE", "C.utf8")], true, true),
            (&[("LANG", "POSIX")], true, false),
            (&[], true, cfg!(windows)),
        ];
        for (variables, with_colour, with_unicode) in rows {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let expected = Palette::new(with_colour, with_unicode);
            assert_eq!(Palette::of(variable), expected, "{variables:?}");
        }
    }
}
