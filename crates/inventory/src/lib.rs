//! What a subject showed, fact by fact, and the snapshot file that keeps it.
