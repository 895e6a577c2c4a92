//! A list of apps as CSV, as people and spreadsheets write it.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::{
    AppListError, AppListProblem, AppTable,
    list::{Column, List, parse_id, shown},
};

/// The possible separators of fields: spreadsheets write `;` where numbers have a decimal comma.
const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// The positions of the columns.
#[derive(Debug, Clone, Copy)]
struct Columns {
    id: usize,
    name: usize,
    /// The number of columns.
    count: usize,
}

/// Reads a list with a header, or with an id and a name per line. Blank lines and lines that start with `#` are
/// ignored, and so is Excel's `sep=;` in the first line.
pub(super) fn read(text: &str) -> Result<AppTable, AppListError> {
    let first = text.lines().find(|line| !is_passed_over(line.trim()));
    let first = first.unwrap_or_default();
    let named = named_separator(first);
    let mut reader = ReaderBuilder::new()
        .delimiter(named.unwrap_or_else(|| separator(first)))
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let (mut list, mut columns) = (List::default(), None);
    let mut names_separator = named.is_some();
    let mut record = StringRecord::new();
    // Reading from memory cannot fail.
    while reader.read_record(&mut record).unwrap_or(false) {
        let at = |problem| AppListError {
            line: line(text, &record),
            problem,
        };
        let is_blank = record.len() == 1 && record[0].is_empty();
        let Columns { id, name, count } = match columns {
            _ if is_blank || std::mem::take(&mut names_separator) => continue,
            Some(columns) => columns,
            None => {
                let (found, is_header) = of_first(&record).map_err(at)?;
                columns = Some(found);
                if is_header {
                    continue;
                }
                found
            }
        };
        if record.len() != count {
            return Err(at(AppListProblem::Fields {
                expected: count,
                found: record.len(),
            }));
        }
        list.push(&record[id], &record[name]).map_err(at)?;
    }
    list.finish()
        .map_err(|problem| AppListError { line: 1, problem })
}

/// The line in which a record starts. The reader's own number is that of the blank lines and comments before it.
fn line(text: &str, record: &StringRecord) -> usize {
    let Some(start) = record.position() else {
        return 1;
    };
    let lines = text[start.byte() as usize..].lines();
    start.line() as usize + lines.take_while(|line| is_passed_over(line)).count()
}

fn is_passed_over(line: &str) -> bool {
    line.is_empty() || line.starts_with('#')
}

/// The separator that comes first in the first line.
fn separator(first: &str) -> u8 {
    let found = first.chars().find(|c| SEPARATORS.contains(c));
    found.map_or(b',', |separator| separator as u8)
}

/// The separator that the first line sets for Excel: `sep=;`.
fn named_separator(first: &str) -> Option<u8> {
    let first = first.trim_start().trim_matches('"');
    let (name, separator) = first.split_at_checked(4)?;
    match separator.as_bytes() {
        [separator] if name.eq_ignore_ascii_case("sep=") => Some(*separator),
        _ => None,
    }
}

/// The columns according to the first record, and whether it is a header.
fn of_first(record: &StringRecord) -> Result<(Columns, bool), AppListProblem> {
    let column = |column| {
        record
            .iter()
            .position(|field| Column::named(field) == Some(column))
    };
    let id = column(Column::Id).or_else(|| column(Column::AppId));
    let name = column(Column::Name).or_else(|| column(Column::AppName));
    let count = record.len();
    match (id, name) {
        (Some(id), Some(name)) => Ok((Columns { id, name, count }, true)),
        _ if record.get(0).and_then(parse_id).is_some() => {
            let columns = Columns {
                id: 0,
                name: 1,
                count: 2,
            };
            Ok((columns, false))
        }
        _ => Err(AppListProblem::Header {
            found: shown(record),
        }),
    }
}
