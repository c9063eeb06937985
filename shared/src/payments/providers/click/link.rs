//! The payment button's link.

use form_urlencoded::Serializer;

use crate::App;
use crate::payments::Transaction;
use crate::settings::ClickSettings;

/// Click's page for a deposit; the payer comes back to the deal it pays, or to their profile.
pub fn link(app: &App, deposit: &Transaction) -> String {
    let back = match deposit.escrow_id {
        Some(deal) => format!("{}/trade/{deal}", app.settings.http.frontend_url),
        None => format!("{}/profile", app.settings.http.frontend_url),
    };
    button(&app.settings.click, &deposit.amount.to_string(), &deposit.id.to_string(), &back)
}

/// `amount` is soum with two decimals.
fn button(click: &ClickSettings, amount: &str, order: &str, back: &str) -> String {
    let members = Serializer::new(String::new())
        .append_pair("service_id", &click.service_id)
        .append_pair("merchant_id", &click.merchant_id)
        .append_pair("amount", amount)
        .append_pair("transaction_param", order)
        .append_pair("return_url", back)
        .finish();
    format!("{}?{members}", click.checkout_url)
}

#[cfg(test)]
mod tests {
    use super::button;
    use crate::settings::{ClickSettings, Secret};

    /// Providers study, section 2.5.
    #[test]
    fn links_are_what_click_documents() {
        let click = ClickSettings {
            service_id: "12345".to_owned(),
            merchant_id: "67890".to_owned(),
            secret_key: Secret::new("clickSecretKey01"),
            previous_key: None,
            checkout_url: "https://my.click.uz/services/pay/".to_owned(),
            api: None,
        };
        assert_eq!(
            button(&click, "1000.50", "order-77", "https://shop.example/a?b=c&d=e f"),
            "https://my.click.uz/services/pay/?service_id=12345&merchant_id=67890&amount=1000.50&transaction_param=order-77&return_url=https%3A%2F%2Fshop.example%2Fa%3Fb%3Dc%26d%3De+f"
        );
    }
}
