//! The audit log, for staff: who did what to which object, from where; in pages, as a feed, and as a file.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use salvo::http::StatusCode;
use salvo::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use salvo::oapi::{
    BasicType, Components, Content, EndpointOutRegister, Object, Operation, Response as ResponseDoc,
};
use salvo::{Depot, Request, Response, async_trait};
use serde_json::{Value, json};
use shared::audit::{self, Actor, ActorFilter, AuditFilter, AuditOrder, AuditView, Entry, Export};
use shared::ids::UserId;
use shared::{Code, Error, Result};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use uuid::Uuid;

use super::statements::harmless;
use crate::prelude::*;

/// Each export holds a database connection for as long as its reader reads.
static EXPORTS: Semaphore = Semaphore::const_new(2);
/// How long an export waits for another one to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// The columns of the file.
const HEADER: [&str; 11] = [
    "id",
    "created_at",
    "actor",
    "admin_email",
    "action_type",
    "target_type",
    "target_id",
    "ip_address",
    "user_agent",
    "request_id",
    "details",
];

/// A line of the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditOut {
    id: i64,
    #[salvo(schema(value_type = String, format = DateTime))]
    created_at: DateTime<Utc>,
    /// `user:…` for themselves, `staff:…` for the platform, `job:…`, `system`, `provider:…`, `operator:…` at the command line.
    actor: String,
    /// The person, if it was one.
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    admin_id: Option<UserId>,
    admin_email: Option<String>,
    /// What others call the person; the actor when it was none.
    admin_name: String,
    /// What was done: `listing.approve`, `auth.signed_in`, `access.refused`, …
    action_type: String,
    target_type: String,
    target_id: String,
    #[salvo(schema(value_type = Object))]
    details: Value,
    /// None for jobs and the command line.
    ip_address: Option<String>,
    user_agent: Option<String>,
    /// `X-Request-ID` of the request, or of the one that caused the job.
    request_id: Option<String>,
}

impl Shown for AuditOut {}

impl From<AuditView> for AuditOut {
    fn from(AuditView { entry, email, name }: AuditView) -> Self {
        Self {
            id: entry.id,
            created_at: entry.at,
            admin_id: entry.actor_id,
            admin_email: email,
            admin_name: name.unwrap_or_else(|| entry.actor.clone()),
            actor: entry.actor,
            action_type: entry.action,
            target_type: entry.object_type,
            target_id: entry.object_id,
            details: entry.details,
            ip_address: entry.ip,
            user_agent: entry.user_agent,
            request_id: entry.request_id,
        }
    }
}

/// The whole log.
pub(crate) struct AuditLog;

impl Listed for AuditLog {
    type Item = AuditOut;
    type Order = AuditOrder;
    type Filters = AuditFilter;
    const ORDERINGS: &'static [(&'static str, AuditOrder)] =
        &[("created_at", AuditOrder::Oldest), ("-created_at", AuditOrder::Newest)];
    const DEFAULT_ORDER: AuditOrder = AuditOrder::Newest;
    // The panel shows all and never pages.
    const DEFAULT_LIMIT: i64 = 100;
    const FEED: bool = true;

    fn filters(query: &mut Query) -> AuditFilter {
        AuditFilter {
            actor: query.text("actor").map(named),
            action: query.text("action_type"),
            object_type: query.text("target_type"),
            object_id: query.text("target_id"),
            request_id: query.text("request_id"),
            since: query.since("date_from"),
            until: query.until("date_to"),
        }
    }
}

/// A person by their id or address, or another actor by its name.
fn named(text: String) -> ActorFilter {
    match Uuid::try_parse(&text) {
        Ok(id) => ActorFilter::Person(UserId(id)),
        Err(_) if text.contains('@') => ActorFilter::Address(text.to_ascii_lowercase()),
        Err(_) => ActorFilter::Named(text),
    }
}

/// Lists the audit log, newest first: `action_type` is an action (`listing.approve`) or its first word (`listing`), `actor`
/// a person's id or e-mail or a name (`system`, `job`, `provider:payme`). For all of it: `cursor=start`, then each `next`.
/// For staff.
#[endpoint(tags("admin"))]
pub(crate) async fn list_audit_log(
    app: AppState,
    _staff: Staff,
    list: List<AuditLog>,
) -> ApiResult<Paged<AuditOut>> {
    let conn = &mut app.db.read().await?;
    let part = audit::list(conn, &list.filters, list.order, list.slice()).await?;
    Ok(list.part(part.map(AuditOut::from)))
}

/// The audit log as a CSV file: UTF-8, the oldest first, of one instant, with the filters of the list. Audited itself. For
/// staff.
#[endpoint(tags("admin"))]
pub(crate) async fn export_audit_log(
    app: AppState,
    staff: Staff,
    narrowed: Narrowed<AuditLog>,
) -> ApiResult<AuditFile> {
    let permit = timeout(PATIENCE, EXPORTS.acquire()).await;
    let permit = permit.ok().and_then(std::result::Result::ok);
    let permit = permit.ok_or_else(|| Error::new(Code::Busy))?;
    let by = Actor::Staff(staff.user.id);
    let details = json!({ "filters": format!("{:?}", narrowed.filters) });
    let object = ("export", "audit_log".to_owned());
    app.db
        .transaction(async |tx| audit::record(tx, by, "export.audit_log", object, details).await)
        .await?;
    let export = Export::open(&app.db, narrowed.filters).await?;
    Ok(AuditFile::open(Reading { export, _one_of_few: permit }).await?)
}

/// A file that is read from the database while it is sent.
pub(crate) struct AuditFile(BoxStream<'static, Result<Vec<u8>>>);

/// An export on its way.
struct Reading {
    export: Export,
    _one_of_few: SemaphorePermit<'static>,
}

impl AuditFile {
    /// Reads the first lines, so that what can go wrong at once is answered and not cut off.
    async fn open(mut reading: Reading) -> Result<Self> {
        let mut first = lines([HEADER.map(str::to_owned)])?;
        first.extend(reading.next().await?.unwrap_or_default());
        let rest = stream::unfold(Some(reading), |reading| async move {
            let mut reading = reading?;
            match reading.next().await {
                Ok(Some(text)) => Some((Ok(text), Some(reading))),
                Ok(None) => None,
                Err(error) => {
                    tracing::warn!(target: "http", error = %error.causes(), "an export broke off");
                    // A short file must not look whole.
                    Some((Err(error), None))
                }
            }
        });
        Ok(Self(stream::iter([Ok(first)]).chain(rest).boxed()))
    }
}

impl Reading {
    /// The next lines as text.
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(rows) = self.export.next().await? else { return Ok(None) };
        lines(rows.into_iter().map(cells)).map(Some)
    }
}

fn lines(rows: impl IntoIterator<Item = [String; 11]>) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(Error::internal)?;
    }
    writer.into_inner().map_err(|error| Error::internal(error.to_string()))
}

fn cells(AuditView { entry, email, name: _ }: AuditView) -> [String; 11] {
    let Entry { id, at, actor_id: _, actor, action, object_type, object_id, details, .. } = entry;
    let maybe = |text: Option<String>| harmless(text.as_deref().unwrap_or_default());
    [
        id.to_string(),
        at.to_rfc3339(),
        harmless(&actor),
        maybe(email),
        action,
        object_type,
        harmless(&object_id),
        maybe(entry.ip),
        maybe(entry.user_agent),
        maybe(entry.request_id),
        details.to_string(),
    ]
}

#[async_trait]
impl Writer for AuditFile {
    async fn write(self, _req: &mut Request, _depot: &mut Depot, res: &mut Response) {
        let headers = res.headers_mut();
        let name = HeaderValue::from_static("attachment; filename=\"audit-log.csv\"");
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
        headers.insert(CONTENT_DISPOSITION, name);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        res.status_code(StatusCode::OK);
        res.stream(self.0);
    }
}

impl EndpointOutRegister for AuditFile {
    fn register(_components: &mut Components, operation: &mut Operation) {
        let text = Content::new(Object::with_type(BasicType::String));
        let file = ResponseDoc::new("The file").add_content("text/csv", text);
        operation.responses.insert("200", file);
    }
}
