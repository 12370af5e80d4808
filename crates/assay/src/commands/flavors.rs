//! `assay flavors`: plan and apply what definitions say, export and generate definitions.

mod show;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_curate::flavors::{self, Assumed, Bundled, Definition, Level, Options, Proposal};
use assay_curate::{Event, Outcome, Plan, Source, Verb, apply};
use assay_openstack::{CloudConfig, Overrides, Session, Settings};
use assay_report::failed_testcases;
use assay_standards::flavor_name::{CpuType, DiskType};
use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::{Asking, Global, Listing};
use crate::failure::Failure;
use crate::output::{confirmed, note, print};

/// The exit code for a difference, or for something that could not be done.
const DIFFERS: u8 = 1;
/// The exit code if a step failed.
const FAILED: u8 = 3;

/// What nobody can be asked about.
const UNASKED: (&str, &str) =
    ("nothing is changed without a word", "look at `assay flavors plan`, then say --yes");

#[derive(Debug, Subcommand)]
pub(crate) enum Flavors {
    /// Show what separates the flavors of a cloud from what is wanted; exit code 1 if anything does
    Plan(Planning),
    /// Make the flavors what is wanted
    Apply(Applying),
    /// Print the flavors of a cloud as definitions
    Export(Export),
    /// Print definitions that give SCS names and extra specs to the flavors of a cloud
    Generate(Generate),
}

#[derive(Debug, Args)]
pub(crate) struct Planning {
    #[command(flatten)]
    cloud: Cloud,
    #[command(flatten)]
    wanted: Wanted,
    /// The format
    #[arg(long, value_enum, default_value_t = Listing::Human, help_heading = "Output")]
    format: Listing,
}

#[derive(Debug, Args)]
pub(crate) struct Applying {
    #[command(flatten)]
    planning: Planning,
    /// Do not ask
    #[arg(long, help_heading = "Doing it")]
    yes: bool,
    /// How many flavors --replace may delete; with more, nothing is done
    #[arg(long, value_name = "NUMBER", default_value_t = 10, help_heading = "Doing it")]
    max_delete: usize,
}

#[expect(clippy::doc_markdown, reason = "clap shows these comments to users as they are")]
#[derive(Debug, Args)]
pub(crate) struct Cloud {
    /// The cloud in clouds.yaml; making flavors takes an admin [default: $OS_CLOUD, or the OS_* variables]
    #[arg(value_name = "CLOUD")]
    cloud: Option<String>,
    #[command(flatten)]
    asking: Asking,
}

/// What is wanted.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[expect(clippy::doc_markdown, reason = "clap shows these comments to users as they are")]
#[derive(Debug, Args)]
#[command(next_help_heading = "What is wanted")]
pub(crate) struct Wanted {
    /// A file of definitions, or its address, with #sha256=DIGEST to make sure of it; may be repeated
    #[arg(long, value_name = "FILE|URL")]
    file: Vec<Source>,
    /// Definitions that are part of the program [default: scs, unless there is a --file]
    #[arg(long, value_enum)]
    name: Option<Name>,
    /// Also what is only recommended
    #[arg(long)]
    recommended: bool,
    /// The most RAM of a recommended flavor, in GiB
    #[arg(long, value_name = "GIB", default_value_t = 32)]
    limit_memory: u64,
    /// Only what makes testcases pass that failed in this report of a check, recommended ones too (JSON)
    #[arg(long, value_name = "REPORT", conflicts_with_all = ["recommended", "limit_memory"])]
    from_check: Option<PathBuf>,
    /// Allow all of them a random number generator (hw_rng:allowed)
    #[arg(long)]
    hw_rng: bool,
    /// Remove extra specs scs:... that are not wanted
    #[arg(long)]
    prune: bool,
    /// Delete flavors whose figures are wrong, and make new ones; servers keep what they have
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// The standard flavors of scs-0103
    Scs,
    /// What OSISM clouds get by default
    Osism,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    cloud: Cloud,
    /// With the ids, so that another cloud gets the same
    #[arg(long)]
    ids: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Generate {
    #[command(flatten)]
    cloud: Cloud,
    /// What a virtual CPU is, where a flavor does not say it: crowded-core, shared-core, dedicated-thread, dedicated-core
    #[arg(long, value_name = "TYPE", default_value = "shared-core", value_parser = cpu_type)]
    cpu_type: CpuType,
    /// What the disk is, where a flavor does not say it: network, hdd, ssd, nvme [default: left open]
    #[arg(long, value_name = "TYPE", value_parser = disk_type)]
    disk_type: Option<DiskType>,
}

fn cpu_type(text: &str) -> Result<CpuType, String> {
    CpuType::from_extra_spec(text)
        .ok_or_else(|| "use crowded-core, shared-core, dedicated-thread or dedicated-core".into())
}

fn disk_type(text: &str) -> Result<DiskType, String> {
    DiskType::from_extra_spec(text).ok_or_else(|| "use network, hdd, ssd or nvme".into())
}

pub(crate) async fn run(arguments: &Flavors, global: &Global) -> Result<u8, Failure> {
    match arguments {
        Flavors::Plan(planning) => {
            let (session, plan) = prepare(planning).await?;
            print(&show::plan(&plan, session.config().name(), planning.format)?)?;
            Ok(if plan.has_drift() { DIFFERS } else { 0 })
        }
        Flavors::Apply(applying) => run_apply(applying, global).await,
        Flavors::Export(export) => run_export(export).await,
        Flavors::Generate(generate) => run_generate(generate).await,
    }
}

impl Cloud {
    fn config(&self) -> Result<CloudConfig, Failure> {
        let overrides =
            Overrides { region: self.asking.region.clone(), interface: self.asking.interface.clone() };
        Ok(CloudConfig::find(self.cloud.as_deref(), &overrides)?)
    }

    async fn connect(&self) -> Result<Session, Failure> {
        let settings = Settings { timeout: self.asking.timeout, ..Settings::default() };
        Ok(Session::connect(&self.config()?, &settings).await?)
    }
}

impl Wanted {
    async fn definitions(&self) -> Result<Vec<Definition>, Failure> {
        let mut definitions = Vec::new();
        let bundled = match (self.name, self.file.is_empty()) {
            (None, false) => None,
            (None | Some(Name::Scs), _) => Some(Bundled::Scs),
            (Some(Name::Osism), _) => Some(Bundled::Osism),
        };
        if let Some(bundled) = bundled {
            definitions.extend(bundled.definitions()?);
        }
        for source in &self.file {
            let text = source.read().await.map_err(|error| Failure::usage(error, ""))?;
            let (found, notes) = flavors::read(&source.name(), &text)?;
            for text in notes {
                note(&text);
            }
            if found.is_empty() {
                return Err(Failure::usage(format!("{} defines no flavor", source.name()), ""));
            }
            definitions.extend(found);
        }
        if let Some(path) = &self.from_check {
            let failed = failed(path)?;
            definitions.retain(|definition| !definition.testcases().is_disjoint(&failed));
        } else {
            let limit = self.limit_memory.saturating_mul(1024);
            definitions.retain(|definition| match definition.level {
                Level::Mandatory => true,
                Level::Recommended => self.recommended && definition.ram_mib <= limit,
            });
        }
        if self.hw_rng {
            for definition in &mut definitions {
                definition.extra_specs.entry("hw_rng:allowed".into()).or_insert_with(|| "true".into());
            }
        }
        Ok(definitions)
    }
}

/// The testcases that failed by a report.
fn failed(path: &Path) -> Result<BTreeSet<String>, Failure> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| Failure::usage(format!("{shown}: {error}"), ""))?;
    failed_testcases(&text).map_err(|error| {
        Failure::usage(
            format!("{shown}: {error}"),
            "write one with `assay check CLOUD --format json -o FILE`",
        )
    })
}

/// Computes the plan. Files are read and the cloud is connected to at the same time.
async fn prepare(planning: &Planning) -> Result<(Session, Plan), Failure> {
    let (mut definitions, session) =
        tokio::try_join!(planning.wanted.definitions(), planning.cloud.connect())?;
    let observed = flavors::observe(&session, &mut definitions)
        .await
        .map_err(|why| Failure::undetermined(format!("cloud {}: {why}", session.config().name()), ""))?;
    let options = Options { prune: planning.wanted.prune, replace: planning.wanted.replace };
    let plan = flavors::plan(&definitions, &observed, &options);
    Ok((session, plan))
}

async fn run_apply(applying: &Applying, global: &Global) -> Result<u8, Failure> {
    let (session, plan) = prepare(&applying.planning).await?;
    let cloud = session.config().name().to_owned();
    let format = applying.planning.format;
    let deletions = plan.count(Verb::Delete);
    if deletions > applying.max_delete {
        return Err(Failure::usage(
            format!(
                "{deletions} flavors would be deleted, more than the {} that are allowed",
                applying.max_delete
            ),
            "look at `assay flavors plan`, then allow them with --max-delete",
        ));
    }
    if plan.steps().next().is_none() {
        print(&show::plan(&plan, &cloud, format)?)?;
        return Ok(if plan.has_drift() { DIFFERS } else { 0 });
    }
    if !applying.yes {
        note(&show::plan(&plan, &cloud, Listing::Human)?);
        if !confirmed("Do all of this?", UNASKED)? {
            return Ok(DIFFERS);
        }
    }
    let bar = progress(global, plan.steps().count());
    let outcomes = apply(&session, &plan, &|event| match event {
        Event::Begun(index) => bar.set_message(plan.actions[index].name.clone()),
        Event::Ended(..) => bar.inc(1),
    })
    .await;
    bar.finish_and_clear();
    print(&show::outcomes(&plan, &outcomes, &cloud, format)?)?;
    Ok(code(&plan, &outcomes))
}

fn code(plan: &Plan, outcomes: &BTreeMap<usize, Outcome>) -> u8 {
    if outcomes.values().any(|outcome| *outcome != Outcome::Done) {
        FAILED
    } else if plan.count(Verb::Blocked) > 0 {
        DIFFERS
    } else {
        0
    }
}

fn progress(global: &Global, steps: usize) -> ProgressBar {
    let target = if global.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(steps as u64), target);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} of {len} {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

async fn run_export(export: &Export) -> Result<u8, Failure> {
    let session = export.cloud.connect().await?;
    let flavors = session.flavors().await.map_err(|why| Failure::undetermined(why, ""))?;
    let mut definitions: Vec<Definition> =
        flavors.iter().filter_map(|flavor| Definition::of_flavor(flavor, export.ids)).collect();
    definitions.sort_by(|a, b| a.name.cmp(&b.name));
    print_definitions(&definitions)
}

async fn run_generate(arguments: &Generate) -> Result<u8, Failure> {
    let session = arguments.cloud.connect().await?;
    let flavors = session.flavors().await.map_err(|why| Failure::undetermined(why, ""))?;
    let assumed = Assumed { cpu_type: arguments.cpu_type, disk_type: arguments.disk_type };
    let mut definitions = Vec::new();
    for proposal in flavors::generate(&flavors, assumed) {
        match proposal {
            Proposal::Definition(definition) => definitions.push(*definition),
            Proposal::NoName { flavor, why } => note(&format!("{flavor}: no SCS name fits it: {why}")),
        }
    }
    definitions.sort_by(|a, b| a.name.cmp(&b.name));
    print_definitions(&definitions)
}

fn print_definitions(definitions: &[Definition]) -> Result<u8, Failure> {
    let text = flavors::export(definitions)
        .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))?;
    print(&text)?;
    Ok(0)
}
