use askama::Template;
use assay_standards::scope::{Include, Spec};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Shown;
use super::testcase::label;
use super::text::address;
use crate::scopes::Scopes;

/// Which module of a scope belongs to which version.
#[derive(Template)]
#[template(path = "scope.html")]
pub(super) struct ScopePage<'s> {
    base: &'s str,
    name: &'s str,
    slug: String,
    versions: Vec<Version<'s>>,
    modules: Vec<Module<'s>>,
}

#[derive(Template)]
#[template(path = "scope.md", escape = "none")]
struct ScopeMarkdown<'s>(&'s ScopePage<'s>);

struct Version<'s> {
    name: &'s str,
    state: &'static str,
    stabilized_at: String,
}

struct Module<'s> {
    label: String,
    url: Option<&'s str>,
    testcases: Vec<&'s str>,
    cells: Vec<Option<Vec<(&'s str, &'s str)>>>,
}

impl<'s> ScopePage<'s> {
    pub(super) fn new(base: &'s str, spec: &'s Spec, now: Timestamp) -> Self {
        let listed = spec.validity(TimeZone::UTC.to_datetime(now).date());
        let versions = listed.iter().map(|(version, validity)| Version {
            name: &version.name,
            state: validity.as_str(),
            stabilized_at: version.stabilized_at.map_or_else(String::new, |date| date.to_string()),
        });
        let mut modules: Vec<_> = spec.modules.iter().collect();
        modules.sort_by(|a, b| a.id.cmp(&b.id));
        let modules = modules.into_iter().filter_map(|module| {
            let cells: Vec<Option<Vec<(&str, &str)>>> = listed
                .iter()
                .map(|(version, _)| {
                    let include = version.includes.iter().find(|include| include.module == module.id);
                    include.map(parameters)
                })
                .collect();
            let label = label(module);
            let testcases = module.targets.iter().flat_map(|(_, testcases)| testcases);
            let testcases = testcases.map(String::as_str).collect();
            let url = module.url.as_deref().and_then(address);
            cells.iter().any(Option::is_some).then_some(Module { label, url, testcases, cells })
        });
        Self {
            base,
            name: &spec.name,
            slug: Scopes::slug(spec),
            versions: versions.collect(),
            modules: modules.collect(),
        }
    }
}

fn parameters(include: &Include) -> Vec<(&str, &str)> {
    include.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

impl Shown for ScopePage<'_> {
    fn title(&self) -> String {
        self.name.to_owned()
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        ScopeMarkdown(self).render()
    }
}
