//! Compares the readings with those of a search that tries every split.

use proptest::prelude::*;

use super::{
    super::layout::{ENGINE, PROXY, SCHEDULER},
    *,
};

/// Every way to divide parts among shapes: where each field starts.
fn divisions(shapes: &[&Shape], parts: &[&str]) -> Vec<Vec<usize>> {
    let Some((shape, others)) = shapes.split_first() else {
        return if parts.is_empty() {
            vec![vec![]]
        } else {
            vec![]
        };
    };
    let mut all = Vec::new();
    for length in 1..=parts.len() {
        let (own, behind) = parts.split_at(length);
        let may_be = (shape.first)(own[0])
            && own[1..]
                .iter()
                .all(|part| shape.further.is_some_and(|test| test(part)))
            && (length == 1 || (shape.last)(own[length - 1]));
        if may_be {
            for division in divisions(others, behind) {
                let behind = division.iter().map(|place| place + length);
                all.push([0].into_iter().chain(behind).collect());
            }
        }
    }
    all
}

fn naive_places(layout: &Layout, parts: &[&str]) -> Option<Vec<(usize, usize)>> {
    let shapes = Shapes::of(layout.service);
    let mut all = Vec::new();
    for (head, tail) in shapes
        .heads
        .iter()
        .flat_map(|head| shapes.tails.iter().map(move |tail| (head, tail)))
    {
        let shapes: Vec<&Shape> = head.iter().chain(*tail).collect();
        all.extend(divisions(&shapes, parts));
    }
    let places = (0..layout.fields.len()).map(|field| {
        let begins = all.iter().map(|division| division[field]);
        Some((begins.clone().min()?, begins.max()?))
    });
    places.collect()
}

/// Texts that may be values of several fields.
fn part() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "",
        "(null)",
        "0",
        "text",
        "Some text",
        " more text",
        "LAB",
        "goran",
        r"LAB\goran",
        "Login:TryLogin",
        "403",
        "AppAccess",
        "Not available",
        "/hub",
        "x=1",
        "c0de71aa-40b2-4d0e-8f31-0c9b8f2d6a10",
        "20260131T095959.961+0100",
        "System.IO.IOException: gone",
        "closed\u{21b5}\u{2193}   at X()",
    ])
}

fn layouts() -> impl Strategy<Value = &'static Layout> {
    prop::sample::select(vec![&ENGINE, &PROXY, &SCHEDULER])
}

/// A usual value for each field of a layout, so that some rows have a reading.
fn lifelike(layout: &Layout) -> Vec<&'static str> {
    let fields = layout.fields.iter().map(|field| match field {
        Property::UserDirectory => "LAB",
        Property::User => r"LAB\goran",
        Property::Context => "/hub",
        Property::Message | Property::Command | Property::UserId => "Some text",
        Property::TaskName | Property::AppName => "Sales",
        Property::TaskId | Property::AppId | Property::EngineSessionId => {
            "c0de71aa-40b2-4d0e-8f31-0c9b8f2d6a10"
        }
        _ => "",
    });
    fields.collect()
}

fn row() -> impl Strategy<Value = (&'static Layout, Vec<&'static str>)> {
    let changes =
        prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), part()), 0..6);
    (layouts(), changes).prop_map(|(layout, changes)| {
        let mut parts = lifelike(layout);
        for (place, is_new, part) in changes {
            let place = place.index(parts.len());
            if is_new {
                parts.insert(place, part);
            } else {
                parts[place] = part;
            }
        }
        (layout, parts)
    })
}

proptest! {
    #[test]
    fn readings_are_those_of_a_search_of_every_split((layout, parts) in row()) {
        let text = parts.join(";");
        let found = places(layout, &Parts::of(&text)).map(|places| places.to_vec());
        prop_assert_eq!(found, naive_places(layout, &parts));
    }

    #[test]
    fn every_byte_is_in_a_field_and_in_order((layout, parts) in row(), glued in prop::sample::select(vec!["", "", "System.Exception: a; b"])) {
        let row = parts.join(";") + glued;
        let found = assign(layout, &row, false);
        let texts = layout.fields.iter().map(|field| found.texts[*field as usize]);
        let texts: String = texts.collect::<Vec<_>>().concat();
        prop_assert_eq!(texts.replace(';', ""), row[..found.end].replace(';', ""));
        let names = layout.fields.iter().map(|field| field.as_str());
        let names: Vec<&str> = names.collect();
        prop_assert!(found.ambiguous.iter().all(|name| names.contains(name)));
        prop_assert!(row[found.end..].is_empty() || row[found.end..].contains("System"));
    }
}

#[test]
fn a_row_of_nothing_but_separators_is_read() {
    for layout in [&ENGINE, &PROXY, &SCHEDULER] {
        let row = ";".repeat(65_000);
        assert_eq!(assign(layout, &row, false).end, row.len());
    }
}
