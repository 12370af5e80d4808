//! `assay plan` and `assay apply`, for flavors, images, and both.

pub(crate) mod flavors;
pub(crate) mod images;
mod progress;
mod show;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use assay_curate::images::{Importer, Importing};
use assay_curate::repair::{self, Answers, Ground};
use assay_curate::{Outcome, Plan, Verb, apply};
use assay_inventory::Unavailable;
use assay_openstack::{CloudConfig, Overrides, Session, Settings};
use assay_report::failed_testcases;
use clap::Args;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::args::{Asking, Global, Listing};
use crate::failure::Failure;
use crate::output::{confirmed, note, print};

/// The exit code for a difference, or for something that could not be done.
const DIFFERS: u8 = 1;
/// The exit code if a step failed.
const FAILED: u8 = 3;

/// What nobody can be asked about.
const UNASKED: (&str, &str) = ("nothing is changed without a word", "look at the plan, then say --yes");

#[expect(clippy::doc_markdown, reason = "clap shows these comments to users as they are")]
#[derive(Debug, Args)]
pub(crate) struct Cloud {
    /// The cloud in clouds.yaml; changing it takes an admin [default: $OS_CLOUD, or the OS_* variables]
    #[arg(value_name = "CLOUD")]
    cloud: Option<String>,
    #[command(flatten)]
    asking: Asking,
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

/// What is planned.
#[derive(Debug, Args)]
pub(crate) struct Planning<W: Args> {
    #[command(flatten)]
    cloud: Cloud,
    #[command(flatten)]
    wanted: W,
    /// Only what makes testcases pass that failed in this report of a check, recommended ones too (JSON)
    #[arg(long, value_name = "REPORT", help_heading = "What is wanted")]
    from_check: Option<PathBuf>,
    /// The format
    #[arg(long, value_enum, default_value_t = Listing::Human, help_heading = "Output")]
    format: Listing,
}

#[derive(Debug, Args)]
pub(crate) struct Applying<W: Args> {
    #[command(flatten)]
    planning: Planning<W>,
    /// Do not ask
    #[arg(long, help_heading = "Doing it")]
    yes: bool,
    /// How many things may be deleted; with more, nothing is done
    #[arg(long, value_name = "NUMBER", default_value_t = 10, help_heading = "Doing it")]
    max_delete: usize,
}

/// Arguments that say what is wanted of a cloud.
pub(crate) trait Wanted: Args {
    /// What they come to.
    type Definitions;

    /// Reads definitions; with the testcases that failed, those alone that make them pass.
    async fn definitions(&self, failed: Option<&BTreeSet<String>>) -> Result<Self::Definitions, Failure>;

    /// What separates the cloud from them.
    async fn plan(&self, session: &Session, definitions: Self::Definitions) -> Result<Plan, Failure>;

    /// How images are imported.
    fn importing(&self) -> Importing;
}

/// A cloud that does not show what there is.
fn unseen(session: &Session) -> impl Fn(Unavailable) -> Failure {
    let cloud = session.config().name().to_owned();
    move |why| Failure::undetermined(format!("cloud {cloud}: {why}"), "")
}

/// What is wanted of a whole cloud.
#[derive(Debug, Args)]
pub(crate) struct Everything {
    #[command(flatten)]
    flavors: flavors::WantedFlavors,
    #[command(flatten)]
    images: images::WantedImages,
    /// What only you can say of images and volume types that no definition describes (`assay questions` asks)
    #[arg(long, value_name = "FILE", help_heading = "Everything else")]
    answers: Option<PathBuf>,
}

/// What is wanted of a whole cloud, as it was read.
pub(crate) struct AllDefinitions {
    flavors: Vec<assay_curate::flavors::Definition>,
    images: images::Catalogues,
    answers: Answers,
    failed: Option<BTreeSet<String>>,
}

impl Wanted for Everything {
    type Definitions = AllDefinitions;

    async fn definitions(&self, failed: Option<&BTreeSet<String>>) -> Result<Self::Definitions, Failure> {
        let answers = match &self.answers {
            None => Answers::default(),
            Some(path) => {
                let shown = path.display().to_string();
                let text = fs::read_to_string(path)
                    .map_err(|error| Failure::usage(format!("{shown}: {error}"), ""))?;
                Answers::read(&shown, &text)?
            }
        };
        // Who wants a cloud to conform wants all of it.
        let (flavors, images) =
            tokio::try_join!(self.flavors.read(failed, true), self.images.definitions(failed))?;
        Ok(AllDefinitions { flavors, images, answers, failed: failed.cloned() })
    }

    async fn plan(&self, session: &Session, wanted: Self::Definitions) -> Result<Plan, Failure> {
        let others = async { repair::observe(session).await.map_err(unseen(session)) };
        let ((mut plan, flavors), (of_images, images), others) = tokio::try_join!(
            self.flavors.look(session, wanted.flavors),
            self.images.look(session, wanted.images),
            others
        )?;
        plan.append(of_images);
        let ground = Ground {
            flavors: &flavors,
            images: &images,
            others: &others,
            answers: &wanted.answers,
            only: wanted.failed.as_ref(),
            now: Timestamp::now(),
        };
        plan.append(repair::repair(&ground).map_err(|refused| Failure::usage(refused, ""))?);
        Ok(plan)
    }

    fn importing(&self) -> Importing {
        self.images.importing()
    }
}

/// Whose answers are missing.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    #[command(flatten)]
    cloud: Cloud,
    #[command(flatten)]
    wanted: Everything,
    /// Only about testcases that failed in this report of a check (JSON)
    #[arg(long, value_name = "REPORT", help_heading = "What is wanted")]
    from_check: Option<PathBuf>,
}

/// Prints a file with what is left to the operator, to be filled in.
pub(crate) async fn questions(asked: &Asked) -> Result<u8, Failure> {
    let (_, plan) = prepare(&asked.cloud, &asked.wanted, asked.from_check.as_deref()).await?;
    if plan.questions.is_empty() {
        note("there is nothing to ask");
        return Ok(0);
    }
    print(&repair::template(&plan.questions))?;
    Ok(0)
}

/// Shows a plan.
pub(crate) async fn plan<W: Wanted>(planning: &Planning<W>) -> Result<u8, Failure> {
    let (session, plan) = planning.prepare().await?;
    print(&show::plan(&plan, session.config().name(), planning.format)?)?;
    Ok(if plan.has_drift() { DIFFERS } else { 0 })
}

/// Computes a plan. Files are read and the cloud is connected to at the same time.
async fn prepare<W: Wanted>(
    cloud: &Cloud,
    wanted: &W,
    from_check: Option<&Path>,
) -> Result<(Session, Plan), Failure> {
    let failed = from_check.map(failed).transpose()?;
    let (definitions, session) = tokio::try_join!(wanted.definitions(failed.as_ref()), cloud.connect())?;
    let plan = wanted.plan(&session, definitions).await?;
    Ok((session, plan))
}

impl<W: Wanted> Planning<W> {
    async fn prepare(&self) -> Result<(Session, Plan), Failure> {
        prepare(&self.cloud, &self.wanted, self.from_check.as_deref()).await
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

/// Shows a plan, asks, and carries it out.
pub(crate) async fn carry_out<W: Wanted>(
    applying: &Applying<W>,
    global: &Global,
    cancel: CancellationToken,
) -> Result<u8, Failure> {
    let (session, plan) = applying.planning.prepare().await?;
    let cloud = session.config().name().to_owned();
    let format = applying.planning.format;
    let deletions = plan.count(Verb::Delete);
    if deletions > applying.max_delete {
        return Err(Failure::usage(
            format!(
                "{deletions} things would be deleted, more than the {} that are allowed",
                applying.max_delete
            ),
            "look at the plan, then allow them with --max-delete",
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
    let importer = Importer::new(applying.planning.wanted.importing())
        .map_err(|error| Failure::undetermined(format!("nothing can be fetched: {error}"), ""))?;
    let progress = progress::Progress::begin(global, &plan);
    let outcomes = apply(&session, &importer, &plan, &cancel, &|event| progress.tell(&event)).await;
    progress.end();
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
