use std::collections::BTreeMap;
use std::fmt;

use openstack_sdk_core::config as sdk;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::auth_type::{APPLICATION_CREDENTIAL, PASSWORD, TOKEN};
use super::{AuthType, ConfigError};

/// Values that must not get into any message.
const SECRETS: &[&str] = &[
    "password",
    "token",
    "passcode",
    "access_token",
    "client_secret",
    "application_credential_secret",
    "jwt",
];

/// Other names of values: those that were used for projects once, and those of the options of keystoneauth.
const ALIASES: &[(&str, &[&str])] = &[
    ("project_id", &["tenant_id"]),
    ("project_name", &["tenant_name"]),
    ("username", &["user_name"]),
    ("scope", &["openid_scope"]),
];

/// Plain values by name.
pub(super) type Values = BTreeMap<String, String>;

/// How to get a token, and all values that this may need.
#[derive(Clone)]
pub(crate) struct Login {
    /// The way to get it.
    pub(crate) kind: AuthType,
    values: BTreeMap<String, SecretString>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Whether a domain is sought for a user or for a project.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose {
    User,
    Project,
}

impl Login {
    /// Takes each value from the `auth` section, else from `unread`, what stands there that the SDK does not
    /// read, else from the top level of the cloud.
    pub(super) fn new(cloud: &str, config: &sdk::CloudConfig, unread: &Values) -> Result<Self, ConfigError> {
        let mut values = BTreeMap::new();
        let mut add = |name: &str, text: &str| {
            if !text.is_empty() {
                values.entry(name.to_owned()).or_insert_with(|| SecretString::from(text));
            }
        };
        if let Some(auth) = &config.auth {
            let fields = serde_json::to_value(auth).map_err(|_| ConfigError::BadValue {
                cloud: cloud.to_owned(),
                field: "auth section",
                message: "it is not a list of names and values".into(),
            })?;
            for (name, value) in fields.as_object().into_iter().flatten() {
                add(name, value.as_str().unwrap_or_default());
            }
        }
        for (name, text) in unread {
            add(name, text);
        }
        for (name, value) in &config.options {
            add(name, &value.clone().into_string().unwrap_or_default());
        }
        for (name, others) in ALIASES {
            let other = others.iter().find_map(|other| values.get(*other).cloned());
            if let (None, Some(value)) = (values.get(*name), other) {
                values.insert((*name).to_owned(), value);
            }
        }
        let kind = config.auth_type.as_deref().filter(|kind| !kind.is_empty()).unwrap_or_else(|| {
            // Without a password there is nothing else that such a section could mean.
            match (values.contains_key("password"), values.contains_key("application_credential_secret")) {
                (false, true) => APPLICATION_CREDENTIAL,
                (false, false) if values.contains_key("token") => TOKEN,
                _ => PASSWORD,
            }
        });
        let methods = config.auth_methods.as_deref().unwrap_or_default();
        Ok(Login { kind: AuthType::parse(cloud, kind, methods)?, values })
    }

    /// A login made of values that are known.
    pub(super) fn with(
        kind: AuthType,
        values: impl IntoIterator<Item = (&'static str, SecretString)>,
    ) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Login { kind, values }
    }

    /// A value that is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(ExposeSecret::expose_secret)
    }

    /// What must not be seen in any message.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        SECRETS.iter().filter_map(|name| self.values.get(*name).cloned()).collect()
    }

    /// Whether the token is to be scoped to a project.
    pub(crate) fn wants_project(&self) -> bool {
        self.get("project_id").or(self.get("project_name")).is_some()
    }

    /// The domain of the user or of the project, as keystone wants it.
    ///
    /// `domain_*` names both where there is a project (without one, it is the scope); `default_domain*` is the
    /// last resort. What is said of the one in question wins over what is said of both.
    pub(crate) fn domain(&self, whose: Whose) -> Option<Value> {
        let own = match whose {
            Whose::User => ("user_domain_id", "user_domain_name"),
            Whose::Project => ("project_domain_id", "project_domain_name"),
        };
        let shared = self.wants_project().then_some(("domain_id", "domain_name"));
        [Some(own), shared, Some(("default_domain_id", "default_domain_name")), Some(("default_domain", ""))]
            .into_iter()
            .flatten()
            .find_map(|(id, name)| self.by_id_or_name(id, name))
    }

    /// `{"id": ...}` or `{"name": ...}`, from values of these names.
    pub(crate) fn by_id_or_name(&self, id: &str, name: &str) -> Option<Value> {
        let field = |key: &str, value: &str| Value::from_iter([(key, value)]);
        self.get(id).map(|id| field("id", id)).or_else(|| self.get(name).map(|name| field("name", name)))
    }
}
