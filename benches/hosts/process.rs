//! The resources that a process and its descendants have used.

use std::{fs, path::Path, time::Duration};

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
    tasks.filter_map(|task| cpu_of_thread(&task.path())).sum()
}

/// The CPU time of the calling thread, with what the system does in it.
pub fn cpu_of_this_thread() -> Duration {
    cpu_of_thread(Path::new("/proc/thread-self")).expect("this thread")
}

fn cpu_of_thread(folder: &Path) -> Option<Duration> {
    let times = fs::read_to_string(folder.join("schedstat")).ok()?;
    let nanoseconds = times.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
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
