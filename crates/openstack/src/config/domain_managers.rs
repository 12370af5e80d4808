//! The file that names domains and their managers, as the domain manager check of the reference suite reads
//! it, with further ways to log in.

mod document;
mod problem;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use assay_yaml::Place;
use secrecy::SecretString;

use super::{AuthType, CloudConfig, ConfigFiles, Login, Method, Overrides};
pub use problem::{DomainManagerError, DomainManagerNote, DomainManagerProblem};
use read::{Trouble, located};

/// The role that managers give to their users, unless the file names another (README of the reference check).
const DEFAULT_ROLE: &str = "member";

/// Domains, and how the manager of each logs in.
pub struct DomainManagerConfig {
    path: PathBuf,
    domains: Vec<Domain>,
    notes: Vec<DomainManagerNote>,
}

struct Domain {
    place: Place,
    name: Option<String>,
    member_role: String,
    manager: Manager,
}

enum Manager {
    Keys(Keys),
    /// An entry of clouds.yaml.
    Cloud(String),
}

struct Keys {
    username: Option<String>,
    user_domain: Option<String>,
    password: Option<SecretString>,
    passcode: Option<SecretString>,
    token: Option<SecretString>,
}

/// How the manager of a domain gets a token of the domain.
#[derive(Debug, Clone)]
pub struct DomainManagerLogin {
    /// The domain: its name, else its id.
    pub domain: String,
    /// Name of the role that the manager may give to users and groups.
    pub member_role: String,
    pub(crate) config: CloudConfig,
}

impl fmt::Debug for DomainManagerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DomainManagerConfig").field("path", &self.path).finish_non_exhaustive()
    }
}

impl DomainManagerConfig {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, DomainManagerError> {
        let text = fs::read_to_string(path)
            .map_err(|source| DomainManagerError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// Reads the text of the file; the path is for messages.
    pub fn parse(path: &Path, text: &str) -> Result<Self, DomainManagerError> {
        let (domains, notes) = read::read(path, text)?;
        Ok(DomainManagerConfig { path: path.to_owned(), domains, notes })
    }

    /// What stands in the file and is not known.
    pub fn notes(&self) -> &[DomainManagerNote] {
        &self.notes
    }

    /// How each manager logs in to a cloud, in the order of the file. Keystone, region, interface and TLS are
    /// those of the cloud; the files are for domains that refer to an entry of clouds.yaml.
    pub fn logins(
        &self,
        cloud: &CloudConfig,
        files: &ConfigFiles,
    ) -> Result<Vec<DomainManagerLogin>, DomainManagerError> {
        let mut logins: Vec<DomainManagerLogin> = Vec::with_capacity(self.domains.len());
        for domain in &self.domains {
            let at = |problem| located(&self.path, (domain.place, problem));
            let login = domain.login(cloud, files).map_err(|trouble| located(&self.path, trouble))?;
            // MySQL, on which keystone mostly runs, takes names for the same whatever their case.
            if logins.iter().any(|other| other.domain.eq_ignore_ascii_case(&login.domain)) {
                return Err(at(DomainManagerProblem::SameDomain { name: login.domain }));
            }
            logins.push(login);
        }
        Ok(logins)
    }
}

impl CloudConfig {
    /// The same cloud for a user who wants a token of the whole system.
    pub(crate) fn for_system(&self, user_id: &str, password: &str) -> Self {
        let values = [("user_id", user_id), ("password", password), ("system_scope", "all")];
        let values = values.map(|(name, value)| (name, SecretString::from(value)));
        self.with_login(Login::with(AuthType::Methods(vec![Method::Password]), values))
    }
}

impl Domain {
    fn login(&self, cloud: &CloudConfig, files: &ConfigFiles) -> Result<DomainManagerLogin, Trouble> {
        let (domain, config) = match &self.manager {
            Manager::Keys(keys) => {
                let name = self.name.clone().unwrap_or_default();
                let login = keys.login(&name);
                (name, cloud.with_login(login))
            }
            Manager::Cloud(entry) => self.of_cloud(entry, cloud, files).map_err(|why| (self.place, why))?,
        };
        Ok(DomainManagerLogin { domain, member_role: self.member_role.clone(), config })
    }

    /// The domain and the configuration that an entry of clouds.yaml gives.
    fn of_cloud(
        &self,
        entry: &str,
        cloud: &CloudConfig,
        files: &ConfigFiles,
    ) -> Result<(String, CloudConfig), DomainManagerProblem> {
        let overrides = Overrides {
            region: cloud.region().map(str::to_owned),
            interface: Some(cloud.interface().to_owned()),
        };
        let config = CloudConfig::from_files(files, entry, &overrides)?;
        let login = config.login();
        let name = || entry.to_owned();
        if matches!(&login.kind, AuthType::Methods(methods) if methods.contains(&Method::ApplicationCredential))
        {
            return Err(DomainManagerProblem::ApplicationCredential);
        }
        let is_something_else = login.wants_project()
            || ["system_scope", "trust_id"].iter().any(|other| login.get(other).is_some());
        let actual = login.get("domain_name").or(login.get("domain_id"));
        let Some(actual) = actual.filter(|_| !is_something_else).map(str::to_owned) else {
            return Err(DomainManagerProblem::NoDomainScope { cloud: name() });
        };
        if config.auth_url().trim_end_matches('/') != cloud.auth_url().trim_end_matches('/') {
            let (actual, wanted) = (config.auth_url(), cloud.auth_url());
            return Err(DomainManagerProblem::OtherKeystone { cloud: name(), actual, wanted });
        }
        match &self.name {
            // With an id alone the name is for the reader.
            Some(named) if login.get("domain_name").is_none() => Ok((named.clone(), config)),
            Some(named) if !named.eq_ignore_ascii_case(&actual) => {
                Err(DomainManagerProblem::OtherDomain { cloud: name(), actual, named: named.clone() })
            }
            _ => Ok((actual, config)),
        }
    }
}

impl Keys {
    /// A login for a token of the domain; without a word on it, the manager is a user of that domain.
    fn login(&self, domain: &str) -> Login {
        let plain = |text: &str| Some(SecretString::from(text));
        let values = [
            ("username", self.username.as_deref().and_then(plain)),
            ("user_domain_name", plain(self.user_domain.as_deref().unwrap_or(domain))),
            ("domain_name", plain(domain)),
            ("password", self.password.clone()),
            ("passcode", self.passcode.clone()),
            ("token", self.token.clone()),
        ];
        let methods = [
            (Method::Password, self.password.is_some()),
            (Method::Totp, self.passcode.is_some()),
            (Method::Token, self.token.is_some()),
        ];
        let methods = methods.into_iter().filter(|(_, is_given)| *is_given).map(|(method, _)| method);
        let given = values.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Login::with(AuthType::Methods(methods.collect()), given)
    }
}
