//! `assay tempest`: runs the tests of Tempest that scs-0128 names, and says what they came to.

mod show;
mod watch;

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_inventory::{Fact, Inventory, Reason, TempestCloud, TempestRun, Unavailable, write_snapshot};
use assay_journal::{Journal, RunId};
use assay_openstack::{
    Budgets, Cleanup, CloudConfig, Discovered, Overrides, PasswordAccount, Session, Settings, cleanup,
    discover, password_account,
};
use assay_report::ExitCode;
use assay_tempest::{
    Account, Accounts, Installation, Outcome, Request, TempestError, Test, TestList, configuration,
};
use assay_testcases::{Preflight, preflight};
use clap::Args;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::against::TOOL;
use crate::args::{Asking, Global, Listing};
use crate::commands::check::Gathering;
use crate::failure::Failure;
use crate::output::{note, print, write_file};
use crate::state;
use watch::Watch;

/// What the configuration shows instead of the folder that a run would make.
const NO_FOLDER: &str = "/FOLDER-OF-THE-RUN";

/// Minutes that the tests may take.
const LIMIT_MINUTES: u64 = 240;

#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "clap shows these comments to users as they are")]
pub(crate) struct Tempest {
    /// The cloud in clouds.yaml, with a user's password [default: $OS_CLOUD, or the OS_* variables]
    #[arg(value_name = "CLOUD")]
    pub(crate) cloud: Option<String>,
    /// A second account in another project, for the tests that need a stranger
    #[arg(long, value_name = "CLOUD")]
    pub(crate) alt: Option<String>,
    /// Only the tests of the list whose name or id contains this; may be repeated
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Vec<String>,
    /// Minutes that the tests may take
    #[arg(long, value_name = "MINUTES", default_value_t = LIMIT_MINUTES, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) limit: u64,
    /// Show the configuration for this cloud and run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A Tempest of your own, as the program or the virtual environment that it is in [default: one that is
    /// installed with pip into the cache folder]
    #[arg(long = "tempest", value_name = "PATH", help_heading = "Tempest itself")]
    pub(crate) program: Option<PathBuf>,
    /// The Python that Tempest is installed with, 3.10 or newer
    #[arg(
        long,
        value_name = "PROGRAM",
        default_value = "python3",
        conflicts_with = "program",
        help_heading = "Tempest itself"
    )]
    pub(crate) python: PathBuf,
    /// Keep Tempest's log, configuration and stream of results in a folder
    #[arg(long, value_name = "FOLDER", help_heading = "Recordings")]
    pub(crate) keep: Option<PathBuf>,
    /// Keep what was seen in a file, to judge it with `assay check --snapshot`
    #[arg(long, value_name = "FILE", help_heading = "Recordings")]
    pub(crate) record: Option<PathBuf>,
    /// The format
    #[arg(long, value_enum, default_value_t = Listing::Human, help_heading = "Output")]
    pub(crate) format: Listing,
    /// Show every skipped test, not only how many there are for each reason
    #[arg(long, help_heading = "Output")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

pub(crate) async fn run(
    arguments: &Tempest,
    global: &Global,
    cancel: CancellationToken,
) -> Result<u8, Failure> {
    let tests = chosen(TestList::scs_0128(), &arguments.only)?;
    if arguments.dry_run {
        let session = connect(arguments, arguments.cloud.as_deref()).await?;
        let found = discovered(&session).await?;
        print(&configuration(&found.cloud, Path::new(NO_FOLDER), &RunId::new().mark()))?;
        return Ok(0);
    }
    let started_at = Timestamp::now();
    let Some((session, run)) = carried_out(arguments, global, started_at, &cancel).await? else {
        return Ok(ExitCode::Interrupted.code());
    };
    let mut inventory = Inventory::new(session.config().subject(), started_at);
    inventory.token = Fact::Known(session.token().clone());
    inventory.tempest = Fact::Known(run);
    inventory.calls = session.calls();
    if let Some(path) = &arguments.record {
        let bytes = write_snapshot(&inventory, TOOL)
            .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))?;
        write_file(path, &bytes)?;
    }
    let Some(run) = inventory.tempest.value() else {
        return Ok(ExitCode::Undetermined.code());
    };
    print(&show::result(&inventory, run, &tests, arguments)?)?;
    Ok(exit_code(run, &tests).code())
}

/// The fact for a check, with all tests of the list. What keeps Tempest from running is the reason why there is
/// no fact.
pub(crate) async fn for_check(cloud: &str, alt: Option<&str>, gathering: &Gathering<'_>) -> Fact<TempestRun> {
    let arguments = Tempest {
        cloud: Some(cloud.to_owned()),
        alt: alt.map(str::to_owned),
        only: Vec::new(),
        limit: LIMIT_MINUTES,
        dry_run: false,
        program: None,
        python: "python3".into(),
        keep: None,
        record: None,
        format: Listing::Human,
        all: false,
        asking: gathering.asking.clone(),
    };
    match carried_out(&arguments, gathering.global, gathering.started_at, gathering.cancel).await {
        Ok(Some((_, run))) => Fact::Known(run),
        Ok(None) => Fact::Unavailable(Unavailable::new(Reason::Interrupted, "the run was interrupted")),
        Err(failure) => {
            Fact::Unavailable(Unavailable::new(Reason::Configuration, failure.report.to_string()))
        }
    }
}

/// Runs the chosen tests; none if the user ended it before they began.
async fn carried_out(
    arguments: &Tempest,
    global: &Global,
    started_at: Timestamp,
    cancel: &CancellationToken,
) -> Result<Option<(Session, TempestRun)>, Failure> {
    let list = TestList::scs_0128();
    let tests = chosen(list, &arguments.only)?;
    let session = connect(arguments, arguments.cloud.as_deref()).await?;
    let accounts = accounts(arguments, &session).await?;
    let found = discovered(&session).await?;
    enough(&found.cloud, session.config().name(), global)?;
    let installation = tokio::select! {
        installation = installation(arguments, global) => installation?,
        () = cancel.cancelled() => return Ok(None),
    };
    let plan = Plan { arguments, global, list, tests: &tests, accounts: &accounts, found: &found };
    let run = plan.carry_out(&session, &installation, started_at, cancel).await?;
    Ok(Some((session, run)))
}

async fn discovered(session: &Session) -> Result<Discovered, Failure> {
    discover(session).await.map_err(|why| {
        Failure::undetermined(
            format!("cloud {}: {why}", session.config().name()),
            "`assay doctor` looks at the access to the cloud",
        )
    })
}

/// The tests that are to run.
fn chosen(list: &'static TestList, only: &[String]) -> Result<Vec<&'static Test>, Failure> {
    if let Some(pattern) = only.iter().find(|pattern| list.matching(pattern).is_empty()) {
        return Err(Failure::usage(
            format!("no test of {} has {pattern:?} in its name or id", list.name),
            "names look like tempest.api.network.test_ports.PortsTestJSON.test_show_port",
        ));
    }
    let is_chosen = |test: &&Test| {
        only.is_empty() || only.iter().any(|pattern| test.load_line().contains(pattern.as_str()))
    };
    Ok(list.tests.iter().filter(is_chosen).collect())
}

async fn connect(arguments: &Tempest, cloud: Option<&str>) -> Result<Session, Failure> {
    let overrides =
        Overrides { region: arguments.asking.region.clone(), interface: arguments.asking.interface.clone() };
    let config = CloudConfig::find(cloud, &overrides)?;
    let settings = Settings { timeout: arguments.asking.timeout, ..Settings::default() };
    Session::connect(&config, &settings).await.map_err(|error| {
        Failure::undetermined(
            format!("cloud {}: {error}", config.name()),
            "`assay doctor` looks at the access to the cloud",
        )
    })
}

/// The accounts that Tempest logs in with.
async fn accounts(arguments: &Tempest, session: &Session) -> Result<Accounts, Failure> {
    let main = account(session).await?;
    let Some(cloud) = &arguments.alt else {
        return Ok(Accounts { main, other: None });
    };
    let other = account(&connect(arguments, Some(cloud)).await?).await?;
    if other.project_id == main.project_id || other.user_id == main.user_id {
        let what = if other.user_id == main.user_id { "user" } else { "project" };
        return Err(Failure::usage(
            format!("{cloud:?} has the same {what} as {:?}", session.config().name()),
            "the second account is a stranger to the first: another user in another project",
        ));
    }
    Ok(Accounts { main, other: Some(other) })
}

async fn account(session: &Session) -> Result<Account, Failure> {
    // A test that must be refused would not be refused to an administrator.
    if let Preflight::Unfit(why) = preflight(session.token()) {
        let cloud = session.config().name();
        return Err(Failure::usage(format!("cloud {cloud}: {why}"), "give a plain member of one project"));
    }
    let PasswordAccount {
        username,
        user_id,
        user_domain_id,
        password,
        project_id,
        project_name,
        project_domain_id,
    } = password_account(session).await.map_err(|why| Failure::usage(why, ""))?;
    Ok(Account { username, user_id, user_domain_id, password, project_id, project_name, project_domain_id })
}

/// Says what a cloud lacks for the tests to tell anything.
fn enough(cloud: &TempestCloud, name: &str, global: &Global) -> Result<(), Failure> {
    if cloud.catalog_types.compute.is_some() && cloud.image.is_none() {
        return Err(Failure::undetermined(
            format!("cloud {name}: there is no public image that fits a flavor, so no server can be created"),
            "upload an image (raw or qcow2, x86_64), or create a flavor with enough disk and RAM for it",
        ));
    }
    if !global.quiet {
        if cloud.other_image.is_none() {
            note("there is one fitting image only, so tests that compare two are skipped");
        }
        if cloud.fixed_network.is_none() {
            note(
                "the project has no network with a subnet, so servers get none; create one for more telling results",
            );
        }
        if cloud.external_network.is_none() {
            note("there is no external network, so tests of floating IPs are skipped");
        }
    }
    Ok(())
}

async fn installation(arguments: &Tempest, global: &Global) -> Result<Installation, Failure> {
    if let Some(path) = &arguments.program {
        return Ok(Installation::existing(path));
    }
    let tell = |what: &str| {
        if !global.quiet {
            note(what);
        }
    };
    Installation::managed(&cache(), &arguments.python, &tell).await.map_err(not_run)
}

/// Where Tempest is installed: `$ASSAY_CACHE_DIR`, or what the XDG specification says.
fn cache() -> PathBuf {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("ASSAY_CACHE_DIR")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("assay")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/assay")))
        .unwrap_or_else(|| env::temp_dir().join("assay-cache"))
}

fn not_run(error: TempestError) -> Failure {
    let hint = match &error {
        TempestError::NothingRan(_) | TempestError::List(_) => "--keep FOLDER keeps the log of Tempest",
        TempestError::NoTests(..) => "choose other tests, or give a second account with --alt",
        TempestError::UnknownTests(..) => "leave out --tempest, and the right version is installed",
        _ => "",
    };
    Failure::undetermined(error, hint)
}

/// Everything that a run is made of.
struct Plan<'a> {
    arguments: &'a Tempest,
    global: &'a Global,
    list: &'static TestList,
    tests: &'a [&'static Test],
    accounts: &'a Accounts,
    found: &'a Discovered,
}

impl Plan<'_> {
    /// Runs the tests and takes down what they left behind, also after an interruption.
    async fn carry_out(
        &self,
        session: &Session,
        installation: &Installation,
        started_at: Timestamp,
        cancel: &CancellationToken,
    ) -> Result<TempestRun, Failure> {
        let id = RunId::new();
        let unwritable =
            |error| Failure::usage(error, "the journal lies in $ASSAY_STATE_DIR or ~/.local/state/assay");
        let journal =
            Journal::begin(&state::journals(), &session.place(), id, started_at).map_err(unwritable)?;
        // Tempest creates first and tells then, and of images it does not tell at all.
        journal.lend_mark().map_err(unwritable)?;
        let mut watch = Watch::new(session.config().name(), &journal, self.global.quiet);
        let request = Request {
            installation,
            cloud: &self.found.cloud,
            accounts: self.accounts,
            has_application_credentials: self.found.has_application_credentials,
            list: self.list,
            tests: self.tests,
            mark: &journal.run().mark(),
            limit: Duration::from_mins(self.arguments.limit),
            keep: self.arguments.keep.as_deref(),
        };
        let outcome = assay_tempest::run(&request, &mut |event| watch.event(event), cancel.cancelled()).await;
        watch.cleans_up();
        let leftovers = clean_up(session, &journal).await;
        watch.finish();
        match outcome {
            Ok(Outcome { mut run, .. }) => {
                run.leftovers = leftovers;
                Ok(run)
            }
            Err(error) => {
                for leftover in &leftovers {
                    note(&format!("left behind: {leftover}"));
                }
                let failure = not_run(error);
                Err(match leftovers.is_empty() {
                    true => failure,
                    false => Failure { code: ExitCode::Leftovers.code(), ..failure },
                })
            }
        }
    }
}

/// Takes down what Tempest told that it created, and what bears the mark of the run.
async fn clean_up(session: &Session, journal: &Journal) -> Vec<assay_inventory::Leftover> {
    let work =
        Cleanup { journals: vec![journal.clone()], found: Vec::new(), budget: Budgets::default().removal };
    let cleaned = cleanup(session, &work).await;
    for (kind, why) in &cleaned.unseen {
        note(&format!("{kind}s could not be looked through: {why}"));
    }
    for error in &cleaned.errors {
        note(&error.to_string());
    }
    cleaned.leftovers
}

/// What is left behind counts most, then failed tests, then chosen ones that came to nothing.
fn exit_code(run: &TempestRun, tests: &[&Test]) -> ExitCode {
    if !run.leftovers.is_empty() {
        ExitCode::Leftovers
    } else if !run.failed.is_empty() {
        ExitCode::Failed
    } else if tests.iter().any(|test| run.not_run.contains(&test.name)) {
        ExitCode::Undetermined
    } else {
        ExitCode::Conforms
    }
}

#[cfg(test)]
mod tests {
    use assay_inventory::{Leftover, TempestFailure};

    use super::*;

    #[test]
    fn tests_are_chosen_by_any_part_of_name_or_id() {
        let list = TestList::scs_0128();
        let count = |only: &[&str]| {
            chosen(list, &only.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
                .map(|tests| tests.len())
        };
        assert_eq!(count(&[]).ok(), Some(258));
        assert_eq!(count(&["FlavorsV2TestJSON", "e36c0eaa-dff5", "test_show_port"]).ok(), Some(4));
        let failure = count(&["test_show_port", "no such"]).unwrap_err();
        assert!(format!("{:?}", failure.report).contains("no such"));
    }

    #[test]
    fn the_exit_code_tells_the_worst() {
        let list = TestList::scs_0128();
        let tests: Vec<&Test> = list.tests.iter().take(2).collect();
        let others = list.tests[2..].iter().map(|test| test.name.clone()).collect();
        let fine = TempestRun { not_run: others, ..TempestRun::default() };
        assert_eq!(exit_code(&fine, &tests), ExitCode::Conforms, "what was not chosen does not count");
        let partly = TempestRun { not_run: vec![tests[1].name.clone()], ..TempestRun::default() };
        assert_eq!(exit_code(&partly, &tests), ExitCode::Undetermined);
        let failed = TempestRun { failed: vec![TempestFailure::default()], ..partly };
        assert_eq!(exit_code(&failed, &tests), ExitCode::Failed);
        let leftover = Leftover { kind: "volume".into(), name: "v".into(), id: None, why: "in use".into() };
        assert_eq!(
            exit_code(&TempestRun { leftovers: vec![leftover], ..failed }, &tests),
            ExitCode::Leftovers
        );
    }
}
