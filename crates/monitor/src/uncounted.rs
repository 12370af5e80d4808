//! Results that are kept and do not count, and why.

use std::collections::BTreeMap;
use std::fmt;

use assay_report::visible;
use assay_standards::scope::Spec;
use schemars::JsonSchema;
use serde::Serialize;

/// Why a result does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Why {
    /// The monitor does not know the scope; the result counts as soon as it does.
    UnknownScope,
    /// The scope does not know the testcase; the result counts as soon as it does.
    UnknownTestcase,
    /// People stated what a program decides; it would count if people were to decide it.
    Stated,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::UnknownScope => "the scope is not known here; kept, and counts as soon as it is",
            Why::UnknownTestcase => {
                "the scope does not know the testcase; kept, and counts as soon as it does"
            }
            Why::Stated => "a program decides that, whatever people state; kept, and does not count",
        })
    }
}

/// Results that do not count for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Uncounted {
    pub(crate) why: Why,
    /// In alphabetical order.
    pub(crate) testcases: Vec<String>,
}

impl Uncounted {
    /// Those of a report about a scope, by what is known of it; of each result its testcase, and whether people stated it.
    pub(crate) fn among<'r>(
        spec: Option<&Spec>,
        results: impl IntoIterator<Item = (&'r str, bool)>,
    ) -> Vec<Self> {
        let why = |testcase, is_stated| match spec.map(|spec| spec.testcase(testcase)) {
            None => Some(Why::UnknownScope),
            Some(None) => Some(Why::UnknownTestcase),
            Some(Some(testcase)) => (is_stated && !testcase.manual).then_some(Why::Stated),
        };
        let mut all: BTreeMap<Why, Vec<String>> = BTreeMap::new();
        for (testcase, is_stated) in results {
            if let Some(why) = why(testcase, is_stated) {
                all.entry(why).or_default().push(testcase.to_owned());
            }
        }
        let each = all.into_iter().map(|(why, mut testcases)| {
            testcases.sort_unstable();
            Self { why, testcases }
        });
        each.collect()
    }
}

impl Uncounted {
    /// Whether it is about all results of a report.
    pub(crate) fn is_all(&self) -> bool {
        self.why == Why::UnknownScope
    }
}

/// So many bytes of names are told in a line, which proxies let through.
const LONGEST: usize = 200;

impl fmt::Display for Uncounted {
    /// On one line, in printable ASCII: `scs-0100-x, scs-0100-y: the scope does not know…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut length = 0;
        for (place, testcase) in self.testcases.iter().enumerate() {
            let name = visible(testcase).escape_default().to_string();
            length += name.len();
            if place > 0 && length > LONGEST {
                write!(f, " and {} more", self.testcases.len() - place)?;
                break;
            }
            write!(f, "{}{name}", if place > 0 { ", " } else { "" })?;
        }
        write!(f, ": {}", self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_short_and_plain() {
        let spec = Spec::embedded_iaas();
        let names: Vec<String> = (0..100).map(|number| format!("a-new-testcase-{number:02}")).collect();
        let results = names.iter().map(|name| (name.as_str(), false)).chain([("ü\n\u{202e}", false)]);
        let all = Uncounted::among(Some(spec), results);
        assert_eq!(all.len(), 1);
        let line = all[0].to_string();
        assert!(line.len() < 400 && line.contains(" and 90 more: the scope does not know"), "{line}");
        let odd = Uncounted::among(None, [("ü\n\u{202e}", false)])[0].to_string();
        assert!(odd.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{odd}");
        assert!(odd.ends_with("the scope is not known here; kept, and counts as soon as it is"), "{odd}");
    }
}
