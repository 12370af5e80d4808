//! `assay report`: what can be done with stored reports.

use std::path::{Path, PathBuf};

use assay_report::{Report, SubmittedReport, lines, read_reports, visible};
use assay_yaml::documents;
use clap::{Args, Subcommand};

use super::sign::content;
use crate::args::{Format, Global, Show};
use crate::failure::Failure;
use crate::show;

#[derive(Debug, Subcommand)]
pub(crate) enum Stored {
    /// Turn stored reports into another format
    ///
    /// Reports are JSON as `assay check --format json` writes it, from which every format can be made again; official
    /// reports (YAML) hold verdicts alone and can be shown as lines. The exit code says nothing about verdicts.
    Render(Render),
}

#[derive(Debug, Args)]
pub(crate) struct Render {
    /// The reports; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    show: Show,
}

/// What a file holds.
enum Kept {
    /// Everything that was found out.
    Whole(Vec<Report>),
    /// Verdicts, one report per document.
    Official(Vec<SubmittedReport>),
}

pub(crate) fn run(stored: &Stored, global: &Global) -> Result<u8, Failure> {
    let Stored::Render(render) = stored;
    let kept = render.files.iter().map(|file| read(file)).collect::<Result<Vec<Kept>, Failure>>()?;
    let format = show::format(&render.show);
    let official = render.files.iter().zip(&kept).find(|(_, kept)| matches!(kept, Kept::Official(_)));
    match official {
        None => {
            let reports: Vec<Report> = kept
                .into_iter()
                .flat_map(|kept| match kept {
                    Kept::Whole(reports) => reports,
                    Kept::Official(_) => Vec::new(),
                })
                .collect();
            if reports.is_empty() {
                return Err(Failure::usage("there is no report in what was named", HINT));
            }
            let is_short = |report: &&Report| !report.chosen.shows_official();
            if let Some(short) = reports.iter().find(is_short).filter(|_| format == Some(Format::Yaml)) {
                return Err(Failure::usage(
                    format!("the report on {} has no official reading", visible(&short.subject.cloud)),
                    "YAML for the compliance monitor takes one that was made without --reading text",
                ));
            }
            show::reports(&reports, &render.show, global)?;
        }
        Some(_) if format.is_none_or(|format| format == Format::Lines) => {
            show::put(&verdict_lines(&kept), &render.show, global)?;
        }
        Some((file, _)) => {
            return Err(Failure::usage(
                format!("{} is an official report, which holds verdicts alone", file.display()),
                "--format lines shows them; other formats are made of what `assay check --format json` wrote",
            ));
        }
    }
    Ok(0)
}

fn read(path: &Path) -> Result<Kept, Failure> {
    let name = path.display().to_string();
    let text = String::from_utf8(content(path)?)
        .map_err(|_| Failure::usage(format!("{name} is not text in UTF-8"), HINT))?;
    if text.trim_start().starts_with('{') {
        return whole(&name, &text).map(Kept::Whole);
    }
    let documents = documents(&text);
    if documents.is_empty() {
        return Err(Failure::usage(format!("{name} holds no report"), HINT));
    }
    let reports = documents.into_iter().map(|document| {
        // Messages name lines of the file.
        let text = "\n".repeat(document.lines_before) + document.text;
        SubmittedReport::read_yaml(&name, &text)
    });
    Ok(Kept::Official(reports.collect::<Result<_, _>>()?))
}

const HINT: &str = "reports are made by `assay check --format json` or `--format yaml`";

/// The reports of a JSON document.
pub(crate) fn whole(name: &str, text: &str) -> Result<Vec<Report>, Failure> {
    read_reports(text).map_err(|error| Failure::usage(format!("{name}: {error}"), HINT))
}

/// Verdict lines of reports of both kinds, as [`lines`] writes them.
fn verdict_lines(kept: &[Kept]) -> String {
    let mut parts: Vec<(&str, String)> = Vec::new();
    for kept in kept {
        match kept {
            Kept::Whole(reports) => parts.extend(
                reports
                    .iter()
                    .map(|report| (report.subject.cloud.as_str(), lines(std::slice::from_ref(report)))),
            ),
            Kept::Official(reports) => {
                parts.extend(reports.iter().map(|report| (report.subject.as_str(), official_lines(report))));
            }
        }
    }
    match &parts[..] {
        [(_, only)] => only.clone(),
        _ => parts.iter().map(|(subject, lines)| format!("# {}\n{lines}", visible(subject))).collect(),
    }
}

fn official_lines(report: &SubmittedReport) -> String {
    let measured = report.results().into_iter().filter(|(_, result)| !result.is_stated);
    measured.map(|(id, result)| format!("{}: {}\n", visible(id), result.verdict)).collect()
}
