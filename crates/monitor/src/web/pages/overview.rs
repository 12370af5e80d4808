use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use assay_standards::Verdict;
use assay_standards::scope::Spec;
use assay_standards::score_card::Evaluation;
use jiff::civil::Date;

use super::Shown;
use super::search::{CERTIFIED, Kind, SORTS, Search};
use super::text::class;
use crate::certificates::Certificate;
use crate::reckoning::Scores;
use crate::scopes::Scopes;
use crate::score::{Achieved, Cell};
use crate::store::{ListedScore, Profile};

/// What an overview is made of, as it is kept for as long as nothing of it changes.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) scores: Arc<Scores>,
    /// Each group with one of its members.
    pub(super) groups: Vec<(String, String)>,
    pub(super) certificates: Vec<Certificate>,
    /// What is told about subjects.
    pub(super) profiles: BTreeMap<String, Profile>,
}

/// What all subjects come to, scope by scope.
#[derive(Template)]
#[template(path = "overview.html")]
pub(super) struct Overview<'o> {
    base: &'o str,
    drafts: bool,
    /// Whether something is looked for, so that others may be left out.
    is_search: bool,
    /// What a whole page has to look for something.
    finder: Option<Finder<'o>>,
    scopes: Vec<ScopeTable>,
}

#[derive(Template)]
#[template(path = "overview.md", escape = "none")]
struct OverviewMarkdown<'o>(&'o Overview<'o>);

/// The form, with what can be chosen.
struct Finder<'o> {
    search: &'o Search,
    scopes: Vec<Choice>,
    versions: Vec<Choice>,
    groups: Vec<Choice>,
    sorts: Vec<Choice>,
    counts: Vec<Count>,
}

struct Choice {
    word: String,
    name: String,
    is_chosen: bool,
}

/// How many rows are of a state.
struct Count {
    word: &'static str,
    class: &'static str,
    rows: usize,
    /// What is asked for to see them.
    query: String,
    is_chosen: bool,
}

struct ScopeTable {
    name: String,
    slug: String,
    rows: Vec<Row>,
}

struct Row {
    /// A subject, or a group with `group-` in front, as addresses have it.
    subject: String,
    shown: String,
    /// What people call it, and who operates it.
    told: String,
    /// How many subjects a group has; none for a subject.
    members: Option<usize>,
    summary: String,
    class: &'static str,
    /// How many testcases have which verdict.
    counts: String,
    /// What is achieved, counting only what is certain.
    achieved: String,
    kind: Kind,
    version: String,
    certified: Certified,
    /// The day of the newest result.
    checked: String,
}

/// Which certificates in force stand behind a row.
#[derive(Default)]
struct Certified {
    /// That of a subject: its UUID, and when it ends.
    one: Option<(String, Date)>,
    /// How many members of a row have one.
    subjects: usize,
    is_whole: bool,
}

impl<'o> Overview<'o> {
    pub(super) fn new(
        base: &'o str,
        ground: &Ground,
        (search, day): (&'o Search, Date),
        (drafts, is_page): (bool, bool),
    ) -> Self {
        let scopes = &ground.scores.scopes;
        let is_asked = |spec: &&Spec| search.scope.is_empty() || Scopes::slug(spec) == search.scope;
        let mut tables: Vec<ScopeTable> = scopes
            .iter()
            .filter(is_asked)
            .map(|spec| ScopeTable {
                name: spec.name.clone(),
                slug: Scopes::slug(spec),
                rows: Table::new(spec, ground, day, drafts).rows(search),
            })
            .collect();
        let finder = is_page.then(|| Finder::new(scopes, ground, search, &tables));
        for table in &mut tables {
            table.rows.retain(|row| match search.state.as_str() {
                "" => true,
                CERTIFIED => row.certified.is_whole,
                state => row.kind.as_str() == state,
            });
        }
        tables.retain(|table| !table.rows.is_empty());
        Self { base, drafts, is_search: !search.is_idle(), finder, scopes: tables }
    }
}

impl<'o> Finder<'o> {
    /// `tables` have the rows of all states.
    fn new(scopes: &Scopes, ground: &Ground, search: &'o Search, tables: &[ScopeTable]) -> Self {
        let choice = |word: String, name: String, chosen: &str| {
            let is_chosen = word == chosen;
            Choice { word, name, is_chosen }
        };
        let same = |words: BTreeSet<&str>, chosen: &str| {
            // What was asked for stays in the form, be there such a thing or not.
            let words = words.into_iter().chain([chosen]).filter(|word| !word.is_empty());
            let words: BTreeSet<&str> = words.collect();
            words.into_iter().map(|word| choice(word.to_owned(), word.to_owned(), chosen)).collect()
        };
        let achieved = ground.scores.all.iter().filter_map(|listed| listed.score.achieved.as_ref());
        let rows = || tables.iter().flat_map(|table| &table.rows);
        let count = |word: &'static str, class, is_of: &dyn Fn(&&Row) -> bool| Count {
            word,
            class,
            rows: rows().filter(is_of).count(),
            query: search.with_state(if word == ALL { "" } else { word }),
            is_chosen: search.state == word || search.state.is_empty() && word == ALL,
        };
        let of_kinds = Kind::ALL.iter().rev();
        let of_kinds = of_kinds.map(|kind| count(kind.as_str(), kind.class(), &|row| row.kind == *kind));
        let counts = [count(ALL, "all", &|_| true)].into_iter().chain(of_kinds).chain([count(
            CERTIFIED,
            "pass",
            &|row| row.certified.is_whole,
        )]);
        Self {
            search,
            scopes: scopes
                .iter()
                .map(|spec| choice(Scopes::slug(spec), spec.name.clone(), &search.scope))
                .collect(),
            versions: same(achieved.map(|achieved| achieved.version.as_str()).collect(), &search.version),
            groups: same(ground.groups.iter().map(|(group, _)| group.as_str()).collect(), &search.group),
            sorts: SORTS.iter().map(|&word| choice(word.to_owned(), word.to_owned(), &search.sort)).collect(),
            counts: counts.filter(|count| count.rows > 0 || count.is_chosen).collect(),
        }
    }
}

/// The word for rows of whatever state.
const ALL: &str = "all";

/// What rows of a scope are made from.
struct Table<'t> {
    scores: BTreeMap<&'t str, &'t ListedScore>,
    /// By subject, those in force.
    certificates: BTreeMap<&'t str, &'t Certificate>,
    groups: BTreeMap<&'t str, Vec<&'t str>>,
    profiles: &'t BTreeMap<String, Profile>,
    drafts: bool,
}

impl<'t> Table<'t> {
    fn new(spec: &Spec, ground: &'t Ground, day: Date, drafts: bool) -> Self {
        let scores = ground.scores.all.iter().filter(|listed| listed.scope == spec.uuid);
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (group, member) in &ground.groups {
            groups.entry(group).or_default().push(member);
        }
        let in_force = ground
            .certificates
            .iter()
            .filter(|certificate| certificate.scope == spec.uuid && certificate.standing(day).is_in_force());
        Self {
            scores: scores.map(|listed| (listed.subject.as_str(), listed)).collect(),
            certificates: in_force.map(|certificate| (certificate.subject.as_str(), certificate)).collect(),
            groups,
            profiles: &ground.profiles,
            drafts,
        }
    }

    /// What people call a subject, and who operates it.
    fn told(&self, subject: &str) -> String {
        let Some(Profile { title, operator, .. }) = self.profiles.get(subject) else { return String::new() };
        let told: Vec<&str> =
            [title, operator].map(String::as_str).into_iter().filter(|text| !text.is_empty()).collect();
        told.join(", ")
    }

    /// Whether a subject is what somebody looks for, by whichever of its names.
    fn is_like(&self, search: &Search, subject: &str) -> bool {
        search.is_like(subject) || search.is_like(&self.told(subject))
    }

    /// The subjects that were ever checked, those of a group in one row. Of a group, members that were never checked
    /// count, too. Of a group that is asked for, each member has a row.
    fn rows(&self, search: &Search) -> Vec<Row> {
        let is_checked = |members: &[&str]| members.iter().any(|member| self.scores.contains_key(member));
        let mut rows: Vec<Row> = if search.group.is_empty() {
            let is_grouped: BTreeSet<&str> = self.groups.values().flatten().copied().collect();
            let alone = self.scores.keys().filter(|subject| !is_grouped.contains(*subject));
            let alone =
                alone.filter(|subject| self.is_like(search, subject)).map(|&subject| self.subject(subject));
            let is_like = |group: &str, members: &[&str]| {
                search.is_like(group) || members.iter().any(|member| self.is_like(search, member))
            };
            let together =
                self.groups.iter().filter(|(group, members)| is_checked(members) && is_like(group, members));
            alone.chain(together.map(|(group, members)| self.group(group, members))).collect()
        } else {
            let members = self.groups.get(search.group.as_str()).filter(|members| is_checked(members));
            let members = members.into_iter().flatten().filter(|member| self.is_like(search, member));
            members.map(|&member| self.subject(member)).collect()
        };
        rows.retain(|row| search.version.is_empty() || row.version == search.version);
        rows.sort_by(|a, b| a.shown.cmp(&b.shown));
        match search.sort.as_str() {
            "state" => rows.sort_by_key(|row| row.kind),
            "newest" => rows.sort_by(|a, b| b.checked.cmp(&a.checked)),
            _ => {}
        }
        rows
    }

    fn subject(&self, subject: &str) -> Row {
        let certificate = self.certificates.get(subject);
        let one = certificate.map(|certificate| (certificate.uuid.clone(), certificate.valid_until));
        let row = self.row(subject.to_owned(), subject, None, &[subject]);
        Row { told: self.told(subject), certified: Certified { one, ..row.certified }, ..row }
    }

    fn group(&self, group: &str, members: &[&str]) -> Row {
        self.row(format!("group-{group}"), group, Some(members.len()), members)
    }

    fn row(&self, subject: String, shown: &str, size: Option<usize>, members: &[&str]) -> Row {
        let of_members = || members.iter().map(|member| self.scores.get(member).copied());
        let cell = |listed: &'_ ListedScore| {
            let score = &listed.score;
            if self.drafts { score.drafts.clone() } else { score.plain.clone() }
        };
        let cell =
            of_members().map(|listed| listed.and_then(cell)).min_by_key(|cell| rank(cell.as_ref())).flatten();
        let achieved = of_members().map(|listed| listed.and_then(|listed| listed.score.achieved.clone()));
        let achieved = achieved.max_by_key(|achieved| badness(achieved.as_ref())).flatten();
        let certified = members.iter().filter(|member| self.certificates.contains_key(*member)).count();
        Row {
            subject,
            shown: shown.to_owned(),
            told: String::new(),
            members: size,
            class: class(cell.as_ref().map_or(Verdict::Miss, |cell| cell.verdict)),
            summary: cell.as_ref().map_or(Evaluation::NO_DATA.to_owned(), |cell| cell.summary.clone()),
            counts: cell.map_or_else(String::new, |cell| cell.counts),
            achieved: achieved.as_ref().map_or_else(|| "MISS".to_owned(), ToString::to_string),
            kind: Kind::of(achieved.as_ref()),
            version: achieved.map_or_else(String::new, |achieved| achieved.version),
            certified: Certified { one: None, subjects: certified, is_whole: certified == members.len() },
            checked: of_members()
                .flatten()
                .map(|listed| listed.newest.date())
                .max()
                .map_or_else(String::new, |day| day.to_string()),
        }
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
