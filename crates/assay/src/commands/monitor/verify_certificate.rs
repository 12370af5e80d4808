//! `assay monitor verify-certificate`: whether a certificate is one, and whether it still counts.

use std::path::Path;

use assay_report::visible;
use assay_transparency::{Issuer, verify_document};
use clap::Args;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::fetch::Web;
use super::text;
use super::verify_log::{is_web, key, untrue};
use crate::failure::Failure;
use crate::output::{note, print};

#[derive(Debug, Args)]
pub(crate) struct VerifyCertificate {
    /// The certificate: a file, or its address, which may be that of its page
    #[arg(value_name = "FILE|URL")]
    pub(crate) certificate: String,
    /// The key of the monitor that granted it: a file, or NAME+ID+KEY as its /log/key says [default: that which the
    /// certificate names]
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// The list of what was revoked [default: that which the certificate names, if it was fetched itself]
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) revoked: Option<String>,
}

/// The largest document that is read, in bytes; a list of what was revoked is the largest of them.
const MOST: usize = 16 << 20;
const HINT: &str = "the certificate cannot be verified without it";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    name: String,
    number: String,
    issuer: Named,
    valid_from: Timestamp,
    valid_until: Timestamp,
    credential_status: Status,
    credential_subject: Certified,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Status {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Certified {
    subject: String,
    organisation: String,
    covers: String,
    /// That of an integrator.
    layer: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    issued: Timestamp,
    next_update: Timestamp,
    revoked: Vec<Revoked>,
}

#[derive(Debug, Deserialize)]
struct Revoked {
    certificate: String,
    #[serde(rename = "revoked")]
    at: Timestamp,
    reason: String,
}

/// What is in a file or at an address, as JSON; `otherwise` is what it means if it is none.
async fn read(from: &str, otherwise: fn(String) -> Failure) -> Result<Value, Failure> {
    let text = if is_web(from) {
        let url =
            Url::parse(from).map_err(|error| Failure::usage(format!("{from} is no address: {error}"), ""))?;
        String::from_utf8_lossy(&Web::new()?.get(&url, MOST, HINT).await?).into_owned()
    } else {
        text(Path::new(from))?
    };
    serde_json::from_str(&text).map_err(|error| otherwise(format!("{from} is no JSON: {error}")))
}

fn no_certificate(what: String) -> Failure {
    untrue(what, "a certificate is what /certificates/UUID/credential.json hands out")
}

fn no_list(what: String) -> Failure {
    Failure::undetermined(what, "the list of what was revoked is what /certificates/revoked.json hands out")
}

/// Where the document is, given the address of the page about it.
fn document_at(address: &str) -> String {
    let pages = ["/page/certificate/", "/page/integrator/"];
    match pages.iter().find_map(|page| address.split_once(page)) {
        Some((base, uuid)) if is_web(address) => format!("{base}/certificates/{uuid}/credential.json"),
        _ => address.to_owned(),
    }
}

/// Makes sure that a document was signed by whoever has to, and reads it.
fn verified<T: serde::de::DeserializeOwned>(
    from: &str,
    document: Value,
    wanted: Option<&Issuer>,
) -> Result<(T, Issuer), Failure> {
    let issuer = verify_document(&document).map_err(|error| untrue(format!("{from}: {error}"), ""))?;
    if let Some(wanted) = wanted.filter(|wanted| **wanted != issuer) {
        let hint = "somebody else made it, or the key is another one";
        return Err(untrue(format!("{from} is signed by {issuer}, and not by {wanted}"), hint));
    }
    let read = serde_json::from_value(document)
        .map_err(|error| untrue(format!("{from} is signed, but not what was asked for: {error}"), ""))?;
    Ok((read, issuer))
}

pub(crate) async fn verify_certificate(arguments: &VerifyCertificate) -> Result<u8, Failure> {
    let from = document_at(&arguments.certificate);
    let wanted = arguments.key.as_deref().map(key).transpose()?.map(|key| key.issuer());
    let (certificate, issuer): (Certificate, Issuer) =
        verified(&from, read(&from, no_certificate).await?, wanted.as_ref())?;
    if wanted.is_none() {
        note(&format!("the certificate says that {issuer} granted it; --key makes sure of that"));
    }
    let Certificate { name, number, valid_from, valid_until, credential_status, .. } = &certificate;
    let Certified { subject, organisation, covers, layer } = &certificate.credential_subject;
    let (list, uuid) = credential_status.id.split_once('#').unwrap_or((&credential_status.id, ""));
    let list = match &arguments.revoked {
        Some(list) => Some(list.as_str()),
        // A document that nobody vouches for yet names no file of this machine.
        None => (is_web(&from) && is_web(list)).then_some(list),
    };
    let now = Timestamp::now();
    let about = format!("certificate {number}, {} for {}", visible(name), visible(subject));
    if now < *valid_from || now >= *valid_until {
        let message = format!("{about}, is valid from {} until {}", day(*valid_from), day(*valid_until));
        return Err(untrue(message, "that is not now"));
    }
    if let Some(list) = list {
        let (read, _): (List, Issuer) = verified(list, read(list, no_list).await?, Some(&issuer))?;
        if let Some(found) = read.revoked.iter().find(|revoked| revoked.certificate == uuid) {
            let Revoked { at, reason, .. } = found;
            return Err(untrue(format!("{about}, was revoked on {}: {}", day(*at), visible(reason)), ""));
        }
        if read.next_update < now {
            let message = format!("{list} is of {}; there is a newer one", day(read.issued));
            return Err(Failure::undetermined(message, "it may have been revoked since"));
        }
    } else {
        note("whether it was revoked was not looked at; --revoked names the list");
    }
    print(&format!(
        "{about}\n{} {}; covers {}\nvalid from {} until {}, granted by {}\n",
        // An integrator operates nothing by that name.
        if layer.is_some() { "held by" } else { "operated by" },
        visible(organisation),
        visible(covers),
        day(*valid_from),
        day(*valid_until),
        visible(&certificate.issuer.name)
    ))?;
    Ok(0)
}

fn day(at: Timestamp) -> String {
    at.strftime("%F").to_string()
}
