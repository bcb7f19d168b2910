//! What is saved of a run: its summary, and the courses of the run and of each row.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::history::HistoryColumns;
use super::merge::Part;
use super::row_history::RowRecord;
use super::summary::Summary;

/// Everything known of a run that has ended; `schema/summary.schema.json` describes its JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// All figures.
    #[serde(flatten)]
    pub summary: Summary,
    /// The course of the run; empty in documents of earlier versions.
    #[serde(default)]
    pub history: HistoryColumns,
    /// The courses of the rows that had any traffic.
    #[serde(default)]
    pub row_histories: Vec<RowRecord>,
    /// The runs that this is the sum of ([`Record::merge`]), by their starts; none for a run as it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Part>,
}

/// A text is no [`Record`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is no JSON.
    #[error("this is no JSON document: {0}")]
    NotJson(serde_json::Error),
    /// It is JSON, and something else.
    #[error(
        "this JSON document is no summary of a run: it has no number in its field `version`; --summary-json writes such \
         documents"
    )]
    NotASummary,
    /// It is one of another version.
    #[error("this summary is of version {found}; this program reads version {}", Summary::VERSION)]
    Version {
        /// The version of the document.
        found: u64,
    },
    /// A field is missing, or has a value that no run gives.
    #[error("this summary is damaged: {0}")]
    Damaged(String),
}

impl Record {
    /// Reads a document that `--summary-json` wrote. Nothing is lost on the way but Locust's buckets, and the counts of
    /// each second and row that only Locust's JSON shows.
    ///
    /// # Errors
    /// When `text` is no such document; the error says what was found and what is wanted.
    pub fn read(text: &str) -> Result<Self, RecordError> {
        let document: Value = serde_json::from_str(text).map_err(RecordError::NotJson)?;
        let version = document.get("version").and_then(Value::as_u64);
        match version.ok_or(RecordError::NotASummary)? {
            known if known == u64::from(Summary::VERSION) => {}
            found => return Err(RecordError::Version { found }),
        }
        let record: Self = serde_json::from_value(document)
            .map_err(|error| RecordError::Damaged(error.to_string()))?;
        if let Some(column) = record.history.uneven() {
            let text = format!("the column `{column}` of `history` is not as long as `time`");
            return Err(RecordError::Damaged(text));
        }
        if let Some(row) = record.row_histories.iter().find(|row| !row.history.is_even()) {
            let (method, name) = (&row.method, &row.name);
            let text = format!("the columns of the history of `{method} {name}` differ in length");
            return Err(RecordError::Damaged(text));
        }
        Ok(record)
    }
}
