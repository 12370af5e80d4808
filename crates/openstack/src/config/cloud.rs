use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use assay_inventory::Subject;
use openstack_sdk_core::config as sdk;
use url::Url;

use super::files::{Sections, unread};
use super::login::Values;
use super::{ConfigError, ConfigFiles, Login, environment, suggest};
use crate::{endpoint, links};

/// The name that a cloud configured by `OS_*` variables goes by.
const FROM_ENVIRONMENT: &str = "envvars";

/// What the command line says and the files do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Region instead of `region_name`.
    pub region: Option<String>,
    /// Interface instead of `interface`: `public`, `internal` or `admin`.
    pub interface: Option<String>,
}

/// All that is needed for a session with one cloud.
#[derive(Clone)]
pub struct CloudConfig {
    name: String,
    auth_url: Url,
    region: Option<String>,
    interface: String,
    verify: bool,
    ca_file: Option<PathBuf>,
    endpoint_overrides: BTreeMap<&'static str, String>,
    login: Login,
}

/// The files that configure clouds, read once for whoever asks for many of them.
pub struct Clouds {
    files: ConfigFiles,
    parsed: sdk::ConfigFile,
    sections: Vec<Sections>,
}

impl fmt::Debug for Clouds {
    /// Without what is in them, which is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clouds").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Clouds {
    /// Reads the files.
    ///
    /// # Errors
    /// There are none, or they cannot be read.
    pub fn read(files: &ConfigFiles) -> Result<Self, ConfigError> {
        Ok(Clouds { parsed: files.read()?, sections: files.sections(), files: files.clone() })
    }

    /// The configuration of a cloud.
    ///
    /// # Errors
    /// There is no such cloud, or something of it is missing or makes no sense.
    pub fn cloud(&self, name: &str, overrides: &Overrides) -> Result<CloudConfig, ConfigError> {
        let path = || self.files.clouds.clone().unwrap_or_default();
        let config = self
            .parsed
            .get_cloud_config(name)
            .map_err(|error| ConfigError::Invalid { path: path(), message: error.to_string() })?
            .ok_or_else(|| {
                let known = sorted_names(&self.parsed);
                ConfigError::UnknownCloud {
                    name: name.to_owned(),
                    path: path(),
                    suggestion: suggest::closest(name, &known),
                    known,
                }
            })?;
        let unread = unread(&self.sections, name, config.profile.as_deref());
        CloudConfig::new(name, &config, &unread, overrides)
    }
}

impl fmt::Debug for CloudConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudConfig")
            .field("name", &self.name)
            .field("auth_url", &self.auth_url())
            .field("region", &self.region)
            .field("interface", &self.interface)
            .finish_non_exhaustive()
    }
}

impl CloudConfig {
    /// The configuration of the cloud that the argument, `OS_CLOUD` or the `OS_*` variables choose, in this order.
    pub fn find(cloud: Option<&str>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let from_variable = env::var("OS_CLOUD").ok().filter(|name| !name.is_empty());
        match cloud.map(str::to_owned).or(from_variable) {
            Some(name) => match Self::from_files(&ConfigFiles::find(), &name, overrides) {
                // The SDKs give this name to the variables; a cloud of this name in a file comes first.
                Err(ConfigError::UnknownCloud { .. } | ConfigError::NoCloudsFile { .. })
                    if name == FROM_ENVIRONMENT =>
                {
                    Self::from_environment(overrides)
                }
                found => found,
            },
            None if env::var_os("OS_AUTH_URL").is_some() => Self::from_environment(overrides),
            None => Err(ConfigError::NoCloudChosen),
        }
    }

    /// The configuration of a cloud from given files.
    pub fn from_files(files: &ConfigFiles, name: &str, overrides: &Overrides) -> Result<Self, ConfigError> {
        Clouds::read(files)?.cloud(name, overrides)
    }

    /// The configuration that the `OS_*` variables make.
    pub fn from_environment(overrides: &Overrides) -> Result<Self, ConfigError> {
        Self::new(FROM_ENVIRONMENT, &environment::cloud()?, &Values::new(), overrides)
    }

    /// The names of the clouds that the files define, sorted.
    pub fn names(files: &ConfigFiles) -> Result<Vec<String>, ConfigError> {
        Ok(sorted_names(&files.read()?))
    }

    fn new(
        name: &str,
        config: &sdk::CloudConfig,
        unread: &Values,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let cloud = || name.to_owned();
        let bad = |field, message: String| ConfigError::BadValue { cloud: cloud(), field, message };
        let missing = |field| ConfigError::Missing { cloud: cloud(), field, hint: profile_hint(config) };
        if config.auth.is_none() {
            return Err(missing("auth section"));
        }
        let login = Login::new(name, config, unread)?;
        let raw_url = login
            .get("auth_url")
            .map(str::trim)
            .filter(|url| !url.is_empty())
            .ok_or_else(|| missing("auth_url"))?;
        let identity = endpoint::identity(raw_url).map_err(|_| {
            bad("auth_url", "it must be an http or https URL such as https://keystone.example.com/v3".into())
        })?;

        let option = |key: &str| config.options.get(key).cloned();
        let text = |key: &str| option(key).and_then(|value| value.into_string().ok());
        let insecure = option("insecure").and_then(|value| value.into_bool().ok()).unwrap_or(false);
        let verify = config.verify.unwrap_or(true) && !insecure;
        let ca_file = config.cacert.as_deref().filter(|path| !path.is_empty() && verify).map(expand_home);
        if let Some(path) = &ca_file {
            read_certificates(name, path)?;
        }

        let first_of_regions =
            || {
                let first = option("regions")?.into_array().ok()?.into_iter().next()?;
                // A region is a name, or a map with a name and values of its own.
                first.clone().into_string().ok().or_else(|| {
                    first.into_table().ok()?.remove("name").and_then(|name| name.into_string().ok())
                })
            };
        let region =
            overrides.region.clone().or_else(|| config.region_name.clone()).or_else(first_of_regions);
        let interface =
            overrides.interface.clone().or_else(|| text("endpoint_type")).or(config.interface.clone());
        // `internalURL` is how the type was called before keystone v3.
        let interface =
            interface.map_or_else(|| "public".into(), |name| name.trim_end_matches("URL").to_owned());
        if !matches!(interface.as_str(), "public" | "internal" | "admin") {
            return Err(bad("interface", format!("{interface:?} is none of public, internal, admin")));
        }

        let endpoint_overrides = config
            .options
            .iter()
            .filter_map(|(key, value)| {
                let service = endpoint::official(key.strip_suffix("_endpoint_override")?)?;
                Some((service, value.clone().into_string().ok()?))
            })
            .collect();

        Ok(CloudConfig {
            name: name.to_owned(),
            auth_url: identity.url,
            region: region.filter(|region| !region.is_empty()),
            interface,
            verify,
            ca_file,
            endpoint_overrides,
            login,
        })
    }

    /// The same cloud for somebody else.
    pub(super) fn with_login(&self, login: Login) -> Self {
        CloudConfig { login, ..self.clone() }
    }

    /// The name of the cloud.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where keystone answers, without credentials.
    pub fn auth_url(&self) -> String {
        links::public(&self.auth_url)
    }

    /// The region, if one was chosen.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The interface that is used: `public`, `internal` or `admin`.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// Whether certificates are verified.
    pub fn verifies_certificates(&self) -> bool {
        self.verify
    }

    /// The file with additional certificates to trust, if one is set.
    pub(crate) fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// The cloud as reports name it.
    pub fn subject(&self) -> Subject {
        Subject { cloud: self.name.clone(), auth_url: Some(self.auth_url()), region: self.region.clone() }
    }

    /// Where the user wants a service to be asked instead of where the catalog says.
    pub(crate) fn endpoint_override(&self, service: &str) -> Option<&str> {
        self.endpoint_overrides.get(service).map(String::as_str)
    }

    /// The base URL of keystone.
    pub(crate) fn identity_url(&self) -> &Url {
        &self.auth_url
    }

    /// How to get a token.
    pub(crate) fn login(&self) -> &Login {
        &self.login
    }

    /// The additional certificates to trust.
    /// The file of certification authorities, for who reads it by other means than [`Self::certificates`].
    pub(crate) fn authorities(&self) -> Vec<Vec<u8>> {
        self.ca_file.iter().filter_map(|path| std::fs::read(path).ok()).collect()
    }

    pub(crate) fn certificates(&self) -> Result<Vec<reqwest::Certificate>, ConfigError> {
        self.ca_file.as_ref().map_or(Ok(Vec::new()), |path| read_certificates(&self.name, path))
    }
}

fn sorted_names(config: &sdk::ConfigFile) -> Vec<String> {
    let mut names = config.get_available_clouds();
    names.sort();
    names
}

fn profile_hint(config: &sdk::CloudConfig) -> String {
    match &config.profile {
        Some(profile) => format!(
            "; it refers to the profile {profile:?}, which no clouds-public.yaml defines with such a value"
        ),
        None => String::new(),
    }
}

fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

fn read_certificates(cloud: &str, path: &PathBuf) -> Result<Vec<reqwest::Certificate>, ConfigError> {
    let unusable =
        |message: String| ConfigError::CaFile { cloud: cloud.to_owned(), path: path.clone(), message };
    let pem = fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let certificates =
        reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| unusable(error.to_string()))?;
    if certificates.is_empty() {
        return Err(unusable("it holds no certificate in PEM form".into()));
    }
    Ok(certificates)
}
