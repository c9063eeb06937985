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
    /// The page with every row changed.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(change).collect(), count: self.count }
    }
}
