//! Requests of claims-service: read, apply the rules, ask the store, answer.

use axum::extract::State;
use axum::http::StatusCode;

use super::rules::{Transition, check_transition, may_claim_on, transition};
use super::types::{
    Approve, ChangeClaimStatus, Claim, ClaimHistoryEntry, CreateClaim, Deny, Filters, MyFilters,
};
use super::{Claims, store};
use crate::shared::failure::{ErrorReply, Failure, Outcome};
use crate::shared::fields::{Body, Query};
use crate::shared::identity::Caller;
use crate::shared::ids::PathId;
use crate::shared::page::{Listing, Paging};
use crate::shared::reply::{Data, Done, Page};

fn no_claim() -> Failure {
    Failure::not_found("Claim not found")
}

/// Create a claim.
#[utoipa::path(post, path = "/claims", tag = "claims", security(("bearer" = [])),
    request_body = CreateClaim, responses(
    (status = 201, description = "Created", body = Data<Claim>),
    (status = 400, description = "Fields at fault or `Policy not found or not active`", body = ErrorReply),
))]
pub(crate) async fn create(
    State(service): State<Claims>,
    caller: Caller,
    Body(new): Body<CreateClaim>,
) -> Outcome<(StatusCode, Data<Claim>)> {
    let path = format!("/api/policies/{}", new.policy_id);
    let answer = service.policies.get(&path, &caller.onward).await.map_err(|silence| {
        tracing::warn!("policy of a claim was not read: {silence}");
        Failure::unavailable()
    })?;
    if answer.status.is_server_error() {
        tracing::warn!("policy of a claim was not read: policy-service: {}", answer.status);
        return Err(Failure::unavailable());
    }
    may_claim_on(answer.data().as_ref())?;
    let claim = store::create(&service.db, &caller, new).await?;
    Ok(Data::with_message(claim, "Claim submitted").created())
}

/// The organisation's claims, newest first.
#[utoipa::path(get, path = "/claims", tag = "claims", security(("bearer" = [])),
    params(Filters, Paging), responses(
    (status = 200, description = "One page", body = Page<Claim>),
    (status = 400, description = "Parameters at fault", body = ErrorReply),
))]
pub(crate) async fn list(
    State(service): State<Claims>,
    caller: Caller,
    Query(Listing { filters, paging }): Query<Listing<Filters>>,
) -> Outcome<Page<Claim>> {
    let found = store::list(&service.db, caller.organization(), &filters, paging).await?;
    Ok(Page::of(found, paging))
}

/// The caller's own claims, newest first.
#[utoipa::path(get, path = "/claims/my/claims", tag = "claims", security(("bearer" = [])),
    params(MyFilters, Paging), responses(
    (status = 200, description = "One page", body = Page<Claim>),
    (status = 400, description = "Parameters at fault", body = ErrorReply),
))]
pub(crate) async fn mine(
    State(service): State<Claims>,
    caller: Caller,
    Query(Listing { filters, paging }): Query<Listing<MyFilters>>,
) -> Outcome<Page<Claim>> {
    let filters = Filters {
        status: filters.status,
        user_id: Some(caller.user().to_owned()),
        ..Filters::default()
    };
    let found = store::list(&service.db, caller.organization(), &filters, paging).await?;
    Ok(Page::of(found, paging))
}

/// One claim.
#[utoipa::path(get, path = "/claims/{id}", tag = "claims", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "The claim", body = Data<Claim>),
    (status = 404, description = "`Claim not found`", body = ErrorReply),
))]
pub(crate) async fn get(
    State(service): State<Claims>,
    caller: Caller,
    PathId(id): PathId,
) -> Outcome<Data<Claim>> {
    let claim = store::find(&service.db, caller.organization(), &id).await?;
    claim.map(Data::of).ok_or_else(no_claim)
}

/// How a claim's status changed, newest first.
#[utoipa::path(get, path = "/claims/{id}/history", tag = "claims", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "The changes", body = Data<Vec<ClaimHistoryEntry>>),
    (status = 404, description = "`Claim not found`", body = ErrorReply),
))]
pub(crate) async fn history(
    State(service): State<Claims>,
    caller: Caller,
    PathId(id): PathId,
) -> Outcome<Data<Vec<ClaimHistoryEntry>>> {
    let claim = store::find(&service.db, caller.organization(), &id).await?.ok_or_else(no_claim)?;
    Ok(Data::of(store::history(&service.db, &claim).await?))
}

/// Set a claim's status.
#[utoipa::path(put, path = "/claims/{id}/status", tag = "claims", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), request_body = ChangeClaimStatus, responses(
    (status = 200, description = "Set, with a history row", body = Data<Claim>),
    (status = 400, description = "Fields at fault, `Invalid status transition from A to B`, `Approved amount required for APPROVED status` or `Denial reason required for DENIED status`", body = ErrorReply),
    (status = 404, description = "`Claim not found`", body = ErrorReply),
))]
pub(crate) async fn change_status(
    State(service): State<Claims>,
    caller: Caller,
    PathId(id): PathId,
    Body(change): Body<ChangeClaimStatus>,
) -> Outcome<Data<Claim>> {
    let claim = make(&service, &caller, &id, |claim| transition(claim, &change)).await?;
    Ok(Data::with_message(claim, "Claim status updated"))
}

/// Approve a claim that is under review.
#[utoipa::path(post, path = "/claims/{id}/approve", tag = "claims", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), request_body = Approve, responses(
    (status = 200, description = "Approved, with a history row", body = Data<Claim>),
    (status = 400, description = "Fields at fault or `Invalid status transition from A to APPROVED`", body = ErrorReply),
    (status = 404, description = "`Claim not found`", body = ErrorReply),
))]
pub(crate) async fn approve(
    State(service): State<Claims>,
    caller: Caller,
    PathId(id): PathId,
    Body(approval): Body<Approve>,
) -> Outcome<Data<Claim>> {
    let approved = Transition::approval(approval.approved_amount, approval.reason);
    let claim = make_this(&service, &caller, &id, approved).await?;
    Ok(Data::with_message(claim, "Claim approved"))
}

/// Deny a claim that is submitted or under review.
#[utoipa::path(post, path = "/claims/{id}/deny", tag = "claims", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), request_body = Deny, responses(
    (status = 200, description = "Denied, with a history row", body = Data<Claim>),
    (status = 400, description = "Fields at fault or `Invalid status transition from A to DENIED`", body = ErrorReply),
    (status = 404, description = "`Claim not found`", body = ErrorReply),
))]
pub(crate) async fn deny(
    State(service): State<Claims>,
    caller: Caller,
    PathId(id): PathId,
    Body(Deny { reason }): Body<Deny>,
) -> Outcome<Data<Claim>> {
    let claim = make_this(&service, &caller, &id, Transition::denial(reason)).await?;
    Ok(Data::with_message(claim, "Claim denied"))
}

async fn make_this(
    service: &Claims,
    caller: &Caller,
    id: &str,
    transition: Transition,
) -> Outcome<Claim> {
    make(service, caller, id, |claim| {
        check_transition(claim.status, transition.to)?;
        Ok(transition.clone())
    })
    .await
}

/// Makes the transition that the rules derive from the claim as it stands, once: when another caller was
/// faster, the rules are asked again about what that one left.
async fn make(
    service: &Claims,
    caller: &Caller,
    id: &str,
    derive: impl Fn(&Claim) -> Outcome<Transition>,
) -> Outcome<Claim> {
    loop {
        let claim = store::find(&service.db, caller.organization(), id).await?;
        let claim = claim.ok_or_else(no_claim)?;
        let transition = derive(&claim)?;
        let changed = store::change_status(&service.db, &claim, &transition, caller).await?;
        if let Some(claim) = changed {
            return Ok(claim);
        }
    }
}

/// Delete a claim.
#[utoipa::path(delete, path = "/claims/{id}", tag = "claims", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "Deleted", body = Done),
    (status = 404, description = "`Claim not found`", body = ErrorReply),
))]
pub(crate) async fn delete(
    State(service): State<Claims>,
    caller: Caller,
    PathId(id): PathId,
) -> Outcome<Done> {
    let deleted = store::delete(&service.db, caller.organization(), &id).await?;
    if deleted { Ok(Done::saying("Claim deleted")) } else { Err(no_claim()) }
}
