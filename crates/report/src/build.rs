use std::collections::BTreeMap;

use assay_inventory::{Call, FactId, Inventory};
use assay_standards::scope::{Selected, Selection, Spec};
use assay_testcases::{Judgement, Reading, Registry, Testcase};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::gate::Gate;
use crate::model::{
    Chosen, FactTiming, Membership, Report, Scope, Tally, TargetSummary, TestcaseReport, Timings,
    UnavailableFact, VersionSummary,
};

/// What is the same for every subject of a run.
#[derive(Debug, Clone)]
pub struct Run {
    /// Program and version.
    pub tool: String,
    /// The arguments of the program.
    pub arguments: Vec<String>,
    /// The version that was forced.
    pub forced_version: Option<String>,
    /// The pattern of testcases that was asked for.
    pub forced_testcases: Option<String>,
    /// Variables of the scope spec as assigned by the user.
    pub assignment: BTreeMap<String, String>,
    /// The readings that were asked for.
    pub chosen: Chosen,
    /// The day for which versions and lifetimes count.
    pub reference_date: Date,
}

/// The report on one subject. `judgements` has one entry for each testcase of the selection, in its order.
pub fn build(
    run: &Run,
    spec: &Spec,
    selection: &Selection<'_>,
    inventory: &Inventory,
    judgements: Vec<Judgement>,
    judged_at: Timestamp,
    checked_at: Timestamp,
) -> Report {
    let testcases: Vec<TestcaseReport> = selection
        .testcases
        .iter()
        .zip(judgements)
        .map(|(selected, judgement)| testcase(selected, inventory, judgement))
        .collect();
    Report {
        run_id: Uuid::new_v4(),
        tool: run.tool.clone(),
        arguments: run.arguments.clone(),
        audience: None,
        forced_version: run.forced_version.clone(),
        forced_testcases: run.forced_testcases.clone(),
        assignment: run.assignment.clone(),
        subject: inventory.subject.clone(),
        scope: Scope { uuid: spec.uuid.clone(), name: spec.name.clone(), url: spec.url.clone() },
        reference_date: run.reference_date,
        recorded_at: inventory.recorded_at,
        judged_at,
        checked_at,
        chosen: run.chosen,
        versions: versions(selection, &testcases),
        testcases,
        unavailable: FactId::ALL
            .iter()
            .filter_map(|&fact| Some(UnavailableFact { fact, why: inventory.unavailable(fact)?.clone() }))
            .collect(),
        leftovers: inventory.leftovers.clone(),
        timings: timings(&inventory.calls),
        gate: Gate::default(),
    }
}

fn testcase(selected: &Selected<'_>, inventory: &Inventory, judgement: Judgement) -> TestcaseReport {
    let listed = selected.testcase;
    let known = Registry::get().find(&listed.id);
    let place = |(version, target): &(&str, &str)| Membership {
        version: (*version).into(),
        target: (*target).into(),
    };
    let description = Some(listed.description.clone()).filter(|text| !text.is_empty());
    TestcaseReport {
        id: listed.id.clone(),
        title: known
            .map(|known| known.title.to_string())
            .or(description)
            .unwrap_or_else(|| listed.id.clone()),
        standard: known.map_or_else(String::new, |known| known.standard.into()),
        clause: known.map_or_else(String::new, |known| known.clause.into()),
        demand: known.map(|known| known.demand),
        explanation: known.map_or_else(String::new, |known| known.explanation.into()),
        remedy: known.map_or_else(String::new, |known| known.remedy.to_string()),
        url: listed.url.clone(),
        places: selected.places.iter().map(place).collect(),
        own: listed.own,
        manual: listed.manual && !is_measured(known, inventory),
        declared: None,
        official: judgement.official.filter(|_| !listed.own),
        text: judgement.text,
        findings: judgement.findings,
        differences: judgement.differences.into_iter().map(Into::into).collect(),
    }
}

/// Whether this run measured what people decide otherwise: it has all facts that the testcase needs.
fn is_measured(testcase: Option<&Testcase>, inventory: &Inventory) -> bool {
    testcase.is_some_and(|testcase| {
        let mut facts = testcase.official_facts.iter().chain(testcase.text_facts).peekable();
        facts.peek().is_some() && facts.all(|fact| inventory.is_known(*fact))
    })
}

fn versions(selection: &Selection<'_>, testcases: &[TestcaseReport]) -> Vec<VersionSummary> {
    selection
        .versions
        .iter()
        .map(|(version, validity)| VersionSummary {
            version: version.name.clone(),
            validity: *validity,
            stabilized_at: version.stabilized_at,
            targets: version
                .targets
                .iter()
                .map(|target| {
                    let mut summary = TargetSummary {
                        target: target.name.clone(),
                        official: Tally::default(),
                        text: Tally::default(),
                    };
                    let is_here =
                        |place: &Membership| place.version == version.name && place.target == target.name;
                    for testcase in testcases.iter().filter(|testcase| testcase.places.iter().any(is_here)) {
                        if let Some(verdict) = testcase.verdict(Reading::Official) {
                            summary.official.add(verdict);
                        }
                        summary.text.add(testcase.text);
                    }
                    summary
                })
                .filter(|summary| summary.text.total() > 0)
                .collect(),
        })
        .collect()
}

fn timings(calls: &[Call]) -> Timings {
    let mut facts: Vec<FactTiming> = Vec::new();
    for call in calls {
        let end = call.started_us + call.duration_us;
        match facts.iter_mut().find(|timing| timing.fact == call.fact) {
            Some(timing) => {
                timing.calls += 1;
                timing.duration_us = timing.duration_us.max(end.saturating_sub(timing.started_us));
            }
            None => facts.push(FactTiming {
                fact: call.fact,
                started_us: call.started_us,
                duration_us: call.duration_us,
                calls: 1,
            }),
        }
    }
    let of = |wanted: FactId| {
        facts.iter().find(|timing| timing.fact == wanted).map_or(0, |timing| timing.duration_us)
    };
    let slowest = facts
        .iter()
        .filter(|timing| timing.fact != FactId::Token)
        .map(|timing| timing.duration_us)
        .max()
        .unwrap_or(0);
    let wall_us = calls.iter().map(|call| call.started_us + call.duration_us).max().unwrap_or(0);
    Timings { critical_path_us: of(FactId::Token) + slowest, wall_us, facts, calls: calls.to_vec() }
}
