//! Images of a real glance: imported, rotated, refused. All of them are private, so that nobody else sees them.

pub(crate) mod origin;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use origin::{Origin, sha256};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::look::Member;
use crate::{assay, command, folder, stdout};

const ADMIN: &str = "testbed-admin";

/// A catalogue under names of its own; the images are gone in the end.
struct Trial {
    folder: TempDir,
    prefix: String,
    owner: Member,
    cloud: &'static str,
}

impl Trial {
    fn begin(what: &str, cloud: &'static str) -> Self {
        let prefix = format!("trial-{what}-{}", std::process::id());
        Trial { folder: folder(), prefix, owner: Member::of(cloud), cloud }
    }

    /// An image that rotates, in some of its versions: each a name and what else there is to say.
    fn image(&self, number: u32, versions: &[(&str, Value)]) -> Value {
        let versions: Vec<Value> = versions
            .iter()
            .map(|(version, more)| {
                let mut entry = json!({"version": version, "build_date": "2026-01-01"});
                let fields = entry.as_object_mut().expect("a map");
                fields.extend(more.as_object().expect("a map").clone());
                entry
            })
            .collect();
        json!({"name": format!("{}-{number}", self.prefix), "format": "raw", "login": "none", "min_disk": 1,
            "min_ram": 64, "visibility": "private", "meta": {"os_purpose": "generic", "uuid_validity": "last-2"},
            "versions": versions})
    }

    fn catalogue(&self, images: &[Value]) -> PathBuf {
        let path = self.folder.path().join("images.yaml");
        // JSON is YAML.
        fs::write(&path, json!({"images": images}).to_string()).expect("a file");
        path
    }

    /// The arguments for a catalogue, under a tag of its own.
    fn arguments(&self, verb: &str, images: &[Value], more: &[&str]) -> Vec<String> {
        let file = self.catalogue(images).display().to_string();
        let fixed =
            ["images", verb, self.cloud, "--images", &file, "--tag", &self.prefix, "--format", "json"];
        fixed.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
    }

    fn run(&self, verb: &str, images: &[Value], more: &[&str]) -> (Option<i32>, Value, String) {
        let arguments = self.arguments(verb, images, more);
        let output = assay(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let document =
            serde_json::from_str(&stdout(&output)).unwrap_or_else(|error| panic!("{error}: {said}"));
        (output.status.code(), document, said)
    }

    /// The images of this trial, hidden ones included, by their names.
    fn made(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for hidden in ["false", "true"] {
            let path = format!("v2/images?tag={}&visibility=all&os_hidden={hidden}", self.prefix);
            let (status, body) = self.owner.call("GET", "image", &path, None);
            all.extend(body["images"].as_array().unwrap_or_else(|| panic!("{status} {body}")).clone());
        }
        all.sort_by_key(|image| image["name"].as_str().map(str::to_owned));
        all
    }

    fn names(&self) -> Vec<String> {
        let name = |image: &Value| image["name"].as_str().unwrap_or_default().to_owned();
        self.made().iter().map(name).collect()
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        for image in self.made() {
            let path = format!("v2/images/{}", image["id"].as_str().unwrap_or_default());
            self.owner.call("DELETE", "image", &path, None);
        }
    }
}

fn verbs(document: &Value) -> Vec<&str> {
    let actions = document["actions"].as_array().expect("actions").iter();
    actions.filter_map(|action| action["verb"].as_str()).collect()
}

fn outcomes(document: &Value) -> Vec<&str> {
    let outcomes = document["outcomes"].as_array().expect("outcomes").iter();
    outcomes.filter_map(|outcome| outcome["outcome"].as_str()).collect()
}

#[test]
fn a_build_is_imported_verified_and_replaced_by_the_next() {
    let origin = Origin::start();
    let trial = Trial::begin("life", ADMIN);
    let digest = |name: &str| json!(format!("sha256:{}", sha256(&Origin::data(name))));
    let first = json!({"url": origin.url("one.img"), "checksum": digest("one.img")});
    let images = [trial.image(1, &[("20260101", first.clone())])];
    let (code, planned, _) = trial.run("plan", &images, &[]);
    assert_eq!((code, verbs(&planned)), (Some(1), vec!["import"]));
    assert_eq!(trial.made(), Vec::<Value>::new(), "a plan changes nothing");
    assert_eq!(origin.visits(), 0, "and asks nobody but the cloud");

    let (code, applied, said) = trial.run("apply", &images, &["--yes"]);
    assert_eq!((code, outcomes(&applied)), (Some(0), vec!["done"]), "{applied:#} {said}");
    let made = trial.made();
    assert_eq!(made[0]["size"], Origin::data("one.img").len(), "{made:#?}");
    assert_eq!(made[0]["image_source"], json!(origin.url("one.img")));
    assert_eq!(made[0]["assay_import"], Value::Null);
    let in_sync = json!({
        "format": "assay-plan", "version": 1, "cloud": ADMIN, "actions": [], "notes": [], "questions": [],
    });
    assert_eq!(trial.run("plan", &images, &[]), (Some(0), in_sync, String::new()));

    // What differs is mended without another import.
    let mut changed = images[0].clone();
    changed["meta"]["os_version"] = json!("1");
    changed["min_ram"] = json!(128);
    let (code, applied, _) = trial.run("apply", &[changed], &["--yes"]);
    assert_eq!((code, verbs(&applied)), (Some(0), vec!["set"]), "{applied:#}");
    assert_eq!(trial.made()[0]["min_ram"], 128);

    // The next build comes packed, and its digest stands in a list.
    let second = json!({"url": origin.url("two.img"), "checksums_url": origin.url("SHA256SUMS"), "build_date": "2026-02-01"});
    let both = [trial.image(1, &[("20260101", first), ("20260201", second)])];
    let (code, applied, said) = trial.run("apply", &both, &["--yes", "--require-checksum"]);
    assert_eq!((code, verbs(&applied)), (Some(0), vec!["import", "rename"]), "{applied:#} {said}");
    let names = [format!("{}-1", trial.prefix), format!("{}-1 20260101", trial.prefix)];
    assert_eq!(trial.names(), names);
    let made = trial.made();
    assert_eq!((&made[0]["internal_version"], &made[0]["os_hidden"]), (&json!("20260201"), &json!(false)));
    assert_eq!((&made[1]["os_purpose"], &made[1]["os_hidden"]), (&json!("oldgeneric"), &json!(true)));
    assert_eq!(trial.run("plan", &both, &[]).0, Some(0));
}

#[test]
fn an_image_is_shared_and_no_longer() {
    let origin = Origin::start();
    let trial = Trial::begin("shared", ADMIN);
    let mut image = trial.image(1, &[("20260101", json!({"url": origin.url("one.img")}))]);
    let name = image["name"].as_str().expect("a name").to_owned();
    let share = |more: &[&str]| assay(&[&["images", "share", ADMIN, "--image", &name], more].concat());
    assert_eq!(trial.run("apply", &[image.clone()], &["--yes"]).0, Some(0));
    let refused = share(&["--project", "demo"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is private; only shared images"));

    image["visibility"] = json!("shared");
    let (code, applied, _) = trial.run("apply", &[image.clone()], &["--yes"]);
    assert_eq!((code, verbs(&applied)), (Some(0), vec!["set"]));
    let seen = || {
        let path = format!("v2/images?name={name}&visibility=shared");
        Member::of("testbed").call("GET", "image", &path, None).1["images"].as_array().expect("images").len()
    };
    assert_eq!(seen(), 0);
    for _ in 0..2 {
        assert_eq!(share(&["--project", "demo"]).status.code(), Some(0), "twice does no harm");
        assert_eq!(seen(), 1);
    }
    let exported = stdout(&assay(&["images", "export", ADMIN, "--tag", &trial.prefix]));
    assert!(
        exported.contains(&format!("name: {name}")) && exported.contains("visibility: shared"),
        "{exported}"
    );
    for _ in 0..2 {
        assert_eq!(share(&["--project", "demo", "--remove"]).status.code(), Some(0));
        assert_eq!(seen(), 0);
    }
    let unknown = share(&["--project", "no-such-project"]);
    assert_eq!(unknown.status.code(), Some(3));
}

#[test]
fn every_way_leads_to_glance() {
    let origin = Origin::start();
    let trial = Trial::begin("ways", ADMIN);
    let file = trial.folder.path().join("local.img");
    fs::write(&file, Origin::data("local.img")).expect("a file");
    let of = |number, url: &str| trial.image(number, &[("20260101", json!({"url": url}))]);
    let local = format!("file://{}", file.display());
    for (number, way, url) in [
        (1, "web-download", origin.url("one.img")),
        (2, "upload", origin.url("one.img")),
        (3, "glance-direct", origin.url("one.img")),
        (4, "upload", local),
    ] {
        let images = [of(number, &url)];
        let (code, applied, said) = trial.run("apply", &images, &["--yes", "--import-method", way]);
        assert_eq!(code, Some(0), "{way} {applied:#}");
        assert!(said.contains("not verified: no digest is known"), "{said}");
    }
    let sizes: Vec<_> = trial.made().iter().map(|image| image["size"].clone()).collect();
    let size = Origin::data("one.img").len();
    assert_eq!(sizes, [size, size, size, Origin::data("local.img").len()].map(|size| json!(size)));
    assert_eq!(trial.made()[3]["image_source"], "private", "the path of a file is nobody's business");
}

#[test]
fn what_is_not_what_it_should_be_never_shows() {
    let origin = Origin::start();
    let trial = Trial::begin("wrong", ADMIN);
    let wrong = "0".repeat(64);
    let long = "0".repeat(128);
    let of = |number, more: Value| trial.image(number, &[("20260101", more)]);
    let images = [
        of(1, json!({"url": origin.url("one.img"), "checksum": format!("sha256:{wrong}")})),
        of(2, json!({"url": origin.url("one.img"), "checksum": format!("sha512:{long}")})),
        of(3, json!({"url": origin.url("missing/one.img")})),
        of(4, json!({"url": origin.url("broken/one.img")})),
        of(5, json!({"url": origin.url("one.img"), "checksums_url": origin.url("SHA512SUMS")})),
        of(6, json!({"url": origin.url("one.img"), "checksums_url": origin.url("failing/SHA512SUMS")})),
        // These are well.
        of(7, json!({"url": origin.url("missing/one.img"), "mirror_url": origin.url("one.img")})),
        of(8, json!({"url": origin.url("one.img"), "mirror_url": origin.url("missing/one.img")})),
        of(
            9,
            json!({"url": origin.url("flaky/one.img"), "checksum": format!("sha256:{}", sha256(&Origin::data("one.img")))}),
        ),
        of(10, json!({"url": origin.url("moved/one.img")})),
    ];
    let (code, applied, said) = trial.run("apply", &images, &["--yes"]);
    assert_eq!(code, Some(3), "{applied:#} {said}");
    let expected = ["failed", "failed", "failed", "failed", "done", "failed", "done", "done", "done", "done"];
    assert_eq!(outcomes(&applied), expected, "{applied:#}");
    let why = |at: usize| applied["outcomes"][at]["why"].as_str().unwrap_or_default().to_owned();
    assert!(why(0).contains(&format!("expected sha256:{wrong}, found sha256:")), "{}", why(0));
    assert!(why(1).contains("sha512:"), "{}", why(1));
    assert!(why(2).contains("missing/one.img: HTTP 404"), "{}", why(2));
    assert!(why(3).contains("broken/one.img: after "), "{}", why(3));
    assert!(why(5).contains("failing/SHA512SUMS: HTTP 500"), "{}", why(5));
    assert!(said.contains("has no digest of one.img"), "{said}");
    let names: Vec<String> =
        [10, 5, 7, 8, 9].iter().map(|number| format!("{}-{number}", trial.prefix)).collect();
    assert_eq!(trial.names(), names, "nothing else is left");

    let strict = trial.run("apply", &images[4..5], &["--yes", "--require-checksum"]);
    assert_eq!(strict.0, Some(0), "it is there already");
    let other = [of(11, json!({"url": origin.url("one.img")}))];
    let (code, applied, _) = trial.run("apply", &other, &["--yes", "--require-checksum"]);
    assert_eq!(code, Some(3));
    assert!(
        applied["outcomes"][0]["why"]
            .as_str()
            .is_some_and(|why| why.contains("--require-checksum wants one"))
    );
}

#[test]
fn a_download_that_stalls_is_given_up_in_time_and_nothing_is_left() {
    let origin = Origin::start();
    let trial = Trial::begin("stalled", ADMIN);
    let image = [trial.image(1, &[("20260101", json!({"url": origin.url("stalled/one.img")}))])];
    let begun = Instant::now();
    let (code, applied, said) = trial.run("apply", &image, &["--yes", "--import-timeout", "3"]);
    assert_eq!((code, outcomes(&applied)), (Some(3), vec!["failed"]), "{applied:#} {said}");
    let why = applied["outcomes"][0]["why"].as_str().unwrap_or_default();
    assert!(why.contains("by upload: not there within 3 seconds"), "{why}");
    assert!(begun.elapsed() < Duration::from_mins(2), "{:?}", begun.elapsed());
    assert_eq!(trial.made(), Vec::<Value>::new(), "{said}");
}

#[test]
fn who_may_not_publish_is_told_so_and_nothing_is_left() {
    let origin = Origin::start();
    let trial = Trial::begin("public", "testbed");
    let mut image = trial.image(1, &[("20260101", json!({"url": origin.url("one.img")}))]);
    image["visibility"] = json!("public");
    let (code, applied, _) = trial.run("apply", &[image], &["--yes"]);
    assert_eq!((code, outcomes(&applied)), (Some(3), vec!["failed"]));
    let why = applied["outcomes"][0]["why"].as_str().unwrap_or_default();
    assert!(why.contains("HTTP 403") && why.contains("publicize_image"), "{why}");
    assert_eq!(trial.made(), Vec::<Value>::new());
}

#[test]
fn a_store_and_quotas_that_are_full_are_named_and_nothing_is_left() {
    const SMALL: &str = "testbed-small";
    const WAYS: [&str; 3] = ["upload", "glance-direct", "web-download"];
    let origin = Origin::start();
    let digest = |name: &str| format!("sha256:{}", sha256(&Origin::data(name)));
    let apply = |trial: &Trial, number: u32, name: &str, way: &str| {
        let image = trial.image(number, &[("1", json!({"url": origin.url(name), "checksum": digest(name)}))]);
        let (code, applied, said) = trial.run("apply", &[image], &["--yes", "--import-method", way]);
        (code, applied["outcomes"][0]["why"].as_str().unwrap_or_default().to_owned(), said)
    };
    let full = Trial::begin("full", "testbed-full");
    for way in WAYS {
        let (code, why, said) = apply(&full, 1, "huge.img", way);
        assert_eq!(code, Some(3), "{way} {why} {said}");
        // A task says nothing about the disk.
        let expected = match way {
            "upload" => "There is not enough disk space on the image storage media",
            _ => "store small did not take it",
        };
        assert!(why.contains(expected), "{way} {why}");
        assert_eq!(full.names(), Vec::<String>::new(), "{way}");
    }
    drop(full);

    let many = Trial::begin("many", SMALL);
    for number in [1, 2] {
        let (code, why, said) = apply(&many, number, "one.img", "upload");
        assert_eq!(code, Some(0), "{why} {said}");
    }
    for way in WAYS {
        let (code, why, said) = apply(&many, 3, "one.img", way);
        assert_eq!(code, Some(3), "{way} {why} {said}");
        assert!(why.contains("image_count_total is over limit of 2"), "{way} {why}");
        assert_eq!(many.names().len(), 2, "{way}");
    }
    drop(many);

    let much = Trial::begin("much", SMALL);
    let (code, why, said) = apply(&much, 1, "large.img", "upload");
    assert_eq!(code, Some(0), "{why} {said}");
    for way in WAYS {
        let (code, why, said) = apply(&much, 2, "large.img", way);
        assert_eq!(code, Some(3), "{way} {why} {said}");
        assert!(why.contains("image_size_total is over limit of 1"), "{way} {why}");
        assert_eq!(much.names().len(), 1, "{way}");
    }
}

/// Begins an apply whose image comes drop by drop, and waits until glance takes it in.
fn begun(trial: &Trial, arguments: &[String]) -> std::process::Child {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let child = command(trial.folder.path(), &arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let begun = Instant::now();
    while trial.made().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "no image is begun");
        thread::sleep(Duration::from_millis(50));
    }
    child
}

#[test]
fn a_run_that_is_killed_is_healed_by_the_next() {
    let origin = Origin::start();
    let trial = Trial::begin("killed", ADMIN);
    let url = |name: &str| json!({"url": origin.url(name)});
    let slow = [trial.image(1, &[("20260101", url("slow/one.img"))])];
    let arguments = trial.arguments("apply", &slow, &["--yes", "--import-method", "upload"]);
    let mut child = begun(&trial, &arguments);
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert_eq!(trial.made().len(), 1, "what was begun is left");

    let quick = [trial.image(1, &[("20260101", url("one.img"))])];
    let (code, applied, said) = trial.run("apply", &quick, &["--yes"]);
    assert_eq!((code, verbs(&applied)), (Some(0), vec!["import"]), "{applied:#} {said}");
    let made = trial.made();
    assert_eq!((made.len(), &made[0]["status"]), (1, &json!("active")), "{made:#?}");
    assert_eq!(trial.run("plan", &quick, &[]).0, Some(0));
}

#[test]
fn ctrl_c_takes_an_image_on_its_way_back() {
    let origin = Origin::start();
    let trial = Trial::begin("stopped", ADMIN);
    let slow = [trial.image(1, &[("20260101", json!({"url": origin.url("slow/one.img")}))])];
    let arguments = trial.arguments("apply", &slow, &["--yes", "--import-method", "upload"]);
    let mut child = begun(&trial, &arguments);
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!(trial.made(), Vec::<Value>::new());
}

#[test]
fn a_mirror_can_be_a_bucket() {
    let origin = Origin::start();
    let trial = Trial::begin("bucket", "testbed");
    let bucket = trial.prefix.as_str();
    let owner = &trial.owner;
    let (access, secret, key) = owner.key();
    assert_eq!(owner.call("PUT", "object-store", bucket, None).0, 201);
    let digest = |name: &str| format!("sha256:{}", sha256(&Origin::data(name)));
    let catalogue = trial.catalogue(&[
        trial.image(1, &[("1", json!({"url": origin.url("one.img"), "checksum": digest("one.img")}))]),
        trial.image(2, &[("1", json!({"url": origin.url("two.img"), "checksum": digest("one.img")}))]),
    ]);
    let store = owner.base("object-store").split("/v1").next().expect("an address").to_owned();
    let mirror = || {
        let to = format!("s3://{bucket}/images");
        let catalogue = catalogue.display().to_string();
        let arguments = ["images", "mirror", &to, "--images", &catalogue, "--s3-endpoint", &store];
        let mut command = command(trial.folder.path(), &arguments);
        command.env("AWS_ACCESS_KEY_ID", &access).env("AWS_SECRET_ACCESS_KEY", &secret);
        let output = command.output().expect("the program runs");
        (output.status.code(), stdout(&output), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, out, said) = mirror();
    assert_eq!((code, out), (Some(3), format!("one.img: fetched, {}\n", digest("one.img"))), "{said}");
    assert!(said.contains("is not what its digest says"), "{said}");
    let visits = origin.visits();
    let (_, out, said) = mirror();
    assert_eq!(out, format!("one.img: is there, {}\n", digest("one.img")), "{said}");
    assert_eq!(origin.visits(), visits + 1, "only what is not there yet is fetched");
    // What did not fit its digest is in no list, and none of its parts is left.
    let names = |container: &str| -> Vec<String> {
        let (_, listed) = owner.call("GET", "object-store", &format!("{container}?format=json"), None);
        let objects = listed.as_array().into_iter().flatten();
        objects.filter_map(|object| object["name"].as_str()).map(str::to_owned).collect()
    };
    assert_eq!(names(bucket), ["images/one.img"]);
    let parts = format!("{bucket}+segments");
    assert!(names(&parts).iter().all(|name| name.contains("one.img")), "{:?}", names(&parts));
    for container in [bucket, &parts] {
        for name in names(container) {
            owner.call("DELETE", "object-store", &format!("{container}/{name}"), None);
        }
        owner.call("DELETE", "object-store", container, None);
    }
    owner.call("DELETE", "identity", &key, None);
}

#[test]
fn shared_images_and_stores_are_as_the_catalogue_says() {
    let origin = Origin::start();
    let trial = Trial::begin("shared", ADMIN);
    let digest = format!("sha256:{}", sha256(&Origin::data("one.img")));
    let of = |visibility: &str, members: &[&str], stores: &[&str]| {
        let mut image = trial.image(1, &[("1", json!({"url": origin.url("one.img"), "checksum": digest}))]);
        let fields = image.as_object_mut().expect("a map");
        fields.insert("visibility".to_owned(), json!(visibility));
        if visibility == "shared" {
            fields.insert("members".to_owned(), json!(members));
        }
        fields.insert("stores".to_owned(), json!(stores));
        image
    };
    let (code, applied, said) = trial.run("apply", &[of("shared", &["demo"], &["second"])], &["--yes"]);
    assert_eq!((code, outcomes(&applied)), (Some(0), vec!["done"]), "{applied:#} {said}");
    let made = trial.made();
    let stores = made[0]["stores"].as_str().expect("stores");
    assert!(stores.split(',').any(|store| store == "second"), "{stores}");
    // A member finds it by its name, like any other image.
    let path = format!("v2/images?name={}", made[0]["name"].as_str().expect("a name"));
    let finds = || {
        let (_, found) = Member::of("testbed").call("GET", "image", &path, None);
        found["images"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(finds(), 1);
    let (code, planned, _) = trial.run("plan", &[of("shared", &["demo"], &["second", "file"])], &[]);
    assert_eq!((code, verbs(&planned)), (Some(0), vec![]), "{planned:#}");
    let (code, applied, said) = trial.run("apply", &[of("shared", &[], &["second"])], &["--yes"]);
    assert_eq!((code, outcomes(&applied)), (Some(0), vec!["done"]), "{applied:#} {said}");
    assert_eq!(finds(), 0, "it is not shared any more");
    let arguments = trial.arguments("plan", &[of("shared", &["no-such-project"], &[])], &[]);
    let output = assay(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(3) && said.contains("\"no-such-project\""), "{said}");
}
