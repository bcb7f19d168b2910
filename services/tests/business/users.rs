//! user-service, line by line of the contract, through the gateway.

use crate::support::{Bed, is_time, keys};
use serde_json::{Value, json};

on_both_databases! {
    the_seed_is_thirty_organizations,
    sign_in,
    registration,
    tokens_are_verified,
    me,
    organizations_are_created_and_read,
    organizations_are_changed_and_deleted,
    members_and_stats,
    users_are_listed,
    profiles_are_changed,
}

const USER: [&str; 16] = [
    "city",
    "country",
    "createdAt",
    "dateOfBirth",
    "email",
    "firstName",
    "id",
    "lastName",
    "orgRole",
    "organizationId",
    "phone",
    "role",
    "state",
    "street",
    "updatedAt",
    "zipCode",
];

fn profile() -> Vec<&'static str> {
    USER.into_iter().filter(|key| *key != "orgRole").collect()
}

/// What creation and changes show beyond that.
const WHOLE_ORGANIZATION: [&str; 9] =
    ["_count", "createdAt", "id", "name", "plan", "settings", "slug", "status", "updatedAt"];

const ORGANIZATION: [&str; 7] = ["_count", "createdAt", "id", "name", "plan", "slug", "updatedAt"];

fn slug() -> String {
    format!("slug-{:x}", rand::random::<u64>())
}

/// 30 organisations, 1 to 3 users each, e-mail first.last@slugwithoutdashes.com, full profiles.
async fn the_seed_is_thirty_organizations(bed: &Bed) {
    let nobody = bed.nobody();
    let organizations = nobody.get("/organizations").await.expect(200);
    let users = nobody.get("/users").await.expect(200);
    assert!(organizations.0.get("pagination").is_none() && users.0.get("pagination").is_none());
    let seeded: Vec<_> = organizations.list().iter().filter(|o| o["name"] != "Org").collect();
    assert_eq!(seeded.len(), 30);
    let first = seeded[0]["createdAt"].as_str().unwrap();
    assert!(seeded.iter().all(|o| o["createdAt"].as_str().unwrap() <= first), "newest first");
    for organization in seeded {
        let mut members: Vec<_> =
            users.list().iter().filter(|u| u["organizationId"] == organization["id"]).collect();
        members.reverse();
        assert!((1..=3).contains(&members.len()));
        assert_eq!(organization["_count"]["users"], members.len());
        let domain = organization["slug"].as_str().unwrap().replace('-', "") + ".com";
        for (place, user) in members.iter().enumerate() {
            assert_eq!(keys(user), profile());
            assert!(user.as_object().unwrap().values().all(|value| !value.is_null()), "{user}");
            let name = |field: &str| user[field].as_str().unwrap().to_lowercase();
            let email = format!("{}.{}@{domain}", name("firstName"), name("lastName"));
            assert_eq!(user["email"], email);
            assert!(is_time(&user["dateOfBirth"]));
            let roles: &[&str] = [&["ADMIN"][..], &["AGENT"], &["AGENT", "CUSTOMER"]][place];
            assert!(roles.contains(&user["role"].as_str().unwrap()));
        }
        let path = format!("/organizations/{}/users", organization["id"].as_str().unwrap());
        let mut org_roles = nobody.get(&path).await.expect(200).column("orgRole");
        org_roles.reverse();
        assert_eq!(org_roles, ["OWNER", "ADMIN", "MEMBER"][..members.len()]);
    }
    let email = &users.list().last().unwrap()["email"];
    let login = json!({"email": email, "password": "password123"});
    nobody.post("/auth/login", login).await.expect(200);
}

/// POST /auth/login: 200 data {user (without password), token}; 401 `Invalid credentials`.
async fn sign_in(bed: &Bed) {
    let nobody = bed.nobody();
    let users = nobody.get("/users").await.expect(200);
    let email = &users.list()[0]["email"];
    let login = json!({"email": email, "password": "password123"});
    let signed_in = nobody.post("/auth/login", login).await.expect(200);
    assert_eq!(signed_in.keys(), ["token", "user"]);
    assert_eq!(keys(&signed_in["data"]["user"]), USER);
    assert_eq!(signed_in["data"]["user"]["email"], *email);
    assert_eq!(signed_in["data"]["token"].as_str().unwrap().split('.').count(), 3);

    let wrong = json!({"email": email, "password": "password124"});
    nobody.post("/auth/login", wrong).await.refused(401, "Invalid credentials");
    let unknown = json!({"email": "nobody@example.com", "password": "password123"});
    nobody.post("/auth/login", unknown).await.refused(401, "Invalid credentials");
    nobody.post("/auth/login", json!({})).await.invalid("body", &["email", "password"]);
    // An error never repeats a password.
    let reply = nobody.post("/auth/login", json!({"email": 1, "password": 4711})).await;
    assert!(!reply.body.to_string().contains("4711"));
    reply.invalid("body", &["email", "password"]);
}

/// POST /auth/register: 201 data {user, token}; role default CUSTOMER, orgRole default MEMBER.
async fn registration(bed: &Bed) {
    let nobody = bed.nobody();
    let new = json!({"name": "Org", "slug": slug()});
    let organization = nobody.post("/auth/organizations", new).await.expect(201).id();
    let email = format!("{}@example.com", slug());
    let new = |email: &str, organization: &str| {
        json!({
            "email": email, "password": "secret1", "firstName": "Ann", "lastName": "O'Neil",
            "organizationId": organization,
        })
    };
    let made = nobody.post("/auth/register", new(&email, &organization)).await.expect(201);
    assert_eq!(made.keys(), ["token", "user"]);
    let user = &made["data"]["user"];
    assert_eq!(keys(user), USER);
    assert_eq!((&user["role"], &user["orgRole"]), (&json!("CUSTOMER"), &json!("MEMBER")));
    assert_eq!(user["organizationId"], *organization);
    assert_eq!(user["dateOfBirth"], Value::Null);
    let login = json!({"email": email, "password": "secret1"});
    nobody.post("/auth/login", login).await.expect(200);

    let again = nobody.post("/auth/register", new(&email, &organization)).await;
    again.refused(400, "User already exists");
    for unknown in ["nothing", "5e3e7e0c-4f6f-4a53-9d0f-0f3c8f2f8a11"] {
        let reply = nobody.post("/auth/register", new("x@example.com", unknown)).await;
        reply.refused(400, "Organization not found");
    }
    let fields = ["email", "password", "firstName", "lastName", "organizationId"];
    nobody.post("/auth/register", json!({})).await.invalid("body", &fields);
    let mut bad = new("not an address", &organization);
    bad["role"] = json!("KING");
    bad["orgRole"] = json!("SERF");
    bad["password"] = json!("short");
    let fields = ["email", "password", "role", "orgRole"];
    nobody.post("/auth/register", bad).await.invalid("body", &fields);
}

/// POST /auth/verify: 200 data = token payload; 401 `Invalid token`.
async fn tokens_are_verified(bed: &Bed) {
    let agent = bed.agent().await;
    let token = agent.token.clone().unwrap();
    let payload = agent.post("/auth/verify", json!({"token": token})).await.expect(200);
    let fields = ["email", "exp", "iat", "orgRole", "organizationId", "role", "userId"];
    assert_eq!(payload.keys(), fields);
    assert_eq!(payload["data"]["userId"], *agent.user_id);
    let own = agent.get("/auth/me").await.expect(200);
    for field in ["email", "role", "organizationId", "orgRole"] {
        assert_eq!(payload["data"][field], own["data"][field], "{field}");
    }
    let (iat, exp) = (&payload["data"]["iat"], &payload["data"]["exp"]);
    assert_eq!(exp.as_i64().unwrap() - iat.as_i64().unwrap(), 7 * 86_400, "7d");
    let refused = agent.post("/auth/verify", json!({"token": "x.y.z"})).await;
    refused.refused(401, "Invalid token");
    agent.post("/auth/verify", json!({})).await.invalid("body", &["token"]);
}

/// GET /auth/me: own profile; 401, 404. And the sign-in check of the other services.
async fn me(bed: &Bed) {
    let agent = bed.agent().await;
    let profile = agent.get("/auth/me").await.expect(200);
    assert_eq!(profile.keys(), USER);
    assert_eq!(profile.id(), agent.user_id);
    for path in ["/auth/me", "/quotes", "/policies/x", "/claims/x/history"] {
        bed.nobody().get(path).await.refused(401, "No token provided");
        let mut forger = bed.nobody();
        forger.token = Some("x.y.z".into());
        forger.get(path).await.refused(401, "Authentication failed");
        let basic = axum::http::Request::get(format!("{}{path}", forger.base))
            .header("authorization", "Basic eDp5")
            .body(axum::body::Body::empty())
            .unwrap();
        forger.exchange(basic).await.unwrap().refused(401, "No token provided");
    }
    agent.delete(&format!("/users/{}", agent.user_id)).await.expect(200);
    agent.get("/auth/me").await.refused(404, "User not found");
}

async fn organizations_are_created_and_read(bed: &Bed) {
    let nobody = bed.nobody();
    let slug = slug();
    let new = json!({"name": "Org", "slug": slug, "plan": "starter"});
    let made = nobody.post("/auth/organizations", new.clone()).await.expect(201);
    assert_eq!(made.keys(), WHOLE_ORGANIZATION);
    assert_eq!(made["data"]["plan"], "starter");
    assert_eq!(made["data"]["status"], "active");
    assert_eq!(made["data"]["settings"], json!({}));
    let again = nobody.post("/auth/organizations", new).await;
    again.refused(400, "Organization slug already exists");
    let plain = json!({"name": "Org", "slug": self::slug()});
    let plain = nobody.post("/auth/organizations", plain).await.expect(201);
    assert_eq!(plain["data"]["plan"], "free", "the default");
    let bad = json!({"name": "", "slug": "No Slug", "plan": "gold"});
    nobody.post("/auth/organizations", bad).await.invalid("body", &["name", "slug", "plan"]);

    let by_id = nobody.get(&format!("/organizations/{}", made.id())).await.expect(200);
    assert_eq!(by_id.keys(), ORGANIZATION);
    for field in ORGANIZATION {
        assert_eq!(by_id["data"][field], made["data"][field], "{field}");
    }
    assert_eq!(by_id["data"]["_count"], json!({"users": 0}));
    let by_slug = nobody.get(&format!("/organizations/slug/{slug}")).await.expect(200);
    assert_eq!(by_slug["data"], by_id["data"]);
    let all = nobody.get("/organizations").await.expect(200);
    assert_eq!(all.list()[0]["id"], *plain.id(), "newest first");
    assert_eq!(keys(&all.list()[0]), ORGANIZATION);
    for unknown in ["nothing", "slug/nothing", "slug/%00", "nothing/users", "nothing/stats"] {
        let path = format!("/organizations/{unknown}");
        nobody.get(&path).await.refused(404, "Organization not found");
    }
}

async fn organizations_are_changed_and_deleted(bed: &Bed) {
    let agent = bed.agent().await;
    let path = format!("/organizations/{}", agent.organization_id);
    let change = json!({"name": "New name", "plan": "enterprise"});
    let changed = agent.patch(&path, change).await.expect(200);
    assert_eq!(changed.keys(), WHOLE_ORGANIZATION);
    assert_eq!(changed["data"]["name"], "New name");
    assert_eq!(changed["data"]["plan"], "enterprise");
    let old_slug = changed["data"]["slug"].clone();
    let other = bed.agent().await;
    let other_path = format!("/organizations/{}", other.organization_id);
    let taken = agent.patch(&other_path, json!({"slug": old_slug})).await;
    taken.refused(400, "Organization slug already exists");
    agent.patch(&path, json!({"slug": old_slug})).await.expect(200);
    agent.patch(&path, json!({"plan": "gold"})).await.invalid("body", &["plan"]);
    let unknown = agent.patch("/organizations/nothing", json!({"name": "x"})).await;
    unknown.refused(404, "Organization not found");

    let kept = agent.delete(&path).await;
    assert_eq!(kept.status, 400);
    assert!(kept.body["message"].as_str().unwrap().contains('1'), "gives the number of users");
    agent.delete(&format!("/users/{}", agent.user_id)).await.expect(200);
    assert_eq!(agent.delete(&path).await.expect(200)["message"], "Organization deleted");
    agent.delete(&path).await.refused(404, "Organization not found");
}

async fn members_and_stats(bed: &Bed) {
    let agent = bed.agent().await;
    agent.colleague(&agent.organization_id).await;
    let path = format!("/organizations/{}", agent.organization_id);
    let members = agent.get(&format!("{path}/users")).await.expect(200);
    let fields =
        ["createdAt", "email", "firstName", "id", "lastName", "orgRole", "role", "updatedAt"];
    assert_eq!(keys(&members.list()[0]), fields);
    assert_eq!(members.list().len(), 2);
    let stats = agent.get(&format!("{path}/stats")).await.expect(200);
    assert_eq!(stats.keys(), ["organization", "totalUsers", "usersByRole"]);
    assert_eq!(stats["data"]["organization"]["id"], *agent.organization_id);
    assert_eq!(stats["data"]["totalUsers"], 2);
    assert_eq!(stats["data"]["usersByRole"], json!({"AGENT": 2}));
}

/// GET /users: all, and ours: a page when asked for.
async fn users_are_listed(bed: &Bed) {
    let nobody = bed.nobody();
    let all = nobody.get("/users").await.expect(200);
    let total = all.list().len();
    let page = nobody.get("/users?page=2&limit=7").await.expect(200);
    assert_eq!(page["data"].as_array().unwrap()[..], all.list()[7..14]);
    let pages = total.div_ceil(7);
    let expected = json!({"page": 2, "limit": 7, "total": total, "pages": pages});
    assert_eq!(page["pagination"], expected);
    let page = nobody.get("/users?page=1").await.expect(200);
    assert_eq!(page["pagination"]["limit"], 50);
    nobody.get("/users?page=0&limit=x").await.invalid("query", &["page", "limit"]);
}

/// GET, PUT, DELETE /users/{id}.
async fn profiles_are_changed(bed: &Bed) {
    let agent = bed.agent().await;
    let path = format!("/users/{}", agent.user_id);
    assert_eq!(agent.get(&path).await.expect(200).keys(), profile());
    let change = json!({
        "firstName": "Eve", "lastName": "Stone", "dateOfBirth": "1980-05-17", "phone": "+1-555-0100",
        "street": "1 Main St", "city": "Springfield", "state": "IL", "zipCode": "62701",
        "country": "USA",
    });
    let changed = agent.put(&path, change.clone()).await.expect(200);
    assert_eq!(changed.keys(), profile());
    for (field, value) in change.as_object().unwrap() {
        if field == "dateOfBirth" {
            assert_eq!(changed["data"][field], "1980-05-17T00:00:00.000Z");
        } else {
            assert_eq!(changed["data"][field], *value);
        }
    }
    let changed = agent.put(&path, json!({"phone": null, "city": "Rome"})).await.expect(200);
    assert_eq!(changed["data"]["phone"], Value::Null);
    assert_eq!(changed["data"]["city"], "Rome");
    assert_eq!(changed["data"]["street"], "1 Main St");
    // What is not profile stays as it is.
    let same =
        agent.put(&path, json!({"role": "ADMIN", "email": "x@example.com"})).await.expect(200);
    assert_eq!(same["data"]["role"], "AGENT");
    let bad = json!({"firstName": "", "dateOfBirth": "1980-02-30", "zipCode": 5});
    agent.put(&path, bad).await.invalid("body", &["firstName", "dateOfBirth", "zipCode"]);

    assert_eq!(agent.delete(&path).await.expect(200)["message"], "User deleted");
    agent.get(&path).await.refused(404, "User not found");
    agent.put(&path, json!({})).await.refused(404, "User not found");
    agent.delete(&path).await.refused(404, "User not found");
    agent.get("/users/nothing").await.refused(404, "User not found");
}
