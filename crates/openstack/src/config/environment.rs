//! The `OS_*` variables as a cloud: each is a value, with its name in lower case.

use std::env;

use openstack_sdk_core::config as sdk;
use serde_json::{Map, Value, json};

use super::ConfigError;

/// The cloud that the variables make; empty ones count as not set, since `openrc` files set many to nothing.
pub(super) fn cloud() -> Result<sdk::CloudConfig, ConfigError> {
    let mut fields = Map::new();
    for (name, value) in env::vars_os() {
        let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) else { continue };
        if let Some(name) = name.strip_prefix("OS_").filter(|_| !value.is_empty()) {
            let name = name.to_ascii_lowercase();
            if let Some(value) = read(&name, value)? {
                fields.insert(name, value);
            }
        }
    }
    // Whatever belongs into this section is found at the top level.
    fields.insert("auth".into(), json!({}));
    serde_json::from_value(fields.into()).map_err(|error| ConfigError::Environment(error.to_string()))
}

/// The value in the form that the field of that name has; none if it is of no use here.
fn read(name: &str, value: String) -> Result<Option<Value>, ConfigError> {
    Ok(match name {
        "auth_methods" => Some(value.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()),
        "verify" => Some(match value.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => true.into(),
            "0" | "false" | "no" | "off" => false.into(),
            _ => return Err(ConfigError::Environment(format!("OS_VERIFY is {value:?}, not true or false"))),
        }),
        "auth_cache" => None,
        _ => Some(value.into()),
    })
}
