//! From a report to a monitor: rendered, signed, kept, sent.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assay_fleet::{Address, Courier, Delivery, Judged, Letter, Outbox, Tally};
use assay_report::{Effect, Format, Gate, TestcaseReport, Waiver};
use assay_signature::Signer;
use assay_standards::Verdict;
use assay_testcases::Reading;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use crate::failure::Failure;
use crate::output::write_file;

/// What signatures of reports are made for.
const NAMESPACE: &str = "report";
/// What stands between a signature and what it is over, when both are sent.
const BETWEEN: u8 = b'&';

/// Where reports go.
pub(crate) struct Post {
    pub(crate) signer: Option<Signer>,
    /// A folder of the user's.
    pub(crate) folder: Option<PathBuf>,
    /// The monitor, and where reports wait for it.
    pub(crate) monitor: Option<(Url, Outbox)>,
    /// Whose reports these are (see [`Address::sender`]).
    pub(crate) sender: String,
}

/// What is known of a report once it is gone.
#[derive(Debug, Clone)]
pub(crate) struct Posted {
    pub(crate) run: Uuid,
    pub(crate) subject: String,
    pub(crate) scope: String,
    pub(crate) tally: Tally,
    /// How many failures somebody answers for.
    pub(crate) waived: usize,
    /// What waivers do in the report.
    waivers: Vec<(Arc<Waiver>, Effect, usize)>,
    /// Whether anything was found out.
    pub(crate) determined: bool,
    pub(crate) leftovers: Vec<String>,
    /// Why nothing was found out, in the words of the first thing that could not be had.
    pub(crate) why: Option<String>,
    pub(crate) to_be_sent: bool,
}

impl Post {
    /// Keeps a report wherever it is to be kept. What is to be sent is on disk once this returns; a folder of the
    /// user's that cannot be written keeps nothing from being sent, and is told beside it.
    pub(crate) async fn keep(
        self: &Arc<Self>,
        judged: Judged,
    ) -> Result<(Posted, Result<(), Failure>), Failure> {
        let post = Arc::clone(self);
        // Rendering, signing and waiting for the disk take some milliseconds, in which others go on.
        let kept = tokio::task::spawn_blocking(move || post.kept(&judged));
        kept.await
            .map_err(|error| Failure::undetermined(format!("a report could not be kept: {error}"), ""))?
    }

    fn kept(&self, judged: &Judged) -> Result<(Posted, Result<(), Failure>), Failure> {
        let (scope, report) = (&judged.scope, &judged.report);
        let defect = |error: &dyn std::fmt::Display| {
            Failure::undetermined(error, "this is a defect of assay; please report it")
        };
        let text = assay_report::render(Format::Yaml, std::slice::from_ref(report))
            .map_err(|error| defect(&error))?;
        let signature = self.signer.as_ref().map(|signer| signer.sign(NAMESPACE, text.as_bytes()));
        let signature = signature.transpose().map_err(|error| {
            Failure::undetermined(error, "the report is not handed in; see to the key and run it again")
        })?;
        let posted = posted(judged, self.monitor.is_some());
        if let (Some((monitor, outbox)), Some(signature)) = (&self.monitor, &signature) {
            let address = Address {
                run: report.run_id,
                monitor: monitor.clone(),
                subject: posted.subject.clone(),
                scope: scope.clone(),
                sender: self.sender.clone(),
                written_at: Timestamp::now(),
            };
            let mut body = signature.clone().into_bytes();
            body.push(BETWEEN);
            body.extend_from_slice(text.as_bytes());
            outbox.put(&Letter { address, body })?;
        }
        let saved = match &self.folder {
            Some(folder) => save(folder, &report.subject.cloud, scope, &text, signature.as_deref()),
            None => Ok(()),
        };
        Ok((posted, saved))
    }
}

/// Sends a letter of the outbox; none if it is gone, since another program may send it, too.
pub(crate) async fn sent(
    courier: &Courier,
    outbox: &Outbox,
    run: Uuid,
    cancel: &CancellationToken,
) -> Result<Delivery, Failure> {
    match outbox.letter(run)? {
        Some(letter) => Ok(courier.hand_over(outbox, &letter, cancel).await?),
        None => Ok(Delivery::Known),
    }
}

fn save(
    folder: &Path,
    subject: &str,
    scope: &str,
    text: &str,
    signature: Option<&str>,
) -> Result<(), Failure> {
    let folder = folder.join(assay_fleet::file_name(subject));
    std::fs::create_dir_all(&folder).map_err(|error| {
        Failure::undetermined(
            format!("{} cannot be made: {error}", folder.display()),
            "name another folder with -o",
        )
    })?;
    let file = folder.join(format!("{}.yaml", assay_fleet::file_name(scope)));
    write_file(&file, text.as_bytes())?;
    let beside = folder.join(format!("{}.yaml.sig", assay_fleet::file_name(scope)));
    if let Some(signature) = signature {
        return write_file(&beside, signature.as_bytes());
    }
    // One of an earlier report would be over something else.
    let _ = std::fs::remove_file(&beside);
    Ok(())
}

impl Posted {
    /// Whether something failed that nobody answers for.
    pub(crate) fn is_failing(&self) -> bool {
        self.tally.fail > self.waived
    }
}

/// Waivers that somebody should look at: those that expired, and those that cover nothing in any of the reports.
pub(crate) fn remarks<'p>(all: impl Iterator<Item = &'p Posted> + Clone) -> BTreeSet<String> {
    let of_all = all.clone().flat_map(|posted| &posted.waivers);
    let covering: BTreeSet<*const Waiver> = of_all
        .filter(|(_, effect, _)| *effect != Effect::Idle)
        .map(|(waiver, ..)| Arc::as_ptr(waiver))
        .collect();
    let mut remarks = BTreeSet::new();
    for posted in all {
        let (mut expired, mut idle) = (Gate::default(), Gate::default());
        for waiver in &posted.waivers {
            match waiver.1 {
                Effect::Expired => expired.waivers.push(waiver.clone()),
                Effect::Idle if !covering.contains(&Arc::as_ptr(&waiver.0)) => {
                    idle.waivers.push(waiver.clone());
                }
                Effect::Idle | Effect::InForce => {}
            }
        }
        remarks.extend(expired.remarks().map(|remark| format!("{}: {remark}", posted.subject)));
        remarks.extend(idle.remarks());
    }
    remarks
}

fn posted(judged: &Judged, to_be_sent: bool) -> Posted {
    let report = &judged.report;
    let mut tally = Tally::default();
    for testcase in report.asked() {
        match testcase.verdict(Reading::Official) {
            Some(Verdict::Pass) => tally.pass += 1,
            Some(Verdict::Fail) => tally.fail += 1,
            Some(Verdict::Abort) => tally.abort += 1,
            Some(Verdict::Miss) => tally.miss += 1,
            None => {}
        }
    }
    let is_waived = |testcase: &&TestcaseReport| {
        testcase.verdict(Reading::Official) == Some(Verdict::Fail)
            && report.is_excused_in(testcase, Reading::Official)
    };
    let waived = report.asked().filter(is_waived).count();
    let determined = tally.pass + tally.fail > 0;
    let why = report.unavailable.first().map(|fact| fact.why.to_string()).filter(|_| !determined);
    Posted {
        run: report.run_id,
        subject: report.subject.cloud.clone(),
        scope: judged.scope.clone(),
        tally,
        waived,
        waivers: report.gate.waivers.clone(),
        determined,
        leftovers: report.leftovers.iter().map(ToString::to_string).collect(),
        why,
        to_be_sent,
    }
}
