use std::fmt;
use std::str::FromStr;

use crate::{RenderError, Report, html, json, junit, lines, official_yaml, oscal, prometheus, sarif};

/// The shapes that a report can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people at a terminal. What it looks like hangs on the terminal, so the command line renders it.
    Human,
    /// Verdict lines.
    Lines,
    /// The versioned JSON document.
    Json,
    /// The official report, for the compliance monitor.
    Yaml,
    /// JUnit XML.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
    /// OSCAL assessment results.
    Oscal,
    /// A page of its own.
    Html,
    /// Gauges for Prometheus.
    Prometheus,
}

/// A word that is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{}`; use human, lines, json, yaml, junit, sarif, oscal, html or prometheus", .0.escape_debug())]
pub struct UnknownFormat(String);

impl Format {
    /// All formats.
    pub const ALL: [Self; 9] = [
        Self::Human,
        Self::Lines,
        Self::Json,
        Self::Yaml,
        Self::Junit,
        Self::Sarif,
        Self::Oscal,
        Self::Html,
        Self::Prometheus,
    ];

    /// The word for it on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Lines => "lines",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Oscal => "oscal",
            Self::Html => "html",
            Self::Prometheus => "prometheus",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == word)
            .ok_or_else(|| UnknownFormat(word.to_owned()))
    }
}

/// The reports in a format other than [`Format::Human`], which is refused.
pub fn render(format: Format, reports: &[Report]) -> Result<String, RenderError> {
    match format {
        Format::Human => Err(RenderError::Human),
        Format::Lines => Ok(lines(reports)),
        Format::Json => json(reports),
        Format::Yaml => Ok(official_yaml(reports)),
        Format::Junit => junit(reports),
        Format::Sarif => sarif(reports),
        Format::Oscal => oscal(reports),
        Format::Html => html(reports),
        Format::Prometheus => Ok(prometheus(reports)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn words_go_both_ways() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!(
            "xml\n".parse::<Format>().unwrap_err().to_string(),
            "unknown format `xml\\n`; use human, lines, json, yaml, junit, sarif, oscal, html or prometheus"
        );
    }

    #[test]
    fn every_format_renders_any_number_of_subjects_and_ends_its_last_line() {
        let (one, two) = (vec![fixture::report()], vec![fixture::report(), fixture::report()]);
        for format in Format::ALL.into_iter().filter(|format| *format != Format::Human) {
            for reports in [&one, &two] {
                let text = render(format, reports).unwrap();
                assert!(text.ends_with('\n'), "{format}");
                assert_eq!(render(format, reports).unwrap(), text, "{format} is not repeatable");
            }
            let none = render(format, &[]);
            assert!(none.is_ok() || matches!((format, none), (Format::Oscal, Err(RenderError::NoSubject))));
        }
        assert!(matches!(render(Format::Human, &one), Err(RenderError::Human)));
    }
}
