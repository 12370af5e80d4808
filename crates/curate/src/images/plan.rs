use std::collections::{BTreeMap, BTreeSet};

use assay_inventory::Image;
use jiff::Span;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::definition::{Build, Definition, Validity, Visibility};
use super::natural;
use super::observe::Observed;
use super::step::{Import, Step};
use crate::plan::{self, Action, Change, Plan, Resource, Verb, is_addressable};

/// The property that an image bears until it is known to be what it should be: the version that it is to become.
pub(super) const UNFINISHED: &str = "assay_import";
const VERSION: &str = "internal_version";
const NAME: &str = "image_name";
const BYTES_PER_GIB: u64 = 1 << 30;

/// What may be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The tag that marks the images that are ours.
    pub tag: String,
    /// The day on which promises are looked at.
    pub today: Date,
    /// Whether images of the same name that our project owns and that bear no mark are taken over.
    pub adopt: bool,
    /// For how many days a replaced image stays at least, whatever was promised.
    pub grace: u16,
}

/// What separates the images of a cloud from what is wanted.
///
/// Touched are images alone that bear the tag and belong to a definition. Where something stands in the way, it is said
/// and nothing is done about that image.
pub fn plan(definitions: &[Definition], observed: &Observed, options: &Options) -> Plan {
    let mut planner = Planner { observed, options, plan: Plan::default() };
    for definition in planner.unique(definitions) {
        planner.image(definition);
    }
    planner.plan
}

/// The images that neither a definition nor the tag makes ours.
pub fn undescribed(definitions: &[Definition], observed: &Observed, options: &Options) -> Vec<Image> {
    let planner = Planner { observed, options, plan: Plan::default() };
    let described: BTreeSet<&str> = definitions
        .iter()
        .flat_map(|definition| {
            let (mine, foreign) = planner.images_of(definition);
            mine.into_iter().chain(foreign).map(|image| image.id())
        })
        .collect();
    let is_free = |image: &&Image| !described.contains(image.id()) && !has_tag(image, &options.tag);
    observed.images.iter().filter(is_free).cloned().collect()
}

struct Planner<'a> {
    observed: &'a Observed,
    options: &'a Options,
    plan: Plan,
}

/// The images of a definition, by what they are.
struct Sorted<'a> {
    /// Made and complete.
    whole: Vec<&'a Image>,
    /// Begun and never finished.
    unfinished: Vec<&'a Image>,
}

impl<'a> Planner<'a> {
    /// The definitions without those that cannot be meant; these are reported.
    fn unique<'d>(&mut self, definitions: &'d [Definition]) -> Vec<&'d Definition> {
        let mut claims: BTreeMap<String, Vec<&Definition>> = BTreeMap::new();
        for definition in definitions {
            for name in claimed(definition) {
                claims.entry(name).or_default().push(definition);
            }
        }
        let mut kept: Vec<&Definition> = Vec::new();
        for definition in definitions {
            let is_repeated = kept.iter().any(|other| is_same(other, definition));
            if is_repeated {
                continue;
            }
            if definition.builds.is_empty() {
                self.plan
                    .notes
                    .push(format!("{} has no version, so nothing is done about it", definition.name));
                continue;
            }
            let rival = claimed(definition)
                .into_iter()
                .flat_map(|name| claims.get(&name).into_iter().flatten())
                .find(|other| !is_same(other, definition));
            match rival {
                Some(rival) => {
                    let reason = format!(
                        "its name is claimed twice, at {} and {}",
                        rival.origin.as_str().min(definition.origin.as_str()),
                        rival.origin.as_str().max(definition.origin.as_str())
                    );
                    self.block(definition, &definition.name, None, reason);
                }
                None => kept.push(definition),
            }
        }
        kept
    }

    fn image(&mut self, definition: &Definition) {
        let until = definition.properties.get("provided_until").and_then(|until| until.parse::<Date>().ok());
        if let Some(until) = until.filter(|until| *until < self.options.today) {
            let what = "promise another day, or disable it (enable: false) and take its images away";
            self.plan.notes.push(format!("{} was provided until {until}; {what}", definition.name));
        }
        let (mine, foreign) = self.images_of(definition);
        if !foreign.is_empty() {
            for image in foreign {
                let name = image.name().unwrap_or_default();
                let owner = image.text("owner").value().unwrap_or("of somebody else");
                let reason = if has_tag(image, &self.options.tag) {
                    format!(
                        "an image of this name belongs to {:?}, by its property {NAME}",
                        text_of(image, NAME)
                    )
                } else if owner == self.observed.project {
                    format!(
                        "an image of this name is there without the tag {:?}; --adopt takes it over",
                        self.options.tag
                    )
                } else {
                    format!(
                        "an image of this name belongs to the project {owner}; two of one name cannot be told apart"
                    )
                };
                self.block(definition, name, Some(image.id()), reason);
            }
            return;
        }
        let mut sorted = sort(mine);
        let mut made = Vec::new();
        for build in definition.wanted() {
            let unfinished = take(&mut sorted.unfinished, |image| is_meant(definition, build, image));
            let mut whole = take(&mut sorted.whole, |image| version(image) == Some(build.version.as_str()));
            let name = definition.public_name(build);
            whole.sort_by_key(|image| {
                (image.name() != Some(name.as_str()), image.text("created_at").value().map(str::to_owned))
            });
            if whole.is_empty() {
                made.push(self.import(definition, build, &unfinished));
                continue;
            }
            for image in unfinished {
                self.delete_unfinished(definition, image);
            }
            let chosen = whole.remove(0);
            if build.version == "latest" {
                let what = "whether \"latest\" still means what is there is not known; name versions, for which there is `assay images update`";
                self.plan.notes.push(format!("{name}: {what}"));
            }
            made.extend(self.reconcile(definition, build, chosen));
            // The same build twice: the others are replaced ones.
            sorted.whole.extend(whole);
        }
        for image in std::mem::take(&mut sorted.unfinished) {
            self.delete_unfinished(definition, image);
        }
        self.replaced(definition, sorted.whole, &made);
    }

    /// The images of a definition that bear the tag, and those of others that are in the way.
    fn images_of(&self, definition: &Definition) -> (Vec<&'a Image>, Vec<&'a Image>) {
        let names: BTreeSet<String> =
            definition.wanted().iter().map(|build| definition.public_name(build)).collect();
        let mut mine = Vec::new();
        let mut foreign = Vec::new();
        for image in self.observed.images.iter().filter(|image| is_addressable(image.id())) {
            let is_in_the_way = image.name().is_some_and(|name| names.contains(name))
                && image.text("visibility").value() == Some("public")
                && image.flag("os_hidden").value() != Some(true);
            let is_own = !self.observed.project.is_empty()
                && image.text("owner").value() == Some(self.observed.project.as_str());
            // Everybody can tag an image; publishing one takes more.
            let is_ours = has_tag(image, &self.options.tag)
                && (is_own || image.text("visibility").value() == Some("public"));
            let is_mine = (is_ours && belongs(definition, image))
                || (is_in_the_way && !is_ours && is_own && is_whole(image) && self.options.adopt);
            if is_mine {
                mine.push(image);
            } else if is_in_the_way {
                foreign.push(image);
            }
        }
        (mine, foreign)
    }

    fn import(&mut self, definition: &Definition, build: &Build, unfinished: &[&Image]) -> usize {
        let properties = definition.properties_of(build);
        let mut tags = definition.tags.clone();
        tags.insert(self.options.tag.clone());
        let mut record = Map::new();
        for (key, value) in properties.iter().filter(|(key, _)| *key != VERSION) {
            record.insert(key.clone(), json!(value));
        }
        record.extend([
            ("name".to_owned(), json!(definition.name_of(build))),
            ("container_format".to_owned(), json!("bare")),
            ("disk_format".to_owned(), json!(definition.format)),
            ("min_disk".to_owned(), json!(definition.min_disk)),
            ("min_ram".to_owned(), json!(definition.min_ram)),
            ("visibility".to_owned(), json!("private")),
            ("tags".to_owned(), json!(tags)),
            (UNFINISHED.to_owned(), json!(build.version)),
        ]);
        if let Some(id) = &build.id {
            record.insert("id".to_owned(), json!(id));
        }
        let name = definition.public_name(build);
        let visibility = build.visibility.unwrap_or(definition.visibility);
        let mut finish = vec![
            json!({"op": "remove", "path": format!("/{UNFINISHED}")}),
            json!({"op": "add", "path": format!("/{VERSION}"), "value": build.version}),
            json!({"op": "replace", "path": "/name", "value": name}),
        ];
        if build.hidden {
            finish.push(json!({"op": "replace", "path": "/os_hidden", "value": true}));
        }
        if definition.protected == Some(true) {
            finish.push(json!({"op": "replace", "path": "/protected", "value": true}));
        }
        finish.push(json!({"op": "replace", "path": "/visibility", "value": visibility.word()}));
        let mut changes = vec![
            Change::to("version", None, &build.version),
            Change::to("source", None, crate::source::public(&build.url)),
        ];
        if let Some(mirror) = &build.mirror_url {
            changes.push(Change::to("mirror", None, crate::source::public(mirror)));
        }
        if visibility.word() != "public" {
            changes.push(Change::to("visibility", None, visibility.word()));
        }
        let mut also = |field: &str, words: &BTreeSet<String>| {
            if !words.is_empty() {
                changes.push(Change::to(field, None, joined(words)));
            }
        };
        also("stores", &definition.stores);
        if let Some(members) = definition.members.as_ref().filter(|_| visibility == Visibility::Shared) {
            also("members", members);
        }
        let reason = match unfinished.len() {
            0 => format!("version {} is not there", build.version),
            _ => format!("version {} was begun and never finished; that is thrown away", build.version),
        };
        let verb = if build.url.scheme() == "file" { Verb::Upload } else { Verb::Import };
        let step = Step::Import(Box::new(Import {
            record,
            finish,
            active: definition.active,
            members: match visibility {
                Visibility::Shared => definition.members.clone().unwrap_or_default(),
                _ => BTreeSet::new(),
            },
            stores: definition.stores.clone(),
            min_disk: definition.min_disk,
            origin: build.into(),
            unfinished: unfinished.iter().map(|image| image.id().to_owned()).collect(),
        }));
        self.push(verb, definition, &name, None, changes, reason, Vec::new(), Some(step))
    }

    /// What differs of an image that is there, in one patch; its status takes a call of its own. Tells where these
    /// actions stand in the plan.
    fn reconcile(&mut self, definition: &Definition, build: &Build, image: &Image) -> Option<usize> {
        let mut patch = Patch::default();
        let name = definition.public_name(build);
        let renamed = patch.text(image, "name", &name);
        for (key, value) in definition.properties_of(build) {
            patch.text(image, &key, &value);
        }
        let visibility = build.visibility.unwrap_or(definition.visibility);
        patch.text(image, "visibility", visibility.word());
        patch.flag(image, "os_hidden", build.hidden);
        if let Some(protected) = definition.protected {
            patch.flag(image, "protected", protected);
        }
        patch.number(image, "min_disk", least_disk(definition.min_disk, image));
        patch.number(image, "min_ram", definition.min_ram);
        patch.tags(image, definition.tags.iter().chain([&self.options.tag]));
        let status = image.text("status").value();
        let mut last = None;
        if !patch.is_empty() {
            let (verb, reason) = match renamed {
                true => (Verb::Rename, "it is the current one and bears another name"),
                false => (Verb::Set, "it differs from its definition"),
            };
            last = Some(self.patch(verb, definition, image, patch, reason, Vec::new()));
        }
        let is_active = status == Some("active");
        if is_active != definition.active {
            let step = Step::SetActive { image: image.id().to_owned(), active: definition.active };
            let to = if definition.active { "active" } else { "deactivated" };
            let changes = vec![Change::to("status", status, to)];
            let verb = if definition.active { Verb::Set } else { Verb::Deactivate };
            let reason = "its status differs from its definition".to_owned();
            let name = image.name().unwrap_or(&name).to_owned();
            let after = last.into_iter().collect();
            last = Some(self.push(verb, definition, &name, Some(image), changes, reason, after, Some(step)));
        }
        if visibility == Visibility::Shared {
            last = self.members(definition, image, last).or(last);
        }
        self.stores(definition, image, last).or(last)
    }

    /// Who may use a shared image.
    fn members(&mut self, definition: &Definition, image: &Image, last: Option<usize>) -> Option<usize> {
        let wanted = definition.members.as_ref()?;
        let none = BTreeSet::new();
        // One that is not shared yet has none.
        let present = self.observed.members.get(image.id()).unwrap_or(&none);
        let add: BTreeSet<String> = wanted.difference(present).cloned().collect();
        let remove: BTreeSet<String> = present.difference(wanted).cloned().collect();
        if add.is_empty() && remove.is_empty() {
            return None;
        }
        let before = (!present.is_empty()).then(|| joined(present));
        let changes = vec![Change { field: "members".to_owned(), from: before, to: Some(joined(wanted)) }];
        let step = Step::SetMembers { image: image.id().to_owned(), add, remove };
        let name = image.name().unwrap_or(&definition.name);
        let reason = "other projects may use it".to_owned();
        let after = last.into_iter().collect();
        Some(self.push(Verb::Set, definition, name, Some(image), changes, reason, after, Some(step)))
    }

    /// Which stores have the data of an image; those that have them keep them.
    fn stores(&mut self, definition: &Definition, image: &Image, last: Option<usize>) -> Option<usize> {
        let present: BTreeSet<String> = stores(image).map(str::to_owned).collect();
        if definition.stores.is_subset(&present) {
            return None;
        }
        let all = definition.stores.union(&present).cloned().collect();
        let before = (!present.is_empty()).then(|| joined(&present));
        let changes = vec![Change { field: "stores".to_owned(), from: before, to: Some(joined(&all)) }];
        let step = Step::Copy { image: image.id().to_owned(), stores: definition.stores.clone() };
        let name = image.name().unwrap_or(&definition.name);
        let reason = "more stores are to have it".to_owned();
        let after = last.into_iter().collect();
        Some(self.push(Verb::Set, definition, name, Some(image), changes, reason, after, Some(step)))
    }

    /// Builds that are not wanted any more, after those that are (by their places in the plan).
    fn replaced(&mut self, definition: &Definition, mut images: Vec<&Image>, made: &[usize]) {
        images.sort_by(|one, other| newest_first(one, other));
        let wanted = definition.wanted().len();
        for (at, image) in images.into_iter().enumerate() {
            // What was promised to those who use it holds, whatever the definition says today.
            let told = image.text("uuid_validity").value().and_then(|word| word.parse().ok());
            let mut promises = [Some(definition.validity), told].into_iter().flatten();
            let is_kept = definition.keep
                || self.is_in_grace(image)
                || promises.any(|promise: Validity| promise.keeps(wanted + at + 1, self.options.today));
            let is_adopted = !has_tag(image, &self.options.tag);
            let uses = self.observed.uses.get(image.id()).copied().unwrap_or_default();
            let is_protected = image.flag("protected").value() == Some(true);
            let name = image.name().unwrap_or_default();
            if is_kept || is_adopted || uses > 0 || is_protected {
                if !is_kept && !is_adopted {
                    let why = match uses {
                        0 => "it is protected".to_owned(),
                        1 => "one server or volume uses it".to_owned(),
                        uses => format!("{uses} servers and volumes use it"),
                    };
                    self.plan.notes.push(format!("{name} ({}) could go, but {why}", image.id()));
                }
                self.retire(definition, image, made);
            } else {
                let reason = format!("it was replaced, and uuid_validity is {}", definition.validity);
                let step = Step::Delete { image: image.id().to_owned() };
                let after = made.to_vec();
                self.push(Verb::Delete, definition, name, Some(image), Vec::new(), reason, after, Some(step));
            }
        }
    }

    /// Whether an image gave way so short a time ago that it is to stay for a while.
    fn is_in_grace(&self, image: &Image) -> bool {
        if self.options.grace == 0 {
            return false;
        }
        let changed = image.text("updated_at").value().and_then(|at| at.get(..10)?.parse::<Date>().ok());
        // The last that happens to one that gave way is that it is hidden.
        let since = changed.filter(|_| image.is_hidden());
        since.is_none_or(|since| {
            let end = since.checked_add(Span::new().days(self.options.grace));
            end.is_ok_and(|end| self.options.today < end)
        })
    }

    /// Makes a replaced image give way to the current one: scs-0102, rotation of images.
    fn retire(&mut self, definition: &Definition, image: &Image, made: &[usize]) {
        let mut patch = Patch::default();
        let name = image.name().unwrap_or_default();
        let mut verb = Verb::Hide;
        if definition.rotates && name == definition.name {
            patch.text(image, "name", &format!("{name} {}", day_of(image)));
            verb = Verb::Rename;
        }
        if image.text("os_purpose").value() == Some("generic") {
            patch.text(image, "os_purpose", "oldgeneric");
        }
        // One that was taken over stays without a mark: what bears none is never deleted.
        if has_tag(image, &self.options.tag) {
            patch.text(image, NAME, &definition.name);
        }
        patch.flag(image, "os_hidden", true);
        if !patch.is_empty() {
            self.patch(verb, definition, image, patch, "a newer one takes its place", made.to_vec());
        }
    }

    fn delete_unfinished(&mut self, definition: &Definition, image: &Image) {
        let name = image.name().unwrap_or_default();
        let reason = "it is left over from an import that was never finished".to_owned();
        let step = Step::Delete { image: image.id().to_owned() };
        self.push(Verb::Delete, definition, name, Some(image), Vec::new(), reason, Vec::new(), Some(step));
    }

    fn patch(
        &mut self,
        verb: Verb,
        definition: &Definition,
        image: &Image,
        patch: Patch,
        reason: &str,
        after: Vec<usize>,
    ) -> usize {
        let step = Step::Patch { image: image.id().to_owned(), patch: patch.operations };
        let name = image.name().unwrap_or(&definition.name);
        self.push(verb, definition, name, Some(image), patch.changes, reason.to_owned(), after, Some(step))
    }

    fn block(&mut self, definition: &Definition, name: &str, id: Option<&str>, reason: String) {
        let at = self.push(Verb::Blocked, definition, name, None, Vec::new(), reason, Vec::new(), None);
        self.plan.actions[at].id = id.map(str::to_owned);
    }

    #[expect(clippy::too_many_arguments, reason = "an action has so many parts")]
    fn push(
        &mut self,
        verb: Verb,
        definition: &Definition,
        name: &str,
        image: Option<&Image>,
        changes: Vec<Change>,
        reason: String,
        after: Vec<usize>,
        step: Option<Step>,
    ) -> usize {
        self.plan.push(Action {
            verb,
            resource: Resource::Image,
            name: name.to_owned(),
            id: image.map(|image| image.id().to_owned()),
            changes,
            reason,
            clause: definition.clause.clone(),
            after,
            step: step.map(plan::Step::Image),
        })
    }
}

/// Changes of an image that one JSON patch makes.
#[derive(Default)]
pub(crate) struct Patch {
    operations: Vec<Value>,
    changes: Vec<Change>,
}

impl Patch {
    pub(crate) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Keeps what is done to some fields alone.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(&str) -> bool) {
        let kept: Vec<bool> = self.changes.iter().map(|change| is_kept(&change.field)).collect();
        let mut of_operations = kept.iter();
        self.operations.retain(|_| of_operations.next() == Some(&true));
        let mut of_changes = kept.iter();
        self.changes.retain(|_| of_changes.next() == Some(&true));
    }

    /// The operations of the JSON patch, and what they change.
    pub(crate) fn into_parts(self) -> (Vec<Value>, Vec<Change>) {
        (self.operations, self.changes)
    }

    fn set(&mut self, image: &Image, field: &str, found: Option<String>, value: Value, shown: String) {
        let op = if image.has(field) { "replace" } else { "add" };
        let path = format!("/{}", field.replace('~', "~0").replace('/', "~1"));
        self.operations.push(json!({"op": op, "path": path, "value": value}));
        self.changes.push(Change { field: field.to_owned(), from: found, to: Some(shown) });
    }

    /// Whether it differs.
    pub(crate) fn text(&mut self, image: &Image, field: &str, wanted: &str) -> bool {
        let found = image.text(field).value();
        let differs = found != Some(wanted);
        if differs {
            self.set(image, field, found.map(str::to_owned), json!(wanted), wanted.to_owned());
        }
        differs
    }

    fn flag(&mut self, image: &Image, field: &str, wanted: bool) {
        let found = image.flag(field).value();
        // Glances that do not know the field yet hide nothing.
        if found.unwrap_or(false) != wanted {
            self.set(image, field, found.map(|found| found.to_string()), json!(wanted), wanted.to_string());
        }
    }

    pub(crate) fn number(&mut self, image: &Image, field: &str, wanted: u64) {
        let found = image.get(field).and_then(Value::as_u64);
        if found.unwrap_or(0) != wanted {
            self.set(image, field, found.map(|found| found.to_string()), json!(wanted), wanted.to_string());
        }
    }

    fn tags<'t>(&mut self, image: &Image, wanted: impl IntoIterator<Item = &'t String>) {
        let found: BTreeSet<&str> = tags(image).collect();
        let wanted: BTreeSet<&str> = wanted.into_iter().map(String::as_str).collect();
        if wanted.is_subset(&found) {
            return;
        }
        let all: Vec<&str> = found.union(&wanted).copied().collect();
        let shown = all.join(", ");
        let before = (!found.is_empty()).then(|| found.iter().copied().collect::<Vec<_>>().join(", "));
        self.set(image, "tags", before, json!(all), shown);
    }
}

fn is_same(one: &Definition, other: &Definition) -> bool {
    let bare =
        |definition: &Definition| Definition { origin: String::new(), clause: None, ..definition.clone() };
    bare(one) == bare(other)
}

/// The names that a definition claims: that by which its images know it, and those by which people find them.
fn claimed(definition: &Definition) -> BTreeSet<String> {
    let names = definition.wanted().iter().map(|build| definition.public_name(build));
    names.chain([definition.name.clone()]).collect()
}

fn text_of<'a>(image: &'a Image, field: &str) -> &'a str {
    image.text(field).value().unwrap_or_default()
}

fn joined(words: &BTreeSet<String>) -> String {
    words.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The stores that have the data of an image.
pub(super) fn stores(image: &Image) -> impl Iterator<Item = &str> {
    let listed = image.text("stores").value().unwrap_or_default().split(',');
    listed.map(str::trim).filter(|store| !store.is_empty())
}

pub(super) fn tags(image: &Image) -> impl Iterator<Item = &str> {
    image.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn has_tag(image: &Image, tag: &str) -> bool {
    tags(image).any(|found| found == tag)
}

fn version(image: &Image) -> Option<&str> {
    image.text(VERSION).value()
}

/// Whether an image with the tag is one of a definition.
fn belongs(definition: &Definition, image: &Image) -> bool {
    match image.text(NAME).value() {
        Some(name) => name == definition.name,
        // One that an older tool began has no properties yet.
        None => image.name().is_some_and(|name| {
            name == definition.name || definition.builds.iter().any(|build| names(definition, build, name))
        }),
    }
}

/// Whether a name is that of a build before it is the current one, ours or that of an older tool.
fn names(definition: &Definition, build: &Build, name: &str) -> bool {
    let older = format!("{}{}({})", definition.name, definition.separator, build.version);
    name == definition.name_of(build) || name == older
}

/// Whether an unfinished image was to become a build.
fn is_meant(definition: &Definition, build: &Build, image: &Image) -> bool {
    match image.text(UNFINISHED).value().or_else(|| version(image)) {
        Some(version) => version == build.version,
        None => image.name().is_some_and(|name| names(definition, build, name)),
    }
}

/// Whether an image has its data, and is known to be what it should be.
fn is_whole(image: &Image) -> bool {
    let has_data = matches!(image.text("status").value(), Some("active" | "deactivated"));
    has_data && image.get(UNFINISHED).is_none()
}

fn sort(images: Vec<&Image>) -> Sorted<'_> {
    let (whole, unfinished) = images.into_iter().partition(|image| is_whole(image));
    Sorted { whole, unfinished }
}

/// Takes those out that fit.
fn take<'a>(images: &mut Vec<&'a Image>, fits: impl Fn(&Image) -> bool) -> Vec<&'a Image> {
    let (taken, left) = std::mem::take(images).into_iter().partition(|image| fits(image));
    *images = left;
    taken
}

/// The day of an image's content: that of its build, or else that on which it came to the cloud.
fn day_of(image: &Image) -> String {
    let date = image.text("image_build_date").value().or_else(|| image.text("created_at").value());
    date.unwrap_or_default().chars().filter(char::is_ascii_digit).take(8).collect()
}

fn newest_first(one: &Image, other: &Image) -> std::cmp::Ordering {
    let created = |image: &Image| image.text("created_at").value().map(str::to_owned);
    day_of(other)
        .cmp(&day_of(one))
        .then_with(|| natural::compare(version(other).unwrap_or_default(), version(one).unwrap_or_default()))
        .then_with(|| created(other).cmp(&created(one)))
        .then_with(|| one.id().cmp(other.id()))
}

/// The smallest disk that an image fits on, and no smaller than its definition says.
pub(crate) fn least_disk(defined: u64, image: &Image) -> u64 {
    let size = ["size", "virtual_size"].into_iter().filter_map(|field| image.get(field)?.as_u64()).max();
    size.unwrap_or(0).div_ceil(BYTES_PER_GIB).max(defined)
}
