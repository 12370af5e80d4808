//! From the parts of a spec to the spec: uniqueness of ids, references, and the targets of versions.

use std::collections::{BTreeMap, BTreeSet};

use assay_yaml::{At, Shape, Spot, nearest};
use jiff::civil::Date;

use super::draft::{Draft, DraftEntry, DraftExtension, DraftInclude, DraftModule, DraftTestcase};
use super::problem::{Problem, ProblemKind, SpecError};
use super::script::Script;
use super::spec::{Include, Module, Spec, Testcase};
use super::timeline::{Timeline, TimelineEntry};
use super::version::{Target, Version, rank};

/// Aliases and includes multiply: a small file could otherwise describe billions of entries.
const MOST_TARGET_ENTRIES: usize = 100_000;

/// Builds the spec, or reports everything that contradicts itself.
pub(super) fn resolve(draft: Draft, extension: Option<DraftExtension>) -> Result<Spec, SpecError> {
    let mut resolver = Resolver::default();
    let spec = resolver.spec(draft, extension);
    if resolver.problems.is_empty() { Ok(spec) } else { Err(SpecError::new(resolver.problems)) }
}

#[derive(Default)]
struct Resolver {
    problems: Vec<Problem>,
    testcases: Vec<Testcase>,
    testcase_spots: BTreeMap<String, (usize, Spot)>,
    modules: Vec<Module>,
    module_spots: BTreeMap<String, (usize, Spot)>,
    version_spots: BTreeMap<String, (usize, Spot)>,
    target_entries: usize,
}

impl Resolver {
    fn spec(&mut self, draft: Draft, extension: Option<DraftExtension>) -> Spec {
        let mut scripts = Vec::with_capacity(draft.scripts.len());
        for (index, script) in draft.scripts.into_iter().enumerate() {
            let manual = script.executable.is_none();
            let testcases = script.testcases.iter().map(|testcase| testcase.id.value.clone()).collect();
            for testcase in script.testcases {
                self.testcase(testcase, Some(index), manual);
            }
            scripts.push(Script {
                executable: script.executable,
                args: script.args,
                env: script.env,
                testcases,
            });
        }
        let mut extension_versions = Vec::new();
        let mut extension_modules = Vec::new();
        if let Some(extension) = extension {
            if extension.extends.value != draft.uuid {
                let found = extension.extends.value;
                let kind = ProblemKind::ForeignScope { expected: draft.uuid.clone(), found };
                self.report(extension.extends.spot, kind, None);
            }
            for testcase in extension.testcases {
                self.testcase(testcase, None, false);
            }
            extension_modules = extension.modules;
            extension_versions = extension.versions;
        }
        for module in draft.modules {
            self.module(module, false);
        }
        for module in extension_modules {
            self.module(module, true);
        }

        let mut versions: Vec<Version> = Vec::with_capacity(draft.versions.len());
        for version in draft.versions {
            let includes = self.includes(version.includes);
            let name = version.name.value.clone();
            if self.unique("version", version.name, versions.len(), |all| &mut all.version_spots) {
                versions.push(Version {
                    name,
                    stabilized_at: version.stabilized_at,
                    includes,
                    targets: Vec::new(),
                });
            }
        }
        for version in extension_versions {
            let mut includes = self.includes(version.includes);
            match self.version_spots.get(&version.name.value) {
                Some(&(position, _)) => versions[position].includes.append(&mut includes),
                None => self.unknown("version", version.name, |all| &all.version_spots),
            }
        }
        for version in &mut versions {
            version.targets = self.targets(&version.includes);
            if version.stabilized_at.is_some() {
                self.count(version.target(Version::MAIN));
            }
        }

        let timeline = self.timeline(draft.timeline);
        Spec {
            uuid: draft.uuid,
            name: draft.name,
            url: draft.url,
            prerequisite: draft.prerequisite,
            variables: draft.variables,
            scripts,
            modules: std::mem::take(&mut self.modules),
            timeline,
            versions,
            by_id: self.testcase_spots.iter().map(|(id, (position, _))| (id.clone(), *position)).collect(),
            testcases: std::mem::take(&mut self.testcases),
        }
    }

    fn testcase(&mut self, draft: DraftTestcase, script: Option<usize>, manual: bool) {
        let testcase = Testcase {
            id: draft.id.value.clone(),
            description: draft.description,
            url: draft.url,
            section: draft.section,
            lifetime: draft.lifetime,
            manual,
            script,
            own: script.is_none(),
            attention: 0,
        };
        if self.unique("testcase", draft.id, self.testcases.len(), |all| &mut all.testcase_spots) {
            self.testcases.push(testcase);
        }
    }

    fn module(&mut self, draft: DraftModule, own: bool) {
        let mut targets = Vec::with_capacity(draft.targets.len());
        for (target, ids) in draft.targets {
            let mut known = Vec::with_capacity(ids.len());
            for id in ids {
                if self.testcase_spots.contains_key(&id.value) {
                    known.push(id.value);
                } else {
                    self.unknown("testcase", id, |all| &all.testcase_spots);
                }
            }
            targets.push((target, known));
        }
        let id = draft.id.value.clone();
        let name = draft.name.unwrap_or_else(|| id.clone());
        let module = Module { id, name, url: draft.url, parameters: draft.parameters, targets, own };
        if self.unique("module", draft.id, self.modules.len(), |all| &mut all.module_spots) {
            self.modules.push(module);
        }
    }

    fn includes(&mut self, drafts: Vec<DraftInclude>) -> Vec<Include> {
        let mut includes = Vec::with_capacity(drafts.len());
        for DraftInclude { module, parameters } in drafts {
            if let Some((position, _)) = self.module_spots.get(&module.value) {
                let entries: usize = self.modules[*position].targets.iter().map(|(_, ids)| ids.len()).sum();
                self.target_entries += entries;
                if self.target_entries > MOST_TARGET_ENTRIES {
                    let limit = format!("versions name more than {MOST_TARGET_ENTRIES} testcases in total");
                    self.report(module.spot, Shape::TooLarge(limit), None);
                    return Vec::new();
                }
                includes.push(Include { module: module.value, parameters });
            } else {
                self.unknown("module", module, |all| &all.module_spots);
            }
        }
        includes
    }

    fn targets(&self, includes: &[Include]) -> Vec<Target> {
        if self.target_entries > MOST_TARGET_ENTRIES {
            return Vec::new();
        }
        let mut union: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for include in includes {
            let Some((position, _)) = self.module_spots.get(&include.module) else { continue };
            for (target, ids) in &self.modules[*position].targets {
                union.entry(target).or_default().extend(ids.iter().map(String::as_str));
            }
        }
        let mut targets: Vec<Target> = union
            .into_iter()
            .map(|(name, ids)| Target {
                name: name.to_owned(),
                testcases: ids.into_iter().map(str::to_owned).collect(),
            })
            .collect();
        targets.sort_by(|a, b| rank(&a.name).cmp(&rank(&b.name)));
        targets
    }

    fn count(&mut self, ids: &[String]) {
        for id in ids {
            if let Some((position, _)) = self.testcase_spots.get(id) {
                self.testcases[*position].attention += 1;
            }
        }
    }

    fn timeline(&mut self, drafts: Vec<DraftEntry>) -> Timeline {
        let mut spots: BTreeMap<Date, Spot> = BTreeMap::new();
        let mut entries = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let date = draft.date.value;
            if let Some(earlier) = spots.get(&date) {
                let kind = Shape::Duplicate { what: "timeline date", id: date.to_string() };
                self.report(draft.date.spot, kind, Some(earlier.clone()));
                continue;
            }
            spots.insert(date, draft.date.spot);
            let mut versions = Vec::with_capacity(draft.versions.len());
            for (name, validity) in draft.versions {
                if self.version_spots.contains_key(&name.value) {
                    versions.push((name.value, validity));
                } else {
                    self.unknown("version", name, |all| &all.version_spots);
                }
            }
            entries.push(TimelineEntry { date, versions });
        }
        Timeline::new(entries)
    }

    /// Notes where `id` is defined; reports and returns false if it is already defined elsewhere.
    fn unique(
        &mut self,
        what: &'static str,
        id: At<String>,
        position: usize,
        spots: fn(&mut Self) -> &mut BTreeMap<String, (usize, Spot)>,
    ) -> bool {
        if let Some((_, earlier)) = spots(self).get(&id.value) {
            let earlier = Some(earlier.clone());
            self.report(id.spot, Shape::Duplicate { what, id: id.value }, earlier);
            return false;
        }
        spots(self).insert(id.value, (position, id.spot));
        true
    }

    fn unknown(
        &mut self,
        what: &'static str,
        id: At<String>,
        spots: fn(&Self) -> &BTreeMap<String, (usize, Spot)>,
    ) {
        // Looking for the nearest name takes time.
        if self.problems.len() >= Problem::MOST {
            return;
        }
        let nearest = nearest(&id.value, spots(self).keys().map(String::as_str)).map(str::to_owned);
        self.report(id.spot, Shape::UnknownReference { what, id: id.value, nearest }, None);
    }

    fn report(&mut self, spot: Spot, kind: impl Into<ProblemKind>, earlier: Option<Spot>) {
        if self.problems.len() < Problem::MOST {
            self.problems.push(Problem::new(spot, kind.into()).after(earlier));
        }
    }
}
