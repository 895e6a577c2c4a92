//! The basis of a source and a transform that are linked into a Vector.

mod exclude;
mod options;
mod shapes;
mod source;

use std::{
    collections::BTreeMap,
    net::{SocketAddr, UdpSocket},
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use qlik_sense_events::{
    config::LinkedConfig,
    encoding::{Metric, MetricValue, OwnedValue},
    host::{
        diagnostics::{Diagnostic, Report},
        linked::{self, Batch, Batches, Running},
    },
};
use serde_json::{Value as Json, json};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct Log(Sender<String>);

impl Report for Log {
    fn write(&mut self, diagnostic: &Diagnostic<'_>) {
        let mut line = String::new();
        diagnostic.line(&mut line).expect("text");
        // The test may have stopped listening.
        let _ = self.0.send(line);
    }
}

fn options(options: Json) -> LinkedConfig {
    serde_json::from_value(options).expect("options")
}

struct Source {
    running: Running,
    batches: Batches,
    metrics: Receiver<Vec<Metric>>,
    /// The sums of counters, by name.
    counters: BTreeMap<&'static str, u64>,
    lines: Receiver<String>,
    sender: UdpSocket,
    tasks: tokio::runtime::Runtime,
}

impl Source {
    fn start(mut given: Json) -> Self {
        given["address"] = json!("127.0.0.1:0");
        let ((log, lines), (recorder, metrics)) = (mpsc::channel(), mpsc::channel());
        // The test may have stopped listening.
        let record = move |metrics| drop(recorder.send(metrics));
        let (running, batches) =
            linked::start(options(given).config(), Log(log), record).expect("it listens");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let tasks = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let source = Self {
            running,
            batches,
            metrics,
            counters: BTreeMap::new(),
            lines,
            sender,
            tasks,
        };
        let line = source.line("listening ");
        let mut words = line.split(' ');
        let address = words.find_map(|word| word.strip_prefix("address="));
        let address = address.expect("an address");
        source.sender.connect(address).expect("an address");
        source
    }

    fn address(&self) -> SocketAddr {
        self.sender.peer_addr().expect("an address")
    }

    fn send(&self, datagram: &str) {
        self.sender.send(datagram.as_bytes()).expect("sent");
    }

    /// The next line with this beginning.
    fn line(&self, begin: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect(begin);
            if line.starts_with(begin) {
                return line;
            }
        }
    }

    /// The next batch; `None` at the end.
    fn batch(&mut self) -> Option<Batch> {
        let next = async { tokio::time::timeout(PATIENCE, self.batches.next()).await };
        self.tasks.block_on(next).expect("a batch, or the end")
    }

    /// Batches until they contain this many events.
    fn events(&mut self, count: usize) -> (Vec<OwnedValue>, u64, u64) {
        let (mut events, mut bytes, mut dropped) = (Vec::new(), 0, 0);
        while events.len() < count {
            let batch = self.batch().expect("a batch");
            events.extend(values(&batch));
            bytes += batch.bytes;
            dropped += batch.dropped;
        }
        (events, bytes, dropped)
    }

    /// Waits until a counter has this value.
    fn await_counter(&mut self, name: &str, expected: u64) {
        while self.counters.get(name).copied().unwrap_or_default() < expected {
            let metrics = self.metrics.recv_timeout(PATIENCE).expect(name);
            for metric in metrics {
                if let MetricValue::Counter(more) = metric.value {
                    *self.counters.entry(metric.name).or_default() += more;
                }
            }
        }
        assert_eq!(self.counters[name], expected, "{name}");
    }

    /// Shuts down; what still waits is dropped. Returns the messages until then.
    fn end(self) -> Vec<String> {
        self.running.stop();
        self.batches.conclude().expect("no fault");
        self.lines.iter().collect()
    }
}

fn values(batch: &Batch) -> impl Iterator<Item = OwnedValue> {
    batch.values().map(|value| value.expect("a value"))
}

fn datagram(user: &str) -> String {
    format!("/qseow-proxy-session/;pro2-win1;Start session;LAB;{user};;/hub;Start session")
}

/// The text of a field, whose name has a dot before each nested part. `None` if it is not text.
fn text_of<'v>(event: &'v OwnedValue, name: &str) -> Option<&'v str> {
    match name.split('.').try_fold(event, OwnedValue::get)? {
        OwnedValue::Text(text) => Some(text),
        _ => None,
    }
}
