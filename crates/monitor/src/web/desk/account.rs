//! What somebody does with their own account.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::ToSpan;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::super::Shared;
use super::super::certificates::{Kind, checked};
use super::super::error::Refusal;
use super::again::Again;
use super::forms::{Fields, Form, Sent, Visitor};
use super::oidc::{IDENTITY, Identities};
use super::{Came, Page, go_on, shown_time};
use crate::accounts::{Role, Secret, digest_of};
use crate::serve::Monitor;
use crate::store::{Person, SigningKey, Token};
use assay_signature::PublicKey;

/// Where forms are sent.
const KEYS: &str = "/desk/account/keys";
const TOKENS: &str = "/desk/account/tokens";
const DELEGATES: &str = "/desk/account/delegates";
const PASSWORD: &str = "/desk/account/password";
/// The shortest password, in characters.
const SHORTEST: usize = 12;
/// The longest, in bytes: hashing takes longer than for any other.
const LONGEST: usize = 1_000;
/// The longest that a token is good for, in days.
const LONGEST_TOKEN: i32 = 366;

#[derive(Template)]
#[template(path = "desk/account.html")]
struct Account<'a> {
    base: &'a str,
    form_key: &'a str,
    person: &'a Person,
    roles: String,
    has_password: bool,
    sessions: i64,
    keys: &'a [KeyRow],
    tokens: &'a [TokenRow],
    delegates: &'a [(String, bool)],
    identities: Identities<'a>,
    made: Option<&'a str>,
    trouble: Option<String>,
    key: Form<'a>,
    token: Form<'a>,
    delegate: Form<'a>,
    password: Form<'a>,
}

struct KeyRow {
    name: String,
    kind: String,
    fingerprint: String,
    own: bool,
}

struct TokenRow {
    uuid: String,
    name: String,
    purpose: &'static str,
    made: String,
    expires: String,
    is_over: bool,
    used: Option<String>,
}

/// What an account is, and is used with.
pub(super) async fn show(
    State(monitor): Shared,
    visitor: Visitor,
    Query(came): Query<Came>,
) -> Result<Response, Refusal> {
    page(&monitor, &visitor, came.said(), Told::default()).await
}

/// What a page tells beside what is stored.
#[derive(Default)]
struct Told<'t> {
    /// The secret of a new token.
    made: Option<&'t str>,
    /// What was sent and is not done: where to, what it said, and why not.
    sent: Option<(&'t str, &'t Fields, &'t Refusal)>,
}

async fn page(
    monitor: &Monitor,
    visitor: &Visitor,
    said: Option<&'static str>,
    told: Told<'_>,
) -> Result<Response, Refusal> {
    let name = &visitor.caller.name;
    let now = monitor.clock.now();
    let missing = || Refusal::not_found("account");
    let person = monitor.store.person(name).await?.ok_or_else(missing)?;
    let keys = monitor.store.keys(name).await?.into_iter().map(|key| {
        let fingerprint =
            PublicKey::read(&key.kind, &key.key).map(|key| key.fingerprint()).unwrap_or_default();
        KeyRow { name: key.name, kind: key.kind, fingerprint, own: key.own }
    });
    let tokens = monitor.store.tokens(name).await?.into_iter().map(|token| TokenRow {
        uuid: token.uuid,
        name: token.name,
        purpose: if token.reports { "handing reports in" } else { "all that the account may" },
        made: shown_time(token.made_at),
        expires: shown_time(token.expires_at),
        is_over: token.expires_at <= now,
        used: token.used_on.map(|day| day.to_string()),
    });
    let form = |path| match told.sent {
        Some((sent, fields, refusal)) => Form::new(path, fields, Some(refusal)).if_sent(sent),
        None => Form::empty(path),
    };
    let (key, token, delegate) = (form(KEYS), form(TOKENS), form(DELEGATES));
    let password = form(PASSWORD);
    let status = told.sent.map_or(StatusCode::OK, |(_, _, refusal)| refusal.status());
    let trouble = [&key, &token, &delegate, &password].into_iter().find_map(Form::trouble);
    let account = Account {
        base: &monitor.settings.base_url,
        form_key: &visitor.form_key,
        roles: role_words(&person),
        person: &person,
        has_password: monitor.store.account(name).await?.is_some_and(|account| !account.hashes.is_empty()),
        sessions: monitor.store.sessions(name, now).await?,
        keys: &keys.collect::<Vec<_>>(),
        tokens: &tokens.collect::<Vec<_>>(),
        delegates: &monitor.store.delegates(name).await?,
        identities: Identities::of(monitor, visitor, None, Form::empty(IDENTITY)).await?,
        made: told.made,
        trouble: trouble.or_else(|| told.sent.map(|(_, _, refusal)| refusal.detail())),
        key,
        token,
        delegate,
        password,
    };
    let title = format!("Account {name}");
    Page { monitor, visitor: Some(visitor), title, said }.show(status, &account)
}

/// The roles of somebody in words.
pub(super) fn role_words(person: &Person) -> String {
    let words: Vec<&str> =
        Role::ALL.into_iter().filter(|role| person.roles.has(*role)).map(Role::as_str).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// Goes on if something was done, and shows the page again with the reason if not. What the form said is kept.
async fn after(
    monitor: &Monitor,
    Sent { visitor, fields, path }: Sent,
    done: Result<&'static str, Refusal>,
) -> Result<Response, Refusal> {
    match done {
        Ok(done) => Ok(go_on(monitor, "desk/account", done)),
        Err(refusal) => {
            let sent = Some((path.as_str(), &fields, &refusal));
            page(monitor, &visitor, None, Told { sent, ..Told::default() }).await
        }
    }
}

/// A password that may be set, written twice.
pub(super) fn new_password(fields: &Fields) -> Result<SecretString, Refusal> {
    let password = fields.get("new_password");
    if password.chars().count() < SHORTEST || password.len() > LONGEST {
        let what = format!(" has at least {SHORTEST} characters, and not more than {LONGEST}");
        return Err(Refusal::of_field("new_password", &what));
    }
    match password == fields.get("again") {
        true => Ok(password.to_owned().into()),
        false => Err(Refusal::of_field("again", " is something else")),
    }
}

/// Sets another password, for who knows the present one.
pub(super) async fn set_password(State(monitor): Shared, sent: Sent) -> Result<Response, Refusal> {
    let done = try_password(&monitor, &sent).await;
    // Passwords do not stand in pages.
    after(&monitor, Sent { fields: Fields::default(), ..sent }, done).await
}

async fn try_password(
    monitor: &Monitor,
    Sent { visitor, fields, .. }: &Sent,
) -> Result<&'static str, Refusal> {
    let name = &visitor.caller.name;
    let hashes = monitor.store.account(name).await?.map(|account| account.hashes).unwrap_or_default();
    let fits = monitor.passwords.fit(name, fields.get("password").to_owned().into(), hashes).await?;
    if !fits {
        return Err(Refusal::of_field("password", " is another one"));
    }
    let hash = monitor.passwords.hash(new_password(fields)?).await?;
    monitor.store.set_password(name, &hash, (&visitor.session, monitor.clock.now())).await?;
    Ok("password")
}

/// Ends all sessions of somebody but the one they are in.
pub(super) async fn end_sessions(State(monitor): Shared, sent: Sent) -> Result<Response, Refusal> {
    monitor.store.end_sessions(&sent.visitor.caller.name, &sent.visitor.session).await?;
    Ok(go_on(&monitor, "desk/account", "sessions"))
}

/// Makes a token. Its secret is shown this once.
pub(super) async fn add_token(State(monitor): Shared, sent: Sent) -> Result<Response, Refusal> {
    match try_token(&monitor, &sent).await {
        Ok(Secret(secret)) => {
            let told = Told { made: Some(secret.expose_secret()), ..Told::default() };
            page(&monitor, &sent.visitor, None, told).await
        }
        Err(refusal) => after(&monitor, sent, Err(refusal)).await,
    }
}

async fn try_token(monitor: &Monitor, Sent { visitor, fields, .. }: &Sent) -> Result<Secret, Refusal> {
    let name = fields.text("token_name", Kind::Name)?;
    let lasts: Option<i32> = fields.get("days").trim().parse().ok();
    let lasts = lasts
        .filter(|days| (1..=LONGEST_TOKEN).contains(days))
        .ok_or_else(|| Refusal::of_field("days", &format!(" is no number from 1 to {LONGEST_TOKEN}")))?;
    let made_at = monitor.clock.now();
    let expires_at = made_at.checked_add((i64::from(lasts) * 24).hours());
    let secret = Secret::token()?;
    let token = Token {
        uuid: Uuid::new_v4().to_string(),
        name,
        reports: fields.get("purpose") != "all",
        made_at,
        expires_at: expires_at.map_err(|error| Refusal::unreadable(error.to_string()))?,
        used_on: None,
    };
    let digest = digest_of(secret.0.expose_secret());
    match monitor.store.add_token(&visitor.caller.name, (&token, &digest)).await? {
        true => Ok(secret),
        false => Err(Refusal::conflict("the account has so many tokens that some have to go first")),
    }
}

/// Revokes a token, if somebody means it.
pub(super) async fn remove_token(State(monitor): Shared, sent: Sent) -> Result<Response, Refusal> {
    let uuid = sent.fields.get("token");
    if !sent.fields.is_sure() {
        let tokens = monitor.store.tokens(&sent.visitor.caller.name).await?;
        let Some(token) = tokens.into_iter().find(|token| token.uuid == uuid) else {
            return after(&monitor, sent, Err(Refusal::not_found("token"))).await;
        };
        let question = Again {
            path: &sent.path,
            title: "Revoke a token",
            told: format!(
                "Whatever uses the token “{}” is let in no more, and the token does not come back.",
                token.name
            ),
            button: "Revoke it",
            back: "desk/account",
            fields: &sent.fields,
            is_final: true,
        };
        return question.show(&monitor, &sent.visitor, StatusCode::OK);
    }
    let gone = monitor.store.remove_token(&sent.visitor.caller.name, uuid, monitor.clock.now()).await?;
    let done = if gone { Ok("token") } else { Err(Refusal::not_found("token")) };
    after(&monitor, sent, done).await
}

/// Adds a key that reports are signed with.
pub(super) async fn add_key(State(monitor): Shared, sent: Sent) -> Result<Response, Refusal> {
    let done = try_key(&monitor, &sent).await;
    after(&monitor, sent, done).await
}

async fn try_key(monitor: &Monitor, Sent { visitor, fields, .. }: &Sent) -> Result<&'static str, Refusal> {
    let line = fields.text("key", Kind::Text)?;
    let mut words = line.split_whitespace();
    let (Some(kind), Some(base64)) = (words.next(), words.next()) else {
        return Err(Refusal::of_field("key", " is no line of a file that ends with .pub"));
    };
    PublicKey::read(kind, base64).map_err(|error| Refusal::of_field("key", &format!(": {error}")))?;
    let name = match fields.optional("key_name", Kind::Name)? {
        name if name.is_empty() => words.next().unwrap_or("key").to_owned(),
        name => name,
    };
    checked("key_name", &name, Kind::Name)?;
    let key = SigningKey { name: name.clone(), kind: kind.to_owned(), key: base64.to_owned(), own: true };
    match monitor.store.add_key(&visitor.caller.name, &key, monitor.clock.now()).await? {
        true => Ok("key"),
        false => Err(Refusal::conflict(format!(
            "the account has a key with the name {name:?}, or too many keys: give this one another name"
        ))),
    }
}

/// Removes a key that the account added.
pub(super) async fn remove_key(State(monitor): Shared, sent: Sent) -> Result<Response, Refusal> {
    let name = sent.fields.get("name");
    let gone = monitor.store.remove_key(&sent.visitor.caller.name, name, monitor.clock.now()).await?;
    let done = if gone { Ok("no-key") } else { Err(Refusal::not_found("key")) };
    after(&monitor, sent, done).await
}

/// Lets another account hand in reports about this one.
pub(super) async fn add_delegate(State(monitor): Shared, sent: Sent) -> Result<Response, Refusal> {
    delegate(&monitor, sent, true).await
}

/// Takes that back.
pub(super) async fn remove_delegate(State(monitor): Shared, sent: Sent) -> Result<Response, Refusal> {
    delegate(&monitor, sent, false).await
}

async fn delegate(monitor: &Monitor, sent: Sent, may: bool) -> Result<Response, Refusal> {
    let whom = sent.fields.get("delegate").trim();
    let changed = monitor.store.delegate(&sent.visitor.caller.name, (whom, may), monitor.clock.now()).await?;
    let done = match (changed, may) {
        (true, true) => Ok("delegate"),
        (true, false) => Ok("no-delegate"),
        (false, true) => Err(Refusal::of_field("delegate", ": there is no such account, or it may already")),
        (false, false) => Err(Refusal::not_found("delegate")),
    };
    after(monitor, sent, done).await
}
