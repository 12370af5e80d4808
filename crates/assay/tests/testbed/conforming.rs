//! A cloud with nothing in it becomes one that conforms, and so does one that nobody took care of.

use std::fs;

use serde_json::{Value, json};

use crate::images::origin::Origin;
use crate::look::Member;
use crate::{assay, folder, stdout};

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

/// An image, a volume type, a flavor and a rule as they come to be where nobody thinks of the standards.
struct Neglected {
    owner: Member,
    /// What is no flavor and no image, to be taken away in the end.
    others: Vec<(&'static str, String)>,
}

impl Neglected {
    fn begin() -> Self {
        let mut cloud = Neglected { owner: Member::of(ADMIN), others: Vec::new() };
        let image = json!({"name": "Ubuntu 20.04 (20260101)", "disk_format": "raw", "container_format": "bare",
            "visibility": "public"});
        let path = cloud.make("image", "v2/images", image, &["id"]);
        cloud.owner.fill(path.trim_start_matches("v2/images/"), vec![7; 1024]);
        let flavor = json!({"flavor": {"name": "SCS-1V-3", "vcpus": 1, "ram": 3072, "disk": 0}});
        cloud.make("compute", "flavors", flavor, &["flavor", "id"]);
        let volume_type = json!({"volume_type": {"name": "neglected", "description": "Locked away"}});
        let path = cloud.make("volumev3", "types", volume_type, &["volume_type", "id"]);
        let encryption = json!({"encryption": {"provider": "luks", "control_location": "front-end",
            "cipher": "aes-xts-plain64", "key_size": 256}});
        cloud.make("volumev3", &format!("{path}/encryption"), encryption, &["encryption", "encryption_id"]);
        cloud.others.push(("volumev3", path));
        let rule = json!({"default_security_group_rule": {"direction": "ingress", "ethertype": "IPv4",
            "protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "used_in_default_sg": true,
            "used_in_non_default_sg": true}});
        let path = "v2.0/default-security-group-rules";
        let path = cloud.make("network", path, rule, &["default_security_group_rule", "id"]);
        cloud.others.push(("network", path));
        cloud
    }

    /// Makes something, and says where it is.
    fn make(&self, service: &'static str, path: &str, body: Value, id: &[&str]) -> String {
        let (status, answer) = self.owner.call("POST", service, path, Some(body));
        let id = id.iter().fold(&answer, |part, key| &part[*key]);
        format!("{path}/{}", id.as_str().unwrap_or_else(|| panic!("{path}: {status} {answer}")))
    }
}

impl Drop for Neglected {
    fn drop(&mut self) {
        for (service, path) in &self.others {
            self.owner.call("DELETE", service, path, None);
        }
    }
}

#[test]
#[ignore = "needs a testbed before it is seeded; ./test runs it then"]
fn what_nobody_described_is_repaired() {
    let _emptied = Emptied(Member::of(ADMIN));
    let _neglected = Neglected::begin();
    let folder = folder();
    let path = folder.path().join("answers.yaml");
    let answers = path.display().to_string();
    let catalogue = folder.path().join("images.yaml");
    fs::write(&catalogue, "images: []\n").expect("a file");
    let catalogue = catalogue.display().to_string();
    let run = |verb: &str, more: &[&str]| {
        let fixed = [verb, ADMIN, "--images", &catalogue, "--format", "json"];
        let output = assay(&[&fixed[..], more].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let text = stdout(&output);
        let document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {said}"));
        (output.status.code(), document)
    };
    let all = |document: &Value, key: &str, field: &str| -> Vec<String> {
        let items = document[key].as_array().expect("a list").iter();
        items.filter_map(|item| item[field].as_str()).map(str::to_owned).collect()
    };
    let (code, planned) = run("plan", &[]);
    assert_eq!(code, Some(1), "{planned:#}");
    let asked = all(&planned, "questions", "field");
    let promises = ["replace_frequency", "provided_until", "uuid_validity", "default_security_group_rules"];
    assert!(promises.iter().all(|promise| asked.contains(&(*promise).to_owned())), "{asked:?}");

    let questions = stdout(&assay(&["questions", ADMIN, "--images", &catalogue]));
    let given = [
        ("replace_frequency", "never"),
        ("provided_until", "notice"),
        ("uuid_validity", "notice"),
        ("min_ram", "512"),
        ("architecture", "x86_64"),
        ("os_purpose", "generic"),
        ("hw_disk_bus", "virtio"),
        ("image_original_user", "ubuntu"),
        ("image_source", "private"),
        ("image_description", "An old one"),
        ("aspects", "[]"),
        ("default_security_group_rules", "standard"),
    ];
    let filled = given.iter().fold(questions, |text, (field, answer)| {
        text.replace(&format!("{field}:\n"), &format!("{field}: {answer}\n"))
    });
    fs::write(&path, &filled).expect("a file");
    let (code, applied) = run("apply", &["--answers", &answers, "--yes"]);
    assert_eq!(code, Some(0), "{applied:#}\n{filled}");
    let touched = all(&applied, "actions", "name");
    for wanted in ["Ubuntu 20.04 (20260101)", "SCS-1V-3", "neglected", "ingress IPv4"] {
        assert!(touched.contains(&wanted.to_owned()), "{wanted}: {touched:?}");
    }
    let (code, planned) = run("plan", &["--answers", &answers]);
    let left = (&planned["actions"], &planned["questions"]);
    assert_eq!((code, left), (Some(0), (&json!([]), &json!([]))), "{planned:#}");

    // Nobody can say that volumes are replicated where none are.
    let testcases = "scs-0102-prop-|scs-0114-(syntax|encrypted-type|replicated)|scs-0115-";
    let checked = assay(&["check", "testbed", "--read-only", "--testcases", testcases, "--format", "lines"]);
    let lines = stdout(&checked);
    let red: Vec<&str> = lines.lines().filter(|line| !line.ends_with(": PASS")).collect();
    assert_eq!(red, ["scs-0114-replicated-type: FAIL"], "{lines}");
}
