//! Reading deals: with their listing, game and people, in one statement.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Escrow, EscrowStatus};
use crate::Conn;
use crate::accounts::User;
use crate::error::{Code, Error, Result};
use crate::ids::{EscrowId, GameId, UserId};
use crate::listings::queries::{display_name, escape_like};
use crate::page::{Page, Window};
use crate::schema::{escrows, games, listings, users};

diesel::alias!(
    const BUYERS: Alias<Buyers> = users as buyers;
    const SELLERS: Alias<Sellers> = users as sellers;
);

/// A party of a deal.
#[derive(Clone, Debug, Queryable)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// For staff only.
    pub email: String,
    /// As it stands in addresses.
    pub username: Option<String>,
    /// As they wrote it.
    pub full_name: String,
    /// For staff only.
    pub phone_number: Option<String>,
    /// For staff only: how Telegram calls them, without the `@`.
    pub telegram_username: Option<String>,
}

/// What a deal sells.
#[derive(Clone, Debug, Queryable)]
pub struct Item {
    /// What people call the listing.
    pub code: String,
    /// The listing's title.
    pub title: String,
    /// The game.
    pub game_id: GameId,
    /// The game, as people call it.
    pub game_name: String,
}

/// A deal with all that its page shows.
#[derive(Clone, Debug)]
pub struct DealView {
    /// The row.
    pub escrow: Escrow,
    /// What it sells.
    pub item: Item,
    /// Who pays.
    pub buyer: Person,
    /// Who is paid.
    pub seller: Person,
}

/// Whose deals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// What a person bought.
    PurchasesOf(UserId),
    /// What a person sold.
    SalesOf(UserId),
    /// All: for staff.
    Everything,
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In this status.
    pub status: Option<EscrowStatus>,
    /// A deal's id, a listing's code, or a part of the title or of a party's e-mail, username, name, phone number or Telegram name.
    pub search: Option<String>,
}

/// In which order; equals follow their id, so that pages never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Disputes of Pro subscribers first, then of Premium ones; the rest, and equals, newest first.
    Queue,
    /// By age.
    Newest,
    /// By age.
    Oldest,
    /// By amount.
    Largest,
    /// By amount.
    Smallest,
}

type Row = (Escrow, Item, Person, Person);

/// How urgent a deal is to staff: a dispute by the plan of the one who opened it.
const PRIORITY: &str = "(CASE WHEN escrows.status = 'disputed' THEN coalesce((
         SELECT CASE WHEN p.is_pro THEN 2 WHEN p.is_premium THEN 1 ELSE 0 END
         FROM user_subscriptions s JOIN subscription_plans p ON p.id = s.plan_id
         WHERE s.user_id = escrows.disputed_by AND s.status IN ('active', 'cancelled') AND s.rights_until > app_now()), 0)
     ELSE 0 END)";

/// The tables of a deal; the type has no name worth writing.
macro_rules! joined {
    () => {
        escrows::table
            .inner_join(listings::table.on(listings::id.eq(escrows::listing_id)))
            .inner_join(games::table.on(games::id.eq(listings::game_id)))
            .inner_join(BUYERS.on(BUYERS.field(users::id).eq(escrows::buyer_id)))
            .inner_join(SELLERS.on(SELLERS.field(users::id).eq(escrows::seller_id)))
    };
}

/// What a deal's page shows of them.
macro_rules! columns {
    () => {
        (
            Escrow::as_select(),
            (listings::listing_code, listings::title, games::id, games::name),
            BUYERS.fields((
                users::id,
                users::email,
                users::username,
                users::full_name,
                users::phone_number,
                users::telegram_username,
            )),
            SELLERS.fields((
                users::id,
                users::email,
                users::username,
                users::full_name,
                users::phone_number,
                users::telegram_username,
            )),
        )
    };
}

/// Everything a party is called, in one text.
macro_rules! names {
    ($people:ident) => {
        names_of(
            " ",
            $people.field(users::email),
            $people.field(users::username),
            $people.field(users::full_name),
            $people.field(users::phone_number),
            $people.field(users::telegram_username),
        )
    };
}

/// A deal.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn find(conn: &mut Conn, id: EscrowId) -> Result<DealView> {
    let row: Row = joined!().filter(escrows::id.eq(id)).select(columns!()).first(conn).await?;
    Ok(row.into())
}

/// A deal, for its parties and staff.
///
/// # Errors
/// `NOT_FOUND` when it is not there, or not for this viewer.
pub async fn find_for(conn: &mut Conn, id: EscrowId, viewer: &User) -> Result<DealView> {
    let view = find(conn, id).await?;
    let theirs = view.escrow.side_of(viewer.id).is_some() || viewer.is_staff || viewer.is_superuser;
    if theirs { Ok(view) } else { Err(Error::new(Code::NotFound)) }
}

/// One page of deals.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Conn,
    scope: Scope,
    filter: &Filter,
    order: Order,
    window: Window,
) -> Result<Page<DealView>> {
    let mut wanted = joined!().into_boxed();
    let mut counted = joined!().into_boxed();
    macro_rules! narrow {
        ($condition:expr) => {
            wanted = wanted.filter($condition);
            counted = counted.filter($condition);
        };
    }
    match scope {
        Scope::PurchasesOf(buyer) => {
            narrow!(escrows::buyer_id.eq(buyer));
        }
        Scope::SalesOf(seller) => {
            narrow!(escrows::seller_id.eq(seller));
        }
        Scope::Everything => {}
    }
    if let Some(status) = filter.status {
        narrow!(escrows::status.eq(status));
    }
    if let Some(text) = &filter.search {
        let part = format!("%{}%", escape_like(text));
        let id = Uuid::parse_str(text).ok().map(EscrowId);
        narrow!(
            escrows::id
                .nullable()
                .eq(id)
                .or(listings::listing_code.eq(text.to_uppercase()))
                .or(listings::title.ilike(part.clone()))
                .or(names!(BUYERS).ilike(part.clone()))
                .or(names!(SELLERS).ilike(part.clone()))
        );
    }
    let sorted = match order {
        Order::Queue => wanted.order((
            sql::<Integer>(PRIORITY).desc(),
            escrows::created_at.desc(),
            escrows::id.desc(),
        )),
        Order::Newest => wanted.order((escrows::created_at.desc(), escrows::id.desc())),
        Order::Oldest => wanted.order((escrows::created_at.asc(), escrows::id.asc())),
        Order::Largest => wanted.order((escrows::amount.desc(), escrows::id.desc())),
        Order::Smallest => wanted.order((escrows::amount.asc(), escrows::id.desc())),
    };
    let rows: Vec<Row> =
        sorted.select(columns!()).limit(window.limit).offset(window.offset).load(conn).await?;
    let count = counted.count().get_result(conn).await?;
    Ok(Page { rows: rows.into_iter().map(DealView::from).collect(), count })
}

diesel::define_sql_function! {
    /// The names of a person in one text, for a search.
    #[sql_name = "concat_ws"]
    fn names_of(separator: Text, email: Text, username: Nullable<Text>, full_name: Text, phone_number: Nullable<Text>, telegram_username: Nullable<Text>) -> Text;
}

impl From<Row> for DealView {
    fn from((escrow, item, buyer, seller): Row) -> Self {
        Self { escrow, item, buyer, seller }
    }
}

impl Person {
    /// The name others see.
    #[must_use]
    pub fn display_name(&self) -> &str {
        display_name(&self.full_name, self.username.as_deref(), &self.email)
    }
}
