//! Lists: which page, in which order, of what, and how much of each row. One allow-list per type.

mod cursor;
mod links;
mod query;

use salvo::oapi::{Components, Object, Operation, Parameter, ParameterIn};
use salvo::{Depot, Request};
use shared::Result;
use shared::error::{Kind, texts};
use shared::page::{After, Page, Part, Slice, Window};

use self::links::{Links, Style};
pub(crate) use self::query::Query;
use super::{FromRequest, Shown, Shows, extractor};
use crate::app::AppState;
use crate::openapi;
use crate::response::Paged;

/// More rows are never sent at once; a larger `limit` means this one.
const LIMIT_MAX: i64 = 100;

/// What callers may say about a list.
///
/// ```ignore
/// pub(crate) struct GameList;
///
/// impl Listed for GameList {
///     type Item = GameOut;
///     type Order = games::Order;
///     type Filters = games::Filters;
///     const ORDERINGS: &'static [(&'static str, games::Order)] = &[("name", games::Order::Name), …];
///     const DEFAULT_ORDER: games::Order = games::Order::Name;
///     const DEFAULT_LIMIT: i64 = 100;
///
///     fn filters(query: &mut Query) -> games::Filters {
///         games::Filters { search: query.text("search") }
///     }
/// }
/// ```
pub(crate) trait Listed: Send + 'static {
    /// A row as people see it.
    type Item: Shown;
    /// An order of rows: `()` when there is only one.
    type Order: Copy + Send + Sync + 'static;
    /// What a caller may narrow the list to: `()` for nothing.
    type Filters: Send + 'static;
    /// What `ordering` may say, with what it means.
    const ORDERINGS: &'static [(&'static str, Self::Order)];
    /// The order when nothing is said.
    const DEFAULT_ORDER: Self::Order;
    /// Rows of a page when nothing is said.
    const DEFAULT_LIMIT: i64 = 20;
    /// Whether it is also a feed: `cursor=start`, and then the cursor of each `next`.
    const FEED: bool = false;

    /// Reads the filters; every name that is asked for is known and documented, every other is refused.
    fn filters(query: &mut Query) -> Self::Filters;
}

/// A caller's view of a list.
pub(crate) struct List<L: Listed> {
    /// Which rows.
    pub(crate) window: Window,
    feed: Option<Feed>,
    /// In which order.
    pub(crate) order: L::Order,
    /// Narrowed to what.
    pub(crate) filters: L::Filters,
    /// How much of each row.
    pub(crate) shows: Shows,
    links: Links,
}

/// What a caller says about a feed.
struct Feed {
    /// The name of the ordering, as it was given.
    ordering: String,
    after: Option<After>,
}

impl<L: Listed> List<L> {
    /// Which rows, for a list that is also a feed.
    pub(crate) fn slice(&self) -> Slice {
        match &self.feed {
            Some(feed) => Slice::Feed { limit: self.window.limit, after: feed.after.clone() },
            None => Slice::Window(self.window),
        }
    }

    /// The answer of a list that is also a feed.
    pub(crate) fn part(self, part: Part<L::Item>) -> Paged<L::Item> {
        let Part { rows, count, next } = part;
        let Some(feed) = &self.feed else {
            return self.page(Page { rows, count: count.unwrap_or(0) });
        };
        let word = next.map(|after| cursor::write(&feed.ordering, &after));
        let next = word.map(|word| self.links.to("cursor", &word));
        Paged { count: None, next, previous: None, results: rows, shows: self.shows }
    }

    /// The answer: a page with links to its neighbours.
    pub(crate) fn page(self, page: Page<L::Item>) -> Paged<L::Item> {
        let (next, previous) = self.links.around(self.window, page.count);
        let count = Some(page.count);
        Paged { count, next, previous, results: page.rows, shows: self.shows }
    }

    fn parse(query: &str, url: String) -> Result<Self> {
        let mut query = Query::parse(query);
        let (window, style) = window(&mut query, L::DEFAULT_LIMIT);
        let (ordering, order) = ordering::<L>(&mut query);
        let shows = Shows::read::<L::Item>(&mut query);
        let filters = L::filters(&mut query);
        let word = if L::FEED { query.text("cursor") } else { None };
        if word.is_some() && (style != Style::Page(1) || window.offset != 0) {
            query.wrong("cursor", texts::INVALID, "");
        }
        let links = Links::new(url, query.given(), style);
        query.finish()?;
        let feed = match word {
            Some(word) => {
                let after = cursor::read(ordering, &word)?;
                Some(Feed { ordering: ordering.to_owned(), after })
            }
            None => None,
        };
        Ok(Self { window, feed, order, filters, shows, links })
    }
}

impl<L: Listed> FromRequest for List<L> {
    async fn read(req: &mut Request, depot: &mut Depot, _arg: &str) -> Result<Self> {
        let app = AppState::of(depot)?;
        let url = format!("{}{}", app.settings.http.public_url, req.uri().path());
        Self::parse(req.uri().query().unwrap_or_default(), url)
    }

    fn describe(components: &mut Components, operation: &mut Operation, _arg: &str) {
        let mut query = Query::default();
        window(&mut query, L::DEFAULT_LIMIT);
        ordering::<L>(&mut query);
        L::filters(&mut query);
        if L::FEED {
            let _word = query.text("cursor");
        }
        for (name, schema) in query.into_known() {
            operation.parameters.insert(parameter(name, schema));
        }
        Shows::describe::<L::Item>(operation);
        openapi::declare(components, operation, &[Kind::Invalid]);
    }
}

extractor!([L: Listed] List<L>);

/// What a list is narrowed to, and nothing else: for what has no pages, such as a file.
pub(crate) struct Narrowed<L: Listed> {
    /// Narrowed to what.
    pub(crate) filters: L::Filters,
}

impl<L: Listed> FromRequest for Narrowed<L> {
    async fn read(req: &mut Request, _depot: &mut Depot, _arg: &str) -> Result<Self> {
        let mut query = Query::parse(req.uri().query().unwrap_or_default());
        let filters = L::filters(&mut query);
        query.finish()?;
        Ok(Self { filters })
    }

    fn describe(components: &mut Components, operation: &mut Operation, _arg: &str) {
        let mut query = Query::default();
        L::filters(&mut query);
        for (name, schema) in query.into_known() {
            operation.parameters.insert(parameter(name, schema));
        }
        openapi::declare(components, operation, &[Kind::Invalid]);
    }
}

extractor!([L: Listed] Narrowed<L>);

fn parameter(name: &str, schema: Object) -> Parameter {
    Parameter::new(name).location(ParameterIn::Query).required(false).schema(schema)
}

/// The name that was given, and what it means.
fn ordering<L: Listed>(query: &mut Query) -> (&'static str, L::Order) {
    let asked = if L::ORDERINGS.is_empty() {
        None
    } else {
        query.one_of("ordering", L::ORDERINGS, |(name, _)| name)
    };
    asked.unwrap_or(("", L::DEFAULT_ORDER))
}

/// `page` and `limit` (or `page_size`), or `limit` and `offset`.
fn window(query: &mut Query, default_limit: i64) -> (Window, Style) {
    let limit = query.integer("limit", 1);
    let page_size = query.integer("page_size", 1);
    let page = query.integer("page", 1);
    let offset = query.integer("offset", 0);
    if limit.is_some() && page_size.is_some() {
        query.wrong("page_size", texts::INVALID, "");
    }
    if page.is_some() && offset.is_some() {
        query.wrong("offset", texts::INVALID, "");
    }
    let limit = limit.or(page_size).unwrap_or(default_limit).min(LIMIT_MAX);
    if let Some(offset) = offset {
        return (Window { limit, offset }, Style::Offset);
    }
    let number = page.unwrap_or(1);
    let offset = (number - 1).checked_mul(limit).unwrap_or_else(|| {
        query.wrong("page", texts::INVALID, "");
        0
    });
    (Window { limit, offset }, Style::Page(number))
}

#[cfg(test)]
mod tests {
    use salvo::oapi::ToSchema;
    use serde::Serialize;
    use serde_json::{Value, json};
    use shared::Money;
    use shared::language::Language;

    use super::*;

    #[derive(Serialize, ToSchema)]
    struct Row {
        id: i64,
        title: String,
        #[serde(rename = "accountCount")]
        account_count: i64,
    }

    impl Shown for Row {
        const EXPAND: &'static [&'static str] = &["seller"];
    }

    #[derive(Debug, PartialEq)]
    struct Narrow {
        game: Option<String>,
        min_price: Option<Money>,
        is_premium: Option<bool>,
    }

    struct Rows;

    impl Listed for Rows {
        type Item = Row;
        type Order = &'static str;
        type Filters = Narrow;
        const ORDERINGS: &'static [(&'static str, &'static str)] =
            &[("price", "cheapest"), ("-created_at", "newest")];
        const DEFAULT_ORDER: &'static str = "newest";

        fn filters(query: &mut Query) -> Narrow {
            Narrow {
                game: query.text("game"),
                min_price: query.money("min_price"),
                is_premium: query.flag("is_premium"),
            }
        }
    }

    fn read(query: &str) -> Result<List<Rows>> {
        List::parse(query, "https://api.uz/api/v1/rows/".to_owned())
    }

    fn good(query: &str) -> List<Rows> {
        read(query).map_err(|error| error.causes()).expect(query)
    }

    fn rows(count: i64) -> Page<Row> {
        Page { rows: vec![Row { id: 1, title: "x".to_owned(), account_count: 2 }], count }
    }

    #[test]
    fn a_window_is_asked_for_in_pages_or_in_rows() {
        for (query, limit, offset) in [
            ("", 20, 0),
            ("page=3", 20, 40),
            ("page=2&limit=24", 24, 24),
            ("page_size=5&page=2", 5, 5),
            ("limit=100000", 100, 0),
            ("limit=10&offset=7", 10, 7),
            ("limit=&page=&offset=", 20, 0),
        ] {
            assert_eq!(good(query).window, Window { limit, offset }, "{query}");
        }
    }

    #[test]
    fn order_and_filters_are_typed_and_empty_means_absent() {
        let list = good("ordering=price&game=steam&min_price=10.5&is_premium=true");
        assert_eq!(list.order, "cheapest");
        assert_eq!(list.filters.game.as_deref(), Some("steam"));
        assert_eq!(list.filters.min_price.map(|price| price.to_string()).as_deref(), Some("10.50"));
        assert_eq!(list.filters.is_premium, Some(true));
        let list = good("ordering=&game=&min_price=&is_premium=&fields=&expand=");
        assert_eq!(
            (list.order, list.filters),
            ("newest", Narrow { game: None, min_price: None, is_premium: None })
        );
        assert!(list.shows.everything());
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        for (query, details) in [
            ("page=0", json!({ "page": ["At least 1."] })),
            ("limit=0", json!({ "limit": ["At least 1."] })),
            ("limit=-1&offset=-1", json!({ "limit": ["At least 1."], "offset": ["At least 0."] })),
            ("limit=ten", json!({ "limit": ["Must be a whole number."] })),
            ("page=99999999999999999999", json!({ "page": ["Must be a whole number."] })),
            ("page=9223372036854775807", json!({ "page": ["The value is not valid."] })),
            ("page=1&offset=0", json!({ "offset": ["The value is not valid."] })),
            ("limit=5&page_size=5", json!({ "page_size": ["The value is not valid."] })),
            ("limit=1&limit=2", json!({ "limit": ["The value is not valid."] })),
            ("ordering=password", json!({ "ordering": ["One of: price, -created_at."] })),
            (
                "fields=id,account_password",
                json!({ "fields": ["One of: accountCount, id, title."] }),
            ),
            ("expand=seller.balance", json!({ "expand": ["One of: seller."] })),
            ("cursor=abc&x=1", json!({ "cursor": ["Unknown field."], "x": ["Unknown field."] })),
            (
                "min_price=1e9",
                json!({ "min_price": ["An amount: a positive number with at most two decimals."] }),
            ),
            ("is_premium=maybe", json!({ "is_premium": ["One of: true, false."] })),
            ("game=a%00b", json!({ "game": ["Contains characters that are not allowed."] })),
        ] {
            let details_of = |error: shared::Error| error.details(Language::En);
            assert_eq!(read(query).err().map(details_of), Some(details), "{query}");
        }
        assert!(read(&format!("game={}", "x".repeat(10_000))).is_err());
        let many: Vec<String> = (0..3_000).map(|number| format!("n{number}=1")).collect();
        for query in [many.join("&"), format!("{}=1", "n".repeat(15_000))] {
            let told = read(&query).err().map(|error| error.details(Language::En).to_string());
            assert!(
                told.is_some_and(|told| told.len() < 2_000),
                "a long answer to what nobody knows"
            );
        }
    }

    #[test]
    fn links_are_absolute_and_in_the_style_of_the_caller() {
        let links = |query: &str, count| {
            let page = good(query).page(rows(count));
            (page.next.unwrap_or_default(), page.previous.unwrap_or_default())
        };
        let url = |query: &str| format!("https://api.uz/api/v1/rows/?{query}");
        assert_eq!(links("", 20), (String::new(), String::new()));
        assert_eq!(links("", 21), (url("page=2"), String::new()));
        assert_eq!(
            links("page=2&limit=10&game=a+b%26c", 25),
            (url("page=3&limit=10&game=a+b%26c"), url("page=1&limit=10&game=a+b%26c"))
        );
        assert_eq!(
            links("limit=10&offset=5", 25),
            (url("limit=10&offset=15"), url("limit=10&offset=0"))
        );
        assert_eq!(links("page=9", 21), (String::new(), url("page=8")));
    }

    #[test]
    fn only_the_wanted_fields_are_shown() {
        let row = rows(1).rows.pop().expect("one");
        let shown = |query: &str| -> Value { good(query).shows.part_of(&row).expect("serializes") };
        assert_eq!(shown("fields=title, accountCount"), json!({ "title": "x", "accountCount": 2 }));
        assert_eq!(shown(""), json!({ "id": 1, "title": "x", "accountCount": 2 }));
        assert_eq!(shown("expand=seller&fields=id"), json!({ "id": 1 }));
        // However often a name is said, rows are compared with it once.
        let mut query = Query::parse(&format!("fields={}", "id,title,".repeat(1_500)));
        assert_eq!(query.list("fields").map(|names| names.len()), Some(2));
    }
}
