//! Groups, their members and their roles.

use assay_inventory::Record;
use assay_journal::Kind;
use http::Method;

use super::manager::{Grant, Manager, On, To};
use super::matrix::{Matrix, Thing, restore};
use super::told::{Told, deletes, is_forbidden, is_not_found, need, works, works_with};

/// What the rows about groups work with.
struct Props {
    group: Thing,
    second: Thing,
    foreign_group: Thing,
    user: Thing,
    foreign_user: Thing,
    project: Thing,
}

pub(super) async fn groups(matrix: &Matrix<'_>) {
    let Matrix { a, b, .. } = *matrix;
    matrix.forbidden_creation("group-create-without-domain", a, Kind::Group, "group-no-domain", None).await;
    let domain = Some(b.domain.as_str());
    matrix.forbidden_creation("group-create-foreign", b, Kind::Group, "group-foreign", domain).await;
    let mut props = Props {
        group: matrix.creation("group-create", a, Kind::Group, "group").await,
        foreign_group: matrix.creation("group-create-other", b, Kind::Group, "group").await,
        second: matrix.prop(a, Kind::Group, "second-group").await,
        user: matrix.prop(a, Kind::User, "group-user").await,
        foreign_user: matrix.prop(b, Kind::User, "group-user").await,
        project: matrix.prop(a, Kind::Project, "group-project").await,
    };
    matrix.changes("group-update", a, &props.group, "description").await;
    foreign_groups(matrix, &mut props).await;
    members(matrix, &props).await;
    roles(matrix, &props).await;
    reach_of_the_other(matrix, &mut props).await;
    let removed = async {
        let path = member_path(&props.group, &props.user)?;
        matrix.needs(a, &path).await?;
        let look = async { Ok(!a.holds(&path).await?) };
        Ok(deletes(a.delete(&path).await, look, "the user is still in the group").await)
    };
    matrix.sheet.row("group-remove-user", removed).await;
    matrix.deletion("group-delete", a, &props.group).await;
}

/// The manager of B sees nothing of groups of A, and cannot change them.
async fn foreign_groups(matrix: &Matrix<'_>, props: &mut Props) {
    let Matrix { a, b, sheet, .. } = *matrix;
    let listed = async {
        need(&props.group)?;
        let found = b.list(&["groups"], "groups", &[]).await;
        let of_a = |item: &&Record| item.text("domain_id").value() == Some(a.domain.as_str());
        Ok(is_not_found(
            found.map(|all| all.iter().find(of_a).map(|item| format!("{} is in the list", item.id()))),
        ))
    };
    sheet.row("group-list-foreign", listed).await;
    matrix.search_by_name("group-find-foreign-by-name", b, &props.group).await;
    matrix.search_by_id("group-find-foreign-by-id", b, &props.group).await;
    matrix.forbidden_change("group-update-foreign", (b, a), &props.group, "description").await;
    matrix.forbidden_deletion("group-delete-foreign", (b, a), &mut props.group).await;
}

/// Who is in which group, and who may be added.
async fn members(matrix: &Matrix<'_>, props: &Props) {
    let Matrix { a, b, sheet, .. } = *matrix;
    let Props { group, foreign_group, user, foreign_user, .. } = props;
    let asked = async {
        let answer = a.call(Method::HEAD, &member_path(group, user)?, None).await;
        // That the user is no member is an answer, too.
        Ok(match &answer {
            Err(why) if why.status == Some(404) => Told::seen(true, "HTTP 404: the user is no member"),
            _ => works(&answer),
        })
    };
    sheet.row("group-membership", asked).await;
    for (row, group, user) in [
        ("group-membership-foreign-user", group, foreign_user),
        ("group-membership-foreign-group", foreign_group, user),
        ("group-membership-foreign", foreign_group, foreign_user),
    ] {
        let asked = async {
            let answer = a.call(Method::HEAD, &member_path(group, user)?, None).await;
            Ok(is_forbidden(&answer, &Ok(false)))
        };
        sheet.row(row, asked).await;
    }
    let added = async {
        let path = member_path(group, user)?;
        Ok(works_with(a.put(&path).await, a.holds(&path), "the user is not in the group").await)
    };
    sheet.row("group-add-user", added).await;
    for (row, group, user, owner) in [
        ("group-add-foreign-user", group, foreign_user, a),
        ("group-add-to-foreign", foreign_group, user, b),
        ("group-add-foreign", foreign_group, foreign_user, b),
    ] {
        let added = async {
            let path = member_path(group, user)?;
            let (group, user) = (need(group)?, need(user)?);
            let answer = a.put(&path).await;
            let is_member = async || Ok(members_of(owner, &group.id).await?.contains(&user.id));
            let effect = is_member().await;
            if answer.is_ok() || matches!(effect, Ok(true)) {
                // Memberships go with user and group, so what is not to be undone now is not left.
                matrix.take_back([a, owner], &path, is_member).await;
            }
            Ok(is_forbidden(&answer, &effect))
        };
        sheet.row(row, added).await;
    }
    let listed = async {
        matrix.needs(a, &member_path(group, user)?).await?;
        let (group, user) = (need(group)?, need(user)?);
        Ok(match members_of(a, &group.id).await {
            Err(why) => works(&Err(why)),
            Ok(ids) => Told::seen(ids == [user.id.clone()], format!("{} members", ids.len())),
        })
    };
    sheet.row("group-list-members", listed).await;
}

/// Roles of the group of A.
async fn roles(matrix: &Matrix<'_>, props: &Props) {
    let Matrix { a, b, sheet, .. } = *matrix;
    let to = need(&props.group).map(|group| To::Group(&group.id));
    let on_domain = Ok(On::Domain(&a.domain));
    let on_project = need(&props.project).map(|project| On::Project(&project.id));
    let (role, admin) = (matrix.role_of_a(), matrix.admin());
    for (row, on) in [("group-admin-on-project", &on_project), ("group-admin-on-domain", &on_domain)] {
        let work = async {
            let grant = Grant { on: *need(on)?, to: *need(&to)?, role: need(&admin)? };
            Ok(matrix.gives_in_vain(a, a, grant).await)
        };
        sheet.row(row, work).await;
    }
    for (given, in_vain, taken, on) in [
        ("group-grant-domain", "group-revoke-foreign-domain", "group-revoke-domain", &on_domain),
        ("group-grant-project", "group-revoke-foreign-project", "group-revoke-project", &on_project),
    ] {
        let grant = async { Ok(Grant { on: *need(on)?, to: *need(&to)?, role: need(&role)? }) }.await;
        sheet.row(given, async { Ok(matrix.gives(a, *need(&grant)?).await) }).await;
        sheet.row(in_vain, async { Ok(matrix.takes_in_vain(b, a, *need(&grant)?).await) }).await;
        sheet.row(taken, async { Ok(matrix.takes(a, *need(&grant)?).await) }).await;
    }
}

/// What the manager of B tries with groups of A that have members.
async fn reach_of_the_other(matrix: &Matrix<'_>, props: &mut Props) {
    let Matrix { a, b, sheet, .. } = *matrix;
    let listed = async {
        let answer = b.get(&["groups", &need(&props.group)?.id, "users"]).await;
        Ok(is_forbidden(&answer, &Ok(false)))
    };
    sheet.row("group-list-members-foreign", listed).await;
    let removed = async {
        let path = member_path(&props.group, &props.user)?;
        matrix.needs(a, &path).await?;
        let answer = b.delete(&path).await;
        let effect = a.holds(&path).await.map(|holds| !holds);
        if let Ok(true) = effect {
            restore(a, &path).await;
        }
        Ok(is_forbidden(&answer, &effect))
    };
    sheet.row("group-remove-user-foreign", removed).await;
    matrix.forbidden_deletion("group-delete-foreign-with-member", (b, a), &mut props.group).await;
    let to = need(&props.second).map(|group| To::Group(&group.id));
    let on_project = need(&props.project).map(|project| On::Project(&project.id));
    let role = matrix.role_of_b();
    for (row, on, owner) in [
        ("group-grant-foreign-domain", &Ok(On::Domain(&a.domain)), a),
        ("group-grant-foreign-project", &on_project, a),
        ("group-grant-foreign-group", &Ok(On::Domain(&b.domain)), b),
    ] {
        let work = async {
            let grant = Grant { on: *need(on)?, to: *need(&to)?, role: need(&role)? };
            Ok(matrix.gives_in_vain(b, owner, grant).await)
        };
        sheet.row(row, work).await;
    }
}

/// The path of the membership of a user in a group.
fn member_path<'a>(group: &'a Thing, user: &'a Thing) -> Result<[&'a str; 4], super::told::Missing> {
    Ok(["groups", &need(group)?.id, "users", &need(user)?.id])
}

async fn members_of(manager: &Manager<'_>, group: &str) -> Result<Vec<String>, assay_inventory::Unavailable> {
    let found = manager.list(&["groups", group, "users"], "users", &[]).await?;
    Ok(found.iter().map(|user| user.id().to_owned()).collect())
}
