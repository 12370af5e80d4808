//! Attempts to gain rights. What they would do if they succeeded is harmless, or undone at once: nobody gets
//! more than the manager of one domain for a moment, no role loses or changes anything, and no role that was
//! there before is deleted. Whether roles can be deleted is therefore not tried.

use assay_inventory::{Record, Unavailable};
use assay_journal::Kind;
use http::Method;
use serde_json::{Value, json};

use super::manager::{Grant, Manager, On, To};
use super::matrix::{ADMIN, Matrix, UNDO, intend_grant};
use super::sheet::Sheet;
use super::told::{Missing, Told, is_forbidden, need, works};

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
    roles(matrix).await;
    admin_roles(matrix).await;
    forbidden_creation(matrix, "domain-create", ("domains", "domain"), (Kind::Domain, "domain"), None).await;
    let row = "domain-create-as-project";
    forbidden_creation(matrix, row, ("projects", "project"), (Kind::Domain, "project-domain"), None).await;
}

/// Roles themselves: creating, changing, letting one imply another.
async fn roles(matrix: &Matrix<'_>) {
    const ROLES: (&str, &str) = ("roles", "role");
    let Matrix { a, sheet, .. } = *matrix;
    forbidden_creation(matrix, "role-create", ROLES, (Kind::Role, "role"), None).await;
    let (row, within) = ("role-create-in-domain", Some(a.domain.as_str()));
    forbidden_creation(matrix, row, ROLES, (Kind::Role, "domain-role"), within).await;
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
        let entry = intend_grant(a, &path)?;
        let answer = a.put(&path).await;
        // A conflict means that it is implied already and that this would have been allowed.
        let is_conflict = matches!(&answer, Err(why) if why.status == Some(409));
        let given = (Some(entry), &answer, answer.is_ok());
        matrix.take_grant_back([a, a], &path, given, async || a.holds(&path).await).await;
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
        Ok(matrix.puts_in_vain((a, a), &path, async || a.holds(&path).await, true).await)
    };
    sheet.row("admin-to-self-inherited", inherited).await;
    let system_admin = async {
        let path = ["system", "users", &a.user, "roles", need(&admin)?];
        Ok(matrix.puts_in_vain((a, a), &path, async || a.holds(&path).await, true).await)
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
        Ok(matrix.puts_in_vain((a, a), &path, look, false).await)
    };
    sheet.row("system-role-to-user", system_role).await;
}

/// A row in which the manager of A creates what no domain manager may create at all.
async fn forbidden_creation(
    matrix: &Matrix<'_>,
    row: &'static str,
    at: (&str, &str),
    (kind, what): (Kind, &str),
    within: Option<&str>,
) {
    let Matrix { a, sheet, .. } = *matrix;
    let fields = match (at.0, within) {
        ("projects", _) => json!({"is_domain": true}),
        (_, Some(domain)) => json!({"domain_id": domain}),
        (_, None) => json!({}),
    };
    let (answer, made) = a.create_at(at, (a, kind, what), within, fields).await;
    let name = a.name_of(what);
    let effect = match &made {
        Some(_) => Ok(true),
        None => a.has_within(kind, &name, within).await,
    };
    sheet.tell(row, is_forbidden(&answer, &effect));
    match made {
        Some(made) => matrix.undo(a, &made).await,
        None if matches!(effect, Ok(true)) => sheet.left(a.undo_named(kind, (&name, within), UNDO).await),
        None => {}
    }
}
