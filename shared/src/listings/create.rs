//! A seller offers a game account.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::credentials::{self, Credentials};
use super::jobs::{AutoApproveIfTimeout, NotifyAdminsNewListing};
use super::model::{PRICE_MAX, PRICE_MIN, record};
use super::{Listing, ListingStatus, LoginMethod};
use crate::accounts::{Principal, User};
use crate::audit::Actor;
use crate::error::{Error, Result, texts};
use crate::ids::{GameId, ListingId, UserId};
use crate::jobs::{enqueue, enqueue_at};
use crate::language::Text;
use crate::schema::{games, listings};
use crate::{App, Code, Money, Outcome, Tx};

/// A form sent again this soon is the same form: the UI sends one click up to nine times.
const REPEAT_WITHIN: TimeDelta = TimeDelta::seconds(60);
/// How many recent listings are compared with a repeated form.
const REPEATS_MAX: i64 = 5;
const TITLE: (usize, usize) = (3, 200);
const DESCRIPTION: (usize, usize) = (10, 10_000);
const LABEL_MAX: usize = 50;
const FEATURES_MAX: usize = 50;
const FEATURE_MAX: usize = 100;
pub(super) const ACCOUNT_MAX: usize = 254;
pub(super) const PASSWORD_MAX: usize = 500;
const NOTES_MAX: usize = 4_000;

/// What a seller sends.
pub struct NewListing {
    /// Of which game.
    pub game_id: GameId,
    /// One line.
    pub title: String,
    /// Some paragraphs.
    pub description: String,
    /// What the buyer will pay.
    pub price: Money,
    /// What it cost before a discount.
    pub original_price: Option<Money>,
    /// A name of [`LoginMethod::NAMES`].
    pub login_method: String,
    /// The account's level.
    pub level: String,
    /// The account's rank.
    pub rank: String,
    /// How many skins it has.
    pub skins_count: i32,
    /// What else is good about it.
    pub features: Vec<String>,
    /// The address, phone number or name one signs in with.
    pub account_email: String,
    /// The password.
    pub account_password: String,
    /// An object or a text with whatever else the buyer needs.
    pub account_additional_info: Value,
}

/// A listing, and whether this call made it.
#[derive(Debug)]
pub struct Created {
    /// The listing.
    pub listing: Listing,
    /// `AlreadyDone` when the same form had made it a moment ago.
    pub outcome: Outcome,
}

/// Makes a listing that waits for a moderator, and for the timer behind them. The same form again within a minute finds the first one.
///
/// # Errors
/// `EMAIL_NOT_VERIFIED`; `VALIDATION_ERROR` naming every wrong field; `TOKEN_INVALID` when the account was closed a moment ago.
pub async fn create(
    tx: &mut Tx,
    app: &App,
    who: &Principal,
    mut new: NewListing,
) -> Result<Created> {
    let seller = who.verified()?.id;
    let login_method = new.check()?;
    let credentials = new.take_credentials();
    game_is_active(tx, new.game_id).await?;
    tx.one_at_a_time(&format!("listings.create:{seller}")).await?;
    if let Some(listing) =
        made_a_moment_ago(tx, app, seller, &new, login_method, &credentials).await?
    {
        return Ok(Created { listing, outcome: Outcome::AlreadyDone });
    }
    User::hold_open(tx, seller).await?;
    let listing = diesel::insert_into(listings::table)
        .values(new.into_listing(seller, login_method, tx.now()))
        .returning(Listing::as_returning())
        .get_result(tx.conn())
        .await?;
    credentials::store(tx, &app.vault, listing.id, &credentials).await?;
    record(tx, &listing, Actor::User(seller), None, None).await?;
    let listing_id = listing.id;
    let decides_itself_at = listing.decides_itself_at(app.settings.windows.auto_approve_after);
    enqueue(tx, &NotifyAdminsNewListing { listing_id }).await?;
    enqueue_at(tx, &AutoApproveIfTimeout { listing_id }, decides_itself_at).await?;
    tracing::info!(target: "listings", listing = %listing.id, seller = %seller, price = %listing.price, "created");
    Ok(Created { listing, outcome: Outcome::Done })
}

async fn game_is_active(tx: &mut Tx, game: GameId) -> Result<()> {
    let active = diesel::dsl::exists(games::table.filter(games::id.eq(game).and(games::is_active)));
    match diesel::select(active).get_result(tx.conn()).await? {
        true => Ok(()),
        false => Err(Error::field("game_id", texts::INVALID)),
    }
}

/// A listing of this seller, made by the same form within [`REPEAT_WITHIN`].
async fn made_a_moment_ago(
    tx: &mut Tx,
    app: &App,
    seller: UserId,
    new: &NewListing,
    login_method: LoginMethod,
    credentials: &Credentials,
) -> Result<Option<Listing>> {
    let since = tx.now() - REPEAT_WITHIN;
    let alike = Listing::query()
        .filter(
            listings::seller_id
                .eq(seller)
                .and(listings::created_at.gt(since))
                .and(listings::deleted_at.is_null()),
        )
        .filter(listings::game_id.eq(new.game_id).and(listings::title.eq(&new.title)))
        .filter(
            listings::description.eq(&new.description).and(listings::login_method.eq(login_method)),
        )
        .filter(
            listings::price
                .eq(new.price)
                .and(listings::original_price.is_not_distinct_from(new.original_price)),
        )
        .filter(listings::level.eq(&new.level).and(listings::rank.eq(&new.rank)))
        .filter(
            listings::skins_count
                .eq(new.skins_count)
                .and(listings::features.eq(Value::from(new.features.clone()))),
        )
        .order(listings::created_at.asc())
        .limit(REPEATS_MAX)
        .load(tx.conn())
        .await?;
    for listing in alike {
        if credentials::open(tx, &app.vault, listing.id).await? == *credentials {
            return Ok(Some(listing));
        }
    }
    Ok(None)
}

/// What is wrong with a field: its name, the sentence, and what fills its `{}`.
pub(super) type Issue = (&'static str, Text, String);

impl NewListing {
    /// Trims the texts, and names every field that breaks a rule.
    fn check(&mut self) -> Result<LoginMethod> {
        for text in [
            &mut self.title,
            &mut self.description,
            &mut self.level,
            &mut self.rank,
            &mut self.account_email,
        ] {
            *text = text.trim().to_owned();
        }
        let login_method = LoginMethod::from_input(&self.login_method);
        let method_issue = login_method
            .is_none()
            .then(|| ("login_method", texts::CHOICES, LoginMethod::NAMES.to_owned()));
        let issues: Vec<Issue> = [
            length("title", &self.title, TITLE),
            length("description", &self.description, DESCRIPTION),
            length("level", &self.level, (0, LABEL_MAX)),
            length("rank", &self.rank, (0, LABEL_MAX)),
            length("account_email", &self.account_email, (1, ACCOUNT_MAX)),
            length("account_password", &self.account_password, (1, PASSWORD_MAX)),
            method_issue,
            self.price_issue(),
            self.original_price_issue(),
            (self.skins_count < 0).then(|| ("skins_count", texts::TOO_SMALL, "0".to_owned())),
            self.features_issue(),
            notes_issue(&self.account_additional_info),
        ]
        .into_iter()
        .flatten()
        .collect();
        match login_method {
            Some(method) if issues.is_empty() => Ok(method),
            _ => Err(refusal(issues)),
        }
    }

    fn price_issue(&self) -> Option<Issue> {
        let (min, max) = (Money::from_soum(PRICE_MIN), Money::from_soum(PRICE_MAX));
        let too_small = (self.price < min).then(|| ("price", texts::TOO_SMALL, min.to_string()));
        too_small
            .or_else(|| (self.price > max).then(|| ("price", texts::TOO_LARGE, max.to_string())))
    }

    fn original_price_issue(&self) -> Option<Issue> {
        let max = Money::from_soum(PRICE_MAX);
        let original = self.original_price?;
        let too_small = (original < self.price)
            .then(|| ("original_price", texts::TOO_SMALL, self.price.to_string()));
        too_small.or_else(|| {
            (original > max).then(|| ("original_price", texts::TOO_LARGE, max.to_string()))
        })
    }

    fn features_issue(&self) -> Option<Issue> {
        if self.features.len() > FEATURES_MAX {
            return Some(("features", texts::TOO_LARGE, FEATURES_MAX.to_string()));
        }
        self.features.iter().find_map(|feature| length("features", feature, (1, FEATURE_MAX)))
    }

    /// Moves the secrets out of the form.
    fn take_credentials(&mut self) -> Credentials {
        let info = match self.account_additional_info.take() {
            Value::Null => Value::Object(serde_json::Map::new()),
            info @ (Value::Object(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Bool(_)
            | Value::Number(_)) => info,
        };
        Credentials {
            account_email: std::mem::take(&mut self.account_email).into(),
            account_password: std::mem::take(&mut self.account_password).into(),
            account_additional_info: info,
            login_name: LoginMethod::parse(&self.login_method)
                .is_none()
                .then(|| self.login_method.clone()),
        }
    }

    fn into_listing(
        self,
        seller: UserId,
        login_method: LoginMethod,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Listing {
        Listing {
            id: ListingId::new(),
            listing_code: String::new(),
            seller_id: seller,
            game_id: self.game_id,
            title: self.title,
            description: self.description,
            price: self.price,
            original_price: self.original_price,
            status: ListingStatus::Pending,
            is_premium: false,
            views_count: 0,
            favorites_count: 0,
            login_method,
            level: self.level,
            rank: self.rank,
            skins_count: self.skins_count,
            features: self.features.into(),
            moderated_by: None,
            moderated_at: None,
            approved_at: None,
            rejected_at: None,
            rejection_reason: None,
            sold_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        }
    }
}

/// What a buyer needs besides: an object or a text, and no book.
pub(super) fn notes_issue(notes: &Value) -> Option<Issue> {
    match notes {
        Value::Object(_) | Value::String(_) | Value::Null => {}
        Value::Array(_) | Value::Bool(_) | Value::Number(_) => {
            return Some(("account_additional_info", texts::INVALID, String::new()));
        }
    }
    length("account_additional_info", &notes.to_string(), (0, NOTES_MAX))
}

/// The answer that names every wrong field.
pub(super) fn refusal(issues: Vec<Issue>) -> Error {
    let add = |error: Error, (field, text, value): Issue| error.and_field(field, text, value);
    issues.into_iter().fold(Error::new(Code::ValidationError), add)
}

pub(super) fn length(field: &'static str, text: &str, (min, max): (usize, usize)) -> Option<Issue> {
    match text.chars().count() {
        0 if min > 0 => Some((field, texts::REQUIRED, String::new())),
        count if count < min => Some((field, texts::TOO_SHORT, min.to_string())),
        count if count > max => Some((field, texts::TOO_LONG, max.to_string())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::language::Language;

    fn form() -> NewListing {
        NewListing {
            game_id: GameId::new(),
            title: " PUBG Mobile, 70 skins ".to_owned(),
            description: "Season 12, all skins, no bans.".to_owned(),
            price: Money::from_soum(150_000),
            original_price: None,
            login_method: "google".to_owned(),
            level: "70".to_owned(),
            rank: "Ace".to_owned(),
            skins_count: 70,
            features: vec!["Glacier M416".to_owned()],
            account_email: "gamer@gmail.com".to_owned(),
            account_password: "p4ssw0rd!".to_owned(),
            account_additional_info: json!({ "note": "2FA off" }),
        }
    }

    /// The fields a change makes wrong.
    fn wrong(change: impl FnOnce(&mut NewListing)) -> Vec<String> {
        let mut form = form();
        change(&mut form);
        let details = form.check().expect_err("wrong").details(Language::En);
        details.as_object().expect("an object").keys().cloned().collect()
    }

    #[test]
    fn a_good_form_becomes_a_waiting_listing_without_secrets() {
        let mut form = form();
        assert_eq!(form.check().expect("good"), LoginMethod::Social);
        let credentials = form.take_credentials();
        assert_eq!(credentials.login_name.as_deref(), Some("google"));
        assert_eq!(credentials.account_password.as_str(), "p4ssw0rd!");
        assert!(
            form.account_password.is_empty()
                && form.account_email.is_empty()
                && form.account_additional_info.is_null()
        );
        let listing =
            form.into_listing(UserId::new(), LoginMethod::Social, chrono::DateTime::UNIX_EPOCH);
        assert_eq!(
            (listing.status, listing.title.as_str()),
            (ListingStatus::Pending, "PUBG Mobile, 70 skins")
        );
    }

    #[test]
    fn every_wrong_field_is_named() {
        assert_eq!(wrong(|form| form.title = "  ab ".to_owned()), ["title"]);
        assert_eq!(wrong(|form| form.title = "x".repeat(201)), ["title"]);
        assert_eq!(wrong(|form| form.description = String::new()), ["description"]);
        assert_eq!(wrong(|form| form.price = Money::ZERO), ["price"]);
        assert_eq!(wrong(|form| form.price = Money::parse("999.99").expect("money")), ["price"]);
        assert_eq!(
            wrong(|form| form.price = Money::parse("1000000000.01").expect("money")),
            ["price"]
        );
        assert_eq!(
            wrong(|form| form.original_price = Some(Money::from_soum(149_999))),
            ["original_price"]
        );
        assert_eq!(wrong(|form| form.login_method = "telegram".to_owned()), ["login_method"]);
        assert_eq!(wrong(|form| form.skins_count = -1), ["skins_count"]);
        assert_eq!(wrong(|form| form.features = vec![String::new()]), ["features"]);
        assert_eq!(wrong(|form| form.features = vec!["x".to_owned(); 51]), ["features"]);
        assert_eq!(wrong(|form| form.account_email = " ".to_owned()), ["account_email"]);
        assert_eq!(wrong(|form| form.account_password = String::new()), ["account_password"]);
        assert_eq!(
            wrong(|form| form.account_additional_info = json!([1])),
            ["account_additional_info"]
        );
        let mut both = wrong(|form| {
            form.title = String::new();
            form.price = Money::ZERO;
        });
        both.sort();
        assert_eq!(both, ["price", "title"]);
    }

    #[test]
    fn the_limits_of_the_price_are_prices() {
        for soum in [PRICE_MIN, PRICE_MAX] {
            let mut form = form();
            form.price = Money::from_soum(soum);
            assert!(form.check().is_ok(), "{soum}");
        }
    }
}
