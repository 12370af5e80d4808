//! The report that the reference checker writes and the compliance monitor accepts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use assay_standards::Verdict;
use assay_testcases::{Finding, Reading, Readings, Weight};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::text::{name_and_version, sentence, visible};
use crate::yaml::{Node, write_document};
use crate::{Report, TestcaseReport};

/// The severities of log lines, in the order of the report.
pub(crate) const SEVERITIES: [&str; 4] = ["info", "warning", "error", "critical"];

/// How the command ends whose results people stated.
pub(crate) const STATED_BY_PEOPLE: &str = "declare: stated by people, not measured";

/// One YAML document per subject. Results are those of the official reading, whatever readings were asked
/// for, because certificates hang on them; testcases that the reference suite lacks are left out.
pub fn official_yaml(reports: &[Report]) -> String {
    let mut out = String::new();
    for report in reports {
        write_document(&mut out, &document(report));
    }
    out
}

fn document(report: &Report) -> Node {
    let invocations = Node::Map(
        invocations(report).iter().map(|invocation| (invocation.id.to_string(), invocation.node())).collect(),
    );
    let assignment =
        report.assignment.iter().map(|(name, value)| (name.clone(), Node::text(value))).collect();
    let audience = report.audience.as_ref().map(|audience| ("audience", Node::text(audience)));
    let parts = [
        (
            "spec",
            Node::map([
                ("uuid", Node::text(&report.scope.uuid)),
                ("name", Node::text(&report.scope.name)),
                ("url", Node::text(&report.scope.url)),
            ]),
        ),
        ("checked_at", Node::Time(naive(report.checked_at))),
        ("reference_date", Node::Time(report.reference_date.to_string())),
        ("subject", Node::text(&report.subject.cloud)),
        // The reference checker has no such key, and its monitor passes over what it does not know.
        ("creator", Node::text(&report.tool)),
        (
            "run",
            Node::map([
                ("uuid", Node::text(report.run_id.to_string())),
                ("argv", Node::texts(&report.arguments)),
                ("assignment", Node::Map(assignment)),
                ("sections", Node::Null),
                ("forced_version", Node::or_null(report.forced_version.as_ref())),
                ("forced_tests", Node::or_null(report.forced_testcases.as_ref())),
                ("invocations", invocations),
            ]),
        ),
    ];
    Node::map(parts.into_iter().chain(audience))
}

/// The reference checker starts several scripts, each an invocation of its own; here all that is measured is
/// one. What people declared is another one that says so, because the format knows no better place: a reader
/// who takes results without a look at their invocation has them as in any other report.
fn invocations(report: &Report) -> Vec<Invocation<'_>> {
    let measured: Vec<_> = officials(report).collect();
    let log = measured.iter().flat_map(|(testcase, verdict)| log_lines(report, testcase, *verdict)).collect();
    let mut invocations = vec![Invocation {
        id: invocation_id(report.run_id, MEASURED),
        cmd: command(report),
        results: measured,
        log,
    }];
    let declared: Vec<_> = declared(report).collect();
    if !declared.is_empty() {
        let log = declared.iter().flat_map(|(testcase, _)| declared_lines(testcase)).collect();
        invocations.push(Invocation {
            id: invocation_id(report.run_id, DECLARED),
            cmd: format!("{} {STATED_BY_PEOPLE}", name_and_version(&report.tool).0),
            results: declared,
            log,
        });
    }
    invocations
}

struct Invocation<'r> {
    id: Uuid,
    cmd: String,
    results: Vec<(&'r TestcaseReport, Verdict)>,
    log: Vec<String>,
}

impl Invocation<'_> {
    fn node(&self) -> Node {
        let results: BTreeMap<&str, i8> = self
            .results
            .iter()
            .filter_map(|(testcase, verdict)| Some((testcase.id.as_str(), verdict.code()?)))
            .collect();
        let stdout: Vec<String> = self
            .results
            .iter()
            .filter(|(_, verdict)| verdict.code().is_some())
            .map(|(testcase, verdict)| format!("{}: {verdict}", testcase.id))
            .collect();
        let count = |severity: &str| {
            let begins = |line: &&String| {
                line.get(..severity.len()).is_some_and(|start| start.eq_ignore_ascii_case(severity))
            };
            let count = stdout.iter().chain(&self.log).filter(begins).count();
            Node::Int(i64::try_from(count).unwrap_or(i64::MAX))
        };
        let [info, warning, error, critical] = SEVERITIES;
        Node::map([
            ("id", Node::Text(self.id.to_string())),
            ("cmd", Node::text(&self.cmd)),
            (
                "results",
                Node::Map(
                    results.into_iter().map(|(id, code)| (id.to_owned(), Node::Int(code.into()))).collect(),
                ),
            ),
            ("rc", Node::Int(0)),
            ("stdout", Node::texts(&stdout)),
            ("stderr", Node::texts(&self.log)),
            (info, count(info)),
            (warning, count(warning)),
            (error, count(error)),
            (critical, count(critical)),
        ])
    }
}

/// The testcases that people declared, as long as that counts officially.
fn declared(report: &Report) -> impl Iterator<Item = (&TestcaseReport, Verdict)> {
    report
        .testcases
        .iter()
        .filter(|testcase| !testcase.own && testcase.is_declared(Reading::Official))
        .filter_map(|testcase| Some((testcase, testcase.official?)))
}

/// Who declared it and what proves it, as log lines. The first one is a warning, because the monitor shows
/// those to everyone: nobody shall take for measured what is not.
fn declared_lines(testcase: &TestcaseReport) -> Vec<String> {
    let Some(declared) = &testcase.declared else { return Vec::new() };
    let id = &testcase.id;
    let mut lines =
        vec![format!("WARNING: {id}: declared, not measured: {}, {}", declared.signed(), declared.date)];
    let counting = |finding: &&Finding| finding.readings.include(Reading::Official);
    for finding in testcase.findings.iter().filter(counting) {
        let severity = if finding.weight == Weight::Failure { "ERROR" } else { "INFO" };
        lines.push(format!("{severity}: {id}: {}", sentence(finding)));
    }
    let evidence = declared.evidence();
    lines.extend(evidence.map(|(question, address)| format!("INFO: {id}: {question}: {address}")));
    lines.iter().map(|line| harmless(line)).collect()
}

/// The testcases that the official report speaks of.
fn officials(report: &Report) -> impl Iterator<Item = (&TestcaseReport, Verdict)> {
    report
        .asked()
        .filter(|testcase| !testcase.own)
        .filter_map(|testcase| Some((testcase, testcase.verdict(Reading::Official)?)))
}

/// What was seen, as log lines. The monitor shows warnings and errors to everyone, the rest to the subject
/// alone; so what the text asks beyond the official verdict is mere information here.
fn log_lines(report: &Report, testcase: &TestcaseReport, verdict: Verdict) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in &testcase.findings {
        let is_official = finding.readings.include(Reading::Official);
        if !is_official && !report.chosen.shows_text() {
            continue;
        }
        let severity = match finding.weight {
            _ if !is_official => "INFO",
            Weight::Failure => "ERROR",
            Weight::Abort => "CRITICAL",
            Weight::Note if verdict == Verdict::Miss => "WARNING",
            Weight::Note => "INFO",
        };
        let reading = if finding.readings == Readings::Text { "by the text of the standard: " } else { "" };
        lines.push(harmless(&format!("{severity}: {}: {reading}{}", testcase.id, sentence(finding))));
    }
    lines
}

/// A line without line breaks and without markup: monitors are known to put log lines and commands into
/// public pages as they are, and names come from clouds.
fn harmless(line: &str) -> String {
    visible(line).replace('<', "\\u{3c}")
}

/// Instant in UTC, without a zone, as the format has it.
fn naive(instant: Timestamp) -> String {
    instant.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// What makes the ids of the invocations out of that of the run. The bits stay clear that make it a random UUID
/// (RFC 9562, version 4).
pub(crate) const MEASURED: u128 = 0x5f3a_91c2_6be4_0d97_0a6d_31f8_c457_e29b;
pub(crate) const DECLARED: u128 = 0x91d7_0c4e_a85b_0362_1e94_7b20_5df3_86ac;

/// The id of an invocation, such that rendering twice gives the same bytes.
pub(crate) fn invocation_id(run: Uuid, mask: u128) -> Uuid {
    Uuid::from_u128(run.as_u128() ^ mask)
}

/// The command line, for display.
fn command(report: &Report) -> String {
    let mut command = name_and_version(&report.tool).0.to_owned();
    for argument in &report.arguments {
        let is_plain = !argument.is_empty()
            && argument.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c));
        let _ = if is_plain {
            write!(command, " {argument}")
        } else {
            write!(command, " '{}'", argument.replace('\'', r"'\''"))
        };
    }
    harmless(&command)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::Value;

    use super::*;
    use crate::fixture;

    fn read(text: &str) -> Value {
        serde_saphyr::from_str(text).unwrap()
    }

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    /// The invocation of what was measured.
    fn measured(document: &Value) -> (&str, &Value) {
        let invocations = document["run"]["invocations"].as_object().unwrap();
        let is_declared = |invocation: &&Value| invocation["cmd"].as_str().unwrap().contains("not measured");
        assert!(invocations.values().filter(|one| !is_declared(one)).count() == 1);
        let (id, invocation) = invocations.iter().find(|(_, one)| !is_declared(one)).unwrap();
        (id, invocation)
    }

    #[test]
    fn whoever_it_is_meant_for_is_in_it() {
        let meant = Report { audience: Some("https://m.example.com/".into()), ..fixture::report() };
        assert_eq!(read(&official_yaml(&[meant]))["audience"], "https://m.example.com/");
        assert!(read(&official_yaml(&[fixture::report()])).get("audience").is_none());
    }

    #[test]
    fn the_document_keeps_its_shape() {
        insta::assert_snapshot!(official_yaml(&[fixture::report()]));
    }

    #[test]
    fn it_has_the_keys_and_types_of_the_format() {
        let document = read(&official_yaml(&[fixture::report()]));
        let sorted = |keys: &[&'static str]| keys.iter().copied().collect::<BTreeSet<_>>();
        let set = |value: &Value| keys(value).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
        for (value, expected) in [
            // The reference checker does not say who it is.
            (&document, sorted(&["spec", "checked_at", "reference_date", "subject", "creator", "run"])),
            (&document["spec"], sorted(&["uuid", "name", "url"])),
            (
                &document["run"],
                sorted(&[
                    "uuid",
                    "argv",
                    "assignment",
                    "sections",
                    "forced_version",
                    "forced_tests",
                    "invocations",
                ]),
            ),
            (
                measured(&document).1,
                sorted(&[
                    "id", "cmd", "results", "rc", "stdout", "stderr", "info", "warning", "error", "critical",
                ]),
            ),
        ] {
            assert_eq!(set(value), expected.into_iter().map(str::to_owned).collect());
        }
        let (id, invocation) = measured(&document);
        assert_eq!(invocation["id"], id);
        assert_eq!(Uuid::parse_str(id).unwrap().get_version_num(), 4);
        assert_ne!(document["run"]["uuid"], id);
        assert!(
            invocation["results"]
                .as_object()
                .unwrap()
                .values()
                .all(|code| { code.as_i64().is_some_and(|code| (-1..=1).contains(&code)) })
        );
        assert_eq!(invocation["rc"], 0);
        assert!(document["run"]["sections"].is_null());
    }

    /// The keys on every level and the kinds of their values, but for those that are null at times or ours alone.
    fn shape(document: &Value) -> Vec<(String, std::mem::Discriminant<Value>)> {
        let levels = [document, &document["spec"], &document["run"], measured(document).1];
        // The reference checker does not say who it is.
        let apart = ["forced_version", "forced_tests", "sections", "creator"];
        levels
            .into_iter()
            .flat_map(|level| level.as_object().unwrap())
            .filter(|(key, _)| !apart.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), std::mem::discriminant(value)))
            .collect()
    }

    #[test]
    fn reports_of_the_reference_checker_have_the_same_shape() {
        // In the folder beside the checkout that development machines have.
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/compat/reports");
        let ours = shape(&read(&official_yaml(&[fixture::report()])));
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            assert_eq!(shape(&read(&std::fs::read_to_string(&path).unwrap())), ours, "{}", path.display());
        }
    }

    #[test]
    fn results_are_official_and_miss_and_own_testcases_are_absent() {
        let report = Report { chosen: crate::Chosen::Text, ..fixture::report() };
        let document = read(&official_yaml(&[report]));
        let (_, invocation) = measured(&document);
        let results = &invocation["results"];
        assert_eq!(results[fixture::PASSES], 1);
        assert_eq!(results[fixture::FAILS], -1);
        assert_eq!(results[fixture::FAILS_BY_TEXT], 1, "the text must not decide");
        assert_eq!(results[fixture::ABORTS], 0);
        for absent in [fixture::MISSES, fixture::MANUAL, fixture::OWN, fixture::DECLARED] {
            assert!(results.get(absent).is_none(), "{absent}");
        }
        let stdout: BTreeMap<&str, &str> = invocation["stdout"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap().split_once(": ").unwrap())
            .collect();
        assert_eq!(stdout.len(), results.as_object().unwrap().len());
        for (id, word) in stdout {
            assert_eq!(results[id], word.parse::<Verdict>().unwrap().code().unwrap(), "{id}");
        }
    }

    #[test]
    fn what_people_declare_is_an_invocation_of_its_own_as_long_as_it_counts() {
        let mut report = fixture::report();
        let declared_of = |report: &Report| {
            let document = read(&official_yaml(std::slice::from_ref(report)));
            let (id, _) = measured(&document);
            let mut invocations = document["run"]["invocations"].as_object().unwrap().clone();
            invocations.remove(id);
            assert!(invocations.len() <= 1);
            invocations.into_iter().next()
        };
        let (id, invocation) = declared_of(&report).unwrap();
        assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 4);
        assert_eq!(invocation["id"], id);
        assert_eq!(invocation["cmd"], "assay declare: stated by people, not measured");
        assert_eq!(
            invocation["results"],
            serde_json::json!({ fixture::DECLARED: 1 }),
            "the other is too old"
        );
        let lines: Vec<&str> =
            invocation["stderr"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        assert!(lines[0].starts_with("WARNING: key-manager-docs-check: declared, not measured: Jane Doe"));
        assert!(lines.iter().all(|line| !line.contains(['\n', '<']) && !line.contains("jane@example.org")));
        assert_eq!((&invocation["warning"], &invocation["info"]), (&1.into(), &3.into()), "{lines:#?}");

        for testcase in &mut report.testcases {
            if testcase.id == fixture::DECLARED {
                testcase.official = Some(Verdict::Miss);
            }
        }
        assert_eq!(declared_of(&report), None);
    }

    #[test]
    fn counts_match_the_lines() {
        let document = read(&official_yaml(&[fixture::report()]));
        let (_, invocation) = measured(&document);
        let lines: Vec<&str> =
            invocation["stderr"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        for severity in SEVERITIES {
            let prefix = format!("{}:", severity.to_uppercase());
            let count = lines.iter().filter(|line| line.starts_with(&prefix)).count();
            assert_eq!(invocation[severity], count, "{severity}");
            assert!(count > 0, "the fixture has no {severity} line");
        }
        assert!(
            lines.iter().all(|line| !line.contains(['\n', '<'])),
            "monitors show these lines as they are"
        );
        assert!(!invocation["cmd"].as_str().unwrap().contains(['\n', '<']));
        assert!(
            lines.iter().all(|line| !line.contains(fixture::OWN)),
            "own testcases are nobody else's business"
        );
    }

    #[test]
    fn instants_are_naive_utc_with_microseconds() {
        for (instant, written) in [
            ("2026-11-22T02:18:01.324258Z", "2026-11-22 02:18:01.324258"),
            ("2026-11-22T02:18:01+02:00", "2026-11-22 00:18:01.000000"),
        ] {
            assert_eq!(naive(instant.parse().unwrap()), written);
        }
    }

    #[test]
    fn every_subject_has_a_document_of_its_own() {
        let mut other = fixture::report();
        other.subject.cloud = "yes".to_owned();
        let text = official_yaml(&[fixture::report(), other]);
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[1]["subject"], "yes");
        assert!(text.contains("\nsubject: 'yes'\n"));
        assert!(text.starts_with("---\nspec:\n"));
        assert_eq!(official_yaml(&[]), "");
    }
}
