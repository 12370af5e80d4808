//! The report as one page: no script, nothing loaded from elsewhere, light and dark, for screen and paper.

mod view;
mod waterfall;

use askama::Template;

use crate::text::visible;
use crate::{RenderError, Report};

/// The page. Testcases are addressed by `#testcase-id`, those of the second subject by `#testcase-id-2`,
/// and so on.
pub fn html(reports: &[Report]) -> Result<String, RenderError> {
    let mut page = Page::of(reports).render()?;
    page.push('\n');
    Ok(page)
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    title: String,
    subjects: Vec<view::Subject>,
}

impl Page {
    fn of(reports: &[Report]) -> Self {
        let names: Vec<_> = reports.iter().map(|report| visible(&report.subject.cloud)).collect();
        let title = match names.as_slice() {
            [] => "Nothing was checked".to_owned(),
            names => format!("{} – conformance report", names.join(", ")),
        };
        Page { title, subjects: (1..).zip(reports).map(|(n, report)| view::Subject::of(report, n)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::Chosen;
    use crate::fixture;

    /// The values of an attribute, wherever it stands.
    fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
        page.split(&format!(" {name}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn the_page_keeps_its_shape() {
        let page = html(&[fixture::report()]).unwrap();
        let body = page.split_once("</style>").unwrap().1;
        insta::assert_snapshot!(body);
    }

    #[test]
    fn nothing_of_a_cloud_becomes_markup_and_nothing_is_loaded() {
        let page = html(&[fixture::report()]).unwrap();
        for forbidden in
            ["<script", "<h1>Down", "javascript:", "<img", "<link", "@import", "url(", " style=", " src="]
        {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains("alert("), "the fixture lost its hostile name");
        assert!(!page.chars().any(|c| c != '\n' && crate::text::is_invisible(c)));
        assert!(
            attributes(&page, "href")
                .iter()
                .all(|link| link.starts_with('#') || link.starts_with("https://"))
        );
    }

    #[test]
    fn every_testcase_has_one_anchor_and_every_local_link_an_aim() {
        let page = html(&[fixture::report(), fixture::report()]).unwrap();
        let ids = attributes(&page, "id");
        let aims: HashSet<&str> = ids.iter().copied().collect();
        assert_eq!(aims.len(), ids.len(), "an anchor stands twice");
        for id in [fixture::PASSES, fixture::FAILS, fixture::FAILS_BY_TEXT, fixture::ABORTS, fixture::MISSES]
        {
            assert!(aims.contains(id), "{id}");
            assert!(aims.contains(format!("{id}-2").as_str()), "{id} of the second subject");
        }
        for link in attributes(&page, "href").iter().filter_map(|link| link.strip_prefix('#')) {
            assert!(aims.contains(link), "{link} leads nowhere");
        }
    }

    #[test]
    fn what_people_declare_is_told_from_what_is_measured() {
        let page = html(&[fixture::report()]).unwrap();
        // A row has a chip for each reading; what fails by the text alone has a card as well.
        assert_eq!(page.matches("declared\">PASS<").count(), 2);
        assert_eq!(page.matches("declared\">FAIL<").count(), 2);
        assert!(!page.contains("href=\"https://docs.example.org/a|b"), "no address that a page may link to");
        assert!(page.contains("PASS, declared by Jane Doe, Head of Operations, on 2026-11-20"));
        assert!(
            page.contains("counted officially through 2026-10-11, counts by the text through 2027-03-31")
        );
        assert!(page.contains("href=\"https://docs.example.org/kms#hsm\""));
        assert!(!page.contains("jane@example.org"), "pages are public, contacts are not");
    }

    #[test]
    fn a_reading_that_was_not_asked_for_is_not_shown() {
        let page = |chosen| html(&[Report { chosen, ..fixture::report() }]).unwrap();
        assert!(page(Chosen::Both).contains("The readings differ"));
        for chosen in [Chosen::Official, Chosen::Text] {
            assert!(!page(chosen).contains("The readings differ"), "{chosen:?}");
        }
        assert!(!page(Chosen::Official).contains("min_disk in GiB"));
        assert!(page(Chosen::Text).contains("min_disk in GiB"));
    }

    #[test]
    fn a_run_without_calls_or_trouble_has_no_empty_parts() {
        let mut report = fixture::report();
        report.timings = crate::Timings::default();
        report.unavailable.clear();
        report.testcases.retain(|testcase| testcase.id == fixture::PASSES);
        let page = html(&[report]).unwrap();
        for part in ["<svg class=\"waterfall\"", "id=\"findings\"", "id=\"unavailable\""] {
            assert!(!page.contains(part), "{part}");
        }
    }
}
