//! The people and the listings one finds after `cargo xtask up`.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::builders::a_user;
use crate::accounts::{self, Principal, Roles, User};
use crate::error::{Error, Result};
use crate::ids::{GameId, SessionId, UserId};
use crate::listings::{self, NewListing};
use crate::schema::{games, listings as listing_rows, users};
use crate::settings::AppEnv;
use crate::{App, Money, Tx};

/// How one of the demo's people signs in.
#[derive(Clone, Debug)]
pub struct DemoPerson {
    /// Their address.
    pub email: String,
    /// Their password.
    pub password: crate::settings::Secret,
}

/// The demo's people.
#[derive(Clone, Debug)]
pub struct DemoPeople {
    /// A moderator who also has the money's role.
    pub staff: DemoPerson,
    /// The number the UI's admin panel wants its staff to have.
    pub staff_phone_number: String,
    /// Who sells.
    pub seller: DemoPerson,
    /// Who buys.
    pub buyer: DemoPerson,
}

/// Game, title, price in UZS, level, rank, skins, features, description.
type Offer = (
    &'static str,
    &'static str,
    i64,
    &'static str,
    &'static str,
    i32,
    &'static [&'static str],
    &'static str,
);

const OFFERS: &[Offer] = &[
    (
        "pubg-mobile",
        "PUBG Mobile — 76 lvl, Glacier M416 max",
        1_450_000,
        "76",
        "Conqueror",
        184,
        &["Glacier M416 (7 lvl)", "Pharaoh X-Suit", "UAZ Mythic"],
        "Akkaunt 2019-yildan beri. Email bilan birga beriladi, ban bo'lmagan. 184 ta skin, 12 ta mifik kiyim.",
    ),
    (
        "pubg-mobile",
        "PUBG Mobile — 58 lvl, arzon start",
        185_000,
        "58",
        "Crown III",
        41,
        &["Fool M416", "Royale Pass M12"],
        "Yangi boshlovchilar uchun. Faqat email ulangan, telefon yo'q.",
    ),
    (
        "standoff-2",
        "Standoff 2 — AKR Dragon, 2 nozh",
        620_000,
        "42",
        "Legend",
        63,
        &["AKR Dragon", "Karambit Gold", "Butterfly Legacy"],
        "Продаю основу, два ножа, 63 скина. Почта отдаётся вместе с аккаунтом, блокировок не было.",
    ),
    (
        "standoff-2",
        "Standoff 2 — Elite, 31 skin",
        140_000,
        "28",
        "Elite",
        31,
        &["M4 Necromancer", "USP Geometric"],
        "Хороший аккаунт для игры с друзьями. Смена почты сразу после покупки.",
    ),
    (
        "free-fire",
        "Free Fire — Heroic, Evo qurollar",
        310_000,
        "71",
        "Heroic",
        95,
        &["AK47 Blue Flame Draco", "Cobra MP40"],
        "4 ta Evo qurol, 95 ta kiyim. Google akkaunt bilan beriladi.",
    ),
    (
        "mobile-legends",
        "Mobile Legends — Mythical Glory, 210 skin",
        980_000,
        "110",
        "Mythical Glory",
        210,
        &["Legend Gusion", "112 ta qahramon"],
        "Barcha qahramonlar ochiq, 3 ta Legend skin. Moonton akkaunt, email beriladi.",
    ),
    (
        "clash-of-clans",
        "Clash of Clans — TH16 max",
        760_000,
        "214",
        "Legend League",
        12,
        &["TH16 max", "Qahramonlar 95/95/70/45"],
        "To'liq max qishloq, 5 ta quruvchi. Supercell ID pochtasi bilan.",
    ),
    (
        "brawl-stars",
        "Brawl Stars — 52 000 кубков, все бойцы",
        540_000,
        "241",
        "Masters",
        88,
        &["Все бойцы 11 силы", "88 скинов"],
        "Прокачанный аккаунт, все бойцы на 11 силе. Supercell ID, почта в комплекте.",
    ),
    (
        "steam",
        "Steam — CS2 Prime, GTA V, Rust",
        890_000,
        "34",
        "Global 15 k",
        7,
        &["CS2 Prime", "GTA V", "Rust", "Faceit 8"],
        "Steam аккаунт с родной почтой, 7 игр, VAC банов нет. Часы в CS2: 2 400.",
    ),
    (
        "genshin-impact",
        "Genshin Impact — AR 58, 14 legendary",
        1_120_000,
        "58",
        "AR 58",
        14,
        &["Raiden C2", "Nahida", "Furina"],
        "14 legendary characters, 9 signature weapons. Europe server, e-mail can be changed at once.",
    ),
    (
        "valorant",
        "Valorant — Ascendant, Reaver Vandal",
        670_000,
        "156",
        "Ascendant 2",
        22,
        &["Reaver Vandal", "Prime Phantom", "Ion Sheriff"],
        "EU server, 22 skins, no penalties. The first e-mail is included.",
    ),
    (
        "roblox",
        "Roblox — Blox Fruits max, 12 yillik",
        260_000,
        "2550",
        "Max",
        5,
        &["Blox Fruits 2550 lvl", "Dragon V2", "Korblox"],
        "Blox Fruits max daraja, God Human, Dragon V2. Email va telefon ulanmagan, darhol o'zgartirish mumkin.",
    ),
];

/// Makes the demo's people and listings, or finds them made; a password that has changed is set again.
///
/// # Errors
/// In production, always. The database's.
pub async fn seed_demo(app: &App, people: &DemoPeople) -> Result<()> {
    if app.settings.env == AppEnv::Production {
        return Err(Error::internal(
            "demo people have known passwords: they are not made in production",
        ));
    }
    let number = free_number(app, people).await?;
    let staff = User {
        is_staff: true,
        phone_verified_at: number.is_some().then_some(chrono::DateTime::UNIX_EPOCH),
        phone_number: number,
        full_name: "Demo Moderator".to_owned(),
        ..blank(&people.staff)
    };
    let staff = person(app, staff, &people.staff).await?;
    let seller = User { full_name: "Jasur Karimov".to_owned(), ..blank(&people.seller) };
    let seller = person(app, seller, &people.seller).await?;
    let buyer = User { full_name: "Malika Rahimova".to_owned(), ..blank(&people.buyer) };
    person(app, buyer, &people.buyer).await?;
    app.db.transaction(async |tx| offer(tx, app, seller, staff.id).await).await
}

fn blank(person: &DemoPerson) -> User {
    User {
        is_verified: true,
        email_verified_at: Some(chrono::DateTime::UNIX_EPOCH),
        ..a_user(&person.email.trim().to_lowercase())
    }
}

/// The staff's number, unless somebody else registered it.
async fn free_number(app: &App, people: &DemoPeople) -> Result<Option<String>> {
    let conn = &mut app.db.read().await?;
    let number = people.staff_phone_number.as_str();
    let taken =
        users::table.filter(users::phone_number.eq(number).and(users::deleted_at.is_null()));
    let taken: bool = diesel::select(diesel::dsl::exists(taken)).get_result(conn).await?;
    Ok((!taken).then(|| number.to_owned()))
}

/// Finds a person by their address or makes them, with this password.
async fn person(app: &App, mut user: User, wanted: &DemoPerson) -> Result<User> {
    let known = {
        let conn = &mut app.db.read().await?;
        User::query()
            .filter(users::email.eq(&user.email).and(users::deleted_at.is_null()))
            .first(conn)
            .await
            .optional()?
    };
    let hash = known.as_ref().and_then(|known| known.password_hash.as_deref());
    if app.passwords.verify(wanted.password.expose(), hash).await? {
        return known.ok_or_else(|| Error::internal("a password was verified without a person"));
    }
    let hash = app.passwords.hash(wanted.password.expose()).await?;
    app.db
        .transaction(async |tx| {
            let Some(known) = known else {
                user.password_hash = Some(hash);
                (user.created_at, user.updated_at) = (tx.now(), tx.now());
                accounts::insert(tx, &user).await?;
                accounts::begin_as_staff(tx, &user).await?;
                return Ok(user);
            };
            diesel::update(users::table.find(known.id))
                .set(users::password_hash.eq(hash))
                .execute(tx.conn())
                .await?;
            Ok(known)
        })
        .await
}

/// Offers everything of the list through the real commands, unless the seller has offered something before.
async fn offer(tx: &mut Tx, app: &App, seller: User, staff: UserId) -> Result<()> {
    tx.one_at_a_time("testing.seed_demo").await?;
    let offered = listing_rows::table.filter(listing_rows::seller_id.eq(seller.id));
    if diesel::select(diesel::dsl::exists(offered)).get_result(tx.conn()).await? {
        return Ok(());
    }
    let seller = Principal { user: seller, session: SessionId::new(), roles: Roles::default() };
    for (number, offer) in (1_i32..).zip(OFFERS) {
        let game: GameId =
            games::table.filter(games::slug.eq(offer.0)).select(games::id).first(tx.conn()).await?;
        let made = listings::create(tx, app, &seller, form(number, game, offer)).await?;
        listings::approve(tx, staff, made.listing.id).await?;
    }
    Ok(())
}

fn form(number: i32, game: GameId, offer: &Offer) -> NewListing {
    let (_, title, price, level, rank, skins, features, description) = *offer;
    NewListing {
        game_id: game,
        title: title.to_owned(),
        description: description.to_owned(),
        price: Money::from_soum(price),
        original_price: None,
        login_method: "email".to_owned(),
        level: level.to_owned(),
        rank: rank.to_owned(),
        skins_count: skins,
        features: features.iter().map(|feature| (*feature).to_owned()).collect(),
        account_email: format!("demo-account-{number}@mail.uz"),
        account_password: format!("demo-secret-{number}-river"),
        account_additional_info: json!({ "note": "2FA is off" }),
    }
}
