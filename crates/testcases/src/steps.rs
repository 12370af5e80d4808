//! Steps of probes as findings.

use assay_inventory::{Reason, Step, Unavailable};

use crate::{Judging, Readings};

/// A step that failed, where its success is what is demanded.
pub(crate) fn fail(judging: &mut Judging, readings: Readings, step: &Step) {
    if let Some(trouble) = &step.trouble {
        judging.fail(readings, None, expected(step), trouble.to_string());
    }
}

/// A step that failed, so that nothing can be said.
pub(crate) fn abort(judging: &mut Judging, readings: Readings, step: &Step) {
    if let Some(trouble) = &step.trouble {
        judging.abort(readings, None, expected(step), trouble.to_string());
    }
}

/// A step that failed, which changes nothing.
pub(crate) fn note(judging: &mut Judging, readings: Readings, step: &Step) {
    if let Some(trouble) = &step.trouble {
        judging.note(readings, None, format!("could not {}: {trouble}", step.id));
    }
}

/// A step that failed: the demand is not met where the cloud is to blame, and not judged where it is not known to be.
pub(crate) fn settle(judging: &mut Judging, readings: Readings, step: &Step) {
    match &step.trouble {
        Some(trouble) if is_the_clouds_doing(trouble) => fail(judging, readings, step),
        _ => abort(judging, readings, step),
    }
}

/// Whether trouble shows that the cloud does not do what was asked of it: it forbids it, has no such API, lets it
/// end in error, or never gets it done. A server that fails, does not answer, or knows a limit of the project
/// that is used up may do better the next time.
pub(crate) fn is_the_clouds_doing(trouble: &Unavailable) -> bool {
    let refuses = matches!(trouble.status, Some(403 | 404 | 405 | 501)) && !trouble.is_over_quota();
    let cannot =
        matches!(trouble.reason, Reason::Failed | Reason::Budget | Reason::NotInCatalog | Reason::NoEndpoint);
    refuses || cannot
}

fn expected(step: &Step) -> String {
    format!("a member can {}", step.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn who_is_to_blame() {
        let said =
            |status, message: &str| Unavailable { message: message.into(), ..testing::answered(status) };
        for status in [403, 404, 405, 501] {
            assert!(is_the_clouds_doing(&testing::answered(status)), "{status}");
        }
        for status in [400, 401, 409, 413, 429, 500, 502, 503, 504] {
            assert!(!is_the_clouds_doing(&testing::answered(status)), "{status}");
        }
        for (status, message) in [
            (403, "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances"),
            (403, "Quota reached for project x. Only 5 secrets are allowed."),
            (409, "Quota exceeded for resources: ['floatingip']."),
            (413, "VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for quota 'volumes'."),
            (413, "Project x is over a limit for [Resource image_count_total is over limit of 1]"),
        ] {
            assert!(!is_the_clouds_doing(&said(status, message)), "{message}");
            assert!(said(status, message).is_over_quota(), "{message}");
        }
        for (reason, expected) in [
            (Reason::Failed, true),
            (Reason::Budget, true),
            (Reason::NotInCatalog, true),
            (Reason::NoEndpoint, true),
            (Reason::Interrupted, false),
            (Reason::Timeout, false),
            (Reason::Unreachable, false),
            (Reason::Malformed, false),
            (Reason::Journal, false),
        ] {
            assert_eq!(is_the_clouds_doing(&Unavailable::new(reason, "so it was")), expected, "{reason:?}");
        }
        assert!(!Unavailable::new(Reason::Failed, "no quota on the storage").is_over_quota());
    }
}
