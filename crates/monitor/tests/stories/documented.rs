//! Whether answers are those that the monitor says it gives.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

/// As it is in the docs; a test beside the code compares.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema/monitor-v1.openapi.json");
/// Where people with browsers are, which is not described.
const DESK: [&str; 4] = ["/desk", "/login", "/logout", "/invitation"];

pub(crate) static DOCUMENTED: LazyLock<Documented> = LazyLock::new(|| Documented {
    document: serde_json::from_str(&fs::read_to_string(DOCUMENT).unwrap()).unwrap(),
    validators: Mutex::default(),
});

/// What the monitor says about its interface.
pub(crate) struct Documented {
    pub(crate) document: Value,
    /// By operation, status and type, since the same is answered over and over.
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
}

impl Documented {
    /// What is said about a path: the most literal of all that it fits.
    fn path(&self, asked: &str) -> Option<(&str, &Value)> {
        let asked: Vec<&str> = asked.split('/').collect();
        let fits = |known: &str| {
            let known: Vec<&str> = known.split('/').collect();
            let has_rest = known.last() == Some(&"{path}") && asked.len() >= known.len();
            (has_rest || known.len() == asked.len())
                && known.iter().zip(&asked).all(|(known, asked)| known.starts_with('{') || known == asked)
        };
        let paths = self.document["paths"].as_object().unwrap().iter();
        let fitting = paths.filter(|(known, _)| fits(known));
        fitting
            .min_by_key(|(known, _)| known.matches('{').count())
            .map(|(known, said)| (known.as_str(), said))
    }

    fn validator(&self, name: &str, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        let validator = validators.entry(name.to_owned()).or_insert_with(|| {
            let whole = json!({"allOf": [schema], "components": self.document["components"]});
            Arc::new(jsonschema::options().should_validate_formats(true).build(&whole).unwrap())
        });
        Arc::clone(validator)
    }
}

/// Makes sure that an answer is one that the document tells of: its status, its type, and what is in it.
pub(crate) fn is_documented(method: &str, path: &str, (status, kind): (u16, Option<&str>), body: &Value) {
    if DESK.iter().any(|desk| path.starts_with(desk)) {
        return;
    }
    let Some((known, said)) = DOCUMENTED.path(path) else {
        assert_eq!(status, 404, "{path} is not documented");
        return;
    };
    let Some(said) = said.get(method.to_lowercase()) else {
        assert!(status == 405 || method == "HEAD", "{method} {path} is not documented");
        return;
    };
    let name = format!("{method} {known} {status} {}", kind.unwrap_or_default());
    let mut answer = &said["responses"][status.to_string()];
    if let Some(of_all) = answer["$ref"].as_str() {
        answer = DOCUMENTED.document.pointer(of_all.trim_start_matches('#')).unwrap();
    }
    assert!(answer.is_object(), "{name} is not documented");
    let Some(contents) = answer["content"].as_object() else {
        assert_eq!(*body, "", "{name}: there is something");
        return;
    };
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    let content = contents.get(kind).unwrap_or_else(|| panic!("{name} is not documented"));
    if kind.ends_with("json") {
        let validator = DOCUMENTED.validator(&name, &content["schema"]);
        let wrong: Vec<String> = validator.iter_errors(body).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?} in {body}");
    }
}
