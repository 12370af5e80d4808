//! The configuration of a cloud, as the users of python-openstackclient know it.

mod cloud;
mod error;
mod files;
mod suggest;

pub use cloud::{CloudConfig, Overrides};
pub use error::ConfigError;
pub use files::ConfigFiles;
