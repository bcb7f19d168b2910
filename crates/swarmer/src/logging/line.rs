//! What one log line looks like, and how text from outside is made harmless in it.

use std::fmt::Write;

use jiff::ZonedDateTime;

use super::level::Level;

/// The longest message kept, in bytes; what a target sends back can be of any length.
const MAX_MESSAGE: usize = 8 * 1024;

/// One line without its end: `[2026-01-31 12:00:00,123] host/INFO/swarmer.main: message`.
pub(super) fn format(
    time: &ZonedDateTime,
    host: &str,
    level: Level,
    logger: &str,
    message: &str,
) -> String {
    let mut line = String::with_capacity(message.len() + 80);
    let stamp = time.strftime("%Y-%m-%d %H:%M:%S");
    let millis = time.millisecond();
    let level = level.as_str();
    // Writing to a String cannot fail.
    let _ = write!(line, "[{stamp},{millis:03}] {host}/{level}/{logger}: ");
    push_harmless(&mut line, message);
    line
}

/// Appends `text` so that it stays one line and commands no terminal: control characters, line separators and
/// characters that reverse the direction of text are written as escapes; too long a text is cut.
fn push_harmless(line: &mut String, text: &str) {
    let mut rest = MAX_MESSAGE;
    for letter in text.chars() {
        let Some(left) = rest.checked_sub(letter.len_utf8()) else {
            let _ = write!(line, "… ({} bytes)", text.len());
            return;
        };
        rest = left;
        if is_harmful(letter) {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
}

/// The level that a line begins with.
pub(super) fn level_of(line: &str) -> Level {
    let word = line.split_once("] ").and_then(|(_, rest)| rest.split('/').nth(1));
    word.and_then(Level::from_name).unwrap_or_default()
}

fn is_harmful(letter: char) -> bool {
    let turns_text_around = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let separates_lines = matches!(letter, '\u{2028}' | '\u{2029}');
    (letter.is_control() && letter != '\t') || turns_text_around || separates_lines
}

/// The name in the log of an event's target: the engine's own modules in Locust's way (`swarmer.runner`), those of
/// others as they are.
pub(super) fn logger(target: &str) -> String {
    match target.strip_prefix("swarmer::") {
        Some(module) => format!("swarmer.{}", module.replace("::", ".")),
        None => target.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str) -> String {
        let time = "2026-01-31T12:00:05.0071[UTC]".parse().unwrap();
        format(&time, "vm", Level::Warning, "swarmer.main", message)
    }

    #[test]
    fn levels_are_read_back() {
        assert_eq!(level_of(&line("a/ERROR/b] x/DEBUG/y")), Level::Warning);
        assert_eq!(level_of("no line of ours"), Level::Info);
    }

    #[test]
    fn format_is_locusts() {
        assert_eq!(line("No host"), "[2026-01-31 12:00:05,007] vm/WARNING/swarmer.main: No host");
    }

    #[test]
    fn text_from_outside_cannot_forge_a_line_or_command_a_terminal() {
        let hostile =
            "ok\n[2026-01-31 12:00:06,000] vm/ERROR/x: forged\r\u{1b}[2J\0\u{202e}\u{2028}\u{85}ä";
        assert_eq!(
            line(hostile),
            "[2026-01-31 12:00:05,007] vm/WARNING/swarmer.main: ok\\n[2026-01-31 12:00:06,000] vm/ERROR/x: \
             forged\\r\\u{1b}[2J\\u{0}\\u{202e}\\u{2028}\\u{85}ä"
        );
    }

    #[test]
    fn a_message_of_any_length_is_cut() {
        let line = line(&"ä".repeat(1_000_000));
        assert!(line.len() < MAX_MESSAGE + 100);
        assert!(line.ends_with("… (2000000 bytes)"));
    }

    #[test]
    fn loggers() {
        assert_eq!(logger("swarmer::runner::local"), "swarmer.runner.local");
        assert_eq!(logger("swarmer.main"), "swarmer.main");
        assert_eq!(logger("load_tests::behaviors::base"), "load_tests::behaviors::base");
    }
}
