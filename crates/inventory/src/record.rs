use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A resource as the API answered it: every field by its name, known to us or not.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Record(BTreeMap<String, Value>);

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
        self.0.get(field).filter(|value| !value.is_null())
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

    /// All fields in the order of their names.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Whether the field came at all, be it as null.
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// Puts a field, replacing what was there.
    pub fn set(&mut self, field: impl Into<String>, value: Value) {
        self.0.insert(field.into(), value);
    }

    /// Takes a field out.
    pub fn remove(&mut self, field: &str) -> Option<Value> {
        self.0.remove(field)
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
        Record(fields.into_iter().collect())
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
}
