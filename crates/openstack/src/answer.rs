//! What a server wanted to say with an error body.

use serde_json::Value;

const LONGEST_MESSAGE: usize = 300;
const EXCERPT: usize = 80;

/// The message in the body of an error answer, in whichever form the service wraps it, shortened.
pub(crate) fn server_message(body: &[u8]) -> Option<String> {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(value) => message_in(&value)?,
        Err(_) => strip_html(&String::from_utf8_lossy(body)),
    };
    let text = shorten(&strip_html(&text), LONGEST_MESSAGE);
    (!text.is_empty()).then_some(text)
}

/// The first characters of a body, for messages about answers that make no sense.
pub(crate) fn excerpt(body: &[u8]) -> String {
    if body.is_empty() {
        return "an empty body".into();
    }
    let head = &body[..body.len().min(4 * EXCERPT)];
    format!("a body that begins with {:?}", shorten(&String::from_utf8_lossy(head), EXCERPT))
}

fn message_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => {
            // Barbican: a title and a longer description, flat.
            if let (Some(title), Some(description)) = (text(value, "title"), text(value, "description")) {
                return Some(format!("{title}: {description}"));
            }
            for key in ["message", "faultstring", "description", "title", "detail"] {
                if let Some(text) = text(value, key) {
                    return Some(text.to_owned());
                }
            }
            // Everyone else: one wrapper (`error`, `badRequest`, `itemNotFound`, `NeutronError`, ...).
            fields.values().find_map(message_in)
        }
        Value::Array(items) => items.iter().find_map(message_in),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Text without tags, and without what stands inside `<style>`, `<script>` and `<title>`.
fn strip_html(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        let is_tag = tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        let Some(end) = tag.find('>').filter(|_| is_tag) else {
            plain.push_str(before);
            plain.push('<');
            rest = &tag[1..];
            continue;
        };
        plain.push_str(before);
        plain.push(' ');
        let name: String = tag[1..end].chars().take_while(char::is_ascii_alphanumeric).collect();
        rest = &tag[end + 1..];
        let name = name.to_ascii_lowercase();
        if matches!(name.as_str(), "style" | "script" | "title") {
            let close = format!("</{name}");
            rest = rest.to_ascii_lowercase().find(&close).map_or("", |at| &rest[at..]);
        }
    }
    plain.push_str(rest);
    plain
}

/// One line of at most `longest` characters.
fn shorten(text: &str, longest: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words.join(" ").chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(longest) {
        None => line,
        Some((cut, _)) => format!("{}…", &line[..cut]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_wraps_its_message_differently() {
        for (body, message) in [
            (r#"{"error":{"code":403,"message":"not allowed","title":"Forbidden"}}"#, "not allowed"),
            (r#"{"badRequest":{"code":400,"message":"bad marker"}}"#, "bad marker"),
            (r#"{"itemNotFound":{"message":"no such flavor","code":404}}"#, "no such flavor"),
            (r#"{"NeutronError":{"type":"X","message":"no quota","detail":""}}"#, "no quota"),
            (r#"{"faultcode":"Client","faultstring":"no such container"}"#, "no such container"),
            (
                r#"{"code":403,"title":"Forbidden","description":"Secret(s) forbidden"}"#,
                "Forbidden: Secret(s) forbidden",
            ),
            (
                r#"{"errors":[{"status":406,"detail":"version 9 is not supported"}]}"#,
                "version 9 is not supported",
            ),
            (
                "404 Not Found\n\nThe resource could not be found.",
                "404 Not Found The resource could not be found.",
            ),
            (
                "<html><head><title>403 Forbidden</title><style>a{}</style></head><body><h1>403 Forbidden</h1>\n<p>You are <b>not</b> allowed</body></html>",
                "403 Forbidden You are not allowed",
            ),
            (r#"{"message":"<html><body>proxy says no</body></html>"}"#, "proxy says no"),
            ("a < b", "a < b"),
        ] {
            assert_eq!(server_message(body.as_bytes()).as_deref(), Some(message), "{body}");
        }
    }

    #[test]
    fn a_body_without_words_gives_no_message() {
        for body in ["", "{}", "null", r#"{"error":{"code":500}}"#, "<html></html>", "<title>x"] {
            assert_eq!(server_message(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn long_messages_are_cut_at_a_character() {
        let message = server_message("ä".repeat(1000).as_bytes()).unwrap();
        assert_eq!(message.chars().count(), LONGEST_MESSAGE + 1);
        assert!(message.ends_with('…'));
        assert!(excerpt(&[0xff; 1000]).chars().count() < 200);
    }
}
