use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

use super::Reference;
use crate::requirements::{Counts, Evidence, Integrators, Layer, Least, Tier};

/// Why a reference counts nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Missing {
    /// The table has no such kind.
    #[error("there is no evidence of the kind {0:?}")]
    NoKind(String),
    /// It counts for others.
    #[error("evidence of the kind {kind} does not count for {layer}")]
    OtherLayer {
        /// The kind of evidence.
        kind: String,
        /// The layer that was applied for.
        layer: String,
    },
    /// Neither a report nor anything else.
    #[error("nothing proves it: neither a report nor other evidence is named")]
    NoProof,
    /// It is a joint environment, and a text is empty.
    #[error("the own share in the environment, and what proves it, have to be told")]
    NoShare,
    /// It is not large enough, or nothing was said.
    #[error("the environment has to have {} regions or {} availability zones", .0.regions, .0.zones)]
    TooSmall(Least),
    /// It lies ahead.
    #[error("it begins on {0}, which has not come")]
    Ahead(Date),
    /// It is over.
    #[error("it ended on {0}, and has to last")]
    Over(Date),
    /// It happened before what counts.
    #[error("it was more than {within} months ago")]
    TooLongAgo {
        /// So many months would have counted.
        within: i32,
    },
    /// It has not lasted long enough for anything.
    #[error("it has to have lasted for {months} months, which it will on {on}")]
    TooShort {
        /// So many months are needed at least.
        months: i32,
        /// When it will count.
        on: Date,
    },
    /// Another one about the same counts.
    #[error("another reference about the same environment counts already")]
    Counted,
}

/// What a reference counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted<'t> {
    /// The rule that it was measured by; none if there is none of its kind.
    pub rule: Option<&'t Evidence>,
    /// None while something is missing.
    pub points: u32,
    /// How that was reckoned; empty while something is missing.
    pub arithmetic: String,
    /// All that keeps it from counting.
    pub missing: Vec<Missing>,
}

/// What references come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score<'t> {
    /// What each counts, in the order of the references.
    pub counted: Vec<Counted<'t>>,
    /// All of it.
    pub points: u32,
    /// The best tier that is reached.
    pub tier: Option<&'t Tier>,
}

impl Integrators {
    /// What references come to for a layer on a day.
    pub fn score<'t>(&'t self, layer: &Layer, references: &[&Reference], day: Date) -> Score<'t> {
        let mut counted: Vec<Counted<'t>> =
            references.iter().map(|reference| self.count(layer, reference, day)).collect();
        // The best one about an environment counts, whatever the order is; of equal ones, any.
        let mut best: BTreeMap<(&str, String), usize> = BTreeMap::new();
        for (place, reference) in
            references.iter().enumerate().filter(|(place, _)| counted[*place].points > 0)
        {
            let held = best.entry(reference.about()).or_insert(place);
            if (counted[*held].points, references[*held]) < (counted[place].points, reference) {
                *held = place;
            }
        }
        for (place, counted) in counted.iter_mut().enumerate().filter(|(_, counted)| counted.points > 0) {
            if best.get(&references[place].about()) != Some(&place) {
                *counted = Counted { missing: vec![Missing::Counted], ..Counted::nothing(counted.rule) };
            }
        }
        let points = counted.iter().map(|counted| counted.points).sum();
        Score { counted, points, tier: self.reached(points) }
    }

    fn count<'t>(&'t self, layer: &Layer, reference: &Reference, day: Date) -> Counted<'t> {
        let Some(rule) = self.evidence.iter().find(|rule| rule.name == reference.kind) else {
            return Counted {
                missing: vec![Missing::NoKind(reference.kind.clone())],
                ..Counted::nothing(None)
            };
        };
        let mut missing = Vec::new();
        if !rule.layers.contains(&layer.name) {
            missing.push(Missing::OtherLayer { kind: rule.name.clone(), layer: layer.name.clone() });
        }
        if reference.reports.is_empty() && reference.evidence.is_empty() {
            missing.push(Missing::NoProof);
        }
        let is_told = |text: &str| !text.trim().is_empty();
        if reference.share.as_ref().is_some_and(|share| !is_told(&share.part) || !is_told(&share.proof)) {
            missing.push(Missing::NoShare);
        }
        if let Some(least) = rule.least {
            let has = |found: Option<u32>, least| found.is_some_and(|found| found >= least);
            if !has(reference.regions, least.regions) && !has(reference.zones, least.zones) {
                missing.push(Missing::TooSmall(least));
            }
        }
        match time(rule, reference, day) {
            Ok((points, arithmetic)) if missing.is_empty() => {
                Counted { rule: Some(rule), points, arithmetic, missing }
            }
            Ok(_) => Counted { missing, ..Counted::nothing(Some(rule)) },
            Err(trouble) => {
                missing.push(trouble);
                Counted { missing, ..Counted::nothing(Some(rule)) }
            }
        }
    }
}

impl<'t> Counted<'t> {
    const fn nothing(rule: Option<&'t Evidence>) -> Self {
        Self { rule, points: 0, arithmetic: String::new(), missing: Vec::new() }
    }
}

/// What the time of a reference counts, and how that is reckoned.
fn time(rule: &Evidence, reference: &Reference, day: Date) -> Result<(u32, String), Missing> {
    let Reference { from, until, .. } = *reference;
    if from > day {
        return Err(Missing::Ahead(from));
    }
    match &rule.counts {
        Counts::Once { within, points } => {
            if day > complete(from, *within) {
                return Err(Missing::TooLongAgo { within: *within });
            }
            let arithmetic = format!(
                "{} on {from}, at most {within} months before {day}: {}",
                rule.meaning,
                told(*points)
            );
            Ok((*points, arithmetic))
        }
        Counts::Held(steps) => {
            // What is said to end yesterday has lasted until today.
            if let Some(until) = until.filter(|until| until.tomorrow().is_ok_and(|next| next < day)) {
                return Err(Missing::Over(until));
            }
            let step = steps.iter().find(|step| complete(from, step.months) <= day);
            match (step, steps.last()) {
                (Some(step), _) => {
                    let (months, points) = (step.months, told(step.points));
                    let arithmetic = format!(
                        "{} since {from}, for {months} months or more on {day}: {points}",
                        rule.meaning
                    );
                    Ok((step.points, arithmetic))
                }
                (None, least) => {
                    let months = least.map_or(0, |step| step.months);
                    Err(Missing::TooShort { months, on: complete(from, months) })
                }
            }
        }
    }
}

fn told(points: u32) -> String {
    match points {
        1 => "1 point".to_owned(),
        points => format!("{points} points"),
    }
}

/// The first day on which so many months are complete that began with a day: the same day of the month, or the first of
/// the next where a month has no such day.
fn complete(from: Date, months: i32) -> Date {
    let day = from.checked_add(months.months()).unwrap_or(Date::MAX);
    if day.day() < from.day() { day.tomorrow().unwrap_or(Date::MAX) } else { day }
}
