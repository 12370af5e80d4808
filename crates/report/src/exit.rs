use assay_standards::Verdict;

use crate::Report;

/// How a run ends, as the shell sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExitCode {
    /// Everything that was asked for conforms.
    Conforms = 0,
    /// A testcase failed.
    Failed = 1,
    /// Something could not be determined.
    Undetermined = 3,
    /// Something that was created could not be taken down.
    Leftovers = 4,
    /// The user ended the run.
    Interrupted = 130,
}

impl ExitCode {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Over the testcases that the runs were asked for: any FAIL, else any MISS or ABORT, else none of these.
    /// A report without such testcases determines nothing. What was left behind counts more than verdicts,
    /// because somebody must see to it. Failures that are waived or known count for nothing.
    pub fn of<'r>(reports: impl IntoIterator<Item = &'r Report>) -> Self {
        let reports: Vec<&Report> = reports.into_iter().collect();
        if reports.iter().any(|report| !report.leftovers.is_empty()) {
            return ExitCode::Leftovers;
        }
        let mut exit = ExitCode::Conforms;
        for report in reports {
            if report.asked().next().is_none() {
                // Nothing but testcases that people decide: nothing was determined.
                exit = ExitCode::Undetermined;
            }
            match report.gated_tally().verdict() {
                Verdict::Fail => return ExitCode::Failed,
                Verdict::Miss | Verdict::Abort => exit = ExitCode::Undetermined,
                Verdict::Pass => {}
            }
        }
        exit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::{Chosen, TestcaseReport};

    fn report(verdicts: &[(Option<Verdict>, Verdict)]) -> Report {
        let template = fixture::report();
        let testcases = verdicts
            .iter()
            .map(|&(official, text)| TestcaseReport { official, text, ..template.testcases[0].clone() })
            .collect();
        Report { testcases, ..template }
    }

    #[test]
    fn any_fail_then_anything_undetermined_then_success() {
        use Verdict::{Abort, Fail, Miss, Pass};
        let code = |verdicts: &[Verdict]| {
            let verdicts: Vec<_> = verdicts.iter().map(|&verdict| (Some(verdict), Pass)).collect();
            ExitCode::of(&[report(&verdicts)]).code()
        };
        for (verdicts, expected) in [
            (&[][..], 3),
            (&[Pass, Pass], 0),
            (&[Pass, Abort], 3),
            (&[Miss, Pass], 3),
            (&[Abort, Miss, Fail, Pass], 1),
        ] {
            assert_eq!(code(verdicts), expected, "{verdicts:?}");
        }
    }

    #[test]
    fn one_subject_is_enough_to_fail() {
        let of = |verdict| report(&[(Some(verdict), verdict)]);
        let (pass, abort, fail) = (of(Verdict::Pass), of(Verdict::Abort), of(Verdict::Fail));
        assert_eq!(ExitCode::of([&pass, &abort]), ExitCode::Undetermined);
        assert_eq!(ExitCode::of([&abort, &fail, &pass]), ExitCode::Failed);
        assert_eq!(ExitCode::of([]), ExitCode::Conforms);
    }

    #[test]
    fn only_the_deciding_reading_and_what_a_run_can_decide_count() {
        let mut mixed = report(&[(Some(Verdict::Pass), Verdict::Fail), (None, Verdict::Fail)]);
        assert_eq!(ExitCode::of([&mixed]), ExitCode::Conforms);
        mixed.chosen = Chosen::Text;
        assert_eq!(ExitCode::of([&mixed]), ExitCode::Failed);
        for testcase in &mut mixed.testcases {
            testcase.manual = true;
        }
        assert_eq!(ExitCode::of([&mixed]), ExitCode::Undetermined, "nothing is left that a run can decide");
    }
}
