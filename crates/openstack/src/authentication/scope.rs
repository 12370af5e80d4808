//! What a token is to be good for: the `scope` part of the request.

use assay_inventory::Unavailable;
use serde_json::{Value, json};

use super::unusable;
use crate::config::{AuthType, Login, Method, Whose};

/// The scope that the configuration names. Without one, keystone takes the default project of the user.
pub(super) fn scope(login: &Login) -> Result<Option<Value>, Unavailable> {
    // An application credential has the scope that it was made with, and keystone takes no other.
    if login.kind == AuthType::Methods(vec![Method::ApplicationCredential]) {
        return Ok(None);
    }
    let project = project(login)?.map(|project| ("project", json!({"project": project})));
    // With a project, these name the domain of user and project instead.
    let domain = login
        .by_id_or_name("domain_id", "domain_name")
        .filter(|_| !login.wants_project())
        .map(|domain| ("domain", json!({"domain": domain})));
    let system = match login.get("system_scope") {
        None => None,
        Some("all") => Some(("system", json!({"system": {"all": true}}))),
        Some(other) => return Err(unusable(&format!("system_scope can only be \"all\", not {other:?}"))),
    };
    let trust = login.get("trust_id").map(|id| ("trust", json!({"OS-TRUST:trust": {"id": id}})));
    let nothing = login
        .get("unscoped")
        .filter(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "1"))
        .map(|_| ("nothing", json!("unscoped")));
    let mut scopes: Vec<(&str, Value)> =
        [project, domain, system, trust, nothing].into_iter().flatten().collect();
    if scopes.len() > 1 {
        let names: Vec<&str> = scopes.iter().map(|(name, _)| *name).collect();
        return Err(unusable(&format!("a token has one scope, but several are set: {}", names.join(", "))));
    }
    Ok(scopes.pop().map(|(_, scope)| scope))
}

fn project(login: &Login) -> Result<Option<Value>, Unavailable> {
    if let Some(id) = login.get("project_id") {
        return Ok(Some(json!({"id": id})));
    }
    let Some(name) = login.get("project_name") else { return Ok(None) };
    let domain = login
        .domain(Whose::Project)
        .ok_or_else(|| unusable("project_name needs project_domain_id or project_domain_name with it"))?;
    Ok(Some(json!({"name": name, "domain": domain})))
}
