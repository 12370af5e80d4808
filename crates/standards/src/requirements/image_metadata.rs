//! scs-0102: image metadata.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::table::{DocumentVersion, embedded};

/// How binding a demand is (RFC 2119).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Demanded {
    /// MUST.
    Must,
    /// SHOULD or RECOMMENDED.
    Should,
    /// MAY or OPTIONAL.
    May,
}

/// Which values are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepts {
    /// One of these; empty where any value will do.
    #[serde(default)]
    pub one_of: Vec<String>,
    /// Any value but an empty one.
    #[serde(default)]
    pub filled: bool,
    /// The property may be left out.
    #[serde(default)]
    pub missing: bool,
}

/// A property of an image.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// Its name in the standard, which is part of the testcase id.
    pub name: String,
    /// Its name in the image API, where that differs.
    #[serde(default)]
    field: Option<String>,
    /// The place in the document.
    pub clause: String,
    /// How binding it is, by version of the document.
    pub demand: BTreeMap<String, Demanded>,
    /// What the text accepts; none where the testcase has rules of its own.
    #[serde(default)]
    pub text: Option<Accepts>,
    /// What the reference suite accepts; none where the testcase has rules of its own.
    #[serde(default)]
    pub official: Option<Accepts>,
}

impl Property {
    /// Its name in the image API.
    pub fn field(&self) -> &str {
        self.field.as_deref().unwrap_or(&self.name)
    }
}

/// A promise of regular replacement.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplaceFrequency {
    /// Value of `replace_frequency`.
    pub name: String,
    /// Days between replacements by the text.
    pub text_days: i64,
    /// Hours between replacements as the reference suite counts them.
    pub official_hours: i64,
}

/// The table of scs-0102.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageMetadata {
    /// The document, without its version.
    pub standard: String,
    /// The versions of the document.
    pub versions: Vec<DocumentVersion>,
    /// All properties, in the order of the document.
    pub properties: Vec<Property>,
    /// Promises of regular replacement.
    pub replace_frequencies: Vec<ReplaceFrequency>,
    /// Days by which a replacement may be late, by the text.
    pub text_grace_days: i64,
    /// Distributions whose versions are numbers.
    pub numeric_versions: Vec<String>,
    /// Distributions that Glance lists.
    pub known_distros: Vec<String>,
}

impl ImageMetadata {
    /// The table that is part of the program.
    pub fn get() -> &'static ImageMetadata {
        static TABLE: LazyLock<ImageMetadata> = LazyLock::new(|| {
            embedded("scs-0102.yaml", include_str!("../../data/requirements/scs-0102.yaml"))
        });
        &TABLE
    }

    /// A property by its name in the standard.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_property_of_both_versions() {
        let table = ImageMetadata::get();
        assert_eq!(table.properties.len(), 18);
        let musts = |version: &str| {
            table.properties.iter().filter(|property| property.demand[version] == Demanded::Must).count()
        };
        assert_eq!((musts("v1"), musts("v2")), (13, 14), "v2 makes os_purpose mandatory");
    }
}
