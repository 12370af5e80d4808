//! `tempest.conf`, from what is known about a cloud.

use std::fmt::Write as _;
use std::path::Path;

use assay_inventory::TempestCloud;

/// What the configuration says besides the cloud.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    /// The folder of the run.
    pub(crate) folder: &'a Path,
    /// The accounts file.
    pub(crate) accounts: &'a Path,
    /// What the names of all that is created begin with.
    pub(crate) mark: &'a str,
}

/// The configuration of a run in `folder`, whose names begin with `mark`; for those who want to look at it.
pub fn configuration(cloud: &TempestCloud, folder: &Path, mark: &str) -> String {
    render(cloud, Setting { folder, accounts: &folder.join("accounts.yaml"), mark })
}

/// Seconds after which a server, volume or image that does not become ready fails its test.
const BUILD_TIMEOUT: &str = "300";

/// The configuration file.
///
/// What Tempest would take as given, and a cloud need not have, is said explicitly: tests of it are skipped, as
/// the standard allows.
pub(crate) fn render(cloud: &TempestCloud, setting: Setting<'_>) -> String {
    let Setting { folder, accounts, mark } = setting;
    let types = &cloud.catalog_types;
    let region = cloud.region.as_deref();
    let interface = if cloud.interface.is_empty() { "public" } else { cloud.interface.as_str() };
    let (image, flavor) = (cloud.image.as_deref(), cloud.flavor.as_deref());
    let other_image = cloud.other_image.as_deref().or(image);
    let other_flavor = cloud.other_flavor.as_deref().or(flavor);
    let can_resize = other_flavor != flavor;
    let compute = cloud.compute_microversions.as_ref();
    let volume = cloud.volume_microversions.as_ref();
    let has_extension = |alias: &str| cloud.network_extensions.iter().any(|known| known == alias);
    let has_floating_ips = has_extension("router") && cloud.external_network.is_some();

    let mut conf = Conf::default();
    conf.section("DEFAULT");
    conf.set("resource_name_prefix", mark);
    conf.flag("record_resources", true);
    conf.path("log_dir", folder);
    conf.set("log_file", "tempest.log");
    conf.flag("use_stderr", false);

    conf.section("oslo_concurrency");
    conf.path("lock_path", &folder.join("lock"));

    conf.section("auth");
    conf.flag("use_dynamic_credentials", false);
    conf.path("test_accounts_file", accounts);

    conf.section("identity");
    conf.set("auth_version", "v3");
    conf.set("uri_v3", &cloud.identity_url);
    conf.maybe("region", region);
    conf.set("v3_endpoint_type", interface);
    conf.flag("disable_ssl_certificate_validation", !cloud.verify);
    conf.maybe("ca_certificates_file", cloud.ca_file.as_deref());

    conf.section("identity-feature-enabled");
    // These tests change the password of the account that they run with; a run that is killed amid one would
    // lock its user out.
    conf.flag("security_compliance", false);

    conf.section("service_available");
    for (service, catalog_type) in [
        ("nova", &types.compute),
        ("glance", &types.image),
        ("neutron", &types.network),
        ("cinder", &types.volume),
    ] {
        conf.flag(service, catalog_type.is_some());
    }
    conf.flag("swift", false);
    conf.flag("horizon", false);

    conf.section("compute");
    conf.maybe("catalog_type", types.compute.as_deref());
    conf.maybe("region", region);
    conf.set("endpoint_type", interface);
    conf.maybe("image_ref", image);
    conf.maybe("image_ref_alt", other_image);
    conf.maybe("flavor_ref", flavor);
    conf.maybe("flavor_ref_alt", other_flavor);
    conf.maybe("fixed_network_name", cloud.fixed_network.as_deref());
    conf.maybe("min_microversion", compute.map(|(lowest, _)| lowest.as_str()));
    conf.maybe("max_microversion", compute.map(|(_, highest)| highest.as_str()));
    conf.set("build_timeout", BUILD_TIMEOUT);

    conf.section("compute-feature-enabled");
    conf.flag("resize", can_resize);

    conf.section("validation");
    // Logging in to servers would need a way from here into their networks.
    conf.flag("run_validation", false);

    conf.section("image");
    conf.maybe("catalog_type", types.image.as_deref());
    conf.maybe("region", region);
    conf.set("endpoint_type", interface);

    conf.section("network");
    conf.maybe("catalog_type", types.network.as_deref());
    conf.maybe("region", region);
    conf.set("endpoint_type", interface);
    conf.maybe("public_network_id", cloud.external_network.as_deref());

    conf.section("network-feature-enabled");
    conf.set("api_extensions", &cloud.network_extensions.join(","));
    conf.flag("floating_ips", has_floating_ips);
    conf.flag("ipv6", true);
    conf.flag("ipv6_subnet_attributes", true);

    conf.section("volume");
    conf.maybe("catalog_type", types.volume.as_deref());
    conf.maybe("region", region);
    conf.set("endpoint_type", interface);
    conf.maybe("min_microversion", volume.map(|(lowest, _)| lowest.as_str()));
    conf.maybe("max_microversion", volume.map(|(_, highest)| highest.as_str()));
    conf.set("build_timeout", BUILD_TIMEOUT);
    conf.text
}

/// The text of a file as oslo.config reads it.
#[derive(Debug, Default)]
struct Conf {
    text: String,
}

impl Conf {
    fn section(&mut self, name: &str) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{gap}[{name}]");
    }

    fn set(&mut self, key: &str, value: &str) {
        // A dollar refers to another option, and a line break would begin one.
        let value: String = value.chars().filter(|letter| !letter.is_control()).collect();
        let _ = writeln!(self.text, "{key} = {}", value.trim().replace('$', "$$"));
    }

    fn maybe(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    fn flag(&mut self, key: &str, value: bool) {
        self.set(key, if value { "true" } else { "false" });
    }

    fn path(&mut self, key: &str, path: &Path) {
        self.set(key, &path.to_string_lossy());
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use assay_inventory::TempestCatalogTypes;

    use super::*;

    pub(crate) fn cloud() -> TempestCloud {
        let text = |text: &str| Some(text.to_owned());
        TempestCloud {
            identity_url: "https://keystone.example.com/v3".into(),
            region: text("RegionOne"),
            interface: "public".into(),
            verify: true,
            ca_file: text("/etc/ssl/example.pem"),
            catalog_types: TempestCatalogTypes {
                compute: text("compute"),
                image: text("image"),
                network: text("network"),
                volume: text("volumev3"),
            },
            image: text("image-1"),
            other_image: text("image-2"),
            flavor: text("flavor-1"),
            other_flavor: text("flavor-2"),
            external_network: text("public-1"),
            fixed_network: text("private"),
            network_extensions: vec!["router".into(), "security-group".into()],
            compute_microversions: Some(("2.1".into(), "2.103".into())),
            volume_microversions: Some(("3.0".into(), "3.71".into())),
        }
    }

    fn rendered(cloud: &TempestCloud) -> String {
        let folder = Path::new("/run/assay");
        render(cloud, Setting { folder, accounts: &folder.join("accounts.yaml"), mark: "assay-0123abcd" })
    }

    fn value<'a>(conf: &'a str, section: &str, key: &str) -> Option<&'a str> {
        let (_, rest) = conf.split_once(&format!("[{section}]\n"))?;
        let body = rest.split("\n[").next()?;
        body.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))
    }

    #[test]
    fn the_file_keeps_its_shape() {
        insta::assert_snapshot!(rendered(&cloud()));
    }

    #[test]
    fn what_a_cloud_lacks_is_switched_off() {
        let bare = TempestCloud { identity_url: "http://k/v3".into(), ..TempestCloud::default() };
        let conf = rendered(&bare);
        for service in ["nova", "glance", "neutron", "cinder", "swift"] {
            assert_eq!(value(&conf, "service_available", service), Some("false"), "{service}");
        }
        assert_eq!(value(&conf, "compute-feature-enabled", "resize"), Some("false"), "one flavor alone");
        assert_eq!(value(&conf, "network-feature-enabled", "floating_ips"), Some("false"));
        assert_eq!(value(&conf, "identity", "disable_ssl_certificate_validation"), Some("true"));
        assert_eq!(value(&conf, "compute", "image_ref"), None);
        assert_eq!(value(&conf, "compute", "endpoint_type"), Some("public"));
    }

    #[test]
    fn one_image_serves_as_both() {
        let conf = rendered(&TempestCloud { other_image: None, ..cloud() });
        assert_eq!(value(&conf, "compute", "image_ref_alt"), Some("image-1"));
    }

    #[test]
    fn names_of_the_cloud_cannot_add_options() {
        let odd = TempestCloud { fixed_network: Some("net\n[auth]\nx = $y".into()), ..cloud() };
        let conf = rendered(&odd);
        assert_eq!(value(&conf, "compute", "fixed_network_name"), Some("net[auth]x = $$y"));
        assert_eq!(conf.lines().filter(|line| *line == "[auth]").count(), 1);
    }
}
