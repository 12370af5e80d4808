//! Laws that hold for all names.

use std::num::NonZeroU32;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn any_disk() -> impl Strategy<Value = Disk> {
    (1_u64..20, option::of(1_u64..5000), option::of(select(DiskType::ALL)))
        .prop_map(|(count, size, disk_type)| Disk { count, size, disk_type })
}

fn any_cpu_brand() -> impl Strategy<Value = CpuBrand> {
    (select(CpuVendor::ALL), 0_u32..9, 0_u8..5).prop_map(|(vendor, generation, frequency)| CpuBrand {
        vendor,
        generation: NonZeroU32::new(generation),
        frequency,
    })
}

fn any_gpu() -> impl Strategy<Value = Gpu> {
    let model = select(GpuBrand::ALL).prop_flat_map(|brand| {
        (Just(brand), option::of(select(brand.generations().iter().collect::<Vec<_>>())))
    });
    (select(GpuKind::ALL), model, option::of(1_u64..300), 0_u8..4, option::of(1_u64..300), 0_u8..4).prop_map(
        |(kind, (brand, generation), units, frequency, vram, bandwidth)| Gpu {
            kind,
            brand,
            generation,
            units,
            frequency,
            vram,
            bandwidth,
        },
    )
}

/// Mostly, but not always, parts that make a valid name.
fn any_flavor() -> impl Strategy<Value = FlavorName> {
    let main = (1_u64..200, select(CpuType::ALL), any::<[bool; 5]>(), 1_u64..4000);
    let extensions = (
        option::of(any_disk()),
        option::of(select(Hypervisor::ALL)),
        option::of(any_cpu_brand()),
        option::of(any_gpu()),
    );
    (main, extensions).prop_map(
        |((cpus, cpu_type, [insecure, no_ecc, oversubscribed, hwv, infiniband], ram), rest)| {
            let (disk, hypervisor, cpu_brand, gpu) = rest;
            FlavorName {
                cpus,
                cpu_type,
                insecure,
                ram: Ram::from_half_gib(ram),
                no_ecc,
                oversubscribed,
                disk,
                hypervisor,
                hwv,
                cpu_brand,
                gpu,
                infiniband,
            }
        },
    )
}

fn is_official(flavor: &FlavorName) -> bool {
    flavor.cpu_brand.is_none_or(|brand| is_in_table(brand) && brand.frequency <= 3)
        && flavor.gpu.is_none_or(|gpu| {
            let told = gpu.units.is_some() || gpu.frequency > 0;
            gpu.generation.is_none_or(|generation| !generation.text_only)
                && gpu.frequency <= 2
                && gpu.bandwidth <= if gpu.vram.is_some() { 2 } else { 0 }
                && (told || gpu.vram.is_none() && !flavor.infiniband)
        })
}

fn is_by_the_text(flavor: &FlavorName) -> bool {
    (flavor.ram.is_whole() || flavor.ram_gib() < 10.0)
        && flavor.cpu_brand.is_none_or(|brand| {
            (brand.vendor == CpuVendor::RiscV || is_in_table(brand)) && brand.frequency <= 3
        })
        && flavor.gpu.is_none_or(|gpu| {
            let model = match gpu.units {
                Some(_) => gpu.generation.is_some() && gpu.frequency <= 2,
                None => gpu.frequency == 0 && gpu.vram.is_none(),
            };
            model && gpu.bandwidth <= u8::from(gpu.vram.is_some())
        })
}

fn is_in_table(brand: CpuBrand) -> bool {
    (brand.generation.map_or(0, NonZeroU32::get) as usize) < brand.vendor.generations().len()
}

/// Strings that come close to flavor names.
fn near_name() -> impl Strategy<Value = String> {
    let pieces = vec![
        "-",
        "_",
        ":",
        "x",
        "h",
        "hh",
        "i",
        "u",
        "o",
        "L",
        "V",
        "T",
        "C",
        "2",
        "0",
        "10",
        ".5",
        "n",
        "s",
        "kvm",
        "chy",
        "hwv",
        "ib",
        "z",
        "a",
        "r",
        "G",
        "g",
        "N",
        "A",
        "I",
        "3.1",
        "GNa",
        "ä",
        "\u{1F600}",
        " ",
        "\n",
    ];
    let near = vec(select(pieces), 0..12).prop_map(|pieces| format!("SCS-2V-4{}", pieces.concat()));
    prop_oneof![near, "SCS-[0-9]{0,3}[LVTCi]{0,2}[-:_]?[0-9.]{0,4}\\PC{0,12}", "\\PC{0,40}", "SCS-\\PC{0,20}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_read_back_exactly_if_their_parts_are_within_the_rules(flavor in any_flavor()) {
        let name = flavor.to_string();
        prop_assert_eq!(FlavorName::parse(&name) == Ok(Some(flavor)), is_official(&flavor), "{}", name);
        prop_assert_eq!(FlavorName::parse_text(&name) == Ok(Some(flavor)), is_by_the_text(&flavor), "{}", name);
        prop_assert_eq!(flavor.compose(Reading::Official).ok(), is_official(&flavor).then(|| name.clone()));
        prop_assert_eq!(flavor.compose(Reading::Text).ok(), is_by_the_text(&flavor).then_some(name));
    }

    #[test]
    fn canonical_form_is_a_fixed_point(name in near_name()) {
        if let Ok(Some((flavor, _))) = FlavorName::parse_tolerant(&name) {
            let canonical = flavor.to_string();
            prop_assert_eq!(FlavorName::parse(&canonical), Ok(Some(flavor)));
        }
    }

    #[test]
    fn v1_and_v2_lead_to_each_other(flavor in any_flavor()) {
        let v2 = flavor.to_string();
        prop_assert_eq!(v1_to_v2(&flavor.to_v1()), v2);
        if flavor.validate().is_ok() && flavor.hypervisor != Some(Hypervisor::CloudHypervisor) {
            prop_assert_eq!(FlavorName::parse_v1(&flavor.to_v1()), Ok(Some(flavor)));
        }
    }

    #[test]
    fn faults_lie_on_character_boundaries(name in near_name()) {
        let readings = [
            FlavorName::parse(&name).err(),
            FlavorName::parse_v1(&name).err(),
            FlavorName::parse_text(&name).err(),
            FlavorName::parse_tolerant(&name).err(),
        ];
        for error in readings.into_iter().flatten() {
            prop_assert!(name.get(error.span()).is_some(), "{:?}", error);
            // The fault is behind a prefix that is fine, so it cannot be in front of the parts.
            prop_assert!(error.at() >= PREFIX.len());
            prop_assert_eq!(error.found().is_empty(), error.at() == name.len(), "{:?}", error);
            prop_assert!(error.to_string().contains(&name));
        }
    }

    #[test]
    fn prose_and_attributes_take_whatever_was_read(name in near_name()) {
        if let Ok(Some(flavor)) = FlavorName::parse_text(&name) {
            prop_assert!(!flavor.describe().contains("None"));
            let map = attributes(&[flavor]).unwrap();
            prop_assert!(map.names.contains(&flavor.to_string()));
            prop_assert!(map.inconsistencies.is_empty());
        }
    }
}
