//! Pages of a list.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::fields::{Fields, FromFields, Read};
use super::rules::{self, MAX_LIMIT, MAX_PAGE};

/// Which page, of which length.
#[derive(Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// Page, from 1.
    #[param(minimum = 1, maximum = 1_000_000_000, default = 1, required = false)]
    pub(crate) page: i64,
    /// Entries a page.
    #[param(minimum = 1, maximum = 1000, default = 50, required = false)]
    pub(crate) limit: i64,
}

impl Paging {
    pub(crate) fn offset(self) -> i64 {
        (self.page - 1) * self.limit
    }
}

impl FromFields for Paging {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let page = fields.optional("page", rules::integer(1, MAX_PAGE));
        let limit = fields.optional("limit", rules::integer(1, MAX_LIMIT));
        Ok(Paging { page: page?.unwrap_or(1), limit: limit?.unwrap_or(50) })
    }
}

/// What to list: which entries, and which page of them.
pub(crate) struct Listing<F> {
    pub(crate) filters: F,
    pub(crate) paging: Paging,
}

impl<F: FromFields> FromFields for Listing<F> {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let filters = F::from_fields(fields);
        let paging = Paging::from_fields(fields);
        Ok(Listing { filters: filters?, paging: paging? })
    }
}

/// Where a page stands in its list.
#[derive(Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Pagination {
    page: i64,
    limit: i64,
    total: i64,
    pages: i64,
}

impl Pagination {
    pub(crate) fn new(paging: Paging, total: i64) -> Pagination {
        let pages = total / paging.limit + i64::from(total % paging.limit != 0);
        Pagination { page: paging.page, limit: paging.limit, total, pages }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pages_are_just_enough(limit in 1..=MAX_LIMIT, total in 0..10_000_000_i64) {
            let pages = Pagination::new(Paging { page: 1, limit }, total).pages;
            prop_assert!(pages * limit >= total && (pages - 1) * limit < total.max(1));
        }

        #[test]
        fn no_page_overflows(page in 1..=MAX_PAGE, limit in 1..=MAX_LIMIT) {
            let paging = Paging { page, limit };
            prop_assert!(paging.offset() >= 0);
        }
    }
}
