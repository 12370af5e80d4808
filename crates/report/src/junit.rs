//! JUnit XML, as GitLab, GitHub actions and Jenkins show it.

use std::fmt::Write as _;
use std::time::Duration;

use assay_standards::Verdict;
use assay_testcases::{Finding, Reading, Weight};
use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use crate::text::{sentence, visible};
use crate::{Declared, RenderError, Report, TestcaseReport};

/// A suite per subject and in it a test per testcase, once, however many scope versions include it: viewers
/// tell tests by suite, class and name, and would count a testcase twice that stands in two suites.
/// The deciding reading decides, the other one is in the output of the test.
pub fn junit(reports: &[Report]) -> Result<String, RenderError> {
    let mut document = quick_junit::Report::new("assay");
    for report in reports {
        document.add_test_suite(suite(report));
    }
    Ok(document.to_string()?)
}

fn suite(report: &Report) -> TestSuite {
    let mut suite = TestSuite::new(subject(report));
    suite.timestamp = report.recorded_at.to_string().parse().ok();
    suite.set_time(Duration::from_micros(report.timings.wall_us));
    for (name, value) in properties(report) {
        suite.add_property(Property::new(name, &*visible(&value)));
    }
    suite.add_test_cases(report.testcases.iter().map(|testcase| test(report, testcase)));
    suite
}

fn subject(report: &Report) -> String {
    let cloud = visible(&report.subject.cloud);
    match &report.subject.region {
        Some(region) => format!("{cloud} ({})", visible(region)),
        None => cloud.into_owned(),
    }
}

fn properties(report: &Report) -> Vec<(String, String)> {
    let deciding = report.chosen.deciding();
    let mut properties = vec![
        ("tool".to_owned(), report.tool.clone()),
        ("scope".to_owned(), report.scope.name.clone()),
        ("reading".to_owned(), deciding.as_str().to_owned()),
        ("reference_date".to_owned(), report.reference_date.to_string()),
    ];
    for version in &report.versions {
        for target in &version.targets {
            let verdict = target.tally(deciding).verdict();
            properties.push((format!("{} {}", version.version, target.target), verdict.to_string()));
        }
    }
    if let Some(comparison) = &report.gate.comparison {
        properties.push(("baseline".to_owned(), comparison.counted()));
        let mended = comparison.mended.iter().map(|mended| ("mended".to_owned(), mended.words()));
        properties.extend(mended);
    }
    properties.extend(report.gate.remarks().map(|remark| ("waiver".to_owned(), remark)));
    properties
}

fn test(report: &Report, testcase: &TestcaseReport) -> TestCase {
    let deciding = report.chosen.deciding();
    let class = if testcase.standard.is_empty() { &report.scope.name } else { &testcase.standard };
    let mut test = TestCase::new(&*visible(&testcase.id), status(report, testcase, deciding));
    test.set_classname(&*visible(class)).set_time(Duration::ZERO);
    if let Some(text) = difference(report, testcase, deciding) {
        test.set_system_out(text);
    }
    for (name, value) in marks(report, testcase) {
        test.add_property(Property::new(name, &*value));
    }
    if let Some(declared) = &testcase.declared {
        test.add_property(Property::new("declared", declared.verdict.as_str()));
        test.set_system_out(declaration(report, testcase, declared, deciding));
    }
    test
}

/// What waivers and the earlier report say about the findings, and whether the exit code leaves all of them out.
fn marks(report: &Report, testcase: &TestcaseReport) -> Vec<(&'static str, String)> {
    let mut marks = Vec::new();
    if report.is_excused(testcase) {
        marks.push(("fails run", "no".to_owned()));
    }
    for (finding, mark) in report.marked(testcase) {
        if let Some(words) = mark.waiver_words() {
            marks.push(("waiver", format!("{}: {words}", sentence(finding))));
        }
        if let Some(news) = mark.news {
            marks.push((news.as_str(), sentence(finding)));
        }
    }
    marks
}

/// What a person stated and what proves it.
fn declaration(report: &Report, testcase: &TestcaseReport, declared: &Declared, deciding: Reading) -> String {
    let mut text = format!(
        "declared {} by {} on {}, counts through {} in the {} reading\n",
        declared.verdict,
        visible(&declared.signed()),
        declared.date,
        declared.through(deciding),
        deciding.as_str(),
    );
    for finding in report.findings(testcase) {
        let _ = writeln!(text, "{}", sentence(finding));
    }
    for (question, address) in declared.evidence() {
        let _ = writeln!(text, "evidence for {}: {}", visible(question), visible(address));
    }
    text
}

fn status(report: &Report, testcase: &TestcaseReport, deciding: Reading) -> TestCaseStatus {
    let skipped = |why: &str| {
        let mut status = TestCaseStatus::skipped();
        status.set_message(why);
        status
    };
    if testcase.manual {
        let Some(declared) = &testcase.declared else {
            return skipped("people decide this testcase, not a run");
        };
        // Neither a success nor a failure: viewers would show it as something that was run.
        let what = match testcase.is_declared(deciding) {
            true => format!("declared {}, not measured", declared.verdict),
            false => "what was declared does not count".to_owned(),
        };
        return skipped(&visible(&format!("{what}: {}, {}", declared.signed(), declared.date)));
    }
    match testcase.verdict(deciding) {
        None => skipped("the reference suite does not have this testcase"),
        Some(Verdict::Pass) => TestCaseStatus::success(),
        Some(Verdict::Miss) => {
            let why = report.findings(testcase).map(sentence).next();
            skipped(why.as_deref().unwrap_or("there is no result"))
        }
        Some(verdict @ (Verdict::Fail | Verdict::Abort)) => trouble(testcase, deciding, verdict),
    }
}

fn trouble(testcase: &TestcaseReport, deciding: Reading, verdict: Verdict) -> TestCaseStatus {
    let (kind, weight) = match verdict {
        Verdict::Abort => (NonSuccessKind::Error, Weight::Abort),
        _ => (NonSuccessKind::Failure, Weight::Failure),
    };
    let lines: Vec<String> = counting_in(testcase, deciding).map(sentence).collect();
    let mut decisive =
        counting_in(testcase, deciding).filter(|finding| finding.weight == weight).map(sentence);
    let message = match (decisive.next(), decisive.count()) {
        (None, _) => testcase.title.clone(),
        (Some(first), 0) => first,
        (Some(first), more) => format!("{first} (and {more} more)"),
    };
    let mut body = format!("{}\n\n{}\n", visible(&testcase.title), lines.join("\n"));
    for (label, text) in [
        ("Demanded by", format!("{} {}", testcase.standard, testcase.clause).trim()),
        ("Remedy", testcase.remedy.as_str()),
        ("See", testcase.url.as_deref().unwrap_or_default()),
    ] {
        if !text.is_empty() {
            let _ = write!(body, "\n{label}: {}", visible(text));
        }
    }
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(&*visible(&message)).set_type(verdict.as_str()).set_description(body);
    status
}

/// The verdict of the other reading and why, if it is another one.
fn difference(report: &Report, testcase: &TestcaseReport, deciding: Reading) -> Option<String> {
    let other = match deciding {
        Reading::Official => Reading::Text,
        Reading::Text => Reading::Official,
    };
    let verdict = report.verdict(testcase, other).filter(|_| !testcase.manual)?;
    if testcase.verdict(deciding) == Some(verdict) {
        return None;
    }
    let mut text = format!("{} reading: {verdict}\n", other.as_str());
    for why in &testcase.differences {
        let _ = writeln!(text, "{}", visible(why));
    }
    for finding in counting_in(testcase, other) {
        let _ = writeln!(text, "{}", sentence(finding));
    }
    Some(text)
}

fn counting_in(testcase: &TestcaseReport, reading: Reading) -> impl Iterator<Item = &Finding> {
    testcase.findings.iter().filter(move |finding| finding.readings.include(reading))
}

#[cfg(test)]
mod tests {
    use quick_junit::Report as Document;

    use super::*;
    use crate::Chosen;
    use crate::fixture;

    fn read_back(reports: &[Report]) -> Document {
        Document::deserialize_from_str(&junit(reports).unwrap()).unwrap()
    }

    fn find<'a>(document: &'a Document, id: &str) -> &'a TestCase {
        document.test_suites[0].test_cases.iter().find(|test| test.name.as_str() == id).unwrap()
    }

    #[test]
    fn the_document_keeps_its_shape() {
        insta::assert_snapshot!(junit(&[fixture::report()]).unwrap());
    }

    #[test]
    fn the_deciding_reading_decides() {
        let document = read_back(&[fixture::report()]);
        assert!(matches!(find(&document, fixture::FAILS_BY_TEXT).status, TestCaseStatus::Success { .. }));
        assert!(find(&document, fixture::FAILS_BY_TEXT).system_out.is_some());
        assert!(matches!(
            find(&document, fixture::ABORTS).status,
            TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. }
        ));
        for skipped in [fixture::MISSES, fixture::MANUAL, fixture::OWN] {
            assert!(matches!(find(&document, skipped).status, TestCaseStatus::Skipped { .. }), "{skipped}");
        }

        let by_text = read_back(&[Report { chosen: Chosen::Text, ..fixture::report() }]);
        for failed in [fixture::FAILS, fixture::FAILS_BY_TEXT, fixture::OWN] {
            assert!(
                matches!(
                    find(&by_text, failed).status,
                    TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. }
                ),
                "{failed}"
            );
        }
    }

    #[test]
    fn what_people_declare_is_neither_a_success_nor_a_failure() {
        for (chosen, id, said) in [
            (
                Chosen::Official,
                fixture::DECLARED,
                "declared PASS, not measured: Jane Doe, Head of Operations",
            ),
            (Chosen::Official, fixture::DECLARED_FAIL, "what was declared does not count"),
            (Chosen::Text, fixture::DECLARED_FAIL, "declared FAIL, not measured"),
        ] {
            let document = read_back(&[Report { chosen, ..fixture::report() }]);
            let test = find(&document, id);
            let TestCaseStatus::Skipped { message: Some(message), .. } = &test.status else {
                panic!("{id} is not skipped: {:?}", test.status)
            };
            assert!(message.as_str().contains(said), "{message:?}");
            assert_eq!(test.properties[0].name.as_str(), "declared");
            assert!(test.system_out.as_ref().unwrap().as_str().contains("evidence for"), "{test:?}");
        }
    }

    #[test]
    fn counts_add_up_over_subjects() {
        let document = read_back(&[fixture::report(), fixture::report()]);
        let suite = &document.test_suites[0];
        assert_eq!(document.tests, 2 * fixture::report().testcases.len());
        assert_eq!((document.failures, document.errors), (2 * suite.failures, 2 * suite.errors));
        assert_eq!(suite.failures, fixture::report().tally(Reading::Official).fail);
        assert_eq!(suite.errors, fixture::report().tally(Reading::Official).abort);
        assert!(suite.timestamp.is_some());
    }

    #[test]
    fn no_name_can_break_the_xml() {
        let text = junit(&[fixture::report()]).unwrap();
        let is_xml_1_0 = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        assert_eq!(text.chars().find(|&c| !is_xml_1_0(c)), None);
        assert!(!text.contains("<script"));
        assert!(!text.contains('\u{202e}'), "a mark of text direction can make a name look like another");
    }
}
