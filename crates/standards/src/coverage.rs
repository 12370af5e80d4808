//! Requirement coverage: every demand of a standard's text, and which testcase looks at it, what a person must
//! look at instead, or why nobody can tell. The data are under `data/coverage/`, one file per standard.

use std::collections::BTreeSet;
use std::iter::Sum;
use std::ops::Add;
use std::sync::LazyLock;

use jiff::civil::Date;
use serde::Deserialize;
use thiserror::Error;

/// What stands behind a version of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentStatus {
    /// Still changing.
    Draft,
    /// In force.
    Stable,
    /// No longer in force.
    Deprecated,
}

/// A version of a document whose demands are listed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoveredVersion {
    /// Such as `v1`.
    pub version: String,
    /// Whether it is in force.
    pub status: DocumentStatus,
    /// The day it became stable, if it is.
    #[serde(default)]
    pub stabilized_at: Option<Date>,
    /// The day it was deprecated, if it is.
    #[serde(default)]
    pub deprecated_at: Option<Date>,
    /// Where it can be read.
    pub url: String,
}

/// How binding a statement is (RFC 2119).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// MUST, REQUIRED, mandatory.
    Must,
    /// MUST NOT.
    MustNot,
    /// SHOULD, RECOMMENDED.
    Should,
    /// SHOULD NOT.
    ShouldNot,
    /// MAY, OPTIONAL.
    May,
}

impl Level {
    /// The word of RFC 2119, in capitals.
    pub fn word(self) -> &'static str {
        match self {
            Level::Must => "MUST",
            Level::MustNot => "MUST NOT",
            Level::Should => "SHOULD",
            Level::ShouldNot => "SHOULD NOT",
            Level::May => "MAY",
        }
    }
}

/// How a statement is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Testcases look at it.
    Tested {
        /// Their ids, at least one.
        testcases: Vec<String>,
        /// What they leave out.
        partly: Option<String>,
    },
    /// A person must look at it.
    Manual {
        /// What to look at.
        look_at: String,
        /// The manual testcase under which the outcome is reported, if the scope has one.
        testcase: Option<String>,
    },
    /// Nobody can tell from outside.
    Untestable {
        /// Why.
        reason: String,
    },
}

/// One demand of a standard's text, in our own words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawStatement")]
pub struct Statement {
    /// Unique in the standard.
    pub id: String,
    /// The versions of the document that make the demand; all of them if the data name none.
    pub versions: Vec<String>,
    /// How binding it is.
    pub level: Level,
    /// What is demanded.
    pub text: String,
    /// The place in the document, in words.
    pub clause: String,
    /// How it is looked at.
    pub kind: Kind,
}

impl Statement {
    /// The testcase ids that the statement names, those of manual testcases included.
    pub fn testcases(&self) -> impl Iterator<Item = &str> {
        let (many, one) = match &self.kind {
            Kind::Tested { testcases, .. } => (testcases.as_slice(), None),
            Kind::Manual { testcase, .. } => (&[][..], testcase.as_deref()),
            Kind::Untestable { .. } => (&[][..], None),
        };
        many.iter().map(String::as_str).chain(one)
    }
}

/// Testcases that no statement of the text asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beyond {
    /// Their ids.
    pub testcases: Vec<String>,
    /// Whether the reference suite has them without any scope listing them.
    #[serde(default)]
    pub outside_scope: bool,
    /// Why there are such testcases.
    pub why: String,
}

/// Where the reference suite decides otherwise than the text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// Ids of the testcases concerned.
    pub testcases: Vec<String>,
    /// What it does, and what the text says.
    pub text: String,
}

/// What is looked at of one standard, in all its versions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardCoverage {
    /// The document, without its version, such as `scs-0100`.
    pub standard: String,
    /// What it is about.
    pub title: String,
    /// Its versions, oldest first.
    pub versions: Vec<CoveredVersion>,
    /// Its demands, in the order of the text.
    pub statements: Vec<Statement>,
    /// Testcases that no statement asks for.
    #[serde(default)]
    pub beyond: Vec<Beyond>,
    /// Where the reference suite decides otherwise than the text.
    #[serde(default)]
    pub differences: Vec<Difference>,
}

impl StandardCoverage {
    /// How many statements are looked at in which way.
    pub fn counts(&self) -> Counts {
        self.statements.iter().map(|statement| Counts::of(&statement.kind)).sum()
    }

    /// The statements that a testcase looks at.
    pub fn statements_of<'a>(&'a self, testcase: &'a str) -> impl Iterator<Item = &'a Statement> {
        self.statements.iter().filter(move |statement| statement.testcases().any(|id| id == testcase))
    }

    /// Why there is a testcase that no statement asks for; none if a statement does, or the standard has no
    /// such testcase.
    pub fn beyond(&self, testcase: &str) -> Option<&Beyond> {
        self.beyond.iter().find(|beyond| beyond.testcases.iter().any(|id| id == testcase))
    }

    /// Where the reference suite decides otherwise than the text, for one testcase.
    pub fn differences_of<'a>(&'a self, testcase: &'a str) -> impl Iterator<Item = &'a str> {
        let concerned = move |difference: &&Difference| difference.testcases.iter().any(|id| id == testcase);
        self.differences.iter().filter(concerned).map(|difference| difference.text.as_str())
    }
}

/// How many statements are looked at in which way; each counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// By testcases, in full.
    pub tested: usize,
    /// By testcases that leave something out.
    pub partly: usize,
    /// By a person.
    pub manual: usize,
    /// Not at all.
    pub untestable: usize,
}

impl Counts {
    fn of(kind: &Kind) -> Self {
        let mut counts = Counts::default();
        match kind {
            Kind::Tested { partly: None, .. } => counts.tested = 1,
            Kind::Tested { partly: Some(_), .. } => counts.partly = 1,
            Kind::Manual { .. } => counts.manual = 1,
            Kind::Untestable { .. } => counts.untestable = 1,
        }
        counts
    }

    /// All statements.
    pub fn total(self) -> usize {
        self.tested + self.partly + self.manual + self.untestable
    }
}

impl Add for Counts {
    type Output = Counts;

    fn add(self, other: Counts) -> Counts {
        Counts {
            tested: self.tested + other.tested,
            partly: self.partly + other.partly,
            manual: self.manual + other.manual,
            untestable: self.untestable + other.untestable,
        }
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Counts>>(counts: I) -> Counts {
        counts.fold(Counts::default(), Counts::add)
    }
}

/// The coverage of all standards.
pub enum Coverage {}

impl Coverage {
    /// The coverage of every standard this program knows, by number.
    pub fn all() -> &'static [StandardCoverage] {
        static ALL: LazyLock<Vec<StandardCoverage>> =
            LazyLock::new(|| FILES.iter().map(|(file, text)| embedded(file, text)).collect());
        &ALL
    }

    /// The coverage of one standard, such as `scs-0100`; a version after the number does not matter.
    pub fn of(standard: &str) -> Option<&'static StandardCoverage> {
        let is_meant = |coverage: &&StandardCoverage| {
            standard
                .strip_prefix(&coverage.standard)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        Self::all().iter().find(is_meant)
    }
}

macro_rules! files {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../data/coverage/", $file)))),*]
    };
}

/// Every standard has one file and one line here.
const FILES: &[(&str, &str)] = files![
    "scs-0100.yaml",
    "scs-0101.yaml",
    "scs-0102.yaml",
    "scs-0103.yaml",
    "scs-0104.yaml",
    "scs-0110.yaml",
    "scs-0114.yaml",
    "scs-0115.yaml",
    "scs-0116.yaml",
    "scs-0117.yaml",
    "scs-0121.yaml",
    "scs-0123.yaml",
    "scs-0124.yaml",
    "scs-0125.yaml",
    "scs-0126.yaml",
    "scs-0127.yaml",
    "scs-0128.yaml",
    "scs-0129.yaml",
    "scs-0302.yaml",
];

#[expect(clippy::panic, reason = "the files are compiled in, and a test reads every one of them")]
fn embedded(file: &str, text: &str) -> StandardCoverage {
    read(text).unwrap_or_else(|error| panic!("data/coverage/{file}: {error}"))
}

fn read(text: &str) -> Result<StandardCoverage, ReadError> {
    let mut coverage: StandardCoverage = serde_saphyr::from_str(text)?;
    let known: Vec<String> = coverage.versions.iter().map(|version| version.version.clone()).collect();
    let mut ids = BTreeSet::new();
    for statement in &mut coverage.statements {
        if !ids.insert(statement.id.clone()) {
            return Err(ReadError::Twice(statement.id.clone()));
        }
        if statement.versions.is_empty() {
            statement.versions.clone_from(&known);
        }
        if let Some(unknown) = statement.versions.iter().find(|version| !known.contains(version)) {
            return Err(ReadError::UnknownVersion(statement.id.clone(), unknown.clone()));
        }
    }
    Ok(coverage)
}

#[derive(Debug, Error)]
enum ReadError {
    #[error(transparent)]
    Yaml(#[from] serde_saphyr::Error),
    #[error("the statement {0} stands there twice")]
    Twice(String),
    #[error("the statement {0} names {1}, which is no version of the document")]
    UnknownVersion(String, String),
}

/// A statement as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStatement {
    id: String,
    #[serde(default)]
    versions: Vec<String>,
    level: Level,
    text: String,
    clause: String,
    testcases: Option<Vec<String>>,
    partly: Option<String>,
    manual: Option<String>,
    manual_testcase: Option<String>,
    untestable: Option<String>,
}

impl TryFrom<RawStatement> for Statement {
    type Error = String;

    fn try_from(raw: RawStatement) -> Result<Self, String> {
        let RawStatement { id, versions, level, text, clause, .. } = raw;
        let kind = match (raw.testcases, raw.manual, raw.untestable) {
            (Some(testcases), None, None) if !testcases.is_empty() && raw.manual_testcase.is_none() => {
                Kind::Tested { testcases, partly: raw.partly }
            }
            (None, Some(look_at), None) if raw.partly.is_none() => {
                Kind::Manual { look_at, testcase: raw.manual_testcase }
            }
            (None, None, Some(reason)) if raw.partly.is_none() && raw.manual_testcase.is_none() => {
                Kind::Untestable { reason }
            }
            _ => {
                return Err(format!(
                    "the statement {id} needs one of testcases (with partly, if need be), manual (with manual_testcase, if there is one) and untestable"
                ));
            }
        };
        Ok(Statement { id, versions, level, text, clause, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Spec;

    fn with_statements(statements: &[&str]) -> Result<StandardCoverage, ReadError> {
        let version =
            |name: &str| format!("- {{version: {name}, status: draft, url: https://example.com}}\n");
        let items = statements.iter().map(|lines| format!("- {}\n", lines.trim_end().replace('\n', "\n  ")));
        read(&format!(
            "standard: scs-9999\ntitle: None\nversions:\n{}{}statements:\n{}",
            version("v1"),
            version("v2"),
            items.collect::<String>()
        ))
    }

    fn with_statement(lines: &str) -> Result<StandardCoverage, ReadError> {
        with_statements(&[lines])
    }

    const HEAD: &str = "id: one\nlevel: should-not\nclause: somewhere\ntext: Something.\n";

    #[test]
    fn a_statement_is_of_exactly_one_kind() {
        let kind =
            |lines: &str| with_statement(&format!("{HEAD}{lines}")).map(|it| it.statements[0].kind.clone());
        assert_eq!(
            kind("testcases: [a, b]\npartly: the rest").unwrap(),
            Kind::Tested { testcases: vec!["a".into(), "b".into()], partly: Some("the rest".into()) }
        );
        assert_eq!(
            kind("manual: Look.\nmanual_testcase: c").unwrap(),
            Kind::Manual { look_at: "Look.".into(), testcase: Some("c".into()) }
        );
        assert_eq!(kind("untestable: no").unwrap(), Kind::Untestable { reason: "no".into() });
        for lines in [
            "",
            "testcases: []",
            "testcases: [a]\nmanual: Look.",
            "testcases: [a]\nuntestable: no",
            "manual: Look.\nuntestable: no",
            "manual: Look.\npartly: the rest",
            "untestable: no\npartly: the rest",
            "untestable: no\nmanual_testcase: c",
            "testcases: [a]\nmanual_testcase: c",
        ] {
            let error = kind(lines).unwrap_err().to_string();
            assert!(error.contains("one of testcases"), "{lines}: {error}");
        }
    }

    #[test]
    fn mistakes_are_refused() {
        let twice = format!("{HEAD}untestable: no\n").replace("id: one", "id: twin");
        for (lines, word) in [
            (format!("{HEAD}untestable: no\nremark: x"), "remark"),
            (format!("{HEAD}untestable: no\nversions: [v3]"), "v3"),
            (HEAD.replace("should-not", "shall") + "untestable: no", "shall"),
        ] {
            let error = with_statement(&lines).unwrap_err().to_string();
            assert!(error.contains(word), "{lines}: {error}");
        }
        let error = with_statements(&[&twice, &twice]).unwrap_err().to_string();
        assert!(error.contains("twin stands there twice"), "{error}");
    }

    #[test]
    fn a_statement_without_versions_is_made_by_all() {
        let versions =
            |lines: &str| with_statement(&format!("{HEAD}{lines}")).unwrap().statements[0].versions.clone();
        assert_eq!(versions("untestable: no"), ["v1", "v2"]);
        assert_eq!(versions("untestable: no\nversions: [v2]"), ["v2"]);
    }

    #[test]
    fn every_file_can_be_read_and_says_something() {
        let all = Coverage::all();
        for (coverage, (file, _)) in all.iter().zip(FILES) {
            assert_eq!(format!("{}.yaml", coverage.standard), *file);
            assert!(!coverage.statements.is_empty(), "{file}");
        }
        assert!(all.is_sorted_by_key(|coverage| &coverage.standard));
    }

    #[test]
    fn testcases_are_those_of_the_scope_and_automated() {
        let spec = Spec::embedded_iaas();
        for coverage in Coverage::all() {
            for statement in &coverage.statements {
                let place = format!("{} {}", coverage.standard, statement.id);
                let is_manual = matches!(statement.kind, Kind::Manual { .. });
                for id in statement.testcases() {
                    let testcase = spec.testcase(id).unwrap_or_else(|| panic!("{place}: no testcase {id}"));
                    assert_eq!(testcase.manual, is_manual, "{place}: {id}");
                }
            }
            for beyond in &coverage.beyond {
                for id in &beyond.testcases {
                    assert_eq!(spec.testcase(id).is_none(), beyond.outside_scope, "{id}");
                    assert_eq!(coverage.statements_of(id).count(), 0, "{id} has a statement after all");
                }
            }
            for id in coverage.differences.iter().flat_map(|difference| &difference.testcases) {
                let testcase = spec.testcase(id).unwrap_or_else(|| panic!("no testcase {id}"));
                assert!(!testcase.own, "{id}: testcases of our own have one reading");
            }
        }
    }

    #[test]
    fn every_testcase_of_the_scope_has_a_statement_or_a_reason() {
        for testcase in Spec::embedded_iaas().testcases() {
            let is_known = |coverage: &StandardCoverage| {
                coverage.statements_of(&testcase.id).next().is_some()
                    || coverage.beyond(&testcase.id).is_some()
            };
            assert!(Coverage::all().iter().any(is_known), "{}", testcase.id);
        }
    }

    #[test]
    fn documents_are_those_of_the_scope() {
        let urls: BTreeSet<&str> = Coverage::all()
            .iter()
            .flat_map(|coverage| &coverage.versions)
            .map(|version| version.url.as_str())
            .collect();
        for module in &Spec::embedded_iaas().modules {
            let url = module.url.as_deref().unwrap();
            assert!(urls.contains(url), "{}: {url}", module.id);
        }
    }

    #[test]
    fn a_status_has_its_date() {
        for version in Coverage::all().iter().flat_map(|coverage| &coverage.versions) {
            let dates = (version.stabilized_at.is_some(), version.deprecated_at.is_some());
            let expected = match version.status {
                DocumentStatus::Draft => (false, false),
                DocumentStatus::Stable => (true, false),
                DocumentStatus::Deprecated => (false, true),
            };
            assert_eq!(dates, expected, "{}", version.url);
        }
    }

    #[test]
    fn counts_add_up() {
        for coverage in Coverage::all() {
            assert_eq!(coverage.counts().total(), coverage.statements.len(), "{}", coverage.standard);
        }
        let backup = Coverage::of("scs-0117-v1").unwrap().counts();
        assert_eq!(backup, Counts { tested: 1, partly: 1, manual: 1, untestable: 0 });
    }

    #[test]
    fn a_standard_is_found_with_and_without_its_version() {
        for name in ["scs-0102", "scs-0102-v2"] {
            assert_eq!(Coverage::of(name).unwrap().standard, "scs-0102");
        }
        assert!(Coverage::of("scs-01020").is_none());
        assert!(Coverage::of("scs-0199").is_none());
    }
}
