//! What a fleet run shows while it goes on, and at its end.

use std::collections::BTreeSet;

use assay_fleet::Delivery;
use assay_openstack::Event;
use jiff::Timestamp;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::EventFormat;
use super::dashboard::{self, Dashboard, Model};
use super::post::Posted;
use crate::args::Global;
use crate::failure::Failure;
use crate::human::{Table, counted, plain, printable};
use crate::output::{note, print};

/// The version of what is printed for programs. A field may be added within one; nothing is taken away or changed.
const EVENTS_VERSION: u32 = 1;

/// What happens in a run, as programs see it.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum Happening<'a> {
    Begun {
        version: u32,
        at: Timestamp,
        preset: Option<&'a str>,
        subjects: usize,
        resumed: usize,
    },
    Started {
        at: Timestamp,
        subject: &'a str,
    },
    LeftOut {
        at: Timestamp,
        subject: &'a str,
        why: &'a str,
    },
    Judged {
        at: Timestamp,
        subject: &'a str,
        scope: &'a str,
        report: Uuid,
        determined: bool,
        pass: usize,
        fail: usize,
        abort: usize,
        miss: usize,
        /// Of the failures, those that somebody answers for.
        waived: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<&'a str>,
        leftovers: &'a [String],
        took_ms: u64,
    },
    Delivered {
        at: Timestamp,
        report: Uuid,
        known: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        not_counted: Option<&'a str>,
    },
    Kept {
        at: Timestamp,
        report: Uuid,
        refused: bool,
        why: &'a str,
    },
    Ended {
        at: Timestamp,
        exit: u8,
    },
}

/// The display of a run.
pub(crate) struct Display {
    events: Option<EventFormat>,
    quiet: bool,
    /// Where somebody looks at it on a terminal.
    dashboard: Option<Dashboard>,
}

impl Display {
    /// `model` is shown on a terminal, if there is one.
    pub(crate) fn new(
        events: Option<EventFormat>,
        global: &Global,
        model: Option<impl FnOnce() -> Model>,
        cancel: &CancellationToken,
    ) -> Self {
        // Whoever wants to read every call reads it line by line.
        let is_wanted = events.is_none() && !global.quiet && global.verbose == 0;
        let model = model.filter(|_| is_wanted && dashboard::has_room());
        let dashboard = model.map(|model| Dashboard::open(model(), cancel.clone()));
        Display { events, quiet: global.quiet, dashboard }
    }

    pub(crate) fn begun(&self, preset: Option<&str>, subjects: usize, resumed: usize) -> Result<(), Failure> {
        let version = EVENTS_VERSION;
        self.tell(&Happening::Begun { version, at: Timestamp::now(), preset, subjects, resumed })?;
        if resumed > 0 {
            self.say(&format!(
                "the last run of the same was killed; {resumed} subjects of it are done already"
            ));
        }
        Ok(())
    }

    pub(crate) fn started(&self, subject: &str) -> Result<(), Failure> {
        self.tell(&Happening::Started { at: Timestamp::now(), subject })?;
        self.show(&format!("{subject}: started"));
        Ok(())
    }

    pub(crate) fn step(&self, subject: &str, step: &Event) {
        if let Some(dashboard) = &self.dashboard {
            dashboard.take(|model| model.step(subject, step));
        }
    }

    /// The check of a subject is over, whatever came of it.
    pub(crate) fn over(&self, subject: &str) {
        if let Some(dashboard) = &self.dashboard {
            dashboard.take(|model| model.over(subject, Timestamp::now()));
        }
    }

    pub(crate) fn left_out(&self, subject: &str, why: &str) -> Result<(), Failure> {
        self.tell(&Happening::LeftOut { at: Timestamp::now(), subject, why })?;
        self.say(&format!("{subject}: left out: {why}"));
        Ok(())
    }

    pub(crate) fn judged(&self, posted: &Posted, took_ms: u64) -> Result<(), Failure> {
        let tally = posted.tally;
        self.tell(&Happening::Judged {
            at: Timestamp::now(),
            subject: &posted.subject,
            scope: &posted.scope,
            report: posted.run,
            determined: posted.determined,
            pass: tally.pass,
            fail: tally.fail,
            abort: tally.abort,
            miss: tally.miss,
            waived: posted.waived,
            why: posted.why.as_deref(),
            leftovers: &posted.leftovers,
            took_ms,
        })?;
        let (seconds, tenths) = (took_ms / 1000, took_ms % 1000 / 100);
        let why =
            posted.why.as_ref().map_or_else(String::new, |why| format!("; nothing was determined: {why}"));
        let Posted { subject, scope, .. } = posted;
        let line = format!("{subject}: {scope}: {} in {seconds}.{tenths} s{why}", came_to(posted));
        // Why nothing is known of a subject is not cut off at the edge of a column.
        if posted.determined {
            self.show(&line);
        } else {
            self.say(&line);
        }
        for leftover in &posted.leftovers {
            self.say(&format!("{}: left behind: {leftover}", posted.subject));
        }
        Ok(())
    }

    pub(crate) fn delivered(&self, posted: &Posted, delivery: &Delivery) -> Result<(), Failure> {
        let (at, report) = (Timestamp::now(), posted.run);
        match delivery {
            Delivery::Known => {
                self.tell(&Happening::Delivered { at, report, known: true, not_counted: None })
            }
            Delivery::Delivered(not_counted) => {
                let not_counted = not_counted.as_deref();
                self.tell(&Happening::Delivered { at, report, known: false, not_counted })?;
                if let Some(what) = not_counted {
                    let Posted { subject, scope, .. } = posted;
                    self.say(&format!(
                        "{subject}: {scope}: delivered, but the monitor does not count {what}"
                    ));
                }
                Ok(())
            }
            Delivery::Later(why) | Delivery::Refused(why) => {
                let refused = matches!(delivery, Delivery::Refused(_));
                self.tell(&Happening::Kept { at, report, refused, why })?;
                self.say(&format!("{}: {}: not delivered: {why}", posted.subject, posted.scope));
                Ok(())
            }
        }
    }

    /// The end, with a line for each report.
    pub(crate) fn ended(
        &mut self,
        all: &[(Posted, Option<Delivery>)],
        waivers: &BTreeSet<String>,
        exit: u8,
    ) -> Result<(), Failure> {
        self.tell(&Happening::Ended { at: Timestamp::now(), exit })?;
        // The summary stays on the screen as it was.
        self.dashboard = None;
        for remark in waivers {
            self.say(remark);
        }
        if self.events.is_some() || all.is_empty() {
            return Ok(());
        }
        let mut table = Table::default();
        table.row(["subject", "scope", "pass", "fail", "abort", "miss", "report"].map(plain));
        for (posted, delivery) in all {
            let tally = posted.tally;
            let [pass, abort, miss] =
                [tally.pass, tally.abort, tally.miss].map(|count| plain(count.to_string()));
            let fail = match posted.waived {
                0 => tally.fail.to_string(),
                waived => format!("{} ({waived} waived)", tally.fail),
            };
            let report = match delivery {
                None => "not sent",
                Some(delivery) if delivery.has_arrived() => "delivered",
                Some(Delivery::Refused(_)) => "refused",
                Some(_) => "waits",
            };
            table.row([
                plain(&*posted.subject),
                plain(&*posted.scope),
                pass,
                plain(fail),
                abort,
                miss,
                plain(report),
            ]);
        }
        print(&table.render(""))?;
        let waiting = all.iter().filter(|(_, delivery)| is_waiting(delivery.as_ref())).count();
        if waiting > 0 {
            self.say(&format!(
                "{} in the outbox; `assay fleet flush` sends them",
                counted(waiting, ["report waits", "reports wait"])
            ));
        }
        Ok(())
    }

    fn tell(&self, happening: &Happening<'_>) -> Result<(), Failure> {
        if let Some(dashboard) = &self.dashboard {
            dashboard.take(|model| model.happened(happening));
        }
        match self.events {
            None => Ok(()),
            Some(EventFormat::Jsonl) => {
                let line = serde_json::to_string(happening).map_err(|error| {
                    Failure::undetermined(error, "this is a defect of assay; please report it")
                })?;
                print(&format!("{line}\n"))
            }
        }
    }

    /// Says what a dashboard shows anyway.
    fn show(&self, text: &str) {
        if !self.dashboard.as_ref().is_some_and(Dashboard::is_there) {
            self.say(text);
        }
    }

    fn say(&self, text: &str) {
        if !self.quiet {
            note(&printable(text));
        }
    }
}

fn is_waiting(delivery: Option<&Delivery>) -> bool {
    delivery.is_some_and(|delivery| !delivery.has_arrived())
}

fn came_to(posted: &Posted) -> String {
    let tally = posted.tally;
    let counts = [(tally.fail, "fail"), (tally.abort, "abort"), (tally.miss, "miss"), (tally.pass, "pass")];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| match (*name, posted.waived) {
            ("fail", 1..) => format!("{count} fail ({} waived)", posted.waived),
            _ => format!("{count} {name}"),
        })
        .collect();
    counts.join(", ")
}
