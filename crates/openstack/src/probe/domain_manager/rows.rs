//! The matrix as data: every row, what it tries, and what has to come of it.

use assay_inventory::{
    DomainManagerBasis as Basis, DomainManagerBatch as Batch, DomainManagerExpectation as Expectation,
};

/// A row of the matrix. `{a}` and `{b}` stand for the domains, `{role}` for the role that managers may give.
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) batch: Batch,
    pub(super) expected: Expectation,
    pub(super) basis: Basis,
    pub(super) what: &'static str,
}

macro_rules! rows {
    ($($batch:ident { $($id:literal $expected:ident $basis:ident $what:literal)+ })+) => {
        /// All rows beside the logins, which are there once per domain.
        pub(super) const ROWS: &[Row] = &[
            $($(Row {
                id: $id,
                batch: Batch::$batch,
                expected: Expectation::$expected,
                basis: Basis::$basis,
                what: $what,
            },)+)+
        ];
    };
}

rows! {
    Users {
        "user-create" Allowed Both "the manager of {a} creates a user in {a}"
        "user-find-by-name" Allowed Both "the manager of {a} finds the user by its name"
        "user-find-by-id" Allowed Both "the manager of {a} finds the user by its id"
        "user-update" Allowed Both "the manager of {a} changes the e-mail address of the user"
        "user-create-other" Allowed Both "the manager of {b} creates a user in {b}"
        "user-list" Allowed Both "the manager of {a} lists users and sees those of {a} alone, the new one among them"
        "user-grant" Allowed Both "the manager of {a} gives the user the role {role} on {a}"
        "user-revoke" Allowed Both "the manager of {a} takes the role from the user"
        "user-create-without-domain" Forbidden Reference "the manager of {a} creates a user without naming a domain"
        "user-create-foreign" Forbidden Both "the manager of {a} creates a user in {b}"
        "user-find-foreign-by-name" NotFound Both "the manager of {a} looks for the user of {b} by its name"
        "user-find-foreign-by-id" NotFound Both "the manager of {a} looks for the user of {b} by its id"
        "user-update-foreign" Forbidden Both "the manager of {a} changes the user of {b}"
        "user-delete-foreign" Forbidden Both "the manager of {a} deletes the user of {b}"
        "user-grant-foreign-domain" NoEffect Both "the manager of {a} gives its user the role {role} on {b}"
        "user-grant-foreign" NoEffect Both "the manager of {a} gives the user of {b} the role {role} on {b}"
        "user-grant-foreign-user" NoEffect Text "the manager of {a} gives the user of {b} the role {role} on {a}"
        "user-grant-other" Allowed Both "the manager of {b} gives its user the role {role} on {b}"
        "user-revoke-foreign" NoEffect Both "the manager of {a} takes the role on {b} from the user of {b}"
        "user-delete" Allowed Both "the manager of {a} deletes its user"
    }
    Projects {
        "project-create" Allowed Both "the manager of {a} creates a project in {a}"
        "project-find-by-name" Allowed Both "the manager of {a} finds the project by its name"
        "project-find-by-id" Allowed Both "the manager of {a} finds the project by its id"
        "project-update" Allowed Both "the manager of {a} changes the description of the project"
        "project-list" Allowed Text "the manager of {a} lists projects and sees those of {a} alone, the new one among them"
        "project-create-other" Allowed Both "the manager of {b} creates a project in {b}"
        "project-grant" Allowed Both "the manager of {a} gives a user of {a} the role {role} on the project"
        "project-list-of-user" Allowed Both "the manager of {a} lists the projects of that user and sees exactly this one"
        "project-revoke" Allowed Both "the manager of {a} takes the role from the user"
        "project-create-without-domain" Forbidden Reference "the manager of {a} creates a project without naming a domain"
        "project-create-foreign" Forbidden Both "the manager of {a} creates a project in {b}"
        "project-create-below-foreign" NoEffect Text "the manager of {a} creates a project of {a} below the one of {b}"
        "project-find-foreign-by-name" NotFound Both "the manager of {a} looks for the project of {b} by its name"
        "project-find-foreign-by-id" NotFound Both "the manager of {a} looks for the project of {b} by its id"
        "project-update-foreign" Forbidden Both "the manager of {a} changes the project of {b}"
        "project-delete-foreign" Forbidden Both "the manager of {a} deletes the project of {b}"
        "project-grant-foreign" NoEffect Both "the manager of {a} gives a user of {b} the role {role} on the project of {b}"
        "project-grant-foreign-user" NoEffect Both "the manager of {a} gives a user of {b} the role {role} on its project"
        "project-grant-foreign-project" NoEffect Both "the manager of {a} gives its user the role {role} on the project of {b}"
        "project-grant-other" Allowed Both "the manager of {b} gives a user of {b} the role {role} on the project of {b}"
        "project-revoke-foreign" NoEffect Both "the manager of {a} takes the role on the project of {b} from that user"
        "project-list-of-foreign-user" Forbidden Both "the manager of {a} lists the projects of a user of {b}"
        "project-delete" Allowed Both "the manager of {a} deletes its project"
    }
    Groups {
        "group-create-without-domain" Forbidden Reference "the manager of {a} creates a group without naming a domain"
        "group-create-foreign" Forbidden Both "the manager of {a} creates a group in {b}"
        "group-create" Allowed Both "the manager of {a} creates a group in {a}"
        "group-update" Allowed Text "the manager of {a} changes the description of the group"
        "group-create-other" Allowed Both "the manager of {b} creates a group in {b}"
        "group-list-foreign" NotFound Both "the manager of {b} looks for groups of {a} in the list of all"
        "group-find-foreign-by-name" NotFound Both "the manager of {b} looks for the group of {a} by its name"
        "group-find-foreign-by-id" NotFound Both "the manager of {b} looks for the group of {a} by its id"
        "group-update-foreign" Forbidden Both "the manager of {b} changes the group of {a}"
        "group-delete-foreign" Forbidden Both "the manager of {b} deletes the group of {a}"
        "group-membership" Allowed Both "the manager of {a} asks whether its user is in its group"
        "group-membership-foreign-user" Forbidden Both "the manager of {a} asks whether a user of {b} is in its group"
        "group-membership-foreign-group" Forbidden Both "the manager of {a} asks whether its user is in the group of {b}"
        "group-membership-foreign" Forbidden Both "the manager of {a} asks whether a user of {b} is in the group of {b}"
        "group-add-user" Allowed Both "the manager of {a} adds its user to its group"
        "group-add-foreign-user" Forbidden Both "the manager of {a} adds a user of {b} to its group"
        "group-add-to-foreign" Forbidden Both "the manager of {a} adds its user to the group of {b}"
        "group-add-foreign" Forbidden Both "the manager of {a} adds a user of {b} to the group of {b}"
        "group-list-members" Allowed Both "the manager of {a} lists the members of its group and sees exactly its user"
        "group-admin-on-project" NoEffect Both "the manager of {a} gives its group the role admin on its project"
        "group-admin-on-domain" NoEffect Both "the manager of {a} gives its group the role admin on {a}"
        "group-grant-domain" Allowed Both "the manager of {a} gives its group the role {role} on {a}"
        "group-grant-project" Allowed Both "the manager of {a} gives its group the role {role} on its project"
        "group-revoke-foreign-domain" NoEffect Both "the manager of {b} takes the role on {a} from the group of {a}"
        "group-revoke-foreign-project" NoEffect Both "the manager of {b} takes the role on the project of {a} from the group of {a}"
        "group-revoke-domain" Allowed Both "the manager of {a} takes the role on {a} from its group"
        "group-revoke-project" Allowed Both "the manager of {a} takes the role on its project from its group"
        "group-list-members-foreign" Forbidden Both "the manager of {b} lists the members of the group of {a}"
        "group-remove-user-foreign" Forbidden Both "the manager of {b} removes the user from the group of {a}"
        "group-delete-foreign-with-member" Forbidden Both "the manager of {b} deletes the group of {a} that has a member"
        "group-grant-foreign-domain" NoEffect Both "the manager of {b} gives another group of {a} the role {role} on {a}"
        "group-grant-foreign-project" NoEffect Both "the manager of {b} gives another group of {a} the role {role} on the project of {a}"
        "group-grant-foreign-group" NoEffect Text "the manager of {b} gives another group of {a} the role {role} on {b}"
        "group-remove-user" Allowed Text "the manager of {a} removes its user from its group"
        "group-delete" Allowed Both "the manager of {a} deletes its group"
    }
    Roles {
        "role-list" Allowed Both "the manager of {a} lists roles and finds admin and {role} among them"
        "role-create" Forbidden Text "the manager of {a} creates a role"
        "role-create-in-domain" Forbidden Text "the manager of {a} creates a role of {a}"
        "role-update" Forbidden Text "the manager of {a} changes a role (to the name that it has)"
        "role-imply" Forbidden Text "the manager of {a} lets one role imply another (admin imply {role})"
        "admin-to-self-on-domain" NoEffect Text "the manager of {a} takes the role admin on {a}"
        "admin-to-self-inherited" NoEffect Text "the manager of {a} takes the role admin on all projects of {a}"
        "admin-to-self-on-project" NoEffect Text "the manager of {a} takes the role admin on a project of {a}"
        "admin-to-user-on-domain" NoEffect Text "the manager of {a} gives a user of {a} the role admin on {a}"
        "admin-to-user-on-project" NoEffect Text "the manager of {a} gives a user of {a} the role admin on a project of {a}"
        "system-admin-to-self" NoEffect Text "the manager of {a} takes the role admin on the system"
        "system-role-to-user" NoEffect Text "the manager of {a} gives a user of {a} the role {role} on the system"
        "domain-create" Forbidden Text "the manager of {a} creates a domain"
        "domain-create-as-project" Forbidden Text "the manager of {a} creates a project that acts as a domain"
    }
}
