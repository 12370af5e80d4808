//! Probes against real services: what they see, and that nothing is left.

use std::collections::BTreeSet;
use std::time::Duration;

use assay_inventory::{FactId, Inventory, StepId};
use assay_journal::Journal;
use assay_openstack::{Budgets, Marks, Probes, Request, Session, Settings, collect, find_marked};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::config;

/// What probes see, after making sure that nothing is left in the cloud and in the journal.
pub(crate) async fn probed(cloud: &str, facts: &[FactId], thorough: bool) -> Inventory {
    let state = tempfile::tempdir().unwrap();
    let budgets = Budgets { removal: Duration::from_secs(60), ..Budgets::default() };
    let facts: BTreeSet<FactId> = facts.iter().copied().collect();
    let request = Request {
        facts: &facts,
        started_at: Timestamp::now(),
        preflight: &|_| Ok(()),
        probes: Some(Probes { journals: state.path(), budgets: &budgets, thorough }),
        cancel: &CancellationToken::new(),
        events: &|_| (),
    };
    let inventory = collect(&config(cloud), &Settings::default(), &request).await;
    assert_eq!(inventory.leftovers, []);
    assert_eq!(Journal::living(state.path()), [], "the journal is closed");
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0, "and gone");
    inventory
}

#[tokio::test]
async fn a_secret_lives_and_dies() {
    let inventory = probed("testbed", &[FactId::SecretLifecycle], true).await;
    let seen = inventory.secret_lifecycle.value().unwrap();
    assert!(seen.transcript.steps.iter().all(|step| step.trouble.is_none()), "{seen:#?}");
    assert_eq!((seen.found, seen.intact), (Some(true), Some(true)));
}

#[tokio::test]
async fn a_volume_is_backed_up_and_its_content_comes_back() {
    let inventory = probed("testbed", &[FactId::VolumeBackup], true).await;
    let seen = inventory.volume_backup.value().unwrap();
    assert!(seen.transcript.steps.iter().all(|step| step.trouble.is_none()), "{seen:#?}");
    assert_eq!((seen.intact, seen.incremental), (Some(true), Some(true)));
}

#[tokio::test]
async fn what_the_official_reading_does_not_need_is_not_done() {
    let inventory = probed("testbed", &[FactId::VolumeBackup], false).await;
    let seen = inventory.volume_backup.value().unwrap();
    assert!(seen.transcript.is_done(StepId::AwaitRestored), "{seen:#?}");
    assert!(seen.transcript.step(StepId::UploadPattern).is_none());
}

#[tokio::test]
async fn an_image_is_uploaded_and_a_network_used() {
    let inventory =
        probed("testbed", &[FactId::ImageUpload, FactId::ExternalNetworks, FactId::ProviderNetworkUse], true)
            .await;
    let image = inventory.image_upload.value().unwrap();
    assert_eq!((image.visibility.as_deref(), image.intact), (Some("private"), Some(true)), "{image:#?}");
    let network = inventory.provider_network_use.value().unwrap();
    assert!(network.floating_ip.is_some(), "{network:#?}");
    assert!(!network.gateway_addresses.is_empty(), "{network:#?}");
}

#[tokio::test]
async fn nothing_of_ours_is_found_where_nothing_was_made() {
    let session = Session::connect(&config("testbed-two"), &Settings::default()).await.unwrap();
    let (found, troubles) = find_marked(&session, &Marks { ours: true, ..Marks::default() }).await;
    assert_eq!((found, troubles), (vec![], vec![]));
}
