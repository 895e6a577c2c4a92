//! Requests as the engine's appender sends them, and pipelines that summarize them.

use chrono::{DateTime, TimeDelta, Utc};
use qlik_sense_events::{
    event::{Arrival, Event, EventKind},
    pipeline::{Pipeline, PipelineConfig},
    schema::Schema,
    transform::{
        OutputBuffer, PerformanceConfig,
        performance::{NameFilter, NamePattern},
    },
};
use serde_json::Value;

pub const SALES: &str = "0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740";
pub const STOCK: &str = "1f3d9c1e-7b64-4a58-8d2f-2c5e91ab7741";

/// A request, as the engine's appender sends it.
#[derive(Debug, Clone)]
pub struct Request {
    pub host: &'static str,
    pub user: &'static str,
    pub app: &'static str,
    pub session: &'static str,
    pub method: &'static str,
    pub object: String,
    pub object_type: &'static str,
    /// Process, work, lock, validate, traverse.
    pub times: [String; 5],
    pub net_ram: String,
    pub peak_ram: String,
    pub exception: &'static str,
    pub level: &'static str,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            host: "n1",
            user: "LAB;goran",
            app: SALES,
            session: "s1",
            method: "GenericObject::GetLayout",
            object: "a".into(),
            object_type: "barchart",
            times: ["5", "4", "0", "0.5", "2"].map(Into::into),
            net_ram: "100".into(),
            peak_ram: "1000".into(),
            exception: "",
            level: "INFO",
        }
    }
}

impl Request {
    pub fn datagram(&self) -> String {
        let Self {
            host,
            user,
            app,
            session,
            method,
            object,
            object_type,
            times,
            ..
        } = self;
        let times = times.join(";");
        let Self {
            net_ram,
            peak_ram,
            exception,
            level,
            ..
        } = self;
        format!(
            "/qseow-qix-perf/;1;20260131T140600.000Z;2026-01-31 14:06:00,000;{level};{host};QixPerformance.Engine.Engine;\
             LAB\\qlikservice;{session};{user};20260131T140600.000Z;e;{app};43;{method};{times};7;{object};{net_ram};\
             {peak_ram};{object_type}{exception}"
        )
    }

    pub fn event(&self, time: DateTime<Utc>) -> Event {
        let mut pipeline = PipelineConfig::default().build().expect("a pipeline");
        let mut output = OutputBuffer::default();
        let datagram = self.datagram();
        pipeline.datagram(datagram.as_bytes(), Arrival::local(time), &mut output);
        let event = output.into_events().remove(0);
        assert_eq!(event.kind(), EventKind::Performance, "{datagram}");
        event
    }
}

pub fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds)
}

/// Summarizes all requests.
pub fn nothing() -> PerformanceConfig {
    PerformanceConfig {
        enabled: true,
        methods: filter(&[], &["*"]),
        ..PerformanceConfig::default()
    }
}

pub fn filter(include: &[&str], exclude: &[&str]) -> NameFilter {
    let patterns = |texts: &[&str]| {
        let patterns = texts.iter().map(|text| (*text).to_owned().try_into());
        patterns
            .map(|it| it.expect("a pattern"))
            .collect::<Vec<NamePattern>>()
    };
    NameFilter {
        include: patterns(include),
        exclude: patterns(exclude),
    }
}

pub fn pipeline(performance: PerformanceConfig) -> Pipeline {
    let config = PipelineConfig {
        performance,
        ..PipelineConfig::default()
    };
    config.build().expect("a pipeline")
}

pub fn shown(output: &mut OutputBuffer) -> Vec<Value> {
    let records = output
        .drain()
        .map(|event| serde_json::to_value(Schema::Default.view(&event)));
    records.map(|record| record.expect("JSON")).collect()
}
