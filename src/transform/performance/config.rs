//! The options of the transform.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Performance;

/// The options of the transform of performance events, `[transform.performance]` in the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PerformanceConfig {
    /// Whether to select performance events and summarize the others. Default: no, so all of them go through.
    pub enabled: bool,
    /// A request that takes at least this time, in milliseconds, goes through on its own. Default: 0, for no such
    /// threshold.
    pub min_process_ms: Milliseconds,
    /// A request with at least this peak memory, in bytes, goes through on its own. Default: 0, for no such threshold.
    pub min_peak_ram_bytes: u64,
    /// The longest interval that a summary covers, in seconds, 1 to 3,600. Default: 60.
    pub summary_interval_secs: u64,
    /// The most groups at the same time, each of one node, app, user and type of object, 1 to 1,000,000. Default:
    /// 10,000.
    pub max_groups: usize,
    /// `[transform.performance.apps]`: apps by id or name.
    pub apps: NameFilter,
    /// `[transform.performance.object_types]`: types of object, such as `barchart`.
    pub object_types: NameFilter,
    /// `[transform.performance.methods]`: class and method, such as `GenericObject::GetLayout`.
    pub methods: NameFilter,
}

impl Default for PerformanceConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            min_process_ms: Milliseconds::default(),
            min_peak_ram_bytes: 0,
            summary_interval_secs: 60,
            max_groups: 10_000,
            apps: NameFilter::default(),
            object_types: NameFilter::default(),
            methods: NameFilter::default(),
        }
    }
}

/// Selects names, ignoring case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NameFilter {
    /// The names that are selected. Default: none, which means all.
    pub include: Vec<NamePattern>,
    /// The names that are not; these take precedence. Default: none.
    pub exclude: Vec<NamePattern>,
}

/// A name in which `*` matches any number of characters and `?` exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamePattern(String);

impl NamePattern {
    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The error of a name or pattern that cannot match anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NamePatternError {
    /// It is empty.
    #[error(
        "expected a name or a pattern with `*` and `?`, not an empty text; `*` matches everything"
    )]
    Empty,
    /// There is white space around it.
    #[error("expected a name or a pattern without white space around it; write `{name}`")]
    WhiteSpace {
        /// The same text without it.
        name: String,
    },
}

impl TryFrom<String> for NamePattern {
    type Error = NamePatternError;

    fn try_from(text: String) -> Result<Self, NamePatternError> {
        match text.trim() {
            "" => Err(NamePatternError::Empty),
            name if name.len() < text.len() => Err(NamePatternError::WhiteSpace {
                name: name.to_owned(),
            }),
            _ => Ok(Self(text)),
        }
    }
}

impl From<NamePattern> for String {
    fn from(pattern: NamePattern) -> Self {
        pattern.0
    }
}

/// A time in milliseconds, stored in whole nanoseconds: never negative, ten years at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Milliseconds(i64);

impl Milliseconds {
    /// The longest time, in milliseconds.
    const MAX: f64 = 3.2e11;

    /// A number of milliseconds, rounded to nanoseconds; `None` if it is negative or longer than any request.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "ten years in nanoseconds are far below 2^63"
    )]
    pub fn new(milliseconds: f64) -> Option<Self> {
        (0.0..=Self::MAX)
            .contains(&milliseconds)
            .then(|| Self((milliseconds * 1e6).round() as i64))
    }

    /// The time in nanoseconds.
    #[must_use]
    pub const fn nanoseconds(self) -> i64 {
        self.0
    }
}

impl Serialize for Milliseconds {
    #[expect(
        clippy::cast_precision_loss,
        reason = "what is not exact was read from a number with decimals"
    )]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 1_000_000 {
            0 => serializer.serialize_i64(self.0 / 1_000_000),
            _ => serializer.serialize_f64(self.0 as f64 / 1e6),
        }
    }
}

impl<'de> Deserialize<'de> for Milliseconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl NumberVisitor {
    fn read<E: de::Error>(number: f64) -> Result<Milliseconds, E> {
        Milliseconds::new(number)
            .ok_or_else(|| E::invalid_value(de::Unexpected::Float(number), &Self))
    }
}

#[expect(clippy::cast_precision_loss, reason = "such large numbers are refused")]
impl de::Visitor<'_> for NumberVisitor {
    type Value = Milliseconds;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a number of milliseconds, not negative, at most 320000000000, such as 500 or 0.5",
        )
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Milliseconds, E> {
        Self::read(number as f64)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Milliseconds, E> {
        Self::read(number as f64)
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Milliseconds, E> {
        Self::read(number as f64)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Milliseconds, E> {
        Self::read(number)
    }
}

/// Why the transform cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PerformanceError {
    /// The patterns of a filter are too large.
    #[error(
        "the patterns in `transform.performance.{filter}` need too much memory: {reason}; use fewer of them, or a `*` \
         for several"
    )]
    TooManyPatterns {
        /// The filter: `apps`, `object_types` or `methods`.
        filter: &'static str,
        /// How many there are, and what is allowed.
        #[source]
        reason: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl PerformanceConfig {
    /// The filters with the names of their tables.
    #[must_use]
    pub const fn filters(&self) -> [(&'static str, &NameFilter); 3] {
        [
            ("apps", &self.apps),
            ("object_types", &self.object_types),
            ("methods", &self.methods),
        ]
    }

    /// Whether there can be a request that does not go through on its own: there is a threshold or a filter.
    #[must_use]
    pub fn summarizes(&self) -> bool {
        self.min_process_ms > Milliseconds::default()
            || self.min_peak_ram_bytes > 0
            || self
                .filters()
                .iter()
                .any(|(_, filter)| **filter != NameFilter::default())
    }

    /// Builds the transform; `None` if it is not [enabled](Self::enabled).
    ///
    /// # Errors
    ///
    /// [`PerformanceError`] if a filter has too many patterns.
    pub fn build(&self) -> Result<Option<Performance>, PerformanceError> {
        self.enabled.then(|| Performance::new(self)).transpose()
    }
}
