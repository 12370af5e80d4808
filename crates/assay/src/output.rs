//! Where results go.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use crate::failure::Failure;

/// Writes a result to standard output. A reader that has gone away is no error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::usage(format!("standard output cannot be written: {error}"), ""))
        }
        _ => Ok(()),
    }
}

/// Writes a file as a whole or not at all.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let half = folder.join(format!(".{name}.{}", std::process::id()));
    std::fs::write(&half, bytes).and_then(|()| std::fs::rename(&half, path)).map_err(|error| {
        // Nothing half-written stays behind; that this may fail as well adds nothing to the first error.
        let _ = std::fs::remove_file(&half);
        Failure::usage(
            format!("{} cannot be written: {error}", path.display()),
            "choose another file with -o",
        )
    })
}

/// Says something on standard error that is not the result.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Asks a question that only a clear yes answers with yes. Where nobody can be asked it fails, with these words and
/// this hint.
pub(crate) fn confirmed(question: &str, (unasked, hint): (&str, &str)) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(unasked, hint));
    }
    note(&format!("{question} [y/N]"));
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}"), "say --yes"))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
