//! The result of a check: verdicts first, then what failed, what could not be judged, and where the readings differ.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use assay_report::{Declared, Mark, Report, TestcaseReport};
use assay_standards::Verdict;
use assay_standards::scope::Version;
use assay_testcases::{Finding, Reading, Readings, Resource, Weight};

use super::layout::{Table, painted, plain, printable, wrapped};
use super::style;
use unicode_width::UnicodeWidthStr as _;

/// How much is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Columns.
    pub(crate) width: usize,
    /// Every finding, not just the first few of a testcase.
    pub(crate) all: bool,
    /// How long each fact took.
    pub(crate) timings: bool,
}

/// Findings shown per testcase, unless all are wanted.
const SHOWN: usize = 4;
/// As many testcases with one reason are counted instead of named.
const MANY: usize = 20;
/// Under the id of a testcase.
const INDENT: &str = "        ";

/// The report as text with colours.
pub(crate) fn report(report: &Report, options: Options) -> String {
    let mut view = View { report, options, text: String::new() };
    view.head();
    view.summary();
    view.failures();
    view.waivers();
    view.comparison();
    view.declared();
    view.undecided(Verdict::Abort, "Could not be judged");
    view.undecided(Verdict::Miss, "Not tried");
    view.differences();
    view.leftovers();
    view.timings();
    view.foot();
    view.text
}

struct View<'r> {
    report: &'r Report,
    options: Options,
    text: String,
}

impl View<'_> {
    fn deciding(&self) -> Reading {
        self.report.chosen.deciding()
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn heading(&mut self, title: &str) {
        self.line("");
        self.line(&style::bold(title));
    }

    fn head(&mut self) {
        let report = self.report;
        let mut place = printable(&report.subject.cloud);
        if let Some(region) = &report.subject.region {
            let _ = write!(place, " ({})", printable(region));
        }
        self.line(&format!("{} · {} · {}", style::bold(place), report.scope.name, report.reference_date));
        let seen = report.recorded_at.strftime("%Y-%m-%d %H:%M UTC");
        let at = report
            .subject
            .auth_url
            .as_deref()
            .map(|url| format!(" at {}", printable(url)))
            .unwrap_or_default();
        let judged = match report.judged_at == report.recorded_at {
            true => String::new(),
            false => format!(", judged as of {}", report.judged_at.strftime("%Y-%m-%d %H:%M UTC")),
        };
        self.line(&style::dim(format!("seen {seen}{at}{judged}")));
    }

    fn leftovers(&mut self) {
        if self.report.leftovers.is_empty() {
            return;
        }
        self.heading("Left behind");
        for leftover in &self.report.leftovers {
            let line = printable(&leftover.to_string());
            self.line(&wrapped(&line, self.options.width, "  • ", "    "));
        }
        let cloud = printable(&self.report.subject.cloud);
        self.line(&format!("  → `assay cleanup {cloud}` tries again"));
    }

    fn summary(&mut self) {
        let both = self.report.chosen.shows_official() && self.report.chosen.shows_text();
        let reading = self.deciding();
        let mut table = Table::default();
        for version in self.report.versions_by_weight() {
            let validity = version.validity.map_or("not listed", |validity| validity.as_str());
            for target in &version.targets {
                let tally = target.tally(reading);
                let text = target.text;
                // A target of our own testcases has no official verdict.
                let (verdict, counts) = match tally.total() {
                    0 => (None, text),
                    _ => (Some(tally.verdict()), tally),
                };
                let paint = |verdict: Verdict| move |text: &str| style::paint(style::of(verdict), text);
                let verdict = match verdict {
                    Some(verdict) => painted(verdict.to_string(), paint(verdict)),
                    None => plain("text only"),
                };
                let counted = counts
                    .counted()
                    .map(|(count, word)| format!("{count} {word}"))
                    .collect::<Vec<_>>()
                    .join(", ");
                let by_text = match both {
                    true => painted(format!("text: {}", text.verdict()), |shown| {
                        if tally.total() > 0 && text.verdict() == tally.verdict() {
                            style::dim(shown)
                        } else {
                            style::paint(style::of(text.verdict()), shown)
                        }
                    }),
                    false => plain(""),
                };
                table.row([
                    painted(version.version.clone(), |text| style::bold(text)),
                    painted(validity, |text| style::dim(text)),
                    plain(target.target.clone()),
                    verdict,
                    plain(counted),
                    by_text,
                ]);
            }
        }
        self.line("");
        self.text.push_str(&table.render("  "));
    }

    /// Failures of the target that decides, by standard, each with its findings and what to do; then those
    /// of the other targets, in short.
    fn failures(&mut self) {
        let reading = self.deciding();
        let shows_text = self.report.chosen.shows_text();
        let (binding, informative): (Vec<&TestcaseReport>, Vec<&TestcaseReport>) = self
            .report
            .asked()
            .filter(|testcase| testcase.verdict(reading) == Some(Verdict::Fail))
            .partition(|testcase| matches!(testcase.target(), None | Some(Version::MAIN)));
        let mut binding = binding;
        binding.sort_by_key(|testcase| testcase.standard.as_str());
        if !binding.is_empty() {
            self.heading("Failed");
        }
        let mut standard = "";
        for testcase in binding {
            if testcase.standard != standard {
                standard = &testcase.standard;
                self.line(&format!("\n  {}", style::bold(standard)));
            }
            self.testcase(testcase, Verdict::Fail);
            self.findings(testcase, |finding| {
                finding.weight == Weight::Failure && (finding.readings.include(reading) || shows_text)
            });
            self.remedy(testcase);
        }
        if informative.is_empty() {
            return;
        }
        self.heading("Failed, but not decisive");
        for testcase in informative {
            let target = testcase.target().unwrap_or_default();
            self.line(&format!(
                "  {} {}  {}",
                style::verdict(Verdict::Fail),
                style::bold(&testcase.id),
                style::dim(target)
            ));
            self.findings(testcase, |finding| {
                finding.weight == Weight::Failure && finding.readings.include(reading)
            });
        }
        self.line(&style::dim("        → assay explain TESTCASE says what to do"));
    }

    /// Verdict and id, and behind or below them the title.
    fn testcase(&mut self, testcase: &TestcaseReport, verdict: Verdict) {
        let mut marks = String::new();
        if self.report.chosen.shows_official() && self.report.chosen.shows_text() && testcase.differs() {
            marks = format!(" ≠ text {}", testcase.text);
        }
        if self.report.is_excused(testcase) {
            marks.push_str(" · does not fail the run");
        }
        let line = format!("  {} {}", style::verdict(verdict), style::bold(&testcase.id));
        let used = 8 + testcase.id.width() + marks.width();
        let title = printable(&testcase.title);
        if used + 2 + title.width() <= self.options.width {
            self.line(&format!("{line}  {title}{}", style::warn(marks)));
        } else {
            self.line(&format!("{line}{}", style::warn(marks)));
            self.line(&wrapped(&title, self.options.width, INDENT, INDENT));
        }
    }

    fn remedy(&mut self, testcase: &TestcaseReport) {
        let width = self.options.width;
        if !testcase.clause.is_empty() {
            self.line(&style::dim(wrapped(&testcase.clause, width, "        § ", "          ")));
        }
        if !testcase.remedy.is_empty() {
            self.line(&wrapped(&testcase.remedy, width, "        → ", "          "));
        }
    }

    fn findings(&mut self, testcase: &TestcaseReport, wanted: impl Fn(&Finding) -> bool) {
        let mut findings: Vec<(&Finding, &Mark)> =
            self.report.marked(testcase).filter(|(finding, _)| wanted(finding)).collect();
        // What counts is seen first.
        findings.sort_by_key(|(_, mark)| mark.is_excused());
        let shown = if self.options.all || findings.len() <= SHOWN + 1 { findings.len() } else { SHOWN };
        let width = self.options.width;
        for (finding, mark) in &findings[..shown] {
            // Among failures of the official reading, what the text alone demands is told apart.
            let by_text = match (testcase.verdict(self.deciding()), finding.readings) {
                (Some(Verdict::Fail), Readings::Text) if self.deciding() == Reading::Official => {
                    "by the text: "
                }
                _ => "",
            };
            let news = mark.news.map_or_else(String::new, |news| format!("{}: ", news.as_str()));
            let line = format!("{news}{by_text}{}", sentence(finding));
            self.line(&wrapped(&line, width, "        • ", "          "));
            if let Some(words) = mark.waiver_words() {
                let line = wrapped(&words, width, "          ", "          ");
                self.line(&if mark.is_waived { style::dim(line) } else { style::warn(line) });
            }
        }
        if shown < findings.len() {
            let more = format!("        … {} more; --all shows them", findings.len() - shown);
            self.line(&style::dim(more));
        }
    }

    /// Waivers that somebody should look at.
    fn waivers(&mut self) {
        let remarks: Vec<String> = self.report.gate.remarks().collect();
        if remarks.is_empty() {
            return;
        }
        self.heading("Waivers to look at");
        for remark in remarks {
            self.line(&style::warn(wrapped(&remark, self.options.width, "  • ", "    ")));
        }
    }

    /// What became of the failures of an earlier report.
    fn comparison(&mut self) {
        let Some(comparison) = &self.report.gate.comparison else { return };
        self.heading(&format!("Against the report of {}", printable(&comparison.checked_at)));
        self.line(&format!("  {}", comparison.counted()));
        let mended = &comparison.mended;
        let shown = if self.options.all || mended.len() <= MANY { mended.len() } else { MANY };
        for one in &mended[..shown] {
            let line = wrapped(&one.words(), self.options.width, "  • mended: ", "    ");
            self.line(&style::good(line));
        }
        if shown < mended.len() {
            self.line(&style::dim(format!("  … {} more; --all shows them", mended.len() - shown)));
        }
    }

    /// What people stated, as long as it counts in a reading that is shown: told apart from what was measured.
    fn declared(&mut self) {
        let readings = [self.deciding(), Reading::Text];
        let counting: Vec<(&TestcaseReport, &Declared, Reading)> = self
            .report
            .declared()
            .filter_map(|(testcase, declared)| {
                let counts = |reading: &Reading| {
                    self.report.chosen.includes(*reading) && testcase.is_declared(*reading)
                };
                Some((testcase, declared, readings.into_iter().find(counts)?))
            })
            .collect();
        if counting.is_empty() {
            return;
        }
        self.heading("Declared by people, not measured");
        let width = self.options.width;
        for (testcase, declared, reading) in counting {
            let line = format!("  {} {}", style::verdict(declared.verdict), style::bold(&testcase.id));
            match reading == self.deciding() {
                true => self.line(&line),
                false => self.line(&format!("{line}  {}", style::warn("by the text alone"))),
            }
            self.line(&wrapped(&testcase.title, width, INDENT, INDENT));
            let by = format!("{} ({}), {}", declared.signed(), declared.signer.contact, declared.date);
            self.line(&wrapped(&by, width, INDENT, INDENT));
            let standing = self.report.standing(testcase, declared);
            self.line(&style::dim(wrapped(&standing, width, INDENT, INDENT)));
            self.findings(testcase, |finding| finding.readings.include(reading));
            for (question, address) in declared.evidence() {
                let proof = format!("{question}: {address}");
                self.line(&style::dim(wrapped(&proof, width, "        ↗ ", "          ")));
            }
            if declared.verdict == Verdict::Fail {
                self.remedy(testcase);
            }
        }
    }

    /// Testcases without a decision, by reason: one broken service takes many with it.
    fn undecided(&mut self, verdict: Verdict, title: &str) {
        let reading = self.deciding();
        let mut by_reason: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let mut order: Vec<String> = Vec::new();
        for testcase in &self.report.testcases {
            let decided =
                testcase.verdict(reading).or(self.report.chosen.shows_text().then_some(testcase.text));
            if decided != Some(verdict) {
                continue;
            }
            let wanted = |finding: &&Finding| {
                (testcase.own || finding.readings.include(reading))
                    && (verdict == Verdict::Miss || finding.weight == Weight::Abort)
            };
            let reason = testcase.findings.iter().find(wanted).map_or_else(String::new, sentence);
            if !by_reason.contains_key(&reason) {
                order.push(reason.clone());
            }
            by_reason.entry(reason).or_default().push(&testcase.id);
        }
        if order.is_empty() {
            return;
        }
        self.heading(title);
        let width = self.options.width;
        for reason in order {
            let ids = by_reason.remove(&reason).unwrap_or_default();
            let ids = match ids.len() {
                MANY.. if !self.options.all => format!("{} testcases; --all names them", ids.len()),
                _ => ids.join(", "),
            };
            let head = format!("  {} ", style::verdict(verdict));
            let ids = wrapped(&ids, width, "        ", "        ");
            self.line(&format!("{head}{}", ids.trim_start()));
            if !reason.is_empty() {
                self.line(&wrapped(&reason, width, "        • ", "          "));
            }
        }
    }

    /// Where the text demands something else than the reference suite checks, and why.
    fn differences(&mut self) {
        let chosen = self.report.chosen;
        if !(chosen.shows_official() && chosen.shows_text()) {
            return;
        }
        let differing: Vec<&TestcaseReport> = self
            .report
            .asked()
            .filter(|testcase| testcase.differs() || testcase.own && testcase.text == Verdict::Fail)
            .collect();
        if differing.is_empty() {
            return;
        }
        self.heading("By the text of the standards");
        for testcase in differing {
            let official = testcase.official.map_or("–".to_owned(), |verdict| verdict.to_string());
            let line = format!(
                "  {} {} {}",
                style::verdict(testcase.text),
                style::bold(&testcase.id),
                style::dim(format!("official: {official}")),
            );
            self.line(&line);
            let width = self.options.width;
            if testcase.own {
                self.line(&wrapped(&testcase.title, width, "        ", "        "));
            }
            for why in &testcase.differences {
                self.line(&style::warn(wrapped(why, width, "        ≠ ", "          ")));
            }
            let by_text_alone = |finding: &Finding| {
                finding.weight != Weight::Note
                    && finding.readings.include(Reading::Text)
                    && (testcase.own || !finding.readings.include(Reading::Official))
            };
            self.findings(testcase, by_text_alone);
            if testcase.text == Verdict::Fail && testcase.official != Some(Verdict::Fail) {
                self.remedy(testcase);
            }
        }
    }

    fn timings(&mut self) {
        if !self.options.timings {
            return;
        }
        let timings = &self.report.timings;
        self.heading("Timings");
        let mut table = Table::default();
        for fact in &timings.facts {
            table.row([
                plain(fact.fact.label()),
                plain(format!("from {:>7}", milliseconds(fact.started_us))),
                plain(format!("{:>7}", milliseconds(fact.duration_us))),
                plain(format!("{} {}", fact.calls, if fact.calls == 1 { "call" } else { "calls" })),
            ]);
        }
        self.text.push_str(&table.render("  "));
        let summary = format!(
            "  wall {}, critical path {} (token, then the slowest fact)",
            milliseconds(timings.wall_us),
            milliseconds(timings.critical_path_us)
        );
        self.line(&summary);
    }

    fn foot(&mut self) {
        let (reading, tally, verdict) = self.report.summary();
        self.line("");
        let word = match reading {
            Reading::Official => "official",
            Reading::Text => "text",
        };
        let line = format!(
            "{} by the {word} reading: {} pass, {} fail, {} abort, {} miss of {} testcases",
            style::paint(style::of(verdict), verdict),
            tally.pass,
            tally.fail,
            tally.abort,
            tally.miss,
            tally.total(),
        );
        self.line(&line);
        let excused = self.report.asked().filter(|testcase| self.report.is_excused(testcase)).count();
        if excused > 0 {
            self.line(&style::dim(format!("waived or known, and not counted for the exit code: {excused}")));
        }
        let stated = |verdict| {
            let stated = self.report.testcases.iter().filter(|testcase| testcase.is_declared(reading));
            stated.filter(|testcase| testcase.verdict(reading) == Some(verdict)).count()
        };
        let (pass, fail) = (stated(Verdict::Pass), stated(Verdict::Fail));
        if pass + fail > 0 {
            let paint = if fail > 0 { style::bad } else { style::dim };
            self.line(&paint(format!("declared by people and not among them: {pass} pass, {fail} fail")));
        }
    }
}

fn milliseconds(us: u64) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}

/// A finding in one sentence.
fn sentence(finding: &Finding) -> String {
    let Finding { resource, expected, found, .. } = finding;
    let what =
        resource.as_ref().map_or_else(String::new, |Resource { kind, name, .. }| format!("{kind} {name}: "));
    match expected.is_empty() {
        true => format!("{what}{found}"),
        false => format!("{what}{found}; expected {expected}"),
    }
}
