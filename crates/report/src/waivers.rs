//! Waivers: failures that somebody answers for until a day. They are read here; what they do is up to `gate.rs`.

use std::collections::BTreeSet;
use std::sync::Arc;

use assay_testcases::Finding;
use assay_yaml::{At, Context, Fields, Limits, Node, Problems, Reader, Shape, Wrong, nearest, quoted};
use jiff::civil::Date;

use crate::glob::Glob;
use crate::text::visible;

/// A failure that somebody answers for until a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// The testcase that fails.
    pub testcase: String,
    /// Kind and name of what it may fail for, such as `image:Ubuntu *`; all of the testcase if there is none.
    pub resource: Option<Glob>,
    /// Why that is put up with.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it is in force, in UTC.
    pub expires: Date,
}

impl Waiver {
    /// Whether it is in force on a day.
    pub fn stands(&self, on: Date) -> bool {
        on <= self.expires
    }

    /// Whether it is about a finding of a testcase, by name or id of the thing.
    pub(crate) fn covers(&self, testcase: &str, finding: &Finding) -> bool {
        if self.testcase != testcase {
            return false;
        }
        let (Some(glob), Some(resource)) = (&self.resource, &finding.resource) else {
            return self.resource.is_none();
        };
        let is_named = |name: &str| !name.is_empty() && glob.matches(&format!("{}:{name}", resource.kind));
        is_named(&resource.name) || is_named(&resource.id)
    }

    /// Testcase and things, as the file has them.
    pub fn about(&self) -> String {
        match &self.resource {
            None => visible(&self.testcase).into_owned(),
            Some(glob) => visible(&format!("{} ({glob})", self.testcase)).into_owned(),
        }
    }
}

/// The waivers of a file.
#[derive(Debug, Clone, Default)]
pub struct Waivers {
    /// In the order of the file.
    pub all: Vec<Arc<Waiver>>,
}

/// What is wrong with a file of waivers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaiverProblem {
    /// It is no YAML, or lacks, repeats or misspells something.
    #[error(transparent)]
    Shape(#[from] Shape),
    /// A text without any words.
    #[error("`{0}` must not be empty")]
    Blank(&'static str),
    /// A thing without its kind.
    #[error("{} names no kind of resource", quoted(.0))]
    NoKind(String),
    /// It is in force no more.
    #[error("the waiver expired on {0}")]
    Expired(Date),
}

impl WaiverProblem {
    /// Whether the file can be read in spite of it, though it should be looked through.
    pub fn is_lint(&self) -> bool {
        matches!(
            self,
            WaiverProblem::Expired(_)
                | WaiverProblem::Shape(
                    Shape::UnknownReference { .. } | Shape::Duplicate { what: DOUBLE, .. }
                )
        )
    }
}

impl Wrong for WaiverProblem {
    const FILE: &'static str = "the file of waivers";

    fn help(&self) -> Option<String> {
        match self {
            WaiverProblem::Shape(Shape::UnknownReference { .. }) => {
                Some("`assay list` has the testcases".to_owned())
            }
            WaiverProblem::Shape(shape) => shape.help(),
            WaiverProblem::Blank(_) => Some("say who answers for the failure, and why".to_owned()),
            WaiverProblem::NoKind(_) => Some("write kind and name, such as `image:Ubuntu *`".to_owned()),
            WaiverProblem::Expired(_) => Some("mend what fails, or decide about it anew".to_owned()),
        }
    }
}

/// What is told of twice: a waiver, not a key.
const DOUBLE: &str = "waiver of";
const WAIVER: Context =
    Context { name: "a waiver", keys: &["testcase", "resource", "reason", "owner", "expires"], open: false };
const LIMITS: Limits = Limits { bytes: 1 << 20, nodes: 50_000 };

type Lines = Reader<WaiverProblem>;

impl Waivers {
    /// Reads the file. `name` only serves messages; `known` are the testcases that there are.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line, column and key.
    pub fn read(name: &str, text: &str, known: &BTreeSet<&str>) -> Result<Self, Problems<WaiverProblem>> {
        Self::take(name, text, known, None)
    }

    /// Reads the file, and takes it amiss if a waiver has expired on a day.
    ///
    /// # Errors
    /// As [`Waivers::read`].
    pub fn lint(
        name: &str,
        text: &str,
        known: &BTreeSet<&str>,
        on: Date,
    ) -> Result<Self, Problems<WaiverProblem>> {
        Self::take(name, text, known, Some(on))
    }

    fn take(
        name: &str,
        text: &str,
        known: &BTreeSet<&str>,
        on: Option<Date>,
    ) -> Result<Self, Problems<WaiverProblem>> {
        Lines::document(name, text, &LIMITS, |reader, root| {
            let mut all: Vec<At<Waiver>> = Vec::new();
            for (node, path) in reader.items(root, "")? {
                let Some(read) = waiver(reader, node, &path, known) else { continue };
                let waiver = &read.value;
                let same = |other: &&At<Waiver>| {
                    (&other.value.testcase, &other.value.resource) == (&waiver.testcase, &waiver.resource)
                };
                if let Some(earlier) = all.iter().find(same) {
                    let double = Shape::Duplicate { what: DOUBLE, id: waiver.about() };
                    reader.report_twice(read.spot.clone(), double, earlier.spot.clone());
                } else if on.is_some_and(|on| !waiver.stands(on)) {
                    reader.report(read.spot.clone(), WaiverProblem::Expired(waiver.expires));
                }
                all.push(read);
            }
            Some(Waivers { all: all.into_iter().map(|waiver| Arc::new(waiver.value)).collect() })
        })
    }

    /// What covers a finding on a day: if several do, one that is in force, and the one that lasts longest.
    pub(crate) fn covering(&self, testcase: &str, finding: &Finding) -> Option<&Arc<Waiver>> {
        let covering = self.all.iter().filter(|waiver| waiver.covers(testcase, finding));
        covering.max_by_key(|waiver| waiver.expires)
    }
}

fn waiver(reader: &mut Lines, node: &Node, path: &str, known: &BTreeSet<&str>) -> Option<At<Waiver>> {
    let fields = reader.fields(node, path, &WAIVER)?;
    // All keys are looked at before the first that is wrong ends it, so that one run tells of all.
    let testcase = reader.required_text(&fields, "testcase");
    let reason = filled(reader, &fields, "reason");
    let owner = filled(reader, &fields, "owner");
    let expires = reader.required(&fields, "expires");
    let expires = expires.and_then(|node| reader.date(node, fields.path_of("expires")));
    let resource = reader.optional(&fields, "resource", |text| match text.contains(':') {
        true => Ok(Glob::new(text)),
        false => Err(WaiverProblem::NoKind(text.to_owned())),
    });
    let testcase = testcase?;
    if !known.contains(testcase.value.as_str()) {
        let nearest = nearest(&testcase.value, known.iter().copied()).map(str::to_owned);
        let kind = Shape::UnknownReference { what: "testcase", id: testcase.value.clone(), nearest };
        reader.report(testcase.spot.clone(), kind);
    }
    let value = Waiver {
        testcase: testcase.value,
        resource: resource.ok()?,
        reason: reason?,
        owner: owner?,
        expires: expires?.value,
    };
    Some(At { value, spot: testcase.spot })
}

/// A text that says something.
fn filled(reader: &mut Lines, fields: &Fields<'_>, key: &'static str) -> Option<String> {
    let text = reader.required_text(fields, key)?;
    if text.value.trim().is_empty() {
        reader.report(text.spot, WaiverProblem::Blank(key));
        return None;
    }
    Some(text.value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use assay_testcases::{Readings, Resource, Weight};
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "
- testcase: scs-0102-image-recency
  resource: 'image:Ubuntu *'
  reason: The mirror is down until January.
  owner: Jane Doe
  expires: 2027-01-31
- {testcase: scs-0104-image-ubuntu, reason: not ours, owner: ops, expires: '2026-11-01'}
";

    fn known() -> BTreeSet<&'static str> {
        BTreeSet::from(["scs-0102-image-recency", "scs-0104-image-ubuntu"])
    }

    fn told(problems: &Problems<WaiverProblem>) -> Vec<String> {
        let all = problems.problems().iter();
        all.map(|one| format!("{}:{} {}: {}", one.line(), one.column(), one.key(), one.kind())).collect()
    }

    #[test]
    fn a_waiver_covers_what_it_names_through_its_last_day() {
        let waivers = Waivers::read("w", GOOD, &known()).unwrap();
        let [one, whole] = waivers.all.as_slice() else { panic!("{waivers:?}") };
        let finding = |resource| Finding {
            weight: Weight::Failure,
            readings: Readings::Both,
            resource,
            expected: "".into(),
            found: "".into(),
        };
        let image = |id, name| finding(Some(Resource::new("image", id, name)));
        assert!(one.covers("scs-0102-image-recency", &image("i", "Ubuntu 24.04")));
        assert!(one.covers("scs-0102-image-recency", &image("Ubuntu by id", "")));
        assert!(!one.covers("scs-0102-image-recency", &image("i", "Debian 13")));
        assert!(!one.covers("scs-0102-image-recency", &finding(None)), "nothing is named");
        assert!(!one.covers("scs-0104-image-ubuntu", &image("i", "Ubuntu 24.04")));
        assert!(whole.covers("scs-0104-image-ubuntu", &finding(None)));
        assert!(whole.covers("scs-0104-image-ubuntu", &image("i", "x")));
        assert!(one.stands(date(2027, 1, 31)) && !one.stands(date(2027, 2, 1)));
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_place() {
        let bad = "
- testcase: scs-0102-image-recencyy
  resource: Ubuntu
  reason: ' '
  owner:
  expires: 31.01.2027
  until: x
- {testcase: scs-0104-image-ubuntu, reason: a, owner: b, expires: 2027-01-31}
- {testcase: scs-0104-image-ubuntu, reason: c, owner: d, expires: 2027-02-28}
- nothing
";
        assert_eq!(
            told(&Waivers::read("w", bad, &known()).unwrap_err()),
            [
                "7:3 [0]: unknown key `until` in a waiver",
                "4:11 [0].reason: `reason` must not be empty",
                "5:3 [0]: missing key `owner` in a waiver",
                "6:12 [0].expires: invalid date `31.01.2027`",
                "3:13 [0].resource: `Ubuntu` names no kind of resource",
                "2:13 [0].testcase: unknown testcase `scs-0102-image-recencyy` (did you mean `scs-0102-image-recency`?)",
                "9:14 [2].testcase: duplicate waiver of `scs-0104-image-ubuntu`",
                "10:3 [3]: expected a map, found a single value",
            ]
        );
        assert_eq!(
            told(&Waivers::read("w", "waivers: []", &known()).unwrap_err()),
            ["1:1 : expected a list, found a map"]
        );
        assert!(Waivers::read("w", "[]", &known()).unwrap().all.is_empty());
    }

    #[test]
    fn lint_also_takes_what_expired_amiss() {
        let on = date(2026, 11, 23);
        let problems = Waivers::lint("w", GOOD, &known(), on).unwrap_err();
        assert_eq!(told(&problems), ["7:14 [1].testcase: the waiver expired on 2026-11-01"]);
        assert!(problems.problems().iter().all(|problem| problem.kind().is_lint()));
        assert!(Waivers::lint("w", GOOD, &known(), date(2026, 11, 1)).is_ok());
        let key_twice =
            "- {testcase: scs-0104-image-ubuntu, owner: a, owner: b, reason: c, expires: 2027-01-01}";
        let problems = Waivers::read("w", key_twice, &known()).unwrap_err();
        assert!(!problems.problems()[0].kind().is_lint(), "a file with a key twice cannot be read");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_stumble(text in "[ -~\n]{0,200}", at in 0_usize..300) {
            let cut = GOOD.len().min(at);
            let _ = Waivers::read("w", &format!("{}{text}", &GOOD[..cut]), &known());
        }
    }
}
