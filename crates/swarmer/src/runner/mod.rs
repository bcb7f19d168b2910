//! Driver threads and the control plane that steers them.
//!
//! The control plane (one thread) sends each driver a few commands a second and merges what they report; a driver owns
//! everything its users touch. See [`Handle`] for what can be asked of a run.

mod alone;
mod arrivals;
mod control;
mod driver;
mod drivers;
mod fleet;
mod gear;
mod handle;
mod letters;
mod life;
mod master;
mod model;
mod pool;
mod pulse;
mod ramping;
mod round;
mod stolen;
mod turns;
mod worker;

pub(crate) use alone::{Interruption, alone};
pub(crate) use control::{Control, Outcome, Settings, Trouble, Watcher};
pub(crate) use driver::Setup;
pub use drivers::FleetError;
pub(crate) use drivers::{Drivers, default_drivers};
pub(crate) use fleet::Fleet;

pub(crate) use gear::{Begin, Gear, Reform};
pub use handle::{Handle, State};
pub(crate) use letters::Terms;
pub(crate) use master::{Command, LeftRun, Workers, left_run, value_of};
pub(crate) use model::{Ending, Model};
pub(crate) use turns::{Budget, Limits};
pub(crate) use worker::{End as LinkEnd, Feed, Habits, Link, Workshop, json_of, wires};
