//! The filters for performance events: Butler SOS's `monitorFilter`.
//!
//! Butler SOS publishes an event that any of its filters accepts: the one for all apps or one for certain apps. This
//! program has a single filter, with lists of apps, of types of objects and of methods. Several of Butler SOS's filters
//! become the narrowest one that accepts all that they accept.

use std::collections::BTreeSet;

use super::{
    Note,
    config::{AppEntry, AppObjects, ButlerSos, LogEvents, Methods, ObjectTypes},
    values::Text,
};

pub(super) const KEY: &str = "logEvents.enginePerformanceMonitor.monitorFilter";

/// The apps, types of objects or methods that are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Accepted {
    /// All except these.
    AllBut(BTreeSet<String>),
    /// Only these.
    Only(BTreeSet<String>),
}

impl Accepted {
    /// The meaning of a switch and of the lists for its two positions. A missing switch is on, as in Butler SOS's
    /// template.
    fn new(all: Option<bool>, excluded: &[Text], included: &[Text]) -> Self {
        let names = |list: &[Text]| {
            let names = list.iter().map(|name| name.0.trim());
            let names = names.filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        if all.unwrap_or(true) {
            Self::AllBut(names(excluded))
        } else {
            Self::Only(names(included))
        }
    }

    fn object_types(from: &ObjectTypes) -> Self {
        Self::new(
            from.all_object_types,
            &from.all_object_types_exclude,
            &from.some_object_types_include,
        )
    }

    fn methods(from: &Methods) -> Self {
        Self::new(
            from.all_methods,
            &from.all_methods_exclude,
            &from.some_methods_include,
        )
    }

    fn is_none(&self) -> bool {
        matches!(self, Self::Only(names) if names.is_empty())
    }

    /// Accepts what either of the two accepts.
    fn or(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::AllBut(these), Self::AllBut(those)) => Self::AllBut(these & those),
            (Self::Only(these), Self::Only(those)) => Self::Only(these | those),
            (Self::AllBut(but), Self::Only(only)) | (Self::Only(only), Self::AllBut(but)) => {
                Self::AllBut(but - only)
            }
        }
    }

    /// Whether `other` accepts everything that this accepts.
    fn is_within(&self, other: &Self) -> bool {
        self.or(other) == *other
    }
}

/// A filter: which apps, types of objects and methods are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) apps: Accepted,
    pub(super) object_types: Accepted,
    pub(super) methods: Accepted,
}

impl Filter {
    fn lists(&self) -> [&Accepted; 3] {
        [&self.apps, &self.object_types, &self.methods]
    }

    /// Whether there are events that it does not accept.
    pub(super) fn leaves_out(&self) -> bool {
        let all = Accepted::AllBut(BTreeSet::new());
        self.lists().into_iter().any(|accepted| *accepted != all)
    }

    /// The narrowest filter that accepts what either of the two accepts, and whether it accepts nothing else.
    fn or(&self, other: &Self) -> (Self, bool) {
        let pairs = || self.lists().into_iter().zip(other.lists());
        let is_exact = pairs().filter(|(these, those)| these != those).count() <= 1
            || pairs().all(|(these, those)| these.is_within(those))
            || pairs().all(|(these, those)| those.is_within(these));
        let filter = Self {
            apps: self.apps.or(&other.apps),
            object_types: self.object_types.or(&other.object_types),
            methods: self.methods.or(&other.methods),
        };
        (filter, is_exact)
    }
}

/// Whether Butler SOS publishes performance events, but not all of them.
pub(super) fn leaves_out(from: &LogEvents) -> bool {
    filter(from, &mut Vec::new()).is_some_and(|filter| filter.leaves_out())
}

/// Whether Butler SOS counts the events that its filters leave out.
pub(super) fn is_tracked(from: &ButlerSos) -> bool {
    let counts = &from.qlik_sense_events;
    from.influxdb_config.enable
        && counts.influxdb.enable
        && counts.rejected_event_count.enable
        && from
            .log_events
            .engine_performance_monitor
            .track_rejected_events
            .enable
        && leaves_out(&from.log_events)
}

impl LogEvents {
    /// Whether performance events have a destination.
    pub(super) fn has_performance(&self) -> bool {
        filter(self, &mut Vec::new()).is_some()
    }

    /// Whether any events have a destination.
    pub(super) fn is_used(&self) -> bool {
        !self.services().is_empty() || self.has_performance()
    }
}

/// The filter for what Butler SOS publishes; `None` if it publishes no performance events.
pub(super) fn filter(from: &LogEvents, notes: &mut Vec<Note>) -> Option<Filter> {
    let monitor = &from.engine_performance_monitor;
    // The switch of the source only lets events in to be counted.
    if !(from.source.qix_perf.enable && monitor.enable) {
        return None;
    }
    let mut filters = Vec::new();
    let mut add = |filter: Filter, key: &str, notes: &mut Vec<Note>| {
        if filter.lists().iter().any(|accepted| accepted.is_none()) {
            let message = "left out: one of its lists is empty, so it accepts nothing";
            notes.push(Note::new(key, message));
        } else {
            filters.push(filter);
        }
    };
    let all = &monitor.monitor_filter.all_apps;
    if all.enable {
        let key = format!("{KEY}.allApps");
        let filter = Filter {
            apps: Accepted::AllBut(apps(&all.app_exclude, &format!("{key}.appExclude"), notes)),
            object_types: Accepted::object_types(&all.object_type),
            methods: Accepted::methods(&all.method),
        };
        add(filter, &key, notes);
    }
    let specific = &monitor.monitor_filter.app_specific;
    let of_apps = specific.app.iter().filter(|_| specific.enable);
    for (place, app) in of_apps.enumerate() {
        let key = format!("{KEY}.appSpecific.app[{place}]");
        let filter = Filter {
            apps: Accepted::Only(apps(&app.include, &format!("{key}.include"), notes)),
            object_types: Accepted::object_types(&app.object_type),
            methods: Accepted::methods(&app.method),
        };
        note_objects(&app.app_object, &format!("{key}.appObject"), notes);
        add(filter, &key, notes);
    }
    let mut is_exact = true;
    let filter = filters.into_iter().reduce(|one, other| {
        let (filter, is_this) = one.or(&other);
        is_exact &= is_this;
        filter
    });
    if !is_exact {
        notes.push(Note::new(
            KEY,
            "several filters become one, which keeps what each of them keeps and also combinations, such as an \
             app from one with a type or method from another",
        ));
    }
    if let Some(filter) = &filter {
        note_patterns(filter, notes);
    }
    filter
}

/// The ids and names of apps.
fn apps(entries: &[AppEntry], key: &str, notes: &mut Vec<Note>) -> BTreeSet<String> {
    let mut apps = BTreeSet::new();
    for (place, entry) in entries.iter().enumerate() {
        let text = |text: &Option<Text>| {
            let text = text.as_ref().map(|text| text.0.trim());
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let note = match (text(&entry.app_id), text(&entry.app_name)) {
            (Some(id), None) => {
                apps.insert(id);
                continue;
            }
            (None, Some(name)) => {
                apps.insert(name);
                continue;
            }
            (Some(id), Some(_)) => {
                apps.insert(id);
                "has an id and a name, but only the id is used; Butler SOS requires both to match"
            }
            (None, None) => {
                "left out: it has neither id nor name; in Butler SOS it matches every app, so name the apps that you mean"
            }
        };
        notes.push(Note::new(&format!("{key}[{place}]"), note));
    }
    apps
}

fn note_objects(from: &AppObjects, key: &str, notes: &mut Vec<Note>) {
    let lists = [
        &from.all_app_objects_exclude,
        &from.some_app_objects_include,
    ];
    if from.all_app_objects == Some(false) || lists.iter().any(|list| !list.is_empty()) {
        notes.push(Note::new(
            key,
            "objects cannot be selected by id; all objects of the app are kept. Butler SOS 15 cannot select them \
             either: its list accepts nothing, or excludes nothing",
        ));
    }
}

fn note_patterns(filter: &Filter, notes: &mut Vec<Note>) {
    for (list, accepted) in ["apps", "object_types", "methods"]
        .iter()
        .zip(filter.lists())
    {
        let (Accepted::AllBut(names) | Accepted::Only(names)) = accepted;
        if names.iter().any(|name| name.contains(['*', '?'])) {
            notes.push(Note::new(
                KEY,
                &format!(
                    "`*` and `?` are wildcards in `transform.performance.{list}`; in Butler SOS they are ordinary \
                     characters"
                ),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(ToString::to_string).collect()
    }

    /// Whether a name is accepted.
    fn accepts(accepted: &Accepted, name: &str) -> bool {
        match accepted {
            Accepted::AllBut(names) => !names.contains(name),
            Accepted::Only(names) => names.contains(name),
        }
    }

    /// All filters of the names `a` and `b`; `c` stands for any other name.
    fn every() -> Vec<Accepted> {
        let sets = [&[][..], &["a"], &["b"], &["a", "b"]];
        sets.iter()
            .flat_map(|names| [Accepted::AllBut(set(names)), Accepted::Only(set(names))])
            .collect()
    }

    #[test]
    fn the_union_accepts_what_either_accepts_and_nothing_else() {
        for these in every() {
            for those in every() {
                let either = these.or(&those);
                for name in ["a", "b", "c"] {
                    let expected = accepts(&these, name) || accepts(&those, name);
                    assert_eq!(accepts(&either, name), expected, "{these:?} {those:?}");
                }
                let is_within = ["a", "b", "c"]
                    .iter()
                    .all(|name| !accepts(&these, name) || accepts(&those, name));
                assert_eq!(these.is_within(&those), is_within, "{these:?} {those:?}");
            }
        }
    }

    /// Tries every event that two filters can distinguish.
    #[test]
    fn a_merged_filter_keeps_what_either_keeps_and_tells_if_it_keeps_more() {
        let some: Vec<Accepted> = every().into_iter().step_by(3).collect();
        let mut filters = Vec::new();
        for apps in &some {
            for object_types in &some {
                for methods in &some {
                    filters.push(Filter {
                        apps: apps.clone(),
                        object_types: object_types.clone(),
                        methods: methods.clone(),
                    });
                }
            }
        }
        let names = ["a", "b", "c"];
        let keeps = |filter: &Filter, event: [&str; 3]| {
            let mut lists = filter.lists().into_iter().zip(event);
            lists.all(|(accepted, name)| accepts(accepted, name))
        };
        for one in &filters {
            for other in &filters {
                let (either, is_exact) = one.or(other);
                let mut keeps_more = false;
                for app in names {
                    for object_type in names {
                        for method in names {
                            let event = [app, object_type, method];
                            let expected = keeps(one, event) || keeps(other, event);
                            assert!(!expected || keeps(&either, event), "{one:?} {other:?}");
                            keeps_more |= !expected && keeps(&either, event);
                        }
                    }
                }
                let accept_something = !one
                    .lists()
                    .iter()
                    .chain(&other.lists())
                    .any(|list| list.is_none());
                if accept_something {
                    assert_eq!(is_exact, !keeps_more, "{one:?} {other:?}");
                }
            }
        }
    }
}
