//! scs-0114: volume types.

use std::sync::LazyLock;

use serde::Deserialize;

use super::status::Status;
use super::table::{DocumentVersion, embedded};

/// An aspect that a volume type may advertise.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aspect {
    /// The word in the description.
    pub name: String,
    /// How binding it is that some volume type has it.
    pub status: Status,
    /// What it promises.
    pub meaning: String,
}

/// The table of scs-0114.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeTypes {
    /// The document, without its version.
    pub standard: String,
    /// The versions of the document.
    pub versions: Vec<DocumentVersion>,
    /// The aspects that the standard defines.
    pub aspects: Vec<Aspect>,
}

impl VolumeTypes {
    /// The table that is part of the program.
    pub fn get() -> &'static VolumeTypes {
        static TABLE: LazyLock<VolumeTypes> = LazyLock::new(|| {
            embedded("scs-0114.yaml", include_str!("../../data/requirements/scs-0114.yaml"))
        });
        &TABLE
    }

    /// The aspects in the list at the beginning of a description, as they stand there; none if there is no list, or an
    /// empty one.
    pub fn advertised(description: &str) -> Vec<&str> {
        let list = description.strip_prefix("[scs:").and_then(|rest| {
            let end = rest.find(['[', ']'])?;
            rest[end..].starts_with(']').then_some(&rest[..end])
        });
        match list {
            None | Some("") => Vec::new(),
            Some(list) => list.split(',').map(str::trim).collect(),
        }
    }

    /// Whether the standard defines an aspect.
    pub fn knows(&self, aspect: &str) -> bool {
        self.aspects.iter().any(|known| known.name == aspect)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::scope_ids::ids_in_scope;
    use super::*;

    #[test]
    fn every_aspect_has_a_testcase_in_the_scope() {
        let table = VolumeTypes::get();
        let mut ids: BTreeSet<String> =
            table.aspects.iter().map(|aspect| format!("scs-0114-{}-type", aspect.name)).collect();
        ids.insert("scs-0114-syntax-check".into());
        assert_eq!(ids, ids_in_scope("scs-0114-"));
        assert!(table.knows("replicated") && !table.knows("Replicated"));
    }
}
