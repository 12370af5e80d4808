use std::str::FromStr;

use assay_standards::integrators::{Counted, Reference, Score};
use assay_standards::requirements::{Integrators, Layer, Tier};
use jiff::civil::Date;

use super::Certificate;

/// What was said about a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// An assessor takes it.
    Accepted,
    /// An assessor does not.
    Refused,
    /// The applicant takes it back.
    Withdrawn,
}

impl Word {
    const ALL: [Self; 3] = [Self::Accepted, Self::Refused, Self::Withdrawn];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Word::Accepted => "accepted",
            Word::Refused => "refused",
            Word::Withdrawn => "withdrawn",
        }
    }

    /// Whether it is for the applicant to say, and not for the assessors.
    pub(crate) const fn is_applicants(self) -> bool {
        matches!(self, Word::Withdrawn)
    }
}

impl FromStr for Word {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|known| known.as_str() == word).ok_or(())
    }
}

/// A reference, and what was said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    /// Its number within the application.
    pub(crate) number: i64,
    pub(crate) reference: Reference,
    pub(crate) word: Option<Word>,
    /// What else was said with that word.
    pub(crate) said: String,
}

/// The layer that a certificate, or an application, is about, if it is one of an integrator; by what stands there for
/// the UUID of a scope.
pub(crate) fn layer_of(scope: &str) -> Option<&'static Layer> {
    Integrators::get().layers.iter().find(|layer| layer.uuid == scope)
}

impl Certificate {
    /// The layer, if it is one of an integrator.
    pub(crate) fn layer(&self) -> Option<&'static Layer> {
        layer_of(&self.scope)
    }
}

/// What the references of an application come to.
#[derive(Debug)]
pub(crate) struct Reckoned {
    /// By what the applicant says.
    pub(crate) claimed: Score<'static>,
    /// By what the assessors accepted, which decides.
    pub(crate) accepted: Score<'static>,
    /// In the order of the references, what each counts by either.
    pub(crate) each: Vec<Twice>,
}

/// What a reference counts by what the applicant says, and by what the assessors accepted; none where it is left out.
#[derive(Debug)]
pub(crate) struct Twice {
    pub(crate) claimed: Option<Counted<'static>>,
    pub(crate) accepted: Option<Counted<'static>>,
}

/// Reckons what references come to on a day.
pub(crate) fn reckon(layer: &Layer, all: &[Judged], day: Date) -> Reckoned {
    let score = |counts: fn(Option<Word>) -> bool| {
        let counting = all.iter().filter(|judged| counts(judged.word)).map(|judged| &judged.reference);
        let score = Integrators::get().score(layer, &counting.collect::<Vec<_>>(), day);
        let mut counted = score.counted.iter().cloned();
        let each: Vec<_> =
            all.iter().map(|judged| counts(judged.word).then(|| counted.next()).flatten()).collect();
        (score, each)
    };
    let (claimed, by_claim) = score(|word| word != Some(Word::Withdrawn));
    let (accepted, by_word) = score(|word| word == Some(Word::Accepted));
    let each = by_claim.into_iter().zip(by_word).map(|(claimed, accepted)| Twice { claimed, accepted });
    Reckoned { claimed, accepted, each: each.collect() }
}

impl Reckoned {
    /// The tier that can be granted to who applied for one: that which the accepted references reach, and no better
    /// one than was asked for.
    pub(crate) fn granted(&self, asked: &str) -> Option<&'static Tier> {
        let table = Integrators::get();
        let most = table.tier(asked)?.points;
        self.accepted.tier.and_then(|_| table.reached(self.accepted.points.min(most)))
    }
}

/// A report as it bears on a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundReport {
    pub(crate) subject: String,
    /// UUID of the scope.
    pub(crate) scope: String,
    /// The day from which its results count.
    pub(crate) day: Date,
    /// Whether the subject passed the version in force with it, and in words.
    pub(crate) achieved: Option<(bool, String)>,
}

/// A report that a reference names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Linked {
    /// Its UUID, as it was written.
    pub(crate) report: String,
    /// Whom it is about, if there is one.
    pub(crate) subject: Option<String>,
    /// The numbers of the other references that name it.
    pub(crate) also: Vec<i64>,
    /// Why it proves nothing by itself.
    pub(crate) trouble: Option<NoProof>,
}

/// Why a report does not prove that an environment conforms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoProof {
    #[error("there is no such report here")]
    Unknown,
    #[error("it is of another scope than the layer needs")]
    OtherScope,
    #[error("it is about another subject than the environment")]
    OtherSubject,
    #[error("on {0}, no version of the scope was in force")]
    NoVersion(Date),
    #[error("on {0}, the subject came to {1}")]
    NotPassed(Date, String),
}

impl Linked {
    /// `found` is the report, if there is one, and `also` are the numbers of other references that name it.
    pub(crate) fn new(
        report: &str,
        found: Option<&FoundReport>,
        (layer, reference): (&Layer, &Reference),
        also: Vec<i64>,
    ) -> Self {
        let trouble = match found {
            None => Some(NoProof::Unknown),
            Some(found) if found.scope != layer.scope => Some(NoProof::OtherScope),
            Some(found) if !reference.is_subject(&found.subject) => Some(NoProof::OtherSubject),
            Some(found) => match &found.achieved {
                None => Some(NoProof::NoVersion(found.day)),
                Some((false, told)) => Some(NoProof::NotPassed(found.day, told.clone())),
                Some((true, _)) => None,
            },
        };
        let subject = found.map(|found| found.subject.clone());
        Self { report: report.to_owned(), subject, also, trouble }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn judged(number: i64, environment: &str, word: Option<Word>) -> Judged {
        let reference = Reference {
            kind: "managed".into(),
            environment: environment.into(),
            named: false,
            from: date(2025, 1, 1),
            until: None,
            regions: None,
            zones: None,
            share: None,
            reports: Vec::new(),
            evidence: vec!["e".into()],
        };
        Judged { number, reference, word, said: String::new() }
    }

    #[test]
    fn only_what_is_accepted_decides() {
        let layer = &Integrators::get().layers[0];
        let words =
            [None, Some(Word::Accepted), Some(Word::Refused), Some(Word::Withdrawn), Some(Word::Accepted)];
        let names = ["a", "b", "c", "d", "e"];
        let all: Vec<Judged> =
            (1..).zip(names).zip(words).map(|((number, name), word)| judged(number, name, word)).collect();
        let reckoned = reckon(layer, &all, date(2026, 11, 23));
        assert_eq!((reckoned.claimed.points, reckoned.accepted.points), (8, 4));
        let counted: Vec<(bool, bool)> =
            reckoned.each.iter().map(|twice| (twice.claimed.is_some(), twice.accepted.is_some())).collect();
        assert_eq!(counted, [(true, false), (true, true), (true, false), (false, false), (true, true)]);
        let name = |reckoned: &Reckoned, asked| reckoned.granted(asked).map(|tier| tier.name.as_str());
        assert_eq!(name(&reckoned, "Silver"), Some("Silver"));
        // Nobody gets more than was asked for, nor more than there is.
        assert_eq!(name(&reckoned, "Bronze"), Some("Bronze"));
        assert_eq!(name(&reckoned, "Gold"), None);
        let less = reckon(layer, &all[..2], date(2026, 11, 23));
        assert_eq!(name(&less, "Silver"), Some("Bronze"));
        assert_eq!(name(&reckon(layer, &all[..1], date(2026, 11, 23)), "Bronze"), None);
    }

    #[test]
    fn a_report_proves_something_or_it_is_said_why_not() {
        let layer = &Integrators::get().layers[0];
        let reference = judged(1, "cloud-a", None).reference;
        let found = FoundReport {
            subject: "cloud-a".into(),
            scope: layer.scope.clone(),
            day: date(2026, 11, 1),
            achieved: Some((true, "PASS v5.1".into())),
        };
        let trouble = |found: Option<&FoundReport>| {
            let linked = Linked::new("r", found, (layer, &reference), Vec::new());
            linked.trouble.map(|trouble| trouble.to_string())
        };
        assert_eq!(trouble(Some(&found)), None);
        assert_eq!(trouble(None).unwrap(), "there is no such report here");
        let other = FoundReport { subject: "cloud-b".into(), ..found.clone() };
        assert_eq!(trouble(Some(&other)).unwrap(), "it is about another subject than the environment");
        let other = FoundReport { scope: "other".into(), ..found.clone() };
        assert_eq!(trouble(Some(&other)).unwrap(), "it is of another scope than the layer needs");
        let fails = FoundReport { achieved: Some((false, "FAIL v5.1".into())), ..found.clone() };
        assert_eq!(trouble(Some(&fails)).unwrap(), "on 2026-11-01, the subject came to FAIL v5.1");
        let none = FoundReport { achieved: None, ..found };
        assert_eq!(trouble(Some(&none)).unwrap(), "on 2026-11-01, no version of the scope was in force");
    }
}
