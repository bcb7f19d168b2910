//! The histogram against the raw values it stands for.

use proptest::collection::vec;
use proptest::prelude::*;
use swarmer::stats::{Histogram, MAX_TRACKED, PERCENTILES};

/// 1 µs to 1 h in nanoseconds, every magnitude alike likely.
fn nanos() -> impl Strategy<Value = u64> {
    (1_000_f64.ln()..3.6e12_f64.ln()).prop_map(|ln| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole ns")]
        let nanos = ln.exp() as u64;
        nanos
    })
}

fn filled(values: &[u64]) -> Histogram {
    let mut histogram = Histogram::new();
    for value in values {
        histogram.record(*value);
    }
    histogram
}

fn merged(parts: &[&Histogram]) -> Histogram {
    let mut all = Histogram::new();
    for part in parts {
        all.merge(part);
    }
    all
}

proptest! {
    #[test]
    fn quantiles_are_within_a_thousandth_of_the_raw_values(
        mut values in vec(nanos(), 1..400),
        p in 0.0..=1.0_f64,
    ) {
        let histogram = filled(&values);
        values.sort_unstable();
        let n = values.len();
        for p in PERCENTILES.into_iter().chain([p, 0.0]) {
            #[expect(
                clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
                reason = "the rank rule is defined on floats"
            )]
            let rank = ((n as f64 * p) as usize).min(n - 1);
            let (exact, found) = (values[rank], histogram.quantile(p).unwrap());
            prop_assert!(found.abs_diff(exact) * 1_000 <= exact, "p {p}: {found} for {exact}");
            prop_assert!((values[0]..=values[n - 1]).contains(&found));
        }
        prop_assert_eq!(histogram.count(), n as u64);
        prop_assert_eq!(histogram.sum(), values.iter().map(|v| u128::from(*v)).sum::<u128>());
        prop_assert_eq!(histogram.min(), values.first().copied());
        prop_assert_eq!(histogram.max(), values.last().copied());
    }

    #[test]
    fn merging_is_exact_in_any_order_and_grouping(
        a in vec(any::<u64>(), 0..60),
        b in vec(nanos(), 0..60),
        c in vec(nanos(), 0..60),
    ) {
        let all = filled(&[a.clone(), b.clone(), c.clone()].concat());
        let (a, b, c) = (filled(&a), filled(&b), filled(&c));
        prop_assert_eq!(&merged(&[&a, &b, &c]), &all);
        prop_assert_eq!(&merged(&[&c, &a, &b]), &all);
        prop_assert_eq!(&merged(&[&a, &merged(&[&b, &c])]), &all);
    }

    #[test]
    fn narrow_cells_merge_into_wide_ones(values in vec(nanos(), 0..60)) {
        let mut narrow = Histogram::<u32>::new();
        for value in &values {
            narrow.record(*value);
        }
        let mut wide = Histogram::<u64>::new();
        wide.merge(&narrow);
        prop_assert_eq!(&wide, &filled(&values));
    }

    #[test]
    fn the_transport_form_is_complete(values in vec(any::<u64>(), 0..60)) {
        let histogram = filled(&values);
        let text = serde_json::to_string(&histogram).unwrap();
        let back: Histogram = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&back, &histogram);
    }

    #[test]
    fn hostile_transport_forms_are_refused_or_harmless(
        sum in any::<(u64, u64)>(),
        min in any::<u64>(),
        max in any::<u64>(),
        cells in vec((any::<u16>(), any::<u64>()), 0..4),
    ) {
        let text = serde_json::json!({ "sum": sum, "min": min, "max": max, "cells": cells });
        if let Ok(histogram) = serde_json::from_value::<Histogram>(text) {
            prop_assert!(histogram.quantile(0.5).is_none_or(|q| (min..=max).contains(&q)));
        }
    }
}

#[test]
fn what_is_longer_than_the_last_cell_keeps_its_exact_maximum() {
    let histogram = filled(&[MAX_TRACKED + 5, u64::MAX]);
    assert_eq!(histogram.max(), Some(u64::MAX));
    assert_eq!(histogram.quantile(1.0), Some(u64::MAX));
    assert_eq!(histogram.min(), Some(MAX_TRACKED + 5));
}

#[test]
fn impossible_transport_forms_are_refused() {
    let refused = [
        (r#"{"sum":[0,5],"min":5,"max":5,"cells":[[6,1]]}"#, "contradict"),
        (r#"{"sum":[0,5],"min":5,"max":5,"cells":[[5,0]]}"#, "without a count"),
        (r#"{"sum":[0,9],"min":4,"max":5,"cells":[[5,1],[4,1]]}"#, "ascend"),
        (r#"{"sum":[0,9],"min":5,"max":6,"cells":[[5,1],[5,1]]}"#, "ascend"),
        (r#"{"sum":[0,9],"min":5,"max":6,"cells":[[5,1],[60000,1]]}"#, "beyond"),
        (r#"{"sum":[0,9],"min":5,"max":6,"cells":[[5,18446744073709551615],[6,1]]}"#, "overflow"),
    ];
    for (text, reason) in refused {
        let error = serde_json::from_str::<Histogram>(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn an_empty_one_costs_and_answers_nothing() {
    let empty = Histogram::<u64>::new();
    assert_eq!(
        (empty.quantile(0.5), empty.min(), empty.max(), empty.mean()),
        (None, None, None, None)
    );
    assert_eq!(empty.heap_bytes(), 0);
    let mut used = filled(&[1_000_000, 2_000_000]);
    assert!(
        used.heap_bytes() < 4_096,
        "two values touch two pages of 1 KiB: {}",
        used.heap_bytes()
    );
    used.clear();
    assert_eq!(used, empty);
}
