//! A lifelike Qlik Sense site that never was: the datagrams that its UDP appenders send.
//!
//! [`Site`] yields an endless, deterministic sequence of datagrams, and describes the content of each, so that a
//! receiver's counts can be checked against the truth. [`Sender`] plays a site over UDP at a steady rate. [`Day`] is
//! a day with its times: who was really there and what their requests really cost, and the datagrams that arrive,
//! some of them lost, doubled or late.
//!
//! Users log in, open apps in several tabs, refresh, leave; service accounts come and go; a chosen share of the
//! datagrams is odd in one of the ways seen in the field or to be feared there. A site has no clock and does no I/O.
//!
//! By [`Families`] the services are heard of too. Who opens an app causes the requests of a sheet, each a performance
//! event with what it takes, and those of a few selections. Tasks run: the engine loads, the scheduler tells how it
//! ended, through old appenders, new ones or both. A node gets into trouble and logs it. All of them name the sessions,
//! apps, tasks and users that the others do.
//!
//! Of a message's wording only the part that Qlik's log filters match is known, and the user agent at its end:
//! nothing else is put into the messages of well-formed datagrams.
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
