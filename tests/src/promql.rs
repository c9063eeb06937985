//! Reads of a PromQL expression which series it speaks of.

/// Words that are followed by a list of labels.
const LABEL_LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
/// Words that are no series.
const WORDS: [&str; 18] = [
    "and", "or", "unless", "bool", "offset", "inf", "nan", "sum", "min", "max", "avg", "count",
    "group", "topk", "bottomk", "quantile", "stddev", "stdvar",
];

/// The selectors of an expression, each as it is written: a name, its matchers, or both.
pub fn selectors(expression: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(sign) = rest.chars().next() {
        let length = match sign {
            '"' | '\'' => string(rest, sign),
            '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
            '{' => {
                let matchers = braces(rest);
                found.push(rest[..matchers].to_owned());
                matchers
            }
            '0'..='9' => word(rest, |sign| sign == '.'),
            _ if sign.is_ascii_alphabetic() || matches!(sign, '_' | ':') => named(rest, &mut found),
            _ => sign.len_utf8(),
        };
        rest = &rest[length..];
    }
    found
}

/// Reads a word and what belongs to it; notes it when it is a selector.
fn named(rest: &str, found: &mut Vec<String>) -> usize {
    let end = word(rest, |sign| sign == ':');
    let (name, after) = rest.split_at(end);
    let space = after.len() - after.trim_start().len();
    let next = after.trim_start().chars().next();
    if LABEL_LISTS.contains(&name) {
        let list = if next == Some('(') { after.find(')').map_or(0, |end| end + 1) } else { 0 };
        return end + list;
    }
    if WORDS.contains(&name.to_ascii_lowercase().as_str()) || next == Some('(') {
        return end;
    }
    let matchers = if next == Some('{') { space + braces(after.trim_start()) } else { 0 };
    found.push(format!("{name}{}", after[..matchers].trim_start()));
    end + matchers
}

fn word(rest: &str, also: impl Fn(char) -> bool) -> usize {
    rest.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_' && !also(sign))
        .unwrap_or(rest.len())
}

/// The length of a string, its quotes included.
fn string(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, sign) in rest.char_indices().skip(1) {
        if sign == quote && !escaped {
            return at + 1;
        }
        escaped = sign == '\\' && !escaped;
    }
    rest.len()
}

/// The length of the matchers, their braces included.
fn braces(rest: &str) -> usize {
    let mut at = 1;
    while let Some(sign) = rest[at..].chars().next() {
        match sign {
            '}' => return at + 1,
            '"' | '\'' => at += string(&rest[at..], sign),
            _ => at += sign.len_utf8(),
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::selectors;

    #[test]
    fn selectors_are_found_and_nothing_else() {
        for (expression, expected) in [
            ("up", vec!["up"]),
            ("up == 0", vec!["up"]),
            (
                "sum by (le, kind) (rate(a_bucket{le=\"+Inf\", k=~\"x}y\"}[5m]))",
                vec!["a_bucket{le=\"+Inf\", k=~\"x}y\"}"],
            ),
            ("histogram_quantile(0.95, sum(rate(b[1h]))) > 14.4 * 0.01", vec!["b"]),
            (
                "a:b:ratio_rate5m unless on (queue) max_over_time(c[1h:1m]) == 1",
                vec!["a:b:ratio_rate5m", "c"],
            ),
            ("time() - max(d) > 1e3 or vector(0)", vec!["d"]),
            ("a / on (queue) group_left b offset 5m", vec!["a", "b"]),
            (
                "{job=\"x\"} and absent(up{job=\"api\"} == 1)",
                vec!["{job=\"x\"}", "up{job=\"api\"}"],
            ),
        ] {
            assert_eq!(selectors(expression), expected, "{expression}");
        }
    }
}
