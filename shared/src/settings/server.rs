//! How patient the API's server is with its clients.

use std::time::Duration;

use super::SettingsError;
use super::vars::Vars;

/// How patient the API's server is with its clients.
#[derive(Clone, Copy, Debug)]
pub struct ServerSettings {
    /// `HTTP_HEADER_TIMEOUT` (10s): a request's head takes at most so long, and a connection waits so long for the next one.
    pub header_timeout: Duration,
    /// `HTTP_BODY_TIMEOUT` (10s): a body, or a reader, that stands still for so long is given up.
    pub body_timeout: Duration,
    /// `HTTP_REQUEST_TIMEOUT` (15s): from the head of a request to the head of its answer; four times as long for exports
    /// and uploads.
    pub request_timeout: Duration,
    /// `HTTP_MAX_CONNECTIONS` (2000): more wait in the listen queue.
    pub max_connections: usize,
}

pub(super) fn server(vars: &Vars) -> Result<ServerSettings, SettingsError> {
    let max_connections = vars.parse("HTTP_MAX_CONNECTIONS", 2_000)?;
    if max_connections == 0 {
        return Err(SettingsError::new("HTTP_MAX_CONNECTIONS", "must be at least 1"));
    }
    Ok(ServerSettings {
        header_timeout: vars.duration("HTTP_HEADER_TIMEOUT", "10s")?,
        body_timeout: vars.duration("HTTP_BODY_TIMEOUT", "10s")?,
        request_timeout: vars.duration("HTTP_REQUEST_TIMEOUT", "15s")?,
        max_connections,
    })
}

/// The origins that browsers may call from: the frontend's, and those of `CORS_ALLOWED_ORIGINS`.
pub(super) fn origins(vars: &Vars, frontend_url: &str) -> Result<Vec<String>, SettingsError> {
    let name = "CORS_ALLOWED_ORIGINS";
    let own = origin(frontend_url)
        .ok_or_else(|| SettingsError::new("FRONTEND_URL", "must be an http or https URL"))?;
    let mut origins = vec![own];
    for text in vars.list(name, "") {
        let exact = origin(&text).filter(|origin| *origin == text);
        origins.push(exact.ok_or_else(|| {
            SettingsError::new(
                name,
                "must be origins such as https://admin.example.uz, no path, no *",
            )
        })?);
    }
    Ok(origins)
}

/// `scheme://host[:port]` of a URL, as a browser writes it.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = !host.is_empty() && !host.contains(['*', '@', ' ']);
    let web = matches!(scheme, "http" | "https");
    (plain && web).then(|| format!("{scheme}://{}", host.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::Settings;

    fn origins(frontend: &str, more: &str) -> Option<Vec<String>> {
        let vars = [("FRONTEND_URL", frontend), ("CORS_ALLOWED_ORIGINS", more)];
        let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let vars: HashMap<_, _> = vars.into_iter().map(text).collect();
        Settings::from_vars(vars).ok().map(|settings| settings.http.origins)
    }

    #[test]
    fn origins_are_exact() {
        let found = origins("https://Wibestore.uz/app/", "https://admin.uz, http://localhost:3000");
        let meant = ["https://wibestore.uz", "https://admin.uz", "http://localhost:3000"];
        assert_eq!(found.expect("valid"), meant);
        for more in
            ["*", "null", "https://*.uz", "https://a.uz/", "https://A.uz", "ftp://a.uz", "a.uz"]
        {
            assert!(origins("https://wibestore.uz", more).is_none(), "{more}");
        }
        assert!(origins("wibestore.uz", "").is_none());
    }
}
