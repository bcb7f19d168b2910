//! Reading.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rmp::Marker;

use super::value::Value;
use crate::cluster::limits;

/// Why a message cannot be read, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackError {
    /// From the outside in, as `stats[2].num_requests`; empty for the message as a whole.
    pub at: String,
    /// What is wrong there.
    pub problem: Problem,
}

impl std::error::Error for PackError {}

impl std::fmt::Display for PackError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.at.is_empty() {
            return self.problem.fmt(f);
        }
        write!(f, "{}: {}", self.at, self.problem)
    }
}

/// What can be wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// It ends in the middle of a value.
    #[error("it ends in the middle of a value")]
    Short,
    /// There is something behind the last value.
    #[error("{0} bytes follow the message")]
    Trailing(usize),
    /// Another type is expected there.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What may stand there.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A text that is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
    /// A number that cannot be.
    #[error("{0} is not possible here")]
    Number(String),
    /// More than allowed.
    #[error("more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// Something that must be there is not.
    #[error("it is missing")]
    Missing,
}

impl From<Problem> for PackError {
    fn from(problem: Problem) -> Self {
        Self { at: String::new(), problem }
    }
}

/// Characters of a name in an error.
const NAME: usize = 60;

/// Says in which field an error is.
pub(in crate::cluster) fn field<T>(
    name: &str,
    result: Result<T, PackError>,
) -> Result<T, PackError> {
    result.map_err(|mut error| {
        let dot = if error.at.is_empty() || error.at.starts_with('[') { "" } else { "." };
        // A name may come from the peer: it must neither flood a log nor forge its lines.
        let cut: String = name.chars().take(NAME).flat_map(char::escape_debug).collect();
        error.at = format!("{cut}{dot}{}", error.at);
        error
    })
}

/// A place in a message.
#[derive(Debug, Clone)]
pub(in crate::cluster) struct Reader<'a> {
    rest: &'a [u8],
    /// Values that may still follow.
    values: usize,
    depth: usize,
}

/// What starts at a place.
enum Head<'a> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    Array(usize),
    Map(usize),
    Ext(i8, &'a [u8]),
}

impl Head<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "a truth value",
            Self::Unsigned(_) => "a whole number",
            Self::Signed(_) => "a negative number",
            Self::Float(_) => "a number with a point",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
            Self::Array(_) => "a list",
            Self::Map(_) => "a map",
            Self::Ext(..) => "an extension type",
        }
    }

    fn instead_of(&self, expected: &'static str) -> PackError {
        Problem::Type { expected, found: self.name() }.into()
    }
}

impl<'a> Reader<'a> {
    pub(in crate::cluster) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, values: limits::VALUES, depth: 0 }
    }

    /// There must be nothing left.
    pub(in crate::cluster) fn end(&self) -> Result<(), PackError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(Problem::Trailing(left).into()),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], PackError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Problem::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `bytes` as a big-endian number.
    fn number(&mut self, bytes: usize) -> Result<u64, PackError> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    #[expect(clippy::cast_possible_wrap, reason = "the sign's place is what matters")]
    fn signed(&mut self, bytes: usize) -> Result<Head<'a>, PackError> {
        let unused = 64 - 8 * u32::try_from(bytes).unwrap_or(8);
        let number = (self.number(bytes)? << unused) as i64 >> unused;
        Ok(u64::try_from(number).map_or(Head::Signed(number), Head::Unsigned))
    }

    /// A length in so many bytes.
    fn length(&mut self, bytes: usize) -> Result<usize, PackError> {
        Ok(usize::try_from(self.number(bytes)?).unwrap_or(usize::MAX))
    }

    /// A list or map of `length` values, each of which needs a byte at least.
    fn room_for(&self, length: usize) -> Result<usize, PackError> {
        if length > self.rest.len() { Err(Problem::Short.into()) } else { Ok(length) }
    }

    fn ext(&mut self, length: usize) -> Result<Head<'a>, PackError> {
        let tag = i8::from_be_bytes([self.take(1)?[0]]);
        Ok(Head::Ext(tag, self.take(length)?))
    }

    fn head(&mut self) -> Result<Head<'a>, PackError> {
        let too_many = Problem::TooMany { what: "values", limit: limits::VALUES };
        self.values = self.values.checked_sub(1).ok_or(too_many)?;
        let text = |bytes| Ok(Head::Text(bytes));
        match Marker::from_u8(self.take(1)?[0]) {
            Marker::Null => Ok(Head::Nil),
            Marker::False => Ok(Head::Bool(false)),
            Marker::True => Ok(Head::Bool(true)),
            Marker::FixPos(number) => Ok(Head::Unsigned(number.into())),
            Marker::FixNeg(number) => Ok(Head::Signed(number.into())),
            Marker::U8 => Ok(Head::Unsigned(self.number(1)?)),
            Marker::U16 => Ok(Head::Unsigned(self.number(2)?)),
            Marker::U32 => Ok(Head::Unsigned(self.number(4)?)),
            Marker::U64 => Ok(Head::Unsigned(self.number(8)?)),
            Marker::I8 => self.signed(1),
            Marker::I16 => self.signed(2),
            Marker::I32 => self.signed(4),
            Marker::I64 => self.signed(8),
            #[expect(clippy::cast_possible_truncation, reason = "four bytes were read")]
            Marker::F32 => Ok(Head::Float(f32::from_bits(self.number(4)? as u32).into())),
            Marker::F64 => Ok(Head::Float(f64::from_bits(self.number(8)?))),
            Marker::FixStr(length) => text(self.take(length.into())?),
            Marker::Str8 => self.length(1).and_then(|length| self.take(length)).and_then(text),
            Marker::Str16 => self.length(2).and_then(|length| self.take(length)).and_then(text),
            Marker::Str32 => self.length(4).and_then(|length| self.take(length)).and_then(text),
            Marker::Bin8 => self.bytes_of(1),
            Marker::Bin16 => self.bytes_of(2),
            Marker::Bin32 => self.bytes_of(4),
            Marker::FixArray(length) => self.list_of(length.into()),
            Marker::Array16 => self.length(2).and_then(|length| self.list_of(length)),
            Marker::Array32 => self.length(4).and_then(|length| self.list_of(length)),
            Marker::FixMap(length) => self.map_of(length.into()),
            Marker::Map16 => self.length(2).and_then(|length| self.map_of(length)),
            Marker::Map32 => self.length(4).and_then(|length| self.map_of(length)),
            Marker::FixExt1 => self.ext(1),
            Marker::FixExt2 => self.ext(2),
            Marker::FixExt4 => self.ext(4),
            Marker::FixExt8 => self.ext(8),
            Marker::FixExt16 => self.ext(16),
            Marker::Ext8 => self.length(1).and_then(|length| self.ext(length)),
            Marker::Ext16 => self.length(2).and_then(|length| self.ext(length)),
            Marker::Ext32 => self.length(4).and_then(|length| self.ext(length)),
            Marker::Reserved => {
                Err(Problem::Type { expected: "a value", found: "a reserved byte" }.into())
            }
        }
    }

    fn bytes_of(&mut self, bytes: usize) -> Result<Head<'a>, PackError> {
        let length = self.length(bytes)?;
        Ok(Head::Bytes(self.take(length)?))
    }

    fn list_of(&mut self, length: usize) -> Result<Head<'a>, PackError> {
        Ok(Head::Array(self.room_for(length)?))
    }

    fn map_of(&mut self, length: usize) -> Result<Head<'a>, PackError> {
        Ok(Head::Map(self.room_for(length.saturating_mul(2))? / 2))
    }

    /// Whether a nil is next, which is then read.
    pub(in crate::cluster) fn nil(&mut self) -> bool {
        let is_nil = self.rest.first() == Some(&Marker::Null.to_u8());
        if is_nil {
            self.rest = &self.rest[1..];
        }
        is_nil
    }

    pub(in crate::cluster) fn list(&mut self) -> Result<usize, PackError> {
        match self.head()? {
            Head::Array(length) => Ok(length),
            other => Err(other.instead_of("a list")),
        }
    }

    pub(in crate::cluster) fn map(&mut self) -> Result<usize, PackError> {
        match self.head()? {
            Head::Map(length) => Ok(length),
            other => Err(other.instead_of("a map")),
        }
    }

    /// Reads a map of named fields. `read` is handed each field's name with the reader at its value and says whether it
    /// knew the field; others are skipped, as are keys that are no texts.
    pub(in crate::cluster) fn fields(
        &mut self,
        mut read: impl FnMut(&str, &mut Self) -> Result<bool, PackError>,
    ) -> Result<(), PackError> {
        for _ in 0..self.map()? {
            match self.head()? {
                Head::Text(name) => {
                    let name = std::str::from_utf8(name).map_err(|_| Problem::Text)?;
                    if !field(name, read(name, self))? {
                        field(name, self.skip())?;
                    }
                }
                other => {
                    self.skip_inside(&other)?;
                    self.skip()?;
                }
            }
        }
        Ok(())
    }

    pub(in crate::cluster) fn text(&mut self) -> Result<&'a str, PackError> {
        match self.head()? {
            Head::Text(text) => Ok(std::str::from_utf8(text).map_err(|_| Problem::Text)?),
            other => Err(other.instead_of("a text")),
        }
    }

    pub(in crate::cluster) fn string(&mut self) -> Result<String, PackError> {
        self.text().map(str::to_owned)
    }

    /// A text, or nil for none.
    pub(in crate::cluster) fn text_or_nil(&mut self) -> Result<Option<String>, PackError> {
        if self.nil() { Ok(None) } else { self.string().map(Some) }
    }

    /// A text; other simple values as Python would print them. For what only people read.
    pub(in crate::cluster) fn words(&mut self) -> Result<Cow<'a, str>, PackError> {
        match self.head()? {
            Head::Text(text) => Ok(String::from_utf8_lossy(text)),
            Head::Nil => Ok("None".into()),
            Head::Bool(yes) => Ok(if yes { "True" } else { "False" }.into()),
            Head::Unsigned(number) => Ok(number.to_string().into()),
            Head::Signed(number) => Ok(number.to_string().into()),
            Head::Float(number) => Ok(crate::report::python::float(number).into()),
            other => Err(other.instead_of("a text")),
        }
    }

    pub(in crate::cluster) fn whole(&mut self) -> Result<u64, PackError> {
        match self.head()? {
            Head::Unsigned(number) => Ok(number),
            // Other languages may have no whole numbers.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is whole and below 2^53"
            )]
            Head::Float(number)
                if (0.0..9_007_199_254_740_992.0).contains(&number) && number.fract() == 0.0 =>
            {
                Ok(number as u64)
            }
            Head::Float(number) => Err(Problem::Number(number.to_string()).into()),
            Head::Signed(number) => Err(Problem::Number(number.to_string()).into()),
            other => Err(other.instead_of("a whole number")),
        }
    }

    /// A number of things that happened; nil is none.
    pub(in crate::cluster) fn count(&mut self) -> Result<u64, PackError> {
        if self.nil() {
            return Ok(0);
        }
        match self.whole()? {
            count if count < limits::COUNT => Ok(count),
            count => Err(Problem::Number(count.to_string()).into()),
        }
    }

    pub(in crate::cluster) fn finite(&mut self) -> Result<f64, PackError> {
        #[expect(clippy::cast_precision_loss, reason = "a float is asked for")]
        let number = match self.head()? {
            Head::Float(number) => number,
            Head::Unsigned(number) => number as f64,
            Head::Signed(number) => number as f64,
            other => return Err(other.instead_of("a number")),
        };
        if number.is_finite() {
            Ok(number)
        } else {
            Err(Problem::Number(number.to_string()).into())
        }
    }

    /// A number that is not negative and not above `most`.
    pub(in crate::cluster) fn positive(&mut self, most: f64) -> Result<f64, PackError> {
        match self.finite()? {
            number if (0.0..=most).contains(&number) => Ok(number),
            number => Err(Problem::Number(number.to_string()).into()),
        }
    }

    /// Seconds since the Unix epoch, before the year 10,000.
    pub(in crate::cluster) fn moment(&mut self) -> Result<f64, PackError> {
        self.positive(253_402_300_800.0)
    }

    pub(in crate::cluster) fn moment_or_nil(&mut self) -> Result<Option<f64>, PackError> {
        if self.nil() { Ok(None) } else { self.moment().map(Some) }
    }

    /// Reads as many elements as the list has, each by `read`.
    pub(in crate::cluster) fn each<T>(
        &mut self,
        what: &'static str,
        limit: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, PackError>,
    ) -> Result<Vec<T>, PackError> {
        let length = bounded(self.list()?, what, limit)?;
        (0..length).map(|at| read(self).or_else(|e| field(&format!("[{at}]"), Err(e)))).collect()
    }

    /// A map from whole numbers to counts. Text keys are refused: beside whole ones they break a Locust peer's sorting.
    pub(in crate::cluster) fn counts(&mut self) -> Result<BTreeMap<u64, u64>, PackError> {
        let mut counts = BTreeMap::new();
        for _ in 0..self.map()? {
            let key = self.whole()?;
            let count = field(&format!("[{key}]"), self.count())?;
            let sum = counts.entry(key).or_insert(0_u64);
            *sum = sum.saturating_add(count).min(limits::COUNT);
        }
        Ok(counts)
    }

    /// A map from names to what `read` reads.
    pub(in crate::cluster) fn named<T>(
        &mut self,
        what: &'static str,
        limit: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, PackError>,
    ) -> Result<BTreeMap<String, T>, PackError> {
        let length = bounded(self.map()?, what, limit)?;
        let pair = |_| {
            let name = self.string()?;
            let value = field(&name, read(self))?;
            Ok((name, value))
        };
        (0..length).map(pair).collect()
    }

    /// Reads past one value.
    pub(in crate::cluster) fn skip(&mut self) -> Result<(), PackError> {
        let head = self.head()?;
        self.skip_inside(&head)
    }

    fn skip_inside(&mut self, head: &Head) -> Result<(), PackError> {
        let inside = match head {
            Head::Array(length) => *length,
            Head::Map(length) => length * 2,
            _ => return Ok(()),
        };
        self.deeper()?;
        for _ in 0..inside {
            self.skip()?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), PackError> {
        self.depth += 1;
        if self.depth > limits::DEPTH {
            return Err(Problem::TooMany { what: "levels", limit: limits::DEPTH }.into());
        }
        Ok(())
    }

    /// Any value, to be kept.
    pub(in crate::cluster) fn value(&mut self) -> Result<Value, PackError> {
        Ok(match self.head()? {
            Head::Nil => Value::Nil,
            Head::Bool(yes) => Value::Bool(yes),
            Head::Unsigned(number) => Value::Unsigned(number),
            Head::Signed(number) => Value::Signed(number),
            Head::Float(number) => Value::Float(number),
            Head::Text(text) => {
                Value::Text(std::str::from_utf8(text).map_err(|_| Problem::Text)?.to_owned())
            }
            Head::Bytes(bytes) => Value::Bytes(bytes.to_owned()),
            Head::Ext(tag, bytes) => Value::Ext(tag, bytes.to_owned()),
            Head::Array(length) => {
                self.deeper()?;
                let values = (0..length).map(|_| self.value()).collect::<Result<_, _>>()?;
                self.depth -= 1;
                Value::List(values)
            }
            Head::Map(length) => {
                self.deeper()?;
                let pair = |_| Ok::<_, PackError>((self.value()?, self.value()?));
                let pairs = (0..length).map(pair).collect::<Result<_, _>>()?;
                self.depth -= 1;
                Value::Map(pairs)
            }
        })
    }
}

fn bounded(length: usize, what: &'static str, limit: usize) -> Result<usize, PackError> {
    if length > limit { Err(Problem::TooMany { what, limit }.into()) } else { Ok(length) }
}
