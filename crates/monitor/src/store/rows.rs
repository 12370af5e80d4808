use std::fmt::Write as _;

use sqlx::{Any, AssertSqlSafe, Transaction};

use super::{StoreError, in_order, is_sqlite, places};

/// Writes many rows of numbers. `table` is its name and the names of the columns, `conflict` what is to be done with
/// rows that are there already.
///
/// SQLite takes each number as a parameter; to PostgreSQL a parameter is dearer than a row, so that it gets each column
/// as one text.
pub(super) async fn insert<const COLUMNS: usize>(
    tx: &mut Transaction<'_, Any>,
    table: &str,
    rows: &[[Option<i64>; COLUMNS]],
    conflict: &str,
) -> Result<(), StoreError> {
    /// Parameters of a statement are limited, and more at once is no faster.
    const TOGETHER: usize = 64;
    if is_sqlite(tx) {
        for some in rows.chunks(TOGETHER) {
            let insert = format!("INSERT INTO {table} VALUES {} {conflict}", places(some.len(), COLUMNS));
            // A statement that is remembered keeps memory for its parameters, so that only one is.
            let mut insert = sqlx::query(in_order(tx, &insert)).persistent(some.len() == TOGETHER);
            for number in some.iter().flatten() {
                insert = insert.bind(*number);
            }
            insert.execute(&mut **tx).await?;
        }
        return Ok(());
    }
    if rows.is_empty() {
        return Ok(());
    }
    let columns: Vec<String> =
        (1..=COLUMNS).map(|number| format!("string_to_array(${number}, ',', '')::BIGINT[]")).collect();
    let insert = format!("INSERT INTO {table} SELECT * FROM unnest({}) {conflict}", columns.join(", "));
    let mut insert = sqlx::query(AssertSqlSafe(insert));
    for column in 0..COLUMNS {
        let mut text = String::with_capacity(rows.len() * 8);
        for (number, row) in rows.iter().enumerate() {
            if number > 0 {
                text.push(',');
            }
            if let Some(value) = row[column] {
                // Writing to a string cannot fail.
                let _ = write!(text, "{value}");
            }
        }
        insert = insert.bind(text);
    }
    insert.execute(&mut **tx).await?;
    Ok(())
}
