//! A user's cookies (RFC 6265).

use cookie_store::CookieStore;
use url::Url;

use super::head;

/// Cookies a user keeps; a browser keeps some hundreds too. Without a bound a server could fill the memory of
/// thousands of users.
const COOKIES_KEPT: usize = 300;

/// The cookies of one user. Made when the first `Set-Cookie` comes: users without cookies do not pay for them.
#[derive(Debug, Default)]
pub(super) struct Jar(CookieStore);

impl Jar {
    /// Takes in what an answer from `url` sets; what is malformed or not the server's to set is left out.
    pub(super) fn learn(&mut self, head: &[u8], url: &Url) {
        for (name, value) in head::fields(head) {
            if name.eq_ignore_ascii_case("set-cookie")
                && let Ok(value) = str::from_utf8(value)
                && self.0.iter_any().count() < COOKIES_KEPT
            {
                // A refused cookie is no failure of the request.
                let _ = self.0.parse(value, url);
            }
        }
    }

    /// The value of the `Cookie` field for a request to `url`, if any cookie is for it.
    pub(super) fn header(&self, url: &Url) -> Option<String> {
        let mut line = String::new();
        for (name, value) in self.0.get_request_values(url) {
            if !line.is_empty() {
                line.push_str("; ");
            }
            line.push_str(name);
            line.push('=');
            line.push_str(value);
        }
        (!line.is_empty() && super::encode::is_field_value(line.as_bytes())).then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_go_where_they_belong() {
        let url = |text: &str| Url::parse(text).unwrap();
        let mut jar = Jar::default();
        let head = b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=1; Path=/; HttpOnly\r\nset-cookie: p=2; Path=/app\r\n\
            Set-Cookie: s=3; Secure\r\nSet-Cookie: foreign=4; Domain=other.test\r\nSet-Cookie: gone=5; Max-Age=0\r\n\r\n";
        jar.learn(head, &url("https://a.test/login"));
        assert_eq!(jar.header(&url("http://a.test/")).unwrap(), "sid=1");
        let mut all: Vec<_> = jar
            .header(&url("https://a.test/app/x"))
            .unwrap()
            .split("; ")
            .map(str::to_owned)
            .collect();
        all.sort();
        assert_eq!(all, ["p=2", "s=3", "sid=1"]);
        assert_eq!(jar.header(&url("http://other.test/")), None);
    }

    #[test]
    fn a_jar_has_a_bottom() {
        let mut jar = Jar::default();
        let url = Url::parse("http://a.test/").unwrap();
        for n in 0..2 * COOKIES_KEPT {
            jar.learn(format!("HTTP/1.1 200 OK\r\nSet-Cookie: c{n}=1\r\n\r\n").as_bytes(), &url);
        }
        assert_eq!(jar.header(&url).unwrap().split("; ").count(), COOKIES_KEPT);
    }
}
