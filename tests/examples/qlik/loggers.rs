//! The loggers whose rows go to the appenders.

use std::collections::BTreeSet;

use roxmltree::Document;

use super::{appender_files, children, elements};

/// The loggers of each service, with the appenders to which their rows go.
const LOGGERS: [(&str, &str, &[&str]); 16] = [
    ("Engine", "QixPerformance.Engine.Engine", &["Performance"]),
    ("Engine", "Performance.Engine", &["LogEvent"]),
    ("Engine", "Session.Engine", &["LogEvent"]),
    ("Engine", "System.Engine", &["LogEvent"]),
    (
        "Proxy",
        "AuditActivity.Proxy",
        &["EventSession", "EventConnection"],
    ),
    ("Proxy", "Audit.Proxy", &["LogEvent"]),
    ("Proxy", "AuditSecurity.Proxy", &["LogEvent"]),
    ("Proxy", "Security.Proxy", &["LogEvent"]),
    ("Proxy", "System.Proxy", &["LogEvent"]),
    ("Repository", "Service.Repository", &["LogEvent"]),
    ("Repository", "System.Repository", &["LogEvent"]),
    ("Repository", "UserManagement.Repository", &["LogEvent"]),
    (
        "Scheduler",
        "System.Scheduler.Scheduler.Master.Task.TaskSession",
        &["TaskFailed", "TaskAborted", "TaskSucceeded"],
    ),
    (
        "Scheduler",
        "System.Scheduler.Scheduler.Slave.Tasks.ReloadTask",
        &["TaskDistributed"],
    ),
    ("Scheduler", "Service.Scheduler", &["LogEvent"]),
    ("Scheduler", "System.Scheduler", &["LogEvent"]),
];

/// If two loggers have the same name, log4net uses the last one; and a logger without a service also gets rows of other
/// services.
#[test]
fn loggers_are_scoped_to_their_service_and_have_one_element_each() {
    for (service, text) in appender_files() {
        let document = Document::parse(&text).expect("XML");
        let loggers: Vec<(&str, Vec<&str>)> = elements(&document, "logger")
            .map(|logger| {
                let references = children(logger).map(|reference| {
                    assert!(reference.has_tag_name("appender-ref"));
                    reference.attribute("ref").expect("an appender")
                });
                (
                    logger.attribute("name").expect("a name"),
                    references.collect(),
                )
            })
            .collect();
        let expected: Vec<(&str, Vec<&str>)> = LOGGERS
            .iter()
            .filter(|(of, ..)| *of == service)
            .map(|(_, name, appenders)| (*name, appenders.to_vec()))
            .collect();
        assert_eq!(loggers, expected, "{service}");
        for (name, _) in &loggers {
            assert_eq!(name.split('.').nth(1), Some(&*service), "{name}");
        }
        let referred: BTreeSet<&str> = loggers.iter().flat_map(|(_, refs)| refs).copied().collect();
        let defined: Vec<&str> = elements(&document, "appender")
            .map(|appender| appender.attribute("name").expect("a name"))
            .collect();
        assert_eq!(
            defined.len(),
            referred.len(),
            "{service}: names are there once"
        );
        assert_eq!(
            defined.into_iter().collect::<BTreeSet<_>>(),
            referred,
            "{service}"
        );
    }
}
