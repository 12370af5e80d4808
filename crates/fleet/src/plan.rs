//! Which subjects are checked against which scopes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use assay_yaml::nearest;

use crate::config::{Beside, CLOUD, Config, DEFAULT_PRESET, is_name};

/// So many subjects are asked at the same time unless a preset or the user says otherwise. Clouds do the work; we wait.
const WORKERS: usize = 128;

/// What the user chose of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// A preset; without it, what follows, and without that the preset `default`.
    pub preset: Option<String>,
    /// Scopes; without them, those of all presets that name one of the subjects.
    pub scopes: Vec<String>,
    /// Subjects; without them, those of all presets that name one of the scopes.
    pub subjects: Vec<String>,
    /// So many subjects at the same time, whatever the preset says.
    pub workers: Option<usize>,
}

/// What is to be done in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The preset, if one was taken.
    pub preset: Option<String>,
    /// The subjects, in the order in which they were named.
    pub subjects: Vec<Planned>,
    /// The spec files of the scopes; those without one are built in.
    pub specs: BTreeMap<String, Option<PathBuf>>,
    /// So many subjects at the same time.
    pub workers: usize,
    /// All subjects of the configuration that have the declarations of all, since they name none of their own: each may
    /// be spoken of there.
    pub inheriting: BTreeSet<String>,
}

/// One subject and what it is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Its name, as monitors know it.
    pub subject: String,
    /// The names of the scopes.
    pub scopes: Vec<String>,
    /// The variables that specs use, such as `os_cloud`.
    pub variables: BTreeMap<String, String>,
    /// The files that belong to it.
    pub beside: Beside,
}

impl Planned {
    /// The cloud in `clouds.yaml`: as mapped, else of the subject's name.
    pub fn cloud(&self) -> &str {
        self.variables.get(CLOUD).unwrap_or(&self.subject)
    }
}

/// Nothing sensible was chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No preset of this name.
    #[error("there is no preset {name:?} in the configuration{}", did_you_mean(.nearest.as_deref()))]
    UnknownPreset {
        /// The name.
        name: String,
        /// One that looks like it.
        nearest: Option<String>,
    },
    /// Neither a preset `default` nor a choice.
    #[error("the configuration has no preset `default`, and nothing else was chosen")]
    NothingChosen,
    /// The choice comes to nothing.
    #[error("no preset names {0}, so say both --scope and --subject")]
    Nowhere(String),
    /// The name of a subject would not do.
    #[error("{0:?} cannot be the name of a subject")]
    NoName(String),
    /// The preset is empty.
    #[error("the preset {0:?} names no subject, or no scope")]
    EmptyPreset(String),
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}

impl Config {
    /// What is to be done.
    ///
    /// # Errors
    /// The choice names a preset that is not there, or comes to nothing.
    pub fn plan(&self, choice: &Choice) -> Result<Plan, PlanError> {
        let chosen = !choice.scopes.is_empty() || !choice.subjects.is_empty();
        let preset = match &choice.preset {
            Some(name) => Some(name.as_str()),
            None if chosen => None,
            None => Some(DEFAULT_PRESET),
        };
        let (scopes, subjects, workers) = match preset {
            Some(name) => {
                let preset = self.presets.get(name).ok_or_else(|| self.without(name, choice))?;
                if preset.scopes.is_empty() || preset.subjects.is_empty() {
                    return Err(PlanError::EmptyPreset(name.to_owned()));
                }
                (preset.scopes.clone(), preset.subjects.clone(), preset.workers)
            }
            None => (self.scopes_of(choice)?, self.subjects_of(choice)?, None),
        };
        if let Some(name) = subjects.iter().find(|name| !is_name(name)) {
            return Err(PlanError::NoName(name.clone()));
        }
        let scopes = without_repetition(scopes);
        let specs = scopes.iter().map(|name| (name.clone(), self.scopes.get(name).cloned())).collect();
        let subjects = without_repetition(subjects);
        let inheriting = self.inheriting(&subjects);
        let planned = subjects
            .into_iter()
            .map(|subject| Planned {
                variables: self.variables(&subject),
                beside: self.beside(&subject),
                scopes: scopes.clone(),
                subject,
            })
            .collect();
        Ok(Plan {
            preset: preset.map(str::to_owned),
            subjects: planned,
            specs,
            workers: choice.workers.or(workers).unwrap_or(WORKERS),
            inheriting,
        })
    }

    fn without(&self, name: &str, choice: &Choice) -> PlanError {
        if choice.preset.is_none() {
            return PlanError::NothingChosen;
        }
        let nearest = nearest(name, self.presets.keys().map(String::as_str)).map(str::to_owned);
        PlanError::UnknownPreset { name: name.to_owned(), nearest }
    }

    fn scopes_of(&self, choice: &Choice) -> Result<Vec<String>, PlanError> {
        if !choice.scopes.is_empty() {
            return Ok(choice.scopes.clone());
        }
        let naming = self.presets.values().filter(|preset| any(&preset.subjects, &choice.subjects));
        some(naming.flat_map(|preset| preset.scopes.clone()).collect(), &choice.subjects)
    }

    fn subjects_of(&self, choice: &Choice) -> Result<Vec<String>, PlanError> {
        if !choice.subjects.is_empty() {
            return Ok(choice.subjects.clone());
        }
        let naming = self.presets.values().filter(|preset| any(&preset.scopes, &choice.scopes));
        some(naming.flat_map(|preset| preset.subjects.clone()).collect(), &choice.scopes)
    }

    /// Where the spec of a scope lies, if the configuration says so.
    pub fn spec(&self, scope: &str) -> Option<&Path> {
        self.scopes.get(scope).map(PathBuf::as_path)
    }
}

fn any(all: &[String], some: &[String]) -> bool {
    all.iter().any(|one| some.contains(one))
}

fn some(found: Vec<String>, wanted: &[String]) -> Result<Vec<String>, PlanError> {
    match found.is_empty() {
        true => Err(PlanError::Nowhere(wanted.join(", "))),
        false => Ok(found),
    }
}

fn without_repetition(names: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.into_iter().filter(|name| seen.insert(name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::read("config.toml", include_str!("../tests/data/config.toml"), Path::new("/fleet")).unwrap()
    }

    fn planned(choice: &Choice) -> (Vec<String>, Vec<String>) {
        let plan = config().plan(choice).unwrap();
        let subjects = plan.subjects.iter().map(|planned| planned.subject.clone()).collect();
        (subjects, plan.subjects[0].scopes.clone())
    }

    fn names(all: &[&str]) -> Vec<String> {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn without_a_choice_it_is_the_default() {
        assert_eq!(planned(&Choice::default()), (names(&["green"]), names(&["scs-compatible-iaas"])));
        let plan = config().plan(&Choice::default()).unwrap();
        assert_eq!(plan.preset.as_deref(), Some("default"));
        assert_eq!(plan.subjects[0].cloud(), "{green}");
    }

    #[test]
    fn a_preset_says_who_and_how_many_at_once() {
        let choice = Choice { preset: Some("clusters".into()), ..Choice::default() };
        assert_eq!(planned(&choice), (names(&["blue-1.35", "blue-1.36"]), names(&["scs-compatible-kaas"])));
        assert_eq!(config().plan(&choice).unwrap().workers, 4);
        assert_eq!(config().plan(&Choice { workers: Some(1), ..choice }).unwrap().workers, 1);
        let choice = Choice { preset: Some("cloud".into()), ..Choice::default() };
        assert_eq!(
            config().plan(&choice).unwrap_err().to_string(),
            "there is no preset \"cloud\" in the configuration; did you mean \"clouds\"?"
        );
    }

    #[test]
    fn what_is_not_said_follows_from_the_presets() {
        let choice = Choice { subjects: names(&["red"]), ..Choice::default() };
        assert_eq!(planned(&choice), (names(&["red"]), names(&["scs-compatible-iaas"])));
        let choice = Choice { scopes: names(&["scs-compatible-iaas"]), ..Choice::default() };
        assert_eq!(planned(&choice).0, names(&["green", "red"]));
        // A cloud that no preset names is checked as well, if it is said against what.
        let choice = Choice { subjects: names(&["new"]), ..choice };
        assert_eq!(planned(&choice).0, names(&["new"]));
        let choice = Choice { subjects: names(&["new"]), ..Choice::default() };
        assert_eq!(config().plan(&choice).unwrap_err(), PlanError::Nowhere("new".into()));
    }
}
