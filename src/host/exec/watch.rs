//! Checks whether the output still has a reader.

use super::{Orphan, Output};

/// Notices that the reader or the parent is gone, even while there is nothing to write.
///
/// Vector closes the pipe when it ends, even if it is killed. But a shell or a service manager between the two may keep
/// the pipe open, and on Windows a writer learns that a pipe is closed only from its next write. In those cases the end
/// of the parent is the sign. Both are checked only if the output is a pipe: a file or a terminal has no reader that
/// could go away.
#[derive(Debug)]
pub struct ReaderWatch {
    is_pipe: bool,
    parent: Option<Parent>,
}

impl ReaderWatch {
    /// Watches the reader of the outputs and, unless the program may outlive its parent, the parent.
    #[must_use]
    pub fn new(outputs: &[Output], orphan: Orphan) -> Self {
        let is_pipe = outputs.iter().all(Output::is_pipe);
        Self {
            is_pipe,
            parent: (is_pipe && orphan == Orphan::Ends)
                .then(Parent::of_this_process)
                .flatten(),
        }
    }

    /// Whether the reader is gone, or has closed one of the connections.
    #[must_use]
    pub fn has_gone(&self, outputs: &[Output]) -> bool {
        self.is_pipe && outputs.iter().any(Output::is_hung_up)
            || self.parent.as_ref().is_some_and(Parent::has_ended)
    }
}

/// The parent's process id: a process whose parent ends gets another parent.
#[cfg(unix)]
#[derive(Debug)]
struct Parent(u32);

#[cfg(unix)]
impl Parent {
    fn of_this_process() -> Option<Self> {
        Some(Self(std::os::unix::process::parent_id()))
    }

    fn has_ended(&self) -> bool {
        std::os::unix::process::parent_id() != self.0
    }
}

/// The parent, held open: Windows keeps the id of a parent that has ended and may give it to another process.
#[cfg(windows)]
struct Parent(winsafe::guard::CloseHandleGuard<winsafe::HPROCESS>);

#[cfg(windows)]
impl std::fmt::Debug for Parent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parent({:?})", self.0.GetProcessId())
    }
}

#[cfg(windows)]
impl Parent {
    /// `None` if the parent has ended already, or if this program may not open it.
    fn of_this_process() -> Option<Self> {
        use winsafe::{HPROCESS, HPROCESSLIST, co};

        let own = std::process::id();
        let mut list =
            HPROCESSLIST::CreateToolhelp32Snapshot(co::TH32CS::SNAPPROCESS, None).ok()?;
        let id = list
            .iter_processes()
            .filter_map(Result::ok)
            .find(|process| process.th32ProcessID == own)?
            .th32ParentProcessID;
        let rights = co::PROCESS::SYNCHRONIZE | co::PROCESS::QUERY_LIMITED_INFORMATION;
        let parent = HPROCESS::OpenProcess(rights, false, id).ok()?;
        let started = |process: &HPROCESS| {
            let (started, ..) = process.GetProcessTimes().ok()?;
            Some(u64::from(started))
        };
        // A process younger than its child has reused the id of a parent that has ended.
        (started(&parent)? <= started(&HPROCESS::GetCurrentProcess())?).then_some(Self(parent))
    }

    fn has_ended(&self) -> bool {
        self.0.WaitForSingleObject(Some(0)) == Ok(winsafe::co::WAIT::OBJECT_0)
    }
}
