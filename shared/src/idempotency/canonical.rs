//! One text for all JSON texts that say the same: keys in order, no spaces, numbers as they were written.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// A body nested deeper is not taken apart; no handler takes one.
const DEPTH_MAX: usize = 128;

/// The canonical form; a text that is not JSON stands for itself.
pub(super) fn canonical(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let whole = serde_json::from_str::<&RawValue>(text).ok();
    match whole.and_then(|value| write(value.get(), &mut out, DEPTH_MAX)) {
        Some(()) => out,
        None => text.to_owned(),
    }
}

/// Numbers are copied and never read: 0.1 must not become what a float makes of it.
fn write(raw: &str, out: &mut String, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match raw.as_bytes().first()? {
        b'{' => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(raw).ok()?;
            out.push('{');
            for (name, value) in &fields {
                out.push_str(&serde_json::to_string(name).ok()?);
                out.push(':');
                write(value.get(), out, depth)?;
                out.push(',');
            }
            out.push('}');
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
            out.push('[');
            for item in items {
                write(item.get(), out, depth)?;
                out.push(',');
            }
            out.push(']');
        }
        b'"' => {
            let text: String = serde_json::from_str(raw).ok()?;
            out.push_str(&serde_json::to_string(&text).ok()?);
        }
        _ => out.push_str(raw),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn order_and_spaces_do_not_matter_and_values_do() {
        let first =
            canonical(r#"{"amount": 1000.10, "payment_method":"payme","a":[1, {"y":2,"x":1}]}"#);
        let same = canonical(
            "{\"a\":[1,{\"x\":1,\"y\":2}],\n\"payment_method\":\"p\\u0061yme\",\"amount\":1000.10}",
        );
        assert_eq!(first, same);
        for other in [
            r#"{"amount": 1000.11, "payment_method":"payme","a":[1, {"y":2,"x":1}]}"#,
            r#"{"amount": "1000.10", "payment_method":"payme","a":[1, {"y":2,"x":1}]}"#,
            r#"{"amount": 1000.10, "payment_method":"payme","a":[{"y":2,"x":1}, 1]}"#,
            r#"{"amount": 1000.10, "payment_method":"payme"}"#,
        ] {
            assert_ne!(canonical(other), first, "{other}");
        }
        // Beyond what a float can tell apart.
        assert_ne!(canonical("9007199254740993.01"), canonical("9007199254740993.02"));
    }

    #[test]
    fn what_is_no_json_stands_for_itself() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for text in ["", "{", "{} x", deep.as_str()] {
            assert_eq!(canonical(text), text);
        }
    }
}
