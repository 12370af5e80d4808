//! The text format of Prometheus (0.0.4), as a textfile collector or a push gateway takes it.

use std::fmt::Write as _;

use assay_standards::Verdict;
use assay_testcases::Reading;
use jiff::Timestamp;

use crate::text::{name_and_version, visible};
use crate::{Report, Tally, TestcaseReport};

/// What a verdict is as a number, as in the official report; a MISS is no sample.
const RESULT: &str = "1 PASS, 0 ABORT, -1 FAIL; none if MISS";

/// A gauge per testcase and reading, per target and reading, and how fresh it is. Samples have no timestamps,
/// because textfile collectors refuse them; the time of the check is a gauge of its own.
pub fn prometheus(reports: &[Report]) -> String {
    let reports = newest(reports);
    let mut page = Page::default();
    page.family("assay_check_info", "Who checked: program and version.");
    for report in &reports {
        let (name, version) = name_and_version(&report.tool);
        page.sample(report, &[("tool", name), ("tool_version", version.unwrap_or_default())], "1");
    }
    page.family("assay_check_timestamp_seconds", "When the check was made, in seconds since 1970.");
    for report in &reports {
        page.sample(report, &[], &seconds(report.checked_at));
    }
    page.family("assay_facts_timestamp_seconds", "When the facts were recorded, in seconds since 1970.");
    for report in &reports {
        page.sample(report, &[], &seconds(report.recorded_at));
    }
    page.family("assay_facts_unavailable", "Facts that could not be had.");
    for report in &reports {
        page.sample(report, &[], &report.unavailable.len().to_string());
    }
    page.family("assay_leftovers", "What was created in the cloud and could not be taken down.");
    for report in &reports {
        page.sample(report, &[], &report.leftovers.len().to_string());
    }
    page.family("assay_testcases", "Testcases that the run was asked for, by verdict.");
    for report in &reports {
        for reading in readings(report) {
            page.tally(report, &[("reading", reading.as_str())], report.tally(reading));
        }
    }
    page.family("assay_target_testcases", "Testcases of a target, by verdict.");
    for report in &reports {
        for (labels, tally) in targets(report) {
            page.tally(report, &labels, tally);
        }
    }
    page.family("assay_target_result", &format!("What a target came to: {RESULT}."));
    for report in &reports {
        for (labels, tally) in targets(report) {
            page.result(report, &labels, tally.verdict());
        }
    }
    page.family("assay_testcase_result", &format!("What a testcase came to: {RESULT}."));
    for report in &reports {
        results(&mut page, report, |testcase| !testcase.manual);
    }
    page.family("assay_declared_result", &format!("What people declared about a testcase: {RESULT}."));
    for report in &reports {
        results(&mut page, report, |testcase| testcase.declared.is_some());
    }
    page.text
}

/// The targets in each reading, with the labels that tell them apart.
fn targets(report: &Report) -> impl Iterator<Item = ([(&'static str, &str); 3], Tally)> {
    let targets = report
        .versions
        .iter()
        .flat_map(|version| version.targets.iter().map(move |target| (version.version.as_str(), target)));
    targets.flat_map(move |(version, target)| {
        readings(report).map(move |reading| {
            let labels =
                [("version", version), ("target", target.target.as_str()), ("reading", reading.as_str())];
            (labels, target.tally(reading))
        })
    })
}

/// The results of the testcases that are wanted, in each reading.
fn results(page: &mut Page, report: &Report, is_wanted: impl Fn(&TestcaseReport) -> bool) {
    for testcase in report.testcases.iter().filter(|testcase| is_wanted(testcase)) {
        for reading in readings(report) {
            if let Some(verdict) = testcase.verdict(reading) {
                let labels = [("testcase", testcase.id.as_str()), ("reading", reading.as_str())];
                page.result(report, &labels, verdict);
            }
        }
    }
}

/// The newest report of each region and scope: no series may be there twice.
fn newest(reports: &[Report]) -> Vec<&Report> {
    let mut newest: Vec<&Report> = Vec::new();
    for report in reports {
        match newest.iter_mut().find(|other| place(other) == place(report)) {
            Some(other) if other.checked_at <= report.checked_at => *other = report,
            Some(_) => {}
            None => newest.push(report),
        }
    }
    newest
}

fn place(report: &Report) -> [String; 3] {
    let region = report.subject.region.as_deref().unwrap_or_default();
    [report.subject.cloud.as_str(), region, report.scope.name.as_str()].map(|name| visible(name).into_owned())
}

fn readings(report: &Report) -> impl Iterator<Item = Reading> + use<> {
    let chosen = report.chosen;
    Reading::ALL.into_iter().filter(move |reading| chosen.includes(*reading))
}

/// Seconds with as many digits as there are.
fn seconds(instant: Timestamp) -> String {
    let (whole, part) = (instant.as_second(), instant.subsec_nanosecond());
    match part {
        1.. => format!("{whole}.{part:09}").trim_end_matches('0').to_owned(),
        _ => whole.to_string(),
    }
}

/// The text in the making.
#[derive(Default)]
struct Page {
    text: String,
    family: &'static str,
}

impl Page {
    /// Begins a family; all its samples have to follow.
    fn family(&mut self, name: &'static str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge");
        self.family = name;
    }

    fn sample(&mut self, report: &Report, labels: &[(&'static str, &str)], value: &str) {
        let [subject, region, scope] = place(report);
        let _ = write!(self.text, "{}{{subject=\"{}\"", self.family, escaped(&subject));
        for (name, text) in [("region", region.as_str()), ("scope", scope.as_str())].iter().chain(labels) {
            // A label without text is none, and some readers complain about it.
            if !text.is_empty() {
                let _ = write!(self.text, ",{name}=\"{}\"", escaped(text));
            }
        }
        let _ = writeln!(self.text, "}} {value}");
    }

    fn result(&mut self, report: &Report, labels: &[(&'static str, &str)], verdict: Verdict) {
        let value = match verdict {
            Verdict::Pass => "1",
            Verdict::Abort => "0",
            Verdict::Fail => "-1",
            Verdict::Miss => return,
        };
        self.sample(report, labels, value);
    }

    fn tally(&mut self, report: &Report, labels: &[(&'static str, &str)], tally: Tally) {
        for (verdict, count) in
            [("PASS", tally.pass), ("FAIL", tally.fail), ("ABORT", tally.abort), ("MISS", tally.miss)]
        {
            let labels = [labels, &[("verdict", verdict)]].concat();
            self.sample(report, &labels, &count.to_string());
        }
    }
}

/// A name as the value of a label.
fn escaped(text: &str) -> String {
    visible(text).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::{Chosen, fixture};

    type Labels = BTreeMap<String, String>;

    /// Reads the format as strictly as its description allows: families with help and type before their samples and
    /// in one piece, names and escapes as they are defined, no series twice.
    fn read(text: &str) -> Vec<(String, Labels, f64)> {
        let (mut samples, mut families, mut series) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        let mut family = "";
        let mut lines = text.lines();
        assert!(text.is_empty() || text.ends_with('\n') && !text.contains('\r'));
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                family = help.split_once(' ').unwrap().0;
                assert!(families.insert(family), "{family} comes twice");
                assert_eq!(lines.next(), Some(&*format!("# TYPE {family} gauge")));
                continue;
            }
            let (name, rest) = line.split_once('{').unwrap();
            assert_eq!(name, family);
            let (labels, rest) = labels(rest);
            let value = rest.strip_prefix(' ').unwrap().parse().unwrap();
            assert!(series.insert((name, labels.clone())), "{line} comes twice");
            samples.push((name.to_owned(), labels, value));
        }
        samples
    }

    fn labels(mut rest: &str) -> (Labels, &str) {
        let mut labels = Labels::new();
        loop {
            let (name, text) = rest.split_once("=\"").unwrap();
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            let (mut value, mut characters) = (String::new(), text.chars());
            loop {
                match characters.next().unwrap() {
                    '"' => break,
                    '\\' => value.push(match characters.next().unwrap() {
                        'n' => '\n',
                        it @ ('\\' | '"') => it,
                        other => panic!("\\{other} is no escape"),
                    }),
                    other => value.push(other),
                }
            }
            assert!(!value.is_empty());
            assert_eq!(labels.insert(name.to_owned(), value), None, "{name} comes twice");
            let after = characters.as_str();
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                None => return (labels, after.strip_prefix('}').unwrap()),
            }
        }
    }

    fn value(samples: &[(String, Labels, f64)], family: &str, wanted: &[(&str, &str)]) -> Option<f64> {
        let is_wanted = |labels: &Labels| {
            wanted.iter().all(|(name, value)| labels.get(*name).is_some_and(|it| it == value))
        };
        samples.iter().find(|(name, labels, _)| name == family && is_wanted(labels)).map(|(.., value)| *value)
    }

    #[test]
    fn the_page_keeps_its_shape() {
        insta::assert_snapshot!(prometheus(&[fixture::report()]));
    }

    #[test]
    fn readings_and_verdicts_are_told_apart() {
        let samples = read(&prometheus(&[fixture::report()]));
        let result = |testcase, reading| {
            value(&samples, "assay_testcase_result", &[("testcase", testcase), ("reading", reading)])
        };
        assert_eq!(result(fixture::PASSES, "official"), Some(1.0));
        assert_eq!(result(fixture::FAILS_BY_TEXT, "official"), Some(1.0));
        assert_eq!(result(fixture::FAILS_BY_TEXT, "text"), Some(-1.0));
        assert_eq!(result(fixture::ABORTS, "official"), Some(0.0));
        assert_eq!(result(fixture::MISSES, "official"), None);
        assert_eq!(result(fixture::OWN, "official"), None);
        assert_eq!(result(fixture::UNKNOWN, "text"), None, "a MISS is no sample");
        assert_eq!(result(fixture::DECLARED, "official"), None, "nobody measured it");
        let declared = value(&samples, "assay_declared_result", &[("testcase", fixture::DECLARED)]);
        assert_eq!(declared, Some(1.0));
        let main = [("version", "v5.1"), ("target", "main"), ("reading", "text")];
        assert_eq!(value(&samples, "assay_target_result", &main), Some(-1.0));
        let failed = [&main[..], &[("verdict", "FAIL")]].concat();
        assert_eq!(value(&samples, "assay_target_testcases", &failed), Some(3.0));
        let at = value(&samples, "assay_check_timestamp_seconds", &[("region", "RegionOne")]).unwrap();
        assert!((at - 1_795_313_881.324_258).abs() < 1e-3, "{at}");

        let official = prometheus(&[Report { chosen: Chosen::Official, ..fixture::report() }]);
        assert!(!official.contains("reading=\"text\"") && official.contains("reading=\"official\""));
    }

    #[test]
    fn no_name_makes_a_line_and_no_series_comes_twice() {
        let mut other = fixture::report();
        other.subject.cloud = fixture::HOSTILE.to_owned();
        other.subject.region = None;
        other.checked_at = "2026-11-23T00:00:00Z".parse().unwrap();
        let newer = Report { chosen: Chosen::Text, ..other.clone() };
        let samples = read(&prometheus(&[fixture::report(), newer, fixture::report(), other.clone()]));
        let subject = visible(fixture::HOSTILE);
        assert!(samples.iter().any(|(_, labels, _)| labels["subject"] == subject));
        let official = value(&samples, "assay_testcases", &[("subject", &*subject), ("reading", "official")]);
        assert!(official.is_some(), "of two of the same time the later one counts");
        assert_eq!(read(&prometheus(&[])).len(), 0);
    }
}
