//! Fuzzes what a reference monitor had of a report: the document, and the rows by which it reckoned. No row says what the
//! document does not.

#![no_main]

use assay_monitor::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (document, rows) = input;
    let text = Record::text(document, rows);
    if let Ok((report, results)) = Record::open(&text).and_then(Record::read) {
        for (testcase, recorded) in results {
            let said = report.invocations.iter().map(|invocation| &invocation.results);
            let mut said = said.chain(report.versions.iter().flat_map(std::collections::BTreeMap::values));
            assert!(said.any(|results| results.get(&testcase) == Some(&recorded.result.verdict)), "{testcase}");
        }
    }
});
