//! Ids (UUID v4) and the numbers that people read.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use rand::RngExt;
use uuid::Uuid;

use super::time::Time;

/// An id that no row has.
const NO_ID: &str = "-";

pub(crate) fn new_id() -> String {
    Uuid::new_v4().to_string()
}

/// The id as it stands in the database. A malformed one becomes one that no row has, so that it takes
/// the path of an unknown id to the end.
pub(crate) fn normal(id: &str) -> String {
    match id.len() {
        36 => Uuid::try_parse(id).map_or_else(|_| NO_ID.to_owned(), |uuid| uuid.to_string()),
        _ => NO_ID.to_owned(),
    }
}

/// A number such as `QUO-1767225600000-7K2M9Q4ZB`.
pub(crate) fn new_number(prefix: &str, now: Time) -> String {
    const ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut rng = rand::rng();
    let tail: String =
        (0..9).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect();
    format!("{prefix}-{}-{tail}", now.millis())
}

/// The route's one parameter, as text: empty where it is not valid UTF-8.
pub(crate) struct PathText(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let first = params.ok().and_then(|params| params.iter().next().map(|(_, v)| v.to_owned()));
        Ok(PathText(first.unwrap_or_default()))
    }
}

/// The route's one parameter, as an id.
pub(crate) struct PathId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let PathText(text) = PathText::from_request_parts(parts, state).await?;
        Ok(PathId(normal(&text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_have_the_form_of_the_contract() {
        let number = new_number("QUO", Time(1_767_225_600_123_456));
        let (head, tail) = number.rsplit_once('-').unwrap();
        assert_eq!(head, "QUO-1767225600123");
        assert_eq!(tail.len(), 9);
        assert!(tail.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
    }

    proptest! {
        #[test]
        fn only_ids_survive(text in ".{0,40}") {
            prop_assert_eq!(normal(&text), NO_ID);
        }

        #[test]
        fn ids_stay_themselves(bits: u128) {
            let id = Uuid::from_u128(bits).to_string();
            prop_assert_eq!(normal(&id), id.clone());
            prop_assert_eq!(normal(&id.to_uppercase()), id);
        }
    }
}
