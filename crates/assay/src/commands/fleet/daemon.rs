//! `assay fleet daemon`: runs by a schedule, until somebody ends it.

mod health;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use assay_fleet::{
    Choice, Config, LeaseError, Leases, Line, Metrics, Occasion, Outlook, Schedule, Settled, past,
};
use assay_openstack::{CloudConfig, KeptCredential, Overrides, Session, Settings, kept_credential};
use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use self::health::States;
use super::run::{Scheduled, checked, post};
use super::suite::Suite;
use super::{Choosing, Configured, Daemon, FleetSection, Handing, Run, configuration, records};
use crate::against::day;
use crate::args::{Asking, Global, Reading};
use crate::failure::Failure;
use crate::human::{counted, printable};
use crate::output::note;
use crate::state;

/// However far away the next run is: clocks are set, and it is to be seen that the daemon is alive.
const TICK: SignedDuration = SignedDuration::from_secs(15);
/// How long nothing is begun again for a schedule of which something could not be done.
const PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// More records than are kept.
const ALL: usize = usize::MAX;
/// How often it is looked when credentials end.
const CREDENTIALS: SignedDuration = SignedDuration::from_hours(12);
/// So many clouds are asked for that at the same time.
const AT_ONCE: usize = 8;

/// A run that goes on, which gives what it belongs to when it is over.
type Going<'d> = Pin<Box<dyn Future<Output = (Occasion, Result<u8, Failure>)> + 'd>>;
/// When the credentials of subjects end.
type Ends<'d> = Pin<Box<dyn Future<Output = BTreeMap<String, Option<Timestamp>>> + 'd>>;

pub(crate) async fn run(
    arguments: &Daemon,
    global: &Global,
    cancel: CancellationToken,
) -> Result<u8, Failure> {
    // Whoever asks for another configuration while this one is read does not end the daemon.
    let hangup = signal(SignalKind::hangup())
        .map_err(|error| Failure::undetermined(format!("signals cannot be had: {error}"), ""))?;
    let config = load(arguments, global).await?;
    let _alone = alone()?;
    let server = health::listen(arguments.listen).await?;
    let failed = |error| Failure::undetermined(error, "without it nobody knows what was missed");
    let mut settled = Settled::read(&file()).map_err(failed)?;
    let mut metrics = Metrics::default();
    for past in past(&records(), ALL)?.iter().rev() {
        settled.learn(past);
        metrics.learn_all(past);
    }
    let states = States::new(settled, metrics);
    if let Some(server) = server {
        tokio::spawn(server.serve(states.clone(), cancel.clone()));
    }
    let mut keeper = Keeper {
        arguments,
        global,
        cancel: &cancel,
        config: Arc::new(config),
        states,
        going: BTreeSet::new(),
        pauses: BTreeMap::new(),
    };
    keeper.meet();
    keeper.keep(hangup).await
}

/// Reads the configuration, and looks whether its schedules can be carried out: what is wrong is told to whoever changed
/// it, not after a night.
async fn load(arguments: &Daemon, global: &Global) -> Result<Config, Failure> {
    let config = configuration(&arguments.configured)?;
    if config.schedules.is_empty() {
        return Err(Failure::usage(
            format!("{} has no schedules", arguments.configured.config.display()),
            "add [schedules.NAME] with `preset = \"…\"` and `at = \"0 2 * * *\"`; docs/fleet.md shows more",
        ));
    }
    let today = day(Timestamp::now());
    for schedule in config.schedules.values() {
        let run = arguments.run(schedule);
        let plan = config.plan(&run.choice())?;
        Suite::new(&run, &plan, global, today, CancellationToken::new())?;
    }
    if let Some(schedule) = config.schedules.values().next() {
        post(&arguments.run(schedule), &config, global).await?;
    }
    match Leases::open(&config.leases, leases()).await {
        // A database that is away now may be there when it is needed.
        Err(error @ LeaseError::Shared(_)) => note(&error.to_string()),
        other => drop(other?),
    }
    Ok(config)
}

/// One daemon for each folder of state: two would check everything twice.
fn alone() -> Result<File, Failure> {
    let path = state::fleet().join("daemon.lock");
    let file = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(state::fleet())
        .and_then(|()| OpenOptions::new().write(true).create(true).truncate(false).open(&path));
    let file =
        file.map_err(|error| Failure::usage(format!("{} cannot be locked: {error}", path.display()), ""))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(Failure::usage(
            format!("another daemon is running, which has locked {}", path.display()),
            "end it, or give this one another folder with ASSAY_STATE_DIR",
        )),
    }
}

/// Where it is kept up to when the subjects of schedules are done.
pub(super) fn file() -> PathBuf {
    state::fleet().join("daemon.json")
}

pub(super) fn leases() -> PathBuf {
    state::fleet().join("leases")
}

/// The subjects of a schedule, in the order in which the preset names them.
fn subjects(config: &Config, schedule: &Schedule) -> Vec<String> {
    let choice = Choice { preset: Some(schedule.preset.clone()), ..Choice::default() };
    let plan = config.plan(&choice);
    plan.map_or_else(|_| Vec::new(), |plan| plan.subjects.into_iter().map(|one| one.subject).collect())
}

/// What each schedule of a configuration comes to at a moment.
pub(super) fn outlooks(
    config: &Config,
    settled: &Settled,
    now: Timestamp,
) -> impl Iterator<Item = (String, Outlook)> {
    config.schedules.iter().map(move |(name, schedule)| {
        let subjects = subjects(config, schedule);
        (name.clone(), schedule.outlook(name, subjects, settled.of(name), &config.windows, now))
    })
}

impl Daemon {
    /// The run that a schedule asks for.
    fn run(&self, schedule: &Schedule) -> Run {
        Run {
            configured: Configured { config: self.configured.config.clone() },
            choosing: Choosing {
                preset: Some(schedule.preset.clone()),
                scope: Vec::new(),
                subject: Vec::new(),
                sections: schedule.sections.iter().map(|section| FleetSection::from(*section)).collect(),
            },
            reading: Reading::Official,
            allow_scripts: self.allow_scripts,
            missing_from: None,
            within: 0,
            workers: None,
            deadline: self.deadline,
            leases: None,
            fresh: true,
            asking: self.asking.clone(),
            handing: Handing {
                monitor_url: None,
                no_upload: false,
                output: self.output.clone(),
                key: None,
                passphrase_file: self.passphrase_file.clone(),
                strict: false,
                events: None,
            },
        }
    }
}

/// Who keeps to the schedules.
struct Keeper<'d> {
    arguments: &'d Daemon,
    global: &'d Global,
    cancel: &'d CancellationToken,
    config: Arc<Config>,
    states: States,
    /// The schedules of which a run goes on.
    going: BTreeSet<String>,
    /// Until when nothing is begun for a schedule.
    pauses: BTreeMap<String, Timestamp>,
}

impl<'d> Keeper<'d> {
    async fn keep(mut self, mut hangup: Signal) -> Result<u8, Failure> {
        let mut runs: FuturesUnordered<Going<'d>> = FuturesUnordered::new();
        let mut looking: FuturesUnordered<Ends<'d>> = FuturesUnordered::new();
        let mut look_at = Timestamp::now();
        let mut is_ending = false;
        loop {
            let now = Timestamp::now();
            let mut wake = now.saturating_add(TICK).unwrap_or(Timestamp::MAX);
            if !is_ending {
                if now >= look_at && looking.is_empty() && self.arguments.listen.is_some() {
                    look_at = now.saturating_add(CREDENTIALS).unwrap_or(Timestamp::MAX);
                    looking.push(Box::pin(ends(Arc::clone(&self.config), &self.arguments.asking, now)));
                }
                for (name, outlook) in self.outlooks(now) {
                    wake = wake.min(outlook.next.unwrap_or(wake));
                    runs.extend(self.begin(name, outlook, now));
                }
            }
            self.states.beat(self.going.clone()).await;
            let pause = Duration::try_from(wake.duration_since(Timestamp::now())).unwrap_or_default();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                Some((occasion, outcome)) = runs.next() => self.over(occasion, outcome),
                Some(ends) = looking.next() => self.states.change(|standing| {
                    for (subject, end) in ends {
                        match end {
                            Some(end) => standing.credentials.insert(subject, end),
                            None => standing.credentials.remove(&subject),
                        };
                    }
                }),
                _ = hangup.recv(), if !is_ending => self.reload().await,
                () = self.cancel.cancelled(), if !is_ending => is_ending = true,
            }
            if is_ending && runs.is_empty() {
                self.states.beat(BTreeSet::new()).await;
                return Ok(0);
            }
        }
    }

    /// What the schedules come to. Whom it is too late for is told, once.
    fn outlooks(&self, now: Timestamp) -> Vec<(String, Outlook)> {
        self.states.change(|standing| {
            let all: Vec<(String, Outlook)> = outlooks(&self.config, &standing.settled, now).collect();
            // Of a run that goes on nobody has been missed yet.
            for (name, outlook) in all.iter().filter(|(name, _)| !self.going.contains(name)) {
                for subject in &outlook.missed {
                    let at = outlook.at.unwrap_or(now);
                    note(&printable(&format!("{name}: {subject}: not checked at {at}, and too late now")));
                    standing.settled.settle(name, subject, at);
                }
            }
            standing.next = all.iter().map(|(name, outlook)| (name.clone(), outlook.next)).collect();
            all
        })
    }

    /// Begins a run of whoever is due, unless one of the schedule goes on.
    fn begin(&mut self, name: String, outlook: Outlook, now: Timestamp) -> Option<Going<'d>> {
        let at = outlook.at.filter(|_| !outlook.due.is_empty())?;
        if self.pauses.get(&name).is_some_and(|until| now < *until) || !self.going.insert(name.clone()) {
            return None;
        }
        let config = Arc::clone(&self.config);
        let schedule = config.schedules.get(&name)?;
        let run = self.arguments.run(schedule);
        let subjects = counted(outlook.due.len(), ["subject", "subjects"]);
        self.say(&format!("{name}: {subjects} of preset {}, due since {at}", schedule.preset));
        let (states, schedule) = (self.states.clone(), name.clone());
        let told = move |line: &Line| {
            states.change(|standing| {
                standing.metrics.learn(&schedule, line);
                match line {
                    Line::Done { subject, .. } | Line::LeftOut { subject, postponed: false, .. } => {
                        standing.settled.settle(&schedule, subject, at);
                    }
                    _ => {}
                }
            });
        };
        let occasion = Occasion { schedule: name, at };
        let scheduled =
            Scheduled { occasion: occasion.clone(), windows: config.windows.clone(), told: Box::new(told) };
        let (global, cancel) = (self.global, self.cancel.clone());
        Some(Box::pin(async move {
            let outcome = async {
                let mut plan = config.plan(&run.choice())?;
                plan.subjects.retain(|planned| outlook.due.contains(&planned.subject));
                checked(&run, &config, plan, Some(scheduled), global, cancel).await
            };
            let outcome = outcome.await;
            (occasion, outcome)
        }))
    }

    fn over(&mut self, occasion: Occasion, outcome: Result<u8, Failure>) {
        let Occasion { schedule, at } = occasion;
        self.going.remove(&schedule);
        match outcome {
            Ok(code) => self.say(&format!("{schedule}: over, exit code {code}")),
            Err(failure) => note(&format!("{}: {:?}", printable(&schedule), failure.report)),
        }
        // Whoever is still due could not be checked, and is tried again, but not without pause.
        let now = Timestamp::now();
        let is_left = |(name, outlook): &(String, Outlook)| {
            *name == schedule && outlook.at == Some(at) && !outlook.due.is_empty()
        };
        if self.outlooks(now).iter().any(is_left) {
            self.pauses.insert(schedule, now.saturating_add(PAUSE).unwrap_or(Timestamp::MAX));
        }
    }

    fn say(&self, text: &str) {
        if !self.global.quiet {
            note(&printable(text));
        }
    }

    /// Takes another configuration; a bad one changes nothing.
    async fn reload(&mut self) {
        match load(self.arguments, self.global).await {
            Ok(config) => {
                self.config = Arc::new(config);
                self.meet();
                note("the configuration was read again");
            }
            Err(failure) => note(&format!("what was there stays: {:?}", failure.report)),
        }
    }

    /// Takes note of the schedules of the configuration and their subjects.
    fn meet(&mut self) {
        let now = Timestamp::now();
        let all: BTreeMap<&str, Vec<String>> = self
            .config
            .schedules
            .iter()
            .map(|(name, schedule)| (name.as_str(), subjects(&self.config, schedule)))
            .collect();
        self.states.change(|standing| {
            for (name, schedule) in &self.config.schedules {
                let subjects = all.get(name.as_str()).into_iter().flatten().map(String::as_str);
                standing.settled.meet(name, schedule, subjects, now);
            }
            let is_there = |schedule: &str, subject: &str| {
                all.get(schedule).is_some_and(|subjects| subjects.iter().any(|name| name == subject))
            };
            standing.settled.keep(is_there);
            standing.metrics.keep(is_there);
        });
        self.pauses.clear();
    }
}

/// When the application credentials of all subjects of schedules end, of those that do and that can be asked now.
async fn ends(config: Arc<Config>, asking: &Asking, now: Timestamp) -> BTreeMap<String, Option<Timestamp>> {
    let all: BTreeSet<String> =
        config.schedules.values().flat_map(|schedule| subjects(&config, schedule)).collect();
    let free = all.into_iter().filter(|subject| config.windows.holding(subject, now).is_none());
    let asked = futures::stream::iter(free).map(|subject| {
        let cloud = config.cloud(&subject).unwrap_or_else(|| subject.clone());
        async move { Some((subject, end(&cloud, asking).await?)) }
    });
    asked.buffer_unordered(AT_ONCE).filter_map(async |end| end).collect().await
}

/// When a credential ends, if it does; nothing if its cloud does not say.
async fn end(cloud: &str, asking: &Asking) -> Option<Option<Timestamp>> {
    let overrides = Overrides { region: asking.region.clone(), interface: asking.interface.clone() };
    let config = CloudConfig::find(Some(cloud), &overrides).ok()?;
    let settings = Settings { timeout: asking.timeout, ..Settings::default() };
    let session = Box::pin(Session::connect(&config, &settings)).await.ok()?;
    match Box::pin(kept_credential(&session)).await {
        Some(known) => known.ok().map(|KeptCredential { end, .. }| end),
        None => Some(None),
    }
}
