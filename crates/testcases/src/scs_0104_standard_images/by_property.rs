//! scs-0104-v2: images are known by their properties, and the newest releases are wanted.

use std::borrow::Cow;

use assay_inventory::{FactId, Image};
use assay_standards::requirements::{ReleaseRule, Releases, StandardImages, Status};
use jiff::tz::TimeZone;

use crate::evidence::Needed;
use crate::finding::Readings;
use crate::registry::Registry;
use crate::rule::rule;
use crate::scs_0102_image_metadata::{resource, shown};
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging};

const STANDARD: &str = "scs-0104-v2";
const IMAGES: &[FactId] = &[FactId::Images];

pub(super) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0104-v2-source"),
        standard: STANDARD,
        clause: "generic images, source",
        demand: Demand::Must,
        title: Cow::Borrowed("Generic images of Debian and Ubuntu come from their vendors"),
        explanation: "An image with os_purpose=generic stands for the system as its makers ship it. For Debian and Ubuntu, \
             image_source must lead to the vendor's directory of that release.",
        remedy: Cow::Borrowed(
            "Upload the vendor's image and set image_source to its URL, or set os_purpose=custom on an image of your own.",
        ),
        official_facts: IMAGES,
        text_facts: &[],
        own: true,
        judge: rule(vendor_sources),
    });
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0104-v2-capi"),
        standard: STANDARD,
        clause: "images for Cluster API",
        demand: Demand::Must,
        title: Cow::Borrowed("Images for Cluster API say where they come from and what they are for"),
        explanation: "Cluster API starts nodes from images named ubuntu-capi-image. Their properties tell that they are the \
             published ones, and keep users from taking them for general use.",
        remedy: Cow::Owned(capi_remedy()),
        official_facts: IMAGES,
        text_facts: &[],
        own: true,
        judge: rule(capi),
    });
    for wanted in &StandardImages::get().v2.releases {
        registry.add(release_testcase(wanted));
    }
}

fn capi_remedy() -> String {
    let table = StandardImages::get();
    let capi = &table.v2.capi;
    format!(
        "Upload the image from {} and set image_source to its URL, os_purpose={} and image_description={}.",
        table.sources(&capi.source).first().map_or("its vendor", String::as_str),
        capi.os_purpose,
        capi.image_description,
    )
}

fn release_testcase(wanted: &'static ReleaseRule) -> Testcase {
    let title =
        Releases::get().distribution(&wanted.distro).map_or(wanted.distro.as_str(), |it| it.title.as_str());
    let age = if wanted.back == 0 { "latest" } else { "previous" };
    Testcase {
        id: Cow::Owned(format!("scs-0104-v2-{}", wanted.id)),
        standard: STANDARD,
        clause: "required and recommended images",
        demand: if wanted.status == Status::Mandatory { Demand::Must } else { Demand::Should },
        title: Cow::Owned(format!("A generic image of the {age} release of {title} is offered")),
        explanation: "Images are found by os_distro, os_version and os_purpose=generic; the name is free. Of Debian the stable \
             releases count, of Ubuntu those with long-term support. A new release has some weeks to arrive; until it is \
             due, the one before it will do.",
        remedy: Cow::Owned(format!(
            "Upload the vendor's image of the {age} release as a public image with os_distro={}, its os_version and os_purpose=generic.",
            wanted.distro
        )),
        official_facts: IMAGES,
        text_facts: &[],
        own: true,
        judge: rule(move |evidence| release(wanted, evidence)),
    }
}

fn public_images<'e>(evidence: &'e Evidence<'_>) -> Needed<impl Iterator<Item = &'e Image>> {
    Ok(evidence.offered_images()?.iter().copied().filter(|image| image.visibility() == Some("public")))
}

fn property<'a>(image: &'a Image, field: &str) -> &'a str {
    image.text(field).value().unwrap_or_default()
}

fn vendor_sources(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let mut judging = Judging::default();
    for image in public_images(evidence)?.filter(|image| property(image, "os_purpose") == "generic") {
        let (distro, version) = (property(image, "os_distro"), property(image, "os_version"));
        let vendors = &StandardImages::get().v2.vendors;
        let Some(vendor) =
            vendors.iter().find(|vendor| vendor.distro == distro && vendor.version.matches(version))
        else {
            continue;
        };
        let release =
            Releases::get().distribution(distro).and_then(|distribution| distribution.release(version));
        let Some(release) = release else {
            let found = format!("{distro} {version} is no known release, its image_source was not compared");
            judging.note(Readings::Text, resource(image), found);
            continue;
        };
        let sources = vendor.sources(&release.codename);
        if !sources.iter().any(|source| property(image, "image_source").starts_with(source)) {
            judging.fail(
                Readings::Text,
                resource(image),
                format!("an image_source that begins with {}", sources.join(" or ")),
                shown(image, "image_source"),
            );
        }
    }
    Ok(judging.finish_own())
}

fn capi(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let table = StandardImages::get();
    let wanted = &table.v2.capi;
    let sources = table.sources(&wanted.source);
    let mut judging = Judging::default();
    let mut is_named_as_recommended = false;
    for image in public_images(evidence)? {
        let name = image.name().unwrap_or_default();
        if !wanted.scheme.matches(name) {
            continue;
        }
        is_named_as_recommended |= wanted.recommended_scheme.matches(name);
        if !sources.iter().any(|source| property(image, "image_source").starts_with(source)) {
            judging.fail(
                Readings::Text,
                resource(image),
                format!("an image_source that begins with {}", sources.join(" or ")),
                shown(image, "image_source"),
            );
        }
        for (field, value) in
            [("os_purpose", &wanted.os_purpose), ("image_description", &wanted.image_description)]
        {
            if property(image, field) != value {
                judging.fail(
                    Readings::Text,
                    resource(image),
                    format!("{field}={value}"),
                    shown(image, field),
                );
            }
        }
    }
    if !is_named_as_recommended {
        let found = format!("no image is named as in `{}`, which is recommended", wanted.recommended_scheme);
        judging.note(Readings::Text, None, found);
    }
    Ok(judging.finish_own())
}

fn release(wanted: &ReleaseRule, evidence: &Evidence<'_>) -> Needed<Judgement> {
    let today = evidence.now.to_zoned(TimeZone::UTC).date();
    let distribution = Releases::get().distribution(&wanted.distro);
    let current = distribution
        .map(|distribution| distribution.current(wanted.back, wanted.due, today))
        .unwrap_or_default();
    let mut judging = Judging::default();
    let is_offered = public_images(evidence)?.any(|image| {
        let is_current = || current.iter().any(|release| release.version == property(image, "os_version"));
        property(image, "os_purpose") == "generic"
            && property(image, "os_distro") == wanted.distro
            && is_current()
    });
    let versions: Vec<&str> = current.iter().map(|release| release.version.as_str()).collect();
    if current.is_empty() {
        judging.note(Readings::Text, None, format!("no such release of {} on {today}", wanted.distro));
    } else if !is_offered {
        judging.fail(
            Readings::Text,
            None,
            format!(
                "a public image with os_distro={}, os_version={} and os_purpose=generic",
                wanted.distro,
                versions.join(" or ")
            ),
            "no such image",
        );
    }
    Ok(judging.finish_own())
}

#[cfg(test)]
mod tests {
    use assay_standards::Verdict::{self, Fail, Pass};
    use serde_json::{Value, json};

    use crate::testing;

    fn generic(distro: &str, version: &str) -> Value {
        json!({
            "id": "1", "name": "any", "visibility": "public", "os_distro": distro, "os_version": version,
            "os_purpose": "generic", "image_source": "https://cloud.debian.org/images/cloud/trixie/x.qcow2",
        })
    }

    fn with(mut image: Value, field: &str, value: Value) -> Value {
        image[field] = value;
        image
    }

    fn on(day: &str, id: &str, images: &[Value]) -> Verdict {
        let now = format!("{day}T12:00:00Z");
        testing::judge_at(&now, id, |inventory| inventory.images = testing::known(json!(images))).text
    }

    fn now(id: &str, images: &[Value]) -> Verdict {
        on("2026-11-22", id, images)
    }

    #[test]
    fn generic_images_come_from_the_directory_of_their_release() {
        let id = "scs-0104-v2-source";
        assert_eq!(now(id, &[]), Pass);
        assert_eq!(now(id, &[generic("debian", "13")]), Pass);
        assert_eq!(now(id, &[generic("debian", "12")]), Fail);
        assert_eq!(now(id, &[generic("ubuntu", "24.04")]), Fail);
        let noble = json!("https://cloud-images.ubuntu.com/noble/current/x.img");
        assert_eq!(now(id, &[with(generic("ubuntu", "24.04"), "image_source", noble.clone())]), Pass);
        assert_eq!(now(id, &[with(generic("ubuntu", "22.04"), "image_source", noble)]), Fail);
        for free in [
            with(generic("debian", "12"), "os_purpose", json!("custom")),
            with(generic("debian", "12"), "visibility", json!("community")),
            generic("debian", "12.4"),
            generic("ubuntu", "25.10"),
            generic("rocky", "9"),
        ] {
            assert_eq!(now(id, std::slice::from_ref(&free)), Pass, "{free}");
        }
        assert_eq!(now(id, &[with(generic("debian", "13"), "image_source", Value::Null)]), Fail);
    }

    #[test]
    fn capi_images_have_three_properties() {
        let id = "scs-0104-v2-capi";
        let capi = |name: &str| {
            json!({
                "id": "2", "name": name, "visibility": "public", "os_purpose": "k8snode",
                "image_source": "https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/x.qcow2",
                "image_description": "https://github.com/osism/k8s-capi-images",
            })
        };
        assert_eq!(now(id, &[]), Pass, "they are recommended only");
        for name in ["ubuntu-capi-image v1.33", "ubuntu-capi-image-v1.33.1"] {
            assert_eq!(now(id, &[capi(name)]), Pass, "{name}");
            for field in ["os_purpose", "image_source", "image_description"] {
                assert_eq!(now(id, &[with(capi(name), field, json!("other"))]), Fail, "{name} {field}");
            }
        }
        assert_eq!(
            now(id, &[with(capi("ubuntu-capi-image-v1.33-mine"), "os_purpose", json!("custom"))]),
            Pass
        );
    }

    #[test]
    fn the_latest_releases_are_offered() {
        for (id, distro, version, other) in [
            ("scs-0104-v2-ubuntu-latest-lts", "ubuntu", "26.04", "24.04"),
            ("scs-0104-v2-ubuntu-previous-lts", "ubuntu", "24.04", "26.04"),
            ("scs-0104-v2-debian-latest", "debian", "13", "12"),
            ("scs-0104-v2-debian-previous", "debian", "12", "13"),
        ] {
            assert_eq!(now(id, &[generic(distro, version)]), Pass, "{id}");
            assert_eq!(now(id, &[generic(distro, other)]), Fail, "{id}");
            assert_eq!(
                now(id, &[with(generic(distro, version), "os_purpose", json!("minimal"))]),
                Fail,
                "{id}"
            );
            assert_eq!(
                now(id, &[with(generic(distro, version), "visibility", json!("community"))]),
                Fail,
                "{id}"
            );
            assert_eq!(now(id, &[]), Fail, "{id}");
        }
    }

    #[test]
    fn a_new_release_is_due_on_the_last_day_of_april() {
        let id = "scs-0104-v2-ubuntu-latest-lts";
        let (old, new) = (generic("ubuntu", "24.04"), generic("ubuntu", "26.04"));
        for (day, expected) in
            [("2026-04-22", (Pass, Fail)), ("2026-04-29", (Pass, Pass)), ("2026-04-30", (Fail, Pass))]
        {
            let verdicts = (on(day, id, std::slice::from_ref(&old)), on(day, id, std::slice::from_ref(&new)));
            assert_eq!(verdicts, expected, "{day}");
        }
    }
}
