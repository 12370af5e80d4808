use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use assay_standards::Verdict;
use assay_standards::scope::Spec;
use assay_standards::score_card::Evaluation;

use super::Shown;
use super::text::class;
use crate::scopes::Scopes;
use crate::score::{Achieved, Cell};
use crate::store::ListedScore;

/// What all subjects come to, scope by scope.
#[derive(Template)]
#[template(path = "overview.html")]
pub(super) struct Overview<'o> {
    base: &'o str,
    drafts: bool,
    scopes: Vec<ScopeTable>,
}

#[derive(Template)]
#[template(path = "overview.md", escape = "none")]
struct OverviewMarkdown<'o>(&'o Overview<'o>);

struct ScopeTable {
    name: String,
    slug: String,
    rows: Vec<Row>,
}

struct Row {
    /// A subject, or a group with `group-` in front, as addresses have it.
    subject: String,
    shown: String,
    /// How many subjects a group has; none for a subject.
    members: Option<usize>,
    summary: String,
    class: &'static str,
    /// How many testcases have which verdict.
    counts: String,
    /// What is achieved, counting only what is certain.
    achieved: String,
    /// The day of the newest result.
    checked: String,
}

impl<'o> Overview<'o> {
    pub(super) fn new(
        base: &'o str,
        scopes: &Scopes,
        all: &[ListedScore],
        groups: &[(String, String)],
        drafts: bool,
    ) -> Self {
        let table = |spec: &Spec| {
            let of_scope = all.iter().filter(|listed| listed.scope == spec.uuid);
            let of_scope = of_scope.map(|listed| (listed.subject.as_str(), listed)).collect();
            let (name, slug) = (spec.name.clone(), Scopes::slug(spec));
            ScopeTable { name, slug, rows: rows(&of_scope, groups, drafts) }
        };
        Self {
            base,
            drafts,
            scopes: scopes.iter().map(table).filter(|table| !table.rows.is_empty()).collect(),
        }
    }
}

/// The subjects that were ever checked, those of a group in one row. Of a group, members that were never checked count,
/// too.
fn rows(scores: &BTreeMap<&str, &ListedScore>, groups: &[(String, String)], drafts: bool) -> Vec<Row> {
    let mut grouped: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (group, member) in groups {
        grouped.entry(group).or_default().push(member);
    }
    let is_grouped: BTreeSet<&str> = grouped.values().flatten().copied().collect();
    let alone = scores.keys().filter(|subject| !is_grouped.contains(*subject));
    let alone = alone.map(|&subject| row(subject.to_owned(), subject, None, &[subject], scores, drafts));
    let is_checked =
        |(_, members): &(&str, Vec<&str>)| members.iter().any(|member| scores.contains_key(member));
    let together = grouped.into_iter().filter(is_checked).map(|(group, members)| {
        row(format!("group-{group}"), group, Some(members.len()), &members, scores, drafts)
    });
    let mut rows: Vec<Row> = alone.chain(together).collect();
    rows.sort_by(|a, b| a.shown.cmp(&b.shown));
    rows
}

fn row(
    subject: String,
    shown: &str,
    size: Option<usize>,
    members: &[&str],
    scores: &BTreeMap<&str, &ListedScore>,
    drafts: bool,
) -> Row {
    let of_members = || members.iter().map(|member| scores.get(member).copied());
    let cell = |listed: &'_ ListedScore| {
        let score = &listed.score;
        if drafts { score.drafts.clone() } else { score.plain.clone() }
    };
    let cell =
        of_members().map(|listed| listed.and_then(cell)).min_by_key(|cell| rank(cell.as_ref())).flatten();
    let achieved = of_members().map(|listed| listed.and_then(|listed| listed.score.achieved.clone()));
    let achieved = achieved.max_by_key(|achieved| badness(achieved.as_ref())).flatten();
    Row {
        subject,
        shown: shown.to_owned(),
        members: size,
        class: class(cell.as_ref().map_or(Verdict::Miss, |cell| cell.verdict)),
        summary: cell.as_ref().map_or(Evaluation::NO_DATA.to_owned(), |cell| cell.summary.clone()),
        counts: cell.map_or_else(String::new, |cell| cell.counts),
        achieved: achieved.as_ref().map_or_else(|| "MISS".to_owned(), ToString::to_string),
        checked: of_members()
            .flatten()
            .map(|listed| listed.newest.date())
            .max()
            .map_or_else(String::new, |day| day.to_string()),
    }
}

/// The worst of several subjects first: FAIL, then MISS, then no data, then ABORT, then PASS.
fn rank(cell: Option<&Cell>) -> u8 {
    match cell.map(|cell| cell.verdict) {
        Some(Verdict::Fail) => 0,
        Some(Verdict::Miss) => 1,
        None => 2,
        Some(Verdict::Abort) => 3,
        Some(Verdict::Pass) => 4,
    }
}

/// How bad a state is; without any, nothing is known.
fn badness(achieved: Option<&Achieved>) -> usize {
    let order = ["PASS", "TENTATIVE", "ABORT", "MISS", "FAIL"];
    let state = achieved.map_or("MISS", |achieved| achieved.state.as_str());
    order.iter().position(|word| *word == state).unwrap_or(order.len())
}

impl Shown for Overview<'_> {
    fn title(&self) -> String {
        let drafts = if self.drafts { " (incl. drafts)" } else { "" };
        format!("SCS compliance overview{drafts}")
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        OverviewMarkdown(self).render()
    }
}
