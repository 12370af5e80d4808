//! What people look at, in three forms: a whole page, the fragment of HTML within it, and Markdown for those who build
//! pages of their own.

mod certificate;
mod detail;
mod log;
mod overview;
mod report;
mod scope;
mod subject;
mod text;

pub(crate) use text::segment;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use askama::Template;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::access::Caller;
use super::api::Span;
use super::certificates::{badge_of, find};
use super::error::Refusal;
use super::reports::document;
use crate::accounts::Role;
use crate::certificates::Badge;
use crate::intake::hexadecimal_digest;
use crate::past::{Past, achieved};
use crate::scopes::Scopes;
use crate::serve::Monitor;
use crate::status::Card;
use crate::store::{History, Wish, civil};

/// The form in which something is wanted, as the first word of an address says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    Markdown,
    Fragment,
    Page,
}

impl Form {
    fn of(word: &str) -> Result<Self, Refusal> {
        match word {
            "markdown" => Ok(Form::Markdown),
            "fragment" => Ok(Form::Fragment),
            "page" => Ok(Form::Page),
            _ => Err(Refusal::unreadable("the first word of the address is page, fragment or markdown")),
        }
    }
}

/// Something that is shown.
trait Shown {
    /// What stands at the top of the page.
    fn title(&self) -> String;
    fn html(&self) -> Result<String, askama::Error>;
    fn markdown(&self) -> Result<String, askama::Error>;
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'p> {
    base: &'p str,
    title: String,
    content: String,
    /// Which style sheet it is, so that no other one is kept in its place.
    style: &'p str,
}

const STYLE: &str = include_str!("../../templates/monitor.css");
static STYLE_DIGEST: LazyLock<String> = LazyLock::new(|| hexadecimal_digest(STYLE));

fn show(monitor: &Monitor, form: Form, shown: &impl Shown) -> Result<Response, Refusal> {
    Ok(answer(form, render(monitor, form, shown)?.into()))
}

fn answer(form: Form, text: Bytes) -> Response {
    let content_type = match form {
        Form::Markdown => "text/markdown; charset=utf-8",
        Form::Fragment | Form::Page => "text/html; charset=utf-8",
    };
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}

fn render(monitor: &Monitor, form: Form, shown: &impl Shown) -> Result<String, Refusal> {
    let rendered = match form {
        Form::Markdown => shown.markdown(),
        Form::Fragment => shown.html(),
        Form::Page => shown.html().and_then(|content| {
            let style = &STYLE_DIGEST[..8];
            Page { base: &monitor.settings.base_url, title: shown.title(), content, style }.render()
        }),
    };
    rendered.map_err(not_written)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what results hand over")]
fn not_written(error: askama::Error) -> Refusal {
    tracing::error!(%error, "a page could not be written");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be written")
}

/// The overviews as they were last written: everybody asks for them, and they seldom change.
#[derive(Debug, Default)]
pub(crate) struct Overviews(Mutex<HashMap<(Form, bool), Kept>>);

/// An overview, and by which scopes and of which revision it is.
#[derive(Debug)]
struct Kept {
    scopes: Arc<Scopes>,
    revision: i64,
    text: Bytes,
}

impl Overviews {
    fn of(&self, key: (Form, bool), scopes: &Arc<Scopes>, revision: i64) -> Option<Bytes> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |kept: &&Kept| kept.revision == revision && Arc::ptr_eq(&kept.scopes, scopes);
        kept.get(&key).filter(fits).map(|kept| kept.text.clone())
    }

    fn keep(&self, key: (Form, bool), overview: Kept) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, overview);
    }
}

/// What all subjects come to.
pub(super) async fn table(state: Shared, Path(form): Path<String>) -> Result<Response, Refusal> {
    overview(state, &form, false).await
}

/// The same, drafts of scope versions included.
pub(super) async fn table_full(state: Shared, Path(form): Path<String>) -> Result<Response, Refusal> {
    overview(state, &form, true).await
}

async fn overview(State(monitor): Shared, form: &str, drafts: bool) -> Result<Response, Refusal> {
    let form = Form::of(form)?;
    let is_kept = monitor.keep_up().await?;
    let scopes = monitor.scopes();
    // What changes from here on is shown to who asks next.
    let revision = monitor.store.revision().await?;
    if is_kept && let Some(text) = monitor.overviews.of((form, drafts), &scopes, revision) {
        return Ok(answer(form, text));
    }
    let all = match is_kept {
        true => monitor.store.scores().await?,
        false => monitor.store.scores_at(&scopes, monitor.clock.now()).await?,
    };
    let groups = monitor.store.groups().await?;
    let page = overview::Overview::new(&monitor.settings.base_url, &scopes, &all, &groups, drafts);
    let text = Bytes::from(render(&monitor, form, &page)?);
    if is_kept {
        monitor.overviews.keep((form, drafts), Kept { scopes, revision, text: text.clone() });
    }
    Ok(answer(form, text))
}

/// What a subject or a group comes to in a scope, testcase by testcase.
pub(super) async fn detail(
    state: Shared,
    Path((form, subject, scope)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    details(state, &form, &subject, &scope, false).await
}

/// The same, drafts of scope versions included.
pub(super) async fn detail_full(
    state: Shared,
    Path((form, subject, scope)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    details(state, &form, &subject, &scope, true).await
}

async fn details(
    State(monitor): Shared,
    form: &str,
    subject: &str,
    scope: &str,
    drafts: bool,
) -> Result<Response, Refusal> {
    let form = Form::of(form)?;
    let scopes = monitor.scopes();
    let spec = scopes.find(scope).ok_or_else(|| Refusal::not_found("scope"))?;
    let group = subject.strip_prefix("group-");
    let subjects = match group {
        Some(group) => monitor.store.group(group).await?,
        None => vec![subject.to_owned()],
    };
    let now = monitor.clock.now();
    let mut cards = Vec::new();
    for subject in &subjects {
        // A subject without results lacks all of them, which is worth a table, too.
        let standings = monitor.store.standings(Some(subject), Some(&spec.uuid)).await?;
        cards.push(Card::new(subject.clone(), spec, standings, now, drafts));
    }
    let detail = detail::Detail::new(&monitor.settings.base_url, spec, (subject, &subjects), &cards, drafts);
    show(&monitor, form, &detail)
}

/// What a subject came to over the last days.
pub(super) async fn subject(
    State(monitor): Shared,
    Path((form, subject)): Path<(String, String)>,
    span: Result<Query<Span>, QueryRejection>,
) -> Result<Response, Refusal> {
    let form = Form::of(&form)?;
    let Query(span) = span?;
    let (until, day) = span.until(monitor.clock.now())?;
    let from = subject::begin(span.days(), until);
    let _turn = monitor.histories.acquire().await;
    let scopes = monitor.scopes();
    let mut told = Vec::new();
    for spec in scopes.iter() {
        if monitor.store.was_known(&subject, &spec.uuid, until).await? {
            let History { spells, is_cut } =
                monitor.store.history(&subject, &spec.uuid, (from, until)).await?;
            let past = Past::new(spec, &spells, from);
            told.push(subject::Told { past, achieved: achieved(spec, &spells, until), is_cut });
        }
    }
    let day = day.map(|day| day.to_string());
    let base = &monitor.settings.base_url;
    show(&monitor, form, &subject::SubjectPage::new(base, &subject, told, (span.days(), until, day)))
}

/// What changed for a subject in a scope over the last days, as an Atom feed.
pub(super) async fn feed(
    State(monitor): Shared,
    Path((subject, file)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    const DAYS: i32 = 90;
    let scopes = monitor.scopes();
    let spec = file.strip_suffix(".atom").and_then(|scope| scopes.find(scope));
    let spec = spec.ok_or_else(|| Refusal::not_found("feed"))?;
    let until = civil(monitor.clock.now());
    let _turn = monitor.histories.acquire().await;
    if !monitor.store.was_known(&subject, &spec.uuid, until).await? {
        return Err(Refusal::not_found("subject"));
    }
    let from = subject::begin(DAYS, until);
    let History { spells, is_cut } = monitor.store.history(&subject, &spec.uuid, (from, until)).await?;
    let past = Past::new(spec, &spells, from);
    let told = subject::Told { past, achieved: achieved(spec, &spells, until), is_cut };
    let feed = subject::Feed::new((&monitor.settings.base_url, &subject), &told, (from, until));
    let text = feed.render().map_err(not_written)?;
    Ok(([(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")], text).into_response())
}

/// A report, as everybody may see it.
pub(super) async fn report(
    State(monitor): Shared,
    Path((form, uuid)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let form = Form::of(&form)?;
    let stored = monitor.store.report(&uuid).await?.ok_or_else(|| Refusal::not_found("report"))?;
    let page = report::ReportPage::new(&monitor, &stored, document(&stored)?, false);
    show(&monitor, form, &page)
}

/// A report with its whole logs, for whom it concerns.
pub(super) async fn report_full(
    State(monitor): Shared,
    Path((form, uuid)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let form = Form::of(&form)?;
    let caller = Caller::of(&monitor, &headers).await?;
    let stored = monitor.store.report(&uuid).await?.ok_or_else(|| Refusal::not_found("report"))?;
    caller.may(&stored.subject, Role::ReadAny)?;
    let page = report::ReportPage::new(&monitor, &stored, document(&stored)?, true);
    show(&monitor, form, &page)
}

/// Which module of a scope belongs to which version.
pub(super) async fn scope(
    State(monitor): Shared,
    Path((form, scope)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let form = Form::of(&form)?;
    let scopes = monitor.scopes();
    let spec = scopes.find(&scope).ok_or_else(|| Refusal::not_found("scope"))?;
    show(&monitor, form, &scope::ScopePage::new(spec, monitor.clock.now()))
}

/// The newest entries of the log.
pub(super) async fn log(State(monitor): Shared, Path(form): Path<String>) -> Result<Response, Refusal> {
    const LISTED: usize = 100;
    let form = Form::of(&form)?;
    let size = monitor.store.log_size().await?;
    let entries = monitor.store.log_entries(size.saturating_sub(LISTED as u64), LISTED).await?;
    let key = monitor.signer.key().to_string();
    show(&monitor, form, &log::LogPage::new(&monitor.settings.base_url, size, key, &entries))
}

/// All certificates that were granted.
pub(super) async fn certificates(
    State(monitor): Shared,
    Path(form): Path<String>,
) -> Result<Response, Refusal> {
    let form = Form::of(&form)?;
    let all = monitor.store.certificates(Wish::All).await?;
    let day = civil(monitor.clock.now()).date();
    let base = &monitor.settings.base_url;
    show(&monitor, form, &certificate::CertificatesPage::new(base, &all, &monitor.scopes(), day))
}

/// What a certificate says, and how what it says fares now.
pub(super) async fn certificate(
    State(monitor): Shared,
    Path((form, uuid)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let form = Form::of(&form)?;
    let found = find(&monitor, &uuid).await?;
    let scopes = monitor.scopes();
    let now = civil(monitor.clock.now());
    let history = monitor.store.history(&found.subject, &found.scope, (now, now)).await?;
    let spec = match scopes.by_uuid(&found.scope) {
        Some(spec) => Some((spec, badge_of(&monitor, (&found.subject, spec), Some(&history.spells)).await?)),
        None => None,
    };
    let page = certificate::CertificatePage::new(
        (&monitor.settings.base_url, monitor.issuer()),
        &found,
        (&scopes, spec),
        &history.spells,
        now,
    );
    show(&monitor, form, &page)
}

/// A badge as a picture.
pub(super) fn badge(name: &str, badge: Badge) -> Result<String, Refusal> {
    certificate::BadgePicture::new(name, badge).render().map_err(not_written)
}

/// How the pages look.
pub(super) async fn style() -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, STYLE).into_response()
}
