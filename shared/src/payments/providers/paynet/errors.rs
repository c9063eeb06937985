//! What Paynet is told when the answer is no: its codes, positive, with a sentence for its operators.

use serde_json::{Value, json};

/// An RPC error.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    /// Paynet's code.
    pub code: i64,
    message: &'static str,
    data: Option<String>,
}

impl Refusal {
    const fn new(code: i64, message: &'static str) -> Self {
        Self { code, message, data: None }
    }

    fn about(self, data: &str) -> Self {
        Self { data: Some(data.to_owned()), ..self }
    }

    /// The HTTP method is not POST.
    pub(super) const fn not_post() -> Self {
        Self::new(-32_300, "Метод запроса не POST")
    }

    /// Not JSON.
    pub(super) const fn parse() -> Self {
        Self::new(-32_700, "Ошибка разбора JSON")
    }

    /// JSON, but not a call.
    pub(super) fn request(member: &str) -> Self {
        Self::new(-32_600, "Неверный запрос").about(member)
    }

    /// No such method.
    pub(super) fn method(name: &str) -> Self {
        Self::new(-32_601, "Метод не найден").about(name)
    }

    /// A parameter has the wrong type.
    pub(super) fn params(name: &str) -> Self {
        Self::new(-32_602, "Неверные параметры").about(name)
    }

    /// A parameter is not there.
    pub(super) fn missing(name: &str) -> Self {
        Self::new(411, "Не заданы один или несколько обязательных параметров").about(name)
    }

    /// The money was spent: it cannot go back.
    pub(super) const fn spent() -> Self {
        Self::new(77, "Недостаточно средств на счёте клиента для отмены платежа")
    }

    /// Staff have switched the method off.
    pub(super) const fn switched_off() -> Self {
        Self::new(100, "Услуга временно не поддерживается")
    }

    /// Our fault.
    pub(super) const fn internal() -> Self {
        Self::new(102, "Системная ошибка")
    }

    /// This transaction was performed, or is just being.
    pub(super) const fn exists() -> Self {
        Self::new(201, "Транзакция уже существует")
    }

    /// This transaction was cancelled.
    pub(super) const fn already_cancelled() -> Self {
        Self::new(202, "Транзакция уже отменена")
    }

    /// This transaction was never performed.
    pub(super) const fn unknown_transaction() -> Self {
        Self::new(203, "Транзакция не найдена")
    }

    /// No such deposit of this provider.
    pub(super) const fn no_order() -> Self {
        Self::new(302, "Клиент не найден")
    }

    /// The deposit is paid.
    pub(super) const fn paid() -> Self {
        Self::new(302, "Заказ уже оплачен")
    }

    /// The deposit is cancelled, or its time is over.
    pub(super) const fn over() -> Self {
        Self::new(302, "Заказ отменён или просрочен")
    }

    /// The service is not ours.
    pub(super) const fn service() -> Self {
        Self::new(305, "Услуга не найдена")
    }

    /// Who is asking is not Paynet.
    pub(super) const fn unauthorized() -> Self {
        Self::new(412, "Неверный логин или пароль")
    }

    /// Another amount than the deposit's.
    pub(super) const fn amount() -> Self {
        Self::new(413, "Неверная сумма")
    }

    /// Not a date, or the end before the beginning.
    pub(super) fn date(name: &str) -> Self {
        Self::new(414, "Неверный формат даты и времени").about(name)
    }

    /// More than any deposit may be.
    pub(super) const fn over_limit() -> Self {
        Self::new(415, "Сумма превышает максимальный лимит")
    }

    /// The `error` member.
    pub(super) fn render(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let (Some(members), Some(data)) = (error.as_object_mut(), &self.data) {
            members.insert("data".to_owned(), data.as_str().into());
        }
        error
    }
}
