//! JSON: Locust's shape for those who read it already, and the whole [`Summary`] as a document of its own.
//!
//! Locust takes the figures out of its statistics while it writes them, so that tables printed afterwards are empty and
//! a second document is `[]`. Here each document is rendered from the summary, which stays as it is.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::files::{FileError, Replaced, with_suffix};
use crate::stats::{CoarseBuckets, Figures, Record, Row, Summary};

/// One entry of Locust's array. The order of the fields is Locust's.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    method: &'a str,
    last_request_timestamp: Option<f64>,
    start_time: f64,
    num_requests: u64,
    num_none_requests: u64,
    num_failures: u64,
    total_response_time: f64,
    max_response_time: f64,
    min_response_time: Option<f64>,
    total_content_length: u64,
    response_times: BTreeMap<u64, u64>,
    num_reqs_per_sec: BTreeMap<u64, u64>,
    num_fail_per_sec: BTreeMap<u64, u64>,
}

/// What `--json` prints: an array with one object for each method and name, in order of first appearance.
///
/// `response_times` are Locust's buckets: exact when they were kept ([`Figures::coarse`]), else made from the fine
/// histogram, whose values within 0.1 % of a bucket's border may fall into its neighbour. The counts of each second are
/// there when they were kept ([`Row::per_second`]).
pub fn locust_shape(summary: &Summary) -> String {
    let mut rows: Vec<&Row> = summary.requests().filter(|row| row.figures.requests > 0).collect();
    rows.sort_by_key(|row| row.order);
    let entries: Vec<Entry<'_>> = rows.into_iter().map(|row| entry(row, summary.start)).collect();
    pretty(&entries, b"    ")
}

fn entry(row: &Row, start: f64) -> Entry<'_> {
    let Figures { requests, untimed, failures, bytes, .. } = row.figures;
    let seconds = || row.per_second.iter().flat_map(|seconds| seconds.iter());
    Entry {
        name: &row.name,
        method: &row.method,
        last_request_timestamp: row.figures.last_request,
        start_time: start,
        num_requests: requests,
        num_none_requests: untimed,
        num_failures: failures,
        total_response_time: total_ms(&row.figures),
        max_response_time: row.figures.max,
        min_response_time: (requests > untimed).then_some(row.figures.min),
        total_content_length: bytes,
        response_times: buckets(&row.figures).iter().collect(),
        num_reqs_per_sec: seconds().map(|(second, requests, _)| (second, requests)).collect(),
        num_fail_per_sec: seconds()
            .filter(|&(_, _, failures)| failures > 0)
            .map(|(second, _, failures)| (second, failures))
            .collect(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 104 days")]
fn total_ms(figures: &Figures) -> f64 {
    figures.times.sum() as f64 / 1e6
}

fn buckets(figures: &Figures) -> CoarseBuckets {
    if let Some(coarse) = &figures.coarse {
        return CoarseBuckets::clone(coarse);
    }
    let mut coarse = CoarseBuckets::default();
    let (min, max) = (figures.times.min().unwrap_or(0), figures.times.max().unwrap_or(0));
    for (nanos, count) in figures.times.iter() {
        coarse.add(crate::stats::locust_bucket(nanos.clamp(min, max)), count);
    }
    coarse
}

/// What `--summary-json` writes: everything known of the run and its course. `schema/summary.schema.json` describes it;
/// [`Record::read`] reads it.
pub fn record(record: &Record) -> String {
    written(record, Shallow::default())
}

/// The file of `--json-file`.
#[derive(Debug)]
pub struct LocustJsonFile(Replaced);

impl LocustJsonFile {
    /// Makes sure that `path`, with `.json` after it, can be written; its folders are made.
    ///
    /// # Errors
    /// When it cannot.
    pub fn reserve(path: &Path) -> Result<Self, FileError> {
        Replaced::reserve(&with_suffix(path, ".json"), "--json-file").map(Self)
    }

    /// Writes [`locust_shape`]; a reader sees either nothing or all of it.
    ///
    /// # Errors
    /// When that fails.
    pub fn write(&self, summary: &Summary) -> Result<(), FileError> {
        self.0.replace(&locust_shape(summary))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The file of `--summary-json`.
#[derive(Debug)]
pub struct SummaryFile(Replaced);

impl SummaryFile {
    /// Makes sure that `path` can be written; its folders are made.
    ///
    /// # Errors
    /// When it cannot.
    pub fn reserve(path: &Path) -> Result<Self, FileError> {
        Replaced::reserve(path, "--summary-json").map(Self)
    }

    /// Writes [`record`]; a reader sees either nothing or all of it.
    ///
    /// # Errors
    /// When that fails.
    pub fn write(&self, document: &Record) -> Result<(), FileError> {
        self.0.replace(&record(document))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

fn pretty(value: &impl Serialize, indent: &[u8]) -> String {
    written(value, PrettyFormatter::with_indent(indent))
}

/// Lines down to the fields of a row; what lies deeper stays on its line. A column of a thousand numbers, or the cells of
/// a histogram, would be a thousand lines.
#[derive(Default)]
struct Shallow {
    depth: usize,
    /// By depth: something was written there.
    filled: [bool; Self::LINES + 1],
}

impl Shallow {
    /// Levels that have lines.
    const LINES: usize = 3;

    fn open<W: ?Sized + Write>(&mut self, out: &mut W, bracket: u8) -> io::Result<()> {
        self.depth += 1;
        if let Some(filled) = self.filled.get_mut(self.depth) {
            *filled = false;
        }
        out.write_all(&[bracket])
    }

    fn close<W: ?Sized + Write>(&mut self, out: &mut W, bracket: u8) -> io::Result<()> {
        let filled = self.filled.get(self.depth).is_some_and(|filled| *filled);
        self.depth -= 1;
        if filled {
            self.line(out)?;
        }
        out.write_all(&[bracket])
    }

    fn next<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        let comma: &[u8] = if first { b"" } else { b"," };
        out.write_all(comma)?;
        match self.filled.get_mut(self.depth) {
            Some(filled) => {
                *filled = true;
                self.line(out)
            }
            None if first => Ok(()),
            None => out.write_all(b" "),
        }
    }

    fn line<W: ?Sized + Write>(&self, out: &mut W) -> io::Result<()> {
        out.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| out.write_all(b"  "))
    }
}

impl Formatter for Shallow {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b'[')
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b']')
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.next(out, first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b'{')
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b'}')
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.next(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}

fn written(value: &impl Serialize, formatter: impl Formatter) -> String {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, formatter);
    value
        .serialize(&mut serializer)
        .expect("texts, numbers and maps with text keys always serialise");
    out.push(b'\n');
    String::from_utf8(out).expect("JSON is UTF-8")
}
