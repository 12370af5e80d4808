//! What can be wrong with a flavor name, where, and in plain words.

use std::fmt;
use std::ops::Range;

use miette::{Diagnostic, LabeledSpan, SourceCode};

use super::GpuGeneration;
use super::parts::{CpuType, CpuVendor, GpuBrand, Part, Reading, Syntax};

/// A number in a flavor name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Number of vCPUs.
    Cpus,
    /// RAM in GiB.
    Ram,
    /// Number of disks.
    DiskCount,
    /// Disk size in GB.
    DiskSize,
    /// CPU generation.
    CpuGeneration,
    /// SMs, CUs or EUs of the GPU.
    GpuUnits,
    /// Video RAM in GiB.
    Vram,
}

impl Field {
    const fn name(self) -> &'static str {
        match self {
            Self::Cpus => "the number of CPUs",
            Self::Ram => "the RAM",
            Self::DiskCount => "the number of disks",
            Self::DiskSize => "the disk size",
            Self::CpuGeneration => "the CPU generation",
            Self::GpuUnits => "the number of GPU units",
            Self::Vram => "the video RAM",
        }
    }
}

/// A maker of CPUs or GPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Brand {
    /// Of CPUs.
    Cpu(CpuVendor),
    /// Of GPUs.
    Gpu(GpuBrand),
}

impl fmt::Display for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu(vendor) => write!(f, "{} CPU", vendor.name()),
            Self::Gpu(brand) => write!(f, "{} GPU", brand.name()),
        }
    }
}

/// What is wrong with a flavor name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// A number is missing.
    MissingNumber(Field),
    /// A number is zero.
    NotPositive(Field),
    /// The RAM has more than one dot, or no digits.
    NotANumber,
    /// The RAM is no multiple of half a GiB.
    NotHalfGib,
    /// Text reading only: half a GiB with 10 GiB or more.
    HalfGibFromTen,
    /// The RAM is beyond a double's range, at which the official parser breaks down.
    RamOverflow,
    /// A number does not fit here, although the official parser takes it. Nothing else is wrong with the name.
    TooLarge(Field),
    /// A number has more digits than the official parser takes.
    TooManyDigits(Field),
    /// No CPU type after the number of CPUs.
    CpuType,
    /// No delimiter before the RAM.
    RamDelimiter,
    /// A delimiter of another naming version, or in the wrong place.
    WrongDelimiter,
    /// `ou` instead of `uo` after the RAM.
    RamFlagOrder,
    /// A CPU or GPU generation that is in no table.
    UnknownGeneration(Brand),
    /// Official reading only: a GPU without unit count, so that the next part is read as its generation.
    GpuSwallowsNext,
    /// Text reading only: a GPU's unit count without its generation.
    GpuGenerationMissing,
    /// Text reading only: a GPU's frequency or video RAM without its unit count.
    GpuUnitsMissing,
    /// `_G` or `_g` without `N`, `A` or `I`.
    UnknownGpuBrand,
    /// More `h` than there are steps.
    TooManyH {
        /// How many are allowed.
        max: u8,
    },
    /// A delimiter with nothing behind.
    EmptyPart,
    /// A part that no version knows.
    UnknownPart,
    /// A part that belongs further to the front.
    OutOfOrder(Part),
    /// A part that was there before.
    Repeated(Part),
    /// Characters that belong to no part.
    ExtraCharacters,
}

/// What the official testcases make of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfficialOutcome {
    /// They take it for a valid name (which promises more than any flavor has).
    Passes,
    /// They refuse it: FAIL.
    Fails,
    /// They break down: ABORT of both scs-0100-syntax-check and scs-0100-semantics-check.
    Aborts,
}

impl ParseErrorKind {
    /// What the official testcases make of a name with this error, provided it was found in the official reading.
    pub const fn official_outcome(self) -> OfficialOutcome {
        match self {
            Self::RamOverflow => OfficialOutcome::Aborts,
            Self::TooLarge(_) => OfficialOutcome::Passes,
            _ => OfficialOutcome::Fails,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::MissingNumber(_) => "flavor-name::missing-number",
            Self::NotPositive(_) => "flavor-name::not-positive",
            Self::NotANumber => "flavor-name::not-a-number",
            Self::NotHalfGib => "flavor-name::not-half-gib",
            Self::HalfGibFromTen => "flavor-name::half-gib-from-ten",
            Self::RamOverflow => "flavor-name::ram-overflow",
            Self::TooLarge(_) => "flavor-name::too-large",
            Self::TooManyDigits(_) => "flavor-name::too-many-digits",
            Self::CpuType => "flavor-name::cpu-type",
            Self::RamDelimiter => "flavor-name::ram-delimiter",
            Self::WrongDelimiter => "flavor-name::wrong-delimiter",
            Self::RamFlagOrder => "flavor-name::ram-flag-order",
            Self::UnknownGeneration(_) => "flavor-name::unknown-generation",
            Self::GpuSwallowsNext => "flavor-name::gpu-swallows-next",
            Self::GpuGenerationMissing => "flavor-name::gpu-generation-missing",
            Self::GpuUnitsMissing => "flavor-name::gpu-units-missing",
            Self::UnknownGpuBrand => "flavor-name::unknown-gpu-brand",
            Self::TooManyH { .. } => "flavor-name::too-many-h",
            Self::EmptyPart => "flavor-name::empty-part",
            Self::UnknownPart => "flavor-name::unknown-part",
            Self::OutOfOrder(_) => "flavor-name::out-of-order",
            Self::Repeated(_) => "flavor-name::repeated",
            Self::ExtraCharacters => "flavor-name::extra-characters",
        }
    }
}

/// A kind of error at a place, before the name is attached to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    pub(super) kind: ParseErrorKind,
    pub(super) at: usize,
    pub(super) len: usize,
}

impl Fault {
    pub(super) fn over(kind: ParseErrorKind, run: Range<usize>) -> Self {
        Self { kind, at: run.start, len: run.len() }
    }
}

/// Why a name is no valid flavor name, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    kind: ParseErrorKind,
    syntax: Syntax,
    reading: Reading,
    at: usize,
    len: usize,
    name: String,
}

impl ParseError {
    pub(super) fn new(fault: Fault, syntax: Syntax, reading: Reading, name: &str) -> Self {
        Self { kind: fault.kind, syntax, reading, at: fault.at, len: fault.len, name: name.to_owned() }
    }

    /// What is wrong.
    pub const fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// Which way of writing the parser expected.
    pub const fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// Whose rules the parser followed.
    pub const fn reading(&self) -> Reading {
        self.reading
    }

    /// Where the fault starts: a byte offset into the name, on a character boundary.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// The bytes of the name that are at fault; empty where something is missing at the end.
    pub const fn span(&self) -> Range<usize> {
        self.at..self.at + self.len
    }

    /// The name as given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The characters at fault.
    pub fn found(&self) -> &str {
        self.name.get(self.span()).unwrap_or_default()
    }

    /// What should stand at the place, or what is wrong with what stands there.
    pub fn expectation(&self) -> String {
        use ParseErrorKind as Kind;
        let inner = self.syntax.inner_delimiter();
        let extension = self.syntax.extension_delimiter();
        match self.kind {
            Kind::MissingNumber(Field::Ram) => {
                "the RAM in GiB is expected here, like `4` or `0.5`".to_owned()
            }
            Kind::MissingNumber(field) => format!("{} is expected here", field.name()),
            Kind::NotPositive(field) => format!("{} must be greater than zero", field.name()),
            Kind::NotANumber => "the RAM must be a number of GiB with one decimal point at most".to_owned(),
            Kind::NotHalfGib => "the RAM must be a multiple of half a GiB".to_owned(),
            Kind::HalfGibFromTen => "the RAM must be whole GiB from 10 GiB on".to_owned(),
            Kind::RamOverflow => "the RAM is larger than a floating-point number can be".to_owned(),
            Kind::TooLarge(field) => format!("{} is larger than any flavor can have", field.name()),
            Kind::TooManyDigits(field) => format!("{} has too many digits", field.name()),
            Kind::CpuType => "the CPU type is expected here: `L`, `V`, `T` or `C`".to_owned(),
            Kind::RamDelimiter => format!("`{inner}` and the RAM are expected here"),
            Kind::WrongDelimiter => {
                format!(
                    "this naming version has `{inner}` before RAM, disk and GPU numbers, `{extension}` before \
                     extensions"
                )
            }
            Kind::RamFlagOrder => "`u` (no ECC) belongs before `o` (oversubscribed)".to_owned(),
            Kind::UnknownGeneration(brand) => {
                format!("{brand} generations are {}", Known(brand, self.reading))
            }
            Kind::GpuSwallowsNext => format!(
                "the official parser takes what follows a GPU without unit count for its generation; a unit count \
                 like `{inner}14` is expected here"
            ),
            Kind::GpuGenerationMissing => {
                "the GPU generation is expected before the number of units".to_owned()
            }
            Kind::GpuUnitsMissing => {
                "the number of GPU units is expected before frequency and video RAM".to_owned()
            }
            Kind::UnknownGpuBrand => {
                "the GPU brand is expected here: `N` (Nvidia), `A` (AMD) or `I` (Intel)".to_owned()
            }
            Kind::TooManyH { max: 1 } => "one `h` is allowed here".to_owned(),
            Kind::TooManyH { max } => format!("up to {max} `h` are allowed here"),
            Kind::EmptyPart => format!("an extension is expected after `{extension}`"),
            Kind::UnknownPart => format!(
                "expected, in this order: a hypervisor like `{extension}kvm`, `{extension}hwv`, a CPU vendor like \
                 `{extension}i3`, a GPU like `{extension}GNa{inner}14`, `{extension}ib`"
            ),
            Kind::OutOfOrder(part) => format!("{} belongs further to the front", part.name()),
            Kind::Repeated(part) => format!("{} is there already", part.name()),
            Kind::ExtraCharacters => "nothing is expected here".to_owned(),
        }
    }

    fn advice(&self) -> Option<String> {
        let here = self.found();
        match self.kind {
            ParseErrorKind::CpuType if CpuType::from_code(&here.to_uppercase()).is_some() => {
                Some(format!("capital letters matter: write `{}`", here.to_uppercase()))
            }
            ParseErrorKind::CpuType if here == "i" => {
                Some("`i` (insecure) stands behind the CPU type".to_owned())
            }
            ParseErrorKind::UnknownPart if here.chars().any(char::is_uppercase) => {
                Some("extensions other than the GPU are in small letters".to_owned())
            }
            ParseErrorKind::WrongDelimiter if self.syntax == Syntax::V2 => Some(
                "names with `:` follow scs-0100-v1, which is deprecated; v3 writes `SCS-2C-4-10n_kvm`"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// The generations of a brand that a reading takes, as a name writes them.
struct Known(Brand, Reading);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Brand::Cpu(vendor) => match vendor.generations().len() {
                0 | 1 => f.write_str("`0`"),
                count => write!(f, "`0` to `{}`", count - 1),
            },
            Brand::Gpu(brand) => {
                let mut separator = "";
                let taken = |generation: &&GpuGeneration| self.1 == Reading::Text || !generation.text_only;
                for generation in brand.generations().iter().filter(taken) {
                    write!(f, "{separator}`{}`", generation.code)?;
                    separator = ", ";
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.name.get(..self.at).unwrap_or_default().chars().count() + 1;
        let expectation = self.expectation();
        match self.found() {
            "" => write!(f, "flavor name `{}`, at its end: {expectation}", self.name),
            found => write!(f, "flavor name `{}`, character {place} (`{found}`): {expectation}", self.name),
        }
    }
}

impl std::error::Error for ParseError {}

impl Diagnostic for ParseError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.kind.code()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.advice().map(|advice| Box::new(advice) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.name)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new(Some(self.expectation()), self.at, self.len);
        Some(Box::new(std::iter::once(label)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::FlavorName;
    use super::*;

    fn error(name: &str) -> ParseError {
        FlavorName::parse(name).unwrap_err()
    }

    #[test]
    fn message_tells_place_and_expectation() {
        insta::assert_snapshot!(
            error("SCS-2c-4"),
            @"flavor name `SCS-2c-4`, character 6 (`c`): the CPU type is expected here: `L`, `V`, `T` or `C`"
        );
        insta::assert_snapshot!(
            error("SCS-2C-"),
            @"flavor name `SCS-2C-`, at its end: the RAM in GiB is expected here, like `4` or `0.5`"
        );
        insta::assert_snapshot!(
            error("SCS-2C-4_i7"),
            @"flavor name `SCS-2C-4_i7`, character 11 (`7`): Intel CPU generations are `0` to `6`"
        );
        insta::assert_snapshot!(
            error("SCS-2C-4_GI5"),
            @"flavor name `SCS-2C-4_GI5`, character 12 (`5`): Intel GPU generations are `0.9`, `0.95`, `1`, `2`, `3`, `4`"
        );
        insta::assert_snapshot!(
            error("SCS-4V-16-100s_ib_i"),
            @"flavor name `SCS-4V-16-100s_ib_i`, character 18 (`_i`): the CPU vendor belongs further to the front"
        );
    }

    #[test]
    fn place_counts_characters_where_the_offset_counts_bytes() {
        let error = error("SCS-2C-4-10n_ä_ü");
        assert_eq!((error.at(), error.found()), (12, "_ä"));
        let second = FlavorName::parse("SCS-2C-4_GNä-x").unwrap_err();
        assert_eq!((second.at(), second.found()), (11, "ä"));
    }

    #[test]
    fn diagnostic_labels_the_offending_characters() {
        let error = error("SCS-2c-4");
        let label = error.labels().unwrap().next().unwrap();
        assert_eq!((label.offset(), label.len()), (5, 1));
        assert_eq!(error.help().unwrap().to_string(), "capital letters matter: write `C`");
        assert_eq!(error.code().unwrap().to_string(), "flavor-name::cpu-type");
    }
}
