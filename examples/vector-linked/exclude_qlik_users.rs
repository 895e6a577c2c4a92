//! The transform: drops the events of excluded users.

use async_trait::async_trait;
use qlik_sense_events::host::linked::{ExcludeUsers, ExcludeUsersConfig};
use vector::{
    config::{DataType, Input, OutputId, TransformConfig, TransformContext, TransformOutput},
    event::{Event, Value},
    schema::Definition,
    transforms::{FunctionTransform, OutputBuffer, Transform},
};
use vector_lib::{
    config::clone_input_definitions,
    configurable::configurable_component,
    impl_generate_config_from_default,
    internal_event::{ComponentEventsDropped, Count, INTENTIONAL, InternalEventHandle, Registered},
    register,
};

use super::{Log, Options};

/// Configuration for the `exclude_qlik_users` transform.
#[configurable_component(transform(
    "exclude_qlik_users",
    "Exclude the events of listed Qlik Sense users, such as service accounts."
))]
#[derive(Clone, Debug, Default)]
pub struct ExcludeQlikUsersConfig {
    #[configurable(derived)]
    #[serde(flatten)]
    options: Options<ExcludeUsersConfig>,
}

impl_generate_config_from_default!(ExcludeQlikUsersConfig);

#[async_trait]
#[typetag::serde(name = "exclude_qlik_users")]
impl TransformConfig for ExcludeQlikUsersConfig {
    async fn build(&self, _: &TransformContext) -> vector::Result<Transform> {
        Ok(Transform::function(ExcludeQlikUsers {
            users: self.options.0.build(Log::default())?,
            dropped: register!(ComponentEventsDropped::<INTENTIONAL>::from(
                "The user is on the list."
            )),
        }))
    }

    fn input(&self) -> Input {
        Input::all()
    }

    fn outputs(
        &self,
        _: &TransformContext,
        input_definitions: &[(OutputId, Definition)],
    ) -> Vec<TransformOutput> {
        let definitions = clone_input_definitions(input_definitions);
        vec![TransformOutput::new(DataType::all_bits(), definitions)]
    }

    fn enable_concurrency(&self) -> bool {
        true
    }
}

#[derive(Clone)]
struct ExcludeQlikUsers {
    users: ExcludeUsers,
    dropped: Registered<ComponentEventsDropped<'static, INTENTIONAL>>,
}

impl FunctionTransform for ExcludeQlikUsers {
    fn transform(&mut self, output: &mut OutputBuffer, event: Event) {
        match &event {
            Event::Log(log) if self.users.excludes(|field| text(log.value(), field)) => {
                self.dropped.emit(Count(1));
            }
            _ => output.push(event),
        }
    }
}

/// The text of a field. Names of nested fields have dots.
fn text<'v>(event: &'v Value, field: &str) -> Option<&'v str> {
    let mut names = field.split('.');
    let value = names.try_fold(event, |value, name| value.as_object()?.get(name))?;
    std::str::from_utf8(value.as_bytes()?).ok()
}
