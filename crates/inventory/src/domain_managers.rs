use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Leftover;

/// What domain managers may and may not do (scs-0302): a matrix that was tried row by row.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DomainManagers {
    /// Names of the domains, in the order of the configuration. The first two are A and B of the rows.
    pub domains: Vec<String>,
    /// Every row of the matrix, in its order, whether it could be tried or not.
    pub rows: Vec<DomainManagerRow>,
    /// What still exists although the probe has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<Leftover>,
}

/// One thing that a domain manager tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainManagerRow {
    /// Its id, stable, such as `user-create-foreign`.
    pub id: String,
    /// What it belongs to.
    pub batch: DomainManagerBatch,
    /// What was tried, in plain words with the names of the domains.
    pub what: String,
    /// What has to come of it.
    pub expected: DomainManagerExpectation,
    /// Who demands that.
    pub basis: DomainManagerBasis,
    /// How what was seen compares with it.
    pub outcome: DomainManagerOutcome,
    /// What was seen, or why nothing was.
    pub seen: String,
    /// The request id of the server, for its operator's logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $label:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// The words that people read.
            pub fn label(self) -> &'static str {
                match self {
                    $($name::$variant => $label,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.label())
            }
        }
    };
}

words! {
    /// What a row belongs to.
    DomainManagerBatch {
        /// Each manager logs in and finds itself and its domain.
        Logins = "logins",
        /// Users, and their roles on domains.
        Users = "users",
        /// Projects, and the roles of users on them.
        Projects = "projects",
        /// Groups, their members and their roles.
        Groups = "groups",
        /// Attempts to gain rights.
        Roles = "roles",
    }
}

words! {
    /// What has to come of a row.
    DomainManagerExpectation {
        /// It works.
        Allowed = "it works",
        /// The server refuses it with 403, and nothing happened.
        Forbidden = "the server forbids it (HTTP 403)",
        /// Nothing is found.
        NotFound = "nothing is found",
        /// Whatever the server says, nothing happened.
        NoEffect = "it has no effect",
    }
}

words! {
    /// Who demands what a row expects.
    DomainManagerBasis {
        /// The check of the reference suite and the text of the standard.
        Both = "the reference suite and the standard",
        /// The check of the reference suite alone.
        Reference = "the reference suite",
        /// The text of the standard alone.
        Text = "the standard",
    }
}

words! {
    /// How what was seen compares with what was expected.
    DomainManagerOutcome {
        /// It is as expected.
        Conforms = "as expected",
        /// It is not.
        Deviates = "not as expected",
        /// Nothing can be said: something that the row needs could not be made, or an answer says nothing.
        NotTried = "not tried",
    }
}
