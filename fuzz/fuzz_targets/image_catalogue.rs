//! Fuzzes catalogues of images, and the writing of a new build into one.

#![no_main]

use std::collections::BTreeSet;

use assay_curate::images::{Checksum, Digest, NewBuild, Validity, read, with_build};
use assay_fuzz::told;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let definitions = match read("images.yaml", text) {
        Ok((definitions, _)) => definitions,
        Err(error) => return told(text, &error),
    };
    for definition in &definitions {
        assert_eq!(definition.validity.to_string().parse::<Validity>(), Ok(definition.validity));
        let versions: BTreeSet<&str> = definition.builds.iter().map(|build| build.version.as_str()).collect();
        assert_eq!(versions.len(), definition.builds.len(), "no version is there twice");
        for checksum in definition.builds.iter().filter_map(|build| build.checksum.as_ref()) {
            if let Checksum::Given(digest) = checksum {
                assert_eq!(Digest::of_hex(&digest.hex).as_ref(), Some(digest));
            }
        }
    }
    let Some(last) = definitions.last() else { return };
    let build = NewBuild {
        version: "20260201".to_owned(),
        date: "2026-02-01".parse().expect("it is a day"),
        url: "https://example.org/new.img".parse().expect("it is a URL"),
        digest: Digest::of_hex(&"a".repeat(64)).expect("it is a digest"),
    };
    if let Ok(edited) = with_build(text, &last.name, &build) {
        assert_eq!(edited.lines().count(), text.lines().count() + 4, "{edited}");
        let (again, _) = read("edited.yaml", &edited).expect("it is a catalogue still");
        assert_eq!(again.len(), definitions.len(), "{edited}");
    }
});
