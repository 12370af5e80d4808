use assay_inventory::Unavailable;
use assay_openstack::Session;
use http::Method;
use serde_json::{Value, json};

/// What is sent to cinder and neutron to carry a repair out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A volume type gets another description.
    Describe {
        /// Its id.
        volume_type: String,
        /// The description.
        description: String,
    },
    /// New security groups get one more rule.
    AddDefaultRule {
        /// The rule, as neutron takes it.
        rule: Value,
    },
    /// New security groups do not get a rule any more.
    RemoveDefaultRule {
        /// Its id.
        rule: String,
    },
}

/// Where neutron keeps the rules of new groups.
const RULES: &str = "default-security-group-rules";

impl Step {
    pub(crate) async fn perform(&self, session: &Session) -> Result<(), Unavailable> {
        match self {
            Step::Describe { volume_type, description } => {
                let endpoint = session.endpoint("block-storage")?;
                let body = json!({"volume_type": {"description": description}});
                session.send(&endpoint, Method::PUT, &["types", volume_type], &[], Some(&body)).await?;
            }
            Step::AddDefaultRule { rule } => {
                let endpoint = session.endpoint("network")?;
                let body = json!({"default_security_group_rule": rule});
                session.send(&endpoint, Method::POST, &[RULES], &[], Some(&body)).await?;
            }
            Step::RemoveDefaultRule { rule } => {
                let endpoint = session.endpoint("network")?;
                match session.send(&endpoint, Method::DELETE, &[RULES, rule], &[], None).await {
                    Err(why) if why.status == Some(404) => {}
                    other => drop(other?),
                }
            }
        }
        Ok(())
    }
}
