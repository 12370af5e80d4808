use askama::Template;
use assay_standards::Verdict;
use assay_standards::scope::{Spec, Testcase, Version};
use assay_standards::score_card::Evaluation;

use super::Shown;
use super::text::{address, class, parts};
use crate::scopes::Scopes;
use crate::status::Card;

/// What a subject or a group comes to in a scope, testcase by testcase.
#[derive(Template)]
#[template(path = "detail.html")]
pub(super) struct Detail<'d> {
    base: &'d str,
    /// The subject or group, as the address has it.
    name: &'d str,
    scope: &'d str,
    slug: String,
    drafts: bool,
    subjects: Vec<SubjectTable>,
}

#[derive(Template)]
#[template(path = "detail.md", escape = "none")]
struct DetailMarkdown<'d>(&'d Detail<'d>);

struct SubjectTable {
    name: String,
    summary: String,
    /// The versions that were looked at, with the mark of their validity.
    versions: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    testcase: String,
    url: Option<String>,
    /// Each part, and whether it is a name.
    description: Vec<(bool, String)>,
    class: &'static str,
    symbol: &'static str,
    word: &'static str,
    /// Day and moment of the result, and the UUID of its report.
    result: Option<(String, String, String)>,
    /// For each version, whether its target `main` has the testcase.
    decides: Vec<bool>,
}

impl<'d> Detail<'d> {
    pub(super) fn new(
        base: &'d str,
        spec: &'d Spec,
        (name, subjects): (&'d str, &[String]),
        cards: &[Card<'_>],
        drafts: bool,
    ) -> Self {
        let table = |subject: &String| {
            let card = cards.iter().find(|card| card.subject == *subject);
            let visited: Vec<&Version> =
                card.iter().flat_map(|card| &card.evaluation.visited).map(|score| score.version).collect();
            let rows = card.iter().flat_map(|card| {
                let buckets = card.results.buckets(&card.evaluation);
                let rows = buckets.into_iter().flat_map(|(verdict, testcases)| {
                    testcases.into_iter().map(move |testcase| (verdict, testcase))
                });
                rows.map(|(verdict, testcase)| row(card, verdict, testcase, &visited)).collect::<Vec<_>>()
            });
            let marked = card.iter().flat_map(|card| &card.evaluation.visited);
            SubjectTable {
                name: subject.clone(),
                summary: card.map_or(Evaluation::NO_DATA.to_owned(), Card::summary),
                versions: marked
                    .map(|score| format!("{}{}", score.version.name, score.validity.mark()))
                    .collect(),
                rows: rows.collect(),
            }
        };
        let subjects = subjects.iter().map(table).collect();
        Self { base, name, scope: &spec.name, slug: Scopes::slug(spec), drafts, subjects }
    }
}

fn row(card: &Card<'_>, verdict: Verdict, testcase: &Testcase, visited: &[&Version]) -> Row {
    let (symbol, word) = match verdict {
        Verdict::Fail if testcase.attention > 0 => ("🛑", "FAIL"),
        Verdict::Fail => ("🟧", "FAIL"),
        Verdict::Miss => ("❓", "MISSING"),
        Verdict::Abort => ("❔", "DNF"),
        Verdict::Pass => ("✅", "pass"),
    };
    let result = card.standing(&testcase.id).and_then(|standing| {
        let checked_at = card.results.valid().get(testcase.id.as_str())?.checked_at;
        Some((
            checked_at.date().to_string(),
            format!("{} UTC", checked_at.strftime("%F %T")),
            standing.report.clone(),
        ))
    });
    Row {
        testcase: testcase.id.clone(),
        url: testcase.url.as_deref().and_then(address).map(str::to_owned),
        description: parts(&testcase.description),
        class: class(verdict),
        symbol,
        word,
        result,
        decides: visited.iter().map(|version| version.target(Version::MAIN).contains(&testcase.id)).collect(),
    }
}

impl Shown for Detail<'_> {
    fn title(&self) -> String {
        let (kind, name) = match self.name.strip_prefix("group-") {
            Some(group) => ("group", group),
            None => ("subject", self.name),
        };
        let drafts = if self.drafts { " (incl. drafts)" } else { "" };
        format!("Details for {kind} {name}{drafts}")
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        DetailMarkdown(self).render()
    }
}
