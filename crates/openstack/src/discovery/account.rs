use std::fmt;

use assay_inventory::{Reason, Unavailable};
use secrecy::SecretString;

use super::{FACT, identity};
use crate::Session;
use crate::config::{AuthType, Method, Whose};
use crate::listing::object;

/// A user with a password, in the project that the session is scoped to.
#[derive(Clone)]
pub struct PasswordAccount {
    /// Name of the user.
    pub username: String,
    /// Id of the user.
    pub user_id: String,
    /// Id of the user's domain.
    pub user_domain_id: String,
    /// The password.
    pub password: SecretString,
    /// Id of the project.
    pub project_id: String,
    /// Name of the project.
    pub project_name: String,
    /// Id of the project's domain.
    pub project_domain_id: String,
}

impl fmt::Debug for PasswordAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.username, self.project_name)
    }
}

/// The account behind a session, for programs that log in by themselves with a password.
///
/// # Errors
///
/// If the session was not made with a password alone, or if there is no project.
pub async fn password_account(session: &Session) -> Result<PasswordAccount, Unavailable> {
    let login = session.config().login();
    let unusable = |message: String| Unavailable::new(Reason::Configuration, message);
    let cloud = session.config().name();
    if let Some(why) = unfit(&login.kind) {
        return Err(unusable(format!(
            "the cloud {cloud:?} logs in with {why}; give an entry of clouds.yaml with username and password"
        )));
    }
    let password =
        login.get("password").ok_or_else(|| unusable(format!("the cloud {cloud:?} has no password")))?;
    let token = session.token();
    let project = token
        .project
        .as_ref()
        .ok_or_else(|| unusable(format!("the token of the cloud {cloud:?} is not scoped to a project")))?;
    let (of_user, of_project) = futures::join!(
        domain_id(session, Whose::User, ["users", &token.user_id], "user"),
        domain_id(session, Whose::Project, ["projects", &project.id], "project"),
    );
    // Whoever may not look at one of them most likely has both in the same domain.
    let (user_domain_id, project_domain_id) = match (of_user, of_project) {
        (Ok(user), Ok(project)) => (user, project),
        (Ok(domain), Err(_)) | (Err(_), Ok(domain)) => (domain.clone(), domain),
        (Err(why), Err(_)) => return Err(why),
    };
    Ok(PasswordAccount {
        username: token.user.clone(),
        user_id: token.user_id.clone(),
        user_domain_id,
        password: SecretString::from(password),
        project_id: project.id.clone(),
        project_name: project.name.clone(),
        project_domain_id,
    })
}

/// Why a way to log in is of no use to a program that wants a password.
fn unfit(kind: &AuthType) -> Option<&'static str> {
    match kind {
        AuthType::Methods(methods) => match methods.as_slice() {
            [Method::Password] => None,
            [Method::ApplicationCredential] => {
                Some("an application credential, but the accounts of Tempest are users with passwords")
            }
            [Method::Token] => Some("a token, from which Tempest cannot get others"),
            _ => Some("more than a password, which Tempest cannot give"),
        },
        AuthType::OidcAccessToken | AuthType::OidcClientCredentials => {
            Some("an identity provider, which Tempest does not know")
        }
    }
}

/// The id of the domain of a user or project: what the configuration says, else what keystone says.
async fn domain_id(
    session: &Session,
    whose: Whose,
    path: [&str; 2],
    key: &str,
) -> Result<String, Unavailable> {
    if let Some(id) =
        session.config().login().domain(whose).and_then(|domain| Some(domain.get("id")?.as_str()?.to_owned()))
    {
        return Ok(id);
    }
    let endpoint = identity(session)?;
    let reply = session.get(FACT, &endpoint, endpoint.at(&path), &[]).await?;
    object(&reply)?
        .get(key)
        .and_then(|item| item.get("domain_id"))
        .and_then(|id| id.as_str())
        .map(str::to_owned)
        .ok_or_else(|| reply.malformed(format!("the {key} has no domain")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_password_will_do() {
        assert_eq!(unfit(&AuthType::Methods(vec![Method::Password])), None);
        for (kind, words) in [
            (AuthType::Methods(vec![Method::ApplicationCredential]), "application credential"),
            (AuthType::Methods(vec![Method::Password, Method::Totp]), "more than a password"),
            (AuthType::Methods(vec![Method::Token]), "a token"),
            (AuthType::OidcAccessToken, "identity provider"),
        ] {
            assert!(unfit(&kind).is_some_and(|why| why.contains(words)), "{kind:?}");
        }
    }
}
