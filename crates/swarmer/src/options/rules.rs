//! What options mean together: removed ones, ones without effect, combinations that make no sense.

use std::collections::BTreeMap;

use super::opt::{Effect, Opt};
use super::sources::{Layer, Raw};
use super::value::Values;
use super::{Options, sources};
use crate::cluster::zmtp::Token;

/// A combination of options that makes no sense, or a value that only its use shows to be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The exit code, which is Locust's.
    pub code: u8,
    /// What is wrong, for the log.
    pub text: String,
}

impl Options {
    /// What is wrong with these options together; found after the log was set up, as in Locust.
    pub fn conflict(&self) -> Option<Conflict> {
        let conflict = |code, text: &str| Some(Conflict { code, text: text.to_owned() });
        let (web, cluster) = (&self.web, &self.cluster);
        if web.autoquit.is_some() && !web.autostart {
            return conflict(1, "--autoquit is only meaningful in combination with --autostart");
        }
        match cluster.processes {
            Some(count) if count < -1 => {
                return conflict(1, &format!("Invalid --processes count {count}"));
            }
            Some(_) if cluster.master => {
                return conflict(
                    1,
                    "--master cannot be combined with --processes: remove --master, one process uses every core",
                );
            }
            _ => {}
        }
        if cluster.master && cluster.worker {
            return conflict(255, "The --master argument cannot be combined with --worker");
        }
        if !self.headless && !cluster.worker && !matches!(web.base_path.as_bytes(), [] | [b'/', ..])
        {
            let text = format!(
                "Invalid format for --web-base-path argument ({}): the url path must start with a slash.",
                web.base_path
            );
            return conflict(1, &text);
        }
        if let Some(Err(weak)) = cluster.token.as_deref().map(Token::new) {
            return conflict(2, &format!("argument --cluster-token: {weak}"));
        }
        None
    }
}

/// Refuses options that were removed.
pub(super) fn no_removed(table: &[Opt], layers: &[Layer]) -> Result<(), String> {
    for opt in table {
        let Effect::Removed(text) = opt.effect() else { continue };
        if let Some(layer) = layers.iter().find(|layer| layer.values.contains_key(opt.long())) {
            let place = sources::place(&layer.origin, opt);
            return Err(format!("argument {}: {text}{place}", opt.display()));
        }
    }
    Ok(())
}

/// The options that were given, by name, as they were written; a secret one's value is not told.
pub(super) fn given(table: &[Opt], layers: &[Layer]) -> BTreeMap<String, String> {
    let strongest =
        |opt: &Opt| layers.iter().find_map(|layer| layer.values.get(opt.long()).cloned());
    let shown = |opt: &Opt| {
        let text = match strongest(opt)? {
            _ if opt.secret => "…".to_owned(),
            Raw::Flag => "true".to_owned(),
            Raw::One(text) => text,
            Raw::Many(texts) => texts.join(" "),
        };
        Some((opt.long().to_owned(), without_credentials(&text)))
    };
    table.iter().filter_map(shown).collect()
}

/// A URL may carry a name and a password.
fn without_credentials(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match host.rfind('@') {
        Some(at) => format!("{scheme}://…{}", &rest[at..]),
        None => text.to_owned(),
    }
}

/// What to say about options that were given and have no effect.
pub(super) fn notices(table: &[Opt], layers: &[Layer], values: &Values) -> Vec<String> {
    let given = |opt: &&Opt| {
        layers.iter().any(|layer| layer.values.contains_key(opt.long()))
            && values.is_set(opt.long())
    };
    let notice = |opt: &Opt| match opt.effect() {
        _ if opt.long() == "autostart" && values.flag("headless") => Some(
            "The --autostart argument is implied by --headless, no need to set both.".to_owned(),
        ),
        Effect::Instead(sentence) => Some(format!("--{} has no effect: {sentence}", opt.long())),
        _ => None,
    };
    table.iter().filter(given).filter_map(notice).collect()
}
