//! What others made stays, whatever a cleanup is told.

use std::time::Duration;

use serde_json::{Value, json};

use crate::look::Member;
use crate::{assay, command, folder, stdout};

const CLOUD: &str = "testbed-two";

/// Something that a test made, and removes in its end.
struct Foreign<'a> {
    member: &'a Member,
    service: &'static str,
    path: String,
}

impl<'a> Foreign<'a> {
    fn make(member: &'a Member, service: &'static str, path: &str, wrapper: &str, fields: Value) -> Self {
        let (status, body) = member.call("POST", service, path, Some(json!({wrapper: fields})));
        let id = body[wrapper]["id"].as_str().unwrap_or_else(|| panic!("{path}: {status} {body}"));
        Foreign { member, service, path: format!("{path}/{id}") }
    }

    fn is_there(&self) -> bool {
        self.member.call("GET", self.service, &self.path, None).0 == 200
    }
}

impl Drop for Foreign<'_> {
    fn drop(&mut self) {
        // A volume that is being made can not be deleted yet.
        for _ in 0..100 {
            if matches!(self.member.call("DELETE", self.service, &self.path, None).0, 200..300 | 404) {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

#[test]
fn what_others_made_stays_and_old_leftovers_are_listed_before_they_go() {
    let member = Member::of(CLOUD);
    let (_, networks) = member.call("GET", "network", "v2.0/networks?router%3Aexternal=True", None);
    let external = networks["networks"][0]["id"].clone();
    let own = std::process::id();
    let prefix = format!("_scs-test-{own}-");
    let volume = |name: String| {
        Foreign::make(&member, "volumev3", "volumes", "volume", json!({"name": name, "size": 1}))
    };
    let network =
        |name: String| Foreign::make(&member, "network", "v2.0/networks", "network", json!({"name": name}));
    let others = [
        Foreign::make(
            &member,
            "network",
            "v2.0/floatingips",
            "floatingip",
            json!({"floating_network_id": external}),
        ),
        volume(format!("backup-{own}-of-somebody")),
        // Close to our mark and to the prefix, but neither.
        network(format!("assay-notes-{own}")),
        network(format!("my-_scs-test-{own}-network")),
        network(format!("assay-12345678{own}")),
    ];
    let old = network(format!("{prefix}network"));

    let cleanup = |more: &[&str]| assay(&[&["cleanup", CLOUD, "--legacy-prefix", &prefix], more].concat());
    let listed = cleanup(&["--dry-run"]);
    assert_eq!(listed.status.code(), Some(0));
    let text = stdout(&listed);
    assert!(text.contains(&format!("{prefix}network")), "{text}");
    assert_eq!(text.lines().count(), 2, "the cloud and one network: {text}");
    assert!(old.is_there(), "a dry run deletes nothing");

    let of_a_run = assay(&["cleanup", CLOUD, "--run", "12345678", "--dry-run"]);
    assert_eq!(stdout(&of_a_run), format!("{CLOUD}: nothing to take down\n"));

    // Nobody is there to be asked.
    let unasked = cleanup(&[]);
    assert_eq!(unasked.status.code(), Some(2), "{}", String::from_utf8_lossy(&unasked.stderr));
    assert!(old.is_there());

    let removed = cleanup(&["--yes"]);
    assert_eq!(removed.status.code(), Some(0), "{}", String::from_utf8_lossy(&removed.stderr));
    assert!(!old.is_there(), "{}", stdout(&removed));
    assert!(others.iter().all(Foreign::is_there));
}

#[test]
fn a_journal_that_cannot_be_read_is_no_success() {
    let state = folder();
    let journals = state.path().join("journal");
    std::fs::create_dir(&journals).expect("a folder");
    std::fs::write(journals.join("ffffffff.jsonl"), "no journal\n").expect("a file");
    for arguments in [&["cleanup", "testbed"][..], &["cleanup", "testbed", "--dry-run", "--quiet"]] {
        let cleaned = command(state.path(), arguments).output().expect("the program runs");
        let said = String::from_utf8_lossy(&cleaned.stderr);
        assert_eq!(cleaned.status.code(), Some(4), "{said}");
        assert!(said.contains("ffffffff.jsonl"), "{said}");
    }
    assert!(journals.join("ffffffff.jsonl").exists(), "it is left for somebody to look at");
}
