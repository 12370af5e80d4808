//! `assay flavor-name`: read, describe, write and translate SCS flavor names.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};

use assay_standards::flavor_name::{
    CpuType, Disk, DiskType, FlavorName, ParseError, Ram, Reading, Syntax, v1_to_v2, v2_to_v1,
};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::args::{Compose, FlavorNames, Listing, NameSyntax};
use crate::failure::Failure;
use crate::human::{bad, columns, dim, good, printable, wrapped};
use crate::output::print;

pub(crate) fn run(arguments: &FlavorNames) -> Result<u8, Failure> {
    match arguments {
        FlavorNames::Parse { names, format } => parse(names, *format),
        FlavorNames::Describe { names } => describe(names),
        FlavorNames::Compose(compose) => self::compose(compose),
        FlavorNames::Convert { names, to } => convert(names, *to),
    }
}

/// One line of JSON per name; the fields are part of the program's interface.
#[derive(Serialize)]
struct Line<'n> {
    name: &'n str,
    kind: &'static str,
    canonical: Option<String>,
    short: Option<String>,
    error: Option<String>,
}

fn parse(names: &[String], format: Listing) -> Result<u8, Failure> {
    let mut errors = false;
    let mut text = String::new();
    let mut one = |name: &str| -> Result<(), Failure> {
        let parsed = FlavorName::parse_tolerant(name);
        errors |= parsed.is_err();
        match format {
            Listing::Json => {
                let line = line(name, &parsed);
                let json = serde_json::to_string(&line)
                    .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))?;
                text.push_str(&json);
                text.push('\n');
            }
            Listing::Human => text.push_str(&for_people(name, &parsed)),
        }
        // Long lists are written piece by piece, so that memory and the reader's patience are spared.
        if text.len() > 1 << 16 {
            print(&text)?;
            text.clear();
        }
        Ok(())
    };
    if names == ["-"] {
        let mut stdin = BufReader::new(std::io::stdin().lock());
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = stdin
                .read_until(b'\n', &mut bytes)
                .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}"), ""))?;
            if read == 0 {
                break;
            }
            if bytes.last() == Some(&b'\n') {
                bytes.pop();
            }
            one(&String::from_utf8_lossy(&bytes))?;
        }
    } else {
        for name in names {
            one(name)?;
        }
    }
    print(&text)?;
    Ok(u8::from(errors))
}

type Parsed = Result<Option<(FlavorName, Syntax)>, ParseError>;

fn line<'n>(name: &'n str, parsed: &Parsed) -> Line<'n> {
    let empty = Line { name, kind: "foreign", canonical: None, short: None, error: None };
    match parsed {
        Ok(None) => empty,
        Ok(Some((flavor, _))) => {
            Line { kind: "ok", canonical: Some(flavor.to_string()), short: Some(flavor.short()), ..empty }
        }
        Err(error) => Line { kind: "error", error: Some(error.to_string()), ..empty },
    }
}

fn for_people(name: &str, parsed: &Parsed) -> String {
    let shown = printable(name);
    match parsed {
        Ok(None) => format!("{shown}: {}\n", dim("no SCS name, so it may be anything")),
        Ok(Some((flavor, syntax))) => {
            let mut line = format!("{shown}: {}", good("ok"));
            let canonical = flavor.to_string();
            if canonical != name {
                let _ = write!(line, ", canonically {canonical}");
            }
            if flavor.short() != canonical {
                let _ = write!(line, ", short {}", flavor.short());
            }
            if *syntax == Syntax::V1 {
                let _ = write!(line, " {}", dim("(v1, tolerated by the reference suite alone)"));
            }
            line.push('\n');
            line
        }
        Err(error) => {
            let before = error.name().get(..error.at()).unwrap_or_default();
            let (gap, width) = (printable(before).width(), printable(error.found()).width().max(1));
            let arrow = format!("{}{}", " ".repeat(gap), "^".repeat(width));
            let expectation = wrapped(&error.expectation(), columns(), "    ", "    ");
            format!("{shown}: {}\n    {shown}\n    {}\n{expectation}\n", bad("not valid"), bad(arrow))
        }
    }
}

fn describe(names: &[String]) -> Result<u8, Failure> {
    let mut text = String::new();
    let mut errors = false;
    for name in names {
        let parsed = FlavorName::parse_tolerant(name);
        errors |= parsed.is_err();
        match &parsed {
            Ok(Some((flavor, _))) => {
                let _ = writeln!(text, "{}: {}", printable(name), flavor.describe());
            }
            other => text.push_str(&for_people(name, other)),
        }
    }
    print(&text)?;
    Ok(u8::from(errors))
}

fn convert(names: &[String], to: NameSyntax) -> Result<u8, Failure> {
    let mut text = String::new();
    let mut errors = false;
    for name in names {
        let parsed = FlavorName::parse_tolerant(name);
        errors |= parsed.is_err();
        match (&parsed, to) {
            (Ok(Some((_, Syntax::V1))), NameSyntax::V2) => text.push_str(&v1_to_v2(name)),
            (Ok(Some((_, Syntax::V2))), NameSyntax::V1) => text.push_str(&v2_to_v1(name)),
            (Ok(Some(_)), _) => text.push_str(name),
            (other, _) => {
                text.push_str(&for_people(name, other));
                continue;
            }
        }
        text.push('\n');
    }
    print(&text)?;
    Ok(u8::from(errors))
}

fn compose(arguments: &Compose) -> Result<u8, Failure> {
    let cpu_type = CpuType::from_code(&arguments.cpu_type)
        .or_else(|| CpuType::from_extra_spec(&arguments.cpu_type))
        .ok_or_else(|| {
            Failure::usage(
                format!("there is no CPU type {}", arguments.cpu_type),
                "take L (crowded-core), V (shared-core), T (dedicated-thread) or C (dedicated-core)",
            )
        })?;
    let ram = Ram::from_gib(arguments.ram).ok_or_else(|| {
        Failure::usage(
            format!("{} GiB of RAM cannot be written", arguments.ram),
            "take a positive multiple of 0.5",
        )
    })?;
    let disk_type = match &arguments.disk_type {
        None => None,
        Some(word) => {
            Some(DiskType::from_code(word).or_else(|| DiskType::from_extra_spec(word)).ok_or_else(|| {
                Failure::usage(
                    format!("there is no disk type {word}"),
                    "take n (network), h (hdd), s (ssd) or p (nvme)",
                )
            })?)
        }
    };
    let mut name = FlavorName::new(arguments.vcpus, cpu_type, ram);
    name.insecure = arguments.insecure;
    name.no_ecc = arguments.no_ecc;
    name.oversubscribed = arguments.oversubscribed;
    name.disk = arguments.disk.map(|size| Disk {
        count: arguments.disks,
        size: Some(size).filter(|size| *size > 0),
        disk_type,
    });
    if let Some(extensions) = &arguments.extensions {
        let extended = format!("{name}_{}", extensions.trim_start_matches('_'));
        name = FlavorName::parse(&extended)
            .map_err(|error| Failure { code: 2, report: miette::Report::new(error) })?
            .unwrap_or(name);
    }
    let text = name
        .compose(Reading::Official)
        .map_err(|error| Failure::usage(error, "`assay flavor-name describe` shows what a name says"))?;
    print(&format!("{text}\n"))?;
    Ok(0)
}
