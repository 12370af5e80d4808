use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, CheckpointError, LogKey};
use crate::hash::Hash;
use crate::tree::is_included;

/// What the first line of a proof says.
const FORMAT: &str = "c2sp.org/tlog-proof@v1";

/// A proof to take away that something is in a log (C2SP tlog-proof): where, and under which checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What whoever made it put beside it, such as the entry itself; it may be empty.
    pub extra: Vec<u8>,
    /// Which entry.
    pub index: u64,
    /// What proves that it is in the tree.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// It is no proof.
    #[error("this is no proof of a log: it does not begin with {FORMAT}, or breaks off")]
    Unreadable,
    /// Its checkpoint is nothing that the log said.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// It is about something else.
    #[error("the proof does not show that this is entry {index} of the log")]
    NotThat {
        /// Which entry it is about.
        index: u64,
    },
}

impl Proof {
    /// Makes sure that an entry is in the log.
    ///
    /// # Errors
    /// That is not proved.
    pub fn verify(&self, entry: &[u8], key: &LogKey) -> Result<Checkpoint, ProofError> {
        let checkpoint = Checkpoint::read(&self.checkpoint, key)?;
        let leaf = Hash::of_leaf(entry);
        match is_included(leaf, self.index, checkpoint.size, checkpoint.root, &self.hashes) {
            true => Ok(checkpoint),
            false => Err(ProofError::NotThat { index: self.index }),
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FORMAT}")?;
        if !self.extra.is_empty() {
            writeln!(f, "extra {}", STANDARD.encode(&self.extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for Proof {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, ProofError> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ProofError::Unreadable)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FORMAT) {
            return Err(ProofError::Unreadable);
        }
        let extra = lines.next_if(|line| line.starts_with("extra ")).unwrap_or("extra ");
        let extra = STANDARD.decode(&extra["extra ".len()..]).map_err(|_| ProofError::Unreadable)?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")?.parse().ok());
        let hashes: Option<Vec<Hash>> = lines.map(Hash::read).collect();
        match (index, hashes) {
            // No tree that fits into a number of 64 bits needs more.
            (Some(index), Some(hashes)) if hashes.len() <= 64 => {
                Ok(Self { extra, index, hashes, checkpoint: checkpoint.to_owned() })
            }
            _ => Err(ProofError::Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Signer;

    #[test]
    fn a_proof_can_be_taken_away_and_checked() {
        let signer = Signer::read("log", &Signer::generate().unwrap()).unwrap();
        let leaves = [b"a", b"b", b"c"].map(|entry| Hash::of_leaf(entry));
        let left = Hash::above(leaves[0], leaves[1]);
        let checkpoint = signer.checkpoint(3, Hash::above(left, leaves[2]));
        let mut proof = Proof { extra: Vec::new(), index: 2, hashes: vec![left], checkpoint };
        let text = proof.to_string();
        assert!(text.starts_with("c2sp.org/tlog-proof@v1\nindex 2\n"), "{text}");
        let read: Proof = text.parse().unwrap();
        assert_eq!(read, proof);
        assert_eq!(read.verify(b"c", signer.key()).unwrap().size, 3);
        assert_eq!(read.verify(b"b", signer.key()), Err(ProofError::NotThat { index: 2 }));
        proof.extra = b"c".to_vec();
        assert_eq!(proof.to_string(), text.replace("\nindex", "\nextra Yw==\nindex"));
        assert_eq!(proof.to_string().parse(), Ok(proof));
        for bad in [
            "",
            "x",
            "c2sp.org/tlog-proof@v1\n\n",
            &text.replace("index 2", "index x"),
            &text.replace('=', ""),
        ] {
            assert_eq!(bad.parse::<Proof>(), Err(ProofError::Unreadable), "{bad}");
        }
    }
}
