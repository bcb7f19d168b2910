//! The dialect of Python's `csv` module: commas, CRLF, quotes only where they are needed.

use std::fmt::Write;

use crate::report::python;

/// Rows of a table, put together field by field.
#[derive(Debug, Default)]
pub(super) struct Table {
    text: String,
    in_row: bool,
}

impl Table {
    /// The header as the first row.
    pub(super) fn with_header<'a>(fields: impl IntoIterator<Item = &'a str>) -> Self {
        let mut table = Self::default();
        for field in fields {
            table.text(field);
        }
        table.end_row();
        table
    }

    pub(super) fn text(&mut self, field: &str) -> &mut Self {
        self.separate();
        if field.contains([',', '"', '\n', '\r']) {
            self.text.push('"');
            self.text.push_str(&field.replace('"', "\"\""));
            self.text.push('"');
        } else {
            self.text.push_str(field);
        }
        self
    }

    pub(super) fn whole(&mut self, value: u64) -> &mut Self {
        self.separate();
        write!(self.text, "{value}").expect("writing to a string cannot fail");
        self
    }

    /// A number that Python has as a float: always with a point or an exponent.
    pub(super) fn float(&mut self, value: f64) -> &mut Self {
        self.separate();
        self.text.push_str(&python::float(value));
        self
    }

    /// A number that is whole in Locust's files where it can be: without a point if it is whole.
    pub(super) fn number(&mut self, value: f64) -> &mut Self {
        let text = python::float(value);
        self.separate();
        self.text.push_str(text.strip_suffix(".0").unwrap_or(&text));
        self
    }

    pub(super) fn end_row(&mut self) {
        self.text.push_str("\r\n");
        self.in_row = false;
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn separate(&mut self) {
        if self.in_row {
            self.text.push(',');
        }
        self.in_row = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stand_only_where_they_are_needed() {
        let mut table =
            Table::with_header(["a b", "c,d", "say \"x\"", "two\nlines", "", "back\rslash"]);
        table.float(0.0).float(2.5).number(12.0).number(0.125).whole(7);
        table.end_row();
        assert_eq!(
            table.finish(),
            "a b,\"c,d\",\"say \"\"x\"\"\",\"two\nlines\",,\"back\rslash\"\r\n0.0,2.5,12,0.125,7\r\n"
        );
    }
}
