//! Fuzzes files of flavor definitions. What was read is written and read back.

#![no_main]

use assay_curate::flavors::{Definition, export, read};
use assay_fuzz::told;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let definitions = match read("flavors.yaml", text) {
        Ok((definitions, _)) => definitions,
        Err(error) => return told(text, &error),
    };
    let written = export(&definitions).expect("all that a definition holds can be written");
    let (back, notes) = read("written.yaml", &written).expect("it can be read back");
    assert_eq!(notes, Vec::<String>::new(), "{written}");
    // The place is another one, and who may use a flavor is not written.
    let bare = |one: Definition| Definition { origin: String::new(), access: None, ..one };
    let back: Vec<Definition> = back.into_iter().map(bare).collect();
    let definitions: Vec<Definition> = definitions.into_iter().map(bare).collect();
    assert_eq!(back, definitions, "{written}");
});
