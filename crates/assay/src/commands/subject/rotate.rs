//! `assay subject rotate`: new secrets beside the old ones, and then in their place.

use std::fs;
use std::path::{Path, PathBuf};

use assay_fleet::{Courier, Welcome};
use assay_signature::NewKey;
use clap::Args;
use secrecy::ExposeSecret as _;
use url::Url;

use super::files::{Made, Secrets, none_is_there};
use super::token::{Held, Token};
use super::{Making, Placed, entry, name_of_today, told};
use crate::args::Global;
use crate::commands::fleet::{ANSWER, address};
use crate::failure::Failure;
use crate::output::note;
use crate::signing::{SigningKey, not_signed};

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    placed: Placed,
    /// A new key only [default: key and token]
    #[arg(long, conflicts_with = "finish")]
    key: bool,
    /// A new token only [default: key and token]
    #[arg(long, conflicts_with = "finish")]
    token: bool,
    /// Put the new ones in place of the old, which are removed
    #[arg(long)]
    finish: bool,
    /// The monitor that has to know the new ones before the old are removed [default: that of the configuration, else none]
    #[arg(long, value_name = "URL", value_parser = address, requires = "finish")]
    monitor_url: Option<Url>,
    #[command(flatten)]
    making: Making,
}

pub(crate) async fn run(arguments: &Rotate, global: &Global) -> Result<u8, Failure> {
    let subject = arguments.placed.named()?;
    arguments.making.is_free()?;
    let config = arguments.placed.config()?;
    let now = Secrets::there(&arguments.placed, config.as_ref());
    if arguments.finish {
        let monitor = arguments.monitor_url.clone().or_else(|| config.and_then(|config| config.monitor));
        return finish(arguments, subject, &now, monitor.as_ref(), global).await;
    }
    begin(arguments, subject, &now, global).await
}

async fn begin(arguments: &Rotate, subject: &str, now: &Secrets, global: &Global) -> Result<u8, Failure> {
    let next = now.next();
    let hint = "a change has begun: --finish ends it; who removes the new files has it never begun";
    none_is_there(&[&next.key, &next.public(), &next.token], hint)?;
    let both = arguments.key == arguments.token;
    let (name, old_key) = now.named_key()?;
    let old_token = of_subject(&now.token, subject)?;
    let passphrase = arguments.making.passphrase().await?;
    if (both || arguments.key) && old_key.is_encrypted() && passphrase.is_none() {
        return Err(Failure::usage(
            format!("{} has a passphrase, and the new key would have none", now.key.display()),
            "--passphrase asks for one, --passphrase-file names a file with it",
        ));
    }
    let mut made = Made::default();
    let mut keys = vec![(name, old_key.public().clone())];
    let mut tokens = vec![&old_token];
    let mut files: Vec<&Path> = Vec::new();
    if both || arguments.key {
        let name = keys.first().map_or_else(String::new, |(name, _)| name_of_today(name));
        let key =
            NewKey::generate(passphrase.as_ref(), &name).map_err(|error| Failure::undetermined(error, ""))?;
        made.secret(&next.key, key.text().expose_secret())?;
        made.public(&next.public(), &format!("{} {name}\n", key.public()))?;
        keys.push((name, key.public().clone()));
        files.push(&next.key);
    }
    let new_token = Token::new(subject)?;
    if both || arguments.token {
        made.secret(&next.token, new_token.text().expose_secret())?;
        tokens.push(&new_token);
        files.push(&next.token);
    }
    arguments.making.hand_out(&entry(subject, &tokens, &keys)?)?;
    made.keep();
    told(&files, global.quiet);
    if !global.quiet {
        note("the old ones are used on; once the monitor has this entry, end the change with --finish");
    }
    Ok(0)
}

async fn finish(
    arguments: &Rotate,
    subject: &str,
    now: &Secrets,
    monitor: Option<&Url>,
    global: &Global,
) -> Result<u8, Failure> {
    let next = now.next();
    // A change that was interrupted between two files is ended by the same words.
    let moves: Vec<(PathBuf, PathBuf)> = [
        (next.key.clone(), now.key.clone()),
        (next.public(), now.public()),
        (next.token.clone(), now.token.clone()),
    ]
    .into_iter()
    .filter(|(from, _)| from.exists())
    .collect();
    if moves.is_empty() {
        let message = format!("no change of the secrets of {subject} has begun");
        return Err(Failure::usage(message, "`assay subject rotate` without --finish begins one"));
    }
    let is_new = |file: &Path| moves.iter().any(|(from, _)| from == file);
    let key = if is_new(&next.key) { next.clone() } else { now.clone() };
    let token = if is_new(&next.token) { &next.token } else { &now.token };
    let (name, file) =
        key.named_key().map(|(name, file)| match is_new(&next.key) || !is_new(&next.public()) {
            true => (name, file),
            // The key is in its place, and its name is not yet.
            false => (name_beside(&next.public()).unwrap_or(name), file),
        })?;
    let held = of_subject(token, subject)?;
    match monitor {
        Some(monitor) => is_known(arguments, monitor, &key.key, token).await?,
        None if !global.quiet => {
            note("no monitor is named (--monitor-url), so nobody was asked whether it knows the new ones");
        }
        None => {}
    }
    arguments.making.hand_out(&entry(subject, &[&held], &[(name, file.public().clone())])?)?;
    for (from, to) in &moves {
        fs::rename(from, to).map_err(|error| {
            let message = format!("{} cannot take the place of {}: {error}", from.display(), to.display());
            Failure::usage(message, "--finish once more goes on")
        })?;
    }
    if !global.quiet {
        note(
            "the new ones are in place of the old; once the monitor has this entry, the old are worth nothing",
        );
    }
    Ok(0)
}

/// The account and password of a subject.
fn of_subject(path: &Path, subject: &str) -> Result<Token, Failure> {
    match Held::open(path)? {
        Held::Password(token) if token.account() == subject => Ok(token),
        Held::Password(_) => Err(Failure::usage(
            format!("{} holds the password of another account", path.display()),
            "name the subject whose account it is",
        )),
        Held::OfMonitor => Err(Failure::usage(
            format!("{} holds a token that a monitor gave", path.display()),
            "new ones are made at the monitor's desk",
        )),
    }
}

fn name_beside(public: &Path) -> Option<String> {
    fs::read_to_string(public).ok()?.split_ascii_whitespace().nth(2).map(str::to_owned)
}

/// Fails unless a monitor takes what the new key signs, with the new token.
async fn is_known(arguments: &Rotate, monitor: &Url, key: &Path, token: &Path) -> Result<(), Failure> {
    let signer = SigningKey::new(key.display().to_string(), arguments.making.passphrase_file.clone());
    let signature = signer.signer().await?.sign("report", b"").map_err(not_signed)?;
    let text = crate::commands::fleet::read(token, "")?;
    let courier = Courier::new(Some(&text.into()), ANSWER)?;
    for welcome in [courier.knows_account(monitor).await, courier.knows_key(monitor, &signature).await] {
        let (Welcome::Unknown(why) | Welcome::Unclear(why)) = &welcome else { continue };
        let hint = "nothing was changed; give the monitor the entry that `assay subject rotate` printed";
        return Err(match &welcome {
            Welcome::Unknown(_) => {
                Failure::usage(format!("the monitor does not know the new ones: {why}"), hint)
            }
            _ => Failure::undetermined(
                format!("the monitor does not say whether it knows the new ones: {why}"),
                hint,
            ),
        });
    }
    Ok(())
}
