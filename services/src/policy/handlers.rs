//! Requests of policy-service: read, apply the rules, ask the store, answer.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::types::{
    ChangePolicy, CreatePolicy, FileClaim, Filters, MyFilters, Policy, PolicyHistoryEntry,
};
use super::{Policies, rules, store};
use crate::shared::failure::{ErrorReply, Failure, Outcome};
use crate::shared::fields::{Body, Query};
use crate::shared::identity::Caller;
use crate::shared::ids::PathId;
use crate::shared::page::{Listing, Paging};
use crate::shared::reply::{Data, Done, Page};

fn no_policy() -> Failure {
    Failure::not_found("Policy not found")
}

/// Create a policy.
#[utoipa::path(post, path = "/policies", tag = "policies", security(("bearer" = [])),
    params(("idempotency-key" = Option<String>, Header, max_length = 100,
        description = "A repetition with the same key gets the policy that the first one made")),
    request_body = CreatePolicy, responses(
    (status = 201, description = "Created", body = Data<Policy>),
    (status = 400, description = "Fields at fault", body = ErrorReply),
))]
pub(crate) async fn create(
    State(service): State<Policies>,
    caller: Caller,
    headers: HeaderMap,
    Body(new): Body<CreatePolicy>,
) -> Outcome<(StatusCode, Data<Policy>)> {
    rules::check_period(new.start_date, new.end_date)?;
    let key = idempotency_key(&headers)?;
    let policy = store::create(&service.db, &caller, new, key).await?;
    Ok(Data::with_message(policy, "Policy created").created())
}

fn idempotency_key(headers: &HeaderMap) -> Outcome<Option<&str>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=100).contains(&key.len()));
    let refusal = || Failure::bad_request("Idempotency-Key must have 1 to 100 ASCII characters");
    key.map(Some).ok_or_else(refusal)
}

/// The organisation's policies, newest first.
#[utoipa::path(get, path = "/policies", tag = "policies", security(("bearer" = [])),
    params(Filters, Paging), responses(
    (status = 200, description = "One page", body = Page<Policy>),
    (status = 400, description = "Parameters at fault", body = ErrorReply),
))]
pub(crate) async fn list(
    State(service): State<Policies>,
    caller: Caller,
    Query(Listing { filters, paging }): Query<Listing<Filters>>,
) -> Outcome<Page<Policy>> {
    let found = store::list(&service.db, caller.organization(), &filters, paging).await?;
    Ok(Page::of(found, paging))
}

/// The caller's own policies, newest first.
#[utoipa::path(get, path = "/policies/my/policies", tag = "policies", security(("bearer" = [])),
    params(MyFilters, Paging), responses(
    (status = 200, description = "One page", body = Page<Policy>),
    (status = 400, description = "Parameters at fault", body = ErrorReply),
))]
pub(crate) async fn mine(
    State(service): State<Policies>,
    caller: Caller,
    Query(Listing { filters, paging }): Query<Listing<MyFilters>>,
) -> Outcome<Page<Policy>> {
    let filters = Filters {
        status: filters.status,
        user_id: Some(caller.user().to_owned()),
        ..Filters::default()
    };
    let found = store::list(&service.db, caller.organization(), &filters, paging).await?;
    Ok(Page::of(found, paging))
}

/// One policy.
#[utoipa::path(get, path = "/policies/{id}", tag = "policies", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "The policy", body = Data<Policy>),
    (status = 404, description = "`Policy not found`", body = ErrorReply),
))]
pub(crate) async fn get(
    State(service): State<Policies>,
    caller: Caller,
    PathId(id): PathId,
) -> Outcome<Data<Policy>> {
    let policy = store::find(&service.db, caller.organization(), &id).await?;
    policy.map(Data::of).ok_or_else(no_policy)
}

/// How a policy's status changed, newest first.
#[utoipa::path(get, path = "/policies/{id}/history", tag = "policies", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "The changes", body = Data<Vec<PolicyHistoryEntry>>),
    (status = 404, description = "`Policy not found`", body = ErrorReply),
))]
pub(crate) async fn history(
    State(service): State<Policies>,
    caller: Caller,
    PathId(id): PathId,
) -> Outcome<Data<Vec<PolicyHistoryEntry>>> {
    let policy =
        store::find(&service.db, caller.organization(), &id).await?.ok_or_else(no_policy)?;
    Ok(Data::of(store::history(&service.db, &policy).await?))
}

/// Change a policy.
#[utoipa::path(put, path = "/policies/{id}", tag = "policies", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), request_body = ChangePolicy, responses(
    (status = 200, description = "Changed; a history row if the status did", body = Data<Policy>),
    (status = 400, description = "Fields at fault", body = ErrorReply),
    (status = 404, description = "`Policy not found`", body = ErrorReply),
))]
pub(crate) async fn change(
    State(service): State<Policies>,
    caller: Caller,
    PathId(id): PathId,
    Body(change): Body<ChangePolicy>,
) -> Outcome<Data<Policy>> {
    loop {
        let before = store::find(&service.db, caller.organization(), &id).await?;
        let before = before.ok_or_else(no_policy)?;
        let after = rules::changed(&before, &change)?;
        let metadata = rules::change_metadata(&before, &after);
        let reason = change.status_change_reason.as_deref();
        let changed =
            store::change(&service.db, &before, &after, &caller, reason, metadata).await?;
        if let Some(policy) = changed {
            return Ok(Data::with_message(policy, "Policy updated"));
        }
        // Someone else was faster: look again.
    }
}

/// File a claim on a policy.
#[utoipa::path(post, path = "/policies/{id}/file-claim", tag = "policies", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), request_body = FileClaim, responses(
    (status = 201, description = "The claim that claims-service made",
        body = Data<crate::claims::types::Claim>),
    (status = 400, description = "Fields at fault or `Claims can only be filed on ACTIVE policies`", body = ErrorReply),
    (status = 404, description = "`Policy not found`", body = ErrorReply),
))]
pub(crate) async fn file_claim(
    State(service): State<Policies>,
    caller: Caller,
    PathId(id): PathId,
    Body(claim): Body<FileClaim>,
) -> Outcome<(StatusCode, Data<Value>)> {
    let policy =
        store::find(&service.db, caller.organization(), &id).await?.ok_or_else(no_policy)?;
    rules::may_claim(&policy)?;
    let claim = json!({
        "policyId": policy.id,
        "incidentDate": claim.incident_date,
        "description": claim.description,
        "claimAmount": claim.claim_amount,
    });
    let answer = service.claims.post("/api/claims", &caller.onward, &claim).await;
    let answer = answer.map_err(|silence| {
        tracing::warn!("claim was not filed: {silence}");
        Failure::unavailable()
    })?;
    let status = answer.status;
    if status.is_client_error() {
        // Its reason is ours: the policy was cancelled or deleted in between.
        let message = answer.body["message"].as_str().unwrap_or("Claim was refused").to_owned();
        return Err(Failure::Refused(StatusCode::BAD_REQUEST, message.into()));
    }
    let claim = answer.data().ok_or_else(|| {
        tracing::warn!("claim was not filed: claims-service answered {status}");
        Failure::unavailable()
    })?;
    Ok(Data::with_message(claim, "Claim filed").created())
}

/// Delete a policy.
#[utoipa::path(delete, path = "/policies/{id}", tag = "policies", security(("bearer" = [])),
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "Deleted", body = Done),
    (status = 404, description = "`Policy not found`", body = ErrorReply),
))]
pub(crate) async fn delete(
    State(service): State<Policies>,
    caller: Caller,
    PathId(id): PathId,
) -> Outcome<Done> {
    let deleted = store::delete(&service.db, caller.organization(), &id).await?;
    if deleted { Ok(Done::saying("Policy deleted")) } else { Err(no_policy()) }
}
