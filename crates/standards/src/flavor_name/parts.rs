//! The parts of a flavor name as types.

use std::num::NonZeroU32;

use super::GpuGeneration;

/// Which way of writing a name uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// `SCS-2C:4:10n-kvm-ib` (scs-0100-v1, deprecated since 2023-10-31).
    V1,
    /// `SCS-2C-4-10n_kvm_ib` (scs-0100-v2 and -v3).
    V2,
}

impl Syntax {
    /// What stands before RAM, disk, and the numbers of a GPU.
    pub const fn inner_delimiter(self) -> char {
        match self {
            Self::V1 => ':',
            Self::V2 => '-',
        }
    }

    /// What stands before each extension.
    pub const fn extension_delimiter(self) -> char {
        match self {
            Self::V1 => '-',
            Self::V2 => '_',
        }
    }
}

/// Whose rules decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reading {
    /// The official testcase's, including where it errs.
    Official,
    /// The text's (scs-0100-v3).
    Text,
}

/// The parts of a name in the order in which they must appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// CPUs and RAM.
    CpuRam,
    /// Root disk.
    Disk,
    /// Hypervisor.
    Hypervisor,
    /// Hardware virtualisation.
    Hwv,
    /// CPU vendor, generation and frequency.
    CpuBrand,
    /// GPU.
    Gpu,
    /// InfiniBand.
    Infiniband,
}

impl Part {
    /// The part in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CpuRam => "CPUs and RAM",
            Self::Disk => "the disk",
            Self::Hypervisor => "the hypervisor",
            Self::Hwv => "hardware virtualisation (`hwv`)",
            Self::CpuBrand => "the CPU vendor",
            Self::Gpu => "the GPU",
            Self::Infiniband => "InfiniBand (`ib`)",
        }
    }
}

/// Declares an enum whose variants each have a code in flavor names.
macro_rules! coded {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// All of them, in the order of the standard.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// How a flavor name shows it.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The one that a flavor name shows as `code` (case matters).
            pub fn from_code(code: &str) -> Option<Self> {
                Self::from_bytes(code.as_bytes())
            }

            pub(super) fn from_bytes(code: &[u8]) -> Option<Self> {
                $(if code == $code.as_bytes() { return Some(Self::$variant); })+
                None
            }
        }
    };
}

coded!(
    /// What kind of CPU a vCPU is; later is better.
    CpuType {
        /// Shared with more than five others per core.
        CrowdedCore = "L",
        /// Shared, with a guaranteed fifth of a core for over 99 % of the time.
        SharedCore = "V",
        /// A hardware thread of its own.
        DedicatedThread = "T",
        /// A core of its own.
        DedicatedCore = "C",
    }
);

coded!(
    /// What a disk is made of; later is better.
    DiskType {
        /// Network storage, survives the loss of one disk or node.
        Network = "n",
        /// Local hard disk.
        Hdd = "h",
        /// Local solid-state disk (scs-0110).
        Ssd = "s",
        /// Local `NVMe` disk (scs-0110).
        Nvme = "p",
    }
);

coded!(
    /// The hypervisor.
    Hypervisor {
        /// KVM.
        Kvm = "kvm",
        /// Cloud Hypervisor; unknown to v1 names.
        CloudHypervisor = "chy",
        /// Xen.
        Xen = "xen",
        /// `VMware`.
        Vmware = "vmw",
        /// Hyper-V.
        HyperV = "hyv",
        /// None: bare metal.
        BareMetal = "bms",
    }
);

coded!(
    /// Who designed the CPU.
    CpuVendor {
        /// Intel.
        Intel = "i",
        /// AMD (Zen).
        Amd = "z",
        /// ARM.
        Arm = "a",
        /// RISC-V.
        RiscV = "r",
    }
);

coded!(
    /// How the GPU is handed to the instance.
    GpuKind {
        /// Whole, by pass-through.
        PassThrough = "G",
        /// In part, as a virtual GPU.
        Virtual = "g",
    }
);

coded!(
    /// Who made the GPU.
    GpuBrand {
        /// Nvidia; units are streaming multiprocessors.
        Nvidia = "N",
        /// AMD; units are compute units.
        Amd = "A",
        /// Intel; units are execution units.
        Intel = "I",
    }
);

impl CpuType {
    /// The value of the extra spec `scs:cpu-type` (scs-0103-v1).
    pub const fn extra_spec(self) -> &'static str {
        match self {
            Self::CrowdedCore => "crowded-core",
            Self::SharedCore => "shared-core",
            Self::DedicatedThread => "dedicated-thread",
            Self::DedicatedCore => "dedicated-core",
        }
    }

    /// The type that the extra spec `scs:cpu-type` calls `value`.
    pub fn from_extra_spec(value: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cpu_type| cpu_type.extra_spec() == value)
    }
}

impl DiskType {
    /// The value of the extra spec `scs:diskN-type` (scs-0103-v1).
    pub const fn extra_spec(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Hdd => "hdd",
            Self::Ssd => "ssd",
            Self::Nvme => "nvme",
        }
    }

    /// The type that the extra spec `scs:diskN-type` calls `value`.
    pub fn from_extra_spec(value: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|disk_type| disk_type.extra_spec() == value)
    }
}

impl CpuVendor {
    /// The image architecture that the vendor implies; RISC-V has none defined.
    pub const fn architecture(self) -> Option<&'static str> {
        match self {
            Self::Intel | Self::Amd => Some("x86_64"),
            Self::Arm => Some("aarch64"),
            Self::RiscV => None,
        }
    }
}

/// An amount of RAM, kept exactly as a number of half GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ram(u64);

impl Ram {
    /// `halves` half GiB.
    pub const fn from_half_gib(halves: u64) -> Self {
        Self(halves)
    }

    /// Whole GiB; none if that many do not fit.
    pub const fn from_whole_gib(gib: u64) -> Option<Self> {
        match gib.checked_mul(2) {
            Some(halves) => Some(Self(halves)),
            None => None,
        }
    }

    /// GiB; none unless it is a positive multiple of one half.
    pub fn from_gib(gib: f64) -> Option<Self> {
        // 2^64, the first number of halves that no longer fits.
        const LIMIT: f64 = 18_446_744_073_709_551_616.0;
        let halves = gib * 2.0;
        let fits = halves > 0.0 && halves < LIMIT && halves.fract() == 0.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be whole, positive and below 2^64"
        )]
        fits.then_some(Self(halves as u64))
    }

    /// The number of half GiB.
    pub const fn half_gib(self) -> u64 {
        self.0
    }

    /// GiB, exact for every amount below 4 PiB.
    #[expect(clippy::cast_precision_loss, reason = "the reference reckons in f64, too")]
    pub const fn gib(self) -> f64 {
        self.0 as f64 / 2.0
    }

    /// Whether it is a whole number of GiB.
    pub const fn is_whole(self) -> bool {
        self.0.is_multiple_of(2)
    }
}

/// The root disk. `SCS-2C-4-` has one whose size the cloud chooses; `SCS-2C-4` has none and boots from a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Disk {
    /// How many disks, at least 1.
    pub count: u64,
    /// GB of each; none if the cloud chooses.
    pub size: Option<u64>,
    /// None if not told.
    pub disk_type: Option<DiskType>,
}

/// CPU vendor and what is known of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CpuBrand {
    /// Who designed it.
    pub vendor: CpuVendor,
    /// None if not told, which names also write as `0`.
    pub generation: Option<NonZeroU32>,
    /// How many `h`, 0 to 3: all-core frequency above 2.75, 3.25, 3.75 GHz.
    pub frequency: u8,
}

/// The GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gpu {
    /// How it is handed over.
    pub kind: GpuKind,
    /// Who made it.
    pub brand: GpuBrand,
    /// An entry of [`GpuBrand::generations`]; none if not told.
    pub generation: Option<&'static GpuGeneration>,
    /// SMs, CUs or EUs.
    pub units: Option<u64>,
    /// How many `h` for the frequency of the units, 0 to 2.
    pub frequency: u8,
    /// Video RAM in GiB, rounded down.
    pub vram: Option<u64>,
    /// How many `h` for the bandwidth of the video RAM: 0 to 2 officially, 0 or 1 by the text.
    pub bandwidth: u8,
}

/// An SCS flavor name, taken apart.
///
/// Two names mean the same exactly if these are equal. The fields are free to set; [`FlavorName::compose`] tells
/// whether what they say can be written as a name. `Display` writes the canonical (v2) form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a letter or part of the name that is there or not"
)]
pub struct FlavorName {
    /// Number of vCPUs, at least 1.
    pub cpus: u64,
    /// What they are.
    pub cpu_type: CpuType,
    /// `i`: microcode or SMT mitigations are missing.
    pub insecure: bool,
    /// RAM, more than none.
    pub ram: Ram,
    /// `u`: RAM without error correction.
    pub no_ecc: bool,
    /// `o`: more RAM is promised than there is.
    pub oversubscribed: bool,
    /// The root disk.
    pub disk: Option<Disk>,
    /// The hypervisor.
    pub hypervisor: Option<Hypervisor>,
    /// Whether instances can virtualise in hardware; `false` says nothing.
    pub hwv: bool,
    /// CPU vendor and model; none means a generic `x86_64`.
    pub cpu_brand: Option<CpuBrand>,
    /// The GPU.
    pub gpu: Option<Gpu>,
    /// InfiniBand networking.
    pub infiniband: bool,
}

impl FlavorName {
    /// A name with nothing but CPUs and RAM.
    pub const fn new(cpus: u64, cpu_type: CpuType, ram: Ram) -> Self {
        Self {
            cpus,
            cpu_type,
            insecure: false,
            ram,
            no_ecc: false,
            oversubscribed: false,
            disk: None,
            hypervisor: None,
            hwv: false,
            cpu_brand: None,
            gpu: None,
            infiniband: false,
        }
    }

    /// RAM in GiB.
    pub const fn ram_gib(&self) -> f64 {
        self.ram.gib()
    }

    /// The image architecture that the name implies; none for RISC-V.
    pub fn architecture(&self) -> Option<&'static str> {
        self.cpu_brand.map_or(Some("x86_64"), |brand| brand.vendor.architecture())
    }
}
