//! The key that files are signed with, from a file or an ssh-agent.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_signature::{
    Agent, AgentError, KeyFile, KeyFileError, NotSigned, PrivateKey, PublicKey, Signer, Wanted,
};
use clap::Args;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use crate::args::seconds;
use crate::failure::Failure;
use crate::output::note;

#[derive(Debug, Args)]
pub(crate) struct SigningKey {
    /// The key: a file with a private key, or for ssh-agent a file with a public key or a fingerprint such as SHA256:…
    /// [default: the only key that the agent has]
    #[arg(long, value_name = "FILE|SHA256:…")]
    key: Option<String>,
    /// A file with the passphrase of the key [default: asked for on the terminal]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Seconds to wait for ssh-agent, which may wait for somebody to touch a security key
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    timeout: Duration,
}

impl SigningKey {
    /// The key that a configuration names, with the usual patience for an agent.
    pub(crate) fn new(key: String, passphrase_file: Option<PathBuf>) -> Self {
        Self { key: Some(key), passphrase_file, timeout: Duration::from_mins(1) }
    }

    /// What signs with it. Nothing is asked of anybody if it is in a file without a passphrase.
    pub(crate) async fn signer(&self) -> Result<Signer, Failure> {
        match self.key.as_deref() {
            None => self.of_agent(&Wanted::Only),
            Some(key) if key.starts_with("SHA256:") => self.of_agent(&Wanted::Fingerprint(key.to_owned())),
            Some(path) => self.of_file(Path::new(path)).await,
        }
    }

    fn of_agent(&self, wanted: &Wanted) -> Result<Signer, Failure> {
        let agent = Agent::of_session(self.timeout).and_then(|agent| agent.key(wanted));
        agent.map(Signer::Agent).map_err(not_asked)
    }

    async fn of_file(&self, path: &Path) -> Result<Signer, Failure> {
        let file = match KeyFile::open(path) {
            Ok(file) => file,
            Err(KeyFileError::Public) => {
                let read =
                    fs::read_to_string(path).ok().and_then(|line| PublicKey::read_line(line.trim()).ok());
                let key = read.ok_or_else(|| unusable(path, &KeyFileError::Public))?;
                return self.of_agent(&Wanted::Key(key));
            }
            Err(error) => return Err(unusable(path, &error)),
        };
        if let Some(mode) = file.open_to_others() {
            let name = path.display();
            note(&format!(
                "{name} is open to others (mode {mode:04o}); `chmod 600 {name}`, or ssh-keygen refuses it"
            ));
        }
        self.unlocked(path, &file).await.map(Signer::Key)
    }

    async fn unlocked(&self, path: &Path, file: &KeyFile) -> Result<PrivateKey, Failure> {
        let passphrase = match &self.passphrase_file {
            Some(from) if file.is_encrypted() => Some(first_line(from)?),
            None if file.is_encrypted() => asked(&format!("Passphrase of {}: ", path.display())).await?,
            _ => None,
        };
        file.unlock(passphrase.as_ref()).map_err(|error| unusable(path, &error))
    }
}

/// Nothing was signed.
pub(crate) fn not_signed(error: NotSigned) -> Failure {
    match error {
        NotSigned::Agent(error) => not_asked(error),
        NotSigned::Other(_) => Failure::undetermined(error, ""),
    }
}

fn not_asked(error: AgentError) -> Failure {
    match error {
        AgentError::Empty | AgentError::Unknown { .. } | AgentError::Several(_) => {
            Failure::usage(error, "--key names a file with a private key, or one of the keys of the agent")
        }
        AgentError::Unset => Failure::undetermined(error, "--key names a file with a private key"),
        _ => Failure::undetermined(error, ""),
    }
}

fn unusable(path: &Path, error: &KeyFileError) -> Failure {
    let hint = match error {
        KeyFileError::Encrypted | KeyFileError::WrongPassphrase => {
            "--passphrase-file names a file with the passphrase; without it, it is asked for on the terminal"
        }
        KeyFileError::SecurityKey(_) => "then name the public key, --key FILE.pub",
        _ => "",
    };
    Failure::usage(format!("{}: {error}", path.display()), hint)
}

/// The first line of a file, without its end.
pub(crate) fn first_line(path: &Path) -> Result<SecretString, Failure> {
    let text = fs::read_to_string(path).map(Zeroizing::new);
    let text =
        text.map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display()), ""))?;
    Ok(SecretString::from(text.lines().next().unwrap_or_default()))
}

/// A terminal that does not show what is typed, until this is dropped: at the end, and when somebody interrupts.
struct Silent {
    terminal: File,
    before: Termios,
}

impl Silent {
    fn new(terminal: File) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        // The end of the line is no secret.
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// The longest line that a terminal gives, in bytes.
const LINE: usize = 4096;

/// What is typed after a prompt that shows nothing of it; none where nobody can be asked. Standard input may be the
/// file that is to be signed, so it is the terminal that is asked.
pub(crate) async fn asked(prompt: &str) -> Result<Option<SecretString>, Failure> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
    let Some(mut terminal) = terminal.ok().filter(|_| io::stderr().is_terminal()) else { return Ok(None) };
    let failed =
        |error: io::Error| Failure::undetermined(format!("the terminal cannot be read: {error}"), "");
    let silent = terminal.try_clone().and_then(Silent::new).map_err(failed)?;
    terminal.write_all(prompt.as_bytes()).map_err(failed)?;
    let read = move || {
        let mut line = Zeroizing::new(vec![0; LINE]);
        let count = terminal.read(&mut line)?;
        let text = std::str::from_utf8(line.get(..count).unwrap_or_default()).map_err(io::Error::other)?;
        Ok(SecretString::from(text.trim_end_matches(['\n', '\r'])))
    };
    let typed = tokio::task::spawn_blocking(read).await.map_err(io::Error::other).and_then(|typed| typed);
    drop(silent);
    typed.map(Some).map_err(failed)
}
