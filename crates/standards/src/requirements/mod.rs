//! The requirement tables: what the standards demand in figures and names, as dated data under `data/`.

mod image_metadata;
mod integrators;
mod releases;
mod scheme;
#[cfg(test)]
mod scope_ids;
mod services;
mod standard_flavors;
mod standard_images;
mod status;
mod table;
mod tls_profiles;
mod volume_types;

pub use image_metadata::{Accepts, Demanded, ImageMetadata, Property, ReplaceFrequency};
pub use integrators::{Counts, Environment, Evidence, Held, Integrators, Layer, Least, Tier};
pub use releases::{Distribution, Due, Release, Releases};
pub use scheme::Scheme;
pub use services::{S3Signs, ServiceLists, ServiceTestcase, Services};
pub use standard_flavors::{DiskDemand, StandardFlavor, StandardFlavors};
pub use standard_images::{
    CapiRule, ImageSpec, ImageTestcase, ImagesByProperty, ReleaseRule, SpecifiedImage, StandardImages, Vendor,
};
pub use status::Status;
pub use table::DocumentVersion;
pub use tls_profiles::{TlsCertificateRule, TlsProfile, TlsProfiles};
pub use volume_types::{Aspect, VolumeTypes};
