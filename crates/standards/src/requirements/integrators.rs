//! scs-0007: integrators.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::table::{DocumentVersion, embedded};

/// What a certificate for integrators can say beyond that there is one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Such as `Silver`.
    pub name: String,
    /// How many points it takes.
    pub points: u32,
}

/// What somebody is an integrator of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Such as `IaaS`.
    pub name: String,
    /// Stands for certificates of this layer where those of clouds have the UUID of a scope.
    pub uuid: String,
    /// UUID of the scope that environments have to conform to.
    pub scope: String,
}

impl Layer {
    /// What somebody is, without the tier.
    pub fn title(&self) -> String {
        format!("SCS {} Integrator", self.name)
    }

    /// What somebody is who has a certificate.
    pub fn title_of(&self, tier: &str) -> String {
        format!("Certified SCS {} {tier} Integrator", self.name)
    }
}

/// Whose an environment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Environment {
    /// Somebody else's.
    ThirdParty,
    /// That of the integrator.
    Own,
}

/// How large an environment has to be: one of both is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Least {
    /// So many regions.
    pub regions: u32,
    /// So many availability zones.
    pub zones: u32,
}

/// So many points for something that has lasted for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// So many months.
    pub months: i32,
    /// So many points.
    pub points: u32,
}

/// What a kind of evidence counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Counts {
    /// For something that happened on a day.
    Once {
        /// So many months ago at most.
        within: i32,
        /// So many points.
        points: u32,
    },
    /// For something that lasts; what takes longest comes first.
    Held(Vec<Held>),
}

/// A kind of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The word for it in references.
    pub name: String,
    /// The layers that it counts for, by name.
    pub layers: Vec<String>,
    /// Whose environment it is about.
    pub environment: Environment,
    /// What was or is done with the environment.
    pub meaning: String,
    /// How large the environment has to be, if that matters.
    #[serde(default)]
    pub least: Option<Least>,
    /// What it counts.
    pub counts: Counts,
}

/// The table of scs-0007.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integrators {
    /// The document, without its version.
    pub standard: String,
    /// The versions of the document that are meant.
    pub versions: Vec<DocumentVersion>,
    /// The best first.
    pub tiers: Vec<Tier>,
    /// What there are integrators of.
    pub layers: Vec<Layer>,
    /// What counts.
    pub evidence: Vec<Evidence>,
}

impl Integrators {
    /// The table that is part of the program.
    pub fn get() -> &'static Integrators {
        static TABLE: LazyLock<Integrators> = LazyLock::new(|| {
            embedded("scs-0007.yaml", include_str!("../../data/requirements/scs-0007.yaml"))
        });
        &TABLE
    }

    /// A layer by its name, or by the UUID that stands for its certificates.
    pub fn layer(&self, word: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name == word || layer.uuid == word)
    }

    /// A tier by its name.
    pub fn tier(&self, name: &str) -> Option<&Tier> {
        self.tiers.iter().find(|tier| tier.name == name)
    }

    /// The best tier that so many points are enough for.
    pub fn reached(&self, points: u32) -> Option<&Tier> {
        self.tiers.iter().find(|tier| tier.points <= points)
    }

    /// The standard and its newest version, such as `scs-0007-v2`.
    pub fn document(&self) -> String {
        let version = self.versions.last().map_or("", |version| version.version.as_str());
        format!("{}-{version}", self.standard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Spec;

    #[test]
    fn the_table_fits_together() {
        let table = Integrators::get();
        assert!(table.tiers.is_sorted_by(|better, worse| better.points > worse.points));
        let scopes: Vec<&str> =
            Spec::embedded_certifiable().into_iter().map(|spec| spec.uuid.as_str()).collect();
        for layer in &table.layers {
            assert!(scopes.contains(&layer.scope.as_str()), "{layer:?}");
            assert!(!scopes.contains(&layer.uuid.as_str()), "{layer:?}");
        }
        for evidence in &table.evidence {
            assert!(evidence.layers.iter().all(|layer| table.layer(layer).is_some()), "{evidence:?}");
            if let Counts::Held(steps) = &evidence.counts {
                assert!(steps.is_sorted_by(|longer, shorter| longer.months > shorter.months), "{evidence:?}");
                assert!(steps.is_sorted_by(|longer, shorter| longer.points > shorter.points), "{evidence:?}");
            }
        }
        assert_eq!(table.document(), "scs-0007-v2");
        assert_eq!(table.reached(1), None);
        assert_eq!(
            [2, 3, 4, 9].map(|points| &table.reached(points).unwrap().name),
            ["Bronze", "Bronze", "Silver", "Silver"]
        );
    }
}
