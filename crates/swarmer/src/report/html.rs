//! HTML reports: one file that holds the page, what it draws, and the complete record of the run, or the comparison of
//! two. It opens from disk and asks nobody for anything.

use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;
use serde::Serialize;
use serde_json::{Value, json};

use super::files::{FileError, Replaced};
use super::{Comparison, locust, python};
use crate::base64::base64;
use crate::stats::Record;

/// What the built page consists of; nothing when it was not built.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist"]
#[allow_missing = true]
pub(crate) struct Embedded;

/// What to do about a page that was not built.
pub(crate) const NOT_BUILT: &str =
    "The web page is not part of this build: run `make ui`, which needs Node, and build again.";

/// This build has no page to make reports of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no report can be made. {NOT_BUILT}")]
pub struct NotBuilt;

/// Colours in which a report opens; whoever reads it can choose others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    #[default]
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The report of a run as HTML, made of its record alone: what `--html` writes.
///
/// # Errors
/// When the page is not part of this build.
pub fn report(record: &Record, theme: Theme) -> Result<String, NotBuilt> {
    // Name and version; Locust has the name of a file in its place.
    let workload = record.summary.info.workload.rsplit_once(' ').map_or("", |(name, _)| name);
    let about = About { workload: workload.to_owned(), theme, ..About::default() };
    render(record, &about).ok_or(NotBuilt)
}

/// Two runs side by side as HTML.
///
/// # Errors
/// When the page is not part of this build.
pub fn comparison(comparison: &Comparison, theme: Theme) -> Result<String, NotBuilt> {
    let page = Embedded::page("report.html").ok_or(NotBuilt)?;
    let theme = theme.name();
    let data = data("swarmer-comparison", comparison);
    let boot = format!("<script>window.theme=\"{theme}\"</script>\n{data}");
    Ok(page.replacen(PLACE, &boot, 1))
}

/// Where the data go in a page.
pub(crate) const PLACE: &str = "<!--boot-->";

impl Embedded {
    /// A file by its path.
    pub(crate) fn file(path: &str) -> Option<Cow<'static, [u8]>> {
        Some(Self::get(path)?.data)
    }

    /// A page, as text.
    pub(crate) fn page(path: &str) -> Option<String> {
        String::from_utf8(Self::file(path)?.into_owned()).ok()
    }
}

/// JSON that is safe inside a `<script>`: nothing in it ends the element, begins a comment, or ends a line of JavaScript.
pub(crate) fn script_json(value: &impl Serialize) -> String {
    // What is serialised here has no keys but texts, and nothing that fails.
    let text = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// Data of more bytes than this are packed: pages unpack them in a moment, and files stay small enough to be sent.
const LONG: usize = 200_000;

/// An element that holds data of a page.
fn data(id: &str, value: &impl Serialize) -> String {
    let json = script_json(value);
    match (json.len() > LONG).then(|| packed(&json)).flatten() {
        Some(packed) => format!(
            "<script type=\"text/plain\" id=\"{id}\" data-encoding=\"gzip\">{packed}</script>"
        ),
        None => format!("<script type=\"application/json\" id=\"{id}\">{json}</script>"),
    }
}

/// As gzip in Base64.
fn packed(text: &str) -> Option<String> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    // Memory takes whatever is written to it.
    packer.write_all(text.as_bytes()).ok()?;
    Some(base64(&packer.finish().ok()?))
}

/// What a report says beside its record.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    /// The workload's name, where Locust has that of its file.
    pub(crate) workload: String,
    /// Whether the page offers itself for download.
    pub(crate) show_download_link: bool,
    pub(crate) theme: Theme,
    /// What lets a browser run the page's scripts when it is served, not saved.
    pub(crate) nonce: Option<String>,
}

/// The report; `None` when the page was not built.
pub(crate) fn render(record: &Record, about: &About) -> Option<String> {
    let mut page = Embedded::page("report.html")?;
    let nonce = about.nonce.as_ref().map_or(String::new(), |nonce| format!(" nonce=\"{nonce}\""));
    if !nonce.is_empty() {
        // The first of each is the page's own; what its scripts and the data say comes later.
        page =
            page.replacen("<script type=\"module\"", &format!("<script{nonce} type=\"module\""), 1);
        page = page.replacen("<style", &format!("<style{nonce}"), 1);
    }
    let theme = about.theme.name();
    let boot = format!(
        "<script{nonce}>window.templateArgs={};window.theme=\"{theme}\"</script>\n\
         {}",
        script_json(&template_args(record, about)),
        data("swarmer-record", record),
    );
    Some(page.replacen(PLACE, &boot, 1))
}

/// Failures in `window.templateArgs`, as many as `/stats/requests` has: the record, which is packed, holds them all.
const FAILURES: usize = 500;

/// What Locust's report has in `window.templateArgs`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole seconds")]
fn template_args(record: &Record, about: &About) -> Value {
    let summary = &record.summary;
    let start = summary.start as u64;
    let end = summary.last_request.map_or(start, |last| (last as u64).max(start));
    json!({
        "is_report": true,
        "start_time": locust::utc(start),
        "end_time": locust::utc(end),
        "duration": locust::in_words(end - start),
        "host": summary.info.host.as_deref().unwrap_or("None"),
        "locustfile": about.workload,
        "profile": summary.info.profile,
        "requests_statistics": locust::entries(summary, usize::MAX),
        "response_time_statistics": locust::report_percentiles(summary),
        "failures_statistics": locust::errors(summary, FAILURES),
        "exceptions_statistics": locust::exceptions(summary),
        "history": locust::history(&record.history),
        "tasks": summary.info.tasks,
        "percentiles_to_chart": locust::CHARTS,
        "show_download_link": about.show_download_link,
    })
}

/// The option that names the file.
const OPTION: &str = "--html";

/// The place of the report with `{u}`, `{r}` and `{t}` replaced by users, spawn rate and run time in seconds, as far as
/// they are set.
pub(crate) fn path_of(
    pattern: &Path,
    users: Option<u32>,
    spawn_rate: Option<f64>,
    run_time: Option<u64>,
) -> PathBuf {
    let Some(text) = pattern.to_str() else { return pattern.to_owned() };
    let values = [
        ("{u}", users.map(|users| users.to_string())),
        ("{r}", spawn_rate.map(python::float)),
        ("{t}", run_time.map(|seconds| seconds.to_string())),
    ];
    let set = |text: String, (tag, value): (&str, Option<String>)| match value {
        Some(value) => text.replace(tag, &value),
        None => text,
    };
    values.into_iter().fold(text.to_owned(), set).into()
}

/// The file of `--html`.
#[derive(Debug)]
pub(crate) struct HtmlFile(Replaced);

impl HtmlFile {
    /// Makes sure that `path` can be written; its folders are made.
    ///
    /// # Errors
    /// When it cannot.
    pub(crate) fn reserve(path: &Path) -> Result<Self, FileError> {
        Replaced::reserve(path, OPTION).map(Self)
    }

    /// Writes the report; a reader sees either nothing or all of it.
    ///
    /// # Errors
    /// When that fails.
    pub(crate) fn write(&self, report: &str) -> Result<(), FileError> {
        self.0.replace(report)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_data_ends_the_script() {
        let hostile =
            json!({"</script><script>alert(1)</script>": "<!-- \u{2028}\u{2029} &lt; ]]>"});
        let text = script_json(&hostile);
        assert!(!text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), hostile);
    }

    #[test]
    fn tags_of_the_file_name_are_replaced_where_set() {
        let pattern = Path::new("out/{u}-{r}-{t}-{x}.html");
        let path = path_of(pattern, Some(10), Some(2.5), Some(90));
        assert_eq!(path, Path::new("out/10-2.5-90-{x}.html"));
        assert_eq!(path_of(pattern, None, None, None), pattern);
    }
}
