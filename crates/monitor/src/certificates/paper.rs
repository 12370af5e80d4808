//! A certificate on paper: one page of A4, as PDF/A, with a code that leads to the status page.

use krilla::action::{Action, LinkAction};
use krilla::annotation::{LinkAnnotation, Target};
use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{Path, PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};
use krilla::{Document, SerializeSettings};
use qrcode::{Color, QrCode};
use ttf_parser::Face;

use super::standing::Certificate;

/// A4, in points.
const WIDTH: f32 = 595.28;
const HEIGHT: f32 = 841.89;
const MARGIN: f32 = 64.0;
/// The side of the code.
const CODE: f32 = 120.0;
const BLACK: (u8, u8, u8) = (27, 31, 36);
const FAINT: (u8, u8, u8) = (87, 96, 106);
const ACCENT: (u8, u8, u8) = (11, 92, 173);
/// Lines that do not fit any more are left out, since the signed document has all of it.
const MOST_LINES: usize = 6;
/// More than ever stand on so many lines.
const MOST_CHARACTERS: usize = 1_000;

/// A certificate could not be written as PDF.
#[derive(Debug, thiserror::Error)]
#[error("the certificate could not be written as PDF: {0}")]
pub(crate) struct NotWritten(String);

fn not_written(error: &dyn std::fmt::Debug) -> NotWritten {
    NotWritten(format!("{error:?}"))
}

/// What else stands on it.
pub(crate) struct Around<'a> {
    /// What is certified.
    pub(crate) what: &'a str,
    /// What is said of the organisation.
    pub(crate) lines: &'a [Line],
    /// Who granted it.
    pub(crate) issuer: &'a str,
    /// The address of its status page.
    pub(crate) page: &'a str,
    /// SHA-256 of the signed document, in hexadecimal digits.
    pub(crate) digest: &'a str,
    /// When that was signed, in UTC.
    pub(crate) signed: jiff::civil::DateTime,
}

/// A label, and what stands below it.
pub(crate) struct Line {
    label: &'static str,
    text: String,
    is_large: bool,
}

impl Line {
    /// What a certificate says of its organisation, given what was signed.
    pub(crate) fn of(certificate: &Certificate, signed: &serde_json::Value) -> Vec<Self> {
        let said = |field: &str| &signed["credentialSubject"][field];
        let text = |field: &str| said(field).as_str().unwrap_or_default();
        let Certificate { subject, covers, version, .. } = certificate;
        let line = |label, text, is_large| Self { label, text, is_large };
        if let Some(layer) = certificate.layer() {
            let points = (&said("points"), &said("needed"));
            let tier = format!(
                "{} of {}: {} points, of {} that it takes",
                version,
                layer.title(),
                points.0,
                points.1
            );
            return vec![
                line("known here as", subject.clone(), true),
                line("with", covers.clone(), false),
                line("has reached the tier", tier, false),
                line("in accordance with", text("standard").to_owned(), false),
            ];
        }
        let scope = said("scope")["name"].as_str().unwrap_or_default();
        vec![
            line("operates", subject.clone(), true),
            line("with", covers.clone(), false),
            line("in conformance with", format!("version {version} of the scope {scope}"), false),
        ]
    }
}

/// A font to write with and to measure.
struct Type {
    font: Font,
    face: Face<'static>,
}

impl Type {
    fn new(data: &'static [u8]) -> Result<Self, NotWritten> {
        let face = Face::parse(data, 0).map_err(|error| not_written(&error))?;
        let font = Font::new(data.into(), 0).ok_or_else(|| NotWritten("the font cannot be read".into()))?;
        Ok(Self { font, face })
    }

    /// The text with what the font does not have replaced, since an archive may have no letter without a shape.
    fn known(&self, text: &str) -> String {
        let known = |c: char| match c {
            c if c.is_whitespace() || c.is_control() => ' ',
            c if self.face.glyph_index(c).is_some() => c,
            _ => char::REPLACEMENT_CHARACTER,
        };
        text.chars().map(known).collect()
    }

    /// How wide a text is, in points.
    fn width(&self, text: &str, size: f32) -> f32 {
        let advance = |c| self.face.glyph_index(c).and_then(|glyph| self.face.glyph_hor_advance(glyph));
        let units: f32 = text.chars().filter_map(advance).map(f32::from).sum();
        units * size / f32::from(self.face.units_per_em())
    }

    /// The text in lines that are no wider than that. Words that are wider are broken.
    fn lines(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        let (mut line, mut used) = (String::new(), 0.0);
        let text: String = text.chars().take(MOST_CHARACTERS).collect();
        for word in self.known(&text).split_whitespace() {
            let gap = if line.is_empty() { "" } else { " " };
            let needed = self.width(gap, size) + self.width(word, size);
            if used + needed <= width {
                line.extend([gap, word]);
                used += needed;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            for c in word.chars() {
                let needed = self.width(c.encode_utf8(&mut [0; 4]), size);
                if used + needed > width {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                line.push(c);
                used += needed;
            }
        }
        lines.push(line);
        if lines.len() > MOST_LINES {
            lines.truncate(MOST_LINES);
            if let Some(last) = lines.last_mut() {
                last.push('…');
            }
        }
        lines
    }
}

fn fill((red, green, blue): (u8, u8, u8)) -> Fill {
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        opacity: NormalizedF32::ONE,
        rule: krilla::paint::FillRule::default(),
    }
}

/// Writes from the top of a page to its bottom.
struct Writer<'s, 'p> {
    surface: &'s mut Surface<'p>,
    y: f32,
}

impl Writer<'_, '_> {
    fn write(&mut self, face: &Type, (size, colour): (f32, (u8, u8, u8)), text: &str) {
        for line in face.lines(text, size, WIDTH - 2.0 * MARGIN) {
            self.y += size * 1.35;
            self.line(face, (size, colour), (MARGIN, self.y), &line);
        }
    }

    fn line(&mut self, face: &Type, (size, colour): (f32, (u8, u8, u8)), (x, y): (f32, f32), text: &str) {
        self.surface.set_fill(Some(fill(colour)));
        let start = Point::from_xy(x, y);
        let text = face.known(text);
        self.surface.draw_text(start, face.font.clone(), size, &text, false, TextDirection::Auto);
    }

    fn skip(&mut self, height: f32) {
        self.y += height;
    }
}

fn rectangle(x: f32, y: f32, width: f32, height: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.push_rect(Rect::from_xywh(x, y, width, height)?);
    path.finish()
}

/// The squares of a code, as one path.
fn squares(code: &QrCode, (left, top): (f32, f32), side: f32) -> Option<Path> {
    let width = u16::try_from(code.width()).ok()?;
    let step = side / f32::from(width);
    let mut path = PathBuilder::new();
    for y in 0..width {
        for x in 0..width {
            if code[(usize::from(x), usize::from(y))] == Color::Dark {
                let (x, y) = (left + f32::from(x) * step, top + f32::from(y) * step);
                path.push_rect(Rect::from_xywh(x, y, step, step)?);
            }
        }
    }
    path.finish()
}

fn written_at(at: jiff::civil::DateTime) -> DateTime {
    // No time of ours has a part that is negative.
    let part = |part: i8| part.unsigned_abs();
    DateTime::new(at.year().unsigned_abs())
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

/// A certificate as PDF.
///
/// # Errors
/// Something in it cannot be drawn.
pub(crate) fn paper(certificate: &Certificate, around: &Around<'_>) -> Result<Vec<u8>, NotWritten> {
    let (regular, bold) = (Type::new(dejavu::sans::regular())?, Type::new(dejavu::sans::bold())?);
    let Certificate { number, subject, organisation, uuid, .. } = certificate;
    let what = around.what;
    let configuration = ConfigurationBuilder::new().with_archival_validator(Archival::A2_B);
    let configuration = configuration.finish().map_err(|error| not_written(&error))?;
    let mut document =
        Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let metadata = Metadata::new()
        .title(format!("Certificate {number}: {what} for {subject}"))
        .language("en".into())
        .authors(vec![around.issuer.to_owned()])
        .creation_date(written_at(around.signed))
        .document_id(uuid.clone());
    document.set_metadata(metadata);
    let settings = PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| NotWritten("no page".into()))?;
    let mut page = document.start_page_with(settings);
    let mut surface = page.surface();
    let bar = rectangle(0.0, 0.0, WIDTH, 18.0).ok_or_else(|| NotWritten("no bar".into()))?;
    surface.set_fill(Some(fill(ACCENT)));
    surface.draw_path(&bar);

    let (label, text) = ((10.5, FAINT), (13.0, BLACK));
    let mut writer = Writer { surface: &mut surface, y: 90.0 };
    writer.write(&bold, (12.0, ACCENT), &format!("CERTIFICATE No. {number}"));
    writer.write(&bold, (30.0, BLACK), what);
    writer.skip(26.0);
    let organisation = ("This is to certify that", organisation.as_str(), true);
    let lines = around.lines.iter().map(|line| (line.label, line.text.as_str(), line.is_large));
    for (name, value, is_large) in std::iter::once(organisation).chain(lines) {
        writer.write(&regular, label, name);
        match is_large {
            true => writer.write(&bold, (19.0, BLACK), value),
            false => writer.write(&regular, text, value),
        }
        writer.skip(12.0);
    }
    writer.write(&regular, label, "valid");
    let (from, until) = (certificate.valid_from, certificate.valid_until);
    let last = until.yesterday().unwrap_or(until);
    writer.write(&bold, text, &format!("from {from} to {last}"));
    writer.skip(12.0);
    writer.write(&regular, label, "granted by");
    writer.write(&bold, text, around.issuer);

    // What is below stands at the same place on every certificate.
    let code = QrCode::new(around.page.as_bytes()).map_err(|error| not_written(&error))?;
    let top = HEIGHT - MARGIN - CODE;
    let drawn = squares(&code, (MARGIN, top), CODE).ok_or_else(|| NotWritten("no code".into()))?;
    writer.surface.set_fill(Some(fill((0, 0, 0))));
    writer.surface.draw_path(&drawn);
    let beside = MARGIN + CODE + 18.0;
    writer.line(&bold, (10.5, BLACK), (beside, top + 12.0), "What is true of it today");
    let mut y = top + 28.0;
    let faint = [
        "Whether this certificate still counts, and how what it certifies fares, is told at",
        around.page,
        "",
        "SHA-256 of the signed document:",
        &around.digest[..around.digest.len() / 2],
        &around.digest[around.digest.len() / 2..],
    ];
    for line in faint {
        for line in regular.lines(line, 8.5, WIDTH - MARGIN - beside) {
            writer.line(&regular, (8.5, FAINT), (beside, y), &line);
            y += 12.0;
        }
    }
    surface.finish();
    let area = Rect::from_xywh(MARGIN, top, CODE, CODE).ok_or_else(|| NotWritten("no link".into()))?;
    let link = Target::Action(Action::Link(LinkAction::new(around.page.to_owned())));
    page.add_annotation(LinkAnnotation::new(area, link).into());
    page.finish();
    document.finish().map_err(|error| not_written(&error))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn written(organisation: &str, covers: &str) -> Vec<u8> {
        let certificate = Certificate {
            uuid: "0b5e0b5e-0b5e-4b5e-8b5e-0b5e0b5e0b5e".into(),
            number: 7,
            subject: "cloud-a".into(),
            scope: "o".into(),
            version: "v5.1".into(),
            organisation: organisation.into(),
            covers: covers.into(),
            valid_from: date(2026, 11, 23),
            valid_until: date(2027, 11, 23),
            revocation: None,
        };
        let signed = serde_json::json!({"credentialSubject": {"scope": {"name": "SCS-compatible IaaS"}}});
        let around = Around {
            what: "SCS-compatible IaaS v5.1",
            lines: &Line::of(&certificate, &signed),
            issuer: "Forum SCS-Standards",
            page: "https://compliance.example.com/page/certificate/0b5e0b5e-0b5e-4b5e-8b5e-0b5e0b5e0b5e",
            digest: &"0123456789abcdef".repeat(4),
            signed: date(2026, 11, 20).at(12, 0, 0, 0),
        };
        paper(&certificate, &around).unwrap()
    }

    #[test]
    fn whatever_the_names_are_there_is_a_page() {
        let plain = written("Łódź Wölke GmbH", "region one");
        assert!(plain.starts_with(b"%PDF-1.7"));
        assert_eq!(plain, written("Łódź Wölke GmbH", "region one"), "it is the same each time");
        for odd in
            ["", " ", "雲", "\u{202e}\u{0}\n\u{1f600}", "مزود", &"x".repeat(10_000), &"a b ".repeat(2_500)]
        {
            assert!(written(odd, odd).len() > 1000, "{odd:?}");
        }
    }

    #[test]
    fn long_lines_are_broken() {
        let face = Type::new(dejavu::sans::regular()).unwrap();
        let lines = face.lines("one two three four", 10.0, 50.0);
        assert_eq!(lines, ["one two", "three four"]);
        assert!(lines.iter().all(|line| face.width(line, 10.0) <= 50.0));
        let lines = face.lines(&"x".repeat(100), 10.0, 50.0);
        assert_eq!(lines.len(), MOST_LINES);
        assert!(lines[MOST_LINES - 1].ends_with('…'));
    }
}
