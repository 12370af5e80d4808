//! What the newest results come to, subject by subject.

use std::collections::BTreeMap;

use assay_standards::scope::{Spec, Testcase, Version};
use assay_standards::score_card::{Evaluation, ScoreCard, TestResult};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

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
pub(crate) fn status(cards: &[Card<'_>]) -> Value {
    let mut subjects: Map<String, Value> = Map::new();
    for card in cards {
        let subject = subjects.entry(card.subject.clone()).or_insert_with(|| json!({}));
        subject[&card.spec.uuid] = card.to_json();
    }
    Value::Object(subjects)
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

    fn to_json(&self) -> Value {
        let results: Map<String, Value> = self
            .results
            .valid()
            .iter()
            .map(|(&id, result)| {
                let report = self.standing(id).map(|standing| standing.report.as_str());
                // Readers in Python want six digits of a fraction, or none.
                let form = if result.checked_at.subsec_nanosecond() == 0 { "%FT%T" } else { "%FT%T%.6f" };
                let checked_at = result.checked_at.strftime(form).to_string();
                (
                    id.to_owned(),
                    json!({"result": result.verdict.code(), "checked_at": checked_at, "report": report}),
                )
            })
            .collect();
        let testcases: Map<String, Value> =
            self.spec.testcases().iter().map(|testcase| (testcase.id.clone(), described(testcase))).collect();
        let buckets: Map<String, Value> = self
            .results
            .buckets(&self.evaluation)
            .into_iter()
            .map(|(verdict, members)| {
                let key = verdict.code().map_or("null".to_owned(), |code| code.to_string());
                (key, members.iter().map(|testcase| testcase.id.as_str()).collect())
            })
            .collect();
        let versions: Map<String, Value> = self
            .spec
            .validity(self.date)
            .into_iter()
            .map(|(version, validity)| (version.name.clone(), self.version(version, validity.as_str())))
            .collect();
        let relevant: Vec<&str> =
            self.evaluation.visited.iter().map(|score| score.version.name.as_str()).collect();
        let passed: Vec<&str> = self.evaluation.passed().map(|score| score.version.name.as_str()).collect();
        json!({
            "name": self.spec.name,
            "testcases": testcases,
            "results": results,
            "buckets": buckets,
            "versions": versions,
            "relevant": relevant,
            "passed": passed,
            "passed_str": self.evaluation.passed_str(),
            "result": self.evaluation.verdict().code(),
            "best_passed": self.evaluation.best().and_then(|best| {
                self.spec.versions.iter().position(|version| version.name == best.version.name)
            }),
            "validity": self.evaluation.validity().as_str(),
        })
    }

    fn version(&self, version: &Version, validity: &str) -> Value {
        let index = self.spec.versions.iter().position(|other| other.name == version.name);
        let targets: Map<String, Value> = self
            .results
            .targets(version)
            .into_iter()
            .map(|(target, verdict)| {
                (target.to_owned(), json!({"testcases": version.target(target), "result": verdict.code()}))
            })
            .collect();
        let target_of: Map<String, Value> =
            version.testcases().map(|(testcase, target)| (testcase.to_owned(), json!(target))).collect();
        json!({
            "_idx": index,
            "result": self.results.version(version).code(),
            "targets": targets,
            "tc_target": target_of,
            "validity": validity,
        })
    }
}

fn described(testcase: &Testcase) -> Value {
    let mut described = json!({
        "id": testcase.id,
        "description": testcase.description,
        "url": testcase.url,
        "lifetime": testcase.lifetime.as_str(),
        "attn": testcase.attention,
    });
    if let Some(section) = &testcase.section {
        described["section"] = json!(section);
    }
    described
}
