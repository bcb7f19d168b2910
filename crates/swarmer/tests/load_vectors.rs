//! The dispatcher against sequences recorded from Locust 2.47.0.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeMap;

use serde::Deserialize;
use swarmer::load::{Dispatcher, Ramp, UserClass};

#[derive(Deserialize)]
struct Vectors {
    pick_order: Vec<PickOrder>,
    dispatch: Vec<Dispatch>,
    worker_order: Vec<WorkerOrder>,
}

#[derive(Deserialize)]
struct PickOrder {
    weights: Vec<(String, f64)>,
    first_24: String,
}

#[derive(Deserialize)]
struct Dispatch {
    classes: Vec<Class>,
    workers: Vec<String>,
    steps: Vec<Phase>,
}

#[derive(Deserialize)]
struct Class {
    name: String,
    weight: f64,
    fixed_count: u32,
}

#[derive(Deserialize)]
struct Phase {
    target: u32,
    rate: f64,
    users_per_iteration: u32,
    wait_between_s: f64,
    iterations: Vec<BTreeMap<String, BTreeMap<String, u32>>>,
}

#[derive(Deserialize)]
struct WorkerOrder {
    given: Vec<String>,
    used: Vec<String>,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("data/dispatch_vectors.json")).unwrap()
}

fn by_name(dispatcher: &Dispatcher) -> BTreeMap<String, BTreeMap<String, u32>> {
    let classes = dispatcher.classes();
    let row = |worker| {
        let counts = dispatcher.table().worker(worker);
        classes.iter().zip(counts).map(|(class, &count)| (class.name.clone(), count)).collect()
    };
    let name = |worker| dispatcher.worker_name(worker).unwrap().to_owned();
    dispatcher.workers().iter().map(|&worker| (name(worker), row(worker))).collect()
}

#[test]
fn classes_are_picked_in_locusts_order() {
    for vector in vectors().pick_order {
        let classes =
            vector.weights.iter().map(|(name, weight)| UserClass::weighted(name, *weight));
        let mut dispatcher = Dispatcher::new(classes, ["local"]).unwrap();
        let picked: Vec<_> = (0..24)
            .map(|_| vector.weights[dispatcher.start_next().unwrap().class].0.clone())
            .collect();
        assert_eq!(picked.join("|"), vector.first_24, "{:?}", vector.weights);
    }
}

#[test]
fn workers_come_in_locusts_order() {
    for vector in vectors().worker_order {
        let classes = [UserClass::weighted("A", 1.0)];
        let dispatcher = Dispatcher::new(classes, vector.given).unwrap();
        let used: Vec<_> =
            dispatcher.workers().iter().map(|&w| dispatcher.worker_name(w).unwrap()).collect();
        assert_eq!(used, vector.used);
    }
}

#[test]
fn iterations_match_locusts_tables() {
    for vector in vectors().dispatch {
        let classes = vector.classes.into_iter().map(|class| UserClass {
            name: class.name,
            weight: class.weight,
            fixed_count: class.fixed_count,
        });
        let mut dispatcher = Dispatcher::new(classes, vector.workers).unwrap();
        for step in vector.steps {
            let mut ramp = Ramp::new(step.target, step.rate).unwrap();
            assert_eq!(ramp.chunk_size(), step.users_per_iteration);
            assert!((ramp.chunk_interval().as_secs_f64() - step.wait_between_s).abs() < 1e-9);
            let mut smooth = dispatcher.clone();
            let mut smooth_ramp = ramp.clone();
            let mut seen = Vec::new();
            while let Some(chunk) = ramp.next_chunk(&mut dispatcher) {
                let due = ramp.chunk_interval() * u32::try_from(seen.len()).unwrap();
                assert!(chunk.due.abs_diff(due).as_nanos() < 100, "{chunk:?}");
                seen.push(by_name(&dispatcher));
            }
            assert_eq!(seen, step.iterations, "to {} at {}", step.target, step.rate);
            // The smooth view ends at the same table.
            assert!(smooth_ramp.due(&mut smooth, std::time::Duration::MAX).count() <= 1000);
            assert_eq!(smooth.table(), dispatcher.table());
        }
    }
}

#[derive(Deserialize)]
struct RandomPlan {
    /// Name, weight, fixed count.
    classes: Vec<(String, f64, u32)>,
    workers: Vec<String>,
    order: Vec<String>,
    steps: Vec<RandomStep>,
}

#[derive(Deserialize)]
struct RandomStep {
    target: u32,
    rate: f64,
    restrict: Option<Vec<String>>,
    iterations: usize,
    /// The last table: workers in dispatch order, classes in order of name.
    table: Vec<Vec<u32>>,
}

/// Sixty random plans played through Locust 2.47.0: fixed counts that go missing while they are refilled, restricted
/// classes, ties, fractional weights, worker names of every shape.
#[test]
fn random_plans_end_where_locusts_do() {
    let plans: Vec<RandomPlan> =
        serde_json::from_str(include_str!("data/dispatch_random.json")).unwrap();
    for plan in plans {
        let mut by_name: Vec<usize> = (0..plan.classes.len()).collect();
        by_name.sort_by_key(|&class| &plan.classes[class].0);
        let classes = plan.classes.iter().map(|(name, weight, fixed_count)| UserClass {
            name: name.clone(),
            weight: *weight,
            fixed_count: *fixed_count,
        });
        let mut dispatcher = Dispatcher::new(classes, plan.workers).unwrap();
        let order = dispatcher.workers().iter().map(|&w| dispatcher.worker_name(w).unwrap());
        assert_eq!(order.collect::<Vec<_>>(), plan.order);
        for step in plan.steps {
            if let Some(names) = &step.restrict {
                dispatcher.restrict_to(names).unwrap();
            }
            let mut ramp = Ramp::new(step.target, step.rate).unwrap();
            let mut iterations = 0;
            while ramp.next_chunk(&mut dispatcher).is_some() {
                iterations += 1;
            }
            let row = |&worker: &usize| {
                by_name.iter().map(|&class| dispatcher.table().get(worker, class)).collect()
            };
            let table: Vec<Vec<u32>> = dispatcher.workers().iter().map(row).collect();
            assert_eq!((iterations, table), (step.iterations, step.table), "{:?}", plan.classes);
        }
    }
}
