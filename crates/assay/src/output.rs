//! Where results go.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use indicatif::MultiProgress;

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
    put_file(path, bytes).map_err(|error| {
        Failure::usage(
            format!("{} cannot be written: {error}", path.display()),
            "choose another file with -o",
        )
    })
}

/// The same, for whoever says something else of what goes wrong.
pub(crate) fn put_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let half = folder.join(format!(".{name}.{}", std::process::id()));
    std::fs::write(&half, bytes).and_then(|()| std::fs::rename(&half, path)).inspect_err(|_| {
        // Nothing half-written stays behind; that this may fail as well adds nothing to the first error.
        let _ = std::fs::remove_file(&half);
    })
}

/// The lines of live progress on standard error. There is one set of them, so that whatever is said meanwhile stands
/// above.
static LINES: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// The lines of live progress; hidden where standard error is no terminal, or with `--quiet`.
pub(crate) fn lines() -> &'static MultiProgress {
    &LINES
}

/// Whether the cursor stands behind a question.
static IS_ASKING: AtomicBool = AtomicBool::new(false);

/// What was said while something else has the screen.
static HELD: Mutex<Option<Vec<String>>> = Mutex::new(None);

fn held_back() -> MutexGuard<'static, Option<Vec<String>>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds back what is said from now on.
pub(crate) fn hold() {
    held_back().get_or_insert_default();
}

/// The last of what is held back, at most so many lines, without colours.
pub(crate) fn held(count: usize) -> Vec<String> {
    let held = held_back();
    let said = held.iter().flatten();
    let mut lines: Vec<String> = said
        .rev()
        .take(count)
        .flat_map(|text| {
            let text = anstream::adapter::strip_str(text).to_string();
            let lines: Vec<String> =
                text.lines().rev().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
            lines
        })
        .take(count)
        .collect();
    lines.reverse();
    lines
}

/// Says what was held back, and holds back nothing more.
pub(crate) fn release() {
    let held = held_back().take();
    for text in held.iter().flatten() {
        note(text);
    }
}

/// Says something on standard error that is not the result.
pub(crate) fn note(text: &str) {
    if let Some(held) = &mut *held_back() {
        held.push(text.to_owned());
        return;
    }
    let before = if IS_ASKING.swap(false, Ordering::Relaxed) { "\n" } else { "" };
    lines().suspend(|| {
        let _ = writeln!(anstream::stderr(), "{before}{text}");
    });
}

/// Whether somebody is there to be asked.
pub(crate) fn is_asked() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question that only a clear yes answers with yes. Where nobody can be asked it fails, with these words and
/// this hint.
pub(crate) async fn confirmed(question: &str, (unasked, hint): (&str, &str)) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(unasked, hint));
    }
    Ok(answered(&format!("{question} [y/N] ")).await?.is_some_and(|answer| is_yes(&answer)))
}

/// Whether an answer is a clear yes.
pub(crate) fn is_yes(answer: &str) -> bool {
    matches!(answer, "y" | "Y" | "yes")
}

/// What is typed after a prompt, without blanks around it; none at the end of the input. Signals are heard meanwhile.
pub(crate) async fn answered(prompt: &str) -> Result<Option<String>, Failure> {
    let mut stderr = anstream::stderr();
    let _ = stderr.write_all(prompt.as_bytes()).and_then(|()| stderr.flush());
    IS_ASKING.store(true, Ordering::Relaxed);
    let read = || {
        let mut answer = String::new();
        let count = io::stdin().lock().read_line(&mut answer)?;
        // The end of the input moves no cursor.
        IS_ASKING.store(count == 0, Ordering::Relaxed);
        Ok((count > 0).then(|| answer.trim().to_owned()))
    };
    let failed =
        |error: io::Error| Failure::usage(format!("standard input cannot be read: {error}"), "say --yes");
    tokio::task::spawn_blocking(read)
        .await
        .map_err(io::Error::other)
        .and_then(|answer| answer)
        .map_err(failed)
}
