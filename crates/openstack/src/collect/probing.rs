//! Which probes run when: those that need nothing beside the reading, those that need what it found after it.

use std::time::Instant;

use assay_inventory::{
    Fact, FactId, ImageUpload, Inventory, Leftover, Network, Reason, S3Features, SecretLifecycle, Section,
    Transcript, Unavailable, VolumeBackup, VolumeType,
};
use assay_journal::{Journal, RunId};

use super::Event;
use super::run::{Probes, Request};
use crate::janitor::{Cleanup, cleanup};
use crate::probe::{
    Bench, encrypted_volumes, image_upload, new_security_group, provider_network_use, s3_features,
    secret_lifecycle, virtual_machine, volume_backup,
};
use crate::{Budgets, Session};

/// The journal of this run, and those of runs before it that did not end well.
pub(super) struct Probing<'a> {
    journal: Journal,
    earlier: Vec<Journal>,
    budgets: &'a Budgets,
    thorough: bool,
}

impl<'a> Probing<'a> {
    /// Begins a journal if there is anything to probe; without one nothing is created.
    pub(super) fn begin(
        session: &Session,
        request: &Request<'_>,
        probes: &Probes<'a>,
    ) -> Option<Result<Self, Unavailable>> {
        wanted_of_probes(request).next()?;
        let place = session.place();
        let (earlier, errors) = Journal::abandoned(probes.journals);
        for error in errors {
            tracing::warn!(%error, "a journal of an earlier run is of no use");
        }
        // Those of other places are unlocked again by being dropped.
        let earlier = earlier.into_iter().filter(|journal| journal.place().is_same(&place)).collect();
        let journal = Journal::begin(probes.journals, &place, RunId::new(), request.started_at)
            .map_err(|error| Unavailable::new(Reason::Journal, error.to_string()));
        Some(journal.map(|journal| Probing {
            journal,
            earlier,
            budgets: probes.budgets,
            thorough: probes.thorough,
        }))
    }

    pub(super) fn bench<'b>(&'b self, session: &'b Session, request: &Request<'b>) -> (Bench<'b>, bool) {
        let bench = Bench {
            session,
            journal: &self.journal,
            budgets: self.budgets,
            cancel: request.cancel,
            events: request.events,
        };
        (bench, self.thorough)
    }

    /// Ends the journal; it stays if something was left behind.
    pub(super) fn end(self) {
        if let Err(error) = self.journal.close() {
            tracing::warn!(%error, "the journal could not be closed");
        }
    }
}

/// The facts that are wanted and that only probes can give.
pub(super) fn wanted_of_probes(request: &Request<'_>) -> impl Iterator<Item = FactId> {
    request.facts.iter().copied().filter(|fact| fact.section() != Section::Light)
}

/// Takes down what earlier runs left.
pub(super) async fn earlier_runs(
    session: &Session,
    probing: Option<&Result<Probing<'_>, Unavailable>>,
) -> Vec<Leftover> {
    match probing {
        Some(Ok(probing)) if !probing.earlier.is_empty() => {
            let work = Cleanup {
                journals: probing.earlier.clone(),
                found: Vec::new(),
                budget: probing.budgets.removal,
            };
            cleanup(session, &work).await.leftovers
        }
        _ => Vec::new(),
    }
}

/// What probes find out that need nothing that is read.
#[derive(Default)]
pub(super) struct OnTheirOwn {
    pub(super) secret_lifecycle: Fact<SecretLifecycle>,
    pub(super) volume_backup: Fact<VolumeBackup>,
    pub(super) image_upload: Fact<ImageUpload>,
    pub(super) s3_features: Fact<S3Features>,
}

/// Probes that need nothing that is read.
pub(super) async fn probes_on_their_own(
    request: &Request<'_>,
    bench: Option<(Bench<'_>, bool)>,
) -> OnTheirOwn {
    let Some((bench, thorough)) = bench else {
        return OnTheirOwn::default();
    };
    let (secret_lifecycle, volume_backup, image_upload, s3_features) = futures::join!(
        probe(request, FactId::SecretLifecycle, Box::pin(secret_lifecycle(bench))),
        probe(request, FactId::VolumeBackup, Box::pin(volume_backup(bench, thorough))),
        probe(request, FactId::ImageUpload, Box::pin(image_upload(bench))),
        try_probe(request, FactId::S3Features, Box::pin(s3_features(bench))),
    );
    OnTheirOwn { secret_lifecycle, volume_backup, image_upload, s3_features }
}

/// Probes that need what was read before.
pub(super) async fn probes_after_reading(
    request: &Request<'_>,
    bench: Option<(Bench<'_>, bool)>,
    inventory: &mut Inventory,
) {
    let Some((bench, _)) = bench else {
        return;
    };
    let group = async {
        match inventory.unavailable(FactId::DefaultSecurityGroupRules) {
            Some(why) if why.is_not_offered("default-security-group-rules") => {
                probe(request, FactId::NewSecurityGroup, Box::pin(new_security_group(bench))).await
            }
            _ => Fact::NotAsked,
        }
    };
    let types: Vec<&VolumeType> = promising_encryption(inventory);
    let external = provider_network(inventory);
    let (group, encrypted, network, machine) = futures::join!(
        group,
        probe(request, FactId::EncryptedVolumes, Box::pin(encrypted_volumes(bench, &types))),
        probe(request, FactId::ProviderNetworkUse, Box::pin(provider_network_use(bench, external))),
        probe(request, FactId::VirtualMachine, Box::pin(virtual_machine(bench, inventory))),
    );
    inventory.new_security_group = group;
    inventory.encrypted_volumes = encrypted;
    inventory.provider_network_use = network;
    inventory.virtual_machine = machine;
}

/// Tries once more, one after the other, what ended because a limit of the project was used up: the probes beside
/// it may have been what used it up, and official verdicts must not hang on that. Beside no other nothing changes.
pub(super) async fn probes_once_more(
    request: &Request<'_>,
    bench: Option<(Bench<'_>, bool)>,
    inventory: &mut Inventory,
) {
    let Some((bench, thorough)) = bench.filter(|_| wanted_of_probes(request).nth(1).is_some()) else {
        return;
    };
    // What could not be taken down would be forgotten.
    let is_in_vain = |transcript: &Transcript| {
        transcript.is_over_quota() && transcript.leftovers.is_empty() && !bench.cancel.is_cancelled()
    };
    if inventory.volume_backup.value().is_some_and(|seen| is_in_vain(&seen.transcript)) {
        let work = Box::pin(volume_backup(bench, thorough));
        inventory.volume_backup = probe(request, FactId::VolumeBackup, work).await;
    }
    if inventory.secret_lifecycle.value().is_some_and(|seen| is_in_vain(&seen.transcript)) {
        let work = Box::pin(secret_lifecycle(bench));
        inventory.secret_lifecycle = probe(request, FactId::SecretLifecycle, work).await;
    }
    if inventory.new_security_group.value().is_some_and(|seen| is_in_vain(&seen.transcript)) {
        let work = Box::pin(new_security_group(bench));
        inventory.new_security_group = probe(request, FactId::NewSecurityGroup, work).await;
    }
    if inventory.virtual_machine.value().is_some_and(|seen| is_in_vain(&seen.transcript)) {
        let work = Box::pin(virtual_machine(bench, inventory));
        let machine = probe(request, FactId::VirtualMachine, work).await;
        inventory.virtual_machine = machine;
    }
}

/// The volume types whose description promises encryption in the notation of scs-0114.
fn promising_encryption(inventory: &Inventory) -> Vec<&VolumeType> {
    let promises = |volume_type: &&VolumeType| {
        volume_type
            .text("description")
            .value()
            .and_then(|text| text.strip_prefix("[scs:")?.split_once(']'))
            .is_some_and(|(aspects, _)| aspects.split(',').any(|aspect| aspect.trim() == "encrypted"))
    };
    inventory.volume_types.value().into_iter().flatten().filter(promises).collect()
}

/// The external network that is marked as the default, or else the first.
fn provider_network(inventory: &Inventory) -> Option<&Network> {
    let networks = inventory.external_networks.value()?;
    networks.iter().find(|network| network.flag("is_default").value() == Some(true)).or(networks.first())
}

/// Gets one fact by a probe if it is wanted, and tells so.
async fn probe<T>(request: &Request<'_>, fact: FactId, work: impl Future<Output = T>) -> Fact<T> {
    try_probe(request, fact, async { Ok(work.await) }).await
}

async fn try_probe<T>(
    request: &Request<'_>,
    fact: FactId,
    work: impl Future<Output = Result<T, Unavailable>>,
) -> Fact<T> {
    if !request.facts.contains(&fact) {
        return Fact::NotAsked;
    }
    (request.events)(Event::FactStarted(fact));
    let start = Instant::now();
    let outcome = work.await;
    (request.events)(match &outcome {
        Ok(_) => Event::FactDone { fact, items: 1, duration: start.elapsed() },
        Err(why) => Event::FactFailed { fact, why: why.clone() },
    });
    outcome.into()
}

/// What the probes of this run could not take down.
pub(super) fn leftovers_of(inventory: &Inventory) -> Vec<Leftover> {
    fn of<T>(fact: &Fact<T>, transcript: impl Fn(&T) -> &Transcript) -> Vec<Leftover> {
        fact.value().map(|seen| transcript(seen).leftovers.clone()).unwrap_or_default()
    }
    [
        of(&inventory.new_security_group, |seen| &seen.transcript),
        of(&inventory.secret_lifecycle, |seen| &seen.transcript),
        of(&inventory.volume_backup, |seen| &seen.transcript),
        of(&inventory.image_upload, |seen| &seen.transcript),
        of(&inventory.provider_network_use, |seen| &seen.transcript),
        of(&inventory.virtual_machine, |seen| &seen.transcript),
        inventory.s3_features.value().map(|seen| seen.leftovers.clone()).unwrap_or_default(),
        inventory.encrypted_volumes.value().map(|seen| seen.leftovers.clone()).unwrap_or_default(),
    ]
    .concat()
}
