//! Adds the app's name to events with an app id.

mod config;
mod csv;
mod json;
mod list;
mod table;

pub use self::{
    config::{AppNamesConfig, AppNamesError, MAX_LIST_BYTES},
    json::read as read_json,
    list::{AppListError, AppListProblem, MAX_APPS, MAX_NAME_BYTES},
    table::AppTable,
};
use super::{FunctionTransform, OutputBuffer};
use crate::event::Event;

/// The app name transform: an event with an app id gets the app's name, if it is known.
///
/// An event costs one hash look-up, whatever the number of apps, and no memory: the name is shared with the table. An
/// event of an unknown app passes unchanged.
///
/// ```
/// use qlik_sense_events::transform::AppNames;
///
/// let sales = "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69".parse()?;
/// let names = AppNames::new([(sales, "Sales".into())].into_iter().collect());
/// assert_eq!(names.table().get(sales), Some("Sales"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct AppNames {
    table: AppTable,
}

impl AppNames {
    /// A transform that knows the names of `table`.
    #[must_use]
    pub const fn new(table: AppTable) -> Self {
        Self { table }
    }

    /// The names that it knows.
    #[must_use]
    pub const fn table(&self) -> &AppTable {
        &self.table
    }

    /// Gives an event the name of its app.
    pub fn name(&self, event: &mut Event) {
        if let Some(name) = event.app_id().and_then(|id| self.table.shared(id)) {
            event.set_app_name(name);
        }
    }
}

impl FunctionTransform for AppNames {
    fn transform(&mut self, output: &mut OutputBuffer, mut event: Event) {
        self.name(&mut event);
        output.push(event);
    }
}
