use std::collections::BTreeMap;

use askama::Template;
use assay_standards::history::State;
use assay_standards::scope::{Spec, Version};
use jiff::civil::DateTime;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Shown;
use super::paging::Pager;
use super::testcase::number_of;
use crate::past::class;
use crate::scopes::Scopes;
use crate::score::states;
use crate::store::StandingRow;

/// How many subjects are on a page.
const EACH: usize = 50;

/// Which part of a matrix is asked for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(in crate::web) struct Part {
    page: Option<usize>,
    /// Any word: only what does not pass.
    troubles: Option<String>,
}

impl Part {
    fn has_troubles_only(&self) -> bool {
        self.troubles.as_deref().is_some_and(|word| !word.is_empty())
    }

    /// The subjects on this page, out of all in order.
    pub(super) fn of<'n>(&self, all: &'n [&'n str]) -> (&'n [&'n str], Pager) {
        let more = if self.has_troubles_only() { "&troubles=1" } else { "" };
        Pager::cut(all, EACH, self.page, more)
    }
}

/// Who passes which testcase of a version of a scope.
#[derive(Template)]
#[template(path = "matrix.html")]
pub(super) struct MatrixPage<'m> {
    base: &'m str,
    scope: &'m str,
    slug: String,
    version: &'m str,
    /// The other versions of the scope.
    versions: Vec<&'m str>,
    has_troubles_only: bool,
    groups: Vec<Group>,
    columns: Vec<Column<'m>>,
    rows: Vec<Row<'m>>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "matrix.md", escape = "none")]
struct MatrixMarkdown<'m>(&'m MatrixPage<'m>);

/// The testcases of a standard, which stand side by side.
struct Group {
    number: String,
    name: String,
    columns: usize,
}

struct Column<'m> {
    testcase: &'m str,
    /// Without the number of the standard.
    short: &'m str,
    target: &'m str,
    number: &'m str,
    name: &'m str,
}

impl Column<'_> {
    fn is_main(&self) -> bool {
        self.target == Version::MAIN
    }
}

struct Row<'m> {
    subject: &'m str,
    passing: usize,
    cells: Vec<Cell>,
}

/// A state.
#[derive(Clone, Copy)]
struct Cell {
    state: State,
    class: &'static str,
    symbol: &'static str,
}

impl Cell {
    fn of(state: State) -> Self {
        let symbol = match state {
            State::Pass => "✔",
            State::Tentative { .. } => "≈",
            State::Abort => "?",
            State::Miss => "–",
            State::Fail => "✘",
        };
        Self { state, class: class(state), symbol }
    }
}

impl<'m> MatrixPage<'m> {
    /// `standings` are those of the subjects on this page, whom `pager` tells apart from the others.
    pub(super) fn new(
        base: &'m str,
        (spec, version): (&'m Spec, &'m Version),
        (subjects, pager): (&'m [&'m str], Pager),
        standings: &BTreeMap<String, Vec<StandingRow>>,
        (part, now): (&Part, DateTime),
    ) -> Self {
        let mut columns = columns(spec, version);
        let row = |subject: &&'m str| {
            let known = standings.get(*subject).map(Vec::as_slice).unwrap_or_default();
            let known = known.iter().map(|row| (row.name.as_str(), row.stated, row.latest()));
            let states = states(spec, known, now);
            let cell = |column: &Column| states.get(column.testcase).copied().unwrap_or(State::Miss);
            let cells: Vec<Cell> = columns.iter().map(cell).map(Cell::of).collect();
            Row { subject, passing: cells.iter().filter(|cell| cell.state.passes()).count(), cells }
        };
        let mut rows: Vec<Row> = subjects.iter().map(row).collect();
        if part.has_troubles_only() {
            let all = columns.len();
            rows.retain(|row| row.passing < all);
            let is_wanted: Vec<bool> =
                (0..all).map(|place| rows.iter().any(|row| !row.cells[place].state.passes())).collect();
            retain(&mut columns, &is_wanted);
            for row in &mut rows {
                retain(&mut row.cells, &is_wanted);
            }
        }
        let mut groups: Vec<Group> = Vec::new();
        for column in &columns {
            let number = column.number.trim_start_matches("scs-");
            match groups.last_mut().filter(|group| group.number == number) {
                Some(group) => group.columns += 1,
                None => {
                    groups.push(Group {
                        number: number.to_owned(),
                        name: column.name.to_owned(),
                        columns: 1,
                    });
                }
            }
        }
        let listed = spec.validity(now.date()).into_iter().map(|(version, _)| version.name.as_str());
        Self {
            base,
            scope: &spec.name,
            slug: Scopes::slug(spec),
            version: &version.name,
            versions: listed.filter(|name| *name != version.name).collect(),
            has_troubles_only: part.has_troubles_only(),
            groups,
            columns,
            rows,
            pager,
        }
    }
}

/// Keeps what is wanted by its place.
fn retain<T>(all: &mut Vec<T>, is_wanted: &[bool]) {
    let mut wanted = is_wanted.iter();
    all.retain(|_| wanted.next().copied().unwrap_or_default());
}

/// The testcases of a version, those of a standard side by side.
fn columns<'m>(spec: &'m Spec, version: &'m Version) -> Vec<Column<'m>> {
    let column = |(testcase, target): (&'m str, &'m str)| {
        let has = |(_, testcases): &(String, Vec<String>)| testcases.iter().any(|id| id == testcase);
        let module = spec.modules.iter().find(|module| module.targets.iter().any(has));
        let number = module.map_or("", number_of);
        let short = testcase.strip_prefix(number).map_or(testcase, |rest| rest.trim_start_matches('-'));
        Column { testcase, short, target, number, name: module.map_or("", |module| &module.name) }
    };
    let mut columns: Vec<Column> = version.testcases().map(column).collect();
    columns.sort_by(|a, b| a.number.cmp(b.number));
    columns
}

impl Shown for MatrixPage<'_> {
    fn title(&self) -> String {
        format!("{} {}: who passes what", self.scope, self.version)
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        MatrixMarkdown(self).render()
    }
}
