//! What is judged against: the scope spec, the versions and testcases, the day and the instant.

use std::collections::BTreeMap;
use std::path::Path;

use assay_inventory::Inventory;
use assay_report::{Chosen, Report, Run, build};
use assay_standards::scope::{Request, Selection, Spec};
use assay_testcases::{Judgement, judge};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::args::Against;
use crate::failure::Failure;

/// Program and version, as reports and recordings name them.
pub(crate) const TOOL: &str = concat!("assay ", env!("CARGO_PKG_VERSION"));

/// Specs are a few dozen KiB; what is much larger is none.
const MAX_SPEC: u64 = 4 << 20;

/// A scope spec: the built-in one, or one of the user's.
pub(crate) enum ScopeSpec {
    Embedded(&'static Spec),
    Own(Box<Spec>),
}

impl std::ops::Deref for ScopeSpec {
    type Target = Spec;

    fn deref(&self) -> &Spec {
        match self {
            ScopeSpec::Embedded(spec) => spec,
            ScopeSpec::Own(spec) => spec,
        }
    }
}

/// Reads the spec of the user, or takes the built-in one.
pub(crate) fn spec(file: Option<&Path>) -> Result<ScopeSpec, Failure> {
    let Some(path) = file else {
        return Ok(ScopeSpec::Embedded(Spec::embedded_iaas()));
    };
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        Failure::usage(format!("{shown} cannot be read: {error}"), "name a scope spec with --spec")
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_SPEC {
        return Err(Failure::usage(
            format!("{shown} has {} MiB; a scope spec has a few dozen KiB", size >> 20),
            "name a scope spec with --spec",
        ));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::usage(format!("{shown} is not text in UTF-8"), "name a scope spec with --spec")
    })?;
    Ok(ScopeSpec::Own(Box::new(Spec::parse(&shown.to_string(), &text)?)))
}

/// The day of an instant, in UTC.
pub(crate) fn day(instant: Timestamp) -> Date {
    instant.to_zoned(TimeZone::UTC).date()
}

/// The day for which versions count, unless one is given: that of the instant that counts as now.
pub(crate) fn reference_date(against: &Against, seen_at: Timestamp) -> Date {
    against.date.unwrap_or_else(|| day(against.now.unwrap_or(seen_at)))
}

/// The versions and testcases that the arguments mean.
pub(crate) fn select<'s>(spec: &'s Spec, against: &Against, date: Date) -> Result<Selection<'s>, Failure> {
    let request = Request {
        version: against.version.clone(),
        targets: against.target.clone(),
        testcases: against.testcases.clone(),
    };
    let mut selection = spec.select(&request, date)?;
    if Chosen::from(against.reading) == Chosen::Official {
        selection.testcases.retain(|selected| !selected.testcase.own);
    }
    if selection.testcases.is_empty() {
        return Err(Failure::usage(
            "nothing is left to judge",
            "testcases of our own have a text reading alone: leave out --reading official, or name other targets or testcases",
        ));
    }
    Ok(selection)
}

/// Judges an inventory. `replaced` holds judgements that came from elsewhere than the registry.
pub(crate) fn report(
    spec: &Spec,
    selection: &Selection<'_>,
    against: &Against,
    inventory: &Inventory,
    assignment: &BTreeMap<String, String>,
    replaced: &BTreeMap<String, Judgement>,
) -> Report {
    let now = against.now.unwrap_or(inventory.recorded_at);
    let ids = selection.testcases.iter().map(|selected| selected.testcase.id.as_str());
    let judgements = judge(inventory, ids, now)
        .into_iter()
        .map(|(id, judgement)| replaced.get(&id).cloned().unwrap_or(judgement))
        .collect();
    let run = Run {
        tool: TOOL.into(),
        arguments: std::env::args_os().skip(1).map(|text| text.to_string_lossy().into_owned()).collect(),
        forced_version: against.version.clone(),
        forced_testcases: against.testcases.as_ref().map(ToString::to_string),
        assignment: assignment.clone(),
        chosen: against.reading.into(),
        reference_date: reference_date(against, inventory.recorded_at),
    };
    build(&run, spec, selection, inventory, judgements, now, Timestamp::now())
}
