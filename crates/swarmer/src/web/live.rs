//! What is rendered once a second for all who watch, and how those who miss a second catch up.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::packed::Shared;
use super::site::Site;
use crate::logging;
use crate::runner::State;
use crate::stats::{Figures, Funnel, Health, Histogram, HistoryColumns, Mark, Row, Summary, Times};

/// One second as the event stream tells it.
pub(super) struct Second {
    /// The newest second in its history: the id of its event.
    pub(super) id: u64,
    /// The one before it: who has had that needs nothing but this.
    pub(super) previous: u64,
    /// The event's data without history and marks, an object.
    head: Value,
    /// The event's data as most need it.
    pub(super) text: String,
}

impl Second {
    /// The data of the event for somebody who was away since `since`.
    pub(super) fn text_since(&self, history: &HistoryColumns, marks: &[Mark]) -> String {
        text_of(&self.head, history, marks)
    }
}

fn text_of(head: &Value, history: &HistoryColumns, marks: &[Mark]) -> String {
    let mut data = head.clone();
    data["history"] = json!(history);
    data["marks"] = json!(marks);
    data.to_string()
}

/// What was rendered already.
pub(super) struct Live {
    /// The newest second.
    pub(super) newest: watch::Receiver<Option<Arc<Second>>>,
    /// Rendered replies that hang on nothing but the summary and the state.
    replies: Mutex<Option<Replies>>,
}

/// Replies made of one summary.
struct Replies {
    summary: Arc<Summary>,
    state: State,
    lean: Option<Shared>,
    requests: Option<Shared>,
}

/// What can be rendered once for all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// `/api/v1/summary` without histograms.
    Summary,
    /// `/stats/requests`.
    Requests,
}

impl Live {
    pub(super) fn new() -> (Self, watch::Sender<Option<Arc<Second>>>) {
        let (sender, newest) = watch::channel(None);
        (Self { newest, replies: Mutex::default() }, sender)
    }

    /// The reply of this kind made of `summary` and `state`; `render` makes it if nobody has asked for it before.
    pub(super) fn once(
        &self,
        kind: Reply,
        summary: &Arc<Summary>,
        state: State,
        render: impl FnOnce() -> Bytes,
    ) -> Shared {
        // A panic in between leaves a reply unrendered, nothing else.
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same =
            |known: &Replies| Arc::ptr_eq(&known.summary, summary) && known.state == state;
        if !replies.as_ref().is_some_and(is_same) {
            let summary = Arc::clone(summary);
            *replies = Some(Replies { summary, state, lean: None, requests: None });
        }
        let Some(replies) = replies.as_mut() else { return Shared::new(render()) };
        let place = match kind {
            Reply::Summary => &mut replies.lean,
            Reply::Requests => &mut replies.requests,
        };
        place.get_or_insert_with(|| Shared::new(render())).clone()
    }
}

/// Renders each second as it comes, until the engine ends.
pub(super) async fn render_each_second(
    site: Arc<Site>,
    seconds: watch::Sender<Option<Arc<Second>>>,
) {
    let mut handle = site.handle.clone();
    let mut previous = None;
    while handle.next_second().await {
        let Some(summary) = handle.latest() else { continue };
        let since = previous.unwrap_or_else(|| whole(summary.at).saturating_sub(1));
        let Some(history) = handle.ask(move |collector| collector.history().since(since)).await
        else {
            return;
        };
        let id = history.time.last().copied().unwrap_or(since);
        let head = head(&site, &summary);
        let text = text_of(&head, &history, &marks_since(&summary, since));
        seconds.send_replace(Some(Arc::new(Second { id, previous: since, head, text })));
        previous = Some(id);
    }
}

/// Marks from this second on.
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
pub(super) fn marks_since(summary: &Summary, second: u64) -> Vec<Mark> {
    summary.marks.iter().filter(|mark| mark.at >= second as f64).cloned().collect()
}

/// A tick without history and marks: also what `/api/v1/state` begins with.
pub(super) fn head(site: &Site, summary: &Summary) -> Value {
    let facts = site.facts();
    let (course, state) = (site.handle.course(), site.handle.state());
    json!({
        "at": summary.at,
        "state": state.as_str(),
        "users": summary.user_count(),
        "target_users": course.target.map(|(users, _)| users),
        "spawn_rate": course.target.map(|(_, rate)| rate),
        "started": facts.started,
        "ends": facts.ends.filter(|_| state.is_active()),
        "host": facts.options.host,
        "worker_count": summary.workers.len(),
        "total": lean_row(&summary.total),
        "health": lean_health(&summary.health),
        "revision": revision(summary, course.runs),
    })
}

/// Numbers that change when there is something new behind the other addresses.
fn revision(summary: &Summary, runs: u64) -> Value {
    let newest = summary.exemplars.iter().map(|exemplar| exemplar.at).fold(0.0, f64::max);
    json!({
        "run": runs,
        "errors": summary.errors.revision() + summary.folded.error_occurrences,
        "exceptions": summary.exceptions.revision() + summary.folded.exception_occurrences,
        "exemplars": whole(newest * 1e3),
        "logs": logging::written(),
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the floor is meant")]
pub(super) fn whole(value: f64) -> u64 {
    value as u64
}

/// A row whose histograms are empty: what pages do not draw need not travel.
fn lean_row(row: &Row) -> Row {
    let mut row = row.clone();
    thin(&mut row.figures);
    row.segments.iter_mut().for_each(|segment| thin(&mut segment.figures));
    row
}

fn thin(figures: &mut Figures) {
    figures.times = Arc::new(Histogram::default());
    if let Some(due) = &mut figures.from_due {
        due.thin();
    }
}

fn lean_health(health: &Health) -> Health {
    let mut health = health.clone();
    health.lag.thin();
    health
}

/// The summary without histograms.
pub(super) fn lean(summary: &Summary) -> impl Serialize + use<> {
    let mut lean = summary.clone();
    let rows = lean.rows.iter_mut().chain(&mut lean.classes).chain([&mut lean.total]);
    rows.for_each(|row| *row = lean_row(row));
    lean.health = lean_health(&lean.health);
    lean.funnels.iter_mut().flat_map(Funnel::times_mut).for_each(Times::thin);
    if let Some(schedule) = &mut lean.schedule {
        schedule.late_starts.thin();
    }
    lean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{self, Anchor};
    use crate::stats::{Collector, Users};

    #[test]
    fn a_reply_is_rendered_once_for_a_summary_and_a_state() {
        let (live, _second) = Live::new();
        let now = clock::now();
        let collector = Collector::new(Anchor::now(), now);
        let [one, two] = [(), ()].map(|()| Arc::new(collector.summary(now, Users::default())));
        let rendered = std::cell::Cell::new(0);
        let get = |summary, state| {
            live.once(Reply::Summary, summary, state, || {
                rendered.set(rendered.get() + 1);
                Bytes::from(vec![b'x'; 100])
            })
        };
        let (first, again) = (get(&one, State::Running), get(&one, State::Running));
        assert!(first.is(&again), "what is packed for one is packed for all");
        assert_eq!(rendered.get(), 1);
        assert!(!first.is(&get(&one, State::Stopped)));
        assert!(!first.is(&get(&two, State::Running)));
        assert_eq!(rendered.get(), 3);
    }
}
