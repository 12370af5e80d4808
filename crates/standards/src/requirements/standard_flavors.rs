//! scs-0103: standard flavors.

use std::sync::LazyLock;

use serde::Deserialize;

use super::status::Status;
use super::table::{DocumentVersion, embedded};

/// The type of a root disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiskDemand {
    /// A solid state disk.
    Ssd,
    /// Any type.
    Any,
}

/// A standard flavor.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardFlavor {
    /// The recommended name, in the syntax of v2 and later.
    pub name: String,
    /// Number of virtual CPUs.
    pub vcpus: i64,
    /// Value of `scs:cpu-type`.
    pub cpu_type: String,
    /// RAM in GiB.
    ram_gib: i64,
    /// Size of the root disk in GB; 0 means none.
    #[serde(default)]
    pub disk_gb: i64,
    /// The type of the root disk; none where there is no disk.
    #[serde(default)]
    pub disk: Option<DiskDemand>,
    /// How binding it is to offer the flavor.
    pub status: Status,
    /// The version of the text that added it, if it is a later one than that of the others.
    #[serde(default)]
    pub since: Option<String>,
}

impl StandardFlavor {
    /// RAM in MiB, as nova counts it.
    pub fn ram_mib(&self) -> i64 {
        self.ram_gib * 1024
    }

    /// The testcase that looks for it.
    pub fn testcase(&self) -> String {
        format!("scs-0103-flavor-{}", self.name.trim_start_matches("SCS-").to_lowercase())
    }

    /// Its name in the syntax of v1: every dash but the first is a colon.
    pub fn name_v1(&self) -> String {
        match self.name.split_once('-') {
            Some((prefix, rest)) => format!("{prefix}-{}", rest.replace('-', ":")),
            None => self.name.clone(),
        }
    }
}

/// The table of scs-0103.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardFlavors {
    /// The document, without its version.
    pub standard: String,
    /// The versions of the document.
    pub versions: Vec<DocumentVersion>,
    /// All standard flavors, in the order of the document.
    pub flavors: Vec<StandardFlavor>,
    /// The `scs:disk0-type` that the reference suite wants where any type will do.
    pub official_any_disk_type: String,
}

impl StandardFlavors {
    /// The table that is part of the program.
    pub fn get() -> &'static StandardFlavors {
        static TABLE: LazyLock<StandardFlavors> = LazyLock::new(|| {
            embedded("scs-0103.yaml", include_str!("../../data/requirements/scs-0103.yaml"))
        });
        &TABLE
    }

    /// A flavor by its recommended name.
    pub fn find(&self, name: &str) -> Option<&StandardFlavor> {
        self.flavors.iter().find(|flavor| flavor.name == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::scope_ids::ids_in_scope;
    use super::*;

    #[test]
    fn fifteen_flavors_are_mandatory_and_sixteen_recommended() {
        let table = StandardFlavors::get();
        let count = |status| table.flavors.iter().filter(|flavor| flavor.status == status).count();
        assert_eq!((count(Status::Mandatory), count(Status::Recommended)), (15, 16));
        assert_eq!(table.flavors.iter().filter(|flavor| flavor.since.is_some()).count(), 3);
    }

    #[test]
    fn testcases_are_those_of_the_scope() {
        let testcases: BTreeSet<String> =
            StandardFlavors::get().flavors.iter().map(StandardFlavor::testcase).collect();
        assert_eq!(testcases, ids_in_scope("scs-0103-"));
    }

    #[test]
    fn figures_are_those_of_the_name() {
        for flavor in &StandardFlavors::get().flavors {
            let letter = if flavor.cpu_type == "crowded-core" { 'L' } else { 'V' };
            let disk = match flavor.disk {
                None => String::new(),
                Some(DiskDemand::Any) => format!("-{}", flavor.disk_gb),
                Some(DiskDemand::Ssd) => format!("-{}s", flavor.disk_gb),
            };
            let name = format!("SCS-{}{letter}-{}{disk}", flavor.vcpus, flavor.ram_gib);
            assert_eq!(flavor.name, name);
            assert_eq!(flavor.disk.is_some(), flavor.disk_gb > 0, "{name}");
        }
    }

    #[test]
    fn v1_names_have_colons() {
        let table = StandardFlavors::get();
        assert_eq!(table.find("SCS-2V-4-20s").unwrap().name_v1(), "SCS-2V:4:20s");
        assert_eq!(table.find("SCS-1V-4").unwrap().name_v1(), "SCS-1V:4");
    }
}
