//! `assay fleet status`: the last runs, and what waits.

use std::collections::BTreeSet;

use assay_fleet::{Address, Attempts, Line, Outbox, Past, past};
use jiff::Timestamp;
use serde::Serialize;

use super::{Status, outbox, records};
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
    if arguments.format == Listing::Json {
        let runs = runs
            .iter()
            .map(|past| RunView { id: &past.id, state: state(past), lines: &past.lines })
            .collect();
        let view = View { version: VERSION, runs, outbox: waiting };
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
    print(&text)?;
    Ok(0)
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
    if let Some(Line::Begun { at, preset, subjects, .. }) = past.lines.first() {
        let what = match preset {
            Some(preset) => format!("preset {preset}, "),
            None => String::new(),
        };
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
