//! Probes in front of a cloud that fails: one call at a time, a whole service, for a while or for good.

mod fault;
mod ground;
mod lies;
mod modes;
mod proxy;
mod run;
mod scripted;
mod sweep;

use std::time::Duration;

use assay_inventory::{
    DomainManagerBasis, DomainManagerOutcome, EncryptedVolume, FactId, Inventory, Reason, S3FeatureId,
    S3FeatureState, StepId, Unavailable,
};
use assay_standards::Verdict;
use run::{Place, Subject, trouble_of_steps};
use sweep::sweep;

/// How long a sample of cases of a quick probe may take, and of a slow one.
const SHORT: Duration = Duration::from_secs(12);
const LONG: Duration = Duration::from_secs(30);

/// What most subjects have in common.
const PLAIN: Subject = Subject {
    fact: FactId::SecretLifecycle,
    reads: &[],
    thorough: true,
    prescribed: &[],
    token: false,
    is_old: false,
    place: Place::Project,
    together: 1,
};

const SECRET: Subject = Subject { token: true, prescribed: &[("scs-0116-permissions", of_secret)], ..PLAIN };
const BACKUP: Subject =
    Subject { fact: FactId::VolumeBackup, prescribed: &[("scs-0117-test-backup", of_backup)], ..PLAIN };
const GROUP: Subject = Subject {
    fact: FactId::NewSecurityGroup,
    reads: &[FactId::DefaultSecurityGroupRules],
    is_old: true,
    prescribed: &[("scs-0115-default-rules", of_group)],
    ..PLAIN
};
const IMAGE: Subject =
    Subject { fact: FactId::ImageUpload, prescribed: &[("scs-0104-image-upload", of_image)], ..PLAIN };
const NETWORK: Subject = Subject {
    fact: FactId::ProviderNetworkUse,
    reads: &[FactId::ExternalNetworks],
    prescribed: &[("scs-0126-ipv6-subnet", of_drawn_subnet), ("scs-0126-rbac-refused", of_rbac_policy)],
    ..PLAIN
};
/// Its images and flavors are read before.
const MACHINE: Subject = Subject {
    fact: FactId::VirtualMachine,
    reads: &[FactId::Images, FactId::Flavors],
    prescribed: &[("scs-0101-entropy-avail", of_machine)],
    ..PLAIN
};
const ENCRYPTED: Subject = Subject {
    fact: FactId::EncryptedVolumes,
    reads: &[FactId::VolumeTypes],
    prescribed: &[("scs-0114-encrypted-volume", of_encrypted)],
    ..PLAIN
};

const S3: Subject = Subject {
    fact: FactId::S3Features,
    prescribed: &[("scs-0123-s3-works", of_s3)],
    place: Place::Store,
    together: 24,
    ..PLAIN
};
const MANAGERS: Subject = Subject {
    fact: FactId::DomainManagers,
    prescribed: &[("domain-manager-check", of_managers)],
    place: Place::Domains,
    together: 24,
    token: true,
    ..PLAIN
};

/// scs-0116: what is forbidden fails, other trouble aborts; reading the payload and taking down do not count.
fn of_secret(inventory: &Inventory, normal: Verdict) -> Verdict {
    if inventory.unavailable(FactId::Token).is_some() {
        return Verdict::Abort;
    }
    let found = inventory.secret_lifecycle.value().and_then(|seen| seen.found);
    let mut verdict = if found == Some(false) { Verdict::Abort } else { normal };
    for (step, why) in trouble_of_steps(inventory) {
        match (step, why.status) {
            (StepId::ReadSecret | StepId::TakeDown, _) => {}
            (StepId::ListSecrets | StepId::CreateSecret | StepId::DeleteSecret, Some(403)) => {
                return Verdict::Fail;
            }
            _ => verdict = Verdict::Abort,
        }
    }
    verdict
}

/// scs-0117: any trouble on the way to a restored volume fails.
fn of_backup(inventory: &Inventory, normal: Verdict) -> Verdict {
    let Some(seen) = inventory.volume_backup.value() else {
        return Verdict::Abort;
    };
    match seen.transcript.is_done(StepId::AwaitRestored) {
        true => normal,
        false => Verdict::Fail,
    }
}

/// scs-0115: trouble with the group that stands in for the list aborts.
fn of_group(inventory: &Inventory, normal: Verdict) -> Verdict {
    match inventory.new_security_group.value() {
        Some(seen) if seen.transcript.steps.iter().all(|step| step.trouble.is_none()) => normal,
        _ => Verdict::Abort,
    }
}

/// scs-0101: without a report of the guest there is nothing to judge.
fn of_machine(inventory: &Inventory, normal: Verdict) -> Verdict {
    match inventory.virtual_machine.value() {
        Some(seen) if seen.transcript.is_done(StepId::ReadConsole) => normal,
        _ => Verdict::Abort,
    }
}

/// Whether trouble shows that the cloud does not do what was asked of it; otherwise it may do better the next time.
fn is_the_clouds_doing(why: &Unavailable) -> bool {
    let refuses = matches!(why.status, Some(403 | 404 | 405 | 501)) && !why.is_over_quota();
    refuses
        || matches!(why.reason, Reason::Failed | Reason::Budget | Reason::NotInCatalog | Reason::NoEndpoint)
}

fn settled(why: &Unavailable) -> Verdict {
    if is_the_clouds_doing(why) { Verdict::Fail } else { Verdict::Abort }
}

/// scs-0104: what fails on the way to an image fails if the cloud is to blame.
fn of_image(inventory: &Inventory, normal: Verdict) -> Verdict {
    const WAY: [StepId; 3] = [StepId::CreateImage, StepId::UploadImage, StepId::AwaitImage];
    let Some(seen) = inventory.image_upload.value() else {
        return Verdict::Abort;
    };
    match seen.transcript.first_trouble(&WAY) {
        Some((_, why)) => settled(why),
        None if WAY.iter().all(|step| seen.transcript.is_done(*step)) => normal,
        None => Verdict::Abort,
    }
}

/// scs-0126: a pool that does not give what is usual fails, too.
fn of_drawn_subnet(inventory: &Inventory, normal: Verdict) -> Verdict {
    let Some(seen) = inventory.provider_network_use.value() else {
        return Verdict::Abort;
    };
    let steps = &seen.transcript;
    match (steps.step(StepId::DrawSubnet), steps.trouble(StepId::DrawSubnet)) {
        (Some(_), None) => normal,
        (Some(_), Some(why)) if matches!(why.status, Some(400 | 409)) && !why.is_over_quota() => {
            Verdict::Fail
        }
        (Some(_), Some(why)) => settled(why),
        (None, _) => steps.trouble(StepId::CreateNetwork).map_or(Verdict::Abort, settled),
    }
}

/// scs-0126: a rule that is refused passes, whatever other trouble there was.
fn of_rbac_policy(inventory: &Inventory, normal: Verdict) -> Verdict {
    let steps = inventory.provider_network_use.value().map(|seen| &seen.transcript);
    match steps.and_then(|steps| steps.step(StepId::CreateRbacPolicy)).map(|step| &step.trouble) {
        Some(None) => normal,
        Some(Some(why)) if is_the_clouds_doing(why) => Verdict::Pass,
        _ => Verdict::Abort,
    }
}

/// scs-0114: a volume that is not encrypted fails, and so does one that the cloud does not make.
fn of_encrypted(inventory: &Inventory, normal: Verdict) -> Verdict {
    let (Some(seen), Some(_)) = (inventory.encrypted_volumes.value(), inventory.volume_types.value()) else {
        return Verdict::Abort;
    };
    let of_volume = |volume: &EncryptedVolume| match (&volume.trouble, volume.encrypted) {
        (Some(why), _) => settled(why),
        (None, Some(true)) => normal,
        (None, Some(false)) => Verdict::Fail,
        (None, None) => Verdict::Abort,
    };
    let verdicts: Vec<Verdict> = seen.volumes.iter().map(of_volume).collect();
    [Verdict::Fail, Verdict::Abort].into_iter().find(|bad| verdicts.contains(bad)).unwrap_or(normal)
}

/// scs-0123: what the server lacks fails, an error on its side aborts.
fn of_s3(inventory: &Inventory, normal: Verdict) -> Verdict {
    let Some(seen) = inventory.s3_features.value() else {
        let why = inventory.unavailable(FactId::S3Features);
        let is_absent =
            why.is_some_and(|why| matches!(why.reason, Reason::NotInCatalog | Reason::NoEndpoint));
        return if is_absent { Verdict::Fail } else { Verdict::Abort };
    };
    let of_feature = |id: &S3FeatureId| {
        let feature = seen.features.iter().find(|one| one.feature == *id)?;
        Some(match feature.state {
            S3FeatureState::Present => 0,
            S3FeatureState::NotTried => 1,
            S3FeatureState::Broken if feature.status.is_some_and(|code| code >= 500 || code == 429) => 1,
            S3FeatureState::Absent | S3FeatureState::Broken => 2,
        })
    };
    // Of these one is enough.
    let worst = [
        &[S3FeatureId::BucketCrud][..],
        &[S3FeatureId::ObjectCrud],
        &[S3FeatureId::ListV1, S3FeatureId::ListV2],
        &[S3FeatureId::Multipart],
    ]
    .map(|row| row.iter().filter_map(of_feature).min().unwrap_or(1))
    .into_iter()
    .max();
    match worst {
        Some(0) => normal,
        Some(2) => Verdict::Fail,
        _ => Verdict::Abort,
    }
}

/// scs-0302: a row that deviates fails, one that could not be tried aborts.
fn of_managers(inventory: &Inventory, normal: Verdict) -> Verdict {
    let rows = || {
        let seen = inventory.domain_managers.value().into_iter();
        seen.flat_map(|seen| &seen.rows).filter(|row| row.basis != DomainManagerBasis::Text)
    };
    let any = |outcome| rows().any(|row| row.outcome == outcome);
    if any(DomainManagerOutcome::Deviates) {
        Verdict::Fail
    } else if any(DomainManagerOutcome::NotTried) || rows().next().is_none() {
        Verdict::Abort
    } else {
        normal
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn features_of_s3_with_calls_failing() {
    sweep(&S3, SHORT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn domain_managers_with_calls_failing() {
    sweep(&MANAGERS, SHORT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_with_each_call_failing() {
    sweep(&SECRET, SHORT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_security_group_with_each_call_failing() {
    sweep(&GROUP, SHORT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_with_each_call_failing() {
    sweep(&IMAGE, SHORT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_network_with_each_call_failing() {
    sweep(&NETWORK, SHORT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_with_each_call_failing() {
    sweep(&BACKUP, LONG).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encrypted_volumes_with_each_call_failing() {
    sweep(&ENCRYPTED, SHORT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_virtual_machine_with_each_call_failing() {
    sweep(&MACHINE, LONG).await;
}
