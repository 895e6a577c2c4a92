//! Patterns with `*` and `?`, compiled to one automaton: linear time on any text.

use regex_automata::{
    meta::{BuildError, Regex},
    nfa::thompson::WhichCaptures,
    util::syntax,
};

/// The number of patterns that are compiled; reading one takes some kilobytes, even if all of them are refused in the
/// end.
const MAX_PATTERNS: usize = 10_000;

/// Memory that compiled patterns may take, in bytes: some ten thousand patterns of usual length.
const PATTERNS_BYTES: usize = 16 << 20;

/// Memory for the states seen while matching, in bytes; beyond it they are discarded and rebuilt. It holds all states of
/// some ten thousand patterns whose only wildcard is at the end; with a quarter of it, 5,000 of these took 50 times as
/// long for ids that are never the same.
const STATES_BYTES: usize = 8 << 20;

/// Why patterns are not compiled.
#[derive(Debug, thiserror::Error)]
pub(super) enum TooManyPatterns {
    #[error("{0} patterns are more than {MAX_PATTERNS}")]
    Number(usize),
    #[error("{count} patterns take more than {} MiB", PATTERNS_BYTES >> 20)]
    Size {
        count: usize,
        source: Box<BuildError>,
    },
}

/// One automaton for all expressions; `None` if there are none.
pub(super) fn compile(
    expressions: &[String],
    ignore_case: bool,
) -> Result<Option<Regex>, TooManyPatterns> {
    let count = expressions.len();
    if count == 0 {
        return Ok(None);
    }
    if count > MAX_PATTERNS {
        return Err(TooManyPatterns::Number(count));
    }
    let regex = Regex::builder()
        .configure(
            Regex::config()
                .nfa_size_limit(Some(PATTERNS_BYTES))
                // Nobody asks where a pattern begins and ends in a text. Where texts are so different that remembered
                // states do not help, the places would be kept for each state and each pattern: gigabytes.
                .which_captures(WhichCaptures::None)
                .hybrid_cache_capacity(STATES_BYTES),
        )
        .syntax(syntax::Config::new().case_insensitive(ignore_case))
        .build_many(expressions)
        .map_err(|source| TooManyPatterns::Size {
            count,
            source: Box::new(source),
        })?;
    Ok(Some(regex))
}

/// The regular expression of a pattern. `any` is the expression for `?`.
pub(super) fn expression(pattern: &str, any: &str) -> String {
    let mut expression = String::from(r"\A");
    for character in pattern.chars() {
        match character {
            '*' => {
                expression.push_str(any);
                expression.push('*');
            }
            '?' => expression.push_str(any),
            other => regex_syntax::escape_into(other.encode_utf8(&mut [0; 4]), &mut expression),
        }
    }
    expression.push_str(r"\z");
    expression
}
