use std::sync::Arc;

use assay_inventory::{FactId, Reason, StepId, Unavailable};
use assay_openstack::Event;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use serde_json::Value;
use uuid::Uuid;

use super::super::display::Happening;
use super::*;

/// What `assay fleet run --events jsonl` said of six clouds. One is dead, and of one the monitor refused the report.
const RECORDED: &str = include_str!("../../../../tests/data/fleet-events.jsonl");

fn at(second: i64) -> Timestamp {
    "2026-11-22T10:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(second)
}

fn model(names: &[&str]) -> Model {
    let extent = Extent { facts: 10, testcases: 82 };
    Model::new(names.iter().map(|name| ((*name).to_owned(), extent)).collect(), true, at(0))
}

/// Plays back what was recorded, line by line up to an end.
fn played(lines: std::ops::Range<usize>, model: &mut Model) {
    for line in RECORDED.lines().skip(lines.start).take(lines.len()) {
        let event: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| event[key].as_str();
        let count = |key: &str| usize::try_from(event[key].as_u64().unwrap()).unwrap();
        let (at, subject) = (text("at").unwrap().parse().unwrap(), text("subject").unwrap_or_default());
        let report = || text("report").unwrap().parse().unwrap();
        match text("event").unwrap() {
            "begun" => model.happened(&Happening::Begun {
                version: 1,
                at,
                preset: text("preset"),
                subjects: count("subjects"),
                resumed: count("resumed"),
            }),
            "started" => model.happened(&Happening::Started { at, subject }),
            "left-out" => {
                model.happened(&Happening::LeftOut { at, subject, why: text("why").unwrap() });
            }
            "judged" => {
                model.over(subject, at);
                model.happened(&Happening::Judged {
                    at,
                    subject,
                    scope: text("scope").unwrap(),
                    report: report(),
                    determined: event["determined"].as_bool().unwrap(),
                    pass: count("pass"),
                    fail: count("fail"),
                    abort: count("abort"),
                    miss: count("miss"),
                    waived: 0,
                    why: text("why"),
                    leftovers: &[],
                    took_ms: 0,
                });
            }
            "delivered" => {
                let not_counted = text("not_counted");
                model.happened(&Happening::Delivered { at, report: report(), known: false, not_counted });
            }
            "kept" => {
                let refused = event["refused"].as_bool().unwrap();
                model.happened(&Happening::Kept { at, report: report(), refused, why: "" });
            }
            "ended" => {}
            other => panic!("{other} is new"),
        }
    }
}

const SIX: [&str; 6] = ["blue", "dead", "green", "prod-über-straße", "red", "プロダクション環境東京"];

/// The run in its middle: some are over, some go on, one waits for its turn.
fn midway() -> Model {
    let mut model = model(&SIX);
    played(0..11, &mut model);
    for (subject, fact, step) in [
        ("blue", FactId::ImageUpload, Some(StepId::AwaitImage)),
        ("red", FactId::Images, None),
        ("red", FactId::Flavors, None),
        ("プロダクション環境東京", FactId::VolumeBackup, Some(StepId::CreateBackup)),
    ] {
        model.step(subject, &Event::Authenticated);
        model.step(subject, &Event::FactStarted(fact));
        if let Some(step) = step {
            model.step(subject, &Event::Step { fact, step });
        }
    }
    model
}

fn shown(model: &mut Model, messages: &[&str], (width, height): (u16, u16)) -> String {
    let messages: Vec<String> = messages.iter().map(|&message| message.to_owned()).collect();
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let now = end();
    let draw = |frame: &mut ratatui::Frame<'_>| {
        view::draw(model, &messages, now, true, frame.area(), frame.buffer_mut());
    };
    terminal.draw(draw).unwrap();
    terminal.backend().to_string()
}

/// A moment after the last thing that was recorded.
fn end() -> Timestamp {
    let last: Value = serde_json::from_str(RECORDED.lines().last().unwrap()).unwrap();
    last["at"].as_str().unwrap().parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(2)
}

const MESSAGES: [&str; 2] = ["dead: nothing was determined", "red: scs-compatible-iaas: not delivered: 503"];

#[test]
fn a_run_in_its_middle() {
    for size in [(80, 24), (40, 10), (120, 40)] {
        let name = format!("midway-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, shown(&mut midway(), &MESSAGES, size));
    }
}

#[test]
fn a_run_at_its_end() {
    for size in [(80, 24), (40, 10), (120, 40)] {
        let mut model = midway();
        played(11..usize::MAX, &mut model);
        let name = format!("end-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, shown(&mut model, &MESSAGES, size));
    }
}

#[test]
fn no_size_is_too_small_and_no_name_too_long() {
    let many: Vec<String> = (0..500).map(|number| format!("cloud-{number:04}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long = "ｌｏｎｇ".repeat(60);
    let odd = [&*long, "", "\u{202e}\u{7}e\u{301}\u{301}", "👩‍👩‍👧‍👦"];
    for names in [&[][..], &odd, &many] {
        for width in 0..45 {
            for height in 0..16 {
                let mut model = model(names);
                for name in names.iter().take(3) {
                    model.happened(&Happening::Started { at: at(1), subject: name });
                    model.step(name, &Event::FactStarted(FactId::Images));
                }
                model.look(Look::Bottom);
                let messages = ["a message\nin two lines".to_owned(), long.clone()];
                let area = Rect::new(0, 0, width, height);
                view::draw(&mut model, &messages, end(), true, area, &mut Buffer::empty(area));
            }
        }
    }
}

#[test]
fn only_what_fails_is_seen_if_wanted() {
    let mut model = model(&["passes", "fails", "waived", "left out", "waits"]);
    for (subject, fail, waived) in [("passes", 0, 0), ("fails", 2, 1), ("waived", 1, 1)] {
        model.happened(&Happening::Started { at: at(1), subject });
        model.over(subject, at(2));
        model.happened(&Happening::Judged {
            at: at(2),
            subject,
            scope: "scs-compatible-iaas",
            report: Uuid::nil(),
            determined: true,
            pass: 1,
            fail,
            abort: 0,
            miss: 0,
            waived,
            why: None,
            leftovers: &[],
            took_ms: 1000,
        });
    }
    model.happened(&Happening::LeftOut { at: at(3), subject: "left out", why: "another runner is at it" });
    let seen =
        |model: &Model| -> Vec<String> { model.ordered().iter().map(|row| row.subject.clone()).collect() };
    model.look(Look::Failing);
    assert_eq!(seen(&model), ["left out", "fails"]);
    let screen = shown(&mut model, &[], (80, 24));
    assert!(screen.contains("2 fail (1 waived), 1 pass"), "{screen}");
    model.look(Look::Failing);
    assert_eq!(seen(&model), ["left out", "waived", "fails", "passes", "waits"]);
}

#[test]
fn the_window_stays_within_what_there_is() {
    let many: Vec<String> = (0..100).map(|number| format!("cloud-{number:03}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut model = model(&many);
    model.look(Look::By(-5));
    assert_eq!(model.window(20), 0);
    model.look(Look::By(7));
    assert_eq!(model.window(20), 7);
    model.look(Look::Bottom);
    assert_eq!(model.window(20), 80);
    model.look(Look::By(-1));
    assert_eq!(model.window(20), 79, "what was below the end is not counted back");
    assert_eq!(model.window(200), 0, "a larger terminal");
    model.look(Look::Failing);
    assert_eq!(model.window(20), 0);
}

#[test]
fn the_rest_takes_as_long_as_what_is_over() {
    let mut model = model(&["a", "b", "c", "d"]);
    let started = |subject, second| Happening::Started { at: at(second), subject };
    assert_eq!(model.estimate(at(5)), None, "nothing is over");
    model.happened(&started("a", 0));
    model.happened(&started("b", 0));
    model.over("a", at(10));
    model.happened(&started("c", 10));
    // Two at a time: 10 s of d, and what is left of b and c.
    assert_eq!(model.estimate(at(10)), Some(jiff::SignedDuration::from_secs(10)));
    model.happened(&started("d", 11));
    assert_eq!(model.estimate(at(12)), Some(jiff::SignedDuration::from_secs(9)), "the last one has begun");
    model.end();
    assert_eq!(model.estimate(at(12)), None, "the rest will not begin");
}

#[test]
fn what_fails_in_a_check_is_done_with_too() {
    let mut model = model(&["a"]);
    model.happened(&Happening::Started { at: at(0), subject: "a" });
    for fact in [FactId::Images, FactId::Flavors] {
        model.step("a", &Event::FactStarted(fact));
    }
    let why = Unavailable::new(Reason::Unreachable, "gone");
    model.step("a", &Event::FactFailed { fact: FactId::Images, why });
    let row = &model.rows[0];
    assert_eq!((row.done.len(), row.doing()), (1, FactId::Flavors.to_string()));
}

#[test]
fn nothing_is_said_by_colours_alone() {
    let mut model = midway();
    let model = Arc::new(Mutex::new(&mut model));
    let drawn = |colours| {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let draw = |frame: &mut ratatui::Frame<'_>| {
            let (area, mut model) = (frame.area(), model.lock().unwrap());
            view::draw(&mut model, &[], end(), colours, area, frame.buffer_mut());
        };
        terminal.draw(draw).unwrap();
        terminal.backend().buffer().clone()
    };
    let (with, without) = (drawn(true), drawn(false));
    let symbols = |buffer: &Buffer| -> String { buffer.content().iter().map(Cell::symbol).collect() };
    assert_eq!(symbols(&with), symbols(&without));
    assert!(with.content().iter().any(|cell| cell.fg != ratatui::style::Color::Reset));
    assert!(without.content().iter().all(|cell| cell.fg == ratatui::style::Color::Reset));
}
