//! scs-0123: mandatory and supported services.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::table::{DocumentVersion, embedded};

/// The services that a version of the document lists, by type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceLists {
    /// Services that must be offered.
    pub mandatory: Vec<String>,
    /// Services that may be offered.
    pub supported: Vec<String>,
}

/// A testcase that looks for a type in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceTestcase {
    /// Its id.
    pub id: String,
    /// The types that the reference suite takes; one is enough.
    pub accepts: Vec<String>,
    /// The type that the text demands, if it demands one.
    #[serde(default)]
    pub text: Option<String>,
}

/// How an object store shows that it speaks S3.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Signs {
    /// Types in the catalog, that of v1 and that of v2.
    pub types: Vec<String>,
    /// Errors that the reference suite expects for an access key that does not exist.
    pub errors: Vec<String>,
}

/// The table of scs-0123.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Services {
    /// The document, without its version.
    pub standard: String,
    /// The versions of the document.
    pub versions: Vec<DocumentVersion>,
    /// The lists by version of the document.
    pub services: BTreeMap<String, ServiceLists>,
    /// Types of v1 and what v2 calls them.
    pub renamed: BTreeMap<String, String>,
    /// Testcases that look for a type.
    pub testcases: Vec<ServiceTestcase>,
    /// Signs of S3.
    pub s3: S3Signs,
    /// Canonical types and their aliases.
    authority: BTreeMap<String, Vec<String>>,
}

impl Services {
    /// The table that is part of the program.
    pub fn get() -> &'static Services {
        static TABLE: LazyLock<Services> = LazyLock::new(|| {
            embedded("scs-0123.yaml", include_str!("../../data/requirements/scs-0123.yaml"))
        });
        &TABLE
    }

    /// The aliases of a canonical type, as the Service Types Authority defines them.
    pub fn aliases(&self, canonical: &str) -> &[String] {
        self.authority.get(canonical).map(Vec::as_slice).unwrap_or_default()
    }

    /// The canonical type of a type: itself, or the one that it is an alias of. None for a type that neither
    /// the Service Types Authority nor the standard's latest version knows.
    pub fn canonical<'a>(&'a self, service_type: &'a str) -> Option<&'a str> {
        if self.authority.contains_key(service_type) || self.lists(service_type) {
            return Some(service_type);
        }
        self.authority
            .iter()
            .find(|(_, aliases)| aliases.iter().any(|alias| alias == service_type))
            .map(|(canonical, _)| canonical.as_str())
    }

    fn lists(&self, service_type: &str) -> bool {
        self.services.last_key_value().is_some_and(|(_, lists)| {
            lists.mandatory.iter().chain(&lists.supported).any(|listed| listed == service_type)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::scope_ids::ids_in_scope;
    use super::*;

    #[test]
    fn both_versions_have_seven_mandatory_and_nine_supported_services() {
        for (version, lists) in &Services::get().services {
            assert_eq!((lists.mandatory.len(), lists.supported.len()), (7, 9), "{version}");
        }
    }

    #[test]
    fn the_versions_differ_by_what_is_renamed() {
        let table = Services::get();
        let types = |version: &str| -> BTreeSet<&str> {
            let lists = &table.services[version];
            lists.mandatory.iter().chain(&lists.supported).map(String::as_str).collect()
        };
        let renamed: BTreeSet<&str> = types("v1")
            .into_iter()
            .map(|name| table.renamed.get(name).map_or(name, String::as_str))
            .collect();
        assert_eq!(renamed, types("v2"));
    }

    #[test]
    fn testcases_are_those_of_the_scope() {
        let mut ids: BTreeSet<String> =
            Services::get().testcases.iter().map(|testcase| testcase.id.clone()).collect();
        ids.insert("scs-0123-swift-s3".into());
        assert_eq!(ids, ids_in_scope("scs-0123-"));
    }

    #[test]
    fn aliases_lead_to_their_canonical_type() {
        let table = Services::get();
        for (service_type, canonical) in [
            ("compute", Some("compute")),
            ("volumev3", Some("block-storage")),
            ("block-store", Some("block-storage")),
            ("ha", Some("instance-ha")),
            ("object-store-s3", Some("object-store-s3")),
            ("s3", None),
            ("billing", None),
            ("cloudformation", None),
        ] {
            assert_eq!(table.canonical(service_type), canonical, "{service_type}");
        }
    }
}
