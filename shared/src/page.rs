//! The part of a list that a caller asks for.

use uuid::Uuid;

/// A window of a list: how many rows, after how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows to return, 1 to 100.
    pub limit: i64,
    /// Rows to skip.
    pub offset: i64,
}

/// Where a feed goes on: after the row with this key in the order of the feed, and this id among equals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// The key as text; the list knows what it is.
    pub key: String,
    /// The row's id.
    pub id: Uuid,
}

/// Which rows of a long list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slice {
    /// A window, counted from the first row.
    Window(Window),
    /// What follows a row: as cheap at the end as at the beginning, and undisturbed by rows that come meanwhile.
    Feed {
        /// Rows to return, 1 to 100.
        limit: i64,
        /// After which row; none for the first ones.
        after: Option<After>,
    },
}

/// A slice of rows.
#[derive(Debug)]
pub struct Part<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// All rows that match, for a window; a feed is not counted.
    pub count: Option<i64>,
    /// Where a feed goes on; none at its end.
    pub next: Option<After>,
}

impl<T> Part<T> {
    /// The part with every row changed.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Part<U> {
        Part {
            rows: self.rows.into_iter().map(change).collect(),
            count: self.count,
            next: self.next,
        }
    }
}

/// One page of rows and the number of all rows.
#[derive(Debug)]
pub struct Page<T> {
    /// The rows of the window.
    pub rows: Vec<T>,
    /// All rows that match.
    pub count: i64,
}

impl<T> Page<T> {
    /// The window of rows that are all there.
    #[must_use]
    pub fn of(all: Vec<T>, window: Window) -> Self {
        let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let (skip, take) = (usize::try_from(window.offset), usize::try_from(window.limit));
        let rows = all.into_iter().skip(skip.unwrap_or(usize::MAX)).take(take.unwrap_or(0));
        Self { rows: rows.collect(), count }
    }

    /// The page with every row changed.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(change).collect(), count: self.count }
    }
}
