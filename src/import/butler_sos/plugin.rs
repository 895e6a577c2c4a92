//! The part of Butler SOS's configuration that becomes plugin.toml.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use toml::{Table, Value};

use super::{
    ImportError, Note, Options, app_names,
    config::{ButlerSos, ExcludedUser, RateLimit, Tag, UdpServerConfig},
};
use crate::{
    config::{Addresses, Config},
    decoding::MAX_DATAGRAM_BYTES,
    encoding::Codec,
    schema::Tags,
    source::SenderRange,
    transform::blacklist::UserPattern,
};

const UDP: &str = "userEvents.udpServerConfig";

/// The port of user events in Butler SOS's own appenders.
const DEFAULT_PORT: u16 = 9997;

/// The program's configuration that does the same, and what it does differently.
///
/// # Errors
///
/// [`ImportError::NoSender`].
pub(super) fn plugin(
    from: &ButlerSos,
    options: &Options,
    notes: &mut Vec<Note>,
) -> Result<Config, ImportError> {
    let mut config = Config::default();
    let events = &from.user_events;
    if !events.enable {
        notes.push(Note::new(
            "userEvents.enable",
            "false, so Butler SOS handles no user events; the rest is carried over as if it did",
        ));
    }
    let udp = &events.udp_server_config;
    config.source.address = address(udp, notes);
    config.source.allowed_senders = allowed_senders(udp, options, notes)?;
    if let Some(size) = udp.max_message_size {
        let size = usize::try_from(size.0).unwrap_or(usize::MAX);
        config.source.max_datagram_bytes = size.min(MAX_DATAGRAM_BYTES);
    }
    rate_limit(&udp.rate_limit, &mut config, notes);
    queue(udp, &mut config, notes);
    config.transform.blacklist.users = blacklist(&events.exclude_user, notes);
    // Butler SOS compares every character. Without entries it makes no difference.
    config.transform.blacklist.case_sensitive = !config.transform.blacklist.users.is_empty();
    if config.transform.blacklist.case_sensitive {
        notes.push(Note::new(
            "userEvents.excludeUser",
            "case counts, as in Butler SOS; Active Directory ignores it, so \
             `case_sensitive = false` is most often what is meant",
        ));
    }
    config.transform.app_names.qrs = app_names::qrs(from, notes);
    config.output.codec = Codec::Native;
    config.output.tags = tags(&events.tags, notes);
    Ok(config)
}

/// Names and values on every event. Of two with the same name the later one counts, as in Butler SOS.
fn tags(from: &[Tag], notes: &mut Vec<Note>) -> Tags {
    let mut tags = BTreeMap::new();
    for (place, Tag { name, value }) in from.iter().enumerate() {
        let key = format!("userEvents.tags[{place}]");
        let Some(value) = value else {
            let message = format!("left out: `{}` has no value", name.0);
            notes.push(Note::new(&key, &message));
            continue;
        };
        let tag = BTreeMap::from([(name.0.clone(), value.0.clone())]);
        match Tags::try_from(tag.clone()) {
            Ok(_) => tags.extend(tag),
            Err(error) => notes.push(Note::new(&key, &format!("left out: {error}"))),
        }
    }
    Tags::try_from(tags).unwrap_or_default()
}

/// Where to listen. Butler SOS takes names as well and looks them up when it starts.
fn address(udp: &UdpServerConfig, notes: &mut Vec<Note>) -> Addresses {
    let port = udp
        .port_user_activity_events
        .map_or(DEFAULT_PORT, |port| port.0);
    let host = udp.server_host.as_ref().map_or("", |host| &host.0);
    let ip: IpAddr = match host {
        "" | "0.0.0.0" => Ipv4Addr::UNSPECIFIED.into(),
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        host => host.parse().unwrap_or_else(|_| {
            notes.push(Note::new(
                &format!("{UDP}.serverHost"),
                "a name, which is not accepted here; listens on all addresses, 0.0.0.0. To listen \
                 on one alone, write it into `source.address`",
            ));
            Ipv4Addr::UNSPECIFIED.into()
        }),
    };
    Addresses::new(vec![SocketAddr::new(ip, port)])
}

/// Whose datagrams are accepted. Butler SOS looks names up once, when it starts, and so does the import.
///
/// # Errors
///
/// [`ImportError::NoSender`] when no address is known. Butler SOS accepts everyone then, which somebody who
/// lists senders does not mean, and the names may be known where it runs.
fn allowed_senders(
    udp: &UdpServerConfig,
    options: &Options,
    notes: &mut Vec<Note>,
) -> Result<Vec<SenderRange>, ImportError> {
    if !udp.enable_source_validation {
        return Ok(SenderRange::all());
    }
    let mut allowed = Vec::new();
    for (place, source) in udp.allowed_sources.iter().enumerate() {
        let name = source.0.trim();
        if let Ok(range) = name.parse() {
            allowed.push(range);
            continue;
        }
        let found = if is_name(name) {
            (options.resolve)(name)
        } else {
            Vec::new()
        };
        let found: Vec<SenderRange> = found
            .iter()
            .filter_map(|address| address.to_string().parse().ok())
            .collect();
        let message = if found.is_empty() {
            format!(
                "left out: `{name}` is no IP address, and cannot be looked up here; write its addresses into \
                 `source.allowed_senders`"
            )
        } else {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            let found = found.join(" and ");
            format!("`{name}` is {found} now; when that changes, change `source.allowed_senders`")
        };
        notes.push(Note::new(
            &format!("{UDP}.allowedSources[{place}]"),
            &message,
        ));
        allowed.extend(found);
    }
    if allowed.is_empty() && !options.allow_any_sender {
        return Err(ImportError::NoSender);
    }
    if allowed.is_empty() {
        notes.push(Note::new(
            &format!("{UDP}.enableSourceValidation"),
            "no address of an allowed sender is known, so EVERY sender is accepted, as --allow-any-sender says",
        ));
        return Ok(SenderRange::all());
    }
    let mut seen = Vec::new();
    for range in allowed {
        if !seen.contains(&range) {
            seen.push(range);
        }
    }
    Ok(seen)
}

/// Whether a text can be the name of a machine, and not an address in one of the forms that look-ups take as
/// well: `10.1`, `4711`, `0x7f.1`.
fn is_name(text: &str) -> bool {
    let last = text.trim_end_matches('.').rsplit('.').next();
    let is_number = |label: &str| {
        let digits = label.strip_prefix("0x").unwrap_or(label);
        digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            && label.starts_with(|c: char| c.is_ascii_digit())
    };
    last.is_some_and(|label| !label.is_empty() && !is_number(label))
}

fn rate_limit(limit: &RateLimit, config: &mut Config, notes: &mut Vec<Note>) {
    if !limit.enable {
        return;
    }
    let minute = limit.max_messages_per_minute.map_or(600, |count| count.0);
    let minute = u32::try_from(minute).unwrap_or(u32::MAX);
    config.source.rate_limit.events_per_sec = minute.div_ceil(60);
    config.source.rate_limit.burst = minute;
    notes.push(Note::new(
        &format!("{UDP}.rateLimit"),
        &format!(
            "{minute} messages a minute from all senders become {} a second from each sender, with \
             {minute} at once after a silence",
            config.source.rate_limit.events_per_sec
        ),
    ));
}

/// Butler SOS's queue holds messages that it has not worked on yet. Here nothing waits before it is
/// decoded; what waits is what Vector has not read yet.
fn queue(udp: &UdpServerConfig, config: &mut Config, notes: &mut Vec<Note>) {
    let queue = &udp.message_queue;
    if let Some(size) = queue.max_size {
        let ours = config.queue.max_events;
        let size = usize::try_from(size.0).unwrap_or(usize::MAX);
        config.queue.max_events = size.clamp(ours, 10_000_000);
        if size < ours {
            notes.push(Note::new(
                &format!("{UDP}.messageQueue.maxSize"),
                &format!(
                    "{size} would lose events sooner; `queue.max_events` stays {ours}, at most 16 MiB"
                ),
            ));
        }
    }
    if queue.max_concurrent.is_some() || queue.backpressure_threshold.is_some() {
        notes.push(Note::new(
            &format!("{UDP}.messageQueue"),
            "maxConcurrent and backpressureThreshold have no counterpart: one thread decodes as \
             events come, and what is dropped is counted",
        ));
    }
    if udp.queue_metrics.influxdb.enable {
        notes.push(Note::new(
            &format!("{UDP}.queueMetrics"),
            "the queue's figures are metrics of the component `qlik_sense`; see docs/vector.md",
        ));
    }
}

fn blacklist(users: &[ExcludedUser], notes: &mut Vec<Note>) -> Vec<UserPattern> {
    let mut patterns = Vec::new();
    for (place, user) in users.iter().enumerate() {
        let key = format!("userEvents.excludeUser[{place}]");
        match UserPattern::new(&*user.directory.0, &*user.user_id.0) {
            Ok(pattern) => {
                if pattern.is_pattern() {
                    notes.push(Note::new(
                        &key,
                        "`*` and `?` stand for any characters here; in Butler SOS they stand for \
                         themselves",
                    ));
                }
                patterns.push(pattern);
            }
            Err(error) => notes.push(Note::new(&key, &format!("left out: {error}"))),
        }
    }
    patterns
}

/// What differs from the defaults, in TOML.
///
/// # Errors
///
/// What cannot be said in TOML, which no option's value is.
pub(super) fn to_toml(config: &Config) -> Result<String, toml::ser::Error> {
    let differing = differing(
        Table::try_from(config)?,
        &Table::try_from(Config::default())?,
    );
    toml::to_string_pretty(&differing)
}

fn differing(table: Table, default: &Table) -> Table {
    table
        .into_iter()
        .filter_map(|(key, value)| match (value, default.get(&key)) {
            (value, Some(default)) if value == *default => None,
            (Value::Table(table), Some(Value::Table(default))) => {
                Some((key, Value::Table(differing(table, default))))
            }
            (value, _) => Some((key, value)),
        })
        .collect()
}
