//! A load shape as code: two short waves of readers, the second with a guest class.
//!
//! With `--class-picker` the page's form offers the classes, the settings of each, and the shape beside other courses.

use std::time::Duration;

use swarmer::load::{Shape, ShapeTime, Target};
use swarmer::prelude::*;

struct Reader;

impl Reader {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    async fn read(&mut self, user: &mut User) -> TaskResult {
        user.get("/page").name("Page").send().await?;
        Ok(())
    }
}

/// Looks at what readers do not read.
struct Guest;

impl Guest {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    async fn look(&mut self, user: &mut User) -> TaskResult {
        user.get("/pictures").name("Pictures").send().await?;
        Ok(())
    }

    async fn ask(&mut self, user: &mut User) -> TaskResult {
        user.get("/questions").name("Questions").send().await?;
        Ok(())
    }
}

/// Up to a crest and down again, then the same with guests.
struct Waves {
    length: Duration,
}

impl Shape for Waves {
    fn tick(&mut self, time: &ShapeTime) -> Option<Target> {
        let wave = time.run_time.as_secs_f64() / self.length.as_secs_f64();
        let users = if wave.fract() < 0.5 { 8 } else { 2 };
        match wave {
            ..1.0 => Some((users, 10.0, vec!["Reader"]).into()),
            ..2.0 => Some((users, 10.0, vec!["Reader", "Guest"]).into()),
            _ => None,
        }
    }
}

fn main() -> std::process::ExitCode {
    let readers = Scenario::new("Reader", Reader::arrive).wait(between(0.1, 0.3)).task(
        1,
        "Read",
        Reader::read,
    );
    let guests = Scenario::new("Guest", Guest::arrive)
        .wait(between(0.1, 0.3))
        .task(3, "Look", Guest::look)
        .task(1, "Ask", Guest::ask);
    Swarm::new("shape", "1.0")
        .scenario(readers)
        .scenario(guests)
        .shape(Waves { length: Duration::from_secs(4) })
        .run()
}
