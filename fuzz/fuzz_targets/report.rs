//! Fuzzes JSON reports that are read again: as a whole, and the testcases that failed.

#![no_main]

use assay_report::{failed_testcases, json as written, read_reports};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|text: &str| {
    if let Ok(reports) = read_reports(text) {
        let once = written(&reports).expect("it can be written");
        let again = written(&read_reports(&once).expect("it can be read back")).expect("it can be written");
        assert_eq!(again, once);
    }
    let Ok(failed) = failed_testcases(text) else { return };
    // A report of these alone says the same.
    let testcases: Vec<Value> =
        failed.iter().map(|id| json!({"id": id, "official": null, "text": "FAIL"})).collect();
    let report = json!({"format": "assay-report", "version": 1, "reports": [{"testcases": testcases}]});
    assert_eq!(failed_testcases(&report.to_string()).expect("it is a report"), failed);
});
