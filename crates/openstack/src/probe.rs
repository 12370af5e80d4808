//! Probes: facts that are had by creating things in the cloud and taking them down again.

mod domain_manager;
mod encrypted_volumes;
mod image_upload;
mod provider_network;
mod s3_features;
mod secret;
mod security_group;
mod virtual_machine;
mod volume_backup;
mod workshop;

pub use domain_manager::{DomainManagerRequest, DomainsCleaned, clean_up_domains, domain_managers};
pub(crate) use encrypted_volumes::encrypted_volumes;
pub(crate) use image_upload::image_upload;
pub(crate) use provider_network::provider_network_use;
pub(crate) use s3_features::s3_features;
pub(crate) use secret::secret_lifecycle;
pub(crate) use security_group::new_security_group;
pub(crate) use virtual_machine::virtual_machine;
pub(crate) use volume_backup::volume_backup;
pub(crate) use workshop::Bench;
