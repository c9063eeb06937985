//! Links to the neighbouring pages: absolute, in the style the caller used, with everything else they said.

use shared::page::Window;

/// How the caller counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Pages, from 1.
    Page(i64),
    /// Rows to skip.
    Offset,
}

/// What links are made of.
pub(super) struct Links {
    url: String,
    given: Vec<(String, String)>,
    style: Style,
}

impl Links {
    pub(super) fn new(url: String, given: Vec<(String, String)>, style: Style) -> Self {
        Self { url, given, style }
    }

    /// The next page and the one before, when there are such.
    pub(super) fn around(&self, window: Window, count: i64) -> (Option<String>, Option<String>) {
        let end = window.offset.saturating_add(window.limit);
        let (name, next, previous) = match self.style {
            Style::Page(number) => ("page", number.saturating_add(1), number - 1),
            Style::Offset => ("offset", end, (window.offset - window.limit).max(0)),
        };
        let next = (end < count).then(|| self.link(name, next));
        let previous = (window.offset > 0).then(|| self.link(name, previous));
        (next, previous)
    }

    fn link(&self, name: &str, value: i64) -> String {
        self.to(name, &value.to_string())
    }

    /// The same list with one parameter of another value.
    pub(super) fn to(&self, name: &str, value: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (given, old) in &self.given {
            query.append_pair(given, if given == name { value } else { old });
        }
        if !self.given.iter().any(|(given, _)| given == name) {
            query.append_pair(name, value);
        }
        format!("{}?{}", self.url, query.finish())
    }
}
