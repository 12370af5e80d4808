//! Puts reports where the user wants them.

use std::path::Path;

use assay_report::{Report, lines};

use crate::args::{Format, Global, Show};
use crate::failure::Failure;
use crate::human::{self, Options};
use crate::output::{note, print, write_file};

/// Shows reports in the format and place that the arguments name.
pub(crate) fn reports(reports: &[Report], show: &Show, global: &Global) -> Result<(), Failure> {
    let format = show.format.or_else(|| show.output.as_deref().and_then(of_ending)).unwrap_or(Format::Human);
    let text = render(reports, format, show)?;
    let Some(path) = &show.output else {
        return print(&text);
    };
    let text = if format == Format::Human { anstream::adapter::strip_str(&text).to_string() } else { text };
    write_file(path, text.as_bytes())?;
    if !global.quiet {
        note(&format!("wrote {}", path.display()));
    }
    Ok(())
}

fn render(reports: &[Report], format: Format, show: &Show) -> Result<String, Failure> {
    let format = match format {
        Format::Human => return Ok(for_people(reports, show)),
        Format::Lines => return Ok(lines(reports)),
        Format::Json => assay_report::Format::Json,
        Format::Yaml => assay_report::Format::Yaml,
        Format::Junit => assay_report::Format::Junit,
        Format::Sarif => assay_report::Format::Sarif,
        Format::Html => assay_report::Format::Html,
    };
    assay_report::render(format, reports)
        .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))
}

fn for_people(reports: &[Report], show: &Show) -> String {
    let options = Options { width: human::columns(), all: show.all, timings: show.timings };
    let shown: Vec<String> = reports.iter().map(|report| human::report(report, options)).collect();
    shown.join("\n")
}

/// The format that the ending of a file stands for.
fn of_ending(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "json" => Some(Format::Json),
        "yaml" | "yml" => Some(Format::Yaml),
        "xml" => Some(Format::Junit),
        "sarif" => Some(Format::Sarif),
        "html" | "htm" => Some(Format::Html),
        "txt" => Some(Format::Human),
        _ => None,
    }
}
