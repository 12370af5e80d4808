//! `assay waivers`: what stands, what expired, and whether a file is fit for use.

use std::path::{Path, PathBuf};

use assay_report::Waivers;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::against::{self, day};
use crate::failure::Failure;
use crate::gating::with_waivers;
use crate::human::{Table, bold, good, painted, plain, warn};
use crate::output::print;

#[derive(Debug, Subcommand)]
pub(crate) enum Waiving {
    /// List the waivers of a file, those first that expire first
    List(List),
    /// Look through a file of waivers; exit code 1 if one has expired, is doubled or names no known testcase
    Lint(Lint),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The file
    #[arg(long, value_name = "FILE", default_value = "waivers.yaml")]
    pub(crate) waivers: PathBuf,
    #[command(flatten)]
    pub(crate) on: On,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) on: On,
}

/// When, and against which testcases.
#[derive(Debug, Args)]
pub(crate) struct On {
    /// The day on which a waiver must stand [default: today, in UTC]
    #[arg(long, value_name = "DATE")]
    pub(crate) date: Option<Date>,
    /// A scope spec of your own, for the testcases that it has
    #[arg(long, value_name = "FILE")]
    pub(crate) spec: Option<PathBuf>,
}

impl On {
    fn date(&self) -> Date {
        self.date.unwrap_or_else(|| day(Timestamp::now()))
    }
}

/// Something should be looked at.
const AMISS: u8 = 1;

pub(crate) fn run(waiving: &Waiving) -> Result<u8, Failure> {
    match waiving {
        Waiving::List(List { waivers, on }) => list(waivers, on),
        Waiving::Lint(Lint { file, on }) => lint(file, on),
    }
}

fn list(file: &Path, on: &On) -> Result<u8, Failure> {
    let spec = against::spec(on.spec.as_deref())?;
    let mut waivers = with_waivers(file, [&*spec], Waivers::read)??;
    waivers.all.sort_by_key(|waiver| waiver.expires);
    let date = on.date();
    let mut table = Table::default();
    for waiver in &waivers.all {
        let state = match waiver.stands(date) {
            true => painted("stands until", |text| good(text)),
            false => painted("expired on", |text| warn(text)),
        };
        table.row([
            state,
            plain(waiver.expires.to_string()),
            painted(waiver.about(), |text| bold(text)),
            plain(&*waiver.owner),
            plain(&*waiver.reason),
        ]);
    }
    print(&table.render(""))?;
    Ok(0)
}

fn lint(file: &Path, on: &On) -> Result<u8, Failure> {
    let spec = against::spec(on.spec.as_deref())?;
    let date = on.date();
    let outcome = with_waivers(file, [&*spec], |name, text, known| Waivers::lint(name, text, known, date))?;
    let Err(problems) = outcome else { return Ok(0) };
    let is_readable = problems.problems().iter().all(|problem| problem.kind().is_lint());
    let failure = Failure::from(problems);
    Err(if is_readable { Failure { code: AMISS, ..failure } } else { failure })
}
