//! How the program ends when it cannot give a result.

use std::fmt;

use assay_curate::flavors::FlavorFileError;
use assay_curate::images::CatalogueError;
use assay_curate::repair::AnswersError;
use assay_fleet::{CourierError, FleetProblem, LeaseError, OutboxError, PlanError, RecordError};
use assay_inventory::SnapshotError;
use assay_monitor::{BootstrapProblem, NoticeProblem, OidcProblem, ServeError};
use assay_openstack::{ConfigError, ConnectError, DomainManagerError};
use assay_report::{BaselineError, ReportProblem, WaiverProblem};
use assay_standards::declaration::DeclarationError;
use assay_standards::scope::{SelectionError, SpecError};
use assay_yaml::{Problems, Wrong};
use miette::{Diagnostic, Report};

/// An error with the exit code that it leads to.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) report: Report,
}

/// Wrong usage or configuration.
const USAGE: u8 = 2;
/// Something could not be determined.
const UNDETERMINED: u8 = 3;

impl Failure {
    /// Wrong usage or configuration, in words and with a hint.
    pub(crate) fn usage(message: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Failure { code: USAGE, report: plain(message, hint) }
    }

    /// Something could not be determined.
    pub(crate) fn undetermined(message: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Failure { code: UNDETERMINED, report: plain(message, hint) }
    }

    fn of(error: impl Diagnostic + Send + Sync + 'static) -> Self {
        Failure { code: USAGE, report: Report::new(error) }
    }
}

fn plain(message: impl fmt::Display, hint: impl fmt::Display) -> Report {
    let hint = hint.to_string();
    match hint.is_empty() {
        true => miette::miette!("{message}"),
        false => miette::miette!(help = hint, "{message}"),
    }
}

impl From<SpecError> for Failure {
    fn from(error: SpecError) -> Self {
        Failure::of(error)
    }
}

impl From<DeclarationError> for Failure {
    fn from(error: DeclarationError) -> Self {
        Failure::of(error)
    }
}

impl From<Problems<FleetProblem>> for Failure {
    fn from(error: Problems<FleetProblem>) -> Self {
        match error.problems().iter().any(|problem| problem.kind().is_secret()) {
            true => without_lines(&error),
            false => Failure::of(error),
        }
    }
}

impl From<LeaseError> for Failure {
    fn from(error: LeaseError) -> Self {
        let hint = "[leases] in the configuration names what runners share";
        match error {
            LeaseError::Configuration(_) => Failure::usage(error, hint),
            LeaseError::Shared(_) => Failure::undetermined(error, hint),
            _ => Failure::undetermined(error, ""),
        }
    }
}

impl From<Problems<WaiverProblem>> for Failure {
    fn from(error: Problems<WaiverProblem>) -> Self {
        Failure::of(error)
    }
}

impl From<BaselineError> for Failure {
    fn from(error: BaselineError) -> Self {
        Failure::usage(error, "compare with a JSON report of an earlier check of the same cloud")
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Failure::usage(error, "")
    }
}

impl From<OutboxError> for Failure {
    fn from(error: OutboxError) -> Self {
        Failure::undetermined(error, "")
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        Failure::undetermined(error, "")
    }
}

impl From<CourierError> for Failure {
    fn from(error: CourierError) -> Self {
        Failure::usage(error, "the token lies in the file that `tokenfile` names")
    }
}

impl From<FlavorFileError> for Failure {
    fn from(error: FlavorFileError) -> Self {
        Failure::of(error)
    }
}

impl From<CatalogueError> for Failure {
    fn from(error: CatalogueError) -> Self {
        Failure::of(error)
    }
}

impl From<AnswersError> for Failure {
    fn from(error: AnswersError) -> Self {
        Failure::of(error)
    }
}

impl From<Problems<ReportProblem>> for Failure {
    fn from(error: Problems<ReportProblem>) -> Self {
        Failure::of(error)
    }
}

impl From<Problems<NoticeProblem>> for Failure {
    fn from(error: Problems<NoticeProblem>) -> Self {
        without_lines(&error)
    }
}

impl From<Problems<OidcProblem>> for Failure {
    fn from(error: Problems<OidcProblem>) -> Self {
        without_lines(&error)
    }
}

impl From<Problems<BootstrapProblem>> for Failure {
    fn from(error: Problems<BootstrapProblem>) -> Self {
        without_lines(&error)
    }
}

/// Without the lines of the file: they go to the log of a server, and somebody may have written a password there.
fn without_lines<K: Wrong>(error: &Problems<K>) -> Failure {
    let help = error.problems().first().and_then(|problem| problem.kind().help());
    let all: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
    Failure::usage(all.join("\n"), help.unwrap_or_default())
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        let hint = match &error {
            ServeError::Store(_) => "--data names the folder of the database, --database its address",
            ServeError::Key(_) | ServeError::OtherKey { .. } => {
                return Failure::usage(error, "--key names the file with the private key of the log");
            }
            _ => "",
        };
        Failure::undetermined(error, hint)
    }
}

impl From<SelectionError> for Failure {
    fn from(error: SelectionError) -> Self {
        Failure::usage(error, "`assay scope show` lists versions and targets, `assay list` testcases")
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Failure::usage(error, "")
    }
}

impl From<DomainManagerError> for Failure {
    fn from(error: DomainManagerError) -> Self {
        Failure::usage(error, "docs/domain-manager.md shows how the file is written")
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Failure::undetermined(error, "")
    }
}

/// A snapshot file that is of no use.
pub(crate) fn bad_snapshot(path: &std::path::Path, error: &SnapshotError) -> Failure {
    let hint = match error {
        SnapshotError::Newer { .. } => "read it with a newer assay",
        SnapshotError::NotASnapshot => "record one with `assay check CLOUD --record FILE`",
        _ => "record it again with `assay check CLOUD --record FILE`",
    };
    Failure::usage(format!("{}: {error}", path.display()), hint)
}
