//! The report that the reference checker writes, read as a monitor gets it: from whoever sent it.

mod view;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::str::FromStr;

use assay_standards::Verdict;
use assay_yaml::{
    Context, Fields, Limits, NAMES, Node, Problems, Reader, Reported, Shape, Value as Written, Wrong, quoted,
};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use uuid::Uuid;

pub use self::view::ReportView;
use crate::model::Scope;
use crate::official_yaml::STATED_BY_PEOPLE;

/// A report as it was handed in: what it says, and nothing about whether that is to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedReport {
    /// The scope.
    pub scope: Scope,
    /// When the check was made, as written.
    pub checked_at: CheckedAt,
    /// The day for which versions were chosen.
    pub reference_date: Option<String>,
    /// Who was checked.
    pub subject: String,
    /// The monitor that it is meant for; none if for any.
    pub audience: Option<String>,
    /// The checker that made it and its revision, such as `assay 0.1.0`; none if that is not said.
    pub creator: Option<String>,
    /// Identifies the run.
    pub run: Uuid,
    /// The arguments of the checker.
    pub arguments: Vec<String>,
    /// Variables of the scope spec as assigned by the user.
    pub assignment: Vec<(String, String)>,
    /// The sections that were asked for; none if all.
    pub sections: Option<Vec<String>>,
    /// The version that was forced.
    pub forced_version: Option<String>,
    /// The pattern of testcases that was asked for.
    pub forced_tests: Option<String>,
    /// The scripts that were run.
    pub invocations: Vec<SubmittedInvocation>,
    /// The results by version, in reports of the first generation; those of today have none.
    pub versions: Option<BTreeMap<String, BTreeMap<String, Verdict>>>,
}

/// A script that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedInvocation {
    /// Identifies it within the report.
    pub id: String,
    /// The command, for display.
    pub command: String,
    /// What it said about testcases; never [`Verdict::Miss`].
    pub results: BTreeMap<String, Verdict>,
    /// How it ended; 127 if it could not be started.
    pub return_code: Option<i64>,
    /// What it wrote, line by line.
    pub stdout: Vec<String>,
    /// What it logged, line by line.
    pub stderr: Vec<String>,
}

/// When a check was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckedAt {
    /// An instant.
    Exact(Timestamp),
    /// A time in a zone that nobody knows, as the reference checker writes it.
    Naive(DateTime),
}

impl CheckedAt {
    /// The instant, if a naive time is one in UTC.
    pub fn in_utc(self) -> Option<Timestamp> {
        match self {
            CheckedAt::Exact(instant) => Some(instant),
            CheckedAt::Naive(time) => TimeZone::UTC.to_timestamp(time).ok(),
        }
    }
}

impl FromStr for CheckedAt {
    type Err = ReportProblem;

    fn from_str(text: &str) -> Result<Self, ReportProblem> {
        if let Ok(instant) = text.parse() {
            return Ok(CheckedAt::Exact(instant));
        }
        let is_day_alone = text.len() <= "2026-01-01".len();
        match text.parse() {
            Ok(time) if !is_day_alone => Ok(CheckedAt::Naive(time)),
            _ => Err(ReportProblem::NoTime(text.to_owned())),
        }
    }
}

impl fmt::Display for CheckedAt {
    /// As the reference monitor hands it out: a blank between date and time, six digits of a fraction or none, no
    /// zone where none was given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subsec = match self {
            CheckedAt::Exact(instant) => instant.subsec_nanosecond(),
            CheckedAt::Naive(time) => time.subsec_nanosecond(),
        };
        let form = if subsec == 0 { "%F %T" } else { "%F %T%.6f" };
        match self {
            CheckedAt::Exact(instant) => {
                write!(f, "{}+00:00", instant.to_zoned(TimeZone::UTC).strftime(form))
            }
            CheckedAt::Naive(time) => write!(f, "{}", time.strftime(form)),
        }
    }
}

/// What is wrong with a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportProblem {
    /// It is no YAML, or lacks, repeats or misspells something.
    #[error(transparent)]
    Shape(#[from] Shape),
    /// Not the form of a UUID.
    #[error("expected a UUID, found {}", quoted(.0))]
    NoUuid(String),
    /// Not a time.
    #[error("expected a time such as 2026-03-07 02:11:45, found {}", quoted(.0))]
    NoTime(String),
    /// Not a number that stands for a verdict.
    #[error("expected 1 (PASS), 0 (ABORT) or -1 (FAIL), found {}", quoted(.0))]
    NoResult(String),
    /// Not a whole number.
    #[error("expected a whole number, found {}", quoted(.0))]
    NoNumber(String),
    /// A name that is empty, too long, or has characters that no name has.
    #[error(
        "expected a name of 1 to {most} printable characters, found {}",
        quoted(.found)
    )]
    NoName {
        /// What is there.
        found: String,
        /// The most characters.
        most: usize,
    },
}

impl Wrong for ReportProblem {
    const FILE: &'static str = "the report";

    fn help(&self) -> Option<String> {
        match self {
            ReportProblem::Shape(shape) => shape.help(),
            _ => None,
        }
    }
}

/// The longest name of a subject or testcase, in characters.
const LONGEST_NAME: usize = 200;

/// A report with logs of 100,000 lines is read, one that is made to choke its reader is not.
const MOST_NODES: usize = 400_000;
/// The longest text, in bytes.
const LONGEST: usize = 32 << 20;

/// What aliases repeat makes a text no more than some times as long: many reports may come at once.
fn limits(text: &str) -> Limits {
    Limits { bytes: LONGEST.min(4 * text.len() + (64 << 10)), nodes: MOST_NODES }
}

const REPORT: Context = Context { name: "the report", keys: &[], open: true };
const SPEC: Context = Context { name: "the scope", keys: &[], open: true };
const RUN: Context = Context { name: "the run", keys: &[], open: true };
const INVOCATION: Context = Context { name: "an invocation", keys: &[], open: true };

type ReportReader = Reader<ReportProblem>;

impl SubmittedReport {
    /// Reads one YAML document. Keys that this program does not know are let through, as newer checkers may write
    /// them. `name` only serves messages.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line, column and key.
    pub fn read_yaml(name: &str, text: &str) -> Result<Self, Problems<ReportProblem>> {
        ReportReader::document(name, text, &limits(text), |reader, root| report(reader, root).ok())
    }

    /// The results by testcase. What a script said last about a testcase counts, as for the reference monitor, and
    /// what people stated only where no script said anything; of the versions of an old report the worst verdict does.
    pub fn results(&self) -> BTreeMap<&str, SubmittedResult> {
        let mut results: BTreeMap<&str, SubmittedResult> = BTreeMap::new();
        for invocation in &self.invocations {
            let is_stated = invocation.is_stated_by_people();
            for (id, &verdict) in &invocation.results {
                let result = SubmittedResult { verdict, is_stated };
                match results.entry(id.as_str()) {
                    Entry::Occupied(known) if is_stated && !known.get().is_stated => {}
                    Entry::Occupied(mut known) => *known.get_mut() = result,
                    Entry::Vacant(free) => {
                        free.insert(result);
                    }
                }
            }
        }
        if let Some(versions) = &self.versions {
            results.clear();
            for (id, &verdict) in versions.values().flatten() {
                let worst = results.entry(id).or_insert(SubmittedResult { verdict, is_stated: false });
                worst.verdict = worst.verdict.max(verdict);
            }
        }
        results
    }

    /// The document as the reference monitor hands it out.
    pub fn view(&self) -> ReportView<'_> {
        ReportView::of(self)
    }
}

/// A verdict that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubmittedResult {
    /// Never [`Verdict::Miss`].
    pub verdict: Verdict,
    /// Whether people stated it, instead of a program finding it out.
    pub is_stated: bool,
}

impl SubmittedInvocation {
    /// One of which nothing is known but its results, and whether people stated them.
    pub fn of_results(is_stated: bool, results: BTreeMap<String, Verdict>) -> Self {
        let (id, command) = if is_stated { ("stated", STATED_BY_PEOPLE) } else { ("results", "") };
        Self {
            id: id.to_owned(),
            command: command.to_owned(),
            results,
            return_code: None,
            stdout: Vec::new(),
            stderr: Vec::new(),
        }
    }

    /// Whether people stated its results, instead of a program finding them out.
    pub fn is_stated_by_people(&self) -> bool {
        self.command.ends_with(STATED_BY_PEOPLE)
    }

    /// How many lines begin with a word, in upper or lower case: `info`, `warning`, `error` or `critical`.
    pub fn count(&self, severity: &str) -> usize {
        let begins = |line: &&String| {
            line.get(..severity.len()).is_some_and(|start| start.eq_ignore_ascii_case(severity))
        };
        self.stdout.iter().chain(&self.stderr).filter(begins).count()
    }
}

fn report(reader: &mut ReportReader, root: &Node) -> Result<SubmittedReport, Reported> {
    let fields = reader.fields(root, "", &REPORT).ok_or(Reported)?;
    let scope = scope(reader, &fields);
    let checked_at = reader.needed(&fields, "checked_at", CheckedAt::from_str);
    let subject = reader.needed(&fields, "subject", name);
    let reference_date = reader.optional_text(&fields, "reference_date");
    let audience = reader.optional_text(&fields, "audience");
    // Others may mean something else by it, which is no reason to refuse the report.
    let creator = fields.get("creator").and_then(|node| match &node.value {
        Written::Text(text) => name(text).ok(),
        _ => None,
    });
    let versions = fields.get("versions").map(|node| versions(reader, node, &fields.path_of("versions")));
    let run = reader.required(&fields, "run").ok_or(Reported)?;
    let run = reader.fields(run, "run", &RUN).ok_or(Reported)?;
    let uuid = reader.needed(&run, "uuid", |text| {
        text.parse::<Uuid>().map_err(|_| ReportProblem::NoUuid(text.to_owned()))
    });
    let sections = match run.get("sections") {
        // One section, written without brackets.
        Some(Node { value: Written::Text(text), .. }) => Some(vec![text.clone()]),
        Some(_) => Some(lines(reader, &run, "sections")),
        None => None,
    };
    let invocations = run.get("invocations").map_or_else(Vec::new, |node| {
        let path = run.path_of("invocations");
        let Some(all) = reader.fields(node, &path, &NAMES) else { return Vec::new() };
        let each = all.entries.iter().map(|(id, _, node)| (*id, *node, all.path_of(id)));
        each.filter_map(|(id, node, path)| invocation(reader, id, node, &path).ok()).collect()
    });
    Ok(SubmittedReport {
        scope: scope?,
        checked_at: checked_at?,
        reference_date,
        subject: subject?,
        audience,
        creator,
        run: uuid?,
        arguments: lines(reader, &run, "argv"),
        assignment: run
            .get("assignment")
            .map_or_else(Vec::new, |node| reader.texts_by_name(node, &run.path_of("assignment"))),
        sections,
        forced_version: reader.optional_text(&run, "forced_version"),
        forced_tests: reader.optional_text(&run, "forced_tests"),
        invocations,
        versions: versions.transpose()?,
    })
}

fn scope(reader: &mut ReportReader, fields: &Fields<'_>) -> Result<Scope, Reported> {
    let spec = reader.required(fields, "spec").ok_or(Reported)?;
    let spec = reader.fields(spec, "spec", &SPEC).ok_or(Reported)?;
    let uuid = reader.needed(&spec, "uuid", name)?;
    let name = reader.optional_text(&spec, "name").unwrap_or_default();
    let url = reader.optional_text(&spec, "url").unwrap_or_default();
    Ok(Scope { uuid, name, url })
}

fn invocation(
    reader: &mut ReportReader,
    id: &str,
    node: &Node,
    path: &str,
) -> Result<SubmittedInvocation, Reported> {
    let fields = reader.fields(node, path, &INVOCATION).ok_or(Reported)?;
    let results = fields.get("results").map_or_else(
        || Ok(BTreeMap::new()),
        |node| results(reader, node, &fields.path_of("results"), |node| Some(node)),
    );
    let return_code = reader.optional(&fields, "rc", |text| {
        text.parse::<i64>().map_err(|_| ReportProblem::NoNumber(text.to_owned()))
    });
    Ok(SubmittedInvocation {
        id: id.to_owned(),
        command: reader.optional_text(&fields, "cmd").unwrap_or_default(),
        results: results?,
        return_code: return_code?,
        stdout: lines(reader, &fields, "stdout"),
        stderr: lines(reader, &fields, "stderr"),
    })
}

/// The results of the first generation of reports.
fn versions(
    reader: &mut ReportReader,
    node: &Node,
    path: &str,
) -> Result<BTreeMap<String, BTreeMap<String, Verdict>>, Reported> {
    let fields = reader.fields(node, path, &NAMES).ok_or(Reported)?;
    let mut all = BTreeMap::new();
    for (version, _, node) in &fields.entries {
        all.insert((*version).to_owned(), results(reader, node, &fields.path_of(version), result_of_old)?);
    }
    Ok(all)
}

/// The first generation has a map around the number.
fn result_of_old(node: &Node) -> Option<&Node> {
    match &node.value {
        Written::Map(entries) => {
            let is_result = |key: &Node| matches!(&key.value, Written::Text(text) if text == "result");
            entries.iter().find_map(|(key, value)| is_result(key).then_some(value))
        }
        _ => Some(node),
    }
}

/// The verdicts of a map by testcase; `result` takes the number out of a value. A testcase without a number has no
/// result.
fn results(
    reader: &mut ReportReader,
    node: &Node,
    path: &str,
    result: fn(&Node) -> Option<&Node>,
) -> Result<BTreeMap<String, Verdict>, Reported> {
    let fields = reader.fields(node, path, &NAMES).ok_or(Reported)?;
    let mut results = BTreeMap::new();
    let mut is_well = true;
    for (id, place, node) in &fields.entries {
        let path = fields.path_of(id);
        if let Err(wrong) = name(id) {
            let spot = reader.spot(*place, path.clone());
            reader.report(spot, wrong);
            is_well = false;
        }
        let Some(node) = result(node) else { continue };
        if let Written::Null = node.value {
            continue;
        }
        let Some(text) = reader.text(node, &path) else {
            is_well = false;
            continue;
        };
        if let Some(verdict) = text.parse().ok().and_then(|code: i8| Verdict::from_code(Some(code))) {
            results.insert((*id).to_owned(), verdict);
        } else {
            let wrong = ReportProblem::NoResult(text.to_owned());
            let spot = reader.spot(node.place, path);
            reader.report(spot, wrong);
            is_well = false;
        }
    }
    if is_well { Ok(results) } else { Err(Reported) }
}

/// The lines of a list; an empty one may be written as nothing.
fn lines(reader: &mut ReportReader, fields: &Fields<'_>, key: &str) -> Vec<String> {
    let Some(node) = fields.get(key) else { return Vec::new() };
    let path = fields.path_of(key);
    let Some(items) = reader.items(node, &path) else { return Vec::new() };
    let line = |(node, path): (&Node, String)| match node.value {
        Written::Null => Some(String::new()),
        _ => reader.text(node, &path).map(str::to_owned),
    };
    items.into_iter().filter_map(line).collect()
}

fn name(text: &str) -> Result<String, ReportProblem> {
    let is_long = text.chars().nth(LONGEST_NAME).is_some();
    match text.trim() != text || text.is_empty() || is_long || text.chars().any(char::is_control) {
        true => Err(ReportProblem::NoName {
            found: text.chars().take(LONGEST_NAME).collect(),
            most: LONGEST_NAME,
        }),
        false => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use jiff::civil::date;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::fixture;
    use crate::official_yaml;

    const SHORT: &str = "
---
spec: {uuid: 1fffebe6-fd4b-44d3-a36c-fc58b4bb0180}
checked_at: 2026-03-07 02:11:45.120394
subject: demo-1.35
run:
  uuid: 5f0c2c0e-7f0b-4b4f-9a52-0c6b6f0e8a11
  sections: [light]
  invocations:
    one: {cmd: a, results: {x: 1, y: 0}, rc: 0, stdout: ['x: PASS'], stderr: ['Error: bad', '']}
    two: {cmd: b, results: {y: -1}}
";

    fn wrong(text: &str) -> Vec<String> {
        let problems = SubmittedReport::read_yaml("report", text).unwrap_err();
        problems.problems().iter().map(|problem| format!("{}: {}", problem.key(), problem.kind())).collect()
    }

    #[test]
    fn what_this_program_writes_is_read() {
        let written = fixture::report();
        let read =
            SubmittedReport::read_yaml("report", &official_yaml(std::slice::from_ref(&written))).unwrap();
        assert_eq!((read.run, read.subject.as_str()), (written.run_id, written.subject.cloud.as_str()));
        assert_eq!(read.scope, written.scope);
        assert_eq!(read.arguments, written.arguments);
        let results = read.results();
        for testcase in written.testcases.iter().filter(|testcase| !testcase.own) {
            let verdict = results.get(testcase.id.as_str()).map_or(Verdict::Miss, |result| result.verdict);
            let written = testcase.verdict(assay_testcases::Reading::Official).unwrap_or(Verdict::Miss);
            assert_eq!(verdict, written, "{}", testcase.id);
        }
        assert!(results.values().any(|result| result.is_stated));
    }

    fn shown(report: &SubmittedReport) -> Value {
        serde_json::to_value(report.view()).unwrap()
    }

    #[test]
    fn reports_of_production_are_read() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/compat/reports");
        let Ok(files) = fs::read_dir(folder) else { return };
        for file in files {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            let report = SubmittedReport::read_yaml("report", &text).unwrap();
            assert!(report.results().len() >= 54, "{}", report.run);
            assert_eq!(shown(&report)["run"]["uuid"], report.run.to_string());
        }
    }

    #[test]
    fn a_report_says_what_it_says() {
        let report = SubmittedReport::read_yaml("report", SHORT).unwrap();
        assert_eq!(report.checked_at, CheckedAt::Naive(date(2026, 3, 7).at(2, 11, 45, 120_394_000)));
        assert_eq!(report.sections.as_deref(), Some(&["light".to_owned()][..]));
        let verdicts: Vec<_> =
            report.results().into_iter().map(|(id, result)| (id, result.verdict)).collect();
        assert_eq!(verdicts, [("x", Verdict::Pass), ("y", Verdict::Fail)]);
        assert_eq!(report.invocations[0].stderr, ["Error: bad", ""]);
        let json = shown(&report);
        assert_eq!(json["checked_at"], "2026-03-07 02:11:45.120394");
        assert_eq!(json["run"]["invocations"]["one"]["error"], 1);
        assert_eq!(json["run"]["invocations"]["two"]["results"]["y"], -1);
        assert_eq!(json["run"]["forced_version"], Value::Null);
    }

    #[test]
    fn the_first_generation_has_results_by_version() {
        let old = SHORT.replace("{x: 1, y: 0}", "{}")
            + "versions: {v4: {x: {result: 1, invocation: one}, z: {result: null}}, v3: {x: {result: -1}}}\n";
        let report = SubmittedReport::read_yaml("report", &old).unwrap();
        let verdicts: Vec<_> =
            report.results().into_iter().map(|(id, result)| (id, result.verdict)).collect();
        assert_eq!(verdicts, [("x", Verdict::Fail)]);
        assert_eq!(shown(&report)["versions"]["v4"]["x"]["result"], 1);
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_place() {
        let bad = SHORT
            .replace("5f0c2c0e-7f0b", "5f0c2c0e")
            .replace("2026-03-07 02:11:45.120394", "2026-03-07")
            .replace("x: 1, y: 0", "x: 2, y: [1]")
            .replace("demo-1.35", "' '");
        assert_eq!(
            wrong(&bad),
            [
                "checked_at: expected a time such as 2026-03-07 02:11:45, found `2026-03-07`",
                "subject: expected a name of 1 to 200 printable characters, found ` `",
                "run.uuid: expected a UUID, found `5f0c2c0e-4b4f-9a52-0c6b6f0e8a11`",
                "run.invocations.one.results.x: expected 1 (PASS), 0 (ABORT) or -1 (FAIL), found `2`",
                "run.invocations.one.results.y: expected a single value, found a list",
            ]
        );
        assert_eq!(wrong("[]"), [": expected a map, found a list"]);
        assert_eq!(wrong("subject: a")[0], ": missing key `spec` in the report");
    }

    #[test]
    fn who_made_a_report_is_known_where_it_is_said() {
        for (line, creator) in [
            ("", None),
            ("creator: assay 0.1.0\n", Some("assay 0.1.0")),
            ("creator: {name: other}\n", None),
            ("creator: ''\n", None),
            ("creator: \"a\\u0000b\"\n", None),
        ] {
            let report = SubmittedReport::read_yaml("report", &format!("{SHORT}{line}")).unwrap();
            assert_eq!(report.creator.as_deref(), creator, "{line}");
            assert_eq!(shown(&report).get("creator").and_then(Value::as_str), creator, "{line}");
        }
    }

    #[test]
    fn times_may_have_a_zone() {
        for (text, instant) in [
            ("2026-03-07 02:11:45", "2026-03-07T02:11:45Z"),
            ("2026-03-07T02:11:45Z", "2026-03-07T02:11:45Z"),
            ("2026-03-07 02:11:45.5+01:00", "2026-03-07T01:11:45.5Z"),
        ] {
            let time: CheckedAt = text.parse().unwrap();
            assert_eq!(time.in_utc().unwrap().to_string(), instant);
            assert_eq!(time.to_string().parse::<CheckedAt>().unwrap().in_utc(), time.in_utc());
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_stumble(text in "[ -~\n]{0,300}", at in 0_usize..400) {
            let _ = SubmittedReport::read_yaml("report", &text);
            let cut = SHORT.len().min(at);
            let _ = SubmittedReport::read_yaml("report", &format!("{}{text}", &SHORT[..cut]));
        }
    }
}
