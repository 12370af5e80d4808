//! Writes all that was accepted into a folder, so that it can be read and verified without this program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use assay_signature::PublicKey;
use assay_transparency::{Hash, Signer, SignerError, TILE_WIDTH, Tile, TilePath, bundle};
use jiff::Timestamp;
use serde::Serialize;

use crate::intake::MediaType;
use crate::store::{KeptReport, KeptSubmission, Store, StoreError, Text, Unreadable};

const README: &str = include_str!("export.txt");

/// How much was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// What was handed in at once counts once.
    pub submissions: u64,
    /// Rows of results.
    pub results: u64,
    /// Certificates.
    pub certificates: u64,
    /// Entries of the log.
    pub entries: u64,
    /// What cannot be read, and is named in a table of its own.
    pub left_out: u64,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder.
    #[error("the folder cannot be written: {0}")]
    Folder(#[from] io::Error),
    /// The key of the log.
    #[error(transparent)]
    Key(#[from] SignerError),
    /// A log is signed with one key from its first entry on.
    #[error("this is not the key that the log was begun with")]
    OtherKey,
}

/// A row of the table of results.
#[derive(Debug, Serialize)]
struct ResultRow<'r> {
    report: &'r str,
    submission: i64,
    part: usize,
    subject: &'r str,
    scope: &'r str,
    checked_at: &'r str,
    counts_from: String,
    testcase: &'r str,
    verdict: &'static str,
    stated: bool,
    approved: bool,
}

impl ResultRow<'_> {
    const COLUMNS: &'static str =
        "report,submission,part,subject,scope,checked_at,counts_from,testcase,verdict,stated,approved";

    fn cells(&self) -> [String; 11] {
        let number = |number: usize| number.to_string();
        let truth = |is: bool| is.to_string();
        [
            self.report.to_owned(),
            self.submission.to_string(),
            number(self.part),
            self.subject.to_owned(),
            self.scope.to_owned(),
            self.checked_at.to_owned(),
            self.counts_from.clone(),
            self.testcase.to_owned(),
            self.verdict.to_owned(),
            truth(self.stated),
            truth(self.approved),
        ]
    }
}

/// Writes into an empty folder what came in since an instant, all certificates and the whole log. With the private key of
/// the log its head is signed, so that it can be verified on its own.
///
/// # Errors
/// The database or the folder, in which something may lie then; or a key that is not that of the log.
pub async fn export(
    store: &Store,
    folder: &Path,
    since: Timestamp,
    key: Option<&str>,
) -> Result<Exported, ExportError> {
    let mut exported = Exported::default();
    fs::write(folder.join("README.txt"), README)?;
    for name in ["signed", "imported", "certificates"] {
        fs::create_dir(folder.join(name))?;
    }
    let mut tables = Tables::begin(folder)?;
    let mut last = 0;
    while let Some(found) = store.next_submission(last, since).await? {
        match found {
            Ok(submission) => {
                last = submission.id;
                exported.submissions += 1;
                exported.results += tables.write(folder, &submission)?;
            }
            Err(Unreadable { id, reports, why }) => {
                last = id;
                tables.leave_out("submission", &id.to_string(), &why)?;
                for uuid in &reports {
                    tables.leave_out("report", uuid, &why)?;
                }
            }
        }
    }
    for certificate in store.each_certificate().await? {
        let written = match certificate {
            Ok(certificate) => match store.document(&certificate.uuid).await {
                Ok(document) => Ok((certificate.number, document.unwrap_or_default())),
                Err(error) if error.is_about_contents() => Err((certificate.uuid, error.to_string())),
                Err(error) => return Err(error.into()),
            },
            Err(unread) => Err(unread),
        };
        match written {
            Ok((number, document)) => {
                fs::write(folder.join("certificates").join(format!("{number}.json")), document)?;
                exported.certificates += 1;
            }
            Err((uuid, why)) => tables.leave_out("certificate", &uuid, &why)?,
        }
    }
    exported.entries = log(store, &folder.join("log"), key, &mut tables).await?;
    exported.left_out = tables.left_out.1;
    tables.end(folder)?;
    Ok(exported)
}

/// The tables while they are written, and who signed.
struct Tables {
    submissions: BufWriter<File>,
    results: BufWriter<File>,
    lines: BufWriter<File>,
    /// With the number of its rows.
    left_out: (BufWriter<File>, u64),
    signers: BTreeMap<String, String>,
}

impl Tables {
    fn begin(folder: &Path) -> io::Result<Self> {
        let table = |name: &str| Ok::<_, io::Error>(BufWriter::new(File::create_new(folder.join(name))?));
        let mut tables = Self {
            submissions: table("submissions.csv")?,
            results: table("results.csv")?,
            lines: table("results.jsonl")?,
            left_out: (table("left_out.csv")?, 0),
            signers: BTreeMap::new(),
        };
        tables
            .submissions
            .write_all(b"submission,file,signature,received_at,uploader,signer,reports,let_go\r\n")?;
        write!(tables.results, "{}\r\n", ResultRow::COLUMNS)?;
        tables.left_out.0.write_all(b"kind,name,why\r\n")?;
        Ok(tables)
    }

    /// Names what cannot be read.
    fn leave_out(&mut self, kind: &str, name: &str, why: &str) -> io::Result<()> {
        self.left_out.1 += 1;
        row(&mut self.left_out.0, &[kind.to_owned(), name.to_owned(), why.to_owned()])
    }

    /// What was handed in, and its results, of which there are so many.
    fn write(&mut self, folder: &Path, submission: &KeptSubmission) -> Result<u64, ExportError> {
        let KeptSubmission { id, media_type, signature, public_key, text, .. } = submission;
        // Its number is the only name of it that no stranger has chosen.
        let (place, ending) = match media_type {
            MediaType::SignedYaml => ("signed", "yaml"),
            MediaType::SignedJson => ("signed", "json"),
            MediaType::Recorded => ("imported", "jsonl"),
        };
        let (mut file, mut beside) = (format!("{place}/{id:08}.{ending}"), String::new());
        let mut let_go = String::new();
        match text {
            Text::Kept(payload) => fs::write(folder.join(&file), payload)?,
            Text::LetGo(at) => let_go = at.to_string(),
        }
        let mut signer = String::new();
        if *media_type != MediaType::Recorded {
            beside = format!("{file}.sig");
            fs::write(folder.join(&beside), signature)?;
            let (kind, key) = public_key.split_once(' ').unwrap_or_default();
            match PublicKey::read(kind, key) {
                Ok(read) => {
                    signer = read.fingerprint();
                    self.signers.insert(signer.clone(), public_key.clone());
                }
                Err(error) => self.leave_out("key", &id.to_string(), &error.to_string())?,
            }
        }
        if !let_go.is_empty() {
            file.clear();
        }
        for (uuid, why) in &submission.unreadable {
            self.leave_out("report", uuid, why)?;
        }
        let reports: Vec<&str> = submission.reports.iter().map(|report| report.uuid.as_str()).collect();
        row(
            &mut self.submissions,
            &[
                id.to_string(),
                file,
                beside,
                submission.received_at.to_string(),
                submission.uploader.clone(),
                signer,
                reports.join(" "),
                let_go,
            ],
        )?;
        let mut count = 0;
        for report in &submission.reports {
            count += report.results.len() as u64;
            self.write_results(*id, report)?;
        }
        Ok(count)
    }

    fn write_results(&mut self, submission: i64, report: &KeptReport) -> io::Result<()> {
        for (testcase, (verdict, stated)) in &report.results {
            let result = ResultRow {
                report: &report.uuid,
                submission,
                part: report.part,
                subject: &report.subject,
                scope: &report.scope,
                checked_at: &report.checked_at,
                counts_from: report.counts_from.to_string(),
                testcase,
                verdict: verdict.as_str(),
                stated: *stated,
                approved: report.approved.contains(testcase),
            };
            row(&mut self.results, &result.cells())?;
            serde_json::to_writer(&mut self.lines, &result)?;
            self.lines.write_all(b"\n")?;
        }
        Ok(())
    }

    /// The keys in the form that `ssh-keygen` reads, each known by its fingerprint.
    fn end(mut self, folder: &Path) -> io::Result<()> {
        for table in [&mut self.submissions, &mut self.results, &mut self.lines, &mut self.left_out.0] {
            table.flush()?;
        }
        let line = |(signer, key): (&String, &String)| format!("{signer} namespaces=\"report\" {key}\n");
        fs::write(folder.join("allowed_signers"), self.signers.iter().map(line).collect::<String>())
    }
}

/// A row of a table (RFC 4180).
fn row(table: &mut impl Write, cells: &[String]) -> io::Result<()> {
    let cell = |cell: &String| match cell.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.clone(),
    };
    write!(table, "{}\r\n", cells.iter().map(cell).collect::<Vec<_>>().join(","))
}

/// The log, as it lies below /log/ of a monitor; so many entries.
async fn log(
    store: &Store,
    folder: &Path,
    key: Option<&str>,
    tables: &mut Tables,
) -> Result<u64, ExportError> {
    fs::create_dir(folder)?;
    let (size, root) = match store.log_head().await {
        Ok((size, root)) => (size, Some(root)),
        Err(error) if error.is_about_contents() => {
            tables.leave_out("log", "checkpoint", &error.to_string())?;
            (store.log_size().await?, None)
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(begun) = store.log_key().await? {
        fs::write(folder.join("key"), format!("{begun}\n"))?;
        if let Some(key) = key {
            let signer = Signer::read(begun.name(), key)?;
            if *signer.key() != begun {
                return Err(ExportError::OtherKey);
            }
            if let Some(root) = root {
                fs::write(folder.join("checkpoint"), signer.checkpoint(size, root))?;
            }
        }
    }
    let mut wanted: BTreeSet<Tile> = BTreeSet::new();
    for level in 0..8 {
        let index = (0..).map(|index| Tile { level, index });
        wanted.extend(index.take_while(|tile| tile.width(size) > 0));
    }
    for tile in wanted {
        let Tile { level, index } = tile;
        let width = tile.width(size);
        let mut hashes = store.log_tile(tile).await?.unwrap_or_default();
        hashes.truncate(width * Hash::LENGTH);
        write_tile(folder, &TilePath { level: Some(level), index, width }, &hashes)?;
        if level == 0 {
            let path = TilePath { level: None, index, width };
            match store.log_entries(index * TILE_WIDTH as u64, width).await {
                Ok(entries) => {
                    let bytes = bundle(entries.iter().map(|entry| entry.bytes.as_slice()));
                    write_tile(folder, &path, &bytes)?;
                }
                Err(error) if error.is_about_contents() => {
                    tables.leave_out("log", &format!("tile/{path}"), &error.to_string())?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(size)
}

fn write_tile(folder: &Path, path: &TilePath, bytes: &[u8]) -> io::Result<()> {
    let file = folder.join("tile").join(path.to_string());
    fs::create_dir_all(file.parent().unwrap_or(folder))?;
    fs::write(file, bytes)
}
