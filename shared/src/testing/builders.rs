//! Rows as they are after some life: valid, realistic, and quick to make.

use std::sync::LazyLock;

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use chrono::{DateTime, TimeDelta};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

use crate::accounts::{self, User};
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::ids::{GameId, PaymentMethodId, PlanId, TransactionId, UserId};
use crate::language::Language;
use crate::ledger::{self, Account, Posting};
use crate::listings::{Credentials, Listing, ListingStatus};
use crate::payments::{Transaction, TransactionType};
use crate::schema::{
    games, listing_credentials, listings, payme_transactions, payment_methods, subscription_plans,
    user_subscriptions,
};
use crate::security::Vault;
use crate::{Money, Tx};

/// The password of people who were not given another.
pub const PASSWORD: &str = "tulip-7-river";

static PASSWORD_HASH: LazyLock<String> = LazyLock::new(|| quick_hash(PASSWORD).unwrap_or_default());

/// A person who is not stored: for tests of decisions.
#[must_use]
pub fn a_user(email: &str) -> User {
    User {
        id: UserId::new(),
        email: email.to_owned(),
        username: None,
        phone_number: None,
        full_name: "Ali Valiev".to_owned(),
        avatar: None,
        password_hash: None,
        is_active: true,
        is_staff: false,
        is_superuser: false,
        is_verified: false,
        rating: Decimal::new(500, 2),
        total_sales: 0,
        total_purchases: 0,
        language: Language::Uz,
        timezone: "Asia/Tashkent".to_owned(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        last_login: None,
        deleted_at: None,
        phone_verified_at: None,
        telegram_id: None,
        telegram_username: None,
        email_verified_at: None,
    }
}

/// A person: verified, active, with the password [`PASSWORD`] and an empty account.
#[must_use]
pub struct NewUser {
    user: User,
    password: Option<String>,
}

impl NewUser {
    /// Somebody new.
    pub fn new() -> Self {
        let user = User {
            is_verified: true,
            email_verified_at: Some(DateTime::UNIX_EPOCH),
            ..a_user(&format!("user-{}@example.uz", Uuid::now_v7().simple()))
        };
        Self { user, password: None }
    }

    /// With this address, in its canonical form.
    pub fn email(mut self, email: &str) -> Self {
        email.clone_into(&mut self.user.email);
        self
    }

    /// With this password; hashed with next to no work, so never for real people.
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// With this name.
    pub fn full_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.user.full_name);
        self
    }

    /// With this username.
    pub fn username(mut self, username: &str) -> Self {
        self.user.username = Some(username.to_owned());
        self
    }

    /// With this phone number, `+998XXXXXXXXX`.
    pub fn phone_number(mut self, number: &str) -> Self {
        self.user.phone_number = Some(number.to_owned());
        self
    }

    /// Who reads this language.
    pub fn language(mut self, language: Language) -> Self {
        self.user.language = language;
        self
    }

    /// Who has proved nothing yet.
    pub fn unverified(mut self) -> Self {
        self.user.is_verified = false;
        self.user.email_verified_at = None;
        self
    }

    /// Who works for the platform, with every role of staff.
    pub fn staff(mut self) -> Self {
        self.user.is_staff = true;
        self
    }

    /// Who is banned.
    pub fn banned(mut self) -> Self {
        self.user.is_active = false;
        self
    }

    /// Stores the person and opens the account of their money.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert(self, tx: &mut Tx) -> Result<User> {
        let hash = match &self.password {
            Some(password) => quick_hash(password)?,
            None => PASSWORD_HASH.clone(),
        };
        let user = User {
            password_hash: Some(hash),
            created_at: tx.now(),
            updated_at: tx.now(),
            ..self.user
        };
        accounts::insert(tx, &user).await?;
        accounts::begin_as_staff(tx, &user).await?;
        Ok(user)
    }
}

impl Default for NewUser {
    fn default() -> Self {
        Self::new()
    }
}

/// A PHC string that costs next to nothing to make and to verify.
fn quick_hash(password: &str) -> Result<String> {
    let refused = |error: argon2::Error| Error::internal(error.to_string());
    let params = Params::new(Params::MIN_M_COST, 1, 1, None).map_err(refused)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Error::internal(error.to_string()))
}

/// A game of the catalogue.
#[must_use]
pub struct NewGame {
    name: String,
    slug: String,
}

impl NewGame {
    /// A game nobody else has.
    pub fn new() -> Self {
        let code = Uuid::now_v7().simple().to_string();
        Self { name: format!("Game {code}"), slug: format!("game-{code}") }
    }

    /// Stores the game.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert(self, tx: &mut Tx) -> Result<GameId> {
        let id = GameId::new();
        diesel::insert_into(games::table)
            .values((
                games::id.eq(id),
                games::name.eq(self.name),
                games::slug.eq(self.slug),
                games::icon.eq("🎮"),
            ))
            .execute(tx.conn())
            .await?;
        Ok(id)
    }
}

impl Default for NewGame {
    fn default() -> Self {
        Self::new()
    }
}

/// A listing: active, for 150,000 UZS, with sealed credentials.
#[must_use]
pub struct NewListing {
    seller: UserId,
    game: Option<GameId>,
    title: String,
    price: Money,
    status: ListingStatus,
}

impl NewListing {
    /// Offered by this person.
    pub fn of(seller: UserId) -> Self {
        let title = "PUBG Mobile: 70 level, Glacier M416".to_owned();
        Self {
            seller,
            game: None,
            title,
            price: Money::from_soum(150_000),
            status: ListingStatus::Active,
        }
    }

    /// Of this game; the first of the catalogue otherwise.
    pub fn game(mut self, game: GameId) -> Self {
        self.game = Some(game);
        self
    }

    /// With this title.
    pub fn title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    /// At this price.
    pub fn price(mut self, price: Money) -> Self {
        self.price = price;
        self
    }

    /// In this state.
    pub fn status(mut self, status: ListingStatus) -> Self {
        self.status = status;
        self
    }

    /// Stores the listing and its credentials.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert(self, tx: &mut Tx, vault: &Vault) -> Result<Listing> {
        let game = match self.game {
            Some(game) => game,
            None => {
                games::table.select(games::id).order(games::sort_order).first(tx.conn()).await?
            }
        };
        let approved_at = (self.status != ListingStatus::Pending).then_some(tx.now());
        let listing: Listing = diesel::insert_into(listings::table)
            .values((
                listings::id.eq(Uuid::now_v7()),
                listings::seller_id.eq(self.seller),
                listings::game_id.eq(game),
                listings::title.eq(self.title),
                listings::description
                    .eq("Season 12, 70 skins, no bans. Linked to an e-mail that goes with it."),
                listings::price.eq(self.price),
                listings::status.eq(self.status),
                listings::login_method.eq("email"),
                listings::level.eq("70"),
                listings::rank.eq("Ace"),
                listings::skins_count.eq(70),
                listings::features.eq(json!(["Glacier M416", "Pharaoh X-Suit"])),
                listings::approved_at.eq(approved_at),
            ))
            .returning(Listing::as_returning())
            .get_result(tx.conn())
            .await?;
        seal_credentials(tx, vault, &listing).await?;
        Ok(listing)
    }
}

async fn seal_credentials(tx: &mut Tx, vault: &Vault, listing: &Listing) -> Result<()> {
    let plain = Credentials {
        account_email: format!("gamer-{}@mail.uz", listing.id).into(),
        account_password: "Sniper-77-river".to_owned().into(),
        account_additional_info: json!({ "note": "2FA is off" }),
        login_name: None,
    };
    let sealed = plain.seal(vault, &format!("listing:{}", listing.id))?;
    diesel::insert_into(listing_credentials::table)
        .values((
            listing_credentials::listing_id.eq(listing.id),
            listing_credentials::key_id.eq(sealed.key_id),
            listing_credentials::data_key.eq(sealed.data_key),
            listing_credentials::account_email.eq(sealed.account_email),
            listing_credentials::account_password.eq(sealed.account_password),
            listing_credentials::account_additional_info.eq(sealed.account_additional_info),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A subscription that began now and lasts thirty days.
#[must_use]
pub struct NewSubscription {
    user: UserId,
    plan: &'static str,
    lasts: TimeDelta,
}

impl NewSubscription {
    /// Of this person to the plan of this slug.
    pub fn of(user: UserId, plan: &'static str) -> Self {
        Self { user, plan, lasts: TimeDelta::days(30) }
    }

    /// For this long.
    pub fn lasting(mut self, lasts: TimeDelta) -> Self {
        self.lasts = lasts;
        self
    }

    /// Stores the subscription.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert(self, tx: &mut Tx) -> Result<()> {
        let by_slug = subscription_plans::slug.eq(self.plan);
        let plan: PlanId = subscription_plans::table
            .filter(by_slug)
            .select(subscription_plans::id)
            .first(tx.conn())
            .await?;
        let now = tx.now();
        diesel::insert_into(user_subscriptions::table)
            .values((
                user_subscriptions::id.eq(Uuid::now_v7()),
                user_subscriptions::user_id.eq(self.user),
                user_subscriptions::plan_id.eq(plan),
                user_subscriptions::status.eq("active"),
                user_subscriptions::start_date.eq(now),
                user_subscriptions::end_date.eq(now + self.lasts),
                // A gift: nothing was paid for it, and nothing is.
                user_subscriptions::auto_renew.eq(false),
            ))
            .execute(tx.conn())
            .await?;
        Ok(())
    }
}

/// A completed deposit of a person, in the ledger and among their transactions, as if Payme had paid it.
///
/// # Errors
/// The database's.
pub async fn deposit(tx: &mut Tx, user: UserId, amount: Money) -> Result<TransactionId> {
    let payme: PaymentMethodId = payment_methods::table
        .filter(payment_methods::code.eq("payme"))
        .select(payment_methods::id)
        .first(tx.conn())
        .await?;
    let theirs = Uuid::now_v7().simple().to_string();
    let row = Transaction {
        payment_method_id: Some(payme),
        provider_transaction_id: Some(theirs.clone()),
        ..Transaction::completed(TransactionType::Deposit, user, amount, tx.now())
    };
    row.insert(tx).await?;
    let at = tx.now().timestamp_millis();
    let tiyin = amount.to_tiyin().ok_or_else(|| Error::internal("too much for a deposit"))?;
    diesel::insert_into(payme_transactions::table)
        .values((
            payme_transactions::id.eq(theirs),
            payme_transactions::transaction_id.eq(row.id),
            payme_transactions::account.eq(json!({ "order_id": row.id })),
            payme_transactions::amount_tiyin.eq(tiyin),
            payme_transactions::time_ms.eq(at),
            payme_transactions::create_time_ms.eq(at),
            payme_transactions::expires_ms.eq(at + 43_200_000),
            payme_transactions::perform_time_ms.eq(at),
            payme_transactions::state.eq(2_i16),
        ))
        .execute(tx.conn())
        .await?;
    let posting = Posting::new(format!("deposit:{}", row.id), "deposit", Actor::Provider("payme"))
        .leg(Account::Provider("payme"), -amount)
        .leg(Account::Available(user), amount);
    ledger::post(tx, &posting).await.map(|_done| row.id)
}
