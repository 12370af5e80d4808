//! Streams of documents.

/// A document of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document<'t> {
    /// The line of the stream before its first one, counted from 1: what to add to its line numbers.
    pub lines_before: usize,
    /// Its text, without the marks around it.
    pub text: &'t str,
}

/// Takes a stream apart at its marks: `---` before a document, `...` after it. No text within a document can look
/// like them, since YAML forbids both at the beginning of a line, even in block scalars. What holds nothing but blanks
/// and comments is no document, nor are directives (`%YAML 1.1`) before a mark.
pub fn documents(stream: &str) -> Vec<Document<'_>> {
    let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream);
    let mut documents = Vec::new();
    let mut begin = (0, 0);
    let mut offset = 0;
    let mut close = |(start, lines_before): (usize, usize), end: usize, has_directives: bool| {
        let text = &stream[start..end];
        let is_empty = |line: &str| {
            let is_directive = has_directives && line.starts_with('%');
            let line = line.trim();
            is_directive || line.is_empty() || line.starts_with('#')
        };
        if !text.lines().all(is_empty) {
            documents.push(Document { lines_before, text });
        }
    };
    // Directives stand at the beginning, or behind a document that was ended.
    let mut is_outside = true;
    for (number, line) in stream.split_inclusive('\n').enumerate() {
        let mark = ["---", "..."].into_iter().find(|mark| {
            line.strip_prefix(mark)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
        });
        if let Some(mark) = mark {
            close(begin, offset, is_outside && mark == "---");
            is_outside = mark == "...";
            // A document may begin on the line of its mark.
            begin = (offset + 3, number);
        }
        offset += line.len();
    }
    close(begin, stream.len(), false);
    documents
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(stream: &str) -> Vec<(usize, &str)> {
        documents(stream).into_iter().map(|document| (document.lines_before, document.text)).collect()
    }

    #[test]
    fn a_stream_falls_apart_at_its_marks() {
        assert_eq!(
            texts("---\na: 1\n---\nb: |\n  ---\n  x\n"),
            [(0, "\na: 1\n"), (2, "\nb: |\n  ---\n  x\n")]
        );
        assert_eq!(texts("a: 1"), [(0, "a: 1")]);
        assert_eq!(texts("--- {a: 1}\n...\n---\n# nothing\n"), [(0, " {a: 1}\n")]);
        assert_eq!(texts("\u{feff}---\r\na: 1\r\n"), [(0, "\r\na: 1\r\n")]);
        let directives = "%YAML 1.1\n# x\n---\na: 1\n...\n%YAML 1.2\n---\nb: |\n  x\n";
        assert_eq!(texts(directives), [(2, "\na: 1\n"), (6, "\nb: |\n  x\n")]);
        assert_eq!(texts("---\n%a\n---\n"), [(0, "\n%a\n")]);
        assert_eq!(texts("%YAML 1.1\n"), [(0, "%YAML 1.1\n")]);
        assert_eq!(texts(""), []);
        assert_eq!(texts("---\n--- \n\n...\n"), []);
        assert_eq!(texts("a: 1\n----\n"), [(0, "a: 1\n----\n")]);
    }
}
