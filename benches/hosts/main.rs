//! The cost of hosts, compared in one run: Vector and Fluent Bit with this program, and what you would write for them
//! without it.
//!
//! ```sh
//! VECTOR=vector cargo bench --bench hosts
//! ```
//!
//! `VECTOR` is the program of Vector, and `VECTOR_LINKED` one with the source `qlik_sense` linked into it; `FLUENT_BIT`
//! and `FLUENT_BIT_PLUGIN` are the program of Fluent Bit and this plugin for it. Routes whose host is not set are left
//! out. All hosts run at the same time, and those that receive nothing are idle. Each discards its events and counts
//! them, and the number of events comes from its own metrics.
//!
//! Datagrams are complete: users open connections, reported by the extended appender with their user agent and an app
//! whose name is known, in about 500 bytes and 25 fields. CPU time includes all threads of the host and of the program
//! that it has started. The sender's CPU time is printed separately, because no site has a sender on this machine.
//! Absolute times depend on the machine and the day; only ratios within one run are meaningful.
//!
//! `-- --rates 5000,50000 --rounds 3 --seconds 3` selects what is measured; `--highest` searches for the highest rate
//! without loss, and `--routes` selects some of the routes.

#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod route;

#[cfg(target_os = "linux")]
mod linux {
    use std::time::Duration;

    use clap::Parser;

    use super::{
        load::Load,
        route::{Host, Measured, Route},
    };

    #[derive(Debug, Parser)]
    struct Options {
        /// Datagrams a second.
        #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 50_000, 100_000])]
        rates: Vec<u32>,
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// How long each host is sent datagrams in a round.
        #[arg(long, default_value_t = 3)]
        seconds: u32,
        /// Also find the highest rate without loss.
        #[arg(long)]
        highest: bool,
        /// The routes; by default all whose host is set. The others are compared with the first one.
        #[arg(long, value_delimiter = ',')]
        routes: Vec<String>,
        /// A configuration file for the program and the plugin, whose options are used in addition to those of the
        /// benchmark.
        #[arg(long)]
        config: Option<std::path::PathBuf>,
        /// `cargo bench` passes this.
        #[arg(long, hide = true)]
        bench: bool,
    }

    pub fn main() {
        // `cargo test` also builds benchmarks, and runs them to see whether they start.
        if std::env::args().any(|argument| argument == "--test" || argument == "--list") {
            return;
        }
        let options = Options::parse();
        let load = Load::new();
        let folder = tempfile::tempdir().expect("a folder");
        let more = options.config.as_ref().map(|file| {
            std::fs::read_to_string(file)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        });
        load.write_files(folder.path(), more.as_deref().unwrap_or_default());
        let routes = Route::ALL.iter().filter(|route| {
            options.routes.is_empty() || options.routes.iter().any(|it| it == route.name)
        });
        let mut hosts: Vec<Host> = routes
            .filter_map(|route| route.start(folder.path()))
            .collect();
        if hosts.is_empty() {
            println!("no host is named: VECTOR, VECTOR_LINKED, FLUENT_BIT with FLUENT_BIT_PLUGIN");
            return;
        }
        println!(
            "datagrams of {} bytes on average, {} rounds of {} s",
            load.mean_bytes(),
            options.rounds,
            options.seconds
        );
        for &rate in &options.rates {
            compare(rate, &load, &mut hosts, &options);
        }
        if options.highest {
            highest(&load, &mut hosts, &options);
        }
        println!("\npeak memory, MiB:");
        for host in &hosts {
            println!("{:<24}{}", host.route.name, host.peak_memory());
        }
    }

    fn compare(rate: u32, load: &Load, hosts: &mut [Host], options: &Options) {
        println!(
            "\n{:>9}  {:<24}{:>14}{:>18}{:>18}{:>18}{:>10}{:>10}",
            "rate /s",
            "route",
            "CPU us each",
            "(least, most)",
            "x the first",
            "sender's us each",
            "sent",
            "lost"
        );
        let mut measured = vec![Vec::new(); hosts.len()];
        for _ in 0..options.rounds {
            for (host, measured) in hosts.iter_mut().zip(&mut measured) {
                measured.push(host.measure(
                    load,
                    rate,
                    Duration::from_secs(options.seconds.into()),
                ));
            }
        }
        let mean = |costs: &[f64]| costs.iter().sum::<f64>() / costs.len() as f64;
        let costs =
            |of: &[Measured]| -> Vec<f64> { of.iter().map(Measured::micros_each).collect() };
        let first = mean(&costs(&measured[0]));
        for (host, measured) in hosts.iter().zip(&measured) {
            let costs = costs(measured);
            let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
            let most = costs.iter().copied().fold(0.0, f64::max);
            let sender = measured.iter().map(Measured::sender_micros_each);
            let sender: Vec<f64> = sender.collect();
            let sent = measured.iter().map(|measured| measured.sent.datagrams);
            println!(
                "{rate:>9}  {:<24}{:>14.2}{:>18}{:>18.3}{:>18.2}{:>10}{:>10}",
                host.route.name,
                mean(&costs),
                format!("({least:.2}, {most:.2})"),
                mean(&costs) / first,
                mean(&sender),
                sent.sum::<u64>(),
                measured.iter().map(Measured::lost).sum::<u64>(),
            );
        }
    }

    /// Doubles the rate until something is lost twice, and then halves the step three times.
    fn highest(load: &Load, hosts: &mut [Host], options: &Options) {
        println!(
            "\n{:<24}{:>22}{:>16}{:>18}{:>18}",
            "route", "highest without loss", "x the first", "its % of cores", "the sender's %"
        );
        let mut first = None;
        for host in hosts {
            let seconds = Duration::from_secs(options.seconds.into());
            let mut shares = (0.0, 0.0);
            let mut passes = |rate: u32| {
                let mut measured = (0..2).map(|_| host.measure(load, rate, seconds));
                let passed = measured.find(|measured| measured.lost() == 0);
                shares = passed.map_or(shares, |measured| measured.shares());
                passed.is_some()
            };
            let (mut passed, mut rate) = (0, 8_000);
            while rate < 1_000_000 && passes(rate) {
                (passed, rate) = (rate, rate * 2);
            }
            let mut step = (rate - passed) / 2;
            for _ in 0..3 {
                if passes(passed + step) {
                    passed += step;
                }
                step /= 2;
            }
            let first = *first.get_or_insert(passed);
            println!(
                "{:<24}{passed:>22}{:>16.2}{:>18.0}{:>18.0}",
                host.route.name,
                f64::from(passed) / f64::from(first),
                shares.0,
                shares.1
            );
        }
    }
}

fn main() {
    #[cfg(target_os = "linux")]
    linux::main();
    #[cfg(not(target_os = "linux"))]
    println!("this benchmark reads /proc, which only Linux has");
}
