use std::collections::BTreeSet;

use serde::Deserialize;

#[derive(Deserialize)]
struct Scope {
    scripts: Vec<Script>,
}

#[derive(Deserialize)]
struct Script {
    testcases: Vec<Testcase>,
}

#[derive(Deserialize)]
struct Testcase {
    id: String,
}

/// The official testcases whose ids begin so, as the scope data list them.
pub(super) fn ids_in_scope(prefix: &str) -> BTreeSet<String> {
    let scope: Scope =
        serde_saphyr::from_str(include_str!("../../data/scopes/scs-compatible-iaas.yaml")).unwrap();
    let testcases = scope.scripts.into_iter().flat_map(|script| script.testcases);
    let ids: BTreeSet<String> =
        testcases.map(|testcase| testcase.id).filter(|id| id.starts_with(prefix)).collect();
    assert!(!ids.is_empty(), "no testcase begins with {prefix}");
    ids
}
