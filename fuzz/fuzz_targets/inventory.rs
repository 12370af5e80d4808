//! Fuzzes what a cloud showed, as the JSON in a snapshot file: it goes through a file unchanged, and every
//! testcase can judge it.

#![no_main]

use assay_inventory::{Inventory, read_snapshot, write_snapshot};
use assay_standards::Verdict;
use assay_testcases::{Evidence, Finding, Reading, Registry, Weight};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(inventory) = serde_json::from_str::<Inventory>(text) else { return };
    let written = write_snapshot(&inventory, "fuzz").expect("data from JSON can be written");
    assert_eq!(read_snapshot(&written).expect("it can be read back"), inventory);
    let evidence = Evidence::new(&inventory, inventory.recorded_at);
    for testcase in Registry::get().testcases() {
        let judgement = testcase.judge(&evidence);
        for reading in [Reading::Official, Reading::Text] {
            // Whoever fails is told why.
            let tells = |one: &Finding| one.weight == Weight::Failure && one.readings.include(reading);
            let is_told = judgement.findings.iter().any(tells);
            assert!(judgement.verdict(reading) != Some(Verdict::Fail) || is_told, "{}", testcase.id);
        }
    }
});
