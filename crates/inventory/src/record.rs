use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::fields::{FieldSet, name, number};

/// A resource as the API answered it: every field by its name, known to us or not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    /// Numbers of well-known fields, ascending.
    numbers: Vec<u8>,
    /// Their values, in the same order.
    values: Vec<Value>,
    /// All other fields.
    others: BTreeMap<Box<str>, Value>,
}

/// What a field of a [`Record`] holds when read as a `T`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen<'a, T> {
    /// The field is missing or null.
    Absent,
    /// The field has the type that the API documents.
    Value(T),
    /// The field has some other type.
    Odd(&'a Value),
}

impl<T> Seen<'_, T> {
    /// The value if it has the expected type.
    pub fn value(self) -> Option<T> {
        match self {
            Seen::Value(value) => Some(value),
            Seen::Absent | Seen::Odd(_) => None,
        }
    }
}

impl Record {
    /// The field, unless it is missing or null.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.raw(field).filter(|value| !value.is_null())
    }

    /// The field as text.
    pub fn text(&self, field: &str) -> Seen<'_, &str> {
        self.read(field, Value::as_str)
    }

    /// The field as an integer.
    pub fn integer(&self, field: &str) -> Seen<'_, i64> {
        self.read(field, Value::as_i64)
    }

    /// The field as a truth value.
    pub fn flag(&self, field: &str) -> Seen<'_, bool> {
        self.read(field, Value::as_bool)
    }

    /// The field as a map.
    pub fn map(&self, field: &str) -> Seen<'_, &serde_json::Map<String, Value>> {
        self.read(field, Value::as_object)
    }

    /// The `id`, or an empty string where a broken service sent none.
    pub fn id(&self) -> &str {
        self.text("id").value().unwrap_or_default()
    }

    /// The `name`, if it is text.
    pub fn name(&self) -> Option<&str> {
        self.text("name").value()
    }

    /// All fields: the well-known ones by name, then the others by name.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        let known = self.numbers.iter().map(|number| name(*number)).zip(&self.values);
        known.chain(self.others.iter().map(|(name, value)| (&**name, value)))
    }

    /// Whether every field that came is in the set.
    pub fn is_within(&self, set: &FieldSet) -> bool {
        self.numbers.iter().all(|number| set.has_number(*number))
            && self.others.keys().all(|name| set.has_other(name))
    }

    /// Whether the field came at all, be it as null.
    pub fn has(&self, field: &str) -> bool {
        self.raw(field).is_some()
    }

    /// Puts a field, replacing what was there.
    pub fn set(&mut self, field: impl Into<String>, value: Value) {
        let field = field.into();
        let Some(number) = number(&field) else {
            self.others.insert(field.into(), value);
            return;
        };
        match self.numbers.binary_search(&number) {
            Ok(at) => self.values[at] = value,
            Err(at) => {
                self.numbers.insert(at, number);
                self.values.insert(at, value);
            }
        }
    }

    /// Takes a field out.
    pub fn remove(&mut self, field: &str) -> Option<Value> {
        let Some(number) = number(field) else {
            return self.others.remove(field);
        };
        let at = self.numbers.binary_search(&number).ok()?;
        self.numbers.remove(at);
        Some(self.values.remove(at))
    }

    fn raw(&self, field: &str) -> Option<&Value> {
        match number(field) {
            Some(number) => self.values.get(self.numbers.iter().position(|known| *known == number)?),
            None => self.others.get(field),
        }
    }

    fn read<'a, T>(&'a self, field: &str, as_type: impl Fn(&'a Value) -> Option<T>) -> Seen<'a, T> {
        match self.get(field) {
            None => Seen::Absent,
            Some(value) => as_type(value).map_or(Seen::Odd(value), Seen::Value),
        }
    }
}

impl FromIterator<(String, Value)> for Record {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(fields: I) -> Self {
        let mut record = Record::default();
        for (field, value) in fields {
            record.set(field, value);
        }
        record
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields())
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Record;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
                let mut record = Record::default();
                while let Some((field, value)) = map.next_entry::<String, Value>()? {
                    record.set(field, value);
                }
                // There are thousands of them, and room for half as many fields more is kept in each.
                record.numbers.shrink_to_fit();
                record.values.shrink_to_fit();
                Ok(record)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_absent_as_expected_or_odd() {
        let record: Record =
            serde_json::from_str(r#"{"id":"1","name":null,"ram":"many","vcpus":4,"disabled":false}"#)
                .unwrap();
        assert_eq!(record.text("id"), Seen::Value("1"));
        assert_eq!(record.text("name"), Seen::Absent);
        assert_eq!(record.text("no-such"), Seen::Absent);
        assert_eq!(record.integer("ram"), Seen::Odd(&Value::from("many")));
        assert_eq!(record.integer("vcpus"), Seen::Value(4));
        assert_eq!(record.flag("disabled"), Seen::Value(false));
        assert!(record.has("name") && !record.has("no-such"));
    }

    #[test]
    fn known_and_unknown_fields_are_kept_alike() {
        let text = r#"{"zebra":1,"ram":2,"apple":3,"id":"x","ram":4}"#;
        let mut record: Record = serde_json::from_str(text).unwrap();
        assert_eq!(record.integer("ram"), Seen::Value(4), "the last one counts");
        assert_eq!(serde_json::to_string(&record).unwrap(), r#"{"id":"x","ram":4,"apple":3,"zebra":1}"#);
        record.set("disk", Value::from(9));
        assert_eq!((record.remove("id"), record.remove("zebra")), (Some("x".into()), Some(1.into())));
        assert_eq!(record.remove("zebra"), None);
        let within = |names: &[&'static str]| record.is_within(&FieldSet::new(names));
        assert!(
            within(&["apple", "disk", "ram", "vcpus"])
                && !within(&["disk", "ram"])
                && !within(&["apple", "ram"])
        );
    }
}
