//! `assay fleet run`: check, sign, keep, send.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use assay_fleet::{
    Config, Courier, Delivery, Event, Judged, LeaseKeeper, Leases, Line, Occasion, Outbox, Pace, Past, Plan,
    Planned, Record, Standings, Tally, Windows, run as run_all,
};
use assay_report::ExitCode;
use futures::StreamExt as _;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::daemon::leases;
use super::dashboard::Model;
use super::display::Display;
use super::post::{Post, Posted, remarks, sent};
use super::suite::Suite;
use super::{ANSWER, LeasePlace, Run, configuration, courier, outbox, records};
use crate::against::day;
use crate::args::Global;
use crate::failure::Failure;
use crate::human::{counted, printable};
use crate::output::note;
use crate::signing::SigningKey;

/// What has not come to its end so long after its deadline, taking down included, is cut off.
pub(super) const GRACE: Duration = Duration::from_mins(10);
/// How long to wait for a subject that another runner has.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
/// A run that was killed longer ago is not gone on with: what it found out is old.
const OLDEST: SignedDuration = SignedDuration::from_hours(12);
/// So many reports are sent at the same time.
const SENDERS: usize = 8;

pub(crate) async fn run(arguments: &Run, global: &Global, cancel: CancellationToken) -> Result<u8, Failure> {
    let config = configuration(&arguments.configured)?;
    let plan = config.plan(&arguments.choice())?;
    checked(arguments, &config, plan, None, global, cancel).await
}

/// A run that a schedule asks for.
pub(super) struct Scheduled {
    pub(super) occasion: Occasion,
    /// When nothing is begun with whom.
    pub(super) windows: Windows,
    /// Who hears of all that is noted.
    pub(super) told: Box<dyn Fn(&Line)>,
}

/// Checks the subjects of a plan.
pub(super) async fn checked(
    arguments: &Run,
    config: &Config,
    mut plan: Plan,
    scheduled: Option<Scheduled>,
    global: &Global,
    cancel: CancellationToken,
) -> Result<u8, Failure> {
    // What is made up for on Sunday is what was to be done on Saturday.
    let today = day(scheduled.as_ref().map_or_else(Timestamp::now, |scheduled| scheduled.occasion.at));
    let mut suite = Suite::new(arguments, &plan, global, today, cancel.clone())?;
    suite.is_for(config.audience.as_ref());
    let (post, courier) = post(arguments, config, global).await?;
    let keeper = match (arguments.leases, &config.leases) {
        (Some(LeasePlace::Files), _) => &LeaseKeeper::Files,
        (Some(LeasePlace::Kubernetes), LeaseKeeper::Files | LeaseKeeper::Postgres { .. }) => {
            &LeaseKeeper::Kubernetes { namespace: None }
        }
        (_, configured) => configured,
    };
    let leases = Leases::open(keeper, leases()).await?;
    let about = about(arguments, &plan, &post)?;
    let (record, earlier) = record(arguments, &plan, about, scheduled.as_ref())?;
    plan.subjects.retain(|planned| !earlier.done.contains(&planned.subject));
    if let Some(monitor) = &arguments.missing_from {
        let standings = Standings::ask(monitor, ANSWER).await;
        let standings = standings
            .map_err(|error| Failure::undetermined(error, "without --missing-from all is checked"))?;
        let now = Timestamp::now();
        let then = now.checked_add(SignedDuration::from_hours(arguments.within.into()));
        let then = then.unwrap_or(Timestamp::MAX).to_zoned(TimeZone::UTC).datetime();
        let before = plan.subjects.len();
        suite.leave_what_is_missing(&mut plan.subjects, &standings, (now, then));
        let complete = before - plan.subjects.len();
        if complete > 0 && !global.quiet {
            note(&format!(
                "{} at {monitor}",
                counted(complete, ["subject lacks nothing", "subjects lack nothing"])
            ));
        }
    }
    let suite = Arc::new(suite);

    let model = || {
        let now = Timestamp::now();
        let extent = |planned: &Planned| (planned.subject.clone(), suite.extent(planned, now));
        Model::new(plan.subjects.iter().map(extent).collect(), post.monitor.is_some(), now)
    };
    // What a daemon does is read in its log.
    let model = scheduled.is_none().then_some(model);
    let display = Display::new(arguments.handing.events, global, model, &cancel);
    display.begun(plan.preset.as_deref(), plan.subjects.len(), earlier.done.len())?;
    let pace = Pace {
        workers: plan.workers,
        deadline: arguments.deadline,
        grace: GRACE,
        leases,
        patience: PATIENCE,
        windows: scheduled.as_ref().map(|scheduled| scheduled.windows.clone()).unwrap_or_default(),
    };
    let (letters, waiting) = unbounded_channel();
    for run in left_before(&post)? {
        // Whoever sends is there until the run ends.
        let _ = letters.send(run);
    }
    // One after the other takes it; nobody waits long for what is written and shown.
    let watch = Mutex::new(Watch {
        post: &post,
        letters: Some(letters),
        record,
        scheduled,
        display,
        earlier,
        left_out: 0,
        still_waiting: 0,
        all: Vec::new(),
        has_failed: false,
        cancel: &cancel,
    });
    let checking = async {
        run_all(plan.subjects, Arc::clone(&suite), &pace, &cancel, async |event| {
            let mut watch = watch.lock().await;
            watch.event(event).await;
        })
        .await;
        watch.lock().await.letters = None;
    };
    futures::join!(checking, send_all(waiting, courier.as_ref(), &watch, &cancel));
    watch.into_inner().end(arguments)
}

/// Everything that reports need on their way; what cannot be used is told before any cloud is asked.
pub(super) async fn post(
    arguments: &Run,
    config: &Config,
    global: &Global,
) -> Result<(Arc<Post>, Option<Courier>), Failure> {
    let monitor = arguments.handing.monitor_url.clone().or_else(|| config.monitor.clone());
    let monitor = monitor.filter(|_| !arguments.handing.no_upload);
    let in_config = config.keyfile.as_ref().map(|path| path.display().to_string());
    let signer = match arguments.handing.key.clone().or(in_config) {
        Some(key) => Some(SigningKey::new(key, arguments.handing.passphrase_file.clone()).signer().await?),
        None if monitor.is_some() => {
            return Err(Failure::usage(
                "the configuration names no `keyfile`, and a monitor takes no reports that nobody signed",
                "name it under [secrets] or with --key, or leave the reports here with --no-upload",
            ));
        }
        None => None,
    };
    let (courier, sender) = monitor.as_ref().map(|_| courier(config)).transpose()?.unzip();
    let sender = sender.unwrap_or_default();
    let monitor = match monitor {
        Some(url) => Some((url, Outbox::open(&outbox())?)),
        None => None,
    };
    if monitor.is_none() && arguments.handing.output.is_none() && !global.quiet {
        note("no monitor is named and no folder for the reports: they are judged and forgotten");
    }
    Ok((Arc::new(Post { signer, folder: arguments.handing.output.clone(), monitor, sender }), courier))
}

/// What runs before this one could not send to the same monitor in the same name: a subject that a killed run has done
/// is delivered, too, before anybody says that all is. What the monitor does not want waits for somebody to see to it.
fn left_before(post: &Post) -> Result<Vec<Uuid>, Failure> {
    let Some((monitor, outbox)) = &post.monitor else { return Ok(Vec::new()) };
    let (addresses, _) = outbox.addresses()?;
    let open =
        addresses.iter().filter(|address| address.monitor == *monitor && address.sender == post.sender);
    let open = open.filter(|address| !outbox.attempts(address.run).refused);
    Ok(open.map(|address| address.run).collect())
}

/// What the first part of a run that was killed came to.
#[derive(Default)]
struct Earlier {
    done: BTreeSet<String>,
    reports: Vec<EarlierReport>,
}

struct EarlierReport {
    run: Uuid,
    tally: Tally,
    waived: usize,
    determined: bool,
    has_leftovers: bool,
    to_be_sent: bool,
}

impl Earlier {
    fn of(past: &Past) -> Self {
        let done: BTreeSet<String> = past.done().into_iter().map(str::to_owned).collect();
        let reports = past.lines.iter().filter_map(|line| match line {
            Line::Judged { subject, run, tally, waived, determined, leftovers, to_be_sent, .. }
                if done.contains(subject) =>
            {
                Some(EarlierReport {
                    run: *run,
                    tally: *tally,
                    waived: *waived,
                    determined: *determined,
                    has_leftovers: *leftovers > 0,
                    to_be_sent: *to_be_sent,
                })
            }
            _ => None,
        });
        Earlier { reports: reports.collect(), done }
    }
}

/// The record of the run, and what a run before it has done of the same.
fn record(
    arguments: &Run,
    plan: &Plan,
    about: String,
    scheduled: Option<&Scheduled>,
) -> Result<(Record, Earlier), Failure> {
    let now = Timestamp::now();
    if !arguments.fresh
        && let Some((record, past)) = Record::resume(&records(), &about, now, OLDEST)?
    {
        return Ok((record, Earlier::of(&past)));
    }
    let subjects = plan.subjects.iter().map(|planned| planned.subject.clone()).collect();
    let occasion = scheduled.map(|scheduled| scheduled.occasion.clone());
    let begun = Line::Begun { at: now, about, preset: plan.preset.clone(), subjects, occasion };
    Ok((Record::begin(&records(), &begun)?, Earlier::default()))
}

/// What makes two runs the same: who is checked against what and how, and where the reports go.
fn about(arguments: &Run, plan: &Plan, post: &Post) -> Result<String, Failure> {
    let config = &arguments.configured.config;
    let config = std::path::absolute(config).map_err(|error| {
        Failure::usage(format!("{} cannot be found again: {error}", config.display()), "")
    })?;
    let subjects: Vec<&str> = plan.subjects.iter().map(|planned| planned.subject.as_str()).collect();
    let scopes: Vec<&str> = plan.specs.keys().map(String::as_str).collect();
    let monitor = post.monitor.as_ref().map(|(monitor, _)| monitor.as_str());
    let missing = arguments.missing_from.as_ref().map(Url::as_str);
    let asking = (&arguments.asking.region, &arguments.asking.interface);
    let way = (&arguments.choosing.sections, arguments.reading, arguments.allow_scripts, asking);
    let place = (monitor, &post.sender, &post.folder);
    let config = config.display();
    Ok(format!("{config} {subjects:?} {scopes:?} {way:?} {missing:?} {place:?}"))
}

/// What is known of a run while it goes on.
struct Watch<'p> {
    post: &'p Arc<Post>,
    /// Reports that are to be sent; none once there will be no more.
    letters: Option<UnboundedSender<Uuid>>,
    record: Record,
    scheduled: Option<Scheduled>,
    display: Display,
    earlier: Earlier,
    left_out: usize,
    /// Reports of runs before this one that could not be sent now, either.
    still_waiting: usize,
    all: Vec<(Posted, Option<Delivery>)>,
    /// Whether something could not be kept or told.
    has_failed: bool,
    cancel: &'p CancellationToken,
}

impl Watch<'_> {
    async fn event(&mut self, event: Event<assay_openstack::Event>) {
        match event {
            Event::Started { subject } => {
                let told = self.display.started(&subject);
                self.stumbled(told);
            }
            Event::Step { subject, step } => self.display.step(&subject, &step),
            Event::LeftOut { subject, why, postponed } => {
                self.left_out += 1;
                self.display.over(&subject.subject);
                let told = self.display.left_out(&subject.subject, &why);
                self.stumbled(told);
                let line = Line::LeftOut { at: Timestamp::now(), subject: subject.subject, why, postponed };
                self.noted(&line);
            }
            Event::Judged { subject, reports, took } => {
                self.display.over(&subject.subject);
                self.judged(subject.subject, reports, took).await;
            }
        }
    }

    async fn judged(&mut self, subject: String, reports: Vec<Judged>, took: Duration) {
        if self.cancel.is_cancelled() {
            // What was cut short says nothing about the subject, and the next run checks it again.
            for leftover in reports.iter().flat_map(|judged| &judged.report.leftovers) {
                note(&format!("{}: left behind: {leftover}", printable(&subject)));
            }
            return;
        }
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let mut is_done = true;
        for judged in reports {
            match self.post.keep(judged).await {
                Ok((posted, saved)) => {
                    self.stumbled(saved);
                    is_done &= self.noted(&line(&posted, took_ms));
                    let told = self.display.judged(&posted, took_ms);
                    self.stumbled(told);
                    if posted.to_be_sent
                        && let Some(letters) = &self.letters
                    {
                        // Who sends ends only after the last of these.
                        let _ = letters.send(posted.run);
                    }
                    self.all.push((posted, None));
                }
                Err(failure) => {
                    is_done = false;
                    self.stumbled(Err(failure));
                }
            }
        }
        if is_done {
            self.noted(&Line::Done { at: Timestamp::now(), subject });
        }
    }

    fn sent(&mut self, run: Uuid, delivery: Delivery) {
        if delivery.has_arrived() {
            self.noted(&Line::Delivered { at: Timestamp::now(), run });
        }
        let Some((posted, noted)) = self.all.iter_mut().find(|(posted, _)| posted.run == run) else {
            self.still_waiting += usize::from(!delivery.has_arrived());
            return;
        };
        let told = self.display.delivered(posted, &delivery);
        *noted = Some(delivery);
        self.stumbled(told);
    }

    /// Notes what happened, and says whether that is on disk.
    fn noted(&mut self, line: &Line) -> bool {
        let noted = self.record.append(line).map_err(Failure::from);
        let is_noted = noted.is_ok();
        if is_noted && let Some(scheduled) = &self.scheduled {
            (scheduled.told)(line);
        }
        self.stumbled(noted);
        is_noted
    }

    /// A full disk, say: nobody else's report is lost for it, and the exit code tells.
    fn stumbled(&mut self, outcome: Result<(), Failure>) {
        if let Err(failure) = outcome {
            note(&format!("{:?}", failure.report));
            self.has_failed = true;
        }
    }

    fn end(mut self, arguments: &Run) -> Result<u8, Failure> {
        self.all.sort_by(|(a, _), (b, _)| (&a.subject, &a.scope).cmp(&(&b.subject, &b.scope)));
        let mut exit = ExitCode::Interrupted;
        if !self.cancel.is_cancelled() {
            self.noted(&Line::Ended { at: Timestamp::now() });
            exit = self.exit(arguments.handing.strict);
        }
        if self.still_waiting > 0 {
            let waiting = ["report of an earlier run still waits", "reports of earlier runs still wait"];
            let waiting = counted(self.still_waiting, waiting);
            note(&format!(
                "{waiting} to be delivered: `assay fleet status` says why, `assay fleet flush` tries again"
            ));
        }
        // A daemon has no result to print; what came of each has been said.
        if self.scheduled.is_none() {
            // Of a run that goes on with another, part of the reports is not there any more.
            let is_whole = self.earlier.done.is_empty() && exit != ExitCode::Interrupted;
            let waivers =
                if is_whole { remarks(self.all.iter().map(|(posted, _)| posted)) } else { BTreeSet::new() };
            self.display.ended(&self.all, &waivers, exit.code())?;
        }
        Ok(exit.code())
    }

    /// Over all subjects of the plan, those included that a run before this one has done.
    fn exit(&self, strict: bool) -> ExitCode {
        let outbox = self.post.monitor.as_ref().map(|(_, outbox)| outbox);
        let waits = |run: Uuid| outbox.is_some_and(|outbox| outbox.has(run));
        let earlier = &self.earlier.reports;
        let kept = |delivery: &Option<Delivery>| delivery.as_ref().is_some_and(|one| !one.has_arrived());
        if self.all.iter().any(|(posted, _)| !posted.leftovers.is_empty())
            || earlier.iter().any(|report| report.has_leftovers)
        {
            ExitCode::Leftovers
        } else if strict
            && (self.all.iter().any(|(posted, _)| posted.is_failing())
                || earlier.iter().any(|report| report.tally.fail > report.waived))
        {
            ExitCode::Failed
        } else if self.has_failed
            || self.left_out + self.still_waiting > 0
            || self.all.iter().any(|(posted, sent)| !posted.determined || kept(sent))
            || earlier.iter().any(|report| !report.determined || (report.to_be_sent && waits(report.run)))
        {
            ExitCode::Undetermined
        } else {
            ExitCode::Conforms
        }
    }
}

fn line(posted: &Posted, took_ms: u64) -> Line {
    Line::Judged {
        at: Timestamp::now(),
        subject: posted.subject.clone(),
        scope: posted.scope.clone(),
        run: posted.run,
        tally: posted.tally,
        waived: posted.waived,
        determined: posted.determined,
        leftovers: posted.leftovers.len(),
        took_ms,
        to_be_sent: posted.to_be_sent,
    }
}

/// Sends reports as they come, some at a time.
async fn send_all(
    mut waiting: UnboundedReceiver<Uuid>,
    courier: Option<&Courier>,
    watch: &Mutex<Watch<'_>>,
    cancel: &CancellationToken,
) {
    let outbox = watch.lock().await.post.monitor.as_ref().map(|(_, outbox)| outbox.clone());
    let (Some(courier), Some(outbox)) = (courier, outbox) else { return };
    let letters = futures::stream::poll_fn(|context| waiting.poll_recv(context));
    letters
        .for_each_concurrent(SENDERS, async |run| {
            let delivery = sent(courier, &outbox, run, cancel).await;
            let delivery = delivery.unwrap_or_else(|failure| Delivery::Later(failure.report.to_string()));
            watch.lock().await.sent(run, delivery);
        })
        .await;
}
