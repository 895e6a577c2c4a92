//! Butler SOS's UDP servers, one for user events and one for log events, as one source.
//!
//! A server that handles nothing is left out. Here, options apply to all events, while Butler SOS has them for each
//! server, so the result has to suit both.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::{
    config::{Addresses, Config},
    decoding::MAX_DATAGRAM_BYTES,
    import::butler_sos::{
        ImportError, Note, Options,
        config::{ButlerSos, UdpServerConfig},
    },
    source::SenderRange,
};

/// One of Butler SOS's UDP servers.
struct Server<'a> {
    udp: &'a UdpServerConfig,
    /// Its key in the file.
    key: &'static str,
    /// The port of its events in the appenders that Butler SOS provides.
    default_port: u16,
}

/// The servers that handle something, or the one for user events if neither does.
fn servers(from: &ButlerSos) -> Vec<Server<'_>> {
    let mut servers = Vec::new();
    let has_logs = from.log_events.is_used();
    if from.user_events.enable || !has_logs {
        servers.push(Server {
            udp: &from.user_events.udp_server_config,
            key: "userEvents.udpServerConfig",
            default_port: 9997,
        });
    }
    if has_logs {
        servers.push(Server {
            udp: &from.log_events.udp_server_config,
            key: "logEvents.udpServerConfig",
            default_port: 9996,
        });
    }
    servers
}

/// Sets where datagrams come from, and how many may wait.
///
/// # Errors
///
/// [`ImportError::NoSender`].
pub(super) fn source(
    from: &ButlerSos,
    options: &Options,
    config: &mut Config,
    notes: &mut Vec<Note>,
) -> Result<(), ImportError> {
    let servers = servers(from);
    config.source.address = addresses(&servers, notes);
    config.source.allowed_senders = allowed_senders(&servers, options, notes)?;
    let sizes = servers.iter().map(|server| server.udp.max_message_size);
    let sizes = sizes.map(|size| size.map_or(MAX_DATAGRAM_BYTES, |size| at_most_usize(size.0)));
    config.source.max_datagram_bytes = sizes
        .max()
        .unwrap_or(MAX_DATAGRAM_BYTES)
        .min(MAX_DATAGRAM_BYTES);
    rate_limit(&servers, config, notes);
    for server in &servers {
        queue(server, config, notes);
    }
    Ok(())
}

fn at_most_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The addresses to listen on. Butler SOS also accepts names, and resolves them when it starts.
fn addresses(servers: &[Server<'_>], notes: &mut Vec<Note>) -> Addresses {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for server in servers {
        let port = server.udp.port.map_or(server.default_port, |port| port.0);
        let host = server.udp.server_host.as_ref().map_or("", |host| &host.0);
        let ip: IpAddr = match host {
            "" | "0.0.0.0" => Ipv4Addr::UNSPECIFIED.into(),
            "localhost" => Ipv4Addr::LOCALHOST.into(),
            host => host.parse().unwrap_or_else(|_| {
                notes.push(Note::new(
                    &format!("{}.serverHost", server.key),
                    "a host name, which is not accepted here, so it listens on all addresses, 0.0.0.0; to listen on \
                     one only, set `source.address`",
                ));
                Ipv4Addr::UNSPECIFIED.into()
            }),
        };
        // A port on all addresses includes the port on each of them.
        match addresses.iter_mut().find(|known| known.port() == port) {
            Some(known) if ip.is_unspecified() => known.set_ip(ip),
            Some(known) if known.ip() == ip || known.ip().is_unspecified() => {}
            _ => addresses.push(SocketAddr::new(ip, port)),
        }
    }
    Addresses::new(addresses)
}

/// The senders whose datagrams any server accepts.
///
/// # Errors
///
/// [`ImportError::NoSender`] when no address is known. In that case Butler SOS accepts everyone, which is not what a
/// list of senders is for; and the names may resolve on the machine where it runs.
fn allowed_senders(
    servers: &[Server<'_>],
    options: &Options,
    notes: &mut Vec<Note>,
) -> Result<Vec<SenderRange>, ImportError> {
    let (validating, open): (Vec<_>, Vec<_>) = servers
        .iter()
        .partition(|server| server.udp.enable_source_validation);
    if let (Some(validating), Some(open)) = (validating.first(), open.first()) {
        notes.push(Note::new(
            &format!("{}.enableSourceValidation", validating.key),
            &format!(
                "`{}` accepts everyone, and here one list applies to all ports, so EVERY sender is accepted; set \
                 `source.allowed_senders` to restrict both",
                open.key
            ),
        ));
    }
    if !open.is_empty() {
        return Ok(SenderRange::all());
    }
    let mut allowed = Vec::new();
    for server in validating {
        for range in allowed_by(server, options, notes)? {
            if !allowed.contains(&range) {
                allowed.push(range);
            }
        }
    }
    Ok(allowed)
}

/// The senders that a server accepts. Butler SOS resolves names once, when it starts, and so does the import.
fn allowed_by(
    server: &Server<'_>,
    options: &Options,
    notes: &mut Vec<Note>,
) -> Result<Vec<SenderRange>, ImportError> {
    let mut allowed = Vec::new();
    for (place, source) in server.udp.allowed_sources.iter().enumerate() {
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
                "left out: `{name}` is not an IP address and does not resolve here; add its addresses to \
                 `source.allowed_senders`"
            )
        } else {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            let found = found.join(" and ");
            format!(
                "`{name}` resolves to {found} now; when that changes, update `source.allowed_senders`"
            )
        };
        notes.push(Note::new(
            &format!("{}.allowedSources[{place}]", server.key),
            &message,
        ));
        allowed.extend(found);
    }
    if allowed.is_empty() {
        if !options.allow_any_sender {
            return Err(ImportError::NoSender { key: server.key });
        }
        notes.push(Note::new(
            &format!("{}.enableSourceValidation", server.key),
            "no address of an allowed sender is known, so EVERY sender is accepted, as --allow-any-sender asks",
        ));
        return Ok(SenderRange::all());
    }
    Ok(allowed)
}

/// Whether a text can be the name of a machine, and is not an address in a form that only resolvers accept: `10.1`,
/// `4711`, `0x7f.1`.
fn is_name(text: &str) -> bool {
    let last = text.trim_end_matches('.').rsplit('.').next();
    let is_number = |label: &str| {
        let digits = label.strip_prefix("0x").unwrap_or(label);
        digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            && label.starts_with(|c: char| c.is_ascii_digit())
    };
    last.is_some_and(|label| !label.is_empty() && !is_number(label))
}

/// A limit for each sender, if every server has one. A sender may use all servers.
fn rate_limit(servers: &[Server<'_>], config: &mut Config, notes: &mut Vec<Note>) {
    let limit = |server: &Server<'_>| {
        let limit = &server.udp.rate_limit;
        let minute = limit.max_messages_per_minute.map_or(600, |count| count.0);
        limit
            .enable
            .then(|| u32::try_from(minute).unwrap_or(u32::MAX))
    };
    let limited: Vec<(&str, u32)> = servers
        .iter()
        .filter_map(|server| Some((server.key, limit(server)?)))
        .collect();
    let Some((key, _)) = limited.first() else {
        return;
    };
    let key = format!("{key}.rateLimit");
    if limited.len() < servers.len() {
        notes.push(Note::new(
            &key,
            "left out, because the other port has no limit; here one limit, `source.rate_limit`, applies to all \
             events of a sender",
        ));
        return;
    }
    let minute = limited
        .iter()
        .fold(0_u32, |sum, (_, limit)| sum.saturating_add(*limit));
    config.source.rate_limit.events_per_sec = minute.div_ceil(60);
    config.source.rate_limit.burst = minute;
    notes.push(Note::new(
        &key,
        &format!(
            "{minute} messages a minute from all senders{} become {} a second from each sender, in bursts of up to \
             {minute}",
            if limited.len() > 1 {
                ", to both ports,"
            } else {
                ""
            },
            config.source.rate_limit.events_per_sec
        ),
    ));
}

/// Butler SOS's queue contains messages that it has not processed yet. Here nothing waits before it is decoded; only
/// what Vector has not read yet waits.
fn queue(server: &Server<'_>, config: &mut Config, notes: &mut Vec<Note>) {
    let (queue, key) = (&server.udp.message_queue, server.key);
    if let Some(size) = queue.max_size {
        let ours = Config::default().queue.max_events;
        let size = at_most_usize(size.0);
        config.queue.max_events = config.queue.max_events.max(size.clamp(ours, 10_000_000));
        if size < ours {
            notes.push(Note::new(
                &format!("{key}.messageQueue.maxSize"),
                &format!(
                    "{size} would lose events sooner; `queue.max_events` stays {ours}, at most 16 MiB"
                ),
            ));
        }
    }
    if queue.max_concurrent.is_some() || queue.backpressure_threshold.is_some() {
        notes.push(Note::new(
            &format!("{key}.messageQueue"),
            "maxConcurrent and backpressureThreshold have no counterpart: one thread decodes events as they arrive, \
             and dropped events are counted",
        ));
    }
    if server.udp.queue_metrics.influxdb.enable {
        notes.push(Note::new(
            &format!("{key}.queueMetrics"),
            "the queue's figures are metrics of the component `qlik_sense`; see docs/vector.md",
        ));
    }
}
