//! The text form of rules, read.

use std::time::Duration;

use http::{Method, StatusCode};

use super::rule::{Fault, Latency, Rule, Service, without_api};

/// What is wrong with a rule, or where it came from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FaultError(pub(super) String);

/// The longest delay or period.
const MAX_DURATION: Duration = Duration::from_hours(1);

/// Reads rules, one a line or with `;` between them; `#` begins a comment.
///
/// # Errors
/// The first rule that cannot be read, with what was expected.
pub fn parse(text: &str) -> Result<Vec<Rule>, FaultError> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let rules = lines.flat_map(|line| line.split(';')).map(str::trim);
    let rules = rules.filter(|rule| !rule.is_empty());
    rules
        .map(|text| {
            rule(text).map_err(|reason| FaultError(format!("fault rule `{text}`: {reason}")))
        })
        .collect()
}

fn rule(text: &str) -> Result<Rule, String> {
    let (target, faults) = text.split_once(':').ok_or(
        "a colon must stand between the target and the fault, as in `claims: latency 50ms`",
    )?;
    let mut words = target.split_whitespace();
    let mut rule = Rule {
        service: service(words.next().unwrap_or_default())?,
        method: None,
        path: None,
        percent: 100.0,
        faults: Vec::new(),
    };
    for word in words {
        target_word(&mut rule, word)?;
    }
    rule.faults = faults.split(',').map(|text| fault(text.trim())).collect::<Result<_, _>>()?;
    Ok(rule)
}

fn service(word: &str) -> Result<Option<Service>, String> {
    if matches!(word, "*" | "all") {
        return Ok(None);
    }
    Service::named(word).map(Some).ok_or_else(|| {
        format!(
            "unknown service `{word}`: use gateway, user, quotes, policy, claims or `*` for all"
        )
    })
}

/// A method, a path or a share: they look different, so their order is free.
fn target_word(rule: &mut Rule, word: &str) -> Result<(), String> {
    if let Some(number) = word.strip_suffix('%') {
        let percent = number.parse().ok().filter(|percent| *percent > 0.0 && *percent <= 100.0);
        rule.percent =
            percent.ok_or_else(|| format!("`{word}` is not a share above 0% and up to 100%"))?;
    } else if word.starts_with(['/', '*']) {
        rule.path = Some(without_api(word).to_owned());
    } else if word.bytes().all(|byte| byte.is_ascii_uppercase()) {
        rule.method = Method::from_bytes(word.as_bytes()).ok();
    } else {
        return Err(format!(
            "`{word}` is neither a method (`POST`), a path (`/quotes/*`) nor a share (`5%`)"
        ));
    }
    Ok(())
}

fn fault(text: &str) -> Result<Fault, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["latency", rest @ ..] => latency(rest).map(Fault::Latency),
        ["error", status] => {
            let known = status.parse::<u16>().ok().filter(|status| (400..=599).contains(status));
            let known = known.and_then(|status| StatusCode::from_u16(status).ok());
            known
                .map(Fault::Error)
                .ok_or_else(|| format!("`error {status}`: use a status from 400 to 599"))
        }
        ["drop"] => Ok(Fault::Drop),
        ["stall", stall, "every", every] => {
            let (stall, every) = (duration(stall)?, duration(every)?);
            if stall.is_zero() || stall >= every {
                return Err(format!(
                    "`{text}`: the stall must be above 0 and shorter than its period"
                ));
            }
            Ok(Fault::Stall { stall, every })
        }
        _ => Err(format!(
            "`{text}` is not a fault: use `latency 50ms`, `latency 50ms..200ms`, `latency normal 80ms 20ms`, \
             `latency exponential 80ms`, `error 500`, `drop` or `stall 2s every 20s`"
        )),
    }
}

fn latency(words: &[&str]) -> Result<Latency, String> {
    match words {
        ["normal", mean, deviation] => Ok(Latency::Normal(duration(mean)?, duration(deviation)?)),
        ["exponential" | "exp", mean] => Ok(Latency::Exponential(duration(mean)?)),
        [single] => match single.split_once("..") {
            None => duration(single).map(Latency::Fixed),
            Some((low, high)) => {
                let (low, high) = (duration(low)?, duration(high)?);
                if low > high {
                    return Err(format!(
                        "`{single}`: the first latency must not exceed the second"
                    ));
                }
                Ok(Latency::Uniform(low, high))
            }
        },
        _ => Err(format!(
            "`latency {}`: use `50ms`, `50ms..200ms`, `normal 80ms 20ms` or `exponential 80ms`",
            words.join(" ")
        )),
    }
}

fn duration(word: &str) -> Result<Duration, String> {
    let bad =
        || format!("`{word}` is not a time of up to one hour, such as `50ms`, `1.5s` or `2m`");
    let unit_at = word.find(|letter: char| letter.is_alphabetic()).ok_or_else(bad)?;
    let (number, unit) = word.split_at(unit_at);
    let scale = match unit {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        _ => return Err(bad()),
    };
    let seconds =
        number.parse::<f64>().ok().filter(|number| *number >= 0.0).ok_or_else(bad)? * scale;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| bad())?;
    if duration > MAX_DURATION { Err(bad()) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let rules = parse(text).unwrap();
        rules.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn rules_are_read_and_written_back() {
        let text = "
            # a comment
            claims: stall 2s every 20s; quotes /api/v1/quotes/* 5%: error 500
            policy-service: latency 50ms..200ms   # uniform
            user 0.5% POST /auth/login: latency normal 1.5s 100ms, error 503
            api-gateway: latency exp 80ms; all DELETE: drop; *: latency 2m
        ";
        insta::assert_snapshot!(written(text), @r"
        claims: stall 2s every 20s
        quotes /quotes/* 5%: error 500
        policy: latency 50ms..200ms
        user POST /auth/login 0.5%: latency normal 1.5s 100ms, error 503
        gateway: latency exponential 80ms
        * DELETE: drop
        *: latency 120s
        ");
        assert_eq!(parse(&written(text)), parse(text));
    }

    #[test]
    fn errors_say_what_is_wrong_and_what_is_right() {
        let errors: Vec<String> = [
            "claims",
            "claim: drop",
            "claims 0%: drop",
            "claims 5: drop",
            "claims: explode",
            "claims: error 200",
            "claims: latency 5",
            "claims: latency 9s..1s",
            "claims: latency -5s",
            "claims: latency 2h",
            "claims: latency NaNs",
            "claims: stall 20s every 2s",
            "claims:",
        ]
        .iter()
        .map(|bad| parse(bad).unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(errors.join("\n"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,60}") {
            if let Ok(rules) = parse(&text) {
                let written: Vec<_> = rules.iter().map(ToString::to_string).collect();
                prop_assert!(parse(&written.join("\n")).is_ok());
            }
        }

        #[test]
        fn likely_text_is_read_without_panic(
            words in proptest::collection::vec("claims|\\*|:|,|latency|normal|stall|every|error|500|1e400s|9s|-1ms|\\.\\.|50%|/x|drop", 0..9)
        ) {
            if let Ok(rules) = parse(&words.join(" ")) {
                let written: Vec<_> = rules.iter().map(ToString::to_string).collect();
                prop_assert_eq!(parse(&written.join("\n")), Ok(rules));
            }
        }
    }
}
