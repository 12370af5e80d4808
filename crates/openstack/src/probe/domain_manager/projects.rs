//! Projects, and the roles of users on them.

use assay_journal::Kind;
use serde_json::json;

use super::manager::{Grant, On, To};
use super::matrix::Matrix;
use super::told::{Told, has_no_effect, is_forbidden, need, works};
use super::users::sees_own_alone;

pub(super) async fn projects(matrix: &Matrix<'_>) {
    let Matrix { a, b, sheet, .. } = *matrix;
    let project = matrix.creation("project-create", a, Kind::Project, "project").await;
    let mut other = matrix.creation("project-create-other", b, Kind::Project, "project").await;
    let user = matrix.prop(a, Kind::User, "project-user").await;
    let foreign_user = matrix.prop(b, Kind::User, "project-user").await;
    matrix.finds_by_name("project-find-by-name", a, &project).await;
    matrix.finds_by_id("project-find-by-id", a, &project).await;
    matrix.changes("project-update", a, &project, "description").await;
    sheet.row("project-list", async { Ok(sees_own_alone(a, "projects", &need(&project)?.id).await) }).await;

    matrix
        .forbidden_creation("project-create-without-domain", a, Kind::Project, "project-no-domain", None)
        .await;
    let domain = Some(b.domain.as_str());
    matrix.forbidden_creation("project-create-foreign", b, Kind::Project, "project-foreign", domain).await;
    let below = async {
        let fields = json!({"domain_id": a.domain, "parent_id": need(&other)?.id});
        let (answer, made) = a.create_in(a, Kind::Project, "project-below", fields).await;
        let effect = a.has(Kind::Project, &a.name_of("project-below")).await;
        if let Some(made) = &made {
            matrix.undo(a, made).await;
        }
        Ok(has_no_effect(&answer, &effect, &[400, 404]))
    };
    sheet.row("project-create-below-foreign", below).await;
    matrix.search_by_name("project-find-foreign-by-name", a, &other).await;
    matrix.search_by_id("project-find-foreign-by-id", a, &other).await;
    matrix.forbidden_change("project-update-foreign", (a, b), &other, "description").await;
    matrix.forbidden_deletion("project-delete-foreign", (a, b), &mut other).await;

    let own =
        async { Ok((On::Project(&need(&project)?.id), To::User(&need(&user)?.id), matrix.role_of_a()?)) };
    let own = own.await.map(|(on, to, role)| Grant { on, to, role });
    sheet.row("project-grant", async { Ok(matrix.gives(a, *need(&own)?).await) }).await;
    let listed = async {
        matrix.needs(a, &need(&own)?.path()).await?;
        let (user, project) = (need(&user)?, need(&project)?);
        let found = a.list(&["users", &user.id, "projects"], "projects", &[]).await;
        Ok(match found {
            Err(why) => works(&Err(why)),
            Ok(found) => {
                let ids: Vec<&str> = found.iter().map(assay_inventory::Record::id).collect();
                Told::seen(ids == [project.id.as_str()], format!("{} projects", ids.len()))
            }
        })
    };
    sheet.row("project-list-of-user", listed).await;
    sheet.row("project-revoke", async { Ok(matrix.takes(a, *need(&own)?).await) }).await;

    let (on_a, on_b) =
        (need(&project).map(|made| On::Project(&made.id)), need(&other).map(|made| On::Project(&made.id)));
    let (to_a, to_b) =
        (need(&user).map(|made| To::User(&made.id)), need(&foreign_user).map(|made| To::User(&made.id)));
    let role = matrix.role_of_a();
    for (row, on, to, owner) in [
        ("project-grant-foreign", &on_b, &to_b, b),
        ("project-grant-foreign-user", &on_a, &to_b, a),
        ("project-grant-foreign-project", &on_b, &to_a, b),
    ] {
        let work = async {
            let grant = Grant { on: *need(on)?, to: *need(to)?, role: need(&role)? };
            Ok(matrix.gives_in_vain(a, owner, grant).await)
        };
        sheet.row(row, work).await;
    }
    let by_other = async { Ok(Grant { on: *need(&on_b)?, to: *need(&to_b)?, role: matrix.role_of_b()? }) };
    let by_other = by_other.await;
    sheet.row("project-grant-other", async { Ok(matrix.gives(b, *need(&by_other)?).await) }).await;
    let in_vain = async { Ok(matrix.takes_in_vain(a, b, *need(&by_other)?).await) };
    sheet.row("project-revoke-foreign", in_vain).await;
    let of_foreign_user = async {
        let answer = a.get(&["users", &need(&foreign_user)?.id, "projects"]).await;
        Ok(is_forbidden(&answer, &Ok(false)))
    };
    sheet.row("project-list-of-foreign-user", of_foreign_user).await;

    matrix.deletion("project-delete", a, &project).await;
}
