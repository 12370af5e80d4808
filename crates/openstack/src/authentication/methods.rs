//! Who asks for a token, and how that is proved: the `identity` part of the request.

use assay_inventory::Unavailable;
use serde_json::{Map, Value, json};

use super::{needed, unusable};
use crate::config::{Login, Method, Whose};

/// The methods, each with its proof.
pub(super) fn identity(login: &Login, methods: &[Method]) -> Result<Value, Unavailable> {
    let mut identity = Map::new();
    let names: Vec<&str> = methods.iter().map(|method| method.name()).collect();
    identity.insert("methods".into(), json!(names));
    for method in methods {
        identity.insert(method.name().into(), proof(login, *method)?);
    }
    Ok(identity.into())
}

fn proof(login: &Login, method: Method) -> Result<Value, Unavailable> {
    let way = method.name().replace('_', " ");
    let secret = |name: &str| needed(login.get(name), &way, name);
    match method {
        Method::Password => {
            let password = secret("password")?;
            Ok(json!({"user": user(login, &way, Some(("password", password)))?}))
        }
        Method::Totp => {
            let passcode = secret("passcode")?;
            Ok(json!({"user": user(login, &way, Some(("passcode", passcode)))?}))
        }
        Method::Token => Ok(json!({"id": secret("token")?})),
        Method::ApplicationCredential => {
            let mut credential = json!({"secret": secret("application_credential_secret")?});
            if let Some(id) = login.get("application_credential_id") {
                credential["id"] = id.into();
            } else {
                let what = "application_credential_id or application_credential_name";
                credential["name"] = needed(login.get("application_credential_name"), &way, what)?.into();
                credential["user"] = user(login, &way, None)?;
            }
            Ok(credential)
        }
    }
}

/// The user by id, else by name and domain, with the secret that belongs to it.
fn user(login: &Login, way: &str, secret: Option<(&str, &str)>) -> Result<Value, Unavailable> {
    let mut user = if let Some(id) = login.get("user_id") {
        json!({"id": id})
    } else {
        let name = needed(login.get("username"), way, "user_id or username")?;
        let domain = login.domain(Whose::User).ok_or_else(|| {
            let what = "user_domain_id or user_domain_name with username";
            unusable(&format!("authentication by {way} needs {what}"))
        })?;
        json!({"name": name, "domain": domain})
    };
    if let Some((name, secret)) = secret {
        user[name] = secret.into();
    }
    Ok(user)
}
