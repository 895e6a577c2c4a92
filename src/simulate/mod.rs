//! A lifelike Qlik Sense site that never was: user-event datagrams as the proxy's UDP appender sends them.
//!
//! [`Site`] yields an endless, deterministic sequence of datagrams, and says of each what it holds, so that a
//! receiver's counts can be checked against the truth. [`Sender`] plays a site over UDP at a steady rate. [`Day`] is a
//! day with its times: who was really there, and the datagrams that arrive, some of them lost, doubled or late.
//!
//! Users log in, open apps in several tabs, refresh, leave; service accounts come and go; a chosen share of the
//! datagrams is odd in one of the ways seen in the field or to be feared there. A site has no clock and does no I/O.
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
mod chance;
mod context;
mod damage;
mod datagram;
mod day;
mod delivery;
mod extended;
mod life;
mod odd;
mod payload;
mod sender;
mod site;
mod transmit;
mod user;

pub use datagram::{ConnectionAction, Datagram, EventKind, SessionAction, Tally, UserKind};
pub use day::{Day, DayOptions, Delivery, Network, Stay};
pub use sender::{Pace, Played, Sender, play};
pub use site::{Site, SiteOptions};
