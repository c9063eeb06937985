//! A person as they see themselves.

use chrono::{DateTime, Utc};
use serde::Deserializer;
use shared::Money;
use shared::accounts::{self, Profile, ProfileForm};
use shared::ids::UserId;
use shared::language::Language;

use crate::prelude::*;

/// The signed-in person.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: UserId,
    email: String,
    username: Option<String>,
    full_name: String,
    /// The full name, the username, or the part of the address before the `@`.
    display_name: String,
    avatar: Option<String>,
    /// `+998XXXXXXXXX`.
    phone_number: Option<String>,
    /// What they can spend, UZS.
    #[salvo(schema(value_type = String))]
    balance: Money,
    /// `free`, `premium` or `pro`.
    plan: String,
    is_premium: bool,
    is_pro: bool,
    /// They have proved their e-mail, phone or Telegram.
    is_verified: bool,
    is_active: bool,
    is_staff: bool,
    /// 0 to 5, two decimals.
    rating: String,
    total_sales: i32,
    total_purchases: i32,
    /// `uz`, `ru` or `en`.
    #[salvo(schema(value_type = String))]
    language: Language,
    /// IANA name.
    timezone: String,
    #[salvo(schema(value_type = String, format = DateTime))]
    created_at: DateTime<Utc>,
    #[salvo(schema(value_type = String, format = DateTime))]
    updated_at: DateTime<Utc>,
    #[salvo(schema(value_type = Option<String>))]
    last_login: Option<DateTime<Utc>>,
}

impl Shown for UserOut {}

/// What a person may change about themselves; what is absent stays.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateMeBody {
    full_name: Option<String>,
    /// `null` removes it.
    #[serde(default, deserialize_with = "present")]
    #[salvo(schema(value_type = Option<String>))]
    username: Option<Option<String>>,
    /// `+998XXXXXXXXX`; `null` removes it.
    #[serde(default, deserialize_with = "present")]
    #[salvo(schema(value_type = Option<String>))]
    phone_number: Option<Option<String>>,
    /// `uz`, `ru` or `en`.
    #[salvo(schema(value_type = Option<String>))]
    language: Option<Language>,
    /// IANA name.
    timezone: Option<String>,
}

/// Shows the signed-in person.
#[endpoint(tags("accounts"))]
pub(crate) async fn show_me(
    app: AppState,
    me: SignedIn,
    view: View<UserOut>,
) -> ApiResult<NoStore<Viewed<UserOut>>> {
    let profile = accounts::profile(&mut *app.db.read().await?, me.0.user).await?;
    Ok(NoStore(view.show(UserOut::from(profile))))
}

/// Changes what the signed-in person says about themselves.
#[endpoint(tags("accounts"))]
pub(crate) async fn update_me(
    app: AppState,
    me: SignedIn,
    body: Body<UpdateMeBody>,
) -> ApiResult<NoStore<Json<UserOut>>> {
    let form = ProfileForm::from(body.0);
    let profile =
        app.db.transaction(async |tx| accounts::update_profile(tx, me.user.id, form).await).await?;
    Ok(NoStore(Json(UserOut::from(profile))))
}

/// Tells `null` from absence.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl From<UpdateMeBody> for ProfileForm {
    fn from(body: UpdateMeBody) -> Self {
        let UpdateMeBody { full_name, username, phone_number, language, timezone } = body;
        Self { full_name, username, phone_number, language, timezone }
    }
}

impl From<Profile> for UserOut {
    fn from(Profile { user, balance, plan, .. }: Profile) -> Self {
        Self {
            id: user.id,
            display_name: user.display_name().to_owned(),
            rating: user.rating.to_string(),
            email: user.email,
            username: user.username,
            full_name: user.full_name,
            avatar: user.avatar,
            phone_number: user.phone_number,
            balance,
            plan: plan.slug,
            is_premium: plan.is_premium,
            is_pro: plan.is_pro,
            is_verified: user.is_verified,
            is_active: user.is_active,
            is_staff: user.is_staff,
            total_sales: user.total_sales,
            total_purchases: user.total_purchases,
            language: user.language,
            timezone: user.timezone,
            created_at: user.created_at,
            updated_at: user.updated_at,
            last_login: user.last_login,
        }
    }
}
