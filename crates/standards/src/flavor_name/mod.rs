//! SCS flavor names (scs-0100): what `SCS-16T-64-3x10s_bms_hwv_i3h_GNa-64_ib` says, and how to write it.
//!
//! [`FlavorName`] holds a name taken apart. [`FlavorName::parse_tolerant`] reads names as the official testcase does,
//! [`FlavorName::parse_text`] as the text of the standard asks; both are one parser under two [`Reading`]s.
//! A name outside the `SCS-` namespace is free and no error: the parsers answer `None` for it.

mod attributes;
mod compose;
mod error;
#[cfg(test)]
mod laws;
mod leftover;
mod parse;
mod parts;
mod prose;
mod render;
mod tables;
#[cfg(test)]
mod tests;

pub use attributes::{Attributes, DiskAttributes, Inconsistency, MAX_DISKS, attributes, is_name_key};
pub use compose::ComposeError;
pub use error::{Brand, Field, OfficialOutcome, ParseError, ParseErrorKind};
pub use parse::{PREFIX, is_scs};
pub use parts::{
    CpuBrand, CpuType, CpuVendor, Disk, DiskType, FlavorName, Gpu, GpuBrand, GpuKind, Hypervisor, Part, Ram,
    Reading, Syntax,
};
pub use render::{v1_to_v2, v2_to_v1};
pub use tables::GpuGeneration;
