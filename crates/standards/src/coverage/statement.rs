use serde::Deserialize;

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
