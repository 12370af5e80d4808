use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::requirements::{Integrators, Layer};

fn layer(name: &str) -> &'static Layer {
    Integrators::get().layer(name).unwrap()
}

fn reference(kind: &str, environment: &str, from: Date) -> Reference {
    Reference {
        kind: kind.into(),
        environment: environment.into(),
        named: true,
        from,
        until: None,
        regions: None,
        zones: None,
        share: None,
        reports: Vec::new(),
        evidence: vec!["https://example.com".into()],
    }
}

fn points(reference: &Reference, day: Date) -> u32 {
    Integrators::get().score(layer("IaaS"), &[reference], day).points
}

fn missing(layer_name: &str, reference: &Reference) -> Vec<String> {
    let score = Integrators::get().score(layer(layer_name), &[reference], date(2026, 11, 23));
    assert_eq!(score.points, 0);
    score.counted[0].missing.iter().map(ToString::to_string).collect()
}

#[test]
fn months_are_complete_on_the_same_day_or_after_a_month_without_it() {
    for (from, half, whole) in [
        (date(2025, 11, 23), date(2026, 5, 23), date(2026, 11, 23)),
        // No 31st of February, nor a 31st of November.
        (date(2025, 8, 31), date(2026, 3, 1), date(2026, 8, 31)),
        (date(2025, 5, 31), date(2025, 12, 1), date(2026, 5, 31)),
        // A leap year, into it and out of it.
        (date(2023, 8, 29), date(2024, 2, 29), date(2024, 8, 29)),
        (date(2023, 8, 30), date(2024, 3, 1), date(2024, 8, 30)),
        (date(2024, 2, 29), date(2024, 8, 29), date(2025, 3, 1)),
        (date(2023, 2, 28), date(2023, 8, 28), date(2024, 2, 28)),
        (date(2025, 12, 31), date(2026, 7, 1), date(2026, 12, 31)),
    ] {
        let managed = reference("managed", "a", from);
        for (day, expected) in
            [(half.yesterday().unwrap(), 0), (half, 1), (whole.yesterday().unwrap(), 1), (whole, 2)]
        {
            assert_eq!(points(&managed, day), expected, "{from} on {day}");
        }
        let production = reference("production", "a", from);
        for (day, expected) in
            [(from.yesterday().unwrap(), 0), (from, 2), (whole, 2), (whole.tomorrow().unwrap(), 0)]
        {
            assert_eq!(points(&production, day), expected, "{from} on {day}");
        }
    }
}

#[test]
fn what_is_missing_is_named() {
    let began = date(2025, 1, 1);
    let over = Reference { until: Some(date(2026, 11, 21)), ..reference("managed", "a", began) };
    assert_eq!(missing("IaaS", &over), ["it ended on 2026-11-21, and has to last"]);
    let yesterday = Reference { until: Some(date(2026, 11, 22)), ..over.clone() };
    assert_eq!(points(&yesterday, date(2026, 11, 23)), 2);
    assert_eq!(
        missing("IaaS", &reference("managed", "a", date(2026, 8, 31))),
        ["it has to have lasted for 6 months, which it will on 2027-03-01"]
    );
    assert_eq!(missing("IaaS", &reference("production", "a", began)), ["it was more than 12 months ago"]);
    let ahead = Reference { evidence: Vec::new(), ..reference("production", "a", date(2026, 11, 24)) };
    assert_eq!(
        missing("IaaS", &ahead),
        [
            "nothing proves it: neither a report nor other evidence is named",
            "it begins on 2026-11-24, which has not come"
        ]
    );
    let joint = Share { part: "the network".into(), proof: " ".into() };
    let joint = Reference { share: Some(joint), ..reference("managed", "a", began) };
    assert_eq!(
        missing("IaaS", &joint),
        ["the own share in the environment, and what proves it, have to be told"]
    );
    let cloud = reference("public-iaas", "a", began);
    assert_eq!(missing("IaaS", &cloud), ["the environment has to have 2 regions or 3 availability zones"]);
    let small = Reference { regions: Some(1), zones: Some(2), ..cloud.clone() };
    assert_eq!(missing("IaaS", &small).len(), 1);
    for (regions, zones) in [(Some(2), None), (None, Some(3)), (Some(1), Some(3))] {
        let large = Reference { regions, zones, ..cloud.clone() };
        assert_eq!(points(&large, date(2026, 11, 23)), 2);
    }
    let large = Reference { regions: Some(2), ..cloud };
    assert_eq!(missing("KaaS", &large), ["evidence of the kind public-iaas does not count for KaaS"]);
    assert_eq!(
        missing("IaaS", &reference("told", "a", began)),
        ["there is no evidence of the kind \"told\""]
    );
}

#[test]
fn the_arithmetic_is_told() {
    let (one, other) =
        (reference("managed", "A ", date(2026, 5, 1)), reference("managed", "a", date(2025, 5, 1)));
    let third = reference("production", "a", date(2026, 1, 31));
    let score = Integrators::get().score(layer("KaaS"), &[&one, &other, &third], date(2026, 11, 23));
    assert_eq!((score.points, score.tier.unwrap().name.as_str()), (4, "Silver"));
    assert_eq!(score.counted[0].missing, [Missing::Counted]);
    assert_eq!(
        score.counted[1].arithmetic,
        "actively managed since 2025-05-01, for 12 months or more on 2026-11-23: 2 points"
    );
    assert_eq!(
        score.counted[2].arithmetic,
        "brought into production on 2026-01-31, at most 12 months before 2026-11-23: 2 points"
    );
}

fn days() -> impl Strategy<Value = Date> {
    (0..800_i32).prop_map(|back| date(2026, 12, 23).checked_sub(jiff::ToSpan::days(back)).unwrap())
}

fn references() -> impl Strategy<Value = Vec<Reference>> {
    let kinds = prop::sample::select(vec!["production", "managed", "public-iaas", "public-kaas", "none"]);
    let environments = prop::sample::select(vec!["a", "A", "b", "c"]);
    let all = (kinds, environments, days(), prop::option::of(days()), prop::option::of(0..4_u32));
    let one = all.prop_map(|(kind, environment, from, until, zones)| Reference {
        until,
        zones,
        ..reference(kind, environment, from)
    });
    prop::collection::vec(one, 0..8)
}

proptest! {
    #[test]
    fn one_more_never_lowers_the_score(all in references()) {
        let table = Integrators::get();
        let all: Vec<&Reference> = all.iter().collect();
        for layer in &table.layers {
            let mut last = 0;
            for count in 0..=all.len() {
                let points = table.score(layer, &all[..count], date(2026, 11, 23)).points;
                prop_assert!(points >= last);
                last = points;
            }
        }
    }

    #[test]
    fn the_order_does_not_matter(all in references(), turn in 0..8_usize) {
        let table = Integrators::get();
        let sorted = |mut all: Vec<(Reference, u32)>| { all.sort(); all };
        let reckoned = |all: &[Reference]| {
            let references: Vec<&Reference> = all.iter().collect();
            let score = table.score(&table.layers[0], &references, date(2026, 11, 23));
            let each = all.iter().cloned().zip(score.counted.iter().map(|counted| counted.points));
            (score.points, sorted(each.collect()))
        };
        let mut other = all.clone();
        other.rotate_left(turn.min(all.len()));
        prop_assert_eq!(reckoned(&all), reckoned(&other));
        other.reverse();
        prop_assert_eq!(reckoned(&all), reckoned(&other));
    }
}
