//! The contents of the apps: names, sheets and the objects on them.

use std::sync::Arc;

use fastrand::Rng;

use super::{
    chance::{choose, guid_text},
    context::Apps,
};

const SUBJECTS: [&str; 8] = [
    "Sales",
    "Finance",
    "Stock",
    "HR",
    "Logistics",
    "Quality",
    "Marketing",
    "Service",
];

const VIEWS: [&str; 5] = [
    "overview",
    "planning",
    "details",
    "board report",
    "forecast",
];

/// The types of charts on a sheet; the last one belongs to an extension.
const OBJECT_TYPES: [&str; 7] = [
    "barchart",
    "linechart",
    "table",
    "auto-chart",
    "listbox",
    "map",
    "acme-gauge",
];

/// The apps of the site, by their numbers.
#[derive(Debug)]
pub(super) struct Catalogue(Vec<App>);

#[derive(Debug)]
pub(super) struct App {
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    /// How much data it has, from 1 to 64.
    pub(super) size: u64,
    pub(super) sheets: Vec<Sheet>,
}

#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) id: Arc<str>,
    /// At least five; the first one is a listbox.
    pub(super) objects: Vec<Object>,
}

#[derive(Debug)]
pub(super) struct Object {
    pub(super) id: Arc<str>,
    pub(super) object_type: &'static str,
    /// How much it has to calculate, from 1 to 32.
    pub(super) burden: u64,
}

impl Catalogue {
    pub(super) fn new(apps: &Apps, rng: &mut Rng) -> Self {
        let app = |(number, (id, sheets)): (usize, (&str, &[String]))| {
            let subject = SUBJECTS[number % SUBJECTS.len()];
            let view = VIEWS[number / SUBJECTS.len() % VIEWS.len()];
            App {
                id: id.into(),
                name: format!("{subject} {view}").into(),
                size: 1 << rng.u32(0..7),
                sheets: sheets.iter().map(|id| Sheet::new(id, rng)).collect(),
            }
        };
        Self(apps.iter().enumerate().map(app).collect())
    }

    pub(super) fn app(&self, number: usize) -> &App {
        &self.0[number]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &App> {
        self.0.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Sheet {
    fn new(id: &str, rng: &mut Rng) -> Self {
        let mut objects: Vec<Object> = (0..rng.u32(5..8)).map(|_| Object::new(rng)).collect();
        objects[0].object_type = "listbox";
        Self {
            id: id.into(),
            objects,
        }
    }
}

impl Object {
    fn new(rng: &mut Rng) -> Self {
        Self {
            id: object_id(rng),
            object_type: choose(rng, &OBJECT_TYPES),
            burden: 1 << rng.u32(0..6),
        }
    }
}

/// Six letters, as Qlik Sense generates them; now and then a guid, as in objects created by a script.
fn object_id(rng: &mut Rng) -> Arc<str> {
    if rng.u32(0..20) == 0 {
        return guid_text(rng).into();
    }
    let letters: String = (0..6).map(|_| rng.alphabetic()).collect();
    letters.into()
}
