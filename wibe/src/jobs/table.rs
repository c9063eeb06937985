//! Aligned tables, and the words in their cells.

/// How a column is set.
#[derive(Clone, Copy)]
pub(super) enum Column {
    /// Words: to the left.
    Left(&'static str),
    /// Numbers: to the right.
    Right(&'static str),
}

impl Column {
    const fn head(self) -> &'static str {
        match self {
            Self::Left(head) | Self::Right(head) => head,
        }
    }

    fn set(self, cell: &str, width: usize) -> String {
        match self {
            Self::Left(_) => format!("{cell:<width$}"),
            Self::Right(_) => format!("{cell:>width$}"),
        }
    }
}

/// A table under a line of heads, two spaces between its columns.
pub(super) fn table<const N: usize>(columns: [Column; N], rows: &[[String; N]]) -> String {
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(place, column)| {
            let cells =
                rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.chars().count());
            cells.max().unwrap_or(0).max(column.head().chars().count())
        })
        .collect();
    let line = |cells: Vec<&str>| {
        let set = cells.iter().zip(columns).zip(&widths);
        let set: Vec<String> =
            set.map(|((cell, column), width)| column.set(cell, *width)).collect();
        set.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(columns.iter().map(|column| column.head()).collect())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

/// A text from outside in one line of at most `max` characters. What a terminal would obey is taken out.
pub(super) fn cell(text: &str, max: usize) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain.chars().count() <= max {
        return plain;
    }
    let cut: String = plain.chars().take(max.saturating_sub(1)).collect();
    format!("{cut}…")
}

/// A span of time in its two largest units: `12s`, `3m 5s`, `2h 40m`, `4d 1h`.
pub(super) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let pair = |large: i64, unit: &str, small: i64, rest: &str| match small {
        0 => format!("{large}{unit}"),
        _ => format!("{large}{unit} {small}{rest}"),
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => pair(minutes, "m", seconds % 60, "s"),
        (0, _, _) => pair(hours, "h", minutes, "m"),
        (_, _, _) => pair(days, "d", hours, "h"),
    }
}

/// A span that may not be there.
pub(super) fn maybe_span(seconds: Option<i64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), span)
}

/// A number that stops counting at `most`.
pub(super) fn counted(number: i64, most: i64) -> String {
    if number >= most { format!("{most}+") } else { number.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_trails() {
        let rows = [["1".to_owned(), "ready".to_owned()], ["1000".to_owned(), String::new()]];
        assert_eq!(
            table([Column::Right("ID"), Column::Left("STATE")], &rows),
            "  ID  STATE\n   1  ready\n1000"
        );
        assert_eq!(table([Column::Left("ID"), Column::Left("STATE")], &[]), "ID  STATE");
    }

    #[test]
    fn a_text_from_outside_is_one_short_line_that_no_terminal_obeys() {
        assert_eq!(cell("a\nb\t c", 10), "a b c");
        assert_eq!(cell("\u{1b}[31mred", 20), "[31mred");
        assert_eq!(cell("абвгд", 4), "абв…");
        assert_eq!(cell("", 4), "");
    }

    #[test]
    fn spans_are_read_at_a_glance() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (185, "3m 5s"),
            (3_600, "1h"),
            (9_600, "2h 40m"),
            (90_000, "1d 1h"),
            (-5, "0s"),
        ] {
            assert_eq!(span(seconds), text);
        }
        assert_eq!(counted(9_999, 10_000), "9999");
        assert_eq!(counted(10_000, 10_000), "10000+");
    }
}
