use assay_standards::integrators::Reference;
use assay_standards::requirements::{Integrators, Layer, Tier};
use assay_standards::scope::Spec;
use assay_transparency::{CredentialError, Signer};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::integrator::{Judged, Reckoned};
use super::standing::Certificate;
use crate::scopes::Scopes;

/// The words that everybody knows, and that there may be others.
const CONTEXT: [&str; 2] =
    ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/undefined-terms/v2"];
/// A list of what was revoked is good for so many days; who has an older one should fetch it anew.
const LIST_DAYS: i32 = 7;
/// Where the status pages are.
const CONFORMANCE_PAGE: &str = "certificate";
const INTEGRATOR_PAGE: &str = "integrator";

impl Certificate {
    /// The first word of the address of its status page.
    pub(crate) fn page(&self) -> &'static str {
        if self.layer().is_some() { INTEGRATOR_PAGE } else { CONFORMANCE_PAGE }
    }

    /// What it certifies, in words.
    pub(crate) fn what(&self, scopes: &Scopes) -> String {
        let Self { scope, version, .. } = self;
        match (self.layer(), scopes.by_uuid(scope)) {
            (Some(layer), _) => layer.title_of(version),
            (None, Some(spec)) => format!("{} {version}", spec.name),
            (None, None) => format!("a scope that is not known here {version}"),
        }
    }
}

/// A time as documents have it: to the second, since nobody cares for more.
fn written(at: Timestamp) -> String {
    at.strftime("%FT%TZ").to_string()
}

/// The first instant of a day, in UTC.
fn midnight(day: Date) -> String {
    format!("{day}T00:00:00Z")
}

/// What a certificate says beyond whose it is and for how long.
pub(crate) struct Statement {
    /// What kind of credential it is.
    kind: &'static str,
    name: String,
    /// The first word of the address of its status page.
    page: &'static str,
    says: Value,
}

impl Statement {
    /// That a subject conforms to a version of a scope.
    pub(crate) fn conformance(certificate: &Certificate, spec: &Spec) -> Self {
        Self {
            kind: "ScsCertificate",
            name: format!("{} {}", spec.name, certificate.version),
            page: CONFORMANCE_PAGE,
            says: json!({
                "scope": {"uuid": spec.uuid, "name": spec.name, "slug": Scopes::slug(spec)},
                "version": certificate.version,
            }),
        }
    }

    /// That somebody is an integrator of a tier, and how that was reckoned. `proved` says of a reference whether its
    /// reports prove it by themselves. Who does not want an environment to be named is not asked for its name.
    pub(crate) fn integrator(
        (layer, tier): (&Layer, &Tier),
        (all, reckoned): (&[Judged], &Reckoned),
        proved: impl Fn(&Judged) -> bool,
    ) -> Self {
        let counted = all.iter().zip(&reckoned.each).filter_map(|(judged, twice)| {
            let counted = twice.accepted.as_ref().filter(|counted| counted.points > 0)?;
            let Reference { kind, environment, named, from, until, share, .. } = &judged.reference;
            Some(json!({
                "environment": named.then_some(environment),
                "evidence": kind,
                "whose": counted.rule.map(|rule| rule.environment),
                "from": from,
                "until": until,
                "joint": share.is_some(),
                "provedBy": if proved(judged) { "reports" } else { "other evidence" },
                "points": counted.points,
                "arithmetic": counted.arithmetic,
            }))
        });
        Self {
            kind: "ScsIntegratorCertificate",
            name: layer.title_of(&tier.name),
            page: INTEGRATOR_PAGE,
            says: json!({
                "standard": Integrators::get().document(),
                "layer": layer.name,
                "tier": tier.name,
                "needed": tier.points,
                "points": reckoned.accepted.points,
                "references": counted.collect::<Vec<_>>(),
            }),
        }
    }
}

/// A certificate as a Verifiable Credential, signed. `base` is the address of the monitor, whole; `issuer` is who grants.
pub(crate) fn certificate_document(
    certificate: &Certificate,
    statement: Statement,
    (base, issuer): (&str, &str),
    (signer, now): (&Signer, Timestamp),
) -> Result<Value, CredentialError> {
    let Certificate { uuid, subject, organisation, covers, .. } = certificate;
    let Statement { kind, name, page, says } = statement;
    let mut whole = json!({"subject": subject, "organisation": organisation, "covers": covers});
    if let (Some(whole), Value::Object(says)) = (whole.as_object_mut(), says) {
        whole.extend(says);
    }
    let document = json!({
        "@context": CONTEXT,
        "id": format!("{base}certificates/{uuid}/credential.json"),
        "type": ["VerifiableCredential", kind],
        "issuer": {"id": signer.issuer().to_string(), "name": issuer},
        "name": name,
        "number": certificate.number.to_string(),
        "validFrom": midnight(certificate.valid_from),
        "validUntil": midnight(certificate.valid_until),
        "credentialStatus": {
            "id": format!("{base}certificates/revoked.json#{uuid}"),
            "type": "ScsRevocationList",
        },
        "statusPage": format!("{base}page/{page}/{uuid}"),
        "credentialSubject": whole,
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
