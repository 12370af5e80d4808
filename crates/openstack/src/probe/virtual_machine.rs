//! A virtual machine is started and reports about itself on its console (scs-0101, scs-0126).

mod choice;
mod console;
mod user_data;

use assay_inventory::{
    FactId, Flavor, Image, Inventory, Network, Reason, Record, StepId, Unavailable, VirtualMachine,
};
use assay_journal::Kind;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use serde_json::{Value, json};

use super::workshop::{Bench, Made, New, Stop, Workshop, unwrapped};
use crate::listing::{Wish, object};
use crate::waiting::wait_for;
use console::Progress;

const FACT: FactId = FactId::VirtualMachine;
const CIDR: &str = "10.1.0.0/24";
const GATEWAY: &str = "10.1.0.1";
const POOL: (&str, &str) = ("10.1.0.100", "10.1.0.199");
const RESOLVER: &str = "9.9.9.9";

/// Boots the image that the reference would choose, on a network with a way out, and reads its console until
/// the report is there.
pub(crate) async fn virtual_machine(bench: Bench<'_>, inventory: &Inventory) -> VirtualMachine {
    let workshop = Workshop::new(bench, FACT);
    let mut seen = VirtualMachine::default();
    // Where it stopped stands in the transcript.
    let _ = Box::pin(live(&workshop, inventory, &mut seen)).await;
    seen.transcript = workshop.finish().await;
    seen
}

async fn live(workshop: &Workshop<'_>, inventory: &Inventory, seen: &mut VirtualMachine) -> Result<(), Stop> {
    let image = workshop
        .step(StepId::ChooseImage, None, async {
            let images = inventory.images.get(FactId::Images)?;
            choice::choose_image(images.iter())
                .ok_or_else(|| Unavailable::new(Reason::Failed, "there is no public or community image"))
        })
        .await?;
    seen.image = Some(image.name().unwrap_or(image.id()).to_owned());
    let flavor = workshop
        .step(StepId::ChooseFlavor, None, async {
            let flavors = inventory.flavors.get(FactId::Flavors)?;
            choice::choose_flavor(flavors, image).ok_or_else(|| no_flavor(image))
        })
        .await?;
    seen.flavor = Some(flavor.name().unwrap_or(flavor.id()).to_owned());
    let external = workshop.step(StepId::FindExternalNetwork, None, external_network(workshop)).await?;
    // Both are seen to their end, so that nothing is made after the floor was swept.
    let (volume, network) = futures::join!(boot_volume(workshop, image), network(workshop, external.id()));
    let (volume, network) = (volume?, network?);
    let server = create_server(workshop, image, flavor, &volume, &network).await?;
    seen.addresses =
        workshop.step(StepId::AwaitServer, Some(&server.name), running(workshop, &server)).await?;
    let mut shown = String::new();
    let outcome = workshop
        .step(StepId::ReadConsole, Some(&server.name), read_console(workshop, &server, &mut shown))
        .await;
    seen.console = console::report(&shown);
    if outcome.is_err() || console::failed(&shown) {
        seen.console_tail = console::tail(&shown);
    }
    outcome
}

fn no_flavor(image: &Image) -> Unavailable {
    let least = image.integer("min_ram").value().unwrap_or(0);
    let name = image.name().unwrap_or(image.id());
    Unavailable::new(
        Reason::Failed,
        format!("no flavor has the {least} MiB of RAM that the image {name} needs"),
    )
}

/// The first network that a router can have its gateway on.
async fn external_network(workshop: &Workshop<'_>) -> Result<Network, Unavailable> {
    let endpoint = workshop.session().endpoint("network")?;
    let wish = Wish {
        fact: Some(FACT),
        endpoint: &endpoint,
        path: &["networks"],
        query: &[("router:external", "True")],
        headers: &[],
        key: "networks",
        links_key: "networks_links",
        progress: &|_| (),
    };
    let networks = workshop.session().list(&wish).await?.items;
    networks
        .into_iter()
        .next()
        .map(Network)
        .ok_or_else(|| Unavailable::new(Reason::Failed, "the project sees no external network"))
}

/// A volume with the image on it. Nova could make it too, but then it would not bear our mark.
async fn boot_volume(workshop: &Workshop<'_>, image: &Image) -> Result<Made, Stop> {
    let new = New {
        kind: Kind::Volume,
        what: "boot-volume",
        path: &["volumes"],
        wrapper: "volume",
        fields: json!({"size": choice::volume_size(image), "imageRef": image.id()}),
    };
    let volume = workshop.make(StepId::CreateVolume, new).await?;
    let place = ("block-storage", &["volumes", volume.id.as_str()][..], "volume");
    // The reference has nova make it, within the time that the server may take.
    workshop.await_status(StepId::AwaitVolume, place, "available", workshop.budgets().server).await?;
    Ok(volume)
}

/// A network with a way out.
struct Way {
    id: String,
    /// Versions of IP that guests get addresses and a default route for.
    ip_versions: Vec<u8>,
}

async fn network(workshop: &Workshop<'_>, external: &str) -> Result<Way, Stop> {
    let new = New {
        kind: Kind::Network,
        what: "network",
        path: &["networks"],
        wrapper: "network",
        fields: json!({}),
    };
    let gateway = json!({"external_gateway_info": {"network_id": external}});
    let router =
        New { kind: Kind::Router, what: "router", path: &["routers"], wrapper: "router", fields: gateway };
    let subnets = async {
        let network = workshop.make(StepId::CreateNetwork, new).await?;
        let (plain, drawn) = futures::join!(subnet(workshop, &network), ipv6_subnet(workshop, &network));
        Ok::<_, Stop>((network, plain?, drawn.ok()))
    };
    let (subnets, router) = futures::join!(subnets, workshop.make(StepId::CreateRouter, router));
    let (network, plain, drawn) = subnets?;
    let router = router?;
    attach(workshop, StepId::AddRouterInterface, &router, &plain).await?;
    let mut ip_versions = vec![4];
    if let Some(drawn) = drawn
        && attach(workshop, StepId::AddIpv6RouterInterface, &router, &drawn).await.is_ok()
    {
        ip_versions.push(6);
    }
    Ok(Way { id: network.id, ip_versions })
}

async fn subnet(workshop: &Workshop<'_>, network: &Made) -> Result<Made, Stop> {
    let (start, end) = POOL;
    let new = New {
        kind: Kind::Subnet,
        what: "subnet",
        path: &["subnets"],
        wrapper: "subnet",
        fields: json!({
            "network_id": network.id, "ip_version": 4, "cidr": CIDR, "gateway_ip": GATEWAY, "enable_dhcp": true,
            "allocation_pools": [{"start": start, "end": end}], "dns_nameservers": [RESOLVER],
        }),
    };
    workshop.make(StepId::CreateSubnet, new).await
}

/// IPv6 beside it, where the cloud has a default pool. A cloud without one is fine.
async fn ipv6_subnet(workshop: &Workshop<'_>, network: &Made) -> Result<Made, Stop> {
    let new = New {
        kind: Kind::Subnet,
        what: "subnet-ipv6",
        path: &["subnets"],
        wrapper: "subnet",
        fields: json!({
            "network_id": network.id, "ip_version": 6, "use_default_subnetpool": true,
            "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac",
        }),
    };
    workshop.make(StepId::DrawSubnet, new).await
}

async fn attach(workshop: &Workshop<'_>, step: StepId, router: &Made, subnet: &Made) -> Result<(), Stop> {
    workshop
        .step(step, Some(&subnet.name), async {
            let path = ["routers", &router.id, "add_router_interface"];
            workshop
                .send(Method::PUT, "network", &path, Some(&json!({"subnet_id": subnet.id})))
                .await
                .map(drop)
        })
        .await
}

async fn create_server(
    workshop: &Workshop<'_>,
    image: &Image,
    flavor: &Flavor,
    volume: &Made,
    network: &Way,
) -> Result<Made, Stop> {
    let user_data = user_data::user_data(image.text("os_distro").value(), &network.ip_versions);
    let new = New {
        kind: Kind::Server,
        what: "server",
        path: &["servers"],
        wrapper: "server",
        fields: json!({
            "flavorRef": flavor.id(),
            "networks": [{"uuid": network.id}],
            "block_device_mapping_v2": [{
                "source_type": "volume", "destination_type": "volume", "uuid": volume.id, "boot_index": 0,
                "delete_on_termination": false,
            }],
            "user_data": BASE64_STANDARD.encode(user_data),
        }),
    };
    workshop.make(StepId::CreateServer, new).await
}

/// Waits until a server runs and has addresses, which are returned.
async fn running(workshop: &Workshop<'_>, server: &Made) -> Result<Vec<String>, Unavailable> {
    let budget = workshop.budgets().server;
    let mut last = String::new();
    let outcome = wait_for(budget, "it does not run", async || {
        let reply = workshop.get(&workshop.session().endpoint("compute")?, &["servers", &server.id]).await?;
        let record = unwrapped(&reply, "server")?;
        let status = record.text("status").value().unwrap_or_default();
        status.clone_into(&mut last);
        match status {
            "ERROR" => {
                Err(reply.because(Reason::Failed, format!("the server went to ERROR: {}", fault(&record))))
            }
            "ACTIVE" => Ok(Some(addresses(&record)).filter(|addresses| !addresses.is_empty())),
            _ => Ok(None),
        }
    });
    outcome.await.map_err(|why| match why.reason {
        Reason::Budget => Unavailable::new(
            Reason::Budget,
            format!(
                "it should be ACTIVE with an address, but after {} s it is {last:?}",
                budget.as_secs_f64()
            ),
        ),
        _ => why,
    })
}

/// Why a server is in ERROR, in the words of nova.
fn fault(server: &Record) -> String {
    let said = |field| server.map("fault").value()?.get(field)?.as_str().filter(|said| !said.is_empty());
    match said("message") {
        Some(message) => message.to_owned(),
        None => "nova does not say why".to_owned(),
    }
}

/// All addresses of a server, network by network.
fn addresses(server: &Record) -> Vec<String> {
    let networks = server.map("addresses").value().into_iter().flat_map(|networks| networks.values());
    networks
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(|address| address.get("addr")?.as_str().map(str::to_owned))
        .collect()
}

/// Reads the console until the report has ended. What was read last is there even if it never does.
async fn read_console(workshop: &Workshop<'_>, server: &Made, shown: &mut String) -> Result<(), Unavailable> {
    let budget = workshop.budgets().console;
    let mut trouble = None;
    let outcome = wait_for(budget, "the report did not end", async || {
        match console_of(workshop, server).await {
            Ok(console) => {
                trouble = None;
                *shown = console;
            }
            // Nova has none yet: it says 404 or 409.
            Err(why) if matches!(why.status, Some(404 | 409)) => {
                trouble = Some(why);
                return Ok(None);
            }
            Err(why) => return Err(why),
        }
        match console::progress(shown) {
            Progress::Ended => Ok(Some(())),
            Progress::Running => Ok(None),
            Progress::Failed => Err(Unavailable::new(
                Reason::Failed,
                "cloud-init says on the console that it failed to run the commands of the user data",
            )),
        }
    });
    let outcome = outcome.await;
    outcome.map_err(|why| match (why.reason, trouble) {
        (Reason::Budget, Some(trouble)) => trouble,
        (Reason::Budget, None) => Unavailable::new(Reason::Budget, too_late(shown, budget.as_secs_f64())),
        _ => why,
    })
}

async fn console_of(workshop: &Workshop<'_>, server: &Made) -> Result<String, Unavailable> {
    let body = json!({"os-getConsoleOutput": {}});
    let path = ["servers", &server.id, "action"];
    let reply = workshop.send(Method::POST, "compute", &path, Some(&body)).await?;
    let mut fields = object(&reply)?;
    match fields.remove("output") {
        Some(Value::String(console)) => Ok(console),
        _ => Err(reply.malformed("the answer holds no \"output\"")),
    }
}

fn too_late(shown: &str, seconds: f64) -> String {
    if shown.trim().is_empty() {
        format!("the console is still empty after {seconds} s")
    } else if console::report(shown).is_empty() {
        format!("nothing of the user data is on the console after {seconds} s")
    } else {
        format!("the user data is on its way, but not at its end after {seconds} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: Value) -> Record {
        serde_json::from_value(fields).unwrap()
    }

    #[test]
    fn addresses_of_all_networks_and_only_texts() {
        let server = record(json!({"addresses": {
            "a": [{"addr": "10.1.0.105", "version": 4}, {"addr": "2001:db8::5"}, {"version": 4}, {"addr": 7}],
            "b": [], "c": null,
        }}));
        assert_eq!(addresses(&server), ["10.1.0.105", "2001:db8::5"]);
        assert!(addresses(&record(json!({}))).is_empty());
    }

    #[test]
    fn the_fault_is_told_in_the_words_of_nova() {
        assert_eq!(
            fault(&record(json!({"fault": {"code": 500, "message": "No valid host was found. "}}))),
            "No valid host was found. "
        );
        for silent in [json!({}), json!({"fault": {"message": ""}}), json!({"fault": "broken"})] {
            assert_eq!(fault(&record(silent)), "nova does not say why");
        }
    }

    #[test]
    fn how_far_a_guest_came_is_told() {
        assert_eq!(too_late(" \n", 300.0), "the console is still empty after 300 s");
        assert_eq!(too_late("login:", 0.5), "nothing of the user data is on the console after 0.5 s");
        assert!(too_late("_scs-test-own-kernel: 6.1", 1.0).starts_with("the user data is on its way"));
    }
}
