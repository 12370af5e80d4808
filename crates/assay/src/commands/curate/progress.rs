//! How far an apply is: one line for all of it, and one for each image on its way.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use assay_curate::images::News;
use assay_curate::{Event, Plan};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::Global;
use crate::human::printable;
use crate::output::{lines, note};

/// A file on its way.
const IMAGE: &str = "  {prefix} {bytes} of {total_bytes} {bytes_per_sec} {wide_msg}";

pub(super) struct Progress<'a> {
    plan: &'a Plan,
    quiet: bool,
    overall: ProgressBar,
    images: Mutex<BTreeMap<usize, ProgressBar>>,
}

impl<'a> Progress<'a> {
    pub(super) fn begin(global: &Global, plan: &'a Plan) -> Self {
        let overall = lines().add(ProgressBar::new(plan.steps().count() as u64));
        style(&overall, "{spinner} {pos} of {len} {wide_msg}");
        overall.enable_steady_tick(Duration::from_millis(100));
        Progress { plan, quiet: global.quiet, overall, images: Mutex::default() }
    }

    pub(super) fn tell(&self, event: &Event<'_>) {
        match *event {
            Event::Begun(index) => self.overall.set_message(self.name(index)),
            Event::News(index, News::Bytes(done, total)) => {
                let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
                let bar = images.entry(index).or_insert_with(|| self.image(index));
                if let Some(total) = total {
                    bar.set_length(*total);
                }
                bar.set_position(*done);
                if Some(*done) == *total {
                    bar.set_message("glance takes it in");
                }
            }
            Event::News(index, News::Note(text)) => {
                if !self.quiet {
                    note(&format!("{}: {}", self.name(index), printable(text)));
                }
            }
            Event::Ended(index, _) => {
                self.overall.inc(1);
                let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(bar) = images.remove(&index) {
                    bar.finish_and_clear();
                }
            }
        }
    }

    pub(super) fn end(&self) {
        self.overall.finish_and_clear();
    }

    fn name(&self, index: usize) -> String {
        printable(&self.plan.actions[index].name)
    }

    fn image(&self, index: usize) -> ProgressBar {
        let bar = lines().add(ProgressBar::no_length());
        style(&bar, IMAGE);
        bar.set_prefix(self.name(index));
        bar
    }
}

/// How far one file is.
pub(super) struct File {
    bar: ProgressBar,
    name: String,
    quiet: bool,
}

impl File {
    pub(super) fn begin(global: &Global, name: &str) -> Self {
        let bar = lines().add(ProgressBar::no_length());
        style(&bar, IMAGE);
        let name = printable(name);
        bar.set_prefix(name.clone());
        File { bar, name, quiet: global.quiet }
    }

    pub(super) fn tell(&self, news: &News) {
        match news {
            News::Bytes(done, total) => {
                if let Some(total) = total {
                    self.bar.set_length(*total);
                }
                self.bar.set_position(*done);
            }
            News::Note(text) if !self.quiet => {
                note(&format!("{}: {}", self.name, printable(text)));
            }
            News::Note(_) => {}
        }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}
