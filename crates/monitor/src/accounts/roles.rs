use std::str::FromStr;

/// What an account may do beyond what concerns itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Read reports and results of all subjects.
    ReadAny,
    /// Hand in reports about others who delegated that to it.
    AppendAny,
    /// Change accounts and scopes.
    Admin,
    /// Approve results.
    Approve,
}

impl Role {
    pub(crate) const ALL: [Self; 4] = [Self::ReadAny, Self::AppendAny, Self::Admin, Self::Approve];

    /// The word in the bootstrap file.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Role::ReadAny => "read_any",
            Role::AppendAny => "append_any",
            Role::Admin => "admin",
            Role::Approve => "approve",
        }
    }

    /// The bit in the database, the same as that of the reference monitor.
    const fn bit(self) -> i64 {
        match self {
            Role::ReadAny => 1,
            Role::AppendAny => 2,
            Role::Admin => 4,
            Role::Approve => 8,
        }
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.as_str() == word).ok_or(())
    }
}

/// The roles of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Roles(i64);

impl Roles {
    pub(crate) const fn from_bits(bits: i64) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> i64 {
        self.0
    }

    /// Without those that nobody here knows.
    pub(crate) fn known(self) -> Self {
        self.iter().collect()
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |&role| self.has(role))
    }

    pub(crate) const fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |bits, role| bits | role.bit()))
    }
}
