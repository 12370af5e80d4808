//! A cloud with nothing in it becomes one that conforms, as far as flavors and images go.

use serde_json::{Value, json};

use crate::images::origin::Origin;
use crate::look::Member;
use crate::{assay, stdout};

const ADMIN: &str = "testbed-admin";

/// Takes all flavors and images away, so that the cloud can be seeded.
struct Emptied(Member);

impl Emptied {
    fn things(&self) -> Vec<(&'static str, String)> {
        let list = |service: &str, path: &str, key: &str| -> Vec<String> {
            let (_, body) = self.0.call("GET", service, path, None);
            let items = body[key].as_array().unwrap_or_else(|| panic!("{body}")).iter();
            items.filter_map(|item| item["id"].as_str()).map(str::to_owned).collect()
        };
        let flavors = list("compute", "flavors?is_public=None", "flavors");
        let images = list("image", "v2/images?visibility=all", "images");
        let flavors = flavors.into_iter().map(|id| ("compute", format!("flavors/{id}")));
        flavors.chain(images.into_iter().map(|id| ("image", format!("v2/images/{id}")))).collect()
    }
}

impl Drop for Emptied {
    fn drop(&mut self) {
        for (service, path) in self.things() {
            self.0.call("DELETE", service, &path, None);
        }
    }
}

#[test]
#[ignore = "needs a testbed before it is seeded; ./test runs it then"]
fn an_empty_cloud_becomes_conforming() {
    let cloud = Emptied(Member::of(ADMIN));
    assert_eq!(cloud.things(), [], "nothing is there");
    let origin = Origin::start();
    let mirror = origin.url("qcow2/");
    let output = assay(&["apply", ADMIN, "--yes", "--mirror-base", &mirror, "--format", "json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{} {said}", stdout(&output));
    assert!(said.contains("Ubuntu 24.04: not verified: there is no list of digests"), "{said}");

    let visits = origin.visits();
    let planned = assay(&["plan", ADMIN, "--mirror-base", &mirror, "--format", "json"]);
    let document: Value = serde_json::from_str(&stdout(&planned)).expect("JSON");
    assert_eq!((planned.status.code(), &document["actions"]), (Some(0), &json!([])), "{document:#}");
    assert_eq!(origin.visits(), visits, "a plan asks nobody but the cloud");

    // Judged as users see it. The images came from the mirror, and say where their makers publish them.
    let checked =
        assay(&["check", "testbed", "--read-only", "--testcases", "scs-010[0234]-", "--format", "lines"]);
    let lines = stdout(&checked);
    let red: Vec<&str> = lines.lines().filter(|line| !line.ends_with(": PASS")).collect();
    assert_eq!(red, ["scs-0104-image-capi-1: FAIL"]);
    assert!(lines.lines().count() > 60, "{lines}");
}
