//! A simulated cloud, checked over HTTP: the verdicts are those of the recording that is in it.

use assay_inventory::{FactId, Inventory, Section, read_snapshot, write_snapshot};
use assay_simcloud::{Population, Running, Settings, SimCloud, clouds_yaml};
use tokio::runtime::Runtime;

use crate::support::{Home, Ran, recording, run};

fn recorded() -> Inventory {
    read_snapshot(&std::fs::read(recording()).expect("the recording")).expect("a snapshot")
}

/// A cloud that answers as long as the runtime lives.
fn cloud(pages: usize) -> (Runtime, Running) {
    let runtime = Runtime::new().expect("a runtime");
    let settings =
        Settings { name: "sim".into(), page_size: pages, ..Settings::of(Population::of(&recorded()).into()) };
    let cloud = runtime.block_on(SimCloud::start(settings)).expect("a port");
    (runtime, cloud)
}

/// The verdicts, without those about an S3 server, which no recording can play back.
fn without_s3(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with("scs-0123-s3")).collect()
}

/// Checks a cloud at the instant of the recording.
fn checked(home: &Home, cloud: &Running, arguments: &[&str]) -> Ran {
    let clouds = home.file("clouds.yaml", clouds_yaml([cloud]));
    let now = recorded().recorded_at.to_string();
    let arguments = [&["check", "sim", "--format", "lines", "--now", &now][..], arguments].concat();
    home.run_in(&arguments, "", &[("OS_CLIENT_CONFIG_FILE", &clouds)])
}

/// The recording, as far as it was had by reading alone.
fn light() -> Vec<u8> {
    let mut value = serde_json::to_value(recorded()).expect("JSON");
    for fact in FactId::ALL.iter().filter(|fact| fact.section() != Section::Light) {
        let name = serde_json::to_value(fact).expect("a name");
        value.as_object_mut().expect("a map").remove(name.as_str().expect("text"));
    }
    let inventory: Inventory = serde_json::from_value(value).expect("an inventory");
    write_snapshot(&inventory, "a test").expect("a snapshot")
}

#[test]
fn reading_gives_the_verdicts_of_the_recording() {
    let home = Home::new();
    let snapshot = home.file("light.snapshot", light());
    for (reading, pages) in [("official", 1000), ("text", 2), ("both", 1000)] {
        let (_runtime, cloud) = cloud(pages);
        let live = checked(&home, &cloud, &["--sections", "light", "--reading", reading]);
        let offline = run(&["check", "--snapshot", &snapshot, "--format", "lines", "--reading", reading]);
        assert_eq!((live.stdout, live.code), (offline.stdout, offline.code), "{reading}: {}", live.stderr);
        assert!(cloud.calls().iter().any(|(call, _)| call == "GET compute/flavors/detail"));
    }
}

#[test]
fn probing_gives_them_too_and_leaves_nothing() {
    for reading in ["official", "text"] {
        let (home, (_runtime, cloud)) = (Home::new(), cloud(1000));
        let live = checked(&home, &cloud, &["--reading", reading]);
        let offline = run(&["check", "--snapshot", &recording(), "--format", "lines", "--reading", reading]);
        assert_eq!(without_s3(&live.stdout), without_s3(&offline.stdout), "{reading}: {}", live.stderr);
        assert_eq!(cloud.leftovers(), []);
    }
}

#[test]
fn the_demonstration_plays_the_recording_back() {
    let played = run(&["demo", "--live", "--format", "lines"]);
    let shown = run(&["demo", "--format", "lines"]);
    assert_eq!(without_s3(&played.stdout), without_s3(&shown.stdout));
    assert_eq!((played.code, played.stderr.as_str()), (1, ""));

    let told = run(&["demo", "--live", "--testcases", "scs-0102"]);
    assert!(told.stderr.contains("This was a simulated cloud, asked "), "{}", told.stderr);
}
