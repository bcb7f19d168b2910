//! Tokens: JWT, HS256, with the caller's identity in them.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::Time;

/// Who a token speaks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity {
    pub(crate) user_id: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) organization_id: String,
    pub(crate) org_role: String,
}

/// What a token holds.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Payload {
    #[serde(flatten)]
    pub(crate) identity: Identity,
    /// Issued at, in seconds since 1970.
    iat: i64,
    /// Expires at, in seconds since 1970.
    exp: i64,
}

/// The secret in the form that signing and checking need.
#[derive(Clone)]
pub(crate) struct Keys {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
}

impl Keys {
    pub(crate) fn new(secret: &str) -> Keys {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        Keys {
            signing: EncodingKey::from_secret(secret.as_bytes()),
            checking: DecodingKey::from_secret(secret.as_bytes()),
            validation,
        }
    }

    pub(crate) fn sign(&self, identity: Identity, life: Duration) -> anyhow::Result<String> {
        let iat = Time::now().millis() / 1_000;
        let exp = iat.saturating_add(i64::try_from(life.as_secs())?);
        let payload = Payload { identity, iat, exp };
        Ok(jsonwebtoken::encode(&Header::default(), &payload, &self.signing)?)
    }

    /// The payload of a token that is ours and has not expired.
    pub(crate) fn check(&self, token: &str) -> Option<Payload> {
        jsonwebtoken::decode(token, &self.checking, &self.validation).ok().map(|data| data.claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anna() -> Identity {
        Identity {
            user_id: "u".into(),
            email: "anna@example.com".into(),
            role: "AGENT".into(),
            organization_id: "o".into(),
            org_role: "MEMBER".into(),
        }
    }

    #[test]
    fn a_token_gives_back_its_payload_under_its_own_secret_only() {
        let keys = Keys::new("one");
        let token = keys.sign(anna(), Duration::from_mins(1)).unwrap();
        let payload = keys.check(&token).unwrap();
        assert_eq!(payload.identity, anna());
        assert_eq!(payload.exp - payload.iat, 60);
        assert!(Keys::new("two").check(&token).is_none());
        assert!(keys.check(&token[..token.len() - 2]).is_none());
        assert!(keys.check("").is_none());
    }

    #[test]
    fn an_expired_token_is_refused() {
        let keys = Keys::new("one");
        let token = keys.sign(anna(), Duration::ZERO).unwrap();
        std::thread::sleep(Duration::from_millis(1_100));
        assert!(keys.check(&token).is_none());
    }
}
