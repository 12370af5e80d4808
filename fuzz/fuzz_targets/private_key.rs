//! Fuzzes files with private keys, and files of allowed signers. What is read can say who it is, and signs if it is not
//! encrypted; nothing that is nonsense panics.

#![no_main]

use assay_signature::{AllowedSigners, KeyFile, Signature, Signer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (text, bytes) = input;
    // Nobody finds base64 by chance.
    let armoured = format!(
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
        STANDARD.encode(bytes)
    );
    for text in [text, &armoured] {
        let Ok(file) = KeyFile::read(text) else { continue };
        assert!(file.public().fingerprint().starts_with("SHA256:"));
        if let Ok(key) = file.unlock(None) {
            assert!(!file.is_encrypted());
            let signed = Signer::Key(key).sign("report", b"content").expect("it is a key");
            let signature = Signature::read(&signed).expect("it is a signature");
            assert_eq!(signature.verify("report", b"content", [file.public()]), Ok(file.public()));
        }
    }
    for signer in AllowedSigners::read(text, &TimeZone::UTC).signers {
        assert!(signer.key.fingerprint().starts_with("SHA256:"));
    }
});
