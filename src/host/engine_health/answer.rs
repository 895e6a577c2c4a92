//! The response of an engine. The names and units are those in Qlik's help, *Get Qlik associative engine health
//! information*; `docs/engine-health.md` lists them all.

use std::io::{BufReader, Read};

use serde::{Deserialize, de::IgnoredAny};

use crate::host::metrics::EngineHealth;

/// The size of what Qlik calls MB.
const MEBIBYTE: f64 = 1_048_576.0;

/// Reads a response.
///
/// # Errors
///
/// When it is not a response of an engine.
pub(super) fn read(body: impl Read) -> serde_json::Result<EngineHealth> {
    let answer: Answer = serde_json::from_reader(BufReader::new(body))?;
    Ok(answer.health())
}

/// A response without memory does not come from an engine.
#[derive(Debug, Deserialize)]
struct Answer {
    mem: Memory,
    #[serde(default)]
    cpu: Option<Cpu>,
    #[serde(default)]
    session: Option<ActiveAndAll>,
    #[serde(default)]
    users: Option<ActiveAndAll>,
    #[serde(default)]
    apps: Option<Apps>,
    #[serde(default)]
    cache: Option<Cache>,
    #[serde(default)]
    saturated: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Memory {
    committed: Option<f64>,
    allocated: Option<f64>,
    free: Option<f64>,
    total_physical: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Cpu {
    total: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
struct ActiveAndAll {
    active: Option<u64>,
    total: Option<u64>,
}

/// Counts the apps without keeping their ids.
#[derive(Debug, Default, Deserialize)]
struct Apps {
    active_docs: Option<Vec<IgnoredAny>>,
    loaded_docs: Option<Vec<IgnoredAny>>,
    in_memory_docs: Option<Vec<IgnoredAny>>,
    calls: Option<u64>,
    selections: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct Cache {
    hits: Option<u64>,
    lookups: Option<u64>,
    added: Option<u64>,
    replaced: Option<u64>,
    bytes_added: Option<u64>,
}

impl Answer {
    fn health(self) -> EngineHealth {
        // A negative number becomes zero, and one that is too large becomes the largest possible.
        let bytes = |mb: Option<f64>| mb.map(|mb| (mb * MEBIBYTE) as u64);
        let number = |apps: Option<Vec<IgnoredAny>>| apps.map(|apps| apps.len() as u64);
        let session = self.session.unwrap_or_default();
        let users = self.users.unwrap_or_default();
        let apps = self.apps.unwrap_or_default();
        let cache = self.cache.unwrap_or_default();
        EngineHealth {
            ram_committed_bytes: bytes(self.mem.committed),
            ram_allocated_bytes: bytes(self.mem.allocated),
            ram_free_bytes: bytes(self.mem.free),
            ram_total_bytes: bytes(self.mem.total_physical),
            cpu_percent: self.cpu.and_then(|cpu| cpu.total),
            active_sessions: session.active,
            sessions: session.total,
            active_users: users.active,
            users: users.total,
            active_apps: number(apps.active_docs),
            loaded_apps: number(apps.loaded_docs),
            in_memory_apps: number(apps.in_memory_docs),
            is_saturated: self.saturated,
            calls: apps.calls,
            selections: apps.selections,
            cache_hits: cache.hits,
            cache_lookups: cache.lookups,
            cache_added: cache.added,
            cache_replaced: cache.replaced,
            cache_added_bytes: cache.bytes_added,
        }
    }
}
