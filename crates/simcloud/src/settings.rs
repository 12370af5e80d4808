use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Kind, Population, Rule};

/// What a simulated cloud is like.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name in `clouds.yaml`.
    pub name: String,
    /// What is in it; clouds may share it.
    pub population: Arc<Population>,
    /// How long each answer takes.
    pub latency: Duration,
    /// How much longer it takes at most; how much, is drawn for each call.
    pub jitter: Duration,
    /// How many items a page of a list holds at most.
    pub page_size: usize,
    /// How long what was created is on its way until it can be used.
    pub settling: Duration,
    /// What goes wrong with calls. Of several rules that fit a call, the first counts.
    pub rules: Vec<Rule>,
    /// What never gets to where it should.
    pub stuck: Vec<Stuck>,
    /// How long tokens are good for.
    pub token: TokenLife,
    /// Decides all that is drawn: the same seed and the same calls give the same answers.
    pub seed: u64,
}

impl Settings {
    /// A cloud that answers at once, with large pages and without faults.
    pub fn of(population: Arc<Population>) -> Self {
        Settings {
            name: "simcloud".into(),
            population,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            page_size: 1000,
            settling: Duration::ZERO,
            rules: Vec::new(),
            stuck: Vec::new(),
            token: TokenLife::default(),
            seed: 0,
        }
    }
}

/// A state that things of a kind stay in for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// The kind of thing.
    pub kind: Kind,
    /// The state, as the API writes it: `creating`, `backing-up`, `BUILD`, `ERROR`.
    pub state: String,
}

/// How long a token is good for. One that is not is answered with 401.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenLife {
    /// How many calls it is good for.
    pub calls: Option<u64>,
    /// How long it is good for; keystone says a day if this is not set.
    pub time: Option<Duration>,
}
