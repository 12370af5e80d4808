//! What was sent, shown once more before it is done: because it is final, or because its session ended.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::error::Refusal;
use super::Page;
use super::fields::{Holds, field_of, form_at, name_of};
use super::forms::{Fields, SURE, Visitor};
use crate::serve::Monitor;

/// So much of what somebody wrote is kept while they log in again, in bytes.
const MOST_KEPT: usize = 64 << 10;

/// A form that is shown once more, with what it said.
pub(super) struct Again<'a> {
    /// Where it is sent, with a slash in front.
    pub(super) path: &'a str,
    pub(super) title: &'a str,
    /// What comes of it.
    pub(super) told: String,
    /// What the button says.
    pub(super) button: &'a str,
    /// Where somebody goes who does not want it, without a slash in front.
    pub(super) back: &'a str,
    pub(super) fields: &'a Fields,
    /// Whether it is done when it comes again, without another question.
    pub(super) is_final: bool,
}

#[derive(Template)]
#[template(path = "desk/again.html")]
struct AgainPage<'p> {
    base: &'p str,
    form_key: &'p str,
    path: &'p str,
    told: &'p str,
    button: &'p str,
    back: &'p str,
    /// By name, label and value, and whether it has many lines.
    written: Vec<(&'p str, &'static str, &'p str, bool)>,
    /// By label and value.
    chosen: Vec<(&'static str, &'p str)>,
    /// By name and value.
    hidden: Vec<(&'p str, &'p str)>,
}

impl<'a> Again<'a> {
    /// Of a form that comes from a session that has ended.
    pub(super) fn of_another_session(path: &'a str, fields: &'a Fields) -> Self {
        Self {
            path,
            title: "What you wrote",
            told: "Nothing was changed, since the session in which you began to write had ended. Here is what you wrote; \
                   it is sent only now."
                .to_owned(),
            button: "Send it",
            back: "desk",
            fields,
            is_final: false,
        }
    }

    pub(super) fn show(
        &self,
        monitor: &Monitor,
        visitor: &Visitor,
        status: StatusCode,
    ) -> Result<Response, Refusal> {
        let mut page = AgainPage {
            base: &monitor.settings.base_url,
            form_key: &visitor.form_key,
            path: self.path.trim_start_matches('/'),
            told: &self.told,
            button: self.button,
            back: self.back,
            written: Vec::new(),
            chosen: Vec::new(),
            hidden: Vec::new(),
        };
        if self.is_final {
            page.hidden.push((SURE, "yes"));
        }
        let known = form_at(self.path).map(|(_, fields)| *fields).unwrap_or_default();
        for field in known.iter().filter(|field| self.fields.is_ticked(name_of(field))) {
            let (name, (_, label, holds)) = (name_of(field), *field);
            let value = self.fields.get(name);
            match holds {
                // What was left empty is no part of the question.
                Holds::Line | Holds::Text if value.is_empty() && self.is_final => {
                    page.hidden.push((name, value));
                }
                Holds::Line => page.written.push((name, label, value, false)),
                Holds::Text => page.written.push((name, label, value, true)),
                Holds::Choice => {
                    page.chosen.push((label, if value == "on" { "yes" } else { value }));
                    page.hidden.push((name, value));
                }
                Holds::Unseen => page.hidden.push((name, value)),
                Holds::Secret => {}
            }
        }
        let is_other = |name: &str| !["form_key", SURE].contains(&name) && field_of(known, name).is_none();
        page.hidden.extend(self.fields.all().filter(|(name, _)| is_other(name)));
        let title = self.title.to_owned();
        Page { monitor, visitor: Some(visitor), title, said: None }.show(status, &page)
    }
}

/// What of a form is kept while somebody logs in again: what they wrote and chose, but no secrets; nothing if it is too
/// much, or no form of ours.
pub(super) fn kept(path: &str, fields: &Fields) -> Fields {
    let known = form_at(path).map(|(_, fields)| *fields).unwrap_or_default();
    let kept = known.iter().filter(|(_, _, holds)| *holds != Holds::Secret).map(name_of);
    let kept = kept.filter(|name| fields.is_ticked(name));
    let kept: Vec<(String, String)> =
        kept.map(|name| (name.to_owned(), fields.get(name).to_owned())).collect();
    match kept.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() {
        size if size > MOST_KEPT => Fields::default(),
        _ => Fields::of(kept),
    }
}
