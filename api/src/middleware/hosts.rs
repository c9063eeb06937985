//! Which names the API answers to: a foreign `Host` never reaches a handler.

use salvo::http::header::HOST;
use salvo::http::uri::Authority;
use salvo::{Depot, FlowCtrl, Handler, Request, Response, Writer as _, async_trait};
use shared::Error;
use shared::error::texts;

use crate::error::ApiError;

/// Refuses requests for other hosts; `*` admits all.
pub(crate) struct AllowedHosts {
    pub(crate) hosts: Vec<String>,
}

#[async_trait]
impl Handler for AllowedHosts {
    async fn handle(
        &self,
        req: &mut Request,
        depot: &mut Depot,
        res: &mut Response,
        ctrl: &mut FlowCtrl,
    ) {
        // HTTP/2 has no Host header but an authority.
        let host = req
            .headers()
            .get(HOST)
            .and_then(|value| value.to_str().ok())
            .or(req.uri().authority().map(Authority::as_str));
        if host.is_some_and(|host| self.admits(host)) {
            ctrl.call_next(req, depot, res).await;
        } else {
            ApiError::from(Error::field("host", texts::INVALID)).write(req, depot, res).await;
            ctrl.skip_rest();
        }
    }
}

impl AllowedHosts {
    fn admits(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        self.hosts.iter().any(|allowed| {
            allowed == "*"
                || allowed.eq_ignore_ascii_case(host)
                || allowed.eq_ignore_ascii_case(name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::AllowedHosts;

    #[test]
    fn a_host_is_admitted_by_its_name_with_any_port() {
        let hosts = AllowedHosts {
            hosts: vec![
                "api.wibestore.uz".to_owned(),
                "localhost:8000".to_owned(),
                "[::1]".to_owned(),
            ],
        };
        for (host, admitted) in [
            ("api.wibestore.uz", true),
            ("API.wibestore.uz:443", true),
            ("api.wibestore.uz.evil.com", false),
            ("localhost:8000", true),
            ("localhost", false),
            ("[::1]:8000", true),
            ("", false),
        ] {
            assert_eq!(hosts.admits(host), admitted, "{host:?}");
        }
        assert!(AllowedHosts { hosts: vec!["*".to_owned()] }.admits("anything"));
    }
}
