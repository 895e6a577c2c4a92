//! Ends a program on request: with SIGTERM, or with Ctrl+C on Windows.

use serde_json::Value;

use super::Running;

/// What a program leaves when it is asked to end.
pub struct Stopped {
    pub status: Option<i32>,
    pub events: Vec<Value>,
    pub metrics: Vec<Value>,
    pub diagnostics: Vec<Value>,
}

impl Stopped {
    /// A number in the last diagnostic.
    pub fn count(&self, name: &str) -> u64 {
        let last = self.diagnostics.last().expect("a diagnostic");
        assert_eq!(last["message"], "stopped");
        last[name].as_u64().expect("a number")
    }
}

/// Asks the program to end, and then reads the rest.
pub fn end(program: Running) -> Stopped {
    ask_to_end(&program);
    ended(program)
}

/// Reads the rest of a program that was asked to end.
pub fn ended(mut program: Running) -> Stopped {
    let events = program.events().by_ref().collect();
    let metrics = std::mem::take(&mut program.events().metrics);
    let (status, diagnostics) = program.wait();
    Stopped {
        status: status.code(),
        events,
        metrics,
        diagnostics,
    }
}

#[cfg(unix)]
pub fn ask_to_end(program: &Running) {
    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };

    let id = Pid::from_raw(i32::try_from(program.id()).expect("a process id"));
    kill(id, Signal::SIGTERM).expect("signalled");
}

#[cfg(windows)]
pub use self::console::{ask_to_end, press};

/// A process that sends a Ctrl+C also receives it, and so do all others at the same console. So each program has a
/// console of its own, and a separate process joins that console to send one.
#[cfg(windows)]
mod console {
    #![allow(unsafe_code, reason = "no crate has these functions without it")]

    use std::{
        env,
        process::{Command, Stdio},
    };

    use windows_sys::Win32::System::Console::{
        AttachConsole, CTRL_C_EVENT, FreeConsole, GenerateConsoleCtrlEvent, SetConsoleCtrlHandler,
    };

    use super::Running;

    const PROGRAM: &str = "TEST_PROCESS_ID";

    pub fn ask_to_end(program: &Running) {
        if let Err(said) = press(program) {
            panic!("{said}");
        }
    }

    /// Sends a Ctrl+C, or returns why that failed: the program may have ended meanwhile.
    pub fn press(program: &Running) -> Result<(), String> {
        let helper = Command::new(env::current_exe().expect("this test"))
            .args([
                "--ignored",
                "--exact",
                "support::end::console::presses_ctrl_c",
            ])
            .env(PROGRAM, program.id().to_string())
            .stdin(Stdio::null())
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&helper.stdout);
        let is_sent = helper.status.success() && said.contains("1 passed");
        is_sent.then_some(()).ok_or_else(|| said.into_owned())
    }

    #[test]
    #[ignore = "no test: the process that other tests start to send a Ctrl+C"]
    fn presses_ctrl_c() {
        let Ok(program) = env::var(PROGRAM) else {
            return;
        };
        let program = program.parse().expect("a process id");
        // SAFETY: none of these functions takes a pointer except for the handler, which is null: this process ignores
        // Ctrl+C.
        unsafe {
            FreeConsole();
            assert_ne!(AttachConsole(program), 0, "no console");
            assert_ne!(SetConsoleCtrlHandler(None, 1), 0);
            assert_ne!(GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0), 0, "not sent");
        }
    }
}
