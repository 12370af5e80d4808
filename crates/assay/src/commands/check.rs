//! `assay check`: collect, judge, show.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use assay_inventory::{FactId, Inventory, Token, read_snapshot, write_snapshot};
use assay_openstack::{
    CloudConfig, ConfigFiles, DomainManagerConfig, DomainManagerLogin, DomainManagerRequest, Event,
    Overrides, Probes, Request, Settings, collect, domain_managers as domain_managers_of,
};
use assay_report::{Chosen, ExitCode, Report};
use assay_standards::scope::{Selection, Spec};
use assay_testcases::{Judgement, Preflight, Registry, preflight};
use futures::future::join_all;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::against::{self, TOOL};
use crate::args::{Against, Asking, Check, Global};
use crate::commands::declare::Declarations;
use crate::commands::tempest;
use crate::failure::{Failure, bad_snapshot};
use crate::gating::Gates;
use crate::output::{note, write_file};
use crate::progress::CloudProgress;
use crate::{scripts, show, state};

/// Ending of recordings in a folder.
const ENDING: &str = "snapshot";

pub(crate) async fn run(
    arguments: &Check,
    global: &Global,
    cancel: CancellationToken,
) -> Result<u8, Failure> {
    let spec = against::spec(arguments.against.spec.as_deref())?;
    let declarations = Declarations::read(&arguments.declaring)?;
    let gates = Gates::read(&arguments.gating, &spec)?;
    let beside = Beside { declarations: &declarations, gates: &gates };
    let mut reports = match arguments.snapshot.is_empty() {
        true => live(arguments, global, &spec, beside, &cancel).await?,
        false => recorded(arguments, &spec, beside)?,
    };
    if cancel.is_cancelled() {
        return Ok(leftover_note(&reports));
    }
    gates.apply(&mut reports, global);
    show::reports(&reports, &arguments.show, global)?;
    Ok(ExitCode::of(&reports).code())
}

/// What people say beside what a cloud shows.
#[derive(Clone, Copy)]
struct Beside<'a> {
    declarations: &'a Declarations,
    gates: &'a Gates,
}

impl Beside<'_> {
    /// Makes sure that all of it is about what is checked.
    fn expect_about(&self, clouds: &[&str], spec: &Spec, against: &Against) -> Result<(), Failure> {
        self.declarations.expect_about(clouds.iter().copied())?;
        self.gates.expect_about(clouds, spec, Chosen::from(against.reading))
    }
}

/// After an interruption there is no result, but there may be something to clean up.
fn leftover_note(reports: &[Report]) -> u8 {
    for leftover in reports.iter().flat_map(|report| &report.leftovers) {
        note(&format!("left behind: {leftover}"));
    }
    ExitCode::Interrupted.code()
}

/// Judges recordings, each on the day of its recording unless told otherwise.
fn recorded(arguments: &Check, spec: &Spec, beside: Beside<'_>) -> Result<Vec<Report>, Failure> {
    let inventories =
        arguments.snapshot.iter().map(|path| read(path)).collect::<Result<Vec<Inventory>, Failure>>()?;
    let clouds: Vec<&str> = inventories.iter().map(|inventory| inventory.subject.cloud.as_str()).collect();
    beside.expect_about(&clouds, spec, &arguments.against)?;
    inventories
        .iter()
        .map(|inventory| {
            let date = against::reference_date(&arguments.against, inventory.recorded_at);
            let selection = against::select(spec, &arguments.against, date)?;
            let (judged, declared) = beside.declarations.judge(&inventory.subject.cloud, &selection, date);
            let mut report = against::report(
                spec,
                &selection,
                &arguments.against,
                inventory,
                &assignment(arguments),
                &judged,
            );
            report.mark_declared(declared);
            report.audience = arguments.audience.as_ref().map(ToString::to_string);
            Ok(report)
        })
        .collect()
}

/// Reads a recording.
pub(crate) fn read(path: &Path) -> Result<Inventory, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::usage(
            format!("{} cannot be read: {error}", path.display()),
            "record a cloud with `assay check CLOUD --record FILE`",
        )
    })?;
    read_snapshot(&bytes).map_err(|error| bad_snapshot(path, &error))
}

async fn live(
    arguments: &Check,
    global: &Global,
    spec: &Spec,
    beside: Beside<'_>,
    cancel: &CancellationToken,
) -> Result<Vec<Report>, Failure> {
    let started_at = Timestamp::now();
    let date = against::reference_date(&arguments.against, started_at);
    let selection = against::select(spec, &arguments.against, date)?;
    let clouds = clouds(&arguments.clouds, &arguments.asking)?;
    let names: Vec<&str> = clouds.iter().map(CloudConfig::name).collect();
    beside.expect_about(&names, spec, &arguments.against)?;
    let records = record_paths(arguments, &clouds)?;
    let facts = facts(&selection, arguments);
    let managers = domain_managers(arguments, &clouds, global)?;

    let journals = state::journals();
    let budgets = arguments.probing.budgets();
    let thorough = Chosen::from(arguments.against.reading).shows_text();
    let gathering = Gathering {
        asking: &arguments.asking,
        global,
        facts: &facts,
        started_at,
        preflight: &fit,
        probes: Some(Probes { journals: &journals, budgets: &budgets, thorough }),
        managers: &managers,
        tempest_alt: arguments.probing.tempest_alt.as_deref(),
        cancel,
    };
    let inventories = gather(&clouds, &gathering).await;

    let mut reports = Vec::new();
    for ((cloud, inventory), record) in clouds.iter().zip(&inventories).zip(&records) {
        if let Some(path) = record {
            let bytes = write_snapshot(inventory, TOOL)
                .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))?;
            write_file(path, &bytes)?;
            if !global.quiet {
                note(&format!("recorded {} in {}", cloud.name(), path.display()));
            }
        }
        let mut assignment = assignment(arguments);
        let mut replaced = match (&arguments.against.spec, arguments.allow_scripts) {
            (Some(file), true) => {
                assignment.entry("os_cloud".into()).or_insert_with(|| cloud.name().to_owned());
                scripts::run(spec, &selection, file, &assignment).await
            }
            _ => unknown(&selection),
        };
        let on = against::reference_date(&arguments.against, inventory.recorded_at);
        let (judged, declared) = beside.declarations.judge(cloud.name(), &selection, on);
        replaced.extend(judged);
        let mut report =
            against::report(spec, &selection, &arguments.against, inventory, &assignment, &replaced);
        report.mark_declared(declared);
        report.audience = arguments.audience.as_ref().map(ToString::to_string);
        reports.push(report);
    }
    Ok(reports)
}

/// Testcases of a spec that only its scripts can judge.
pub(crate) fn unknown(selection: &Selection<'_>) -> BTreeMap<String, Judgement> {
    let registry = Registry::get();
    selection
        .testcases
        .iter()
        .filter(|selected| {
            registry.find(&selected.testcase.id).is_none() && selected.testcase.script.is_some()
        })
        .map(|selected| {
            let reason = match selected.testcase.manual {
                true => "a person must look",
                false => "only the script of the spec can judge it; --allow-scripts runs it",
            };
            (selected.testcase.id.clone(), Judgement::missed(reason))
        })
        .collect()
}

fn assignment(arguments: &Check) -> BTreeMap<String, String> {
    arguments.assign.iter().cloned().collect()
}

fn facts(selection: &Selection<'_>, arguments: &Check) -> BTreeSet<FactId> {
    let ids = selection.testcases.iter().map(|selected| selected.testcase.id.as_str());
    let mut facts = Registry::get().facts(ids, Chosen::from(arguments.against.reading).shows_text());
    facts.retain(|fact| arguments.probing.includes(fact.section()));
    if !arguments.probing.runs_tempest() {
        facts.remove(&FactId::Tempest);
    }
    if arguments.probing.domain_managers.is_none() {
        facts.remove(&FactId::DomainManagers);
    }
    facts
}

/// The domain managers of each cloud; all must be usable before any cloud is asked.
fn domain_managers(
    arguments: &Check,
    clouds: &[CloudConfig],
    global: &Global,
) -> Result<Vec<Vec<DomainManagerLogin>>, Failure> {
    match &arguments.probing.domain_managers {
        Some(path) => read_domain_managers(path, clouds, global),
        None => Ok(Vec::new()),
    }
}

/// The domain managers that a file names, for each cloud.
pub(crate) fn read_domain_managers(
    path: &Path,
    clouds: &[CloudConfig],
    global: &Global,
) -> Result<Vec<Vec<DomainManagerLogin>>, Failure> {
    let config = DomainManagerConfig::read(path)?;
    if !global.quiet {
        for remark in config.notes() {
            note(&remark.to_string());
        }
    }
    let files = ConfigFiles::find();
    clouds.iter().map(|cloud| Ok(config.logins(cloud, &files)?)).collect()
}

/// Whether a token is fit for a check.
pub(crate) fn fit(token: &Token) -> Result<(), String> {
    match preflight(token) {
        Preflight::Fit => Ok(()),
        Preflight::Unfit(why) => Err(why),
    }
}

/// The configurations of the clouds; all must be usable before any is asked.
pub(crate) fn clouds(names: &[String], asking: &Asking) -> Result<Vec<CloudConfig>, Failure> {
    let overrides = Overrides { region: asking.region.clone(), interface: asking.interface.clone() };
    if names.is_empty() {
        return Ok(vec![CloudConfig::find(None, &overrides)?]);
    }
    let mut seen = BTreeSet::new();
    names
        .iter()
        .filter(|name| seen.insert(name.as_str()))
        .map(|name| Ok(CloudConfig::find(Some(name), &overrides)?))
        .collect()
}

/// What is asked of clouds, and how.
pub(crate) struct Gathering<'a> {
    pub(crate) asking: &'a Asking,
    pub(crate) global: &'a Global,
    pub(crate) facts: &'a BTreeSet<FactId>,
    pub(crate) started_at: Timestamp,
    pub(crate) preflight: &'a (dyn Fn(&Token) -> Result<(), String> + Sync),
    pub(crate) probes: Option<Probes<'a>>,
    /// The domain managers of each cloud; none to leave them out.
    pub(crate) managers: &'a [Vec<DomainManagerLogin>],
    /// A second account for Tempest.
    pub(crate) tempest_alt: Option<&'a str>,
    pub(crate) cancel: &'a CancellationToken,
}

/// Asks all clouds at the same time.
pub(crate) async fn gather(clouds: &[CloudConfig], gathering: &Gathering<'_>) -> Vec<Inventory> {
    let asked = clouds.iter().enumerate().map(|(position, cloud)| async move {
        let line = CloudProgress::begin(cloud.name());
        let managers = gathering.managers.get(position).map(Vec::as_slice);
        let (events, done) = (|event| line.event(&event), || line.finish());
        Box::pin(gather_one(cloud, managers, gathering, &events, &done)).await
    });
    join_all(asked).await
}

/// Asks one cloud. `done` is called when only Tempest is left, which has a display of its own.
pub(crate) async fn gather_one(
    cloud: &CloudConfig,
    managers: Option<&[DomainManagerLogin]>,
    gathering: &Gathering<'_>,
    events: &(dyn Fn(Event) + Sync),
    done: &(dyn Fn() + Sync),
) -> Inventory {
    let settings = Settings { timeout: gathering.asking.timeout, ..Settings::default() };
    let request = Request {
        facts: gathering.facts,
        started_at: gathering.started_at,
        preflight: gathering.preflight,
        probes: gathering.probes,
        cancel: gathering.cancel,
        events,
    };
    let managers = async {
        let probes = gathering.probes.as_ref().filter(|_| wanted(gathering, FactId::DomainManagers))?;
        let request = DomainManagerRequest {
            logins: managers?,
            settings: &settings,
            budgets: probes.budgets,
            journals: probes.journals,
            started_at: gathering.started_at,
            cancel: gathering.cancel,
            events,
        };
        Some(Box::pin(domain_managers_of(&request)).await)
    };
    let (mut inventory, managers) = futures::join!(collect(cloud, &settings, &request), managers);
    if let Some((fact, calls)) = managers {
        inventory.leftovers.extend(fact.value().iter().flat_map(|seen| seen.leftovers.clone()));
        inventory.domain_managers = fact;
        inventory.calls.extend(calls);
    }
    done();
    // Tempest would contend with the probes for quota.
    if gathering.probes.is_some() && wanted(gathering, FactId::Tempest) {
        let run = Box::pin(tempest::for_check(cloud.name(), gathering.tempest_alt, gathering)).await;
        inventory.leftovers.extend(run.value().iter().flat_map(|run| run.leftovers.clone()));
        inventory.tempest = run;
    }
    inventory
}

fn wanted(gathering: &Gathering<'_>, fact: FactId) -> bool {
    gathering.facts.contains(&fact)
}

/// Where each cloud is recorded: one file, or for several clouds a folder that takes a file for each.
fn record_paths(arguments: &Check, clouds: &[CloudConfig]) -> Result<Vec<Option<PathBuf>>, Failure> {
    let Some(path) = &arguments.record else {
        return Ok(vec![None; clouds.len()]);
    };
    if clouds.len() == 1 && !path.is_dir() {
        return Ok(vec![Some(path.clone())]);
    }
    if !path.is_dir() {
        return Err(Failure::usage(
            format!("{} is not a folder, but {} clouds are to be recorded", path.display(), clouds.len()),
            "make the folder first, or record one cloud at a time",
        ));
    }
    Ok(clouds.iter().map(|cloud| Some(path.join(format!("{}.{ENDING}", file_name(cloud.name()))))).collect())
}

/// A cloud's name without what would lead to another folder.
fn file_name(cloud: &str) -> String {
    cloud.replace(['/', '\\', '\0'], "_")
}
