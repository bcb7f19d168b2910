//! Who may sign in: a file of names and bcrypt hashes, one `name:hash` a line, as `htpasswd -B` and
//! `swarmer hash-password` write them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file of more users than this is a mistake.
const MOST_USERS: usize = 10_000;
/// The cost that `swarmer hash-password` uses: about a quarter of a second of one core for each try.
const COST: u32 = 12;

/// The users of a file.
#[derive(Debug, Default)]
pub(crate) struct Users {
    by_name: BTreeMap<String, Hash>,
}

/// A bcrypt hash; its text is never shown.
struct Hash(String);

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Why a file of users is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsersError {
    #[error("--web-users {}: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error(
        "--web-users {}, line {line}: {what}; allowed: name:hash with a bcrypt hash, as `swarmer hash-password NAME` \
         prints it",
        path.display()
    )]
    Line { path: PathBuf, line: usize, what: &'static str },
    #[error("--web-users {}: there is no user in it", path.display())]
    Empty { path: PathBuf },
}

impl Users {
    /// Reads the file; lines that are empty or begin with `#` say nothing.
    ///
    /// # Errors
    /// When it cannot be read, a line is not `name:hash`, or nobody is in it.
    pub(crate) fn read(path: &Path) -> Result<Self, UsersError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| UsersError::File { path: path.to_owned(), error })?;
        let mut by_name = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what| UsersError::Line { path: path.to_owned(), line: at + 1, what };
            let (name, hash) = line.split_once(':').ok_or_else(|| wrong("there is no colon"))?;
            if name.is_empty() {
                return Err(wrong("the name is empty"));
            }
            // Parsed once here, so that a damaged line is told at the start and not at somebody's sign-in.
            bcrypt::HashParts::from_str_checked(hash)
                .ok_or_else(|| wrong("the hash is not bcrypt's"))?;
            if by_name.insert(name.to_owned(), Hash(hash.to_owned())).is_some() {
                return Err(wrong("this name stands there twice"));
            }
            if by_name.len() > MOST_USERS {
                return Err(wrong("there are more than 10,000 users"));
            }
        }
        if by_name.is_empty() {
            return Err(UsersError::Empty { path: path.to_owned() });
        }
        Ok(Self { by_name })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Whether this is the user's password. Takes a core for up to a second, also for users that do not exist, so that
    /// nobody learns names from the time it takes.
    pub(crate) fn verify(&self, name: &str, password: &str) -> bool {
        let (known, hash) = match self.by_name.get(name) {
            Some(hash) => (true, hash.0.as_str()),
            None => (false, self.by_name.values().next().map_or("", |hash| hash.0.as_str())),
        };
        // bcrypt reads 72 bytes; a longer password must not be accepted for its beginning.
        let fits = password.len() <= MOST_PASSWORD_BYTES;
        bcrypt::verify(password, hash).unwrap_or(false) && known && fits
    }
}

/// What bcrypt reads of a password.
const MOST_PASSWORD_BYTES: usize = 72;

/// The line for `name` in a file of users.
///
/// # Errors
/// When the name or the password cannot be used; the text says why and what is allowed.
pub fn user_line(name: &str, password: &str) -> Result<String, String> {
    if name.is_empty()
        || name.contains([':', '\n', '\r'])
        || name.trim() != name
        || name.starts_with('#')
    {
        return Err(format!(
            "the name is {name:?}; allowed: some text without colons and line ends, not beginning with #"
        ));
    }
    if password.is_empty() || password.len() > MOST_PASSWORD_BYTES {
        return Err(format!(
            "the password has {} bytes; allowed: 1 to {MOST_PASSWORD_BYTES}",
            password.len()
        ));
    }
    let hash = bcrypt::hash(password, COST).map_err(|error| error.to_string())?;
    Ok(format!("{name}:{hash}"))
}

/// Parsing without the cost of a hash.
trait Checked: Sized {
    fn from_str_checked(hash: &str) -> Option<Self>;
}

impl Checked for bcrypt::HashParts {
    fn from_str_checked(hash: &str) -> Option<Self> {
        let parts: Self = hash.parse().ok()?;
        // `htpasswd -B` writes 2y, others 2a or 2b.
        let known = ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|begin| hash.starts_with(begin));
        (known && hash.len() == 60 && (4..=31).contains(&parts.get_cost())).then_some(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Users, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Users::read(file.path())
            .map_err(|error| error.to_string().replace(&file.path().display().to_string(), "FILE"))
    }

    /// `secret`, at the lowest cost.
    fn line(name: &str) -> String {
        format!("{name}:{}", bcrypt::hash("secret", 4).unwrap())
    }

    #[test]
    fn a_file_of_users_is_read() {
        let users = read(&format!("# the team\n\n{}\n  {}  \n", line("ann"), line("bob"))).unwrap();
        assert!(users.verify("ann", "secret") && users.verify("bob", "secret"));
        assert!(!users.verify("ann", "Secret") && !users.verify("ann", ""));
        assert!(!users.verify("eve", "secret"), "the first user's password opens no other name");
        let long = format!("secret{}", "x".repeat(80));
        assert!(!users.verify("ann", &long));
    }

    #[test]
    fn what_htpasswd_writes_is_understood() {
        let hash = bcrypt::hash("secret", 4).unwrap().replacen("$2b$", "$2y$", 1);
        assert!(read(&format!("ann:{hash}")).unwrap().verify("ann", "secret"));
    }

    #[test]
    fn a_wrong_line_is_named() {
        let twice = format!("{}\n{}", line("ann"), line("ann"));
        for (text, expected) in [
            ("ann", "line 1: there is no colon"),
            ("\nann:secret", "line 2: the hash is not bcrypt's"),
            (
                "ann:$2b$99$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuuabcdefghijklm",
                "the hash is not bcrypt's",
            ),
            (":$2b$", "line 1: the name is empty"),
            (twice.as_str(), "line 2: this name stands there twice"),
            ("# nobody\n", "--web-users FILE: there is no user in it"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text:?} gave {error}");
        }
        let missing = Users::read(Path::new("/nowhere/users")).unwrap_err().to_string();
        assert!(missing.starts_with("--web-users /nowhere/users: "), "{missing}");
    }

    #[test]
    fn a_line_that_is_made_can_be_read() {
        for (name, password) in [("", "x"), ("a:b", "x"), (" a", "x"), ("#a", "x"), ("a", "")] {
            assert!(user_line(name, password).is_err(), "{name:?} {password:?}");
        }
        assert!(user_line("a", &"x".repeat(73)).is_err());
        let users = read(&user_line("ann", "correct horse").unwrap()).unwrap();
        assert!(users.verify("ann", "correct horse"));
    }
}
