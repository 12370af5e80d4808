//! Live progress on standard error: one line per cloud, with what it waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use assay_inventory::{FactId, StepId};
use assay_openstack::Event;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::lines;

/// The line of one cloud.
pub(crate) struct CloudProgress {
    bar: ProgressBar,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is being waited for, and for probes the step they are at.
    waiting: BTreeMap<FactId, Option<StepId>>,
    /// A probe may be made once more; that is no other fact.
    done: BTreeSet<FactId>,
    failed: usize,
}

impl CloudProgress {
    /// A line for a cloud.
    pub(crate) fn begin(name: &str) -> Self {
        let style = ProgressStyle::with_template("{spinner} {prefix:.bold} {wide_msg}");
        let bar = ProgressBar::new_spinner().with_prefix(name.to_owned());
        if let Ok(style) = style {
            bar.set_style(style);
        }
        let bar = lines().add(bar);
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        CloudProgress { bar, state: Mutex::default() }
    }

    /// Takes an event in.
    pub(crate) fn event(&self, event: &Event) {
        let Ok(mut state) = self.state.lock() else {
            return;
        };
        match event {
            Event::Authenticating => self.bar.set_message("waits for a token"),
            Event::FactStarted(fact) => {
                state.waiting.insert(*fact, None);
            }
            Event::Step { fact, step } => {
                state.waiting.insert(*fact, Some(*step));
            }
            Event::FactDone { fact, .. } => {
                state.waiting.remove(fact);
                state.done.insert(*fact);
            }
            Event::FactFailed { fact, .. } => {
                state.waiting.remove(fact);
                state.failed += 1;
            }
            _ => {}
        }
        if !state.waiting.is_empty() {
            let what = |(fact, step): (&FactId, &Option<StepId>)| match step {
                Some(step) => format!("{fact} ({step})"),
                None => fact.to_string(),
            };
            let waiting: Vec<String> = state.waiting.iter().map(what).collect();
            let failed = if state.failed > 0 { format!(", {} failed", state.failed) } else { String::new() };
            self.bar.set_message(format!(
                "{} facts{failed}; waits for {}",
                state.done.len(),
                waiting.join(", ")
            ));
        }
    }

    /// Shows what is being done.
    pub(crate) fn message(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }

    /// Takes the line away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
