//! What Payme is told when the answer is no. The sentences of the account range are shown to the payer.

use serde_json::{Value, json};

use crate::language::Text;

/// The account's only field.
pub(super) const ACCOUNT_FIELD: &str = "order_id";

/// An RPC error.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    /// Payme's code.
    pub code: i64,
    message: Text,
    data: Option<String>,
}

impl Refusal {
    const fn new(code: i64, message: Text) -> Self {
        Self { code, message, data: None }
    }

    fn about(self, data: &str) -> Self {
        Self { data: Some(data.to_owned()), ..self }
    }

    /// The HTTP method is not POST.
    pub(super) const fn not_post() -> Self {
        Self::new(
            -32_300,
            Text::new(
                "Faqat POST so'rovi qabul qilinadi.",
                "Принимается только метод POST.",
                "Only POST is accepted.",
            ),
        )
    }

    /// Not JSON.
    pub(super) const fn parse() -> Self {
        Self::new(
            -32_700,
            Text::new("JSON xato.", "Ошибка разбора JSON.", "The JSON cannot be parsed."),
        )
    }

    /// A member is missing or has the wrong type.
    pub(super) fn request(member: &str) -> Self {
        let text = Text::new(
            "So'rov maydonlari noto'g'ri.",
            "Отсутствуют или неверны поля запроса.",
            "A member of the request is missing or wrong.",
        );
        Self::new(-32_600, text).about(member)
    }

    /// No such method.
    pub(super) fn method(name: &str) -> Self {
        Self::new(
            -32_601,
            Text::new("Metod topilmadi.", "Метод не найден.", "The method is unknown."),
        )
        .about(name)
    }

    /// The parameters of `SetFiscalData` are wrong.
    pub(super) fn params(member: &str) -> Self {
        Self::new(
            -32_602,
            Text::new(
                "Parametrlar noto'g'ri.",
                "Неверные параметры.",
                "The parameters are not valid.",
            ),
        )
        .about(member)
    }

    /// Who is asking is not Payme.
    pub(super) const fn unauthorized() -> Self {
        Self::new(
            -32_504,
            Text::new(
                "Huquqlar yetarli emas.",
                "Недостаточно привилегий.",
                "Not enough privileges.",
            ),
        )
    }

    /// Our fault.
    pub(super) const fn internal() -> Self {
        Self::new(-32_400, Text::new("Ichki xatolik.", "Внутренняя ошибка.", "Internal error."))
    }

    /// No such transaction to write a receipt to.
    pub(super) const fn no_receipt() -> Self {
        Self::new(
            -32_001,
            Text::new("Chek topilmadi.", "Чек не найден.", "The receipt is not found."),
        )
    }

    /// Another amount than the deposit's.
    pub(super) const fn amount() -> Self {
        Self::new(-31_001, Text::new("Summa noto'g'ri.", "Неверная сумма.", "The amount is wrong."))
    }

    /// Payme's transaction is unknown here.
    pub(super) const fn unknown_transaction() -> Self {
        Self::new(
            -31_003,
            Text::new(
                "Tranzaksiya topilmadi.",
                "Транзакция не найдена.",
                "The transaction is not found.",
            ),
        )
    }

    /// The money was spent: it cannot go back.
    pub(super) const fn spent() -> Self {
        Self::new(
            -31_007,
            Text::new(
                "To'lovni bekor qilib bo'lmaydi: mablag' sarflangan.",
                "Отменить платёж нельзя: средства израсходованы.",
                "The payment cannot be cancelled: the money was spent.",
            ),
        )
    }

    /// The state forbids it.
    pub(super) const fn state() -> Self {
        Self::new(
            -31_008,
            Text::new(
                "Amalni bajarib bo'lmaydi.",
                "Невозможно выполнить операцию.",
                "The operation is impossible in this state.",
            ),
        )
    }

    /// No such deposit.
    pub(super) fn no_order() -> Self {
        Self::new(
            -31_050,
            Text::new("Buyurtma topilmadi.", "Заказ не найден.", "The order is not found."),
        )
        .about(ACCOUNT_FIELD)
    }

    /// The deposit is paid.
    pub(super) fn paid() -> Self {
        Self::new(
            -31_051,
            Text::new(
                "Buyurtma allaqachon to'langan.",
                "Заказ уже оплачен.",
                "The order is already paid.",
            ),
        )
        .about(ACCOUNT_FIELD)
    }

    /// The deposit is cancelled, or its time is over.
    pub(super) fn over() -> Self {
        let text = Text::new(
            "Buyurtma bekor qilingan yoki muddati o'tgan.",
            "Заказ отменён или просрочен.",
            "The order is cancelled or expired.",
        );
        Self::new(-31_052, text).about(ACCOUNT_FIELD)
    }

    /// Staff have switched the method off.
    pub(super) fn switched_off() -> Self {
        let text = Text::new(
            "Bu to'lov usuli vaqtincha o'chirilgan.",
            "Этот способ оплаты временно отключён.",
            "This payment method is switched off for now.",
        );
        Self::new(-31_053, text).about(ACCOUNT_FIELD)
    }

    /// Another payment of this deposit is in progress. Which code that is, sources dispute: `PAYME_BUSY_CODE`.
    pub(super) fn busy(code: i64) -> Self {
        let text = Text::new(
            "Bu buyurtma bo'yicha boshqa to'lov amalga oshirilmoqda.",
            "По этому заказу уже выполняется другой платёж.",
            "Another payment of this order is in progress.",
        );
        Self::new(code, text).about(ACCOUNT_FIELD)
    }

    /// The `error` member.
    pub(super) fn render(&self) -> Value {
        let Text { uz, ru, en } = self.message;
        let mut error = json!({ "code": self.code, "message": { "uz": uz, "ru": ru, "en": en } });
        if let (Some(members), Some(data)) = (error.as_object_mut(), &self.data) {
            members.insert("data".to_owned(), data.as_str().into());
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Refusal;

    #[test]
    fn every_message_is_localized_and_the_account_range_names_its_field() {
        for refusal in [
            Refusal::no_order(),
            Refusal::paid(),
            Refusal::over(),
            Refusal::switched_off(),
            Refusal::busy(-31_099),
        ] {
            assert!((-31_099..=-31_050).contains(&refusal.code), "{}", refusal.code);
            let error = refusal.render();
            assert_eq!(error.get("data"), Some(&json!("order_id")));
            for language in ["ru", "uz", "en"] {
                assert!(
                    error
                        .pointer(&format!("/message/{language}"))
                        .is_some_and(|text| text.as_str() != Some(""))
                );
            }
        }
        assert_eq!(
            Refusal::method("ChangePassword").render().get("data"),
            Some(&json!("ChangePassword"))
        );
        assert_eq!(Refusal::unauthorized().render().get("data"), None);
    }
}
