use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why there is no usable configuration of a cloud.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Neither an argument nor the environment names a cloud.
    #[error(
        "no cloud was chosen: name one, on the command line or in OS_CLOUD, or set OS_AUTH_URL and the other OS_* variables"
    )]
    NoCloudChosen,
    /// No `clouds.yaml` anywhere.
    #[error("no clouds.yaml was found; looked for {}", list(looked_in))]
    NoCloudsFile {
        /// The paths that were tried.
        looked_in: Vec<PathBuf>,
    },
    /// A file that is there, but cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that is no YAML, or whose content has the wrong shape.
    #[error("{} is not valid: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column where known.
        message: String,
    },
    /// A name that the files do not define.
    #[error("there is no cloud {name:?} in {}{}; it has: {}", path.display(), did_you_mean(suggestion.as_deref()), names(known))]
    UnknownCloud {
        /// The name that was asked for.
        name: String,
        /// The file that was read.
        path: PathBuf,
        /// The clouds that it defines, sorted.
        known: Vec<String>,
        /// The one that may be meant.
        suggestion: Option<String>,
    },
    /// A value that is needed.
    #[error("cloud {cloud:?} has no {field}{hint}")]
    Missing {
        /// The cloud.
        cloud: String,
        /// The field that is missing.
        field: &'static str,
        /// Where it could come from.
        hint: String,
    },
    /// A value that makes no sense.
    #[error("cloud {cloud:?}: {field} is not usable: {message}")]
    BadValue {
        /// The cloud.
        cloud: String,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// A way to authenticate that is not supported.
    #[error("cloud {cloud:?}: auth_type {auth_type:?} is not supported{hint}; supported are {}", supported.join(", "))]
    UnsupportedAuthType {
        /// The cloud.
        cloud: String,
        /// What the configuration says.
        auth_type: String,
        /// What it may say.
        supported: &'static [&'static str],
        /// Why it is not, and what to do instead, where there is more to say.
        hint: &'static str,
    },
    /// A CA file that is not there or holds no certificate.
    #[error("cloud {cloud:?}: the CA file {} cannot be used: {message}", path.display())]
    CaFile {
        /// The cloud.
        cloud: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// OS_* variables that make no configuration.
    #[error("the OS_* variables make no configuration: {0}")]
    Environment(String),
}

fn list(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    shown.join(", ")
}

fn names(known: &[String]) -> String {
    if known.is_empty() { "no clouds".into() } else { known.join(", ") }
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|name| format!(" (did you mean {name:?}?)")).unwrap_or_default()
}
