//! Names of apps, which both programs get from the Qlik Repository Service.

use super::{Note, config::ButlerSos, values::Text};
use crate::config::{QrsConfig, is_host};

/// The user in whose name Butler SOS makes requests.
const USER: &str = r"Internal\sa_repository";

/// The repository service to query, if Butler SOS queries one.
pub(super) fn qrs(from: &ButlerSos, notes: &mut Vec<Note>) -> QrsConfig {
    let mut qrs = QrsConfig::default();
    let names = &from.app_names;
    if !names.enable_app_name_extract {
        return qrs;
    }
    let (host, port) = names
        .host_ip
        .as_ref()
        .map_or(("", None), Text::host_and_port);
    if host.is_empty() || !is_host(host) {
        notes.push(Note::new(
            "appNames.hostIP",
            "no host, so app names are not looked up; apps keep their ids",
        ));
        return qrs;
    }
    qrs.host = host.to_owned();
    qrs.port = port.unwrap_or(qrs.port);
    qrs.user = USER.to_owned();
    qrs.interval_secs = names
        .extract_interval
        .map_or(qrs.interval_secs, |interval| {
            interval.seconds_of_milliseconds().clamp(1, 86_400)
        });
    notes.push(Note::new(
        "appNames.hostIP",
        "the service's certificate is verified, which Butler SOS does not do; if it was issued to another name, set \
         `transform.app_names.qrs.server_name` to that name",
    ));
    qrs
}
