//! The tables `schedules` and `windows`: when the daemon checks whom, and when it leaves them alone.

use assay_yaml::{Context, Fields, Node, Reader, Reported, Value};
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::{Config, FleetProblem, Lines, named};
use crate::schedule::{Schedule, Section, Times, Window, Windows};

const SCHEDULE: Context = Context {
    name: "a schedule",
    keys: &["preset", "at", "zone", "jitter", "catch_up", "sections"],
    open: false,
};
const WINDOW: Context =
    Context { name: "a maintenance window", keys: &["at", "zone", "lasts", "subjects"], open: false };
/// What was missed longer ago than this is not made up for, unless the schedule says otherwise.
const CATCH_UP: SignedDuration = SignedDuration::from_hours(12);
/// Nothing here takes longer than a year.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Reads both tables, which name presets and subjects of the others.
pub(super) fn schedules(reader: &mut Lines, root: &Fields<'_>, config: &mut Config) {
    for (name, node, path) in named(reader, root, "schedules") {
        if let Ok(schedule) = schedule(reader, node, &path, config) {
            config.schedules.insert(name.to_owned(), schedule);
        }
    }
    let mut windows = Vec::new();
    for (name, node, path) in named(reader, root, "windows") {
        windows.extend(window(reader, (name, node), &path, config).ok());
    }
    config.windows = Windows(windows);
}

fn schedule(reader: &mut Lines, node: &Node, path: &str, config: &Config) -> Result<Schedule, Reported> {
    let fields = reader.fields(node, path, &SCHEDULE).ok_or(Reported)?;
    let preset = reader.required_text(&fields, "preset").ok_or(Reported)?;
    if !config.presets.contains_key(&preset.value) {
        reader.report(preset.spot, FleetProblem::UnknownPreset(preset.value));
        return Err(Reported);
    }
    let times = times(reader, &fields)?;
    let jitter = reader.optional(&fields, "jitter", duration)?.unwrap_or_default();
    let catch_up = reader.optional(&fields, "catch_up", duration)?.unwrap_or(CATCH_UP);
    let sections = some(reader, &fields, "sections", section, "light and medium")?;
    let sections = sections.unwrap_or_else(|| vec![Section::Light, Section::Medium]);
    Ok(Schedule { preset: preset.value, sections, times, jitter, catch_up })
}

/// A list that names something, if it is there.
fn some<T>(
    reader: &mut Lines,
    fields: &Fields<'_>,
    key: &str,
    read: fn(&mut Lines, &Node, &str) -> Option<T>,
    without: &'static str,
) -> Result<Option<Vec<T>>, Reported> {
    let Some(node) = fields.get(key) else { return Ok(None) };
    let path = fields.path_of(key);
    let all = reader.list(node, &path, read).ok_or(Reported)?;
    if matches!(&node.value, Value::List(items) if items.is_empty()) {
        let spot = reader.spot(node.place, path);
        reader.report(spot, FleetProblem::Empty(without));
        return Err(Reported);
    }
    Ok(Some(all))
}

fn section(reader: &mut Lines, node: &Node, path: &str) -> Option<Section> {
    let text = reader.text_at(node, path)?;
    let found = Section::ALL.iter().find(|(name, _)| *name == text.value);
    if found.is_none() {
        reader.report(text.spot, FleetProblem::Section(text.value));
    }
    found.map(|(_, section)| *section)
}

fn window(
    reader: &mut Lines,
    (name, node): (&str, &Node),
    path: &str,
    config: &Config,
) -> Result<Window, Reported> {
    let fields = reader.fields(node, path, &WINDOW).ok_or(Reported)?;
    let begins = times(reader, &fields)?;
    let lasts = reader.required_text(&fields, "lasts").ok_or(Reported)?;
    let subjects = some(reader, &fields, "subjects", Reader::text_at, "all subjects")?.unwrap_or_default();
    // One that names somebody else by mistake would hold nobody.
    let known = config.subjects();
    for subject in subjects.iter().filter(|subject| !known.contains(subject.value.as_str())) {
        reader.report(subject.spot.clone(), FleetProblem::UnknownSubject(subject.value.clone()));
    }
    let lasts = match duration(&lasts.value) {
        Ok(lasts) => lasts,
        Err(problem) => {
            reader.report(lasts.spot, problem);
            return Err(Reported);
        }
    };
    let subjects = subjects.into_iter().map(|subject| subject.value).collect();
    Ok(Window { name: name.to_owned(), begins, lasts, subjects })
}

fn times(reader: &mut Lines, fields: &Fields<'_>) -> Result<Times, Reported> {
    let zone = reader.optional(fields, "zone", |name| {
        TimeZone::get(name).map_err(|_| FleetProblem::Zone(name.to_owned()))
    })?;
    let pattern = reader.required_text(fields, "at").ok_or(Reported)?;
    Times::read(&pattern.value, zone.unwrap_or(TimeZone::UTC)).map_err(|why| {
        reader.report(pattern.spot, FleetProblem::Times(pattern.value, why));
        Reported
    })
}

fn duration(text: &str) -> Result<SignedDuration, FleetProblem> {
    match text.parse::<SignedDuration>() {
        Ok(duration) if !duration.is_negative() && duration <= LONGEST => Ok(duration),
        _ => Err(FleetProblem::Duration(text.to_owned())),
    }
}
