//! How long it takes to sign a report, and to read the key for it.

#![expect(clippy::expect_used, reason = "a bench that cannot go on has failed")]

use std::hint::black_box;
use std::process::Command;

use assay_signature::{KeyFile, Signer};
use criterion::{Criterion, criterion_group, criterion_main};

/// As large as the report about a cloud.
const REPORT: &[u8] = &[b'x'; 20 << 10];

fn signing(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut group = criterion.benchmark_group("sign");
    for (name, kind, bits) in [
        ("ed25519", "ed25519", "256"),
        ("p256", "ecdsa", "256"),
        ("p384", "ecdsa", "384"),
        ("p521", "ecdsa", "521"),
        ("rsa2048", "rsa", "2048"),
        ("rsa4096", "rsa", "4096"),
    ] {
        let path = folder.path().join(name);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-N", "", "-t", kind, "-b", bits, "-f"])
            .arg(&path)
            .status()
            .expect("ssh-keygen is there");
        assert!(made.success());
        let open = || KeyFile::open(&path).and_then(|file| file.unlock(None)).expect("it is a key");
        group.bench_function(format!("read/{name}"), |bencher| bencher.iter(|| black_box(open())));
        let signer = Signer::Key(open());
        group.bench_function(format!("sign/{name}"), |bencher| {
            bencher.iter(|| signer.sign("report", black_box(REPORT)));
        });
    }
    group.finish();
}

criterion_group!(benches, signing);
criterion_main!(benches);
