//! What the template shows, as words. Text from clouds is made visible here; the template escapes it.

use assay_standards::Verdict;
use assay_standards::scope::Validity;
use assay_testcases::{Demand, Finding as Seen, Reading, Readings, Weight};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::waterfall;
use crate::text::{sentence, visible, web_address};
use crate::{Mark, Report, Tally, TestcaseReport, UnavailableFact};

/// A finding and what is to be said of it.
type Marked<'m> = (&'m Seen, &'m Mark);

/// As many findings of a testcase are seen at once; the rest unfolds.
const FINDINGS_AT_ONCE: usize = 12;

pub(super) struct Subject {
    pub(super) anchor: String,
    /// What anchors end with, to tell them from those of other subjects.
    pub(super) suffix: String,
    pub(super) name: String,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) scope: Link,
    pub(super) verdict: Chip,
    pub(super) headline: String,
    pub(super) shows_official: bool,
    pub(super) shows_text: bool,
    pub(super) targets: Vec<Target>,
    pub(super) unavailable: Vec<Unavailable>,
    pub(super) leftovers: Vec<String>,
    /// What somebody should look at about waivers.
    pub(super) waivers: Vec<String>,
    pub(super) baseline: Option<Baseline>,
    pub(super) groups: Vec<Group>,
    pub(super) all: Vec<Testcase>,
    pub(super) waterfall: Vec<waterfall::Row>,
    pub(super) wall: String,
    pub(super) critical_path: String,
}

/// A text that leads somewhere if it has an address that a page may link to.
pub(super) struct Link {
    pub(super) text: String,
    pub(super) address: Option<String>,
}

pub(super) struct Chip {
    pub(super) word: &'static str,
    pub(super) class: &'static str,
    /// Whether a person stated it.
    pub(super) declared: bool,
}

pub(super) struct Target {
    pub(super) version: String,
    pub(super) validity: &'static str,
    pub(super) name: String,
    pub(super) official: Counts,
    pub(super) text: Counts,
}

pub(super) struct Counts {
    pub(super) verdict: Chip,
    pub(super) words: String,
    /// Class, start and width of the parts of a bar of width 100.
    pub(super) parts: Vec<(&'static str, usize, usize)>,
}

pub(super) struct Unavailable {
    pub(super) fact: &'static str,
    pub(super) why: String,
}

pub(super) struct Group {
    pub(super) standard: String,
    pub(super) testcases: Vec<Testcase>,
}

pub(super) struct Testcase {
    pub(super) anchor: String,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) standard: String,
    pub(super) clause: String,
    pub(super) demand: &'static str,
    pub(super) explanation: String,
    pub(super) remedy: String,
    pub(super) url: Option<String>,
    pub(super) places: String,
    pub(super) remark: String,
    pub(super) declared: Option<Declared>,
    pub(super) official: Option<Chip>,
    pub(super) text: Option<Chip>,
    pub(super) differs: bool,
    pub(super) differences: Vec<String>,
    /// Whether it has a card among the findings.
    pub(super) has_card: bool,
    pub(super) findings: Vec<Finding>,
    pub(super) more_findings: Vec<Finding>,
    pub(super) notes: Vec<String>,
}

/// The earlier report.
pub(super) struct Baseline {
    /// When it was made.
    pub(super) checked_at: String,
    pub(super) counted: String,
    pub(super) mended: Vec<String>,
}

/// What a person stated.
pub(super) struct Declared {
    /// Such as `PASS, declared by Jane Doe, Head of Operations, on 2026-11-20`.
    pub(super) by: String,
    /// How long it counts, or that it does not.
    pub(super) counts: String,
    /// Id of the question and what proves the answer.
    pub(super) evidence: Vec<(String, Link)>,
}

pub(super) struct Finding {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) id: String,
    pub(super) expected: String,
    pub(super) found: String,
    /// The reading in which alone it counts; empty if it counts in all that are shown.
    pub(super) only: &'static str,
    /// Whether it is new, and the waiver that covers it.
    pub(super) marks: Vec<String>,
}

impl Subject {
    pub(super) fn of(report: &Report, number: usize) -> Self {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let all: Vec<Testcase> =
            report.testcases.iter().map(|testcase| Testcase::of(report, testcase, &suffix)).collect();
        let (reading, tally, verdict) = report.summary();
        Subject {
            anchor: format!("subject{suffix}"),
            name: visible(&report.subject.cloud).into_owned(),
            facts: facts(report),
            scope: Link {
                text: visible(&report.scope.name).into_owned(),
                address: web_address(&report.scope.url).map(ToOwned::to_owned),
            },
            verdict: verdict.into(),
            headline: headline(tally, reading),
            shows_official: report.chosen.shows_official(),
            shows_text: report.chosen.shows_text(),
            targets: targets(report),
            unavailable: report.unavailable.iter().map(Into::into).collect(),
            leftovers: report
                .leftovers
                .iter()
                .map(|leftover| visible(&leftover.to_string()).into_owned())
                .collect(),
            waivers: report.gate.remarks().collect(),
            baseline: report.gate.comparison.as_ref().map(|comparison| Baseline {
                checked_at: visible(&comparison.checked_at).into_owned(),
                counted: comparison.counted(),
                mended: comparison.mended.iter().map(crate::Mended::words).collect(),
            }),
            groups: groups(report, &suffix),
            all,
            waterfall: waterfall::rows(&report.timings),
            wall: waterfall::duration(report.timings.wall_us),
            critical_path: waterfall::duration(report.timings.critical_path_us),
            suffix,
        }
    }
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut add = |label, text: &str| facts.push((label, visible(text).into_owned()));
    if let Some(region) = &report.subject.region {
        add("Region", region);
    }
    if let Some(url) = &report.subject.auth_url {
        add("Keystone", url);
    }
    add("Versions as of", &report.reference_date.to_string());
    add("Facts collected", &instant(report.recorded_at));
    if report.judged_at != report.recorded_at {
        add("Judged as of", &instant(report.judged_at));
    }
    if let Some(version) = &report.forced_version {
        add("Version asked for", version);
    }
    if let Some(pattern) = &report.forced_testcases {
        add("Testcases asked for", pattern);
    }
    add("Tool", &report.tool);
    add("Report", &report.run_id.to_string());
    facts
}

fn instant(instant: Timestamp) -> String {
    instant.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn headline(tally: Tally, reading: Reading) -> String {
    let reading = match reading {
        Reading::Official => "official reading",
        Reading::Text => "text reading",
    };
    if tally.total() == 0 {
        return format!("No testcase was asked for in the {reading}.");
    }
    let testcases = if tally.total() == 1 { "testcase" } else { "testcases" };
    format!("{} {testcases} in the {reading}: {}.", tally.total(), counted(tally))
}

/// Such as `7 pass, 1 fails, 2 without result`; what there is none of is left out, but for the passes.
fn counted(tally: Tally) -> String {
    let mut parts = vec![format!("{} {}", tally.pass, if tally.pass == 1 { "passes" } else { "pass" })];
    for (count, one, many) in [
        (tally.fail, "fails", "fail"),
        (tally.abort, "could not be judged", "could not be judged"),
        (tally.miss, "has no result", "have no result"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {}", if count == 1 { one } else { many }));
        }
    }
    parts.join(", ")
}

fn targets(report: &Report) -> Vec<Target> {
    report
        .versions_by_weight()
        .into_iter()
        .flat_map(|version| version.targets.iter().map(move |target| (version, target)))
        .map(|(version, target)| Target {
            version: visible(&version.version).into_owned(),
            validity: version.validity.map_or("not in the timeline", Validity::as_str),
            name: visible(&target.target).into_owned(),
            official: target.official.into(),
            text: target.text.into(),
        })
        .collect()
}

/// What needs a look, by standard, in the order of the scope.
fn groups(report: &Report, suffix: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for testcase in report.testcases.iter().filter(|testcase| needs_a_look(report, testcase)) {
        let view = Testcase::of(report, testcase, suffix);
        match groups.iter_mut().find(|group| group.standard == view.standard) {
            Some(group) => group.testcases.push(view),
            None => groups.push(Group { standard: view.standard.clone(), testcases: vec![view] }),
        }
    }
    groups
}

fn needs_a_look(report: &Report, testcase: &TestcaseReport) -> bool {
    [Reading::Official, Reading::Text]
        .into_iter()
        .any(|reading| matches!(report.verdict(testcase, reading), Some(Verdict::Fail | Verdict::Abort)))
}

impl Testcase {
    fn of(report: &Report, testcase: &TestcaseReport, suffix: &str) -> Self {
        let shown = |text: &str| visible(text).into_owned();
        let chip = |reading| {
            let declared = testcase.is_declared(reading);
            let verdict = report.verdict(testcase, reading).filter(|_| declared || !testcase.manual)?;
            Some(Chip { declared, ..verdict.into() })
        };
        let both = report.chosen.shows_official() && report.chosen.shows_text();
        let is_told_apart = both && !testcase.own;
        let (notes, mut findings): (Vec<Marked<'_>>, Vec<Marked<'_>>) =
            report.marked(testcase).partition(|(finding, _)| finding.weight == Weight::Note);
        // What counts is seen first.
        findings.sort_by_key(|(_, mark)| mark.is_excused());
        let more = findings.split_off(findings.len().min(FINDINGS_AT_ONCE));
        let mut views =
            findings.into_iter().map(|finding| Finding::of(finding, is_told_apart)).collect::<Vec<_>>();
        let mut more_views =
            more.into_iter().map(|finding| Finding::of(finding, is_told_apart)).collect::<Vec<_>>();
        if more_views.len() == 1 {
            views.append(&mut more_views);
        }
        Testcase {
            anchor: format!("{}{suffix}", anchor(&testcase.id)),
            id: shown(&testcase.id),
            title: shown(&testcase.title),
            standard: if testcase.standard.is_empty() {
                "other".to_owned()
            } else {
                shown(&testcase.standard)
            },
            clause: shown(&testcase.clause),
            demand: match testcase.demand {
                Some(Demand::Must) => "MUST",
                Some(Demand::Should) => "SHOULD",
                Some(Demand::May) => "MAY",
                None => "",
            },
            explanation: shown(&testcase.explanation),
            remedy: shown(&testcase.remedy),
            url: testcase.url.as_deref().and_then(web_address).map(ToOwned::to_owned),
            places: places(testcase),
            remark: match (testcase.manual, testcase.own) {
                (true, _) => "decided by people".to_owned(),
                (false, true) => "not in the reference suite".to_owned(),
                (false, false) => String::new(),
            },
            declared: testcase.declared.as_ref().map(|declared| Declared::of(report, testcase, declared)),
            official: chip(Reading::Official),
            text: chip(Reading::Text),
            differs: report.differs(testcase),
            differences: testcase.differences.iter().filter(|_| both).map(|why| shown(why)).collect(),
            has_card: needs_a_look(report, testcase),
            findings: views,
            more_findings: more_views,
            notes: notes.into_iter().map(note).collect(),
        }
    }
}

impl Declared {
    fn of(report: &Report, testcase: &TestcaseReport, declared: &crate::Declared) -> Self {
        let shown = |text: &str| visible(text).into_owned();
        Declared {
            by: shown(&format!(
                "{}, declared by {}, on {}",
                declared.verdict,
                declared.signed(),
                declared.date
            )),
            counts: report.standing(testcase, declared),
            evidence: declared
                .evidence()
                .map(|(question, address)| {
                    let link =
                        Link { text: shown(address), address: web_address(address).map(ToOwned::to_owned) };
                    (shown(question), link)
                })
                .collect(),
        }
    }
}

/// Such as `main: v5.1, next`.
fn places(testcase: &TestcaseReport) -> String {
    let mut targets: Vec<(&str, Vec<&str>)> = Vec::new();
    for place in &testcase.places {
        match targets.iter_mut().find(|(target, _)| *target == place.target) {
            Some((_, versions)) => versions.push(&place.version),
            None => targets.push((&place.target, vec![&place.version])),
        }
    }
    let words: Vec<String> =
        targets.iter().map(|(target, versions)| format!("{target}: {}", versions.join(", "))).collect();
    visible(&words.join("; ")).into_owned()
}

/// An id that can stand in an address as it is.
fn anchor(id: &str) -> String {
    id.chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .collect()
}

impl Finding {
    /// `is_told_apart`: whether it must say in which reading it counts.
    fn of((finding, mark): Marked<'_>, is_told_apart: bool) -> Self {
        let (kind, name) = match &finding.resource {
            Some(resource) if resource.name.is_empty() => {
                (&*resource.kind, visible(&resource.id).into_owned())
            }
            Some(resource) => (&*resource.kind, visible(&resource.name).into_owned()),
            None => ("cloud", String::new()),
        };
        Finding {
            kind: kind.to_owned(),
            name,
            id: finding
                .resource
                .as_ref()
                .map_or(String::new(), |resource| visible(&resource.id).into_owned()),
            expected: visible(&finding.expected).into_owned(),
            found: visible(&finding.found).into_owned(),
            only: match finding.readings {
                Readings::Official if is_told_apart => "official only",
                Readings::Text if is_told_apart => "text only",
                _ => "",
            },
            marks: mark.words().collect(),
        }
    }
}

/// A note in one line, with what is to be said of it.
fn note((finding, mark): Marked<'_>) -> String {
    let words = mark.words().collect::<Vec<_>>().join(", ");
    match words.is_empty() {
        true => sentence(finding),
        false => format!("{} ({words})", sentence(finding)),
    }
}

impl From<Verdict> for Chip {
    fn from(verdict: Verdict) -> Self {
        let class = match verdict {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Abort => "abort",
            Verdict::Miss => "miss",
        };
        Chip { word: verdict.as_str(), class, declared: false }
    }
}

impl From<Tally> for Counts {
    fn from(tally: Tally) -> Self {
        let total = tally.total().max(1);
        let mut parts = Vec::new();
        let mut before = 0;
        for (class, count) in
            [("fail", tally.fail), ("abort", tally.abort), ("miss", tally.miss), ("pass", tally.pass)]
        {
            let (start, end) = (before * 100 / total, (before + count) * 100 / total);
            if count > 0 {
                parts.push((class, start, end - start));
            }
            before += count;
        }
        let words =
            tally.counted().map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(" · ");
        Counts { verdict: tally.verdict().into(), words, parts }
    }
}

impl From<&UnavailableFact> for Unavailable {
    fn from(unavailable: &UnavailableFact) -> Self {
        Unavailable {
            fact: unavailable.fact.label(),
            why: visible(&unavailable.why.to_string()).into_owned(),
        }
    }
}
