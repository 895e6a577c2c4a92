//! Sessions and connections followed over time: from the bytes of datagrams to derived events,
//! through the pipeline that every host runs.

mod asked_model;
mod documents;
mod lists;
mod memory;
mod model;
mod properties;
mod scenarios;
mod state;
mod support;
