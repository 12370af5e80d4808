//! The collector, the probes and the janitor against real OpenStack services.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::duration_suboptimal_units,
    reason = "helpers of tests fail like tests, and their times are in seconds"
)]

mod domain_manager;
mod faults;
mod probes;
mod virtual_machine;

use std::collections::BTreeSet;
use std::env;

use assay_inventory::{FactId, Inventory, Reason, S3Presence, Section};
use assay_openstack::{CloudConfig, ConfigFiles, Overrides, Request, Session, Settings, collect, doctor};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

fn config(cloud: &str) -> CloudConfig {
    let path = env::var_os("ASSAY_TESTBED_CLOUDS")
        .expect("ASSAY_TESTBED_CLOUDS must hold the path of the testbed's clouds.yaml; testbed/up writes it");
    let files = ConfigFiles { clouds: Some(path.into()), ..ConfigFiles::default() };
    CloudConfig::from_files(&files, cloud, &Overrides::default()).unwrap()
}

/// The facts that are had by asking the services of OpenStack, and nothing else.
fn readable() -> impl Iterator<Item = FactId> {
    let all = FactId::ALL.iter().copied();
    all.filter(|fact| fact.section() == Section::Light && *fact != FactId::TlsEndpoints)
}

async fn everything(cloud: &str) -> Inventory {
    let facts: BTreeSet<FactId> = readable().collect();
    let request = Request {
        facts: &facts,
        started_at: Timestamp::now(),
        preflight: &|_| Ok(()),
        probes: None,
        cancel: &CancellationToken::new(),
        events: &|_| (),
    };
    collect(&config(cloud), &Settings::default(), &request).await
}

#[tokio::test]
async fn every_fact_of_a_real_cloud_is_known() {
    let inventory = everything("testbed").await;
    for fact in readable() {
        assert_eq!(inventory.unavailable(fact), None, "{fact}");
    }
    let token = inventory.token.value().unwrap();
    assert!(token.roles.contains(&"member".to_owned()), "{:?}", token.roles);
    assert!(token.application_credential.is_none() && token.expires_at > Some(Timestamp::now()));
    let flavors = inventory.flavors.value().unwrap();
    assert!(flavors.iter().any(|flavor| flavor.extra_specs().next().is_some()));
    assert!(!inventory.images.value().unwrap().is_empty());
    assert!(inventory.hidden_images.value().unwrap().iter().all(assay_inventory::Image::is_hidden));
    assert!(!inventory.volume_types.value().unwrap().is_empty());
    assert!(matches!(inventory.s3_presence.value(), Some(S3Presence::Answered { .. })));
    // One call per fact: nothing is asked twice, nothing is discovered.
    assert_eq!(inventory.calls.len(), readable().count(), "{:#?}", inventory.calls);
    assert!(inventory.calls.iter().all(|call| call.attempt == 1));
}

#[tokio::test]
async fn an_application_credential_is_told_from_a_password() {
    let token = everything("testbed-appcred").await.token.value().cloned().unwrap();
    let credential =
        token.application_credential.expect("the token should come from an application credential");
    assert!(credential.restricted && !credential.id.is_empty() && !credential.name.is_empty());
    assert!(token.project.is_some());
}

#[tokio::test]
async fn a_wrong_password_is_told() {
    let inventory = everything("testbed-denied").await;
    for fact in readable() {
        let why = inventory.unavailable(fact).unwrap();
        assert_eq!((why.reason, why.status), (Reason::Authentication, Some(401)), "{fact}: {why}");
    }
}

#[tokio::test]
async fn a_token_of_a_domain_gives_what_it_may() {
    let inventory = everything("testbed-domain-a").await;
    assert_eq!(inventory.token.value().unwrap().project, None);
    assert_eq!(inventory.unavailable(FactId::FloatingIpQuota).unwrap().reason, Reason::Configuration);
}

#[tokio::test]
async fn a_checkup_of_a_real_cloud_finds_everything() {
    let session = Session::connect(&config("testbed"), &Settings::default()).await.unwrap();
    let checkup = doctor(&session).await;
    assert!(checkup.clock_skew.unwrap().abs() <= jiff::SignedDuration::from_secs(2));
    assert!(checkup.token_lifetime.unwrap().is_positive());
    assert_eq!(checkup.regions, ["RegionOne"]);
    assert!(checkup.compute_limits.unwrap().integer("maxTotalCores").value().is_some());
    assert!(checkup.volume_limits.unwrap().integer("maxTotalVolumes").value().is_some());
    assert!(checkup.network_quotas.unwrap().integer("floatingip").value().is_some());
}
