use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use assay_inventory::{Fact, FactId, Inventory, Reason, S3Presence, Section, Token, Unavailable};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::probing::{
    Probing, earlier_runs, leftovers_of, probes_after_reading, probes_on_their_own, probes_once_more,
    wanted_of_probes,
};
use super::{Event, flavors, images, network, s3, tls, volume_types};
use crate::{Budgets, CloudConfig, Session, Settings};

/// What is to be gathered, and who is told.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The facts that are wanted.
    pub facts: &'a BTreeSet<FactId>,
    /// The time that the inventory is dated with.
    pub started_at: Timestamp,
    /// May refuse to go on with a token, with the reason for it.
    pub preflight: &'a (dyn Fn(&Token) -> Result<(), String> + Sync),
    /// What probes need. Without it nothing is created in the cloud, and the facts that only probes can give
    /// stay as nobody had asked for them.
    pub probes: Option<Probes<'a>>,
    /// Ends the run: what is being read is dropped, what was created is still taken down.
    pub cancel: &'a CancellationToken,
    /// Told what happens.
    pub events: &'a (dyn Fn(Event) + Sync),
}

/// What probes need.
#[derive(Debug, Clone, Copy)]
pub struct Probes<'a> {
    /// The folder of the journals.
    pub journals: &'a Path,
    /// How long to wait for what.
    pub budgets: &'a Budgets,
    /// Whether more is to be found out than the official reading needs, such as the content of what was
    /// restored.
    pub thorough: bool,
}

/// Gathers facts about a cloud: the token first, then all others at the same time, each once.
///
/// This never fails: what could not be had says so in the inventory, and why. If runs before this one left
/// things behind in the same project, they are taken down beside it.
pub async fn collect(config: &CloudConfig, settings: &Settings, request: &Request<'_>) -> Inventory {
    let mut inventory = Inventory::new(config.subject(), request.started_at);
    (request.events)(Event::Authenticating);
    let start = Instant::now();
    // Both futures are large; on the heap they do not weigh down whoever awaits this one.
    let opened = tokio::select! {
        biased;
        () = request.cancel.cancelled() => {
            refuse_all(&mut inventory, request, &interrupted());
            return inventory;
        }
        opened = Box::pin(Session::open(config, settings)) => opened,
    };
    let session = match opened {
        Ok(session) => session,
        Err((error, calls)) => {
            inventory.calls = calls;
            refuse_all(&mut inventory, request, &error.into());
            return inventory;
        }
    };
    (request.events)(Event::Authenticated);
    if request.facts.contains(&FactId::Token) {
        inventory.token = Fact::Known(session.token().clone());
        (request.events)(Event::FactDone { fact: FactId::Token, items: 1, duration: start.elapsed() });
    }
    match (request.preflight)(session.token()) {
        Ok(()) => Box::pin(gather_all(&session, request, &mut inventory)).await,
        Err(message) => {
            let why = Unavailable::new(Reason::Preflight, message);
            for fact in wanted_beyond_token(request) {
                fail(&mut inventory, request, fact, why.clone());
            }
        }
    }
    inventory.calls = session.calls();
    inventory
}

async fn gather_all(session: &Session, request: &Request<'_>, inventory: &mut Inventory) {
    let probing = match &request.probes {
        Some(probes) => Probing::begin(session, request, probes),
        None => None,
    };
    let bench = match &probing {
        Some(Ok(probing)) => Some(probing.bench(session, request)),
        _ => None,
    };
    let independent = Box::pin(probes_on_their_own(request, bench));
    let earlier = Box::pin(earlier_runs(session, probing.as_ref()));
    let chain = Box::pin(async {
        Box::pin(read_all(session, request, inventory)).await;
        probes_after_reading(request, bench, inventory).await;
    });
    let ((), independent, mut leftovers) = futures::join!(chain, independent, earlier);
    inventory.secret_lifecycle = independent.secret_lifecycle;
    inventory.volume_backup = independent.volume_backup;
    inventory.image_upload = independent.image_upload;
    inventory.s3_features = independent.s3_features;
    probes_once_more(request, bench, inventory).await;
    match probing {
        Some(Ok(probing)) => probing.end(),
        Some(Err(why)) => {
            for fact in wanted_of_probes(request) {
                fail(inventory, request, fact, why.clone());
            }
        }
        None => {}
    }
    leftovers.extend(leftovers_of(inventory));
    inventory.leftovers = leftovers;
}

/// All that is had by reading.
async fn read_all(session: &Session, request: &Request<'_>, inventory: &mut Inventory) {
    let flavors = |progress| flavors::flavors(session, progress);
    let progress = |fact| move |items| (request.events)(Event::Progress { fact, items });
    let (on_flavors, on_images, on_hidden) =
        (progress(FactId::Flavors), progress(FactId::Images), progress(FactId::HiddenImages));
    let (on_types, on_rules) = (progress(FactId::VolumeTypes), progress(FactId::DefaultSecurityGroupRules));
    let (on_networks, on_pools) = (progress(FactId::ExternalNetworks), progress(FactId::SubnetPools));
    let on_tls = progress(FactId::TlsEndpoints);
    let gathered = futures::join!(
        gather(request, FactId::Flavors, flavors(&on_flavors), Vec::len),
        gather(request, FactId::Images, images::images(session, &on_images), Vec::len),
        gather(request, FactId::HiddenImages, images::hidden_images(session, &on_hidden), Vec::len),
        gather(request, FactId::VolumeTypes, volume_types::volume_types(session, &on_types), Vec::len),
        gather(
            request,
            FactId::DefaultSecurityGroupRules,
            network::default_security_group_rules(session, &on_rules),
            Vec::len
        ),
        gather(
            request,
            FactId::ExternalNetworks,
            network::external_networks(session, &on_networks),
            Vec::len
        ),
        gather(request, FactId::SubnetPools, network::subnet_pools(session, &on_pools), Vec::len),
        gather(request, FactId::FloatingIpQuota, network::floating_ip_quota(session), |_: &i64| 1),
        gather(request, FactId::S3Presence, s3::presence(session), |_: &S3Presence| 1),
        gather(request, FactId::TlsEndpoints, tls::endpoints(session, request, &on_tls), Vec::len),
    );
    (
        inventory.flavors,
        inventory.images,
        inventory.hidden_images,
        inventory.volume_types,
        inventory.default_security_group_rules,
        inventory.external_networks,
        inventory.subnet_pools,
        inventory.floating_ip_quota,
        inventory.s3_presence,
        inventory.tls_endpoints,
    ) = gathered;
}

/// Gets one fact if it is wanted, and tells so.
async fn gather<T>(
    request: &Request<'_>,
    fact: FactId,
    work: impl Future<Output = Result<T, Unavailable>>,
    count: impl FnOnce(&T) -> usize,
) -> Fact<T> {
    if !request.facts.contains(&fact) {
        return Fact::NotAsked;
    }
    (request.events)(Event::FactStarted(fact));
    let start = Instant::now();
    let outcome = tokio::select! {
        biased;
        () = request.cancel.cancelled() => Err(interrupted()),
        outcome = work => outcome,
    };
    (request.events)(match &outcome {
        Ok(value) => Event::FactDone { fact, items: count(value), duration: start.elapsed() },
        Err(why) => Event::FactFailed { fact, why: why.clone() },
    });
    outcome.into()
}

/// Without a token there is nothing at all.
fn refuse_all(inventory: &mut Inventory, request: &Request<'_>, why: &Unavailable) {
    if request.facts.contains(&FactId::Token) {
        fail(inventory, request, FactId::Token, why.clone());
    }
    let prefix = match why.reason {
        Reason::Unreachable | Reason::Tls | Reason::Timeout => "keystone was not reached",
        Reason::Interrupted => "there is no token",
        _ => "authentication failed",
    };
    for fact in wanted_beyond_token(request) {
        let why = Unavailable { message: format!("{prefix}: {}", why.message), ..why.clone() };
        fail(inventory, request, fact, why);
    }
}

fn wanted_beyond_token(request: &Request<'_>) -> impl Iterator<Item = FactId> {
    let probes = request.probes.is_some();
    request
        .facts
        .iter()
        .copied()
        .filter(move |fact| *fact != FactId::Token && (probes || fact.section() == Section::Light))
}

fn interrupted() -> Unavailable {
    Unavailable::new(Reason::Interrupted, "the run was interrupted")
}

fn fail(inventory: &mut Inventory, request: &Request<'_>, fact: FactId, why: Unavailable) {
    inventory.set_unavailable(fact, why.clone());
    (request.events)(Event::FactFailed { fact, why });
}
