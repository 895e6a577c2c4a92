//! What the host knows about an instance.

use std::{
    collections::BTreeMap,
    ffi::{CString, c_int, c_long},
    sync::{Mutex, MutexGuard, atomic::AtomicBool},
};

use super::{
    functions::Collect,
    records::{Record, decode},
};

/// Everything that the plugin has handed over.
#[derive(Default)]
pub(super) struct HandedOver {
    pub(super) bytes: Vec<u8>,
    /// The number of records according to the plugin, which a host trusts.
    pub(super) count: usize,
}

/// What the host knows about an instance.
#[derive(Default)]
pub struct State {
    pub(super) properties: BTreeMap<CString, CString>,
    pub(super) handed_over: Mutex<HandedOver>,
    pub(super) log: Mutex<Vec<(c_int, String)>>,
    pub(super) log_level: c_int,
    /// Its buffer is full.
    pub refuses: AtomicBool,
    /// Its buffer is full with the next records, and it pauses the plugin before the call returns.
    pub pauses_within: AtomicBool,
    pub(super) collect: Mutex<Option<(Collect, c_long)>>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics with this")
}

impl State {
    /// The events that were handed over.
    pub fn records(&self) -> Vec<Record> {
        let mut records = self.all_records();
        records.retain(|record| record.fields["event"] != "plugin");
        records
    }

    /// The counters that were handed over.
    pub fn counters(&self) -> Vec<Record> {
        let mut records = self.all_records();
        records.retain(|record| record.fields["event"] == "plugin");
        records
    }

    fn all_records(&self) -> Vec<Record> {
        let handed_over = lock(&self.handed_over);
        let records = decode(&handed_over.bytes);
        assert_eq!(
            records.len(),
            handed_over.count,
            "as many as the plugin says"
        );
        records
    }

    pub fn record_bytes(&self) -> usize {
        lock(&self.handed_over).bytes.len()
    }

    pub fn log(&self) -> Vec<String> {
        let log = lock(&self.log);
        log.iter()
            .map(|(level, line)| format!("{level} {line}"))
            .collect()
    }
}
