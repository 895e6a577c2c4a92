//! Sends events to New Relic; user events become custom events of the type `qs_userEvent`.

use std::ptr;

use super::{Pieces, is_on, new_relic_logs, note_placeholders, note_secret, quoted};
use crate::import::butler_sos::{
    Note,
    config::{ButlerSos, NewRelicAccount},
    values::Text,
};

const EVENT: &str = r#"
  # The event that Butler SOS sends, attribute for attribute.
  new_relic_event:
    type: remap
    inputs: [qlik_sense_kind.users]
    # Otherwise an event that fails would continue unchanged.
    drop_on_error: true
    source: |
@HASHES@      browser = parse_regex(.browser_version, r'^(?P<major>[0-9]+)') ?? {}
      app_name = if exists(.app_id) { .app_name || "<unknown app name>" }
      event = {
        "timestamp": to_unix_timestamp(timestamp!(.timestamp), unit: "milliseconds"),
        "qs_host": .host,
        "qs_event_action": .qlik_command,
        "qs_userFull": @USER_FULL@,
        "qs_userDirectory": @USER_DIRECTORY@,
        "qs_userId": @USER_ID@,
        "qs_origin": .origin,
        "qs_appId": .app_id,
        "qs_appName": app_name,
        "qs_uaBrowserName": .browser_name,
        "qs_uaBrowserMajorVersion": browser.major,
        "qs_uaOsName": .os_name,
        "qs_uaOsVersion": .os_version,
      }
      . = compact(merge(event, object(.tags) ?? {}))
      .eventType = "qs_userEvent"
"#;

const SINK: &str = r#"
  @NAME@:
    type: new_relic
    inputs: [@INPUTS@]
    api: events
    region: @REGION@
    account_id: @ACCOUNT@
    license_key: "${@VARIABLE@}"
"#;

/// Hashes of users, with a key that Vector reads at run time.
const HASHES: &str = r#"      # Tokens instead of names, which nobody can create or reverse without the key.
      key = get_env_var!("QLIK_SENSE_HASH_KEY")
      assert!(length(key) >= 32, "QLIK_SENSE_HASH_KEY has fewer than 32 characters")
      user = if exists(.user) { encode_base16(hmac(string!(.user), key)) }
      user_directory = if exists(.user_directory) { encode_base16(hmac(string!(.user_directory), key)) }
      user_id = if exists(.user_id) { encode_base16(hmac(string!(.user_id), key)) }
"#;

/// The two regions of New Relic's Event API.
const REGIONS: [(&str, &str); 2] = [
    ("us", "https://insights-collector.newrelic.com"),
    ("eu", "https://insights-collector.eu01.nr-data.net"),
];

/// Adds the transforms, and a sink for each account of New Relic, for the events that are sent there.
pub(super) fn add(from: &ButlerSos, pieces: &mut Pieces, notes: &mut Vec<Note>) {
    let mut sinks = Sinks::default();
    let is_enabled = from.new_relic.enable;
    let (users, logs) = (
        &from.user_events.send_to_new_relic,
        &from.log_events.send_to_new_relic,
    );
    let keys = ["userEvents.sendToNewRelic.enable", "newRelic.enable"];
    if is_on(users.enable, is_enabled, keys, notes) {
        let key = "userEvents.sendToNewRelic.destinationAccount";
        let accounts = accounts(from, &users.destination_account, key, notes);
        if !accounts.is_empty() {
            pieces.read_users = true;
            pieces.transforms.push_str(&event(users.scramble, notes));
            sinks.read(&accounts, "new_relic_event");
        }
    }
    let is_sent = from.log_events.is_used() && logs.enable;
    let keys = ["logEvents.sendToNewRelic.enable", "newRelic.enable"];
    if is_on(is_sent, is_enabled, keys, notes) {
        let key = "logEvents.sendToNewRelic.destinationAccount";
        let accounts = accounts(from, &logs.destination_account, key, notes);
        if !accounts.is_empty() {
            pieces.read_log_messages = true;
            pieces
                .transforms
                .push_str(&new_relic_logs::event(from, notes));
            sinks.read(&accounts, "new_relic_log_event");
        }
    }
    if !sinks.0.is_empty() {
        sinks.add(from, pieces, notes);
    }
}

/// Accounts, each with the transforms whose events it gets.
#[derive(Default)]
struct Sinks<'a>(Vec<(&'a NewRelicAccount, Vec<&'static str>)>);

impl<'a> Sinks<'a> {
    /// Sends the events of a transform to these accounts.
    fn read(&mut self, accounts: &[&'a NewRelicAccount], transform: &'static str) {
        for account in accounts {
            let known = self
                .0
                .iter_mut()
                .find(|(known, _)| ptr::eq(*known, *account));
            match known {
                Some((_, inputs)) if inputs.contains(&transform) => {}
                Some((_, inputs)) => inputs.push(transform),
                None => self.0.push((account, vec![transform])),
            }
        }
    }

    fn add(&self, from: &ButlerSos, pieces: &mut Pieces, notes: &mut Vec<Note>) {
        let region = region(from, notes);
        for (place, (account, inputs)) in self.0.iter().enumerate() {
            let number = if place == 0 {
                String::new()
            } else {
                format!("_{}", place + 1)
            };
            let variable = format!("NEW_RELIC_LICENSE_KEY{number}");
            note_secret(
                "thirdPartyToolsCredentials.newRelic.insertApiKey",
                &variable,
                account.insert_api_key,
                notes,
            );
            if account.account_id.0.is_empty() {
                notes.push(Note::new(
                    "thirdPartyToolsCredentials.newRelic.accountId",
                    "missing; add it to the sink's `account_id`",
                ));
            }
            note_placeholders(
                "thirdPartyToolsCredentials.newRelic.accountId",
                &account.account_id.0,
                notes,
            );
            let sink = SINK
                .replace("@NAME@", &format!("new_relic{number}"))
                .replace("@INPUTS@", &inputs.join(", "))
                .replace("@REGION@", region)
                .replace("@VARIABLE@", &variable)
                .replace("@ACCOUNT@", &quoted(&account.account_id.0));
            pieces.sinks.push_str(&sink);
        }
        for header in &from.new_relic.event.header {
            let key = format!("newRelic.event.header: {}", header.name.0);
            notes.push(Note::new(
                &key,
                "the sink `new_relic` does not support custom headers",
            ));
        }
    }
}

/// The transform that creates New Relic's events from user events.
fn event(scramble: bool, notes: &mut Vec<Note>) -> String {
    let (hashes, values) = if scramble {
        notes.push(Note::new(
            "userEvents.sendToNewRelic.scramble",
            "names are replaced by keyed hashes; put a key of at least 32 characters into the \
             environment variable QLIK_SENSE_HASH_KEY. They differ from Butler SOS's, whose hashes have no key and can be reversed by trying names",
        ));
        (HASHES, ["user", "user_directory", "user_id"])
    } else {
        ("", [".user", ".user_directory", ".user_id"])
    };
    ["@USER_FULL@", "@USER_DIRECTORY@", "@USER_ID@"]
        .iter()
        .zip(values)
        .fold(EVENT.replace("@HASHES@", hashes), |text, (name, value)| {
            text.replace(name, value)
        })
}

/// The accounts to which a kind of events is sent.
fn accounts<'a>(
    from: &'a ButlerSos,
    names: &[Text],
    key: &str,
    notes: &mut Vec<Note>,
) -> Vec<&'a NewRelicAccount> {
    let known = &from.third_party_tools_credentials.new_relic.0;
    if let [only] = &**known
        && only.account_name.is_none()
    {
        return vec![only];
    }
    let mut accounts = Vec::new();
    for name in names {
        let account = known
            .iter()
            .find(|known| known.account_name.as_ref() == Some(name));
        match account {
            Some(account) => accounts.push(account),
            None => notes.push(Note::new(
                key,
                &format!(
                    "`{}` is not in `thirdPartyToolsCredentials.newRelic`; if Butler SOS gets it from its \
                     command line, add a sink for it",
                    name.0
                ),
            )),
        }
    }
    if accounts.is_empty() {
        notes.push(Note::new(
            key,
            "no account is known, so nothing is sent to New Relic",
        ));
    }
    accounts
}

fn region(from: &ButlerSos, notes: &mut Vec<Note>) -> &'static str {
    let url = from.new_relic.event.url.as_ref();
    let url = url.map_or(REGIONS[0].1, |url| url.0.trim_end_matches('/'));
    match REGIONS.iter().find(|(_, known)| *known == url) {
        Some((region, _)) => region,
        None => {
            notes.push(Note::new(
                "newRelic.event.url",
                "the sink `new_relic` supports only New Relic's two regions, us and eu; us is used",
            ));
            REGIONS[0].0
        }
    }
}
