//! A person as they see themselves.

use chrono::{DateTime, Utc};
use salvo::oapi::{Components, Content, Operation, RequestBody, Required};
use salvo::{Depot, Request};
use serde::Deserializer;
use shared::Money;
use shared::accounts::codes::Purpose;
use shared::accounts::{self, Avatar, IdentityProof, Profile, ProfileForm};
use shared::error::Kind;
use shared::ids::UserId;
use shared::language::Language;
use shared::uploads::{self, UploadKind};

use crate::extract::{FromRequest, extractor, file, is_multipart, multipart_body};
use crate::openapi;
use crate::prelude::*;

/// The name of the file in the form.
const AVATAR: &str = "avatar";

/// The signed-in person.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: UserId,
    email: String,
    /// Another address they wish for and have not proved yet.
    pending_email: Option<String>,
    username: Option<String>,
    full_name: String,
    /// The full name, the username, or the part of the address before the `@`.
    display_name: String,
    /// The same.
    name: String,
    /// Absolute URL.
    avatar: Option<String>,
    /// `+998XXXXXXXXX`.
    phone_number: Option<String>,
    /// The same.
    phone: Option<String>,
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
    is_superuser: bool,
    /// Telegram's number of them.
    telegram_id: Option<i64>,
    telegram_username: Option<String>,
    /// The same.
    telegram: Option<String>,
    /// Always empty: people say nothing about themselves here, and pages that show it find a text.
    bio: String,
    /// Google's name of them.
    google_id: Option<String>,
    social_accounts: SocialAccountsOut,
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

/// A person's accounts elsewhere.
#[derive(Serialize, ToSchema)]
pub(crate) struct SocialAccountsOut {
    /// Google's name of them.
    google: Option<String>,
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
    /// Another one becomes theirs when the mail sent there is confirmed. Needs `current_password`.
    email: Option<String>,
    /// `+998XXXXXXXXX`; `null` removes it. Another one than they have, the first included, needs `current_password`.
    #[serde(default, deserialize_with = "present")]
    #[salvo(schema(value_type = Option<String>))]
    phone_number: Option<Option<String>>,
    /// `uz`, `ru` or `en`.
    #[salvo(schema(value_type = Option<String>))]
    language: Option<Language>,
    /// IANA name.
    timezone: Option<String>,
    /// The `url` of an upload of theirs; `null` removes the picture.
    #[serde(default, deserialize_with = "present")]
    #[salvo(schema(value_type = Option<String>))]
    avatar_url: Option<Option<String>>,
    /// The password they have now.
    #[validate(length(max = 128))]
    current_password: Option<String>,
    /// Without a password: the digits of `auth/otp/request/` with the purpose `reauth`, or those that the Telegram bot shows.
    #[validate(length(max = 16))]
    code: Option<String>,
}

/// A change of oneself: fields as JSON, or the `avatar` of a form.
pub(crate) enum MyChange {
    Fields(Box<UpdateMeBody>),
    Picture(Vec<u8>),
}

impl FromRequest for MyChange {
    async fn read(req: &mut Request, depot: &mut Depot, arg: &str) -> shared::Result<Self> {
        if is_multipart(req) {
            return file(req, AVATAR).await.map(Self::Picture);
        }
        let Body(fields) = Body::<UpdateMeBody>::read(req, depot, arg).await?;
        Ok(Self::Fields(Box::new(fields)))
    }

    fn describe(components: &mut Components, operation: &mut Operation, _arg: &str) {
        let fields = Content::new(UpdateMeBody::to_schema(components));
        let body = RequestBody::new()
            .required(Required::True)
            .add_content("application/json", fields)
            .add_content("multipart/form-data", multipart_body(AVATAR));
        operation.request_body = Some(body);
        let kinds = [Kind::Invalid, Kind::TooLarge, Kind::Unsupported];
        openapi::declare(components, operation, &kinds);
    }
}

extractor!([] MyChange);

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

/// Changes what the signed-in person says about themselves; or, as `multipart/form-data`, their picture (JPEG, PNG or WebP).
/// Another address or number needs `current_password`; without one a `code`, or where no SMS can be sent to them a session that
/// began in the last ten minutes; else 403 `REAUTH_REQUIRED`. Another address may be asked for once a minute and five times an
/// hour, whatever comes of it.
#[endpoint(tags("accounts"), responses((status_code = 403, description = "REAUTH_REQUIRED"), (status_code = 429, description = "RATE_LIMITED: see Retry-After")))]
pub(crate) async fn update_me(
    app: AppState,
    me: SignedIn,
    change: MyChange,
) -> ApiResult<NoStore<Json<UserOut>>> {
    let (form, password, code) = match change {
        MyChange::Fields(mut body) => {
            let (password, code) = (body.current_password.take(), body.code.take());
            (ProfileForm::from(*body), password, code)
        }
        MyChange::Picture(picture) => {
            let upload =
                uploads::store(&app, me.user.id, UploadKind::Avatar, (AVATAR, picture)).await?;
            let avatar = Some(Avatar::Upload(upload.id));
            (ProfileForm { avatar, ..ProfileForm::default() }, None, None)
        }
    };
    let confirmed = if form.changes_contacts(&me.user)? {
        let (password, code) = (password.as_deref(), code.as_deref());
        let shown = IdentityProof { field: "current_password", password, code_field: "code", code };
        Some(accounts::confirm_identity(&app, &me, Purpose::Reauth, shown).await?)
    } else {
        None
    };
    let id = me.user.id;
    let wish = match &confirmed {
        // Counted on its own, because an address that is refused counts, too.
        Some(_) => {
            let counted =
                app.db.transaction(async |tx| accounts::count_email_wish(tx, id, &form).await);
            counted.await?
        }
        None => None,
    };
    let shown = (confirmed.as_ref(), wish);
    let profile = app
        .db
        .transaction(async |tx| accounts::update_profile(tx, &app, id, form, shown).await)
        .await?;
    Ok(NoStore(Json(UserOut::from(profile))))
}

/// Tells `null` from absence.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl From<UpdateMeBody> for ProfileForm {
    fn from(body: UpdateMeBody) -> Self {
        let UpdateMeBody { full_name, username, email, phone_number, language, timezone, .. } =
            body;
        let avatar = body.avatar_url.map(|url| url.map_or(Avatar::Nothing, Avatar::Url));
        Self { full_name, username, email, phone_number, language, timezone, avatar }
    }
}

impl From<Profile> for UserOut {
    fn from(Profile { user, balance, plan, pending_email, google_id }: Profile) -> Self {
        Self {
            id: user.id,
            display_name: user.display_name().to_owned(),
            name: user.display_name().to_owned(),
            pending_email,
            telegram_id: user.telegram_id,
            telegram_username: user.telegram_username.clone(),
            telegram: user.telegram_username,
            bio: String::new(),
            social_accounts: SocialAccountsOut { google: google_id.clone() },
            google_id,
            is_superuser: user.is_superuser,
            rating: user.rating.to_string(),
            email: user.email,
            username: user.username,
            full_name: user.full_name,
            avatar: user.avatar,
            phone: user.phone_number.clone(),
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
