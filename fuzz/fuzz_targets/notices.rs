//! Fuzzes the file that says who is told of what (`--notify`).

#![no_main]

use assay_fuzz::told;
use assay_monitor::NoticeConfig;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let secret = |_: &str| Ok("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX".to_owned());
    if let Err(error) = NoticeConfig::read("notices.yaml", text, &secret) {
        told(text, &error);
    }
});
