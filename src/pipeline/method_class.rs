//! The classes of the QIX interface, whose methods clients of the engine call.

/// The class of a method such as `GenericObject::GetLayout`. The list comes from Qlik's reference for the engine's JSON
/// API; anything else is [`MethodClass::Other`], so that invented methods do not create metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MethodClass {
    /// Apps as a whole: opening one, the progress of a reload.
    Global,
    /// An app.
    Doc,
    /// Charts, sheets, lists and other objects of an app.
    GenericObject,
    /// Bookmarks.
    GenericBookmark,
    /// Dimensions in an app's library.
    GenericDimension,
    /// Measures in an app's library.
    GenericMeasure,
    /// Variables of an app.
    GenericVariable,
    /// Fields of an app, and selections in them.
    Field,
    /// Variables in the older interface.
    Variable,
    /// Any other class, or none.
    Other,
}

impl MethodClass {
    /// Every class.
    pub const ALL: &'static [Self] = &[
        Self::Global,
        Self::Doc,
        Self::GenericObject,
        Self::GenericBookmark,
        Self::GenericDimension,
        Self::GenericMeasure,
        Self::GenericVariable,
        Self::Field,
        Self::Variable,
        Self::Other,
    ];

    /// The class of a method, case-sensitive.
    #[must_use]
    pub fn of(method: Option<&str>) -> Self {
        let class = method.and_then(|method| {
            // For so few letters, a searcher is several times slower.
            let end = method.bytes().position(|byte| byte == b':')?;
            let (class, name) = method.split_at(end);
            name.starts_with("::").then_some(class)
        });
        match class {
            Some("Global") => Self::Global,
            Some("Doc") => Self::Doc,
            Some("GenericObject") => Self::GenericObject,
            Some("GenericBookmark") => Self::GenericBookmark,
            Some("GenericDimension") => Self::GenericDimension,
            Some("GenericMeasure") => Self::GenericMeasure,
            Some("GenericVariable") => Self::GenericVariable,
            Some("Field") => Self::Field,
            Some("Variable") => Self::Variable,
            _ => Self::Other,
        }
    }

    /// The value of the metrics' tag `method_class`: Qlik's name, or `other`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Global => "Global",
            Self::Doc => "Doc",
            Self::GenericObject => "GenericObject",
            Self::GenericBookmark => "GenericBookmark",
            Self::GenericDimension => "GenericDimension",
            Self::GenericMeasure => "GenericMeasure",
            Self::GenericVariable => "GenericVariable",
            Self::Field => "Field",
            Self::Variable => "Variable",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_the_part_before_the_colons() {
        for (place, class) in MethodClass::ALL.iter().copied().enumerate() {
            assert_eq!(class as usize, place);
            let method = format!("{}::GetLayout", class.as_str());
            assert_eq!(MethodClass::of(Some(&method)), class);
        }
        for method in ["", "GetLayout", "doc::GetLayout", "::", "Doc:GetLayout"] {
            assert_eq!(MethodClass::of(Some(method)), MethodClass::Other);
        }
        assert_eq!(MethodClass::of(None), MethodClass::Other);
    }
}
