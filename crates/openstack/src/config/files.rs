use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use openstack_sdk_core::config as sdk;
use serde::Deserialize;
use serde_json::Value;

use super::ConfigError;
use super::login::Values;

/// The files as far as the SDK drops what it does not know.
#[derive(Deserialize, Default)]
pub(super) struct Sections {
    clouds: Option<BTreeMap<String, Option<Section>>>,
    #[serde(rename = "public-clouds")]
    profiles: Option<BTreeMap<String, Option<Section>>>,
}

#[derive(Deserialize)]
struct Section {
    auth: Option<BTreeMap<String, Value>>,
}

/// The files that configure clouds: at most one of each kind, the first that is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigFiles {
    /// `clouds.yaml`.
    pub clouds: Option<PathBuf>,
    /// `secure.yaml`, whose values are added to those of `clouds.yaml`.
    pub secure: Option<PathBuf>,
    /// `clouds-public.yaml`, which defines the profiles that clouds refer to.
    pub profiles: Option<PathBuf>,
    /// Where `clouds.yaml` was looked for.
    pub looked_in: Vec<PathBuf>,
}

impl ConfigFiles {
    /// Looks where python-openstackclient does: `OS_CLIENT_CONFIG_FILE` and `OS_CLIENT_SECURE_FILE` name exactly
    /// one file; else `OS_CLIENT_CONFIG_PATH`, the working directory, `~/.config/openstack`, `/etc/openstack`.
    pub fn find() -> Self {
        let mut files = ConfigFiles::default();
        let named: Vec<PathBuf> = sdk::find_config_files_specified_in_env().into_iter().collect();
        let first_named = |prefix: &str| named.iter().find(|path| stem(path) == prefix).cloned();
        files.profiles = first_named("clouds-public").or_else(sdk::find_vendor_file);
        files.secure =
            exactly("OS_CLIENT_SECURE_FILE").or_else(|| first_named("secure")).or_else(sdk::find_secure_file);
        if let Some(path) = exactly("OS_CLIENT_CONFIG_FILE") {
            files.looked_in.push(path.clone());
            files.clouds = Some(path);
            return files;
        }
        files.clouds = named
            .iter()
            .find(|path| !matches!(stem(path), "secure" | "clouds-public"))
            .cloned()
            .or_else(sdk::find_clouds_file);
        files.looked_in = search_path();
        files
    }

    /// Reads the files into one configuration.
    pub(super) fn read(&self) -> Result<sdk::ConfigFile, ConfigError> {
        let Some(clouds) = &self.clouds else {
            return Err(ConfigError::NoCloudsFile { looked_in: self.looked_in.clone() });
        };
        let mut builder = sdk::ConfigFile::builder();
        // Later files win where both have a value.
        for path in [self.profiles.as_ref(), Some(clouds), self.secure.as_ref()].into_iter().flatten() {
            let text = fs::read_to_string(path)
                .map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
            if text.trim().is_empty() && path != clouds {
                continue;
            }
            builder = builder.add_source(path).map_err(|error| invalid(path, &error))?;
        }
        builder.build().map_err(|error| invalid(clouds, &error))
    }

    /// The files as far as the SDK drops what it does not know. The SDK has told already what is wrong with a file, so
    /// one that is no use adds nothing here.
    pub(super) fn sections(&self) -> Vec<Sections> {
        let files = [&self.profiles, &self.clouds, &self.secure].into_iter().flatten();
        let read = files.map(|path| {
            let text = fs::read_to_string(path).unwrap_or_default();
            // What the parser says could show a secret of the file.
            serde_saphyr::from_str(&text).unwrap_or_else(|_| {
                tracing::debug!(path = %path.display(), "values that the SDK does not know are not read");
                Sections::default()
            })
        });
        read.collect()
    }
}

/// The plain values of a cloud's `auth` section and of its profile's, known to the SDK or not.
pub(super) fn unread(all: &[Sections], cloud: &str, profile: Option<&str>) -> Values {
    let (mut values, mut own) = (Values::new(), Values::new());
    for sections in all {
        let of = |map: &Option<BTreeMap<String, Option<Section>>>, name: &str| {
            let section = map.as_ref()?.get(name)?.as_ref()?;
            Some(plain(section))
        };
        values.extend(profile.and_then(|name| of(&sections.profiles, name)).into_iter().flatten());
        own.extend(of(&sections.clouds, cloud).into_iter().flatten());
    }
    values.extend(own);
    values
}

fn plain(section: &Section) -> Vec<(String, String)> {
    let values = section.auth.iter().flatten().filter_map(|(name, value)| match value {
        Value::String(text) => Some((name.clone(), text.clone())),
        Value::Number(_) | Value::Bool(_) => Some((name.clone(), value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    });
    values.collect()
}

fn exactly(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

/// The places as the messages show them; the library that searches them does not tell.
fn search_path() -> Vec<PathBuf> {
    let mut places = Vec::new();
    if let Some(paths) = env::var_os("OS_CLIENT_CONFIG_PATH") {
        places.extend(paths.to_string_lossy().split(':').filter(|part| !part.is_empty()).map(PathBuf::from));
    }
    if let Ok(directory) = env::current_dir() {
        places.push(directory.join("clouds.yaml"));
    }
    let home = env::var_os("HOME").map(PathBuf::from);
    let config = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    for directory in [config, home.map(|home| home.join(".config"))].into_iter().flatten() {
        let place = directory.join("openstack/clouds.yaml");
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.push(PathBuf::from("/etc/openstack/clouds.yaml"));
    places
}

fn invalid(path: &Path, error: &sdk::ConfigFileBuilderError) -> ConfigError {
    use sdk::ConfigFileBuilderError as Sdk;
    let message = match error {
        Sdk::FileParse { source, .. }
        | Sdk::ConfigDeserialize { source, .. }
        | Sdk::ConfigBuild { source } => source.to_string(),
        other => other.to_string(),
    };
    ConfigError::Invalid { path: path.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_the_sdk_drops_come_from_all_files_the_cloud_before_its_profile() {
        let directory = tempfile::TempDir::new().unwrap();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            Some(path)
        };
        let mut files = ConfigFiles {
            profiles: file(
                "p.yaml",
                "public-clouds: {p: {auth: {default_domain_id: d0, trust_id: t0}}, q: null}",
            ),
            clouds: file(
                "c.yaml",
                "clouds: {c: {auth: {default_domain_id: d1, port: 7}}, d: null, e: {auth: null}}",
            ),
            secure: file("s.yaml", "clouds: {c: {auth: {passcode: '01', nested: {a: b}}}}"),
            looked_in: Vec::new(),
        };
        let values = |files: &ConfigFiles, cloud: &str, profile: Option<&str>| {
            unread(&files.sections(), cloud, profile)
                .into_iter()
                .map(|(name, value)| name + "=" + &value)
                .collect::<Vec<_>>()
        };
        let own = ["default_domain_id=d1", "passcode=01", "port=7"];
        assert_eq!(values(&files, "c", None), own);
        assert_eq!(values(&files, "c", Some("p")), [&own[..], &["trust_id=t0"]].concat());
        for (cloud, profile) in [("d", "q"), ("e", "none"), ("f", "q")] {
            assert!(values(&files, cloud, Some(profile)).is_empty(), "{cloud}");
        }
        files.secure = file("s.yaml", "clouds: [");
        assert_eq!(values(&files, "c", None), ["default_domain_id=d1", "port=7"]);
    }
}
