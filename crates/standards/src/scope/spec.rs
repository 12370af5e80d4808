//! The model of a scope spec.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_yaml::Source;
use jiff::civil::Date;
use miette::NamedSource;

use super::draft::{read_extension, read_spec};
use super::lifetime::Lifetime;
use super::problem::SpecError;
use super::resolve::resolve;
use super::script::Script;
use super::timeline::{Timeline, Validity};
use super::version::Version;

/// A certificate scope of a lower level that must be held first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prerequisite {
    /// Name of the scope.
    pub name: String,
    /// Where its spec is.
    pub url: String,
}

/// A variable that scripts use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name.
    pub name: String,
    /// The value if none is assigned; without it, assigning is mandatory.
    pub default: Option<String>,
}

/// One atomic demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Testcase {
    /// Unique in the scope and never reused.
    pub id: String,
    /// For people; may be empty.
    pub description: String,
    /// Where the testcase is explained.
    pub url: Option<String>,
    /// Label for partial runs.
    pub section: Option<String>,
    /// How long a result counts.
    pub lifetime: Lifetime,
    /// Whether people decide: the script it belongs to has no executable.
    pub manual: bool,
    /// Index into [`Spec::scripts`]; testcases of our own belong to none.
    pub script: Option<usize>,
    /// Whether this is a testcase of our own, which no official report may contain.
    pub own: bool,
    /// How many stable versions have it in their target `main`.
    pub attention: usize,
}

/// Roughly one version of one standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Unique in the scope.
    pub id: String,
    /// For people; the id if the file gives none.
    pub name: String,
    /// The standard.
    pub url: Option<String>,
    /// Names of parameters with what they mean.
    pub parameters: BTreeMap<String, String>,
    /// Target and testcase ids, as written.
    pub targets: Vec<(String, Vec<String>)>,
    /// Whether this is a module of our own.
    pub own: bool,
}

/// A module as included by a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// Id of the module.
    pub module: String,
    /// Values of its parameters. They document; no script ever receives them.
    pub parameters: BTreeMap<String, String>,
}

/// A certificate scope: everything it demands, in all its versions.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Identifies the scope in reports.
    pub uuid: String,
    /// For example `SCS-compatible IaaS`.
    pub name: String,
    /// Where the spec is published.
    pub url: String,
    /// A scope that must be held first.
    pub prerequisite: Option<Prerequisite>,
    /// Variables without default first, then those with one, each in file order.
    pub variables: Vec<Variable>,
    /// In file order.
    pub scripts: Vec<Script>,
    /// In file order; modules of our own follow.
    pub modules: Vec<Module>,
    /// Which version is valid when.
    pub timeline: Timeline,
    /// In file order, by convention drafts first and then newest to oldest.
    pub versions: Vec<Version>,
    pub(super) testcases: Vec<Testcase>,
    /// Positions in `testcases` by id.
    pub(super) by_id: BTreeMap<String, usize>,
}

impl Spec {
    /// Reads a scope spec in the format of scs-0003-v1. `file_name` only serves messages.
    ///
    /// Stricter than the reference in four points: a target must name existing testcases even if no stable
    /// version uses it; no key may be given twice; no date may have two timeline entries; and lifetimes,
    /// validity codes and dates are checked here instead of when they are first used.
    ///
    /// # Errors
    /// Everything that is wrong with the file, each problem with file, line, column and key. Problems of
    /// shape hide those of cross references.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, SpecError> {
        resolve(read_spec(source(file_name, text))?, None)
    }

    /// Reads a scope spec together with a file of testcases of our own that extends it. Each argument is a
    /// file name and a text.
    ///
    /// The extension names the uuid of the scope (`extends`), its testcases, modules of them, and in
    /// `versions` which versions include these modules. Its testcases and modules are marked `own`.
    ///
    /// # Errors
    /// As [`Spec::parse`]; the problem names the file it is in.
    pub fn parse_extended(spec: (&str, &str), extension: (&str, &str)) -> Result<Self, SpecError> {
        let spec = read_spec(source(spec.0, spec.1));
        let extension = read_extension(source(extension.0, extension.1));
        match (spec, extension) {
            (Ok(spec), Ok(extension)) => resolve(spec, Some(extension)),
            (spec, extension) => {
                let errors = [spec.err(), extension.err()].into_iter().flatten();
                Err(SpecError::new(errors.flat_map(SpecError::into_problems).collect()))
            }
        }
    }

    /// A testcase by its id.
    pub fn testcase(&self, id: &str) -> Option<&Testcase> {
        self.by_id.get(id).and_then(|&position| self.testcases.get(position))
    }

    /// All testcases in file order; testcases of our own follow.
    pub fn testcases(&self) -> &[Testcase] {
        &self.testcases
    }

    /// A module by its id.
    pub fn module(&self, id: &str) -> Option<&Module> {
        self.modules.iter().find(|module| module.id == id)
    }

    /// A version by its name.
    pub fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.name == name)
    }

    /// The versions the timeline lists for `date`, in file order. Versions it does not list are deprecated
    /// and neither tested nor shown unless named.
    pub fn validity(&self, date: Date) -> Vec<(&Version, Validity)> {
        let Some(entry) = self.timeline.at(date) else { return Vec::new() };
        let listed = |version: &'_ Version| entry.validity(&version.name);
        self.versions.iter().filter_map(|version| Some((version, listed(version)?))).collect()
    }

    /// The validity of one version on `date`, [`Validity::Deprecated`] if the timeline does not list it.
    pub fn validity_of(&self, version: &str, date: Date) -> Validity {
        let listed = self.timeline.at(date).and_then(|entry| entry.validity(version));
        listed.unwrap_or(Validity::Deprecated)
    }
}

fn source(file_name: &str, text: &str) -> Source {
    Arc::new(NamedSource::new(file_name, text.to_owned()))
}
