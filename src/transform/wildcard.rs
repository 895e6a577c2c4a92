//! Patterns with `*` and `?`, compiled to one automaton: linear time on any text.

use regex_automata::{
    meta::{BuildError, Regex},
    util::syntax,
};

/// Memory that compiled patterns may take, in bytes: some ten thousand patterns of usual length.
const PATTERNS_BYTES: usize = 16 << 20;

/// Memory for the states seen while matching, in bytes; beyond it they are discarded and rebuilt.
const STATES_BYTES: usize = 2 << 20;

/// One automaton for all expressions; `None` if there are none.
pub(super) fn compile(
    expressions: &[String],
    ignore_case: bool,
) -> Result<Option<Regex>, Box<BuildError>> {
    if expressions.is_empty() {
        return Ok(None);
    }
    let regex = Regex::builder()
        .configure(
            Regex::config()
                .nfa_size_limit(Some(PATTERNS_BYTES))
                .hybrid_cache_capacity(STATES_BYTES),
        )
        .syntax(syntax::Config::new().case_insensitive(ignore_case))
        .build_many(expressions)?;
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
