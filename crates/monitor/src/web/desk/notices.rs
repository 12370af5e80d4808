//! Who is told of what, and what became of it.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::super::Shared;
use super::super::error::Refusal;
use super::super::pages::Pager;
use super::forms::{Sent, Visitor};
use super::{Came, LISTED, Page, go_on, shown_time};
use crate::accounts::Role;
use crate::notices::{Channel, Message, NoticeConfig, Way};
use crate::store::{Deed, Posted};
use crate::watch::{to_all_of, written};

#[derive(Template)]
#[template(path = "desk/notices.html")]
struct Notices<'n> {
    base: &'n str,
    form_key: &'n str,
    /// None if this instance tells nobody.
    channels: Option<Vec<ChannelRow<'n>>>,
    rows: Vec<Row>,
    only_unsent: bool,
    pager: Pager,
}

/// A channel of the file.
struct ChannelRow<'c> {
    name: &'c str,
    way: String,
    /// Whether there is somebody to send a test to.
    is_tested: bool,
    /// The rules that tell it something.
    rules: Vec<&'c str>,
}

/// A message.
struct Row {
    uuid: String,
    made_at: String,
    title: String,
    to: String,
    state: String,
    trouble: String,
    is_sent: bool,
    is_given_up: bool,
}

/// Which are wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    only: Option<String>,
    page: Option<usize>,
    done: Option<String>,
}

/// The channels of the file, and the messages of the last weeks.
pub(super) async fn list(
    State(monitor): Shared,
    visitor: Visitor,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Refusal> {
    visitor.must_have(Role::Admin)?;
    let Query(Wanted { only, page, done }) = wanted?;
    let only_unsent = only.as_deref() == Some("unsent");
    let more = if only_unsent { "&only=unsent" } else { "" };
    let (part, pager) = Pager::part(monitor.store.count_posted(only_unsent).await?, LISTED, page, more);
    let rows = monitor.store.posted(only_unsent, &part).await?.into_iter().map(Row::of).collect();
    let config = monitor.notices();
    let notices = Notices {
        base: &monitor.settings.base_url,
        form_key: &visitor.form_key,
        channels: config.as_deref().map(channels),
        rows,
        only_unsent,
        pager,
    };
    let (title, said) = ("Notices".to_owned(), Came { done }.said());
    Page { monitor: &monitor, visitor: Some(&visitor), title, said }.show(StatusCode::OK, &notices)
}

/// Whether there is somebody to send a test to: no subject asked for that.
fn is_tested(channel: &Channel) -> bool {
    !matches!(channel.way, Way::Contacts)
}

fn channels(config: &NoticeConfig) -> Vec<ChannelRow<'_>> {
    config
        .channels
        .iter()
        .map(|channel| ChannelRow {
            name: &channel.name,
            way: match &channel.way {
                // The rest of such an address is often a secret.
                Way::Webhook { url, .. } => format!("webhook at {}", url.host_str().unwrap_or_default()),
                Way::Mail { to } => {
                    let to: Vec<String> = to.iter().map(ToString::to_string).collect();
                    format!("mail to {}", to.join(", "))
                }
                Way::Matrix { room } => format!("Matrix room {room}"),
                Way::Contacts => "mail to the contacts of subjects that asked for it".to_owned(),
            },
            is_tested: is_tested(channel),
            rules: config
                .rules
                .iter()
                .filter(|rule| rule.channels.contains(&channel.name))
                .map(|rule| rule.name.as_str())
                .collect(),
        })
        .collect()
}

impl Row {
    fn of(posted: Posted) -> Self {
        let Posted { uuid, channel, recipient, body, made_at, attempts, due, sent_at, trouble } = posted;
        let message = serde_json::from_str::<Message>(&body);
        let state = match (sent_at, due) {
            (Some(at), _) => format!("sent {}", shown_time(at)),
            (None, Some(due)) if attempts > 0 => {
                let times = if attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
                format!("tried {times}, again {}", shown_time(due))
            }
            (None, Some(_)) => "waits".to_owned(),
            (None, None) => "given up".to_owned(),
        };
        Self {
            uuid,
            made_at: shown_time(made_at),
            title: message.map_or_else(|_| "cannot be read".to_owned(), |message| message.title()),
            to: if recipient.is_empty() { channel } else { format!("{channel}: {recipient}") },
            state,
            trouble: trouble.unwrap_or_default(),
            is_sent: sent_at.is_some(),
            is_given_up: sent_at.is_none() && due.is_none(),
        }
    }
}

/// Sends a test over a channel, sends a message now, or sends it no more.
pub(super) async fn send(
    State(monitor): Shared,
    Sent { visitor, fields, .. }: Sent,
) -> Result<Response, Refusal> {
    visitor.must_have(Role::Admin)?;
    let (now, name) = (monitor.clock.now(), &visitor.caller.name);
    let deed = |what: String| Deed { at: now, account: name.clone(), what, about: name.clone() };
    let (channel, uuid) = (fields.get("test"), fields.get("message"));
    if !channel.is_empty() {
        let config = monitor.notices().filter(|config| config.channel(channel).is_some_and(is_tested));
        let config = config.ok_or_else(|| Refusal::not_found("channel"))?;
        let body = written(&Message::test(now))?;
        let deed = deed(format!("tested the channel {channel}"));
        monitor.store.post(&to_all_of(&config, channel, &body), &deed).await?;
        return Ok(go_on(&monitor, "desk/notices", "again"));
    }
    let (again, what, done) = match fields.get("send") {
        "again" => (true, "sent a notice again", "again"),
        "no more" => (false, "gave up a notice", "no-notice"),
        _ => return Err(Refusal::not_found("notice")),
    };
    match monitor.store.try_again(uuid, again, &deed(what.to_owned())).await? {
        true => Ok(go_on(&monitor, "desk/notices", done)),
        false => Err(Refusal::not_found("notice")),
    }
}
