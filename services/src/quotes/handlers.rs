//! Requests of quotes-service: read, apply the rules, ask the store, answer.

use axum::extract::State;
use axum::http::StatusCode;

use super::types::{
    Calculate, Calculation, ChangeQuoteStatus, Conversion, CreateQuote, Expired, Filters,
    MyFilters, Quote, QuoteHistoryEntry,
};
use super::{Quotes, conversion, rules, store};
use crate::shared::failure::{ErrorReply, Failure, Outcome};
use crate::shared::fields::{Body, Query};
use crate::shared::identity::Caller;
use crate::shared::ids::PathId;
use crate::shared::page::{Listing, Paging};
use crate::shared::reply::{Data, Done, Page};
use crate::shared::time::Time;

pub(crate) fn no_quote() -> Failure {
    Failure::not_found("Quote not found")
}

/// Price a cover.
#[utoipa::path(post, path = "/quotes/calculate", tag = "quotes", security(("bearer" = [])),
    request_body = Calculate, responses(
    (status = 200, description = "The yearly premium", body = Data<Calculation>),
    (status = 400, description = "Fields at fault", body = ErrorReply),
))]
pub(crate) async fn calculate(_: Caller, Body(asked): Body<Calculate>) -> Data<Calculation> {
    let premium = rules::yearly_premium(asked.kind, asked.coverage_amount);
    let calculation = Calculation {
        kind: asked.kind,
        coverage_amount: asked.coverage_amount.to_number(),
        estimated_premium: premium.to_number(),
        calculated_at: Time::now(),
    };
    Data::with_message(calculation, format!("Estimated annual premium: ${premium}"))
}

/// Create a quote.
#[utoipa::path(post, path = "/quotes", tag = "quotes", security(("bearer" = [])),
    request_body = CreateQuote, responses(
    (status = 201, description = "Created", body = Data<Quote>),
    (status = 400, description = "Fields at fault", body = ErrorReply),
))]
pub(crate) async fn create(
    State(service): State<Quotes>,
    caller: Caller,
    Body(new): Body<CreateQuote>,
) -> Outcome<(StatusCode, Data<Quote>)> {
    let premium = rules::quotable_premium(new.kind, new.coverage_amount)?;
    let amounts = (new.coverage_amount, premium);
    let quote = store::create(&service.db, &caller, new.kind, amounts, new.expires_at).await?;
    let message = format!("Quote created with an annual premium of ${premium}");
    Ok(Data::with_message(quote, message).created())
}

/// The organisation's quotes, newest first.
#[utoipa::path(get, path = "/quotes", tag = "quotes", security(("bearer" = [])),
    params(Filters, Paging), responses(
    (status = 200, description = "One page", body = Page<Quote>),
    (status = 400, description = "Parameters at fault", body = ErrorReply),
))]
pub(crate) async fn list(
    State(service): State<Quotes>,
    caller: Caller,
    Query(Listing { filters, paging }): Query<Listing<Filters>>,
) -> Outcome<Page<Quote>> {
    let found = store::list(&service.db, caller.organization(), &filters, paging).await?;
    Ok(Page::of(found, paging))
}

/// The caller's own quotes, newest first.
#[utoipa::path(get, path = "/quotes/my/quotes", tag = "quotes", security(("bearer" = [])),
    params(MyFilters, Paging), responses(
    (status = 200, description = "One page", body = Page<Quote>),
    (status = 400, description = "Parameters at fault", body = ErrorReply),
))]
pub(crate) async fn mine(
    State(service): State<Quotes>,
    caller: Caller,
    Query(Listing { filters, paging }): Query<Listing<MyFilters>>,
) -> Outcome<Page<Quote>> {
    let filters = Filters {
        status: filters.status,
        user_id: Some(caller.user().to_owned()),
        ..Filters::default()
    };
    let found = store::list(&service.db, caller.organization(), &filters, paging).await?;
    Ok(Page::of(found, paging))
}

/// One quote.
#[utoipa::path(get, path = "/quotes/{id}", tag = "quotes", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "The quote", body = Data<Quote>),
    (status = 404, description = "`Quote not found`", body = ErrorReply),
))]
pub(crate) async fn get(
    State(service): State<Quotes>,
    caller: Caller,
    PathId(id): PathId,
) -> Outcome<Data<Quote>> {
    let quote = store::find(&service.db, caller.organization(), &id).await?;
    quote.map(Data::of).ok_or_else(no_quote)
}

/// How a quote's status changed, newest first.
#[utoipa::path(get, path = "/quotes/{id}/history", tag = "quotes", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "The changes", body = Data<Vec<QuoteHistoryEntry>>),
    (status = 404, description = "`Quote not found`", body = ErrorReply),
))]
pub(crate) async fn history(
    State(service): State<Quotes>,
    caller: Caller,
    PathId(id): PathId,
) -> Outcome<Data<Vec<QuoteHistoryEntry>>> {
    let quote = store::find(&service.db, caller.organization(), &id).await?.ok_or_else(no_quote)?;
    Ok(Data::of(store::history(&service.db, &quote).await?))
}

/// Set a quote's status.
#[utoipa::path(put, path = "/quotes/{id}/status", tag = "quotes", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), request_body = ChangeQuoteStatus, responses(
    (status = 200, description = "Set; a history row if it changed", body = Data<Quote>),
    (status = 400, description = "Fields at fault", body = ErrorReply),
    (status = 404, description = "`Quote not found`", body = ErrorReply),
))]
pub(crate) async fn change_status(
    State(service): State<Quotes>,
    caller: Caller,
    PathId(id): PathId,
    Body(change): Body<ChangeQuoteStatus>,
) -> Outcome<Data<Quote>> {
    let said = |quote| Ok(Data::with_message(quote, "Quote status updated"));
    loop {
        let quote = store::find(&service.db, caller.organization(), &id).await?;
        let quote = quote.ok_or_else(no_quote)?;
        if quote.status == change.status {
            return said(quote);
        }
        conversion::settle_quote(&service, &id).await?;
        let reason = change.status_change_reason.as_deref();
        let changed =
            store::change_status(&service.db, &quote, change.status, &caller, reason).await?;
        if let Some(quote) = changed {
            return said(quote);
        }
        // Someone else was faster: look again.
    }
}

/// Convert a quote to a policy.
#[utoipa::path(post, path = "/quotes/{id}/convert", tag = "quotes", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 201, description = "Converted", body = Data<Conversion>),
    (status = 400, description = "`Only ACTIVE quotes can be converted to policies` or `Quote has expired`", body = ErrorReply),
    (status = 404, description = "`Quote not found`", body = ErrorReply),
))]
pub(crate) async fn convert(
    State(service): State<Quotes>,
    caller: Caller,
    PathId(id): PathId,
) -> Outcome<(StatusCode, Data<Conversion>)> {
    let conversion = conversion::convert(&service, &caller, &id).await?;
    Ok(Data::with_message(conversion, "Quote converted to policy").created())
}

/// Set the organisation's overdue quotes to EXPIRED.
#[utoipa::path(post, path = "/quotes/expire-old", tag = "quotes", security(("bearer" = [])),
    responses((status = 200, description = "How many there were", body = Data<Expired>)))]
pub(crate) async fn expire_overdue(
    State(service): State<Quotes>,
    caller: Caller,
) -> Outcome<Data<Expired>> {
    let expired_count = store::expire_overdue(&service.db, &caller).await?;
    let message = format!("{expired_count} quotes expired");
    Ok(Data::with_message(Expired { expired_count }, message))
}

/// Delete a quote.
#[utoipa::path(delete, path = "/quotes/{id}", tag = "quotes", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "Deleted", body = Done),
    (status = 404, description = "`Quote not found`", body = ErrorReply),
))]
pub(crate) async fn delete(
    State(service): State<Quotes>,
    caller: Caller,
    PathId(id): PathId,
) -> Outcome<Done> {
    loop {
        match store::delete(&service.db, caller.organization(), &id).await? {
            Some(true) => return Ok(Done::saying("Quote deleted")),
            Some(false) => return Err(no_quote()),
            None => conversion::settle_quote(&service, &id).await?,
        }
    }
}
