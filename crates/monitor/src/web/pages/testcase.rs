use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use assay_standards::history::State;
use assay_standards::scope::{Lifetime, Module, Spec, Testcase, Validity, Version};
use jiff::civil::{Date, DateTime};

use super::Shown;
use super::text::{address, parts};
use crate::explained::Explained;
use crate::past::class;
use crate::scopes::Scopes;
use crate::score::counting;
use crate::store::{ListedScore, Seen};

/// What a testcase demands, and who meets it.
#[derive(Template)]
#[template(path = "testcase.html")]
pub(super) struct TestcasePage<'t> {
    base: &'t str,
    id: &'t str,
    explained: Option<Texts<'t>>,
    scopes: Vec<ScopePart>,
}

#[derive(Template)]
#[template(path = "testcase.md", escape = "none")]
struct TestcaseMarkdown<'t>(&'t TestcasePage<'t>);

/// Each part of a text, and whether it is a name.
type Parts = Vec<(bool, String)>;

struct Texts<'t> {
    whole: &'t Explained,
    title: Parts,
    explanation: Parts,
    remedy: Parts,
}

impl<'t> Texts<'t> {
    fn of(whole: &'t Explained) -> Self {
        let Explained { title, explanation, remedy, .. } = whole;
        Self { whole, title: parts(title), explanation: parts(explanation), remedy: parts(remedy) }
    }
}

/// A testcase in a scope.
struct ScopePart {
    name: String,
    slug: String,
    /// What the scope says of it; none if the scope does not know it, although there are results.
    known: Option<Known>,
    rows: Vec<Row>,
    /// How many of the rows meet the demand.
    passing: usize,
}

struct Known {
    description: Parts,
    url: Option<String>,
    lifetime: Lifetime,
    manual: bool,
    own: bool,
    /// How many stable versions cannot be had without it.
    attention: usize,
    places: Vec<Place>,
}

/// Where a version has it.
struct Place {
    version: String,
    validity: &'static str,
    target: String,
    module: String,
    url: Option<String>,
}

struct Row {
    subject: String,
    state: &'static str,
    class: &'static str,
    since: Option<Date>,
    /// The day of the newest result, and the UUID of its report.
    newest: Option<(Date, String)>,
}

impl<'t> TestcasePage<'t> {
    /// `seen` are the newest results of the testcase; `checked` tells who was ever checked. None if nobody knows of such a
    /// testcase.
    pub(super) fn new(
        (base, id): (&'t str, &'t str),
        explained: Option<&'t Explained>,
        scopes: &Scopes,
        (seen, checked): (&[Seen], &[ListedScore]),
        now: DateTime,
    ) -> Option<Self> {
        let part = |spec: &Spec| {
            let seen: Vec<&Seen> = seen.iter().filter(|seen| seen.scope == spec.uuid).collect();
            let testcase = spec.testcase(id);
            (testcase.is_some() || !seen.is_empty())
                .then(|| ScopePart::new((spec, testcase), &seen, checked, now))
        };
        let scopes: Vec<ScopePart> = scopes.iter().filter_map(part).collect();
        let is_known = explained.is_some() || !scopes.is_empty();
        is_known.then(|| Self { base, id, explained: explained.map(Texts::of), scopes })
    }
}

impl ScopePart {
    fn new(
        (spec, testcase): (&Spec, Option<&Testcase>),
        seen: &[&Seen],
        scores: &[ListedScore],
        now: DateTime,
    ) -> Self {
        let mut rows: Vec<Row> = match testcase {
            None => seen.iter().map(|seen| Row::uncounted(seen)).collect(),
            Some(testcase) => {
                let mut with: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
                for &seen in seen {
                    with.entry(&seen.subject).or_default().push(seen);
                }
                let of = |subject: &str| {
                    let of_subject = with.get(subject).into_iter().flatten();
                    Row::new((spec, testcase), subject, of_subject.copied(), now)
                };
                // Whoever was never checked for what nobody demands any more lacks nothing.
                let checked = scores.iter().filter(|score| score.scope == spec.uuid);
                let checked = checked.filter(|_| is_in_force(spec, &testcase.id, now.date()));
                let all: BTreeSet<&str> =
                    checked.map(|score| score.subject.as_str()).chain(with.keys().copied()).collect();
                all.into_iter().map(of).collect()
            }
        };
        rows.sort_by(|a, b| a.subject.cmp(&b.subject));
        Self {
            name: spec.name.clone(),
            slug: Scopes::slug(spec),
            known: testcase.map(|testcase| Known::new(spec, testcase, now.date())),
            passing: rows.iter().filter(|row| matches!(row.class, "pass" | "tentative")).count(),
            rows,
        }
    }
}

/// Whether a version that is in force has a testcase.
fn is_in_force(spec: &Spec, testcase: &str, day: Date) -> bool {
    let of = |(version, validity): (&Version, Validity)| {
        validity.certifiable() && version.target_of(testcase).is_some()
    };
    spec.validity(day).into_iter().any(of)
}

impl Known {
    fn new(spec: &Spec, testcase: &Testcase, day: Date) -> Self {
        let place = |(version, validity): (&Version, Validity)| {
            let target = version.target_of(&testcase.id)?;
            let included = version.includes.iter().filter_map(|include| spec.module(&include.module));
            let module = included.into_iter().find(|module| has(module, &testcase.id));
            Some(Place {
                version: version.name.clone(),
                validity: validity.as_str(),
                target: target.to_owned(),
                module: module.map_or_else(String::new, label),
                url: module.and_then(|module| address(module.url.as_deref()?)).map(str::to_owned),
            })
        };
        Self {
            description: parts(&testcase.description),
            url: testcase.url.as_deref().and_then(address).map(str::to_owned),
            lifetime: testcase.lifetime,
            manual: testcase.manual,
            own: testcase.own,
            attention: testcase.attention,
            places: spec.validity(day).into_iter().filter_map(place).collect(),
        }
    }
}

/// Whether a module has a testcase in any of its targets.
fn has(module: &Module, testcase: &str) -> bool {
    module.targets.iter().any(|(_, testcases)| testcases.iter().any(|id| id == testcase))
}

/// A module with its id, if that says something.
pub(super) fn label(module: &Module) -> String {
    match module.id.starts_with("scs-") && module.name != module.id {
        true => format!("{}: {}", module.id, module.name),
        false => module.name.clone(),
    }
}

impl Row {
    fn new<'s>(
        (spec, testcase): (&Spec, &Testcase),
        subject: &str,
        seen: impl Iterator<Item = &'s Seen>,
        now: DateTime,
    ) -> Self {
        let known = seen.map(|seen| (testcase.id.as_str(), seen.stated, seen.latest, seen));
        let (state, seen) = match counting(spec, known, now).remove(testcase.id.as_str()) {
            Some((state, seen)) => (state, Some(seen)),
            None => (State::Miss, None),
        };
        Self {
            subject: subject.to_owned(),
            state: state.as_str(),
            class: class(state),
            since: seen.map(|seen| since(state, seen, testcase.lifetime).date()),
            newest: seen.map(|seen| (seen.latest.at.date(), seen.report.clone())),
        }
    }

    /// What came out of something that the scope does not know.
    fn uncounted(seen: &Seen) -> Self {
        Self {
            subject: seen.subject.clone(),
            state: seen.latest.verdict.as_str(),
            class: "miss",
            since: Some(seen.since.date()),
            newest: Some((seen.latest.at.date(), seen.report.clone())),
        }
    }
}

/// Since when it is at least in a state.
fn since(state: State, seen: &Seen, lifetime: Lifetime) -> DateTime {
    let certain = seen.latest.certain.map(|(_, at)| at);
    match state {
        State::Miss => lifetime.expiry(seen.latest.at),
        // A check that gave up since lifts no FAIL.
        State::Fail => certain.map_or(seen.since, |at| at.min(seen.since)),
        State::Abort => certain.map_or(seen.since, |at| lifetime.expiry(at).max(seen.since)),
        State::Pass | State::Tentative { .. } => seen.since,
    }
}

/// All testcases, by the standard that demands them.
#[derive(Template)]
#[template(path = "testcases.html")]
pub(super) struct TestcasesPage<'t> {
    base: &'t str,
    standards: Vec<Standard>,
}

#[derive(Template)]
#[template(path = "testcases.md", escape = "none")]
struct TestcasesMarkdown<'t>(&'t TestcasesPage<'t>);

struct Standard {
    name: String,
    url: Option<String>,
    rows: Vec<Listed>,
}

struct Listed {
    id: String,
    title: Parts,
    /// The versions that have it, each with its scope and the target.
    places: Vec<String>,
}

impl<'t> TestcasesPage<'t> {
    pub(super) fn new(base: &'t str, scopes: &Scopes, explained: &[Explained], day: Date) -> Self {
        let mut standards: BTreeMap<String, Standard> = BTreeMap::new();
        let mut listed: BTreeSet<&str> = BTreeSet::new();
        for spec in scopes.iter() {
            for testcase in spec.testcases() {
                let module = spec.modules.iter().find(|module| has(module, &testcase.id));
                let standard = standards.entry(module.map_or("", number_of).to_owned());
                let standard = standard.or_insert_with(|| Standard {
                    name: module.map_or_else(|| "In no version".to_owned(), standard_name),
                    url: module.and_then(|module| address(module.url.as_deref()?)).map(str::to_owned),
                    rows: Vec::new(),
                });
                let places = spec.validity(day).into_iter().filter_map(|(version, validity)| {
                    let target = version.target_of(&testcase.id)?;
                    Some(format!("{} {}{} {target}", spec.name, version.name, validity.mark()))
                });
                let known = explained.iter().find(|known| known.testcase == testcase.id);
                let title = known.map_or(&testcase.description, |known| &known.title);
                listed.insert(&testcase.id);
                standard.rows.push(Listed {
                    id: testcase.id.clone(),
                    title: parts(title),
                    places: places.collect(),
                });
            }
        }
        for known in explained.iter().filter(|known| !listed.contains(known.testcase.as_str())) {
            let standard = standards.entry(number(&known.standard).to_owned()).or_insert_with(|| Standard {
                name: known.standard.clone(),
                url: None,
                rows: Vec::new(),
            });
            let title = parts(&known.title);
            standard.rows.push(Listed { id: known.testcase.clone(), title, places: Vec::new() });
        }
        for standard in standards.values_mut() {
            standard.rows.sort_by(|a, b| a.id.cmp(&b.id));
            // Two scopes may have the same testcase.
            standard.rows.dedup_by(|next, before| {
                let is_same = next.id == before.id;
                if is_same {
                    before.places.append(&mut next.places);
                }
                is_same
            });
        }
        let elsewhere = standards.remove("");
        Self { base, standards: standards.into_values().chain(elsewhere).collect() }
    }
}

/// The number of the standard of a module, such as `scs-0100`, or what the module is called if it has none.
pub(super) fn number_of(module: &Module) -> &str {
    let texts = [Some(module.id.as_str()), Some(module.name.as_str()), module.url.as_deref()];
    let found = texts.into_iter().flatten().map(|text| (text, number(text)));
    let found = found.into_iter().find_map(|(text, number)| (number != text).then_some(number));
    found.unwrap_or(&module.id)
}

/// The first number of a standard in a text, or the text.
fn number(text: &str) -> &str {
    let is_number = |at: usize| {
        let number = text.get(at..at + 8)?;
        number.bytes().skip(4).all(|byte| byte.is_ascii_digit()).then_some(number)
    };
    text.match_indices("scs-").find_map(|(at, _)| is_number(at)).unwrap_or(text)
}

/// What a standard is called, without the version of the module it was found in.
fn standard_name(module: &Module) -> String {
    let number = number_of(module);
    let name = module.name.rsplit_once(": ").map_or(module.name.as_str(), |(_, name)| name);
    if number == module.id { name.to_owned() } else { format!("{number}: {name}") }
}

impl Shown for TestcasePage<'_> {
    fn title(&self) -> String {
        format!("Testcase {}", self.id)
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        TestcaseMarkdown(self).render()
    }
}

impl Shown for TestcasesPage<'_> {
    fn title(&self) -> String {
        "Testcases".to_owned()
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        TestcasesMarkdown(self).render()
    }
}
