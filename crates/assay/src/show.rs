//! Puts reports where the user wants them.

use std::path::Path;

use assay_report::{Report, lines};

use crate::args::{Format, Global, Show};
use crate::failure::Failure;
use crate::human::{self, Options};
use crate::output::{note, print, write_file};

/// Shows reports in the format and place that the arguments name.
pub(crate) fn reports(reports: &[Report], show: &Show, global: &Global) -> Result<(), Failure> {
    let format = format(show).unwrap_or(Format::Human);
    let text = render(reports, format, show)?;
    let is_kept = format == Format::Human && show.output.is_some();
    let text = if is_kept { anstream::adapter::strip_str(&text).to_string() } else { text };
    put(&text, show, global)
}

/// The format that the arguments name, or the ending of the file.
pub(crate) fn format(show: &Show) -> Option<Format> {
    show.format.or_else(|| show.output.as_deref().and_then(of_ending))
}

/// Puts what was rendered in the place that the arguments name.
pub(crate) fn put(text: &str, show: &Show, global: &Global) -> Result<(), Failure> {
    let Some(path) = &show.output else {
        return print(text);
    };
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
        Format::Oscal => assay_report::Format::Oscal,
        Format::Html => assay_report::Format::Html,
        Format::Prometheus => assay_report::Format::Prometheus,
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
    if path.file_name()?.to_str()?.ends_with(".oscal.json") {
        return Some(Format::Oscal);
    }
    match path.extension()?.to_str()? {
        "json" => Some(Format::Json),
        "yaml" | "yml" => Some(Format::Yaml),
        "xml" => Some(Format::Junit),
        "sarif" => Some(Format::Sarif),
        "html" | "htm" => Some(Format::Html),
        "prom" => Some(Format::Prometheus),
        "txt" => Some(Format::Human),
        _ => None,
    }
}
