//! `assay subject`: what a subject hands reports in with, from making it to renewing it.

pub(crate) mod add;
pub(crate) mod check;
mod files;
pub(crate) mod rotate;
mod token;

use std::path::{Path, PathBuf};

use assay_fleet::Config;
use assay_monitor::{Bootstrap, is_account_name, password_hash};
use assay_signature::PublicKey;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use self::token::Token;
use super::fleet::{Configured, configuration};
use crate::failure::Failure;
use crate::output::{note, print, write_file};
use crate::signing::{asked, first_line};

/// Where secrets lie unless told otherwise.
const FOLDER: &str = ".secret";
/// What the first key of an account is called.
const PRIMARY: &str = "primary";

#[derive(Debug, Subcommand)]
pub(crate) enum Subject {
    /// Make a key and a token, and print the account for the monitor
    ///
    /// Key and token are written into files that only you can read, and shown nowhere. What is printed is the entry for
    /// the monitor's bootstrap.yaml, with the public key and the hash of the password, and the lines for config.toml.
    /// Nothing that is there is overwritten.
    Add(add::Add),
    /// Make a new key and a new token beside the old ones, and print the account with both
    ///
    /// The old ones are used on until --finish, so that reports are taken all the time: rotate, give the entry to the
    /// monitor, and once it is there finish, which puts the new ones in place of the old and prints the last entry.
    Rotate(rotate::Rotate),
    /// Look at keys, tokens and the credentials of the clouds
    ///
    /// Exit codes: 0 all is well; 1 something is wrong, can do more than it should, or ends soon; 2 wrong usage or
    /// configuration; 3 something could not be found out.
    Check(Box<check::Check>),
}

/// Where the secrets of a subject lie.
#[derive(Debug, Args)]
pub(crate) struct Placed {
    /// The subject, which is the name of its account at the monitor, too
    #[arg(value_name = "SUBJECT")]
    subject: String,
    #[command(flatten)]
    configured: Configured,
    /// The folder of the secrets, from where the configuration lies [default: .secret]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// How a new key is locked, and where the entry goes.
#[derive(Debug, Args)]
pub(crate) struct Making {
    /// Ask for a passphrase for the new key, on the terminal
    #[arg(long, conflicts_with = "passphrase_file")]
    passphrase: bool,
    /// A file with the passphrase for the new key [default: the key has none]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Write the entry for bootstrap.yaml to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Placed {
    /// The subject, if an account can have this name.
    fn named(&self) -> Result<&str, Failure> {
        is_account_name(&self.subject)
            .map_err(|why| Failure::usage(format!("{:?} cannot be a subject: {why}", self.subject), ""))?;
        Ok(&self.subject)
    }

    /// The folder of the configuration; paths in it are taken from there.
    fn root(&self) -> PathBuf {
        let parent = self.configured.config.parent();
        parent.filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
    }

    /// The configuration, if there is one. A subject may be the first thing there is.
    fn config(&self) -> Result<Option<Config>, Failure> {
        match self.configured.config.exists() {
            true => configuration(&self.configured).map(Some),
            false => Ok(None),
        }
    }
}

impl Making {
    /// The passphrase for a new key, if it is to have one.
    async fn passphrase(&self) -> Result<Option<SecretString>, Failure> {
        let passphrase = match &self.passphrase_file {
            Some(file) => first_line(file)?,
            None if self.passphrase => twice().await?,
            None => return Ok(None),
        };
        if passphrase.expose_secret().is_empty() {
            return Err(Failure::usage("the passphrase is empty", "leave it away for a key without one"));
        }
        Ok(Some(passphrase))
    }

    /// Makes sure that the file for the entry is not there: it may hold the accounts of others.
    fn is_free(&self) -> Result<(), Failure> {
        match self.output.as_deref().filter(|file| file.exists()) {
            Some(file) => Err(Failure::usage(
                format!("{} is there already, and nothing is overwritten", file.display()),
                "name another file with -o, and take over what is in it",
            )),
            None => Ok(()),
        }
    }

    /// Puts the entry where it is wanted: into a file, or on standard output.
    fn hand_out(&self, entry: &str) -> Result<(), Failure> {
        match &self.output {
            Some(file) => write_file(file, entry.as_bytes()),
            None => print(entry),
        }
    }
}

async fn twice() -> Result<SecretString, Failure> {
    let nobody = || {
        Failure::usage(
            "there is no terminal to type a passphrase on",
            "--passphrase-file names a file with it",
        )
    };
    let first = asked("Passphrase for the new key: ").await?.ok_or_else(nobody)?;
    let second = asked("The same again: ").await?.ok_or_else(nobody)?;
    match first.expose_secret() == second.expose_secret() {
        true => Ok(first),
        false => Err(Failure::usage("the two are not the same", "nothing was made")),
    }
}

/// The account of a subject, with these tokens and keys, as monitors read it.
fn entry(subject: &str, tokens: &[&Token], keys: &[(String, PublicKey)]) -> Result<String, Failure> {
    let hashes: Result<Vec<String>, _> = tokens.iter().map(|token| password_hash(token.password())).collect();
    let hashes = hashes.map_err(|error| Failure::undetermined(error, ""))?;
    Ok(Bootstrap::of_subject(subject, hashes, keys).to_yaml())
}

/// The name of a key that is made today, which is another one than that.
fn name_of_today(other: &str) -> String {
    let today = format!("{PRIMARY}-{}", Timestamp::now().strftime("%F"));
    match today == other {
        true => format!("{today}-2"),
        false => today,
    }
}

/// Says what was made, and that it has to be kept.
fn told(files: &[&Path], is_quiet: bool) {
    for file in files.iter().filter(|_| !is_quiet) {
        note(&format!("{}: made; only you can read it", file.display()));
    }
}
