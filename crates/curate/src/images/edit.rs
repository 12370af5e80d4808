//! A new build is written into a catalogue, and nothing else of the file changes.

use std::fmt::Write as _;
use std::sync::Arc;

use assay_yaml::{Node, Reader, Value};
use miette::NamedSource;
use thiserror::Error;

use super::file::{LIMITS, ProblemKind, read};
use super::update::NewBuild;

/// Why a build cannot be written into a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EditError {
    /// There is no such image in the file.
    #[error("there is no image {0:?}")]
    NoImage(String),
    /// The versions are not written one below the other.
    #[error("the versions of {0:?} are not written one below the other; put the new one in by hand")]
    OneLine(String),
    /// What would come out is no catalogue with that build.
    #[error("{0:?} cannot be written there; put the new version in by hand")]
    Useless(String),
}

/// The catalogue with another build of an image, above its others.
///
/// # Errors
/// There is no such image, or its versions are written in a way that this does not know.
pub fn with_build(text: &str, image: &str, build: &NewBuild) -> Result<String, EditError> {
    let one_line = || EditError::OneLine(image.to_owned());
    let source = Arc::new(NamedSource::new("catalogue", text.to_owned()));
    let root =
        Reader::<ProblemKind>::new(source).root(&LIMITS).map_err(|_| EditError::Useless(image.to_owned()))?;
    let versions = versions_of(&root, image).ok_or_else(|| EditError::NoImage(image.to_owned()))?;
    let Value::List(items) = &versions.value else { return Err(one_line()) };
    let first = items.first().ok_or_else(one_line)?;
    let above = text.get(..first.place.start).ok_or_else(one_line)?;
    let line_start = above.rfind('\n').map_or(0, |at| at + 1);
    let before = &above[line_start..];
    let Some((indent, rest)) = before.split_once('-') else { return Err(one_line()) };
    if !indent.trim().is_empty() || !rest.trim().is_empty() || rest.is_empty() {
        return Err(one_line());
    }
    let deeper = format!("{indent} {rest}");
    let mut entry = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(entry, "{indent}-{rest}version: '{}'", build.version);
    let _ = writeln!(entry, "{deeper}build_date: {}", build.date);
    let _ = writeln!(entry, "{deeper}url: {}", build.url);
    let _ = writeln!(entry, "{deeper}checksum: {}", build.digest);
    let edited = format!("{}{entry}{}", &text[..line_start], &text[line_start..]);
    let holds = |text: &str| {
        read("catalogue", text).is_ok_and(|(definitions, _)| {
            let mut ours = definitions.iter().filter(|definition| definition.name == image);
            ours.any(|definition| {
                definition.builds.iter().any(|one| one.version == build.version && one.url == build.url)
            })
        })
    };
    match holds(&edited) {
        true => Ok(edited),
        false => Err(EditError::Useless(image.to_owned())),
    }
}

fn versions_of<'n>(root: &'n Node, image: &str) -> Option<&'n Node> {
    let Value::List(images) = &get(root, "images")?.value else { return None };
    let is_ours = |node: &&'n Node| matches!(get(node, "name").map(|name| &name.value), Some(Value::Text(name)) if name == image);
    let variants =
        images.iter().filter_map(|node| get(node, "architectures")).filter_map(|node| match &node.value {
            Value::List(variants) => Some(variants),
            _ => None,
        });
    let ours = images.iter().chain(variants.flatten()).find(is_ours);
    get(ours?, "versions")
}

fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Value::Map(entries) = &node.value else { return None };
    let found = entries.iter().find(|(name, _)| matches!(&name.value, Value::Text(name) if name == key));
    found.map(|(_, node)| node)
}

#[cfg(test)]
mod tests {
    use super::super::definition::Digest;
    use super::*;

    fn build() -> NewBuild {
        NewBuild {
            version: "20260201".to_owned(),
            date: "2026-02-01".parse().unwrap(),
            url: "https://example.org/new.img".parse().unwrap(),
            digest: Digest::of_hex(&"a".repeat(64)).unwrap(),
        }
    }

    const HEAD: &str = "format: raw\n    login: x\n    min_disk: 1\n    min_ram: 1\n    meta: {}\n";

    #[test]
    fn one_entry_comes_and_all_else_stays() {
        let catalogue = format!(
            "---\n# Kept.\nimages:\n  - name: a   # the first\n    {HEAD}    versions:\n      # Newest first.\n      - version: '20260101'\n        url: https://example.org/a.img\n  - name: b\n    {HEAD}    versions:\n    - url: https://example.org/b.img\n      version: '1'\n"
        );
        let edited = with_build(&catalogue, "a", &build()).unwrap();
        let added: Vec<&str> = edited.lines().filter(|line| !catalogue.contains(line)).collect();
        assert_eq!(
            added,
            [
                "      - version: '20260201'",
                "        build_date: 2026-02-01",
                "        url: https://example.org/new.img",
                &format!("        checksum: sha256:{}", "a".repeat(64)),
            ]
        );
        assert_eq!(edited.lines().count(), catalogue.lines().count() + 4);
        let (definitions, _) = read("c.yaml", &edited).unwrap();
        let versions: Vec<&str> = definitions[0].builds.iter().map(|build| build.version.as_str()).collect();
        assert_eq!(versions, ["20260101", "20260201"], "the history stays");
        assert!(
            with_build(&catalogue, "b", &build())
                .unwrap()
                .contains("\n    - version: '20260201'\n      build")
        );
        assert_eq!(with_build(&catalogue, "c", &build()), Err(EditError::NoImage("c".to_owned())));
    }

    #[test]
    fn images_for_other_processors_get_their_own() {
        let catalogue = format!(
            "images:\n  - name: a\n    {HEAD}    architectures:\n      - name: a arm\n        architecture: aarch64\n        versions:\n          - version: '1'\n            url: https://example.org/arm.img\n    versions:\n    - version: '1'\n      url: https://example.org/a.img\n"
        );
        let edited = with_build(&catalogue, "a arm", &build()).unwrap();
        let (definitions, _) = read("c.yaml", &edited).unwrap();
        assert_eq!((definitions[0].builds.len(), definitions[1].builds.len()), (1, 2));
    }

    #[test]
    fn what_is_written_in_one_line_is_left_to_people() {
        let one = format!(
            "images:\n  - name: a\n    {HEAD}    versions: [{{version: '1', url: 'https://example.org/a'}}]\n"
        );
        assert_eq!(with_build(&one, "a", &build()), Err(EditError::OneLine("a".to_owned())));
        let empty = format!("images:\n  - name: a\n    {HEAD}    versions: []\n");
        assert_eq!(with_build(&empty, "a", &build()), Err(EditError::OneLine("a".to_owned())));
    }

    #[test]
    fn a_list_that_two_images_share_is_left_to_people() {
        let shared = format!(
            "images:\n  - name: a\n    {HEAD}    versions: &both\n      - version: '1'\n        url: https://example.org/a\n  \
             - name: b\n    {HEAD}    versions: *both\n"
        );
        assert_eq!(with_build(&shared, "b", &build()), Err(EditError::OneLine("b".to_owned())));
    }

    #[test]
    fn catalogues_of_today_can_be_edited() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/compat/images/osism");
        let ours = include_str!("../../data/images/scs.yaml").to_owned();
        let theirs = std::fs::read_dir(folder).into_iter().flatten();
        let theirs = theirs.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
        for text in theirs.chain([ours]) {
            for definition in read("c.yaml", &text).unwrap().0 {
                let edited = with_build(&text, &definition.name, &build()).unwrap();
                assert_eq!(edited.lines().count(), text.lines().count() + 4, "{}", definition.name);
            }
        }
    }
}
