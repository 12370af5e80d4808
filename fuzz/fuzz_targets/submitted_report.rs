//! Fuzzes the official report as a monitor gets it: a stream of documents, each with places for what is wrong.

#![no_main]

use assay_fuzz::told;
use assay_report::SubmittedReport;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &str| {
    let mut lines = 0;
    for document in assay_yaml::documents(stream) {
        assert!(stream.contains(document.text), "a document is part of its stream");
        assert!(document.lines_before >= lines, "documents come in order");
        lines = document.lines_before;
        match SubmittedReport::read_yaml("report.yaml", document.text) {
            Ok(report) => {
                let written = serde_json::to_string(&report.view()).expect("it can be written");
                let back = SubmittedReport::read_yaml("report.json", &written).expect("it can be read back");
                assert_eq!(back.results(), report.results(), "{written}");
                assert_eq!((back.run, &back.subject), (report.run, &report.subject));
            }
            Err(error) => told(document.text, &error),
        }
    }
});
