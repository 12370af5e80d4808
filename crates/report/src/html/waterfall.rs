//! When which fact was asked for, as bars on a common axis.

use assay_inventory::Call;

use crate::Timings;

/// Width of the axis in units of the drawing.
const WIDTH: u64 = 1000;
/// What a bar is wide at least, so that it can be seen.
const NARROWEST: u64 = 3;

pub(super) struct Row {
    pub(super) fact: &'static str,
    pub(super) duration: String,
    pub(super) calls: usize,
    pub(super) span: Bar,
    pub(super) bars: Vec<Bar>,
}

/// A piece of the axis, in units of the drawing.
pub(super) struct Bar {
    pub(super) x: u64,
    pub(super) width: u64,
    pub(super) class: &'static str,
    pub(super) label: String,
}

/// A row per fact; none if nothing was timed.
pub(super) fn rows(timings: &Timings) -> Vec<Row> {
    let whole = timings.wall_us.max(1);
    timings
        .facts
        .iter()
        .map(|timing| Row {
            fact: timing.fact.label(),
            duration: duration(timing.duration_us),
            calls: timing.calls,
            span: bar(whole, timing.started_us, timing.duration_us, "span", String::new()),
            bars: timings
                .calls
                .iter()
                .filter(|call| call.fact == timing.fact)
                .map(|call| bar(whole, call.started_us, call.duration_us, class(call), label(call)))
                .collect(),
        })
        .collect()
}

fn bar(whole: u64, started: u64, lasted: u64, class: &'static str, label: String) -> Bar {
    let scaled = |us: u64| us.min(whole).saturating_mul(WIDTH) / whole;
    let x = scaled(started).min(WIDTH - NARROWEST);
    Bar { x, width: scaled(lasted).clamp(NARROWEST, WIDTH - x), class, label }
}

fn class(call: &Call) -> &'static str {
    match call.status {
        Some(200..=399) => "call",
        _ => "call bad",
    }
}

fn label(call: &Call) -> String {
    let status = call.status.map_or_else(|| "no answer".to_owned(), |status| format!("HTTP {status}"));
    format!("{} {status}, {}", call.method, duration(call.duration_us))
}

/// A duration for people: three digits are enough to compare.
pub(super) fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn bars_lie_on_the_axis_and_can_be_seen() {
        let mut timings = fixture::report().timings;
        timings.wall_us = 400_000; // shorter than the calls say
        timings.calls[0].started_us = u64::MAX;
        timings.calls[0].duration_us = u64::MAX;
        for row in rows(&timings) {
            for bar in row.bars.iter().chain([&row.span]) {
                assert!(bar.x + bar.width <= WIDTH && bar.width >= NARROWEST, "{} {}", bar.x, bar.width);
            }
        }
        assert!(rows(&Timings::default()).is_empty());
    }

    #[test]
    fn durations_have_a_unit_that_fits() {
        for (us, text) in
            [(0, "0 µs"), (999, "999 µs"), (1_250, "1.2 ms"), (210_999, "210 ms"), (12_345_678, "12.34 s")]
        {
            assert_eq!(duration(us), text);
        }
    }
}
