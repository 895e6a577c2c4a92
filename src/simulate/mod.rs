//! A simulated Qlik Sense site: the datagrams that its UDP appenders send.
//!
//! [`Site`] yields an endless, deterministic sequence of datagrams and describes the content of each, so that a
//! receiver's counts can be checked against the truth. [`Sender`] plays a site over UDP at a steady rate. [`Day`] is a
//! day with its times: the real sessions and the real cost of requests, and the datagrams that arrive, of which some
//! are lost, duplicated or late.
//!
//! Users log in, open apps in several tabs, refresh and leave; service accounts come and go; a configurable share of
//! the datagrams is odd in one of the ways that occur in the field or might occur there. A site has no clock and does
//! no I/O.
//!
//! [`Families`] adds events of the services. A user who opens an app causes the requests for a sheet and for a few
//! selections, each a performance event with its cost. Tasks run: the engine loads data, and the scheduler reports the
//! outcome through old appenders, new ones or both. Nodes get into trouble and log it. All these events name the same
//! sessions, apps, tasks and users as the others.
//!
//! Only two parts of a message's wording are known: the one that Qlik's log filters match, and the user agent at its
//! end. Messages of well-formed datagrams contain nothing else.
//!
//! ```
//! use qlik_sense_events::simulate::{Site, SiteOptions, Tally};
//!
//! let mut site = Site::new(SiteOptions { seed: 7, ..SiteOptions::default() });
//! let mut datagram = Vec::new();
//! let mut truth = Tally::default();
//! for _ in 0..1_000 {
//!     truth += site.next_datagram(&mut datagram).tally();
//! }
//! assert!(truth.events() > 900);
//! ```

mod agent;
mod burst;
mod catalogue;
mod chance;
mod clock;
mod context;
mod cost;
mod damage;
mod datagram;
mod day;
mod delivery;
mod entry;
mod extended;
mod families;
mod layout;
mod life;
mod log;
mod memory_drop;
mod nodes;
mod odd;
mod odd_entry;
mod office;
mod payload;
mod performance;
mod reload;
mod requests;
mod sender;
#[cfg(feature = "serve")]
mod serve;
mod services;
mod site;
mod task;
mod transmit;
mod trouble;
mod truth;
mod user;

pub use cost::{Cost, Spent};
pub use datagram::{Datagram, Tally, UserKind};
pub use day::{Day, DayOptions, Delivery, Network, Stay};
pub use families::Families;
pub use memory_drop::MemoryDrop;
pub use nodes::{App, Health, Nodes, ProxySession};
pub use sender::{Pace, Played, Sender, play};
#[cfg(feature = "serve")]
pub use serve::{ServeError, Server};
pub use site::{Site, SiteOptions};
pub use truth::{About, EngineReload, LogRow, Request, TaskRow, TaskRun};
