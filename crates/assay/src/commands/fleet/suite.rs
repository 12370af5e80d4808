//! What checks one subject of a fleet: all its scopes over one look at its cloud.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use assay_fleet::{Checker, Judged, Plan, Planned, Standings};
use assay_inventory::{FactId, Inventory, Reason, Subject, Unavailable};
use assay_openstack::{
    Budgets, Clouds, ConfigError, ConfigFiles, DomainManagerConfig, DomainManagerLogin, Event, Overrides,
    Probes,
};
use assay_report::{Chosen, Report, Waivers, gate};
use assay_standards::Verdict;
use assay_standards::scope::{Selected, Selection, Spec};
use assay_testcases::{Judgement, Registry};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::Run;
use super::dashboard::Extent;
use crate::against::{self, ScopeSpec};
use crate::args::{Against, Asking, Global, ScopeName, SectionName, is_among};
use crate::commands::check::{Gathering, fit, gather_one, unknown};
use crate::commands::declare::{Declarations, Declaring, Stated};
use crate::failure::Failure;
use crate::gating::with_waivers;
use crate::output::note;
use crate::{scripts, state};

/// All that is the same for every subject.
pub(crate) struct Suite {
    scopes: Vec<FleetScope>,
    /// Read once: of a hundred clouds, each would read the file of all.
    clouds: Result<Clouds, ConfigError>,
    against: Against,
    asking: Asking,
    global: Global,
    sections: Vec<SectionName>,
    /// The monitor that alone may take the reports.
    audience: Option<String>,
    deadline: Duration,
    /// The testcases of a subject and a scope that a monitor lacks; without it, all of each.
    only: Option<BTreeMap<(String, String), BTreeSet<String>>>,
    /// What is said of a subject beside what its cloud shows, by its name.
    beside: BTreeMap<String, Beside>,
    /// Ends the whole run; where only a subject's time is over, this has not come.
    end: CancellationToken,
}

/// What is said of a subject beside what its cloud shows.
#[derive(Default)]
struct Beside {
    waivers: Option<Waivers>,
    declarations: Option<Declarations>,
    managers: Vec<DomainManagerLogin>,
}

/// A scope of the configuration.
pub(super) struct FleetScope {
    name: String,
    spec: ScopeSpec,
    /// Where its scripts lie, if they may be run.
    scripts: Option<PathBuf>,
}

impl Suite {
    /// Reads the specs of a plan.
    pub(crate) fn new(
        run: &Run,
        plan: &Plan,
        global: &Global,
        today: Date,
        end: CancellationToken,
    ) -> Result<Self, Failure> {
        let against = Against {
            scope: ScopeName::Iaas,
            version: None,
            spec: None,
            testcases: None,
            target: Vec::new(),
            date: None,
            now: None,
            reading: run.reading,
        };
        let mut scopes = Vec::new();
        for (name, file) in &plan.specs {
            let scope = scope(name, file.as_deref(), run.allow_scripts, global)?;
            // What is wrong with a spec is told now, not after a night.
            against::select(&scope.spec, &against, today)?;
            scopes.push(scope);
        }
        let clouds = Clouds::read(&ConfigFiles::find());
        let asking = run.asking.clone();
        let mut files = Files { scopes: &scopes, clouds: &clouds, asking: &asking, waivers: BTreeMap::new() };
        let beside = plan.subjects.iter().map(|subject| {
            let beside = files.beside(subject, plan, global)?;
            Ok::<_, Failure>((subject.subject.clone(), beside))
        });
        let beside = beside.collect::<Result<_, _>>()?;
        Ok(Suite {
            scopes,
            clouds,
            against,
            asking,
            beside,
            global: global.clone(),
            sections: run.sections(today),
            audience: None,
            deadline: run.deadline,
            only: None,
            end,
        })
    }

    /// Lets the reports say which monitor they are for.
    pub(crate) fn is_for(&mut self, audience: Option<&Url>) {
        self.audience = audience.map(ToString::to_string);
    }

    /// Leaves only what a monitor lacks, or will lack at `then`, and of the subjects those that lack anything.
    pub(crate) fn leave_what_is_missing(
        &mut self,
        subjects: &mut Vec<Planned>,
        standings: &Standings,
        (now, then): (Timestamp, DateTime),
    ) {
        let mut only = BTreeMap::new();
        for subject in subjects.iter() {
            for scope in self.scopes_of(subject) {
                let Some(selection) = self.selection(subject, scope, now) else { continue };
                let stated = self.stated(subject, &selection, against::reference_date(&self.against, now));
                // What people decide is not for a run, unless somebody has declared it.
                let testcases =
                    selection.testcases.iter().filter(|selected| match selected.testcase.manual {
                        true => stated.0.contains_key(&selected.testcase.id),
                        false => self.is_within_reach(subject, scope, selected),
                    });
                let missing = standings.missing(&subject.subject, &scope.spec.uuid, testcases, then);
                if !missing.is_empty() {
                    let key = (subject.subject.clone(), scope.name.clone());
                    only.insert(key, missing.into_iter().map(str::to_owned).collect());
                }
            }
        }
        for subject in subjects.iter_mut() {
            let name = subject.subject.clone();
            subject.scopes.retain(|scope| only.contains_key(&(name.clone(), scope.clone())));
        }
        subjects.retain(|subject| !subject.scopes.is_empty());
        self.only = Some(only);
    }

    /// Whether the run gives all that a testcase needs: the facts of its sections, or leave to run its script.
    fn is_within_reach(&self, subject: &Planned, scope: &FleetScope, selected: &Selected<'_>) -> bool {
        let id = selected.testcase.id.as_str();
        if Registry::get().find(id).is_none() {
            return scope.scripts.is_some();
        }
        let shows_text = Chosen::from(self.against.reading).shows_text();
        Registry::get().facts([id], shows_text).iter().all(|fact| self.includes(subject, *fact))
    }

    fn includes(&self, subject: &Planned, fact: FactId) -> bool {
        let has_managers = || self.beside(subject).is_some_and(|beside| !beside.managers.is_empty());
        (fact != FactId::DomainManagers || has_managers()) && is_among(fact.section(), &self.sections)
    }

    fn beside(&self, subject: &Planned) -> Option<&Beside> {
        self.beside.get(&subject.subject)
    }

    /// What people declared of some testcases.
    fn stated(&self, subject: &Planned, selection: &Selection<'_>, on: Date) -> Stated {
        let declarations = self.beside(subject).and_then(|beside| beside.declarations.as_ref());
        declarations.map(|all| all.judge(&subject.subject, selection, on)).unwrap_or_default()
    }

    fn selection<'s>(
        &self,
        subject: &Planned,
        scope: &'s FleetScope,
        at: Timestamp,
    ) -> Option<Selection<'s>> {
        let date = against::reference_date(&self.against, at);
        let mut selection = against::select(&scope.spec, &self.against, date).ok()?;
        if let Some(only) = &self.only {
            let only = only.get(&(subject.subject.clone(), scope.name.clone()))?;
            selection.testcases.retain(|selected| only.contains(&selected.testcase.id));
        }
        Some(selection)
    }

    fn scopes_of(&self, subject: &Planned) -> impl Iterator<Item = &FleetScope> {
        self.scopes.iter().filter(|scope| subject.scopes.contains(&scope.name))
    }

    fn facts(&self, subject: &Planned, at: Timestamp) -> BTreeSet<FactId> {
        let selections = self.scopes_of(subject).filter_map(|scope| self.selection(subject, scope, at));
        let ids: BTreeSet<&str> = selections
            .flat_map(|selection| selection.testcases)
            .map(|selected| selected.testcase.id.as_str())
            .collect();
        let shows_text = Chosen::from(self.against.reading).shows_text();
        let mut facts = Registry::get().facts(ids.iter().copied(), shows_text);
        facts.retain(|fact| self.includes(subject, *fact));
        facts
    }

    /// How much there is to do about a subject.
    pub(crate) fn extent(&self, subject: &Planned, at: Timestamp) -> Extent {
        let selections = self.scopes_of(subject).filter_map(|scope| self.selection(subject, scope, at));
        let testcases = selections.map(|selection| selection.testcases.len()).sum();
        Extent { facts: self.facts(subject, at).len(), testcases }
    }

    /// What the cloud of a subject shows; all facts not to be had if there is no such cloud.
    async fn inventory(
        &self,
        subject: &Planned,
        at: Timestamp,
        cancel: &CancellationToken,
        tell: &(dyn Fn(Event) + Sync),
    ) -> Inventory {
        let facts = self.facts(subject, at);
        let overrides = overrides(&self.asking);
        if facts.is_empty() {
            return Inventory::new(named(subject), at);
        }
        let found = self.clouds.as_ref().map_err(ToString::to_string);
        let found =
            found.and_then(|all| all.cloud(subject.cloud(), &overrides).map_err(|error| error.to_string()));
        let cloud = match found {
            Ok(cloud) => cloud,
            Err(error) => {
                return without(subject, &facts, &Unavailable::new(Reason::Configuration, error), at);
            }
        };
        let managers = self.beside(subject).map(|beside| beside.managers.as_slice());
        let managers = managers.filter(|managers| !managers.is_empty());
        let journals = state::journals();
        let budgets = Budgets::default();
        let thorough = Chosen::from(self.against.reading).shows_text();
        let gathering = Gathering {
            asking: &self.asking,
            global: &self.global,
            facts: &facts,
            started_at: at,
            preflight: &fit,
            probes: Some(Probes { journals: &journals, budgets: &budgets, thorough }),
            managers: &[],
            tempest_alt: None,
            cancel,
        };
        let mut inventory = Box::pin(gather_one(&cloud, managers, &gathering, tell, &|| {})).await;
        if cancel.is_cancelled() && !self.end.is_cancelled() {
            let words = format!("the {} s for this subject were over", self.deadline.as_secs());
            for fact in facts {
                if inventory.unavailable(fact).is_some_and(|why| why.reason == Reason::Interrupted) {
                    inventory.set_unavailable(fact, Unavailable::new(Reason::Interrupted, words.clone()));
                }
            }
        }
        inventory
    }

    async fn judged(
        &self,
        scope: &FleetScope,
        subject: &Planned,
        inventory: &Inventory,
        cancel: &CancellationToken,
    ) -> Option<Judged> {
        let selection = self.selection(subject, scope, inventory.recorded_at)?;
        let of_scripts = match &scope.scripts {
            Some(file) => tokio::select! {
                () = cancel.cancelled() => {
                    let why = "the time for this subject was over before its scripts had ended";
                    of_scripts(&selection, why)
                }
                ran = scripts::run(&scope.spec, &selection, file, &subject.variables) => {
                    let silent = of_scripts(&selection, "the script of the spec gave no verdict");
                    ran.into_iter().map(|(id, judgement)| told(id, judgement, &silent)).collect()
                }
            },
            None => unknown(&selection),
        };
        Some(self.report(scope, &selection, subject, inventory, of_scripts))
    }

    fn report(
        &self,
        scope: &FleetScope,
        selection: &Selection<'_>,
        subject: &Planned,
        inventory: &Inventory,
        mut replaced: BTreeMap<String, Judgement>,
    ) -> Judged {
        let beside = self.beside(subject);
        let date = against::reference_date(&self.against, inventory.recorded_at);
        let (judged, declared) = self.stated(subject, selection, date);
        replaced.extend(judged);
        let mut report: Report =
            against::report(&scope.spec, selection, &self.against, inventory, &subject.variables, &replaced);
        report.subject.cloud.clone_from(&subject.subject);
        report.mark_declared(declared);
        report.audience.clone_from(&self.audience);
        gate(std::slice::from_mut(&mut report), beside.and_then(|beside| beside.waivers.as_ref()), None);
        if self.only.is_some() {
            // As the reference notes a run that was about some testcases.
            let ids: Vec<&str> = report.testcases.iter().map(|testcase| testcase.id.as_str()).collect();
            report.forced_testcases = Some(ids.join("|"));
        }
        Judged { scope: scope.name.clone(), report }
    }
}

impl Checker for Suite {
    type Step = Event;

    async fn check(
        self: Arc<Self>,
        subject: Planned,
        cancel: CancellationToken,
        tell: Box<dyn Fn(Event) + Send + Sync>,
    ) -> Vec<Judged> {
        let inventory = self.inventory(&subject, Timestamp::now(), &cancel, &*tell).await;
        let mut all = Vec::new();
        for scope in self.scopes_of(&subject) {
            all.extend(self.judged(scope, &subject, &inventory, &cancel).await);
        }
        all
    }

    fn undetermined(&self, subject: &Planned, why: &str) -> Vec<Judged> {
        let at = Timestamp::now();
        let why = Unavailable::new(Reason::Interrupted, why);
        let inventory = without(subject, &self.facts(subject, at), &why, at);
        let scopes = self.scopes_of(subject);
        let reports = scopes.filter_map(|scope| {
            let selection = self.selection(subject, scope, at)?;
            let replaced = match scope.scripts {
                Some(_) => of_scripts(&selection, &why.message),
                None => unknown(&selection),
            };
            Some(self.report(scope, &selection, subject, &inventory, replaced))
        });
        reports.collect()
    }
}

/// Reads what the configuration names for subjects.
struct Files<'a> {
    scopes: &'a [FleetScope],
    clouds: &'a Result<Clouds, ConfigError>,
    asking: &'a Asking,
    /// Those that were read: many subjects have the same.
    waivers: BTreeMap<PathBuf, Waivers>,
}

impl Files<'_> {
    fn beside(&mut self, subject: &Planned, plan: &Plan, global: &Global) -> Result<Beside, Failure> {
        let files = &subject.beside;
        let waivers = files.waivers.as_ref().map(|path| self.waivers(path)).transpose()?;
        let declarations = match files.declarations.as_slice() {
            [] => None,
            paths => {
                let declaring = Declaring { declarations: paths.to_owned(), subject: None };
                let declarations = Declarations::read(&declaring)?;
                let name = subject.subject.as_str();
                match plan.inheriting.contains(name) {
                    true => declarations.expect_about(plan.inheriting.iter().map(String::as_str))?,
                    false => declarations.expect_about([name])?,
                }
                Some(declarations)
            }
        };
        let managers = files.domain_managers.as_ref().map(|path| self.managers(path, subject, global));
        Ok(Beside { waivers, declarations, managers: managers.transpose()?.unwrap_or_default() })
    }

    fn waivers(&mut self, path: &Path) -> Result<Waivers, Failure> {
        if let Some(known) = self.waivers.get(path) {
            return Ok(known.clone());
        }
        let waivers = with_waivers(path, self.scopes.iter().map(|scope| &*scope.spec), Waivers::read)??;
        self.waivers.insert(path.to_owned(), waivers.clone());
        Ok(waivers)
    }

    /// How the managers of a subject log in. A cloud that is not to be found has a report that says so.
    fn managers(
        &self,
        path: &Path,
        subject: &Planned,
        global: &Global,
    ) -> Result<Vec<DomainManagerLogin>, Failure> {
        let config = DomainManagerConfig::read(path)?;
        if !global.quiet {
            for remark in config.notes() {
                note(&remark.to_string());
            }
        }
        let cloud = self.clouds.as_ref().ok();
        let cloud = cloud.and_then(|all| all.cloud(subject.cloud(), &overrides(self.asking)).ok());
        let logins = cloud.map(|cloud| config.logins(&cloud, &ConfigFiles::find())).transpose()?;
        Ok(logins.unwrap_or_default())
    }
}

fn overrides(asking: &Asking) -> Overrides {
    Overrides { region: asking.region.clone(), interface: asking.interface.clone() }
}

/// The scope of a name: from its file, or as this program knows it.
pub(super) fn scope(
    name: &str,
    file: Option<&Path>,
    allow_scripts: bool,
    global: &Global,
) -> Result<FleetScope, Failure> {
    let built_in = || match name {
        "scs-compatible-iaas" => Some(Spec::embedded_iaas()),
        "scs-compatible-kaas" => Some(Spec::embedded_kaas()),
        _ => None,
    };
    let spec = match (file, built_in()) {
        (Some(path), Some(known)) if !path.exists() => {
            if !global.quiet {
                note(&format!(
                    "{} is not there, so {name} is taken as this program knows it",
                    path.display()
                ));
            }
            ScopeSpec::Embedded(known)
        }
        (Some(path), _) => against::spec(Some(path))?,
        (None, Some(known)) => ScopeSpec::Embedded(known),
        (None, None) => {
            return Err(Failure::usage(
                format!("the configuration does not say where the spec of the scope {name:?} lies"),
                format!("add [scopes.{name}] with `spec = \"FILE\"`"),
            ));
        }
    };
    let scripts = match &spec {
        ScopeSpec::Own(_) if allow_scripts => file.map(Path::to_owned),
        _ => None,
    };
    Ok(FleetScope { name: name.to_owned(), spec, scripts })
}

fn named(subject: &Planned) -> Subject {
    Subject { cloud: subject.subject.clone(), auth_url: None, region: None }
}

/// An inventory in which nothing could be had.
fn without(subject: &Planned, facts: &BTreeSet<FactId>, why: &Unavailable, at: Timestamp) -> Inventory {
    let mut inventory = Inventory::new(named(subject), at);
    for fact in facts {
        inventory.set_unavailable(*fact, why.clone());
    }
    inventory
}

/// The same word for all testcases that only scripts can judge.
fn of_scripts(selection: &Selection<'_>, why: &str) -> BTreeMap<String, Judgement> {
    let unknown = selection.testcases.iter().map(|selected| selected.testcase).filter(|testcase| {
        Registry::get().find(&testcase.id).is_none() && testcase.script.is_some() && !testcase.manual
    });
    unknown.map(|testcase| (testcase.id.clone(), Judgement::broken_off(why.to_owned()))).collect()
}

/// A script that was asked and says nothing broke off; what people judge stays theirs.
fn told(id: String, judgement: Judgement, silent: &BTreeMap<String, Judgement>) -> (String, Judgement) {
    match silent.get(&id) {
        Some(_) if judgement.official == Some(Verdict::Miss) => {
            let why =
                judgement.findings.first().map_or_else(String::new, |finding| finding.found.to_string());
            (id, Judgement::broken_off(why))
        }
        _ => (id, judgement),
    }
}
