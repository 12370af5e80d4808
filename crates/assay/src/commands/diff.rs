//! `assay diff`: what changed between two recordings, two reports, or two days of a monitor.

mod monitor;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assay_inventory::{FactDiff, FieldDiff, Inventory, Standing, ThingChange, ThingDiff, read_snapshot};
use assay_report::{Report, ReportDiff, TestcaseDiff, Verdicts};
use assay_standards::Verdict;
use assay_testcases::Reading;
use clap::Args;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use self::monitor::{Achieved, Counted, ScopeDiff, Seen};
use super::fleet::address;
use super::report::whole;
use super::sign::content;
use crate::against;
use crate::args::{self, Against, Listing};
use crate::failure::{Failure, bad_snapshot};
use crate::human::{bad, bold, columns, dim, good, printable, warn, wrapped};
use crate::output::print;

/// How many changed things of a fact, fields of a thing and findings of a testcase are shown to people.
const SHOWN: usize = 10;
/// How much of a value is shown to people.
const VALUE: usize = 60;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// What was before: a recording, or a JSON report; with --monitor a day such as 2026-11-22
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// What was after: the same kind of file; with --monitor a day, or nothing for now
    #[arg(value_name = "AFTER", required_unless_present = "monitor")]
    after: Option<PathBuf>,
    /// A monitor of assay: what changed there between the ends of two days
    #[arg(long, value_name = "URL", requires = "subject", value_parser = address, help_heading = "Monitor")]
    monitor: Option<Url>,
    /// The subject, as the monitor knows it
    #[arg(long, value_name = "NAME", requires = "monitor", help_heading = "Monitor")]
    subject: Option<String>,
    #[command(flatten)]
    against: Against,
    /// Show every change, not just the first few of each fact and testcase
    #[arg(long)]
    all: bool,
    /// The format
    #[arg(long, value_enum, default_value_t = Listing::Human)]
    format: Listing,
}

/// What changed, for programs. Readers shall ignore fields that they do not know.
#[derive(Debug, Serialize)]
struct Document {
    format: &'static str,
    version: u32,
    subjects: Vec<SubjectDiff>,
}

/// What changed of a subject.
#[derive(Debug, Serialize)]
struct SubjectDiff {
    subject: String,
    region: Option<String>,
    /// When its facts were recorded; none if that side does not have it.
    before: Option<String>,
    after: Option<String>,
    /// Of recordings; reports have no facts.
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<Vec<FactDiff>>,
    #[serde(flatten)]
    verdicts: ReportDiff,
    /// Of a monitor, which knows results and no reasons.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<ScopeDiff>>,
}

impl SubjectDiff {
    fn is_empty(&self) -> bool {
        self.before.is_some()
            && self.after.is_some()
            && self.facts.as_ref().is_none_or(Vec::is_empty)
            && self.verdicts.is_empty()
            && self.scopes.as_ref().is_none_or(Vec::is_empty)
    }
}

pub(crate) async fn run(arguments: &Diff) -> Result<u8, Failure> {
    let subjects = match (&arguments.monitor, &arguments.subject, &arguments.after) {
        (Some(monitor), Some(subject), _) => vec![days(arguments, monitor, subject).await?],
        (_, _, Some(after)) => files(arguments, &arguments.before, after)?,
        _ => return Err(Failure::usage("there is nothing to compare with", "name two files")),
    };
    let is_same = subjects.iter().all(SubjectDiff::is_empty);
    match arguments.format {
        Listing::Json => {
            let document = Document { format: "assay-diff", version: 1, subjects };
            let json = serde_json::to_string_pretty(&document).map_err(defect)?;
            print(&format!("{json}\n"))?;
        }
        Listing::Human => {
            let page = Page { all: arguments.all, width: columns(), text: String::new() };
            print(&page.of(&subjects))?;
        }
    }
    Ok(u8::from(!is_same))
}

/// What changed at a monitor from one day to another.
async fn days(arguments: &Diff, monitor: &Url, subject: &str) -> Result<SubjectDiff, Failure> {
    if is_told_how(&arguments.against) {
        return Err(Failure::usage("a monitor has judged already", "leave out what says how to judge"));
    }
    let day = |text: &Path| {
        let text = text.display().to_string();
        text.parse::<Date>().map_err(|_| {
            Failure::usage(format!("{text} is no day"), "with --monitor, give days such as 2026-11-22")
        })
    };
    let (first, last) = (day(&arguments.before)?, arguments.after.as_deref().map(day).transpose()?);
    if last.is_some_and(|last| last < first) {
        return Err(Failure::usage("the first day is after the second", "name the earlier day first"));
    }
    let before = monitor::seen(monitor, subject, Some(first));
    let (before, after) = futures::try_join!(before, monitor::seen(monitor, subject, last))?;
    if before.is_none() && after.is_none() {
        return Err(Failure::usage(
            format!("{monitor} knows no subject {subject:?}, or did not on these days"),
            "its overview names all",
        ));
    }
    let instant =
        |seen: &Seen, day: Option<Date>| day.map_or_else(|| seen.at.to_string(), |day| day.to_string());
    Ok(SubjectDiff {
        subject: subject.to_owned(),
        region: None,
        before: before.as_ref().map(|seen| instant(seen, Some(first))),
        after: after.as_ref().map(|seen| instant(seen, last)),
        facts: None,
        verdicts: ReportDiff { targets: Vec::new(), testcases: Vec::new() },
        scopes: Some(monitor::changes(before.as_ref(), after.as_ref())),
    })
}

fn files(arguments: &Diff, old: &Path, new: &Path) -> Result<Vec<SubjectDiff>, Failure> {
    let (before, after) = (content(old)?, content(new)?);
    match [&before, &after].map(|bytes| bytes.starts_with(&ZSTD_MAGIC)) {
        [true, true] => Ok(vec![recordings(arguments, (old, &before), (new, &after))?]),
        [false, false] => reports(arguments, (old, &before), (new, &after)),
        [is_first, _] => {
            let kinds = ["a recording", "none"];
            let [first, second] = if is_first { kinds } else { ["none", "a recording"] };
            Err(Failure::usage(
                format!("{} is {first}, {} is {second}", old.display(), new.display()),
                "compare two recordings, or two JSON reports",
            ))
        }
    }
}

fn defect(error: impl std::fmt::Display) -> Failure {
    Failure::usage(error, "this is a defect of assay; please report it")
}

/// A file and what stands in it.
type File<'f> = (&'f Path, &'f [u8]);

/// Two recordings, each judged on its own day unless told otherwise, be they of one cloud or of two.
fn recordings(arguments: &Diff, before: File<'_>, after: File<'_>) -> Result<SubjectDiff, Failure> {
    let read = |(path, bytes): File<'_>| read_snapshot(bytes).map_err(|error| bad_snapshot(path, &error));
    let (before, after) = (read(before)?, read(after)?);
    let against = &arguments.against;
    let spec = against::spec(against.spec.as_deref())?;
    let judged = |inventory: &Inventory| -> Result<Report, Failure> {
        let date = against::reference_date(against, inventory.recorded_at);
        let selection = against::select(&spec, against, date)?;
        Ok(against::report(&spec, &selection, against, inventory, &BTreeMap::new(), &BTreeMap::new()))
    };
    let (old, new) = (judged(&before)?, judged(&after)?);
    let mut change = compared(Some(&old), Some(&new));
    change.facts = Some(assay_inventory::diff(&before, &after).map_err(defect)?);
    Ok(change)
}

/// Whether somebody said how to judge.
fn is_told_how(against: &Against) -> bool {
    against.version.is_some()
        || against.spec.is_some()
        || against.testcases.is_some()
        || !against.target.is_empty()
        || against.date.is_some()
        || against.now.is_some()
        || against.reading != args::Reading::Both
}

fn reports(arguments: &Diff, before: File<'_>, after: File<'_>) -> Result<Vec<SubjectDiff>, Failure> {
    if is_told_how(&arguments.against) {
        return Err(Failure::usage(
            "reports are judged already",
            "leave out what says how to judge, or compare recordings",
        ));
    }
    let read = |(path, bytes): File<'_>| whole(&path.display().to_string(), &String::from_utf8_lossy(bytes));
    let (before, after) = (read(before)?, read(after)?);
    if let ([old], [new]) = (&before[..], &after[..]) {
        return Ok(vec![compared(Some(old), Some(new))]);
    }
    let is_same = |one: &Report, other: &Report| {
        (&one.subject.cloud, &one.subject.region) == (&other.subject.cloud, &other.subject.region)
    };
    let partner = |old: &Report| after.iter().find(|new| is_same(old, new));
    let mut subjects: Vec<SubjectDiff> = before.iter().map(|old| compared(Some(old), partner(old))).collect();
    let added = after.iter().filter(|new| !before.iter().any(|old| is_same(old, new)));
    subjects.extend(added.map(|new| compared(None, Some(new))));
    Ok(subjects)
}

fn compared(before: Option<&Report>, after: Option<&Report>) -> SubjectDiff {
    let subject = after.or(before).map(|report| report.subject.clone()).unwrap_or_default();
    let verdicts = match (before, after) {
        (Some(before), Some(after)) => assay_report::diff(before, after),
        _ => ReportDiff { targets: Vec::new(), testcases: Vec::new() },
    };
    let recorded = |report: Option<&Report>| report.map(|report| report.recorded_at.to_string());
    SubjectDiff {
        subject: subject.cloud,
        region: subject.region,
        before: recorded(before),
        after: recorded(after),
        facts: None,
        verdicts,
        scopes: None,
    }
}

/// What people read.
struct Page {
    all: bool,
    width: usize,
    text: String,
}

impl Page {
    fn of(mut self, subjects: &[SubjectDiff]) -> String {
        for (index, subject) in subjects.iter().enumerate() {
            if index > 0 {
                self.text.push('\n');
            }
            self.subject(subject);
        }
        if subjects.is_empty() {
            self.line("Nobody was checked.");
        }
        self.text
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn subject(&mut self, subject: &SubjectDiff) {
        let region = subject.region.as_ref().map_or_else(String::new, |region| format!(" ({region})"));
        let name = bold(printable(&format!("{}{region}", subject.subject)));
        match (&subject.before, &subject.after) {
            (Some(before), Some(after)) => self.line(&format!("{name}  {before} → {after}")),
            (Some(before), None) => self.line(&format!("{name}  was checked on {before}, and not after")),
            (None, Some(after)) => self.line(&format!("{name}  was checked on {after}, and not before")),
            (None, None) => {}
        }
        if let Some(facts) = subject.facts.as_ref().filter(|facts| !facts.is_empty()) {
            self.line(&format!("\n{}", bold("Facts")));
            for fact in facts {
                self.fact(fact);
            }
        }
        let ReportDiff { targets, testcases } = &subject.verdicts;
        if !subject.verdicts.is_empty() {
            self.line(&format!("\n{}", bold("Verdicts")));
            for target in targets {
                let name = printable(&format!("{} {}", target.version, target.target));
                self.line(&format!("  {name}: {}", verdicts(target.before, target.after)));
            }
            for testcase in testcases {
                self.testcase(testcase);
            }
        }
        for scope in subject.scopes.iter().flatten() {
            self.scope(scope);
        }
        if subject.is_empty() {
            self.line("  nothing changed");
        }
    }

    fn scope(&mut self, scope: &ScopeDiff) {
        let [before, after] = [&scope.before, &scope.after].map(|achieved| match achieved {
            Some(Achieved { state, version, validity }) => {
                format!("{} {}", stated(state), printable(&format!("{version} ({validity})")))
            }
            None => "nothing".to_owned(),
        });
        let came_to =
            if before == after { format!("still {after}") } else { format!("{before} → {after}") };
        self.line(&format!("\n{}: {came_to}", bold(printable(&scope.name))));
        for result in &scope.results {
            let [before, after] = [&result.before, &result.after].map(|standing| match standing {
                Some(Counted { state, .. }) => stated(state),
                None => "no result".to_owned(),
            });
            self.line(&format!("  {}: {before} → {after}", bold(printable(&result.testcase))));
            if let Some(Counted { report, .. }) = &result.after {
                self.line(&format!("    {}", dim(printable(&format!("report {report}")))));
            }
        }
    }

    fn fact(&mut self, fact: &FactDiff) {
        if fact.before != Standing::Known || fact.after != Standing::Known {
            let line = format!("{}: {} → {}", fact.fact, standing(&fact.before), standing(&fact.after));
            let line = wrapped(&line, self.width, "  ", "      ");
            return self.line(&line);
        }
        let count =
            |wanted: fn(&ThingChange) -> bool| fact.things.iter().filter(|thing| wanted(&thing.what)).count();
        let counts: Vec<String> = [
            (count(|what| *what == ThingChange::Removed), "removed"),
            (count(|what| matches!(what, ThingChange::Changed(_))), "changed"),
            (count(|what| *what == ThingChange::Added), "added"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        self.line(&format!("  {}: {}", fact.fact, counts.join(", ")));
        self.some(&fact.things, "    ", Self::thing);
    }

    fn thing(&mut self, thing: &ThingDiff) {
        let id = Some(&thing.id).filter(|id| !id.is_empty() && **id != thing.name);
        let id = id.map_or_else(String::new, |id| format!(" {}", dim(printable(id))));
        let name = match (thing.name.is_empty(), thing.id.is_empty()) {
            (false, _) => printable(&thing.name),
            (true, false) => "without a name".to_owned(),
            (true, true) => String::new(),
        };
        match &thing.what {
            ThingChange::Added => self.line(&format!("    {} {name}{id}", good("+"))),
            ThingChange::Removed => self.line(&format!("    {} {name}{id}", bad("-"))),
            ThingChange::Changed(fields) => {
                let indent = if name.is_empty() { "    " } else { "        " };
                if !name.is_empty() {
                    self.line(&format!("    ~ {name}{id}"));
                }
                self.some(fields, indent, |page, field| page.field(field, indent));
            }
        }
    }

    fn field(&mut self, field: &FieldDiff, indent: &str) {
        let [before, after] = [&field.before, &field.after].map(|value| self.value(value.as_ref()));
        let name = if field.field.is_empty() { String::new() } else { format!("{}: ", field.field) };
        self.line(&format!("{indent}{}{before} → {after}", printable(&name)));
    }

    fn value(&self, value: Option<&Value>) -> String {
        let text = match value {
            None => return "none".to_owned(),
            Some(Value::String(text)) => format!("\"{text}\""),
            Some(other) => other.to_string(),
        };
        match text.char_indices().nth(VALUE) {
            Some((end, _)) if !self.all => format!("{}…", printable(&text[..end])),
            _ => printable(&text),
        }
    }

    fn testcase(&mut self, testcase: &TestcaseDiff) {
        let id = bold(printable(&testcase.id));
        self.line(&format!("  {id}: {}", verdicts(testcase.before, testcase.after)));
        for (mark, findings) in [(bad("-"), &testcase.gone), (good("+"), &testcase.came)] {
            self.some(findings, "    ", |page, finding| {
                let words = wrapped(finding, page.width - 6, "", "      ");
                page.line(&format!("    {mark} {words}"));
            });
        }
    }

    /// The first few, and how many more there are.
    fn some<T>(&mut self, all: &[T], indent: &str, mut show: impl FnMut(&mut Self, &T)) {
        let count = if self.all { all.len() } else { all.len().min(SHOWN) };
        for one in &all[..count] {
            show(self, one);
        }
        if count < all.len() {
            let more = all.len() - count;
            self.line(&format!("{indent}{}", dim(format!("… {more} more; --all shows them"))));
        }
    }
}

fn standing(standing: &Standing) -> String {
    match standing {
        Standing::NotAsked => "not asked for".to_owned(),
        Standing::Known => "known".to_owned(),
        Standing::Unavailable(why) => format!("could not be had ({why})"),
    }
}

/// What each reading came to, with an arrow where that changed.
fn verdicts(before: Option<Verdicts>, after: Option<Verdicts>) -> String {
    let verdict = |side: Option<Verdicts>, reading| side.and_then(|verdicts| verdicts.of(reading));
    let shown = |side: Option<Verdicts>, reading| match (side, verdict(side, reading)) {
        (None, _) => "not asked for".to_owned(),
        (Some(_), None) => "–".to_owned(),
        (Some(_), Some(verdict)) => painted(verdict),
    };
    let each: Vec<String> = Reading::ALL
        .into_iter()
        .filter(|reading| verdict(before, *reading).or(verdict(after, *reading)).is_some())
        .map(|reading| {
            let (name, old, new) = (reading.as_str(), shown(before, reading), shown(after, reading));
            if old == new { format!("{name} {old}") } else { format!("{name} {old} → {new}") }
        })
        .collect();
    each.join(", ")
}

/// A state in the words of a monitor.
fn stated(state: &str) -> String {
    match state {
        "PASS" => good(state),
        "FAIL" => bad(state),
        _ => warn(printable(state)),
    }
}

fn painted(verdict: Verdict) -> String {
    match verdict {
        Verdict::Pass => good(verdict),
        Verdict::Fail => bad(verdict),
        Verdict::Abort | Verdict::Miss => warn(verdict),
    }
}
