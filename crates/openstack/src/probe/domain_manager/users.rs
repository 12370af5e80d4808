//! Users, and their roles on domains.

use assay_inventory::Record;
use assay_journal::Kind;

use super::manager::{Grant, Manager, On, To};
use super::matrix::Matrix;
use super::told::{Told, need, works};

pub(super) async fn users(matrix: &Matrix<'_>) {
    let Matrix { a, b, sheet, .. } = *matrix;
    let user = matrix.creation("user-create", a, Kind::User, "user").await;
    let mut other = matrix.creation("user-create-other", b, Kind::User, "user").await;
    matrix.finds_by_name("user-find-by-name", a, &user).await;
    matrix.finds_by_id("user-find-by-id", a, &user).await;
    matrix.changes("user-update", a, &user, "email").await;
    sheet.row("user-list", async { Ok(sees_own_alone(a, "users", &need(&user)?.id).await) }).await;

    matrix.forbidden_creation("user-create-without-domain", a, Kind::User, "user-no-domain", None).await;
    let foreign = Some(b.domain.as_str());
    matrix.forbidden_creation("user-create-foreign", b, Kind::User, "user-foreign", foreign).await;
    matrix.search_by_name("user-find-foreign-by-name", a, &other).await;
    matrix.search_by_id("user-find-foreign-by-id", a, &other).await;
    matrix.forbidden_change("user-update-foreign", (a, b), &other, "email").await;
    matrix.forbidden_deletion("user-delete-foreign", (a, b), &mut other).await;

    let own = async || Ok((To::User(&need(&user)?.id), matrix.role_of_a()?));
    let foreign = async || Ok((To::User(&need(&other)?.id), matrix.role_of_a()?));
    let (on_a, on_b) = (On::Domain(&a.domain), On::Domain(&b.domain));
    let given = async {
        let (to, role) = own().await?;
        Ok(matrix.gives(a, Grant { on: on_a, to, role }).await)
    };
    sheet.row("user-grant", given).await;
    let taken = async {
        let (to, role) = own().await?;
        Ok(matrix.takes(a, Grant { on: on_a, to, role }).await)
    };
    sheet.row("user-revoke", taken).await;
    let on_foreign_domain = async {
        let (to, role) = own().await?;
        Ok(matrix.gives_in_vain(a, b, Grant { on: on_b, to, role }).await)
    };
    sheet.row("user-grant-foreign-domain", on_foreign_domain).await;
    let all_foreign = async {
        let (to, role) = foreign().await?;
        Ok(matrix.gives_in_vain(a, b, Grant { on: on_b, to, role }).await)
    };
    sheet.row("user-grant-foreign", all_foreign).await;
    let to_foreign_user = async {
        let (to, role) = foreign().await?;
        Ok(matrix.gives_in_vain(a, a, Grant { on: on_a, to, role }).await)
    };
    sheet.row("user-grant-foreign-user", to_foreign_user).await;

    let by_other =
        async { Ok(Grant { on: on_b, to: To::User(&need(&other)?.id), role: matrix.role_of_b()? }) };
    let by_other = by_other.await;
    sheet.row("user-grant-other", async { Ok(matrix.gives(b, *need(&by_other)?).await) }).await;
    let in_vain = async { Ok(matrix.takes_in_vain(a, b, *need(&by_other)?).await) };
    sheet.row("user-revoke-foreign", in_vain).await;

    matrix.deletion("user-delete", a, &user).await;
}

/// The list of a manager holds what is new, and nothing of other domains.
pub(super) async fn sees_own_alone(manager: &Manager<'_>, list: &str, id: &str) -> Told {
    let found = match manager.list(&[list], list, &[]).await {
        Ok(found) => found,
        Err(why) => return works(&Err(why)),
    };
    let domain = |item: &Record| item.text("domain_id").value().map(str::to_owned);
    let foreign = found.iter().find(|item| domain(item).as_deref() != Some(&manager.domain));
    match foreign {
        Some(item) => Told::seen(
            false,
            format!("{} of domain {} is in the list", item.id(), domain(item).unwrap_or_default()),
        ),
        None if found.iter().any(|item| item.id() == id) => {
            Told::seen(true, format!("{} {list}", found.len()))
        }
        None => Told::seen(false, format!("the new one is not among {} {list}", found.len())),
    }
}
