//! Fuzzes declarations, and the answers that they are made of. What was read is written and read back.

#![no_main]

use assay_fuzz::told;
use assay_standards::declaration::Declaration;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let latest = "2100-01-01".parse().expect("it is a day");
    let read = [
        Declaration::parse("file.yaml", text, latest),
        Declaration::from_answers("file.yaml", text, "cloud", "fuzz", latest),
    ];
    for read in read {
        match read {
            Ok(declaration) => {
                let written = declaration.to_yaml().expect("it can be written");
                let back = Declaration::parse("written.yaml", &written, latest);
                assert_eq!(back.expect("it can be read back"), declaration, "{written}");
            }
            Err(error) => told(text, &error),
        }
    }
});
