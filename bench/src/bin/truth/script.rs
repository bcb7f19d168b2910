//! After which delay the server answers: text to script, script to moments.

use std::str::FromStr;

/// No delay is longer; the tail of a Pareto distribution has no end of its own.
const LONGEST: u64 = 500_000_000;

/// Delays of the requests, in the order in which they arrive. All times are nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Delays {
    /// None: the answer leaves at once.
    Nothing,
    /// Always the same.
    Constant(u64),
    /// This share is slow, the others are fast; each has the same delay as its like.
    Bimodal { fast: u64, slow: u64, share: f64 },
    /// Pareto: `least` times the power -1/`shape` of a uniform number, half a second at most.
    Pareto { least: u64, shape: f64 },
}

impl FromStr for Delays {
    type Err = String;

    /// `nothing`, `constant:MICROS`, `bimodal:FAST:SLOW:SHARE` or `pareto:LEAST:SHAPE`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no script; allowed: nothing, constant:MICROS, bimodal:FAST:SLOW:SHARE, pareto:LEAST:SHAPE"
            )
        };
        let micros = |text: &str| text.parse::<u64>().map(|micros| micros * 1_000);
        let parts: Vec<&str> = text.split(':').collect();
        let parsed = match parts[..] {
            ["nothing"] => Some(Self::Nothing),
            ["constant", delay] => micros(delay).ok().map(Self::Constant),
            ["bimodal", fast, slow, share] => match (micros(fast), micros(slow), share.parse()) {
                (Ok(fast), Ok(slow), Ok(share)) => Some(Self::Bimodal { fast, slow, share }),
                _ => None,
            },
            ["pareto", least, shape] => match (micros(least), shape.parse()) {
                (Ok(least), Ok(shape)) => Some(Self::Pareto { least, shape }),
                _ => None,
            },
            _ => None,
        };
        parsed.ok_or_else(wrong)
    }
}

impl Delays {
    /// The delay of the request that arrived as number `sequence`; the same in every run.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "delays of less than a second"
    )]
    pub(crate) fn of(self, sequence: u64) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Constant(delay) => delay,
            Self::Bimodal { slow, share, .. } if uniform(sequence) <= share => slow,
            Self::Bimodal { fast, .. } => fast,
            Self::Pareto { least, shape } => {
                let delay = least as f64 * uniform(sequence).powf(-1.0 / shape);
                (delay as u64).min(LONGEST)
            }
        }
    }
}

/// A number in (0, 1] that looks random: the finaliser of `SplitMix64`.
#[expect(clippy::cast_precision_loss, reason = "53 bits are kept")]
fn uniform(sequence: u64) -> f64 {
    let mut mixed = sequence.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    ((mixed >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

/// When the server stands still: what would leave then leaves when it is over. Nanoseconds since the first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stalls {
    pub(crate) first: u64,
    pub(crate) length: u64,
    /// From one beginning to the next; without it there is one stall.
    pub(crate) every: Option<u64>,
}

impl Stalls {
    /// When that leaves what is ready at `moment`.
    pub(crate) fn released(self, moment: u64) -> u64 {
        let Some(since) = moment.checked_sub(self.first) else { return moment };
        let into = self.every.map_or(since, |every| since % every);
        if into < self.length { moment - into + self.length } else { moment }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_read_and_others_named() {
        let read = |text: &str| text.parse::<Delays>();
        assert_eq!(read("nothing"), Ok(Delays::Nothing));
        assert_eq!(read("constant:5000"), Ok(Delays::Constant(5_000_000)));
        let bimodal = Delays::Bimodal { fast: 2_000_000, slow: 20_000_000, share: 0.15 };
        assert_eq!(read("bimodal:2000:20000:0.15"), Ok(bimodal));
        assert_eq!(read("pareto:2000:2"), Ok(Delays::Pareto { least: 2_000_000, shape: 2.0 }));
        for wrong in ["", "constant", "constant:x", "bimodal:1:2", "pareto:1:x", "nothing:1"] {
            assert!(read(wrong).is_err_and(|error| error.contains(&format!("`{wrong}`"))));
        }
    }

    #[test]
    fn delays_keep_to_their_distribution() {
        let sorted = |delays: Delays| {
            let mut all: Vec<u64> = (0..100_000).map(|sequence| delays.of(sequence)).collect();
            all.sort_unstable();
            all
        };
        let bimodal = sorted(Delays::Bimodal { fast: 1, slow: 9, share: 0.15 });
        let slow = bimodal.iter().filter(|delay| **delay == 9).count();
        assert!((14_500..15_500).contains(&slow), "{slow} of 100,000 are slow");
        let pareto = sorted(Delays::Pareto { least: 1_000_000, shape: 2.0 });
        assert!(pareto[0] >= 1_000_000 && pareto[99_999] <= LONGEST);
        // P(p) is least / sqrt(1 - p).
        assert!((1_380_000..1_450_000).contains(&pareto[50_000]), "{}", pareto[50_000]);
        assert!((9_500_000..10_500_000).contains(&pareto[99_000]), "{}", pareto[99_000]);
    }

    #[test]
    fn nothing_leaves_in_a_stall() {
        let once = Stalls { first: 100, length: 20, every: None };
        let moments = [0, 99, 100, 119, 120, 1_000].map(|moment| once.released(moment));
        assert_eq!(moments, [0, 99, 120, 120, 120, 1_000]);
        let again = Stalls { every: Some(50), ..once };
        let moments = [99, 110, 130, 150, 169, 170].map(|moment| again.released(moment));
        assert_eq!(moments, [99, 120, 130, 170, 170, 170]);
    }
}
