//! What a single field may hold. A rule takes the JSON value and gives the typed one, or says what is
//! allowed. Lengths count characters.

use serde_json::Value;

use super::choices::Choice;
use super::fields::Verdict;
use super::money::Cents;
use super::time::Time;

/// The longest list page.
pub(crate) const MAX_LIMIT: i64 = 1_000;
/// Far beyond any list, and far from overflowing `page * limit`.
pub(crate) const MAX_PAGE: i64 = 1_000_000_000;

/// One of a fixed set.
pub(crate) fn choice<T: Choice>(value: &Value) -> Verdict<T> {
    value.as_str().and_then(T::parse).ok_or_else(|| {
        let allowed: Vec<_> = T::ALL.iter().map(|choice| choice.text()).collect();
        format!("must be one of {}", allowed.join(", "))
    })
}

/// The longest text of an amount.
const AMOUNT_LENGTH: usize = 40;

/// An amount from zero on.
pub(crate) fn amount(value: &Value) -> Verdict<Cents> {
    let allowed = || format!("must be a number from 0 to {}", Cents::MAX);
    let short = value.as_str().is_none_or(|text| text.len() <= AMOUNT_LENGTH);
    let cents = Cents::from_json(value).filter(|_| short).ok_or_else(allowed)?;
    if (Cents(0)..=Cents::MAX).contains(&cents) { Ok(cents) } else { Err(allowed()) }
}

/// An amount from zero on in a query string, where everything is text: also with an exponent, as some
/// clients print their floats.
pub(crate) fn amount_in_query(value: &Value) -> Verdict<Cents> {
    let float = value.as_str().filter(|text| text.contains(['e', 'E']));
    let float = float.and_then(|text| text.parse::<f64>().ok()).filter(|float| float.is_finite());
    float.map_or_else(|| amount(value), |float| amount(&float.into()))
}

/// An amount above zero.
pub(crate) fn positive_amount(value: &Value) -> Verdict<Cents> {
    match amount(value) {
        Ok(cents) if cents > Cents(0) => Ok(cents),
        _ => Err(format!("must be a number above 0, at most {}", Cents::MAX)),
    }
}

/// A date, or a date and time.
pub(crate) fn time(value: &Value) -> Verdict<Time> {
    value.as_str().and_then(Time::parse).ok_or_else(|| {
        "must be an ISO 8601 date or date and time of the years 1900 to 2199".to_owned()
    })
}

/// A whole number of a query string.
pub(crate) fn integer(lowest: i64, highest: i64) -> impl Fn(&Value) -> Verdict<i64> {
    move |value| {
        value
            .as_str()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse().ok())
            .filter(|number| (lowest..=highest).contains(number))
            .ok_or_else(|| format!("must be a whole number from {lowest} to {highest}"))
    }
}

/// Text of up to so many characters that is not blank. Control characters other than line breaks and
/// tabs are refused: databases and logs take offence at them.
pub(crate) fn text(longest: usize) -> impl Fn(&Value) -> Verdict<String> {
    move |value| {
        value
            .as_str()
            .filter(|text| !text.trim().is_empty() && text.chars().count() <= longest)
            .filter(|text| {
                !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            })
            .map(str::to_owned)
            .ok_or_else(|| format!("must be text of 1 to {longest} characters"))
    }
}

/// An id as given: whether it exists is for the database to say.
pub(crate) fn id(value: &Value) -> Verdict<String> {
    text(100)(value).map(|id| super::ids::normal(&id))
}

/// An e-mail address: one `@` with something plausible on both sides.
pub(crate) fn email(value: &Value) -> Verdict<String> {
    let plausible = |text: &String| {
        text.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty()
                && !domain.contains('@')
                && domain.split('.').count() > 1
                && domain.split('.').all(|label| !label.is_empty())
                && !text.chars().any(char::is_whitespace)
        })
    };
    text(254)(value).ok().filter(plausible).ok_or_else(|| "must be an e-mail address".to_owned())
}

/// A new password. bcrypt looks at 72 bytes, so more would be a false promise.
pub(crate) fn new_password(value: &Value) -> Verdict<String> {
    text(72)(value)
        .ok()
        .filter(|text| (6..=72).contains(&text.len()))
        .ok_or_else(|| "must have 6 to 72 characters".to_owned())
}

/// A slug: lower-case words joined by hyphens.
pub(crate) fn slug(value: &Value) -> Verdict<String> {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    text(60)(value).ok().filter(|text| text.split('-').all(word)).ok_or_else(|| {
        "must be lower-case letters, digits and single hyphens, at most 60".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_have_a_range() {
        assert_eq!(amount(&json!(0)), Ok(Cents(0)));
        assert_eq!(amount(&json!("9999999999.99")), Ok(Cents::MAX));
        for value in [json!(-0.01), json!(1e10), json!("NaN"), json!("1e3"), json!(null)] {
            assert!(amount(&value).is_err(), "{value}");
        }
        assert!(positive_amount(&json!(0)).is_err());
        assert!(amount(&json!("0".repeat(41))).is_err());
        assert_eq!(amount_in_query(&json!("1e3")), Ok(Cents(100_000)));
        assert_eq!(amount_in_query(&json!("2.5e-300")), Ok(Cents(0)));
        for text in ["1e300", "-1e3", "1e999", "e", "1e", "infinitE"] {
            assert!(amount_in_query(&json!(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_digits_within_their_range() {
        let page = integer(1, MAX_PAGE);
        assert_eq!(page(&json!("7")), Ok(7));
        for text in ["0", "-1", "1.5", "", " 1", "+1", "99999999999999999999", "1e3", "NaN"] {
            assert!(page(&json!(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn text_is_bounded_and_free_of_control_characters() {
        let rule = text(5);
        assert_eq!(rule(&json!("a\nb")), Ok("a\nb".to_owned()));
        for value in [json!("  "), json!("123456"), json!("a\u{0}"), json!("\u{1b}[2J"), json!(5)] {
            assert!(rule(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn addresses_and_slugs_are_checked_for_form() {
        assert!(email(&json!("a.b@example.com")).is_ok());
        for text in ["a", "@b.c", "a@b", "a@b@c.d", "a b@c.d", "a@.d", "a@c.\r\nd"] {
            assert!(email(&json!(text)).is_err(), "{text}");
        }
        assert!(slug(&json!("north-star-7")).is_ok());
        for text in ["North", "-a", "a-", "a--b", "a b", ""] {
            assert!(slug(&json!(text)).is_err(), "{text}");
        }
    }
}
