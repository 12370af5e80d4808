//! The judgement of every testcase, one file per standard, and the registry that lists them.
//!
//! A testcase names the facts it needs and judges them twice: the *official* reading gives exactly the
//! verdict of the reference suite, because certificates hang on it; the *text* reading gives what the
//! standard's text demands. Nothing here does I/O or knows a clock: the inventory and "now" come in.

mod catalog;
mod evidence;
mod finding;
mod image_date;
mod judgement;
mod preflight;
mod registry;
mod rule;
mod testcase;
#[cfg(test)]
mod testing;

mod scs_0100_flavor_naming;
mod scs_0101_entropy;
mod scs_0102_image_metadata;
mod scs_0103_standard_flavors;
mod scs_0104_standard_images;
mod scs_0110_ssd_flavors;
mod scs_0114_volume_types;
mod scs_0115_default_security_groups;
mod scs_0116_key_manager;
mod scs_0117_volume_backup;
mod scs_0121_availability_zones;
mod scs_0123_services;
mod scs_0125_secure_connections;
mod scs_0126_provider_networks;
mod scs_0128_end_to_end;
mod scs_0302_domain_manager;
mod steps;

pub use evidence::Evidence;
pub use finding::{Finding, Reading, Readings, Resource, Weight};
pub use judgement::{Judgement, Judging};
pub use preflight::{Preflight, preflight};
pub use registry::{Registry, Verdicts, judge};
pub use testcase::{Demand, Testcase};
