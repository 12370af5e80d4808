//! Probes end as they ended when the cloud was recorded, and leave nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use assay_inventory::{Fact, FactId, Inventory, Reason, Step, StepId, Transcript, Unavailable};
use assay_openstack::Budgets;
use assay_simcloud::{Kind, Population, Running, Settings, Stuck};

use crate::{asking, config, gathered_as, plain, recording, start};

const PROBES: [FactId; 9] = [
    FactId::Flavors,
    FactId::Images,
    FactId::ExternalNetworks,
    FactId::SecretLifecycle,
    FactId::VolumeBackup,
    FactId::ImageUpload,
    FactId::ProviderNetworkUse,
    FactId::EncryptedVolumes,
    FactId::VirtualMachine,
];

/// Little patience, for what never comes.
fn hasty() -> Budgets {
    let short = Duration::from_secs(1);
    Budgets {
        volume: short,
        image: short,
        server: short,
        console: short,
        removal: short,
        ..Budgets::default()
    }
}

async fn probed(cloud: &Running, facts: &[FactId], budgets: &Budgets) -> Inventory {
    let facts: BTreeSet<FactId> = facts.iter().copied().collect();
    gathered_as(&config(cloud), &facts, &asking(), Some(budgets)).await
}

/// The steps, and which of them failed.
fn steps(transcript: &Transcript) -> BTreeSet<(String, bool)> {
    let told = |step: &Step| (step.id.to_string(), step.trouble.is_some());
    transcript.steps.iter().map(told).collect()
}

fn transcripts(inventory: &Inventory) -> Vec<&Transcript> {
    vec![
        &inventory.secret_lifecycle.value().unwrap().transcript,
        &inventory.volume_backup.value().unwrap().transcript,
        &inventory.image_upload.value().unwrap().transcript,
        &inventory.provider_network_use.value().unwrap().transcript,
        &inventory.virtual_machine.value().unwrap().transcript,
    ]
}

#[tokio::test]
async fn each_takes_the_steps_that_were_recorded_and_nothing_is_left() {
    let cloud = start(Settings { settling: Duration::from_millis(200), ..plain() }).await;
    let facts = [&PROBES[..], &[FactId::VolumeTypes]].concat();
    let found = probed(&cloud, &facts, &Budgets::default()).await;
    assert_eq!((found.leftovers.as_slice(), cloud.leftovers()), (&[][..], vec![]));
    let recorded = recording();
    for (found, recorded) in transcripts(&found).into_iter().zip(transcripts(&recorded)) {
        assert_eq!(steps(found), steps(recorded), "{found:#?}");
    }
    let backup = found.volume_backup.value().unwrap();
    assert_eq!((backup.intact, backup.incremental), (Some(true), Some(true)));
    assert_eq!(found.encrypted_volumes, recorded.encrypted_volumes);
    let (network, then) = (&found.provider_network_use, &recorded.provider_network_use);
    let (network, then) = (network.value().unwrap(), then.value().unwrap());
    assert_eq!(
        (&network.floating_ip, &network.drawn_subnet, &network.gateway_addresses),
        (&then.floating_ip, &then.drawn_subnet, &then.gateway_addresses)
    );
    let (machine, then) = (found.virtual_machine.value().unwrap(), recorded.virtual_machine.value().unwrap());
    assert_eq!((&machine.image, &machine.flavor), (&then.image, &then.flavor));
    // The guest says the end twice; this recording is of a time when both were kept.
    let mut console = then.console.clone();
    console.dedup();
    assert_eq!((&machine.addresses, &machine.console), (&then.addresses, &console));
}

#[tokio::test]
async fn a_step_that_failed_fails_again() {
    let mut inventory = recording();
    let Fact::Known(seen) = &mut inventory.provider_network_use else { unreachable!() };
    let step = seen.transcript.steps.iter_mut().find(|step| step.id == StepId::CreateFloatingIp).unwrap();
    let why = Unavailable { status: Some(409), ..Unavailable::new(Reason::Refused, "No more IP addresses") };
    step.trouble = Some(why);
    let cloud = start(Settings::of(Population::of(&inventory).into())).await;
    let found = probed(&cloud, &[FactId::ExternalNetworks, FactId::ProviderNetworkUse], &hasty()).await;
    let seen = found.provider_network_use.value().unwrap();
    let why = seen.transcript.trouble(StepId::CreateFloatingIp).unwrap();
    assert!(why.status == Some(409) && why.message.contains("No more IP addresses"), "{why}");
    assert!(seen.transcript.is_done(StepId::DrawSubnet) && cloud.leftovers().is_empty());
}

#[tokio::test]
async fn what_is_stuck_is_told_with_its_state_and_left_where_it_cannot_be_removed() {
    let stuck = |kind, state: &str| Settings { stuck: vec![Stuck { kind, state: state.into() }], ..plain() };
    let of =
        |found: &Inventory, id| found.volume_backup.value().unwrap().transcript.trouble(id).cloned().unwrap();

    let cloud = start(stuck(Kind::Backup, "creating")).await;
    let found = probed(&cloud, &[FactId::VolumeBackup], &hasty()).await;
    let why = of(&found, StepId::AwaitBackup);
    assert!(why.reason == Reason::Budget && why.message.contains("\"creating\""), "{why}");
    // Cinder deletes no backup that is on its way.
    assert_eq!(found.leftovers.len(), 1, "{:?}", found.leftovers);
    assert_eq!(cloud.leftovers().iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [Kind::Backup]);

    let cloud = start(stuck(Kind::Volume, "error")).await;
    let found = probed(&cloud, &[FactId::VolumeBackup], &hasty()).await;
    assert_eq!(of(&found, StepId::AwaitVolume).reason, Reason::Failed);
    assert_eq!((found.leftovers.as_slice(), cloud.leftovers()), (&[][..], vec![]));

    for (state, reason) in [("ERROR", Reason::Failed), ("BUILD", Reason::Budget)] {
        let cloud = start(stuck(Kind::Server, state)).await;
        let facts = [FactId::Flavors, FactId::Images, FactId::VirtualMachine];
        let found = probed(&cloud, &facts, &hasty()).await;
        let seen = found.virtual_machine.value().unwrap();
        let why = seen.transcript.trouble(StepId::AwaitServer).unwrap();
        assert_eq!(why.reason, reason, "{why}");
        assert_eq!((found.leftovers.as_slice(), cloud.leftovers()), (&[][..], vec![]), "{state}");
    }
}

#[tokio::test]
async fn a_new_security_group_gets_the_rules_of_the_template() {
    let mut inventory = recording();
    let why = Unavailable {
        status: Some(404),
        ..Unavailable::new(Reason::Refused, "default-security-group-rules: there is no such resource")
    };
    let rules = std::mem::take(&mut inventory.default_security_group_rules);
    let expected: Vec<_> = rules
        .value()
        .unwrap()
        .iter()
        .filter(|rule| rule.flag("used_in_non_default_sg").value() == Some(true))
        .map(|rule| rule.text("direction").value().unwrap().to_owned())
        .collect();
    let mut with_group = inventory.clone();
    with_group.default_security_group_rules = Fact::Unavailable(why);
    with_group.new_security_group = Fact::Known(assay_inventory::NewSecurityGroup {
        rules: rules.value().map(|rules| {
            let used = |rule: &&assay_inventory::SecurityGroupRule| {
                rule.flag("used_in_non_default_sg").value() == Some(true)
            };
            rules.iter().filter(used).cloned().collect()
        }),
        ..Default::default()
    });
    let cloud = start(Settings::of(Population::of(&with_group).into())).await;
    let facts = [FactId::DefaultSecurityGroupRules, FactId::NewSecurityGroup];
    let found = probed(&cloud, &facts, &hasty()).await;
    let rules = found.new_security_group.value().unwrap().rules.as_ref().unwrap();
    let directions: Vec<_> =
        rules.iter().map(|rule| rule.text("direction").value().unwrap().to_owned()).collect();
    assert_eq!((directions, cloud.leftovers()), (expected, vec![]));
}
