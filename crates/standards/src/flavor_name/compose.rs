//! Building names from parts.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, SourceCode};

use super::error::ParseError;
use super::parse::parse_as;
use super::parts::{FlavorName, Reading, Syntax};

/// Why parts make no flavor name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// The parts give a string that is no valid name.
    #[error("the parts make no valid flavor name")]
    Invalid(#[source] ParseError),
    /// The parts give a valid name that says something else, e.g. video RAM that reads as a unit count.
    #[error("the parts make the flavor name `{name}`, which means something else: {means}")]
    Ambiguous {
        /// The name.
        name: String,
        /// What it means, in prose.
        means: String,
    },
}

impl FlavorName {
    /// The canonical name, provided the fields make a valid one that says the same when read again under `reading`.
    ///
    /// # Errors
    /// What is wrong with the name that the fields give.
    pub fn compose(&self, reading: Reading) -> Result<String, ComposeError> {
        let name = self.to_string();
        // Judged by reading it again, so that there is one set of rules only.
        match parse_as(&name, Syntax::V2, reading) {
            Ok(Some(read)) if read == *self => Ok(name),
            Ok(read) => {
                let means = read.map(|read| read.describe()).unwrap_or_default();
                Err(ComposeError::Ambiguous { name, means })
            }
            Err(error) => Err(ComposeError::Invalid(error)),
        }
    }

    /// Whether the fields make a name that the official testcase takes and reads the same.
    ///
    /// # Errors
    /// As [`FlavorName::compose`].
    pub fn validate(&self) -> Result<(), ComposeError> {
        self.compose(Reading::Official).map(drop)
    }
}

impl Diagnostic for ComposeError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        match self {
            Self::Invalid(error) => error.code(),
            Self::Ambiguous { .. } => Some(Box::new("flavor-name::ambiguous")),
        }
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        match self {
            Self::Invalid(error) => error.help(),
            Self::Ambiguous { .. } => Some(Box::new(
                "give a GPU with video RAM its number of units, and a bandwidth only with video RAM",
            )),
        }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        match self {
            Self::Invalid(error) => error.source_code(),
            Self::Ambiguous { .. } => None,
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        match self {
            Self::Invalid(error) => error.labels(),
            Self::Ambiguous { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::{CpuBrand, CpuType, CpuVendor, Disk, Gpu, GpuBrand, GpuKind, ParseErrorKind, Ram};
    use super::*;

    fn plain() -> FlavorName {
        FlavorName::new(2, CpuType::SharedCore, Ram::from_gib(4.0).unwrap())
    }

    fn gpu() -> Gpu {
        Gpu {
            kind: GpuKind::PassThrough,
            brand: GpuBrand::Nvidia,
            generation: GpuBrand::Nvidia.generation("a"),
            units: None,
            frequency: 0,
            vram: None,
            bandwidth: 0,
        }
    }

    fn fault(name: &FlavorName) -> ParseErrorKind {
        match name.compose(Reading::Official) {
            Err(ComposeError::Invalid(error)) => error.kind(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn valid_parts_give_the_canonical_name() {
        let disk = Disk { count: 2, size: Some(20), disk_type: None };
        let name = FlavorName { disk: Some(disk), infiniband: true, ..plain() };
        assert_eq!(name.compose(Reading::Official).unwrap(), "SCS-2V-4-2x20_ib");
    }

    #[test]
    fn values_out_of_range_are_refused() {
        use super::super::{Brand, Field};
        assert_eq!(fault(&FlavorName { cpus: 0, ..plain() }), ParseErrorKind::NotPositive(Field::Cpus));
        assert_eq!(
            fault(&FlavorName { ram: Ram::from_half_gib(0), ..plain() }),
            ParseErrorKind::NotPositive(Field::Ram)
        );
        let brand = |generation, frequency| CpuBrand {
            vendor: CpuVendor::Intel,
            generation: NonZeroU32::new(generation),
            frequency,
        };
        let name = FlavorName { cpu_brand: Some(brand(7, 0)), ..plain() };
        assert_eq!(fault(&name), ParseErrorKind::UnknownGeneration(Brand::Cpu(CpuVendor::Intel)));
        let name = FlavorName { cpu_brand: Some(brand(3, 4)), ..plain() };
        assert_eq!(fault(&name), ParseErrorKind::TooManyH { max: 3 });
        let other = Gpu { generation: GpuBrand::Amd.generation("3.1"), ..gpu() };
        let name = FlavorName { gpu: Some(other), ..plain() };
        assert_eq!(fault(&name), ParseErrorKind::UnknownGeneration(Brand::Gpu(GpuBrand::Nvidia)));
    }

    #[test]
    fn parts_that_would_read_as_something_else_are_refused() {
        let vram_as_units = FlavorName { gpu: Some(Gpu { vram: Some(24), ..gpu() }), ..plain() };
        assert!(matches!(vram_as_units.validate(), Err(ComposeError::Ambiguous { .. })));
        let bandwidth_as_frequency =
            FlavorName { gpu: Some(Gpu { units: Some(14), bandwidth: 1, ..gpu() }), ..plain() };
        assert!(matches!(bandwidth_as_frequency.validate(), Err(ComposeError::Ambiguous { .. })));
    }

    #[test]
    fn gpu_before_infiniband_depends_on_the_reading() {
        let name = FlavorName { gpu: Some(gpu()), infiniband: true, ..plain() };
        assert_eq!(fault(&name), ParseErrorKind::GpuSwallowsNext);
        assert_eq!(name.compose(Reading::Text).unwrap(), "SCS-2V-4_GNa_ib");
    }
}
