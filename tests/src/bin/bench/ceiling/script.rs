//! Two recordings of one piece of work become a pgbench script: what is equal in both is written as it was sent, what
//! differs is explained by whose work it was, by its instant, or as a new id.

use uuid::Uuid;

use super::values::{self, Value, element_of, hex, literal, name_of, quote};
use super::wire::{Recording, Sent};
use crate::failure::{Attempt, Result};

/// What a piece of work was known by before it was done, by the names of the script's variables.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) ids: Vec<(&'static str, Uuid)>,
    pub(crate) texts: Vec<(&'static str, String)>,
    pub(crate) times: Vec<(&'static str, i64)>,
    pub(crate) numbers: Vec<(&'static str, i64)>,
}

/// A recorded piece of work: a purchase, or the run of a job.
pub(crate) struct Piece {
    pub(crate) known: Known,
    pub(crate) recording: Recording,
}

/// The statements of a piece of work for pgbench.
pub(crate) struct Script {
    /// Everything after the lines that choose whose work it is.
    pub(crate) text: String,
    /// How many ids the process makes for it: `new_1`, `new_2`, …
    pub(crate) new_ids: usize,
    /// How many statements it sends.
    pub(crate) statements: usize,
    /// Those that it prepares anew every time, in a round trip of their own.
    pub(crate) prepared: Vec<String>,
    /// Parameters that differ for no known reason: the script sends the first recording's.
    pub(crate) unexplained: Vec<String>,
}

/// Writes the script.
pub(crate) fn write(first: &Piece, second: &Piece) -> Result<Script> {
    let (ours, theirs) = (&first.recording.sent, &second.recording.sent);
    let alike = ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(ours, theirs)| ours.sql == theirs.sql);
    if !alike || ours.is_empty() {
        return Err(
            "two recordings are not of the same statements, so there is nothing to give to pgbench"
                .to_owned(),
        );
    }
    let mut writer = Writer {
        ids: Vec::new(),
        known: [&first.known, &second.known],
        nows: Vec::new(),
        new_ids: 0,
        unexplained: Vec::new(),
    };
    writer.ids = first
        .known
        .ids
        .iter()
        .zip(&second.known.ids)
        .map(|((name, ours), (_, theirs))| ((*name).to_owned(), *ours, *theirs))
        .collect();
    let pairs = ours
        .iter()
        .zip(theirs)
        .map(|(ours, theirs)| Ok((ours, params(ours)?, params(theirs)?)))
        .collect::<Result<Vec<_>>>()?;
    // First all new ids, because texts may speak of them before a column does.
    for (_, ours, theirs) in &pairs {
        ours.iter().zip(theirs).for_each(|(ours, theirs)| writer.learn(ours, theirs));
    }
    let mut text = String::new();
    for ((sent, ours, theirs), other) in pairs.iter().zip(theirs) {
        text.push_str(&writer.statement(sent, other, ours, theirs)?);
    }
    Ok(Script {
        text,
        new_ids: writer.new_ids,
        statements: ours.len(),
        prepared: second.recording.prepared.iter().map(|sql| shorten(sql)).collect(),
        unexplained: writer.unexplained,
    })
}

fn params(sent: &Sent) -> Result<Vec<Value>> {
    sent.types
        .iter()
        .zip(&sent.params)
        .map(|(oid, bytes)| values::read(*oid, bytes.as_deref()))
        .collect()
}

struct Writer<'a> {
    /// Ids by variable: the known ones, then the new ones.
    ids: Vec<(String, Uuid, Uuid)>,
    known: [&'a Known; 2],
    /// What the transactions of the two were told the time is, one after another.
    nows: Vec<(i64, i64)>,
    new_ids: usize,
    unexplained: Vec<String>,
}

impl Writer<'_> {
    /// Names an id that nobody had before, whether it is sent as one or as a text.
    fn learn(&mut self, ours: &Value, theirs: &Value) {
        match (ours, theirs) {
            (Value::Uuid(ours), Value::Uuid(theirs)) => self.learn_id(*ours, *theirs),
            (Value::Text(ours), Value::Text(theirs)) => {
                if let (Ok(ours), Ok(theirs)) = (Uuid::try_parse(ours), Uuid::try_parse(theirs)) {
                    self.learn_id(ours, theirs);
                }
            }
            (Value::Array(ours), Value::Array(theirs)) => {
                ours.iter().zip(theirs).for_each(|(ours, theirs)| self.learn(ours, theirs));
            }
            _ => {}
        }
    }

    fn learn_id(&mut self, ours: Uuid, theirs: Uuid) {
        if ours != theirs && !self.ids.iter().any(|(_, known, _)| *known == ours) {
            self.new_ids += 1;
            self.ids.push((format!("new_{}", self.new_ids), ours, theirs));
        }
    }

    fn statement(
        &mut self,
        sent: &Sent,
        other: &Sent,
        ours: &[Value],
        theirs: &[Value],
    ) -> Result<String> {
        if sent.sql.contains(';') {
            return Err(format!("pgbench cannot send several statements at once: {}", sent.sql));
        }
        let mut terms = Vec::new();
        for (place, ((oid, ours), theirs)) in sent.types.iter().zip(ours).zip(theirs).enumerate() {
            let unexplained = self.unexplained.len();
            terms.push(self.term(*oid, ours, theirs)?);
            if self.unexplained.len() > unexplained {
                self.unexplained.truncate(unexplained);
                self.unexplained.push(format!(
                    "${} of {}: {ours:?}, {theirs:?}",
                    place + 1,
                    shorten(&sent.sql)
                ));
            }
        }
        let sql = substitute(&sent.sql, &terms)?;
        if !tells_time(&sent.sql) {
            return Ok(format!("{sql};\n"));
        }
        let instant = |sent: &Sent| match sent.row.first() {
            Some(Some(bytes)) => values::read(1184, Some(bytes)).ok(),
            _ => None,
        };
        let (Some(Value::Time(ours)), Some(Value::Time(theirs))) = (instant(sent), instant(other))
        else {
            return Ok(format!("{sql};\n"));
        };
        self.nows.push((ours, theirs));
        Ok(format!("{sql} \\gset {}\n", prefix(self.nows.len())))
    }

    /// A parameter as an SQL expression.
    fn term(&mut self, oid: u32, ours: &Value, theirs: &Value) -> Result<String> {
        let name = name_of(oid)?;
        let explained = match (ours, theirs) {
            _ if ours == theirs => Some(literal(oid, ours)?),
            (Value::Uuid(ours), Value::Uuid(theirs)) => self.id(*ours, *theirs),
            (Value::Text(ours), Value::Text(theirs)) => self.text(ours, theirs),
            (Value::Json(ours), Value::Json(theirs)) => self.text(ours, theirs),
            (Value::Time(ours), Value::Time(theirs)) => self.time(*ours, *theirs),
            (Value::Plain(ours), Value::Plain(theirs)) => self.number(ours, theirs),
            // Sealed anew every time; the same length is the same work.
            (Value::Bytes(ours), Value::Bytes(_)) => Some(hex(ours)),
            (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
                let element = element_of(oid)?;
                let terms =
                    ours.iter().zip(theirs).map(|(ours, theirs)| self.term(element, ours, theirs));
                Some(format!("ARRAY[{}]", terms.collect::<Result<Vec<_>>>()?.join(", ")))
            }
            _ => None,
        };
        let term = match explained {
            Some(term) => term,
            None => {
                self.unexplained.push(String::new());
                literal(oid, ours)?
            }
        };
        Ok(format!("({term})::{name}"))
    }

    fn id(&self, ours: Uuid, theirs: Uuid) -> Option<String> {
        let known = self.ids.iter().find(|(_, known, other)| (*known, *other) == (ours, theirs));
        known.map(|(name, ..)| format!(":{name}"))
    }

    fn number(&self, ours: &str, theirs: &str) -> Option<String> {
        let (ours, theirs) = (ours.parse::<i64>().ok()?, theirs.parse::<i64>().ok()?);
        let [first, second] = self.known;
        let mut known = first.numbers.iter().zip(&second.numbers);
        known
            .find(|((_, known), (_, other))| (*known, *other) == (ours, theirs))
            .map(|((name, _), _)| format!(":{name}"))
    }

    fn time(&self, ours: i64, theirs: i64) -> Option<String> {
        // The latest instant first: most times are the transaction's own, or a step after it.
        let mut nows = (1..=self.nows.len()).rev().zip(self.nows.iter().rev());
        let since = nows.find_map(|(nth, (now, then))| {
            (ours - now == theirs - then).then(|| (prefix(nth), ours - now))
        });
        match since {
            Some((prefix, 0)) => return Some(format!(":{prefix}app_now")),
            Some((prefix, later)) => {
                return Some(format!(
                    ":{prefix}app_now::timestamptz + interval '{later} microseconds'"
                ));
            }
            None => {}
        }
        let [first, second] = self.known;
        let known = first
            .times
            .iter()
            .zip(&second.times)
            .find(|((_, known), (_, other))| (*known, *other) == (ours, theirs));
        known.map(|((name, _), _)| format!(":{name}"))
    }

    /// A text in which ids and known texts stand.
    fn text(&self, ours: &str, theirs: &str) -> Option<String> {
        let pieces = self.pieces(ours, 0);
        (pieces == self.pieces(theirs, 1)).then(|| {
            let terms = pieces.iter().map(|piece| match piece {
                Part::Words(words) => quote(words),
                Part::Variable(name) => format!(":{name}::text"),
            });
            terms.collect::<Vec<_>>().join(" || ")
        })
    }

    fn pieces(&self, text: &str, side: usize) -> Vec<Part> {
        let ids = self.ids.iter().map(|(name, ours, theirs)| {
            (name.as_str(), if side == 0 { *ours } else { *theirs }.to_string())
        });
        let texts = self
            .known
            .get(side)
            .into_iter()
            .flat_map(|known| known.texts.iter().map(|(name, text)| (*name, text.clone())));
        let known: Vec<(&str, String)> =
            ids.chain(texts).filter(|(_, value)| !value.is_empty()).collect();
        let mut pieces = Vec::new();
        let mut rest = text;
        loop {
            let found = known.iter().filter_map(|(name, value)| {
                rest.split_once(value.as_str()).map(|parts| (name, parts))
            });
            let Some((name, (before, after))) = found.min_by_key(|(_, (before, _))| before.len())
            else {
                break;
            };
            if !before.is_empty() {
                pieces.push(Part::Words(before.to_owned()));
            }
            pieces.push(Part::Variable((*name).to_owned()));
            rest = after;
        }
        if !rest.is_empty() || pieces.is_empty() {
            pieces.push(Part::Words(rest.to_owned()));
        }
        pieces
    }
}

#[derive(PartialEq, Eq)]
enum Part {
    Words(String),
    Variable(String),
}

/// Puts the terms in the places of `$1`, `$2`, …
fn substitute(sql: &str, terms: &[String]) -> Result<String> {
    if sql.replace("::", "").contains(':') {
        return Err(format!("pgbench would take a part of this for a variable: {sql}"));
    }
    let mut text = String::new();
    let mut parts = sql.split('$');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.find(|character: char| !character.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(digits);
        let place = number.parse::<usize>().ok().and_then(|place| place.checked_sub(1));
        let term = place
            .and_then(|place| terms.get(place))
            .attempt(format_args!("a parameter is missing in {}", shorten(sql)))?;
        text.push_str(term);
        text.push_str(rest);
    }
    Ok(text)
}

/// Whether this is how a transaction asks what time it is: its answer explains later times.
fn tells_time(sql: &str) -> bool {
    sql.trim().get(..16).is_some_and(|start| start.eq_ignore_ascii_case("select app_now()"))
}

/// The start of the variables that an answer to "what time is it?" goes to.
fn prefix(nth: usize) -> String {
    format!("at_{nth}_")
}

fn shorten(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(100).collect()
}
