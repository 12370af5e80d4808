//! The fields of all forms: what people call them, and which of them are kept while somebody logs in again.

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// What somebody writes on a line.
    Line,
    /// What somebody writes on many.
    Text,
    /// One of some, or a tick.
    Choice,
    /// A choice by a name that says nothing to people.
    Unseen,
    /// What stands in no page.
    Secret,
}
use Holds::{Choice, Line, Secret, Text, Unseen};

/// A field: its name, and behind it those by which its refusals know it; what people call it; what it holds.
pub(super) type Field = (&'static str, &'static str, Holds);

/// A form, by the address that it is sent to, and its fields in order.
pub(super) type Known = (&'static str, &'static [Field]);

const CONTACT: Field = ("contact", "Contact, for assessors and admins alone", Line);
const COVERS: Field = ("covers", "Regions and configurations that the certificate is to cover", Line);
const GROUP: Field = ("group", "Group", Line);
const NEW_PASSWORD: Field = ("new_password", "New password", Secret);
const AGAIN: Field = ("again", "The same again", Secret);
const ROLES: [Field; 4] = [
    ("read_any", "Role read_any", Choice),
    ("append_any", "Role append_any", Choice),
    ("approve", "Role approve", Choice),
    ("admin", "Role admin", Choice),
];

/// All forms in which somebody writes something.
pub(super) const FORMS: &[Known] = &[
    ("/invitation/{secret}", &[NEW_PASSWORD, AGAIN]),
    ("/desk/account/password", &[("password", "Present password", Secret), NEW_PASSWORD, AGAIN]),
    (
        "/desk/account/tokens",
        &[
            ("token_name", "New token", Line),
            ("purpose", "It is for", Choice),
            ("days", "Days until it expires", Line),
        ],
    ),
    (
        "/desk/account/keys",
        &[("key", "New key", Line), ("key_name", "Name, if not what the line ends with", Line)],
    ),
    ("/desk/account/delegates", &[("delegate", "Account", Line)]),
    (
        "/desk/subject/{subject}",
        &[
            ("title", "Name for people", Line),
            ("operator", "Operator", Line),
            ("website", "Website", Line),
            ("health", "Status page or health monitor", Line),
            ("description", "Description: regions, and what is special", Text),
            CONTACT,
            ("told", "Mail the contact what changes", Choice),
        ],
    ),
    ("/desk/accounts", &[("name", "Name", Line), GROUP, ROLES[0], ROLES[1], ROLES[2], ROLES[3]]),
    (
        "/desk/accounts/{name}",
        &[GROUP, ROLES[0], ROLES[1], ROLES[2], ROLES[3], ("blocked", "Blocked", Choice)],
    ),
    ("/desk/accounts/{name}/identities", &[("subject", "What the provider calls somebody (sub)", Line)]),
    (
        "/desk/applications",
        &[
            ("subject", "Subject", Line),
            ("what scope version", "Certificate", Unseen),
            ("organisation", "Organisation that operates it", Line),
            COVERS,
            CONTACT,
            (
                "evidence",
                "What speaks for it: answers to what cannot be tested, and where the documents are",
                Text,
            ),
        ],
    ),
    (
        "/desk/integrators",
        &[
            ("applicant", "Applicant", Line),
            ("layer", "Integrator of", Choice),
            ("tier", "Tier", Choice),
            ("organisation", "Organisation", Line),
            ("covers", "What of the organisation the certificate is to cover", Line),
            CONTACT,
            ("evidence", "What else there is to say", Text),
        ],
    ),
    (
        "/desk/applications/{uuid}",
        &[
            ("text", "What there is to say", Text),
            ("valid_from", "From", Line),
            ("despite", "Although tests do not pass", Choice),
            ("move", "To do", Choice),
        ],
    ),
    ("/desk/applications/{uuid}/revocation", &[("reason", "Reason, for everybody to read", Line)]),
    (
        "/desk/applications/{uuid}/references",
        &[
            ("kind", "Kind", Choice),
            ("environment", "Environment", Line),
            ("named", "Others may be told what it is called", Choice),
            ("from", "From", Line),
            ("until", "Until", Line),
            ("regions", "Regions", Line),
            ("zones", "Availability zones", Line),
            ("part share.part", "Your part, if others had one, too", Line),
            ("proof share.proof", "What proves your part", Line),
            ("reports", "Reports that prove it, each by its UUID, on a line of its own", Text),
            ("evidence", "What else proves it, each on a line of its own", Text),
        ],
    ),
    (
        "/desk/applications/{uuid}/references/{number}",
        &[("said text", "Why", Line), ("word", "To say", Choice)],
    ),
    (
        "/desk/audit/{subject}/{scope}",
        &[
            ("testcase", "Testcase", Choice),
            ("finding", "Finding", Choice),
            ("text", "What was found", Text),
            ("evidence", "Where it can be seen", Line),
            ("seen_on", "Seen on", Line),
        ],
    ),
];

/// The form that is sent to a path, as its source writes it or as somebody sends it.
pub(super) fn form_at(path: &str) -> Option<&'static Known> {
    let fits = |(known, _): &&Known| {
        let (mut known, mut sent) = (known.split('/'), path.split('/'));
        loop {
            match (known.next(), sent.next()) {
                (None, None) => return true,
                (Some(known), Some(sent))
                    if known == sent || (known.starts_with('{') && !sent.is_empty()) => {}
                _ => return false,
            }
        }
    };
    // What is fixed goes before what may be anything.
    FORMS.iter().find(|(known, _)| *known == path).or_else(|| FORMS.iter().find(fits))
}

/// The field of a form that goes by a name.
pub(super) fn field_of(fields: &'static [Field], name: &str) -> Option<&'static Field> {
    fields.iter().find(|(names, _, _)| names.split(' ').any(|known| known == name))
}

/// The name by which a field is sent.
pub(super) fn name_of(field: &Field) -> &'static str {
    field.0.split(' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_known_by_their_addresses() {
        let known = |path: &str| form_at(path).map(|(known, _)| *known);
        for (path, form) in [
            ("/desk/applications", Some("/desk/applications")),
            ("/desk/applications/a-b", Some("/desk/applications/{uuid}")),
            ("/desk/applications/a-b/references/3", Some("/desk/applications/{uuid}/references/{number}")),
            ("/desk/audit/a%20b/scs-compatible-iaas", Some("/desk/audit/{subject}/{scope}")),
            ("/desk/applications/", None),
            ("/desk/applications/a/b/c", None),
            ("/logout", None),
        ] {
            assert_eq!(known(path), form, "{path}");
        }
    }

    #[test]
    fn no_password_is_kept() {
        for (path, fields) in FORMS {
            for field in *fields {
                let is_secret = field.2 == Secret;
                assert_eq!(
                    field.1.to_lowercase().contains("password") || field.0 == "again",
                    is_secret,
                    "{path} {field:?}"
                );
            }
        }
    }
}
