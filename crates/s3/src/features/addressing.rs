//! Where the name of the bucket stands in the URL.

use std::net::{IpAddr, SocketAddr};

use assay_inventory::S3FeatureState;
use tokio::net::lookup_host;
use url::{Host, Url};

use crate::answer::{Finding, Outcome, Step as _, Trouble, clean};
use crate::attempt::{Attempt, content, same};
use crate::client::{Style, client};
use crate::http::Http;

pub(super) async fn path(a: &Attempt) -> Outcome {
    let key = "path/object";
    a.put(&a.main, key, b"by path").await?;
    a.expect(&a.main, key, b"by path", "read it by path").await?;
    Ok("written and read".to_owned())
}

/// How bucket names before the host name are reached.
struct Route {
    /// The endpoint by its name.
    endpoint: Url,
    /// Host name of the bucket.
    host: String,
    /// Where requests go.
    addresses: Vec<SocketAddr>,
    /// Whether clients elsewhere would get there too.
    is_in_dns: bool,
}

pub(super) async fn virtual_host(a: &Attempt) -> Outcome {
    let key = "virtual-host/object";
    a.put(&a.main, key, b"by host").await?;
    let route = route(a).await?;
    let host = &route.host;
    let http = Http::resolving(&a.target.access, &a.target.settings, host, &route.addresses)
        .map_err(|error| Finding::not_tried(error.to_string()))?;
    let s3 = client(&a.target.access, &a.target.region, &route.endpoint, Style::VirtualHost, &http);
    let got = match s3.get_object().bucket(&a.main).key(key).send().await.told() {
        Ok(got) => got,
        Err(Trouble::Silence(why)) if !route.is_in_dns => {
            return Err(Finding::absent(format!(
                "{host} has no address in DNS, and the server is silent: {why}"
            )));
        }
        Err(trouble) if trouble.is_refusal() => {
            let detail = format!("the host {host} is not understood as a bucket: {trouble}");
            return Err(Finding::settled(S3FeatureState::Absent, detail, &trouble));
        }
        Err(trouble) => return Err(Finding::failed(&format!("read it from {host}"), &trouble)),
    };
    let body = content(got.body).await.step("read it by host name")?;
    same(&body, b"by host", "read it by host name")?;
    if !route.is_in_dns {
        let detail = format!("the server understands {host}, but the name has no address in DNS");
        return Err(Finding::broken(detail));
    }
    Ok(format!("read from {host}"))
}

async fn route(a: &Attempt) -> Result<Route, Finding> {
    let mut endpoint = a.target.access.endpoint.clone();
    let port = endpoint.port_or_known_default().unwrap_or(443);
    let loopback = |address: &IpAddr| address.is_loopback();
    let address = match endpoint.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => None,
    };
    let name = match (address, endpoint.domain()) {
        (None, Some(name)) => name.trim_end_matches('.').to_owned(),
        // The one name that all know for these.
        (Some(address), _) if loopback(&address) => "localhost".to_owned(),
        _ => {
            return Err(Finding::not_tried(
                "the endpoint is given by its address, which a bucket cannot stand before: give its name",
            ));
        }
    };
    let host = format!("{}.{name}", a.main);
    let own = match address {
        Some(address) => vec![SocketAddr::new(address, port)],
        None => lookup_host((name.as_str(), port))
            .await
            .map_err(|error| {
                Finding::not_tried(format!("{name} cannot be resolved: {}", clean(&error.to_string())))
            })?
            .collect(),
    };
    endpoint
        .set_host(Some(&name))
        .map_err(|error| Finding::not_tried(format!("{name} cannot be a host: {error}")))?;
    // On loopback there is no DNS to miss an entry in.
    if own.iter().all(|address| loopback(&address.ip())) {
        return Ok(Route { endpoint, host, addresses: own, is_in_dns: true });
    }
    let found: Vec<SocketAddr> = match lookup_host((host.as_str(), port)).await {
        Ok(found) => found.collect(),
        Err(_) => Vec::new(),
    };
    let is_in_dns = !found.is_empty();
    Ok(Route { endpoint, host, addresses: if is_in_dns { found } else { own }, is_in_dns })
}
