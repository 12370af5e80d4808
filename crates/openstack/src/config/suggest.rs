/// The known name that was probably meant.
pub(super) fn closest(name: &str, known: &[String]) -> Option<String> {
    let wanted = name.to_lowercase();
    known
        .iter()
        .map(|candidate| (distance(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 2.max(candidate.chars().count() / 4))
        .min()
        .map(|(_, candidate)| candidate.clone())
}

/// Edit distance after Levenshtein.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_are_recognised_and_other_names_are_not() {
        let known = ["gx-scs".to_owned(), "pco-prod1".to_owned(), "regio-a".to_owned()];
        for (name, meant) in [
            ("gxscs", Some("gx-scs")),
            ("PCO-Prod1", Some("pco-prod1")),
            ("pco-prod2", Some("pco-prod1")),
            ("wavestack", None),
        ] {
            assert_eq!(closest(name, &known).as_deref(), meant, "{name}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
