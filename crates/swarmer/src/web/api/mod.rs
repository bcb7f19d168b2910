//! The interface of the page, `/api/v1`: `web/src/api/types.ts` says the same in TypeScript.

mod document;
mod events;
mod figures;
mod orders;

pub(super) use document::document;
pub(super) use events::events;
pub(super) use figures::{health, history, logs, row_history, state, summary};
pub(super) use orders::{edit, plan, reset, start, stop};
