//! Money as whole cents: exact, two decimals, printed as the shortest decimal.
//!
//! Entities show amounts as JSON strings (`"1250.5"`), computed figures as JSON numbers. Input may be
//! either. Binary floats never touch an amount: a JSON number is read back from its shortest text.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Number, Value};
use utoipa::openapi::schema::{ObjectBuilder, Type as SchemaType};
use utoipa::openapi::{RefOr, Schema};

/// An amount in cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cents(pub(crate) i64);

impl Cents {
    /// The largest amount an entity may hold: 9,999,999,999.99.
    pub(crate) const MAX: Cents = Cents(999_999_999_999);

    /// Reads a plain decimal (`-12.345`), rounded half away from zero; `None` for any other text.
    /// What does not fit saturates, so that the range check that follows can name the limit.
    pub(crate) fn parse(text: &str) -> Option<Cents> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (digits, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let digit =
            |index: usize| fraction.as_bytes().get(index).map_or(0, |byte| i64::from(byte - b'0'));
        let cents = whole
            .trim_start_matches('0')
            .bytes()
            .try_fold(0_i64, |sum, byte| sum.checked_mul(10)?.checked_add(i64::from(byte - b'0')))
            .and_then(|units| units.checked_mul(100))
            .and_then(|cents| cents.checked_add(digit(0) * 10 + digit(1)))
            .and_then(|cents| cents.checked_add(i64::from(digit(2) >= 5)))
            .unwrap_or(i64::MAX);
        Some(Cents(sign * cents))
    }

    /// Reads a JSON number or a numeric string.
    pub(crate) fn from_json(value: &Value) -> Option<Cents> {
        match value {
            Value::String(text) => Cents::parse(text),
            // `f64`'s Display is the shortest text that reads back the same, without an exponent.
            Value::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() => Cents::parse(&float.to_string()),
                _ => Cents::parse(&number.to_string()),
            },
            _ => None,
        }
    }

    /// The amount as a JSON number, for computed figures.
    pub(crate) fn to_number(self) -> Number {
        if self.0 % 100 == 0 {
            return Number::from(self.0 / 100);
        }
        #[expect(clippy::cast_precision_loss, reason = "amounts stay below 2^53 cents")]
        let float = self.0 as f64 / 100.0;
        Number::from_f64(float).unwrap_or_else(|| Number::from(0))
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (units, cents) = (self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100);
        match cents {
            0 => write!(f, "{sign}{units}"),
            tenths if tenths % 10 == 0 => write!(f, "{sign}{units}.{}", tenths / 10),
            _ => write!(f, "{sign}{units}.{cents:02}"),
        }
    }
}

impl Serialize for Cents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The schema of an amount in an answer.
impl utoipa::PartialSchema for Cents {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::String)
            .pattern(Some(r"^-?\d+(\.\d{1,2})?$"))
            .description(Some("Decimal amount in its shortest form"))
            .examples([serde_json::json!("1250.5")])
            .build()
            .into()
    }
}

impl utoipa::ToSchema for Cents {
    fn name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }
}

crate::shared::db::stored_as!(Cents, i64, |cents| cents.0, |number| Some(Cents(number)));

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn shortest_decimal_form() {
        for (cents, text) in
            [(25_000_000, "250000"), (125_050, "1250.5"), (1, "0.01"), (-1_005, "-10.05"), (0, "0")]
        {
            assert_eq!(Cents(cents).to_string(), text);
        }
    }

    #[test]
    fn numbers_and_numeric_strings_are_read_and_rounded_to_cents() {
        for (value, cents) in [
            (json!(250_000), 25_000_000),
            (json!("1250.5"), 125_050),
            (json!(0.1), 10),
            (json!(1.005), 101),
            (json!("-2.345"), -235),
            (json!(1e3), 100_000),
        ] {
            assert_eq!(Cents::from_json(&value), Some(Cents(cents)), "{value}");
        }
        assert_eq!(Cents::from_json(&json!(1e300)), Some(Cents(i64::MAX)));
    }

    #[test]
    fn everything_else_is_no_amount() {
        for value in [
            json!("NaN"),
            json!("Infinity"),
            json!(""),
            json!(" 1"),
            json!("1."),
            json!(".5"),
            json!("1e5"),
            json!("0x10"),
            json!("1,000"),
            json!(null),
            json!(true),
            json!([1]),
        ] {
            assert_eq!(Cents::from_json(&value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(cents in -Cents::MAX.0..=Cents::MAX.0) {
            let amount = Cents(cents);
            prop_assert_eq!(Cents::parse(&amount.to_string()), Some(amount));
            prop_assert_eq!(Cents::from_json(&Value::Number(amount.to_number())), Some(amount));
        }
    }
}
