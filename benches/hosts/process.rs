//! The resources that a process and its descendants have used.

use std::{fs, time::Duration};

/// A process and its descendants.
pub fn tree(process: u32) -> Vec<u32> {
    let mut tree = vec![process];
    let mut place = 0;
    while let Some(process) = tree.get(place) {
        let tasks = fs::read_dir(format!("/proc/{process}/task"));
        let children = tasks
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        let children: Vec<u32> = children
            .flat_map(|line| {
                line.split_whitespace()
                    .filter_map(|it| it.parse().ok())
                    .collect::<Vec<_>>()
            })
            .collect();
        tree.extend(children);
        place += 1;
    }
    tree
}

/// The CPU time of all threads.
pub fn cpu(process: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let nanoseconds = tasks.filter_map(|task| {
        let times = fs::read_to_string(task.path().join("schedstat")).ok()?;
        times.split_ascii_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// The peak of resident memory, in MiB.
pub fn peak_memory(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}
