//! An append-only log that anybody can check: the Merkle tree of RFC 6962, its tiles (C2SP tlog-tiles), signed
//! checkpoints (C2SP tlog-checkpoint) and proofs to take away (C2SP tlog-proof); and documents that whoever keeps the log
//! signs with the same key (W3C Data Integrity).
//!
//! It does no I/O: what it needs of a tree it names, and whoever keeps the tiles hands it in. It knows nothing of what
//! the entries mean.

mod checkpoint;
mod credential;
mod hash;
mod proof;
mod tile;
mod tree;

pub use checkpoint::{Checkpoint, CheckpointError, LogKey, Signer, SignerError};
pub use credential::{CredentialError, Issuer, verify_document};
pub use hash::Hash;
pub use proof::{Proof, ProofError};
pub use tile::{Growth, TILE_WIDTH, Tile, TilePath, bundle, bundled};
pub use tree::{
    Incomplete, Node, consistency, inclusion, is_consistent, is_included, nodes_of_consistency,
    nodes_of_inclusion, nodes_of_root, root,
};
