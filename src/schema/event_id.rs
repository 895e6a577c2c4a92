//! An id that is the same whenever and wherever a row is decoded, so that a store which receives an event twice keeps
//! it once.

use uuid::Uuid;

use crate::event::{Body, Event};

/// The id of an event with a row number, Qlik's own time and a node, from which it is computed together with the
/// appender. `None` if one of them is absent, because two rows could then have the same id.
///
/// A UUID of version 8 of the 128 bits of FNV-1a over the node's name, a zero byte, the family as Butler SOS calls it,
/// a zero byte, the row number as 4 bytes and the time in nanoseconds as 8 bytes, both little-endian. This must not
/// change, because stored events keep their ids.
///
/// A task event has no row number and no such time, so its id is computed from the node's name, the family, the action,
/// the run's id as sent and the node's own time as sent, with a zero byte between them. So a row that two appenders
/// send has one id.
pub(super) fn event_id(event: &Event) -> Option<Uuid> {
    let (host, family) = (event.host()?, event.family()?);
    if let Body::Task(task) = event.body() {
        let parts = [
            host,
            family.as_str(),
            task.action().as_str(),
            event.execution_id()?,
            event.local_time()?,
        ];
        return Some(uuid_of(parts.join("\0").as_bytes().iter()));
    }
    let (row, time) = (event.sequence()?, event.qlik_timestamp()?);
    let nanoseconds = time.timestamp_nanos_opt()?;
    let parts: [&[u8]; 6] = [
        host.as_bytes(),
        &[0],
        family.as_str().as_bytes(),
        &[0],
        &row.to_le_bytes(),
        &nanoseconds.to_le_bytes(),
    ];
    Some(uuid_of(parts.into_iter().flatten()))
}

fn uuid_of<'a>(bytes: impl Iterator<Item = &'a u8>) -> Uuid {
    uuid::Builder::from_custom_bytes(fnv_1a(bytes).to_be_bytes()).into_uuid()
}

/// FNV-1a of 128 bits, as draft-eastlake-fnv defines it.
fn fnv_1a<'a>(bytes: impl Iterator<Item = &'a u8>) -> u128 {
    const OFFSET_BASIS: u128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D;
    const PRIME: u128 = (1 << 88) + 0x13B;
    bytes.fold(OFFSET_BASIS, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoding::QlikSenseDeserializer;

    fn id(datagram: &str) -> Option<String> {
        let mut ids = Vec::new();
        QlikSenseDeserializer::default().decode(datagram.as_bytes(), |event| {
            ids.push(event_id(&event).map(|id| id.to_string()));
        });
        ids.remove(0)
    }

    #[test]
    fn hashes_are_those_of_the_standard() {
        let rows: [(&str, u128); 3] = [
            ("", 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D),
            ("a", 0xD228_CB69_6F1A_8CAF_7891_2B70_4E4A_8964),
            ("foobar", 0x343E_1662_793C_64BF_6F0D_3597_BA44_6F18),
        ];
        for (text, expected) in rows {
            assert_eq!(fnv_1a(text.as_bytes().iter()), expected, "{text}");
        }
    }

    #[test]
    fn an_id_never_changes_and_identifies_one_row() {
        let row = |token: &str, row: &str, time: &str, host: &str| {
            id(&format!(
                "/qseow-{token}/;{row};{time};l;WARN;{host};g;a;m;e;d;u;c;r;o;x"
            ))
        };
        let [first, zulu] = ["20260131T095959.987+0100", "20260131T085959.987Z"]
            .map(|time| row("proxy", "17", time, "n1"));
        assert_eq!(
            first.as_deref(),
            Some("580a1f29-b5e1-8bfe-ad71-3fff6efd647c")
        );
        assert_eq!(first, zulu, "one instant");
        let time = "20260131T095959.987+0100";
        let others = [
            row("repository", "17", time, "n1"),
            row("proxy", "18", time, "n1"),
            row("proxy", "17", "20260131T095959.988+0100", "n1"),
            row("proxy", "17", time, "n2"),
        ];
        for other in others {
            assert!(other.is_some() && other != first);
        }
        for [number, time, host] in [["", time, "n1"], ["17", "", "n1"], ["17", time, ""]] {
            assert_eq!(row("proxy", number, time, host), None);
        }
    }

    #[test]
    fn a_task_row_that_two_appenders_send_has_one_id() {
        let row = |token: &str, host: &str, time: &str, run: &str| {
            id(&format!(
                "/scheduler-{token}/;{host};t;a;LAB\\eva;;;{time};INFO;{run};m"
            ))
        };
        let (time, run) = (
            "2026-01-31 06:00:12,345",
            "b5c0e9d7-1f28-4c96-a3b4-6d7e8f901a2b",
        );
        let first = row("task-failed", "n1", time, run);
        assert_eq!(
            first.as_deref(),
            Some("94eaa47c-e7dc-8efd-a89e-8069f38ce1c3")
        );
        assert_eq!(row("reload-failed", "n1", time, run), first);
        let others = [
            row("task-aborted", "n1", time, run),
            row("task-failed", "n2", time, run),
            row("task-failed", "n1", "2026-01-31 06:00:12,346", run),
            row("task-failed", "n1", time, "x"),
        ];
        for other in others {
            assert!(other.is_some() && other != first);
        }
        for [host, time, run] in [["", time, run], ["n1", "", run], ["n1", time, "(null)"]] {
            assert_eq!(row("task-failed", host, time, run), None);
        }
    }
}
