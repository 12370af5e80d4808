//! Which features the S3 side of the object store has (scs-0123).

use assay_inventory::{FactId, Reason, S3Features, StepId, Unavailable};
use assay_journal::Kind;

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
        let settings = assay_s3::Settings {
            timeout: bench.session.http().settings().timeout,
            budget: bench.budgets.s3,
            cleanup: bench.budgets.removal,
            ..assay_s3::Settings::default()
        };
        let stop = bench.cancel.cancelled();
        seen = Some(assay_s3::probe(&access, &settings, bench.journal, stop, &|_| ()).await);
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
