//! The probe of a virtual machine: against guests that play back what real ones printed, and against real ones.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_inventory::{FactId, Inventory, Reason, StepId, VirtualMachine};
use assay_journal::Journal;
use assay_openstack::{Budgets, CloudConfig, ConfigFiles, Overrides, Probes, Request, Settings, collect};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const FACTS: [FactId; 4] = [FactId::Token, FactId::Flavors, FactId::Images, FactId::VirtualMachine];
/// A project in which no other test starts virtual machines, so that what becomes of them is ours to say.
const CLOUD: &str = "testbed-admin";

fn clouds() -> PathBuf {
    env::var_os("ASSAY_TESTBED_CLOUDS")
        .expect("ASSAY_TESTBED_CLOUDS must hold the path of clouds.yaml")
        .into()
}

async fn probed(clouds: &Path, cloud: &str, budgets: &Budgets) -> Inventory {
    let files = ConfigFiles { clouds: Some(clouds.into()), ..ConfigFiles::default() };
    let config = CloudConfig::from_files(&files, cloud, &Overrides::default()).unwrap();
    let state = tempfile::tempdir().unwrap();
    let facts = BTreeSet::from(FACTS);
    let request = Request {
        facts: &facts,
        started_at: Timestamp::now(),
        preflight: &|_| Ok(()),
        probes: Some(Probes { journals: state.path(), budgets, thorough: true }),
        cancel: &CancellationToken::new(),
        events: &|_| (),
    };
    let inventory = collect(&config, &Settings::default(), &request).await;
    assert_eq!(inventory.leftovers, []);
    assert_eq!(Journal::living(state.path()), [], "the journal is closed");
    inventory
}

/// What is seen of a guest that behaves as the knob says.
async fn guest(project: &str, mut knob: Value, console: Duration) -> VirtualMachine {
    let knobs = clouds().with_file_name("nova-knobs.json");
    knob["project"] = project.into();
    let new = knobs.with_extension("new");
    std::fs::write(&new, json!([knob]).to_string()).unwrap();
    std::fs::rename(&new, &knobs).unwrap();
    let budgets = Budgets { console, removal: Duration::from_secs(60), ..Budgets::default() };
    let inventory = probed(&clouds(), CLOUD, &budgets).await;
    std::fs::remove_file(&knobs).unwrap();
    inventory.virtual_machine.value().unwrap().clone()
}

fn says(machine: &VirtualMachine, section: &str) -> bool {
    machine.console.iter().any(|line| line.starts_with(&format!("_scs-test-{section}: ")))
}

#[tokio::test]
async fn guests_of_all_kinds_are_seen_as_they_are() {
    let budgets = Budgets { removal: Duration::from_secs(60), ..Budgets::default() };
    let inventory = probed(&clouds(), CLOUD, &budgets).await;
    let project = inventory.token.value().unwrap().project.clone().unwrap().id;
    let healthy = inventory.virtual_machine.value().unwrap();
    assert!(healthy.transcript.steps.iter().all(|step| step.trouble.is_none()), "{healthy:#?}");
    // The highest Debian, and the smallest flavor that offers a random number generator.
    assert_eq!(healthy.image.as_deref(), Some("Debian 13"));
    assert_eq!(healthy.flavor.as_deref(), Some("SCS-1V-2"));
    assert!(says(healthy, "own-fips") && says(healthy, "fips-test") && says(healthy, "rngd"));
    assert!(healthy.console_tail.is_empty());
    assert_eq!(healthy.addresses.len(), 2, "IPv4 and IPv6: {:?}", healthy.addresses);
    for address in &healthy.addresses {
        assert!(
            healthy.console.iter().any(|line| line.contains(&format!("eth0 {address}/"))),
            "{address} in {healthy:#?}"
        );
    }

    let second = Duration::from_secs(1);
    let offline = guest(&project, json!({"guest": "offline"}), 30 * second).await;
    assert!(offline.transcript.is_done(StepId::ReadConsole), "{offline:#?}");
    assert!(says(&offline, "own-fips") && says(&offline, "entropy-avail"));
    assert!(!offline.console.iter().any(|line| line.contains("failures: ")), "there is no rngtest");

    let failing = guest(&project, json!({"guest": "failing"}), 30 * second).await;
    assert!(says(&failing, "own-fips") && !says(&failing, "entropy-avail"));
    assert!(failing.console_tail.iter().any(|line| line.contains("Failed to run module scripts-user")));

    let silent = guest(&project, json!({"guest": "silent"}), 2 * second).await;
    let why = silent.transcript.trouble(StepId::ReadConsole).unwrap();
    assert_eq!(why.reason, Reason::Budget);
    assert_eq!(why.message, "the console is still empty after 2 s");

    let slow = guest(&project, json!({"guest": "healthy", "seconds": 5}), 60 * second).await;
    assert!(slow.transcript.is_done(StepId::ReadConsole), "{slow:#?}");
    assert_eq!(slow.console.len(), healthy.console.len());
    let step = slow.transcript.step(StepId::ReadConsole).unwrap();
    assert!(step.duration_us > 3_000_000, "it was waited for: {step:?}");

    let broken = guest(&project, json!({"error": "the host is on fire"}), second).await;
    let why = broken.transcript.trouble(StepId::AwaitServer).unwrap();
    assert_eq!(why.reason, Reason::Failed);
    assert!(why.message.contains("the host is on fire"), "{why}");
    assert!(broken.transcript.step(StepId::ReadConsole).is_none());
}

#[tokio::test]
#[ignore = "takes minutes and the testbed with real guests: testbed/guest/up"]
async fn a_real_guest_reports() {
    let clouds = env::var_os("ASSAY_GUESTS_CLOUDS")
        .expect("ASSAY_GUESTS_CLOUDS must hold the path of clouds.yaml; testbed/guest/up writes it");
    // An emulated guest on a busy machine needs longer than a real one may.
    let budgets = Budgets { console: Duration::from_mins(15), ..Budgets::default() };
    let inventory = probed(Path::new(&clouds), "testbed", &budgets).await;
    let machine = inventory.virtual_machine.value().unwrap();
    assert!(machine.transcript.steps.iter().all(|step| step.trouble.is_none()), "{machine:#?}");
    assert_eq!(machine.image.as_deref(), Some("Debian 12"));
    for (section, said) in [
        ("own-entropy-avail", "256"),
        ("own-cpu-flags", "rdrand"),
        ("own-fips", "blocks="),
        ("entropy-avail", "256"),
        ("rngd", "Active: active"),
    ] {
        let prefix = format!("_scs-test-{section}: ");
        let mut lines = machine.console.iter().filter_map(|line| line.strip_prefix(&prefix));
        assert!(lines.any(|line| line.trim_start().starts_with(said)), "{section} in {machine:#?}");
    }
    assert_eq!(machine.addresses.len(), 2, "IPv4 and IPv6: {:?}", machine.addresses);
    for address in &machine.addresses {
        assert!(machine.console.iter().any(|line| line.contains(&format!(" {address}/"))), "{machine:#?}");
    }
    for version in [4, 6] {
        let route = format!("_scs-test-own-route{version}: default ");
        assert!(machine.console.iter().any(|line| line.starts_with(&route)), "{machine:#?}");
    }
}
