//! Fuzzes journals that runs left behind.

#![no_main]

use std::fs;

use assay_journal::Journal;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    fs::write(folder.path().join("0123abcd.jsonl"), bytes).expect("there is room for a file");
    // The journals are let go at the end, and with them their locks.
    let read = || {
        let (journals, errors) = Journal::abandoned(folder.path());
        let all = |one: &Journal| (one.run().clone(), one.place().clone(), one.started_at(), one.open());
        (journals.iter().map(all).collect::<Vec<_>>(), errors.len())
    };
    let (left, errors) = read();
    assert!(left.len() + errors <= 1, "there is one file");
    for (_, _, _, open) in &left {
        assert!(open.is_sorted_by_key(|one| one.kind), "what uses others goes first");
    }
    // Looking at it loses nothing.
    assert_eq!(read(), (left, errors));
});
