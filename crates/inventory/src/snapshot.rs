//! The snapshot file: zstd over two JSON lines, a small header and the inventory.
//!
//! The header stands on a line of its own so that a file written by a newer assay is recognised as such
//! before anything of its unknown body is read.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Inventory;

/// The version of the format that this crate writes. It reads this one and all before it.
pub const FORMAT_VERSION: u32 = 2;

const FORMAT: &str = "assay-snapshot";
const COMPRESSION_LEVEL: i32 = 3;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// No cloud comes near this; what unpacks to more is a decompression bomb.
const MAX_UNPACKED: u64 = 1 << 30;

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    /// Name and version of the program that wrote the file.
    written_by: String,
}

/// Why a snapshot could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Some other kind of file.
    #[error("not a snapshot of assay")]
    NotASnapshot,
    /// Written by a later program.
    #[error(
        "the snapshot has format version {found} (written by {written_by}), this program reads up to version {FORMAT_VERSION}"
    )]
    Newer {
        /// Its format version.
        found: u32,
        /// The program that wrote it.
        written_by: String,
    },
    /// Damaged on the way.
    #[error("the snapshot is damaged: {0}")]
    Damaged(String),
    /// Unpacks to an absurd size.
    #[error("the snapshot unpacks to more than {} MiB", MAX_UNPACKED >> 20)]
    TooLarge,
    /// An inventory that cannot be written; this does not happen with data from JSON.
    #[error("the inventory cannot be written: {0}")]
    Unwritable(#[from] io::Error),
}

/// The bytes of a snapshot file. `written_by` names the program and its version.
pub fn write_snapshot(inventory: &Inventory, written_by: &str) -> Result<Vec<u8>, SnapshotError> {
    let header = Header { format: FORMAT.into(), version: FORMAT_VERSION, written_by: written_by.into() };
    let mut text = serde_json::to_vec(&header).map_err(io::Error::from)?;
    text.push(b'\n');
    serde_json::to_writer(&mut text, inventory).map_err(io::Error::from)?;
    text.push(b'\n');
    Ok(zstd::bulk::compress(&text, COMPRESSION_LEVEL)?)
}

/// The inventory in the bytes of a snapshot file.
pub fn read_snapshot(bytes: &[u8]) -> Result<Inventory, SnapshotError> {
    let mut unpacked = Vec::new();
    zstd::Decoder::new(bytes)
        .and_then(|decoder| decoder.take(MAX_UNPACKED + 1).read_to_end(&mut unpacked))
        .map_err(|error| match bytes.starts_with(&ZSTD_MAGIC) {
        true => SnapshotError::Damaged(error.to_string()),
        false => SnapshotError::NotASnapshot,
    })?;
    if unpacked.len() as u64 > MAX_UNPACKED {
        return Err(SnapshotError::TooLarge);
    }
    let end = unpacked.iter().position(|byte| *byte == b'\n').ok_or(SnapshotError::NotASnapshot)?;
    let (header, body) = unpacked.split_at(end);
    let header: Header = serde_json::from_slice(header).map_err(|_| SnapshotError::NotASnapshot)?;
    if header.format != FORMAT {
        return Err(SnapshotError::NotASnapshot);
    }
    if header.version > FORMAT_VERSION {
        return Err(SnapshotError::Newer { found: header.version, written_by: header.written_by });
    }
    serde_json::from_slice(body).map_err(|error| SnapshotError::Damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Fact, Flavor, Reason, Subject, Unavailable};

    fn inventory() -> Inventory {
        let mut inventory = Inventory::new(
            Subject { cloud: "testbed".into(), auth_url: None, region: Some("RegionOne".into()) },
            "2026-11-22T03:00:00Z".parse().unwrap(),
        );
        let flavor: Flavor =
            serde_json::from_str(r#"{"id":"1","name":"SCS-1V-4","ram":4096,"absurd":[1,{"x":null}]}"#)
                .unwrap();
        inventory.flavors = Fact::Known(vec![flavor]);
        inventory.images = Fact::Unavailable(Unavailable {
            reason: Reason::ServerError,
            request: Some("GET https://image.example.com/v2/images".into()),
            status: Some(503),
            message: "try later".into(),
            request_id: Some("req-1".into()),
        });
        inventory
    }

    fn pack(text: &str) -> Vec<u8> {
        zstd::bulk::compress(text.as_bytes(), 1).unwrap()
    }

    #[test]
    fn a_snapshot_gives_back_what_was_written() {
        let bytes = write_snapshot(&inventory(), "assay 0.1.0").unwrap();
        assert_eq!(read_snapshot(&bytes).unwrap(), inventory());
    }

    #[test]
    fn a_newer_snapshot_is_refused_by_name() {
        let text = "{\"format\":\"assay-snapshot\",\"version\":99,\"written_by\":\"assay 9.0.0\"}\n{\"unknown\":1}\n";
        let error = read_snapshot(&pack(text)).unwrap_err();
        assert!(matches!(error, SnapshotError::Newer { found: 99, .. }));
        assert!(error.to_string().contains("assay 9.0.0"), "{error}");
    }

    #[test]
    fn a_truncated_snapshot_is_damaged_and_another_file_is_no_snapshot() {
        let bytes = write_snapshot(&inventory(), "assay 0.1.0").unwrap();
        for cut in [1, bytes.len() / 2, bytes.len() - 1] {
            read_snapshot(&bytes[..cut]).unwrap_err();
        }
        assert!(matches!(read_snapshot(b"---\nclouds: {}\n"), Err(SnapshotError::NotASnapshot)));
        assert!(matches!(read_snapshot(b""), Err(SnapshotError::NotASnapshot)));
        assert!(matches!(read_snapshot(&pack("{}\n{}\n")), Err(SnapshotError::NotASnapshot)));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = read_snapshot(&bytes);
            let _ = read_snapshot(&pack(&String::from_utf8_lossy(&bytes)));
        }
    }
}
