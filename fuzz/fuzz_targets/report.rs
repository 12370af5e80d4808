//! Fuzzes JSON reports, as far as they are read again: the testcases that failed.

#![no_main]

use assay_report::failed_testcases;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|text: &str| {
    let Ok(failed) = failed_testcases(text) else { return };
    // A report of these alone says the same.
    let testcases: Vec<Value> =
        failed.iter().map(|id| json!({"id": id, "official": null, "text": "FAIL"})).collect();
    let report = json!({"format": "assay-report", "version": 1, "reports": [{"testcases": testcases}]});
    assert_eq!(failed_testcases(&report.to_string()).expect("it is a report"), failed);
});
