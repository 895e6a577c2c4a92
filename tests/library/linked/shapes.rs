//! The shapes of vector-lib's traits that `examples/vector-linked` relies on: a stand-in with their signatures in
//! Vector 0.58, implemented only by delegation. The adapter delegates to Vector's traits in the same way.
//!
//! And the adapter's names of Vector: `examples/vector-linked/upstream.txt` lists them all.

use std::{collections::BTreeSet, error, fs, path::Path};

use bytes::{Bytes, BytesMut};
use qlik_sense_events::{
    decoding::{self, QlikSenseDecoder, QlikSenseDeserializer},
    encoding::OwnedValue,
    event,
    host::linked,
    schema::Layout,
    transform,
};
use smallvec::SmallVec;

/// The names of Vector that the adapter uses, in the shapes in which it uses them.
mod stand_in {
    use super::*;

    pub type Error = Box<dyn error::Error + Send + Sync + 'static>;
    pub type Result<T> = std::result::Result<T, Error>;

    #[derive(Clone, Copy)]
    pub enum LogNamespace {
        Vector,
        Legacy,
    }

    pub struct LogEvent(OwnedValue);

    impl From<OwnedValue> for LogEvent {
        fn from(value: OwnedValue) -> Self {
            Self(value)
        }
    }

    impl LogEvent {
        pub const fn value(&self) -> &OwnedValue {
            &self.0
        }
    }

    pub enum Event {
        Log(LogEvent),
    }

    #[derive(Default)]
    pub struct OutputBuffer(pub Vec<Event>);

    impl OutputBuffer {
        pub fn push(&mut self, event: Event) {
            self.0.push(event);
        }
    }

    pub trait Deserializer: CloneBox + Send + Sync {
        fn parse(&self, bytes: Bytes, log_namespace: LogNamespace) -> Result<SmallVec<[Event; 1]>>;
    }

    pub trait FunctionTransform: CloneBox + Send + Sync {
        fn transform(&mut self, output: &mut OutputBuffer, event: Event);
    }

    /// `dyn_clone::DynClone`: anything that can be cloned and owns its data.
    pub trait CloneBox {}

    impl<T: Clone + 'static> CloneBox for T {}

    pub struct BoxedFramingError;

    impl From<std::io::Error> for BoxedFramingError {
        fn from(_: std::io::Error) -> Self {
            Self
        }
    }
}

use stand_in::{Event, FunctionTransform as _, LogEvent, LogNamespace};

#[derive(Clone, Default)]
struct Codec(linked::ValueDeserializer);

impl stand_in::Deserializer for Codec {
    fn parse(
        &self,
        bytes: Bytes,
        namespace: LogNamespace,
    ) -> stand_in::Result<SmallVec<[Event; 1]>> {
        let namespace = match namespace {
            LogNamespace::Legacy => decoding::LogNamespace::Legacy,
            LogNamespace::Vector => decoding::LogNamespace::Vector,
        };
        let events = self.0.parse(bytes, namespace)?.into_iter();
        Ok(events
            .map(|event| Event::Log(LogEvent::from(event)))
            .collect())
    }
}

#[derive(Clone)]
struct Exclude(linked::ExcludeUsers);

impl stand_in::FunctionTransform for Exclude {
    fn transform(&mut self, output: &mut stand_in::OutputBuffer, event: Event) {
        let Event::Log(log) = &event;
        let text_of = |name: &str| match name.split('.').try_fold(log.value(), OwnedValue::get)? {
            OwnedValue::Text(text) => Some(text.as_str()),
            _ => None,
        };
        if !self.0.excludes(text_of) {
            output.push(event);
        }
    }
}

/// Ours have the same shape, so our transforms differ from Vector's only in the type of event.
fn ours<T: transform::FunctionTransform>(
    mut transform: T,
) -> impl FnMut(&mut transform::OutputBuffer, event::Event) {
    move |output, event| T::transform(&mut transform, output, event)
}

struct Silent;

impl qlik_sense_events::host::diagnostics::Report for Silent {
    fn write(&mut self, _: &qlik_sense_events::host::diagnostics::Diagnostic<'_>) {}
}

const DATAGRAM: &str = "/proxy-session/;n1;Stop session;LAB;goran;;;";

#[test]
fn a_deserializer_delegates() {
    let codec: Box<dyn stand_in::Deserializer> = Box::new(Codec::default());
    for namespace in [LogNamespace::Legacy, LogNamespace::Vector] {
        let bytes = Bytes::from(format!("{DATAGRAM}\n{DATAGRAM}"));
        let events = codec
            .parse(bytes, namespace)
            .map_err(|error| error.to_string());
        let events = events.expect("decoded");
        assert_eq!(events.len(), 2);
        let Event::Log(log) = &events[0];
        let user = OwnedValue::Text("goran".into());
        assert_eq!(log.value().get("user_id"), Some(&user));
        let Some(OwnedValue::Timestamp(now)) = log.value().get("timestamp") else {
            panic!("no time");
        };
        assert!(now.timestamp() > 1_700_000_000);
    }
}

#[test]
fn a_transform_delegates() {
    let config: linked::ExcludeUsersConfig =
        serde_json::from_str(r#"{"users": ["LAB\\goran"]}"#).expect("options");
    let mut exclude = Exclude(config.build(Silent).expect("no file")).clone();
    let codec = Codec::default();
    let mut output = stand_in::OutputBuffer::default();
    for datagram in [DATAGRAM.to_owned(), DATAGRAM.replace("goran", "maria")] {
        let events = stand_in::Deserializer::parse(&codec, datagram.into(), LogNamespace::Legacy);
        for event in events.map_err(|error| error.to_string()).expect("decoded") {
            exclude.transform(&mut output, event);
        }
    }
    assert_eq!(output.0.len(), 1);
}

#[test]
fn transforms_have_the_names_and_the_order_of_vectors() {
    let mut blacklist = ours(transform::Blacklist::default());
    let events = QlikSenseDeserializer::default()
        .parse(DATAGRAM.into(), decoding::LogNamespace::Legacy)
        .expect("decoded");
    let mut output = transform::OutputBuffer::with_capacity(1);
    events
        .into_iter()
        .for_each(|event| blacklist(&mut output, event));
    assert_eq!(output.len(), 1);
}

/// Vector requires a framing that can be cloned, crosses threads and has an error type of its own.
#[test]
fn the_decoder_is_one_of_tokio_util_and_crosses_threads() {
    fn frames<D>(mut decoder: D) -> Option<D::Item>
    where
        D: tokio_util::codec::Decoder + Clone + Send + Sync + std::fmt::Debug,
        stand_in::BoxedFramingError: From<D::Error>,
    {
        let decoded = decoder.decode_eof(&mut BytesMut::from(DATAGRAM));
        decoded
            .map_err(stand_in::BoxedFramingError::from)
            .ok()
            .flatten()
    }
    assert!(frames(QlikSenseDecoder::default()).is_some());
    // And a codec can be built from a configuration.
    let _: linked::ValueDeserializer =
        linked::ValueDeserializer::new(QlikSenseDeserializer::default(), &Layout::default());
}

/// `a::{b, c::{d, e as f}}` to `a::b`, `a::c::d`, `a::c::e`.
fn expand(tree: &str, prefix: &str, names: &mut BTreeSet<String>) {
    let tree = tree.trim();
    if let Some((head, rest)) = tree.split_once('{') {
        let inner = rest.trim_end().strip_suffix('}').expect("a closing brace");
        let (mut depth, mut start) = (0, 0);
        for (place, character) in inner.char_indices().chain([(inner.len(), ',')]) {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    let part = &inner[start..place.max(start)];
                    if !part.trim().is_empty() {
                        expand(part, &format!("{prefix}{}", head.trim()), names);
                    }
                    start = place + 1;
                }
                _ => {}
            }
        }
    } else {
        let name = tree.split(" as ").next().expect("a name");
        names.insert(format!("{prefix}{name}").replace("::self", ""));
    }
}

#[test]
fn the_list_of_names_of_vector_is_complete() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut used = BTreeSet::new();
    for file in [
        "mod.rs",
        "codec.rs",
        "forward.rs",
        "qlik_sense.rs",
        "exclude_qlik_users.rs",
    ] {
        let text = fs::read_to_string(root.join("examples/vector-linked").join(file)).expect(file);
        for item in text.split("\nuse ").skip(1) {
            let tree = item.split(';').next().expect("an item").replace('\n', " ");
            if ["vector::", "vector_lib::", "vector_config::"]
                .iter()
                .any(|name| tree.starts_with(name))
            {
                expand(&tree, "", &mut used);
            }
        }
        // Names that are written out where they are used.
        let paths = text.split(|c: char| !c.is_ascii_alphanumeric() && !"_:".contains(c));
        let written = paths.filter(|path| {
            let of_vector = path.starts_with("vector::") || path.starts_with("vector_lib::");
            of_vector && !path.ends_with(':')
        });
        used.extend(written.map(str::to_owned));
    }
    assert!(used.contains("vector::config::SourceConfig"), "{used:?}");
    let list =
        fs::read_to_string(root.join("examples/vector-linked/upstream.txt")).expect("the list");
    let listed: BTreeSet<String> = list.lines().map(str::to_owned).collect();
    assert_eq!(listed, used);
}
