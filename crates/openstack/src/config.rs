//! The configuration of a cloud, as the users of python-openstackclient know it.

mod auth_type;
mod cloud;
mod domain_managers;
mod environment;
mod error;
mod files;
mod login;
mod suggest;

pub(crate) use auth_type::{AuthType, Method};
pub use cloud::{CloudConfig, Clouds, Overrides};
pub use domain_managers::{
    DomainManagerConfig, DomainManagerError, DomainManagerLogin, DomainManagerNote, DomainManagerProblem,
};
pub use error::ConfigError;
pub use files::ConfigFiles;
pub(crate) use login::{Login, Whose};
