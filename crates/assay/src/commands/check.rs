//! `assay check`: collect, judge, show.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use assay_inventory::{FactId, Inventory, read_snapshot, write_snapshot};
use assay_openstack::{CloudConfig, Overrides, Request, Settings, collect};
use assay_report::{Chosen, ExitCode, Report};
use assay_standards::scope::{Selection, Spec};
use assay_testcases::{Judgement, Preflight, Registry, preflight};
use futures::future::join_all;
use jiff::Timestamp;

use crate::against::{self, TOOL};
use crate::args::{Asking, Check, Global};
use crate::failure::{Failure, bad_snapshot};
use crate::output::{note, write_file};
use crate::progress::Progress;
use crate::{scripts, show};

/// Ending of recordings in a folder.
const ENDING: &str = "snapshot";

pub(crate) async fn run(arguments: &Check, global: &Global) -> Result<u8, Failure> {
    let spec = against::spec(arguments.against.spec.as_deref())?;
    let reports = match arguments.snapshot.is_empty() {
        true => live(arguments, global, &spec).await?,
        false => recorded(arguments, &spec)?,
    };
    show::reports(&reports, &arguments.show, global)?;
    Ok(ExitCode::of(&reports).code())
}

/// Judges recordings, each on the day of its recording unless told otherwise.
fn recorded(arguments: &Check, spec: &Spec) -> Result<Vec<Report>, Failure> {
    let inventories =
        arguments.snapshot.iter().map(|path| read(path)).collect::<Result<Vec<Inventory>, Failure>>()?;
    inventories
        .iter()
        .map(|inventory| {
            let date = against::reference_date(&arguments.against, inventory.recorded_at);
            let selection = against::select(spec, &arguments.against, date)?;
            Ok(against::report(
                spec,
                &selection,
                &arguments.against,
                inventory,
                &assignment(arguments),
                &BTreeMap::new(),
            ))
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

async fn live(arguments: &Check, global: &Global, spec: &Spec) -> Result<Vec<Report>, Failure> {
    let started_at = Timestamp::now();
    let date = against::reference_date(&arguments.against, started_at);
    let selection = against::select(spec, &arguments.against, date)?;
    let clouds = clouds(&arguments.clouds, &arguments.asking)?;
    let records = record_paths(arguments, &clouds)?;
    let facts = facts(&selection, arguments);

    let inventories =
        gather(&clouds, &arguments.asking, global, &facts, started_at, &|token| match preflight(token) {
            Preflight::Fit => Ok(()),
            Preflight::Unfit(why) => Err(why),
        })
        .await;

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
        let replaced = match (&arguments.against.spec, arguments.allow_scripts) {
            (Some(file), true) => {
                assignment.entry("os_cloud".into()).or_insert_with(|| cloud.name().to_owned());
                scripts::run(spec, &selection, file, &assignment).await
            }
            _ => unknown(&selection),
        };
        reports.push(against::report(
            spec,
            &selection,
            &arguments.against,
            inventory,
            &assignment,
            &replaced,
        ));
    }
    Ok(reports)
}

/// Testcases of a spec that only its scripts can judge.
fn unknown(selection: &Selection<'_>) -> BTreeMap<String, Judgement> {
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
    Registry::get().facts(ids, Chosen::from(arguments.against.reading).shows_text())
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

/// Asks all clouds at the same time.
pub(crate) async fn gather(
    clouds: &[CloudConfig],
    asking: &Asking,
    global: &Global,
    facts: &BTreeSet<FactId>,
    started_at: Timestamp,
    preflight: &(dyn Fn(&assay_inventory::Token) -> Result<(), String> + Sync),
) -> Vec<Inventory> {
    let settings = Settings { timeout: asking.timeout, ..Settings::default() };
    let progress = Progress::new(global.quiet);
    let asked = clouds.iter().map(|cloud| {
        let line = progress.cloud(cloud.name());
        let settings = &settings;
        async move {
            let events = |event| line.event(&event);
            let request = Request { facts, started_at, preflight, events: &events };
            let inventory = collect(cloud, settings, &request).await;
            line.finish();
            inventory
        }
    });
    join_all(asked).await
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
