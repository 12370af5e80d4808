//! `assay demo`: the whole judgement on a cloud that was recorded once.

use std::collections::BTreeMap;

use assay_inventory::read_snapshot;
use assay_report::ExitCode;

use crate::against;
use crate::args::{Demo, Global};
use crate::failure::{Failure, bad_snapshot};
use crate::output::note;
use crate::show;

/// A half-conforming cloud, recorded from the testbed (see testbed/README.md).
const RECORDING: &[u8] = include_bytes!("../../data/demo.snapshot");

pub(crate) fn run(arguments: &Demo, global: &Global) -> Result<u8, Failure> {
    let inventory =
        read_snapshot(RECORDING).map_err(|error| bad_snapshot("the built-in recording".as_ref(), &error))?;
    let spec = against::spec(arguments.against.spec.as_deref())?;
    let date = against::reference_date(&arguments.against, inventory.recorded_at);
    let selection = against::select(&spec, &arguments.against, date)?;
    let report = against::report(
        &spec,
        &selection,
        &arguments.against,
        &inventory,
        &BTreeMap::new(),
        &BTreeMap::new(),
    );
    let reports = [report];
    show::reports(&reports, &arguments.show, global)?;
    if !global.quiet && arguments.show.format.is_none() && arguments.show.output.is_none() {
        note("This is a recorded cloud. For your own: assay check CLOUD, with CLOUD from your clouds.yaml.");
    }
    Ok(ExitCode::of(&reports).code())
}
