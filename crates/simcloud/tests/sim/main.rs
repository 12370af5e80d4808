//! Simulated clouds, asked by the collector and the probes that ask real ones.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod faults;
mod many;
mod probes;
mod reading;
mod sizes;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use assay_inventory::{FactId, Inventory, Section, read_snapshot};
use assay_openstack::{
    Budgets, CloudConfig, ConfigFiles, Overrides, Probes, Request, Settings as Asking, collect,
};
use assay_simcloud::{Population, Running, Settings, SimCloud, clouds_yaml};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A cloud of the testbed, recorded with all probes.
fn recording() -> Inventory {
    read_snapshot(include_bytes!("../../../assay/data/demo.snapshot")).unwrap()
}

static POPULATION: LazyLock<Arc<Population>> = LazyLock::new(|| Arc::new(Population::of(&recording())));

fn plain() -> Settings {
    Settings::of(Arc::clone(&POPULATION))
}

async fn start(settings: Settings) -> Running {
    SimCloud::start(settings).await.unwrap()
}

/// How the tests ask: without much patience.
fn asking() -> Asking {
    Asking {
        timeout: Duration::from_secs(5),
        attempts: 1,
        backoff: Duration::from_millis(1),
        body_limit: 1 << 20,
        ..Asking::default()
    }
}

fn config_of(text: &str, name: &str) -> CloudConfig {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("clouds.yaml");
    std::fs::write(&path, text).unwrap();
    let files = ConfigFiles { clouds: Some(path), ..ConfigFiles::default() };
    CloudConfig::from_files(&files, name, &Overrides::default()).unwrap()
}

fn config(cloud: &Running) -> CloudConfig {
    config_of(&clouds_yaml([cloud]), cloud.name())
}

/// What is had by reading over HTTP.
fn readable() -> BTreeSet<FactId> {
    let light = FactId::ALL.iter().copied().filter(|fact| fact.section() == Section::Light);
    light.filter(|fact| *fact != FactId::TlsEndpoints).collect()
}

async fn gathered(cloud: &Running, facts: &BTreeSet<FactId>, asking: &Asking) -> Inventory {
    gathered_as(&config(cloud), facts, asking, None).await
}

async fn gathered_as(
    config: &CloudConfig,
    facts: &BTreeSet<FactId>,
    asking: &Asking,
    budgets: Option<&Budgets>,
) -> Inventory {
    let journals = TempDir::new().unwrap();
    let probes = budgets.map(|budgets| Probes { journals: journals.path(), budgets, thorough: true });
    let request = Request {
        facts,
        started_at: recording().recorded_at,
        preflight: &|_| Ok(()),
        probes,
        cancel: &CancellationToken::new(),
        events: &|_| (),
    };
    collect(config, asking, &request).await
}
