//! What a person is told at once about their own account, whatever they chose to be told about.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};

use super::model::User;
use crate::error::Result;
use crate::ids::SessionId;
use crate::mail::templates::{new_device, password_changed, token_reused};
use crate::mail::{Letter, Reader, local_time};
use crate::schema::sessions;
use crate::{App, Conn};

/// What happened to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum SecurityNews {
    /// Somebody signed in from a device that the person never signed in from.
    NewDevice {
        /// The session they got.
        session_id: SessionId,
    },
    /// A refresh token came back that had been replaced long ago: somebody has a copy, and the session was ended.
    TokenReused {
        /// The session that ended.
        session_id: SessionId,
    },
    /// The password was changed by somebody who knew it.
    PasswordChanged {
        /// When.
        changed_at: DateTime<Utc>,
    },
    /// A new password was chosen with a mailed link.
    PasswordReset {
        /// When.
        changed_at: DateTime<Utc>,
    },
}

/// From where a session was opened.
#[derive(Queryable)]
struct Opened {
    at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    ip: Option<String>,
    user_agent: Option<String>,
}

impl SecurityNews {
    /// The word for it in the audit log.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::NewDevice { .. } => "auth.new_device",
            Self::TokenReused { .. } => "auth.token_reused",
            Self::PasswordChanged { .. } => "auth.password_changed",
            Self::PasswordReset { .. } => "auth.password_reset",
        }
    }

    /// The permanent name of what happened: it happened once.
    pub(super) fn key(self) -> String {
        match self {
            Self::NewDevice { session_id } => format!("new_device:{session_id}"),
            Self::TokenReused { session_id } => format!("token_reused:{session_id}"),
            Self::PasswordChanged { changed_at } => {
                format!("password_changed:{}", changed_at.timestamp_micros())
            }
            Self::PasswordReset { changed_at } => {
                format!("password_reset:{}", changed_at.timestamp_micros())
            }
        }
    }

    /// The letter about it.
    pub(super) async fn letter(
        self,
        conn: &mut Conn,
        app: &App,
        to: &User,
    ) -> Result<Option<Letter>> {
        let reader = &Reader::from(to);
        let frontend = &app.settings.http.frontend_url;
        let settings = format!("{frontend}/settings");
        Ok(match self {
            Self::NewDevice { session_id } => {
                let Some(from) = Opened::find(conn, session_id).await? else { return Ok(None) };
                let at = local_time(conn, from.at, to).await?;
                Some(new_device::letter(reader, &from.told(at), &settings))
            }
            Self::TokenReused { session_id } => {
                let Some(from) = Opened::find(conn, session_id).await? else { return Ok(None) };
                let at = local_time(conn, from.ended_at.unwrap_or(from.at), to).await?;
                Some(token_reused::letter(reader, &from.told(at), &settings))
            }
            Self::PasswordChanged { changed_at } | Self::PasswordReset { changed_at } => {
                let at = local_time(conn, changed_at, to).await?;
                let link = format!("{frontend}/forgot-password");
                Some(password_changed::letter(reader, &at, &link))
            }
        })
    }
}

impl Opened {
    async fn find(conn: &mut Conn, id: SessionId) -> Result<Option<Self>> {
        let columns =
            (sessions::created_at, sessions::revoked_at, sessions::ip, sessions::user_agent);
        Ok(sessions::table.find(id).select(columns).first(conn).await.optional()?)
    }

    fn told(self, at: String) -> new_device::Device {
        new_device::Device { at, ip: self.ip, program: self.user_agent }
    }
}
