//! What the newest results come to, subject by subject.

use std::collections::BTreeMap;

use assay_standards::scope::{Spec, Testcase, Version};
use assay_standards::score_card::{Evaluation, ScoreCard, TestResult};
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use crate::scopes::Scopes;
use crate::store::{Standing, civil};

/// A subject in a scope.
pub(crate) struct Card<'s> {
    pub(crate) subject: String,
    pub(crate) spec: &'s Spec,
    /// What counts of its results.
    pub(crate) results: ScoreCard<'s>,
    pub(crate) evaluation: Evaluation<'s>,
    /// The day of the evaluation.
    date: Date,
    /// The newest results, by testcase and whether people stated them.
    standings: BTreeMap<(String, bool), Standing>,
}

/// The cards of all subjects with a result that counts, by subject, and for each in the order of the scopes. What is
/// about an unknown scope is left out.
pub(crate) fn cards(
    scopes: &Scopes,
    standings: Vec<Standing>,
    now: Timestamp,
    drafts: bool,
) -> Vec<Card<'_>> {
    let mut grouped: BTreeMap<(String, usize), Vec<Standing>> = BTreeMap::new();
    for standing in standings {
        let Some(place) = scopes.iter().position(|spec| spec.uuid == standing.scope) else { continue };
        grouped.entry((standing.subject.clone(), place)).or_default().push(standing);
    }
    let card = |((subject, place), standings): ((String, usize), Vec<Standing>)| {
        Some(Card::new(subject, scopes.iter().nth(place)?, standings, now, drafts))
    };
    grouped.into_iter().filter_map(card).filter(|card| !card.results.is_empty()).collect()
}

/// What `/status` answers, in the shape that its readers know.
pub(crate) fn status<'c>(cards: &'c [Card<'_>]) -> StatusView<'c> {
    let mut subjects = StatusView::new();
    for card in cards {
        subjects.entry(&card.subject).or_default().insert(&card.spec.uuid, card.view());
    }
    subjects
}

impl<'s> Card<'s> {
    /// The card of a subject with these newest results, which may be none.
    pub(crate) fn new(
        subject: String,
        spec: &'s Spec,
        standings: Vec<Standing>,
        now: Timestamp,
        drafts: bool,
    ) -> Self {
        let now = civil(now);
        let results = standings.iter().map(|standing| {
            let Standing { testcase, verdict, counts_from, stated, .. } = standing;
            let result = TestResult { verdict: *verdict, checked_at: civil(*counts_from), declared: *stated };
            (testcase.as_str(), result)
        });
        let results = ScoreCard::new(spec, results, now);
        let evaluation = results.evaluate(now.date(), drafts);
        let keyed = |standing: Standing| ((standing.testcase.clone(), standing.stated), standing);
        let standings = standings.into_iter().map(keyed).collect();
        Card { subject, spec, results, evaluation, date: now.date(), standings }
    }
}

impl Card<'_> {
    /// The summary for a table cell.
    pub(crate) fn summary(&self) -> String {
        match self.results.is_empty() {
            true => Evaluation::NO_DATA.to_owned(),
            false => self.evaluation.summary(),
        }
    }

    /// The newest result of a testcase that counts, with the report it is from.
    pub(crate) fn standing(&self, testcase: &str) -> Option<&Standing> {
        let valid = self.results.valid().get(testcase)?;
        self.standings.get(&(testcase.to_owned(), valid.declared))
    }

    fn view(&self) -> CardView<'_> {
        let results = self.results.valid().iter().map(|(&id, result)| {
            let report = self.standing(id).map(|standing| standing.report.as_str());
            // Readers in Python want six digits of a fraction, or none.
            let form = if result.checked_at.subsec_nanosecond() == 0 { "%FT%T" } else { "%FT%T%.6f" };
            let checked_at = result.checked_at.strftime(form).to_string();
            (id, ResultView { result: result.verdict.code(), checked_at, report })
        });
        let buckets = self.results.buckets(&self.evaluation).into_iter().map(|(verdict, members)| {
            let key = verdict.code().map_or("null".to_owned(), |code| code.to_string());
            (key, members.iter().map(|testcase| testcase.id.as_str()).collect())
        });
        let versions = self.spec.validity(self.date).into_iter();
        let versions = versions
            .map(|(version, validity)| (version.name.as_str(), self.version(version, validity.as_str())));
        let relevant = self.evaluation.visited.iter().map(|score| score.version.name.as_str());
        let testcases = self.spec.testcases().iter();
        CardView {
            name: &self.spec.name,
            testcases: testcases.map(|testcase| (testcase.id.as_str(), TestcaseView::of(testcase))).collect(),
            results: results.collect(),
            buckets: buckets.collect(),
            versions: versions.collect(),
            relevant: relevant.collect(),
            passed: self.evaluation.passed().map(|score| score.version.name.as_str()).collect(),
            passed_str: self.evaluation.passed_str(),
            result: self.evaluation.verdict().code(),
            best_passed: self.evaluation.best().and_then(|best| {
                self.spec.versions.iter().position(|version| version.name == best.version.name)
            }),
            validity: self.evaluation.validity().as_str(),
        }
    }

    fn version<'v>(&self, version: &'v Version, validity: &'static str) -> VersionView<'v> {
        let targets = self.results.targets(version).into_iter().map(|(target, verdict)| {
            (target, TargetView { testcases: version.target(target), result: verdict.code() })
        });
        VersionView {
            place: self.spec.versions.iter().position(|other| other.name == version.name),
            result: self.results.version(version).code(),
            targets: targets.collect(),
            tc_target: version.testcases().collect(),
            validity,
        }
    }
}

/// What `/status` answers: by subject and by the UUID of the scope.
pub(crate) type StatusView<'c> = BTreeMap<&'c str, BTreeMap<&'c str, CardView<'c>>>;

/// What a subject comes to in a scope, in the shape that readers of `/status` know. A verdict is 1 (PASS), 0 (ABORT), -1
/// (FAIL) or null (no result counts).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Status")]
pub(crate) struct CardView<'c> {
    /// The name of the scope.
    name: &'c str,
    /// All testcases of the scope.
    testcases: BTreeMap<&'c str, TestcaseView<'c>>,
    /// The newest result of each testcase that has one that counts.
    results: BTreeMap<&'c str, ResultView<'c>>,
    /// The testcases of all relevant versions by their verdicts: `1`, `0`, `-1` and `null`.
    buckets: BTreeMap<String, Vec<&'c str>>,
    versions: BTreeMap<&'c str, VersionView<'c>>,
    /// The versions that were looked at, in order.
    relevant: Vec<&'c str>,
    /// Those that did not fail.
    passed: Vec<&'c str>,
    /// The same as a text, each with the mark of its validity.
    passed_str: String,
    result: Option<i8>,
    /// The place of the best version that passed in the scope spec.
    best_passed: Option<usize>,
    validity: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StatusTestcase")]
struct TestcaseView<'c> {
    id: &'c str,
    description: &'c str,
    url: Option<&'c str>,
    lifetime: &'static str,
    /// How much attention a failure calls for.
    attn: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<&'c str>,
}

impl<'c> TestcaseView<'c> {
    fn of(testcase: &'c Testcase) -> Self {
        Self {
            id: &testcase.id,
            description: &testcase.description,
            url: testcase.url.as_deref(),
            lifetime: testcase.lifetime.as_str(),
            attn: testcase.attention,
            section: testcase.section.as_deref(),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StatusResult")]
struct ResultView<'c> {
    result: Option<i8>,
    /// In UTC, without a zone.
    checked_at: String,
    /// UUID of the report.
    report: Option<&'c str>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StatusVersion")]
struct VersionView<'v> {
    /// Its place in the scope spec.
    #[serde(rename = "_idx")]
    place: Option<usize>,
    result: Option<i8>,
    targets: BTreeMap<&'v str, TargetView<'v>>,
    /// The target of each testcase.
    tc_target: BTreeMap<&'v str, &'v str>,
    validity: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StatusTarget")]
struct TargetView<'v> {
    testcases: &'v [String],
    result: Option<i8>,
}
