//! The real `ssh-keygen`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The kinds of keys, as `ssh-keygen` makes them.
pub(crate) const KINDS: [&[&str]; 5] = [
    &["-t", "ed25519"],
    &["-t", "rsa", "-b", "2048"],
    &["-t", "ecdsa", "-b", "256"],
    &["-t", "ecdsa", "-b", "384"],
    &["-t", "ecdsa", "-b", "521"],
];

/// Runs `ssh-keygen` in a folder.
pub(crate) fn run(folder: &Path, arguments: &[&str]) {
    let ran = Command::new("ssh-keygen").args(arguments).current_dir(folder).output().unwrap();
    assert!(ran.status.success(), "ssh-keygen {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// Makes a key.
pub(crate) fn keygen(folder: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    run(folder, &[&["-q", "-C", "a comment", "-f", name], arguments].concat());
    folder.join(name)
}

/// A report with something in it.
pub(crate) fn content(what: &[u8]) -> Vec<u8> {
    [b"---\nsubject: ", what, b"\n"].concat()
}

/// Writes a text behind its length.
pub(crate) fn put(into: &mut Vec<u8>, text: &[u8]) {
    into.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
    into.extend(text);
}

/// Whether `ssh-keygen` verifies a signature of the key.
pub(crate) fn verified(key: &str, namespace: &str, armoured: &str, content: &[u8]) -> bool {
    verified_by(&format!("me {key}\n"), &["-I", "me", "-n", namespace], armoured, content)
}

/// Whether `ssh-keygen` verifies a signature, with a file of allowed signers.
pub(crate) fn verified_by(allowed: &str, arguments: &[&str], armoured: &str, content: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("allowed", allowed.as_bytes()), ("sig", armoured.as_bytes()), ("content", content)]
    {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let ran = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-f", "allowed", "-s", "sig"])
        .args(arguments)
        .current_dir(folder.path())
        .stdin(fs::File::open(folder.path().join("content")).unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    ran.success()
}
