//! Words that many letters share.

use crate::Money;
use crate::language::{Language, Text};

pub(super) const HELLO: Text = Text::new("Assalomu alaykum!", "Здравствуйте!", "Hello!");
pub(super) const HELLO_NAMED: Text =
    Text::new("Assalomu alaykum, {}!", "Здравствуйте, {}!", "Hello, {}!");
pub(super) const FOOTER: Text = Text::new(
    "Bu xatni WibeStore avtomatik yubordi.",
    "Это письмо отправлено сервисом WibeStore автоматически.",
    "WibeStore sent this letter automatically.",
);

pub(super) const LISTING: Text = Text::new("E'lon", "Объявление", "Listing");
pub(super) const PRICE: Text = Text::new("Narxi", "Цена", "Price");
pub(super) const AMOUNT: Text = Text::new("Summa", "Сумма", "Amount");
pub(super) const METHOD: Text = Text::new("To'lov usuli", "Способ оплаты", "Payment method");
pub(super) const CARD: Text = Text::new("Karta", "Карта", "Card");
pub(super) const COMMISSION: Text = Text::new("Komissiya", "Комиссия", "Commission");
pub(super) const TO_SELLER: Text = Text::new("Sotuvchiga", "Продавцу", "To the seller");
pub(super) const TO_BUYER: Text = Text::new("Xaridorga", "Покупателю", "To the buyer");
pub(super) const REASON: Text = Text::new("Sababi", "Причина", "The reason");
pub(super) const DECISION: Text = Text::new("Qaror", "Решение", "The decision");

pub(super) const PLAN: Text = Text::new("Tarif", "Тариф", "Plan");

pub(super) const WHEN: Text = Text::new("Vaqti", "Время", "When");
pub(super) const ADDRESS: Text = Text::new("IP manzil", "IP-адрес", "IP address");
pub(super) const PROGRAM: Text = Text::new("Dastur", "Программа", "Program");

pub(super) const OPEN_SETTINGS: Text =
    Text::new("Sozlamalarni ochish", "Открыть настройки", "Open your settings");
pub(super) const OPEN_DEAL: Text = Text::new("Bitimni ochish", "Открыть сделку", "Open the deal");
pub(super) const OPEN_LISTING: Text =
    Text::new("E'lonni ochish", "Открыть объявление", "Open the listing");
pub(super) const OPEN_PROFILE: Text =
    Text::new("Profilni ochish", "Открыть профиль", "Open your profile");
pub(super) const OPEN_PLANS: Text =
    Text::new("Tariflarni ko'rish", "Смотреть тарифы", "See the plans");

const SUM: Text = Text::new("{} so'm", "{} сум", "{} UZS");

/// An amount as people write it: `1 250 000 so'm`.
pub(super) fn sum(language: Language, amount: Money) -> String {
    let text = amount.to_string();
    let (whole, tiyin) = text.split_once('.').unwrap_or((&text, "00"));
    let digits: Vec<char> = whole.chars().collect();
    let groups: Vec<String> = digits.rchunks(3).rev().map(|group| group.iter().collect()).collect();
    let grouped = groups.join(" ");
    let amount = if tiyin == "00" { grouped } else { format!("{grouped}.{tiyin}") };
    SUM.with(language, &amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_write_them() {
        for (amount, written) in [
            ("0.01", "0.01 UZS"),
            ("999", "999 UZS"),
            ("1000", "1 000 UZS"),
            ("100000.50", "100 000.50 UZS"),
            ("1250000", "1 250 000 UZS"),
        ] {
            let amount = Money::parse(amount).expect("money");
            assert_eq!(sum(Language::En, amount), written);
        }
        assert_eq!(sum(Language::Uz, Money::from_soum(1_000)), "1 000 so'm");
    }
}
