//! What is seen while Tempest runs, and the journal of what it creates.

use std::time::Duration;

use assay_journal::{Journal, Kind};
use assay_tempest::{Counts, Created, Ending, Event};
use indicatif::{ProgressBar, ProgressStyle};

use crate::human::{bad, printable};
use crate::output::{lines, note};

/// Where there is no bar, a line tells how far it is after so many tests.
const LINE_EVERY: usize = 25;

/// Follows the events of a run.
pub(super) struct Watch<'a> {
    bar: ProgressBar,
    journal: &'a Journal,
    quiet: bool,
    total: usize,
    counts: Counts,
    told: usize,
    journal_broken: bool,
}

impl<'a> Watch<'a> {
    pub(super) fn new(cloud: &str, journal: &'a Journal, quiet: bool) -> Self {
        let bar = lines().add(ProgressBar::no_length().with_prefix(cloud.to_owned()));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:.bold} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_message("asks Tempest for its tests");
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Watch { bar, journal, quiet, total: 0, counts: Counts::default(), told: 0, journal_broken: false }
    }

    pub(super) fn event(&mut self, event: Event) {
        match event {
            Event::Started { tests } => {
                self.total = tests;
                self.bar.set_message(format!("{}; prepares the first one", self.so_far()));
            }
            Event::Began { name } => {
                self.bar.set_message(format!("{}; {}", self.so_far(), short(&name)));
            }
            Event::Ended { name, ending, reason, counts } => {
                self.counts = counts;
                self.bar.set_message(self.so_far());
                if ending == Ending::Failed {
                    self.say(&format!("{} {name}: {}", bad("failed"), printable(&reason)));
                }
                if self.bar.is_hidden() && counts.ended() >= self.told + LINE_EVERY {
                    self.told = counts.ended();
                    self.say(&self.so_far());
                }
            }
            Event::Created(created) => self.created(&created),
            _ => {}
        }
    }

    /// The tests are over.
    pub(super) fn cleans_up(&self) {
        self.bar.set_message(format!("{}; looks for what is left", self.so_far()));
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn so_far(&self) -> String {
        let Counts { passed, failed, skipped } = self.counts;
        format!(
            "{} of {} tests: {passed} passed, {failed} failed, {skipped} skipped",
            self.counts.ended(),
            self.total
        )
    }

    fn say(&self, text: &str) {
        if self.quiet {
            return;
        }
        note(text);
    }

    /// Tempest tells what it created right after it did; from then on the journal knows.
    fn created(&mut self, created: &Created) {
        let Some(kind) = kind(&created.kind) else {
            return;
        };
        let name = created.name.clone().unwrap_or_else(|| self.journal.run().name("tempest"));
        let written = self.journal.intend(kind, &name).and_then(|entry| entry.made(&created.id));
        if let Err(error) = written
            && !self.journal_broken
        {
            self.journal_broken = true;
            self.say(&error.to_string());
        }
    }
}

/// The last two parts of a dotted name: class and method.
fn short(name: &str) -> &str {
    name.rmatch_indices('.').nth(1).map_or(name, |(dot, _)| &name[dot + 1..])
}

/// The kind of what Tempest records under this name. What is missing here goes with what it belongs to, or is
/// no resource at all.
fn kind(recorded: &str) -> Option<Kind> {
    Some(match recorded {
        "servers" => Kind::Server,
        "keypairs" => Kind::KeyPair,
        "floatingips" => Kind::FloatingIp,
        "ports" => Kind::Port,
        "routers" => Kind::Router,
        "subnets" => Kind::Subnet,
        "networks" => Kind::Network,
        "subnetpools" => Kind::SubnetPool,
        "security_groups" => Kind::SecurityGroup,
        "backups" => Kind::Backup,
        "snapshots" => Kind::VolumeSnapshot,
        "volumes" => Kind::Volume,
        "application_credentials" => Kind::ApplicationCredential,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use assay_journal::{Place, RunId};

    use super::*;

    #[test]
    fn what_tempest_creates_is_in_the_journal_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            cloud: "c".into(),
            auth_url: "http://k".into(),
            scope: "p".into(),
            user: "u".into(),
            region: None,
        };
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        let journal = Journal::begin(folder.path(), &place, RunId::new(), now).unwrap();
        let mut watch = Watch::new("c", &journal, true);
        for (kind, id, name) in [
            ("servers", "s1", None),
            ("keypairs", "key", None),
            ("volumes", "v1", Some("a")),
            ("tokens", "t", None),
        ] {
            let name = name.map(str::to_owned);
            watch.event(Event::Created(Created { kind: kind.into(), id: id.into(), name }));
        }
        let open: Vec<_> = journal.open().into_iter().map(|open| (open.kind, open.name, open.id)).collect();
        let unnamed = journal.run().name("tempest");
        let id = |id: &str| Some(id.to_owned());
        assert_eq!(
            open,
            [
                (Kind::Server, unnamed.clone(), id("s1")),
                (Kind::KeyPair, unnamed, id("key")),
                (Kind::Volume, "a".into(), id("v1")),
            ]
        );
    }

    #[test]
    fn names_are_shortened_to_class_and_method() {
        assert_eq!(short("tempest.api.network.test_ports.PortsTestJSON.test_it"), "PortsTestJSON.test_it");
        assert_eq!(short("one"), "one");
    }
}
