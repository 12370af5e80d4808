//! Fuzzes what is handed in at a monitor: a signature, and behind it YAML or JSON. What a monitor hands out of it can be
//! handed in again.

#![no_main]

use assay_fuzz::told;
use assay_monitor::{Envelope, MediaType};
use assay_report::SubmittedReport;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, &str, &str)| {
    let (is_json, signature, payload) = input;
    for body in [
        payload.to_owned(),
        format!("-----BEGIN SSH SIGNATURE-----{signature}-----END SSH SIGNATURE-----\n&{payload}"),
    ] {
        let Some(envelope) = Envelope::open(&body) else { continue };
        assert_eq!(format!("{}&{}", envelope.signature, envelope.payload), body);
        let media = if is_json { MediaType::SignedJson } else { MediaType::SignedYaml };
        for document in media.documents(envelope.payload).unwrap_or_default() {
            match SubmittedReport::read_yaml("report", &document.text) {
                Ok(report) => {
                    let shown = serde_json::to_string(&report.view()).expect("it can be written");
                    let back = SubmittedReport::read_yaml("report", &shown).expect("it can be read back");
                    assert_eq!(back.results(), report.results(), "{shown}");
                }
                Err(error) => told(&document.text, &error),
            }
        }
    }
});
