//! Each manager logs in and finds itself and its domain.

use std::path::Path;

use assay_inventory::{Call, FactId, Reason, Record, Token, Unavailable};
use assay_journal::{Journal, Place, RunId};
use jiff::Timestamp;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::DomainManagerRequest;
use super::manager::Manager;
use super::matrix::{ADMIN, is_found};
use super::sheet::{LoginRow, Sheet};
use super::told::{Missing, Told, works};
use crate::config::DomainManagerLogin;
use crate::endpoint::Endpoint;
use crate::listing::{Wish, object};
use crate::session::Wanting;
use crate::{Session, Settings};

/// What all logins have in common.
pub(super) struct Door<'a> {
    settings: &'a Settings,
    journals: &'a Path,
    now: Timestamp,
    sheet: &'a Sheet<'a>,
}

/// What came of a login: a manager, or why there is none; and the calls of a session that there is not.
pub(super) type Entered<'a> = (Result<Manager<'a>, Missing>, Vec<Call>);

impl<'d> Door<'d> {
    pub(super) fn of(request: &DomainManagerRequest<'d>, sheet: &'d Sheet<'d>) -> Self {
        Door { settings: request.settings, journals: request.journals, now: request.started_at, sheet }
    }

    /// Logs the manager of the domain at this place in, from 0.
    pub(super) async fn enter<'a>(
        &self,
        index: usize,
        login: &'a DomainManagerLogin,
        cancel: &'a CancellationToken,
    ) -> Entered<'a> {
        let tell = |row, told| self.sheet.tell_login(index + 1, &login.domain, row, told);
        let none = |why: &Missing| {
            for row in [LoginRow::OneSelf, LoginRow::Domain] {
                tell(row, why.clone().into());
            }
        };
        let opened = tokio::select! {
            biased;
            () = cancel.cancelled() => {
                let why = Unavailable::new(Reason::Interrupted, "the run was interrupted");
                Err((why, Vec::new()))
            }
            opened = Box::pin(Session::open(&login.config, self.settings)) => {
                opened.map_err(|(error, calls)| (error.into(), calls))
            }
        };
        let session = match opened {
            Ok(session) => session,
            Err((why, calls)) => {
                let missing = Missing(format!("the manager of {} could not log in", login.domain));
                tell(LoginRow::Token, refused(why));
                none(&missing);
                return (Err(missing), calls);
            }
        };
        tell(LoginRow::Token, Told::seen(true, roles(session.token())));
        let calls = session.calls();
        let endpoint = match session.endpoint("identity") {
            Ok(endpoint) => endpoint,
            Err(error) => {
                let missing = Missing(error.to_string());
                none(&missing);
                return (Err(missing), calls);
            }
        };
        tell(LoginRow::OneSelf, finds_itself(&session, &endpoint).await);
        let wanted = Wanted::of(login);
        let (found, told) = wanted.find(&session, &endpoint).await;
        tell(LoginRow::Domain, told);
        let entered = async {
            if session.token().roles.iter().any(|role| role == ADMIN) {
                let (domain, user) = (&login.domain, &session.token().user);
                return Err(Missing(format!(
                    "{user}, the manager of {domain}, has the role {ADMIN} as well, so nothing would be forbidden; \
                     give a user whose only role is manager"
                )));
            }
            let domain = match found {
                Some(domain) => domain,
                None => wanted.find_otherwise(&session, &endpoint).await?,
            };
            let place = Place { scope: domain.clone(), ..session.place() };
            let journal = Journal::begin(self.journals, &place, RunId::new(), self.now)
                .map_err(|error| Missing(format!("nothing may be created: {error}")))?;
            Ok((domain, journal))
        };
        match entered.await {
            Err(missing) => (Err(missing), session.calls()),
            Ok((domain, journal)) => {
                let user = session.token().user_id.clone();
                let (name, role) = (login.domain.as_str(), login.member_role.as_str());
                let manager = Manager { name, domain, user, role, journal, session, endpoint, cancel };
                (Ok(manager), Vec::new())
            }
        }
    }
}

/// A login that failed. Who is refused cannot log in; whoever got no answer, or one about something else, may be
/// able to.
fn refused(why: Unavailable) -> Told {
    match (why.reason, why.status) {
        (Reason::Authentication, _) | (Reason::Refused, Some(403 | 404)) => {
            let seen = match why.status {
                Some(status) => format!("HTTP {status}: {}", why.message),
                None => why.message,
            };
            Told { request_id: why.request_id, ..Told::seen(false, seen) }
        }
        _ => Missing(why.to_string()).into(),
    }
}

fn roles(token: &Token) -> String {
    format!("{} got a token with the roles {}", token.user, token.roles.join(", "))
}

async fn finds_itself(session: &Session, endpoint: &Endpoint) -> Told {
    let id = session.token().user_id.as_str();
    let url = endpoint.at(&["users", id]);
    let answer = Box::pin(session.call(Wanting::get(Some(FactId::DomainManagers), endpoint, url))).await;
    let Ok(reply) = &answer else { return works(&answer) };
    let found = object(reply).and_then(|body| match body.get("user").and_then(|user| user.get("id")) {
        Some(Value::String(id)) => Ok(id.clone()),
        _ => Err(reply.malformed("the answer does not say which user it is about")),
    });
    match found {
        Ok(found) if found == id => works(&answer),
        Ok(_) => Told::seen(false, "the answer is not about the user who asked"),
        Err(why) => works(&Err(why)),
    }
}

/// The domain that is looked for.
enum Wanted<'a> {
    Name(&'a str),
    Id(&'a str),
}

impl<'a> Wanted<'a> {
    fn of(login: &'a DomainManagerLogin) -> Self {
        let values = login.config.login();
        match (values.get("domain_id"), values.get("domain_name")) {
            (Some(id), _) => Wanted::Id(id),
            (None, name) => Wanted::Name(name.unwrap_or(&login.domain)),
        }
    }

    /// Finds the domain as its manager would.
    async fn find(&self, session: &Session, endpoint: &Endpoint) -> (Option<String>, Told) {
        match self {
            Wanted::Id(id) => {
                let url = endpoint.at(&["domains", id]);
                let answer =
                    Box::pin(session.call(Wanting::get(Some(FactId::DomainManagers), endpoint, url))).await;
                (Some((*id).to_owned()), works(&answer))
            }
            Wanted::Name(name) => match list(session, endpoint, &["domains"], &[("name", name)]).await {
                Ok(found) => {
                    let id = self.among(&found);
                    let told = is_found(Ok(id.is_some()));
                    (id, told)
                }
                Err(why) => (None, is_found(Err(why))),
            },
        }
    }

    /// Finds the domain by the way that is open to everybody, so that the other rows can be tried.
    async fn find_otherwise(&self, session: &Session, endpoint: &Endpoint) -> Result<String, Missing> {
        let found = list(session, endpoint, &["auth", "domains"], &[]).await;
        let found = found.map_err(|why| Missing(format!("the id of the domain is not to be had: {why}")))?;
        self.among(&found).ok_or_else(|| {
            Missing("the id of the domain is not to be had: keystone lists no such domain".into())
        })
    }

    fn among(&self, found: &[Record]) -> Option<String> {
        let is_wanted = |item: &&Record| match self {
            Wanted::Id(id) => item.id() == *id,
            Wanted::Name(wanted) => {
                item.text("name").value().is_some_and(|name| name.eq_ignore_ascii_case(wanted))
            }
        };
        found.iter().find(is_wanted).map(|item| item.id().to_owned()).filter(|id| !id.is_empty())
    }
}

async fn list(
    session: &Session,
    endpoint: &Endpoint,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Vec<Record>, Unavailable> {
    let wish = Wish {
        fact: Some(FactId::DomainManagers),
        endpoint,
        path,
        query,
        headers: &[],
        key: "domains",
        links_key: "links",
        progress: &|_| (),
    };
    Ok(Box::pin(session.list(&wish)).await?.items)
}
