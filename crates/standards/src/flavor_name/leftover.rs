//! What to say about characters that no part of a name has taken.

use super::error::{Fault, ParseErrorKind as Kind};
use super::parts::{CpuVendor, FlavorName, GpuBrand, GpuKind, Hypervisor, Part, Syntax};

/// Explains why `name` cannot go on at byte `at`, where `at` is a character boundary before its end and `flavor` is
/// what was read so far.
pub(super) fn diagnose(name: &str, at: usize, syntax: Syntax, flavor: &FlavorName) -> Fault {
    let rest = &name[at..];
    let (inner, extension) = (syntax.inner_delimiter(), syntax.extension_delimiter());
    let Some(first) = rest.chars().next() else { return Fault { kind: Kind::ExtraCharacters, at, len: 0 } };
    if first == extension {
        return diagnose_extension(name, at, syntax, flavor);
    }
    let before = name[..at].chars().next_back();
    let kind = match first {
        'u' if flavor.oversubscribed && before == Some('o') => Kind::RamFlagOrder,
        ':' | '_' => Kind::WrongDelimiter,
        '-' if inner != '-' => Kind::WrongDelimiter,
        _ => Kind::ExtraCharacters,
    };
    let len = if kind == Kind::ExtraCharacters { rest.len() } else { first.len_utf8() };
    Fault { kind, at, len }
}

fn diagnose_extension(name: &str, at: usize, syntax: Syntax, flavor: &FlavorName) -> Fault {
    let after = &name[at + 1..];
    let word = after.split(syntax.extension_delimiter()).next().unwrap_or(after);
    let whole = |kind| Fault { kind, at, len: 1 + word.len() };
    if word.is_empty() {
        return whole(Kind::EmptyPart);
    }
    if let Some(part) = part_of(word, syntax) {
        return whole(if has(flavor, part) { Kind::Repeated(part) } else { Kind::OutOfOrder(part) });
    }
    let from = |skip: usize, kind| {
        // At the end of a word, what follows it is at fault.
        let len = after[skip..].chars().next().map_or(0, char::len_utf8);
        Fault { kind, at: at + 1 + skip, len }
    };
    if GpuKind::from_bytes(&word.as_bytes()[..1]).is_some() {
        return from(1, Kind::UnknownGpuBrand);
    }
    // `_i3x`: the vendor is told and so is more, then comes what fits nowhere.
    let read = cpu_brand_len(word);
    if read > 1 { from(read, Kind::ExtraCharacters) } else { whole(Kind::UnknownPart) }
}

fn part_of(word: &str, syntax: Syntax) -> Option<Part> {
    let hypervisor = Hypervisor::from_code(word)
        .filter(|&found| !(syntax == Syntax::V1 && found == Hypervisor::CloudHypervisor));
    let bytes = word.as_bytes();
    match word {
        _ if hypervisor.is_some() => Some(Part::Hypervisor),
        "hwv" => Some(Part::Hwv),
        "ib" => Some(Part::Infiniband),
        _ if cpu_brand_len(word) == word.len() => Some(Part::CpuBrand),
        _ if bytes.len() > 1
            && GpuKind::from_bytes(&bytes[..1]).is_some()
            && GpuBrand::from_bytes(&bytes[1..2]).is_some() =>
        {
            Some(Part::Gpu)
        }
        _ => None,
    }
}

/// How many bytes of `word` read as vendor, generation and frequency.
fn cpu_brand_len(word: &str) -> usize {
    let bytes = word.as_bytes();
    if CpuVendor::from_bytes(&bytes[..1]).is_none() {
        return 0;
    }
    let digits = bytes[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hs = bytes[1 + digits..].iter().take_while(|&&byte| byte == b'h').count();
    1 + digits + hs
}

fn has(flavor: &FlavorName, part: Part) -> bool {
    match part {
        Part::CpuRam => true,
        Part::Disk => flavor.disk.is_some(),
        Part::Hypervisor => flavor.hypervisor.is_some(),
        Part::Hwv => flavor.hwv,
        Part::CpuBrand => flavor.cpu_brand.is_some(),
        Part::Gpu => flavor.gpu.is_some(),
        Part::Infiniband => flavor.infiniband,
    }
}
