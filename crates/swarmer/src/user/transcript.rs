//! What one user does, says and hears, as text: what `--replay` prints.
//!
//! Users of a run have none. What comes from the target is not trusted: it cannot move a terminal's cursor, and it is shown
//! up to a limit.

mod mask;

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::Write;
use std::time::{Duration, Instant};

pub(crate) use mask::Masks;
use tokio::sync::Notify;

use super::custom::Finished;
use crate::clock;
use crate::http::{Tap, Timings};
use crate::stats::RunEnd;

/// So many bytes of a body are shown.
const SHOWN: usize = 16 * 1024;
/// So many bytes are shown of a body that is no text.
const GLIMPSE: usize = 16;
/// The column behind the times.
const INDENT: &str = "             ";

/// The transcript of one user.
pub(crate) struct Transcript {
    page: RefCell<Page>,
    /// Somebody closed the other end of the output.
    hung_up: Notify,
}

/// What was counted in a transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) exceptions: u64,
    pub(crate) tasks: u64,
}

/// How a transcript is written.
pub(crate) struct Look {
    pub(crate) colours: bool,
    pub(crate) masks: Masks,
    /// Pauses are told, not made.
    pub(crate) fast: bool,
}

struct Page {
    out: Box<dyn Write>,
    look: Look,
    began: Instant,
    tally: Tally,
    open: Option<Open>,
}

/// The request under way.
struct Open {
    method: &'static str,
    target: String,
    name: String,
    /// How often it was sent, redirects included.
    sent: u32,
    /// Of the last answer.
    timings: Option<Timings>,
}

/// What a line is about, which decides its colour.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Plain,
    /// Headers and bodies.
    Faint,
    Strong,
    Good,
    Bad,
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transcript")
    }
}

impl Transcript {
    /// Time begins to run now.
    pub(crate) fn new(out: Box<dyn Write>, look: Look) -> Self {
        let page = Page { out, look, began: clock::now(), tally: Tally::default(), open: None };
        Self { page: RefCell::new(page), hung_up: Notify::new() }
    }

    pub(crate) fn tally(&self) -> Tally {
        self.page.borrow().tally
    }

    /// Waits until nobody reads the transcript any more.
    pub(crate) async fn hung_up(&self) {
        self.hung_up.notified().await;
    }

    /// A heading, without a time.
    pub(crate) fn heading(&self, text: &str) {
        self.write(|page, out| {
            page.paint(out, Tone::Strong, &printable(text));
            out.push_str("\n\n");
        });
    }

    /// A task, or a set that is entered, begins.
    pub(super) fn begins(&self, what: &str, name: &str) {
        self.write(|page, out| {
            page.tally.tasks += u64::from(what == "task");
            page.line(out, Tone::Strong, &format!("{what} {name}"));
        });
    }

    /// The task is over.
    pub(super) fn task_ends(&self, how: &RunEnd) {
        let text = match how {
            RunEnd::Done => "task is over".to_owned(),
            RunEnd::Failed(why) => format!("task failed: {why}"),
            RunEnd::Cut => "task is cut off".to_owned(),
        };
        self.write(|page, out| page.line(out, Tone::Plain, &text));
    }

    /// A pause begins; how long it is to be made.
    pub(super) fn waits(&self, pause: Duration) -> Duration {
        let fast = self.page.borrow().look.fast;
        if !pause.is_zero() {
            let note = if fast { " (skipped)" } else { "" };
            let text = format!("waits {:.3} s{note}", pause.as_secs_f64());
            self.write(|page, out| page.line(out, Tone::Plain, &text));
        }
        if fast { Duration::ZERO } else { pause }
    }

    /// An exception, in one line, and where it came from.
    pub(super) fn exception(&self, message: &str, detail: &str) {
        self.write(|page, out| {
            page.tally.exceptions += 1;
            page.line(out, Tone::Bad, &format!("EXCEPTION: {message}"));
            page.block(out, "  ", detail.strip_prefix(message).unwrap_or(detail).trim_start());
        });
    }

    /// A request is about to be sent.
    pub(super) fn request(&self, method: &'static str, target: &str, name: &str) {
        let (target, name) = (target.to_owned(), name.to_owned());
        let open = Open { method, target, name, sent: 0, timings: None };
        self.page.borrow_mut().open = Some(open);
    }

    /// A request, of any protocol, is over.
    pub(super) fn finished(&self, done: &Finished) {
        self.write(|page, out| page.verdict(out, done));
    }

    /// The last line.
    pub(crate) fn end(&self, why: &str) {
        self.write(|page, out| {
            if let Some(open) = page.open.take().filter(|open| open.sent > 0) {
                let number = page.tally.requests + 1;
                page.line(out, Tone::Bad, &format!("#{number} cut off: {}", open.name));
            }
            let Tally { requests, failed, exceptions, tasks } = page.tally;
            let figures = format!(
                "{}, {failed} failed; {}; {}",
                counted(requests, "request"),
                counted(exceptions, "exception"),
                counted(tasks, "task"),
            );
            page.line(out, Tone::Strong, &format!("end: {why}. {figures}"));
        });
    }

    fn write(&self, text: impl FnOnce(&mut Page, &mut String)) {
        let (page, mut out) = (&mut *self.page.borrow_mut(), String::new());
        text(page, &mut out);
        let written = page.out.write_all(out.as_bytes()).and_then(|()| page.out.flush());
        if written.is_err() {
            self.hung_up.notify_one();
        }
    }
}

impl Tap for Transcript {
    fn sent(&self, origin: &str, wire: &[u8]) {
        self.write(|page, out| page.sent(out, origin, wire));
    }

    fn answered(&self, head: &[u8], body: &[u8], timings: &Timings) {
        self.write(|page, out| {
            if let Some(open) = &mut page.open {
                open.timings = Some(*timings);
            }
            page.message(out, "< ", head, body);
        });
    }

    fn broke_off(&self, received: &[u8]) {
        self.write(|page, out| {
            let (head, body) = split(received);
            page.message(out, "< ", head, body);
            page.block(out, "", "(the answer breaks off here)");
        });
    }
}

impl Page {
    fn sent(&mut self, out: &mut String, origin: &str, wire: &[u8]) {
        let (head, body) = split(wire);
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line.trim_ascii_end());
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let url = format!("{origin}{}", self.look.masks.url(target));
        let number = self.tally.requests + 1;
        let text = match &mut self.open {
            Some(open) => {
                open.sent += 1;
                match (open.sent, open.timings.take()) {
                    (1, _) if open.name == target => format!("#{number} {method} {url}"),
                    (1, _) => format!("#{number} {method} {url} ({})", open.name),
                    (_, Some(_)) => format!("#{number} is redirected: {method} {url}"),
                    (_, None) => format!("#{number} again, the kept connection was closed"),
                }
            }
            None => format!("{method} {url}"),
        };
        self.line(out, Tone::Strong, &text);
        let fields =
            head.iter().position(|byte| *byte == b'\n').map_or(&[][..], |at| &head[at + 1..]);
        self.message(out, "> ", fields, body);
    }

    /// Lines of a head, an empty one, a body.
    fn message(&mut self, out: &mut String, mark: &str, head: &[u8], body: &[u8]) {
        let mut lines = String::new();
        let mut is_form = false;
        for line in head.split(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(line.trim_ascii_end());
            if line.is_empty() {
                continue;
            }
            let Some((name, value)) = line.split_once(':') else {
                // The status line; the version is an answer's in HTTP/1.1 and made up in HTTP/2.
                let status = line.split_once(' ').map_or(&*line, |(_, status)| status);
                let _ = writeln!(lines, "{status}");
                continue;
            };
            let value = value.trim_start();
            is_form |= name.eq_ignore_ascii_case("content-type")
                && value.starts_with("application/x-www-form-urlencoded");
            let _ = writeln!(lines, "{name}: {}", self.look.masks.header(name, value));
        }
        if !body.is_empty() {
            lines.push('\n');
            lines.push_str(&self.body(body, is_form));
        }
        self.block(out, mark, &lines);
    }

    fn body(&mut self, body: &[u8], is_form: bool) -> String {
        let mut shown = &body[..body.len().min(SHOWN)];
        let text = match str::from_utf8(shown) {
            // The limit may have cut a character.
            Err(error) if error.error_len().is_none() && shown.len() < body.len() => {
                shown = &shown[..error.valid_up_to()];
                str::from_utf8(shown).ok()
            }
            text => text.ok(),
        };
        let Some(text) = text.filter(|text| !text.contains('\0')) else {
            let bytes: Vec<String> =
                body.iter().take(GLIMPSE).map(|byte| format!("{byte:02x}")).collect();
            let more = if body.len() > GLIMPSE { " …" } else { "" };
            return format!("({} bytes that are no text: {}{more})", body.len(), bytes.join(" "));
        };
        let mut text = self.look.masks.body(text, is_form).into_owned();
        if shown.len() < body.len() {
            let _ = write!(text, "\n(… and {} more bytes)", body.len() - shown.len());
        }
        text
    }

    fn verdict(&mut self, out: &mut String, done: &Finished) {
        self.tally.requests += 1;
        let number = self.tally.requests;
        // A block that is measured may have requests of its own in it, which are over by now.
        let open = if done.is_http { self.open.take() } else { None };
        let name = match &open {
            Some(Open { sent: 0, method, target, name, .. }) => {
                let target = self.look.masks.url(target).into_owned();
                let text = format!("#{number} {method} {target} ({name})");
                self.line(out, Tone::Strong, &text);
                String::new()
            }
            Some(_) => String::new(),
            None => format!(" {} {}", done.method, done.name),
        };
        let status = done.response.map_or(String::new(), |answer| format!(": {}", answer.status()));
        let time = done.response_time.map_or(String::new(), |time| format!(" in {}", span(time)));
        let detail = match open.and_then(|open| open.timings) {
            Some(timings) => format!(" ({})", phases(&timings, done.bytes)),
            None if done.bytes > 0 => format!(" ({} bytes)", done.bytes),
            None => String::new(),
        };
        match done.failure {
            None => {
                let text = format!("#{number}{name} ok{status}{time}{detail}");
                self.line(out, Tone::Good, &text);
            }
            Some(why) => {
                self.tally.failed += 1;
                let text = format!("#{number}{name} FAILED{status}{time}{detail}");
                self.line(out, Tone::Bad, &text);
                self.block(out, "  ", why);
            }
        }
    }

    /// A line with its time.
    fn line(&mut self, out: &mut String, tone: Tone, text: &str) {
        let since = clock::now().saturating_duration_since(self.began);
        let _ = write!(out, "{:>9.3} s  ", since.as_secs_f64());
        let text = self.look.masks.everywhere(printable(text).into());
        self.paint(out, tone, &text);
        out.push('\n');
    }

    /// Lines below one with a time.
    fn block(&self, out: &mut String, mark: &str, text: &str) {
        for line in text.lines() {
            out.push_str(INDENT);
            let line = self.look.masks.everywhere(format!("{mark}{}", printable(line)).into());
            self.paint(out, Tone::Faint, line.trim_end());
            out.push('\n');
        }
    }

    fn paint(&self, out: &mut String, tone: Tone, text: &str) {
        let code = match tone {
            Tone::Plain => "",
            Tone::Faint => "\x1b[2m",
            Tone::Strong => "\x1b[1m",
            Tone::Good => "\x1b[32m",
            Tone::Bad => "\x1b[1;31m",
        };
        if self.look.colours && !code.is_empty() {
            out.extend([code, text, "\x1b[0m"]);
        } else {
            out.push_str(text);
        }
    }
}

/// Head, with the empty line that ends it, and body.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
    let end = end.or_else(|| bytes.windows(2).position(|two| two == b"\n\n").map(|at| at + 2));
    bytes.split_at(end.unwrap_or(bytes.len()))
}

/// Text that does to a terminal nothing but show itself.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => shown.push(c),
            // Marks that turn the direction of writing can make text look like other text.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => shown.extend(c.escape_unicode()),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// Where the time went.
fn phases(timings: &Timings, bytes: u64) -> String {
    let connection = match &timings.connect {
        None if timings.reused => "kept connection".to_owned(),
        None => String::new(),
        Some(connect) => {
            let tls = connect.tls.map_or(String::new(), |tls| format!(", TLS {}", span(tls)));
            format!("new connection {}{tls}", span(connect.total))
        }
    };
    let first = timings.first_byte.map(|time| format!("first byte after {}", span(time)));
    let parts =
        [Some(connection).filter(|text| !text.is_empty()), first, Some(format!("{bytes} bytes"))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Milliseconds with as many digits as one reads.
fn span(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1_000.0;
    if ms < 10.0 { format!("{ms:.2} ms") } else { format!("{ms:.1} ms") }
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
