//! The JSON report: a document of frozen shape, described by a JSON Schema.

mod failed;
mod official;
mod read;
mod v1;
mod view;

use std::fmt::Write as _;

use schemars::generate::SchemaSettings;
use serde::Serialize;

pub(crate) use failed::Kind;
pub use failed::{ReadError, failed_testcases};
pub use official::{official_document, official_documents};
pub use read::read_reports;

use crate::text::is_invisible;
use crate::{RenderError, Report};

/// The reports as one JSON document, indented, with a final line break.
pub fn json(reports: &[Report]) -> Result<String, RenderError> {
    pretty(&v1::Document::from(reports))
}

/// The JSON Schema (draft 2020-12) of version 1 of the document.
pub fn json_schema() -> Result<String, RenderError> {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    pretty(&generator.into_root_schema_for::<v1::Document>())
}

/// Indented JSON with a final line break. Characters that cannot be seen or that steer a terminal are
/// escaped, which says the same to a program and cannot fool a person.
pub(crate) fn pretty(value: &impl Serialize) -> Result<String, RenderError> {
    let mut text = escaped(&serde_json::to_string_pretty(value)?);
    text.push('\n');
    Ok(text)
}

/// JSON in which characters that cannot be seen are escaped.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + 1);
    for character in json.chars() {
        // The line breaks are those of the indentation; those in strings are escaped already.
        if character != '\n' && is_invisible(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::*;
    use crate::Chosen;
    use crate::fixture;

    fn rendered(reports: &[Report]) -> Value {
        serde_json::from_str(&json(reports).unwrap()).unwrap()
    }

    #[test]
    fn the_document_keeps_its_shape() {
        insta::assert_snapshot!(json(&[fixture::report()]).unwrap());
    }

    #[test]
    fn names_arrive_as_they_are_and_nothing_invisible_is_printed() {
        let text = json(&[fixture::report()]).unwrap();
        assert!(!text.chars().any(|c| c != '\n' && is_invisible(c)));
        let back: Value = serde_json::from_str(&text).unwrap();
        let testcases = back["reports"][0]["testcases"].as_array().unwrap();
        let named = testcases.iter().find(|testcase| testcase["id"] == fixture::OWN).unwrap();
        assert_eq!(named["findings"][0]["resource"]["name"], fixture::HOSTILE);
        let astral: Value = serde_json::from_str(&pretty(&"\u{1fffe}").unwrap()).unwrap();
        assert_eq!(astral, "\u{1fffe}");
    }

    #[test]
    fn the_published_schema_is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/report-v1.schema.json");
        let schema = json_schema().unwrap();
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &schema).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == schema,
            "docs/schema/report-v1.schema.json does not match the code; run the tests with UPDATE_SCHEMA=1 and look at what changed"
        );
    }

    #[test]
    fn documents_obey_the_schema() {
        let schema: Value = serde_json::from_str(&json_schema().unwrap()).unwrap();
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        for chosen in [Chosen::Both, Chosen::Official, Chosen::Text] {
            let report = Report { chosen, ..fixture::report() };
            for document in [rendered(&[report]), rendered(&[])] {
                let problems: Vec<String> = validator
                    .iter_errors(&document)
                    .map(|error| format!("{}: {error}", error.instance_path()))
                    .collect();
                assert!(problems.is_empty(), "{problems:#?}");
            }
        }
        let mut spoilt = rendered(&[fixture::report()]);
        spoilt["reports"][0]["testcases"][0]["text"] = "MAYBE".into();
        assert!(!validator.is_valid(&spoilt), "the schema constrains nothing");
    }

    #[test]
    fn a_reading_that_was_not_asked_for_leaves_no_trace() {
        let official = rendered(&[Report { chosen: Chosen::Official, ..fixture::report() }]);
        let testcases = official["reports"][0]["testcases"].as_array().unwrap();
        assert!(testcases.iter().all(|testcase| testcase["text"].is_null()));
        assert!(testcases.iter().all(|testcase| testcase["differs"] == false));
        let readings = testcases.iter().flat_map(|testcase| testcase["findings"].as_array().unwrap());
        assert!(
            readings
                .clone()
                .all(|finding| finding["readings"].as_array().unwrap().contains(&"official".into())),
            "a finding of the text alone is left"
        );
        assert!(readings.count() > 0);
        assert!(official["reports"][0]["versions"][0]["targets"][0]["text"].is_null());
    }
}
