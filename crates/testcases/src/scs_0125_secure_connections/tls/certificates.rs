//! The server's certificates: who vouches for them, for which host, how long, and how strong they are.

use assay_inventory::{TlsCertificate, TlsScan};
use assay_standards::requirements::TlsCertificateRule;
use jiff::tz::TimeZone;

use super::About;

pub(super) fn judge(about: &mut About<'_>, scan: &TlsScan, rule: &TlsCertificateRule) {
    let certificates = &scan.certificates;
    if certificates.is_empty() {
        let gap = scan.gaps.iter().find(|gap| gap.what.ends_with(" certificate"));
        if scan.versions.iter().any(|version| version.accepted == Some(true)) {
            about.unknown("the server's certificate", gap.map_or("it shows none", |gap| &gap.why));
        }
        return;
    }
    for certificate in certificates {
        one(about, certificate, rule);
    }
    // A server may have more types of key than one, for old clients and new ones.
    if !certificates.iter().any(|certificate| rule.keys.contains(&certificate.key)) {
        let found: Vec<&str> = certificates.iter().map(|certificate| certificate.key.as_str()).collect();
        about.fail(format!("a key of type {}", rule.keys.join(" or ")), found.join(", "));
    }
    if !certificates.iter().any(|certificate| rule.signatures.contains(&certificate.signature)) {
        let found: Vec<&str> =
            certificates.iter().map(|certificate| certificate.signature.as_str()).collect();
        about.fail(format!("a certificate signed with {}", rule.signatures.join(" or ")), found.join(", "));
    }
}

fn one(about: &mut About<'_>, certificate: &TlsCertificate, rule: &TlsCertificateRule) {
    let TlsCertificate { not_before, not_after, .. } = *certificate;
    let day = |time: jiff::Timestamp| time.to_zoned(TimeZone::UTC).date();
    if let Some(problem) = &certificate.chain_problem {
        about.fail("a certificate of a trusted authority", format!("{}: {problem}", who(certificate)));
    }
    if let Some(problem) = &certificate.name_problem {
        about.fail(format!("a certificate for {}", about.endpoint.host), problem.clone());
    }
    if about.now > not_after {
        about.fail("a certificate that is still valid", format!("it expired on {}", day(not_after)));
    } else if about.now < not_before {
        about.fail("a certificate that is valid already", format!("it is valid from {} on", day(not_before)));
    }
    let days = certificate.lifetime_days();
    if days > rule.most_days {
        about.fail(format!("a certificate for at most {} days", rule.most_days), format!("{days} days"));
    }
    if certificate.key == "ecdsa"
        && let Some(curve) = &certificate.curve
        && !rule.curves.contains(curve)
    {
        about.fail(format!("an ECDSA key on {}", rule.curves.join(" or ")), curve.clone());
    }
    if let (true, Some(least)) = (certificate.key == "rsa", rule.rsa_bits)
        && certificate.key_bits < least
    {
        about.fail(format!("an RSA key of at least {least} bits"), format!("{} bits", certificate.key_bits));
    }
}

/// The subject, or the first name where that is empty, as it often is nowadays.
fn who(certificate: &TlsCertificate) -> &str {
    match certificate.names.first() {
        Some(name) if certificate.subject.is_empty() => name,
        _ => &certificate.subject,
    }
}
