//! Parameters as PostgreSQL's binary format has them, and as SQL.

use uuid::Uuid;

use crate::failure::{Attempt, Result};

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Uuid(Uuid),
    Text(String),
    Json(String),
    Bytes(Vec<u8>),
    /// Microseconds since 2000.
    Time(i64),
    /// A number or a truth value, as SQL writes it.
    Plain(String),
    Array(Vec<Value>),
}

/// A type: its name in SQL, the type of its elements, and how it is read.
struct Type {
    oid: u32,
    name: &'static str,
    reads: Reads,
}

#[derive(Clone, Copy)]
enum Reads {
    Bool,
    Integer,
    Text,
    Json { version: bool },
    Bytes,
    Time,
    Numeric,
    Uuid,
    Array,
}

const TYPES: &[Type] = &[
    Type { oid: 16, name: "bool", reads: Reads::Bool },
    Type { oid: 17, name: "bytea", reads: Reads::Bytes },
    Type { oid: 20, name: "int8", reads: Reads::Integer },
    Type { oid: 21, name: "int2", reads: Reads::Integer },
    Type { oid: 23, name: "int4", reads: Reads::Integer },
    Type { oid: 25, name: "text", reads: Reads::Text },
    Type { oid: 114, name: "json", reads: Reads::Json { version: false } },
    Type { oid: 1042, name: "bpchar", reads: Reads::Text },
    Type { oid: 1043, name: "varchar", reads: Reads::Text },
    Type { oid: 1184, name: "timestamptz", reads: Reads::Time },
    Type { oid: 1700, name: "numeric", reads: Reads::Numeric },
    Type { oid: 2950, name: "uuid", reads: Reads::Uuid },
    Type { oid: 3802, name: "jsonb", reads: Reads::Json { version: true } },
    Type { oid: 1000, name: "bool[]", reads: Reads::Array },
    Type { oid: 1001, name: "bytea[]", reads: Reads::Array },
    Type { oid: 1005, name: "int2[]", reads: Reads::Array },
    Type { oid: 1007, name: "int4[]", reads: Reads::Array },
    Type { oid: 1009, name: "text[]", reads: Reads::Array },
    Type { oid: 1015, name: "varchar[]", reads: Reads::Array },
    Type { oid: 1016, name: "int8[]", reads: Reads::Array },
    Type { oid: 1185, name: "timestamptz[]", reads: Reads::Array },
    Type { oid: 1231, name: "numeric[]", reads: Reads::Array },
    Type { oid: 2951, name: "uuid[]", reads: Reads::Array },
    Type { oid: 3807, name: "jsonb[]", reads: Reads::Array },
];

fn type_of(oid: u32) -> Result<&'static Type> {
    TYPES
        .iter()
        .find(|known| known.oid == oid)
        .attempt(format_args!("the bench does not know the type {oid} of a parameter"))
}

/// A type's name in SQL.
pub(crate) fn name_of(oid: u32) -> Result<&'static str> {
    type_of(oid).map(|known| known.name)
}

/// The type of an array's elements.
pub(crate) fn element_of(oid: u32) -> Result<u32> {
    let array = type_of(oid)?;
    let element = array.name.strip_suffix("[]").attempt("an array has elements")?;
    TYPES
        .iter()
        .find(|known| known.name == element)
        .map(|known| known.oid)
        .attempt("elements have a type")
}

/// Reads a value of a type.
pub(crate) fn read(oid: u32, bytes: Option<&[u8]>) -> Result<Value> {
    let Some(bytes) = bytes else { return Ok(Value::Null) };
    let known = type_of(oid)?;
    let value = match known.reads {
        Reads::Bool => bytes
            .first()
            .map(|byte| Value::Plain(if *byte == 0 { "false" } else { "true" }.to_owned())),
        Reads::Integer => integer(bytes).map(|number| Value::Plain(number.to_string())),
        Reads::Text => utf8(bytes).map(Value::Text),
        Reads::Json { version } => {
            bytes.get(usize::from(version)..).and_then(utf8).map(Value::Json)
        }
        Reads::Bytes => Some(Value::Bytes(bytes.to_vec())),
        Reads::Time => integer(bytes).map(Value::Time),
        Reads::Numeric => numeric(bytes).map(Value::Plain),
        Reads::Uuid => Uuid::from_slice(bytes).ok().map(Value::Uuid),
        Reads::Array => array(bytes),
    };
    value.attempt(format_args!("the bench cannot read a value of type {}", known.name))
}

fn utf8(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

/// A signed number of two, four or eight bytes.
fn integer(bytes: &[u8]) -> Option<i64> {
    match *bytes {
        [a, b] => Some(i16::from_be_bytes([a, b]).into()),
        [a, b, c, d] => Some(i32::from_be_bytes([a, b, c, d]).into()),
        _ => bytes.try_into().ok().map(i64::from_be_bytes),
    }
}

/// Groups of four decimal digits: their count, the place of the first, the sign, the decimals to show, the groups.
fn numeric(bytes: &[u8]) -> Option<String> {
    let mut shorts = bytes.chunks_exact(2).map(integer);
    let (groups, first, sign, decimals) =
        (shorts.next()??, shorts.next()??, shorts.next()??, shorts.next()??);
    let digits: Vec<i64> = shorts.collect::<Option<_>>()?;
    let group = |place: i64| {
        usize::try_from(first - place)
            .ok()
            .and_then(|index| digits.get(index))
            .copied()
            .unwrap_or(0)
    };
    let sign = match sign {
        0 => "",
        0x4000 => "-",
        _ => return None,
    };
    let whole: String =
        (0..=first.max(0)).rev().map(|place| format!("{:04}", group(place))).collect();
    let fraction: String =
        (1..=(decimals + 3) / 4).map(|place| format!("{:04}", group(-place))).collect();
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.get(..usize::try_from(decimals).ok()?)?;
    let point = if fraction.is_empty() { "" } else { "." };
    (usize::try_from(groups).ok()? == digits.len())
        .then(|| format!("{sign}{whole}{point}{fraction}"))
}

/// One dimension, or none: their number, whether there are nulls, the elements' type, the size, the lower bound.
fn array(bytes: &[u8]) -> Option<Value> {
    let mut rest = bytes;
    let mut long = || {
        let (long, tail) = rest.split_first_chunk::<4>()?;
        rest = tail;
        Some(u32::from_be_bytes(*long))
    };
    let (dimensions, _nulls, element) = (long()?, long()?, long()?);
    if dimensions == 0 {
        return Some(Value::Array(Vec::new()));
    }
    let (size, _lower) = (long()?, long()?);
    let mut values = Vec::new();
    for _ in 0..size {
        let (length, tail) = rest.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length);
        let (value, tail) = if length == u32::MAX {
            (None, tail)
        } else {
            tail.split_at_checked(usize::try_from(length).ok()?)
                .map(|(value, tail)| (Some(value), tail))?
        };
        rest = tail;
        values.push(read(element, value).ok()?);
    }
    (dimensions == 1).then_some(Value::Array(values))
}

/// A value as SQL.
pub(crate) fn literal(oid: u32, value: &Value) -> Result<String> {
    Ok(match value {
        Value::Null => "NULL".to_owned(),
        Value::Uuid(id) => format!("'{id}'"),
        Value::Text(text) | Value::Json(text) => quote(text),
        Value::Bytes(bytes) => hex(bytes),
        Value::Time(micros) => {
            format!("timestamptz '2000-01-01 UTC' + interval '{micros} microseconds'")
        }
        Value::Plain(number) => number.clone(),
        Value::Array(values) => {
            let element = element_of(oid)?;
            let terms =
                values.iter().map(|value| literal(element, value)).collect::<Result<Vec<_>>>()?;
            format!("ARRAY[{}]", terms.join(", "))
        }
    })
}

/// A text as SQL. pgbench takes a colon before a letter for a variable, even in a text.
pub(crate) fn quote(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''").replace(':', "\\x3a"))
}

/// Bytes as SQL.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("E'\\\\x{digits}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shorts(values: &[i16]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_be_bytes()).collect()
    }

    #[test]
    fn numbers_are_read_to_the_last_decimal() {
        for (bytes, text) in [
            (shorts(&[0, 0, 0, 2]), "0.00"),
            (shorts(&[1, 0, 0, 0, 7]), "7"),
            (shorts(&[2, 1, 0x4000, 2, 15, 0]), "-150000.00"),
            (shorts(&[1, 1, 0, 2, 15]), "150000.00"),
            (shorts(&[3, 1, 0, 2, 12, 3456, 7800]), "123456.78"),
            (shorts(&[1, -1, 0, 2, 500]), "0.05"),
            (shorts(&[1, -2, 0, 6, 1200]), "0.000012"),
        ] {
            assert_eq!(read(1700, Some(&bytes)).expect("a number"), Value::Plain(text.to_owned()));
        }
    }

    #[test]
    fn an_array_is_its_elements() {
        let mut bytes = Vec::new();
        for word in [1_u32, 0, 25, 2, 1, 2] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(*b"ab");
        bytes.extend(u32::MAX.to_be_bytes());
        let expected = Value::Array(vec![Value::Text("ab".to_owned()), Value::Null]);
        assert_eq!(read(1009, Some(&bytes)).expect("an array"), expected);
        assert_eq!(element_of(1009).expect("text"), 25);
    }

    #[test]
    fn no_text_looks_like_a_variable() {
        assert_eq!(quote("it's user:abc \\ x"), "E'it''s user\\x3aabc \\\\ x'");
        assert_eq!(hex(&[0, 255]), "E'\\\\x00ff'");
    }
}
