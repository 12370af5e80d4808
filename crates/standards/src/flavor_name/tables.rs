//! Vendors and generations (scs-0100-v3, "CPU vendor" and "GPU" extensions): which exist and what people call them.

use super::{CpuVendor, GpuBrand};

/// One entry of a GPU brand's generation table.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GpuGeneration {
    /// What a flavor name shows, e.g. `a` or `3.1`.
    pub code: &'static str,
    /// What people call it, e.g. `Ampere`.
    pub name: &'static str,
    /// Whether only the text knows it and the official testcase refuses it.
    pub text_only: bool,
}

const fn known(code: &'static str, name: &'static str) -> GpuGeneration {
    GpuGeneration { code, name, text_only: false }
}

const fn text_only(code: &'static str, name: &'static str) -> GpuGeneration {
    GpuGeneration { code, name, text_only: true }
}

static NVIDIA: [GpuGeneration; 11] = [
    known("f", "Fermi"),
    known("k", "Kepler"),
    known("m", "Maxwell"),
    known("p", "Pascal"),
    known("v", "Volta"),
    known("t", "Turing"),
    known("a", "Ampere"),
    known("l", "Ada Lovelace"),
    known("g", "Grace Hopper"),
    known("b", "Blackwell"),
    known("u", "Blackwell Ultra"),
];

static AMD: [GpuGeneration; 13] = [
    known("0.4", "GCN4 (Polaris)"),
    known("0.5", "GCN5 (Vega)"),
    known("1", "CDNA1"),
    known("1.1", "RDNA1"),
    known("2", "CDNA2"),
    known("2.1", "RDNA2"),
    known("3", "CDNA3"),
    known("3.1", "RDNA3"),
    known("3.5", "RDNA3.5"),
    known("4", "CDNA4"),
    known("4.1", "RDNA4"),
    text_only("5", "UDNA"),
    known("5.1", "RDNA5"),
];

static INTEL: [GpuGeneration; 6] = [
    known("0.9", "Gen9 (Skylake)"),
    known("0.95", "Gen9.5 (Kaby Lake)"),
    known("1", "Xe1 (DG1)"),
    known("2", "Xe2"),
    known("3", "Arc (DG2)"),
    known("4", "Battlemage"),
];

// Index is the generation number; 0 stands for "older than the table, or not told".
static INTEL_CPUS: [&str; 7] = [
    "pre-Skylake",
    "Skylake",
    "Cascade Lake",
    "Ice Lake",
    "Sapphire Rapids",
    "Sierra Forest (E)",
    "Granite Rapids (P)",
];
static AMD_CPUS: [&str; 7] = [
    "pre-Zen",
    "Zen1 (Naples)",
    "Zen2 (Rome)",
    "Zen3 (Milan)",
    "Zen4 (Genoa)",
    "Zen5 (Turin)",
    "Zen6 (Venice)",
];
static ARM_CPUS: [&str; 6] = [
    "pre-Cortex-A76",
    "A76/Neoverse N1",
    "A78/X1/Neoverse V1",
    "A71x/Neoverse N2/V2",
    "AmpereOne",
    "A72x/Neoverse N3/V3",
];
static RISCV_CPUS: [&str; 1] = ["unspecified"];

impl GpuBrand {
    /// The brand's generations, oldest first.
    pub fn generations(self) -> &'static [GpuGeneration] {
        match self {
            Self::Nvidia => &NVIDIA,
            Self::Amd => &AMD,
            Self::Intel => &INTEL,
        }
    }

    /// The generation that a name shows as `code`.
    pub fn generation(self, code: &str) -> Option<&'static GpuGeneration> {
        self.generations().iter().find(|generation| generation.code == code)
    }
}

impl CpuVendor {
    /// Names of the vendor's generations; the index is the number in a flavor name.
    pub fn generations(self) -> &'static [&'static str] {
        match self {
            Self::Intel => &INTEL_CPUS,
            Self::Amd => &AMD_CPUS,
            Self::Arm => &ARM_CPUS,
            Self::RiscV => &RISCV_CPUS,
        }
    }
}
