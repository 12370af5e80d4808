//! Which features the S3 side of the object store has (scs-0123).

use assay_inventory::{FactId, Reason, S3Features, StepId, Unavailable};
use assay_journal::Kind;
use tokio::time::Duration;

use super::workshop::{Bench, New, Workshop};
use crate::ec2::{Ec2Key, access, s3_endpoint};

/// What the key is called, after the mark of the run.
const KEY: &str = "s3-key";

/// Makes a key, tries each feature with it, and takes all down.
pub(crate) async fn s3_features(bench: Bench<'_>) -> Result<S3Features, Unavailable> {
    let endpoint = s3_endpoint(bench.session).ok_or_else(|| {
        Unavailable::new(Reason::NotInCatalog, "the catalog has neither S3 nor an object store")
    })?;
    let workshop = Workshop::new(bench, FactId::S3Features);
    let key = Ec2Key::new(bench.session, workshop.name(KEY));
    let made = workshop.make(
        StepId::CreateCredential,
        New {
            kind: Kind::Ec2Credential,
            what: KEY,
            path: &["credentials"],
            wrapper: "credential",
            fields: key.fields(bench.session),
        },
    );
    let mut seen = None;
    // If there is no key, the transcript says why.
    if made.await.is_ok() {
        let access = access(bench.session, endpoint, &key);
        let settings = settings(&bench);
        seen = Some(assay_s3::probe(&access, &settings, bench.journal, &|_| ()).await);
    }
    let transcript = workshop.finish().await;
    match seen {
        Some(mut seen) => {
            seen.leftovers.extend(transcript.leftovers);
            Ok(seen)
        }
        None => Err(transcript
            .trouble(StepId::CreateCredential)
            .cloned()
            .unwrap_or_else(|| Unavailable::new(Reason::Failed, "there is no key for S3"))),
    }
}

/// An interrupted run only removes what there is.
fn settings(bench: &Bench<'_>) -> assay_s3::Settings {
    let budget = if bench.cancel.is_cancelled() { Duration::ZERO } else { bench.budgets.s3 };
    assay_s3::Settings {
        timeout: bench.session.http().settings().timeout,
        budget,
        cleanup: bench.budgets.removal,
        ..assay_s3::Settings::default()
    }
}
