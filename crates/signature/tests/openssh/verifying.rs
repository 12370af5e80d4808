//! What `ssh-keygen` signs is verified here, and nothing else is.

use std::fs;

use assay_signature::{PublicKey, Signature, SignatureError};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::{KINDS, keygen, run};

const CONTENT: &[u8] = b"---\nsubject: a cloud\n";

struct Signer {
    folder: TempDir,
    key: PublicKey,
}

impl Signer {
    /// A new key.
    fn new(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = keygen(folder.path(), "key", &[arguments, &["-N", ""]].concat());
        let key = PublicKey::read_line(&fs::read_to_string(path.with_extension("pub")).unwrap()).unwrap();
        Self { folder, key }
    }

    fn sign(&self, namespace: &str, content: &[u8]) -> String {
        let file = self.folder.path().join("content");
        fs::write(&file, content).unwrap();
        let _ = fs::remove_file(self.folder.path().join("content.sig"));
        run(self.folder.path(), &["-q", "-Y", "sign", "-f", "key", "-n", namespace, "content"]);
        fs::read_to_string(self.folder.path().join("content.sig")).unwrap()
    }
}

#[test]
fn signatures_of_each_kind_of_key_are_verified() {
    for arguments in KINDS {
        let signer = Signer::new(arguments);
        // The numbers of ECDSA differ in length from signature to signature.
        for round in 0_u8..8 {
            let content = [CONTENT, &[round]].concat();
            let signature = Signature::read(&signer.sign("report", &content)).unwrap();
            assert_eq!(signature.fingerprint(), signer.key.fingerprint());
            assert_eq!(signature.verify("report", &content, [&signer.key]), Ok(&signer.key), "{arguments:?}");
            assert_eq!(signature.verify("report", CONTENT, [&signer.key]), Err(SignatureError::Wrong));
        }
    }
}

#[test]
fn other_keys_and_other_purposes_prove_nothing() {
    let (signer, other) = (Signer::new(&["-t", "ed25519"]), Signer::new(&["-t", "ed25519"]));
    let signature = Signature::read(&signer.sign("report", CONTENT)).unwrap();
    let unknown = SignatureError::UnknownKey(signer.key.fingerprint());
    assert_eq!(signature.verify("report", CONTENT, []), Err(unknown.clone()));
    assert_eq!(signature.verify("report", CONTENT, [&other.key]), Err(unknown));
    assert_eq!(signature.verify("report", CONTENT, [&other.key, &signer.key]), Ok(&signer.key));
    let for_a_file = Signature::read(&signer.sign("file", CONTENT)).unwrap();
    assert_eq!(
        for_a_file.verify("report", CONTENT, [&signer.key]).unwrap_err().to_string(),
        "the signature was made for the namespace \"file\", not for \"report\"; sign with `-n report`"
    );
}

#[test]
fn keys_say_what_they_are() {
    let signer = Signer::new(&["-t", "ed25519"]);
    let line = signer.key.to_string();
    let (key_type, base64) = line.split_once(' ').unwrap();
    assert_eq!(key_type, "ssh-ed25519");
    assert_eq!(PublicKey::read(key_type, base64), Ok(signer.key.clone()));
    assert!(PublicKey::read("ssh-rsa", base64).is_err());
    assert!(PublicKey::read("ssh-ed25519", "AAAA").is_err());
    assert!(PublicKey::read("", "").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nonsense_is_refused(text in "[ -~\n]{0,200}", body in "[A-Za-z0-9+/=\n]{0,300}") {
        prop_assert!(Signature::read(&text).is_err());
        let armoured = format!("{}\n{body}\n{}\n", Signature::HEADER, Signature::FOOTER);
        prop_assert!(Signature::read(&armoured).is_err());
    }
}
