//! scs-0104-v1: images are known by their names, which a file lists per version of the scope.

use std::borrow::Cow;
use std::collections::HashMap;

use assay_inventory::{FactId, Image};
use assay_standards::requirements::{ImageSpec, ImageTestcase, SpecifiedImage, StandardImages, Status};

use crate::evidence::Needed;
use crate::finding::Readings;
use crate::registry::Registry;
use crate::rule::rule;
use crate::scs_0102_image_metadata::{lacks_custom_properties, resource, shown};
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging};

const STANDARD: &str = "scs-0104-v1";
const IMAGES: &[FactId] = &[FactId::Images];

const NAMELESS: &str =
    "the reference suite aborts on an image without a name; the text asks only for images with certain names";
const NO_CUSTOM_PROPERTY: &str = "the reference suite aborts on an image without a single property beyond those that its SDK knows; by the text image_source is simply missing";
const ODD_SOURCE: &str =
    "the reference suite aborts on an image_source that is not text; by the text it is no accepted source";
const LOOSE_NAME: &str = "the reference suite takes names that go on after the scheme; by the text the scheme describes all of the name";
const TWINS: &str =
    "of several images with one name the reference suite sees the last only; the text asks about every one";
const COMMUNITY: &str = "the reference suite looks at community images too, which any user can upload; the text speaks of what the provider offers";
const UNSPECIFIED: &str = "no image spec of the text lists this image, so the text asks nothing of it";
const FREE_TO_OFFER: &str = "the image specs leave it free to offer this image";
const NOT_IN_EVERY_SPEC: &str = "not every image spec lists this image, and where a scope version uses another spec the text asks nothing of it";

pub(super) fn register(registry: &mut Registry) {
    for testcase in &StandardImages::get().testcases {
        registry.add(source(testcase));
        registry.add(existence(testcase));
    }
}

/// What the testcase is about, as people call it.
fn called(testcase: &ImageTestcase) -> String {
    match testcase.id.as_str() {
        "capi-1" => format!("{} (name with blank)", testcase.name),
        "capi-2" => format!("{} (name with dash)", testcase.name),
        _ => testcase.name.clone(),
    }
}

/// Images that no version in force asks for are in no catalogue of ours.
fn existence_remedy(testcase: &ImageTestcase) -> String {
    let sources = StandardImages::get().sources(&testcase.source);
    let by_hand = format!(
        "pload the image from {} under the name that the standard gives it, as a public image.",
        sources.first().map_or("its vendor", String::as_str)
    );
    match testcase.id.as_str() {
        "capi-1" => format!("U{by_hand}"),
        _ => format!(
            "With the credentials of an admin, `assay images plan CLOUD` shows what is missing, and `assay images apply CLOUD` imports it. By hand: u{by_hand}"
        ),
    }
}

fn source(testcase: &'static ImageTestcase) -> Testcase {
    Testcase {
        id: Cow::Owned(format!("scs-0104-source-{}", testcase.id)),
        standard: STANDARD,
        clause: "image specification, source",
        demand: Demand::Must,
        title: Cow::Owned(format!(
            "The image {}, if offered, comes from an accepted source",
            called(testcase)
        )),
        explanation: "Who starts an image under a well-known name trusts that it is what its makers publish. \
             So image_source must lead to where they publish it. A cloud without such an image passes.",
        remedy: Cow::Owned(format!(
            "Upload the image from {} and set image_source to its URL, or give an image of your own another name.",
            StandardImages::get().sources(&testcase.source).first().map_or("its vendor", String::as_str),
        )),
        official_facts: IMAGES,
        text_facts: &[],
        own: false,
        judge: rule(move |evidence| judge_source(testcase, evidence)),
    }
}

fn existence(testcase: &'static ImageTestcase) -> Testcase {
    Testcase {
        id: Cow::Owned(format!("scs-0104-image-{}", testcase.id)),
        standard: STANDARD,
        clause: "image specification, status",
        demand: match strongest_status(testcase) {
            Some(Status::Mandatory) => Demand::Must,
            Some(Status::Recommended) => Demand::Should,
            Some(Status::Optional) | None => Demand::May,
        },
        title: Cow::Owned(format!("The image {} is offered", called(testcase))),
        explanation: "Scripts and tutorials name the image that they start. They run everywhere only if every cloud offers \
             the image under the same name.",
        remedy: Cow::Owned(existence_remedy(testcase)),
        official_facts: IMAGES,
        text_facts: &[],
        own: false,
        judge: rule(move |evidence| judge_existence(testcase, evidence)),
    }
}

/// A testcase is chosen by the scope versions whose image spec it serves, so the strongest status counts.
fn strongest_status(testcase: &ImageTestcase) -> Option<Status> {
    StandardImages::get().specified(&testcase.id).map(|(_, image)| image.status).min()
}

/// Positions of the images by name.
type ByName<'a> = HashMap<Option<&'a str>, Vec<usize>>;

/// The images that may be meant: those of the name, or all where a scheme tells.
fn candidates<'a>(testcase: &ImageTestcase, images: &[&'a Image], by_name: &ByName<'_>) -> Vec<&'a Image> {
    match &testcase.scheme {
        Some(_) => images.to_vec(),
        None => by_name
            .get(&Some(testcase.name.as_str()))
            .into_iter()
            .flatten()
            .filter_map(|position| images.get(*position).copied())
            .collect(),
    }
}

/// The images that the reference suite sees: of each name the last, and a scheme tells how names begin.
fn seen_officially<'a>(
    testcase: &ImageTestcase,
    images: &[&'a Image],
    by_name: &ByName<'_>,
    judging: &mut Judging,
) -> Vec<&'a Image> {
    let last = |name: Option<&str>| by_name.get(&name).and_then(|positions| positions.last().copied());
    let Some(scheme) = &testcase.scheme else {
        return last(Some(&testcase.name))
            .and_then(|position| images.get(position).copied())
            .into_iter()
            .collect();
    };
    if let Some(nameless) = last(None).and_then(|position| images.get(position)) {
        judging.abort(Readings::Official, resource(nameless), "a name on every image", "no name");
        judging.differ(NAMELESS);
    }
    images
        .iter()
        .enumerate()
        .filter(|(position, image)| {
            image.name().is_some_and(|name| scheme.begins(name)) && last(image.name()) == Some(*position)
        })
        .map(|(_, image)| *image)
        .collect()
}

/// The images that the text means: what the provider offers under a name of the image specs.
fn meant_by_text<'a>(specified: &[(&ImageSpec, &SpecifiedImage)], images: &[&'a Image]) -> Vec<&'a Image> {
    let is_meant = |image: &Image| {
        let name = image.name().unwrap_or_default();
        image.visibility() == Some("public") && specified.iter().any(|(_, listed)| listed.is_named(name))
    };
    images.iter().copied().filter(|image| is_meant(image)).collect()
}

/// Why the official reading sees an image that the text does not mean, or the other way round.
fn why_only_one(image: &Image, is_specified: bool, is_official: bool) -> &'static str {
    match (is_specified, is_official, image.visibility()) {
        (false, ..) => UNSPECIFIED,
        (true, false, _) => TWINS,
        (true, true, Some("public")) => LOOSE_NAME,
        (true, true, _) => COMMUNITY,
    }
}

fn judge_source(testcase: &ImageTestcase, evidence: &Evidence<'_>) -> Needed<Judgement> {
    let images = evidence.offered_images()?;
    let table = StandardImages::get();
    let sources = table.sources(&testcase.source);
    let expected = format!("an image_source that begins with {}", sources.join(" or "));
    let specified: Vec<_> = table.specified(&testcase.id).collect();
    let mut judging = Judging::default();
    let by_name = evidence.images_by_name()?;
    let official = seen_officially(testcase, images, by_name, &mut judging);
    let candidates = candidates(testcase, images, by_name);
    let text = meant_by_text(&specified, &candidates);
    let contains = |list: &[&Image], image: &Image| list.iter().any(|other| std::ptr::eq(*other, image));

    for image in candidates.iter().copied() {
        let (by_official, by_text) = (contains(&official, image), contains(&text, image));
        if !(by_official || by_text) {
            continue;
        }
        let source = image.text("image_source").value().unwrap_or_default();
        if sources.iter().any(|accepted| source.starts_with(accepted)) {
            continue;
        }
        // Looking into properties that do not exist, or asking a thing that is not text how it begins.
        let is_odd = image.has("image_source") && image.text("image_source").value().is_none();
        let breaks = by_official && (lacks_custom_properties(image) || is_odd);
        if breaks {
            judging.abort(
                Readings::Official,
                resource(image),
                "an image_source that can be read",
                shown(image, "image_source"),
            );
            judging.differ(if is_odd { ODD_SOURCE } else { NO_CUSTOM_PROPERTY });
        }
        let readings = match (by_official && !breaks, by_text) {
            (true, true) => Readings::Both,
            (true, false) => Readings::Official,
            (false, true) => Readings::Text,
            (false, false) => continue,
        };
        judging.fail(readings, resource(image), expected.clone(), shown(image, "image_source"));
        if by_official != by_text {
            judging.differ(why_only_one(image, !specified.is_empty(), by_official));
        }
        // Classes of images change their names from spec to spec, and the reference suite looks for all forms.
        if by_text && testcase.scheme.is_some() && specified.len() < table.image_specs.len() {
            judging.differ(NOT_IN_EVERY_SPEC);
        }
    }
    Ok(judging.finish())
}

fn judge_existence(testcase: &ImageTestcase, evidence: &Evidence<'_>) -> Needed<Judgement> {
    let images = evidence.offered_images()?;
    let specified: Vec<_> = StandardImages::get().specified(&testcase.id).collect();
    let mut judging = Judging::default();
    let by_name = evidence.images_by_name()?;
    let official = seen_officially(testcase, images, by_name, &mut judging);
    let candidates = candidates(testcase, images, by_name);
    let text = meant_by_text(&specified, &candidates);
    let expected = match &testcase.scheme {
        Some(scheme) => format!("an image whose name is as in `{scheme}`"),
        None => format!("an image named {}", testcase.name),
    };
    // The text wants the image only where it is mandatory or recommended.
    let is_wanted = strongest_status(testcase).is_some_and(|status| status <= Status::Recommended);
    match (official.is_empty(), text.is_empty()) {
        (true, true) if is_wanted => judging.fail(Readings::Both, None, expected, "no such image"),
        (true, true) => {
            judging.fail(Readings::Official, None, expected, "no such image");
            judging.differ(if specified.is_empty() { UNSPECIFIED } else { FREE_TO_OFFER });
        }
        (false, true) if is_wanted => {
            for image in &official {
                let found = format!("an image with visibility {}", image.visibility().unwrap_or("unknown"));
                judging.fail(Readings::Text, resource(image), expected.clone(), found);
                judging.differ(why_only_one(image, true, true));
            }
        }
        (_, _) => {}
    }
    Ok(judging.finish())
}

#[cfg(test)]
mod tests {
    use assay_standards::Verdict::{self, Abort, Fail, Pass};
    use serde_json::{Value, json};

    use super::*;
    use crate::testing;

    const CAPI_SOURCE: &str =
        "https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/ubuntu-2404-kube/x.qcow2";

    fn image(name: &str, source: &str) -> Value {
        json!({
            "id": format!("id of {name}"), "name": name, "visibility": "public", "os_hidden": false,
            "image_source": source, "os_distro": "ubuntu",
        })
    }

    fn with(mut image: Value, changes: &Value) -> Value {
        for (field, value) in changes.as_object().unwrap() {
            image[field] = value.clone();
        }
        image
    }

    fn without_source(mut image: Value) -> Value {
        image.as_object_mut().unwrap().remove("image_source");
        image
    }

    fn verdicts(id: &str, images: &[Value]) -> (Verdict, Verdict) {
        testing::verdicts(id, |inventory| inventory.images = testing::known(json!(images)))
    }

    #[test]
    fn without_images_sources_pass_and_existence_fails() {
        let private = with(image("Ubuntu 24.04", "nowhere"), &json!({"visibility": "private"}));
        for images in [vec![], vec![private]] {
            for testcase in &StandardImages::get().testcases {
                assert_eq!(verdicts(&format!("scs-0104-source-{}", testcase.id), &images), (Pass, Pass));
                let text = match testcase.id.as_str() {
                    "debian-13" | "debian-11" | "debian-10" | "ubuntu-2004" => Pass,
                    _ => Fail,
                };
                let id = format!("scs-0104-image-{}", testcase.id);
                assert_eq!(verdicts(&id, &images), (Fail, text), "{id}");
            }
        }
    }

    #[test]
    fn sources_are_compared_from_the_beginning() {
        let id = "scs-0104-source-ubuntu-2404";
        for (source, expected) in [
            ("https://cloud-images.ubuntu.com/releases/noble/release-20250101/x.img", (Pass, Pass)),
            ("https://cloud-images.ubuntu.com/noble/current/x.img", (Pass, Pass)),
            ("https://cloud-images.ubuntu.com/jammy/current/x.img", (Fail, Fail)),
            ("http://cloud-images.ubuntu.com/noble/current/x.img", (Fail, Fail)),
            (" https://cloud-images.ubuntu.com/noble/current/x.img", (Fail, Fail)),
            ("private", (Fail, Fail)),
            ("", (Fail, Fail)),
        ] {
            assert_eq!(verdicts(id, &[image("Ubuntu 24.04", source)]), expected, "{source}");
        }
        assert_eq!(verdicts(id, &[image("Ubuntu 24.04 20240101", "private")]), (Pass, Pass), "another name");
    }

    #[test]
    fn a_missing_source_fails_unless_no_property_is_there_at_all() {
        let id = "scs-0104-source-ubuntu-2404";
        let bare = without_source(image("Ubuntu 24.04", ""));
        assert_eq!(verdicts(id, std::slice::from_ref(&bare)), (Abort, Fail));
        assert_eq!(verdicts(id, &[with(bare.clone(), &json!({"os_purpose": "generic"}))]), (Fail, Fail));
        assert_eq!(verdicts(id, &[with(bare.clone(), &json!({"image_source": null}))]), (Abort, Fail));
        let other = "scs-0104-source-debian-12";
        assert_eq!(verdicts(other, &[bare]), (Pass, Pass), "only images of the name are looked into");
    }

    #[test]
    fn names_of_capi_images() {
        for (name, one, two) in [
            ("ubuntu-capi-image v1.30", (Pass, Pass), (Fail, Fail)),
            ("ubuntu-capi-image-v1.30.4", (Fail, Fail), (Pass, Pass)),
            ("ubuntu-capi-image-v1.30-foo", (Fail, Fail), (Pass, Fail)),
            ("Ubuntu-capi-image-v1.30", (Fail, Fail), (Fail, Fail)),
        ] {
            let images = [image(name, CAPI_SOURCE)];
            assert_eq!(verdicts("scs-0104-image-capi-1", &images), one, "{name}");
            assert_eq!(verdicts("scs-0104-image-capi-2", &images), two, "{name}");
        }
        let loose = [image("ubuntu-capi-image-v1.30-foo", "private")];
        assert_eq!(verdicts("scs-0104-source-capi-2", &loose), (Fail, Pass));
        assert_eq!(verdicts("scs-0104-source-capi-1", &loose), (Pass, Pass));
        assert_eq!(
            verdicts("scs-0104-source-capi-1", &[image("ubuntu-capi-image v1.30", "private")]),
            (Fail, Fail)
        );
    }

    #[test]
    fn a_nameless_image_aborts_what_looks_for_a_scheme() {
        let images = [with(image("x", "private"), &json!({"name": null}))];
        assert_eq!(verdicts("scs-0104-source-capi-1", &images), (Abort, Pass));
        assert_eq!(verdicts("scs-0104-image-capi-2", &images), (Abort, Fail));
        assert_eq!(verdicts("scs-0104-source-ubuntu-2404", &images), (Pass, Pass));
    }

    #[test]
    fn of_twins_the_last_counts_officially() {
        let (good, bad) = ("https://cloud-images.ubuntu.com/noble/x", "private");
        let id = "scs-0104-source-ubuntu-2404";
        let twins = |first, second| [image("Ubuntu 24.04", first), image("Ubuntu 24.04", second)];
        assert_eq!(verdicts(id, &twins(good, bad)), (Fail, Fail));
        assert_eq!(verdicts(id, &twins(bad, good)), (Pass, Fail));
        assert_eq!(verdicts(id, &twins(good, good)), (Pass, Pass));
    }

    #[test]
    fn community_images_count_officially_only() {
        let images = [with(image("Ubuntu 24.04", "private"), &json!({"visibility": "community"}))];
        assert_eq!(verdicts("scs-0104-source-ubuntu-2404", &images), (Fail, Pass));
        assert_eq!(verdicts("scs-0104-image-ubuntu-2404", &images), (Pass, Fail));
    }

    #[test]
    fn debian_13_is_in_no_image_spec() {
        let images = [image("Debian 13", "private")];
        assert_eq!(verdicts("scs-0104-source-debian-13", &images), (Fail, Pass));
        assert_eq!(verdicts("scs-0104-image-debian-13", &images), (Pass, Pass));
        assert_eq!(verdicts("scs-0104-source-debian-12", &[image("Debian 12", "private")]), (Fail, Fail));
    }

    #[test]
    fn how_binding_existence_is_follows_from_the_image_specs() {
        let demand = |id: &str| Registry::get().find(id).unwrap().demand;
        assert_eq!(demand("scs-0104-image-ubuntu-2404"), Demand::Must);
        assert_eq!(demand("scs-0104-image-ubuntu-2204"), Demand::Must);
        assert_eq!(demand("scs-0104-image-debian-12"), Demand::Should);
        assert_eq!(demand("scs-0104-image-debian-13"), Demand::May);
    }
}
