//! What Prometheus is told of the runs of schedules.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use crate::record::{Line, Past, Tally};

/// What is known of the last check of each subject because of each schedule.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    reports: BTreeMap<[String; 3], Last>,
    left_out: BTreeMap<[String; 2], Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    at: Timestamp,
    tally: Tally,
    determined: bool,
    leftovers: usize,
    took_ms: u64,
}

/// What is so at the moment.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// The version of the program.
    pub version: &'static str,
    /// The schedules: when the next run begins, as far as is known, and whether one is going on.
    pub schedules: BTreeMap<String, (Option<Timestamp>, bool)>,
    /// How many reports wait for a monitor; none if that cannot be found out.
    pub waiting: Option<usize>,
    /// How many reports a monitor refused.
    pub refused: Option<usize>,
    /// When the credentials of subjects end, of those that do.
    pub credentials: BTreeMap<String, Timestamp>,
}

impl Metrics {
    /// Takes note of what happened in a run of a schedule.
    pub fn learn(&mut self, schedule: &str, line: &Line) {
        let schedule = schedule.to_owned();
        match line {
            Line::Judged { at, subject, scope, tally, determined, leftovers, took_ms, .. } => {
                let last = Last {
                    at: *at,
                    tally: *tally,
                    determined: *determined,
                    leftovers: *leftovers,
                    took_ms: *took_ms,
                };
                self.left_out.remove(&[schedule.clone(), subject.clone()]);
                self.reports.insert([schedule, subject.clone(), scope.clone()], last);
            }
            Line::LeftOut { at, subject, .. } => {
                self.left_out.insert([schedule, subject.clone()], *at);
            }
            _ => {}
        }
    }

    /// Takes note of a run of the past, if it belonged to a schedule. Runs are told of in the order in which they were.
    pub fn learn_all(&mut self, past: &Past) {
        let Some(Line::Begun { occasion: Some(occasion), .. }) = past.lines.first() else { return };
        for line in &past.lines {
            self.learn(&occasion.schedule, line);
        }
    }

    /// Forgets schedules and subjects that are no longer there.
    pub fn keep(&mut self, is_there: impl Fn(&str, &str) -> bool) {
        self.reports.retain(|[schedule, subject, _], _| is_there(schedule, subject));
        self.left_out.retain(|[schedule, subject], _| is_there(schedule, subject));
    }

    /// The text that Prometheus asks for.
    pub fn exposition(&self, moment: &Moment) -> String {
        let mut text = Exposition::default();
        text.family("build_info", "The program.");
        text.sample("build_info", &[("version", moment.version)], 1);
        text.family("last_check_timestamp_seconds", "When a subject was last judged because of a schedule.");
        let reports = || self.reports.iter().map(|(key, last)| (labels(key), last));
        for (labels, last) in reports() {
            text.sample("last_check_timestamp_seconds", &labels, last.at.as_second());
        }
        text.family("last_check_duration_seconds", "How long that took.");
        for (labels, last) in reports() {
            let seconds = format!("{}.{:03}", last.took_ms / 1000, last.took_ms % 1000);
            text.sample("last_check_duration_seconds", &labels, seconds);
        }
        text.family("last_check_testcases", "How many testcases came to which verdict then, officially.");
        for (labels, Last { tally, .. }) in reports() {
            for (verdict, count) in
                [("PASS", tally.pass), ("FAIL", tally.fail), ("ABORT", tally.abort), ("MISS", tally.miss)]
            {
                let labels = [&labels[..], &[("verdict", verdict)]].concat();
                text.sample("last_check_testcases", &labels, count);
            }
        }
        text.family("last_check_determined", "Whether anything was found out then.");
        for (labels, last) in reports() {
            text.sample("last_check_determined", &labels, u8::from(last.determined));
        }
        text.family("last_check_leftovers", "How many things could not be taken down then.");
        for (labels, last) in reports() {
            text.sample("last_check_leftovers", &labels, last.leftovers);
        }
        text.family("left_out_timestamp_seconds", "When a subject was left out, if it was not judged since.");
        for ([schedule, subject], at) in &self.left_out {
            let labels = [("schedule", &**schedule), ("subject", &**subject)];
            text.sample("left_out_timestamp_seconds", &labels, at.as_second());
        }
        text.family("next_run_timestamp_seconds", "When a schedule next has somebody checked.");
        for (schedule, (next, _)) in &moment.schedules {
            if let Some(next) = next {
                text.sample("next_run_timestamp_seconds", &[("schedule", schedule)], next.as_second());
            }
        }
        text.family("run_in_progress", "Whether a run of a schedule goes on.");
        for (schedule, (_, goes_on)) in &moment.schedules {
            text.sample("run_in_progress", &[("schedule", schedule)], u8::from(*goes_on));
        }
        text.family("outbox_reports", "How many reports have not been delivered.");
        for (state, count) in [("waiting", moment.waiting), ("refused", moment.refused)] {
            if let Some(count) = count {
                text.sample("outbox_reports", &[("state", state)], count);
            }
        }
        text.family("credential_end_timestamp_seconds", "When the application credential of a subject ends.");
        for (subject, end) in &moment.credentials {
            text.sample("credential_end_timestamp_seconds", &[("subject", subject)], end.as_second());
        }
        text.0
    }
}

fn labels([schedule, subject, scope]: &[String; 3]) -> [(&str, &str); 3] {
    [("schedule", schedule), ("subject", subject), ("scope", scope)]
}

#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, help: &str) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.0, "# HELP assay_fleet_{name} {help}\n# TYPE assay_fleet_{name} gauge");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let _ = writeln!(self.0, "assay_fleet_{name}{{{}}} {value}", labels.join(","));
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_check_of_each_is_told_and_names_break_out_of_nothing() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let judged = |second, pass| Line::Judged {
            waived: 0,
            at: at(second),
            subject: "gr\"een".into(),
            scope: "iaas".into(),
            run: uuid::Uuid::nil(),
            tally: Tally { pass, fail: 1, abort: 0, miss: 0 },
            determined: true,
            leftovers: 0,
            took_ms: 1500,
            to_be_sent: true,
        };
        let left_out = |second, subject: &str| Line::LeftOut {
            at: at(second),
            subject: subject.into(),
            why: String::new(),
            postponed: false,
        };
        let mut metrics = Metrics::default();
        for line in
            [left_out(1, "gr\"een"), judged(2, 3), judged(9, 4), left_out(9, "red"), left_out(9, "gone")]
        {
            metrics.learn("nightly", &line);
        }
        metrics.keep(|_, subject| subject != "gone");
        let moment = Moment {
            version: "1.2.3",
            schedules: BTreeMap::from([("nightly".into(), (Some(at(100)), true))]),
            waiting: Some(2),
            refused: None,
            credentials: BTreeMap::from([("red".into(), at(1000))]),
        };
        let text = metrics.exposition(&moment);
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let of = "{schedule=\"nightly\",subject=\"gr\\\"een\",scope=\"iaas\"";
        assert_eq!(
            samples,
            [
                "assay_fleet_build_info{version=\"1.2.3\"} 1",
                &format!("assay_fleet_last_check_timestamp_seconds{of}}} 9"),
                &format!("assay_fleet_last_check_duration_seconds{of}}} 1.500"),
                &format!("assay_fleet_last_check_testcases{of},verdict=\"PASS\"}} 4"),
                &format!("assay_fleet_last_check_testcases{of},verdict=\"FAIL\"}} 1"),
                &format!("assay_fleet_last_check_testcases{of},verdict=\"ABORT\"}} 0"),
                &format!("assay_fleet_last_check_testcases{of},verdict=\"MISS\"}} 0"),
                &format!("assay_fleet_last_check_determined{of}}} 1"),
                &format!("assay_fleet_last_check_leftovers{of}}} 0"),
                "assay_fleet_left_out_timestamp_seconds{schedule=\"nightly\",subject=\"red\"} 9",
                "assay_fleet_next_run_timestamp_seconds{schedule=\"nightly\"} 100",
                "assay_fleet_run_in_progress{schedule=\"nightly\"} 1",
                "assay_fleet_outbox_reports{state=\"waiting\"} 2",
                "assay_fleet_credential_end_timestamp_seconds{subject=\"red\"} 1000",
            ]
        );
    }
}
