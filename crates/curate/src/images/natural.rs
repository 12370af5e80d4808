//! The order in which people put versions: 1.9 comes before 1.10.

use std::cmp::Ordering;

/// What always changes is newer than anything with a number.
const LATEST: &str = "latest";

/// Compares two versions: numbers by their values, everything else letter by letter.
pub(super) fn compare(one: &str, other: &str) -> Ordering {
    let by_latest = (one == LATEST).cmp(&(other == LATEST));
    by_latest.then_with(|| {
        let (mut left, mut right) = (one, other);
        loop {
            let ordering = match (left.is_empty(), right.is_empty()) {
                // Versions that differ only in leading zeros are not the same.
                (true, true) => return one.cmp(other),
                (true, false) => return Ordering::Less,
                (false, true) => return Ordering::Greater,
                (false, false) => {
                    let (first, rest) = part(left);
                    let (second, other_rest) = part(right);
                    (left, right) = (rest, other_rest);
                    compare_parts(first, second)
                }
            };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
    })
}

/// A number or what is none, and the rest.
fn part(text: &str) -> (&str, &str) {
    let is_number = text.starts_with(|first: char| first.is_ascii_digit());
    let end = text.find(|letter: char| letter.is_ascii_digit() != is_number).unwrap_or(text.len());
    text.split_at(end)
}

fn compare_parts(one: &str, other: &str) -> Ordering {
    let is_number = |part: &str| part.starts_with(|first: char| first.is_ascii_digit());
    if !is_number(one) || !is_number(other) {
        return one.cmp(other);
    }
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_stand_as_people_would_put_them() {
        let sorted =
            ["", "1.9", "1.09.1", "1.10", "2", "10", "20240101", "20260101.1", "a", "v1.2", "latest"];
        let mut mixed = sorted;
        mixed.reverse();
        mixed.sort_by(|one, other| compare(one, other));
        assert_eq!(mixed, sorted);
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in "[0-9a.]{0,6}", b in "[0-9a.]{0,6}", c in "[0-9a.]{0,6}") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&a, &b) == Ordering::Equal, a == b);
            if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
                prop_assert!(compare(&a, &c).is_le());
            }
        }
    }
}
