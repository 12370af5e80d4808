//! Names that Kubernetes takes.

use uuid::Uuid;

/// A `CronJob` adds eleven characters to its own name for each of its jobs, and those have at most 63.
const MOST: usize = 52;
/// So much of the name of a fleet leaves room for subjects.
const MOST_OF_A_FLEET: usize = 30;
/// What tells names apart that would be the same: as many characters of a digest.
const DIGEST: usize = 16;
/// What there may be of a path in the names of secrets and classes.
const MOST_OF_A_SUBDOMAIN: usize = 253;

/// A text cannot be the name of something in Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a name of at most {most} lower-case letters, digits and hyphens{}", if *.has_dots { " with dots between" } else { "" })]
pub struct NameError {
    name: String,
    most: usize,
    has_dots: bool,
}

/// The name of a fleet, from which those of all its things begin.
///
/// # Errors
/// It is no label of the DNS, or too long.
pub fn fleet_name(text: &str) -> Result<String, NameError> {
    checked(text, MOST_OF_A_FLEET, false)
}

/// The name of a namespace.
///
/// # Errors
/// It is no label of the DNS.
pub fn namespace_name(text: &str) -> Result<String, NameError> {
    checked(text, 63, false)
}

/// The name of a Secret or a `StorageClass`.
///
/// # Errors
/// It is no name of the DNS.
pub fn object_name(text: &str) -> Result<String, NameError> {
    checked(text, MOST_OF_A_SUBDOMAIN, true)
}

fn checked(text: &str, most: usize, has_dots: bool) -> Result<String, NameError> {
    let is_good = match has_dots {
        true => text.split('.').all(is_label),
        false => is_label(text),
    };
    match is_good && text.len() <= most {
        true => Ok(text.to_owned()),
        false => Err(NameError { name: text.to_owned(), most, has_dots }),
    }
}

fn is_label(text: &str) -> bool {
    let is_end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let has_only = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    has_only && is_end(text.chars().next()) && is_end(text.chars().next_back())
}

/// The name of what checks a subject: its own name where that will do, else what is left of it and a digest.
pub(super) fn of_subject(fleet: &str, subject: &str) -> String {
    of_text(fleet, subject, MOST)
}

fn of_text(fleet: &str, text: &str, most: usize) -> String {
    let room = most.saturating_sub(fleet.len() + 1);
    if is_label(text) && text.len() <= room && !ends_like_a_digest(text) {
        return format!("{fleet}-{text}");
    }
    let digest: String = Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string();
    let digest = &digest[..DIGEST];
    let mut left = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => left.push(c),
            _ if left.is_empty() || left.ends_with('-') => {}
            _ => left.push('-'),
        }
        if left.len() + DIGEST + 1 == room {
            break;
        }
    }
    match left.trim_end_matches('-') {
        "" => format!("{fleet}-{digest}"),
        left => format!("{fleet}-{left}-{digest}"),
    }
}

/// Names with a digest are for those that need one, so that nobody else's can be the same.
fn ends_like_a_digest(text: &str) -> bool {
    let last = text.rsplit('-').next().unwrap_or_default();
    last.len() == DIGEST && last.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The name of what may hold or take the lease of a subject.
pub(crate) fn of_lease(subject: &str) -> String {
    of_text("assay", subject, 63)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn subjects_keep_their_names_where_they_can() {
        assert_eq!(of_subject("assay-fleet", "scaleup-occ2"), "assay-fleet-scaleup-occ2");
        assert_eq!(of_subject("assay-fleet", "noris-1.34"), "assay-fleet-noris-1-34-d072a29376425e15");
        assert_ne!(of_subject("assay-fleet", "Red"), of_subject("assay-fleet", "red"));
        assert_eq!(of_subject("f", "…").len(), 2 + DIGEST);
        // What looks like a name with a digest gets one of its own.
        let digested = of_subject("f", "noris-1.34");
        assert_ne!(of_subject("f", digested.strip_prefix("f-").unwrap()), digested);
    }

    #[test]
    fn names_that_kubernetes_refuses_are_refused_before() {
        for name in ["", "-a", "a-", "A", "a.b", "a_b", &"a".repeat(31)] {
            assert!(fleet_name(name).is_err(), "{name}");
        }
        assert!(object_name("a.b-c").is_ok());
        assert!(object_name("a..b").is_err());
        assert_eq!(
            namespace_name("Mine").unwrap_err().to_string(),
            "\"Mine\" is not a name of at most 63 lower-case letters, digits and hyphens"
        );
    }

    proptest! {
        #[test]
        fn any_subjects_have_names_of_their_own(
            fleet in "[a-z]([-a-z0-9]{0,28}[a-z0-9])?",
            subjects in proptest::collection::btree_set("\\PC{1,80}|[a-zA-Z0-9._-]{1,60}", 1..20),
        ) {
            let names: BTreeSet<String> = subjects.iter().map(|one| of_subject(&fleet, one)).collect();
            prop_assert_eq!(names.len(), subjects.len());
            for name in &names {
                prop_assert!(is_label(name) && name.len() <= MOST, "{}", name);
            }
            for subject in &subjects {
                let name = of_lease(subject);
                prop_assert!(is_label(&name) && name.len() <= 63, "{}", name);
            }
        }
    }
}
