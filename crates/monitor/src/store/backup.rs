//! All that is kept, in one file that either database can be made from again.

use std::io::{BufRead, Write};

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Executor as _, Row, Transaction};

use super::{MIGRATIONS, Store, StoreError, in_order, places};
use crate::intake::hexadecimal;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Bytes,
}
use Kind::{Bytes, Number, Text};

/// A table, and its columns, of which the first so many tell its rows apart.
struct Table {
    name: &'static str,
    key: usize,
    columns: &'static [(&'static str, Kind)],
}

/// All tables, each behind those that it refers to.
const TABLES: &[Table] = &[
    Table {
        name: "account",
        key: 1,
        columns: &[
            ("id", Number),
            ("name", Text),
            ("group_name", Text),
            ("roles", Number),
            ("kept_here", Number),
            ("blocked", Number),
        ],
    },
    Table { name: "password", key: 2, columns: &[("account", Number), ("hash", Text), ("own", Number)] },
    Table {
        name: "public_key",
        key: 2,
        columns: &[("account", Number), ("name", Text), ("kind", Text), ("key", Text), ("own", Number)],
    },
    Table {
        name: "delegation",
        key: 2,
        columns: &[("account", Number), ("delegate", Text), ("own", Number)],
    },
    Table {
        name: "session",
        key: 1,
        columns: &[("digest", Text), ("account", Number), ("made_at", Number), ("expires_at", Number)],
    },
    Table {
        name: "token",
        key: 1,
        columns: &[
            ("digest", Text),
            ("uuid", Text),
            ("account", Number),
            ("name", Text),
            ("reports", Number),
            ("made_at", Number),
            ("expires_at", Number),
            ("used_on", Number),
        ],
    },
    Table {
        name: "invitation",
        key: 1,
        columns: &[("digest", Text), ("account", Number), ("expires_at", Number)],
    },
    Table {
        name: "identity",
        key: 2,
        columns: &[("issuer", Text), ("subject", Text), ("account", Number), ("made_at", Number)],
    },
    Table {
        name: "profile",
        key: 1,
        columns: &[
            ("subject", Text),
            ("title", Text),
            ("operator", Text),
            ("website", Text),
            ("health", Text),
            ("description", Text),
            ("contact", Text),
            ("told", Number),
        ],
    },
    Table {
        name: "deed",
        key: 1,
        columns: &[("id", Number), ("at", Number), ("account", Text), ("what", Text), ("about", Text)],
    },
    Table { name: "subject", key: 1, columns: &[("id", Number), ("name", Text)] },
    Table { name: "scope", key: 1, columns: &[("id", Number), ("uuid", Text)] },
    Table { name: "testcase", key: 1, columns: &[("id", Number), ("name", Text)] },
    Table {
        name: "submission",
        key: 1,
        columns: &[
            ("id", Number),
            ("received_at", Number),
            ("uploader", Text),
            ("media_type", Text),
            ("signature", Text),
            ("public_key", Text),
            ("payload", Bytes),
        ],
    },
    Table {
        name: "report",
        key: 1,
        columns: &[
            ("id", Number),
            ("uuid", Text),
            ("submission", Number),
            ("part", Number),
            ("subject", Number),
            ("scope", Number),
            ("checked_at", Text),
            ("counts_from", Number),
            ("creator", Text),
        ],
    },
    Table { name: "let_go", key: 1, columns: &[("submission", Number), ("at", Number)] },
    Table {
        name: "result",
        key: 5,
        columns: &[
            ("subject", Number),
            ("scope", Number),
            ("testcase", Number),
            ("counts_from", Number),
            ("report", Number),
            ("verdict", Number),
            ("stated", Number),
            ("approved", Number),
        ],
    },
    Table {
        name: "standing",
        key: 4,
        columns: &[
            ("subject", Number),
            ("scope", Number),
            ("testcase", Number),
            ("stated", Number),
            ("verdict", Number),
            ("since", Number),
            ("first_report", Number),
            ("counts_from", Number),
            ("report", Number),
            ("certain_verdict", Number),
            ("certain_from", Number),
        ],
    },
    Table {
        name: "spell",
        key: 5,
        columns: &[
            ("subject", Number),
            ("scope", Number),
            ("testcase", Number),
            ("stated", Number),
            ("since", Number),
            ("verdict", Number),
            ("first_report", Number),
            ("last", Number),
            ("last_report", Number),
            ("ended", Number),
            ("certain_verdict", Number),
            ("certain_from", Number),
        ],
    },
    Table {
        name: "score",
        key: 2,
        columns: &[
            ("subject", Number),
            ("scope", Number),
            ("newest", Number),
            ("next_change", Number),
            ("spec", Text),
            ("shown", Text),
        ],
    },
    Table { name: "revision", key: 1, columns: &[("number", Number)] },
    Table { name: "log_entry", key: 1, columns: &[("place", Number), ("entry", Bytes), ("about", Text)] },
    Table { name: "log_tile", key: 2, columns: &[("level", Number), ("tile", Number), ("hashes", Bytes)] },
    Table { name: "log_key", key: 1, columns: &[("key", Text)] },
    Table {
        name: "application",
        key: 1,
        columns: &[
            ("id", Number),
            ("uuid", Text),
            ("subject", Number),
            ("scope", Number),
            ("version", Text),
            ("organisation", Text),
            ("covers", Text),
            ("contact", Text),
            ("course", Text),
        ],
    },
    Table {
        name: "application_move",
        key: 2,
        columns: &[
            ("application", Number),
            ("number", Number),
            ("at", Number),
            ("account", Text),
            ("move", Text),
            ("text", Text),
        ],
    },
    Table {
        name: "certificate",
        key: 1,
        columns: &[
            ("id", Number),
            ("uuid", Text),
            ("application", Number),
            ("subject", Number),
            ("scope", Number),
            ("version", Text),
            ("organisation", Text),
            ("covers", Text),
            ("valid_from", Number),
            ("valid_until", Number),
            ("document", Text),
            ("revoked_at", Number),
            ("reason", Text),
        ],
    },
    Table {
        name: "integrator_reference",
        key: 2,
        columns: &[
            ("application", Number),
            ("number", Number),
            ("reference", Text),
            ("word", Text),
            ("said", Text),
        ],
    },
    Table {
        name: "finding",
        key: 1,
        columns: &[
            ("id", Number),
            ("uuid", Text),
            ("subject", Number),
            ("scope", Number),
            ("testcase", Number),
            ("opinion", Text),
            ("text", Text),
            ("evidence", Text),
            ("seen_on", Number),
            ("at", Number),
            ("account", Text),
            ("nonce", Text),
        ],
    },
    Table {
        name: "told",
        key: 4,
        columns: &[("rule", Text), ("subject", Text), ("scope", Text), ("topic", Text), ("word", Text)],
    },
    Table {
        name: "outbox",
        key: 1,
        columns: &[
            ("id", Number),
            ("uuid", Text),
            ("rule", Text),
            ("channel", Text),
            ("recipient", Text),
            ("body", Text),
            ("made_at", Number),
            ("attempts", Number),
            ("due", Number),
            ("sent_at", Number),
            ("trouble", Text),
        ],
    },
];

/// Tables whose rows get their numbers from the database itself.
const NUMBERED: [&str; 4] = ["account", "subject", "scope", "testcase"];

/// So many rows stand on a line; of those that hold what was signed, fewer.
const ROWS: usize = 200;
const LARGE_ROWS: usize = 16;
/// The form of the file.
const FORM: u32 = 1;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line {
    /// The first.
    Backup {
        form: u32,
        tables: usize,
        made_at: Timestamp,
    },
    Rows {
        table: String,
        rows: Vec<Vec<Value>>,
    },
    /// The last: SHA-256 of all before it, in hexadecimal digits.
    End {
        digest: String,
    },
}

/// Why a backup was not made, or nothing was made from it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file.
    #[error("the file cannot be read or written: {0}")]
    File(#[from] std::io::Error),
    /// It is no backup, or one that ends too early, or was changed.
    #[error("line {line} of the backup: {what}")]
    Unreadable {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// It was made by another version of this program.
    #[error("the backup has {found} forms of tables, and this program knows {known}")]
    OtherForm {
        /// What the backup says.
        found: usize,
        /// What the program has.
        known: usize,
    },
    /// There is something that would be lost.
    #[error("the database is not empty: it has a log already")]
    NotEmpty,
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// How many rows were written or read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backup {
    /// Rows of all tables.
    pub rows: u64,
    /// Sessions, invitations and tokens of the file that count no more.
    pub left_out: u64,
}

/// Writes lines, and knows their digest.
struct Lines<W> {
    file: W,
    digest: Context,
}

impl<W: Write> Lines<W> {
    fn write(&mut self, line: &Line) -> Result<(), BackupError> {
        let mut text = serde_json::to_vec(line).map_err(std::io::Error::from)?;
        text.push(b'\n');
        self.digest.update(&text);
        Ok(self.file.write_all(&text)?)
    }
}

impl Store {
    /// Writes all that is kept into a file, as it is at one moment. Others may write meanwhile.
    ///
    /// # Errors
    /// The database or the file.
    pub async fn back_up(&self, file: impl Write, now: Timestamp) -> Result<Backup, BackupError> {
        let mut lines = Lines { file, digest: Context::new(&SHA256) };
        lines.write(&Line::Backup { form: FORM, tables: MIGRATIONS.len(), made_at: now })?;
        let mut tx = self.pool.begin_with(self.dialect.begin_snapshot()).await?;
        let mut backup = Backup::default();
        for table in TABLES {
            let together =
                if table.columns.iter().any(|(_, kind)| *kind == Bytes) { LARGE_ROWS } else { ROWS };
            let mut last: Option<Vec<Value>> = None;
            loop {
                let rows = read(&mut tx, table, last.as_deref(), together).await?;
                let Some(end) = rows.last() else { break };
                last = Some(end[..table.key].to_vec());
                backup.rows += rows.len() as u64;
                lines.write(&Line::Rows { table: table.name.to_owned(), rows })?;
            }
        }
        let Lines { mut file, digest } = lines;
        let end = Line::End { digest: hexadecimal(digest.finish().as_ref()) };
        serde_json::to_writer(&mut file, &end).map_err(std::io::Error::from)?;
        file.write_all(b"\n")?;
        file.flush()?;
        Ok(backup)
    }

    /// Makes all that was kept from a file, in an empty database. Whoever was logged in then, or has a token from then, may
    /// have been put out since, and has to come by another one.
    ///
    /// # Errors
    /// The database, or the file; nothing is changed then.
    pub async fn restore(&self, file: impl BufRead) -> Result<Backup, BackupError> {
        self.restore_but(file, &["session", "invitation", "token"]).await
    }

    /// The same, but that tokens go on to count: for a backup that was made in order to move, since when nobody revoked one.
    ///
    /// # Errors
    /// As [`Store::restore`].
    pub async fn restore_with_tokens(&self, file: impl BufRead) -> Result<Backup, BackupError> {
        self.restore_but(file, &["session", "invitation"]).await
    }

    /// Makes all that was kept from a file but for what stood in some tables.
    async fn restore_but(&self, file: impl BufRead, left_out: &[&str]) -> Result<Backup, BackupError> {
        let mut tx = self.write().await?;
        // What was imported stands in the log before anybody has signed it.
        let begun = sqlx::query("SELECT 1 FROM log_key UNION ALL SELECT 1 FROM log_entry LIMIT 1");
        if begun.fetch_optional(&mut *tx).await?.is_some() {
            return Err(BackupError::NotEmpty);
        }
        // Accounts come from a file at each start, and the table of revisions is never empty.
        for table in TABLES.iter().rev() {
            tx.execute(AssertSqlSafe(format!("DELETE FROM {}", table.name))).await?;
        }
        let mut backup = Backup::default();
        let mut digest = Context::new(&SHA256);
        let mut is_whole = false;
        for (text, line) in file.lines().zip(1..) {
            let wrong = |what: &str| BackupError::Unreadable { line, what: what.to_owned() };
            let text = text?;
            let read: Line = serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
            match read {
                _ if is_whole => return Err(wrong("something stands behind its end")),
                Line::Backup { form, tables, .. } if line == 1 => {
                    if form != FORM || tables != MIGRATIONS.len() {
                        return Err(BackupError::OtherForm { found: tables, known: MIGRATIONS.len() });
                    }
                }
                Line::Rows { table, rows } if line > 1 => {
                    let table = TABLES.iter().find(|known| known.name == table);
                    let table = table.ok_or_else(|| wrong("there is no such table"))?;
                    if left_out.contains(&table.name) {
                        backup.left_out += rows.len() as u64;
                    } else {
                        backup.rows += rows.len() as u64;
                        write(&mut tx, table, &rows).await?.map_err(wrong)?;
                    }
                }
                Line::End { digest: said } => {
                    if said != hexadecimal(digest.clone().finish().as_ref()) {
                        return Err(wrong("what stands before was changed"));
                    }
                    is_whole = true;
                }
                Line::Backup { .. } | Line::Rows { .. } => return Err(wrong("it does not belong here")),
            }
            digest.update(text.as_bytes());
            digest.update(b"\n");
        }
        if !is_whole {
            return Err(BackupError::Unreadable { line: 0, what: "its end is missing".into() });
        }
        for table in NUMBERED {
            if let Some(statement) = self.dialect.go_on_numbering(table) {
                tx.execute(AssertSqlSafe(statement)).await?;
            }
        }
        tx.commit().await?;
        Ok(backup)
    }
}

/// The next rows of a table behind a key.
async fn read(
    tx: &mut Transaction<'_, Any>,
    table: &Table,
    behind: Option<&[Value]>,
    together: usize,
) -> Result<Vec<Vec<Value>>, StoreError> {
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let key = names[..table.key].join(", ");
    let place =
        if behind.is_some() { format!("WHERE ({key}) > {}", places(1, table.key)) } else { String::new() };
    let select =
        format!("SELECT {} FROM {} {place} ORDER BY {key} LIMIT {together}", names.join(", "), table.name);
    let mut select = sqlx::query(in_order(tx, &select));
    for value in behind.into_iter().flatten() {
        select = match value.as_i64() {
            Some(number) => select.bind(number),
            None => select.bind(value.as_str().unwrap_or_default().to_owned()),
        };
    }
    let rows = select.fetch_all(&mut **tx).await?;
    let value = |row: &AnyRow, (column, (_, kind)): (usize, &(&str, Kind))| -> Result<Value, sqlx::Error> {
        Ok(match kind {
            Number => row.try_get::<Option<i64>, _>(column)?.map_or(Value::Null, Value::from),
            Text => row.try_get::<Option<String>, _>(column)?.map_or(Value::Null, Value::from),
            Bytes => STANDARD.encode(row.try_get::<Vec<u8>, _>(column)?).into(),
        })
    };
    let rows =
        rows.iter().map(|row| table.columns.iter().enumerate().map(|column| value(row, column)).collect());
    Ok(rows.collect::<Result<_, sqlx::Error>>()?)
}

/// Writes rows as they were read, or says what is wrong with them.
async fn write(
    tx: &mut Transaction<'_, Any>,
    table: &Table,
    rows: &[Vec<Value>],
) -> Result<Result<(), &'static str>, StoreError> {
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    for some in rows.chunks(LARGE_ROWS) {
        let insert = format!(
            "INSERT INTO {} ({}) VALUES {}",
            table.name,
            names.join(", "),
            places(some.len(), names.len())
        );
        let mut insert = sqlx::query(in_order(tx, &insert));
        for row in some {
            if row.len() != table.columns.len() {
                return Ok(Err("a row has not as many values as its table has columns"));
            }
            for (value, (_, kind)) in row.iter().zip(table.columns) {
                insert = match (kind, value) {
                    (Number, Value::Null) => insert.bind(None::<i64>),
                    (Text, Value::Null) => insert.bind(None::<String>),
                    (Number, value) => match value.as_i64() {
                        Some(number) => insert.bind(number),
                        None => return Ok(Err("something is no number that should be one")),
                    },
                    (Text, Value::String(text)) => insert.bind(text.clone()),
                    (Bytes, Value::String(text)) => match STANDARD.decode(text) {
                        Ok(bytes) => insert.bind(bytes),
                        Err(_) => return Ok(Err("something is not in base64 that should be")),
                    },
                    _ => return Ok(Err("something is of another kind than its column")),
                };
            }
        }
        insert.execute(&mut **tx).await?;
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The columns of all tables, as the migrations make them.
    fn made() -> BTreeSet<(String, String)> {
        let mut made = BTreeSet::new();
        for (_, text) in MIGRATIONS {
            let text: String = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("--"))
                .collect::<Vec<_>>()
                .join("\n");
            for added in text.split(';').filter_map(|statement| statement.trim().strip_prefix("ALTER TABLE "))
            {
                let (name, column) = added.split_once(" ADD COLUMN ").unwrap();
                made.insert((name.to_owned(), column.split(' ').next().unwrap().to_owned()));
            }
            for statement in
                text.split(';').filter_map(|statement| statement.trim().strip_prefix("CREATE TABLE "))
            {
                let (name, rest) = statement.split_once('(').unwrap();
                let (columns, _) = rest.rsplit_once(')').unwrap();
                let mut depth = 0;
                let columns = columns.split(|c| {
                    depth += i32::from(c == '(') - i32::from(c == ')');
                    c == ',' && depth == 0
                });
                for column in columns.map(str::trim).filter(|column| !column.starts_with("PRIMARY KEY")) {
                    let column = column.split_whitespace().next().unwrap();
                    made.insert((name.trim().to_owned(), column.to_owned()));
                }
            }
        }
        made
    }

    #[test]
    fn nothing_is_left_out_of_a_backup() {
        let kept = TABLES.iter().flat_map(|table| {
            table.columns.iter().map(|(column, _)| (table.name.to_owned(), (*column).to_owned()))
        });
        assert_eq!(kept.collect::<BTreeSet<_>>(), made());
    }
}
