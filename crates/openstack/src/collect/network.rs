use assay_inventory::{FactId, Network, Record, SecurityGroupRule, SubnetPool, Unavailable};
use serde_json::Value;

use crate::Session;
use crate::listing::{Wish, object};

/// The rules that every new security group gets.
pub(super) async fn default_security_group_rules(
    session: &Session,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<SecurityGroupRule>, Unavailable> {
    let items = list(
        session,
        FactId::DefaultSecurityGroupRules,
        "default-security-group-rules",
        &[],
        ("default_security_group_rules", "default_security_group_rules_links"),
        progress,
    );
    Ok(items.await?.into_iter().map(SecurityGroupRule).collect())
}

/// The networks that can be the gateway of a router.
pub(super) async fn external_networks(
    session: &Session,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Network>, Unavailable> {
    let query = [("router:external", "True")];
    let keys = ("networks", "networks_links");
    let items = list(session, FactId::ExternalNetworks, "networks", &query, keys, progress).await?;
    Ok(items.into_iter().map(Network).collect())
}

/// The pools from which projects draw address ranges.
pub(super) async fn subnet_pools(
    session: &Session,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<SubnetPool>, Unavailable> {
    let keys = ("subnetpools", "subnetpools_links");
    let items = list(session, FactId::SubnetPools, "subnetpools", &[], keys, progress).await?;
    Ok(items.into_iter().map(SubnetPool).collect())
}

/// How many floating IPs the project may have; -1 means any number.
pub(super) async fn floating_ip_quota(session: &Session) -> Result<i64, Unavailable> {
    let endpoint = session.endpoint("network")?;
    let url = endpoint.at(&["quotas", session.project_id()?]);
    let reply = session.get(Some(FactId::FloatingIpQuota), &endpoint, url, &[]).await?;
    let body = object(&reply)?;
    body.get("quota")
        .and_then(|quota| quota.get("floatingip"))
        .and_then(Value::as_i64)
        .ok_or_else(|| reply.malformed("the answer holds no quota for floating IPs"))
}

async fn list(
    session: &Session,
    fact: FactId,
    path: &str,
    query: &[(&str, &str)],
    (key, links_key): (&str, &str),
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Record>, Unavailable> {
    let endpoint = session.endpoint("network")?;
    let wish = Wish {
        fact: Some(fact),
        endpoint: &endpoint,
        path: &[path],
        query,
        headers: &[],
        key,
        links_key,
        progress,
    };
    Ok(session.list(&wish).await?.items)
}
