//! The real program under load, compared with a bare receive loop: datagrams of a simulated site over loopback.
//!
//! `cargo bench --bench end_to_end` prints the tables of docs/performance.md. Absolute times depend on the machine and
//! the day, so each round measures every receiver in turn; the ratio to the loop in the same round is what matters. CPU
//! time includes all threads of the receiving process. At the end it measures the time from a datagram to its event on
//! standard output while nothing else happens.
//!
//! `cargo bench --bench end_to_end -- --rates 20000,150000,0 --rounds 5 --seconds 2 --against PROGRAM` measures other
//! rates (0 is as fast as possible), and another build of the program in the same rounds.

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
        path::PathBuf,
        process::{Child, Command, Stdio},
        thread,
        time::{Duration, Instant},
    };

    use clap::Parser;
    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };

    use super::native;
    use qlik_sense_events::{
        simulate::{Pace, Sender, Site, SiteOptions},
        source::{Receiver, bind},
    };

    const RECEIVE_BUFFER_BYTES: usize = 16 << 20;
    const QUIET: Duration = Duration::from_millis(500);
    /// The number of datagrams that are read at once.
    const BATCH: usize = 64;
    /// How long the program lets datagrams gather by default.
    const GATHER: Duration = Duration::from_micros(200);

    #[derive(Debug, Parser)]
    struct Options {
        /// Datagrams a second; 0 is as fast as possible.
        #[arg(long, value_delimiter = ',', default_values_t = [20_000, 150_000, 280_000, 0])]
        rates: Vec<u32>,
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// How long each receiver is sent datagrams in a round.
        #[arg(long, default_value_t = 2)]
        seconds: u32,
        /// Another build of the program.
        #[arg(long)]
        against: Option<PathBuf>,
        /// `cargo bench` passes this.
        #[arg(long, hide = true)]
        bench: bool,
    }

    /// A receiver.
    #[derive(Debug, Clone)]
    enum Receiving {
        /// Reads datagrams and discards them.
        Loop { gather: bool },
        Program {
            program: PathBuf,
            codec: &'static str,
            source: &'static str,
        },
    }

    pub fn main() {
        let arguments: Vec<String> = env::args().collect();
        if let [_, role, address, gather] = &*arguments
            && role == BARE
        {
            bare(
                address.parse().expect("an address"),
                gather.parse().expect("true or false"),
            );
            return;
        }
        let options = Options::parse();
        println!(
            "a simulated site over loopback, datagrams of 300 bytes on average, {} rounds of {} s",
            options.rounds, options.seconds
        );
        println!(
            "{:>9}  {:<26}{:>14}{:>12}{:>16}{:>10}{:>10}",
            "rate /s", "receiver", "CPU us each", "x the loop", "(least, most)", "lost", "peak MiB"
        );
        for &rate in &options.rates {
            compare(rate, &receivers(rate, &options), &options);
        }
        latency();
    }

    /// The receivers that are measured in turn at a rate; the others are compared with the first one.
    fn receivers(rate: u32, options: &Options) -> Vec<(&'static str, Receiving)> {
        let program = |program: &PathBuf, codec, source| Receiving::Program {
            program: program.clone(),
            codec,
            source,
        };
        let this = PathBuf::from(env!("CARGO_BIN_EXE_qlik-sense-events"));
        let mut receivers = vec![
            ("receive loop", Receiving::Loop { gather: false }),
            ("run", program(&this, "native", "")),
            (
                "run, gather_micros = 0",
                program(&this, "native", "gather_micros = 0"),
            ),
            ("loop that gathers", Receiving::Loop { gather: true }),
        ];
        if let Some(other) = &options.against {
            receivers.insert(2, ("run of the other build", program(other, "native", "")));
        } else if rate == 150_000 {
            for (name, codec, source) in [
                ("run, json", "json", ""),
                ("run, native_json", "native_json", ""),
                ("run, 2 workers", "native", "workers = 2"),
            ] {
                receivers.push((name, program(&this, codec, source)));
            }
        }
        receivers
    }

    fn compare(rate: u32, receivers: &[(&str, Receiving)], options: &Options) {
        let mut measured: Vec<Vec<Measured>> = vec![Vec::new(); receivers.len()];
        for _ in 0..options.rounds {
            for ((_, receiving), measured) in receivers.iter().zip(&mut measured) {
                measured.push(receiving.measure(rate, options.seconds));
            }
        }
        let pace = if rate == 0 {
            "flat out".to_owned()
        } else {
            rate.to_string()
        };
        for ((name, _), rounds) in receivers.iter().zip(&measured) {
            let micros = sorted(rounds.iter().map(Measured::micros));
            let ratios = rounds.iter().zip(&measured[0]);
            let ratios = sorted(ratios.map(|(this, with)| this.micros() / with.micros()));
            println!(
                "{pace:>9}  {name:<26}{:>14.2}{:>12.2}{:>16}{:>10}{:>10.1}",
                micros[micros.len() / 2],
                ratios[ratios.len() / 2],
                format!("({:.2}, {:.2})", ratios[0], ratios[ratios.len() - 1]),
                rounds
                    .iter()
                    .map(|round| round.sent - round.received)
                    .sum::<u64>(),
                rounds.iter().map(|round| round.peak_kib).max().unwrap_or(0) as f64 / 1024.0,
            );
        }
    }

    fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut numbers: Vec<f64> = numbers.collect();
        numbers.sort_by(f64::total_cmp);
        numbers
    }

    #[derive(Debug, Clone)]
    struct Measured {
        sent: u64,
        received: u64,
        cpu: Duration,
        peak_kib: u64,
    }

    impl Measured {
        /// The CPU time per received datagram, in microseconds.
        fn micros(&self) -> f64 {
            self.cpu.as_secs_f64() * 1e6 / self.received.max(1) as f64
        }
    }

    impl Receiving {
        fn measure(&self, rate: u32, seconds: u32) -> Measured {
            // As fast as possible takes about as long as the highest rate.
            let count = u64::from(if rate == 0 { 400_000 } else { rate }) * u64::from(seconds);
            let pace = Pace {
                rate,
                count: Some(count),
            };
            match self {
                Self::Loop { gather } => measure_bare(pace, *gather),
                Self::Program {
                    program,
                    codec,
                    source,
                } => measure_program(pace, program, codec, source),
            }
        }
    }

    fn send(address: SocketAddr, pace: Pace) -> u64 {
        let mut site = Site::new(SiteOptions {
            odd_per_mille: 0,
            ..SiteOptions::default()
        });
        Sender::connect(address)
            .and_then(|sender| sender.play(&mut site, pace, |_| ControlFlow::Continue(())))
            .expect("sent")
            .datagrams
    }

    const BARE: &str = "--bare-receive-loop";

    /// Reads datagrams and discards them, in a separate process so that its CPU time can be measured.
    fn bare(address: SocketAddr, gather: bool) {
        let mut bound = bind(&[address], 1, RECEIVE_BUFFER_BYTES).expect("bound");
        let socket = bound.remove(0).sockets.remove(0);
        let mut receiver = Receiver::new(socket, 65_507, QUIET).expect("a receiver");
        println!("ready");
        let mut received = 0;
        loop {
            match receiver.receive(|_, _| {}) {
                Ok(count) => {
                    received += count;
                    if gather && count < BATCH {
                        thread::sleep(GATHER);
                    }
                }
                Err(_) if received > 0 => break,
                Err(_) => {}
            }
        }
        println!("{received}");
        // The measuring process reads this process's CPU time before it ends.
        let _ = io::stdin().read(&mut [0]);
    }

    fn measure_bare(pace: Pace, gather: bool) -> Measured {
        let address = free_address();
        let mut child = Command::new(env::current_exe().expect("this program"))
            .args([BARE, &address.to_string(), &gather.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        lines.next();
        let sent = send(address, pace);
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

    fn measure_program(pace: Pace, program: &PathBuf, codec: &str, source: &str) -> Measured {
        let address = free_address();
        let config =
            format!("[source]\n{source}\n[transform.blacklist]\nusers = ['INTERNAL\\sa_*']\n");
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(&file, config).expect("written");
        let mut child = Command::new(program)
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
        // The first diagnostic reports that it listens.
        let mut diagnostics = vec![0];
        stderr.read_exact(&mut diagnostics).expect("a diagnostic");
        let sent = send(address, pace);
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

    /// The number of received datagrams in the final summary.
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

    /// The CPU time of all threads, and the peak of resident memory in KiB.
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

    /// Measures the time from a datagram to its line on standard output, one after the other.
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
                // This is long enough for every thread to fall asleep again.
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
