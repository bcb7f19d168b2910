//! What share of users a class has, and what share of its time goes to each task: as text and as JSON.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::{ClassInfo, TaskInfo};

/// The share of each class among all users.
///
/// Classes of a fixed count stand outside the weights: their share is that of `users` in all.
pub(crate) fn shares(classes: &[ClassInfo], users: u32) -> Vec<f64> {
    let fixed: u32 = classes.iter().map(|class| class.fixed_count).sum();
    let weights: f64 =
        classes.iter().filter(|class| class.fixed_count == 0).map(|class| class.weight).sum();
    let users = f64::from(users.max(1).max(fixed));
    let weighted = 1.0 - f64::from(fixed) / users;
    let share = |class: &ClassInfo| match class.fixed_count {
        0 if weights > 0.0 => weighted * class.weight / weights,
        0 => 0.0,
        count => f64::from(count) / users,
    };
    classes.iter().map(share).collect()
}

/// Each entry with its share among its neighbours.
fn ratios(tasks: &[TaskInfo]) -> impl Iterator<Item = (&TaskInfo, f64)> {
    let total: f64 = tasks.iter().map(|task| f64::from(task.weight)).sum();
    tasks
        .iter()
        .filter(|task| task.weight > 0)
        .map(move |task| (task, f64::from(task.weight) / total))
}

/// Both trees as text: each share among its neighbours, then of the total.
pub(crate) fn text(classes: &[ClassInfo], users: u32) -> String {
    let mut out = String::new();
    let rule = "-".repeat(80);
    for (title, of_total) in [("Task ratio per User class", false), ("Total task ratio", true)] {
        let _ = write!(out, "\n {title}\n{rule}\n");
        for (class, share) in classes.iter().zip(shares(classes, users)) {
            let _ = writeln!(out, " {:.1} {}", share * 100.0, class.name);
            let factor = if of_total { share } else { 1.0 };
            lines(&mut out, &class.tasks, factor, of_total, 1);
        }
    }
    out.push('\n');
    out
}

fn lines(out: &mut String, tasks: &[TaskInfo], factor: f64, of_total: bool, level: usize) {
    for (task, ratio) in ratios(tasks) {
        let ratio = ratio * factor;
        let _ = writeln!(out, " {}{:.1} {}", "  ".repeat(level), ratio * 100.0, task.name);
        if let Some(inner) = &task.tasks {
            lines(out, inner, if of_total { ratio } else { 1.0 }, of_total, level + 1);
        }
    }
}

/// Both trees as JSON: `{"per_class": …, "total": …}`, ratios from 0 to 1; `shares` has that of each class.
pub(crate) fn json(classes: &[ClassInfo], shares: &[f64]) -> Value {
    let tree = |of_total: bool| -> Value {
        let nodes = classes.iter().zip(shares).map(|(class, share)| {
            let share = *share;
            let factor = if of_total { share } else { 1.0 };
            let tasks = nodes(&class.tasks, factor, of_total);
            let mut node = json!({"ratio": share});
            if !tasks.is_empty() {
                node["tasks"] = tasks.into();
            }
            (class.name.clone(), node)
        });
        Value::Object(nodes.collect())
    };
    json!({"per_class": tree(false), "total": tree(true)})
}

fn nodes(tasks: &[TaskInfo], factor: f64, of_total: bool) -> Map<String, Value> {
    let node = |(task, ratio): (&TaskInfo, f64)| {
        let ratio = ratio * factor;
        let mut node = json!({"ratio": ratio});
        if let Some(inner) = &task.tasks {
            node["tasks"] = nodes(inner, if of_total { ratio } else { 1.0 }, of_total).into();
        }
        (task.name.clone(), node)
    };
    ratios(tasks).map(node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str, weight: f64, fixed_count: u32, tasks: &[(&str, u32)]) -> ClassInfo {
        let tasks =
            tasks.iter().map(|&(name, weight)| TaskInfo { name: name.into(), weight, tasks: None });
        let tasks = tasks.collect();
        ClassInfo { name: name.into(), weight, fixed_count, tasks }
    }

    #[test]
    fn shows_both_trees() {
        let classes = [
            class("QuoteAgent", 3.0, 0, &[("Create", 3), ("Convert", 1)]),
            class("ClaimsAgent", 1.0, 0, &[("File", 1)]),
        ];
        insta::assert_snapshot!(text(&classes, 10), @"

         Task ratio per User class
        --------------------------------------------------------------------------------
         75.0 QuoteAgent
           75.0 Create
           25.0 Convert
         25.0 ClaimsAgent
           100.0 File

         Total task ratio
        --------------------------------------------------------------------------------
         75.0 QuoteAgent
           56.2 Create
           18.8 Convert
         25.0 ClaimsAgent
           25.0 File
        ");
        let json = json(&classes, &shares(&classes, 10));
        assert_eq!(json["total"]["QuoteAgent"]["tasks"]["Convert"]["ratio"], 0.1875);
    }

    #[test]
    fn fixed_counts_stand_outside_the_weights() {
        let classes = [class("Admin", 1.0, 2, &[("x", 1)]), class("Agent", 5.0, 0, &[("x", 1)])];
        assert_eq!(shares(&classes, 8), [0.25, 0.75]);
        assert_eq!(shares(&classes, 0), [1.0, 0.0]);
    }
}
