//! Fuzzes the file that names domains and their managers.

#![no_main]

use std::path::Path;

use assay_openstack::{DomainManagerConfig, DomainManagerError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // A line ends with one of these or both; just behind the end is a place, too.
    let lines = text.matches(['\n', '\r']).count() as u64 + 2;
    let is_place = |line: u64, column: u64| (1..=lines).contains(&line) && column >= 1;
    match DomainManagerConfig::parse(Path::new("managers.yaml"), text) {
        Ok(config) => {
            for note in config.notes() {
                assert!(is_place(note.line, note.column), "{note}");
            }
        }
        Err(DomainManagerError::Invalid { line, column, problem, .. }) => {
            assert!(is_place(line, column), "{line}:{column}: {problem}");
        }
        Err(error) => panic!("no file is read here: {error}"),
    }
});
