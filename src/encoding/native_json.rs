//! The codec `native_json`: Vector's own JSON for events, one per line: `{"log":{…}}`.

use super::json::Json;
use crate::schema::Layout;

/// Lines of a layout's events.
pub(super) fn native_json(layout: &Layout) -> Json {
    Json::new(layout, ["{\"log\":", "}"])
}
