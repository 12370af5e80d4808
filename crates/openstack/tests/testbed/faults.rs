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

use assay_inventory::{DomainManagerBasis, DomainManagerOutcome, FactId, Inventory, StepId};
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
    prescribed: None,
    token: false,
    is_old: false,
    place: Place::Project,
    together: 1,
};

const SECRET: Subject =
    Subject { token: true, prescribed: Some(("scs-0116-permissions", of_secret)), ..PLAIN };
const BACKUP: Subject =
    Subject { fact: FactId::VolumeBackup, prescribed: Some(("scs-0117-test-backup", of_backup)), ..PLAIN };
const GROUP: Subject = Subject {
    fact: FactId::NewSecurityGroup,
    reads: &[FactId::DefaultSecurityGroupRules],
    is_old: true,
    prescribed: Some(("scs-0115-default-rules", of_group)),
    ..PLAIN
};
const IMAGE: Subject = Subject { fact: FactId::ImageUpload, ..PLAIN };
const NETWORK: Subject =
    Subject { fact: FactId::ProviderNetworkUse, reads: &[FactId::ExternalNetworks], ..PLAIN };
/// Its images and flavors are read before.
const MACHINE: Subject = Subject {
    fact: FactId::VirtualMachine,
    reads: &[FactId::Images, FactId::Flavors],
    prescribed: Some(("scs-0101-entropy-avail", of_machine)),
    ..PLAIN
};
const ENCRYPTED: Subject = Subject { fact: FactId::EncryptedVolumes, reads: &[FactId::VolumeTypes], ..PLAIN };

const S3: Subject = Subject { fact: FactId::S3Features, place: Place::Store, together: 24, ..PLAIN };
const MANAGERS: Subject = Subject {
    fact: FactId::DomainManagers,
    prescribed: Some(("domain-manager-check", of_managers)),
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
