//! What is worth knowing about a file of definitions, and no reason not to use it.

use assay_yaml::{Fields, Reader, Wrong, nearest, quoted};

/// Notes the keys that mean nothing; those with a colon are extra specs and traits.
pub(crate) fn note_unknown<K: Wrong>(
    reader: &Reader<K>,
    fields: &Fields<'_>,
    known: &[&str],
    notes: &mut Vec<String>,
) {
    for &(key, place, _) in &fields.entries {
        if !known.contains(&key) && !key.contains(':') {
            let nearest = nearest(key, known.iter().copied());
            let meant =
                nearest.map(|nearest| format!(" (did you mean {}?)", quoted(nearest))).unwrap_or_default();
            notes.push(format!(
                "{}: the key {} means nothing here{meant}",
                reader.spot(place, String::new()),
                quoted(key)
            ));
        }
    }
}
