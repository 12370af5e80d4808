//! How a run looks on a terminal of any size.

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::model::{Counts, Model, Row, State};
use crate::human::printable;

/// So many messages are seen at most, if there is room.
const MESSAGES: u16 = 4;
/// Below so many lines there is room neither for messages nor for keys.
const LOW: u16 = 8;
const GAP: u16 = 2;

/// Draws a run. `colours` is false where nobody wants them; what they say is said by words as well.
pub(super) fn draw(
    model: &mut Model,
    messages: &[String],
    now: Timestamp,
    colours: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let paint = Paint { colours };
    let mut page = Page { area, buffer, used: 0 };
    page.line(title(model, now, area.width));
    for line in summary(&model.counts(), model, area.width, paint) {
        page.line(line);
    }
    let is_low = area.height < LOW;
    let below = if is_low { 0 } else { 1 + messages_height(messages, area.height) };
    let room = usize::from(page.left().saturating_sub(below));
    if room > 1 {
        let columns = Columns::of(model, area.width);
        page.line(columns.names(model.is_sending).patch_style(Paint::dim()));
        let height = room - 1;
        let first = model.window(height);
        let rows = model.ordered();
        let count = rows.len();
        for row in rows.into_iter().skip(first).take(height) {
            page.line(columns.row(row, model, now, paint));
        }
        if !is_low {
            page.skip_to(area.height.saturating_sub(below));
            page.messages(messages, below - 1, paint);
            page.line(keys(model, (first, height, count), area.width, paint));
        }
    }
}

/// How many rows of subjects fit.
pub(super) fn page(height: u16) -> isize {
    isize::try_from(height.saturating_sub(6).max(1)).unwrap_or(1)
}

fn messages_height(messages: &[String], height: u16) -> u16 {
    let wanted = u16::try_from(messages.len()).unwrap_or(MESSAGES).min(MESSAGES);
    wanted.min(height / 5)
}

/// What is drawn line by line from above.
struct Page<'b> {
    area: Rect,
    buffer: &'b mut Buffer,
    used: u16,
}

impl Page<'_> {
    fn left(&self) -> u16 {
        self.area.height.saturating_sub(self.used)
    }

    fn line(&mut self, line: Line<'_>) {
        if self.left() > 0 && self.area.width > 0 {
            self.buffer.set_line(self.area.x, self.area.y + self.used, &line, self.area.width);
            self.used += 1;
        }
    }

    fn skip_to(&mut self, line: u16) {
        self.used = self.used.max(line);
    }

    /// The last messages.
    fn messages(&mut self, messages: &[String], count: u16, paint: Paint) {
        let first = messages.len().saturating_sub(count.into());
        for message in &messages[first..] {
            let words = cut(&printable(message), self.area.width);
            self.line(Line::styled(words, paint.warn()));
        }
    }
}

/// The columns that there is room for.
struct Columns {
    subject: u16,
    facts: bool,
    testcases: bool,
    report: bool,
    /// What is left for what happens.
    rest: u16,
}

const FACTS: u16 = 6;
const TESTCASES: u16 = 9;
const TIME: u16 = 7;
const REPORT: u16 = 9;
const MARK: u16 = 2;

impl Columns {
    fn of(model: &Model, width: u16) -> Self {
        let longest = model.rows.iter().map(|row| row.subject.width()).max().unwrap_or(0);
        let subject = u16::try_from(longest).unwrap_or(u16::MAX).clamp(7, (width / 3).max(7));
        let (facts, testcases, report) = (width >= 60, width >= 100, width >= 70);
        let taken: u16 = [(true, MARK + subject + GAP + TIME + GAP), (facts, FACTS + GAP)]
            .into_iter()
            .chain([(testcases, TESTCASES + GAP), (report, GAP + REPORT)])
            .filter_map(|(is_there, width)| is_there.then_some(width))
            .sum();
        Columns { subject, facts, testcases, report, rest: width.saturating_sub(taken) }
    }

    fn names(&self, is_sending: bool) -> Line<'static> {
        let report = Span::raw(if is_sending { "report" } else { "" });
        let (facts, testcases, time) = ("facts".into(), "testcases".into(), "time".into());
        self.put(Span::raw("  "), "subject".into(), [facts, testcases, time], vec!["result".into()], report)
    }

    fn row(&self, row: &Row, model: &Model, now: Timestamp, paint: Paint) -> Line<'static> {
        let mark = match (&row.state, row.is_undetermined(), row.is_failing()) {
            (State::Queued, ..) => Span::styled("· ", Paint::dim()),
            (State::Running { .. }, ..) => Span::raw("▸ "),
            (_, true, _) => Span::styled("? ", paint.warn()),
            (_, _, true) => Span::styled("✗ ", paint.bad()),
            _ if row.reports == 0 => Span::raw("  "),
            _ => Span::styled("✓ ", paint.good()),
        };
        // Some facts come without a word; once all is judged, it is the verdicts that count.
        let facts = match (row.extent.facts, &row.state) {
            (all @ 1.., State::Running { .. }) => format!("{}/{all}", row.done.len().min(all)),
            _ => String::new(),
        };
        let testcases = match &row.state {
            State::Queued | State::LeftOut { .. } => String::new(),
            _ => format!("{}/{}", row.judged(), row.extent.testcases),
        };
        let time = row.time(now).map_or_else(String::new, |time| match row.state {
            State::Running { .. } => clock(time),
            _ => precise(time),
        });
        let report = if model.is_sending { report(row, paint) } else { Span::raw("") };
        self.put(
            mark,
            row.subject.clone(),
            [facts, testcases, time],
            happening(row, model.is_ending(), paint),
            report,
        )
    }

    fn put(
        &self,
        mark: Span<'static>,
        subject: String,
        [facts, testcases, time]: [String; 3],
        what: Vec<Span<'static>>,
        report: Span<'static>,
    ) -> Line<'static> {
        let gap = || Span::raw("  ");
        let mut spans = vec![mark, Span::raw(left(&subject, self.subject)), gap()];
        if self.facts {
            spans.extend([Span::raw(right(&facts, FACTS)), gap()]);
        }
        if self.testcases {
            spans.extend([Span::raw(right(&testcases, TESTCASES)), gap()]);
        }
        spans.extend([Span::raw(right(&time, TIME)), gap()]);
        spans.extend(within(what, self.rest));
        if self.report {
            spans.extend([gap(), report]);
        }
        Line::from(spans)
    }
}

/// What is done about a subject, or what came of it.
fn happening(row: &Row, is_ending: bool, paint: Paint) -> Vec<Span<'static>> {
    match (&row.state, &row.undetermined) {
        (State::Queued, _) => vec![Span::styled("waits for its turn", Paint::dim())],
        (State::Running { .. }, _) => vec![Span::raw(row.doing())],
        (State::LeftOut { why }, _) => vec![Span::styled(format!("left out: {why}"), paint.warn())],
        (State::Over { .. }, Some(why)) => {
            vec![Span::styled(format!("undetermined: {why}"), paint.warn())]
        }
        (State::Over { .. }, None) if row.reports == 0 => {
            let words = if is_ending { "was cut short" } else { "is being signed" };
            vec![Span::styled(words, Paint::dim())]
        }
        (State::Over { .. }, None) => verdicts(row, paint),
    }
}

fn verdicts(row: &Row, paint: Paint) -> Vec<Span<'static>> {
    let tally = row.tally;
    let each = [
        (tally.fail, "fail", paint.bad()),
        (tally.abort, "abort", paint.warn()),
        (tally.miss, "miss", paint.warn()),
        (tally.pass, "pass", paint.good()),
    ];
    let mut spans = Vec::new();
    for (count, name, style) in each.into_iter().filter(|(count, ..)| *count > 0) {
        if !spans.is_empty() {
            spans.push(Span::raw(", "));
        }
        spans.push(Span::styled(format!("{count} {name}"), style));
        if name == "fail" && row.waived > 0 {
            spans.push(Span::raw(format!(" ({} waived)", row.waived)));
        }
    }
    spans
}

fn report(row: &Row, paint: Paint) -> Span<'static> {
    let is_over = matches!(row.state, State::Over { .. });
    match (row.refused, row.waits, row.delivered) {
        (1.., ..) => Span::styled("refused", paint.bad()),
        (0, 1.., _) => Span::styled("in outbox", paint.warn()),
        (0, 0, delivered) if delivered > 0 && delivered == row.reports => {
            Span::styled("delivered", paint.good())
        }
        _ if is_over && row.reports > 0 => Span::raw("sending"),
        _ => Span::raw(""),
    }
}

fn title(model: &Model, now: Timestamp, width: u16) -> Line<'static> {
    let preset = model.preset.as_ref().map_or_else(String::new, |name| format!("  preset {name}"));
    let elapsed = clock(now.duration_since(model.begun).max(SignedDuration::ZERO));
    let time = match model.estimate(now) {
        Some(rest) => format!("{elapsed}, about {} left", clock(rest)),
        None => elapsed,
    };
    let name = cut("assay fleet run", width);
    let for_preset = usize::from(width).saturating_sub(name.width() + time.width() + usize::from(GAP));
    let preset = left(&preset, u16::try_from(for_preset).unwrap_or(0));
    Line::from(vec![
        Span::styled(name, Style::new().add_modifier(Modifier::BOLD)),
        Span::styled(preset, Paint::dim()),
        Span::raw("  "),
        Span::raw(time),
    ])
}

/// What all come to, in as many lines as it takes.
fn summary(counts: &Counts, model: &Model, width: u16, paint: Paint) -> Vec<Line<'static>> {
    let plain = Style::new();
    let mut parts = vec![(format!("{} of {} judged", counts.judged, model.rows.len()), plain)];
    let mut part = |count: usize, what: &str, style| {
        if count > 0 {
            parts.push((format!("{count} {what}"), style));
        }
    };
    part(counts.running, "running", plain);
    part(counts.failing, "failing", paint.bad());
    part(counts.undetermined, "undetermined", paint.warn());
    part(counts.left_out, "left out", paint.warn());
    part(counts.delivered, "delivered", paint.good());
    part(counts.waits, "in the outbox", paint.warn());
    part(counts.refused, "refused", paint.bad());
    part(model.resumed, "done before", plain);
    let mut lines = vec![Line::default()];
    let mut used = 0;
    for (text, style) in parts {
        let more = text.width() + 2;
        if used > 0 && used + more > usize::from(width) {
            lines.push(Line::default());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push_span("  ");
            }
            line.push_span(Span::styled(text, style));
        }
        used += more;
    }
    lines
}

fn keys(
    model: &Model,
    (first, height, count): (usize, usize, usize),
    width: u16,
    paint: Paint,
) -> Line<'static> {
    if model.is_ending() {
        let words = "ending: what was begun is taken down; Ctrl-C again ends at once";
        return Line::styled(cut(words, width), paint.warn());
    }
    let failing = if model.only_failing { "f all subjects" } else { "f failing only" };
    let place = match count > height {
        true => format!("  ↑↓ scroll  {}–{} of {count}", first + 1, (first + height).min(count)),
        false => String::new(),
    };
    let words = format!("q stop  {failing}{place}");
    Line::styled(cut(&words, width), Paint::dim())
}

/// Seconds up to a minute, then minutes, then hours.
fn clock(time: SignedDuration) -> String {
    match time.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ ..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        seconds => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

fn precise(time: SignedDuration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}.{} s", time.subsec_millis() / 100),
        _ => clock(time),
    }
}

/// Text cut to a width, with a mark where something is missing.
fn cut(text: &str, width: u16) -> String {
    let width = usize::from(width);
    if text.width() <= width {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut used = 0;
    for char in text.chars() {
        used += char.width().unwrap_or(0);
        if used + 1 > width {
            break;
        }
        shown.push(char);
    }
    if width > 0 {
        shown.push('…');
    }
    shown
}

fn left(text: &str, width: u16) -> String {
    let text = cut(text, width);
    let blanks = usize::from(width).saturating_sub(text.width());
    text + &" ".repeat(blanks)
}

fn right(text: &str, width: u16) -> String {
    let text = cut(text, width);
    " ".repeat(usize::from(width).saturating_sub(text.width())) + &text
}

/// Spans cut and filled to a width.
fn within(spans: Vec<Span<'static>>, width: u16) -> Vec<Span<'static>> {
    let mut rest = width;
    let mut all = Vec::new();
    for span in spans {
        let text = cut(&span.content, rest);
        rest = rest.saturating_sub(u16::try_from(text.width()).unwrap_or(rest));
        all.push(Span::styled(text, span.style));
    }
    all.push(Span::raw(" ".repeat(rest.into())));
    all
}

/// Colours, if they are wanted.
#[derive(Clone, Copy)]
struct Paint {
    colours: bool,
}

impl Paint {
    fn of(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    fn good(self) -> Style {
        self.of(Color::Green)
    }

    fn bad(self) -> Style {
        self.of(Color::Red).add_modifier(Modifier::BOLD)
    }

    fn warn(self) -> Style {
        self.of(Color::Yellow)
    }

    fn dim() -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }
}
