//! The codec `native_json`: Vector's own JSON for events, one per line: `{"log":{…}}`.

use super::json::Json;
use crate::schema::Layout;

/// A writer of lines for a layout.
pub(super) fn native_json(layout: &Layout) -> Json {
    Json::new(layout, ["{\"log\":", "}"])
}
