//! Who is shown, and what became of each. None of them exists.

/// A sample subject. Days are counted back from now.
pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) group: Option<&'static str>,
    pub(super) organisation: &'static str,
    pub(super) covers: &'static str,
    /// As addresses have it.
    pub(super) scope: &'static str,
    /// When it was checked first and last.
    pub(super) checked: (i32, i32),
    pub(super) troubles: &'static [Trouble],
    pub(super) steps: &'static [(i32, Step)],
}

/// Results other than PASS over some days.
pub(super) struct Trouble {
    /// What the testcases begin with.
    pub(super) testcases: &'static str,
    pub(super) days: (i32, i32),
    pub(super) verdict: i8,
    /// What the check said.
    pub(super) said: &'static str,
}

/// What was done about a certificate.
pub(super) enum Step {
    Apply(&'static str),
    Ask(&'static str),
    Evidence(&'static str),
    Grant(&'static str),
    Revoke(&'static str),
}

const IAAS: &str = "scs-compatible-iaas";
const KAAS: &str = "scs-compatible-kaas";
const ALWAYS: (i32, i32) = (546, 0);

const fn fail(testcases: &'static str, days: (i32, i32), said: &'static str) -> Trouble {
    Trouble { testcases, days, verdict: -1, said }
}

const fn abort(testcases: &'static str, days: (i32, i32), said: &'static str) -> Trouble {
    Trouble { testcases, days, verdict: 0, said }
}

/// All of them.
pub(super) const SUBJECTS: &[Subject] = &[
    Subject {
        name: "example-cloud-north",
        group: Some("example-cloud"),
        organisation: "Example Cloud GmbH",
        covers: "region north, all availability zones",
        scope: IAAS,
        checked: ALWAYS,
        troubles: &[
            fail("scs-0104-image-ubuntu-2404", (420, 399), "there is no public image \"Ubuntu 24.04\""),
            abort("scs-0", (210, 204), "the identity service answered 503 for 20 minutes"),
        ],
        steps: &[
            (500, Step::Apply("Reports of four weeks; operation manual, version 3.")),
            (493, Step::Grant("All tests pass, and the manual answers the questions.")),
            (140, Step::Apply("Reports since the last certificate; operation manual, version 5.")),
            (134, Step::Ask("Which zones may lose power without the others?")),
            (130, Step::Evidence("North 1 and north 2 are 12 km apart, each with its own supply.")),
            (127, Step::Grant("All tests pass, and the question was answered.")),
        ],
    },
    Subject {
        name: "example-cloud-south",
        group: Some("example-cloud"),
        organisation: "Example Cloud GmbH",
        covers: "region south",
        scope: IAAS,
        checked: ALWAYS,
        troubles: &[
            fail("scs-0103-flavor-2v-4-20s", (546, 470), "there is no flavor SCS-2V-4-20s"),
            fail("scs-0103-flavor-4v-16-100s", (546, 470), "there is no flavor SCS-4V-16-100s"),
            abort("scs-0117-test-backup", (1, 0), "the volume was not available after 300 seconds"),
        ],
        steps: &[
            (300, Step::Apply("Reports of half a year; manual, version 5, holds for both regions.")),
            (290, Step::Grant("All tests pass.")),
        ],
    },
    Subject {
        name: "meadow-cloud",
        group: None,
        organisation: "Meadow Hosting eG",
        covers: "the only region",
        scope: IAAS,
        checked: (260, 0),
        troubles: &[
            fail("scs-0102-prop-", (260, 190), "image \"Debian 12\" lacks the property"),
            fail("scs-0102-image-recency", (260, 155), "image \"Debian 12\" is older than a month"),
        ],
        steps: &[(5, Step::Apply("Manual at https://meadow.example/manual, chapters 2 and 7."))],
    },
    Subject {
        name: "harbour-cloud",
        group: None,
        organisation: "Harbour Data AG",
        covers: "regions quay 1 and quay 2",
        scope: IAAS,
        checked: ALWAYS,
        troubles: &[
            abort("scs-0101-", (330, 317), "the server could not be reached over its floating IP"),
            fail("scs-0115-default-rules", (44, 0), "the default rules let everybody in on port 22"),
            fail("scs-0123-service-load-balancer", (30, 0), "the catalog has no load-balancer"),
        ],
        steps: &[
            (280, Step::Apply("Reports of eight months; questionnaire of 17 pages.")),
            (262, Step::Grant("All tests pass.")),
            (9, Step::Revoke("No answer for five weeks about open default security groups.")),
        ],
    },
    Subject {
        name: "coastal-compute",
        group: None,
        organisation: "Coastal Compute Ltd",
        covers: "region west",
        scope: IAAS,
        checked: (546, 63),
        troubles: &[],
        steps: &[
            (470, Step::Apply("Operation manual, and reports of eleven weeks.")),
            (455, Step::Grant("All tests pass.")),
        ],
    },
    Subject {
        name: "pinewood-cloud",
        group: None,
        organisation: "Pinewood Systems",
        covers: "region forest",
        scope: IAAS,
        checked: (95, 0),
        troubles: &[fail("scs-0100-", (95, 60), "flavor \"tiny\" has no name of the standard's form")],
        steps: &[
            (24, Step::Apply("Manual attached to the ticket.")),
            (17, Step::Ask("How are keys of volumes backed up?")),
        ],
    },
    Subject {
        name: "riverbank-cloud",
        group: None,
        organisation: "Riverbank University",
        covers: "the research cloud",
        scope: IAAS,
        checked: (400, 0),
        troubles: &[
            fail("scs-0116-", (400, 340), "there is no key manager"),
            abort("scs-0101-", (38, 0), "no host was found for a server of flavor SCS-1L-1"),
            abort("scs-0117-", (38, 0), "no host was found for a server of flavor SCS-1L-1"),
        ],
        steps: &[],
    },
    Subject {
        name: "lighthouse-cloud",
        group: None,
        organisation: "Lighthouse IT",
        covers: "regions one to three",
        scope: IAAS,
        checked: (320, 0),
        troubles: &[
            fail("scs-0102-", (320, 0), "image \"windows\" lacks the property"),
            fail("scs-0103-flavor-1", (320, 85), "there is no such flavor"),
            fail("scs-0104-", (320, 120), "there is no such public image"),
            fail("scs-0104-source-", (120, 0), "the image is from elsewhere than the standard says"),
            fail("scs-0114-", (320, 0), "no volume type has a description of the standard's form"),
            fail("scs-0116-", (320, 0), "there is no key manager"),
        ],
        steps: &[],
    },
    Subject {
        name: "quarry-cloud-east",
        group: Some("quarry-cloud"),
        organisation: "Quarry Networks",
        covers: "region east",
        scope: IAAS,
        checked: (180, 0),
        troubles: &[],
        steps: &[],
    },
    Subject {
        name: "quarry-cloud-west",
        group: Some("quarry-cloud"),
        organisation: "Quarry Networks",
        covers: "region west",
        scope: IAAS,
        checked: (180, 0),
        troubles: &[
            fail("scs-0104-image-debian-12", (60, 0), "there is no public image \"Debian 12\""),
            fail("scs-0102-image-recency", (16, 0), "image \"Ubuntu 22.04\" is older than a month"),
        ],
        steps: &[],
    },
    Subject {
        name: "example-cloud-north-k8s",
        group: None,
        organisation: "Example Cloud GmbH",
        covers: "managed clusters in region north",
        scope: KAAS,
        checked: (430, 0),
        troubles: &[fail("version-policy-check", (200, 190), "v1.31 is not supported any more")],
        steps: &[
            (170, Step::Apply("Reports of eight months; placement of control planes.")),
            (160, Step::Grant("All tests pass.")),
        ],
    },
    Subject {
        name: "meadow-k8s",
        group: None,
        organisation: "Meadow Hosting eG",
        covers: "managed clusters",
        scope: KAAS,
        checked: (240, 0),
        troubles: &[
            fail("version-policy-check", (25, 0), "the newest patch has been out for 24 days"),
            abort("node-distribution-check", (240, 100), "nobody has stated it"),
        ],
        steps: &[],
    },
];
