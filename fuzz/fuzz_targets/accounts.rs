//! Fuzzes the file of a monitor's accounts.

#![no_main]

use assay_fuzz::told;
use assay_monitor::Bootstrap;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = Bootstrap::read("accounts.yaml", text) {
        told(text, &error);
    }
});
