//! Performance events that go through, and summaries of the others: nothing is lost from the sums.

mod bounds;
#[cfg(feature = "host")]
mod day;
mod filters;
mod properties;
mod summaries;
mod support;
