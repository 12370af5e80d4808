//! Flavor names in words.

use super::parts::{
    CpuBrand, CpuType, CpuVendor, Disk, DiskType, FlavorName, Gpu, GpuBrand, GpuKind, Hypervisor,
};

impl CpuType {
    /// What one such CPU is called.
    pub const fn prose(self) -> &'static str {
        match self {
            Self::CrowdedCore => "crowded vCPU",
            Self::SharedCore => "vCPU",
            Self::DedicatedThread => "SMT Thread",
            Self::DedicatedCore => "dedicated Core",
        }
    }
}

impl DiskType {
    /// What such a disk is called.
    pub const fn prose(self) -> &'static str {
        match self {
            Self::Network => "Network",
            Self::Hdd => "HDD",
            Self::Ssd => "SSD",
            Self::Nvme => "NVMe",
        }
    }
}

impl Hypervisor {
    /// What it is called.
    pub const fn prose(self) -> &'static str {
        match self {
            Self::Kvm => "KVM",
            Self::CloudHypervisor => "Cloud Hypervisor",
            Self::Xen => "Xen",
            Self::Vmware => "VMware",
            Self::HyperV => "Hyper-V",
            Self::BareMetal => "Bare Metal System",
        }
    }
}

impl CpuVendor {
    /// What the vendor is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intel => "Intel",
            Self::Amd => "AMD",
            Self::Arm => "ARM",
            Self::RiscV => "RISC-V",
        }
    }
}

impl GpuBrand {
    /// What the brand is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nvidia => "Nvidia",
            Self::Amd => "AMD",
            Self::Intel => "Intel",
        }
    }
}

impl GpuKind {
    /// What such a GPU is called.
    pub const fn prose(self) -> &'static str {
        match self {
            Self::PassThrough => "Pass-Through GPU",
            Self::Virtual => "Virtual GPU",
        }
    }
}

impl FlavorName {
    /// The flavor in one sentence, e.g. `SCS flavor with 2 generic x86-64 vCPUs with 4.0 GiB RAM`.
    ///
    /// The pattern is that of the reference tool; other than there, a disk without size and a GPU without unit count
    /// are described, too.
    pub fn describe(&self) -> String {
        let model = self.cpu_brand.map_or_else(|| "generic x86-64 ".to_owned(), CpuBrand::describe);
        let plural = if self.cpus == 1 { "" } else { "s" };
        let insecure = if self.insecure { " (insecure)" } else { "" };
        let mut text = format!(
            "SCS flavor with {} {model}{}{plural}{insecure} with {:.1} GiB RAM",
            self.cpus,
            self.cpu_type.prose(),
            self.ram_gib()
        );
        text.push_str(match (self.no_ecc, self.oversubscribed) {
            (false, false) => "",
            (true, false) => " (no ECC)",
            (false, true) => " (oversubscribed)",
            (true, true) => " (no ECC, oversubscribed)",
        });
        if let Some(hypervisor) = self.hypervisor {
            text.push_str(" on ");
            text.push_str(hypervisor.prose());
        }
        if self.hwv {
            text.push_str(" with HW virt");
        }
        if let Some(disk) = &self.disk {
            text.push_str(&disk.describe());
        }
        if let Some(gpu) = &self.gpu {
            text.push_str(&gpu.describe());
        }
        if self.infiniband {
            text.push_str(" and Infiniband");
        }
        text
    }
}

impl CpuBrand {
    /// With a space at the end.
    fn describe(self) -> String {
        let frequency = performance(self.frequency);
        // A generation beyond the table can be there, since the text leaves those of RISC-V open.
        let generation = match self.generation {
            None => String::new(),
            Some(number) => {
                let known = usize::try_from(number.get()).ok();
                match known.and_then(|index| self.vendor.generations().get(index)) {
                    Some(name) => format!("{name} "),
                    None => format!("generation {number} "),
                }
            }
        };
        format!("{frequency}{} {generation}", self.vendor.name())
    }
}

impl Disk {
    /// With a space at the start.
    fn describe(&self) -> String {
        let disk_type = self.disk_type.map_or_else(String::new, |found| format!(" {}", found.prose()));
        match (self.count, self.size) {
            (1, Some(size)) => format!(" and{disk_type} {size}GB root volume"),
            (count, Some(size)) => format!(" and{disk_type} {count}x{size}GB root volume"),
            (1, None) => format!(" and{disk_type} root volume of cloud-chosen size"),
            (count, None) => format!(" and {count}x{disk_type} root volume of cloud-chosen size"),
        }
    }
}

impl Gpu {
    /// With a space at the start.
    fn describe(&self) -> String {
        let mut text = format!(" and {} {}", self.kind.prose(), self.brand.name());
        if let Some(generation) = self.generation {
            text.push(' ');
            text.push_str(generation.name);
        }
        let mut details = Vec::with_capacity(2);
        let frequency = performance(self.frequency);
        match self.units {
            Some(units) => details.push(format!("{units} {frequency}SMs/CUs/EUs")),
            None if self.frequency > 0 => details.push(format!("{frequency}SMs/CUs/EUs")),
            None => {}
        }
        if let Some(vram) = self.vram {
            let bandwidth = match self.bandwidth {
                0 => "",
                1 => "High Bandwidth ",
                _ => "Very High Bandwidth ",
            };
            details.push(format!("{vram} GiB {bandwidth}VRAM"));
        }
        if !details.is_empty() {
            text.push_str(" (w/ ");
            text.push_str(&details.join(" and "));
            text.push(')');
        }
        text
    }
}

/// With a space at the end, if anything.
fn performance(h: u8) -> &'static str {
    match h {
        0 => "",
        1 => "High Perf ",
        2 => "Very High Perf ",
        _ => "Highest Perf ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(name: &str) -> String {
        FlavorName::parse(name).unwrap().unwrap().describe()
    }

    #[test]
    fn follows_the_pattern_of_the_reference() {
        assert_eq!(
            describe("SCS-16T-64-3x10s_bms_hwv_i3h_GNa-64_ib"),
            "SCS flavor with 16 High Perf Intel Ice Lake SMT Threads with 64.0 GiB RAM on Bare Metal System with HW \
             virt and SSD 3x10GB root volume and Pass-Through GPU Nvidia Ampere (w/ 64 SMs/CUs/EUs) and Infiniband"
        );
        assert_eq!(describe("SCS-2V-4"), "SCS flavor with 2 generic x86-64 vCPUs with 4.0 GiB RAM");
        assert_eq!(
            describe("SCS-1Li-0.5uo-10n_a0"),
            "SCS flavor with 1 ARM crowded vCPU (insecure) with 0.5 GiB RAM (no ECC, oversubscribed) and Network \
             10GB root volume"
        );
        assert_eq!(
            describe("SCS-4C-8_kvm_gNa-14hh-6h"),
            "SCS flavor with 4 generic x86-64 dedicated Cores with 8.0 GiB RAM on KVM and Virtual GPU Nvidia Ampere \
             (w/ 14 Very High Perf SMs/CUs/EUs and 6 GiB High Bandwidth VRAM)"
        );
    }

    #[test]
    fn says_what_the_reference_leaves_out() {
        let ends = |name, end: &str| assert!(describe(name).ends_with(end), "{}", describe(name));
        ends("SCS-2C-4-", "RAM and root volume of cloud-chosen size");
        ends("SCS-2C-4-3xs", "RAM and 3x SSD root volume of cloud-chosen size");
        ends("SCS-2C-4_GNah-24", "GPU Nvidia Ampere (w/ High Perf SMs/CUs/EUs and 24 GiB VRAM)");
        ends("SCS-2C-4_GN", "Pass-Through GPU Nvidia");
    }

    #[test]
    fn names_a_generation_beyond_the_table_by_its_number() {
        let name = FlavorName::parse_text("SCS-2C-4_r2").unwrap().unwrap();
        assert_eq!(name.describe(), "SCS flavor with 2 RISC-V generation 2 dedicated Cores with 4.0 GiB RAM");
    }
}
