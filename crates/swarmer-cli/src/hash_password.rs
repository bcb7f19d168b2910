//! `swarmer hash-password NAME`: a line for the file of users who may sign in to the web page.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read};
use std::process::ExitCode;

use swarmer::options::{Exit, Opt, Program};
use swarmer::web::user_line;

use crate::VERSION;

/// More input than this is no password.
const LONGEST: u64 = 1_024;

/// Runs the command.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let program = program();
    let made = crate::read(&program, args).and_then(|options| {
        let names = options.custom.words("NAME");
        let [name] = names else {
            let problem = format!("{} names were given; allowed: one", names.len());
            return Err(program.mistake(&problem));
        };
        let password = password(name).map_err(|problem| failure(&program, &problem))?;
        user_line(name, &password).map_err(|problem| failure(&program, &problem))
    });
    match made {
        Ok(line) => crate::output(format!("{line}\n")),
        Err(exit) => exit.print(),
    }
}

fn program() -> Program {
    Program::new("swarmer hash-password", VERSION)
        .about("Print the line NAME:HASH for the file of --web-users")
        .only(&["help", "version"])
        .usage("NAME")
        .option(
            Opt::words("NAME")
                .positional()
                .help("The name to sign in with; the password is asked for, or read from stdin"),
        )
        .example("swarmer hash-password ann >> users.txt")
        .example("printf %s \"$PASSWORD\" | swarmer hash-password ann >> users.txt")
        .example("load-tests --host http://localhost:3000 --web-login --web-users users.txt")
}

fn failure(program: &Program, problem: &str) -> Exit {
    let stderr = format!("{}: error: {problem}\n", program.name());
    Exit { code: 1, stdout: String::new(), stderr }
}

/// Asks for the password twice on a terminal, without showing it; else reads it from stdin.
fn password(name: &str) -> Result<String, String> {
    if io::stdin().is_terminal() {
        let ask = |prompt: &str| {
            rpassword::prompt_password(prompt).map_err(|error| format!("the terminal: {error}"))
        };
        let password = ask(&format!("Password of {name}: "))?;
        if password != ask("Once more: ")? {
            return Err("the two passwords differ; nothing was printed".to_owned());
        }
        return Ok(password);
    }
    let mut text = String::new();
    io::stdin()
        .take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|error| format!("stdin: {error}"))?;
    // `echo` ends a line; a password that is meant to end in one cannot be typed either.
    Ok(text
        .strip_suffix('\n')
        .map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line))
        .to_owned())
}
