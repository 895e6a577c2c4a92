//! The appenders for Qlik Sense.

mod layouts;
mod loggers;
mod payloads;
mod user_events;

use std::fs;

use roxmltree::{Document, Node};

use crate::{files, read, root};

/// The files, with the folder that each is in, which is the service.
fn appender_files() -> Vec<(String, String)> {
    let folders = fs::read_dir(root().join("examples/qlik")).expect("a folder");
    let mut services: Vec<String> = folders
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.into_string().expect("UTF-8"))
        .collect();
    services.sort();
    assert_eq!(services, ["Engine", "Proxy", "Repository", "Scheduler"]);
    let mut found = Vec::new();
    for service in services {
        for file in files(&format!("examples/qlik/{service}"), "xml").values() {
            found.push((service.clone(), read(file)));
        }
    }
    assert_eq!(found.len(), 5, "a file a service, and the extended one");
    found
}

/// An appender's layout, and its pattern.
fn layout<'a, 'd>(appender: Node<'a, 'd>) -> (Node<'a, 'd>, &'a str) {
    let layout = children(appender)
        .find(|child| child.has_tag_name("layout"))
        .expect("a layout");
    assert_eq!(
        layout.attribute("type"),
        Some("log4net.Layout.PatternLayout")
    );
    let pattern = param(layout, "conversionPattern").expect("a pattern");
    (layout, pattern)
}

/// The texts of which a row must contain one in order to be sent; empty if every row is sent.
fn matched<'a>(appender: Node<'a, '_>) -> Vec<&'a str> {
    let filters: Vec<Node<'a, '_>> = children(appender)
        .filter(|child| child.has_tag_name("filter"))
        .collect();
    let Some((last, others)) = filters.split_last() else {
        return Vec::new();
    };
    assert_eq!(
        last.attribute("type"),
        Some("log4net.Filter.DenyAllFilter"),
        "without it the others let everything through"
    );
    others
        .iter()
        .map(|filter| {
            assert_eq!(
                filter.attribute("type"),
                Some("log4net.Filter.StringMatchFilter")
            );
            param(*filter, "stringToMatch").expect("a text")
        })
        .collect()
}

fn elements<'a>(
    document: &'a Document<'a>,
    tag: &'static str,
) -> impl Iterator<Item = Node<'a, 'a>> {
    document
        .descendants()
        .filter(move |node| node.has_tag_name(tag))
}

fn children<'a, 'd>(node: Node<'a, 'd>) -> impl Iterator<Item = Node<'a, 'd>> {
    node.children().filter(|child| child.is_element())
}

fn param<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    children(node)
        .find(|child| child.has_tag_name("param") && child.attribute("name") == Some(name))
        .map(|param| param.attribute("value").expect("a value"))
}
