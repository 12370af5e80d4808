use std::collections::BTreeMap;
use std::slice;

use assay_report::{CheckedAt, SubmittedReport, SubmittedResult};
use assay_signature::{PublicKey, Signature};
use assay_transparency::{Growth, Hash};
use jiff::Timestamp;

use crate::certificates::{Certificate, Revocation};
use crate::findings::Finding;
use crate::intake::{Document, MediaType, NAMESPACE, Record, hexadecimal_digest};
use crate::log::{Entry, results_digest};
use crate::store::{KeptReport, KeptSubmission, Store, StoreError, Text, Unreadable, Wish};

/// What came of looking whether all that is stored is what was once accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// How many reports were looked at.
    pub reports: u64,
    /// How many of them were taken over from a monitor that keeps no signatures.
    pub imported: u64,
    /// How many of them have no text any more, so that the log alone vouches for their results.
    pub let_go: u64,
    /// How many entries the log has.
    pub entries: u64,
    /// What is not as it was.
    pub findings: Vec<String>,
}

/// What is wrong with a report that is in the log as another one.
const ELSE: &str = "the log says something else about it";
/// How many are looked at in one go.
const SOME: usize = 256;

/// Verifies everything again: signatures over what was signed, results against what it says, the log against both.
///
/// # Errors
/// The database.
pub async fn audit(store: &Store) -> Result<Audit, StoreError> {
    let mut audit = Audit::default();
    let mut last = 0;
    // The digest of the results of each report whose text is gone, and when it went.
    let mut gone: BTreeMap<String, (String, Timestamp)> = BTreeMap::new();
    while let Some(found) = store.next_submission(last, Timestamp::MIN).await? {
        let submission = match found {
            Ok(submission) => submission,
            Err(Unreadable { id, reports, why }) => {
                last = id;
                audit.reports += reports.len() as u64;
                audit.findings.push(format!("submission {id} (reports {}): {why}", reports.join(", ")));
                continue;
            }
        };
        last = submission.id;
        let unreadable = submission.unreadable.iter().map(|(uuid, why)| format!("report {uuid}: {why}"));
        audit.findings.extend(unreadable);
        let count = (submission.reports.len() + submission.unreadable.len()) as u64;
        if let Text::LetGo(at) = submission.text {
            audit.let_go += count;
            let digests = submission
                .reports
                .iter()
                .map(|kept| (kept.uuid.clone(), (results_digest(&kept.results), at)));
            gone.extend(digests);
        }
        audit.reports += count;
        if submission.media_type == MediaType::Recorded {
            audit.imported += count;
        }
        match Verified::of(&submission) {
            Ok(verified) => {
                for report in &submission.reports {
                    if let Err(finding) = verified.vouches_for(report) {
                        audit.findings.push(format!("report {}: {finding}", report.uuid));
                    }
                }
            }
            Err(finding) => {
                let reports: Vec<&str> =
                    submission.reports.iter().map(|report| report.uuid.as_str()).collect();
                audit.findings.push(format!("reports {}: {finding}", reports.join(", ")));
            }
        }
    }
    let mut certified = Certified::default();
    // What is granted from here on is in the log alone, as far as this look goes.
    let certificates = store.each_certificate().await?;
    let findings = store.each_finding().await?;
    let head = readable(store.log_head().await, "the tree of the log", &mut audit.findings)?;
    let size = match head {
        Some((size, _)) => size,
        None => store.log_size().await?,
    };
    let mut growth = empty()?;
    let mut next = 0;
    let mut found = BTreeMap::new();
    while next < size {
        let some = match store.log_entries(next, SOME).await {
            // Which of them it is.
            Err(error) if error.is_about_contents() => store.log_entries(next, 1).await,
            some => some,
        };
        let what = format!("entry {next} of the log");
        let Some(some) = readable(some, &what, &mut audit.findings)? else {
            next += 1;
            continue;
        };
        if some.is_empty() {
            break;
        }
        for entry in some.iter().take_while(|entry| entry.place < size) {
            if entry.place != next {
                audit.findings.push(format!("entry {next} of the log is missing"));
            }
            match serde_json::from_slice(&entry.bytes) {
                Ok(Entry::Report { report, .. } | Entry::Import { report, .. })
                    if !store.has_report(&report).await? =>
                {
                    audit.findings.push(format!("report {report} is in the log, and nowhere else"));
                }
                Ok(Entry::Finding { finding, subject, scope, testcase, said, at }) => {
                    found.insert(finding, (subject, scope, testcase, said, at.as_microsecond()));
                }
                Ok(Entry::LetGo { report, results, at }) => {
                    let is_it = gone.remove(&report).is_none_or(|(digest, gone_at)| {
                        (digest, gone_at.as_microsecond()) == (results, at.as_microsecond())
                    });
                    if !is_it {
                        let what =
                            "the results that count are not those that counted when its text was let go";
                        audit.findings.push(format!("report {report}: {what}"));
                    }
                }
                Ok(said) => certified.hear(said),
                Err(_) => {}
            }
            growth.push(Hash::of_leaf(&entry.bytes));
            next = entry.place + 1;
        }
    }
    audit.entries = growth.size();
    for uuid in gone.keys() {
        audit.findings.push(format!("report {uuid}: its text is gone, and the log does not say why"));
    }
    for certificate in certificates {
        let mut certificate = match certificate {
            Ok(certificate) => certificate,
            Err((uuid, why)) => {
                certified.0.remove(&uuid);
                audit.findings.push(format!("certificate {uuid}: {why}"));
                continue;
            }
        };
        let what = format!("certificate {}", certificate.uuid);
        let document = readable(store.document(&certificate.uuid).await, &what, &mut audit.findings)?;
        let document = document.flatten().unwrap_or_default();
        if certificate.revocation.is_none() && certified.is_revoked(&certificate.uuid) {
            // Somebody may have done that meanwhile.
            let again = store.certificates(Wish::One(&certificate.uuid)).await?.pop();
            certificate.revocation = again.and_then(|again| again.revocation);
        }
        certified.compare(&certificate, &document, &mut audit.findings);
    }
    for uuid in certified.0.keys() {
        let document =
            readable(store.document(uuid).await, &format!("certificate {uuid}"), &mut audit.findings)?;
        if document.is_some_and(|document| document.is_none()) {
            audit.findings.push(format!("certificate {uuid} is in the log, and nowhere else"));
        }
    }
    for kept in findings {
        let kept = match kept {
            Ok(kept) => kept,
            Err((uuid, why)) => {
                found.remove(&uuid);
                audit.findings.push(format!("finding {uuid}: {why}"));
                continue;
            }
        };
        let Finding { ref uuid, ref subject, ref scope, ref testcase, at, .. } = kept;
        let said = (subject.clone(), scope.clone(), testcase.clone(), kept.digest(), at.as_microsecond());
        if found.remove(uuid) != Some(said) {
            audit.findings.push(format!("finding {uuid}: the log says something else about it"));
        }
    }
    if !found.is_empty() {
        // Somebody may have written some down meanwhile.
        let again = store.each_finding().await?;
        let is_there = |uuid: &str| again.iter().flatten().any(|kept| kept.uuid == uuid);
        for uuid in found.keys().filter(|uuid| !is_there(uuid)) {
            audit.findings.push(format!("finding {uuid} is in the log, and nowhere else"));
        }
    }
    match store.results_without_report().await? {
        0 => {}
        count => audit.findings.push(format!("of {count} results the report is not there, or another one")),
    }
    for testcase in store.standings_that_are_none().await? {
        audit.findings.push(format!("what stands for {testcase} is not its newest result"));
    }
    if size != growth.size() || head.is_some_and(|(_, root)| root != growth.root()) {
        audit.findings.push("the entries of the log are not those that its tree was made of".to_owned());
    }
    Ok(audit)
}

/// What was read, unless it cannot be: then that is a finding, and all else goes on.
fn readable<T>(
    read: Result<T, StoreError>,
    what: &str,
    findings: &mut Vec<String>,
) -> Result<Option<T>, StoreError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.is_about_contents() => {
            findings.push(format!("{what}: {error}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn empty() -> Result<Growth, StoreError> {
    Growth::new(0, |_| None).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// What the log says of certificates, by their UUIDs: that each was granted, and when and why it was revoked.
#[derive(Default)]
struct Certified(BTreeMap<String, (Option<Entry>, Option<Revocation>)>);

impl Certified {
    fn hear(&mut self, entry: Entry) {
        match entry {
            Entry::Certificate { ref certificate, .. } => {
                let uuid = certificate.clone();
                self.0.entry(uuid).or_default().0 = Some(entry);
            }
            Entry::Revocation { certificate, reason, at } => {
                self.0.entry(certificate).or_default().1 = Some(Revocation { at, reason });
            }
            Entry::Report { .. }
            | Entry::Import { .. }
            | Entry::LetGo { .. }
            | Entry::Approval { .. }
            | Entry::Finding { .. } => {}
        }
    }

    fn is_revoked(&self, uuid: &str) -> bool {
        self.0.get(uuid).is_some_and(|(_, revocation)| revocation.is_some())
    }

    /// Compares what the log and the signed document say of a certificate with what others are told of it.
    fn compare(&mut self, kept: &Certificate, document: &str, findings: &mut Vec<String>) {
        let (granted, revoked) = self.0.remove(&kept.uuid).unwrap_or_default();
        let is_granted = matches!(&granted, Some(Entry::Certificate {
            number, subject, scope, version, valid_from, valid_until, document: digest, ..
        }) if (number, subject, scope, version) == (&kept.number, &kept.subject, &kept.scope, &kept.version)
            && (valid_from, valid_until) == (&kept.valid_from, &kept.valid_until)
            && *digest == hexadecimal_digest(document));
        let signed: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
        let said = ["organisation", "covers"].map(|field| signed["credentialSubject"][field].as_str());
        if !is_granted || said != [Some(kept.organisation.as_str()), Some(kept.covers.as_str())] {
            findings.push(format!("certificate {}: the log says something else about it", kept.uuid));
        }
        let told = |revocation: &Revocation| (revocation.at.as_microsecond(), revocation.reason.clone());
        if revoked.as_ref().map(told) != kept.revocation.as_ref().map(told) {
            findings
                .push(format!("certificate {}: the log says otherwise whether it was revoked", kept.uuid));
        }
    }
}

/// What was signed, by a key that is known to have signed it; or what another monitor had, which nobody did.
struct Verified<'s> {
    fingerprint: Option<String>,
    /// None if it was let go.
    text: Option<VerifiedText<'s>>,
}

struct VerifiedText<'s> {
    payload: &'s str,
    digest: String,
    documents: Vec<Document<'s>>,
}

/// Whether what was handed in is as it was accepted.
pub(crate) fn is_sound(submission: &KeptSubmission) -> Result<(), String> {
    if let Some((uuid, why)) = submission.unreadable.first() {
        return Err(format!("report {uuid}: {why}"));
    }
    let verified = Verified::of(submission)?;
    submission.reports.iter().try_for_each(|report| verified.vouches_for(report))
}

impl<'s> Verified<'s> {
    fn of(submission: &'s KeptSubmission) -> Result<Self, String> {
        let KeptSubmission { media_type, text, .. } = submission;
        let text = match text {
            Text::Kept(payload) => Some(VerifiedText {
                payload,
                digest: hexadecimal_digest(payload),
                documents: media_type.documents(payload).map_err(|error| error.to_string())?,
            }),
            Text::LetGo(_) => None,
        };
        if *media_type == MediaType::Recorded {
            return Ok(Self { fingerprint: None, text });
        }
        let (kind, key) = submission.public_key.split_once(' ').ok_or("its key cannot be read")?;
        let key = PublicKey::read(kind, key).map_err(|error| error.to_string())?;
        let signature = Signature::read(&submission.signature).map_err(|error| error.to_string())?;
        if let Some(VerifiedText { payload, .. }) = &text {
            signature
                .verify(NAMESPACE, payload.as_bytes(), slice::from_ref(&key))
                .map_err(|error| error.to_string())?;
        }
        Ok(Self { fingerprint: Some(key.fingerprint()), text })
    }

    /// A report and its results.
    fn said(
        &self,
        text: &VerifiedText<'_>,
        part: usize,
    ) -> Result<(SubmittedReport, BTreeMap<String, SubmittedResult>), String> {
        if self.fingerprint.is_none() {
            let (report, results) =
                Record::open(text.payload).and_then(Record::read).map_err(|problem| problem.to_string())?;
            return Ok((report, results.into_iter().map(|(id, said)| (id, said.result)).collect()));
        }
        let document = text.documents.get(part).ok_or("what was signed does not hold it")?;
        let report =
            SubmittedReport::read_yaml("report", &document.text).map_err(|error| error.to_string())?;
        let results = report.results().into_iter().map(|(id, result)| (id.to_owned(), result)).collect();
        Ok((report, results))
    }

    /// What others know of a report must be what was signed, and what the log says.
    fn vouches_for(&self, kept: &KeptReport) -> Result<(), String> {
        let came = if self.fingerprint.is_some() { "signed" } else { "imported" };
        let other = || Err(format!("the results that count are not those that were {came}"));
        if !kept.is_in_time {
            return other();
        }
        if let Some(text) = &self.text {
            let (report, said) = self.said(text, kept.part)?;
            let is_it = (&report.run.to_string(), &report.subject, &report.scope.uuid)
                == (&kept.uuid, &kept.subject, &kept.scope);
            if !is_it {
                return Err("it is stored as another report, or as one about somebody else".into());
            }
            if report.checked_at.to_string() != kept.checked_at {
                return Err("the time of the check is not that which was written".into());
            }
            let said = said.into_iter().map(|(id, result)| (id, (result.verdict, result.is_stated)));
            if kept.results != said.collect() {
                return other();
            }
        }
        let checked_at: Result<CheckedAt, _> = kept.checked_at.parse();
        checked_at.map_err(|_| "the time of the check cannot be read")?;
        let entry = kept.entry.as_deref().ok_or("it is not in the log")?;
        let (uuid, subject, scope, counts_from, digest, key) = match serde_json::from_slice(entry) {
            Ok(Entry::Report { report, subject, scope, counts_from, payload, key, .. }) => {
                (report, subject, scope, counts_from, payload, Some(key))
            }
            Ok(Entry::Import { report, subject, scope, counts_from, record, .. }) => {
                (report, subject, scope, counts_from, record, None)
            }
            _ => return Err(ELSE.into()),
        };
        let is_it = (&uuid, &subject, &scope) == (&kept.uuid, &kept.subject, &kept.scope)
            && (counts_from, &key) == (kept.counts_from, &self.fingerprint)
            && self.text.as_ref().is_none_or(|text| text.digest == digest);
        if is_it { Ok(()) } else { Err(ELSE.into()) }
    }
}
