//! How events of a kind are written in a format: compiled once from a schema's list, and followed for every event.
//!
//! Names are in the encoding of the format, neighbours that are the same in every event are one step, and dropped
//! fields have no step.

use std::{cmp::Reverse, collections::HashMap};

use foldhash::fast::RandomState;

use super::{
    Details, Entry, Format, Map, Order, Tags, TagsByHost, Value, Writer,
    entry::{Condition, Source},
    plugin::Detail,
    tags::folded,
};
use crate::event::EventKind;

/// The steps to write an event, in order.
#[derive(Debug)]
pub struct Plan<F: Format, S: 'static>(Box<[Step<F, S>]>);

#[derive(Debug)]
pub enum Step<F: Format, S: 'static> {
    /// Fields that are the same in every event.
    Fixed(F::Fixed),
    /// Fields that are the same in every event of a node.
    FixedByHost(Box<FixedByHost<F, S>>),
    /// A text field, unless it is absent.
    Text(F::Key, fn(&S) -> Option<&str>),
    /// A field, unless its value is absent.
    Value(F::Key, fn(&S) -> Value<'_>),
    /// If the condition does not hold, this many steps are skipped.
    If(fn(&S) -> bool, usize),
    /// A field that contains fields, unless all of those are absent.
    Group(F::Key, Box<[Self]>),
    /// Fields that only the event knows.
    Details(fn(&S) -> &Details),
}

/// Fields that are the same in every event of a node, prepared for each.
#[derive(Debug)]
pub struct FixedByHost<F: Format, S: 'static> {
    host: HostOf<S>,
    /// The fields of each node, by its folded name.
    hosts: HashMap<Box<[u8]>, F::Fixed, RandomState>,
    /// The fields of all other nodes; `None` if they have none.
    others: Option<F::Fixed>,
}

/// Returns the node of an event.
pub(super) type HostOf<S> = fn(&S) -> Option<&str>;

impl<F: Format, S> FixedByHost<F, S> {
    /// The fields for the node of an event.
    pub(super) fn of(&self, event: &S) -> Option<&F::Fixed> {
        let host = (self.host)(event).and_then(|host| self.hosts.get(&folded(host)[..]));
        host.or(self.others.as_ref())
    }
}

/// A value that is the same in every event.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// A value.
    Value(Value<'static>),
    /// The tags of the layout.
    Tags(Tags),
    /// Fields in this one.
    Group(Vec<(&'static str, Self)>),
}

impl Constant {
    /// Writes fields that are the same in every event.
    pub(crate) fn write_all<F: Format>(
        fields: &[(&'static str, Self)],
        writer: &mut impl Writer<F>,
    ) {
        for (name, constant) in fields {
            let key = F::key(name);
            match constant {
                Self::Value(value) => writer.write(&key, *value),
                Self::Tags(tags) => writer.write(&key, Value::Map(Map::Tags(tags))),
                Self::Group(fields) => {
                    let group = writer.begin_group(&key);
                    Self::write_all(fields, writer);
                    writer.end_group(&key, group);
                }
            }
        }
    }
}

/// The decisions of a layout that affect every plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrangement<'a> {
    pub(super) tags: &'a Tags,
    pub(super) tags_by_host: &'a TagsByHost,
    /// The names of dropped fields.
    pub(super) dropped: &'a [String],
}

impl Arrangement<'_> {
    /// Whether a field is dropped, either itself or with a field that contains it.
    fn drops(&self, name: &str) -> bool {
        self.dropped.iter().any(|dropped| {
            name.strip_prefix(&**dropped)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

impl<F: Format, S> Plan<F, S> {
    /// Compiles a schema's list. `kind` is the kind of the events, if they have one, and `host` returns the node of an
    /// event, if it has one.
    pub(super) fn compile(
        entries: &[Entry<S>],
        kind: Option<EventKind>,
        host: Option<HostOf<S>>,
        arrangement: Arrangement<'_>,
    ) -> Self {
        let nodes = entries
            .iter()
            .filter(|entry| !arrangement.drops(entry.name))
            .filter_map(|entry| Node::of(entry, kind, host, arrangement));
        Self(steps(grouped(nodes.collect(), F::ORDER), None))
    }

    pub(super) fn steps(&self) -> &[Step<F, S>] {
        &self.0
    }

    /// Writes an event.
    #[inline]
    pub(crate) fn write(&self, event: &S, writer: &mut impl Writer<F>) {
        walk(&self.0, event, writer);
    }
}

fn walk<F: Format, S>(steps: &[Step<F, S>], event: &S, writer: &mut impl Writer<F>) {
    let mut steps = steps.iter();
    while let Some(step) = steps.next() {
        match step {
            Step::Fixed(fixed) => writer.write_fixed(fixed),
            Step::FixedByHost(fixed) => {
                if let Some(fixed) = fixed.of(event) {
                    writer.write_fixed(fixed);
                }
            }
            Step::Text(key, text) => {
                if let Some(text) = text(event) {
                    writer.write_text(key, text);
                }
            }
            Step::Value(key, value) => writer.write(key, value(event)),
            Step::If(holds, count) => {
                if !holds(event) {
                    steps = steps.as_slice()[*count..].iter();
                }
            }
            Step::Group(key, steps) => {
                let group = writer.begin_group(key);
                walk(steps, event, writer);
                writer.end_group(key, group);
            }
            Step::Details(details) => write_details(details(event), writer),
        }
    }
}

fn write_details<F: Format>(details: &Details, writer: &mut impl Writer<F>) {
    for (name, detail) in details.iter() {
        let key = F::key(name);
        match detail {
            Detail::Number(number) => writer.write(&key, Value::Unsigned(*number)),
            Detail::Float(number) => writer.write(&key, Value::Float(*number)),
            Detail::Text(text) => writer.write(&key, Value::Text(text)),
            Detail::Group(details) => {
                let group = writer.begin_group(&key);
                write_details(details, writer);
                writer.end_group(&key, group);
            }
        }
    }
}

/// A schema's list as a tree, before it is prepared for a format.
struct Node<S: 'static> {
    name: &'static str,
    /// The condition for this node, and all nodes in it, to have a value.
    condition: Option<Condition<S>>,
    content: Content<S>,
}

enum Content<S: 'static> {
    Constant(Constant),
    /// The tags by node: where the node comes from, the tags of each, and those of all others, if they have any.
    TagsByHost(HostOf<S>, Vec<(String, Tags)>, Option<Tags>),
    Text(fn(&S) -> Option<&str>),
    Value(fn(&S) -> Value<'_>),
    Group(Vec<Node<S>>),
    Details(fn(&S) -> &Details),
}

impl<S> Node<S> {
    /// `None` if the value is known to be absent.
    fn of(
        entry: &Entry<S>,
        kind: Option<EventKind>,
        host: Option<HostOf<S>>,
        arrangement: Arrangement<'_>,
    ) -> Option<Self> {
        let constant = |value: Value<'static>| {
            let constant = Content::Constant(Constant::Value(value));
            value.is_present().then_some(constant)
        };
        let content = match entry.source {
            Source::Constant(value) => constant(value)?,
            Source::Kind(value) => constant(value(kind?))?,
            Source::Text(text) => Content::Text(text),
            Source::Value(value) => Content::Value(value),
            Source::Tags => tags(host, arrangement, false)?,
            Source::TagsEvenIfNone => tags(host, arrangement, true)?,
            Source::Details(details) => Content::Details(details),
        };
        Some(Self {
            name: entry.name,
            condition: entry.condition,
            content,
        })
    }

    /// A field of these fields; a constant if all of them are constant.
    fn group(name: &'static str, nodes: Vec<Self>) -> Self {
        let is_constant = |node: &Self| matches!(node.content, Content::Constant(_));
        let condition = common_condition(&nodes);
        let content = if nodes.iter().all(is_constant) {
            let constants = nodes.into_iter().filter_map(|node| match node.content {
                Content::Constant(constant) => Some((node.name, constant)),
                _ => None,
            });
            Content::Constant(Constant::Group(constants.collect()))
        } else {
            Content::Group(nodes)
        };
        Self {
            name,
            condition,
            content,
        }
    }
}

/// The tags; `None` if there are none, unless an empty map is wanted.
fn tags<S>(
    host: Option<HostOf<S>>,
    arrangement: Arrangement<'_>,
    even_if_none: bool,
) -> Option<Content<S>> {
    let common = arrangement.tags;
    let others = (even_if_none || !common.is_empty()).then(|| common.clone());
    match host {
        Some(host) if !arrangement.tags_by_host.is_empty() => {
            let hosts = arrangement.tags_by_host.iter();
            let hosts = hosts.map(|(host, tags)| (host.to_owned(), common.and(tags)));
            let hosts = hosts.filter(|(_, tags)| even_if_none || !tags.is_empty());
            Some(Content::TagsByHost(host, hosts.collect(), others))
        }
        _ => others.map(|tags| Content::Constant(Constant::Tags(tags))),
    }
}

/// The condition that all of them share.
fn common_condition<S>(nodes: &[Node<S>]) -> Option<Condition<S>> {
    let condition = nodes.first()?.condition?;
    let is_same = |node: &Node<S>| node.condition.is_some_and(|it| it.name == condition.name);
    nodes.iter().all(is_same).then_some(condition)
}

/// Puts neighbours in the same field into it, and then into the order.
fn grouped<S>(nodes: Vec<Node<S>>, order: Order) -> Vec<Node<S>> {
    let mut grouped = Vec::new();
    let mut nodes = nodes.into_iter().peekable();
    while let Some(node) = nodes.next() {
        let Some((group, name)) = node.name.split_once('.') else {
            grouped.push(node);
            continue;
        };
        let mut within = vec![Node { name, ..node }];
        while let Some((_, name)) = nodes
            .peek()
            .and_then(|next| next.name.split_once('.'))
            .filter(|(next, _)| *next == group)
        {
            within.extend(nodes.next().map(|next| Node { name, ..next }));
        }
        grouped.push(Node::group(group, self::grouped(within, order)));
    }
    match order {
        Order::Schema => {}
        Order::Ascending => grouped.sort_by_key(|node| node.name),
        Order::Descending => descend(&mut grouped),
    }
    grouped
}

/// Sorts nodes by name, the last one first. Those that can share a step stay together, where the
/// middle one is.
fn descend<S>(nodes: &mut [Node<S>]) {
    let shared = |node: &Node<S>| match (node.condition, &node.content) {
        (Some(condition), _) => Some(condition.name),
        // The order should not depend on whether tags differ by node.
        (None, Content::Constant(Constant::Tags(_))) => None,
        (None, Content::Constant(_)) => Some(""),
        (None, _) => None,
    };
    nodes.sort_by_key(|node| Reverse(node.name));
    let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
    for node in &*nodes {
        if let Some(step) = shared(node) {
            names.entry(step).or_default().push(node.name);
        }
    }
    let middle = |step: &str| names.get(step).and_then(|names| names.get(names.len() / 2));
    let place = |node: &Node<S>| shared(node).and_then(middle).map_or(node.name, |it| *it);
    nodes.sort_by_key(|node| Reverse((place(node), node.name)));
}

/// The steps of a format, given the condition that is known to hold.
fn steps<F: Format, S>(nodes: Vec<Node<S>>, known: Option<&'static str>) -> Box<[Step<F, S>]> {
    let mut steps = Vec::new();
    let mut nodes = nodes.into_iter().peekable();
    while let Some(node) = nodes.next() {
        let condition = node.condition.filter(|it| known != Some(it.name));
        let mut same = vec![node];
        if let Some(condition) = condition {
            let is_same =
                |next: &Node<S>| next.condition.is_some_and(|it| it.name == condition.name);
            while let Some(next) = nodes.next_if(is_same) {
                same.push(next);
            }
            let within = self::steps(same, Some(condition.name));
            steps.push(Step::If(condition.holds, within.len()));
            steps.extend(within);
            continue;
        }
        let is_constant = |node: &Node<S>| matches!(node.content, Content::Constant(_));
        if is_constant(&same[0]) {
            while let Some(next) = nodes.next_if(is_constant) {
                same.push(next);
            }
        }
        steps.push(step(same, known));
    }
    steps.into()
}

/// The step of a node, or of several constant ones.
fn step<F: Format, S>(nodes: Vec<Node<S>>, known: Option<&'static str>) -> Step<F, S> {
    let mut constants = Vec::new();
    for Node { name, content, .. } in nodes {
        match content {
            Content::Constant(constant) => constants.push((name, constant)),
            Content::TagsByHost(host, hosts, others) => {
                let fixed = |tags| F::fixed(&[(name, Constant::Tags(tags))]);
                let hosts = hosts.into_iter();
                return Step::FixedByHost(Box::new(FixedByHost {
                    host,
                    hosts: hosts
                        .map(|(host, tags)| (folded(&host)[..].into(), fixed(tags)))
                        .collect(),
                    others: others.map(fixed),
                }));
            }
            Content::Text(text) => return Step::Text(F::key(name), text),
            Content::Value(value) => return Step::Value(F::key(name), value),
            Content::Group(nodes) => return Step::Group(F::key(name), steps(nodes, known)),
            Content::Details(details) if name.is_empty() => return Step::Details(details),
            Content::Details(details) => {
                return Step::Group(F::key(name), [Step::Details(details)].into());
            }
        }
    }
    Step::Fixed(F::fixed(&constants))
}
