//! What is signed here, `ssh-keygen` verifies; key files are those that it writes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::LazyLock;

use assay_signature::{AllowedSigners, KeyFile, KeyFileError, Signature, Signer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use secrecy::SecretString;

use crate::support::{KINDS, content, keygen, put, run, verified, verified_by};

fn passphrase(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

/// What a file has between its first and its last line.
fn bytes_of(path: &Path) -> Vec<u8> {
    let text = fs::read_to_string(path).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}

fn as_file(bytes: &[u8]) -> String {
    format!(
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
        STANDARD.encode(bytes)
    )
}

/// A file that is not encrypted, with a public half of a type of its own.
fn of_type(public: &[u8]) -> String {
    let mut bytes = b"openssh-key-v1\0".to_vec();
    for text in [&b"none"[..], b"none", b""] {
        put(&mut bytes, text);
    }
    bytes.extend([0, 0, 0, 1]);
    put(&mut bytes, public);
    put(&mut bytes, &[0; 64]);
    as_file(&bytes)
}

#[test]
fn ssh_keygen_verifies_what_keys_of_each_kind_sign() {
    for kind in KINDS {
        for secret in ["", "with ünicode, and blanks"] {
            let folder = tempfile::tempdir().unwrap();
            let path = keygen(folder.path(), "key", &[kind, &["-N", secret, "-a", "2"]].concat());
            let file = KeyFile::open(&path).unwrap();
            assert_eq!(file.is_encrypted(), !secret.is_empty());
            let signer = Signer::Key(file.unlock(Some(&passphrase(secret))).unwrap());
            assert_eq!(signer.public(), file.public());
            for namespace in ["report", "declaration"] {
                let armoured = signer.sign(namespace, &content(b"a report")).unwrap();
                let line = signer.public().to_string();
                assert!(verified(&line, namespace, &armoured, &content(b"a report")), "{kind:?}");
                assert!(!verified(&line, namespace, &armoured, &content(b"another")), "{kind:?}");
                assert!(!verified(&line, "file", &armoured, &content(b"a report")), "{kind:?}");
            }
            assert!(signer.sign("", b"").is_err(), "a signature for nothing");
        }
    }
}

#[test]
fn numbers_that_begin_with_zeros_are_read() {
    // Half of the keys on P-521 have one such, and each 256th on P-256.
    for _ in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        let path = keygen(folder.path(), "key", &["-t", "ecdsa", "-b", "521", "-N", ""]);
        let signer = Signer::Key(KeyFile::open(&path).unwrap().unlock(None).unwrap());
        let signature = Signature::read(&signer.sign("report", b"content").unwrap()).unwrap();
        assert_eq!(signature.verify("report", b"content", [signer.public()]), Ok(signer.public()));
    }
}

#[test]
fn a_signature_is_the_one_that_ssh_keygen_makes() {
    let folder = tempfile::tempdir().unwrap();
    let path = keygen(folder.path(), "key", &["-t", "ed25519", "-N", ""]);
    let signer = Signer::Key(KeyFile::open(&path).unwrap().unlock(None).unwrap());
    fs::write(folder.path().join("content"), content(b"a report")).unwrap();
    run(folder.path(), &["-q", "-Y", "sign", "-f", "key", "-n", "report", "content"]);
    let theirs = fs::read_to_string(folder.path().join("content.sig")).unwrap();
    assert_eq!(signer.sign("report", &content(b"a report")).unwrap(), theirs);
}

#[test]
fn files_are_decrypted_whatever_the_cipher() {
    for cipher in [
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
        "aes128-cbc",
        "aes192-cbc",
        "aes256-cbc",
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = keygen(folder.path(), "key", &["-t", "ed25519", "-N", "secret", "-a", "1", "-Z", cipher]);
        let file = KeyFile::open(&path).unwrap();
        assert!(file.unlock(Some(&passphrase("secret"))).is_ok(), "{cipher}");
        assert!(matches!(file.unlock(None), Err(KeyFileError::Encrypted)), "{cipher}");
        for wrong in ["Secret", "", "secret "] {
            let refused = file.unlock(Some(&passphrase(wrong)));
            assert!(matches!(refused, Err(KeyFileError::WrongPassphrase)), "{cipher}: {refused:?}");
        }
    }
}

#[test]
fn files_that_do_not_sign_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let refused = |name: &str| KeyFile::open(&path(name)).unwrap_err().to_string();
    keygen(folder.path(), "key", &["-t", "ed25519", "-N", ""]);
    keygen(folder.path(), "pem", &["-t", "rsa", "-b", "2048", "-N", "", "-m", "PEM"]);
    keygen(folder.path(), "weak", &["-t", "rsa", "-b", "1024", "-N", ""]);
    keygen(
        folder.path(),
        "chacha",
        &["-t", "ed25519", "-N", "secret", "-a", "1", "-Z", "chacha20-poly1305@openssh.com"],
    );
    let mut public = Vec::new();
    for part in [&b"sk-ssh-ed25519@openssh.com"[..], &[7; 32], b"ssh:"] {
        put(&mut public, part);
    }
    fs::write(path("sk"), of_type(&public)).unwrap();
    let mut public = Vec::new();
    for part in [&b"ssh-dss"[..], &[3], &[3], &[3], &[3]] {
        put(&mut public, part);
    }
    fs::write(path("dsa"), of_type(&public)).unwrap();
    fs::write(path("large"), "x".repeat(40_000)).unwrap();
    fs::write(path("binary"), [0xff, 0xfe, 0]).unwrap();
    fs::write(path("empty"), "").unwrap();
    for (name, expected) in [
        ("nowhere", "there is no such key file"),
        ("key.pub", "this is a public key"),
        ("pem", "in another form (RSA PRIVATE KEY); `ssh-keygen -p -f FILE`"),
        ("chacha", "encrypted with chacha20-poly1305@openssh.com"),
        ("sk", "this sk-ssh-ed25519@openssh.com is in a security key, which ssh-agent can ask"),
        ("dsa", "keys of type ssh-dss do not sign here"),
        ("large", "more than 32768 bytes"),
        ("binary", "it is no text"),
        ("empty", "it does not lie between"),
        (".", "cannot be read"),
    ] {
        let said = refused(name);
        assert!(said.contains(expected), "{name}: {said}");
    }
    let weak = KeyFile::open(&path("weak")).unwrap().unlock(None);
    assert!(matches!(weak, Err(KeyFileError::Unusable(_))), "{weak:?}");
}

/// The private half of a file that is not encrypted, with its length.
fn private(bytes: &[u8]) -> &[u8] {
    let skipped = |bytes: &mut &[u8]| {
        let (length, rest) = bytes.split_first_chunk::<4>().unwrap();
        *bytes = &rest[usize::try_from(u32::from_be_bytes(*length)).unwrap()..];
    };
    let mut rest = bytes.strip_prefix(b"openssh-key-v1\0").unwrap();
    // Cipher, how it is locked, and options; one key; its public half.
    for _ in 0..3 {
        skipped(&mut rest);
    }
    rest = &rest[4..];
    skipped(&mut rest);
    rest
}

#[test]
fn both_halves_have_to_belong_together() {
    for kind in KINDS {
        let folder = tempfile::tempdir().unwrap();
        let whole = bytes_of(&keygen(folder.path(), "key", &[kind, &["-N", ""]].concat()));
        let other = bytes_of(&keygen(folder.path(), "other", &[kind, &["-N", ""]].concat()));
        let begin = |bytes: &[u8]| bytes.len() - private(bytes).len();
        let mixed = [&whole[..begin(&whole)], &other[begin(&other)..]].concat();
        assert!(KeyFile::read(&as_file(&whole)).unwrap().unlock(None).is_ok());
        let refused = KeyFile::read(&as_file(&mixed)).unwrap().unlock(None);
        assert!(matches!(refused, Err(KeyFileError::Unusable(_))), "{kind:?}: {refused:?}");
    }
}

#[test]
fn a_file_does_not_say_how_long_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let path = keygen(folder.path(), "key", &["-t", "ed25519", "-N", "secret", "-a", "1"]);
    let mut bytes = bytes_of(&path);
    // A salt of 16 bytes, and one round.
    let at = bytes.windows(4).position(|window| window == [0, 0, 0, 16]).unwrap() + 4 + 16;
    assert_eq!(bytes[at..at + 4], [0, 0, 0, 1]);
    bytes[at..at + 4].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
    assert!(matches!(KeyFile::read(&as_file(&bytes)), Err(KeyFileError::Rounds(0x7fff_ffff))));
    bytes[at..at + 4].copy_from_slice(&[0, 0, 0, 0]);
    let none = KeyFile::read(&as_file(&bytes)).unwrap().unlock(Some(&passphrase("secret")));
    assert!(matches!(none, Err(KeyFileError::Unreadable(_))), "{none:?}");
}

#[test]
fn files_that_others_can_read_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = keygen(folder.path(), "key", &["-t", "ed25519", "-N", ""]);
    for (mode, expected) in [(0o600, None), (0o400, None), (0o644, Some(0o644)), (0o660, Some(0o660))] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(KeyFile::open(&path).unwrap().open_to_others(), expected);
    }
}

#[test]
fn debug_output_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = keygen(folder.path(), "key", &["-t", "ed25519", "-N", ""]);
    let file = KeyFile::open(&path).unwrap();
    let fingerprint = file.public().fingerprint();
    assert_eq!(format!("{file:?}"), format!("KeyFile({fingerprint:?})"));
    assert_eq!(format!("{:?}", file.unlock(None).unwrap()), format!("PrivateKey({fingerprint:?})"));
}

#[test]
fn allowed_signers_are_read_as_ssh_keygen_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = keygen(folder.path(), "key", &["-t", "ed25519", "-N", ""]);
    let signer = Signer::Key(KeyFile::open(&path).unwrap().unlock(None).unwrap());
    let key = signer.public().to_string();
    let armoured = signer.sign("report", b"content").unwrap();
    let signature = Signature::read(&armoured).unwrap();
    for (options, expected) in [
        ("", true),
        ("namespaces=\"report\"", true),
        ("namespaces=\"file,rep*\"", true),
        ("namespaces=\"*,!report\"", false),
        ("namespaces=\"file\"", false),
        ("namespaces=report", false),
        ("NAMESPACES=\"report\"", true),
        ("valid-after=\"20260101\"", true),
        ("valid-after=\"20260202\"", false),
        ("valid-after=\"20260201120000Z\"", true),
        ("valid-after=\"20260201120001Z\"", false),
        ("valid-before=\"20260201120000Z\"", true),
        ("valid-before=\"20260201115959Z\"", false),
        ("valid-after=\"202601010000\",valid-before=\"20270101\",namespaces=\"report\"", true),
        ("valid-after=\"20270101\",valid-before=\"20260101\"", false),
        ("cert-authority", false),
        ("nonsense", false),
        ("namespaces=\"report\",", false),
    ] {
        let file = format!("# who may\n\njane@example.org {options} {key} a comment\n");
        let read = AllowedSigners::read(&file, &TimeZone::UTC);
        let at = "2026-02-01T12:00:00Z".parse().unwrap();
        let ours = signature.verify_signers("report", b"content", &read.signers, at);
        assert_eq!(ours.is_ok(), expected, "{options}: {ours:?}");
        let theirs = verified_by(
            &file,
            &["-I", "jane@example.org", "-n", "report", "-O", "verify-time=20260201120000Z"],
            &armoured,
            b"content",
        );
        assert_eq!(theirs, expected, "ssh-keygen about {options}");
    }
}

static KEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    bytes_of(&keygen(folder.path(), "key", &["-t", "ed25519", "-N", ""]))
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_refused_in_words(at in 0_usize..1000, to in any::<u8>(), cut in 0_usize..1000) {
        let mut bytes = KEY.clone();
        let at = at % bytes.len();
        bytes[at] = to;
        let whole = as_file(&bytes);
        if let Ok(file) = KeyFile::read(&whole) {
            let _ = file.unlock(None);
        }
        bytes.truncate(cut % bytes.len());
        prop_assert!(KeyFile::read(&as_file(&bytes)).is_err());
    }

    #[test]
    fn nonsense_is_no_key_and_allows_nobody(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "[ -~\n]{0,200}") {
        prop_assert!(KeyFile::read(&as_file(&bytes)).is_err());
        prop_assert!(KeyFile::read(&text).is_err());
        prop_assert!(AllowedSigners::read(&text, &TimeZone::UTC).signers.is_empty());
    }
}
