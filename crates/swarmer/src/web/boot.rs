//! What the page is told at its start: `window.templateArgs`, as Locust has it, and `window.swarmer`.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::login::SignedIn;
use super::site::Site;
use super::wish::{ClassFacts, Facts};
use crate::options::{Kind, Opt, Options};
use crate::report::locust;
use crate::scenario::TaskInfo;
use crate::stats::HistoryColumns;

/// What stands for a secret on the page.
const HIDDEN: &str = "";

/// A setting of the workload as the start form shows it.
#[derive(Serialize)]
struct Setting {
    name: String,
    label: String,
    help: String,
    kind: &'static str,
    choices: Vec<String>,
    value: String,
    secret: bool,
    required: bool,
}

/// What our page is told.
pub(super) fn swarmer(site: &Site, signed_in: Option<&SignedIn>) -> Value {
    let facts = site.facts();
    let options = &facts.options;
    json!({
        "base_path": site.base_path,
        "workload": site.about.workload,
        "workload_version": site.about.version,
        "engine_version": env!("CARGO_PKG_VERSION"),
        "signed_in": signed_in.map(|who| who.0.as_str()),
        "can_sign_out": signed_in.is_some(),
        "csrf": "",
        "exposed": site.is_exposed && site.gate.is_none(),
        "is_distributed": is_distributed(options),
        "expect_workers": if is_distributed(options) { options.cluster.expect_workers } else { 0 },
        "classes": facts.classes.iter().map(class).collect::<Vec<_>>(),
        "shapes": facts.shape.iter().collect::<Vec<_>>(),
        "class_picker": options.web.class_picker,
        "full_history_csv": options.csv_full_history,
        "settings": settings(site).map(|opt| setting(opt, options)).collect::<Vec<_>>(),
        "trace_url": options.trace_url,
        "start": {
            "users": options.users,
            "spawn_rate": options.spawn_rate,
            "host": options.host.as_deref().unwrap_or_default(),
            "run_time": run_time(options).map(|seconds| format!("{seconds}s")).unwrap_or_default(),
            "profile": options.profile.as_deref().unwrap_or_default(),
            "stages": options.stages.as_deref().unwrap_or_default(),
            "shape": facts.shape.as_deref().filter(|_| facts.uses_shape).unwrap_or_default(),
            "tags": options.tags,
            "exclude_tags": options.exclude_tags,
        },
    })
}

/// The settings that a form may change.
pub(super) fn settings(site: &Site) -> impl Iterator<Item = &Opt> {
    site.about.settings.iter().filter(|opt| opt.is_editable())
}

fn is_distributed(options: &Options) -> bool {
    options.cluster.master
}

fn run_time(options: &Options) -> Option<u64> {
    options.run_time.map(|limit| limit.as_secs())
}

fn class(class: &ClassFacts) -> Value {
    let info = &class.info;
    let tasks: Vec<&str> = info.tasks.iter().map(|task| task.name.as_str()).collect();
    json!({
        "name": info.name,
        "weight": info.weight,
        "fixed_count": info.fixed_count,
        "host": class.host,
        "tasks": tasks,
        "all_tasks": class.all_tasks,
        "chosen": class.is_chosen,
    })
}

fn setting(opt: &Opt, options: &Options) -> Setting {
    let (kind, choices) = match opt.kind() {
        Kind::Flag => ("flag", Vec::new()),
        Kind::Whole { .. } | Kind::Integer { .. } | Kind::Number { .. } => ("number", Vec::new()),
        Kind::Span => ("span", Vec::new()),
        Kind::Choice(words) => ("choice", words.iter().map(|&word| word.to_owned()).collect()),
        Kind::Words | Kind::List | Kind::Texts => ("list", Vec::new()),
        _ => ("text", Vec::new()),
    };
    let secret = opt.is_secret();
    let mut label = opt.long().replace('-', " ");
    if let Some(first) = label.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Setting {
        name: opt.long().to_owned(),
        label,
        help: opt.help_line().to_owned(),
        kind,
        choices,
        value: if secret { HIDDEN.to_owned() } else { options.custom.written(opt) },
        secret,
        required: false,
    }
}

/// What scripts written for Locust read in the page.
pub(super) fn locust(site: &Site, history: &HistoryColumns, users: u64) -> Value {
    let facts = site.facts();
    let Facts { options, classes, shape, uses_shape, .. } = &*facts;
    let mut names: Vec<&str> = classes.iter().map(|class| class.info.name.as_str()).collect();
    names.sort_unstable();
    let picker = options.web.class_picker;
    let shapes: Vec<&str> = ["Default"].into_iter().chain(shape.as_deref()).collect();
    let no_host = classes.iter().any(|class| class.host.is_none()) && options.host.is_none();
    let own_hosts = classes.iter().any(|class| class.host.is_some());
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "locustfile": site.about.workload,
        "state": site.handle.state().as_str(),
        "host": options.host.as_deref().or_else(|| common_host(classes)).unwrap_or_default(),
        "is_distributed": is_distributed(options),
        "worker_count": site.handle.latest().map_or(0, |summary| summary.workers.len()),
        "user_count": users,
        "num_users": options.users,
        "spawn_rate": options.spawn_rate,
        "run_time": run_time(options),
        "profile": options.profile,
        "history": locust::history(history),
        "available_user_classes": picker.then_some(names),
        "available_shape_classes": if picker { json!(shapes) } else { Value::Null },
        "available_user_tasks": if picker { user_tasks(classes) } else { Value::Null },
        "users": if picker { users_of(classes) } else { Value::Null },
        "show_userclass_picker": picker,
        "stats_history_enabled": options.csv_full_history,
        "is_host_required": false,
        "override_host_warning": own_hosts && options.host.is_some(),
        "missing_host_warning": no_host,
        "hide_common_options": *uses_shape && !picker,
        "shape_use_common_options": false,
        "percentiles_to_chart": locust::CHARTS,
        "percentiles_to_statistics": locust::TABLE,
        "extra_options": settings(site).map(|opt| (opt.field(), extra(opt, options))).collect::<Map<_, _>>(),
        "tasks": "{}",
    })
}

/// The host that all classes have in common.
fn common_host(classes: &[ClassFacts]) -> Option<&str> {
    let first = classes.first()?.host.as_deref()?;
    classes.iter().all(|class| class.host.as_deref() == Some(first)).then_some(first)
}

fn extra(opt: &Opt, options: &Options) -> Value {
    let Setting { value, secret, choices, kind, help, .. } = setting(opt, options);
    json!({
        "default_value": value,
        "is_secret": secret,
        "is_required": false,
        "help_text": help,
        "is_multiple": kind == "list",
        "choices": if choices.is_empty() { Value::Null } else { json!(choices) },
    })
}

/// Names of tasks, each as often as its weight says.
fn repeated(tasks: &[TaskInfo]) -> Vec<&str> {
    /// A weight may be any number; a list need not be as long.
    const MOST: usize = 1_000;
    tasks.iter().flat_map(|task| (0..task.weight).map(|_| task.name.as_str())).take(MOST).collect()
}

fn user_tasks(classes: &[ClassFacts]) -> Value {
    let tasks = |class: &ClassFacts| (class.info.name.clone(), json!(repeated(&class.info.tasks)));
    Value::Object(classes.iter().map(tasks).collect())
}

fn users_of(classes: &[ClassFacts]) -> Value {
    let user = |class: &ClassFacts| {
        let info = &class.info;
        let user = json!({
            "host": class.host,
            "weight": info.weight,
            "fixed_count": info.fixed_count,
            "tasks": repeated(&info.tasks),
        });
        (info.name.clone(), user)
    };
    Value::Object(classes.iter().map(user).collect())
}
