//! Detects entries that are most likely mistakes, and suggests what was probably meant. An entry that matches nobody
//! would let users through who should be excluded.

use super::UserPattern;

/// Characters that no part of an entry can contain: fields of a payload contain no `;`, and names of Windows accounts
/// no control characters.
pub(super) const IMPOSSIBLE: fn(char) -> bool = |c| c == ';' || c.is_control();

/// The most backslashes in an entry as text, each of which makes one more entry.
pub(super) const MAX_BACKSLASHES: usize = 16;

/// The longest entry as text, in bytes: about ten times the length of a directory and an account in Windows.
const MAX_BYTES: usize = 4_096;

/// The number of characters of an entry that an error shows.
const SHOWN: usize = 100;

/// What starts a comment in common formats; only the first of them does in a blacklist file.
const COMMENTS: [&str; 3] = ["#", ";", "//"];

const QUOTES: [char; 11] = ['"', '\'', '`', '“', '”', '„', '‘', '’', '‚', '«', '»'];

/// An entry that cannot match any user, or is most likely a mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}`: {problem}{}", instead(.meant))]
pub struct UserPatternError {
    /// The entry, truncated if long.
    entry: String,
    problem: UserPatternProblem,
    /// The entries that were probably meant, if any.
    meant: Vec<String>,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserPatternProblem {
    /// There is no `\` between directory and id.
    #[error(r"expected DIRECTORY\user_id, for example INTERNAL\sa_*, and found no `\`")]
    NoSeparator,
    /// The directory is empty.
    #[error(r"the user directory is empty; write *\user_id for a user of any directory")]
    EmptyDirectory,
    /// The user id is empty.
    #[error(r"the user id is empty; write DIRECTORY\* for all users of a directory")]
    EmptyUserId,
    /// A part is Qlik Sense's word for a value that is not set.
    #[error("`(null)` stands for a user directory or id that is not set, which only `*` matches")]
    Null,
    /// A part contains a `;` or a control character.
    #[error("a user directory or id never contains `;` or a control character")]
    ImpossibleCharacter,
    /// It contains an invisible character, as copied text may.
    #[error("it contains the invisible character U+{:04X}", u32::from(*.0))]
    InvisibleCharacter(char),
    /// The entry, or a part of it, is in quotes.
    #[error("write the entry without quotes around it")]
    Quotes,
    /// The entry is written as a list item of another format.
    #[error("write the entry on its own, without brackets, a leading dash or a trailing comma")]
    List,
    /// It names several users.
    #[error("an entry names one user")]
    SeveralUsers,
    /// It contains a comment.
    #[error("an entry cannot contain a comment; in a file, a comment starts with ` #`")]
    Comment,
    /// It contains two backslashes in a row.
    #[error(r"expected one `\` between directory and id, and found two in a row")]
    DoubleBackslash,
    /// There is white space around the directory or the id.
    #[error(r"the user directory or id has white space around it")]
    WhiteSpace,
    /// The entry is longer than any user.
    #[error("an entry has at most {MAX_BYTES} bytes")]
    TooLong,
    /// There are more backslashes than an entry may have.
    #[error("an entry has at most {MAX_BACKSLASHES} backslashes")]
    TooManyBackslashes,
}

impl UserPatternError {
    pub(super) fn new(entry: &str, problem: UserPatternProblem) -> Self {
        Self {
            entry: shown(entry),
            problem,
            meant: Vec::new(),
        }
    }

    /// A problem of an entry written as text, with the entries that were probably meant.
    pub(super) fn in_text(entry: &str, problem: UserPatternProblem) -> Self {
        let meant = match problem {
            UserPatternProblem::TooLong => Vec::new(),
            _ => meant(entry),
        };
        let is_certain = meant.iter().all(|entry| is_entry(entry));
        Self {
            meant: if is_certain { meant } else { Vec::new() },
            ..Self::new(entry, problem)
        }
    }

    /// The problem.
    #[must_use]
    pub const fn problem(&self) -> UserPatternProblem {
        self.problem
    }
}

fn is_entry(text: &str) -> bool {
    UserPattern::of_text(text).is_ok()
}

/// A problem of an entry as text that it would not have as a table.
pub(super) fn in_text(text: &str) -> Option<UserPatternProblem> {
    use UserPatternProblem as P;
    let mut parts = text.split('\\');
    Some(if text.len() > MAX_BYTES {
        P::TooLong
    } else if let Some(invisible) = text.chars().find(|c| is_invisible(*c)) {
        P::InvisibleCharacter(invisible)
    } else if is_of_a_list(text) {
        P::List
    } else if is_quoted(text) || parts.clone().any(is_quoted) {
        P::Quotes
    } else if users(text).len() > 1 {
        P::SeveralUsers
    } else if comment(text, &COMMENTS).is_some() {
        P::Comment
    } else if text.contains(r"\\") {
        P::DoubleBackslash
    } else if parts.any(|part| part.trim() != part) {
        P::WhiteSpace
    } else {
        return None;
    })
}

fn is_of_a_list(text: &str) -> bool {
    without_bullet(text) != text
        || text.starts_with(['[', '{'])
        || text.ends_with([',', ';'])
        || ["['", "[\""].iter().any(|start| text.contains(start))
}

/// A text without the marks around a list item in plain text, Markdown or XML: `- `, `* `, `• `, `1. `, `| … |`, `<…>`.
/// Names of Windows accounts contain no `<`, `>` or `|`.
fn without_bullet(text: &str) -> &str {
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = number != text && number.starts_with([')', '.']);
    let text = match number.split_at_checked(1) {
        Some((_, rest)) if is_numbered && rest.starts_with(' ') => rest.trim_start(),
        _ => text,
    };
    let bullets = ["- ", "* ", "+ ", "• ", "– ", "— ", "| ", "<"];
    let rest = bullets.iter().find_map(|bullet| text.strip_prefix(bullet));
    rest.unwrap_or(text).trim_end_matches(['>', '|'])
}

/// A name may start with an apostrophe, but never with `"`.
fn is_quoted(text: &str) -> bool {
    let is_in_quotes = text.starts_with(QUOTES) && text.ends_with(QUOTES);
    text.starts_with('"') || (is_in_quotes && text.chars().nth(1).is_some())
}

/// Where the comment of a line or an entry starts: at one of `signs`, at the start of the line or after white space,
/// but not within a name.
pub(super) fn comment(text: &str, signs: &[&str]) -> Option<usize> {
    let starts = text.char_indices().filter(|(place, _)| {
        let before = text[..*place].chars().next_back();
        before.is_none_or(char::is_whitespace)
    });
    let is_comment = |rest: &str| signs.iter().any(|sign| rest.starts_with(sign));
    starts
        .map(|(place, _)| place)
        .find(|place| is_comment(&text[*place..]))
}

/// The users in a text, each with a directory, separated by commas or semicolons, or by white space before the same
/// directory. A comma without a directory after it is part of a name.
fn users(text: &str) -> Vec<&str> {
    let parts: Vec<&str> = text.split([',', ';']).collect();
    if parts.len() > 1 && parts.iter().all(|part| part.contains('\\')) {
        return parts;
    }
    let directory = text.split_inclusive('\\').next().unwrap_or_default();
    let again = text.char_indices().skip(1).filter(|(place, _)| {
        let rest = text[*place..].get(..directory.len());
        text[..*place].ends_with(char::is_whitespace)
            && rest.is_some_and(|rest| rest.eq_ignore_ascii_case(directory))
    });
    let (mut users, mut start) = (Vec::new(), 0);
    for (place, _) in again {
        users.push(&text[start..place]);
        start = place;
    }
    users.push(&text[start..]);
    users
}

/// The entries that were probably meant.
fn meant(text: &str) -> Vec<String> {
    let text: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    let text = &text[..comment(&text, &COMMENTS).unwrap_or(text.len())];
    let text = match (text.find('['), text.rfind(']')) {
        (Some(start), Some(end)) if start < end && is_of_a_list(text) => &text[start + 1..end],
        _ => text,
    };
    let text = without_bullet(text.trim()).trim_end_matches([',', ';']);
    users(text).into_iter().map(tidied).collect()
}

/// One user without the characters around the names, and with a single `\` between them.
fn tidied(text: &str) -> String {
    let around = |c: char| c.is_whitespace() || QUOTES.contains(&c);
    let text = text.trim_matches(around).trim_end_matches([',', ';']);
    let separators: &[char] = if text.contains('\\') {
        &['\\']
    } else {
        &['/', ',', ';', '\t']
    };
    let parts = text.split(separators).map(|part| part.trim_matches(around));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("\\")
}

/// Restores a text from a double-quoted string in which each backslash was meant as one: `"LAB\tom"` from a text with a
/// tab. A host's YAML or TOML arrives here as values, without the source text.
pub(super) fn escaped(text: &str) -> Option<String> {
    if !text.contains(char::is_control) {
        return None;
    }
    let mut written = String::new();
    for character in text.chars() {
        match character {
            '\u{8}' => written.push_str(r"\b"),
            '\t' => written.push_str(r"\t"),
            '\n' => written.push_str(r"\n"),
            '\u{C}' => written.push_str(r"\f"),
            '\r' => written.push_str(r"\r"),
            '\u{1B}' => written.push_str(r"\e"),
            other => written.push(other),
        }
    }
    is_entry(&written).then_some(written)
}

/// Characters without width, except those that some scripts need within words.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{AD}'
            | '\u{200B}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2069}'
            | '\u{FEFF}'
    )
}

fn shown(entry: &str) -> String {
    let mut shown = String::new();
    for character in entry.chars().take(SHOWN) {
        if character.is_control() || is_invisible(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    if entry.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// The advice on what to write instead.
fn instead(meant: &[String]) -> String {
    match meant {
        [] => String::new(),
        [one] => format!("; write `{one}`"),
        [first, second] => format!("; write `{first}` and `{second}`, each as its own entry"),
        [first, second, others @ ..] => format!(
            "; write `{first}`, `{second}` and {} more, each as its own entry",
            others.len()
        ),
    }
}
