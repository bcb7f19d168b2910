//! Options that are changed while the program runs: those of the workload, from a form.

use super::Options;
use super::opt::{Kind, Opt, Place};
use super::sources::{Origin, Raw, read};
use super::value::{Value, Values};

impl Opt {
    /// Whether a form can change it between runs, or during one.
    pub(crate) fn is_editable(&self) -> bool {
        self.place == Place::Everywhere && !self.hidden
    }

    /// Whether its value is told to nobody.
    pub(crate) fn is_secret(&self) -> bool {
        self.secret
    }

    /// The name under which Locust's forms send it.
    pub(crate) fn field(&self) -> String {
        self.long().replace('-', "_")
    }
}

impl Options {
    /// Sets an option of the workload to what `text` says, as if it had stood on the command line. An empty text means
    /// its default, or nothing.
    ///
    /// # Errors
    /// What is wrong with the text; names the option and what is allowed. Nothing is changed then.
    pub(crate) fn change(&mut self, opt: &Opt, text: &str) -> Result<(), String> {
        let text = text.trim();
        let text = if text.is_empty() { opt.default_value().unwrap_or_default() } else { text };
        if text.is_empty() {
            self.custom.unset(opt.long());
            self.given.remove(opt.long());
            return Ok(());
        }
        // Lines of a text field are texts of their own.
        let raw = match opt.kind() {
            Kind::Texts => Raw::Many(text.lines().map(|line| line.trim().to_owned()).collect()),
            _ => Raw::One(text.to_owned()),
        };
        self.custom.set(opt.long(), read(opt, raw, &Origin::CommandLine)?);
        let told = if opt.is_secret() { "…" } else { text };
        self.given.insert(opt.long().to_owned(), told.to_owned());
        Ok(())
    }
}

impl Values {
    /// An option's value as a person would write it; empty when it has none.
    pub(crate) fn written(&self, opt: &Opt) -> String {
        match self.get(opt.long()) {
            None => String::new(),
            Some(Value::Flag(on)) => on.to_string(),
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Whole(value)) => value.to_string(),
            Some(Value::Integer(value)) => value.to_string(),
            Some(Value::Number(value)) => value.to_string(),
            Some(Value::Span(span)) => span.as_secs().to_string(),
            Some(Value::Words(words)) => {
                words.join(if *opt.kind() == Kind::Texts { "\n" } else { ", " })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_on_the_command_line_and_told_again() {
        let mut options = Options::default();
        let brands = Opt::list("brands");
        for (opt, text, told) in [
            (Opt::flag("dry"), "yes", "true"),
            (Opt::number("share", 0.0..=1.0), " 0.25 ", "0.25"),
            (Opt::span("pause"), "1m30s", "90"),
            (Opt::choice("mode", &["Fast", "slow"]), "fast", "Fast"),
            (brands.clone(), "a b,c", "a b, c"),
            (Opt::texts("notes"), "one\ntwo, three", "one\ntwo, three"),
            (Opt::text("name").default("x"), "", "x"),
        ] {
            options.change(&opt, text).unwrap();
            assert_eq!(options.custom.written(&opt), told);
        }
        assert_eq!(options.custom.words("brands"), ["a b", "c"]);
        options.change(&brands, "").unwrap();
        assert_eq!(options.custom.written(&brands), "");
        let wrong = options.change(&Opt::number("share", 0.0..=1.0), "2").unwrap_err();
        assert!(wrong.starts_with("argument --share: out of range: '2'"), "{wrong}");
        assert_eq!(options.custom.number("share"), Some(0.25), "nothing is changed by a mistake");
    }

    #[test]
    fn secrets_are_not_told() {
        let (mut options, key) = (Options::default(), Opt::text("key").secret());
        options.change(&key, "hunter2").unwrap();
        assert_eq!(options.custom.text("key"), Some("hunter2"));
        assert_eq!(options.given["key"], "…");
    }
}
