//! The source: turns datagrams of Qlik Sense into Vector's log events.

use async_trait::async_trait;
use qlik_sense_events::{
    config::{Config, LinkedConfig},
    host::linked,
    schema::Role,
};
use tokio::task::spawn_blocking;
use tracing::Instrument;
use vector::{
    config::{DataType, Resource, SourceConfig, SourceContext, SourceOutput},
    internal_events::{SocketBindError, SocketMode},
    schema::Definition,
    shutdown::ShutdownSignal,
};
use vector_lib::{
    config::LogNamespace,
    configurable::configurable_component,
    emit, impl_generate_config_from_default,
    lookup::{OwnedValuePath, lookup_v2::OwnedSegment},
    schema::meaning,
    source::Source,
    vrl::value::{Kind, kind::Collection},
};

use super::{
    Log, Options,
    forward::{Outlet, forward},
    record,
};

/// Configuration for the `qlik_sense` source.
#[configurable_component(source(
    "qlik_sense",
    "Receive the events of Qlik Sense Enterprise on Windows over UDP."
))]
#[derive(Clone, Debug, Default)]
pub struct QlikSenseConfig {
    #[configurable(derived)]
    #[serde(flatten)]
    options: Options<LinkedConfig>,

    /// The namespace to use for logs. This overrides the global setting.
    #[configurable(metadata(docs::hidden))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log_namespace: Option<bool>,
}

impl_generate_config_from_default!(QlikSenseConfig);

#[async_trait]
#[typetag::serde(name = "qlik_sense")]
impl SourceConfig for QlikSenseConfig {
    async fn build(&self, cx: SourceContext) -> vector::Result<Source> {
        let config = self.options.0.config().clone();
        // A mistake in a file should be reported whether or not the port is free.
        config.pipeline().build()?;
        let namespace = cx.log_namespace(self.log_namespace);
        let out = Outlet::new(cx.out, namespace, Self::NAME);
        Ok(Box::pin(run(config, out, cx.shutdown)))
    }

    fn outputs(&self, global_log_namespace: LogNamespace) -> Vec<SourceOutput> {
        let namespace = global_log_namespace.merge(self.log_namespace);
        let schema = self.options.0.config().output.schema;
        let anything = Kind::object(Collection::any());
        let mut definition = Definition::new_with_default_metadata(anything, [namespace])
            .with_standard_vector_source_metadata();
        for (role, kind, meaning) in [
            (Role::Timestamp, Kind::timestamp(), meaning::TIMESTAMP),
            (Role::Host, Kind::bytes(), meaning::HOST),
            (Role::Message, Kind::bytes(), meaning::MESSAGE),
        ] {
            if let Some(field) = schema.field_of(role) {
                definition = definition.optional_field(&path(field), kind, Some(meaning));
            }
        }
        vec![SourceOutput::new_maybe_logs(DataType::Log, definition)]
    }

    fn resources(&self) -> Vec<Resource> {
        let addresses = &self.options.0.config().source.address;
        addresses.iter().copied().map(Resource::udp).collect()
    }

    fn can_acknowledge(&self) -> bool {
        false
    }
}

fn path(field: &str) -> OwnedValuePath {
    let segments = field.split('.').map(OwnedSegment::field).collect();
    OwnedValuePath { segments }
}

/// Receives until Vector shuts the source down or changes it.
///
/// The crate's own threads receive, count and save, and never wait for the rest of the topology: events wait in a
/// queue, which a separate task empties. The source does not wait for that task when it ends: in a reload, Vector starts
/// the next source only then, and nobody listens meanwhile.
async fn run(config: Config, out: Outlet, shutdown: ShutdownSignal) -> Result<(), ()> {
    let log = Log::default();
    let start = move || linked::start(&config, log.clone(), move |metrics| record(&log, metrics));
    let started = blocking(start).await?;
    let (running, batches) = started.map_err(|error| {
        emit!(SocketBindError {
            mode: SocketMode::Udp,
            error,
        });
    })?;
    let forwarded = tokio::spawn(forward(batches, out).in_current_span());
    tokio::select! {
        forwarded = forwarded => forwarded.unwrap_or(Err(())),
        // Vector considers the port free when the token is dropped.
        _token = shutdown => blocking(move || running.stop()).await,
    }
}

/// Runs work that may wait for a file on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ()> {
    spawn_blocking(work)
        .await
        .map_err(|error| error!(message = "A thread has failed.", %error))
}
