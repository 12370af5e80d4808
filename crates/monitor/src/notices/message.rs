use std::fmt::Write as _;

use assay_report::visible;
use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

/// What somebody is told, as it waits in the outbox and goes to webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    /// What kind of message, for those who get several.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The rule that it comes from.
    pub(crate) rule: String,
    pub(crate) at: Timestamp,
    pub(crate) notices: Vec<Told>,
    /// Where whoever gets it asked for it, and can say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asked_at: Option<String>,
}

/// One thing of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) subject: String,
    /// The scope by its name.
    pub(crate) scope: String,
    /// What it is about: `result`, `expiry`, `silence`, `certificate` or `check`.
    pub(crate) about: String,
    /// The testcase, or the number of the certificate; empty for none.
    pub(crate) of: String,
    /// What was the matter before; none for nothing.
    pub(crate) from: Option<String>,
    /// What is the matter now; none for nothing any more.
    pub(crate) to: Option<String>,
    /// The checker and its revision that last found what was the matter before; none if its report did not say.
    #[serde(default)]
    pub(crate) from_by: Option<String>,
    /// The same for what is the matter, or that nothing is.
    #[serde(default)]
    pub(crate) to_by: Option<String>,
    /// Since when, or until when; none where nothing is the matter.
    pub(crate) when: Option<DateTime>,
    /// Where more is told.
    pub(crate) page: String,
}

impl Message {
    /// What such a message is called.
    pub(crate) const KIND: &'static str = "compliance.changed";
    /// What one is called that somebody sends to see whether it arrives.
    pub(crate) const TEST: &'static str = "compliance.test";

    /// Such a one.
    pub(crate) fn test(at: Timestamp) -> Self {
        Self { kind: Self::TEST.to_owned(), rule: String::new(), at, notices: Vec::new(), asked_at: None }
    }

    /// In a line.
    pub(crate) fn title(&self) -> String {
        if self.kind == Self::TEST {
            return "SCS compliance: a test of notices".to_owned();
        }
        let worse = self.notices.iter().filter(|told| told.to.is_some()).count();
        let better = self.notices.len() - worse;
        let mut subjects: Vec<&str> = self.notices.iter().map(|told| told.subject.as_str()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let whom = match subjects.as_slice() {
            [one] => (*one).to_owned(),
            [one, other] => format!("{one} and {other}"),
            all => format!("{} subjects", all.len()),
        };
        let what = match (worse, better) {
            (0, better) => format!("{better} well again"),
            (worse, 0) => format!("{worse} to look at"),
            (worse, better) => format!("{worse} to look at, {better} well again"),
        };
        format!("SCS compliance of {}: {what}", visible(&whom))
    }

    /// For people; what is more than anybody reads, or any server takes, is counted.
    pub(crate) fn text(&self) -> String {
        const MOST: usize = 30_000;
        let mut text = format!("As of {}\n\n", self.at.strftime("%F %H:%M UTC"));
        if self.kind == Self::TEST {
            text.push_str(
                "Nothing is the matter. Somebody who keeps the monitor wanted to see that this arrives.\n",
            );
        }
        let mut last = None;
        for (number, told) in self.notices.iter().enumerate() {
            if text.len() > MOST {
                let _ = writeln!(text, "\nand {} more", self.notices.len() - number);
                break;
            }
            let whose = (&told.subject, &told.scope);
            if last != Some(whose) {
                let gap = if last.is_some() { "\n" } else { "" };
                // Writing to a string cannot fail.
                let _ = writeln!(
                    text,
                    "{gap}{}, {}\n{}",
                    visible(&told.subject),
                    visible(&told.scope),
                    told.page
                );
                last = Some(whose);
            }
            let _ = writeln!(text, "  {}", told.line());
        }
        if let Some(page) = &self.asked_at {
            let _ = writeln!(text, "\nYou asked for this at {page} and can say otherwise there.");
        }
        text
    }
}

impl Told {
    fn line(&self) -> String {
        let what = match (self.about.as_str(), self.of.as_str()) {
            ("certificate", number) => format!("certificate {number}"),
            ("silence", _) => "reports".to_owned(),
            ("check", of) => format!("{}, which people check", visible(of)),
            (_, of) => visible(of).into_owned(),
        };
        let day = |at: &DateTime| at.strftime("%F %H:%M UTC").to_string();
        let by = |creator: &Option<String>| {
            creator.as_ref().map_or_else(String::new, |creator| format!(" ({})", visible(creator)))
        };
        let (from_by, to_by) = (by(&self.from_by), by(&self.to_by));
        match (&self.from, &self.to, &self.when) {
            (Some(from), None, _) => format!("{what}: {from}{from_by} → well again{to_by}"),
            (from, Some(to), when) => {
                let from = from.as_ref().map_or_else(String::new, |from| format!("{from}{from_by} → "));
                let when = when.as_ref().map_or_else(String::new, |when| {
                    let word = match self.about.as_str() {
                        "expiry" | "check" => "at",
                        "certificate" => "end",
                        _ => "since",
                    };
                    format!(", {word} {}", day(when))
                });
                format!("{what}: {from}{to}{to_by}{when}")
            }
            (None, None, _) => what,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn told(subject: &str, of: &str, from: Option<&str>, to: Option<&str>) -> Told {
        Told {
            subject: subject.into(),
            scope: "SCS-compatible IaaS".into(),
            about: "result".into(),
            of: of.into(),
            from: from.map(Into::into),
            to: to.map(Into::into),
            from_by: None,
            to_by: None,
            when: to.map(|_| date(2026, 11, 23).at(4, 0, 0, 0)),
            page: format!("https://example.com/page/subject/{subject}"),
        }
    }

    #[test]
    fn a_test_says_that_it_is_one() {
        let test = Message::test("2026-11-23T05:00:00Z".parse().unwrap());
        assert_eq!(test.title(), "SCS compliance: a test of notices");
        assert!(test.text().contains("Nothing is the matter."), "{}", test.text());
    }

    #[test]
    fn people_are_told_in_few_words() {
        let mut message = Message {
            kind: Message::KIND.into(),
            rule: "all".into(),
            at: "2026-11-23T05:00:00Z".parse().unwrap(),
            asked_at: None,
            notices: vec![
                told("cloud-a", "scs-0102", Some("PASS"), Some("FAIL")),
                told("cloud-a", "scs-0103", Some("ABORT"), None),
                Told {
                    from_by: Some("assay 0.1.0".into()),
                    to_by: Some("assay 0.2.0".into()),
                    ..told("cloud-a", "scs-0104", Some("PASS"), Some("FAIL"))
                },
                Told { to_by: Some("assay 0.2.0".into()), ..told("cloud-a", "scs-0114", Some("FAIL"), None) },
                Told {
                    about: "silence".into(),
                    of: String::new(),
                    page: "https://example.com/".into(),
                    ..told("cloud\u{202e}b", "", None, Some("no reports"))
                },
            ],
        };
        assert_eq!(
            message.title(),
            "SCS compliance of cloud-a and cloud\\u{202e}b: 3 to look at, 2 well again"
        );
        assert_eq!(
            message.text(),
            "As of 2026-11-23 05:00 UTC

cloud-a, SCS-compatible IaaS
https://example.com/page/subject/cloud-a
  scs-0102: PASS → FAIL, since 2026-11-23 04:00 UTC
  scs-0103: ABORT → well again
  scs-0104: PASS (assay 0.1.0) → FAIL (assay 0.2.0), since 2026-11-23 04:00 UTC
  scs-0114: FAIL → well again (assay 0.2.0)

cloud\\u{202e}b, SCS-compatible IaaS
https://example.com/
  reports: no reports, since 2026-11-23 04:00 UTC
"
        );
        message.notices = (0..2_000).map(|_| told("cloud-a", "scs-0102", None, Some("FAIL"))).collect();
        let long = message.text();
        assert!(long.len() < 31_000 && long.contains("\nand 1"), "{}", long.len());
        message.notices.truncate(1);
        assert_eq!(message.title(), "SCS compliance of cloud-a: 1 to look at");
    }
}
