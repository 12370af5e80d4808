//! What people look at, in three forms: a whole page, the fragment of HTML within it, and Markdown for those who build
//! pages of their own.

mod audit;
mod certificate;
mod detail;
mod integrator;
mod log;
mod matrix;
mod overview;
mod paging;
mod report;
mod scope;
mod search;
mod subject;
mod testcase;
mod text;

pub(in crate::web) use paging::{Pager, Turn};
pub(crate) use text::segment;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use askama::Template;
use assay_standards::scope::{Spec, Version};
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) use self::matrix::Part;
use self::overview::Ground;
pub(super) use self::search::Search;
use super::access::Caller;
use super::api::Span;
use super::certificates::{badge_of, find};
use super::error::Refusal;
use super::findings::Said;
use super::integrators::{certified, granted};
use super::reports::{document, uncounted};
use super::{Path, Shared};
use crate::accounts::Role;
use crate::certificates::{Badge, is_certified};
use crate::findings::Sides;
use crate::intake::hexadecimal_digest;
use crate::past::{Past, achieved};
use crate::reckoning::Scores;
use crate::serve::{Monitor, Settings};
use crate::status::Card;
use crate::store::{History, StoreError, Wish, civil};

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
    is_demo: bool,
    title: String,
    content: String,
    style: &'static str,
}

const STYLE: &str = include_str!("../../templates/monitor.css");
static STYLE_DIGEST: LazyLock<String> = LazyLock::new(|| hexadecimal_digest(STYLE));

/// What is in the style sheet, so that no other one is kept in its place.
pub(super) fn style_mark() -> &'static str {
    &STYLE_DIGEST[..8]
}

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
            let style = style_mark();
            let Settings { base_url, demo, .. } = &monitor.settings;
            Page { base: base_url, is_demo: *demo, title: shown.title(), content, style }.render()
        }),
    };
    rendered.map_err(not_written)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what results hand over")]
pub(super) fn not_written(error: askama::Error) -> Refusal {
    tracing::error!(%error, "a page could not be written");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be written")
}

/// The overviews as they were last written: everybody asks for them, and they seldom change. What they are made of is
/// kept, too, for whoever looks for something.
#[derive(Debug, Default)]
pub(crate) struct Overviews {
    texts: Mutex<HashMap<(Form, bool), Kept>>,
    ground: Mutex<Option<Arc<Ground>>>,
}

/// An overview, what it was made of, and of which day it is.
#[derive(Debug)]
struct Kept {
    scores: Arc<Scores>,
    /// Certificates end without anything else changing.
    day: Date,
    text: Bytes,
}

impl Overviews {
    fn of(&self, key: (Form, bool), scores: &Arc<Scores>, day: Date) -> Option<Bytes> {
        let kept = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |kept: &&Kept| kept.day == day && Arc::ptr_eq(&kept.scores, scores);
        kept.get(&key).filter(fits).map(|kept| kept.text.clone())
    }

    fn keep(&self, key: (Form, bool), overview: Kept) {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).insert(key, overview);
    }

    /// What they are made of with these scores, which are others whenever groups or certificates are.
    async fn ground(&self, monitor: &Monitor, scores: Arc<Scores>) -> Result<Arc<Ground>, StoreError> {
        let kept = self.ground.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(ground) = kept.filter(|ground| Arc::ptr_eq(&ground.scores, &scores)) {
            return Ok(ground);
        }
        let store = &monitor.store;
        let (groups, certificates) = (store.groups().await?, store.certificates(Wish::All).await?);
        let ground = Arc::new(Ground { scores, groups, certificates, profiles: store.profiles().await? });
        *self.ground.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&ground));
        Ok(ground)
    }
}

/// Pages about all subjects, as they were last written: together they would keep the processors from everything else.
#[derive(Debug, Default)]
pub(crate) struct Broad {
    texts: Mutex<HashMap<(Form, String), KeptBroad>>,
    /// One is written at a time, and whoever waits for the same is handed it.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct KeptBroad {
    of: BroadOf,
    text: Bytes,
}

/// What such a page was made of.
#[derive(Clone, Debug)]
struct BroadOf {
    scores: Arc<Scores>,
    newest: i64,
    /// Results expire without anything else changing.
    minute: i64,
}

impl BroadOf {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.scores, &other.scores) && (self.newest, self.minute) == (other.newest, other.minute)
    }
}

impl Broad {
    /// So many are kept.
    const MOST: usize = 32;

    fn kept(&self, key: &(Form, String), of: &BroadOf) -> Option<Bytes> {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.get(key).filter(|kept| kept.of.is(of)).map(|kept| kept.text.clone())
    }

    fn keep(&self, key: (Form, String), of: BroadOf, text: Bytes) {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if texts.len() >= Self::MOST {
            texts.retain(|_, kept| kept.of.is(&of));
        }
        if texts.len() < Self::MOST {
            texts.insert(key, KeptBroad { of, text });
        }
    }

    /// The page of an address; `write` writes it if it is not at hand, or something changed since.
    async fn page(
        monitor: &Monitor,
        (form, address): (Form, String),
        write: impl AsyncFnOnce(&Scores) -> Result<String, Refusal>,
    ) -> Result<Response, Refusal> {
        let scores = monitor.scores().await?;
        let newest = monitor.store.newest_report().await?;
        let of = BroadOf { scores, newest, minute: monitor.clock.now().as_second() / 60 };
        let (broad, key) = (&monitor.broad, (form, address));
        if let Some(text) = broad.kept(&key, &of) {
            return Ok(answer(form, text));
        }
        let _turn = broad.turn.lock().await;
        if let Some(text) = broad.kept(&key, &of) {
            return Ok(answer(form, text));
        }
        let text = Bytes::from(write(&of.scores).await?);
        broad.keep(key, of, text.clone());
        Ok(answer(form, text))
    }
}

type Searched = Result<Query<Search>, QueryRejection>;

/// What all subjects come to, or those that somebody looks for.
pub(super) async fn table(
    state: Shared,
    Path(form): Path<String>,
    search: Searched,
) -> Result<Response, Refusal> {
    overview(state, &form, search, false).await
}

/// The same, drafts of scope versions included.
pub(super) async fn table_full(
    state: Shared,
    Path(form): Path<String>,
    search: Searched,
) -> Result<Response, Refusal> {
    overview(state, &form, search, true).await
}

async fn overview(
    State(monitor): Shared,
    form: &str,
    search: Searched,
    drafts: bool,
) -> Result<Response, Refusal> {
    let form = Form::of(form)?;
    let Query(search) = search?;
    search.check()?;
    let scores = monitor.scores().await?;
    let day = civil(monitor.clock.now()).date();
    let kept = monitor.overviews.of((form, drafts), &scores, day);
    if let Some(text) = kept.filter(|_| search.is_idle()) {
        return Ok(answer(form, text));
    }
    let ground = monitor.overviews.ground(&monitor, Arc::clone(&scores)).await?;
    let base = &monitor.settings.base_url;
    let how = (drafts, form == Form::Page);
    let page = overview::Overview::new(base, &ground, (&search, day), how);
    let text = Bytes::from(render(&monitor, form, &page)?);
    if search.is_idle() {
        monitor.overviews.keep((form, drafts), Kept { scores, day, text: text.clone() });
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
            // What is due is due now, whatever day was asked for.
            let checks = match day {
                None => {
                    let certificates =
                        monitor.store.certificates(Wish::OfSubjectIn(&subject, &spec.uuid)).await?;
                    subject::Check::all(spec, &spells, is_certified(&certificates, until.date()), until)
                }
                Some(_) => Vec::new(),
            };
            told.push(subject::Told { past, achieved: achieved(spec, &spells, until), checks, is_cut });
        }
    }
    let day = day.map(|day| day.to_string());
    let about = (subject.as_str(), monitor.store.profile(&subject).await?);
    let base = &monitor.settings.base_url;
    show(&monitor, form, &subject::SubjectPage::new(base, about, told, (span.days(), until, day)))
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
    let told = subject::Told { past, achieved: achieved(spec, &spells, until), checks: Vec::new(), is_cut };
    let feed = subject::Feed::new((&monitor.settings.base_url, &subject), told, (from, until));
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
    let read = (document(&monitor, &stored).await?, uncounted(&monitor, &stored).await?);
    let page = report::ReportPage::new(&monitor, &stored, read, false);
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
    let read = (document(&monitor, &stored).await?, uncounted(&monitor, &stored).await?);
    let page = report::ReportPage::new(&monitor, &stored, read, true);
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
    show(&monitor, form, &scope::ScopePage::new(&monitor.settings.base_url, spec, monitor.clock.now()))
}

/// All testcases, by standard.
pub(super) async fn testcases(State(monitor): Shared, Path(form): Path<String>) -> Result<Response, Refusal> {
    let form = Form::of(&form)?;
    let day = civil(monitor.clock.now()).date();
    let Settings { base_url, explained, .. } = &monitor.settings;
    show(&monitor, form, &testcase::TestcasesPage::new(base_url, &monitor.scopes(), explained, day))
}

/// What a testcase demands, and who meets it.
pub(super) async fn testcase(
    State(monitor): Shared,
    Path((form, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let form = Form::of(&form)?;
    Broad::page(&monitor, (form, format!("testcase/{id}")), async |scores| {
        let seen = monitor.store.seen_of(&id).await?;
        let explained = monitor.settings.explained.iter().find(|known| known.testcase == id);
        let page = testcase::TestcasePage::new(
            (&monitor.settings.base_url, &id),
            explained,
            &scores.scopes,
            (&seen, &scores.all),
            civil(monitor.clock.now()),
        );
        render(&monitor, form, &page.ok_or_else(|| Refusal::not_found("testcase"))?)
    })
    .await
}

/// Who passes what of a version of a scope.
pub(super) async fn matrix(
    State(monitor): Shared,
    Path((form, scope, version)): Path<(String, String, String)>,
    part: Result<Query<matrix::Part>, QueryRejection>,
) -> Result<Response, Refusal> {
    let form = Form::of(&form)?;
    let Query(part) = part?;
    let address = format!("matrix/{scope}/{version}?{part:?}");
    Broad::page(&monitor, (form, address), async |scores| {
        let spec = scores.scopes.find(&scope).ok_or_else(|| Refusal::not_found("scope"))?;
        let version = spec.version(&version).ok_or_else(|| Refusal::not_found("version"))?;
        let of_scope = scores.all.iter().filter(|listed| listed.scope == spec.uuid);
        let mut subjects: Vec<&str> = of_scope.map(|listed| listed.subject.as_str()).collect();
        subjects.sort_unstable();
        let (subjects, pager) = part.of(&subjects);
        let standings = monitor.store.standings_of(subjects, &spec.uuid).await?;
        let base = &monitor.settings.base_url;
        let around = (&part, civil(monitor.clock.now()));
        let page = matrix::MatrixPage::new(base, (spec, version), (subjects, pager), &standings, around);
        render(&monitor, form, &page)
    })
    .await
}

/// Before which entry of the log those are that are asked for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Before {
    before: Option<u64>,
}

/// The newest entries of the log, or those before one.
pub(super) async fn log(
    State(monitor): Shared,
    Path(form): Path<String>,
    before: Result<Query<Before>, QueryRejection>,
) -> Result<Response, Refusal> {
    let form = Form::of(&form)?;
    let Query(Before { before }) = before?;
    let size = monitor.store.log_size().await?;
    let end = before.unwrap_or(size).min(size);
    let begin = end.saturating_sub(log::LISTED);
    let entries = monitor.store.log_entries(begin, usize::try_from(end - begin).unwrap_or_default()).await?;
    let key = monitor.signer.key().to_string();
    show(&monitor, form, &log::LogPage::new(&monitor.settings.base_url, (begin, end, size), key, &entries))
}

/// What a subject stated, what was measured and what auditors found, for whom it concerns.
pub(super) async fn audit(
    State(monitor): Shared,
    Path((form, subject, scope)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let form = Form::of(&form)?;
    let scopes = monitor.scopes();
    let spec = scopes.find(&scope).ok_or_else(|| Refusal::not_found("scope"))?;
    let caller = Caller::of(&monitor, &headers).await?;
    let said = Said::read(&monitor, &caller, (&subject, spec)).await?;
    let version = said.version(spec, None)?;
    let sides = said.sides(spec, version);
    let names = (monitor.settings.base_url.as_str(), subject.as_str());
    show(&monitor, form, &audit::AuditPage::new(names, (spec, version), &sides))
}

/// What is said of a subject in a scope, for a page that has more on it; with its title.
pub(super) fn audit_view(
    monitor: &Monitor,
    subject: &str,
    (spec, version): (&Spec, &Version),
    sides: &[Sides<'_>],
) -> Result<(String, String), Refusal> {
    let page = audit::AuditPage::new((&monitor.settings.base_url, subject), (spec, version), sides);
    Ok((page.title(), page.html().map_err(not_written)?))
}

/// All certificates that were granted.
pub(super) async fn certificates(
    State(monitor): Shared,
    Path(form): Path<String>,
    turn: Result<Query<Turn>, QueryRejection>,
) -> Result<Response, Refusal> {
    let form = Form::of(&form)?;
    let Query(turn) = turn?;
    let all = monitor.store.certificates(Wish::All).await?;
    let day = civil(monitor.clock.now()).date();
    let base = &monitor.settings.base_url;
    show(&monitor, form, &certificate::CertificatesPage::new(base, (&all, &turn), &monitor.scopes(), day))
}

/// What a certificate says, and how what it says fares now.
pub(super) async fn certificate(
    State(monitor): Shared,
    Path((form, uuid)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let found = find(&monitor, &uuid).await?;
    if found.layer().is_some() {
        return integrator(State(monitor), Path((form, uuid))).await;
    }
    let form = Form::of(&form)?;
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

/// All integrators that were certified.
pub(super) async fn integrators(
    State(monitor): Shared,
    Path(form): Path<String>,
) -> Result<Response, Refusal> {
    let form = Form::of(&form)?;
    let (all, day) = (granted(&monitor).await?, civil(monitor.clock.now()).date());
    let base = &monitor.settings.base_url;
    show(&monitor, form, &integrator::IntegratorsPage::new(base, &all, &monitor.scopes(), day))
}

/// What the certificate of an integrator says, and how its points come together.
pub(super) async fn integrator(
    State(monitor): Shared,
    Path((form, uuid)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let form = Form::of(&form)?;
    let (found, document) = certified(&monitor, &uuid).await?;
    let around = (monitor.settings.base_url.as_str(), monitor.issuer());
    let day = civil(monitor.clock.now()).date();
    let page = integrator::IntegratorPage::new(around, (&found, &document), &monitor.scopes(), day);
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
