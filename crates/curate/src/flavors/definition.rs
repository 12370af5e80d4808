use std::collections::{BTreeMap, BTreeSet};

use assay_standards::flavor_name::{
    Attributes, Disk, FlavorName, ParseError, attributes, is_name_key, is_scs,
};
use assay_standards::requirements::{StandardFlavor, StandardFlavors};
use thiserror::Error;

/// MiB in half a GiB.
const HALF_GIB: u64 = 512;

/// How binding a definition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The flavor must be there.
    Mandatory,
    /// It should be.
    Recommended,
}

/// A flavor as its operator wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Number of virtual CPUs.
    pub vcpus: u64,
    /// RAM in MiB.
    pub ram_mib: u64,
    /// Size of the root disk in GB; 0 for none.
    pub disk_gb: u64,
    /// Size of a second disk that lives as long as the server, in GB.
    pub ephemeral_gb: u64,
    /// Swap in MiB.
    pub swap_mib: u64,
    /// Whether all projects may use it.
    pub public: bool,
    /// Its id; none if the cloud may choose.
    pub id: Option<String>,
    /// Its description; none if it does not matter.
    pub description: Option<String>,
    /// The projects that may use it, by name or id, if it is not public; none if it does not matter.
    pub access: Option<BTreeSet<String>>,
    /// The extra specs that it must have. Others may be there as well.
    pub extra_specs: BTreeMap<String, String>,
    /// How binding it is.
    pub level: Level,
    /// Where it was defined, for messages.
    pub origin: String,
    /// The clause of the standard that asks for it, if one does.
    pub clause: Option<String>,
}

/// Why nothing can be derived from a name.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// It is no SCS flavor name.
    #[error("{0:?} is no SCS flavor name, so its figures must be given")]
    NoScsName(String),
    /// It tries to be one.
    #[error(transparent)]
    Malformed(#[from] ParseError),
    /// It leaves the size of the disk to the cloud.
    #[error("{0:?} leaves the size of the disk open, so it must be given")]
    OpenDisk(String),
    /// It has several disks, which nova cannot give to a flavor.
    #[error("{0:?} has several root disks, which no flavor of nova can have")]
    SeveralDisks(String),
}

/// What a name says of a flavor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) vcpus: u64,
    pub(super) ram_mib: u64,
    pub(super) disk_gb: u64,
    pub(super) extra_specs: BTreeMap<String, String>,
}

impl Figures {
    /// All that follows from a name (scs-0100, scs-0103-v1).
    pub(super) fn of_name(name: &str) -> Result<Self, NameError> {
        let parsed = parse(name)?.ok_or_else(|| NameError::NoScsName(name.to_owned()))?;
        let disk_gb = match parsed.disk {
            None => 0,
            Some(Disk { size: None, .. }) => return Err(NameError::OpenDisk(name.to_owned())),
            Some(Disk { count, .. }) if count > 1 => return Err(NameError::SeveralDisks(name.to_owned())),
            Some(Disk { size: Some(size), .. }) => size,
        };
        let extra_specs = attributes(&[parsed]).iter().flat_map(Attributes::extra_specs).collect();
        Ok(Figures { vcpus: parsed.cpus, ram_mib: mib(&parsed), disk_gb, extra_specs })
    }
}

fn mib(name: &FlavorName) -> u64 {
    name.ram.half_gib().saturating_mul(HALF_GIB)
}

/// A name in the syntax of any version; none if it is no SCS name.
fn parse(name: &str) -> Result<Option<FlavorName>, ParseError> {
    Ok(FlavorName::parse_tolerant(name)?.map(|(parsed, _)| parsed))
}

impl Definition {
    /// A flavor of which nothing but the name is given.
    ///
    /// # Errors
    /// The name does not say all.
    pub fn of_name(name: &str, level: Level, origin: &str) -> Result<Self, NameError> {
        let figures = Figures::of_name(name)?;
        Ok(Definition {
            disk_gb: figures.disk_gb,
            extra_specs: figures.extra_specs,
            ..Definition::bare(name, figures.vcpus, figures.ram_mib, level, origin)
        })
    }

    /// A public flavor with CPUs and RAM, and nothing else.
    pub(super) fn bare(name: &str, vcpus: u64, ram_mib: u64, level: Level, origin: &str) -> Self {
        Definition {
            name: name.to_owned(),
            vcpus,
            ram_mib,
            disk_gb: 0,
            ephemeral_gb: 0,
            swap_mib: 0,
            public: true,
            id: None,
            description: None,
            access: None,
            extra_specs: BTreeMap::new(),
            level,
            origin: origin.to_owned(),
            clause: None,
        }
    }

    /// The names that the flavor bears: its own, and those of its extra specs `scs:name-vN`, if they are SCS names.
    pub(super) fn scs_names(&self) -> impl Iterator<Item = &str> {
        let own = is_scs(&self.name).then_some(self.name.as_str());
        own.into_iter().chain(name_specs(&self.extra_specs))
    }

    /// The testcases that look for this flavor (scs-0103-v1).
    pub fn testcases(&self) -> BTreeSet<String> {
        let standard = self.scs_names().filter_map(|name| StandardFlavors::get().find(name));
        standard.map(StandardFlavor::testcase).collect()
    }

    /// Where the names, the figures and the extra specs contradict each other.
    pub(super) fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut names = Vec::new();
        for name in self.scs_names() {
            match parse(name) {
                Ok(Some(parsed)) => names.push((name, parsed)),
                Ok(None) => found.push(format!("{name} is given as an SCS name, but is none")),
                Err(error) => found.push(error.to_string()),
            }
        }
        for (name, parsed) in &names {
            let mut differs = |what: &str, said: String, given: String| {
                if said != given {
                    found.push(format!("{name} says {what} {said}, but {given} is given"));
                }
            };
            differs("vCPUs", parsed.cpus.to_string(), self.vcpus.to_string());
            differs("RAM in MiB", mib(parsed).to_string(), self.ram_mib.to_string());
            match parsed.disk {
                None => differs("disk", "0".to_owned(), self.disk_gb.to_string()),
                Some(Disk { size: Some(size), .. }) => {
                    differs("disk", size.to_string(), self.disk_gb.to_string());
                }
                Some(Disk { size: None, .. }) => {}
            }
            let spec = |key: &str| self.extra_specs.get(key).cloned();
            if let Some(given) = spec("scs:cpu-type") {
                differs("scs:cpu-type", parsed.cpu_type.extra_spec().to_owned(), given);
            }
            let disk_type = parsed.disk.and_then(|disk| disk.disk_type);
            if let (Some(said), Some(given)) = (disk_type, spec("scs:disk0-type")) {
                differs("scs:disk0-type", said.extra_spec().to_owned(), given);
            }
        }
        found.dedup();
        found
    }
}

/// The values of extra specs `scs:name-vN`.
pub(super) fn name_specs(specs: &BTreeMap<String, String>) -> impl Iterator<Item = &str> {
    let named = specs.iter().filter(|(key, _)| is_name_key(key));
    named.map(|(_, name)| name.as_str())
}

/// The canonical form of an SCS name; none if it is none.
pub(super) fn canonical(name: &str) -> Option<String> {
    parse(name).ok().flatten().map(|parsed| parsed.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_name_says_all_that_the_standard_asks_for() {
        for flavor in &assay_standards::requirements::StandardFlavors::get().flavors {
            let figures = Figures::of_name(&flavor.name).unwrap();
            let found = (
                i64::try_from(figures.vcpus),
                i64::try_from(figures.ram_mib),
                i64::try_from(figures.disk_gb),
            );
            assert_eq!(
                found,
                (Ok(flavor.vcpus), Ok(flavor.ram_mib()), Ok(flavor.disk_gb)),
                "{}",
                flavor.name
            );
            let spec = |key: &str| figures.extra_specs.get(key).cloned();
            assert_eq!(spec("scs:cpu-type").as_ref(), Some(&flavor.cpu_type));
            assert_eq!(spec("scs:name-v1"), Some(flavor.name_v1()));
            assert_eq!(spec("scs:name-v2").as_ref(), Some(&flavor.name));
            assert_eq!(spec("scs:disk0-type").is_some(), flavor.disk.is_some());
        }
    }

    #[test]
    fn names_that_leave_something_open_are_refused() {
        assert!(matches!(Figures::of_name("m1.small"), Err(NameError::NoScsName(_))));
        assert!(matches!(Figures::of_name("SCS-2V-4-"), Err(NameError::OpenDisk(_))));
        assert!(matches!(Figures::of_name("SCS-2V-4-3x10"), Err(NameError::SeveralDisks(_))));
        assert!(matches!(Figures::of_name("SCS-2V"), Err(NameError::Malformed(_))));
    }

    #[test]
    fn contradictions_are_named() {
        let mut definition = Definition::of_name("SCS-2V-4-20s", Level::Mandatory, "here").unwrap();
        assert_eq!(definition.contradictions(), Vec::<String>::new());
        definition.ram_mib = 8192;
        definition.extra_specs.insert("scs:disk0-type".into(), "network".into());
        let found = definition.contradictions();
        assert!(
            found.contains(&"SCS-2V-4-20s says RAM in MiB 4096, but 8192 is given".to_owned()),
            "{found:?}"
        );
        assert!(
            found.contains(&"SCS-2V-4-20s says scs:disk0-type ssd, but network is given".to_owned()),
            "{found:?}"
        );
    }
}
