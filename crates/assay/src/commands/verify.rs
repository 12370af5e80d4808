//! `assay verify`: whether a file was signed by somebody who may, as `ssh-keygen -Y verify` finds it out.

use std::path::{Path, PathBuf};

use assay_monitor::Bootstrap;
use assay_report::visible;
use assay_signature::{AllowedSigner, AllowedSigners, KeyFile, NotAllowed, PublicKey, Signature};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::sign::{beside, content, is_stdin};
use crate::args::Listing;
use crate::failure::Failure;
use crate::output::{note, print};

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The signature [default: FILE.sig]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// What the signature has to be for
    #[arg(long, value_name = "NAME", default_value = "report")]
    namespace: String,
    /// Who may sign: OpenSSH's `allowed_signers`, a file with public keys, or the accounts of a monitor
    /// (bootstrap.yaml); may be repeated
    #[arg(long, value_name = "FILE", required = true)]
    signers: Vec<PathBuf>,
    /// The instant for which keys have to be valid [default: now]
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
    /// The format
    #[arg(long, value_enum, default_value_t = Listing::Human)]
    format: Listing,
}

/// What is told of a signature.
#[derive(Debug, Serialize)]
struct Told<'v> {
    file: String,
    verified: bool,
    /// Who may sign with the key that it was signed with.
    signers: Vec<&'v str>,
    /// Of the key that it says it was signed with.
    fingerprint: String,
    namespace: &'v str,
    /// Why it does not verify.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

pub(crate) fn run(arguments: &Verify) -> Result<u8, Failure> {
    let mut signers = Vec::new();
    for file in &arguments.signers {
        signers.extend(signers_of(file)?);
    }
    let path = match &arguments.signature {
        Some(signature) => signature.clone(),
        None if is_stdin(&arguments.file) => {
            return Err(Failure::usage("standard input has no signature beside it", "--signature names it"));
        }
        None => beside(&arguments.file),
    };
    let armoured = String::from_utf8_lossy(&content(&path)?).into_owned();
    let content = content(&arguments.file)?;
    let at = arguments.now.unwrap_or_else(Timestamp::now);
    let signature = Signature::read(&armoured);
    let fingerprint = signature.as_ref().map(Signature::fingerprint).unwrap_or_default();
    let verified = signature
        .map_err(NotAllowed::from)
        .and_then(|signature| signature.verify_signers(&arguments.namespace, &content, &signers, at));
    let found = match &verified {
        Ok(signers) => (signers.iter().map(|signer| signer.principals.as_str()).collect(), None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let (file, namespace) = (arguments.file.display().to_string(), arguments.namespace.as_str());
    let told =
        Told { file, verified: verified.is_ok(), signers: found.0, fingerprint, namespace, why: found.1 };
    show(&told, arguments.format)?;
    Ok(u8::from(!told.verified))
}

fn show(told: &Told<'_>, format: Listing) -> Result<(), Failure> {
    let Told { file, signers, fingerprint, namespace, why, .. } = told;
    if format == Listing::Json {
        let json = serde_json::to_string_pretty(told)
            .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))?;
        return print(&format!("{json}\n"));
    }
    match why {
        Some(why) => {
            let hint = "--signers names who may sign, --namespace what for";
            Err(Failure { code: 1, ..Failure::usage(format!("{file}: {}", visible(why)), hint) })
        }
        None => print(&format!(
            "{file}: signed by {}\nkey {fingerprint}, for {namespace:?}\n",
            visible(&signers.join(", "))
        )),
    }
}

/// Who may sign according to a file, which may be of three kinds.
fn signers_of(path: &Path) -> Result<Vec<AllowedSigner>, Failure> {
    let name = path.display().to_string();
    let text = String::from_utf8_lossy(&content(path)?).into_owned();
    if KeyFile::read(&text).is_ok() {
        return Err(Failure::usage(
            format!("{name} is a private key"),
            "--signers takes the public one, FILE.pub",
        ));
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let signers = if text.lines().any(|line| line.starts_with("accounts:")) {
        let accounts = Bootstrap::read(&name, &text)?;
        accounts.keys().map(|(account, key)| AllowedSigner::always(account, key)).collect()
    } else if lines.clone().next().is_some_and(|line| PublicKey::read_line(line).is_ok()) {
        lines
            .try_fold(Vec::new(), |mut signers, line| {
                signers
                    .push(AllowedSigner::always(named(line).unwrap_or(&name), PublicKey::read_line(line)?));
                Ok(signers)
            })
            .map_err(|error: assay_signature::KeyError| Failure::usage(format!("{name}: {error}"), ""))?
    } else {
        let read = AllowedSigners::read(&text, &TimeZone::system());
        for refused in &read.refused {
            note(&format!("{name}: {}", visible(&refused.to_string())));
        }
        read.signers
    };
    if signers.is_empty() {
        let hint = "it takes OpenSSH's allowed_signers, public keys, or the accounts of a monitor";
        return Err(Failure::usage(format!("{name}: nobody may sign according to it"), hint));
    }
    Ok(signers)
}

/// The comment of a public key.
fn named(line: &str) -> Option<&str> {
    let comment = line.splitn(3, [' ', '\t']).nth(2)?.trim();
    (!comment.is_empty()).then_some(comment)
}
