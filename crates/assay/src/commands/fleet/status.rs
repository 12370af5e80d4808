//! `assay fleet status`: the last runs, and what waits.

use std::collections::BTreeSet;
use std::path::Path;

use assay_fleet::{Address, Attempts, Line, Occasion, Outbox, Past, Settled, past};
use jiff::Timestamp;
use serde::Serialize;

use super::daemon::{file, outlooks};
use super::{Configured, Status, configuration, outbox, records};
use crate::args::Listing;
use crate::failure::Failure;
use crate::human::{Table, bold, counted, plain};
use crate::output::print;

/// The version of the JSON. A field may be added within one; nothing is taken away or changed.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct View<'a> {
    version: u32,
    runs: Vec<RunView<'a>>,
    outbox: Vec<Waiting>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    next: Vec<Next>,
}

/// What a schedule comes to.
#[derive(Serialize)]
struct Next {
    schedule: String,
    preset: String,
    /// The subjects that are to be checked now.
    due: Vec<String>,
    /// When somebody is to be checked next.
    at: Option<Timestamp>,
}

#[derive(Serialize)]
struct RunView<'a> {
    id: &'a str,
    state: &'static str,
    lines: &'a [Line],
}

#[derive(Serialize)]
struct Waiting {
    #[serde(flatten)]
    address: Address,
    attempts: Attempts,
}

pub(crate) fn run(arguments: &Status) -> Result<u8, Failure> {
    let runs = past(&records(), arguments.last)?;
    let outbox = Outbox::open(&outbox())?;
    let (addresses, _) = outbox.addresses()?;
    let waiting: Vec<Waiting> = addresses
        .into_iter()
        .map(|address| Waiting { attempts: outbox.attempts(address.run), address })
        .collect();
    let next = match &arguments.config {
        Some(config) => next(config, Timestamp::now())?,
        None => Vec::new(),
    };
    if arguments.format == Listing::Json {
        let runs = runs
            .iter()
            .map(|past| RunView { id: &past.id, state: state(past), lines: &past.lines })
            .collect();
        let view = View { version: VERSION, runs, outbox: waiting, next };
        let text = serde_json::to_string_pretty(&view)
            .map_err(|error| Failure::undetermined(error, "this is a defect of assay; please report it"))?;
        print(&format!("{text}\n"))?;
        return Ok(0);
    }
    let mut text = String::new();
    for past in &runs {
        text.push_str(&shown(past));
        text.push('\n');
    }
    if runs.is_empty() {
        text.push_str("no run yet\n\n");
    }
    text.push_str(&shown_outbox(&waiting));
    text.push_str(&shown_next(&next));
    print(&text)?;
    Ok(0)
}

/// What comes next by the schedules of a configuration.
fn next(config: &Path, now: Timestamp) -> Result<Vec<Next>, Failure> {
    let config = configuration(&Configured { config: config.to_owned() })?;
    let settled = Settled::read(&file()).map_err(|error| Failure::undetermined(error, ""))?;
    let next = outlooks(&config, &settled, now).filter_map(|(schedule, outlook)| {
        let preset = config.schedules.get(&schedule)?.preset.clone();
        Some(Next { schedule, preset, due: outlook.due, at: outlook.next })
    });
    Ok(next.collect())
}

fn shown_next(next: &[Next]) -> String {
    let mut table = Table::default();
    for Next { schedule, preset, due, at } in next {
        let at = at.map_or_else(|| "never".into(), minute);
        let due = match due.len() {
            0 => String::new(),
            some => format!("{} due now", counted(some, ["subject is", "subjects are"])),
        };
        table.row([plain(&**schedule), plain(format!("preset {preset}")), plain(at), plain(due)]);
    }
    match next.is_empty() {
        true => String::new(),
        false => format!("\nnext\n{}", table.render("  ")),
    }
}

/// Where a run is.
fn state(past: &Past) -> &'static str {
    match (past.is_alive, past.has_ended()) {
        (true, _) => "running",
        (false, true) => "ended",
        (false, false) => "killed",
    }
}

fn shown(past: &Past) -> String {
    let mut text = String::new();
    if let Some(Line::Begun { at, preset, subjects, occasion, .. }) = past.lines.first() {
        let mut what = String::new();
        if let Some(Occasion { schedule, .. }) = occasion {
            what = format!("schedule {schedule}, ");
        }
        if let Some(preset) = preset {
            what = format!("{what}preset {preset}, ");
        }
        let subjects = counted(subjects.len(), ["subject", "subjects"]);
        let head = format!("{}  {what}{subjects}, {}", minute(*at), state(past));
        text.push_str(&bold(&head));
        text.push('\n');
    }
    let delivered: BTreeSet<_> = past
        .lines
        .iter()
        .filter_map(|line| match line {
            Line::Delivered { run, .. } => Some(run),
            _ => None,
        })
        .collect();
    let mut table = Table::default();
    for line in &past.lines {
        match line {
            Line::Judged { subject, scope, run, tally, took_ms, to_be_sent, .. } => {
                let report = match (to_be_sent, delivered.contains(run)) {
                    (false, _) => "not sent",
                    (true, true) => "delivered",
                    (true, false) => "not delivered in this run",
                };
                let counts = format!(
                    "{} pass {} fail {} abort {} miss",
                    tally.pass, tally.fail, tally.abort, tally.miss
                );
                let took = format!("{} s", took_ms / 1000);
                table.row([plain(&**subject), plain(&**scope), plain(counts), plain(took), plain(report)]);
            }
            Line::LeftOut { subject, why, .. } => {
                table.row([plain(&**subject), plain(format!("left out: {why}"))]);
            }
            _ => {}
        }
    }
    text.push_str(&table.render("  "));
    text
}

fn shown_outbox(waiting: &[Waiting]) -> String {
    if waiting.is_empty() {
        return "nothing waits in the outbox\n".into();
    }
    let mut text = format!("{} in the outbox\n", counted(waiting.len(), ["report waits", "reports wait"]));
    let mut table = Table::default();
    for Waiting { address, attempts } in waiting {
        let why = attempts.why.clone().unwrap_or_else(|| "not tried yet".into());
        table.row([
            plain(address.run.to_string()),
            plain(&*address.subject),
            plain(&*address.scope),
            plain(counted(attempts.count.try_into().unwrap_or(usize::MAX), ["attempt", "attempts"])),
            plain(why),
        ]);
    }
    text.push_str(&table.render("  "));
    text
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
