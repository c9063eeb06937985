//! Codes by SMS: signing in with a phone, and proving a number.

use salvo::Request;
use shared::Error;
use shared::accounts::codes::{self, CodeRequest, Purpose, Which};
use shared::accounts::{self, IdentityProof};
use shared::error::texts;
use shared::ids::CodeId;

use super::issued::Issued;
use super::me::UserOut;
use super::sign_in::{SignInOut, asked_language};
use crate::prelude::*;

/// Whose phone, and what for.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestCodeBody {
    /// `+998XXXXXXXXX`. For what only a signed-in person can want, their own number is meant when it is absent.
    #[validate(length(max = 32))]
    phone_number: Option<String>,
    /// `sign_in` (the default), or for a signed-in person `verify_phone`, `reauth` or `delete_account`.
    #[salvo(schema(value_type = Option<String>))]
    purpose: Option<Purpose>,
}

/// A code is on its way.
#[derive(Serialize, ToSchema)]
pub(crate) struct CodeRequestedOut {
    /// To be sent back with the code.
    #[salvo(schema(value_type = String, format = Uuid))]
    request_id: CodeId,
    /// How long the code works, in seconds.
    expires_in: i64,
    /// When another may be asked for, in seconds.
    resend_after: i64,
}

/// The code, and which it is: by its request, or the newest of a phone.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyCodeBody {
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    request_id: Option<CodeId>,
    /// Instead of `request_id`.
    #[validate(length(max = 32))]
    phone_number: Option<String>,
    /// Six digits.
    #[validate(length(min = 1, max = 16))]
    code: String,
}

/// The code that proves a number; for another number than the account has, proof that it is the account's owner, too.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyPhoneBody {
    #[salvo(schema(value_type = String, format = Uuid))]
    request_id: CodeId,
    /// Six digits, sent to the number that is to be proved.
    #[validate(length(min = 1, max = 16))]
    code: String,
    /// The password they have now.
    #[validate(length(max = 128))]
    current_password: Option<String>,
    /// Without a password: the digits of `auth/otp/request/` with the purpose `reauth`, sent to the number they proved before;
    /// or those that the Telegram bot shows them.
    #[validate(length(max = 16))]
    reauth_code: Option<String>,
}

/// Sends a code of six digits by SMS. It works once, for five minutes and five tries from one network (25 from all together).
/// The answer is the same whether anybody has registered with the number or not. A phone gets one a minute and five an hour
/// at most for signing in; codes for its owner, and codes that prove a number, are counted apart.
#[endpoint(tags("accounts"), responses((status_code = 409, description = "INVALID_STATE without a proven number, or SWITCHED_OFF where no SMS is sent"), (status_code = 429, description = "RATE_LIMITED; Retry-After and details.retry_after say when to come back")))]
pub(crate) async fn request_code(
    app: AppState,
    caller: Caller,
    who: MaybeSignedIn,
    req: &mut Request,
    body: Body<RequestCodeBody>,
) -> ApiResult<NoStore<Json<CodeRequestedOut>>> {
    let request = CodeRequest {
        phone_number: body.phone_number.as_deref(),
        purpose: body.purpose.unwrap_or(Purpose::SignIn),
        caller: who.0.as_ref().map(|principal| &principal.user),
        language: asked_language(req),
    };
    let requested = app
        .db
        .transaction(async |tx| codes::request_code(tx, &app, request, &caller.0).await)
        .await?;
    let codes::Requested { request_id, expires_in, resend_after } = requested;
    Ok(NoStore(Json(CodeRequestedOut { request_id, expires_in, resend_after })))
}

/// Signs in the person who has proved this phone, or registers whoever proves it now. An account that only names the
/// number loses it: nobody can register somebody else's phone and wait for them.
#[endpoint(tags("accounts"), responses((status_code = 400, description = "CODE_INVALID: wrong, used, too old, or tried too often"), (status_code = 403, description = "ACCOUNT_DISABLED")))]
pub(crate) async fn verify_code(
    app: AppState,
    caller: Caller,
    body: Body<VerifyCodeBody>,
) -> ApiResult<Issued<Json<SignInOut>>> {
    let which = match (body.request_id, &body.phone_number) {
        (Some(id), None) => Which::Request(id),
        (None, Some(number)) => Which::phone(number)?,
        (Some(_), Some(_)) => return Err(Error::field("phone_number", texts::UNKNOWN).into()),
        (None, None) => return Err(Error::field("request_id", texts::REQUIRED).into()),
    };
    let guess = app
        .db
        .transaction(async |tx| {
            codes::sign_in_by_code(tx, &app, &which, body.code.trim(), &caller.0).await
        })
        .await?;
    Ok(Issued(Json(SignInOut::from(guess.into_result()?))))
}

/// Proves a number to the account of the signed-in person, who has it from then on; asked for with `verify_phone`. Another
/// number than the one they have typed, the first included, needs `current_password`; without one a `reauth_code`, or a
/// session that began a moment ago; else 403 `REAUTH_REQUIRED`, and the code is not used up.
#[endpoint(tags("accounts"), responses((status_code = 400, description = "CODE_INVALID"), (status_code = 403, description = "REAUTH_REQUIRED; details.methods says what may be shown"), (status_code = 409, description = "ALREADY_EXISTS: somebody else proved the number")))]
pub(crate) async fn verify_phone(
    app: AppState,
    me: SignedIn,
    body: Body<VerifyPhoneBody>,
) -> ApiResult<NoStore<Json<UserOut>>> {
    let (request, code) = (body.request_id, body.code.trim());
    let another = app
        .db
        .transaction(async |tx| codes::proves_another_number(tx, &me.user, request).await)
        .await?;
    let confirmed = if another {
        let shown = IdentityProof {
            field: "current_password",
            password: body.current_password.as_deref(),
            code_field: "reauth_code",
            code: body.reauth_code.as_deref(),
        };
        Some(accounts::confirm_identity(&app, &me, Purpose::Reauth, shown).await?)
    } else {
        None
    };
    let proof = (request, code);
    let guess = app
        .db
        .transaction(async |tx| codes::verify_phone(tx, &app, &me, proof, confirmed.as_ref()).await)
        .await?;
    Ok(NoStore(Json(UserOut::from(guess.into_result()?))))
}
