//! The attribute map: what names say, as the flavor properties and extra specs of scs-0103-v1.

use std::collections::BTreeSet;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::parts::{CpuType, DiskType, FlavorName, Ram};
use super::render::v2_to_v1;

/// How many disks the map tells the type of. No flavor has more; names may claim what they like.
pub const MAX_DISKS: u64 = 128;

/// Whether an extra spec is `scs:name-vN`, where N is a positive number (scs-0103-v1, extra specs).
pub fn is_name_key(key: &str) -> bool {
    key.strip_prefix("scs:name-v").is_some_and(|number| {
        number.bytes().all(|byte| byte.is_ascii_digit()) && !number.trim_start_matches('0').is_empty()
    })
}

/// What one or more names of a flavor say together.
///
/// It serialises as the map of the reference: `cpus`, `ram` (GiB), `scs:cpu-type`, with a disk `disk` (GB or null)
/// and `scs:disk0-type` and so on, then `scs:name-v1` and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// The greatest number of vCPUs.
    pub cpus: u64,
    /// The largest RAM.
    pub ram: Ram,
    /// The best CPU type.
    pub cpu_type: CpuType,
    /// The largest disk, if any name has one.
    pub disk: Option<DiskAttributes>,
    /// The full and short names in v1 and v2 syntax: longer ones first, of equal length v1 first, then by alphabet.
    pub names: Vec<String>,
    /// Where the names contradict each other, in the order of the map.
    pub inconsistencies: Vec<Inconsistency>,
}

/// What names say about the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskAttributes {
    /// The largest size in GB; none if no name tells.
    pub size: Option<u64>,
    /// The best type of each disk, up to [`MAX_DISKS`]; one that is not told counts as network.
    pub types: Vec<DiskType>,
}

/// A property that names tell differently. The greatest value is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inconsistency {
    /// Key of the attribute map, or `number of disks`.
    pub key: &'static str,
    /// The values in ascending order.
    pub values: Vec<String>,
}

impl Attributes {
    /// The extra specs (`scs:…`) with their values, in the order of the map.
    pub fn extra_specs(&self) -> Vec<(String, String)> {
        let cpu_type = ("scs:cpu-type".to_owned(), self.cpu_type.extra_spec().to_owned());
        let disks = self.disk_types().map(|(key, disk_type)| (key, disk_type.extra_spec().to_owned()));
        let names = self.numbered_names().map(|(key, name)| (key, name.to_owned()));
        std::iter::once(cpu_type).chain(disks).chain(names).collect()
    }

    fn disk_types(&self) -> impl Iterator<Item = (String, DiskType)> {
        let types = self.disk.iter().flat_map(|disk| &disk.types);
        types.enumerate().map(|(index, &disk_type)| (format!("scs:disk{index}-type"), disk_type))
    }

    fn numbered_names(&self) -> impl Iterator<Item = (String, &str)> {
        self.names.iter().zip(1..).map(|(name, number)| (format!("scs:name-v{number}"), name.as_str()))
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("cpus", &self.cpus)?;
        map.serialize_entry("ram", &self.ram.gib())?;
        map.serialize_entry("scs:cpu-type", self.cpu_type.extra_spec())?;
        if let Some(disk) = &self.disk {
            map.serialize_entry("disk", &disk.size)?;
        }
        for (key, disk_type) in self.disk_types() {
            map.serialize_entry(&key, disk_type.extra_spec())?;
        }
        for (key, name) in self.numbered_names() {
            map.serialize_entry(&key, name)?;
        }
        map.end()
    }
}

/// The attribute map of one flavor that goes by these names; none without names.
///
/// Where names differ the greatest (best) value counts. A value that a name leaves open contradicts no other.
pub fn attributes(names: &[FlavorName]) -> Option<Attributes> {
    let cpus = names.iter().map(|name| name.cpus).max()?;
    let ram = names.iter().map(|name| name.ram).max()?;
    let cpu_type = names.iter().map(|name| name.cpu_type).max()?;
    Some(Attributes {
        cpus,
        ram,
        cpu_type,
        disk: disk_attributes(names),
        names: all_names(names),
        inconsistencies: inconsistencies(names),
    })
}

fn disk_attributes(names: &[FlavorName]) -> Option<DiskAttributes> {
    let disks = || names.iter().filter_map(|name| name.disk);
    let count = disks().map(|disk| disk.count).max()?;
    let best = |index: u64| {
        let having = disks().filter(|disk| disk.count > index);
        having.map(|disk| disk.disk_type.unwrap_or(DiskType::Network)).max()
    };
    Some(DiskAttributes {
        size: disks().filter_map(|disk| disk.size).max(),
        types: (0..count.min(MAX_DISKS)).filter_map(best).collect(),
    })
}

fn all_names(names: &[FlavorName]) -> Vec<String> {
    let v2 = names.iter().flat_map(|name| [name.to_string(), name.short()]);
    let mut all: Vec<String> =
        v2.flat_map(|name| [v2_to_v1(&name), name]).collect::<BTreeSet<_>>().into_iter().collect();
    let is_v2 = |name: &str| !name.contains(':');
    all.sort_by_key(|name| (std::cmp::Reverse(name.len()), is_v2(name)));
    all
}

fn inconsistencies(names: &[FlavorName]) -> Vec<Inconsistency> {
    let disks = || names.iter().filter_map(|name| name.disk);
    let found = [
        differing("cpus", names.iter().map(|name| name.cpus), ToString::to_string),
        differing("ram", names.iter().map(|name| name.ram), ToString::to_string),
        differing("scs:cpu-type", names.iter().map(|name| name.cpu_type), |found| {
            found.extra_spec().to_owned()
        }),
        differing("disk", disks().filter_map(|disk| disk.size), ToString::to_string),
        differing("number of disks", disks().map(|disk| disk.count), ToString::to_string),
        differing("scs:disk0-type", disks().filter_map(|disk| disk.disk_type), |found| {
            found.extra_spec().to_owned()
        }),
    ];
    found.into_iter().flatten().collect()
}

fn differing<T: Ord>(
    key: &'static str,
    values: impl Iterator<Item = T>,
    show: impl Fn(&T) -> String,
) -> Option<Inconsistency> {
    let values: BTreeSet<T> = values.collect();
    (values.len() > 1).then(|| Inconsistency { key, values: values.iter().map(show).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(names: &[&str]) -> Attributes {
        let names: Vec<_> = names.iter().map(|name| FlavorName::parse(name).unwrap().unwrap()).collect();
        attributes(&names).unwrap()
    }

    fn json(names: &[&str]) -> String {
        serde_json::to_string(&map(names)).unwrap()
    }

    #[test]
    fn map_of_one_name() {
        insta::assert_snapshot!(json(&["SCS-2V-4"]), @r#"{"cpus":2,"ram":4.0,"scs:cpu-type":"shared-core","scs:name-v1":"SCS-2V:4","scs:name-v2":"SCS-2V-4"}"#);
        insta::assert_snapshot!(json(&["SCS-2V-4-20s"]), @r#"{"cpus":2,"ram":4.0,"scs:cpu-type":"shared-core","disk":20,"scs:disk0-type":"ssd","scs:name-v1":"SCS-2V:4:20s","scs:name-v2":"SCS-2V-4-20s"}"#);
        insta::assert_snapshot!(json(&["SCS-1L-1-5"]), @r#"{"cpus":1,"ram":1.0,"scs:cpu-type":"crowded-core","disk":5,"scs:disk0-type":"network","scs:name-v1":"SCS-1L:1:5","scs:name-v2":"SCS-1L-1-5"}"#);
        insta::assert_snapshot!(json(&["SCS-4C-16-2x200p_a1"]), @r#"{"cpus":4,"ram":16.0,"scs:cpu-type":"dedicated-core","disk":200,"scs:disk0-type":"nvme","scs:disk1-type":"nvme","scs:name-v1":"SCS-4C:16:2x200p-a1","scs:name-v2":"SCS-4C-16-2x200p_a1","scs:name-v3":"SCS-4C:16:2x200p-a","scs:name-v4":"SCS-4C-16-2x200p_a"}"#);
        insta::assert_snapshot!(json(&["SCS-2V-4-20_z2"]), @r#"{"cpus":2,"ram":4.0,"scs:cpu-type":"shared-core","disk":20,"scs:disk0-type":"network","scs:name-v1":"SCS-2V:4:20-z2","scs:name-v2":"SCS-2V-4-20_z2","scs:name-v3":"SCS-2V:4:20","scs:name-v4":"SCS-2V-4-20"}"#);
        insta::assert_snapshot!(json(&["SCS-2C-4-n"]), @r#"{"cpus":2,"ram":4.0,"scs:cpu-type":"dedicated-core","disk":null,"scs:disk0-type":"network","scs:name-v1":"SCS-2C:4:n","scs:name-v2":"SCS-2C-4-n"}"#);
    }

    #[test]
    fn several_names_give_the_best_of_each_and_say_where_they_differ() {
        let map = map(&["SCS-2V-4-20s", "SCS-1C-8-3x10", "SCS-2V-4"]);
        assert_eq!((map.cpus, map.ram.gib(), map.cpu_type), (2, 8.0, CpuType::DedicatedCore));
        let disk = map.disk.as_ref().unwrap();
        assert_eq!(disk.size, Some(20));
        assert_eq!(disk.types, [DiskType::Ssd, DiskType::Network, DiskType::Network]);
        let keys: Vec<_> =
            map.inconsistencies.iter().map(|found| (found.key, found.values.join("<"))).collect();
        let expected = [
            ("cpus", "1<2"),
            ("ram", "4<8"),
            ("scs:cpu-type", "shared-core<dedicated-core"),
            ("disk", "10<20"),
            ("number of disks", "1<3"),
        ];
        assert_eq!(keys, expected.map(|(key, values)| (key, values.to_owned())));
    }

    #[test]
    fn order_of_the_names_does_not_matter() {
        assert_eq!(
            map(&["SCS-2V-4-20_z2", "SCS-2V-4-20_i2", "SCS-2V-4"]),
            map(&["SCS-2V-4", "SCS-2V-4-20_i2", "SCS-2V-4-20_z2"])
        );
        assert_eq!(
            map(&["SCS-2V-4_z2", "SCS-2V-4_i2"]).names[..4],
            ["SCS-2V:4-i2", "SCS-2V:4-z2", "SCS-2V-4_i2", "SCS-2V-4_z2"]
        );
    }

    #[test]
    fn extra_specs_are_the_scs_keys() {
        let specs = map(&["SCS-2V-4-20s"]).extra_specs();
        let keys: Vec<_> = specs.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["scs:cpu-type", "scs:disk0-type", "scs:name-v1", "scs:name-v2"]);
    }

    #[test]
    fn absurd_disk_counts_stay_small() {
        assert_eq!(map(&["SCS-2C-4-18446744073709551615x1"]).disk.unwrap().types.len(), 128);
        assert!(attributes(&[]).is_none());
    }
}
