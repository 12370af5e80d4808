//! Which failures the exit code leaves out: those that are waived, and those that an earlier report has as well.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use assay_report::{Baseline, Chosen, Report, WaiverProblem, Waivers, gate};
use assay_standards::scope::Spec;
use assay_testcases::Registry;
use assay_yaml::Problems;
use clap::Args;

use crate::args::Global;
use crate::commands::declare;
use crate::failure::Failure;
use crate::output::note;

/// What the exit code leaves out.
#[derive(Debug, Args)]
#[command(next_help_heading = "Exit code")]
pub(crate) struct Gating {
    /// Failures that somebody answers for until a day: they are shown, but do not make the run fail
    #[arg(long, value_name = "FILE")]
    pub(crate) waivers: Option<PathBuf>,
    /// An earlier JSON report of the cloud: only failures that it does not have make the run fail
    #[arg(long, value_name = "REPORT")]
    pub(crate) baseline: Option<PathBuf>,
}

/// Waivers and earlier report, read.
#[derive(Debug)]
pub(crate) struct Gates {
    waivers: Option<Waivers>,
    baseline: Option<Baseline>,
}

impl Gates {
    /// Reads the files that the arguments name.
    pub(crate) fn read(gating: &Gating, spec: &Spec) -> Result<Self, Failure> {
        let waivers = |path: &PathBuf| Ok::<_, Failure>(with_waivers(path, [spec], Waivers::read)??);
        Ok(Gates {
            waivers: gating.waivers.as_ref().map(waivers).transpose()?,
            baseline: gating.baseline.as_deref().map(baseline).transpose()?,
        })
    }

    /// Makes sure that the earlier report says something about what is checked.
    pub(crate) fn expect_about(&self, clouds: &[&str], spec: &Spec, chosen: Chosen) -> Result<(), Failure> {
        let Some(baseline) = &self.baseline else { return Ok(()) };
        for cloud in clouds {
            baseline.expect_about(cloud, &spec.uuid, chosen.deciding())?;
        }
        Ok(())
    }

    /// Marks the reports of a run, and tells of waivers that somebody should look at: not every format does.
    pub(crate) fn apply(&self, reports: &mut [Report], global: &Global) {
        if self.waivers.is_none() && self.baseline.is_none() {
            return;
        }
        gate(reports, self.waivers.as_ref(), self.baseline.as_ref());
        if !global.quiet {
            let remarks: BTreeSet<String> = reports.iter().flat_map(|report| report.gate.remarks()).collect();
            for remark in &remarks {
                note(remark);
            }
        }
    }
}

/// A file of waivers and how it is read: name, text and the testcases that there are.
pub(crate) fn with_waivers<'s>(
    path: &Path,
    specs: impl IntoIterator<Item = &'s Spec>,
    read: impl FnOnce(&str, &str, &BTreeSet<&str>) -> Result<Waivers, Problems<WaiverProblem>>,
) -> Result<Result<Waivers, Problems<WaiverProblem>>, Failure> {
    let text = declare::read(path, "a file of waivers is a list in YAML; see docs/waivers.md")?;
    let in_specs = specs.into_iter().flat_map(Spec::testcases).map(|testcase| testcase.id.as_str());
    let known: BTreeSet<&str> =
        in_specs.chain(Registry::get().testcases().map(|testcase| &*testcase.id)).collect();
    Ok(read(&path.display().to_string(), &text, &known))
}

fn baseline(path: &Path) -> Result<Baseline, Failure> {
    const HINT: &str = "make one with `assay check CLOUD -o report.json`";
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{shown} cannot be read: {error}"), HINT))?;
    Baseline::read(&text).map_err(|error| Failure::usage(format!("{shown}: {error}"), HINT))
}
