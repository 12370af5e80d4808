//! What can be wrong with the configuration of domain managers, and where.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::ConfigError;

/// Why a configuration of domain managers cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DomainManagerError {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something in it is wrong.
    #[error("{}:{line}:{column}: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column, from 1, in characters.
        column: u64,
        /// What is wrong.
        problem: Box<DomainManagerProblem>,
    },
}

/// What is wrong with a configuration of domain managers.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DomainManagerProblem {
    /// The text is no YAML.
    #[error("the file is no valid YAML from here on (a value with special characters needs quotes)")]
    Syntax,
    /// The file is larger than any such file needs to be.
    #[error("the file has {bytes} bytes, more than {most}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// A value of another shape.
    #[error("{key} must be {expected}, not {found}")]
    WrongType {
        /// The key, or what else stands there.
        key: String,
        /// The shape that it must have.
        expected: &'static str,
        /// The shape that it has.
        found: &'static str,
    },
    /// A key that stands twice in the same map.
    #[error("{key} is given a second time; the first one is in line {first}")]
    Repeated {
        /// The key.
        key: String,
        /// The line of the first.
        first: u64,
    },
    /// A key that is needed.
    #[error("{key} is missing{hint}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What it is for.
        hint: &'static str,
    },
    /// Fewer than two domains.
    #[error("at least two domains are needed to see that a manager does not reach beyond its own, but there {}", are(*.count))]
    TooFew {
        /// How many there are.
        count: usize,
    },
    /// The same domain again.
    #[error("domain {name:?} is listed twice")]
    SameDomain {
        /// Its name.
        name: String,
    },
    /// Both ways to say how the manager logs in.
    #[error("a domain has either manager or cloud, not both")]
    TwoLogins,
    /// An application credential, which cannot be scoped to a domain.
    #[error(
        "an application credential cannot be used here: it is scoped to a project, and a domain manager works with a \
         token of the domain; use a password, a passcode (TOTP) or a token"
    )]
    ApplicationCredential,
    /// An entry of clouds.yaml that leads to no token of a domain.
    #[error(
        "cloud {cloud:?} gives no token of a domain; it must have domain_name or domain_id, and no project, system or trust"
    )]
    NoDomainScope {
        /// Name of the cloud.
        cloud: String,
    },
    /// An entry of clouds.yaml for a domain of another name.
    #[error("cloud {cloud:?} is for domain {actual:?}, not {named:?}")]
    OtherDomain {
        /// Name of the cloud.
        cloud: String,
        /// The domain that it has.
        actual: String,
        /// The domain that the file says.
        named: String,
    },
    /// An entry of clouds.yaml that leads to another keystone.
    #[error("cloud {cloud:?} logs in at {actual}, but the cloud to be checked does so at {wanted}")]
    OtherKeystone {
        /// Name of the cloud.
        cloud: String,
        /// Where it logs in.
        actual: String,
        /// Where the cloud that is checked does.
        wanted: String,
    },
    /// An entry of clouds.yaml that cannot be used.
    #[error(transparent)]
    Cloud(#[from] ConfigError),
}

fn are(count: usize) -> String {
    match count {
        0 => "are none".into(),
        1 => "is only one".into(),
        more => format!("are {more}"),
    }
}

/// A key that is not known and therefore ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainManagerNote {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1, in characters.
    pub column: u64,
    /// The key.
    pub key: String,
    /// The known key that may be meant.
    pub suggestion: Option<String>,
}

impl fmt::Display for DomainManagerNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, key) = (self.path.display(), &self.key);
        write!(f, "{path}:{}:{}: the key {key:?} is not known and ignored", self.line, self.column)?;
        match &self.suggestion {
            Some(name) => write!(f, " (did you mean {name:?}?)"),
            None => Ok(()),
        }
    }
}
