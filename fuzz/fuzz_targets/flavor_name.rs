//! Fuzzes flavor names, in every way of writing and both readings. The laws are those of the property tests.

#![no_main]

use assay_standards::flavor_name::{FlavorName, Hypervisor, PREFIX, Reading, attributes, v1_to_v2};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|name: &str| {
    let tolerant = FlavorName::parse_tolerant(name);
    let text = FlavorName::parse_text(name);
    let strict = [FlavorName::parse(name), FlavorName::parse_v1(name), text.clone()];
    let errors = strict.into_iter().filter_map(Result::err).chain(tolerant.clone().err());
    for error in errors {
        assert!(name.get(error.span()).is_some(), "{error:?}");
        assert!(error.at() >= PREFIX.len(), "{error:?}");
        assert!(error.to_string().contains(name));
    }
    if let Ok(Some((flavor, _))) = tolerant {
        let canonical = flavor.to_string();
        assert_eq!(FlavorName::parse(&canonical), Ok(Some(flavor)));
        let v1 = flavor.to_v1();
        assert_eq!(v1_to_v2(&v1), canonical);
        // Of this one v1 parsers know nothing.
        if flavor.hypervisor != Some(Hypervisor::CloudHypervisor) {
            assert_eq!(FlavorName::parse_v1(&v1), Ok(Some(flavor)));
        }
    }
    if let Ok(Some(flavor)) = text {
        assert_eq!(flavor.compose(Reading::Text), Ok(flavor.to_string()));
        assert!(!flavor.describe().contains("None"));
        let map = attributes(&[flavor]).expect("there is a name");
        assert!(map.names.contains(&flavor.to_string()) && map.inconsistencies.is_empty(), "{map:?}");
    }
});
