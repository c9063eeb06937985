//! The envelope: raw bytes to a typed call, and an answer to raw bytes. Pure.

use serde_json::{Map, Value, json};

use super::super::json_rpc::{Broken, Envelope};
use super::errors::Refusal;
use super::{cancel, check_perform, create, fiscal, statement};
use crate::text_enum::text_enum;

/// What Payme is answered: the `result` member, or an error.
pub(super) type Answer = std::result::Result<Value, Refusal>;

text_enum! {
    /// The methods that are answered.
    Method {
        /// May this account pay this amount now?
        CheckPerform = "CheckPerformTransaction",
        /// A payer has begun.
        Create = "CreateTransaction",
        /// The payer has paid.
        Perform = "PerformTransaction",
        /// The payer will not pay, or gets the money back.
        Cancel = "CancelTransaction",
        /// In which state is it?
        Check = "CheckTransaction",
        /// Everything of a period.
        Statement = "GetStatement",
        /// The fiscal receipt.
        Fiscal = "SetFiscalData",
    }
}

/// A call with its parameters.
#[derive(Debug, PartialEq)]
pub(super) enum Call {
    /// `CheckPerformTransaction`.
    CheckPerform(check_perform::Params),
    /// `CreateTransaction`.
    Create(create::Params),
    /// `PerformTransaction` of this id.
    Perform(String),
    /// `CancelTransaction`.
    Cancel(cancel::Params),
    /// `CheckTransaction` of this id.
    Check(String),
    /// `GetStatement`.
    Statement(statement::Params),
    /// `SetFiscalData`.
    Fiscal(fiscal::Params),
}

impl Call {
    /// Payme's id of the transaction it is about, for the log.
    pub(super) fn payment(&self) -> Option<&str> {
        match self {
            Self::Perform(id) | Self::Check(id) => Some(id),
            Self::Create(params) => Some(&params.id),
            Self::Cancel(params) => Some(&params.id),
            Self::Fiscal(params) => Some(&params.id),
            Self::CheckPerform(_) | Self::Statement(_) => None,
        }
    }
}

/// What arrived, read as far as it can be read.
pub(super) struct Request {
    /// Echoed as it came; null when it cannot be read.
    pub id: Value,
    /// The method's name as it came; empty when it cannot be read.
    pub method: String,
    /// The parameters as they came.
    pub params: Value,
    /// The call, or why there is none.
    pub call: std::result::Result<Call, Refusal>,
}

impl Request {
    /// Reads the body of a POST.
    pub(super) fn read(raw: &[u8]) -> Self {
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
        let call = match envelope.flaw {
            Some(member) => Err(Refusal::request(member)),
            None => read_call(&envelope.members),
        };
        let params = envelope.take_params();
        let Envelope { id, method, .. } = envelope;
        Self { id, method, params, call }
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
        Ok(result) => json!({ "result": result, "id": id }),
        Err(refusal) => json!({ "error": refusal.render(), "id": id }),
    }
}

fn read_call(members: &Map<String, Value>) -> std::result::Result<Call, Refusal> {
    let Some(Value::String(name)) = members.get("method") else {
        return Err(Refusal::request("method"));
    };
    let method = Method::parse(name).ok_or_else(|| Refusal::method(name))?;
    let Some(Value::Object(params)) = members.get("params") else {
        return Err(Refusal::request("params"));
    };
    let params = Params(params);
    Ok(match method {
        Method::CheckPerform => Call::CheckPerform(check_perform::Params::read(params)?),
        Method::Create => Call::Create(create::Params::read(params)?),
        Method::Perform => Call::Perform(params.text("id")?.to_owned()),
        Method::Cancel => Call::Cancel(cancel::Params::read(params)?),
        Method::Check => Call::Check(params.text("id")?.to_owned()),
        Method::Statement => Call::Statement(statement::Params::read(params)?),
        Method::Fiscal => Call::Fiscal(fiscal::Params::read(params)?),
    })
}

/// Members by name and type; anything else is `-32600` with the member's name.
#[derive(Clone, Copy)]
pub(super) struct Params<'a>(pub &'a Map<String, Value>);

impl<'a> Params<'a> {
    /// A string.
    pub(super) fn text(self, name: &str) -> std::result::Result<&'a str, Refusal> {
        self.0.get(name).and_then(Value::as_str).ok_or_else(|| Refusal::request(name))
    }

    /// An integer: never a float, never a string.
    pub(super) fn integer(self, name: &str) -> std::result::Result<i64, Refusal> {
        self.0.get(name).and_then(Value::as_i64).ok_or_else(|| Refusal::request(name))
    }

    /// An object.
    pub(super) fn object(self, name: &str) -> std::result::Result<&'a Map<String, Value>, Refusal> {
        self.0.get(name).and_then(Value::as_object).ok_or_else(|| Refusal::request(name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Call, Request, render};

    fn read(text: &str) -> Request {
        Request::read(text.as_bytes())
    }

    fn code(text: &str) -> Option<i64> {
        read(text).call.err().map(|refusal| refusal.code)
    }

    #[test]
    fn what_is_not_a_call_is_refused_with_the_protocols_code() {
        let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
        for (text, expected) in [
            ("", -32_700),
            ("{", -32_700),
            ("nonsense", -32_700),
            ("{} {}", -32_700),
            (r#"{"method":"\ud800"}"#, -32_700),
            (r#"{"method":"CheckTransaction","params":{"id":"a"},"id":1e999}"#, -32_700),
            (deep.as_str(), -32_700),
            ("[]", -32_600),
            ("1", -32_600),
            ("null", -32_600),
            ("\"CheckTransaction\"", -32_600),
            ("{}", -32_600),
            (r#"{"method":1,"params":{}}"#, -32_600),
            (r#"{"method":null,"params":{}}"#, -32_600),
            (r#"{"method":"CheckTransaction"}"#, -32_600),
            (r#"{"method":"CheckTransaction","params":[]}"#, -32_600),
            (r#"{"method":"CheckTransaction","params":{}}"#, -32_600),
            (r#"{"method":"CheckTransaction","params":{"id":5}}"#, -32_600),
            (r#"{"method":"CheckTransaction","params":{"id":"a\u0000b"}}"#, -32_600),
            (r#"{"method":"CheckTransaction","params":{"id":"a"},"id":{}}"#, -32_600),
            (r#"{"method":"CheckTransaction","params":{"id":"a"},"id":1.5}"#, -32_600),
            (r#"{"method":"ChangePassword","params":{"password":"x"}}"#, -32_601),
            (r#"{"method":"performtransaction","params":{"id":"a"}}"#, -32_601),
            (r#"{"method":"GetStatement","params":{"from":1}}"#, -32_600),
            (r#"{"method":"GetStatement","params":{"from":2,"to":1}}"#, -32_600),
            (r#"{"method":"GetStatement","params":{"from":"1","to":"2"}}"#, -32_600),
            (r#"{"method":"CancelTransaction","params":{"id":"a"}}"#, -32_600),
            (r#"{"method":"CancelTransaction","params":{"id":"a","reason":"1"}}"#, -32_600),
            (r#"{"method":"CancelTransaction","params":{"id":"a","reason":70000}}"#, -32_600),
            (r#"{"method":"SetFiscalData","params":{"id":"a","type":"PERFORM"}}"#, -32_602),
            (
                r#"{"method":"SetFiscalData","params":{"id":"a","type":"OTHER","fiscal_data":{}}}"#,
                -32_602,
            ),
        ] {
            assert_eq!(code(text), Some(expected), "{text:.80}");
        }
        assert_eq!(
            Request::read(&[b'{', 0xff, b'}']).call.err().map(|refusal| refusal.code),
            Some(-32_700)
        );
    }

    #[test]
    fn amounts_are_integers_of_tiyin() {
        let check = |amount: &str| {
            code(&format!(
                r#"{{"method":"CheckPerformTransaction","params":{{"amount":{amount},"account":{{"order_id":"1"}}}}}}"#
            ))
        };
        for good in ["500000", "0", "-5"] {
            assert_eq!(check(good), None, "{good}: a wrong amount is not a malformed one");
        }
        for bad in ["500000.0", "5e5", "\"500000\"", "null", "[500000]", "9223372036854775808"] {
            assert_eq!(check(bad), Some(-32_600), "{bad}");
        }
    }

    #[test]
    fn the_id_is_echoed_as_it_came() {
        for id in ["2032", "\"2032\"", "null", "-1", "18446744073709551615", "\"\""] {
            let request = read(&format!(
                r#"{{"method":"CheckTransaction","params":{{"id":"a"}},"id":{id}}}"#
            ));
            assert_eq!(request.call.as_ref().ok(), Some(&Call::Check("a".to_owned())), "{id}");
            let answer = render(&request.id, &Ok(json!({}))).to_string();
            assert_eq!(answer, format!(r#"{{"id":{id},"result":{{}}}}"#));
        }
        assert_eq!(read(r#"{"method":"CheckTransaction","params":{"id":"a"}}"#).id, Value::Null);
        assert_eq!(read(r#"{"id":7}"#).id, json!(7), "also when the call is refused");
    }

    #[test]
    fn the_jsonrpc_member_and_unknown_members_do_not_matter() {
        let request = read(
            r#"{"jsonrpc":"2.0","method":"PerformTransaction","params":{"id":"a","extra":1},"id":3,"more":[]}"#,
        );
        assert_eq!(request.call.ok(), Some(Call::Perform("a".to_owned())));
        assert_eq!(request.method, "PerformTransaction");
    }
}
