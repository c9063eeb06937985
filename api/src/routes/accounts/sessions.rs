//! A person's sessions: where they are signed in, and ending that.

use chrono::{DateTime, Utc};
use shared::accounts::{self, SessionView};
use shared::ids::SessionId;

use super::DoneOut;
use super::issued::TakenBack;
use crate::prelude::*;

/// A live session of the caller.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: SessionId,
    /// Signed in at.
    #[salvo(schema(value_type = String, format = DateTime))]
    created_at: DateTime<Utc>,
    /// Last continued at: a client in use continues it every quarter of an hour.
    #[salvo(schema(value_type = String, format = DateTime))]
    last_used_at: DateTime<Utc>,
    /// Over at the latest at.
    #[salvo(schema(value_type = String, format = DateTime))]
    expires_at: DateTime<Utc>,
    /// The address it was opened from.
    ip: Option<String>,
    /// The program it was opened with, in its own words.
    user_agent: Option<String>,
    /// It is the one that asks.
    current: bool,
}

impl Shown for SessionOut {}

/// The caller's sessions.
pub(crate) struct OwnSessions;

impl Listed for OwnSessions {
    type Item = SessionOut;
    type Order = ();
    type Filters = ();
    const ORDERINGS: &'static [(&'static str, ())] = &[];
    const DEFAULT_ORDER: () = ();
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(_query: &mut Query) {}
}

/// Lists where the caller is signed in, the session used last first.
#[endpoint(tags("accounts"))]
pub(crate) async fn list_sessions(
    app: AppState,
    me: SignedIn,
    list: List<OwnSessions>,
) -> ApiResult<NoStore<Paged<SessionOut>>> {
    let conn = &mut app.db.read().await?;
    let page = accounts::list_sessions(conn, &app, me.user.id, list.window).await?;
    Ok(NoStore(list.page(page.map(|session| SessionOut::new(session, me.session)))))
}

/// Ends a session of the caller: its tokens are worth nothing from then on.
#[endpoint(tags("accounts"))]
pub(crate) async fn end_session(
    app: AppState,
    me: SignedIn,
    id: Id<SessionId>,
) -> ApiResult<NoContent> {
    app.db.transaction(async |tx| accounts::end_session(tx, me.user.id, *id).await).await?;
    Ok(NoContent)
}

/// Ends every session of the caller, this one too.
#[endpoint(tags("accounts"))]
pub(crate) async fn log_out_everywhere(
    app: AppState,
    me: SignedIn,
) -> ApiResult<TakenBack<Json<DoneOut>>> {
    let user = me.user.id;
    let _done = app.db.transaction(async |tx| accounts::log_out_everywhere(tx, user).await).await?;
    Ok(TakenBack(DoneOut::json()))
}

impl SessionOut {
    fn new(session: SessionView, current: SessionId) -> Self {
        let SessionView { id, created_at, last_used_at, expires_at, ip, user_agent } = session;
        let current = id == current;
        Self { id, created_at, last_used_at, expires_at, ip, user_agent, current }
    }
}
