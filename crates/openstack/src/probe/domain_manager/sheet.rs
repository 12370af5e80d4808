//! The sheet on which every row is filled in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use assay_inventory::{
    DomainManagerBasis as Basis, DomainManagerBatch as Batch, DomainManagerExpectation as Expectation,
    DomainManagerRow, FactId, Leftover,
};

use super::rows::{ROWS, Row};
use super::told::{Missing, Told};
use crate::Event;

/// What became of the rows so far.
pub(super) struct Sheet<'a> {
    events: &'a (dyn Fn(Event) + Sync),
    logins: Mutex<Vec<DomainManagerRow>>,
    rows: Mutex<HashMap<&'static str, Told>>,
    leftovers: Mutex<Vec<Leftover>>,
}

/// What is tried in a login row.
#[derive(Clone, Copy)]
pub(super) enum LoginRow {
    Token,
    OneSelf,
    Domain,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(events: &'a (dyn Fn(Event) + Sync)) -> Self {
        Sheet { events, logins: Mutex::default(), rows: Mutex::default(), leftovers: Mutex::default() }
    }

    /// Works on a row and fills it in.
    pub(super) async fn row(&self, id: &'static str, work: impl Future<Output = Result<Told, Missing>>) {
        self.tell(id, work.await.unwrap_or_else(Told::from));
    }

    /// Fills in a row.
    pub(super) fn tell(&self, id: &'static str, told: Told) {
        let items = {
            let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows.insert(id, told);
            rows.len()
        };
        (self.events)(Event::Progress { fact: FactId::DomainManagers, items });
    }

    /// Fills in a login row of the domain with this number, from 1.
    pub(super) fn tell_login(&self, number: usize, domain: &str, row: LoginRow, told: Told) {
        let (id, what) = match row {
            LoginRow::Token => (format!("login-{number}"), "gets a token of the domain"),
            LoginRow::OneSelf => (format!("login-{number}-self"), "looks up the own user"),
            LoginRow::Domain => (format!("login-{number}-domain"), "finds the own domain"),
        };
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).push(DomainManagerRow {
            id,
            batch: Batch::Logins,
            what: format!("the manager of {domain} {what}"),
            expected: Expectation::Allowed,
            basis: Basis::Both,
            outcome: told.outcome,
            seen: told.seen,
            request_id: told.request_id,
        });
    }

    /// Notes what could not be undone.
    pub(super) fn left(&self, leftovers: impl IntoIterator<Item = Leftover>) {
        self.leftovers.lock().unwrap_or_else(PoisonError::into_inner).extend(leftovers);
    }

    /// All rows in their order; those that nobody filled in were not tried for this reason.
    pub(super) fn finish(
        self,
        (a, b, role): (&str, &str, &str),
        untold: &str,
    ) -> (Vec<DomainManagerRow>, Vec<Leftover>) {
        let mut told = self.rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut rows = self.logins.into_inner().unwrap_or_else(PoisonError::into_inner);
        rows.extend(ROWS.iter().map(|row| {
            let told = told.remove(row.id).unwrap_or_else(|| Missing(untold.to_owned()).into());
            filled(row, told, (a, b, role))
        }));
        (rows, self.leftovers.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

fn filled(row: &Row, told: Told, (a, b, role): (&str, &str, &str)) -> DomainManagerRow {
    DomainManagerRow {
        id: row.id.into(),
        batch: row.batch,
        what: named(row.what, &[("{a}", a), ("{b}", b), ("{role}", role)]),
        expected: row.expected,
        basis: row.basis,
        outcome: told.outcome,
        seen: told.seen,
        request_id: told.request_id,
    }
}

/// Text with names in the place of marks; a name that looks like a mark stays as it is.
fn named(text: &str, names: &[(&str, &str)]) -> String {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, marked) = rest.split_at(at);
        done.push_str(before);
        if let Some((mark, name)) = names.iter().find(|(mark, _)| marked.starts_with(mark)) {
            done.push_str(name);
            rest = &marked[mark.len()..];
        } else {
            done.push('{');
            rest = &marked[1..];
        }
    }
    done.push_str(rest);
    done
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use assay_inventory::DomainManagerOutcome::{Conforms, NotTried};

    use super::*;

    #[test]
    fn every_row_is_there_whether_it_was_filled_in_or_not() {
        let sheet = Sheet::new(&|_| ());
        let told = Told { outcome: Conforms, seen: "HTTP 201".into(), request_id: None };
        sheet.tell_login(1, "alpha", LoginRow::OneSelf, told.clone());
        sheet.tell("user-create", told);
        let (rows, leftovers) = sheet.finish(("alpha", "beta", "member"), "nobody came");
        assert_eq!((rows.len(), leftovers.len()), (ROWS.len() + 1, 0));
        let seen: Vec<_> =
            rows.iter().take(3).map(|row| (row.id.as_str(), row.outcome, row.seen.as_str())).collect();
        assert_eq!(
            seen,
            [
                ("login-1-self", Conforms, "HTTP 201"),
                ("user-create", Conforms, "HTTP 201"),
                ("user-find-by-name", NotTried, "nobody came"),
            ]
        );
        assert!(rows.iter().all(|row| !row.what.contains('{')), "every mark has a name");
    }

    #[test]
    fn ids_are_unique_and_in_kebab_case() {
        let ids: BTreeSet<&str> = ROWS.iter().map(|row| row.id).collect();
        assert_eq!(ids.len(), ROWS.len());
        let is_kebab = |id: &str| {
            id.split('-').all(|part| part.bytes().all(|b| b.is_ascii_lowercase()) && !part.is_empty())
        };
        assert!(ids.iter().all(|id| is_kebab(id)));
    }

    #[test]
    fn names_are_put_in_once() {
        assert_eq!(named("{a} and {b}{", &[("{a}", "{b}"), ("{b}", "x")]), "{b} and x{");
    }
}
