use jiff::civil::Date;
use serde::Deserialize;

use super::counts::Counts;
use super::statement::Statement;

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
