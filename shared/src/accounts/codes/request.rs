//! Asking for a code by SMS.

use serde_json::json;

use super::limits;
use super::model::{OneTimeCode, Purpose, VALID_FOR};
use crate::accounts::fields;
use crate::accounts::jobs::SendSmsCode;
use crate::accounts::{Client, User};
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result, texts};
use crate::ids::CodeId;
use crate::language::Language;
use crate::{App, Tx, jobs};

/// Who wants a code, for what.
pub struct CodeRequest<'a> {
    /// The phone, in any spelling; the caller's own when it is not said.
    pub phone_number: Option<&'a str>,
    /// What for.
    pub purpose: Purpose,
    /// The signed-in person; nobody for signing in.
    pub caller: Option<&'a User>,
    /// What a stranger reads; a person has a language.
    pub language: Language,
}

/// A code is on its way.
#[derive(Clone, Copy, Debug)]
pub struct Requested {
    /// What the code is to be sent back with.
    pub request_id: CodeId,
    /// How long it works, in seconds.
    pub expires_in: i64,
    /// When another may be asked for, in seconds.
    pub resend_after: i64,
}

/// Has a code sent. The answer, and the work, are the same whether anybody here has the number or not.
///
/// # Errors
/// `VALIDATION_ERROR`; `NOT_AUTHENTICATED` for what only a signed-in person can want; `INVALID_STATE` when they have no
/// number that they proved; `RATE_LIMITED`; `SWITCHED_OFF` on a platform that sends no SMS.
pub async fn request_code(
    tx: &mut Tx,
    app: &App,
    request: CodeRequest<'_>,
    client: &Client,
) -> Result<Requested> {
    if app.sms.is_off() {
        return Err(Error::new(Code::SwitchedOff).fact("switch", "sms".into()));
    }
    let phone = request.phone()?;
    let network = client.network();
    let asked = limits::Asked { phone: &phone, purpose: request.purpose, ip: network.as_deref() };
    limits::admit(tx, &app.settings.sms, asked).await?;
    let mut code = OneTimeCode::new(tx.now(), phone, request.purpose);
    code.language = request.caller.map_or(request.language, |user| user.language);
    code.user_id = request.asker().map(|user| user.id);
    // The digits are derived again by the job that sends them.
    drop(code.store(tx, app, client).await?);
    jobs::enqueue(tx, &SendSmsCode { code_id: code.id }).await?;
    let actor = request.asker().map_or(Actor::System, |user| Actor::User(user.id));
    let object = ("one_time_code", code.id.to_string());
    audit::record(tx, actor, "auth.code_requested", object, json!({ "purpose": code.purpose }))
        .await?;
    tracing::info!(target: "accounts", code_id = %code.id, purpose = code.purpose.as_str(), "code requested");
    Ok(Requested {
        request_id: code.id,
        expires_in: VALID_FOR.num_seconds(),
        resend_after: limits::PAUSE.num_seconds(),
    })
}

impl CodeRequest<'_> {
    /// The person the code is bound to; signing in is for whoever has the phone.
    fn asker(&self) -> Option<&User> {
        match self.purpose {
            Purpose::SignIn | Purpose::Telegram => None,
            Purpose::VerifyPhone | Purpose::Reauth | Purpose::DeleteAccount => self.caller,
        }
    }

    /// The number that the code goes to.
    fn phone(&self) -> Result<String> {
        let said = fields::phone_number(self.phone_number.unwrap_or_default()).map_err(
            |(text, value)| {
                Error::new(Code::ValidationError).and_field("phone_number", text, value)
            },
        )?;
        let missing = || Error::field("phone_number", texts::REQUIRED);
        let signed_in = || self.caller.ok_or_else(|| Error::new(Code::NotAuthenticated));
        match self.purpose {
            Purpose::SignIn => said.ok_or_else(missing),
            Purpose::VerifyPhone => {
                let own = &signed_in()?.phone_number;
                said.or_else(|| own.clone()).ok_or_else(missing)
            }
            Purpose::Reauth | Purpose::DeleteAccount => {
                let proven = signed_in()?.proven_number();
                let proven = proven.ok_or_else(|| Error::invalid_state("phone_not_proved"))?;
                if said.is_some_and(|said| said != *proven) {
                    return Err(Error::field("phone_number", texts::INVALID));
                }
                Ok(proven.clone())
            }
            // The bot gives these.
            Purpose::Telegram => Err(Error::field("purpose", texts::INVALID)),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::testing::a_user;

    fn phone(purpose: Purpose, said: Option<&str>, caller: Option<&User>) -> Result<String, Code> {
        let request = CodeRequest { phone_number: said, purpose, caller, language: Language::Uz };
        request.phone().map_err(|error| error.code())
    }

    #[test]
    fn a_code_goes_to_the_number_that_is_to_be_proved_or_to_a_proven_one() {
        let (mine, other) = ("+998901234567".to_owned(), "+998907654321".to_owned());
        let typed = User { phone_number: Some(mine.clone()), ..a_user("ali@mail.uz") };
        let proved = User { phone_verified_at: Some(DateTime::UNIX_EPOCH), ..typed.clone() };
        let nobody = a_user("ali@mail.uz");
        assert_eq!(phone(Purpose::SignIn, Some("998 90 765-43-21"), None), Ok(other.clone()));
        assert_eq!(phone(Purpose::SignIn, None, Some(&proved)), Err(Code::ValidationError));
        assert_eq!(phone(Purpose::SignIn, Some("+79001234567"), None), Err(Code::ValidationError));
        assert_eq!(phone(Purpose::Telegram, Some(&other), None), Err(Code::ValidationError));
        for purpose in [Purpose::VerifyPhone, Purpose::Reauth, Purpose::DeleteAccount] {
            assert_eq!(phone(purpose, Some(&mine), None), Err(Code::NotAuthenticated));
            assert_eq!(phone(purpose, None, Some(&proved)), Ok(mine.clone()));
        }
        assert_eq!(phone(Purpose::VerifyPhone, None, Some(&typed)), Ok(mine.clone()));
        assert_eq!(phone(Purpose::VerifyPhone, Some(&other), Some(&typed)), Ok(other.clone()));
        assert_eq!(phone(Purpose::VerifyPhone, None, Some(&nobody)), Err(Code::ValidationError));
        assert_eq!(phone(Purpose::Reauth, None, Some(&typed)), Err(Code::InvalidState));
        assert_eq!(phone(Purpose::Reauth, Some(&other), Some(&proved)), Err(Code::ValidationError));
    }
}
