use std::collections::BTreeSet;
use std::time::Duration;

use assay_inventory::{Reason, Unavailable};
use assay_openstack::{Session, wait_for};
use http::Method;
use serde_json::{Map, Value};
use url::Url;

use super::definition::{Build, Checksum};

/// What glance calls a patch.
const PATCH: (&str, &str) = ("content-type", "application/openstack-images-v2.1-json-patch");

/// How long glance may be busy with an image that is to go.
const TIDYING: Duration = Duration::from_secs(30);

/// What is sent to glance to carry an action out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An image is made, filled, verified, and shown only then.
    Import(Box<Import>),
    /// Fields of an image change, all at once.
    Patch {
        /// Its id.
        image: String,
        /// The operations of a JSON patch.
        patch: Vec<Value>,
    },
    /// An image can be used again, or no longer.
    SetActive {
        /// Its id.
        image: String,
        /// Whether it can be used.
        active: bool,
    },
    /// Projects may use an image, and others no longer.
    SetMembers {
        /// Its id.
        image: String,
        /// Who may use it from now on, by id.
        add: BTreeSet<String>,
        /// Who may not any more, by id.
        remove: BTreeSet<String>,
    },
    /// More stores of glance get the data of an image.
    Copy {
        /// Its id.
        image: String,
        /// All stores that must have them.
        stores: BTreeSet<String>,
    },
    /// An image goes.
    Delete {
        /// Its id.
        image: String,
    },
}

/// How an image comes to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The record under which it is filled: private, and marked as unfinished.
    pub record: Map<String, Value>,
    /// The patch that shows it once it is known to be what it should be.
    pub finish: Vec<Value>,
    /// Whether it can be used in the end.
    pub active: bool,
    /// The projects that may use it, by id.
    pub members: BTreeSet<String>,
    /// The stores that must have its data.
    pub stores: BTreeSet<String>,
    /// The smallest disk in GiB that its definition allows.
    pub min_disk: u64,
    /// Where its data are.
    pub origin: Origin,
    /// Images of earlier attempts, which go first.
    pub unfinished: Vec<String>,
}

/// Where the data of an image are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Where its makers publish them.
    pub url: Url,
    /// Where they are fetched from instead.
    pub mirror_url: Option<Url>,
    /// Where their digest is, if they have one.
    pub checksum: Option<Checksum>,
}

impl From<&Build> for Origin {
    fn from(build: &Build) -> Self {
        Origin {
            url: build.url.clone(),
            mirror_url: build.mirror_url.clone(),
            checksum: build.checksum.clone(),
        }
    }
}

/// Changes fields of an image.
pub(super) async fn patch(session: &Session, image: &str, patch: &[Value]) -> Result<Value, Unavailable> {
    let endpoint = session.endpoint("image")?;
    let body = Value::Array(patch.to_vec());
    session.send(&endpoint, Method::PATCH, &["images", image], &[PATCH], Some(&body)).await
}

/// Makes an image usable, or not.
pub(super) async fn set_active(session: &Session, image: &str, active: bool) -> Result<(), Unavailable> {
    let endpoint = session.endpoint("image")?;
    let action = if active { "reactivate" } else { "deactivate" };
    session.send(&endpoint, Method::POST, &["images", image, "actions", action], &[], None).await?;
    Ok(())
}

/// Deletes an image; one that is gone is well deleted. Glance refuses it, or fails, while it still tidies up after an
/// import.
pub(super) async fn delete(session: &Session, image: &str) -> Result<(), Unavailable> {
    let endpoint = session.endpoint("image")?;
    wait_for(TIDYING, "the image cannot be deleted", async || {
        match session.send(&endpoint, Method::DELETE, &["images", image], &[], None).await {
            Err(why) if why.status == Some(404) => Ok(Some(())),
            Err(why) if why.status == Some(409) => Err(Unavailable { reason: Reason::ServerError, ..why }),
            other => other.map(|_| Some(())),
        }
    })
    .await
}
