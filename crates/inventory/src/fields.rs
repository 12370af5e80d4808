//! Names of fields that come with every flavor, image or network.
//!
//! A cloud has thousands of images with dozens of fields each, and every testcase looks at all of them. So
//! a record keeps the well-known names as numbers: no memory for the names, and a look-up that reads one
//! short row of numbers. Names that are not listed work just as well, only more slowly.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// Sorted, so that the order of the numbers is the order of the names.
const NAMES: &[&str] = &[
    "OS-FLV-DISABLED:disabled",
    "OS-FLV-EXT-DATA:ephemeral",
    "architecture",
    "checksum",
    "container_format",
    "created_at",
    "default",
    "description",
    "direction",
    "disk",
    "disk_format",
    "ethertype",
    "extra_specs",
    "hotfix_hours",
    "hw_disk_bus",
    "hw_firmware_type",
    "hw_machine_type",
    "hw_mem_encryption",
    "hw_pmu",
    "hw_qemu_guest_agent",
    "hw_rng_model",
    "hw_scsi_model",
    "hw_video_model",
    "hw_video_ram",
    "hw_vif_model",
    "hw_vif_multiqueue_enabled",
    "hw_watchdog_action",
    "hypervisor_type",
    "id",
    "image_build_date",
    "image_description",
    "image_original_user",
    "image_source",
    "internal_version",
    "is_default",
    "is_public",
    "l1_support_contact",
    "license_included",
    "license_required",
    "maintained_until",
    "managed_by_osism",
    "min_disk",
    "min_ram",
    "name",
    "os-flavor-access:is_public",
    "os_admin_user",
    "os_distro",
    "os_hash_algo",
    "os_hash_value",
    "os_hidden",
    "os_purpose",
    "os_require_quiesce",
    "os_secure_boot",
    "os_type",
    "os_version",
    "owner",
    "patchlevel",
    "port_range_max",
    "port_range_min",
    "prefixes",
    "project_id",
    "protected",
    "protocol",
    "provided_until",
    "ram",
    "remote_address_group_id",
    "remote_group_id",
    "remote_ip_prefix",
    "replace_frequency",
    "revision_number",
    "router:external",
    "rxtx_factor",
    "shared",
    "size",
    "status",
    "stores",
    "subnets",
    "subscription_included",
    "subscription_required",
    "swap",
    "tags",
    "tenant_id",
    "updated_at",
    "used_in_default_sg",
    "used_in_non_default_sg",
    "uuid_validity",
    "vcpus",
    "virtual_size",
    "visibility",
];

/// Hashes a name by its beginning and its end: names are short and our own, so that a quick hash is worth
/// more than one that withstands attacks.
#[derive(Default)]
struct ShortNames(u64);

/// Up to eight bytes as a number.
fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

impl Hasher for ShortNames {
    fn write(&mut self, bytes: &[u8]) {
        const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
        let width = bytes.len().min(8);
        let (head, tail) = (word(&bytes[..width]), word(&bytes[bytes.len() - width..]));
        self.0 = ((self.0 ^ head).wrapping_mul(MIX).rotate_left(29) ^ tail).wrapping_mul(MIX);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

static NUMBERS: LazyLock<HashMap<&'static str, u8, BuildHasherDefault<ShortNames>>> =
    LazyLock::new(|| (0..).zip(NAMES).map(|(number, name)| (*name, number)).collect());

/// The number of a well-known name.
pub(crate) fn number(name: &str) -> Option<u8> {
    NUMBERS.get(name).copied()
}

/// The name of a number that [`number`] gave.
pub(crate) fn name(number: u8) -> &'static str {
    NAMES.get(usize::from(number)).copied().unwrap_or_default()
}

/// A set of field names, made once and asked often.
#[derive(Debug, Clone)]
pub struct FieldSet {
    known: [bool; 256],
    others: Vec<&'static str>,
}

impl FieldSet {
    /// A set of these names.
    pub fn new(names: &[&'static str]) -> Self {
        let mut set = FieldSet { known: [false; 256], others: Vec::new() };
        for name in names {
            match number(name) {
                Some(number) => set.known[usize::from(number)] = true,
                None => set.others.push(name),
            }
        }
        set
    }

    pub(crate) fn has_number(&self, number: u8) -> bool {
        self.known[usize::from(number)]
    }

    pub(crate) fn has_other(&self, name: &str) -> bool {
        self.others.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_fit_into_a_byte() {
        assert!(NAMES.is_sorted() && NAMES.len() < 256);
        for known in NAMES {
            assert_eq!(name(number(known).unwrap()), *known);
        }
        assert_eq!(number("no-such-field"), None);
    }
}
