//! Lists, rendered once, and cut into pages without being copied.

use std::collections::HashMap;

use assay_inventory::Record;
use bytes::Bytes;
use serde_json::{Map, Value};

/// Items of a list as JSON, one behind the other with commas between.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    joined: Bytes,
    /// Where each item begins and ends.
    places: Vec<(usize, usize)>,
    ids: Vec<Box<str>>,
    names: Vec<Option<Box<str>>>,
    by_id: HashMap<Box<str>, usize>,
}

impl Listing {
    /// Renders records, with what `add` adds to each: what services send beside what is kept.
    pub(crate) fn render<'a>(
        records: impl Iterator<Item = &'a Record>,
        add: impl Fn(&str, &mut Map<String, Value>),
    ) -> Self {
        let mut listing = Listing::default();
        let mut joined = Vec::new();
        for record in records {
            if !joined.is_empty() {
                joined.push(b',');
            }
            let begin = joined.len();
            let mut fields: Map<String, Value> =
                record.fields().map(|(name, value)| (name.to_owned(), value.clone())).collect();
            add(record.id(), &mut fields);
            joined.extend_from_slice(Value::Object(fields).to_string().as_bytes());
            listing.by_id.entry(record.id().into()).or_insert(listing.places.len());
            listing.places.push((begin, joined.len()));
            listing.ids.push(record.id().into());
            listing.names.push(record.name().map(Into::into));
        }
        listing.joined = joined.into();
        listing
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Bytes that it takes, roughly.
    pub(crate) fn weight(&self) -> usize {
        self.joined.len() + self.ids.iter().map(|id| 2 * id.len() + 64).sum::<usize>()
    }

    /// The items from one place to before another, with the commas between.
    pub(crate) fn slice(&self, from: usize, to: usize) -> Bytes {
        match (self.places.get(from), to.checked_sub(1).and_then(|last| self.places.get(last))) {
            (Some((begin, _)), Some((_, end))) if begin < end => self.joined.slice(*begin..*end),
            _ => Bytes::new(),
        }
    }

    /// One item by its id.
    pub(crate) fn find(&self, id: &str) -> Option<Bytes> {
        let at = *self.by_id.get(id)?;
        Some(self.slice(at, at + 1))
    }

    /// Where the item of an id stands.
    pub(crate) fn position(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn id(&self, at: usize) -> Option<&str> {
        self.ids.get(at).map(AsRef::as_ref)
    }

    /// The items of a name.
    pub(crate) fn named(&self, name: &str) -> Vec<Bytes> {
        let named = self.names.iter().enumerate().filter(|(_, known)| known.as_deref() == Some(name));
        named.map(|(at, _)| self.slice(at, at + 1)).collect()
    }
}

/// Pieces with commas between those that hold something.
pub(crate) fn joined(pieces: impl IntoIterator<Item = Bytes>) -> Vec<Bytes> {
    let mut with_commas = Vec::new();
    for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
        if !with_commas.is_empty() {
            with_commas.push(Bytes::from_static(b","));
        }
        with_commas.push(piece);
    }
    with_commas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_of_a_list_is_json_again() {
        let records: Vec<Record> = (0..4)
            .map(|number| {
                serde_json::from_str(&format!(
                    r#"{{"id": "{number}", "name": "n{}", "x": [1, {{}}]}}"#,
                    number / 2
                ))
                .unwrap()
            })
            .collect();
        let listing = Listing::render(records.iter(), |id, fields| {
            fields.insert("self".into(), format!("/{id}").into());
        });
        for from in 0..=4 {
            for to in from..=4 {
                let text = [b"[", &listing.slice(from, to)[..], b"]"].concat();
                let items: Vec<Value> = serde_json::from_slice(&text).unwrap();
                let ids: Vec<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
                assert_eq!(ids, (from..to).map(|id| id.to_string()).collect::<Vec<_>>());
            }
        }
        let third: Value = serde_json::from_slice(&listing.find("2").unwrap()).unwrap();
        assert_eq!((third["self"].as_str(), listing.position("2")), (Some("/2"), Some(2)));
        assert_eq!((listing.named("n1").len(), listing.named("n7").len(), listing.find("7")), (2, 0, None));
        let text =
            [&b"["[..], &joined([Bytes::new(), listing.slice(0, 1), listing.slice(3, 4)]).concat(), b"]"]
                .concat();
        assert_eq!(serde_json::from_slice::<Vec<Value>>(&text).unwrap().len(), 2);
    }
}
