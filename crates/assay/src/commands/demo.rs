//! `assay demo`: the whole judgement on a cloud that was recorded once, as it was recorded or played back by a
//! simulated cloud.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use assay_inventory::{FactId, Inventory, read_snapshot};
use assay_openstack::{Budgets, CloudConfig, ConfigFiles, Overrides, Probes};
use assay_report::{Chosen, ExitCode};
use assay_simcloud::{Population, Running, Settings, SimCloud, clouds_yaml};
use assay_standards::scope::Selection;
use assay_testcases::{Preflight, Registry, preflight};
use tokio_util::sync::CancellationToken;

use crate::against;
use crate::args::{Asking, Demo, Global};
use crate::commands::check::{Gathering, gather};
use crate::failure::{Failure, bad_snapshot};
use crate::output::{note, write_file};
use crate::show;

/// A half-conforming cloud, recorded from the testbed (see testbed/README.md).
const RECORDING: &[u8] = include_bytes!("../../data/demo.snapshot");
/// The name of the simulated cloud.
const NAME: &str = "demo";
/// As far away as a cloud in the same country, and as busy as one with users.
const LATENCY: Duration = Duration::from_millis(50);
const SETTLING: Duration = Duration::from_secs(1);
/// What a recording cannot play back, and what is only asked for by name.
const LEFT_OUT: [FactId; 3] = [FactId::S3Features, FactId::DomainManagers, FactId::Tempest];

fn recording() -> Result<Inventory, Failure> {
    read_snapshot(RECORDING).map_err(|error| bad_snapshot("the built-in recording".as_ref(), &error))
}

pub(crate) fn run(arguments: &Demo, global: &Global) -> Result<u8, Failure> {
    let inventory = recording()?;
    let hint = "This is a recorded cloud. For your own: assay check CLOUD, with CLOUD from your clouds.yaml.";
    shown(arguments, global, &inventory, hint)
}

/// Judges and shows what was seen.
fn shown(arguments: &Demo, global: &Global, inventory: &Inventory, hint: &str) -> Result<u8, Failure> {
    let spec = against::spec(arguments.against.spec.as_deref())?;
    let date = against::reference_date(&arguments.against, inventory.recorded_at);
    let selection = against::select(&spec, &arguments.against, date)?;
    let report =
        against::report(&spec, &selection, &arguments.against, inventory, &BTreeMap::new(), &BTreeMap::new());
    let reports = [report];
    show::reports(&reports, &arguments.show, global)?;
    if !global.quiet && arguments.show.format.is_none() && arguments.show.output.is_none() {
        note(hint);
    }
    Ok(ExitCode::of(&reports).code())
}

/// Asks a simulated cloud that has the facts of the recording, on the day of the recording.
pub(crate) async fn live(arguments: &Demo, global: &Global) -> Result<u8, Failure> {
    let failed = |error: &dyn Display| {
        Failure::undetermined(format!("the simulated cloud cannot be started: {error}"), "")
    };
    let recording = recording()?;
    let settings = Settings {
        name: NAME.into(),
        latency: LATENCY,
        jitter: LATENCY,
        settling: SETTLING,
        ..Settings::of(Population::of(&recording).into())
    };
    let cloud = SimCloud::start(settings).await.map_err(|error| failed(&error))?;
    let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
    let clouds = folder.path().join("clouds.yaml");
    write_file(&clouds, clouds_yaml([&cloud]).as_bytes())?;

    let inventory = asked(arguments, global, &recording, (&clouds, folder.path())).await?;
    let calls = cloud.counts().calls;
    let hint = format!(
        "This was a simulated cloud, asked {calls} times over HTTP.{}",
        if arguments.keep { "" } else { " To ask it with other commands: assay demo --live --keep" }
    );
    let code = shown(arguments, global, &inventory, &hint)?;
    if arguments.keep {
        kept(&cloud, &clouds).await;
    }
    Ok(code)
}

/// What the collector and the probes find in the simulated cloud.
async fn asked(
    arguments: &Demo,
    global: &Global,
    recording: &Inventory,
    (clouds, journals): (&Path, &Path),
) -> Result<Inventory, Failure> {
    let spec = against::spec(arguments.against.spec.as_deref())?;
    let date = against::reference_date(&arguments.against, recording.recorded_at);
    let selection = against::select(&spec, &arguments.against, date)?;
    let files = ConfigFiles { clouds: Some(clouds.to_owned()), ..ConfigFiles::default() };
    let config = CloudConfig::from_files(&files, NAME, &Overrides::default())?;
    let asking = Asking { region: None, interface: None, timeout: Duration::from_secs(32) };
    let thorough = Chosen::from(arguments.against.reading).shows_text();
    let gathering = Gathering {
        asking: &asking,
        global,
        facts: &facts(&selection, thorough),
        started_at: recording.recorded_at,
        preflight: &|token| match preflight(token) {
            Preflight::Fit => Ok(()),
            Preflight::Unfit(why) => Err(why),
        },
        probes: Some(Probes { journals, budgets: &Budgets::default(), thorough }),
        managers: &[],
        tempest_alt: None,
        cancel: &CancellationToken::new(),
    };
    let found = Box::pin(gather(&[config], &gathering)).await.pop();
    found.ok_or_else(|| Failure::undetermined("nothing was found in the simulated cloud", ""))
}

fn facts(selection: &Selection<'_>, thorough: bool) -> BTreeSet<FactId> {
    let ids = selection.testcases.iter().map(|selected| selected.testcase.id.as_str());
    let mut facts = Registry::get().facts(ids, thorough);
    facts.retain(|fact| !LEFT_OUT.contains(fact));
    facts
}

/// Serves until somebody ends it.
async fn kept(cloud: &Running, clouds: &Path) {
    note(&format!(
        "The cloud answers at {} until Ctrl-C. In another terminal:\n\n    \
         export OS_CLIENT_CONFIG_FILE={} OS_CLOUD={NAME}\n    \
         assay check --record again.snapshot\n    \
         assay find image --distro debian",
        cloud.auth_url(),
        clouds.display(),
    ));
    std::future::pending::<()>().await;
}
