use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use assay_inventory::{CatalogService, TlsEndpoint, TlsOutcome, TlsService};
use futures::stream::{StreamExt, iter};
use jiff::Timestamp;
use url::{Host, Url};

use crate::certificate::Trust;
use crate::probe::{probe_at, reach};
use crate::prober::CONNECTIONS;
use crate::{Settings, Target};

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Https(Target),
    Http(Target),
    /// To no host that could be asked, for this reason.
    Nowhere {
        url: String,
        why: String,
    },
}

/// Finds out what TLS the endpoints of a catalog offer, all interfaces included, and keystone at `auth_url`.
/// Each host and port is probed once. Ports of one host are probed one after the other, hosts side by side.
/// Endpoints with http URLs are listed and not contacted. `progress` is told how many endpoints are done,
/// whenever one is.
pub async fn scan_catalog(
    catalog: &[CatalogService],
    auth_url: Option<&str>,
    settings: &Settings,
    now: Timestamp,
    progress: &(dyn Fn(usize) + Sync),
) -> Vec<TlsEndpoint> {
    let endpoints = endpoints(catalog, auth_url);
    let mut hosts: BTreeMap<&str, Vec<&Target>> = BTreeMap::new();
    for (way, _) in &endpoints {
        if let Way::Https(target) = way {
            hosts.entry(&target.host).or_default().push(target);
        }
    }
    let done = AtomicUsize::new(0);
    let step = || progress(done.fetch_add(1, Ordering::Relaxed) + 1);
    let (trust, gaps) = Trust::new(settings);
    let host = |targets: Vec<&Target>| {
        let (trust, step) = ((&trust, gaps.as_slice()), &step);
        let targets: Vec<Target> = targets.into_iter().cloned().collect();
        async move {
            // Ports behind a firewall cost a whole timeout each, so that is waited for side by side.
            let reached = iter(targets).map(|target| async move { (reach(&target, settings).await, target) });
            let reached: Vec<_> = reached.buffered(CONNECTIONS).collect().await;
            let mut outcomes = Vec::new();
            for (address, target) in reached {
                let outcome = match address {
                    Ok(address) => probe_at(address, &target, settings, trust, now).await,
                    Err(message) => TlsOutcome::Unreachable { message },
                };
                step();
                outcomes.push((target, outcome));
            }
            outcomes
        }
    };
    let probes: Vec<_> = hosts.into_values().map(host).collect();
    let outcomes: BTreeMap<Target, TlsOutcome> =
        iter(probes).buffer_unordered(settings.hosts_at_once.max(1)).flat_map(iter).collect().await;
    let endpoint = |(way, services): (Way, Vec<TlsService>)| match way {
        Way::Https(target) => {
            let outcome = outcomes.get(&target).cloned();
            let message = || "the scan has ended".into();
            let outcome = outcome.unwrap_or_else(|| TlsOutcome::Unreachable { message: message() });
            TlsEndpoint { services, host: target.host, port: target.port, outcome }
        }
        Way::Http(target) => {
            step();
            TlsEndpoint { services, host: target.host, port: target.port, outcome: TlsOutcome::Plain }
        }
        Way::Nowhere { url, why } => {
            step();
            TlsEndpoint { services, host: url, port: 0, outcome: TlsOutcome::Unreachable { message: why } }
        }
    };
    endpoints.into_iter().map(endpoint).collect()
}

/// How many endpoints [`scan_catalog`] will look at.
pub fn count_endpoints(catalog: &[CatalogService], auth_url: Option<&str>) -> usize {
    endpoints(catalog, auth_url).len()
}

/// The distinct ways of a catalog, in the order in which they first appear, with the entries that take them.
fn endpoints(catalog: &[CatalogService], auth_url: Option<&str>) -> Vec<(Way, Vec<TlsService>)> {
    let of_catalog = catalog.iter().flat_map(|service| {
        service.endpoints.iter().map(|endpoint| TlsService {
            service_type: service.service_type.clone(),
            interface: endpoint.interface.clone(),
            region: endpoint.region.clone(),
            url: endpoint.url.clone(),
        })
    });
    let keystone = auth_url.map(|url| TlsService {
        service_type: "identity".into(),
        interface: "auth_url".into(),
        region: None,
        url: url.to_owned(),
    });
    let mut positions: BTreeMap<Way, usize> = BTreeMap::new();
    let mut endpoints: Vec<(Way, Vec<TlsService>)> = Vec::new();
    for service in of_catalog.chain(keystone) {
        let way = way(&service.url);
        let position = *positions.entry(way.clone()).or_insert(endpoints.len());
        match endpoints.get_mut(position) {
            Some((_, services)) => services.push(service),
            None => endpoints.push((way, vec![service])),
        }
    }
    endpoints
}

fn way(text: &str) -> Way {
    let nowhere = |why: &str| Way::Nowhere { url: text.to_owned(), why: why.to_owned() };
    let url = match Url::parse(text.trim()) {
        Ok(url) => url,
        Err(error) => return nowhere(&format!("no usable URL: {error}")),
    };
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return nowhere("the URL names no host"),
    };
    let target = |default| Target { host, port: url.port().unwrap_or(default) };
    match url.scheme() {
        "https" => Way::Https(target(443)),
        "http" => Way::Http(target(80)),
        other => nowhere(&format!("{other} is neither https nor http")),
    }
}

#[cfg(test)]
mod tests {
    use assay_inventory::CatalogEndpoint;

    use super::*;

    fn https(host: &str, port: u16) -> Way {
        Way::Https(Target { host: host.into(), port })
    }

    #[test]
    fn urls_lead_to_hosts_and_ports() {
        for (url, expected) in [
            ("https://Cloud.example.com/v3", https("cloud.example.com", 443)),
            ("https://cloud.example.com:8774/v2.1/%(tenant_id)s", https("cloud.example.com", 8774)),
            ("HTTPS://10.0.0.1:443", https("10.0.0.1", 443)),
            ("https://[2001:db8::1]:9696", https("2001:db8::1", 9696)),
            ("http://cloud.example.com/x", Way::Http(Target { host: "cloud.example.com".into(), port: 80 })),
        ] {
            assert_eq!(way(url), expected, "{url}");
        }
        for url in ["", "cloud.example.com:9696", "10.0.0.1:9696", "ftp://cloud.example.com", "https://"] {
            assert!(matches!(way(url), Way::Nowhere { .. }), "{url}");
        }
    }

    #[test]
    fn each_host_and_port_is_one_endpoint() {
        let service = |service_type: &str, urls: &[(&str, &str)]| CatalogService {
            service_type: service_type.into(),
            name: String::new(),
            endpoints: urls
                .iter()
                .map(|(interface, url)| CatalogEndpoint {
                    interface: (*interface).into(),
                    region: Some("R1".into()),
                    url: (*url).into(),
                })
                .collect(),
        };
        let catalog = [
            service(
                "compute",
                &[("public", "https://a.example.com:443/n"), ("internal", "http://10.0.0.1:8774")],
            ),
            service(
                "image",
                &[("public", "https://a.example.com/g"), ("admin", "https://a.example.com:9292")],
            ),
        ];
        let endpoints = endpoints(&catalog, Some("https://a.example.com/keystone/v3"));
        assert_eq!(count_endpoints(&catalog, None), 3);
        let shown: Vec<(&Way, Vec<String>)> = endpoints
            .iter()
            .map(|(way, services)| {
                let names = services.iter().map(|one| format!("{} {}", one.service_type, one.interface));
                (way, names.collect())
            })
            .collect();
        assert_eq!(shown[0].0, &https("a.example.com", 443));
        assert_eq!(shown[0].1, ["compute public", "image public", "identity auth_url"]);
        assert_eq!(shown[1].1, ["compute internal"]);
        assert_eq!(
            (shown[2].0, shown[2].1.as_slice()),
            (&https("a.example.com", 9292), &["image admin".to_owned()][..])
        );
    }
}
