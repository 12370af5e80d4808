//! What Tempest says it created.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Something that Tempest created.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Created {
    /// The kind as the API names it, in the plural, such as `servers` or `security_groups`.
    pub kind: String,
    /// Id; the name for what has none, such as key pairs.
    pub id: String,
    /// Name, if the answer to the request told it.
    pub name: Option<String>,
}

/// The name of Tempest's record in the folder of the run.
const FILE: &str = "resource_list.json";

/// Follows the record that Tempest keeps of what it creates.
#[derive(Debug, Default)]
pub(crate) struct Record {
    seen: BTreeSet<Created>,
}

impl Record {
    /// What is new since the last look.
    ///
    /// Tempest rewrites the file as a whole, so that it may be caught half-written; the next look sees it then.
    pub(crate) fn news(&mut self, folder: &Path) -> Vec<Created> {
        let Ok(bytes) = fs::read(folder.join(FILE)) else {
            return Vec::new();
        };
        let Ok(Value::Object(kinds)) = serde_json::from_slice(&bytes) else {
            return Vec::new();
        };
        let mut news = Vec::new();
        for (kind, resources) in kinds {
            for (id, name) in resources.as_object().into_iter().flatten() {
                let name = name.as_str().filter(|name| !name.is_empty()).map(str::to_owned);
                let created = Created { kind: kind.clone(), id: id.clone(), name };
                if self.seen.insert(created.clone()) {
                    news.push(created);
                }
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let mut record = Record::default();
        assert_eq!(record.news(folder.path()), [], "no file yet");

        fs::write(&file, r#"{"servers": {"s1": null}, "keypairs": {"key": ""}}"#).unwrap();
        let created = |kind: &str, id: &str, name: Option<&str>| Created {
            kind: kind.into(),
            id: id.into(),
            name: name.map(str::to_owned),
        };
        assert_eq!(
            record.news(folder.path()),
            [created("keypairs", "key", None), created("servers", "s1", None)]
        );

        fs::write(&file, r#"{"servers": {"s1": nu"#).unwrap();
        assert_eq!(record.news(folder.path()), [], "half-written");
        fs::write(&file, r#"{"servers": {"s1": null}, "ports": {"p1": "assay-1-port"}, "odd": [1]}"#)
            .unwrap();
        assert_eq!(record.news(folder.path()), [created("ports", "p1", Some("assay-1-port"))]);
    }
}
