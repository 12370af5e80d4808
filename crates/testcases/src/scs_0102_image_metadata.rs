//! scs-0102: image metadata. Every image that is offered to all must say what it is, where it comes from
//! and how it is kept up to date.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use assay_inventory::{FactId, FieldSet, Image, Seen};
use assay_standards::requirements::{Accepts, Demanded, ImageMetadata, Property};
use serde_json::Value;

use crate::finding::{Readings, Resource};
use crate::image_date;
use crate::registry::Registry;
use crate::testcase::{Demand, Judge, Testcase};
use crate::{Evidence, Judgement, Judging};

const STANDARD: &str = "scs-0102";
const IMAGES: &[FactId] = &[FactId::Images];
const HIDDEN_IMAGES: &[FactId] = &[FactId::HiddenImages];

const COMMUNITY: &str =
    "the reference suite looks at community images too; the text speaks of the provider's public images";
const NO_CUSTOM_PROPERTY: &str = "the reference suite aborts on an image without a single property beyond those that its SDK knows; by the text the property is simply missing";
const VOCABULARY: &str =
    "the reference suite has a list of values of its own; the text points to Glance's list";
const ODD_VALUE: &str =
    "the reference suite breaks down on a value of an unexpected type; by the text the value is simply wrong";
const MISSING_ACCEPTED: &str =
    "the reference suite lets the property be missing; the text makes it mandatory";

const REPAIR: &str = " As admin, `assay plan CLOUD` sets it or asks for it.";

/// Fields of an image that openstacksdk 4.10 knows by name. Everything else lands in one map there, and
/// that map does not exist for an image without any other property.
const FIELDS_OF_THE_SDK: &[&str] = &[
    "architecture",
    "auto_disk_config",
    "checksum",
    "container_format",
    "created_at",
    "direct_url",
    "disk_format",
    "file",
    "has_auto_disk_config",
    "hash_algo",
    "hash_value",
    "hw_boot_menu",
    "hw_cpu_cores",
    "hw_cpu_policy",
    "hw_cpu_sockets",
    "hw_cpu_thread_policy",
    "hw_cpu_threads",
    "hw_disk_bus",
    "hw_machine_type",
    "hw_qemu_guest_agent",
    "hw_rng_model",
    "hw_scsi_model",
    "hw_serial_port_count",
    "hw_video_model",
    "hw_video_ram",
    "hw_vif_model",
    "hw_vif_multiqueue_enabled",
    "hw_watchdog_action",
    "hypervisor_type",
    "id",
    "img_config_drive",
    "instance_type_rxtx_factor",
    "instance_uuid",
    "is_hidden",
    "is_hw_boot_menu_enabled",
    "is_hw_vif_multiqueue_enabled",
    "is_protected",
    "kernel_id",
    "locations",
    "metadata",
    "min_disk",
    "min_ram",
    "name",
    "needs_config_drive",
    "needs_secure_boot",
    "os_admin_user",
    "os_command_line",
    "os_distro",
    "os_hash_algo",
    "os_hash_value",
    "os_hidden",
    "os_require_quiesce",
    "os_secure_boot",
    "os_shutdown_timeout",
    "os_type",
    "os_version",
    "owner",
    "owner_id",
    "properties",
    "protected",
    "ramdisk_id",
    "schema",
    "self",
    "size",
    "status",
    "store",
    "tags",
    "updated_at",
    "url",
    "virtual_size",
    "visibility",
    "vm_mode",
    "vmware_adaptertype",
    "vmware_ostype",
];

pub(crate) fn register(registry: &mut Registry) {
    for property in &ImageMetadata::get().properties {
        registry.add(property_testcase(property));
    }
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0102-image-recency"),
        standard: STANDARD,
        clause: "image updating, replace_frequency",
        demand: Demand::Must,
        title: Cow::Borrowed("Images are replaced as often as they promise"),
        explanation: "An image that promises monthly replacement and was built long ago misses security updates that its users count on. \
             An old copy may stay if its name says so and the plain name leads to a fresh image.",
        remedy: Cow::Borrowed("Upload a fresh build under the same name and hide or rename the old one, or promise what is kept."),
        official_facts: IMAGES,
        text_facts: &[],
        own: false,
        judge: Box::new(image_recency),
    });
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0102-os_purpose-uniqueness"),
        standard: STANDARD,
        clause: "properties, os_purpose",
        demand: Demand::Must,
        title: Cow::Borrowed("At most one generic image per architecture, distribution and version"),
        explanation: "With one generic image per architecture, distribution and version, users find it by its properties and need no name.",
        remedy: Cow::Borrowed("Give the superseded images os_purpose=oldgeneric, or hide them."),
        official_facts: IMAGES,
        text_facts: &[],
        own: false,
        judge: Box::new(os_purpose_uniqueness),
    });
    registry.add(own(
        "scs-0102-license-properties",
        "Licence properties are truth values and do not contradict each other",
        "license_included and license_required",
        "An image cannot both include a licence and demand that the user brings one.",
        "Set license_included and license_required to true or false, at most one of them to true.",
        IMAGES,
        &[],
        license_properties,
    ));
    registry.add(own(
        "scs-0102-maintained-values",
        "maintained_until and l1_support_contact can be understood",
        "support properties",
        "Both properties are optional; where they are set, a date and an address must be readable by programs.",
        "Write maintained_until as YYYY-MM-DD and l1_support_contact as a URI.",
        IMAGES,
        &[],
        maintained_values,
    ));
    registry.add(own(
        "scs-0102-hidden-rotation",
        "A name leads to one image",
        "image updating",
        "When an image is replaced, the old one must be hidden or renamed, so that looking up the name gives the current one.",
        "Hide the superseded images of the name (os_hidden=true) or append their build date to the name.",
        IMAGES,
        HIDDEN_IMAGES,
        hidden_rotation,
    ));
}

#[expect(
    clippy::too_many_arguments,
    reason = "one line per testcase reads better than eight field names each"
)]
fn own(
    id: &'static str,
    title: &'static str,
    clause: &'static str,
    explanation: &'static str,
    remedy: &'static str,
    facts: &'static [FactId],
    text_facts: &'static [FactId],
    judge: fn(&Evidence<'_>) -> Judgement,
) -> Testcase {
    Testcase {
        id: Cow::Borrowed(id),
        standard: STANDARD,
        clause,
        demand: Demand::Must,
        title: Cow::Borrowed(title),
        explanation,
        remedy: Cow::Borrowed(remedy),
        official_facts: facts,
        text_facts,
        own: true,
        judge: Box::new(judge),
    }
}

fn property_testcase(property: &'static Property) -> Testcase {
    let demand = match property.demand.values().min() {
        Some(Demanded::Must) | None => Demand::Must,
        Some(Demanded::Should) => Demand::Should,
        Some(Demanded::May) => Demand::May,
    };
    Testcase {
        id: Cow::Owned(format!("scs-0102-prop-{}", property.name)),
        standard: STANDARD,
        clause: &property.clause,
        demand,
        title: Cow::Owned(title(property)),
        explanation: "Users and tools choose images by their properties. A missing or made-up value breaks that choice, or hides \
             how the image is built and kept up to date.",
        remedy: Cow::Owned(format!("{}{REPAIR}", remedy(property))),
        official_facts: IMAGES,
        text_facts: &[],
        own: false,
        judge: judge_of(property),
    }
}

fn title(property: &Property) -> String {
    let field = property.field();
    match property.name.as_str() {
        "hw_disk_bus" | "hypervisor_type" | "hw_rng_model" => format!("{field} has a value that is in use"),
        "hotfix_hours" => format!("{field}, where set, is a number of hours"),
        "hash_algo" => format!("{field} is a hash that can be trusted"),
        "min_disk" => format!("{field} is set and leaves room for the image"),
        "image_build_date" => format!("{field} is a date in the past"),
        "provided_until" | "replace_frequency" | "uuid_validity" => {
            format!("{field} says what users can count on")
        }
        _ => format!("{field} is set on every offered image"),
    }
}

fn remedy(property: &Property) -> String {
    let field = property.field();
    match (property.name.as_str(), &property.text) {
        ("hash_algo", _) => "Upload the image again; Glance computes the hash (sha512 by default).".into(),
        ("min_disk", _) => "Set min_disk to at least the size of the image in GiB, rounded up.".into(),
        ("min_ram", _) => "Set min_ram to the MiB that the system needs to boot.".into(),
        ("image_build_date", _) => "Set image_build_date to the day of the build as YYYY-MM-DD.".into(),
        ("image_source", _) => "Set image_source to the URL of the upstream image, or to private.".into(),
        ("provided_until", _) => "Set provided_until to a date as YYYY-MM-DD, to none or to notice.".into(),
        ("uuid_validity", _) => {
            "Set uuid_validity to none, last-N, a date as YYYY-MM-DD, notice or forever.".into()
        }
        ("hotfix_hours", _) => "Set hotfix_hours to a whole number of hours, or remove it.".into(),
        (_, Some(accepts)) if accepts.one_of.len() == 1 => format!("Set {field} to {}.", accepts.one_of[0]),
        (_, Some(accepts)) if !accepts.one_of.is_empty() && accepts.one_of.len() <= 8 => {
            format!("Set {field} to one of {}.", accepts.one_of.join(", "))
        }
        _ => format!("Set {field}, for instance with `openstack image set --property {field}=…`."),
    }
}

fn judge_of(property: &'static Property) -> Judge {
    match property.name.as_str() {
        "min_disk" => each_image(property, min_disk),
        "min_ram" => each_image(property, min_ram),
        "os_version" => each_image(property, os_version),
        "os_distro" => each_image(property, os_distro),
        "image_build_date" => each_image(property, image_build_date),
        "image_source" => each_image(property, image_source),
        "provided_until" => each_image(property, provided_until),
        "uuid_validity" => each_image(property, uuid_validity),
        "hotfix_hours" => each_image(property, hotfix_hours),
        _ => each_image(property, listed),
    }
}

/// What one reading says about one image; the text is the expectation that is not met.
enum Says {
    Fine,
    Fails(Cow<'static, str>),
    Aborts(&'static str),
}

struct Look<'a> {
    property: &'static Property,
    image: &'a Image,
    now: i64,
}

/// What the two readings say, and why they may differ.
struct Answer {
    official: Says,
    text: Says,
    why: Option<&'static str>,
}

impl Answer {
    fn is_fine(&self) -> bool {
        matches!((&self.official, &self.text), (Says::Fine, Says::Fine))
    }

    fn same(ok: bool, expected: impl Into<Cow<'static, str>>) -> Self {
        if ok {
            return Answer { official: Says::Fine, text: Says::Fine, why: None };
        }
        let expected = expected.into();
        Answer { official: Says::Fails(expected.clone()), text: Says::Fails(expected), why: None }
    }
}

fn each_image(property: &'static Property, rule: fn(&Look<'_>, &mut Judging) -> Answer) -> Judge {
    let is_custom = !FIELDS_OF_THE_SDK.contains(&property.field());
    Box::new(move |evidence| {
        let images = match evidence.offered_images() {
            Ok(images) => images,
            Err(judgement) => return *judgement,
        };
        let mut judging = Judging::default();
        for image in images {
            let look = Look { property, image, now: evidence.now.as_second() };
            let mut answer = rule(&look, &mut judging);
            if is_custom && lacks_custom_properties(image) {
                answer.official = Says::Aborts("an image with at least one property of its own");
                answer.why = Some(NO_CUSTOM_PROPERTY);
            }
            record(&mut judging, &look, answer);
        }
        judging.finish()
    })
}

fn record(judging: &mut Judging, look: &Look<'_>, answer: Answer) {
    // Nearly all images are fine, so that anything done before this counts ten thousand times.
    if answer.is_fine() {
        return;
    }
    let is_public = look.image.visibility() == Some("public");
    let text = if is_public { answer.text } else { Says::Fine };
    let resource = || resource(look.image);
    let found = || shown(look.image, look.property.field());
    match (answer.official, text) {
        (Says::Fine, Says::Fine) => return,
        // Where both lists refuse the value, that of the reference suite is shown: its verdict decides.
        (Says::Fails(expected), Says::Fails(_)) => {
            judging.fail(Readings::Both, resource(), expected, found());
            return;
        }
        (official, text) => {
            for (says, readings) in [(official, Readings::Official), (text, Readings::Text)] {
                match says {
                    Says::Fine => {}
                    Says::Fails(expected) => judging.fail(readings, resource(), expected, found()),
                    Says::Aborts(expected) => judging.abort(readings, resource(), expected, found()),
                }
            }
        }
    }
    if let Some(why) = answer.why {
        judging.differ(why);
    }
    if !is_public {
        judging.differ(COMMUNITY);
    }
}

pub(crate) fn lacks_custom_properties(image: &Image) -> bool {
    static SET: LazyLock<FieldSet> = LazyLock::new(|| FieldSet::new(FIELDS_OF_THE_SDK));
    image.is_within(&SET)
}

pub(crate) fn resource(image: &Image) -> Resource {
    Resource::new("image", image.id(), image.name().unwrap_or("(no name)"))
}

/// A field as it is shown to a reader: name and value, or that it is missing.
pub(crate) fn shown(image: &Image, field: &str) -> String {
    match image.get(field) {
        None => format!("{field} is not set"),
        Some(Value::String(text)) => format!("{field}={text}"),
        Some(other) => format!("{field}={other}"),
    }
}

/// Python's idea of truth, which decides what counts as "set".
fn is_truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
    }
}

fn accepts(rule: &Accepts, image: &Image, field: &str) -> bool {
    match image.get(field) {
        None => rule.missing,
        value if rule.filled => is_truthy(value),
        Some(Value::String(text)) => rule.one_of.iter().any(|accepted| accepted == text),
        Some(_) => false,
    }
}

fn wanted(rule: &Accepts) -> String {
    match rule.one_of.len() {
        0 => "a value".into(),
        1 => rule.one_of[0].clone(),
        count if count > 10 => "a value of Glance's list".into(),
        _ => format!("one of {}", rule.one_of.join(", ")),
    }
}

fn listed(look: &Look<'_>, _: &mut Judging) -> Answer {
    let field = look.property.field();
    let says = |rule: Option<&Accepts>| match rule {
        Some(rule) if !accepts(rule, look.image, field) => Says::Fails(Cow::Owned(wanted(rule))),
        _ => Says::Fine,
    };
    let why = if look.image.get(field).is_none() { MISSING_ACCEPTED } else { VOCABULARY };
    Answer {
        official: says(look.property.official.as_ref()),
        text: says(look.property.text.as_ref()),
        why: Some(why),
    }
}

const GIB: i128 = 1 << 30;

fn min_disk(look: &Look<'_>, _: &mut Judging) -> Answer {
    let expected = "min_disk in GiB, no smaller than the image";
    let min_disk = match look.image.integer("min_disk") {
        Seen::Absent | Seen::Value(0) => return Answer::same(false, expected),
        Seen::Value(gib) => gib,
        Seen::Odd(_) => {
            let odd = "min_disk as a whole number";
            return Answer {
                official: Says::Aborts(odd),
                text: Says::Fails(Cow::Borrowed(odd)),
                why: Some(ODD_VALUE),
            };
        }
    };
    match look.image.integer("size") {
        Seen::Value(size) => Answer::same(i128::from(min_disk) * GIB >= i128::from(size), expected),
        Seen::Absent | Seen::Odd(_) => Answer {
            official: Says::Aborts("an image with a known size"),
            text: Says::Fine,
            why: Some(
                "the reference suite aborts where the size of an image is unknown; by the text min_disk is set",
            ),
        },
    }
}

fn min_ram(look: &Look<'_>, judging: &mut Judging) -> Answer {
    let min_ram = look.image.integer("min_ram");
    if let Seen::Value(mib @ 1..64) = min_ram {
        judging.note(
            Readings::Both,
            resource(look.image),
            format!("min_ram={mib} MiB is too little to boot most systems"),
        );
    }
    match min_ram {
        Seen::Value(mib) => Answer::same(mib != 0, "min_ram in MiB, enough to boot"),
        Seen::Absent => Answer::same(false, "min_ram in MiB, enough to boot"),
        Seen::Odd(_) => Answer {
            official: Says::Aborts("min_ram as a whole number"),
            text: Says::Fails(Cow::Borrowed("min_ram as a whole number")),
            why: Some(ODD_VALUE),
        },
    }
}

fn os_version(look: &Look<'_>, _: &mut Judging) -> Answer {
    let version = look.image.get("os_version");
    if !is_truthy(version) {
        return Answer::same(false, "the version of the operating system");
    }
    let is_numeric = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
    let distro = look.image.text("os_distro").value().unwrap_or_default();
    let numbers = ImageMetadata::get().numeric_versions.iter().any(|name| name == distro);
    match look.image.text("os_version") {
        Seen::Value(text) if numbers && !is_numeric(text) => Answer {
            official: Says::Fine,
            text: Says::Fails(Cow::Borrowed("a number, as the distribution counts its versions in numbers")),
            why: Some(
                "the reference suite takes any version; the text wants numbers where the distribution uses them",
            ),
        },
        _ => Answer::same(true, ""),
    }
}

fn os_distro(look: &Look<'_>, judging: &mut Judging) -> Answer {
    let distro = look.image.get("os_distro");
    if !is_truthy(distro) {
        return Answer::same(false, "the distribution, as Glance spells it");
    }
    let Seen::Value(text) = look.image.text("os_distro") else {
        return Answer::same(true, "");
    };
    if text != text.to_lowercase() {
        return Answer {
            official: Says::Fine,
            text: Says::Fails(Cow::Borrowed("the distribution in lower case, as Glance spells it")),
            why: Some("the reference suite takes any name; the text wants Glance's spelling"),
        };
    }
    if !ImageMetadata::get().known_distros.iter().any(|known| known == text) {
        judging.note(
            Readings::Text,
            resource(look.image),
            format!("os_distro={text} is not in Glance's list"),
        );
    }
    Answer::same(true, "")
}

fn image_build_date(look: &Look<'_>, _: &mut Judging) -> Answer {
    const EXPECTED: &str = "YYYY-MM-DD or YYYY-MM-DD hh:mm[:ss], in UTC";
    const NOT_FUTURE: &str = "a date in the past";
    let built = match look.image.text("image_build_date") {
        Seen::Value(text) => image_date::parse(text),
        Seen::Absent => 0,
        Seen::Odd(_) => {
            return Answer {
                official: Says::Aborts(EXPECTED),
                text: Says::Fails(Cow::Borrowed(EXPECTED)),
                why: Some(ODD_VALUE),
            };
        }
    };
    let text = match built {
        0 => Says::Fails(Cow::Borrowed(EXPECTED)),
        date if date > look.now => Says::Fails(Cow::Borrowed(NOT_FUTURE)),
        _ => Says::Fine,
    };
    let Seen::Value(created) = look.image.text("created_at") else {
        return Answer { official: Says::Aborts("an image with created_at"), text, why: Some(ODD_VALUE) };
    };
    let registered = image_date::parse_strict(created);
    let official = if built == 0 {
        Says::Fails(Cow::Borrowed(EXPECTED))
    } else if built > look.now {
        Says::Fails(Cow::Borrowed(NOT_FUTURE))
    } else if built > registered {
        Says::Fails(Cow::Borrowed("a date before the image was registered (created_at)"))
    } else {
        Says::Fine
    };
    Answer {
        official,
        text,
        why: Some(
            "the reference suite refuses a build date after created_at; the text does not compare the two",
        ),
    }
}

fn image_source(look: &Look<'_>, _: &mut Judging) -> Answer {
    let ok = match look.image.text("image_source") {
        Seen::Value("private") => true,
        Seen::Value(text) => text
            .split_once("://")
            .is_some_and(|(scheme, _)| ["http", "https", "ftp", "ftps"].contains(&scheme)),
        Seen::Absent => false,
        Seen::Odd(_) => {
            let expected = "a URL or private";
            return Answer {
                official: Says::Aborts(expected),
                text: Says::Fails(Cow::Borrowed(expected)),
                why: Some(ODD_VALUE),
            };
        }
    };
    Answer::same(ok, "a URL (http, https, ftp, ftps) or private")
}

fn is_date(text: &str) -> bool {
    image_date::parse(text) != 0
}

fn provided_until(look: &Look<'_>, _: &mut Judging) -> Answer {
    let value = look.image.get("provided_until");
    if !is_truthy(value) {
        return Answer::same(false, "a date, none or notice");
    }
    match look.image.text("provided_until") {
        Seen::Value("none" | "notice") => Answer::same(true, ""),
        Seen::Value(text) if is_date(text) => Answer::same(true, ""),
        _ => Answer {
            official: Says::Fine,
            text: Says::Fails(Cow::Borrowed("a date, none or notice")),
            why: Some(
                "the reference suite takes any value that is not empty; the text wants a date, none or notice",
            ),
        },
    }
}

fn uuid_validity(look: &Look<'_>, _: &mut Judging) -> Answer {
    const EXPECTED: &str = "none, last-N, a date, notice or forever";
    match look.image.text("uuid_validity") {
        Seen::Absent => Answer {
            official: Says::Fine,
            text: Says::Fails(Cow::Borrowed(EXPECTED)),
            why: Some(MISSING_ACCEPTED),
        },
        Seen::Odd(_) => Answer {
            official: Says::Aborts(EXPECTED),
            text: Says::Fails(Cow::Borrowed(EXPECTED)),
            why: Some(ODD_VALUE),
        },
        Seen::Value(text) => {
            let is_count =
                |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let ok = matches!(text, "none" | "notice" | "forever")
                || text.strip_prefix("last-").is_some_and(is_count)
                || is_date(text);
            Answer::same(ok, EXPECTED)
        }
    }
}

fn hotfix_hours(look: &Look<'_>, _: &mut Judging) -> Answer {
    const EXPECTED: &str = "a whole number of hours";
    match look.image.text("hotfix_hours") {
        Seen::Absent => Answer::same(true, ""),
        Seen::Value(text) => Answer::same(text.bytes().all(|byte| byte.is_ascii_digit()), EXPECTED),
        Seen::Odd(value) => {
            let ok = !is_truthy(Some(value));
            Answer {
                official: if ok { Says::Fine } else { Says::Aborts("hotfix_hours as text") },
                text: if ok || value.is_u64() { Says::Fine } else { Says::Fails(Cow::Borrowed(EXPECTED)) },
                why: Some("the reference suite cannot read a number that is not text"),
            }
        }
    }
}

/// How the reference suite grades the age of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    /// Fresh enough, or no promise is broken.
    Fine,
    /// Old, but hidden or marked as old.
    MarkedOld,
    /// Old.
    Old,
    /// `provided_until` cannot be read.
    Unreadable,
    /// The reference suite fails on it with an exception.
    Aborts,
}

fn official_age(image: &Image, now: i64) -> Age {
    // The map of custom properties does not exist, and looking into it fails.
    if lacks_custom_properties(image) {
        return Age::Aborts;
    }
    let built = match image.text("image_build_date") {
        Seen::Value(text) => image_date::parse(text),
        Seen::Absent => 0,
        Seen::Odd(_) => return Age::Aborts,
    };
    let built = match (built, image.text("created_at")) {
        (0, Seen::Value(created)) => image_date::parse_strict(created),
        (0, _) => return Age::Aborts,
        (date, _) => date,
    };
    let frequency = match image.get("replace_frequency") {
        None => return Age::Fine,
        Some(value) => value.as_str().unwrap_or_default(),
    };
    let known = ImageMetadata::get().replace_frequencies.iter().find(|known| known.name == frequency);
    let Some(known) = known else {
        return Age::Fine;
    };
    let period = known.official_hours * 3600;
    if now * 10 <= built * 10 + 11 * period {
        return Age::Fine;
    }
    match image.text("provided_until") {
        Seen::Absent | Seen::Odd(_) => return Age::Aborts,
        Seen::Value("none" | "notice") => return Age::Fine,
        Seen::Value(text) => match image_date::parse(text) {
            0 => return Age::Unreadable,
            until if now > until => return Age::Fine,
            _ => {}
        },
    }
    match image.name() {
        None => Age::Aborts,
        Some(name) if image.is_hidden() || is_marked_old(name) => Age::MarkedOld,
        Some(_) => Age::Old,
    }
}

fn is_marked_old(name: &str) -> bool {
    let last = name.rsplit(' ').next().unwrap_or_default();
    matches!(last, "old" | "prev") || image_date::is_date_marker(last)
}

/// By the text a promise of replacement holds until `provided_until`, or until notice is given.
fn text_is_old(image: &Image, now: i64) -> bool {
    let frequency = image.text("replace_frequency").value().unwrap_or_default();
    let table = ImageMetadata::get();
    let Some(known) = table.replace_frequencies.iter().find(|known| known.name == frequency) else {
        return false;
    };
    let built = match image.text("image_build_date").value().map_or(0, image_date::parse) {
        0 => image.text("created_at").value().map_or(0, image_date::parse_strict),
        date => date,
    };
    let bound = match image.text("provided_until").value() {
        None | Some("notice") => true,
        Some("none") => false,
        Some(text) => image_date::parse(text) >= now,
    };
    bound && built != 0 && now > built + (known.text_days + table.text_grace_days) * 86_400
}

fn image_recency(evidence: &Evidence<'_>) -> Judgement {
    const EXPECTED: &str = "a newer build by this time, or a fresh image under the plain name";
    let images = match evidence.offered_images() {
        Ok(images) => images,
        Err(judgement) => return *judgement,
    };
    let now = evidence.now.as_second();
    let by_name = match evidence.images_by_name() {
        Ok(positions) => positions,
        Err(judgement) => return *judgement,
    };
    let replacement = |image: &Image| {
        let (name, _) = image.name()?.rsplit_once(' ')?;
        images.get(*by_name.get(&Some(name.trim_end()))?.last()?).copied()
    };
    let mut judging = Judging::default();
    for image in images.iter().copied() {
        let official = match official_age(image, now) {
            Age::Fine => Says::Fine,
            Age::Unreadable => Says::Fails(Cow::Borrowed("provided_until as a date, none or notice")),
            Age::Aborts => Says::Aborts("an image whose dates can be read"),
            Age::MarkedOld | Age::Old => match replacement(image).map(|other| official_age(other, now)) {
                Some(Age::Fine) => Says::Fine,
                Some(Age::Aborts) => Says::Aborts("a replacement whose dates can be read"),
                _ => Says::Fails(Cow::Borrowed(EXPECTED)),
            },
        };
        let is_replaced = || {
            image.name().is_some_and(is_marked_old)
                && replacement(image).is_some_and(|other| !text_is_old(other, now))
        };
        let text = match text_is_old(image, now) && !is_replaced() {
            true => Says::Fails(Cow::Borrowed(EXPECTED)),
            false => Says::Fine,
        };
        let why = match (lacks_custom_properties(image), image.text("provided_until").value()) {
            (true, _) => NO_CUSTOM_PROPERTY,
            (_, None) => {
                "the reference suite aborts on an old image without provided_until; by the text the promise of replacement holds"
            }
            (_, Some("notice" | "none")) => {
                "the reference suite looks no further when provided_until is none or notice; by the text the promise holds until notice is given"
            }
            _ => {
                "the reference suite lets a tenth of the period pass and takes any longer name as a rename; the text allows three days and wants old images hidden or marked"
            }
        };
        let answer = Answer { official, text, why: Some(why) };
        record_age(&mut judging, image, answer);
    }
    judging.finish()
}

fn record_age(judging: &mut Judging, image: &Image, answer: Answer) {
    if answer.is_fine() {
        return;
    }
    let built = shown(image, "image_build_date");
    let found = format!("{built}, {}", shown(image, "replace_frequency"));
    let text = if image.visibility() == Some("public") { answer.text } else { Says::Fine };
    let differs = std::mem::discriminant(&answer.official) != std::mem::discriminant(&text);
    match (answer.official, text) {
        (Says::Fails(expected), Says::Fails(_)) => {
            judging.fail(Readings::Both, resource(image), expected, found);
        }
        (official, text) => {
            for (says, readings) in [(official, Readings::Official), (text, Readings::Text)] {
                match says {
                    Says::Fine => {}
                    Says::Fails(expected) => judging.fail(readings, resource(image), expected, found.clone()),
                    Says::Aborts(expected) => {
                        judging.abort(readings, resource(image), expected, found.clone());
                    }
                }
            }
        }
    }
    if let (true, Some(why)) = (differs, answer.why) {
        judging.differ(why);
    }
}

fn os_purpose_uniqueness(evidence: &Evidence<'_>) -> Judgement {
    let images = match evidence.offered_images() {
        Ok(images) => images,
        Err(judgement) => return *judgement,
    };
    let mut judging = Judging::default();
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&Image>> = BTreeMap::new();
    for image in images.iter().copied() {
        if image.visibility() != Some("public") || image.is_hidden() {
            continue;
        }
        let text = |field: &str| image.text(field).value().unwrap_or_default();
        if text("os_distro").is_empty() || text("os_version").is_empty() {
            continue;
        }
        if lacks_custom_properties(image) {
            judging.abort(
                Readings::Official,
                resource(image),
                "an image with at least one property of its own",
                "os_purpose is not set",
            );
            judging.differ(NO_CUSTOM_PROPERTY);
        } else if text("os_purpose") == "generic" {
            groups
                .entry((text("architecture"), text("os_distro"), text("os_version")))
                .or_default()
                .push(image);
        }
    }
    for ((architecture, distro, version), images) in groups.into_iter().filter(|(_, images)| images.len() > 1)
    {
        for image in &images {
            judging.fail(
                Readings::Both,
                resource(image),
                "one generic image per architecture, distribution and version",
                format!("{} generic images for {distro} {version} on {architecture}", images.len()),
            );
        }
    }
    judging.finish()
}

fn public_images<'e>(evidence: &'e Evidence<'_>) -> Result<impl Iterator<Item = &'e Image>, Box<Judgement>> {
    let images = evidence.offered_images()?;
    Ok(images.iter().copied().filter(|image| image.visibility() == Some("public")))
}

fn license_properties(evidence: &Evidence<'_>) -> Judgement {
    const FLAGS: [&str; 4] =
        ["license_included", "license_required", "subscription_included", "subscription_required"];
    let images = match public_images(evidence) {
        Ok(images) => images,
        Err(judgement) => return *judgement,
    };
    let truth = |image: &Image, field: &str| match image.get(field) {
        None => Some(false),
        Some(Value::Bool(value)) => Some(*value),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Some(true),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Some(false),
        Some(_) => None,
    };
    let mut judging = Judging::default();
    for image in images {
        for flag in FLAGS.into_iter().filter(|flag| truth(image, flag).is_none()) {
            judging.fail(
                Readings::Text,
                resource(image),
                format!("{flag} as true or false"),
                shown(image, flag),
            );
        }
        if truth(image, "license_included") == Some(true) && truth(image, "license_required") == Some(true) {
            judging.fail(
                Readings::Text,
                resource(image),
                "either license_included or license_required",
                "both are true",
            );
        }
    }
    judging.finish_own()
}

fn maintained_values(evidence: &Evidence<'_>) -> Judgement {
    let images = match public_images(evidence) {
        Ok(images) => images,
        Err(judgement) => return *judgement,
    };
    let is_uri = |text: &str| {
        text.split_once(':').is_some_and(|(scheme, rest)| {
            !rest.is_empty()
                && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        })
    };
    let mut judging = Judging::default();
    for image in images {
        for (field, expected, ok) in [
            ("maintained_until", "a date as YYYY-MM-DD", &is_date as &dyn Fn(&str) -> bool),
            ("l1_support_contact", "a URI", &is_uri),
        ] {
            if image.get(field).is_some() && !image.text(field).value().is_some_and(ok) {
                judging.fail(Readings::Text, resource(image), expected, shown(image, field));
            }
        }
    }
    judging.finish_own()
}

fn hidden_rotation(evidence: &Evidence<'_>) -> Judgement {
    let images: Vec<&Image> = match public_images(evidence) {
        Ok(images) => images.collect(),
        Err(judgement) => return *judgement,
    };
    let mut bearers: HashMap<&str, usize> = HashMap::with_capacity(images.len());
    for image in &images {
        *bearers.entry(image.name().unwrap_or_default()).or_default() += 1;
    }
    let mut judging = Judging::default();
    for image in images {
        let name = image.name().unwrap_or_default();
        if let Some(count @ 2..) = bearers.get(name) {
            judging.fail(
                Readings::Text,
                resource(image),
                "one visible image of the name",
                format!("{count} public images are named {name}"),
            );
        }
    }
    match evidence.hidden_images() {
        Ok(hidden) => {
            let rotated =
                hidden.iter().filter(|image| bearers.contains_key(image.name().unwrap_or_default())).count();
            if rotated > 0 {
                judging.note(
                    Readings::Text,
                    None,
                    format!("{rotated} superseded images are hidden, as recommended"),
                );
            }
        }
        Err(why) => judging.note(Readings::Text, None, format!("hidden images are not known: {why}")),
    }
    judging.finish_own()
}

#[cfg(test)]
mod tests {
    use assay_inventory::{Fact, Inventory, Subject};
    use assay_standards::Verdict::{self, Abort, Fail, Pass};
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-11-22T00:00:00Z";

    /// An image that meets every demand.
    fn image(changes: Value) -> Value {
        let mut image = json!({
            "id": "1", "name": "Ubuntu 24.04", "visibility": "public", "status": "active", "os_hidden": false,
            "created_at": "2026-11-10T10:00:00Z", "min_disk": 8, "min_ram": 512, "size": 600_000_000,
            "architecture": "x86_64", "os_distro": "ubuntu", "os_version": "24.04", "os_purpose": "generic",
            "hw_disk_bus": "scsi", "hypervisor_type": "qemu", "hw_rng_model": "virtio", "os_hash_algo": "sha512",
            "image_build_date": "2026-11-09", "image_original_user": "ubuntu", "image_description": "Ubuntu",
            "image_source": "https://cloud-images.ubuntu.com/noble/x.img", "replace_frequency": "monthly",
            "provided_until": "2029-05-31", "uuid_validity": "last-3", "hotfix_hours": "0",
        });
        for (field, value) in changes.as_object().unwrap() {
            if value == "(remove)" {
                image.as_object_mut().unwrap().remove(field);
            } else {
                image[field] = value.clone();
            }
        }
        image
    }

    fn verdicts(id: &str, images: Vec<Value>) -> (Verdict, Verdict) {
        let now: Timestamp = NOW.parse().unwrap();
        let mut inventory = Inventory::new(Subject::default(), now);
        inventory.images = Fact::Known(serde_json::from_value(Value::Array(images)).unwrap());
        inventory.hidden_images = Fact::Known(Vec::new());
        let judgement = Registry::get().find(id).unwrap().judge(&Evidence::new(&inventory, now));
        assert_eq!(
            judgement.differs(),
            judgement.differs() && !judgement.differences.is_empty(),
            "a difference is explained: {judgement:?}"
        );
        (judgement.official.unwrap_or(Pass), judgement.text)
    }

    fn prop(property: &str, value: Value) -> (Verdict, Verdict) {
        let field = ImageMetadata::get().property(property).unwrap().field();
        verdicts(&format!("scs-0102-prop-{property}"), vec![image(json!({ field: value }))])
    }

    fn all_ids() -> impl Iterator<Item = String> {
        Registry::get()
            .testcases()
            .filter(|known| known.standard == STANDARD)
            .map(|known| known.id.to_string())
    }

    #[test]
    fn a_proper_image_and_no_image_at_all_pass_everything() {
        for id in all_ids() {
            assert_eq!(verdicts(&id, vec![image(json!({}))]), (Pass, Pass), "{id}");
            assert_eq!(verdicts(&id, vec![]), (Pass, Pass), "{id}");
        }
    }

    #[test]
    fn private_and_shared_images_are_nobody_elses_business() {
        for id in all_ids() {
            for visibility in ["private", "shared"] {
                let bare = json!({"id": "2", "name": "mine", "visibility": visibility, "created_at": "2020-01-01T00:00:00Z"});
                assert_eq!(verdicts(&id, vec![bare]), (Pass, Pass), "{id}");
            }
        }
    }

    #[test]
    fn community_images_count_officially_only() {
        let id = "scs-0102-prop-min_ram";
        assert_eq!(verdicts(id, vec![image(json!({"visibility": "community", "min_ram": 0}))]), (Fail, Pass));
    }

    #[test]
    fn values_of_each_property() {
        for (property, value, expected) in [
            ("architecture", json!("aarch64"), (Pass, Pass)),
            ("architecture", json!("riscv64"), (Fail, Pass)),
            ("architecture", json!("risc-v"), (Pass, Fail)),
            ("architecture", json!(null), (Fail, Fail)),
            ("hash_algo", json!("sha256"), (Pass, Pass)),
            ("hash_algo", json!("md5"), (Fail, Fail)),
            ("hash_algo", json!(null), (Fail, Fail)),
            ("min_disk", json!(0), (Fail, Fail)),
            ("min_ram", json!(0), (Fail, Fail)),
            ("min_ram", json!(1), (Pass, Pass)),
            ("os_version", json!("24.04"), (Pass, Pass)),
            ("os_version", json!("noble"), (Pass, Fail)),
            ("os_version", json!(""), (Fail, Fail)),
            ("os_distro", json!("Ubuntu"), (Pass, Fail)),
            ("os_distro", json!("neverheardof"), (Pass, Pass)),
            ("os_distro", json!(null), (Fail, Fail)),
            ("os_purpose", json!("oldgeneric"), (Pass, Pass)),
            ("os_purpose", json!("desktop"), (Fail, Fail)),
            ("os_purpose", json!(null), (Fail, Fail)),
            ("hw_disk_bus", json!("virtio"), (Pass, Pass)),
            ("hw_disk_bus", json!("sata"), (Fail, Pass)),
            ("hw_disk_bus", json!(null), (Pass, Fail)),
            ("hypervisor_type", json!("esxi"), (Pass, Fail)),
            ("hypervisor_type", json!("vmware"), (Fail, Pass)),
            ("hypervisor_type", json!(null), (Pass, Pass)),
            ("hw_rng_model", json!("none"), (Fail, Fail)),
            ("image_build_date", json!("2026-11-09 10:00"), (Pass, Pass)),
            ("image_build_date", json!("2024-02-30"), (Fail, Fail)),
            ("image_build_date", json!(null), (Fail, Fail)),
            ("image_build_date", json!("2026-11-11"), (Fail, Pass)),
            ("image_build_date", json!("2027-01-01"), (Fail, Fail)),
            ("image_original_user", json!("none"), (Pass, Pass)),
            ("image_original_user", json!(""), (Fail, Fail)),
            ("image_source", json!("private"), (Pass, Pass)),
            ("image_source", json!("ftp://example.com/x"), (Pass, Pass)),
            ("image_source", json!("file:///x"), (Fail, Fail)),
            ("image_source", json!("http:/x"), (Fail, Fail)),
            ("image_description", json!(null), (Fail, Fail)),
            ("replace_frequency", json!("hourly"), (Fail, Fail)),
            ("replace_frequency", json!(null), (Fail, Fail)),
            ("provided_until", json!("notice"), (Pass, Pass)),
            ("provided_until", json!("someday"), (Pass, Fail)),
            ("provided_until", json!(null), (Fail, Fail)),
            ("uuid_validity", json!(null), (Pass, Fail)),
            ("uuid_validity", json!("last-0x3"), (Fail, Fail)),
            ("uuid_validity", json!("2027-01-01"), (Pass, Pass)),
            ("uuid_validity", json!(""), (Fail, Fail)),
            ("hotfix_hours", json!("-1"), (Fail, Fail)),
            ("hotfix_hours", json!(48), (Abort, Pass)),
            ("hotfix_hours", json!(null), (Pass, Pass)),
        ] {
            assert_eq!(prop(property, value.clone()), expected, "{property}={value}");
        }
    }

    #[test]
    fn min_disk_is_held_against_the_size() {
        let id = "scs-0102-prop-min_disk";
        let nine_gib = 9_i64 << 30;
        assert_eq!(verdicts(id, vec![image(json!({"size": nine_gib}))]), (Fail, Fail));
        assert_eq!(verdicts(id, vec![image(json!({"size": 8_i64 << 30}))]), (Pass, Pass));
        assert_eq!(verdicts(id, vec![image(json!({"size": null}))]), (Abort, Pass));
        assert_eq!(verdicts(id, vec![image(json!({"size": null, "min_disk": 0}))]), (Fail, Fail));
        assert_eq!(verdicts(id, vec![image(json!({"min_disk": "8"}))]), (Abort, Fail));
    }

    #[test]
    fn an_image_without_custom_properties_aborts_officially() {
        let bare = json!({
            "id": "3", "name": "cirros", "visibility": "public", "os_hidden": false, "min_disk": 1, "min_ram": 64,
            "size": 10, "created_at": "2026-11-10T10:00:00Z", "self": "/v2/images/3", "tags": [],
            "os_distro": "cirros", "os_version": "0.6",
        });
        for id in [
            "scs-0102-prop-os_purpose",
            "scs-0102-prop-image_build_date",
            "scs-0102-prop-image_original_user",
            "scs-0102-prop-image_source",
            "scs-0102-prop-image_description",
            "scs-0102-prop-replace_frequency",
            "scs-0102-prop-provided_until",
            "scs-0102-prop-uuid_validity",
        ] {
            assert_eq!(verdicts(id, vec![bare.clone()]), (Abort, Fail), "{id}");
        }
        for id in ["scs-0102-prop-hotfix_hours", "scs-0102-image-recency", "scs-0102-os_purpose-uniqueness"] {
            assert_eq!(verdicts(id, vec![bare.clone()]), (Abort, Pass), "{id}");
        }
        assert_eq!(verdicts("scs-0102-prop-architecture", vec![bare]), (Fail, Fail));
    }

    #[test]
    fn recency_of_an_image_of_2023() {
        let id = "scs-0102-image-recency";
        let old = |until: Value| image(json!({"image_build_date": "2023-01-01", "provided_until": until}));
        for (until, expected) in [
            (json!("none"), (Pass, Pass)),
            (json!("notice"), (Pass, Fail)),
            (json!("2024-01-01"), (Pass, Pass)),
            (json!("someday"), (Fail, Pass)),
            (json!("2099-01-01"), (Fail, Fail)),
            (json!("(remove)"), (Abort, Fail)),
        ] {
            assert_eq!(verdicts(id, vec![old(until.clone())]), expected, "{until}");
        }
    }

    #[test]
    fn an_old_image_may_stay_under_another_name() {
        let id = "scs-0102-image-recency";
        let old = |name: &str| {
            image(
                json!({"id": "2", "name": name, "image_build_date": "2023-01-01", "provided_until": "2099-01-01"}),
            )
        };
        let fresh = || image(json!({}));
        assert_eq!(verdicts(id, vec![old("Ubuntu 24.04 20230101"), fresh()]), (Pass, Pass));
        assert_eq!(verdicts(id, vec![old("Ubuntu 24.04 foo"), fresh()]), (Pass, Fail));
        assert_eq!(verdicts(id, vec![old("Ubuntu 24.04 20230101")]), (Fail, Fail));
        assert_eq!(verdicts(id, vec![old("Ubuntu")]), (Fail, Fail));
        let unique = "scs-0102-os_purpose-uniqueness";
        assert_eq!(verdicts(unique, vec![old("Ubuntu 24.04 20230101"), fresh()]), (Fail, Fail));
    }

    #[test]
    fn tolerance_is_a_tenth_officially_and_three_days_by_the_text() {
        let id = "scs-0102-image-recency";
        // 34.1 days officially, 34 by the text, before 2026-11-22 00:00.
        for (built, expected) in [
            ("2026-10-19", (Pass, Pass)),
            ("2026-10-18 23:00", (Pass, Fail)),
            ("2026-10-18 12:00", (Fail, Fail)),
        ] {
            assert_eq!(verdicts(id, vec![image(json!({"image_build_date": built}))]), expected, "{built}");
        }
    }

    #[test]
    fn licences_contacts_and_names() {
        let own = |id: &str, changes: Value| verdicts(id, vec![image(changes)]).1;
        let license = "scs-0102-license-properties";
        assert_eq!(own(license, json!({"license_included": "true"})), Pass);
        assert_eq!(own(license, json!({"license_included": "true", "license_required": "True"})), Fail);
        assert_eq!(own(license, json!({"subscription_included": "perhaps"})), Fail);
        let maintained = "scs-0102-maintained-values";
        assert_eq!(own(maintained, json!({"l1_support_contact": "mailto:help@example.com"})), Pass);
        assert_eq!(own(maintained, json!({"l1_support_contact": "call us"})), Fail);
        assert_eq!(own(maintained, json!({"maintained_until": "2029-13-01"})), Fail);
        let twins = vec![image(json!({})), image(json!({"id": "2", "os_purpose": "custom"}))];
        assert_eq!(verdicts("scs-0102-hidden-rotation", twins).1, Fail);
    }
}
