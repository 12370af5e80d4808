use assay_yaml::distance;

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
    }
}
