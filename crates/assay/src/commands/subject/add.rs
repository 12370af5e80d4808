//! `assay subject add`: a key, a token, and what others have to know of them.

use std::fmt::Write as _;
use std::path::Path;

use assay_fleet::Config;
use assay_signature::NewKey;
use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::files::{Made, Secrets, none_is_there};
use super::token::Token;
use super::{Making, PRIMARY, Placed, entry, told};
use crate::args::Global;
use crate::failure::Failure;
use crate::output::{note, print};

/// The scope of a subject, until somebody writes another one down.
const SCOPE: &str = "scs-compatible-iaas";
/// The preset that is taken if nothing is chosen.
const PRESET: &str = "default";

#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(flatten)]
    placed: Placed,
    #[command(flatten)]
    making: Making,
}

pub(crate) async fn run(arguments: &Add, global: &Global) -> Result<u8, Failure> {
    let subject = arguments.placed.named()?;
    let config = arguments.placed.config()?;
    let secrets = Secrets::new(&arguments.placed);
    let public = secrets.public();
    let files = [secrets.key.as_path(), &public, &secrets.token];
    // Before anybody types a passphrase.
    none_is_there(&files, "`assay subject rotate` makes new ones without a gap")?;
    arguments.making.is_free()?;
    let passphrase = arguments.making.passphrase().await?;
    let key =
        NewKey::generate(passphrase.as_ref(), PRIMARY).map_err(|error| Failure::undetermined(error, ""))?;
    let token = Token::new(subject)?;
    let entry = entry(subject, &[&token], &[(PRIMARY.to_owned(), key.public().clone())])?;
    let lines = lines(subject, &secrets, &arguments.placed, config.as_ref());

    let mut made = Made::default();
    made.folder_of(&secrets.key)?;
    made.secret(&secrets.key, key.text().expose_secret())?;
    made.public(&public, &format!("{} {PRIMARY}\n", key.public()))?;
    made.secret(&secrets.token, token.text().expose_secret())?;
    arguments.making.hand_out(&entry)?;
    // The entry for them is in somebody's hands.
    made.keep();
    // What is asked for on standard output is the entry; with a file for it, the lines can have the place.
    match arguments.making.output.is_some() {
        true => print(&lines)?,
        false if !global.quiet => {
            note(&format!("\nFor {}:\n\n{lines}", arguments.placed.configured.config.display()));
        }
        false => {}
    }
    told(&[&secrets.key, &secrets.token], global.quiet);
    Ok(0)
}

/// What belongs into `config.toml`, so that the subject is checked and its reports are handed in.
fn lines(subject: &str, secrets: &Secrets, placed: &Placed, config: Option<&Config>) -> String {
    let root = placed.root();
    let from_root = |path: &Path| quoted(&path.strip_prefix(&root).unwrap_or(path).display().to_string());
    let (key, token, name) = (from_root(&secrets.key), from_root(&secrets.token), quoted(subject));
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _ = match config {
        // Two tables of one name are no TOML.
        Some(config) if config.keyfile.is_some() || config.tokenfile.is_some() => write!(
            text,
            "# A key and a token are named already. To hand in with the new ones, put these in their place under\n\
             # [secrets]; or let the account that is named hand in for the subject (`delegates` in its entry).\n\
             # keyfile = {key}\n# tokenfile = {token}\n"
        ),
        _ => write!(text, "[secrets]\nkeyfile = {key}\ntokenfile = {token}\n"),
    };
    if config.is_none_or(|config| config.scopes_of_subject(subject).is_empty()) {
        let is_first = config.is_none_or(|config| !config.has_preset(PRESET));
        let preset = if is_first { PRESET.to_owned() } else { bare(subject) };
        let _ = write!(text, "\n[presets.{preset}]\nscopes = [\"{SCOPE}\"]\nsubjects = [{name}]\n");
    }
    if config.is_none_or(|config| config.cloud(subject).is_none()) {
        let _ = write!(text, "\n[subjects.{}.mapping]\nos_cloud = {name}\n", bare(subject));
    }
    text
}

/// A text of TOML, which quotes as JSON does.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A key of TOML, quoted if it has to be.
fn bare(name: &str) -> String {
    match name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        true => name.to_owned(),
        false => quoted(name),
    }
}
