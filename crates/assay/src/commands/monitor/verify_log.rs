//! `assay monitor verify-log`: whether a log is what it was, and whether a proof proves something.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use assay_monitor::{Entry, payload_digest};
use assay_transparency::{
    Checkpoint, CheckpointError, Growth, Hash, LogKey, Proof, TILE_WIDTH, Tile, TilePath, bundled,
};
use clap::Args;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use url::Url;

use super::fetch::Web;
use super::text;
use crate::failure::Failure;
use crate::output::{lines, note, print, write_file};
use crate::state;

#[derive(Debug, Args)]
pub(crate) struct VerifyLog {
    /// The address of a monitor, or a folder with the files that lie below its /log/
    #[arg(value_name = "URL|DIR", required_unless_present = "proof")]
    pub(crate) source: Option<String>,
    /// The key that the log is signed with: a file, or NAME+ID+KEY [default: that of the last time; at first that which
    /// the log names itself]
    #[arg(long, value_name = "KEY", required_unless_present = "source")]
    pub(crate) key: Option<String>,
    /// A proof that something is in the log, as /log/proof/UUID hands it out
    #[arg(long, value_name = "FILE", conflicts_with = "source")]
    pub(crate) proof: Option<PathBuf>,
    /// What was signed, as /reports/UUID/signed hands it out, or without its signature
    #[arg(long, value_name = "FILE", requires = "proof")]
    pub(crate) report: Option<PathBuf>,
}

/// What is remembered of a log between two looks at it.
#[derive(Debug, Serialize, Deserialize)]
struct Seen {
    key: String,
    /// The signed checkpoint.
    checkpoint: String,
}

/// Where a log is read from.
enum Source {
    Web(Web, Url),
    Folder(PathBuf),
}

const HINT: &str = "the log cannot be verified without it";
/// A bundle of entries is the largest of all that is read.
const MOST_BYTES: usize = TILE_WIDTH * (2 + u16::MAX as usize);

pub(super) fn is_web(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

impl Source {
    fn of(text: &str) -> Result<Self, Failure> {
        if !is_web(text) {
            return Ok(Source::Folder(PathBuf::from(text)));
        }
        let bad = |error: &dyn std::fmt::Display| {
            Failure::usage(
                format!("{text} is no address of a monitor: {error}"),
                "such as https://compliance.example.com/",
            )
        };
        let url = Url::parse(&format!("{}/log/", text.trim_end_matches('/'))).map_err(|error| bad(&error))?;
        Ok(Source::Web(Web::new()?, url))
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let failed = |what: String| Failure::undetermined(what, HINT);
        match self {
            Source::Folder(folder) => {
                let file = folder.join(path);
                fs::read(&file).map_err(|error| failed(format!("{} cannot be read: {error}", file.display())))
            }
            Source::Web(web, base) => {
                let url = base.join(path).map_err(|error| failed(error.to_string()))?;
                web.get(&url, MOST_BYTES, HINT).await
            }
        }
    }

    async fn text(&self, path: &str) -> Result<String, Failure> {
        Ok(String::from_utf8_lossy(&self.read(path).await?).into_owned())
    }
}

/// The key and the checkpoint of the last time; none at first.
fn remembered(memory: &Path) -> Result<Option<(LogKey, Checkpoint)>, Failure> {
    let failed = |what: &dyn std::fmt::Display| {
        let message = format!("what is remembered of the log, {}, cannot be read: {what}", memory.display());
        Failure::usage(message, "without that file the log is looked at as if for the first time")
    };
    let text = match fs::read_to_string(memory) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let seen: Seen = serde_json::from_str(&text).map_err(|error| failed(&error))?;
    let key: LogKey = seen.key.parse().map_err(|error| failed(&error))?;
    let checkpoint = Checkpoint::read(&seen.checkpoint, &key).map_err(|error| failed(&error))?;
    Ok(Some((key, checkpoint)))
}

pub(super) fn untrue(message: String, hint: impl std::fmt::Display) -> Failure {
    Failure { code: 1, ..Failure::usage(message, hint) }
}

pub(crate) async fn verify_log(arguments: &VerifyLog) -> Result<u8, Failure> {
    let given = arguments.key.as_deref().map(key).transpose()?;
    match (&arguments.proof, &arguments.source, given) {
        (Some(proof), _, Some(key)) => verify_proof(proof, arguments.report.as_deref(), &key),
        (_, Some(source), given) => verify_whole(source, given).await,
        _ => Err(Failure::usage("a proof needs the key of its log", "--key names it")),
    }
}

/// A key that is given itself, or in a file.
pub(super) fn key(given: &str) -> Result<LogKey, Failure> {
    let read = match given.parse() {
        Ok(key) => Ok(key),
        Err(_) => text(Path::new(given))?.parse(),
    };
    read.map_err(|error: CheckpointError| {
        Failure::usage(format!("{given}: {error}"), "/log/key of the monitor says it")
    })
}

fn verify_proof(proof: &Path, report: Option<&Path>, key: &LogKey) -> Result<u8, Failure> {
    let name = proof.display();
    let read: Proof = text(proof)?
        .parse()
        .map_err(|error| Failure::usage(format!("{name}: {error}"), "/log/proof/UUID hands one out"))?;
    let checkpoint = read.verify(&read.extra, key).map_err(|error| untrue(format!("{name}: {error}"), ""))?;
    let entry: Entry = serde_json::from_slice(&read.extra)
        .map_err(|error| untrue(format!("{name}: the entry cannot be read: {error}"), ""))?;
    if let Some(report) = report {
        let whole = text(report)?;
        let is_it = match &entry {
            Entry::Report { payload, .. } | Entry::Import { record: payload, .. } => {
                *payload == payload_digest(&whole)
            }
            _ => false,
        };
        if !is_it {
            let message = format!("{} is not what this entry of the log is about", report.display());
            return Err(untrue(message, "the proof is about another report, or the report was changed"));
        }
    }
    let entry = serde_json::to_string_pretty(&entry).unwrap_or_default();
    print(&format!(
        "{entry}\nis entry {} of {}, under a checkpoint over {}\n",
        read.index,
        checkpoint.origin,
        counted(checkpoint.size)
    ))?;
    Ok(0)
}

async fn verify_whole(address: &str, given: Option<LogKey>) -> Result<u8, Failure> {
    let source = Source::of(address)?;
    let memory = state::logs().join(format!("{}.json", file_name(address)));
    let before = remembered(&memory)?;
    let known = before.as_ref().map(|(key, _)| key.clone());
    if let (Some(given), Some(known)) = (&given, &known)
        && given != known
    {
        let hint =
            format!("a log never changes its key; without {} it is taken for another log", memory.display());
        return Err(untrue(format!("the log had the key {known} the last time"), hint));
    }
    let key = if let Some(key) = given.or(known) {
        key
    } else {
        let named = source.text("key").await?;
        let named: LogKey = named.parse().map_err(|error| untrue(format!("{address}: {error}"), ""))?;
        note(&format!("the log says that its key is {named}; who can ask somebody else should"));
        named
    };
    let note_text = source.text("checkpoint").await?;
    let now = Checkpoint::read(&note_text, &key)
        .map_err(|error| untrue(error.to_string(), "a log never changes its key"))?;
    let before = before.map(|(_, checkpoint)| checkpoint);
    let tree = entries(&source, now.size, before.as_ref().map_or(0, |before| before.size)).await?;
    if tree.root != now.root {
        return Err(untrue(
            format!("the {} entries are not those that the checkpoint is about", now.size),
            "",
        ));
    }
    if let Some(before) = &before {
        if before.size > now.size {
            let message = format!("the log has {}, and had {} before", counted(now.size), before.size);
            return Err(untrue(message, "what was accepted was taken out of it"));
        }
        if tree.root_before != before.root {
            let message = format!("the first {} entries are not those that they were", before.size);
            return Err(untrue(message, "what was accepted was changed later"));
        }
    }
    let seen = Seen { key: key.to_string(), checkpoint: note_text };
    if let Some(folder) = memory.parent() {
        let failed =
            |error: io::Error| Failure::usage(format!("{} cannot be made: {error}", folder.display()), "");
        fs::create_dir_all(folder).map_err(failed)?;
    }
    write_file(&memory, &serde_json::to_vec_pretty(&seen).unwrap_or_default())?;
    let begins = match &before {
        Some(before) => format!("; it begins with the {} that were there the last time", before.size),
        None => String::new(),
    };
    print(&format!("{}: {}, signed{begins}\n", now.origin, counted(now.size)))?;
    Ok(0)
}

fn counted(entries: u64) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

/// The name of the file in which a log is remembered.
fn file_name(address: &str) -> String {
    // The same name means another folder elsewhere.
    let whole = if is_web(address) { None } else { fs::canonicalize(address).ok() };
    let address = whole.map_or_else(|| address.to_owned(), |whole| whole.display().to_string());
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
    address.trim_end_matches('/').chars().map(plain).collect()
}

struct Tree {
    root: Hash,
    root_before: Hash,
}

/// Reads all entries, and reckons the root over them and over the first so many.
async fn entries(source: &Source, size: u64, before: u64) -> Result<Tree, Failure> {
    let empty = || Growth::new(0, |_| None).map_err(|error| Failure::undetermined(error, ""));
    let mut growth = empty()?;
    let mut root_before = Hash::of_nothing();
    let progress = lines().add(ProgressBar::new(size));
    for index in 0.. {
        let first = index * TILE_WIDTH as u64;
        if first >= size {
            break;
        }
        let width = Tile { level: 0, index }.width(size);
        let path = format!("tile/{}", TilePath { level: None, index, width });
        let bytes = source.read(&path).await?;
        let entries = bundled(&bytes).filter(|entries| entries.len() == width);
        let entries = entries.ok_or_else(|| untrue(format!("{path} does not hold {width} entries"), ""))?;
        for entry in entries {
            growth.push(Hash::of_leaf(entry));
            if growth.size() == before {
                root_before = growth.root();
            }
        }
        progress.set_position(growth.size());
    }
    progress.finish_and_clear();
    Ok(Tree { root: growth.root(), root_before })
}
