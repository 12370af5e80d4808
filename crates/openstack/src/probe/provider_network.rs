//! What a project can do with the provider network (scs-0126): a gateway, a floating IP, an IPv6 range.

use assay_inventory::{FactId, Network, ProviderNetworkUse, Record, StepId};
use assay_journal::Kind;
use serde_json::{Value, json};

use super::workshop::{Bench, New, Stop, Workshop};

/// Tries each, whatever becomes of the others.
pub(crate) async fn provider_network_use(bench: Bench<'_>, external: Option<&Network>) -> ProviderNetworkUse {
    let workshop = Workshop::new(bench, FactId::ProviderNetworkUse);
    let mut seen = ProviderNetworkUse {
        external_network: external.map(|network| network.name().unwrap_or(network.id()).to_owned()),
        ..ProviderNetworkUse::default()
    };
    let (inside, gateway, floating) = futures::join!(
        own_network(&workshop),
        gateway(&workshop, external.map(|network| network.id())),
        floating_ip(&workshop, external.map(|network| network.id())),
    );
    // What failed stands in the transcript.
    seen.drawn_subnet = inside.ok();
    seen.gateway_addresses = gateway.unwrap_or_default();
    seen.floating_ip = floating.ok();
    seen.transcript = workshop.finish().await;
    seen
}

/// On a network of our own: sharing it must be refused, a range from the default pool must be had.
async fn own_network(workshop: &Workshop<'_>) -> Result<String, Stop> {
    let new = New {
        kind: Kind::Network,
        what: "provider-network",
        path: &["networks"],
        wrapper: "network",
        fields: json!({}),
    };
    let network = workshop.make(StepId::CreateNetwork, new).await?;
    let rbac = workshop.make(
        StepId::CreateRbacPolicy,
        New {
            kind: Kind::RbacPolicy,
            what: "rbac-policy",
            path: &["rbac-policies"],
            wrapper: "rbac_policy",
            fields: json!({
                "object_type": "network", "object_id": network.id, "action": "access_as_shared",
                // With the project itself, so that nobody else ever sees it.
                "target_tenant": workshop.session().token().project.as_ref().map(|project| &project.id),
            }),
        },
    );
    let subnet = workshop.make(
        StepId::DrawSubnet,
        New {
            kind: Kind::Subnet,
            what: "drawn-subnet",
            path: &["subnets"],
            wrapper: "subnet",
            fields: json!({
                "network_id": network.id, "ip_version": 6, "use_default_subnetpool": true, "prefixlen": 64,
                "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac",
            }),
        },
    );
    let (_refused_as_it_should, subnet) = futures::join!(rbac, subnet);
    Ok(subnet?.record.text("cidr").value().unwrap_or_default().to_owned())
}

async fn gateway(workshop: &Workshop<'_>, external: Option<&str>) -> Result<Vec<String>, Stop> {
    let external = external.ok_or(Stop)?;
    let new = New {
        kind: Kind::Router,
        what: "provider-router",
        path: &["routers"],
        wrapper: "router",
        fields: json!({"external_gateway_info": {"network_id": external}}),
    };
    Ok(gateway_addresses(&workshop.make(StepId::CreateRouter, new).await?.record))
}

async fn floating_ip(workshop: &Workshop<'_>, external: Option<&str>) -> Result<String, Stop> {
    let external = external.ok_or(Stop)?;
    let new = New {
        kind: Kind::FloatingIp,
        what: "floating-ip",
        path: &["floatingips"],
        wrapper: "floatingip",
        fields: json!({"floating_network_id": external}),
    };
    let made = workshop.make(StepId::CreateFloatingIp, new).await?;
    Ok(made.record.text("floating_ip_address").value().unwrap_or_default().to_owned())
}

/// The addresses that a router got on the external network.
fn gateway_addresses(router: &Record) -> Vec<String> {
    let info = router.map("external_gateway_info").value();
    let addresses = info.and_then(|info| info.get("external_fixed_ips")).and_then(Value::as_array);
    addresses
        .into_iter()
        .flatten()
        .filter_map(|address| address.get("ip_address")?.as_str().map(str::to_owned))
        .collect()
}
