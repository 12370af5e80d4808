use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use assay_standards::Verdict;
use assay_standards::scope::Spec;
use assay_standards::score_card::Evaluation;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Shown;
use super::text::class;
use crate::scopes::Scopes;
use crate::status::{Card, cards, worst};
use crate::store::Standing;

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
    /// The day of the newest result.
    checked: String,
}

impl<'o> Overview<'o> {
    pub(super) fn new(
        base: &'o str,
        scopes: &Scopes,
        standings: Vec<Standing>,
        groups: &[(String, String)],
        now: Timestamp,
        drafts: bool,
    ) -> Self {
        let mut newest: BTreeMap<(String, String), Timestamp> = BTreeMap::new();
        for standing in &standings {
            let time = newest
                .entry((standing.scope.clone(), standing.subject.clone()))
                .or_insert(standing.counts_from);
            *time = standing.counts_from.max(*time);
        }
        let cards = cards(scopes, standings, now, drafts);
        let table = |spec: &Spec| {
            let of_scope = newest.iter().filter(|((scope, _), _)| *scope == spec.uuid);
            let checked = of_scope.map(|((_, subject), &time)| (subject.as_str(), time)).collect();
            let cards = cards.iter().filter(|card| card.spec.uuid == spec.uuid);
            let cards = cards.map(|card| (card.subject.as_str(), card)).collect();
            let (name, slug) = (spec.name.clone(), Scopes::slug(spec));
            ScopeTable { name, slug, rows: rows(&checked, groups, &cards) }
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
fn rows(
    checked: &BTreeMap<&str, Timestamp>,
    groups: &[(String, String)],
    cards: &BTreeMap<&str, &Card<'_>>,
) -> Vec<Row> {
    let mut grouped: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (group, member) in groups {
        grouped.entry(group).or_default().push(member);
    }
    let is_grouped: BTreeSet<&str> = grouped.values().flatten().copied().collect();
    let alone = checked.keys().filter(|subject| !is_grouped.contains(*subject));
    let alone = alone.map(|&subject| row(subject.to_owned(), subject, None, &[subject], checked, cards));
    let is_checked =
        |(_, members): &(&str, Vec<&str>)| members.iter().any(|member| checked.contains_key(member));
    let together = grouped.into_iter().filter(is_checked).map(|(group, members)| {
        row(format!("group-{group}"), group, Some(members.len()), &members, checked, cards)
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
    checked: &BTreeMap<&str, Timestamp>,
    cards: &BTreeMap<&str, &Card<'_>>,
) -> Row {
    let of_members: Vec<Option<&Card<'_>>> =
        members.iter().map(|member| cards.get(member).copied()).collect();
    let card = worst(&of_members);
    let newest = members.iter().filter_map(|member| checked.get(member)).max();
    Row {
        subject,
        shown: shown.to_owned(),
        members: size,
        summary: card.map_or(Evaluation::NO_DATA.to_owned(), Card::summary),
        class: class(card.map_or(Verdict::Miss, |card| card.evaluation.verdict())),
        counts: card.map_or_else(String::new, counts),
        checked: newest.map_or_else(String::new, |&time| TimeZone::UTC.to_datetime(time).date().to_string()),
    }
}

fn counts(card: &Card<'_>) -> String {
    let buckets = card.results.buckets(&card.evaluation);
    let words = buckets.iter().map(|(verdict, members)| format!("{} {verdict}", members.len()));
    words.collect::<Vec<_>>().join(", ")
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
