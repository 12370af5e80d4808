//! Writing names: canonical, short, and in the v1 syntax.

use std::fmt;

use super::parse::PREFIX;
use super::parts::{CpuBrand, CpuVendor, Disk, FlavorName, Gpu, Ram};

/// The v2 spelling of a v1 name, character by character; whether it is valid is not looked at.
pub fn v1_to_v2(name: &str) -> String {
    translate(name, &[(b'-', '_'), (b':', '-')])
}

/// The v1 spelling of a v2 name, character by character; whether it is valid is not looked at.
pub fn v2_to_v1(name: &str) -> String {
    translate(name, &[(b'-', ':'), (b'_', '-')])
}

fn translate(name: &str, pairs: &[(u8, char)]) -> String {
    let (prefix, rest) = match name.strip_prefix(PREFIX) {
        Some(rest) => (PREFIX, rest),
        None => ("", name),
    };
    let mut translated = String::with_capacity(name.len());
    translated.push_str(prefix);
    translated.extend(rest.chars().map(|character| {
        let pair = pairs.iter().find(|(from, _)| char::from(*from) == character);
        pair.map_or(character, |&(_, to)| to)
    }));
    translated
}

impl FlavorName {
    /// The generic name of the same flavor (scs-0100, "Naming policy"): without hypervisor, hardware virtualisation
    /// and CPU model, in v2 syntax.
    ///
    /// It drops every `h` of a GPU, as the reference does. For a GPU without unit count that is unsound: the short
    /// form of `SCS-2C-4_GNah_ib` is one the official parser refuses, that of `_GNah-24` turns 24 GiB into 24 units.
    pub fn short(&self) -> String {
        let foreign = |brand: &CpuBrand| matches!(brand.vendor, CpuVendor::Arm | CpuVendor::RiscV);
        let short = Self {
            hypervisor: None,
            hwv: false,
            cpu_brand: self.cpu_brand.filter(foreign).map(|brand| CpuBrand {
                vendor: brand.vendor,
                generation: None,
                frequency: 0,
            }),
            gpu: self.gpu.map(|gpu| Gpu { frequency: 0, bandwidth: 0, ..gpu }),
            ..*self
        };
        short.to_string()
    }

    /// The canonical name in v1 syntax. Of Cloud Hypervisor (`chy`) v1 parsers know nothing.
    pub fn to_v1(&self) -> String {
        v2_to_v1(&self.to_string())
    }
}

impl fmt::Display for FlavorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let insecure = if self.insecure { "i" } else { "" };
        let no_ecc = if self.no_ecc { "u" } else { "" };
        let oversubscribed = if self.oversubscribed { "o" } else { "" };
        let cpu_type = self.cpu_type.code();
        write!(f, "{PREFIX}{}{cpu_type}{insecure}-{}{no_ecc}{oversubscribed}", self.cpus, self.ram)?;
        if let Some(disk) = &self.disk {
            write!(f, "{disk}")?;
        }
        if let Some(hypervisor) = self.hypervisor {
            write!(f, "_{}", hypervisor.code())?;
        }
        if self.hwv {
            f.write_str("_hwv")?;
        }
        if let Some(brand) = &self.cpu_brand {
            write!(f, "{brand}")?;
        }
        if let Some(gpu) = &self.gpu {
            write!(f, "{gpu}")?;
        }
        if self.infiniband {
            f.write_str("_ib")?;
        }
        Ok(())
    }
}

/// GiB as names show them: `4`, `0.5`.
impl fmt::Display for Ram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let half = if self.is_whole() { "" } else { ".5" };
        write!(f, "{}{half}", self.half_gib() / 2)
    }
}

/// The part of a name, delimiter included.
impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("-")?;
        if self.count != 1 {
            write!(f, "{}x", self.count)?;
        }
        if let Some(size) = self.size {
            write!(f, "{size}")?;
        }
        f.write_str(self.disk_type.map_or("", super::DiskType::code))
    }
}

/// The part of a name, delimiter included.
impl fmt::Display for CpuBrand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "_{}", self.vendor.code())?;
        if let Some(generation) = self.generation {
            write!(f, "{generation}")?;
        }
        write_h(f, self.frequency)
    }
}

/// The part of a name, delimiter included.
impl fmt::Display for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let generation = self.generation.map_or("", |generation| generation.code);
        write!(f, "_{}{}{generation}", self.kind.code(), self.brand.code())?;
        if let Some(units) = self.units {
            write!(f, "-{units}")?;
        }
        write_h(f, self.frequency)?;
        if let Some(vram) = self.vram {
            write!(f, "-{vram}")?;
        }
        write_h(f, self.bandwidth)
    }
}

fn write_h(f: &mut fmt::Formatter<'_>, count: u8) -> fmt::Result {
    (0..count).try_for_each(|_| f.write_str("h"))
}
