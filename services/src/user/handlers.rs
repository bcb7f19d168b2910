//! Requests of user-service: read, ask the store, answer.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use super::Users;
use super::rules::may_delete_organization;
use super::store::{self, Conflict};
use super::types::{
    ChangeOrganization, ChangeProfile, CreateOrganization, Login, MaybePaging, Member,
    Organization, Profile, Register, SignedIn, Stats, User, Verify, WholeOrganization,
};
use crate::shared::failure::{ErrorReply, Failure, Outcome};
use crate::shared::fields::{Body, Query};
use crate::shared::identity;
use crate::shared::ids::{PathId, PathText};
use crate::shared::reply::{Data, Done, MaybePage};
use crate::shared::token::Payload;

fn no_organization() -> Failure {
    Failure::not_found("Organization not found")
}

fn no_user() -> Failure {
    Failure::not_found("User not found")
}

/// Sign in.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = Login, responses(
    (status = 200, description = "Signed in", body = Data<SignedIn>),
    (status = 400, description = "Fields at fault", body = ErrorReply),
    (status = 401, description = "`Invalid credentials`", body = ErrorReply),
))]
pub(crate) async fn login(
    State(service): State<Users>,
    Body(login): Body<Login>,
) -> Outcome<Data<SignedIn>> {
    let (user, hash) = store::credentials(&service.db, &login.email).await?.unzip();
    let matches = service.passwords.matches(login.password, hash).await?;
    match user {
        Some(user) if matches => {
            identity::known(&user.identity());
            let token = service.keys.sign(user.identity(), service.token_life)?;
            Ok(Data::with_message(SignedIn { user, token }, "Login successful"))
        }
        _ => Err(Failure::unauthorized("Invalid credentials")),
    }
}

/// Register a user of an existing organisation.
#[utoipa::path(post, path = "/auth/register", tag = "auth", request_body = Register, responses(
    (status = 201, description = "Registered and signed in", body = Data<SignedIn>),
    (status = 400, description = "Fields at fault, `User already exists` or `Organization not found`", body = ErrorReply),
))]
pub(crate) async fn register(
    State(service): State<Users>,
    Body(new): Body<Register>,
) -> Outcome<(StatusCode, Data<SignedIn>)> {
    let exists = || Failure::bad_request("User already exists");
    let dangling = || Failure::bad_request("Organization not found");
    // Asked before the password is hashed: a refusal should be cheap. The insert asks again.
    if store::credentials(&service.db, &new.email).await?.is_some() {
        return Err(exists());
    }
    store::organization(&service.db, &new.organization_id).await?.ok_or_else(dangling)?;

    let hash = service.passwords.hash(new.password.clone()).await?;
    let user =
        store::create_user(&service.db, new, hash).await?.map_err(|conflict| match conflict {
            Conflict::Taken => exists(),
            Conflict::Dangling => dangling(),
        })?;
    let token = service.keys.sign(user.identity(), service.token_life)?;
    Ok(Data::with_message(SignedIn { user, token }, "User registered").created())
}

/// What a token says.
#[utoipa::path(post, path = "/auth/verify", tag = "auth", request_body = Verify, responses(
    (status = 200, description = "The token's payload", body = Data<Payload>),
    (status = 400, description = "Fields at fault", body = ErrorReply),
    (status = 401, description = "`Invalid token`", body = ErrorReply),
))]
pub(crate) async fn verify(
    State(service): State<Users>,
    Body(Verify { token }): Body<Verify>,
) -> Outcome<Data<Payload>> {
    let payload = service.keys.check(&token);
    if let Some(payload) = &payload {
        identity::known(&payload.identity);
    }
    payload.map(Data::of).ok_or_else(|| Failure::unauthorized("Invalid token"))
}

/// The caller's own profile.
#[utoipa::path(get, path = "/auth/me", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, description = "The caller", body = Data<User>),
    (status = 404, description = "`User not found`: deleted since the sign-in", body = ErrorReply),
))]
pub(crate) async fn me(State(service): State<Users>, headers: HeaderMap) -> Outcome<Data<User>> {
    let payload = service.keys.check(identity::bearer(&headers)?);
    let payload = payload.ok_or_else(|| Failure::unauthorized("Authentication failed"))?;
    let user = store::user(&service.db, &payload.identity.user_id).await?;
    user.map(Data::of).ok_or_else(no_user)
}

/// Create an organisation.
#[utoipa::path(post, path = "/auth/organizations", tag = "auth", request_body = CreateOrganization, responses(
    (status = 201, description = "Created", body = Data<WholeOrganization>),
    (status = 400, description = "Fields at fault or `Organization slug already exists`", body = ErrorReply),
))]
pub(crate) async fn create_organization(
    State(service): State<Users>,
    Body(new): Body<CreateOrganization>,
) -> Outcome<(StatusCode, Data<WholeOrganization>)> {
    let id = store::create_organization(&service.db, new).await?.map_err(|_| slug_taken())?;
    let organization = store::whole_organization(&service.db, &id).await?;
    let organization = organization.ok_or_else(no_organization)?;
    Ok(Data::with_message(organization, "Organization created").created())
}

fn slug_taken() -> Failure {
    Failure::bad_request("Organization slug already exists")
}

/// All organisations, newest first.
#[utoipa::path(get, path = "/organizations", tag = "organizations", responses(
    (status = 200, description = "All organisations", body = Data<Vec<Organization>>),
))]
pub(crate) async fn organizations(
    State(service): State<Users>,
) -> Outcome<Data<Vec<Organization>>> {
    Ok(Data::of(store::all_organizations(&service.db).await?))
}

/// One organisation.
#[utoipa::path(get, path = "/organizations/{id}", tag = "organizations",
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "The organisation", body = Data<Organization>),
    (status = 404, description = "`Organization not found`", body = ErrorReply),
))]
pub(crate) async fn organization(
    State(service): State<Users>,
    PathId(id): PathId,
) -> Outcome<Data<Organization>> {
    let organization = store::organization(&service.db, &id).await?;
    organization.map(Data::of).ok_or_else(no_organization)
}

/// One organisation by its slug.
#[utoipa::path(get, path = "/organizations/slug/{slug}", tag = "organizations",
    params(("slug" = String, Path)), responses(
    (status = 200, description = "The organisation", body = Data<Organization>),
    (status = 404, description = "`Organization not found`", body = ErrorReply),
))]
pub(crate) async fn organization_by_slug(
    State(service): State<Users>,
    PathText(slug): PathText,
) -> Outcome<Data<Organization>> {
    // PostgreSQL takes no NUL in text, and no slug has one.
    let slug = slug.replace('\0', "-");
    let organization = store::organization_by_slug(&service.db, &slug).await?;
    organization.map(Data::of).ok_or_else(no_organization)
}

/// Change an organisation.
#[utoipa::path(patch, path = "/organizations/{id}", tag = "organizations",
    params(("id" = String, Path, format = Uuid)), request_body = ChangeOrganization, responses(
    (status = 200, description = "Changed", body = Data<WholeOrganization>),
    (status = 400, description = "Fields at fault or `Organization slug already exists`", body = ErrorReply),
    (status = 404, description = "`Organization not found`", body = ErrorReply),
))]
pub(crate) async fn change_organization(
    State(service): State<Users>,
    PathId(id): PathId,
    Body(change): Body<ChangeOrganization>,
) -> Outcome<Data<WholeOrganization>> {
    store::change_organization(&service.db, &id, change).await?.map_err(|_| slug_taken())?;
    let organization = store::whole_organization(&service.db, &id).await?;
    let organization = organization.ok_or_else(no_organization)?;
    Ok(Data::with_message(organization, "Organization updated"))
}

/// Delete an organisation without users.
#[utoipa::path(delete, path = "/organizations/{id}", tag = "organizations",
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "`Organization deleted`", body = Done),
    (status = 400, description = "It has users", body = ErrorReply),
    (status = 404, description = "`Organization not found`", body = ErrorReply),
))]
pub(crate) async fn delete_organization(
    State(service): State<Users>,
    PathId(id): PathId,
) -> Outcome<Done> {
    if !store::delete_organization(&service.db, &id).await? {
        let kept = store::organization(&service.db, &id).await?.ok_or_else(no_organization)?;
        // Users who left in between do not matter: the client may ask again.
        may_delete_organization(kept.count.users.max(1))?;
    }
    Ok(Done::saying("Organization deleted"))
}

/// The users of an organisation.
#[utoipa::path(get, path = "/organizations/{id}/users", tag = "organizations",
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "Its users", body = Data<Vec<Member>>),
    (status = 404, description = "`Organization not found`", body = ErrorReply),
))]
pub(crate) async fn members(
    State(service): State<Users>,
    PathId(id): PathId,
) -> Outcome<Data<Vec<Member>>> {
    store::organization(&service.db, &id).await?.ok_or_else(no_organization)?;
    let members = store::members(&service.db, &id).await?;
    Ok(Data::of(members.into_iter().map(Member::from).collect()))
}

/// How many users an organisation has, by role.
#[utoipa::path(get, path = "/organizations/{id}/stats", tag = "organizations",
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "Its numbers", body = Data<Stats>),
    (status = 404, description = "`Organization not found`", body = ErrorReply),
))]
pub(crate) async fn stats(
    State(service): State<Users>,
    PathId(id): PathId,
) -> Outcome<Data<Stats>> {
    let organization = store::organization(&service.db, &id).await?.ok_or_else(no_organization)?;
    let by_role = store::users_by_role(&service.db, &id).await?;
    let total_users = by_role.iter().map(|(_, users)| users).sum();
    Ok(Data::of(Stats { organization, total_users, users_by_role: by_role.into_iter().collect() }))
}

/// All users, newest first; one page of them when page or limit is given.
#[utoipa::path(get, path = "/users", tag = "users", params(MaybePaging), responses(
    (status = 200, description = "Users; with pagination when asked for", body = MaybePage<Profile>),
    (status = 400, description = "Parameters at fault", body = ErrorReply),
))]
pub(crate) async fn users(
    State(service): State<Users>,
    Query(MaybePaging { page: paging, .. }): Query<MaybePaging>,
) -> Outcome<MaybePage<Profile>> {
    let (users, total) = store::users(&service.db, paging).await?;
    let profiles = users.into_iter().map(|user| user.profile).collect();
    Ok(MaybePage::of((profiles, total), paging))
}

/// One user.
#[utoipa::path(get, path = "/users/{id}", tag = "users",
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "The user", body = Data<Profile>),
    (status = 404, description = "`User not found`", body = ErrorReply),
))]
pub(crate) async fn user(
    State(service): State<Users>,
    PathId(id): PathId,
) -> Outcome<Data<Profile>> {
    let user = store::user(&service.db, &id).await?.ok_or_else(no_user)?;
    Ok(Data::of(user.profile))
}

/// Change a profile.
#[utoipa::path(put, path = "/users/{id}", tag = "users",
    params(("id" = String, Path, format = Uuid)), request_body = ChangeProfile, responses(
    (status = 200, description = "Changed", body = Data<Profile>),
    (status = 400, description = "Fields at fault", body = ErrorReply),
    (status = 404, description = "`User not found`", body = ErrorReply),
))]
pub(crate) async fn change_user(
    State(service): State<Users>,
    PathId(id): PathId,
    Body(change): Body<ChangeProfile>,
) -> Outcome<Data<Profile>> {
    let user = store::user(&service.db, &id).await?.ok_or_else(no_user)?;
    let user = store::change_profile(&service.db, user, change).await?.ok_or_else(no_user)?;
    Ok(Data::with_message(user.profile, "User updated"))
}

/// Delete a user.
#[utoipa::path(delete, path = "/users/{id}", tag = "users",
    params(("id" = String, Path, format = Uuid)), responses(
    (status = 200, description = "`User deleted`", body = Done),
    (status = 404, description = "`User not found`", body = ErrorReply),
))]
pub(crate) async fn delete_user(State(service): State<Users>, PathId(id): PathId) -> Outcome<Done> {
    let deleted = store::delete_user(&service.db, &id).await?;
    if deleted { Ok(Done::saying("User deleted")) } else { Err(no_user()) }
}
