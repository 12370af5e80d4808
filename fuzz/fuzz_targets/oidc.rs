//! Fuzzes the file that says who vouches for people (`--oidc`).

#![no_main]

use assay_fuzz::told;
use assay_monitor::OidcConfig;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let secret = |_: &str| Ok("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX".to_owned());
    if let Err(error) = OidcConfig::read("oidc.yaml", text, &secret) {
        told(text, &error);
    }
});
