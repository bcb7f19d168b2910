//! What a transcript does not tell: passwords, tokens, cookies.
//!
//! They are known by the names of their fields, and by their values once those were seen; nobody can know all of them.

use std::borrow::Cow;

/// Stands for what is not told.
const HIDDEN: &str = "…";
/// A shorter value, found under a secret name, may be an everyday word: it is not looked for elsewhere.
const TELLING: usize = 16;
/// So many values are looked for, the newest.
const REMEMBERED: usize = 64;

/// Parts of names whose values are hidden when they are text.
const PARTS: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "apikey",
    "credential",
    "privatekey",
];
/// Names whose values are hidden whatever they are.
const NAMES: [&str; 10] =
    ["pwd", "pin", "otp", "cvv", "cvc", "sid", "jwt", "session", "sessionid", "xsrf"];

/// Hides secrets, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Masks {
    shows_all: bool,
    /// Values that are hidden wherever they stand.
    values: Vec<String>,
}

impl Masks {
    /// Hides `values` wherever they stand, and what is secret by its name.
    pub(crate) fn new(values: impl IntoIterator<Item = String>) -> Self {
        // One letter is everywhere.
        let values = values.into_iter().filter(|value| value.len() >= 4).collect();
        Self { shows_all: false, values }
    }

    /// Hides nothing.
    pub(crate) fn none() -> Self {
        Self { shows_all: true, values: Vec::new() }
    }

    /// The value of a header field.
    pub(super) fn header<'a>(&mut self, name: &str, value: &'a str) -> Cow<'a, str> {
        if self.shows_all {
            return Cow::Borrowed(value);
        }
        let name = plain(name);
        let shown = match &*name {
            "cookie" => self.cookies(value, usize::MAX),
            "setcookie" => self.cookies(value, 1),
            _ if name.contains("authorization") => match value.split_once(' ') {
                Some((scheme, secret)) => {
                    self.learn(secret);
                    format!("{scheme} {HIDDEN}")
                }
                None => HIDDEN.to_owned(),
            },
            // `Access-Control-Allow-Credentials` and its like speak of secrets and hold none.
            _ if is_secret(&name) && !name.starts_with("accesscontrol") => HIDDEN.to_owned(),
            _ => return self.url(value),
        };
        Cow::Owned(shown)
    }

    /// A URL, or a text that may be one.
    pub(super) fn url<'a>(&mut self, url: &'a str) -> Cow<'a, str> {
        if self.shows_all {
            return Cow::Borrowed(url);
        }
        let shown =
            url.split_once('?').map(|(path, query)| format!("{path}?{}", self.pairs(query)));
        self.everywhere(shown.map_or(Cow::Borrowed(url), Cow::Owned))
    }

    /// A body that is text.
    pub(super) fn body<'a>(&mut self, text: &'a str, is_form: bool) -> Cow<'a, str> {
        if self.shows_all {
            return Cow::Borrowed(text);
        }
        let shown = if is_form { self.pairs(text) } else { self.json(text) };
        self.everywhere(Cow::Owned(shown))
    }

    /// Hides what has been found to be secret.
    pub(super) fn everywhere<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        let hide = |text: Cow<'a, str>, value: &String| {
            if text.contains(value.as_str()) {
                Cow::Owned(text.replace(value.as_str(), HIDDEN))
            } else {
                text
            }
        };
        self.values.iter().fold(text, hide)
    }

    fn learn(&mut self, value: &str) {
        if value.len() < TELLING || self.values.iter().any(|known| known == value) {
            return;
        }
        if self.values.len() >= REMEMBERED {
            self.values.remove(0);
        }
        self.values.push(value.to_owned());
    }

    /// `a=1; b=2`, the values of the first `secrets` hidden.
    fn cookies(&mut self, text: &str, secrets: usize) -> String {
        let parts = text.split("; ").enumerate().map(|(at, part)| match part.split_once('=') {
            Some((name, value)) if at < secrets => {
                self.learn(value);
                format!("{name}={HIDDEN}")
            }
            _ => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join("; ")
    }

    /// `a=1&b=2`, as in queries and forms.
    fn pairs(&mut self, text: &str) -> String {
        let parts = text.split('&').map(|part| match part.split_once('=') {
            Some((name, value)) if is_secret(&plain(name)) => {
                self.learn(value);
                format!("{name}={HIDDEN}")
            }
            _ => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join("&")
    }

    /// JSON, also in the middle of other text, or cut short: what stands after a secret name and a colon is hidden.
    fn json(&mut self, text: &str) -> String {
        let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(at) = rest.find('"') {
            let (name, after) = string(&rest[at + 1..]);
            let value = after.trim_start().strip_prefix(':').map(str::trim_start);
            let Some(value) = value.filter(|_| is_secret(&plain(name))) else {
                // The next quotation mark begins another string.
                let taken = rest.len() - after.len();
                shown.push_str(&rest[..taken]);
                rest = after;
                continue;
            };
            shown.push_str(&rest[..rest.len() - value.len()]);
            rest = value;
            if let Some(secret) = value.strip_prefix('"') {
                let (secret, after) = string(secret);
                self.learn(secret);
                shown.extend(["\"", HIDDEN, "\""]);
                rest = after;
            } else if NAMES.contains(&&*plain(name)) && !value.starts_with(['{', '[']) {
                let end = value.find([',', '}', ']', '\n']).unwrap_or(value.len());
                shown.push_str(HIDDEN);
                rest = &value[end..];
            }
        }
        shown.push_str(rest);
        shown
    }
}

/// Splits behind the quotation mark that ends the JSON string at the front; it is all of it where there is none.
fn string(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

/// `X-Api_Key` as `xapikey`.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn is_secret(plain: &str) -> bool {
    NAMES.contains(&plain) || PARTS.iter().any(|part| plain.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        Masks::default().body(text, false).into_owned()
    }

    #[test]
    fn secrets_in_json_are_known_by_their_names() {
        let cases = [
            (r#"{"email":"a@b","password":"x\"y"}"#, r#"{"email":"a@b","password":"…"}"#),
            (r#"{"access_token" : "t", "n": 1.50}"#, r#"{"access_token" : "…", "n": 1.50}"#),
            (
                r#"[{"apiKey":null,"pin":1234,"max_tokens":5}]"#,
                r#"[{"apiKey":null,"pin":…,"max_tokens":5}]"#,
            ),
            (r#"{"a":"password","b":"token: x"}"#, r#"{"a":"password","b":"token: x"}"#),
            (r#"{"tokens":["a"],"x":{"secret":"b"}}"#, r#"{"tokens":["a"],"x":{"secret":"…"}}"#),
            // Cut short in the middle.
            (r#"{"a":1,"password":"geh"#, r#"{"a":1,"password":"…""#),
            ("no JSON at all", "no JSON at all"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(json(text), expected);
            assert_eq!(Masks::none().body(text, false), text);
        }
    }

    #[test]
    fn headers_keep_what_helps() {
        let mut masks = Masks::default();
        for (name, value, expected) in [
            ("Authorization", "Bearer eyJhbGciOi.abc.def", "Bearer …"),
            ("Proxy-Authorization", "whatever", "…"),
            ("Cookie", "sid=abc; theme=dark", "sid=…; theme=…"),
            ("Set-Cookie", "sid=abc; Path=/; HttpOnly", "sid=…; Path=/; HttpOnly"),
            ("X-API-Key", "k", "…"),
            ("Accept", "text/html", "text/html"),
            ("Access-Control-Allow-Credentials", "true", "true"),
            ("Location", "/a?token=1&page=2", "/a?token=…&page=2"),
            // Seen before under another name.
            ("X-Echo", "got eyJhbGciOi.abc.def", "got …"),
        ] {
            assert_eq!(masks.header(name, value), expected, "{name}");
        }
        assert_eq!(Masks::none().header("Cookie", "a=b"), "a=b");
    }

    #[test]
    fn values_that_are_known_are_hidden_wherever_they_stand() {
        let mut masks = Masks::new(["hunter22".to_owned(), "a".to_owned()]);
        assert_eq!(masks.url("/a/hunter22"), "/a/…");
        assert_eq!(masks.body("x=hunter22&pwd=1&b=a", true), "x=…&pwd=…&b=a");
        // A token from an answer is known from then on.
        masks.body(r#"{"token":"0123456789abcdef"}"#, false);
        assert_eq!(masks.url("/reset/0123456789abcdef"), "/reset/…");
    }
}
