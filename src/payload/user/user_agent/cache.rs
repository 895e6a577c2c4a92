//! A bounded cache of parsed user agents.

use std::fmt;
use std::sync::Arc;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, Weighter};

use super::{MAX_PARSED_BYTES, UserAgent};

/// The default size of a cache: 1 MiB, which holds some 2,000 different agents.
pub const DEFAULT_CACHE_BYTES: usize = 1024 * 1024;

/// Bytes of an entry besides its text: the shared [`UserAgent`], its slots in the cache's tables, which also remember
/// evicted entries, and the overhead of five small allocations. Measured.
const ENTRY_BYTES: usize = 320;

/// Typical weight of an entry, which determines the size of the cache's tables.
const TYPICAL_ENTRY_BYTES: usize = ENTRY_BYTES + 128;

/// A cache for [`UserAgent::parse`], bounded in bytes and shared between threads by reference.
///
/// A whole Qlik Sense site has a few hundred different agents, so nearly every look-up is a hit, which does not
/// allocate. Eviction resists scans: agents that were seen twice stay, however many new ones a sender invents. The hash
/// has a random seed, so a sender cannot cause collisions.
///
/// ```
/// # use qlik_sense_events::event::UserAgentCache;
/// let cache = UserAgentCache::default();
/// let agent = cache.get("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0");
/// assert_eq!(agent.browser_name.as_deref(), Some("Firefox"));
/// ```
pub struct UserAgentCache {
    entries: Cache<Box<str>, Arc<UserAgent>, EntryWeighter>,
}

impl UserAgentCache {
    /// Makes an empty cache that takes about `max_bytes` of memory at most, including keys and tables.
    ///
    /// The memory is allocated as entries are added. With 0 nothing is kept, and every agent is parsed.
    pub fn new(max_bytes: usize) -> Self {
        let estimated_entries = max_bytes / TYPICAL_ENTRY_BYTES;
        let entries = Cache::with(
            estimated_entries,
            max_bytes as u64,
            EntryWeighter,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        );
        Self { entries }
    }

    /// Browser and system of a user agent, parsed if it is not in the cache.
    ///
    /// An agent longer than [`MAX_PARSED_BYTES`] is parsed every time.
    pub fn get(&self, user_agent: &str) -> Arc<UserAgent> {
        if user_agent.len() > MAX_PARSED_BYTES {
            return Arc::new(UserAgent::parse(user_agent));
        }
        if let Some(known) = self.entries.get(user_agent) {
            return known;
        }
        // Two threads may parse the same agent at once, which is cheaper than waiting.
        let parsed = Arc::new(UserAgent::parse(user_agent));
        self.entries.insert(user_agent.into(), Arc::clone(&parsed));
        parsed
    }
}

/// A cache of [`DEFAULT_CACHE_BYTES`].
impl Default for UserAgentCache {
    fn default() -> Self {
        Self::new(DEFAULT_CACHE_BYTES)
    }
}

impl fmt::Debug for UserAgentCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UserAgentCache")
            .field("entries", &self.entries.len())
            .field("bytes", &self.entries.weight())
            .field("max_bytes", &self.entries.capacity())
            .finish()
    }
}

/// The weight of an entry, in bytes of memory.
#[derive(Clone)]
struct EntryWeighter;

impl Weighter<Box<str>, Arc<UserAgent>> for EntryWeighter {
    fn weight(&self, key: &Box<str>, value: &Arc<UserAgent>) -> u64 {
        let UserAgent {
            browser_name,
            browser_version,
            os_name: _,
            os_version,
        } = value.as_ref();
        let texts = [browser_name, browser_version, os_version];
        let bytes: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
        (ENTRY_BYTES + key.len() + bytes) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

    fn made_up(number: usize) -> String {
        format!("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/{number}")
    }

    #[test]
    fn a_known_agent_is_shared() {
        let cache = UserAgentCache::default();
        let first = cache.get(FIREFOX);
        assert_eq!(*first, UserAgent::parse(FIREFOX));
        assert!(Arc::ptr_eq(&first, &cache.get(FIREFOX)));
    }

    #[test]
    fn a_very_long_agent_is_parsed_but_not_kept() {
        let cache = UserAgentCache::default();
        let agent = format!("{FIREFOX}{}", " ".repeat(MAX_PARSED_BYTES));
        assert_eq!(cache.get(&agent).browser_name.as_deref(), Some("Firefox"));
        assert!(cache.entries.is_empty());
    }

    #[test]
    fn a_cache_of_no_bytes_keeps_nothing() {
        let cache = UserAgentCache::new(0);
        assert_eq!(cache.get(FIREFOX).browser_name.as_deref(), Some("Firefox"));
        assert!(cache.entries.is_empty());
    }

    #[test]
    fn a_flood_stays_within_the_bound_and_leaves_the_agents_in_use() {
        let cache = UserAgentCache::new(64 * 1024);
        let in_use: Vec<_> = (0..20).map(|number| made_up(1_000_000 + number)).collect();
        let mut hits = 0;
        let mut before: Vec<_> = in_use.iter().map(|agent| cache.get(agent)).collect();
        for number in 0..20_000 {
            cache.get(&made_up(number));
            let agent = number % in_use.len();
            let now = cache.get(&in_use[agent]);
            hits += usize::from(Arc::ptr_eq(&now, &before[agent]));
            before[agent] = now;
            assert!(cache.entries.weight() <= cache.entries.capacity());
        }
        assert!(
            hits > 19_000,
            "only {hits} of 20,000 look-ups of agents in use were hits"
        );
    }
}
