//! Fuzzes what outsiders read of a log: keys, checkpoints, proofs, addresses of tiles, bundles of entries, and documents
//! that are signed with its key. What is read and written reads back the same, and nothing is signed that was not.

#![no_main]

use assay_transparency::{Checkpoint, Issuer, LogKey, Proof, TilePath, bundle, bundled, verify_document};
use libfuzzer_sys::fuzz_target;

/// Nobody has its private half.
const KEY: &str = "log.example+5d23591e+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

fuzz_target!(|input: (&str, &[u8])| {
    let (text, bytes) = input;
    if let Ok(key) = text.parse::<LogKey>() {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
    if let Ok(issuer) = text.parse::<Issuer>() {
        assert_eq!(issuer.to_string(), text);
    }
    if let Ok(path) = text.parse::<TilePath>() {
        assert_eq!(path.to_string(), text);
    }
    if let Ok(key) = KEY.parse::<LogKey>() {
        assert!(Checkpoint::read(text, &key).is_err(), "{text}");
        if let Ok(proof) = text.parse::<Proof>() {
            assert!(proof.verify(bytes, &key).is_err(), "{text}");
            let again: Result<Proof, _> = proof.to_string().parse();
            assert_eq!(again.as_ref(), Ok(&proof));
        }
        if let Ok(document) = serde_json::from_str(text) {
            assert_ne!(verify_document(&document).ok(), Some(key.issuer()));
        }
    }
    if let Some(entries) = bundled(bytes) {
        assert_eq!(bundle(entries), bytes);
    }
});
