//! The part of a list that a caller asks for.

/// A window of a list: how many rows, after how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows to return, 1 to 100.
    pub limit: i64,
    /// Rows to skip.
    pub offset: i64,
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
