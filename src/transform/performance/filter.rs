//! Selects the requests that go through on their own, by their cost or by names.

use regex_automata::meta::Regex;
use uuid::Uuid;

use super::{
    PerformanceError,
    config::{NameFilter, NamePattern, PerformanceConfig},
};
use crate::{
    event::{Event, Level, PerformanceEvent},
    transform::wildcard::{compile, expression},
};

/// The expression for `?`.
const ANY: &str = "(?s:.)";

#[derive(Debug, Clone)]
pub(super) struct Filter {
    /// In nanoseconds.
    min_process: Option<i64>,
    min_peak_ram_bytes: Option<i64>,
    /// Whether names alone select a request.
    chooses_by_name: bool,
    apps: Names,
    object_types: Names,
    methods: Names,
}

impl Filter {
    pub(super) fn new(config: &PerformanceConfig) -> Result<Self, PerformanceError> {
        let min_process = Some(config.min_process_ms.nanoseconds()).filter(|it| *it > 0);
        let min_peak_ram_bytes = Some(config.min_peak_ram_bytes)
            .filter(|it| *it > 0)
            .map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        let has_threshold = min_process.is_some() || min_peak_ram_bytes.is_some();
        let filters = [&config.apps, &config.object_types, &config.methods];
        let includes = filters.iter().any(|filter| !filter.include.is_empty());
        let names = |filter, names| {
            Names::new(names).map_err(|reason| PerformanceError::TooManyPatterns { filter, reason })
        };
        Ok(Self {
            min_process,
            min_peak_ram_bytes,
            chooses_by_name: includes || !has_threshold,
            apps: names("apps", &config.apps)?,
            object_types: names("object_types", &config.object_types)?,
            methods: names("methods", &config.methods)?,
        })
    }

    /// Whether a request goes through on its own.
    pub(super) fn keeps(&self, event: &Event, request: PerformanceEvent<'_>) -> bool {
        self.is_remarkable(request) || says_more(event) || self.is_chosen(event, request)
    }

    fn is_remarkable(&self, request: PerformanceEvent<'_>) -> bool {
        let reaches =
            |value: Option<i64>, least: Option<i64>| least.is_some_and(|it| value >= Some(it));
        reaches(request.process_nanoseconds(), self.min_process)
            || reaches(request.peak_ram_bytes(), self.min_peak_ram_bytes)
    }

    fn is_chosen(&self, event: &Event, request: PerformanceEvent<'_>) -> bool {
        self.chooses_by_name
            && self.methods.want(&[request.method()])
            && self.object_types.want(&[request.object_type()])
            && self.wants_app(event)
    }

    fn wants_app(&self, event: &Event) -> bool {
        if self.apps.want_all() {
            return true;
        }
        let mut buffer = Uuid::encode_buffer();
        let id = match event.app_id() {
            Some(id) => Some(&*id.hyphenated().encode_lower(&mut buffer)),
            // Session apps have no guid.
            None => event.unreadable().get("app_id"),
        };
        match event.app_name() {
            None => self.apps.want(&[id]),
            name => self.apps.want(&[id, name]),
        }
    }
}

/// Whether a request says more than a summary can: the engine logged it as a warning or worse, it has an exception, or
/// a value that would be summarized is unreadable.
fn says_more(event: &Event) -> bool {
    event.level() >= Some(Level::Warn)
        || event.exception().is_some()
        || event
            .unreadable()
            .iter()
            .any(|(name, _)| name.ends_with("_ms") || name.ends_with("_ram_bytes"))
}

#[derive(Debug, Clone)]
struct Names {
    include: Option<Regex>,
    exclude: Option<Regex>,
}

impl Names {
    fn new(filter: &NameFilter) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let compiled = |patterns: &[NamePattern]| {
            let patterns = patterns.iter();
            let expressions: Vec<_> = patterns.map(|it| expression(it.as_str(), ANY)).collect();
            compile(&expressions, true)
        };
        Ok(Self {
            include: compiled(&filter.include)?,
            exclude: compiled(&filter.exclude)?,
        })
    }

    const fn want_all(&self) -> bool {
        self.include.is_none() && self.exclude.is_none()
    }

    /// Whether something with these names is selected. An absent name is empty text.
    fn want(&self, names: &[Option<&str>]) -> bool {
        let has_any = |patterns: &Regex| {
            let mut names = names.iter();
            names.any(|name| patterns.is_match(name.unwrap_or_default()))
        };
        !self.exclude.as_ref().is_some_and(has_any) && self.include.as_ref().is_none_or(has_any)
    }
}
