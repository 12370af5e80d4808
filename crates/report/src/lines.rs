//! Verdict lines, `testcase-id: VERDICT`, as check scripts print them.

use std::fmt::Write as _;

use crate::Report;
use crate::text::visible;

/// One line per testcase with a verdict of the deciding reading. Several subjects are set apart by comment
/// lines with their names.
pub fn lines(reports: &[Report]) -> String {
    let mut text = String::new();
    for report in reports {
        if reports.len() > 1 {
            let _ = writeln!(text, "# {}", visible(&report.subject.cloud));
        }
        for testcase in report.asked() {
            if let Some(verdict) = testcase.verdict(report.chosen.deciding()) {
                let _ = writeln!(text, "{}: {verdict}", visible(&testcase.id));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chosen;
    use crate::fixture;

    #[test]
    fn the_deciding_reading_gives_the_verdicts() {
        assert_eq!(
            lines(&[fixture::report()]),
            "scs-0100-syntax-check: PASS\n\
             scs-0103-flavor-4v-16: FAIL\n\
             scs-0102-prop-min_disk: PASS\n\
             scs-0114-syntax-check: ABORT\n\
             scs-0117-test-backup: MISS\n\
             x-<b>&\"check\": MISS\n"
        );
        let by_text = lines(&[Report { chosen: Chosen::Text, ..fixture::report() }]);
        assert!(by_text.contains("scs-0102-prop-min_disk: FAIL\n"));
        assert!(
            by_text.contains("scs-0102-license-flags: FAIL\n"),
            "a testcase of our own has a text reading"
        );
    }

    #[test]
    fn several_subjects_are_set_apart_and_no_name_makes_a_line() {
        let mut other = fixture::report();
        other.subject.cloud = "b\nscs-0100-syntax-check: PASS".to_owned();
        let text = lines(&[fixture::report(), other]);
        let heads: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(heads, ["# demo", "# b\\nscs-0100-syntax-check: PASS"]);
        assert_eq!(text.lines().count(), 2 + 2 * lines(&[fixture::report()]).lines().count());
    }
}
