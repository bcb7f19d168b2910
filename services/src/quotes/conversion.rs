//! Converting a quote: two databases change, once, whatever dies in between.
//!
//! 1. quotes-service opens an *attempt* (a row that names the quote and the caller), committed before
//!    anything else happens.
//! 2. It asks policy-service for the policy under the idempotency key `quote-<id>`. The key is unique
//!    there per organisation: however often and by however many the request is made, one policy results,
//!    and every one of them is answered with it.
//! 3. In one transaction the quote becomes CONVERTED, its history gets a row and the attempt is deleted.
//!    The quote's row lock orders competitors: one gets 201, the others `Only ACTIVE quotes can be
//!    converted to policies`.
//!
//! If policy-service certainly did nothing (no connection, a 4xx, a 503), the attempt is closed and the
//! quote stays ACTIVE. If the outcome is unknown (time limit, broken connection, any other 5xx, a crash
//! of either service), the attempt stays open and the *settler* rolls it forward: it repeats step 2 in
//! the caller's name with a token of a minute, then step 3. Every attempt is settled at start, before
//! the port is served, and once a second whatever is overdue. While an attempt is open, the quote cannot
//! be deleted (foreign key), expired in bulk, or given another status before it is settled.
//!
//! So, after a kill at any point: no attempt, nothing happened; an attempt, the conversion is completed;
//! and there is never a CONVERTED quote without its policy, for step 3 comes last.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::attempts::{self, Attempt};
use super::rules;
use super::types::{Conversion, Quote, QuoteStatus};
use super::{Quotes, store};
use crate::shared::failure::{Failure, Outcome};
use crate::shared::identity::Caller;
use crate::shared::peer::{Onward, Silence};
use crate::shared::time::Time;

/// How often the settler looks for overdue attempts.
const SETTLE_EVERY: Duration = Duration::from_secs(1);
/// How long the settler's token lives.
const TOKEN_LIFE: Duration = Duration::from_mins(1);

/// What became of the request for a policy.
enum Asked {
    Made(Value),
    /// Certainly no policy was made.
    Refused(StatusCode),
    Unreachable(Silence),
    /// A policy may have been made.
    Unknown(String),
}

/// Converts an active quote of the caller's organisation.
pub(crate) async fn convert(service: &Quotes, caller: &Caller, id: &str) -> Outcome<Conversion> {
    let quote = store::find(&service.db, caller.organization(), id).await?;
    let quote = quote.ok_or_else(super::handlers::no_quote)?;
    rules::may_convert(&quote, Time::now())?;

    let due_at = Time::now().plus(service.peer_timeout + SETTLE_EVERY);
    let attempt = attempts::open(&service.db, &quote, &caller.identity, due_at).await?;
    let attempt = attempt.ok_or_else(super::handlers::no_quote)?;
    let failed = match ask_for_policy(service, &attempt, &quote, caller.onward.clone()).await {
        Asked::Made(policy) => {
            let quote = attempts::mark_converted(&service.db, &attempt, &policy).await?;
            let quote = quote.ok_or_else(rules::only_active)?;
            return Ok(Conversion { quote, policy });
        }
        Asked::Refused(status) => {
            attempts::close(&service.db, &attempt).await?;
            format!("policy-service answered {status}")
        }
        Asked::Unreachable(silence) => {
            attempts::close(&service.db, &attempt).await?;
            silence.to_string()
        }
        Asked::Unknown(cause) => {
            attempts::hand_over(&service.db, &attempt).await?;
            format!("{cause}; the settler will complete the conversion")
        }
    };
    tracing::warn!("no policy from quote {}: {failed}", quote.id);
    Err(Failure::Refused(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Failed to create policy from quote".into(),
    ))
}

async fn ask_for_policy(
    service: &Quotes,
    attempt: &Attempt,
    quote: &Quote,
    onward: Onward,
) -> Asked {
    let policy = json!({
        "type": quote.kind,
        "status": "ACTIVE",
        "premium": quote.premium,
        "coverageAmount": quote.coverage_amount,
        "startDate": attempt.started_at,
        "endDate": attempt.started_at.plus_days(rules::POLICY_DAYS),
    });
    let key = HeaderValue::try_from(format!("quote-{}", quote.id));
    let Ok(key) = key else { return Asked::Refused(StatusCode::BAD_REQUEST) };
    let onward = onward.with("idempotency-key", key);
    match service.policies.post("/api/policies", &onward, &policy).await {
        Ok(answer) => {
            let status = answer.status;
            match answer.data() {
                Some(policy) => Asked::Made(policy),
                None if status.is_client_error() || status == StatusCode::SERVICE_UNAVAILABLE => {
                    Asked::Refused(status)
                }
                None => Asked::Unknown(format!("policy-service answered {status}")),
            }
        }
        Err(silence @ Silence::Unreachable(..)) => Asked::Unreachable(silence),
        Err(silence) => Asked::Unknown(silence.to_string()),
    }
}

/// Brings an attempt whose outcome is unknown to its end; whether it is over.
async fn settle(service: &Quotes, attempt: &Attempt) -> Outcome<bool> {
    let quote = match attempts::quote(&service.db, attempt).await? {
        Some(quote) if quote.status != QuoteStatus::Converted => quote,
        _ => {
            attempts::close(&service.db, attempt).await?;
            return Ok(true);
        }
    };
    let token = service.keys.sign(attempt.identity.clone(), TOKEN_LIFE)?;
    match ask_for_policy(service, attempt, &quote, Onward::bearer(&token)?).await {
        Asked::Made(policy) => {
            attempts::mark_converted(&service.db, attempt, &policy).await?;
            tracing::info!("completed the interrupted conversion of quote {}", quote.id);
            Ok(true)
        }
        // Had an earlier request made the policy, this one would have been answered with it.
        Asked::Refused(StatusCode::BAD_REQUEST) => {
            attempts::close(&service.db, attempt).await?;
            Ok(true)
        }
        Asked::Refused(status) => {
            tracing::warn!("quote {}: conversion not settled, policy-service: {status}", quote.id);
            Ok(false)
        }
        Asked::Unreachable(silence) => {
            tracing::warn!("quote {}: conversion not settled: {silence}", quote.id);
            Ok(false)
        }
        Asked::Unknown(cause) => {
            tracing::warn!("quote {}: conversion not settled: {cause}", quote.id);
            Ok(false)
        }
    }
}

/// Settles a quote's open attempts before it is changed in another way.
pub(crate) async fn settle_quote(service: &Quotes, id: &str) -> Outcome<()> {
    for attempt in attempts::of_quote(&service.db, id).await? {
        if !settle(service, &attempt).await? {
            return Err(Failure::unavailable());
        }
    }
    Ok(())
}

/// Settles what an earlier life left open: done before the port is served.
pub(crate) async fn settle_at_start(service: &Quotes) -> Outcome<()> {
    attempts::hand_over_all(&service.db).await?;
    settle_due(service).await
}

/// Settles overdue attempts, for as long as the service lives.
pub(crate) async fn settler(service: Quotes) {
    let mut clock = tokio::time::interval(SETTLE_EVERY);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        if let Err(failure) = settle_due(&service).await {
            tracing::warn!("conversions could not be settled: {failure:?}");
        }
    }
}

async fn settle_due(service: &Quotes) -> Outcome<()> {
    for attempt in attempts::due(&service.db, Time::now()).await? {
        if !settle(service, &attempt).await? {
            // policy-service is not well: the next round tries again.
            break;
        }
    }
    Ok(())
}
