//! scs-0125: connections between users, services and databases are encrypted.

mod tls;

use std::borrow::Cow;

use assay_inventory::FactId;

use crate::evidence::Needed;
use crate::finding::{Readings, Resource};
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging};

const STANDARD: &str = "scs-0125-v1";

pub(crate) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0125-catalog-https"),
        standard: STANDARD,
        clause: "transport security, API interfaces",
        demand: Demand::Must,
        title: Cow::Borrowed("Public and internal endpoints are registered as https"),
        explanation: "A client sends its token to the URL that the catalog gives. Over http everybody on the way can read it and act in the \
             name of the user. That holds inside the data centre too, so internal endpoints count.",
        remedy: Cow::Borrowed(
            "Give the service a certificate and register its URL as https: `openstack endpoint set --url https://… ID`.",
        ),
        official_facts: &[FactId::Token],
        text_facts: &[],
        own: true,
        judge: rule(catalog_https),
    });
    tls::register(registry);
}

fn catalog_https(evidence: &Evidence<'_>) -> Needed<Judgement> {
    const EXPECTED: &str = "an https URL";
    let mut judging = Judging::default();
    for service in &evidence.token()?.catalog {
        for endpoint in &service.endpoints {
            let scheme = endpoint.url.split_once("://").map_or("", |(scheme, _)| scheme);
            if scheme.eq_ignore_ascii_case("https") {
                continue;
            }
            let region = endpoint.region.as_deref().map(|region| format!(" in {region}")).unwrap_or_default();
            let name = format!("{}, {}{region}", service.service_type, endpoint.interface);
            let resource = Resource::new("endpoint", "", name);
            match endpoint.interface.as_str() {
                "public" | "internal" => {
                    judging.fail(Readings::Text, resource, EXPECTED, endpoint.url.clone());
                }
                _ => judging.note(Readings::Text, resource, format!("{} is no https URL", endpoint.url)),
            }
        }
    }
    Ok(judging.finish_own())
}

#[cfg(test)]
mod tests {
    use assay_inventory::{CatalogEndpoint, Fact};
    use assay_standards::Verdict::{Fail, Pass};

    use crate::testing;

    #[test]
    fn public_and_internal_endpoints_are_https() {
        for (interface, url, expected) in [
            ("public", "https://x.example.com", Pass),
            ("public", "HTTPS://x.example.com:8774/v2.1", Pass),
            ("public", "http://x.example.com", Fail),
            ("internal", "http://10.0.0.1:9696", Fail),
            ("internal", "10.0.0.1:9696", Fail),
            ("admin", "http://10.0.0.1:35357", Pass),
        ] {
            let judgement = testing::judge("scs-0125-catalog-https", |inventory| {
                let mut token = testing::token(&["compute", "network"]);
                token.catalog[1].endpoints.push(CatalogEndpoint {
                    interface: interface.into(),
                    region: None,
                    url: url.into(),
                });
                inventory.token = Fact::Known(token);
            });
            assert_eq!(judgement.text, expected, "{interface} {url}");
        }
    }
}
