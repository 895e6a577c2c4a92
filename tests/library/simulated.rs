//! The decoder against the simulator: every datagram gives what the simulator put into it, however odd it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::{DateTime, TimeDelta};
use qlik_sense_events::{
    event::{Arrival, Body, Event, EventKind, Level, Service, TaskAction},
    pipeline::{Pipeline, PipelineConfig},
    simulate::{About, Datagram, Families, LogRow, Request, Site, SiteOptions, TaskRow},
    transform::OutputBuffer,
};
use uuid::Uuid;

fn decoded(pipeline: &mut Pipeline, datagram: &[u8]) -> Vec<Event> {
    let mut output = OutputBuffer::default();
    let arrival = Arrival::local(DateTime::UNIX_EPOCH);
    pipeline.datagram(datagram, arrival, &mut output);
    output.drain().collect()
}

fn nanoseconds(time: Duration) -> Option<i64> {
    i64::try_from(time.as_nanos()).ok()
}

fn assert_request(event: &Event, request: &Request) {
    let Body::Performance(performance) = event.body() else {
        panic!("{event:?}");
    };
    assert_eq!(event.qlik_timestamp(), Some(request.time));
    assert_eq!(event.sequence(), Some(u32::from(request.row)));
    assert_eq!(event.host(), Some(&*request.host));
    assert_eq!(event.level(), Some(request.level));
    assert_eq!(event.session_id(), request.session_id.as_deref());
    assert_eq!(event.user_directory(), request.directory.as_deref());
    assert_eq!(event.user_id(), request.user_id.as_deref());
    let engine_session_id = request.engine_session_id.as_deref();
    assert_eq!(event.engine_session_id(), engine_session_id);
    assert_app(event, request.app_id.as_deref());
    assert_eq!(performance.request_id(), Some(request.request_id.into()));
    assert_eq!(performance.method(), Some(request.method));
    assert_eq!(
        performance.process_nanoseconds(),
        request.process.and_then(nanoseconds)
    );
    assert_eq!(performance.work_nanoseconds(), nanoseconds(request.work));
    assert_eq!(performance.lock_nanoseconds(), nanoseconds(request.lock));
    assert_eq!(
        performance.validate_nanoseconds(),
        nanoseconds(request.validate)
    );
    assert_eq!(
        performance.traverse_nanoseconds(),
        nanoseconds(request.traverse)
    );
    assert_eq!(performance.handle(), Some(request.handle.into()));
    assert_eq!(
        performance.net_ram_bytes(),
        i64::try_from(request.net_ram_bytes).ok()
    );
    let peak = request
        .peak_ram_bytes
        .map(|bytes| i64::try_from(bytes).expect("a number"));
    assert_eq!(performance.peak_ram_bytes(), peak);
    assert_eq!(event.ambiguous(), &[] as &[&str]);
    assert_eq!(performance.object_id(), Some(&*request.object_id));
    assert_eq!(performance.object_type(), Some(request.object_type));
    assert_eq!(event.exception(), request.exception);
}

/// Checks the app by its id; one that is not a guid is unreadable.
fn assert_app(event: &Event, id: Option<&str>) {
    let readable = id.map(Uuid::try_parse);
    if let Some(Err(_)) = readable {
        assert_eq!(event.unreadable().get("app_id"), id);
    }
    assert_eq!(event.app_id(), readable.and_then(Result::ok));
}

fn assert_task(event: &Event, row: &TaskRow) {
    let Body::Task(task) = event.body() else {
        panic!("{event:?}");
    };
    assert_eq!(event.qlik_timestamp(), None);
    let local = row.time + TimeDelta::hours(1);
    let local_time = local.format("%Y-%m-%d %H:%M:%S,%3f").to_string();
    assert_eq!(event.local_time(), Some(&*local_time));
    assert_eq!(event.host(), Some(&*row.host));
    assert_eq!(task.action(), row.action);
    assert_eq!(event.message(), Some(&*row.message));
    assert_eq!(event.exception(), row.exception);
    match &row.about {
        About::Run(run) => {
            assert_eq!(event.service(), Some(Service::Scheduler));
            assert_eq!(event.level(), Some(Level::Info));
            assert_eq!(event.task_id(), Some(&*run.task_id));
            assert_eq!(event.execution_id(), Some(&*run.execution_id));
            assert_app(event, run.app_id.as_deref());
            if event.ambiguous().is_empty() {
                let user = event.user().expect("a user").to_string();
                assert_eq!(user, *run.user);
                assert_eq!(event.task_name(), Some(&*run.task_name));
                assert_eq!(event.app_name(), run.app_name.as_deref());
            } else {
                let names = event.task_name().expect("names");
                assert!(names.contains(&*run.task_name), "{names}");
            }
        }
        About::Reload(reload) => {
            assert_eq!(event.service(), Some(Service::Engine));
            assert_eq!(event.level(), Some(Level::Error));
            assert_eq!(event.user_directory(), Some(&*reload.directory));
            assert_eq!(event.user_id(), Some(&*reload.user_id));
            let session = Some(&*reload.engine_session_id);
            assert_eq!(event.engine_session_id(), session);
            assert_app(event, Some(&reload.app_id));
        }
    }
}

fn assert_log(event: &Event, row: &LogRow) {
    let Body::Log(log) = event.body() else {
        panic!("{event:?}");
    };
    assert_eq!(event.qlik_timestamp(), Some(row.time));
    assert_eq!(event.sequence(), Some(u32::from(row.row)));
    assert_eq!(event.host(), Some(&*row.host));
    assert_eq!(event.level(), Some(row.level));
    assert_eq!(event.logger(), Some(row.logger));
    assert_eq!(event.service(), Some(row.service));
    assert_eq!(log.appender(), row.appender);
    if event.ambiguous().is_empty() {
        assert_log_fields(event, row);
    } else {
        // Nothing is shifted into a wrong field.
        let message = event.message().expect("kept whole");
        assert!(message.starts_with(&row.message) || row.message.starts_with(message));
    }
}

fn assert_log_fields(event: &Event, row: &LogRow) {
    assert_eq!(event.message(), Some(&*row.message));
    assert_eq!(event.exception(), row.exception);
    assert_eq!(event.session_id(), row.session_id.as_deref());
    let engine_session_id = row.engine_session_id.as_deref();
    assert_eq!(event.engine_session_id(), engine_session_id);
    assert_eq!(event.qlik_command(), row.command);
    assert_eq!(event.result(), row.result);
    assert_eq!(event.origin(), row.origin);
    assert_eq!(event.context(), row.context.as_deref());
    let run = row.task.as_ref();
    assert_eq!(event.task_id(), run.map(|run| &*run.task_id));
    assert_eq!(event.task_name(), run.map(|run| &*run.task_name));
    assert_eq!(event.execution_id(), run.map(|run| &*run.execution_id));
    match run {
        // The user stands in one field, unless there are two for it as well.
        Some(run) => {
            assert_app(event, run.app_id.as_deref());
            assert_eq!(event.app_name(), run.app_name.as_deref());
            if row.directory.is_none() && row.user_id.is_none() {
                let user = event.user().expect("a user").to_string();
                assert_eq!(user, *run.user);
            }
        }
        None => {
            assert_eq!(event.user_directory(), row.directory.as_deref());
            assert_eq!(event.user_id(), row.user_id.as_deref());
            // A path contains an app too.
            if row.context.is_none() {
                assert_app(event, row.app_id.as_deref());
            }
        }
    }
}

/// Decodes the datagrams of a site in one family, and compares each event with the content of its datagram.
fn assert_comes_out(families: Families, odd_per_mille: u16, datagrams: u32) {
    let mut site = Site::new(SiteOptions {
        odd_per_mille,
        families,
        ..SiteOptions::default()
    });
    site.set_time("2026-01-31T09:00:00.125Z".parse().expect("a time"));
    let mut pipeline = PipelineConfig::default().build().expect("a pipeline");
    let mut datagram = Vec::new();
    for _ in 0..datagrams {
        let truth = site.next_datagram(&mut datagram);
        let events = decoded(&mut pipeline, &datagram);
        if let Datagram::Relay(lines) = &truth {
            assert_eq!(events.len() as u64, lines.events());
            continue;
        }
        let [event] = &events[..] else {
            panic!("{}: {events:?}", datagram.escape_ascii());
        };
        match &truth {
            Datagram::Performance(request) => assert_request(event, request),
            Datagram::Task(row) => assert_task(event, row),
            Datagram::Log(row) => assert_log(event, row),
            Datagram::Undecoded { code } => {
                let Body::Undecoded(undecoded) = event.body() else {
                    panic!("{event:?}");
                };
                assert_eq!(undecoded.error().code.as_str(), *code);
            }
            _ => panic!("{truth:?}"),
        }
        if odd_per_mille == 0 {
            assert!(event.ambiguous().is_empty() && event.unreadable().is_empty());
        }
    }
}

const NONE: Families = Families {
    user: false,
    log: false,
    performance: false,
    task: false,
};

#[test]
fn requests_come_out_as_they_were_sent() {
    let families = Families {
        performance: true,
        ..NONE
    };
    assert_comes_out(families, 300, 30_000);
}

#[test]
fn task_events_come_out_as_they_were_sent() {
    let families = Families { task: true, ..NONE };
    assert_comes_out(families, 0, 1_000);
    assert_comes_out(families, 300, 2_000);
}

/// A run that an old and a new appender report counts once; the outcome after an abort counts too.
#[test]
fn actions_of_runs_are_counted_once() {
    let mut site = Site::new(SiteOptions {
        odd_per_mille: 0,
        families: Families { task: true, ..NONE },
        ..SiteOptions::default()
    });
    site.set_time("2026-01-31T09:00:00.125Z".parse().expect("a time"));
    let mut pipeline = PipelineConfig::default().build().expect("a pipeline");
    let mut told: BTreeMap<TaskAction, BTreeSet<String>> = BTreeMap::new();
    let mut datagram = Vec::new();
    for number in 0..3_000 {
        let Datagram::Task(row) = site.next_datagram(&mut datagram) else {
            panic!("{}", datagram.escape_ascii());
        };
        decoded(&mut pipeline, &datagram);
        let run = match &row.about {
            About::Run(run) => run.execution_id.to_string(),
            // It names no run.
            About::Reload(_) => number.to_string(),
        };
        told.entry(row.action).or_default().insert(run);
    }
    let counters = pipeline.counters();
    for action in TaskAction::ALL {
        let runs = told[action].len() as u64;
        assert_eq!(counters.tasks_of(*action), runs, "{action:?}");
        let events = counters.events_of(EventKind::Task(*action));
        let is_told_twice = *action != TaskAction::Distributed;
        assert_eq!(events > runs, is_told_twice, "{action:?}: {events} {runs}");
    }
    let [failed, aborting] = [TaskAction::Failed, TaskAction::Aborting].map(|it| &told[&it]);
    assert!(failed.intersection(aborting).next().is_some());
}

#[test]
fn rows_of_the_services_come_out_as_they_were_sent() {
    let families = Families { log: true, ..NONE };
    assert_comes_out(families, 0, 3_000);
    assert_comes_out(families, 300, 6_000);
}
