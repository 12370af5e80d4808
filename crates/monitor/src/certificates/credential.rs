use assay_standards::scope::Spec;
use assay_transparency::{CredentialError, Signer};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::standing::Certificate;
use crate::scopes::Scopes;

/// The words that everybody knows, and that there may be others.
const CONTEXT: [&str; 2] =
    ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/undefined-terms/v2"];
/// A list of what was revoked is good for so many days; who has an older one should fetch it anew.
const LIST_DAYS: i32 = 7;

/// A time as documents have it: to the second, since nobody cares for more.
fn written(at: Timestamp) -> String {
    at.strftime("%FT%TZ").to_string()
}

/// The first instant of a day, in UTC.
fn midnight(day: Date) -> String {
    format!("{day}T00:00:00Z")
}

/// A certificate as a Verifiable Credential, signed. `base` is the address of the monitor, whole; `issuer` is who grants.
pub(crate) fn certificate_document(
    certificate: &Certificate,
    spec: &Spec,
    (base, issuer): (&str, &str),
    (signer, now): (&Signer, Timestamp),
) -> Result<Value, CredentialError> {
    let Certificate { uuid, subject, organisation, covers, version, .. } = certificate;
    let document = json!({
        "@context": CONTEXT,
        "id": format!("{base}certificates/{uuid}/credential.json"),
        "type": ["VerifiableCredential", "ScsCertificate"],
        "issuer": {"id": signer.issuer().to_string(), "name": issuer},
        "name": format!("{} {version}", spec.name),
        "number": certificate.number.to_string(),
        "validFrom": midnight(certificate.valid_from),
        "validUntil": midnight(certificate.valid_until),
        "credentialStatus": {
            "id": format!("{base}certificates/revoked.json#{uuid}"),
            "type": "ScsRevocationList",
        },
        "statusPage": format!("{base}page/certificate/{uuid}"),
        "credentialSubject": {
            "subject": subject,
            "organisation": organisation,
            "covers": covers,
            "scope": {"uuid": spec.uuid, "name": spec.name, "slug": Scopes::slug(spec)},
            "version": version,
        },
    });
    signer.seal(document, &written(now))
}

/// Which certificates were revoked, signed.
pub(crate) fn revocation_list<'c>(
    certificates: impl IntoIterator<Item = &'c Certificate>,
    (base, issuer): (&str, &str),
    (signer, now): (&Signer, Timestamp),
) -> Result<Value, CredentialError> {
    let revoked = certificates.into_iter().filter_map(|certificate| {
        let revocation = certificate.revocation.as_ref()?;
        Some(json!({
            "certificate": certificate.uuid,
            "number": certificate.number.to_string(),
            "subject": certificate.subject,
            "revoked": written(revocation.at),
            "reason": revocation.reason,
        }))
    });
    let next = now.checked_add((LIST_DAYS * 24).hours()).unwrap_or(now);
    let document = json!({
        "@context": CONTEXT,
        "id": format!("{base}certificates/revoked.json"),
        "type": "ScsRevocationList",
        "issuer": {"id": signer.issuer().to_string(), "name": issuer},
        "issued": written(now),
        "nextUpdate": written(next),
        "revoked": revoked.collect::<Vec<_>>(),
    });
    signer.seal(document, &written(now))
}
