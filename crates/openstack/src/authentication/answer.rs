//! What keystone says about a token, read with leniency: operators write the catalog by hand.

use assay_inventory::{ApplicationCredential, CatalogEndpoint, CatalogService, Project, Token};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use crate::links;

/// Reads the body of an answer to a request for a token.
pub(super) fn read(body: &[u8]) -> Result<Token, serde_json::Error> {
    serde_json::from_slice::<Answer>(body).map(|answer| token(answer.token))
}

#[derive(Deserialize)]
struct Answer {
    token: Info,
}

#[derive(Deserialize)]
struct Info {
    user: Named,
    project: Option<Named>,
    domain: Option<Named>,
    #[serde(default, deserialize_with = "readable")]
    roles: Vec<Named>,
    #[serde(default, deserialize_with = "text")]
    expires_at: String,
    application_credential: Option<Credential>,
    #[serde(default, deserialize_with = "readable")]
    catalog: Vec<Service>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default, deserialize_with = "text")]
    id: String,
    #[serde(default, deserialize_with = "text")]
    name: String,
}

#[derive(Deserialize)]
struct Credential {
    #[serde(flatten)]
    named: Named,
    restricted: Option<bool>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(rename = "type", default, deserialize_with = "text")]
    kind: String,
    #[serde(default, deserialize_with = "text")]
    name: String,
    #[serde(default, deserialize_with = "readable")]
    endpoints: Vec<Place>,
}

#[derive(Deserialize)]
struct Place {
    #[serde(default, deserialize_with = "text")]
    interface: String,
    #[serde(default, deserialize_with = "text")]
    region: String,
    #[serde(default, deserialize_with = "text")]
    url: String,
}

/// Text; anything else as the JSON that it is, and nothing for null.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    })
}

/// The items of a list that have the right shape.
fn readable<'de, D: Deserializer<'de>, T: for<'a> Deserialize<'a>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let Value::Array(items) = Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    Ok(items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect())
}

fn token(info: Info) -> Token {
    let place = |place: Place| CatalogEndpoint {
        interface: place.interface,
        region: Some(place.region).filter(|region| !region.is_empty()),
        url: without_credentials(place.url),
    };
    let service = |service: Service| CatalogService {
        service_type: service.kind,
        name: service.name,
        endpoints: service.endpoints.into_iter().map(place).collect(),
    };
    Token {
        user: info.user.name,
        user_id: info.user.id,
        project: info.project.map(|project| Project { id: project.id, name: project.name }),
        domain: info.domain.map(|domain| domain.id),
        roles: info.roles.into_iter().map(|role| role.name).collect(),
        expires_at: info.expires_at.parse().ok(),
        application_credential: info.application_credential.map(|credential| ApplicationCredential {
            id: credential.named.id,
            name: credential.named.name,
            restricted: credential.restricted.unwrap_or_default(),
        }),
        catalog: info.catalog.into_iter().map(service).collect(),
    }
}

/// The URL as it is, without the credentials that it may carry.
fn without_credentials(url: String) -> String {
    match Url::parse(&url) {
        Ok(parsed) if !parsed.username().is_empty() || parsed.password().is_some() => links::public(&parsed),
        Ok(_) => url,
        // It is kept for the reader, but what stands before the last `@` could be a password.
        Err(_) => match (url.find("://"), url.rfind('@')) {
            (Some(scheme), Some(at)) if scheme < at => format!("{}{}", &url[..scheme + 3], &url[at + 1..]),
            (_, Some(at)) => url[at + 1..].to_owned(),
            (_, None) => url,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_the_catalog_are_taken_out_and_nothing_else() {
        for (url, kept) in [
            ("https://api.example.com/v3/", "https://api.example.com/v3/"),
            ("https://me:secret@api.example.com/v3/", "https://api.example.com/v3/"),
            (
                "https://api.example.com:port/v3/$(tenant_id)s",
                "https://api.example.com:port/v3/$(tenant_id)s",
            ),
            ("https://me:secret@api.example.com:port", "https://api.example.com:port"),
            ("//me:secret@api.example.com", "api.example.com"),
            ("not a url", "not a url"),
            ("", ""),
        ] {
            assert_eq!(without_credentials(url.into()), kept, "{url}");
        }
    }

    #[test]
    fn a_careless_catalog_is_read_as_far_as_it_goes() {
        let body =
            br#"{"token": {"user": {"name": "u", "id": null}, "project": null, "roles": [{"name": "r"}, 7],
            "expires_at": "soon", "catalog": [
                {"type": "a", "name": null, "endpoints": null},
                {"type": "b", "endpoints": [{"interface": "public", "region": null, "url": null}, "x"]},
                "nonsense",
                {"endpoints": [{"interface": "public", "region": "", "url": 7}]}
            ]}}"#;
        let token = read(body).unwrap();
        assert_eq!((token.user.as_str(), token.expires_at, token.project), ("u", None, None));
        assert_eq!(token.roles, ["r"]);
        let endpoint =
            |url: &str| CatalogEndpoint { interface: "public".into(), region: None, url: url.into() };
        let found: Vec<_> =
            token.catalog.into_iter().map(|entry| (entry.service_type, entry.endpoints)).collect();
        let expected = [("a", vec![]), ("b", vec![endpoint("")]), ("", vec![endpoint("7")])]
            .map(|(kind, at)| (kind.to_owned(), at));
        assert_eq!(found, expected);
        assert!(read(br#"{"token": {}}"#).is_err());
        assert!(read(b"<html></html>").is_err());
    }
}
