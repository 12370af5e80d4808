//! Fuzzes the marks in names of what is in a cloud: they decide what may be taken down.

#![no_main]

use assay_journal::RunId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|name: &str| {
    if let Some(run) = RunId::of_name(name) {
        assert!(name == run.mark() || name.starts_with(&run.name("")), "{name:?} does not bear {run}");
        assert_eq!(RunId::of_name(&run.name("server")), Some(run));
    }
    if let Some(run) = RunId::parse(name) {
        assert!(name == run.to_string() || name == run.mark());
        assert_eq!(RunId::of_name(&run.mark()), Some(run));
    }
});
