//! Which testcases a run is about.

use jiff::civil::Date;
use regex::Regex;

use super::{Spec, Testcase, Validity, Version};

/// What a run was told to look at.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// This version alone, listed in the timeline or not; else all that the timeline lists for the date.
    pub version: Option<String>,
    /// These targets alone; empty for all.
    pub targets: Vec<String>,
    /// Testcases whose id begins with a match, from the whole spec; else those of the versions.
    pub testcases: Option<Regex>,
}

/// A testcase of a run, with the versions that include it.
#[derive(Clone, Debug)]
pub struct Selected<'s> {
    /// The testcase.
    pub testcase: &'s Testcase,
    /// Version and target, in file order; empty for a testcase that was asked for by its id alone.
    pub places: Vec<(&'s str, &'s str)>,
}

/// The versions and testcases of a run.
#[derive(Clone, Debug)]
pub struct Selection<'s> {
    /// The versions, in file order, with their validity where the timeline lists them.
    pub versions: Vec<(&'s Version, Option<Validity>)>,
    /// The testcases, in the order of the spec.
    pub testcases: Vec<Selected<'s>>,
}

/// Why nothing can be selected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// The spec has no such version.
    #[error("the scope {scope} has no version {version}; it has {known}")]
    UnknownVersion {
        /// Name of the scope.
        scope: String,
        /// The version that was asked for.
        version: String,
        /// All versions.
        known: String,
    },
    /// The timeline lists nothing for the date.
    #[error("no version of the scope {scope} is listed for {date}; name one with --version")]
    NoVersion {
        /// Name of the scope.
        scope: String,
        /// The date.
        date: Date,
    },
    /// No version has such a target.
    #[error("no version in question has a target {target}; there is {known}")]
    UnknownTarget {
        /// The target that was asked for.
        target: String,
        /// All targets.
        known: String,
    },
    /// The pattern matches nothing.
    #[error("no testcase of the scope {scope} matches {pattern} (at the beginning of its id)")]
    NoMatch {
        /// Name of the scope.
        scope: String,
        /// The pattern.
        pattern: String,
    },
}

impl Spec {
    /// The versions and testcases that a request means on a date.
    ///
    /// # Errors
    /// A version, target or pattern that means nothing in this spec.
    pub fn select(&self, request: &Request, date: Date) -> Result<Selection<'_>, SelectionError> {
        let versions = self.versions_on(request, date)?;
        let mut targets: Vec<&str> = versions
            .iter()
            .flat_map(|(version, _)| &version.targets)
            .map(|target| target.name.as_str())
            .collect();
        targets.dedup();
        if let Some(unknown) = request.targets.iter().find(|name| !targets.contains(&name.as_str())) {
            targets.sort_unstable();
            targets.dedup();
            return Err(SelectionError::UnknownTarget { target: unknown.clone(), known: targets.join(", ") });
        }
        let wanted =
            |target: &str| request.targets.is_empty() || request.targets.iter().any(|name| name == target);
        let places = |testcase: &Testcase| -> Vec<(&str, &str)> {
            versions
                .iter()
                .filter_map(|(version, _)| Some((version.name.as_str(), version.target_of(&testcase.id)?)))
                .filter(|(_, target)| wanted(target))
                .collect()
        };
        let narrowed = request.version.is_some() || !request.targets.is_empty();
        let testcases: Vec<Selected<'_>> = self
            .testcases()
            .iter()
            .map(|testcase| Selected { places: places(testcase), testcase })
            .filter(|selected| match &request.testcases {
                Some(pattern) => {
                    starts_with(pattern, &selected.testcase.id) && (!narrowed || !selected.places.is_empty())
                }
                None => !selected.places.is_empty(),
            })
            .collect();
        match &request.testcases {
            Some(pattern) if testcases.is_empty() => {
                Err(SelectionError::NoMatch { scope: self.name.clone(), pattern: pattern.to_string() })
            }
            _ => Ok(Selection { versions, testcases }),
        }
    }

    fn versions_on(
        &self,
        request: &Request,
        date: Date,
    ) -> Result<Vec<(&Version, Option<Validity>)>, SelectionError> {
        let Some(name) = &request.version else {
            let listed = self.validity(date);
            if listed.is_empty() {
                return Err(SelectionError::NoVersion { scope: self.name.clone(), date });
            }
            return Ok(listed.into_iter().map(|(version, validity)| (version, Some(validity))).collect());
        };
        let Some(version) = self.version(name) else {
            let known: Vec<&str> = self.versions.iter().map(|version| version.name.as_str()).collect();
            return Err(SelectionError::UnknownVersion {
                scope: self.name.clone(),
                version: name.clone(),
                known: known.join(", "),
            });
        };
        let validity = self.timeline.at(date).and_then(|entry| entry.validity(name));
        Ok(vec![(version, validity)])
    }
}

fn starts_with(pattern: &Regex, id: &str) -> bool {
    // A match that begins later says nothing about the beginning, unless the pattern is tried at it alone.
    pattern.find(id).is_some_and(|found| found.start() == 0)
}
