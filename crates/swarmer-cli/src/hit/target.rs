//! The one request, read from the command line.

use swarmer::options::Values;
use swarmer::prelude::Method;
use url::Url;

/// Methods that have a name of their own in the engine.
const METHODS: [Method; 8] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
];

/// What is sent, again and again.
#[derive(Debug, PartialEq)]
pub(super) struct Target {
    /// Scheme, name and port.
    pub(super) origin: String,
    /// Path and query.
    pub(super) path: String,
    pub(super) method: Method,
    pub(super) headers: Vec<(String, String)>,
    /// Bytes and their type.
    pub(super) body: Option<(Vec<u8>, &'static str)>,
}

impl Target {
    /// Reads what was given.
    ///
    /// # Errors
    /// What is wrong with it, naming the option, the value and what is allowed.
    pub(super) fn read(given: &Values) -> Result<Self, String> {
        let (origin, path) = address(given.words("URL"))?;
        let body = body(given)?;
        let method = match given.text("method") {
            Some(name) => method(name)?,
            None if body.is_some() => Method::POST,
            None => Method::GET,
        };
        let headers = given.words("header").iter().map(|line| header(line));
        Ok(Self { origin, path, method, headers: headers.collect::<Result<_, _>>()?, body })
    }
}

/// Origin and path of the one URL.
fn address(urls: &[String]) -> Result<(String, String), String> {
    let typed = match urls {
        [one] => one.trim(),
        [] => return Err("no URL given (example: swarmer hit http://localhost:8080/)".to_owned()),
        [_, second, ..] => {
            return Err(format!("one URL only, but there is also {}", quote(second)));
        }
    };
    let allowed = "(allowed: a URL such as http://localhost:8080/path)";
    let full = if typed.contains("://") { typed.to_owned() } else { format!("http://{typed}") };
    let url = Url::parse(&full)
        .map_err(|error| format!("argument URL: {error}: {} {allowed}", quote(typed)))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "argument URL: scheme of {} is not http or https {allowed}",
            quote(typed)
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "argument URL: holds a user name or password; send them as -H 'Authorization: Basic …'"
                .to_owned(),
        );
    }
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    Ok((url.origin().ascii_serialization(), format!("{}{query}", url.path())))
}

fn method(name: &str) -> Result<Method, String> {
    let upper = name.trim().to_ascii_uppercase();
    if let Some(known) = METHODS.into_iter().find(|known| known.as_str() == upper) {
        return Ok(known);
    }
    if name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)) {
        // Once per run, for its whole length.
        return Ok(Method::new(Box::leak(name.to_owned().into_boxed_str())));
    }
    Err(format!(
        "argument -X/--method: no method: {} (allowed: letters and digits, such as PURGE)",
        quote(name)
    ))
}

fn header(line: &str) -> Result<(String, String), String> {
    let problem = || {
        format!(
            "argument -H/--header: no header: {} (allowed: a name, a colon and a value, such as 'Accept: text/html')",
            quote(line)
        )
    };
    let (name, value) = line.split_once(':').ok_or_else(problem)?;
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        return Err(problem());
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

fn body(given: &Values) -> Result<Option<(Vec<u8>, &'static str)>, String> {
    let bytes = match (given.text("data"), given.path("body-file")) {
        (Some(_), Some(_)) => {
            return Err("argument -d/--data: not allowed with argument --body-file".to_owned());
        }
        (Some(text), None) => text.as_bytes().to_vec(),
        (None, Some(path)) => std::fs::read(path).map_err(|error| {
            format!("argument --body-file: cannot read {}: {error}", quote(&path.to_string_lossy()))
        })?,
        (None, None) => return Ok(None),
    };
    let content_type = content_type(&bytes);
    Ok(Some((bytes, content_type)))
}

fn content_type(body: &[u8]) -> &'static str {
    let is_json = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
        && serde_json::from_slice::<serde_json::Value>(body).is_ok();
    if is_json {
        "application/json"
    } else if std::str::from_utf8(body).is_ok() {
        "application/x-www-form-urlencoded"
    } else {
        "application/octet-stream"
    }
}

/// A value as messages show it.
fn quote(text: &str) -> String {
    let shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    format!("'{shown}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> Result<(String, String), String> {
        address(&[url.to_owned()])
    }

    #[test]
    fn addresses_are_parted_into_origin_and_path() {
        let ok = |origin: &str, path: &str| Ok((origin.to_owned(), path.to_owned()));
        assert_eq!(
            parts("http://a.example:8080/x/y?z=1#w"),
            ok("http://a.example:8080", "/x/y?z=1")
        );
        assert_eq!(parts("localhost:8080"), ok("http://localhost:8080", "/"));
        assert_eq!(parts("https://[::1]/ä b"), ok("https://[::1]", "/%C3%A4%20b"));
        assert!(parts("ftp://a.example/").unwrap_err().contains("is not http or https"));
        assert!(parts("http://").unwrap_err().contains("empty host"));
        assert!(parts("http://me:secret@a.example/").unwrap_err().contains("Authorization"));
        assert!(address(&[]).unwrap_err().contains("no URL given"));
    }

    #[test]
    fn headers_keep_commas_and_colons() {
        assert_eq!(
            header("Accept: text/html, a:b "),
            Ok(("Accept".to_owned(), "text/html, a:b".to_owned()))
        );
        for bad in ["no colon", ": value", "bad name: x"] {
            assert!(header(bad).unwrap_err().contains(bad), "{bad}");
        }
    }

    #[test]
    fn methods_and_types() {
        assert_eq!(method("post"), Ok(Method::POST));
        assert_eq!(method("PURGE").unwrap().as_str(), "PURGE");
        assert!(method("GET /").unwrap_err().contains("-X/--method"));
        let types = [&b" {\"a\": 1}"[..], b"{nonsense", b"a=1", b"\xff\xd8"].map(content_type);
        assert_eq!(
            types,
            [
                "application/json",
                "application/x-www-form-urlencoded",
                "application/x-www-form-urlencoded",
                "application/octet-stream"
            ]
        );
    }
}
