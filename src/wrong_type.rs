//! What serde says of a value of the wrong type, in plain words and without the value, which may be a secret.

/// `` invalid type: integer `5`, expected a string `` becomes `expected text, found a number`. `None` if serde says
/// something else.
pub(crate) fn in_plain_words(message: &str) -> Option<String> {
    let said = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    // The value comes first and may contain anything.
    let (found, expected) = said.rsplit_once(", expected ")?;
    let expected = match expected {
        "a string" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        expected => expected,
    };
    let found = match found.split([' ', '`']).next().unwrap_or_default() {
        "boolean" => "true or false",
        "integer" | "floating" => "a number",
        "string" | "character" => "text",
        "sequence" => "a list",
        "map" => "an object",
        "null" | "unit" => "no value",
        _ => return Some(format!("expected {expected}")),
    };
    Some(format!("expected {expected}, found {found}"))
}

#[cfg(test)]
mod tests {
    use serde::de::{Error as _, Unexpected};

    use super::*;

    #[test]
    fn values_of_the_wrong_type_are_told_without_the_value() {
        for (found, expected, said) in [
            (
                Unexpected::Signed(-5),
                "a string",
                "expected text, found a number",
            ),
            (
                Unexpected::Float(0.5),
                "a port",
                "expected a port, found a number",
            ),
            (
                Unexpected::Str("x, expected y"),
                "a map",
                "expected an object, found text",
            ),
            (
                Unexpected::Bool(true),
                "a sequence",
                "expected a list, found true or false",
            ),
            (Unexpected::Unit, "text", "expected text, found no value"),
            (
                Unexpected::Map,
                "a boolean",
                "expected true or false, found an object",
            ),
            (Unexpected::Seq, "text", "expected text, found a list"),
            (Unexpected::Enum, "text", "expected text"),
        ] {
            let error = serde::de::value::Error::invalid_type(found, &expected);
            assert_eq!(in_plain_words(&error.to_string()).as_deref(), Some(said));
            let error = serde::de::value::Error::invalid_value(found, &expected);
            assert_eq!(in_plain_words(&error.to_string()).as_deref(), Some(said));
        }
        // JSON has no unit.
        let error = serde_json::from_str::<String>("null").expect_err("no text");
        let error = error.to_string();
        let (error, _) = error.split_once(" at ").expect("a place");
        assert_eq!(
            in_plain_words(error).as_deref(),
            Some("expected text, found no value")
        );
        assert_eq!(in_plain_words("missing field `name`"), None);
    }
}
