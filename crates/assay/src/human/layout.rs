//! Columns and lines.

use unicode_width::UnicodeWidthStr as _;

const NARROW: usize = 80;
const WIDE: usize = 120;

/// How many columns there are: those of the terminal between 80 and 120, else 80.
pub(crate) fn columns() -> usize {
    let terminal = terminal_size::terminal_size_of(std::io::stdout());
    terminal.map_or(NARROW, |(width, _)| usize::from(width.0)).clamp(NARROW, WIDE)
}

/// Text broken into lines, the first behind `first`, the others behind `rest`.
pub(crate) fn wrapped(text: &str, width: usize, first: &str, rest: &str) -> String {
    // Names and commands must survive copying, so lines break at blanks alone.
    let options = textwrap::Options::new(width)
        .initial_indent(first)
        .subsequent_indent(rest)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(&printable(text), options)
}

/// Text of strangers without anything that moves the cursor or changes colours.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|char| match char {
            '\n' | '\t' => ' ',
            char if char.is_control() => '\u{fffd}',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            char => char,
        })
        .collect()
}

/// Rows of cells, each column as wide as its widest cell; the last one is not padded.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<(String, usize)>>,
}

impl Table {
    /// Adds a row. Cells may hold colours: the width is that of the plain text given with them.
    pub(crate) fn row<const N: usize>(&mut self, cells: [(String, String); N]) {
        self.rows.push(cells.into_iter().map(|(plain, shown)| (shown, plain.width())).collect());
    }

    /// The rows as lines behind an indent.
    pub(crate) fn render(&self, indent: &str) -> String {
        let count = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..count)
            .map(|column| {
                self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.1).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::from(indent);
            for (column, (shown, width)) in row.iter().enumerate() {
                line.push_str(shown);
                if column + 1 < row.len() {
                    line.push_str(&" ".repeat(widths[column] - width + 2));
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A number of things, in words that fit the number.
pub(crate) fn counted(count: usize, [one, several]: [&str; 2]) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// A cell without colours.
pub(crate) fn plain(text: impl Into<String>) -> (String, String) {
    let text = printable(&text.into());
    (text.clone(), text)
}

/// A cell whose colours `paint` adds.
pub(crate) fn painted(text: impl Into<String>, paint: impl FnOnce(&str) -> String) -> (String, String) {
    let text = printable(&text.into());
    let shown = paint(&text);
    (text, shown)
}
