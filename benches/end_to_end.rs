//! The real program under load: datagrams of a simulated site over loopback at rising rates, beside a
//! bare receive loop in the same run.
//!
//! `cargo bench --bench end_to_end` prints the tables of docs/performance.md. For each rate: what was
//! sent, received and lost, the CPU time of the receiving process a datagram, its peak memory; then the
//! time from a datagram to its event on standard output while nothing else happens.

#[cfg(target_os = "linux")]
#[path = "../tests/program/support/native.rs"]
mod native;

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        env, fs,
        io::{self, BufRead, BufReader, Read, Write},
        net::{SocketAddr, UdpSocket},
        ops::ControlFlow,
        process::{Child, Command, Stdio},
        thread,
        time::{Duration, Instant},
    };

    use super::native;
    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };

    use qlik_sense_events::{
        simulate::{Pace, Sender, Site, SiteOptions},
        source::{Receiver, bind},
    };

    const RATES: [u32; 8] = [
        50_000, 100_000, 150_000, 200_000, 250_000, 280_000, 320_000, 0,
    ];
    const SECONDS: u32 = 3;
    /// What is sent where the rate is "as fast as possible".
    const FLAT_OUT: u64 = 1_000_000;
    const RECEIVE_BUFFER_BYTES: usize = 16 << 20;
    const QUIET: Duration = Duration::from_millis(500);

    pub fn main() {
        let arguments: Vec<String> = env::args().collect();
        if let [_, role, address] = &*arguments
            && role == BARE
        {
            bare(address.parse().expect("an address"));
            return;
        }
        println!("a simulated site over loopback, datagrams of 300 bytes on average");
        println!(
            "{:<24}{:>10}{:>12}{:>12}{:>9}{:>12}{:>10}",
            "receiver", "rate /s", "sent", "received", "lost", "CPU us each", "peak MiB"
        );
        for rate in RATES {
            row("bare receive loop", rate, &measure_bare(rate));
            row("run, native", rate, &measure_program(rate, "native", 1));
        }
        for codec in ["json", "native_json"] {
            row(
                &format!("run, {codec}"),
                150_000,
                &measure_program(150_000, codec, 1),
            );
        }
        for rate in [280_000, 0] {
            row(
                "run, native, 2 workers",
                rate,
                &measure_program(rate, "native", 2),
            );
        }
        latency();
    }

    struct Measured {
        sent: u64,
        received: u64,
        cpu: Duration,
        peak_kib: u64,
    }

    fn row(receiver: &str, rate: u32, measured: &Measured) {
        let Measured { sent, received, .. } = *measured;
        let rate = if rate == 0 {
            "flat out".to_owned()
        } else {
            rate.to_string()
        };
        println!(
            "{receiver:<24}{rate:>10}{sent:>12}{received:>12}{:>9}{:>12.2}{:>10.1}",
            sent - received,
            measured.cpu.as_secs_f64() * 1e6 / received.max(1) as f64,
            measured.peak_kib as f64 / 1024.0,
        );
    }

    fn send(address: SocketAddr, rate: u32) -> u64 {
        let mut site = Site::new(SiteOptions {
            odd_per_mille: 0,
            ..SiteOptions::default()
        });
        let pace = Pace {
            rate,
            count: Some(if rate == 0 {
                FLAT_OUT
            } else {
                u64::from(rate) * u64::from(SECONDS)
            }),
        };
        Sender::connect(address)
            .and_then(|sender| sender.play(&mut site, pace, |_| ControlFlow::Continue(())))
            .expect("sent")
            .datagrams
    }

    const BARE: &str = "--bare-receive-loop";

    /// Reads and throws away, in a process of its own so that its CPU time is its own.
    fn bare(address: SocketAddr) {
        let mut bound = bind(&[address], 1, RECEIVE_BUFFER_BYTES).expect("bound");
        let socket = bound.remove(0).sockets.remove(0);
        let mut receiver = Receiver::new(socket, 65_507, QUIET).expect("a receiver");
        println!("ready");
        let mut received = 0;
        loop {
            match receiver.receive(|_, _| {}) {
                Ok(count) => received += count,
                Err(_) if received > 0 => break,
                Err(_) => {}
            }
        }
        println!("{received}");
        // The measuring process looks at this one before it ends.
        let _ = io::stdin().read(&mut [0]);
    }

    fn measure_bare(rate: u32) -> Measured {
        let address = free_address();
        let mut child = Command::new(env::current_exe().expect("this program"))
            .args([BARE, &address.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        lines.next();
        let sent = send(address, rate);
        let received = lines.next().expect("a line").expect("text");
        let (cpu, peak_kib) = usage(&child);
        drop(child.stdin.take());
        child.wait().expect("ended");
        Measured {
            sent,
            received: received.parse().expect("a number"),
            cpu,
            peak_kib,
        }
    }

    fn measure_program(rate: u32, codec: &str, workers: usize) -> Measured {
        let address = free_address();
        let config = format!(
            "[source]\nworkers = {workers}\n[transform.blacklist]\nusers = ['INTERNAL\\sa_*']\n"
        );
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(&file, config).expect("written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_qlik-sense-events"))
            .args([
                "run",
                "--codec",
                codec,
                "--address",
                &address.to_string(),
                "--config",
            ])
            .arg(file.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut stdout = child.stdout.take().expect("piped");
        let reader = thread::spawn(move || {
            let mut buffer = vec![0; 1 << 20];
            while stdout.read(&mut buffer).is_ok_and(|read| read > 0) {}
        });
        let mut stderr = child.stderr.take().expect("piped");
        // The first diagnostic says that it listens.
        let mut diagnostics = vec![0];
        stderr.read_exact(&mut diagnostics).expect("a diagnostic");
        let sent = send(address, rate);
        thread::sleep(QUIET);
        let (cpu, peak_kib) = usage(&child);
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("signalled");
        stderr.read_to_end(&mut diagnostics).expect("read");
        reader.join().expect("read");
        child.wait().expect("ended");
        Measured {
            sent,
            received: received(codec, &diagnostics),
            cpu,
            peak_kib,
        }
    }

    /// What the closing summary says.
    fn received(codec: &str, diagnostics: &[u8]) -> u64 {
        let records: Vec<serde_json::Value> = if codec == "native" {
            let mut rest = diagnostics;
            let mut records = Vec::new();
            while let Some((length, after)) = rest.split_first_chunk() {
                let (frame, after) = after.split_at(u32::from_be_bytes(*length) as usize);
                records.extend(native::decode(frame).0);
                rest = after;
            }
            records
        } else {
            diagnostics
                .split(|byte| *byte == b'\n')
                .filter_map(|line| serde_json::from_slice(line).ok())
                .map(
                    |mut record: serde_json::Value| match record.get_mut("log") {
                        Some(log) => log.take(),
                        None => record,
                    },
                )
                .collect()
        };
        let last = records.last().expect("a summary");
        last["datagrams"].as_u64().expect("a number")
    }

    /// CPU time of all threads, and the peak of resident memory in KiB.
    fn usage(child: &Child) -> (Duration, u64) {
        let process = format!("/proc/{}", child.id());
        let cpu = fs::read_dir(format!("{process}/task"))
            .expect("threads")
            .map(|task| {
                let file = task.expect("a thread").path().join("schedstat");
                let times = fs::read_to_string(file).expect("times");
                let nanoseconds = times.split_ascii_whitespace().next();
                nanoseconds
                    .and_then(|n| n.parse::<u64>().ok())
                    .expect("a time")
            })
            .sum();
        let status = fs::read_to_string(format!("{process}/status")).expect("a status");
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.split_ascii_whitespace().next())
            .and_then(|kib| kib.parse().ok())
            .expect("VmHWM");
        (Duration::from_nanos(cpu), peak)
    }

    fn free_address() -> SocketAddr {
        UdpSocket::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a port")
    }

    /// From one datagram to its line on standard output, one after the other.
    fn latency() {
        const SAMPLES: usize = 2_000;
        let address = free_address();
        let mut child = Command::new(env!("CARGO_BIN_EXE_qlik-sense-events"))
            .args(["run", "--codec", "json", "--address", &address.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut diagnostics = BufReader::new(child.stderr.take().expect("piped"));
        diagnostics
            .read_line(&mut String::new())
            .expect("a diagnostic");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let datagram = b"/qseow-proxy-session/;pro2-win1;Stop session;LAB;goran;Not available;/hub;Stop session for user";
        let mut line = String::new();
        let mut samples: Vec<Duration> = (0..SAMPLES)
            .map(|_| {
                // Long enough for every thread to be asleep again.
                thread::sleep(Duration::from_millis(2));
                let start = Instant::now();
                socket.send_to(datagram, address).expect("sent");
                line.clear();
                stdout.read_line(&mut line).expect("an event");
                start.elapsed()
            })
            .collect();
        samples.sort();
        let at = |share: f64| samples[(SAMPLES as f64 * share) as usize].as_secs_f64() * 1e3;
        println!(
            "\ndatagram to line on standard output when idle, {SAMPLES} times: median {:.3} ms, p99 {:.3} ms, longest {:.3} ms",
            at(0.5),
            at(0.99),
            samples[SAMPLES - 1].as_secs_f64() * 1e3,
        );
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("signalled");
        child.wait().expect("ended");
        io::stdout().flush().expect("written");
    }
}

fn main() {
    #[cfg(target_os = "linux")]
    linux::main();
    #[cfg(not(target_os = "linux"))]
    println!("this benchmark reads /proc, which only Linux has");
}
