//! What no client can surpass on this machine: the rate at which the server's own core is full.

use anyhow::Result;

use crate::contender::{Contender, Target};
use crate::figures::{Outcome, Spread};
use crate::section::Section;
use crate::show::number;

/// A peer, and the goal for our rate over its own.
pub(crate) struct Goal {
    pub(crate) peer: Contender,
    pub(crate) times: f64,
}

/// Runs the fastest client there is among the peers that goals are about, and says whether these can be reached at all.
///
/// # Errors
/// When a contender cannot be started, or a request fails.
pub(crate) fn measure(
    section: &mut Section,
    target: Target,
    rounds: u32,
    fastest: &Contender,
    goals: &[Goal],
) -> Result<()> {
    let mut quick = Vec::new();
    let mut slow: Vec<Vec<f64>> = goals.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        // Next to each peer by turns.
        let beside = round as usize % goals.len().max(1);
        for (at, (goal, rates)) in goals.iter().zip(&mut slow).enumerate() {
            rates.push(goal.peer.run(target)?.rate);
            if at == beside {
                quick.push(fastest.run(target)?);
            }
        }
    }
    let costs: Vec<f64> = quick.iter().map(Outcome::server_cpu_per_request).collect();
    let full: Vec<f64> = costs.iter().map(|cost| 1e6 / cost).collect();
    let busy: Vec<f64> = quick.iter().map(Outcome::server_busy).collect();
    let rates: Vec<f64> = quick.iter().map(|run| run.rate).collect();
    let loaded = format!("nginx, loaded by {}", fastest.name);
    section.figure(&loaded, "CPU per request", "µs", &costs);
    section.figure(&loaded, "its core is busy", "%", &busy);
    section.figure(&loaded, "its core is full at", "/s", &full);
    for (Goal { peer, times }, theirs) in goals.iter().zip(&slow) {
        section.ratio("requests/s", (fastest.name, &rates), (peer.name, theirs), None);
        section.ratio("requests/s", ("a full core of nginx", &full), (peer.name, theirs), None);
        section.notes.push(said(*times, peer.name, theirs, fastest.name, &rates, &full));
    }
    Ok(())
}

/// Whether a goal can be reached.
fn said(
    times: f64,
    peer: &str,
    theirs: &[f64],
    fastest: &str,
    rates: &[f64],
    full: &[f64],
) -> String {
    let over = |values: &[f64]| {
        let ratios: Vec<f64> =
            values.iter().zip(theirs).map(|(value, their)| value / their).collect();
        Spread::of(&ratios)
    };
    let (most, reached) = (over(full), over(rates));
    let verdict = if most.most < times {
        "no client can reach it on this machine, whatever it costs"
    } else if most.least >= times {
        "it can be reached on this machine"
    } else {
        "rounds disagree whether it can be reached on this machine"
    };
    format!(
        "The goal of {} × {peer} takes {} requests/s. The server's core is full at {}, which is {} times {peer}; {fastest} reaches \
         {} times: {verdict}.",
        number(times),
        number(times * Spread::of(theirs).median),
        number(Spread::of(full).median),
        number(most.median),
        number(reached.median),
    )
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn a_goal_beyond_what_the_server_can_answer_is_said_to_be_out_of_reach() {
        let theirs = [10_000.0, 10_100.0, 9_900.0];
        let of = |full: f64| said(15.0, "Slow", &theirs, "quick", &[100_000.0; 3], &[full; 3]);
        let text = of(120_000.0);
        assert!(text.contains("goal of 15.0 × Slow takes 150,000 requests/s"), "{text}");
        assert!(text.contains("full at 120,000, which is 12.0 times Slow"), "{text}");
        assert!(text.contains("quick reaches 10.0 times: no client can reach it"), "{text}");
        assert!(of(151_000.0).contains("rounds disagree"));
        assert!(of(160_000.0).ends_with("it can be reached on this machine."));
    }
}
