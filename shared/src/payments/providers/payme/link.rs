//! The checkout link: `base64(m=…;ac.order_id=…;a=…;l=…;c=…)`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::App;
use crate::error::{Error, Result};
use crate::language::Language;
use crate::payments::Transaction;

/// Payme's page for a deposit; the payer comes back to the deal it pays, or to their profile.
///
/// # Errors
/// `INTERNAL_ERROR` when the amount is no provider's integer.
pub fn link(app: &App, deposit: &Transaction, language: Language) -> Result<String> {
    let payme = &app.settings.payme;
    let amount = deposit
        .amount
        .to_tiyin()
        .ok_or_else(|| Error::internal("the amount is no integer of tiyin"))?;
    let back = match deposit.escrow_id {
        Some(deal) => format!("{}/trade/{deal}", app.settings.http.frontend_url),
        None => format!("{}/profile", app.settings.http.frontend_url),
    };
    let members = format!(
        "m={};ac.order_id={};a={amount};l={};c={}",
        payme.merchant_id,
        deposit.id,
        language.as_str(),
        return_url(&back),
    );
    Ok(format!("{}/{}", payme.checkout_url.trim_end_matches('/'), encode(&members)))
}

/// A `;` would end the member.
fn return_url(url: &str) -> String {
    url.replace(';', "%3B")
}

/// Standard base64 with padding; Payme's router stumbles over a raw `+`, `/` or `=` in a path.
fn encode(members: &str) -> String {
    STANDARD.encode(members).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

#[cfg(test)]
mod tests {
    use super::{encode, return_url};

    /// Providers study, section 9.
    #[test]
    fn links_are_what_payme_documents() {
        assert_eq!(
            encode("m=587f72c72cac0d162c722ae2;ac.order_id=197;a=500"),
            "bT01ODdmNzJjNzJjYWMwZDE2MmM3MjJhZTI7YWMub3JkZXJfaWQ9MTk3O2E9NTAw"
        );
        assert_eq!(
            encode(
                "m=587f72c72cac0d162c722ae2;ac.order_id=197;a=50000;l=uz;c=https://shop.example/return?order=197"
            ),
            "bT01ODdmNzJjNzJjYWMwZDE2MmM3MjJhZTI7YWMub3JkZXJfaWQ9MTk3O2E9NTAwMDA7bD11ejtjPWh0dHBzOi8vc2hvcC5leGFtcGxlL3JldHVybj9vcmRlcj0xOTc%3D"
        );
        let awkward = encode("m=587f72c72cac0d162c722ae2;ac.order_id=>>>???;a=50000");
        assert!(awkward.ends_with("aWQ9Pj4%2BPz8%2FO2E9NTAwMDA%3D"), "{awkward}");
    }

    #[test]
    fn a_semicolon_in_the_return_address_does_not_end_it() {
        assert_eq!(
            return_url("https://shop.example/a;b?c=d;e"),
            "https://shop.example/a%3Bb?c=d%3Be"
        );
    }
}
