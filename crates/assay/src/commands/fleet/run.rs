//! `assay fleet run`: check, sign, keep, send.

use std::sync::Arc;
use std::time::Duration;

use assay_fleet::{
    Config, Courier, Delivery, Event, Line, Outbox, Pace, Plan, Record, Standings, run as run_all,
};
use assay_report::ExitCode;
use futures::StreamExt as _;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::display::Display;
use super::post::{Post, Posted, sent};
use super::suite::Suite;
use super::{ANSWER, Run, configuration, courier, outbox, records};
use crate::against::day;
use crate::args::Global;
use crate::failure::Failure;
use crate::human::counted;
use crate::output::note;
use crate::signing::SigningKey;
use crate::state;

/// What has not come to its end so long after its deadline, taking down included, is cut off.
const GRACE: Duration = Duration::from_mins(10);
/// How long to wait for a subject that another runner has.
const PATIENCE: Duration = Duration::from_mins(1);
/// A run that was killed longer ago is not gone on with: what it found out is old.
const OLDEST: SignedDuration = SignedDuration::from_hours(12);
/// So many reports are sent at the same time.
const SENDERS: usize = 8;

pub(crate) async fn run(arguments: &Run, global: &Global, cancel: CancellationToken) -> Result<u8, Failure> {
    let config = configuration(&arguments.configured)?;
    let mut plan = config.plan(&arguments.choice())?;
    let today = day(Timestamp::now());
    let mut suite = Suite::new(arguments, &plan, global, today, cancel.clone())?;
    let (post, courier) = post(arguments, &config, global).await?;
    let (record, resumed) = record(arguments, &plan)?;
    plan.subjects.retain(|planned| !resumed.contains(&planned.subject));
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

    let display = Display::new(arguments.handing.events, global.quiet);
    display.begun(plan.preset.as_deref(), plan.subjects.len(), resumed.len())?;
    let pace = Pace {
        workers: plan.workers,
        deadline: arguments.deadline,
        grace: GRACE,
        leases: state::fleet().join("leases"),
        patience: PATIENCE,
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
        display,
        left_out: 0,
        still_waiting: 0,
        all: Vec::new(),
        failed: None,
    });
    let checking = async {
        run_all(plan.subjects, Arc::clone(&suite), &pace, &cancel, async |event| {
            let mut watch = watch.lock().await;
            let outcome = watch.event(event).await;
            watch.stumbled(outcome);
        })
        .await;
        watch.lock().await.letters = None;
    };
    futures::join!(checking, send_all(waiting, courier.as_ref(), &watch, &cancel));
    watch.into_inner().end(arguments, &cancel)
}

/// Everything that reports need on their way; what cannot be used is told before any cloud is asked.
async fn post(
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
    let courier = monitor.as_ref().map(|_| courier(config)).transpose()?;
    let monitor = match monitor {
        Some(url) => Some((url, Outbox::open(&outbox())?)),
        None => None,
    };
    if monitor.is_none() && arguments.handing.output.is_none() && !global.quiet {
        note("no monitor is named and no folder for the reports: they are judged and forgotten");
    }
    Ok((Arc::new(Post { signer, folder: arguments.handing.output.clone(), monitor }), courier))
}

/// What runs before this one could not send to the same monitor: a subject that a killed run has done is delivered, too,
/// before anybody says that all is. What the monitor does not want waits for somebody to see to it.
fn left_before(post: &Post) -> Result<Vec<Uuid>, Failure> {
    let Some((monitor, outbox)) = &post.monitor else { return Ok(Vec::new()) };
    let (addresses, _) = outbox.addresses()?;
    let open = addresses.iter().filter(|address| address.monitor == *monitor);
    let open = open.filter(|address| !outbox.attempts(address.run).refused);
    Ok(open.map(|address| address.run).collect())
}

/// The record of the run, and the subjects that a run before it has done.
fn record(arguments: &Run, plan: &Plan) -> Result<(Record, Vec<String>), Failure> {
    let about = about(arguments, plan);
    let now = Timestamp::now();
    if !arguments.fresh
        && let Some((record, past)) = Record::resume(&records(), &about, now, OLDEST)?
    {
        return Ok((record, past.done().into_iter().map(str::to_owned).collect()));
    }
    let subjects = plan.subjects.iter().map(|planned| planned.subject.clone()).collect();
    let begun = Line::Begun { at: now, about, preset: plan.preset.clone(), subjects };
    Ok((Record::begin(&records(), &begun)?, Vec::new()))
}

/// What makes two runs the same: who is checked against what, and how thoroughly.
fn about(arguments: &Run, plan: &Plan) -> String {
    let subjects: Vec<&str> = plan.subjects.iter().map(|planned| planned.subject.as_str()).collect();
    let scopes: Vec<&str> = plan.specs.keys().map(String::as_str).collect();
    let monitor = arguments.handing.monitor_url.as_ref().map(ToString::to_string);
    format!("{subjects:?} {scopes:?} {:?} {:?} {monitor:?}", arguments.sections, arguments.reading)
}

/// What is known of a run while it goes on.
struct Watch<'p> {
    post: &'p Arc<Post>,
    /// Reports that are to be sent; none once there will be no more.
    letters: Option<UnboundedSender<Uuid>>,
    record: Record,
    display: Display,
    left_out: usize,
    /// Reports of runs before this one that could not be sent now, either.
    still_waiting: usize,
    all: Vec<(Posted, Option<Delivery>)>,
    /// The first thing that could not be kept.
    failed: Option<Failure>,
}

impl Watch<'_> {
    async fn event(&mut self, event: Event<assay_openstack::Event>) -> Result<(), Failure> {
        match event {
            Event::Started { subject } => self.display.started(&subject),
            Event::Step { subject, step } => {
                self.display.step(&subject, &step);
                Ok(())
            }
            Event::LeftOut { subject, why } => {
                self.left_out += 1;
                self.display.left_out(&subject.subject, &why)?;
                let at = Timestamp::now();
                Ok(self.record.append(&Line::LeftOut { at, subject: subject.subject, why })?)
            }
            Event::Judged { subject, reports, took } => {
                self.display.over(&subject.subject);
                let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                for judged in reports {
                    let posted = self.post.keep(judged).await?;
                    self.record.append(&line(&posted, took_ms))?;
                    self.display.judged(&posted, took_ms)?;
                    if posted.to_be_sent
                        && let Some(letters) = &self.letters
                    {
                        // Who sends ends only after the last of these.
                        let _ = letters.send(posted.run);
                    }
                    self.all.push((posted, None));
                }
                Ok(self.record.append(&Line::Done { at: Timestamp::now(), subject: subject.subject })?)
            }
        }
    }

    fn sent(&mut self, run: Uuid, delivery: Delivery) -> Result<(), Failure> {
        let Some((posted, noted)) = self.all.iter_mut().find(|(posted, _)| posted.run == run) else {
            self.still_waiting += usize::from(!delivery.has_arrived());
            return Ok(());
        };
        let has_arrived = delivery.has_arrived();
        self.display.delivered(posted, &delivery)?;
        *noted = Some(delivery);
        if has_arrived {
            self.record.append(&Line::Delivered { at: Timestamp::now(), run })?;
        }
        Ok(())
    }

    /// A full disk, say: nobody else's report is lost for it, and the end tells.
    fn stumbled(&mut self, outcome: Result<(), Failure>) {
        if let Err(failure) = outcome {
            note(&failure.report.to_string());
            self.failed.get_or_insert(failure);
        }
    }

    fn end(mut self, arguments: &Run, cancel: &CancellationToken) -> Result<u8, Failure> {
        self.all.sort_by(|(a, _), (b, _)| (&a.subject, &a.scope).cmp(&(&b.subject, &b.scope)));
        let exit = match cancel.is_cancelled() {
            true => ExitCode::Interrupted,
            false => exit(&self.all, self.left_out + self.still_waiting, arguments.handing.strict),
        };
        if exit != ExitCode::Interrupted {
            let ended = self.record.append(&Line::Ended { at: Timestamp::now() });
            self.stumbled(ended.map_err(Failure::from));
        }
        self.display.ended(&self.all, exit.code())?;
        match self.failed {
            Some(failure) => Err(failure),
            None => Ok(exit.code()),
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
        determined: posted.determined,
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
            let mut watch = watch.lock().await;
            let outcome = watch.sent(run, delivery);
            watch.stumbled(outcome);
        })
        .await;
}

fn exit(all: &[(Posted, Option<Delivery>)], open: usize, strict: bool) -> ExitCode {
    let kept = |delivery: &Option<Delivery>| delivery.as_ref().is_some_and(|one| !one.has_arrived());
    if all.iter().any(|(posted, _)| !posted.leftovers.is_empty()) {
        ExitCode::Leftovers
    } else if strict && all.iter().any(|(posted, _)| posted.tally.fail > 0) {
        ExitCode::Failed
    } else if open > 0 || all.iter().any(|(posted, sent)| !posted.determined || kept(sent)) {
        ExitCode::Undetermined
    } else {
        ExitCode::Conforms
    }
}
