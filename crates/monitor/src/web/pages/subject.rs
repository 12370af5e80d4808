use askama::Template;
use assay_report::visible;
use assay_standards::history::Interval;
use assay_standards::scope::Spec;
use jiff::ToSpan;
use jiff::civil::{Date, DateTime};

use super::Shown;
use crate::certificates::{Quarterly, manual_in_force};
use crate::past::{Known, Past, class};
use crate::scopes::Scopes;
use crate::score::Achieved;
use crate::store::{PastSpell, Profile};

/// How many changes are listed at most.
const LISTED: usize = 100;

/// What a subject came to over the last days, scope by scope.
#[derive(Template)]
#[template(path = "subject.html")]
pub(super) struct SubjectPage<'p> {
    base: &'p str,
    subject: &'p str,
    days: i32,
    /// The day for which it is told; none for now.
    day: Option<String>,
    profile: Profile,
    scopes: Vec<ScopePast>,
}

#[derive(Template)]
#[template(path = "subject.md", escape = "none")]
struct SubjectMarkdown<'p>(&'p SubjectPage<'p>);

struct ScopePast {
    name: String,
    slug: String,
    achieved: String,
    first_day: String,
    last_day: String,
    /// The versions that were in force.
    versions: Vec<Row>,
    /// The testcases.
    rows: Vec<Row>,
    /// What people have to check.
    checks: Vec<Check>,
    changes: Vec<Change>,
    /// How many changes were left out.
    left_out: usize,
    /// Whether more was left out than can be counted.
    is_cut: bool,
}

struct Row {
    /// A testcase or a version.
    of: String,
    state: &'static str,
    class: &'static str,
    bars: Vec<Bar>,
}

/// A state as part of a row, in thousandths of its width.
struct Bar {
    x: i64,
    width: i64,
    class: &'static str,
    told: String,
}

struct Change {
    at: String,
    /// The same as feeds have it.
    instant: String,
    testcase: String,
    before: &'static str,
    after: &'static str,
    class: &'static str,
    report: Option<String>,
    /// Which checkers found what was before and what is after, as far as their reports say.
    creators: [Option<String>; 2],
}

/// Something that people have to check every quarter.
pub(super) struct Check {
    testcase: String,
    last: Option<Date>,
    /// None if nobody has ever decided it.
    due: Option<Date>,
    is_overdue: bool,
}

impl Check {
    /// What people have to check of a scope, by what is known of a subject at this moment.
    pub(super) fn all(spec: &Spec, spells: &[PastSpell], is_certified: bool, now: DateTime) -> Vec<Self> {
        let check = |id: &str| {
            // What gave up decided nothing.
            let newest = spells.iter().filter(|past| past.testcase == id && past.ended.is_none());
            let last = newest.filter_map(|past| past.certain.map(|(_, at)| at)).max();
            let Quarterly { decided, due, is_overdue } = Quarterly::new(last, is_certified, now);
            Self {
                testcase: id.to_owned(),
                last: decided.map(DateTime::date),
                due: due.map(DateTime::date),
                is_overdue,
            }
        };
        manual_in_force(spec, now.date()).into_iter().map(check).collect()
    }
}

/// What is shown of one scope.
pub(super) struct Told<'s> {
    pub(super) past: Past<'s>,
    pub(super) achieved: Option<Achieved>,
    /// What people have to check now.
    pub(super) checks: Vec<Check>,
    /// Whether what is older was left out.
    pub(super) is_cut: bool,
}

impl<'p> SubjectPage<'p> {
    /// Of `days` days up to an instant, which is that of the request unless a `day` was asked for.
    pub(super) fn new(
        base: &'p str,
        (subject, profile): (&'p str, Profile),
        scopes: Vec<Told<'_>>,
        (days, until, day): (i32, DateTime, Option<String>),
    ) -> Self {
        let window = Window { from: begin(days, until), until };
        let scopes = scopes.into_iter().map(|told| ScopePast::new(told, &window)).collect();
        Self { base, subject, days, day, profile, scopes }
    }
}

/// The first instant of so many days, the last of which is that of `until`.
pub(super) fn begin(days: i32, until: DateTime) -> DateTime {
    let day = until.date().checked_sub((days - 1).days()).unwrap_or(until.date());
    day.at(0, 0, 0, 0)
}

struct Window {
    from: DateTime,
    until: DateTime,
}

impl Window {
    /// Where an instant stands in a row.
    fn place(&self, at: DateTime) -> i64 {
        let seconds = |from: DateTime, to: DateTime| to.duration_since(from).as_secs();
        let whole = seconds(self.from, self.until).max(1);
        (seconds(self.from, at.clamp(self.from, self.until)) * 1000) / whole
    }
}

impl ScopePast {
    /// What is shown of the versions and of the testcases: what they are called, where there is more of each, and they.
    fn tables(&self) -> [(&'static str, String, &[Row]); 2] {
        [
            ("Version", format!("page/matrix/{}/", self.slug), &self.versions),
            ("Testcase", "page/testcase/".to_owned(), &self.rows),
        ]
    }

    fn new(told: Told<'_>, window: &Window) -> Self {
        let Told { past, achieved, checks, is_cut } = told;
        let mut changes: Vec<(DateTime, Change)> = past
            .testcases
            .iter()
            .flat_map(|past| changes(&past.testcase.id, &past.intervals, window))
            .collect();
        changes.sort_by(|(a, _), (b, _)| b.cmp(a));
        Self {
            name: past.spec.name.clone(),
            slug: Scopes::slug(past.spec),
            achieved: achieved.as_ref().map_or_else(|| "no version in force".to_owned(), ToString::to_string),
            first_day: window.from.date().to_string(),
            last_day: window.until.date().to_string(),
            // Where older changes are left out, nobody knows what a version came to before.
            versions: (if is_cut { Vec::new() } else { past.versions(window.from, window.until) })
                .iter()
                .map(|past| row((&past.version.name, "not in force"), past.spans.iter(), window))
                .collect(),
            rows: past
                .testcases
                .iter()
                .map(|past| {
                    let intervals = past.intervals.iter().map(|known| &known.interval);
                    row((&past.testcase.id, "MISS"), intervals, window)
                })
                .collect(),
            left_out: changes.len().saturating_sub(LISTED),
            checks,
            is_cut,
            changes: changes.into_iter().take(LISTED).map(|(_, change)| change).collect(),
        }
    }
}

/// `nothing` is what is said where there is no interval at the end.
fn row<'i>(
    (of, nothing): (&str, &'static str),
    intervals: impl Iterator<Item = &'i Interval>,
    window: &Window,
) -> Row {
    let seen: Vec<&Interval> = intervals.filter(|interval| interval.from <= window.until).collect();
    let bars = seen.iter().map(|interval| {
        let (x, end) = (window.place(interval.from), window.place(interval.to));
        let told = format!("{} from {}", interval.state.as_str(), interval.from.strftime("%F %H:%M"));
        // What lasted for a moment is seen, too.
        Bar { x: x.min(996), width: (end - x).max(4), class: class(interval.state), told }
    });
    let last = seen.iter().rfind(|interval| window.until < interval.to);
    Row {
        of: of.to_owned(),
        state: last.map_or(nothing, |last| last.state.as_str()),
        class: last.map_or("miss", |last| class(last.state)),
        bars: bars.collect(),
    }
}

/// What changed, and when; nothing counted where there is no interval.
fn changes(testcase: &str, intervals: &[Known], window: &Window) -> Vec<(DateTime, Change)> {
    let mut changes = Vec::new();
    let mut before: Option<&Known> = None;
    let mut change = |at: DateTime, was: Option<&Known>, is: Option<&Known>| {
        let word = |known: Option<&Known>| known.map_or("MISS", Known::word);
        if window.from <= at && at <= window.until && word(was) != word(is) {
            let told = Change {
                at: at.strftime("%F %H:%M").to_string(),
                instant: instant(at),
                testcase: testcase.to_owned(),
                before: word(was),
                after: word(is),
                class: is.map_or("miss", |is| class(is.interval.state)),
                report: is.map(|is| is.first_report.clone()),
                creators: [
                    was.and_then(|was| was.creators[1].clone()),
                    is.and_then(|is| is.creators[0].clone()),
                ],
            };
            changes.push((at, told));
        }
    };
    for known in intervals {
        let from = known.interval.from;
        if let Some(ended) = before.filter(|before| before.interval.to < from) {
            change(ended.interval.to, Some(ended), None);
            before = None;
        }
        change(from, before, Some(known));
        before = Some(known);
    }
    if let Some(last) = before {
        change(last.interval.to, Some(last), None);
    }
    changes
}

impl Change {
    /// In a sentence.
    fn told(&self) -> String {
        let by = |creator: &Option<String>| {
            creator.as_ref().map_or_else(String::new, |creator| format!(" (found by {})", visible(creator)))
        };
        let Self { at, testcase, before, after, creators: [was, is], .. } = self;
        format!("{testcase} was {before}{} and is {after}{} since {at} UTC.", by(was), by(is))
    }
}

/// What changed for a subject in a scope, for readers of feeds.
#[derive(Template)]
#[template(path = "feed.xml", escape = "html")]
pub(super) struct Feed<'p> {
    base: &'p str,
    subject: &'p str,
    scope: ScopePast,
    updated: String,
}

impl<'p> Feed<'p> {
    /// Of the last days up to now.
    pub(super) fn new(
        (base, subject): (&'p str, &'p str),
        told: Told<'_>,
        (from, until): (DateTime, DateTime),
    ) -> Self {
        let scope = ScopePast::new(told, &Window { from, until });
        let newest = scope.changes.first().map_or_else(|| instant(from), |change| change.instant.clone());
        Self { base, subject, scope, updated: newest }
    }
}

/// A time as feeds have it.
fn instant(at: DateTime) -> String {
    at.strftime("%FT%TZ").to_string()
}

impl Shown for SubjectPage<'_> {
    fn title(&self) -> String {
        match &self.day {
            Some(day) => format!("History of {} up to {day}", self.subject),
            None => format!("History of {}", self.subject),
        }
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        SubjectMarkdown(self).render()
    }
}
