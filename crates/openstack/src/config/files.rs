use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use openstack_sdk::config as sdk;

use super::ConfigError;

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
