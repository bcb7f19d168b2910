//! Users by the ten thousand, for the benchmarks of memory and spawning, written with the public API as any other workload.

use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Instant;

use swarmer::options::Opt;
use swarmer::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// When the process began.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What requests of steady users are named that begin within so many milliseconds of the process's beginning, and how late
/// these begin. Others are started beside them between the sixth second and the fourteenth, as the benchmark has it; what is
/// named `calm` lies as far before that as after it, and half a second is left on both sides of each border.
const PHASES: [(u128, [&str; 2]); 6] = [
    (2_000, OTHER),
    (5_500, CALM),
    (6_500, OTHER),
    (13_500, ["beside", "beside, late"]),
    (15_000, OTHER),
    (18_500, CALM),
];
const CALM: [&str; 2] = ["calm", "calm, late"];
const OTHER: [&str; 2] = ["other", "other, late"];

/// Steady users, beside as many newcomers as are asked for.
const STEADY: u32 = 500;

struct Anyone;

impl Anyone {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    async fn ask(&mut self, user: &mut User) -> TaskResult {
        user.get("/").name("page").expect(200).send().await?;
        Ok(())
    }

    async fn ask_steadily(&mut self, user: &mut User) -> TaskResult {
        let since = BEGAN.elapsed().as_millis();
        let phase = PHASES.iter().find(|(end, _)| since < *end);
        let [name, late] = phase.map_or(OTHER, |(_, names)| *names);
        let lateness = user.due().map(|due| due.elapsed());
        user.get("/").name(name).expect(200).send().await?;
        if let Some(lateness) = lateness {
            user.record(CustomRequest::new("START", late).response_time(lateness));
        }
        Ok(())
    }

    async fn ask_elsewhere(&mut self, user: &mut User) -> TaskResult {
        let options = user.options();
        let mut pages = options.custom.text("elsewhere").unwrap_or("/").split(',');
        let turn = usize::try_from(user.number())? % pages.clone().count();
        let page = pages.nth(turn).unwrap_or("/").to_owned();
        user.get(&page).name("page").expect(200).send().await?;
        Ok(())
    }

    #[expect(clippy::unused_async, reason = "a task is async")]
    async fn do_nothing(&mut self, _: &mut User) -> TaskResult {
        Ok(())
    }
}

fn main() -> ExitCode {
    LazyLock::force(&BEGAN);
    let class = |name| Scenario::new(name, Anyone::arrive);
    Swarm::new("crowd", env!("CARGO_PKG_VERSION"))
        .about("Waits in great numbers, as the benchmarks need it")
        .options([Opt::text("elsewhere")
            .help("Pages between commas that Newcomers and Rares ask for in turn; else the one that all do")])
        .scenario(class("Waiter").wait(constant(5.0)).task(1, "Ask", Anyone::ask))
        .scenario(class("Rare").wait(constant(60.0)).task(1, "Ask", Anyone::ask_elsewhere))
        .scenario(class("Steady").fixed_count(STEADY).wait(schedule(0.1)).task(
            1,
            "Ask",
            Anyone::ask_steadily,
        ))
        .scenario(class("Idler").wait(constant(3600.0)).task(1, "Nothing", Anyone::do_nothing))
        .scenario(class("Newcomer").wait(constant(3600.0)).task(1, "Ask", Anyone::ask_elsewhere))
        .run()
}
