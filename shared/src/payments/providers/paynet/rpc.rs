//! The envelope: raw bytes to a typed call, and an answer to raw bytes. Pure.

use serde_json::{Map, Value, json};

use super::super::json_rpc::{Broken, Envelope};
use super::errors::Refusal;
use super::order::Account;
use super::{perform, statement};
use crate::text_enum::text_enum;

/// The protocol's version.
const VERSION: &str = "2.0";

/// What Paynet is answered: the `result` member, or an error.
pub(super) type Answer = std::result::Result<Value, Refusal>;

text_enum! {
    /// The methods that are answered. `ChangePassword`, which is optional, is not: passwords are changed in the settings.
    Method {
        /// Whom does the payer pay, and how much?
        Information = "GetInformation",
        /// The payer has paid.
        Perform = "PerformTransaction",
        /// In which state is it?
        Check = "CheckTransaction",
        /// The payer gets the money back.
        Cancel = "CancelTransaction",
        /// Everything of a period.
        Statement = "GetStatement",
    }
}

/// A call with its parameters.
#[derive(Debug, PartialEq)]
pub(super) enum Call {
    /// `GetInformation` of this account.
    Information(Account),
    /// `PerformTransaction`.
    Perform(perform::Params),
    /// `CheckTransaction` of this number.
    Check(i64),
    /// `CancelTransaction` of this number.
    Cancel(i64),
    /// `GetStatement`.
    Statement(statement::Params),
}

impl Call {
    /// Paynet's number of the transaction it is about, for the log.
    pub(super) fn payment(&self) -> Option<i64> {
        match self {
            Self::Perform(params) => Some(params.id),
            Self::Check(id) | Self::Cancel(id) => Some(*id),
            Self::Information(_) | Self::Statement(_) => None,
        }
    }
}

/// What arrived, read as far as it can be read.
pub(super) struct Request {
    /// Echoed as it came; null when it cannot be read.
    pub id: Value,
    /// The method's name as it came, trimmed; empty when it cannot be read.
    pub method: String,
    /// The parameters as they came.
    pub params: Value,
    /// The call, or why there is none.
    pub call: std::result::Result<Call, Refusal>,
}

impl Request {
    /// Reads the body of a POST to the service of this number.
    pub(super) fn read(raw: &[u8], service: &str) -> Self {
        let unreadable = |refusal| Self {
            id: Value::Null,
            method: String::new(),
            params: Value::Null,
            call: Err(refusal),
        };
        let mut envelope = match Envelope::read(raw) {
            Ok(envelope) => envelope,
            Err(Broken::Json) => return unreadable(Refusal::parse()),
            Err(Broken::Object) => return unreadable(Refusal::request("request")),
        };
        // A stray space before the name was seen in the wild.
        let method = envelope.method.trim().to_owned();
        let call = match envelope.flaw {
            Some(member) => Err(Refusal::request(member)),
            None => read_call(&envelope.members, &method, service),
        };
        let params = envelope.take_params();
        Self { id: envelope.id, method, params, call }
    }

    /// The method's name if it is one of ours, for labels that must stay few.
    pub(super) fn label(&self) -> &'static str {
        match Method::parse(&self.method) {
            Some(method) => method.as_str(),
            None if self.method.is_empty() => "none",
            None => "unknown",
        }
    }
}

/// The body of the answer.
pub(super) fn render(id: &Value, answer: &Answer) -> Value {
    match answer {
        Ok(result) => json!({ "jsonrpc": VERSION, "id": id, "result": result }),
        Err(refusal) => json!({ "jsonrpc": VERSION, "id": id, "error": refusal.render() }),
    }
}

fn read_call(
    members: &Map<String, Value>,
    method: &str,
    service: &str,
) -> std::result::Result<Call, Refusal> {
    if members.get("jsonrpc").is_some_and(|version| version.as_str() != Some(VERSION)) {
        return Err(Refusal::request("jsonrpc"));
    }
    if method.is_empty() {
        return Err(Refusal::request("method"));
    }
    let method = Method::parse(method).ok_or_else(|| Refusal::method(method))?;
    let Some(Value::Object(params)) = members.get("params") else {
        return Err(Refusal::params("params"));
    };
    let params = Params(params);
    params.must_be_of(service)?;
    Ok(match method {
        Method::Information => Call::Information(Account::read(params)?),
        Method::Perform => Call::Perform(perform::Params::read(params)?),
        Method::Check => Call::Check(params.transaction_id()?),
        Method::Cancel => Call::Cancel(params.transaction_id()?),
        Method::Statement => Call::Statement(statement::Params::read(params)?),
    })
}

/// Parameters by name and type: what is not there is 411, what has the wrong type is -32602.
#[derive(Clone, Copy)]
pub(super) struct Params<'a>(pub &'a Map<String, Value>);

impl<'a> Params<'a> {
    /// Whatever was sent; null is nothing.
    pub(super) fn get(self, name: &str) -> std::result::Result<&'a Value, Refusal> {
        self.0.get(name).filter(|value| !value.is_null()).ok_or_else(|| Refusal::missing(name))
    }

    /// An integer: never a float, never a string.
    pub(super) fn integer(self, name: &str) -> std::result::Result<i64, Refusal> {
        self.get(name)?.as_i64().ok_or_else(|| Refusal::params(name))
    }

    /// An object.
    pub(super) fn object(self, name: &str) -> std::result::Result<&'a Map<String, Value>, Refusal> {
        self.get(name)?.as_object().ok_or_else(|| Refusal::params(name))
    }

    /// Paynet's number of a transaction.
    pub(super) fn transaction_id(self) -> std::result::Result<i64, Refusal> {
        const NAME: &str = "transactionId";
        let id = self.integer(NAME)?;
        if id > 0 { Ok(id) } else { Err(Refusal::params(NAME)) }
    }

    /// Only calls for our own service are ours to answer.
    fn must_be_of(self, service: &str) -> std::result::Result<(), Refusal> {
        let ours = match self.get("serviceId")? {
            Value::Number(number) => number.to_string() == service,
            Value::String(text) => text == service,
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        };
        if ours { Ok(()) } else { Err(Refusal::service()) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Call, Request, render};

    fn read(text: &str) -> Request {
        Request::read(text.as_bytes(), "30001")
    }

    fn code(text: &str) -> Option<i64> {
        read(text).call.err().map(|refusal| refusal.code)
    }

    fn code_of(method: &str, params: &str) -> Option<i64> {
        code(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#))
    }

    #[test]
    fn what_is_not_a_call_is_refused_with_the_protocols_code() {
        let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
        for (text, expected) in [
            ("", -32_700),
            ("{", -32_700),
            ("{} {}", -32_700),
            (r#"{"method":"\ud800"}"#, -32_700),
            (r#"{"method":"CheckTransaction","id":1e999}"#, -32_700),
            (deep.as_str(), -32_700),
            ("[]", -32_600),
            (r#"[{"jsonrpc":"2.0","method":"CheckTransaction","params":{}}]"#, -32_600),
            ("null", -32_600),
            ("{}", -32_600),
            (r#"{"method":1,"params":{}}"#, -32_600),
            (r#"{"method":"  ","params":{}}"#, -32_600),
            (r#"{"jsonrpc":"1.0","method":"CheckTransaction","params":{}}"#, -32_600),
            (r#"{"jsonrpc":2.0,"method":"CheckTransaction","params":{}}"#, -32_600),
            (r#"{"method":"CheckTransaction","params":{},"id":[]}"#, -32_600),
            (r#"{"method":"CheckTransaction","params":{"a":"\u0000"}}"#, -32_600),
            (r#"{"method":"Nonsense","params":{}}"#, -32_601),
            (r#"{"method":"checktransaction","params":{}}"#, -32_601),
            (r#"{"method":"ChangePassword","params":{"newPassword":"x"}}"#, -32_601),
            (r#"{"method":"CheckTransaction"}"#, -32_602),
            (r#"{"method":"CheckTransaction","params":[]}"#, -32_602),
        ] {
            assert_eq!(code(text), Some(expected), "{text:.80}");
        }
        let broken = Request::read(&[b'{', 0xff, b'}'], "30001");
        assert_eq!(broken.call.err().map(|refusal| refusal.code), Some(-32_700));
    }

    #[test]
    fn only_our_own_service_is_answered_for() {
        for method in [
            "GetInformation",
            "PerformTransaction",
            "CheckTransaction",
            "CancelTransaction",
            "GetStatement",
        ] {
            for foreign in ["30002", "\"30002\"", "30001.0", "\" 30001\"", "true", "[30001]", "{}"]
            {
                let params = format!(r#"{{"serviceId":{foreign}}}"#);
                assert_eq!(code_of(method, &params), Some(305), "{method} {foreign}");
            }
            for missing in ["{}", r#"{"serviceId":null}"#, r#"{"serviceId":30001}"#] {
                assert_eq!(code_of(method, missing), Some(411), "{method} {missing}");
            }
        }
        assert_eq!(code_of("CheckTransaction", r#"{"serviceId":"30001","transactionId":1}"#), None);
    }

    #[test]
    fn numbers_are_integers() {
        let perform = |id: &str, amount: &str| {
            let params = format!(
                r#"{{"serviceId":30001,"transactionId":{id},"amount":{amount},"fields":{{"order_id":"1"}}}}"#
            );
            code_of("PerformTransaction", &params)
        };
        for good in ["1", "9223372036854775807"] {
            assert_eq!(perform(good, "5000000"), None, "{good}");
        }
        for good in ["0", "-5", "9223372036854775807"] {
            assert_eq!(perform("1", good), None, "{good}: a wrong amount is not a malformed one");
        }
        for bad in ["\"1\"", "1.0", "1e3", "9223372036854775808", "true", "[]", "{}"] {
            assert_eq!(perform(bad, "5000000"), Some(-32_602), "{bad}");
            assert_eq!(perform("1", bad), Some(-32_602), "{bad}");
        }
        for bad in ["0", "-1"] {
            assert_eq!(perform(bad, "5000000"), Some(-32_602), "{bad}");
        }
        assert_eq!(perform("null", "5000000"), Some(411));
        assert_eq!(perform("1", "null"), Some(411));
    }

    #[test]
    fn a_statement_has_two_dates_in_order() {
        let statement = |from: &str, to: &str| {
            let params = format!(r#"{{"serviceId":30001,"dateFrom":{from},"dateTo":{to}}}"#);
            code_of("GetStatement", &params)
        };
        let (early, late) = ("\"2026-10-01 00:00:00\"", "\"02.10.2026 00:00:00\"");
        assert_eq!(statement(early, late), None);
        assert_eq!(statement(early, early), None);
        assert_eq!(statement(late, early), Some(414));
        assert_eq!(statement("null", late), Some(411));
        for bad in ["\"2026-10-01\"", "1790794509000", "\"\"", "[]", "\"2026-13-01 00:00:00\""] {
            assert_eq!(statement(bad, late), Some(414), "{bad}");
            assert_eq!(statement(early, bad), Some(414), "{bad}");
        }
    }

    #[test]
    fn the_id_is_echoed_as_it_came() {
        for id in ["2032", "\"2032\"", "null", "-1", "18446744073709551615", "\"\""] {
            let request = read(&format!(
                r#"{{"method":" CheckTransaction ","params":{{"serviceId":30001,"transactionId":5}},"id":{id}}}"#
            ));
            assert_eq!(request.call.as_ref().ok(), Some(&Call::Check(5)), "{id}");
            assert_eq!(request.method, "CheckTransaction", "trimmed");
            let answer = render(&request.id, &Ok(json!({}))).to_string();
            assert_eq!(answer, format!(r#"{{"id":{id},"jsonrpc":"2.0","result":{{}}}}"#));
        }
        assert_eq!(read(r#"{"id":7}"#).id, json!(7), "also when the call is refused");
        assert_eq!(read(r#"{"id":1.5}"#).id, Value::Null);
    }
}
