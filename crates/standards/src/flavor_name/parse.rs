//! One parser for all ways of writing and both readings.
//!
//! It walks the bytes once, strictly left to right, as the official parser does: each optional part is tried at the
//! current place and skipped if it does not start there, and whatever is left at the end is an error. Nothing is
//! allocated unless a name is wrong.

use std::num::NonZeroU32;
use std::ops::Range;

use super::error::{Brand, Fault, Field, OfficialOutcome, ParseError, ParseErrorKind as Kind};
use super::leftover::diagnose;
use super::parts::{
    CpuBrand, CpuType, CpuVendor, Disk, DiskType, FlavorName, Gpu, GpuBrand, GpuKind, Hypervisor, Ram,
    Reading, Syntax,
};

/// How every SCS flavor name starts.
pub const PREFIX: &str = "SCS-";

// The official parser refuses longer whole numbers, while it takes shorter ones however large they are.
const MAX_DIGITS: usize = 4300;

/// Whether the name claims to be an SCS flavor name; all others are free.
pub fn is_scs(name: &str) -> bool {
    name.starts_with(PREFIX)
}

impl FlavorName {
    /// Reads a v2 or v3 name as the official parser does. `None`: not an SCS flavor name, which is no error.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(name: &str) -> Result<Option<Self>, ParseError> {
        parse_as(name, Syntax::V2, Reading::Official)
    }

    /// Reads a v1 name as the official parser does. `None`: not an SCS flavor name, which is no error.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse_v1(name: &str) -> Result<Option<Self>, ParseError> {
        parse_as(name, Syntax::V1, Reading::Official)
    }

    /// Reads a v2 or v3 name as the text of scs-0100-v3 asks. `None`: not an SCS flavor name, which is no error.
    ///
    /// Other than the official parser it takes a GPU without unit count before `_ib`, the AMD GPU generation `5`
    /// and any RISC-V generation; it refuses half GiB from 10 GiB on, `h` or VRAM of a GPU without unit count, a
    /// unit count without generation, and more than one `h` for VRAM.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse_text(name: &str) -> Result<Option<Self>, ParseError> {
        parse_as(name, Syntax::V2, Reading::Text)
    }

    /// Reads a name as the testcase scs-0100-syntax-check does: v3, and else v1, which it tolerates.
    /// `None`: not an SCS flavor name, which is no error.
    ///
    /// # Errors
    /// What the v3 parser finds wrong; only if the v1 parser would not simply refuse the name
    /// ([`ParseErrorKind::official_outcome`](super::ParseErrorKind::official_outcome)), what that one finds.
    pub fn parse_tolerant(name: &str) -> Result<Option<(Self, Syntax)>, ParseError> {
        if !is_scs(name) {
            return Ok(None);
        }
        let first = match run(name, Syntax::V2, Reading::Official) {
            Ok(flavor) => return Ok(Some((flavor, Syntax::V2))),
            Err(fault) => fault,
        };
        if first.kind.official_outcome() != OfficialOutcome::Fails {
            return Err(ParseError::new(first, Syntax::V2, Reading::Official, name));
        }
        match run(name, Syntax::V1, Reading::Official) {
            Ok(flavor) => Ok(Some((flavor, Syntax::V1))),
            Err(fault) if fault.kind.official_outcome() != OfficialOutcome::Fails => {
                Err(ParseError::new(fault, Syntax::V1, Reading::Official, name))
            }
            Err(_) => Err(ParseError::new(first, Syntax::V2, Reading::Official, name)),
        }
    }
}

/// Reads `name` in one way of writing and under one reading.
pub(super) fn parse_as(
    name: &str,
    syntax: Syntax,
    reading: Reading,
) -> Result<Option<FlavorName>, ParseError> {
    if !is_scs(name) {
        return Ok(None);
    }
    run(name, syntax, reading).map(Some).map_err(|fault| ParseError::new(fault, syntax, reading, name))
}

fn run(name: &str, syntax: Syntax, reading: Reading) -> Result<FlavorName, Fault> {
    Parser::new(name, syntax, reading).flavor()
}

/// Invariant: `pos` is a character boundary of `name`, since only ASCII and whole runs up to ASCII are consumed.
struct Parser<'a> {
    name: &'a str,
    bytes: &'a [u8],
    pos: usize,
    syntax: Syntax,
    reading: Reading,
    inner: u8,
    extension: u8,
    /// The first number that does not fit. The official parser has no limit, so the rest of the name still
    /// decides whether it takes the name.
    too_large: Option<Fault>,
}

impl<'a> Parser<'a> {
    const fn new(name: &'a str, syntax: Syntax, reading: Reading) -> Self {
        let (inner, extension) = match syntax {
            Syntax::V1 => (b':', b'-'),
            Syntax::V2 => (b'-', b'_'),
        };
        let bytes = name.as_bytes();
        Self { name, bytes, pos: PREFIX.len(), syntax, reading, inner, extension, too_large: None }
    }

    fn flavor(mut self) -> Result<FlavorName, Fault> {
        let mut flavor = self.cpu_ram()?;
        flavor.disk = self.disk()?;
        flavor.hypervisor = self.hypervisor();
        flavor.hwv = self.eat_extension(b"hwv");
        flavor.cpu_brand = self.cpu_brand()?;
        flavor.gpu = self.gpu()?;
        flavor.infiniband = self.eat_extension(b"ib");
        if self.pos < self.bytes.len() {
            return Err(diagnose(self.name, self.pos, self.syntax, &flavor));
        }
        self.too_large.map_or(Ok(flavor), Err)
    }

    fn cpu_ram(&mut self) -> Result<FlavorName, Fault> {
        let Some(cpus) = self.positive(Field::Cpus)? else {
            return Err(self.fault_here(Kind::MissingNumber(Field::Cpus)));
        };
        let cpu_type = self
            .bytes
            .get(self.pos..=self.pos)
            .and_then(CpuType::from_bytes)
            .ok_or_else(|| self.fault_here(Kind::CpuType))?;
        self.pos += 1;
        let insecure = self.eat(b'i');
        if !self.eat(self.inner) {
            let kind = match self.peek() {
                Some(b':' | b'-' | b'_') => Kind::WrongDelimiter,
                _ => Kind::RamDelimiter,
            };
            return Err(self.fault_here(kind));
        }
        let ram = self.ram()?;
        let no_ecc = self.eat(b'u');
        let oversubscribed = self.eat(b'o');
        Ok(FlavorName { insecure, no_ecc, oversubscribed, ..FlavorName::new(cpus, cpu_type, ram) })
    }

    fn ram(&mut self) -> Result<Ram, Fault> {
        let run = self.run_of(|byte| byte.is_ascii_digit() || byte == b'.');
        let text = &self.name[run.clone()];
        let fault = |kind| Err(Fault::over(kind, run.clone()));
        let ram = match text.parse::<u32>() {
            // The fast lane for nearly all names; the slow one agrees with it.
            Ok(0) => return fault(Kind::NotPositive(Field::Ram)),
            Ok(gib) => Ram::from_half_gib(u64::from(gib) * 2),
            Err(_) => {
                if text.is_empty() {
                    return Err(self.fault_here(Kind::MissingNumber(Field::Ram)));
                }
                let Ok(gib) = text.parse::<f64>() else {
                    let at = text.match_indices('.').nth(1).map_or(run.start, |(dot, _)| run.start + dot);
                    return Err(Fault::over(Kind::NotANumber, at..run.end));
                };
                if gib.is_infinite() {
                    return fault(Kind::RamOverflow);
                }
                if gib <= 0.0 {
                    return fault(Kind::NotPositive(Field::Ram));
                }
                match Ram::from_gib(gib) {
                    Some(ram) => ram,
                    // Floats that large have no fraction: it is the size that does not fit.
                    None if gib >= 1e18 => {
                        self.note_too_large(Field::Ram, run.clone());
                        Ram::from_half_gib(u64::MAX)
                    }
                    None => return fault(Kind::NotHalfGib),
                }
            }
        };
        if self.reading == Reading::Text && !ram.is_whole() && ram.half_gib() >= 20 {
            return fault(Kind::HalfGibFromTen);
        }
        Ok(ram)
    }

    fn disk(&mut self) -> Result<Option<Disk>, Fault> {
        if !self.eat(self.inner) {
            return Ok(None);
        }
        let mut run = self.digits();
        let mut count = 1;
        if self.eat(b'x') {
            count = self.positive_of(Field::DiskCount, run)?.unwrap_or(1);
            run = self.digits();
        }
        let size = self.positive_of(Field::DiskSize, run)?;
        let disk_type = self.bytes.get(self.pos..=self.pos).and_then(DiskType::from_bytes);
        self.pos += usize::from(disk_type.is_some());
        Ok(Some(Disk { count, size, disk_type }))
    }

    fn hypervisor(&mut self) -> Option<Hypervisor> {
        if self.peek() != Some(self.extension) {
            return None;
        }
        let code = self.bytes.get(self.pos + 1..self.pos + 4)?;
        let hypervisor = Hypervisor::from_bytes(code)?;
        // v1 ended before Cloud Hypervisor got its code.
        if self.syntax == Syntax::V1 && hypervisor == Hypervisor::CloudHypervisor {
            return None;
        }
        self.pos += 4;
        Some(hypervisor)
    }

    fn cpu_brand(&mut self) -> Result<Option<CpuBrand>, Fault> {
        if self.peek() != Some(self.extension) {
            return Ok(None);
        }
        let start = self.pos;
        let Some(vendor) = self.bytes.get(start + 1..start + 2).and_then(CpuVendor::from_bytes) else {
            return Ok(None);
        };
        self.pos += 2;
        let digits = self.digits();
        let hs = self.run_of(|byte| byte == b'h');
        // Only a whole part counts, or else the `i` of `_ib` would be Intel.
        if self.peek().is_some_and(|byte| byte != self.extension) {
            self.pos = start;
            return Ok(None);
        }
        let generation = self.cpu_generation(vendor, digits)?;
        let frequency = count_h(hs, 3)?;
        Ok(Some(CpuBrand { vendor, generation, frequency }))
    }

    fn cpu_generation(
        &mut self,
        vendor: CpuVendor,
        digits: Range<usize>,
    ) -> Result<Option<NonZeroU32>, Fault> {
        let number = match value(&self.bytes[digits.clone()]).map(u32::try_from) {
            Some(Ok(number)) => number,
            _ if self.is_open(vendor) => {
                self.note_too_large(Field::CpuGeneration, digits.clone());
                u32::MAX
            }
            _ => return Err(Fault::over(Kind::UnknownGeneration(Brand::Cpu(vendor)), digits)),
        };
        let known = usize::try_from(number).is_ok_and(|index| index < vendor.generations().len());
        if !known && !self.is_open(vendor) {
            return Err(Fault::over(Kind::UnknownGeneration(Brand::Cpu(vendor)), digits));
        }
        Ok(NonZeroU32::new(number))
    }

    /// The text has not yet said which generations of RISC-V there are, so it refuses none.
    fn is_open(&self, vendor: CpuVendor) -> bool {
        self.reading == Reading::Text && vendor == CpuVendor::RiscV
    }

    fn gpu(&mut self) -> Result<Option<Gpu>, Fault> {
        if self.peek() != Some(self.extension) {
            return Ok(None);
        }
        let letter = |at: usize| self.bytes.get(at..=at);
        let Some(kind) = letter(self.pos + 1).and_then(GpuKind::from_bytes) else { return Ok(None) };
        let Some(brand) = letter(self.pos + 2).and_then(GpuBrand::from_bytes) else { return Ok(None) };
        self.pos += 3;

        let generation_run = self.generation_run();
        let generation = self.gpu_generation(brand, generation_run)?;
        let units_at = self.pos;
        let units = self.inner_number(Field::GpuUnits)?;
        let hs = self.run_of(|byte| byte == b'h');
        let frequency_end = hs.end;
        let frequency = count_h(hs, 2)?;
        let vram = self.inner_number(Field::Vram)?;
        let vram_end = self.pos;
        let hs = self.run_of(|byte| byte == b'h');
        let bandwidth = count_h(hs, if self.reading == Reading::Text { 1 } else { 2 })?;

        if self.reading == Reading::Text {
            if units.is_some() && generation.is_none() {
                return Err(Fault::over(Kind::GpuGenerationMissing, units_at..frequency_end));
            }
            if units.is_none() && (frequency > 0 || vram.is_some()) {
                return Err(Fault::over(Kind::GpuUnitsMissing, units_at..vram_end));
            }
        }
        Ok(Some(Gpu { kind, brand, generation, units, frequency, vram, bandwidth }))
    }

    /// The official parser takes everything up to the next inner delimiter or `h` for the generation, even what
    /// follows an extension delimiter (so that `_GNa_ib` fails); the text does not mean that.
    fn generation_run(&mut self) -> Range<usize> {
        let (inner, extension, text) = (self.inner, self.extension, self.reading == Reading::Text);
        self.run_of(|byte| byte != inner && byte != b'h' && !(text && byte == extension))
    }

    fn gpu_generation(
        &self,
        brand: GpuBrand,
        run: Range<usize>,
    ) -> Result<Option<&'static super::GpuGeneration>, Fault> {
        let code = &self.name[run.clone()];
        let lookup = |code: &str| {
            brand.generation(code).filter(|found| self.reading == Reading::Text || !found.text_only)
        };
        if code.is_empty() {
            return Ok(None);
        }
        if let Some(generation) = lookup(code) {
            return Ok(Some(generation));
        }
        match code.split_once(char::from(self.extension)) {
            Some((before, _)) if before.is_empty() || lookup(before).is_some() => {
                Err(Fault::over(Kind::GpuSwallowsNext, run.start + before.len()..run.end))
            }
            _ => Err(Fault::over(Kind::UnknownGeneration(Brand::Gpu(brand)), run)),
        }
    }

    /// `-24`, or nothing at all if no digit follows the delimiter.
    fn inner_number(&mut self, field: Field) -> Result<Option<u64>, Fault> {
        let followed = self.bytes.get(self.pos + 1).is_some_and(u8::is_ascii_digit);
        if self.peek() != Some(self.inner) || !followed {
            return Ok(None);
        }
        self.pos += 1;
        self.positive(field)
    }

    fn positive(&mut self, field: Field) -> Result<Option<u64>, Fault> {
        let digits = self.digits();
        self.positive_of(field, digits)
    }

    fn positive_of(&mut self, field: Field, digits: Range<usize>) -> Result<Option<u64>, Fault> {
        if digits.is_empty() {
            return Ok(None);
        }
        match value(&self.bytes[digits.clone()]) {
            Some(0) => Err(Fault::over(Kind::NotPositive(field), digits)),
            Some(number) => Ok(Some(number)),
            None if digits.len() > MAX_DIGITS => Err(Fault::over(Kind::TooManyDigits(field), digits)),
            None => {
                self.note_too_large(field, digits);
                Ok(Some(u64::MAX))
            }
        }
    }

    fn note_too_large(&mut self, field: Field, run: Range<usize>) {
        self.too_large.get_or_insert(Fault::over(Kind::TooLarge(field), run));
    }

    fn digits(&mut self) -> Range<usize> {
        self.run_of(|byte| byte.is_ascii_digit())
    }

    fn run_of(&mut self, accept: impl Fn(u8) -> bool) -> Range<usize> {
        let start = self.pos;
        while self.bytes.get(self.pos).is_some_and(|&byte| accept(byte)) {
            self.pos += 1;
        }
        start..self.pos
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.pos += usize::from(found);
        found
    }

    fn eat_extension(&mut self, code: &[u8]) -> bool {
        let found = self.peek() == Some(self.extension) && self.bytes[self.pos + 1..].starts_with(code);
        if found {
            self.pos += 1 + code.len();
        }
        found
    }

    /// A fault about the character at the current place, or about the end of the name.
    fn fault_here(&self, kind: Kind) -> Fault {
        let len = self.name[self.pos..].chars().next().map_or(0, char::len_utf8);
        Fault { kind, at: self.pos, len }
    }
}

/// The number that the digits write, if it fits; none of them write 0.
fn value(digits: &[u8]) -> Option<u64> {
    digits
        .iter()
        .try_fold(0_u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

fn count_h(hs: Range<usize>, max: u8) -> Result<u8, Fault> {
    match u8::try_from(hs.len()) {
        Ok(count) if count <= max => Ok(count),
        _ => Err(Fault::over(Kind::TooManyH { max }, hs.start + usize::from(max)..hs.end)),
    }
}
