//! The program whose options are read, and how reading them can end it.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::Path;

use super::opt::Opt;

/// A binary as its users see it: name, version, what it is for, and the options it adds to the engine's.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) name: Cow<'static, str>,
    pub(super) version: Cow<'static, str>,
    pub(super) about: Cow<'static, str>,
    pub(super) examples: Vec<Cow<'static, str>>,
    pub(super) options: Vec<Opt>,
    pub(super) width: usize,
    pub(super) usage: Cow<'static, str>,
    /// The engine's options it has; all when `None`.
    pub(super) only: Option<&'static [&'static str]>,
}

impl Program {
    /// A program; `name` is what its messages begin with.
    pub fn new(name: impl Into<Cow<'static, str>>, version: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            about: Cow::Borrowed("Load test written with swarmer"),
            examples: Vec::new(),
            options: Vec::new(),
            width: 100,
            usage: Cow::Borrowed("[options] [UserClass ...]"),
            only: None,
        }
    }

    /// What the program is, in a line at the top of its help.
    #[must_use]
    pub fn about(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.about = text.into();
        self
    }

    /// Adds a command line to the examples that end the long help.
    #[must_use]
    pub fn example(mut self, line: impl Into<Cow<'static, str>>) -> Self {
        self.examples.push(line.into());
        self
    }

    /// Adds an option, read back through [`Options::custom`](super::Options::custom).
    #[must_use]
    pub fn option(mut self, option: Opt) -> Self {
        self.options.push(option);
        self
    }

    /// Columns to which the help is wrapped (100 if not set).
    #[must_use]
    pub fn help_width(mut self, columns: usize) -> Self {
        self.width = columns.max(40);
        self
    }

    /// Has only these of the engine's options, by long name: for tools that are no workloads.
    #[must_use]
    pub fn only(mut self, options: &'static [&'static str]) -> Self {
        self.only = Some(options);
        self
    }

    /// What follows the name in the help's first lines (`[options] [UserClass ...]` if not set).
    #[must_use]
    pub fn usage(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.usage = text.into();
        self
    }

    /// The end of the program because of a mistake that no single option shows, with exit code 2.
    pub fn mistake(&self, text: &str) -> Exit {
        Exit::usage(self, text)
    }

    /// The program's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every option of the program, the engine's first (last if it has [only some](Self::only)): what forms and reference
    /// pages are made from.
    pub fn all_options(&self) -> Vec<Opt> {
        let (mut engine, own) = (super::table::builtin(), self.options.iter().cloned());
        let Some(only) = self.only else {
            engine.extend(own);
            return engine;
        };
        // What a tool adds is what it is about.
        let kept = engine.into_iter().filter(|opt| only.contains(&opt.long()));
        own.chain(kept).collect()
    }
}

/// Where option values are read from, besides the command line: handed in, so that reading options touches nothing else.
pub struct Surroundings<'a> {
    /// The value of an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<OsString>,
    /// The content of a file; [`io::ErrorKind::NotFound`] if there is none.
    pub read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

impl Surroundings<'static> {
    /// This process's environment and the file system.
    pub fn of_process() -> Self {
        Self { env: &|name| std::env::var_os(name), read: &read_file }
    }

    /// An empty environment and no files.
    pub fn none() -> Self {
        Self { env: &|_| None, read: &|_| Err(io::ErrorKind::NotFound.into()) }
    }
}

/// Reads a configuration file, refusing what is too large to be one (a device, a log).
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    const MAX_BYTES: u64 = 1 << 20;
    let mut content = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(content)
}

/// The end of the program before it ran: help, version, or a mistake in its options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// The exit code: 0 for help and version, 2 for a mistake of the user's, 1 for one of the workload's author.
    pub code: u8,
    /// What belongs on stdout, line ends included.
    pub stdout: String,
    /// What belongs on stderr, line ends included.
    pub stderr: String,
}

impl Exit {
    pub(super) fn output(text: String) -> Self {
        Self { code: 0, stdout: text, stderr: String::new() }
    }

    pub(super) fn usage(program: &Program, text: &str) -> Self {
        Self::error(program, 2, text)
    }

    pub(super) fn error(program: &Program, code: u8, text: &str) -> Self {
        let stderr = format!("{}: error: {text}\n", program.name);
        Self { code, stdout: String::new(), stderr }
    }

    /// Writes both texts where they belong and returns the code; a closed pipe is no error.
    pub fn print(&self) -> std::process::ExitCode {
        let _ = io::stdout().write_all(self.stdout.as_bytes()).and_then(|()| io::stdout().flush());
        let _ = io::stderr().write_all(self.stderr.as_bytes());
        self.code.into()
    }
}
