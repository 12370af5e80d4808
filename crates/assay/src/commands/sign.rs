//! `assay sign`: signatures over files, as `ssh-keygen -Y sign` makes them.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use assay_signature::Signer;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use crate::args::Global;
use crate::failure::Failure;
use crate::output::{note, print, put_file};
use crate::signing::{SigningKey, not_signed};

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The files; `-` signs standard input, and prints the signature
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    key: SigningKey,
    /// What the signature is for
    #[arg(long, value_name = "NAME", default_value = "report", value_parser = NonEmptyStringValueParser::new())]
    namespace: String,
    /// Replace signatures that are there
    #[arg(long)]
    force: bool,
}

/// The signature of a file is beside it.
pub(super) fn beside(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".sig");
    PathBuf::from(name)
}

/// What a file holds, or standard input.
pub(super) fn content(file: &Path) -> Result<Vec<u8>, Failure> {
    let read = if is_stdin(file) {
        let mut content = Vec::new();
        io::stdin().lock().read_to_end(&mut content).map(|_| content)
    } else {
        fs::read(file)
    };
    read.map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display()), ""))
}

pub(super) fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

pub(crate) async fn run(arguments: &Sign, global: &Global) -> Result<u8, Failure> {
    // Whatever is wrong with the files is told before anybody types a passphrase or touches a key.
    let there = arguments.files.iter().map(|file| beside(file)).find(|signature| signature.exists());
    if let Some(there) = there.filter(|_| !arguments.force) {
        let message = format!("{} is there already", there.display());
        return Err(Failure::usage(message, "--force replaces it"));
    }
    let mut contents = Vec::new();
    for file in &arguments.files {
        contents.push((file.clone(), content(file)?));
    }
    let signer = arguments.key.signer().await?;
    let (namespace, is_quiet) = (arguments.namespace.clone(), global.quiet);
    // An agent may take its time, and Ctrl-C is heard meanwhile.
    let signing = tokio::task::spawn_blocking(move || {
        contents.iter().try_for_each(|(file, content)| sign(&signer, &namespace, file, content, is_quiet))
    });
    signing.await.map_err(|error| Failure::undetermined(error, "")).flatten().map(|()| 0)
}

fn sign(
    signer: &Signer,
    namespace: &str,
    file: &Path,
    content: &[u8],
    is_quiet: bool,
) -> Result<(), Failure> {
    if signer.public().is_in_security_key() && !is_quiet {
        note("touch the security key if it blinks");
    }
    let armoured = signer.sign(namespace, content).map_err(not_signed)?;
    if is_stdin(file) {
        return print(&armoured);
    }
    let signature = beside(file);
    put_file(&signature, armoured.as_bytes())
        .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", signature.display()), ""))?;
    if !is_quiet {
        let (name, key) = (signature.display(), signer.public().fingerprint());
        note(&format!("{name}: signed with {key} for {namespace:?}"));
    }
    Ok(())
}
