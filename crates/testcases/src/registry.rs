use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use assay_inventory::{FactId, Inventory};
use jiff::Timestamp;

use crate::preflight::{Preflight, preflight};
use crate::{Evidence, Judgement, Judging, Readings, Testcase};

/// All testcases that this program knows, in the order of their standards.
pub struct Registry {
    testcases: Vec<Testcase>,
}

/// The verdicts of a run: testcase id and judgement, in the order of the request.
pub type Verdicts = Vec<(String, Judgement)>;

impl Registry {
    /// Every standard has one file and one line here.
    fn build() -> Self {
        let mut registry = Registry { testcases: Vec::new() };
        crate::scs_0100_flavor_naming::register(&mut registry);
        crate::scs_0101_entropy::register(&mut registry);
        crate::scs_0102_image_metadata::register(&mut registry);
        crate::scs_0103_standard_flavors::register(&mut registry);
        crate::scs_0104_standard_images::register(&mut registry);
        crate::scs_0110_ssd_flavors::register(&mut registry);
        crate::scs_0114_volume_types::register(&mut registry);
        crate::scs_0115_default_security_groups::register(&mut registry);
        crate::scs_0116_key_manager::register(&mut registry);
        crate::scs_0117_volume_backup::register(&mut registry);
        crate::scs_0121_availability_zones::register(&mut registry);
        crate::scs_0123_services::register(&mut registry);
        crate::scs_0125_secure_connections::register(&mut registry);
        crate::scs_0126_provider_networks::register(&mut registry);
        crate::scs_0128_end_to_end::register(&mut registry);
        crate::scs_0302_domain_manager::register(&mut registry);
        registry
    }

    /// The registry; built once.
    pub fn get() -> &'static Registry {
        static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::build);
        &REGISTRY
    }

    pub(crate) fn add(&mut self, testcase: Testcase) {
        self.testcases.push(testcase);
    }

    /// All testcases.
    pub fn testcases(&self) -> impl Iterator<Item = &Testcase> {
        self.testcases.iter()
    }

    /// A testcase by its id.
    pub fn find(&self, id: &str) -> Option<&Testcase> {
        self.testcases.iter().find(|testcase| testcase.id == id)
    }

    /// The union of the facts that these testcases need. The token is always among them: nothing is
    /// asked without it, and the preflight looks at its roles.
    pub fn facts<'a>(&self, ids: impl IntoIterator<Item = &'a str>, with_text: bool) -> BTreeSet<FactId> {
        let mut facts = BTreeSet::from([FactId::Token]);
        for testcase in ids.into_iter().filter_map(|id| self.find(id)) {
            facts.extend(testcase.official_facts);
            if with_text {
                facts.extend(testcase.text_facts);
            }
        }
        facts
    }
}

/// Judges testcases on an inventory, with `now` as the present. Ids that the registry does not know end
/// in MISS. A token that is unfit for a check aborts everything, as it does in the reference suite.
pub fn judge<'a>(inventory: &Inventory, ids: impl IntoIterator<Item = &'a str>, now: Timestamp) -> Verdicts {
    let registry = Registry::get();
    let evidence = Evidence::new(inventory, now);
    let refusal = match inventory.token.get(FactId::Token) {
        Err(why) => Some(Judgement::aborted(FactId::Token, &why)),
        Ok(token) => match preflight(token) {
            Preflight::Fit => None,
            Preflight::Unfit(why) => {
                let mut judging = Judging::default();
                judging.abort(Readings::Both, None, "credentials of a plain member of one project", why);
                Some(judging.finish())
            }
        },
    };
    let one = |id: &str| match (registry.find(id), &refusal) {
        (None, _) => Judgement::missed("this program does not know the testcase"),
        (Some(testcase), Some(refusal)) if !testcase.official_facts.is_empty() || testcase.own => {
            Judgement { official: refusal.official.filter(|_| !testcase.own), ..refusal.clone() }
        }
        (Some(testcase), _) => testcase.judge(&evidence),
    };
    let ids: Vec<&str> = ids.into_iter().collect();
    let judgements = on_all_cores(&ids, one);
    ids.into_iter().map(str::to_owned).zip(judgements).collect()
}

/// Applies a function to each id, on as many threads as there are cores. The result does not depend on them.
fn on_all_cores<T: Send>(ids: &[&str], work: impl Fn(&str) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(ids.len());
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(id) = ids.get(position) else {
                return done;
            };
            done.push((position, work(id)));
        }
    };
    let mut results: Vec<(usize, T)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let mut results = worker();
        for other in others {
            match other.join() {
                Ok(more) => results.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_unstable_by_key(|(position, _)| *position);
    results.into_iter().map(|(_, result)| result).collect()
}
