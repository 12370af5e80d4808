//! Fuzzes signatures, and verifying them. None that was not made with the key may fit.

#![no_main]

use assay_signature::{PublicKey, Signature};
use libfuzzer_sys::fuzz_target;

/// Nobody has its private half.
const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

fuzz_target!(|input: (&str, &[u8])| {
    let (armoured, content) = input;
    let key = PublicKey::read("ssh-ed25519", KEY).expect("it is a key");
    if let Ok(signature) = Signature::read(armoured) {
        assert!(signature.fingerprint().starts_with("SHA256:"));
        assert!(signature.verify("report", content, [&key]).is_err(), "{armoured}");
    }
});
