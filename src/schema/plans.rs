//! The plans of a layout: one for each kind of event, and one for diagnostics of the plugin.

use super::{Format, PluginEvent, Timestamp, Writer, plan::Plan};
use crate::event::Event;

/// How every event is written in a format.
#[derive(Debug)]
pub struct Plans<F: Format> {
    /// Indexed by `EventKind::index`.
    pub(super) events: Box<[Plan<F, Event>]>,
    pub(super) plugin: Plan<F, PluginEvent>,
}

impl<F: Format> Plans<F> {
    /// Writes the fields of an event.
    #[inline]
    pub(crate) fn write<E: Planned>(&self, event: &E, writer: &mut impl Writer<F>) {
        event.plan(self).write(event, writer);
    }
}

/// Something that can be written: an event or a diagnostic of the plugin.
pub trait Planned: sealed::Planned {}

impl Planned for Event {}
impl Planned for PluginEvent {}

/// Selects the plan for an event.
pub(crate) mod sealed {
    use super::{Format, Plan, Plans};
    use crate::schema::Timestamp;

    pub trait Planned: Sized + 'static {
        fn plan<'p, F: Format>(&self, plans: &'p Plans<F>) -> &'p Plan<F, Self>;

        /// When it happened; 1970 if unknown.
        fn timestamp(&self) -> Timestamp;
    }
}

impl sealed::Planned for Event {
    #[inline]
    fn plan<'p, F: Format>(&self, plans: &'p Plans<F>) -> &'p Plan<F, Self> {
        &plans.events[self.kind().index()]
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp(self.timestamp().unwrap_or_default())
    }
}

impl sealed::Planned for PluginEvent {
    fn plan<'p, F: Format>(&self, plans: &'p Plans<F>) -> &'p Plan<F, Self> {
        &plans.plugin
    }

    fn timestamp(&self) -> Timestamp {
        self.timestamp
    }
}
