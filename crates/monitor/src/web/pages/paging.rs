use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;

/// Which page of a list is asked for, counted from 1.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(in crate::web) struct Turn {
    pub(in crate::web) page: Option<usize>,
}

/// Where the pages before and after one are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::web) struct Pager {
    pub(in crate::web) before: Option<String>,
    pub(in crate::web) after: Option<String>,
    /// Which part of the list this is.
    pub(in crate::web) told: String,
}

impl Pager {
    /// The part of a list with so many on a page; `page` is counted from 1, and `more` follows the number of a page in its address. What lies behind
    /// the end is the last page.
    pub(super) fn cut<'l, T>(all: &'l [T], each: usize, page: Option<usize>, more: &str) -> (&'l [T], Self) {
        let (part, pager) = Self::part(all.len(), each, page, more);
        (all.get(part).unwrap_or_default(), pager)
    }

    /// The same of a list that is as long, and not at hand.
    pub(in crate::web) fn part(
        count: usize,
        each: usize,
        page: Option<usize>,
        more: &str,
    ) -> (Range<usize>, Self) {
        let last = count.div_ceil(each).max(1);
        let page = page.unwrap_or(1).clamp(1, last);
        let (from, to) = ((page - 1) * each, (page * each).min(count));
        let link = |page: usize| format!("?page={page}{more}");
        let pager = Self {
            before: (page > 1).then(|| link(page - 1)),
            after: (page < last).then(|| link(page + 1)),
            told: format!("{} to {to} of {count}", from + 1),
        };
        (from..to, pager)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_list_is_on_some_page() {
        let all = [1, 2, 3, 4, 5];
        let cut = |page| Pager::cut(&all, 2, page, "&x=y");
        let (first, pager) = cut(None);
        assert_eq!((first, pager.told.as_str()), (&all[..2], "1 to 2 of 5"));
        assert_eq!((pager.before, pager.after.as_deref()), (None, Some("?page=2&x=y")));
        assert_eq!(cut(Some(2)).0, &all[2..4]);
        for last in [3, 4, usize::MAX] {
            let (part, pager) = cut(Some(last));
            assert_eq!((part, pager.after, pager.before.as_deref()), (&all[4..], None, Some("?page=2&x=y")));
        }
        assert_eq!(cut(Some(0)).0, &all[..2]);
        assert_eq!(Pager::cut(&[0; 0], 2, None, "").0, &[0; 0]);
    }
}
