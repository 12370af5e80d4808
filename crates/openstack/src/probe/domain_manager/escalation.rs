//! Attempts to gain rights. What they would do if they succeeded is harmless, or undone at once: nobody gets
//! more than the manager of one domain for a moment, no role loses or changes anything, and no role that was
//! there before is deleted. Whether roles can be deleted is therefore not tried.

use assay_inventory::{Leftover, Record, Unavailable};
use assay_journal::Kind;
use http::Method;
use serde_json::{Value, json};

use super::manager::{Grant, Manager, On, To};
use super::matrix::{ADMIN, Matrix};
use super::sheet::Sheet;
use super::told::{Answer, Effect, Missing, Told, has_no_effect, is_forbidden, need, works};
use crate::listing::object;

/// Lists all roles, which is a row of its own.
pub(super) async fn list(a: &Manager<'_>, sheet: &Sheet<'_>) -> Result<Vec<Record>, Missing> {
    const ROW: &str = "role-list";
    let found = a.list(&["roles"], "roles", &[]).await;
    let roles = match found {
        Ok(roles) => roles,
        Err(why) => {
            let missing = Missing(format!("the manager of {} could not list roles: {why}", a.name));
            sheet.tell(ROW, works(&Err(why)));
            return Err(missing);
        }
    };
    let has = |name: &str| roles.iter().any(|role| role.text("name").value() == Some(name));
    let told = match (has(ADMIN), has(a.role)) {
        (false, _) => Told::seen(false, format!("{ADMIN} is not among {} roles", roles.len())),
        // That it does not exist is as likely.
        (true, false) => Missing(format!("{} is not among {} roles", a.role, roles.len())).into(),
        (true, true) => Told::seen(true, format!("{} roles", roles.len())),
    };
    sheet.tell(ROW, told);
    Ok(roles)
}

pub(super) async fn escalation(matrix: &Matrix<'_>) {
    let a = matrix.a;
    roles(matrix).await;
    admin_roles(matrix).await;
    let name = a.name_of("domain");
    forbidden_creation(matrix, "domain-create", "domains", "domain", json!({"name": name})).await;
    let name = a.name_of("project-domain");
    let fields = json!({"name": name, "is_domain": true});
    forbidden_creation(matrix, "domain-create-as-project", "projects", "project", fields).await;
}

/// Roles themselves: creating, changing, letting one imply another.
async fn roles(matrix: &Matrix<'_>) {
    let Matrix { a, sheet, .. } = *matrix;
    let name = a.name_of("role");
    forbidden_creation(matrix, "role-create", "roles", "role", json!({"name": name})).await;
    let fields = json!({"name": a.name_of("domain-role"), "domain_id": a.domain});
    forbidden_creation(matrix, "role-create-in-domain", "roles", "role", fields).await;
    let changed = async {
        // An immutable role would be refused to everybody, which says nothing.
        let roles = need(&matrix.roles)?;
        let role = roles.iter().find(|role| !is_immutable(role)).or(roles.first());
        let role = role.ok_or_else(|| Missing("there is no role".into()))?;
        let name = role.text("name").value().unwrap_or_default();
        let body = json!({"role": {"name": name}});
        let answer = a.call(Method::PATCH, &["roles", role.id()], Some(body)).await;
        Ok(is_forbidden(&answer, &Ok(false)))
    };
    sheet.row("role-update", changed).await;
    let implied = async {
        let (admin, role) = (matrix.admin()?, matrix.role_of_a()?);
        let path = ["roles", admin, "implies", role];
        let answer = a.put(&path).await;
        // A conflict means that it is implied already and that this would have been allowed.
        let is_conflict = matches!(&answer, Err(why) if why.status == Some(409));
        if answer.is_ok() {
            let look = async || a.holds(&path).await;
            let left = matrix.take_back([a, a], &path, "implied role", look).await;
            sheet.left(left);
        }
        Ok(is_forbidden(&answer, &Ok(is_conflict)))
    };
    sheet.row("role-imply", implied).await;
}

fn is_immutable(role: &Record) -> bool {
    role.map("options").value().and_then(|options| options.get("immutable")).and_then(Value::as_bool)
        == Some(true)
}

/// The role admin, and roles on the system.
async fn admin_roles(matrix: &Matrix<'_>) {
    let Matrix { a, sheet, .. } = *matrix;
    let user = matrix.prop(a, Kind::User, "role-user").await;
    let project = matrix.prop(a, Kind::Project, "role-project").await;
    let admin = matrix.admin();
    let on_domain = Ok(On::Domain(&a.domain));
    let on_project = need(&project).map(|project| On::Project(&project.id));
    let to_self = Ok(To::User(&a.user));
    let to_user = need(&user).map(|user| To::User(&user.id));
    for (row, on, to) in [
        ("admin-to-self-on-domain", &on_domain, &to_self),
        ("admin-to-self-on-project", &on_project, &to_self),
        ("admin-to-user-on-domain", &on_domain, &to_user),
        ("admin-to-user-on-project", &on_project, &to_user),
    ] {
        let work = async {
            let grant = Grant { on: *need(on)?, to: *need(to)?, role: need(&admin)? };
            Ok(matrix.gives_in_vain(a, a, grant).await)
        };
        sheet.row(row, work).await;
    }
    let inherited = async {
        let admin = need(&admin)?;
        let path =
            ["OS-INHERIT", "domains", &a.domain, "users", &a.user, "roles", admin, "inherited_to_projects"];
        Ok(puts_in_vain(matrix, &path, async || a.holds(&path).await, true).await)
    };
    sheet.row("admin-to-self-inherited", inherited).await;
    let system_admin = async {
        let path = ["system", "users", &a.user, "roles", need(&admin)?];
        Ok(puts_in_vain(matrix, &path, async || a.holds(&path).await, true).await)
    };
    sheet.row("system-admin-to-self", system_admin).await;
    let system_role = async {
        let user = need(&user)?;
        let path = ["system", "users", &user.id, "roles", matrix.role_of_a()?];
        // Managers cannot look at roles on the system; whether the user gets a token of it tells.
        let password = a.new_password();
        let body = json!({"user": {"password": password}});
        let has_password = a.call(Method::PATCH, &["users", &user.id], Some(body)).await.map(|_| ());
        let look = async || match &has_password {
            Ok(()) => a.reaches_system(&user.id, &password).await,
            Err(why) => Err(Unavailable::clone(why)),
        };
        Ok(puts_in_vain(matrix, &path, look, false).await)
    };
    sheet.row("system-role-to-user", system_role).await;
}

/// Puts something in place that must have no effect, and takes it back at once. What stays when its user goes
/// is a leftover.
async fn puts_in_vain(
    matrix: &Matrix<'_>,
    path: &[&str],
    look: impl AsyncFn() -> Effect,
    stays: bool,
) -> Told {
    let answer = matrix.a.put(path).await;
    let effect = look().await;
    let told = has_no_effect(&answer, &effect, &[]);
    if answer.is_ok() || matches!(effect, Ok(true)) {
        let left = matrix.take_back([matrix.a, matrix.b], path, "role assignment", look).await;
        matrix.sheet.left(left.filter(|_| stays));
    }
    told
}

/// A row in which the manager of A creates what no domain manager may create at all.
async fn forbidden_creation(
    matrix: &Matrix<'_>,
    row: &'static str,
    path: &'static str,
    wrapper: &'static str,
    fields: Value,
) {
    let Matrix { a, sheet, .. } = *matrix;
    let name = fields["name"].as_str().unwrap_or_default().to_owned();
    let answer = a.call(Method::POST, &[path], Some(json!({wrapper: fields}))).await;
    let id = created(&answer, wrapper);
    let is_there = async || {
        let found = a.list(&[path], path, &[("name", &name)]).await?;
        Ok(found.iter().any(|item| item.text("name").value() == Some(&name)))
    };
    let effect = match &id {
        Some(_) => Ok(true),
        None => is_there().await,
    };
    sheet.tell(row, is_forbidden(&answer, &effect));
    match id {
        Some(id) => delete(matrix, [path, &id], wrapper, &name).await,
        None if matches!(effect, Ok(true)) || answer.is_ok() => sheet.left([Leftover {
            kind: wrapper.into(),
            name,
            id: None,
            why: "it was created, but its id is not known".into(),
        }]),
        None => {}
    }
}

/// The id of what a call has created.
fn created(answer: &Answer, wrapper: &str) -> Option<String> {
    let body = object(answer.as_ref().ok()?).ok()?;
    let id = body.get(wrapper)?.get("id")?.as_str()?;
    (!id.is_empty()).then(|| id.to_owned())
}

/// Deletes what could be created although it must not; domains only go when they are disabled.
async fn delete(matrix: &Matrix<'_>, path: [&str; 2], wrapper: &str, name: &str) {
    let a: &Manager<'_> = matrix.a;
    if wrapper != "role" {
        let disabled = a.call_anyway(Method::PATCH, &path, Some(json!({wrapper: {"enabled": false}}))).await;
        if let Err(why) = disabled {
            tracing::debug!(%why, "a domain that must not exist could not be disabled");
        }
    }
    let look = async || match a.call_anyway(Method::GET, &path, None).await {
        Ok(_) => Ok(true),
        Err(why) if why.status == Some(404) => Ok(false),
        Err(why) => Err(why),
    };
    if let Some(left) = matrix.take_back([a, matrix.b], &path, wrapper, look).await {
        let id = Some(path[1].to_owned());
        matrix.sheet.left([Leftover { name: name.to_owned(), id, ..left }]);
    }
}
