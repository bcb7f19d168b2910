//! What clients send to and get from user-service.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};
use utoipa::{IntoParams, ToSchema};

use crate::shared::choices::choices;
use crate::shared::document::TimeInput;
use crate::shared::fields::{Change, Fields, FromFields, Read};
use crate::shared::page::Paging;
use crate::shared::rules;
use crate::shared::time::Time;
use crate::shared::token::Identity;

choices! {
    /// What a user may do.
    Role { Admin = "ADMIN", Agent = "AGENT", Customer = "CUSTOMER" }
}

choices! {
    /// What a user is in the organisation.
    OrgRole { Owner = "OWNER", Admin = "ADMIN", Member = "MEMBER" }
}

choices! {
    /// What an organisation pays for.
    Plan { Free = "free", Starter = "starter", Professional = "professional", Enterprise = "enterprise" }
}

choices! {
    /// Whether an organisation may work.
    OrganizationStatus { Active = "active", Suspended = "suspended", Cancelled = "cancelled" }
}

/// A user with everything but the password.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    #[serde(flatten)]
    pub(crate) profile: Profile,
    pub(crate) org_role: OrgRole,
}

/// A user as lists show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Profile {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) role: Role,
    pub(crate) organization_id: String,
    pub(crate) date_of_birth: Option<Time>,
    pub(crate) phone: Option<String>,
    pub(crate) street: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) zip_code: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

/// A user as an organisation's list shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Member {
    id: String,
    email: String,
    first_name: String,
    last_name: String,
    role: Role,
    org_role: OrgRole,
    created_at: Time,
    updated_at: Time,
}

impl User {
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            user_id: self.profile.id.clone(),
            email: self.profile.email.clone(),
            role: self.profile.role.to_string(),
            organization_id: self.profile.organization_id.clone(),
            org_role: self.org_role.to_string(),
        }
    }
}

impl From<User> for Member {
    fn from(User { profile, org_role }: User) -> Self {
        Member {
            id: profile.id,
            email: profile.email,
            first_name: profile.first_name,
            last_name: profile.last_name,
            role: profile.role,
            org_role,
            created_at: profile.created_at,
            updated_at: profile.updated_at,
        }
    }
}

impl FromRow<'_, AnyRow> for User {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let profile = Profile {
            id: row.try_get("id")?,
            email: row.try_get("email")?,
            first_name: row.try_get("first_name")?,
            last_name: row.try_get("last_name")?,
            role: row.try_get("role")?,
            organization_id: row.try_get("organization_id")?,
            date_of_birth: row.try_get("date_of_birth")?,
            phone: row.try_get("phone")?,
            street: row.try_get("street")?,
            city: row.try_get("city")?,
            state: row.try_get("state")?,
            zip_code: row.try_get("zip_code")?,
            country: row.try_get("country")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        };
        Ok(User { profile, org_role: row.try_get("org_role")? })
    }
}

/// An organisation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Organization {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) plan: Plan,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
    #[serde(rename = "_count")]
    pub(crate) count: Count,
}

/// An organisation in full, as its creation and its changes show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct WholeOrganization {
    #[serde(flatten)]
    pub(crate) organization: Organization,
    pub(crate) status: OrganizationStatus,
    /// Whatever else is set for it, by name.
    #[schema(value_type = Object)]
    pub(crate) settings: serde_json::Value,
}

impl FromRow<'_, AnyRow> for WholeOrganization {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let settings: String = row.try_get("settings")?;
        Ok(WholeOrganization {
            organization: Organization::from_row(row)?,
            status: row.try_get("status")?,
            settings: serde_json::from_str(&settings)
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
        })
    }
}

/// How many belong to an organisation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Count {
    pub(crate) users: i64,
}

impl FromRow<'_, AnyRow> for Organization {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Organization {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            slug: row.try_get("slug")?,
            plan: row.try_get("plan")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            count: Count { users: row.try_get("user_count")? },
        })
    }
}

/// A user with the token that speaks for it.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedIn {
    pub(crate) user: User,
    pub(crate) token: String,
}

/// Who is in an organisation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    pub(crate) organization: Organization,
    pub(crate) total_users: i64,
    /// Role to number of users; roles that nobody has are left out.
    pub(crate) users_by_role: BTreeMap<String, i64>,
}

/// Credentials.
#[derive(ToSchema)]
pub(crate) struct Login {
    #[schema(min_length = 1, max_length = 254)]
    pub(crate) email: String,
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) password: String,
}

impl FromFields for Login {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let email = fields.required("email", rules::text(254));
        let password = fields.required("password", rules::text(200));
        Ok(Login { email: email?, password: password? })
    }
}

/// A new user.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Register {
    #[schema(format = Email, max_length = 254)]
    pub(crate) email: String,
    #[schema(min_length = 6, max_length = 72)]
    pub(crate) password: String,
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) first_name: String,
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) last_name: String,
    #[schema(format = Uuid)]
    pub(crate) organization_id: String,
    /// CUSTOMER when absent.
    pub(crate) role: Option<Role>,
    /// MEMBER when absent.
    pub(crate) org_role: Option<OrgRole>,
}

impl FromFields for Register {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let email = fields.required("email", rules::email);
        let password = fields.required("password", rules::new_password);
        let first_name = fields.required("firstName", rules::text(100));
        let last_name = fields.required("lastName", rules::text(100));
        let organization_id = fields.required("organizationId", rules::id);
        let role = fields.optional("role", rules::choice);
        let org_role = fields.optional("orgRole", rules::choice);
        Ok(Register {
            email: email?,
            password: password?,
            first_name: first_name?,
            last_name: last_name?,
            organization_id: organization_id?,
            role: role?,
            org_role: org_role?,
        })
    }
}

/// A token to check.
#[derive(ToSchema)]
pub(crate) struct Verify {
    #[schema(min_length = 1, max_length = 5000)]
    pub(crate) token: String,
}

impl FromFields for Verify {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        Ok(Verify { token: fields.required("token", rules::text(5_000))? })
    }
}

/// A new organisation.
#[derive(ToSchema)]
pub(crate) struct CreateOrganization {
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) name: String,
    #[schema(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 60)]
    pub(crate) slug: String,
    /// free when absent.
    pub(crate) plan: Option<Plan>,
}

impl FromFields for CreateOrganization {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let name = fields.required("name", rules::text(100));
        let slug = fields.required("slug", rules::slug);
        let plan = fields.optional("plan", rules::choice);
        Ok(CreateOrganization { name: name?, slug: slug?, plan: plan? })
    }
}

/// Changes to an organisation; what is absent stays.
#[derive(ToSchema)]
pub(crate) struct ChangeOrganization {
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) name: Option<String>,
    #[schema(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 60)]
    pub(crate) slug: Option<String>,
    pub(crate) plan: Option<Plan>,
}

impl FromFields for ChangeOrganization {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let name = fields.optional("name", rules::text(100));
        let slug = fields.optional("slug", rules::slug);
        let plan = fields.optional("plan", rules::choice);
        Ok(ChangeOrganization { name: name?, slug: slug?, plan: plan? })
    }
}

/// Changes to a profile; what is absent stays, null clears (names cannot be cleared).
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ChangeProfile {
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) first_name: Option<String>,
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) last_name: Option<String>,
    #[schema(value_type = Option<TimeInput>)]
    pub(crate) date_of_birth: Change<Time>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 40)]
    pub(crate) phone: Change<String>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    pub(crate) street: Change<String>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    pub(crate) city: Change<String>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    pub(crate) state: Change<String>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 20)]
    pub(crate) zip_code: Change<String>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    pub(crate) country: Change<String>,
}

impl FromFields for ChangeProfile {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let first_name = fields.optional("firstName", rules::text(100));
        let last_name = fields.optional("lastName", rules::text(100));
        let date_of_birth = fields.clearable("dateOfBirth", rules::time);
        let phone = fields.clearable("phone", rules::text(40));
        let street = fields.clearable("street", rules::text(200));
        let city = fields.clearable("city", rules::text(100));
        let state = fields.clearable("state", rules::text(100));
        let zip_code = fields.clearable("zipCode", rules::text(20));
        let country = fields.clearable("country", rules::text(100));
        Ok(ChangeProfile {
            first_name: first_name?,
            last_name: last_name?,
            date_of_birth: date_of_birth?,
            phone: phone?,
            street: street?,
            city: city?,
            state: state?,
            zip_code: zip_code?,
            country: country?,
        })
    }
}

/// Pages of users, for those who ask for them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MaybePaging {
    /// Page, from 1. Without page and limit the answer holds all users.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 1_000_000_000)]
    pub(crate) page: Option<Paging>,
    /// Entries a page.
    #[param(minimum = 1, maximum = 1000)]
    #[expect(dead_code, reason = "stands for the parameter in the document")]
    limit: Option<i64>,
}

impl FromFields for MaybePaging {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let asked = fields.has_any(&["page", "limit"]);
        let paging = Paging::from_fields(fields)?;
        Ok(MaybePaging { page: asked.then_some(paging), limit: None })
    }
}
