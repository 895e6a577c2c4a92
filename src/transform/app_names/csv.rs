//! A list of apps as CSV, as people and spreadsheets write it.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::{
    AppListError, AppListProblem, AppTable,
    list::{List, parse_id},
};

/// What may stand between fields: a spreadsheet writes `;` where the comma is in numbers.
const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// Names of the columns, in lower case. The second ones are those of the output's fields.
const ID: [&str; 2] = ["id", "app_id"];
const NAME: [&str; 2] = ["name", "app_name"];

/// Where the columns are.
#[derive(Debug, Clone, Copy)]
struct Columns {
    id: usize,
    name: usize,
    /// How many there are.
    count: usize,
}

/// Reads a list with a header, or with an id and a name a line. Blank lines and lines that begin with
/// `#` do not count.
pub(super) fn read(text: &str) -> Result<AppTable, AppListError> {
    let mut reader = ReaderBuilder::new()
        .delimiter(separator(text))
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let (mut list, mut columns) = (List::default(), None);
    let mut record = StringRecord::new();
    // Of text in memory nothing can fail to be read.
    while reader.read_record(&mut record).unwrap_or(false) {
        let at = |problem| AppListError {
            line: line(text, &record),
            problem,
        };
        let is_blank = record.len() == 1 && record[0].is_empty();
        let Columns { id, name, count } = match columns {
            _ if is_blank => continue,
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

/// The line in which a record begins. The reader's own is that of what it passes over before it.
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
fn separator(text: &str) -> u8 {
    let mut lines = text.lines();
    let first = lines.find(|line| !is_passed_over(line.trim()));
    let found = first.and_then(|line| line.chars().find(|c| SEPARATORS.contains(c)));
    found.map_or(b',', |separator| separator as u8)
}

/// The columns that the first record tells of, and whether it is a header.
fn of_first(record: &StringRecord) -> Result<(Columns, bool), AppListProblem> {
    let column = |names: [&str; 2]| {
        record
            .iter()
            .position(|field| names.contains(&&*field.to_ascii_lowercase()))
    };
    let count = record.len();
    match (column(ID), column(NAME)) {
        (Some(id), Some(name)) => Ok((Columns { id, name, count }, true)),
        _ if record.get(0).and_then(parse_id).is_some() => {
            let columns = Columns {
                id: 0,
                name: 1,
                count: 2,
            };
            Ok((columns, false))
        }
        _ => Err(AppListProblem::Header),
    }
}
