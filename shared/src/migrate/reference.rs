//! Reference data: what every installation has. Inserted when missing, never overwriting what staff edited.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use crate::Money;
use crate::error::Result;
use crate::schema::{games, payment_methods, subscription_plans};

/// Name, slug, icon, colour: in the order of the catalogue.
const GAMES: &[(&str, &str, &str, &str)] = &[
    ("PUBG Mobile", "pubg-mobile", "🎯", "#f2a900"),
    ("Steam", "steam", "🎮", "#1b2838"),
    ("Free Fire", "free-fire", "🔥", "#ff5722"),
    ("Standoff 2", "standoff-2", "🔫", "#ff9800"),
    ("Mobile Legends", "mobile-legends", "⚔️", "#1e88e5"),
    ("Clash of Clans", "clash-of-clans", "🏰", "#8bc34a"),
    ("Roblox", "roblox", "🧱", "#e2231a"),
    ("Clash Royale", "clash-royale", "👑", "#3f51b5"),
    ("Brawl Stars", "brawl-stars", "⭐", "#ffc107"),
    ("Genshin Impact", "genshin-impact", "🌸", "#7e57c2"),
    ("Honkai: Star Rail", "honkai-star-rail", "🚄", "#5e35b1"),
    ("Call of Duty Mobile", "call-of-duty-mobile", "🪖", "#455a64"),
    ("Call of Duty: Warzone", "call-of-duty-warzone", "💥", "#37474f"),
    ("Counter-Strike 2", "counter-strike-2", "💣", "#de9b35"),
    ("Dota 2", "dota-2", "🛡️", "#b71c1c"),
    ("Valorant", "valorant", "🎖️", "#ff4655"),
    ("League of Legends", "league-of-legends", "🗡️", "#c89b3c"),
    ("Wild Rift", "wild-rift", "🌀", "#0097a7"),
    ("Fortnite", "fortnite", "🪂", "#9c27b0"),
    ("Minecraft", "minecraft", "⛏️", "#4caf50"),
    ("GTA V", "gta-v", "🚗", "#2e7d32"),
    ("GTA San Andreas Multiplayer", "gta-samp", "🏙️", "#6d4c41"),
    ("Apex Legends", "apex-legends", "🦾", "#da292a"),
    ("Overwatch 2", "overwatch-2", "🟠", "#fa9c1e"),
    ("World of Tanks", "world-of-tanks", "🚜", "#5d4037"),
    ("World of Tanks Blitz", "world-of-tanks-blitz", "🎖️", "#795548"),
    ("War Thunder", "war-thunder", "✈️", "#546e7a"),
    ("World of Warcraft", "world-of-warcraft", "🐉", "#f8b700"),
    ("Lineage 2", "lineage-2", "🏹", "#a1887f"),
    ("EA Sports FC Mobile", "fc-mobile", "⚽", "#00c853"),
    ("EA Sports FC", "ea-sports-fc", "🏆", "#00bfa5"),
    ("eFootball", "efootball", "🥅", "#1565c0"),
    ("Asphalt 9", "asphalt-9", "🏎️", "#d84315"),
    ("Rocket League", "rocket-league", "🚀", "#0277bd"),
    ("Among Us", "among-us", "🛸", "#c51111"),
    ("Arena Breakout", "arena-breakout", "🎒", "#616161"),
    ("Escape from Tarkov", "escape-from-tarkov", "🧭", "#424242"),
    ("Rust", "rust-game", "🔧", "#ce422b"),
    ("Hay Day", "hay-day", "🌾", "#fbc02d"),
    ("Last War", "last-war", "🧟", "#827717"),
    ("Whiteout Survival", "whiteout-survival", "❄️", "#4fc3f7"),
    ("Rise of Kingdoms", "rise-of-kingdoms", "🏯", "#ad1457"),
    ("Tekken 8", "tekken-8", "🥊", "#880e4f"),
    ("Diablo IV", "diablo-4", "😈", "#7f0000"),
];

/// Name, slug, monthly and yearly price in UZS, commission in basis points, Premium, Pro.
const PLANS: &[(&str, &str, i64, i64, i32, bool, bool)] = &[
    ("Free", "free", 0, 0, 1000, false, false),
    ("Premium", "premium", 49_000, 490_000, 800, true, false),
    ("Pro", "pro", 99_000, 990_000, 500, true, true),
];

/// What Premium brings, by names that clients translate.
const PREMIUM_FEATURES: [&str; 5] =
    ["listing_badge", "search_priority", "reduced_commission", "profile_badge", "priority_support"];
/// What Pro brings beyond it.
const PRO_FEATURES: [&str; 3] = ["fast_withdrawal", "personal_manager", "vip_badge"];
/// Who serves Pro subscribers in person, and where they answer, until staff say otherwise.
const PRO_MANAGER: (&str, &str) = ("WibeStore Pro", "https://t.me/wibestorebot?start=pro_manager");

/// Name, code, icon.
const PAYMENT_METHODS: &[(&str, &str, &str)] = &[
    ("Payme", "payme", "payme"),
    ("Click", "click", "click"),
    ("Paynet", "paynet", "paynet"),
    ("Uzcard", "uzcard", "uzcard"),
    ("Humo", "humo", "humo"),
];

/// Inserts what is missing, by slug or code.
pub(super) async fn load(conn: &mut AsyncPgConnection) -> Result<()> {
    let rows: Vec<_> = (10_i32..)
        .step_by(10)
        .zip(GAMES)
        .map(|(order, (name, slug, icon, color))| {
            (
                games::id.eq(Uuid::now_v7()),
                games::name.eq(name),
                games::slug.eq(slug),
                games::icon.eq(icon),
                games::color.eq(color),
                games::sort_order.eq(order),
            )
        })
        .collect();
    diesel::insert_into(games::table).values(rows).on_conflict_do_nothing().execute(conn).await?;

    let rows: Vec<_> = (1_i32..)
        .zip(PLANS)
        .map(|(order, (name, slug, monthly, yearly, commission, premium, pro))| {
            let manager = if *pro { PRO_MANAGER } else { ("", "") };
            (
                subscription_plans::id.eq(Uuid::now_v7()),
                subscription_plans::name.eq(name),
                subscription_plans::slug.eq(slug),
                subscription_plans::price_monthly.eq(Money::from_soum(*monthly)),
                subscription_plans::price_yearly.eq(Money::from_soum(*yearly)),
                subscription_plans::commission_rate_bp.eq(commission),
                subscription_plans::features.eq(features(*premium, *pro)),
                subscription_plans::is_premium.eq(premium),
                subscription_plans::is_pro.eq(pro),
                subscription_plans::sort_order.eq(order),
                subscription_plans::manager_name.eq(manager.0),
                subscription_plans::manager_contact.eq(manager.1),
            )
        })
        .collect();
    diesel::insert_into(subscription_plans::table)
        .values(rows)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;

    let rows: Vec<_> = PAYMENT_METHODS
        .iter()
        .map(|(name, code, icon)| {
            (
                payment_methods::id.eq(Uuid::now_v7()),
                payment_methods::name.eq(name),
                payment_methods::code.eq(code),
                payment_methods::icon.eq(icon),
            )
        })
        .collect();
    diesel::insert_into(payment_methods::table)
        .values(rows)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// What a plan brings.
fn features(premium: bool, pro: bool) -> serde_json::Value {
    let premium = PREMIUM_FEATURES.iter().filter(|_| premium);
    json!(premium.chain(PRO_FEATURES.iter().filter(|_| pro)).collect::<Vec<_>>())
}
