//! `assay find` on the recorded cloud.

use crate::support::{json, recording, run};

fn find(arguments: &[&str]) -> (i32, String) {
    let recording = recording();
    let ran = run(&[&["find"], arguments, &["--snapshot", &recording]].concat());
    (ran.code, ran.stdout)
}

fn names(arguments: &[&str]) -> Vec<String> {
    let (_, text) = find(&[arguments, &["--format", "json"]].concat());
    json(&text).as_array().unwrap().iter().map(|found| found["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn flavors_by_what_they_have() {
    assert_eq!(names(&["flavor", "--vcpus", "4", "--ram", "16", "--disk-type", "ssd"])[0], "SCS-4V-16-50");
    assert_eq!(names(&["flavor", "SCS-2V-8"])[0], "m5.large", "the name is in its extra specs alone");
    assert!(names(&["flavor", "--vcpus", "1000"]).is_empty());
}

#[test]
fn images_by_what_they_hold() {
    let found = names(&["image", "--distro", "ubuntu", "--os-version", "24.04", "--purpose", "generic"]);
    assert_eq!(found[0], "Ubuntu 24.04");
}

#[test]
fn terraform_gets_one_flat_object_of_strings_or_an_error() {
    let (code, text) = find(&["image", "--distro", "debian", "--first", "--format", "json"]);
    assert_eq!((code, text.lines().count()), (0, 1));
    let object = json(&text);
    let object = object.as_object().unwrap();
    assert!(object.values().all(serde_json::Value::is_string), "{object:?}");
    assert!(object.contains_key("id") && object.contains_key("name"));
    assert_eq!(find(&["image", "--distro", "plan9", "--first", "--format", "json"]), (1, String::new()));
}
