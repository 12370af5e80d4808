use std::collections::BTreeMap;

use assay_inventory::{Reason, Unavailable};
use assay_openstack::Session;
use http::Method;
use serde_json::{Value, json};

use super::definition::Definition;

/// From this microversion of compute on, flavors have descriptions.
const MICROVERSION: [(&str, &str); 2] =
    [("openstack-api-version", "compute 2.61"), ("x-openstack-nova-api-version", "2.61")];

/// One thing to do about a flavor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make it, with extra specs and access.
    Create(Box<Definition>),
    /// Give extra specs their values.
    SetExtraSpecs {
        /// Id of the flavor.
        flavor: String,
        /// The extra specs.
        specs: BTreeMap<String, String>,
    },
    /// Remove extra specs.
    UnsetExtraSpecs {
        /// Id of the flavor.
        flavor: String,
        /// Their keys.
        keys: Vec<String>,
    },
    /// Change the description.
    Describe {
        /// Id of the flavor.
        flavor: String,
        /// The new one.
        description: String,
    },
    /// Let projects use it, and others no longer.
    SetAccess {
        /// Id of the flavor.
        flavor: String,
        /// Ids of the projects that may use it from now on.
        grant: Vec<String>,
        /// Ids of those that may no longer.
        revoke: Vec<String>,
    },
    /// Delete it.
    Delete {
        /// Id of the flavor.
        flavor: String,
    },
}

impl Step {
    /// Carries it out. A step may be repeated after a failure.
    pub(crate) async fn perform(&self, session: &Session) -> Result<(), Unavailable> {
        let nova = Nova { session };
        match self {
            Step::Create(definition) => nova.create(definition).await,
            Step::SetExtraSpecs { flavor, specs } => nova.set_extra_specs(flavor, specs).await,
            Step::UnsetExtraSpecs { flavor, keys } => {
                for key in keys {
                    nova.delete(&["flavors", flavor, "os-extra_specs", key]).await?;
                }
                Ok(())
            }
            Step::Describe { flavor, description } => {
                let body = json!({"flavor": {"description": description}});
                nova.send(Method::PUT, &["flavors", flavor], Some(body)).await.map(drop)
            }
            Step::SetAccess { flavor, grant, revoke } => {
                for project in grant {
                    nova.access(flavor, "addTenantAccess", project).await?;
                }
                for project in revoke {
                    nova.access(flavor, "removeTenantAccess", project).await?;
                }
                Ok(())
            }
            Step::Delete { flavor } => nova.delete(&["flavors", flavor]).await,
        }
    }
}

struct Nova<'a> {
    session: &'a Session,
}

impl Nova<'_> {
    async fn create(&self, definition: &Definition) -> Result<(), Unavailable> {
        let mut flavor = json!({
            "name": definition.name, "vcpus": definition.vcpus, "ram": definition.ram_mib,
            "disk": definition.disk_gb, "OS-FLV-EXT-DATA:ephemeral": definition.ephemeral_gb,
            "swap": definition.swap_mib, "os-flavor-access:is_public": definition.public,
        });
        if let Some(id) = &definition.id {
            flavor["id"] = json!(id);
        }
        if let Some(description) = &definition.description {
            flavor["description"] = json!(description);
        }
        let made = self.send(Method::POST, &["flavors"], Some(json!({"flavor": flavor}))).await?;
        let id = made["flavor"]["id"].as_str().ok_or_else(|| {
            let message = format!("the answer holds no id of the flavor {}", definition.name);
            let endpoint = self.session.endpoint("compute").ok();
            let request = endpoint.map(|endpoint| format!("POST {}/flavors", endpoint.url));
            Unavailable { request, ..Unavailable::new(Reason::Malformed, message) }
        })?;
        if !definition.extra_specs.is_empty() {
            self.set_extra_specs(id, &definition.extra_specs).await?;
        }
        if !definition.public {
            for project in definition.access.iter().flatten() {
                self.access(id, "addTenantAccess", project).await?;
            }
        }
        Ok(())
    }

    async fn set_extra_specs(
        &self,
        flavor: &str,
        specs: &BTreeMap<String, String>,
    ) -> Result<(), Unavailable> {
        let body = json!({"extra_specs": specs});
        self.send(Method::POST, &["flavors", flavor, "os-extra_specs"], Some(body)).await.map(drop)
    }

    /// Grants or revokes; what is so already is no failure.
    async fn access(&self, flavor: &str, action: &str, project: &str) -> Result<(), Unavailable> {
        let body = json!({action: {"tenant": project}});
        match self.send(Method::POST, &["flavors", flavor, "action"], Some(body)).await {
            Err(why)
                if matches!(
                    (action, why.status),
                    ("addTenantAccess", Some(409)) | ("removeTenantAccess", Some(404))
                ) =>
            {
                Ok(())
            }
            other => other.map(drop),
        }
    }

    /// Deletes; what is gone already is no failure.
    async fn delete(&self, path: &[&str]) -> Result<(), Unavailable> {
        match self.send(Method::DELETE, path, None).await {
            Err(why) if why.status == Some(404) => Ok(()),
            other => other.map(drop),
        }
    }

    async fn send(&self, method: Method, path: &[&str], body: Option<Value>) -> Result<Value, Unavailable> {
        let endpoint = self.session.endpoint("compute")?;
        self.session.send(&endpoint, method, path, &MICROVERSION, body.as_ref()).await
    }
}
