//! Whether a token is fit for a check, as the reference suite decides it.

use assay_inventory::Token;

/// Roles that show more of the cloud than a user sees, so that verdicts would not hold for users.
const TOO_HIGH: [&str; 2] = ["admin", "manager"];
const NEEDED: &str = "member";

/// What the preflight came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preflight {
    /// The token is that of a plain user.
    Fit,
    /// The token must not be used; the sentence says which role to remove or to add.
    Unfit(String),
}

/// Looks at the roles of a token: `admin` and `manager` must be absent, `member` must be there.
pub fn preflight(token: &Token) -> Preflight {
    let has = |name: &str| token.roles.iter().any(|role| role == name);
    let project = token.project.as_ref().map_or("this scope", |project| project.name.as_str());
    let too_high: Vec<&str> = TOO_HIGH.into_iter().filter(|role| has(role)).collect();
    if !too_high.is_empty() {
        return Preflight::Unfit(format!(
            "user {} holds the {} {} on {project}: remove it, or use credentials of a plain member, because a check must see what users see",
            token.user,
            if too_high.len() == 1 { "role" } else { "roles" },
            too_high.join(" and "),
        ));
    }
    if !has(NEEDED) {
        let roles = match token.roles.is_empty() {
            true => "no role".to_owned(),
            false => format!("only {}", token.roles.join(", ")),
        };
        return Preflight::Unfit(format!(
            "user {} holds {roles} on {project}: give it the role {NEEDED}",
            token.user
        ));
    }
    Preflight::Fit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(roles: &[&str]) -> Token {
        Token {
            user: "demo".into(),
            roles: roles.iter().map(|role| (*role).into()).collect(),
            ..Token::default()
        }
    }

    #[test]
    fn a_plain_member_is_fit() {
        assert_eq!(preflight(&token(&["member", "reader"])), Preflight::Fit);
    }

    #[test]
    fn too_much_and_too_little_are_named() {
        for (roles, word) in [
            (&["admin", "member"][..], "role admin"),
            (&["member", "manager"], "role manager"),
            (&["admin", "manager", "member"], "admin and manager"),
            (&["reader"], "the role member"),
            (&[], "no role"),
        ] {
            match preflight(&token(roles)) {
                Preflight::Unfit(why) => assert!(why.contains(word), "{why}"),
                Preflight::Fit => panic!("{roles:?} passed"),
            }
        }
    }
}
