//! The picture in the README is what the program prints.

use assert_cmd::Command;

use crate::support::root;

/// How much of the output the picture shows.
const LINES: usize = 44;

#[test]
fn the_picture_of_the_output_is_current() {
    let output =
        Command::cargo_bin("assay").unwrap().args(["demo", "--color", "always", "-q"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut shown: String = text.lines().take(LINES).map(|line| format!("{line}\n")).collect();
    shown.push_str("  …\n");
    shown.push_str(text.lines().last().unwrap());
    let svg = anstyle_svg::Term::new().min_width_px(720).render_svg(&shown);
    let path = root().join("docs/images/check.svg");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &svg).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == svg, "docs/images/check.svg is out of date; UPDATE_DOCS=1 writes it again");
}
