//! `assay plan` and `assay apply`, for flavors, images, and both.

pub(crate) mod flavors;
pub(crate) mod images;
mod interview;
mod progress;
mod show;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use assay_curate::images::{Importer, Importing};
use assay_curate::repair::{self, Answers, Ground, RefusedAnswers};
use assay_curate::{Outcome, Plan, Verb, apply};
use assay_inventory::{Flavor, Image, Unavailable};
use assay_openstack::{CloudConfig, Overrides, Session, Settings};
use assay_report::failed_testcases;
use clap::Args;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::args::{Asking, Global, Listing};
use crate::failure::Failure;
use crate::output::{answered, confirmed, is_asked, note, print};

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
    /// What was seen of the cloud, with all that planning needs.
    type Seen;

    /// Reads definitions; with the testcases that failed, those alone that make them pass.
    async fn definitions(&self, failed: Option<&BTreeSet<String>>) -> Result<Self::Definitions, Failure>;

    /// Looks at the cloud.
    async fn see(&self, session: &Session, definitions: Self::Definitions) -> Result<Self::Seen, Failure>;

    /// What separates the cloud from what is wanted.
    fn plan(seen: &Self::Seen) -> Result<Plan, RefusedAnswers>;

    /// What the operator has said so far, where there is something to ask.
    fn answers(_seen: &mut Self::Seen) -> Option<&mut Answers> {
        None
    }

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

/// What was seen of a whole cloud.
pub(crate) struct AllSeen {
    /// What definitions and catalogues come to.
    described: Plan,
    /// What none of them describes.
    flavors: Vec<Flavor>,
    images: Vec<Image>,
    others: repair::Observed,
    answers: Answers,
    failed: Option<BTreeSet<String>>,
    now: Timestamp,
}

impl Wanted for Everything {
    type Definitions = AllDefinitions;
    type Seen = AllSeen;

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

    async fn see(&self, session: &Session, wanted: Self::Definitions) -> Result<AllSeen, Failure> {
        let others = async { repair::observe(session).await.map_err(unseen(session)) };
        let ((mut described, flavors), (of_images, images), others) = tokio::try_join!(
            self.flavors.look(session, wanted.flavors),
            self.images.look(session, wanted.images),
            others
        )?;
        described.append(of_images);
        let AllDefinitions { answers, failed, .. } = wanted;
        Ok(AllSeen { described, flavors, images, others, answers, failed, now: Timestamp::now() })
    }

    fn plan(seen: &AllSeen) -> Result<Plan, RefusedAnswers> {
        let repairs = repair::repair(&Ground {
            flavors: &seen.flavors,
            images: &seen.images,
            others: &seen.others,
            answers: &seen.answers,
            only: seen.failed.as_ref(),
            now: seen.now,
        })?;
        let mut plan = seen.described.clone();
        plan.append(repairs);
        Ok(plan)
    }

    fn answers(seen: &mut AllSeen) -> Option<&mut Answers> {
        Some(&mut seen.answers)
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
    let (_, seen) = prepare(&asked.cloud, &asked.wanted, asked.from_check.as_deref()).await?;
    let plan = planned::<Everything>(&seen)?;
    if plan.questions.is_empty() {
        note("there is nothing to ask");
        return Ok(0);
    }
    print(&repair::template(&plan.questions))?;
    Ok(0)
}

/// Shows a plan.
pub(crate) async fn plan<W: Wanted>(planning: &Planning<W>) -> Result<u8, Failure> {
    let (session, seen) = planning.prepare().await?;
    let plan = planned::<W>(&seen)?;
    print(&show::plan(&plan, session.config().name(), planning.format)?)?;
    Ok(if plan.has_drift() { DIFFERS } else { 0 })
}

/// Sees all that a plan needs. Files are read and the cloud is connected to at the same time.
async fn prepare<W: Wanted>(
    cloud: &Cloud,
    wanted: &W,
    from_check: Option<&Path>,
) -> Result<(Session, W::Seen), Failure> {
    let failed = from_check.map(failed).transpose()?;
    let (definitions, session) = tokio::try_join!(wanted.definitions(failed.as_ref()), cloud.connect())?;
    let seen = wanted.see(&session, definitions).await?;
    Ok((session, seen))
}

fn planned<W: Wanted>(seen: &W::Seen) -> Result<Plan, Failure> {
    W::plan(seen).map_err(|refused| Failure::usage(refused, ""))
}

impl<W: Wanted> Planning<W> {
    async fn prepare(&self) -> Result<(Session, W::Seen), Failure> {
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

/// Shows a plan, asks, and carries it out. On a terminal, open questions are asked before.
pub(crate) async fn carry_out<W: Wanted>(
    applying: &Applying<W>,
    global: &Global,
    cancel: CancellationToken,
) -> Result<u8, Failure> {
    let (session, mut seen) = applying.planning.prepare().await?;
    let cloud = session.config().name().to_owned();
    if !applying.yes && is_asked() {
        let mut ask = async |prompt: &str| asked(prompt, &cancel).await;
        Box::pin(interview::interview::<W>(&mut seen, &mut ask)).await?;
    }
    if cancel.is_cancelled() {
        return Ok(DIFFERS);
    }
    let plan = planned::<W>(&seen)?;
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
        let is_wanted = tokio::select! {
            biased;
            () = cancel.cancelled() => false,
            answer = confirmed("Do all of this?", UNASKED) => answer?,
        };
        if !is_wanted {
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

/// An answer on the terminal; none at the end of the input, or if the operator has had enough.
async fn asked(prompt: &str, cancel: &CancellationToken) -> Result<Option<String>, Failure> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Ok(None),
        answer = answered(prompt) => answer,
    }
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
