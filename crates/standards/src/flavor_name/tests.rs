//! What the official parser takes and refuses, and where the text differs.

use std::num::NonZeroU32;

use super::*;

/// The testcase's strategy.
fn tolerant(name: &str) -> (FlavorName, Syntax) {
    match FlavorName::parse_tolerant(name) {
        Ok(Some(read)) => read,
        other => panic!("{name}: {other:?}"),
    }
}

fn parse(name: &str) -> FlavorName {
    tolerant(name).0
}

fn error(name: &str) -> ParseError {
    match FlavorName::parse_tolerant(name) {
        Err(error) => error,
        Ok(other) => panic!("{name} reads as {other:?}"),
    }
}

#[test]
fn canonical_and_short_forms() {
    // name, canonical form, short form
    let vectors = [
        ("SCS-2C-4-10n", "SCS-2C-4-10n", "SCS-2C-4-10n"),
        ("SCS-2C-4-", "SCS-2C-4-", "SCS-2C-4-"),
        ("SCS-2C-4", "SCS-2C-4", "SCS-2C-4"),
        ("SCS-2C-4-n", "SCS-2C-4-n", "SCS-2C-4-n"),
        ("SCS-2C-4-3x", "SCS-2C-4-3x", "SCS-2C-4-3x"),
        ("SCS-2C-4-3xs", "SCS-2C-4-3xs", "SCS-2C-4-3xs"),
        ("SCS-2C-4-x10", "SCS-2C-4-10", "SCS-2C-4-10"),
        ("SCS-2C-4-1x10", "SCS-2C-4-10", "SCS-2C-4-10"),
        ("SCS-2C-4-010", "SCS-2C-4-10", "SCS-2C-4-10"),
        ("SCS-2C-4-10x20s", "SCS-2C-4-10x20s", "SCS-2C-4-10x20s"),
        ("SCS-02C-4", "SCS-2C-4", "SCS-2C-4"),
        ("SCS-2C-04", "SCS-2C-4", "SCS-2C-4"),
        ("SCS-2C-4.0", "SCS-2C-4", "SCS-2C-4"),
        ("SCS-2C-4.", "SCS-2C-4", "SCS-2C-4"),
        ("SCS-2C-.5", "SCS-2C-0.5", "SCS-2C-0.5"),
        ("SCS-2C-4.5", "SCS-2C-4.5", "SCS-2C-4.5"),
        ("SCS-1V-12.5", "SCS-1V-12.5", "SCS-1V-12.5"),
        ("SCS-1V-0.5", "SCS-1V-0.5", "SCS-1V-0.5"),
        ("SCS-2C-4uo", "SCS-2C-4uo", "SCS-2C-4uo"),
        ("SCS-2Ti-4", "SCS-2Ti-4", "SCS-2Ti-4"),
        ("SCS-2C-4_bms_z3", "SCS-2C-4_bms_z3", "SCS-2C-4"),
        ("SCS-2C-4-_bms_z3h_GNa-64_ib", "SCS-2C-4-_bms_z3h_GNa-64_ib", "SCS-2C-4-_GNa-64_ib"),
        ("SCS-2C-4_xen_hwv", "SCS-2C-4_xen_hwv", "SCS-2C-4"),
        ("SCS-2C-4_chy", "SCS-2C-4_chy", "SCS-2C-4"),
        ("SCS-2C-4_i0", "SCS-2C-4_i", "SCS-2C-4"),
        ("SCS-2C-4_i03", "SCS-2C-4_i3", "SCS-2C-4"),
        ("SCS-2C-4_ih", "SCS-2C-4_ih", "SCS-2C-4"),
        ("SCS-2C-4_ib", "SCS-2C-4_ib", "SCS-2C-4_ib"),
        ("SCS-2C-4_i_ib", "SCS-2C-4_i_ib", "SCS-2C-4_ib"),
        ("SCS-2C-4_a5", "SCS-2C-4_a5", "SCS-2C-4_a"),
        ("SCS-2C-4_z6", "SCS-2C-4_z6", "SCS-2C-4"),
        ("SCS-2C-4_r0", "SCS-2C-4_r", "SCS-2C-4_r"),
        ("SCS-2C-4_GN", "SCS-2C-4_GN", "SCS-2C-4_GN"),
        ("SCS-2C-4_GNa", "SCS-2C-4_GNa", "SCS-2C-4_GNa"),
        ("SCS-2C-4_gIh", "SCS-2C-4_gIh", "SCS-2C-4_gI"),
        ("SCS-2C-4_GA0.4-8", "SCS-2C-4_GA0.4-8", "SCS-2C-4_GA0.4-8"),
        ("SCS-2C-4_GA3.1-96-48", "SCS-2C-4_GA3.1-96-48", "SCS-2C-4_GA3.1-96-48"),
        ("SCS-2C-4_GA5.1", "SCS-2C-4_GA5.1", "SCS-2C-4_GA5.1"),
        ("SCS-2C-4_GI0.95", "SCS-2C-4_GI0.95", "SCS-2C-4_GI0.95"),
        ("SCS-2C-4_GNah_ib", "SCS-2C-4_GNah_ib", "SCS-2C-4_GNa_ib"),
        ("SCS-2C-4_GNah-24_ib", "SCS-2C-4_GNah-24_ib", "SCS-2C-4_GNa-24_ib"),
        ("SCS-2C-4_GNa-14hh-6hh", "SCS-2C-4_GNa-14hh-6hh", "SCS-2C-4_GNa-14-6"),
        ("SCS-2C-4_GNa-014", "SCS-2C-4_GNa-14", "SCS-2C-4_GNa-14"),
        (
            "SCS-16T-64-3x10s_bms_hwv_i3h_GNa-64_ib",
            "SCS-16T-64-3x10s_bms_hwv_i3h_GNa-64_ib",
            "SCS-16T-64-3x10s_GNa-64_ib",
        ),
    ];
    for (name, canonical, short) in vectors {
        let (flavor, syntax) = tolerant(name);
        assert_eq!((flavor.to_string().as_str(), flavor.short().as_str()), (canonical, short), "{name}");
        assert_eq!(syntax, Syntax::V2, "{name}");
    }
}

#[test]
fn v1_names_are_tolerated() {
    let vectors = [
        (
            "SCS-2C:4:10n-bms-z3h-GNa:64:24-ib",
            "SCS-2C-4-10n_bms_z3h_GNa-64-24_ib",
            "SCS-2C-4-10n_GNa-64-24_ib",
        ),
        ("SCS-2C:4:-ib", "SCS-2C-4-_ib", "SCS-2C-4-_ib"),
        ("SCS-2C:4", "SCS-2C-4", "SCS-2C-4"),
    ];
    for (name, canonical, short) in vectors {
        let (flavor, syntax) = tolerant(name);
        assert_eq!((flavor.to_string().as_str(), flavor.short().as_str()), (canonical, short), "{name}");
        assert_eq!(syntax, Syntax::V1, "{name}");
        assert_eq!(flavor.to_v1(), name);
        assert_eq!(FlavorName::parse_v1(name), Ok(Some(flavor)));
        assert!(FlavorName::parse(name).is_err(), "{name}");
        assert!(FlavorName::parse_text(name).is_err(), "{name}");
    }
}

#[test]
fn refused_names_and_where_they_go_wrong() {
    use ParseErrorKind as Kind;
    let intel = Kind::UnknownGeneration(Brand::Cpu(CpuVendor::Intel));
    let nvidia = Kind::UnknownGeneration(Brand::Gpu(GpuBrand::Nvidia));
    let amd = Kind::UnknownGeneration(Brand::Gpu(GpuBrand::Amd));
    // name, kind, offset, characters at fault
    let vectors = [
        ("SCS-", Kind::MissingNumber(Field::Cpus), 4, ""),
        ("SCS-2", Kind::CpuType, 5, ""),
        ("SCS-2C", Kind::RamDelimiter, 6, ""),
        ("SCS-2C4", Kind::RamDelimiter, 6, "4"),
        ("SCS-2C-4-0", Kind::NotPositive(Field::DiskSize), 9, "0"),
        ("SCS-2C-4-0x10", Kind::NotPositive(Field::DiskCount), 9, "0"),
        ("SCS-2C-4-1.5n", Kind::ExtraCharacters, 10, ".5n"),
        ("SCS-0C-4", Kind::NotPositive(Field::Cpus), 4, "0"),
        ("SCS-C-4", Kind::MissingNumber(Field::Cpus), 4, "C"),
        ("SCS-2C-", Kind::MissingNumber(Field::Ram), 7, ""),
        ("SCS-2C-0", Kind::NotPositive(Field::Ram), 7, "0"),
        ("SCS-2C-0.0", Kind::NotPositive(Field::Ram), 7, "0.0"),
        ("SCS-2C-4.25", Kind::NotHalfGib, 7, "4.25"),
        ("SCS-2C-1.2.3", Kind::NotANumber, 10, ".3"),
        ("SCS-2C-.", Kind::NotANumber, 7, "."),
        ("SCS-2C-4ou", Kind::RamFlagOrder, 9, "u"),
        ("SCS-2iT-4", Kind::CpuType, 5, "i"),
        ("SCS-2c-4", Kind::CpuType, 5, "c"),
        ("SCS-2C-4-n_bms_3", Kind::UnknownPart, 14, "_3"),
        ("SCS-2C-4_hwv_xen", Kind::OutOfOrder(Part::Hypervisor), 12, "_xen"),
        ("SCS-2C-4_kvm_xen", Kind::Repeated(Part::Hypervisor), 12, "_xen"),
        ("SCS-2C-4_KVM", Kind::UnknownPart, 8, "_KVM"),
        ("SCS-2C:4:10n-chy", Kind::WrongDelimiter, 6, ":"),
        ("SCS-2C-4_ihhhh", Kind::TooManyH { max: 3 }, 13, "h"),
        ("SCS-2C-4_i7", intel, 10, "7"),
        ("SCS-2C-4_i99999999999999999999", intel, 10, "99999999999999999999"),
        ("SCS-2C-4_i3x", Kind::ExtraCharacters, 11, "x"),
        ("SCS-2C-4_ia", Kind::UnknownPart, 8, "_ia"),
        ("SCS-2C-4_a6", Kind::UnknownGeneration(Brand::Cpu(CpuVendor::Arm)), 10, "6"),
        ("SCS-2C-4_r1", Kind::UnknownGeneration(Brand::Cpu(CpuVendor::RiscV)), 10, "1"),
        ("SCS-2C-4_GA5", amd, 11, "5"),
        ("SCS-2C-4_GNx-132", nvidia, 11, "x"),
        ("SCS-2C-4_GN0.4", nvidia, 11, "0.4"),
        ("SCS-2C-4_GX", Kind::UnknownGpuBrand, 10, "X"),
        ("SCS-2C-4_G", Kind::UnknownGpuBrand, 10, ""),
        ("SCS-2C-4_G_", Kind::UnknownGpuBrand, 10, "_"),
        ("SCS-2C-4_GNa-0", Kind::NotPositive(Field::GpuUnits), 13, "0"),
        ("SCS-2C-4_GNa-14-0", Kind::NotPositive(Field::Vram), 16, "0"),
        ("SCS-2C-4_GNa-14hhh-6hh", Kind::TooManyH { max: 2 }, 17, "h"),
        ("SCS-2C-4_GNa-14-6hhh", Kind::TooManyH { max: 2 }, 19, "h"),
        ("SCS-2C-4_GNa-14-6-3", Kind::ExtraCharacters, 17, "-3"),
        ("SCS-2C-4_GNa-h", Kind::ExtraCharacters, 12, "-h"),
        ("SCS-2C-4_GNa_ib", Kind::GpuSwallowsNext, 12, "_ib"),
        ("SCS-2C-4_GN_ib", Kind::GpuSwallowsNext, 11, "_ib"),
        ("SCS-2C:4-10", Kind::WrongDelimiter, 6, ":"),
        ("SCS-2C-4:10", Kind::WrongDelimiter, 8, ":"),
        ("SCS-2C-4-10n_", Kind::EmptyPart, 12, "_"),
        ("SCS-2V-4__ib", Kind::EmptyPart, 8, "_"),
        ("SCS-2V-4-10-20", Kind::ExtraCharacters, 11, "-20"),
        ("SCS-4V-16-100s_ib_i", Kind::OutOfOrder(Part::CpuBrand), 17, "_i"),
        ("SCS-2V-4-10_i_z", Kind::Repeated(Part::CpuBrand), 13, "_z"),
        ("SCS-2V-4_ib_GNa", Kind::OutOfOrder(Part::Gpu), 11, "_GNa"),
        ("SCS-2V-4\n", Kind::ExtraCharacters, 8, "\n"),
        ("SCS-２V-4", Kind::MissingNumber(Field::Cpus), 4, "２"),
        ("SCS-2C-4\u{663}", Kind::ExtraCharacters, 8, "\u{663}"),
    ];
    for (name, kind, at, found) in vectors {
        let error = error(name);
        assert_eq!((error.kind(), error.at(), error.found()), (kind, at, found), "{name}");
        assert_eq!(error.kind().official_outcome(), OfficialOutcome::Fails, "{name}");
        assert_eq!(error.name(), name);
    }
}

#[test]
fn faults_of_v1_names_point_into_the_name_as_given() {
    use ParseErrorKind as Kind;
    let vectors = [
        ("SCS-2C:4:10n-chy", Kind::UnknownPart, 12, "-chy"),
        ("SCS-2C-4", Kind::WrongDelimiter, 6, "-"),
        ("SCS-2C:4_kvm", Kind::WrongDelimiter, 8, "_"),
        ("SCS-2C:4-10", Kind::UnknownPart, 8, "-10"),
        ("SCS-2C:4-GNa-ib", Kind::GpuSwallowsNext, 12, "-ib"),
    ];
    for (name, kind, at, found) in vectors {
        let error = FlavorName::parse_v1(name).unwrap_err();
        assert_eq!((error.kind(), error.at(), error.found()), (kind, at, found), "{name}");
        assert_eq!(error.syntax(), Syntax::V1);
    }
}

#[test]
fn other_names_are_free() {
    for name in ["scs-2C-4", "SCS_2C-4", "", "SCS", "m1.large", "xSCS-2C-4"] {
        assert_eq!(FlavorName::parse_tolerant(name), Ok(None), "{name}");
        assert_eq!(FlavorName::parse(name), Ok(None), "{name}");
        assert_eq!(FlavorName::parse_v1(name), Ok(None), "{name}");
        assert_eq!(FlavorName::parse_text(name), Ok(None), "{name}");
    }
}

#[test]
fn ram_beyond_a_double_makes_the_official_testcase_abort() {
    let digits = "9".repeat(310);
    for name in [
        format!("SCS-2C-{digits}"),
        format!("SCS-2C:{digits}"),
        // The testcase breaks down before it sees what follows.
        format!("SCS-2C-{digits}_nonsense"),
    ] {
        let error = error(&name);
        assert_eq!(error.kind(), ParseErrorKind::RamOverflow, "{name}");
        assert_eq!(error.kind().official_outcome(), OfficialOutcome::Aborts);
        assert_eq!((error.at(), error.found()), (7, digits.as_str()));
    }
    // It does not get as far as the RAM.
    let error = error(&format!("SCS-0C-{digits}"));
    assert_eq!(error.kind().official_outcome(), OfficialOutcome::Fails);
}

#[test]
fn numbers_without_bounds_pass_officially_unless_something_else_is_wrong() {
    let huge = "9".repeat(30);
    for (name, field) in [
        (format!("SCS-{huge}C-4"), Field::Cpus),
        (format!("SCS-{huge}C:4"), Field::Cpus),
        (format!("SCS-2C-{huge}"), Field::Ram),
        (format!("SCS-2C-4-{huge}x10s"), Field::DiskCount),
        (format!("SCS-2C-4-{huge}"), Field::DiskSize),
        (format!("SCS-2C-4_GNa-{huge}-6"), Field::GpuUnits),
        (format!("SCS-2C-4_GNa-14-{huge}_ib"), Field::Vram),
    ] {
        let error = error(&name);
        assert_eq!(error.kind(), ParseErrorKind::TooLarge(field), "{name}");
        assert_eq!(error.kind().official_outcome(), OfficialOutcome::Passes);
        assert_eq!(error.found(), huge);
    }
    assert_eq!(error(&format!("SCS-2C-4-{huge}_")).kind(), ParseErrorKind::EmptyPart);
    let endless = format!("SCS-{}C-4", "9".repeat(4301));
    assert_eq!(error(&endless).kind(), ParseErrorKind::TooManyDigits(Field::Cpus));
    assert_eq!(parse("SCS-18446744073709551615C-4").cpus, u64::MAX);
}

#[test]
fn ram_is_exact() {
    for (name, halves) in [
        ("SCS-1V-0.5", 1),
        ("SCS-1V-4.50", 9),
        ("SCS-1V-004.0", 8),
        ("SCS-1V-5000000000", 10_000_000_000),
        // Too fine for a double to tell from 4, so the official parser takes it.
        ("SCS-1V-4.00000000000000000001", 8),
    ] {
        assert_eq!(parse(name).ram.half_gib(), halves, "{name}");
    }
    assert!((parse("SCS-1V-12.5").ram_gib() - 12.5).abs() < f64::EPSILON);
    assert_eq!(Ram::from_gib(0.25), None);
    assert_eq!(Ram::from_gib(f64::NAN), None);
    assert_eq!(Ram::from_gib(-1.0), None);
    assert_eq!(Ram::from_gib(1e300), None);
    assert_eq!(Ram::from_whole_gib(u64::MAX), None);
}

#[test]
fn a_name_is_taken_apart() {
    let flavor = parse("SCS-16Ti-64uo-3x10s_bms_hwv_i3h_gNa-64hh-24h_ib");
    let expected = FlavorName {
        cpus: 16,
        cpu_type: CpuType::DedicatedThread,
        insecure: true,
        ram: Ram::from_half_gib(128),
        no_ecc: true,
        oversubscribed: true,
        disk: Some(Disk { count: 3, size: Some(10), disk_type: Some(DiskType::Ssd) }),
        hypervisor: Some(Hypervisor::BareMetal),
        hwv: true,
        cpu_brand: Some(CpuBrand { vendor: CpuVendor::Intel, generation: NonZeroU32::new(3), frequency: 1 }),
        gpu: Some(Gpu {
            kind: GpuKind::Virtual,
            brand: GpuBrand::Nvidia,
            generation: GpuBrand::Nvidia.generation("a"),
            units: Some(64),
            frequency: 2,
            vram: Some(24),
            bandwidth: 1,
        }),
        infiniband: true,
    };
    assert_eq!(flavor, expected);
}

#[test]
fn names_that_mean_the_same_are_equal() {
    for (left, right) in [
        ("SCS-2C-04", "SCS-2C-4"),
        ("SCS-2C-4_i0", "SCS-2C-4_i"),
        ("SCS-2C-4-1x10", "SCS-2C-4-10"),
        ("SCS-2C:4:10n-kvm", "SCS-2C-4-10n_kvm"),
    ] {
        assert_eq!(parse(left), parse(right));
    }
    assert_ne!(parse("SCS-2C-4-"), parse("SCS-2C-4"));
}

#[test]
fn where_the_text_is_wider() {
    for name in [
        "SCS-2C-4_GNa_ib",
        "SCS-2C-4_GN_ib",
        "SCS-2C-4_GA5",
        "SCS-2C-4_GA5-64-32h",
        "SCS-2C-4_r1",
        "SCS-2C-4_r17hh",
    ] {
        let flavor = FlavorName::parse_text(name).unwrap().unwrap();
        assert_eq!(flavor.to_string(), name);
        assert!(FlavorName::parse_tolerant(name).is_err(), "{name}");
    }
}

#[test]
fn where_the_text_is_narrower() {
    use ParseErrorKind as Kind;
    let vectors = [
        ("SCS-2C-4_GNa-14-6hh", Kind::TooManyH { max: 1 }, "h"),
        ("SCS-2C-4_GNah-24", Kind::GpuUnitsMissing, "h-24"),
        ("SCS-2C-4_GNah_ib", Kind::GpuUnitsMissing, "h"),
        ("SCS-2C-4_GN-64", Kind::GpuGenerationMissing, "-64"),
        ("SCS-1V-12.5", Kind::HalfGibFromTen, "12.5"),
        ("SCS-2C:4", Kind::WrongDelimiter, ":"),
        ("SCS-2C-4_GNa-14_iib", Kind::UnknownPart, "_iib"),
    ];
    for (name, kind, found) in vectors {
        let error = FlavorName::parse_text(name).unwrap_err();
        assert_eq!((error.kind(), error.found()), (kind, found), "{name}");
    }
    assert!(FlavorName::parse_text("SCS-1V-9.5").is_ok());
}

#[test]
fn both_readings_take_the_standard_flavors() {
    // The names of the mandatory and recommended flavors of scs-0103-v1 with their v1 aliases.
    let names = [
        ("SCS-1V-4", "SCS-1V:4"),
        ("SCS-2V-8", "SCS-2V:8"),
        ("SCS-4V-16", "SCS-4V:16"),
        ("SCS-8V-32", "SCS-8V:32"),
        ("SCS-1V-2", "SCS-1V:2"),
        ("SCS-2V-4", "SCS-2V:4"),
        ("SCS-4V-8", "SCS-4V:8"),
        ("SCS-8V-16", "SCS-8V:16"),
        ("SCS-16V-32", "SCS-16V:32"),
        ("SCS-1V-8", "SCS-1V:8"),
        ("SCS-2V-16", "SCS-2V:16"),
        ("SCS-4V-32", "SCS-4V:32"),
        ("SCS-1L-1", "SCS-1L:1"),
        ("SCS-2V-4-20s", "SCS-2V:4:20s"),
        ("SCS-4V-16-100s", "SCS-4V:16:100s"),
        ("SCS-1V-4-10", "SCS-1V:4:10"),
        ("SCS-2V-8-20", "SCS-2V:8:20"),
        ("SCS-4V-16-50", "SCS-4V:16:50"),
        ("SCS-8V-32-100", "SCS-8V:32:100"),
        ("SCS-1V-2-5", "SCS-1V:2:5"),
        ("SCS-2V-4-10", "SCS-2V:4:10"),
        ("SCS-4V-8-20", "SCS-4V:8:20"),
        ("SCS-8V-16-50", "SCS-8V:16:50"),
        ("SCS-16V-32-100", "SCS-16V:32:100"),
        ("SCS-1V-8-20", "SCS-1V:8:20"),
        ("SCS-2V-16-50", "SCS-2V:16:50"),
        ("SCS-4V-32-100", "SCS-4V:32:100"),
        ("SCS-1L-1-5", "SCS-1L:1:5"),
        ("SCS-16V-64", "SCS-16V:64"),
        ("SCS-8V-64", "SCS-8V:64"),
        ("SCS-16V-128", "SCS-16V:128"),
    ];
    for (name, v1) in names {
        let flavor = parse(name);
        assert_eq!(flavor.to_string(), name);
        assert_eq!(FlavorName::parse_text(name), Ok(Some(flavor)));
        assert_eq!(tolerant(v1), (flavor, Syntax::V1));
        let map = attributes(&[flavor]).unwrap();
        assert_eq!(map.names, [v1, name]);
    }
}

#[test]
fn both_readings_take_the_common_gpus() {
    let gpus = [
        "GNa-72-24",
        "GNa-84-48",
        "GNa-56-24",
        "GNa-28-12",
        "GNa-14-6",
        "GNa-56h-24h",
        "GNa-108h-80h",
        "GNa-54h-40h",
        "GNa-108-80h",
        "GNl-58-24",
        "GNl-142-48",
        "GNl-142h-48",
        "GNl-142hh-48",
        "GNl-22-16",
        "GNg-132-80h",
        "GNg-132-141h",
        "GNb-160-192h",
        "GNb-44-45h",
        "GNu-160-288h",
        "GNb-188-96",
        "GA2-104-64h",
        "GA2-208-128h",
        "GA3-304-192h",
        "GA4-256h-288h",
        "GA3.1-96-48",
        "GA4.1-64-32",
        "GI3-56-48h",
        "GI3-128-128h",
        "GI4-128-16",
        "GI4-256-32",
    ];
    for gpu in gpus {
        let name = format!("SCS-16C-64_{gpu}_ib");
        let flavor = parse(&name);
        assert_eq!(flavor.to_string(), name);
        assert_eq!(FlavorName::parse_text(&name), Ok(Some(flavor)));
    }
}

#[test]
fn architecture_follows_the_vendor() {
    let architecture = |name| parse(name).architecture();
    assert_eq!(architecture("SCS-2C-4"), Some("x86_64"));
    assert_eq!(architecture("SCS-2C-4_z2"), Some("x86_64"));
    assert_eq!(architecture("SCS-2C-4_a2"), Some("aarch64"));
    assert_eq!(architecture("SCS-2C-4_r"), None);
}

#[test]
fn translation_goes_by_character() {
    assert_eq!(v1_to_v2("SCS-2C:4:10n-bms-ib"), "SCS-2C-4-10n_bms_ib");
    assert_eq!(v2_to_v1("SCS-2C-4-10n_bms_ib"), "SCS-2C:4:10n-bms-ib");
}

#[test]
fn codes_and_extra_specs_lead_back() {
    for &cpu_type in CpuType::ALL {
        assert_eq!(CpuType::from_code(cpu_type.code()), Some(cpu_type));
        assert_eq!(CpuType::from_extra_spec(cpu_type.extra_spec()), Some(cpu_type));
    }
    for &disk_type in DiskType::ALL {
        assert_eq!(DiskType::from_code(disk_type.code()), Some(disk_type));
        assert_eq!(DiskType::from_extra_spec(disk_type.extra_spec()), Some(disk_type));
    }
    assert_eq!(Hypervisor::from_code("KVM"), None);
}
