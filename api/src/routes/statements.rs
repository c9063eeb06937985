//! Transactions for staff, and transactions as files: a person's statement and the panel's export.

use std::time::Duration;

use futures::{Stream, StreamExt as _, stream};
use salvo::http::StatusCode;
use salvo::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use salvo::oapi::{BasicType, Object};
use salvo::oapi::{Components, Content, EndpointOutRegister, Operation, Response as ResponseDoc};
use salvo::{Depot, Request, Response, async_trait};
use shared::audit::{self, Actor};
use shared::ids::{TransactionId, UserId};
use shared::payments::{
    self, Export, Scope, Transaction, TransactionFilters, TransactionOrder, TransactionView,
};
use shared::{App, Code, Error, Result};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::payments::{TransactionList, TransactionOut, transaction_filters};
use crate::prelude::*;

/// Each export holds a database connection for as long as its reader reads.
static EXPORTS: Semaphore = Semaphore::const_new(2);
/// How long an export waits for another one to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// A transaction, and whose it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffTransactionOut {
    #[serde(flatten)]
    transaction: TransactionOut,
    #[salvo(schema(value_type = String, format = Uuid))]
    user: UserId,
    user_name: String,
    user_email: String,
}

impl Shown for StaffTransactionOut {}

impl From<TransactionView> for StaffTransactionOut {
    fn from(view: TransactionView) -> Self {
        let TransactionView { row, user_email, user_name } = view;
        let user = row.transaction.user_id;
        Self { transaction: row.into(), user, user_name, user_email }
    }
}

/// Everybody's transactions.
pub(crate) struct AllTransactions;

impl Listed for AllTransactions {
    type Item = StaffTransactionOut;
    type Order = TransactionOrder;
    type Filters = TransactionFilters;
    const ORDERINGS: &'static [(&'static str, TransactionOrder)] = TransactionList::ORDERINGS;
    const DEFAULT_ORDER: TransactionOrder = TransactionOrder::Newest;
    // The panel shows all and never pages.
    const DEFAULT_LIMIT: i64 = 100;
    const FEED: bool = true;

    fn filters(query: &mut Query) -> TransactionFilters {
        TransactionFilters { user: query.uuid("user").map(UserId), ..transaction_filters(query) }
    }
}

/// Lists everybody's transactions, newest first. For all of them: `cursor=start`, then each `next`.
#[endpoint(tags("admin"))]
pub(crate) async fn list_all_transactions(
    app: AppState,
    _staff: Finance,
    list: List<AllTransactions>,
) -> ApiResult<Paged<StaffTransactionOut>> {
    let (conn, scope) = (&mut app.db.read().await?, Scope::Everything);
    let part =
        payments::transactions_of(conn, scope, &list.filters, list.order, list.slice()).await?;
    Ok(list.part(part.map(StaffTransactionOut::from)))
}

/// Shows any transaction.
#[endpoint(tags("admin"))]
pub(crate) async fn show_any_transaction(
    app: AppState,
    _staff: Finance,
    id: Id<TransactionId>,
    view: View<StaffTransactionOut>,
) -> ApiResult<Viewed<StaffTransactionOut>> {
    let found = payments::find_view(&mut *app.db.read().await?, *id).await?;
    Ok(view.show(found.into()))
}

/// The caller's transactions as a CSV file: UTF-8, the oldest first, of one instant.
#[endpoint(tags("payments"))]
pub(crate) async fn export_own_transactions(
    app: AppState,
    user: SignedIn,
    narrowed: Narrowed<TransactionList>,
) -> ApiResult<CsvFile> {
    Ok(CsvFile::open(&app, Scope::Of(user.user.id), narrowed.filters).await?)
}

/// Everybody's transactions as a CSV file: UTF-8, the oldest first, of one instant. Audited.
#[endpoint(tags("admin"))]
pub(crate) async fn export_all_transactions(
    app: AppState,
    staff: Finance,
    narrowed: Narrowed<AllTransactions>,
) -> ApiResult<CsvFile> {
    let by = Actor::Staff(staff.user.id);
    let asked = format!("{:?}", narrowed.filters);
    let details = serde_json::json!({ "filters": asked });
    let object = ("export", "transactions".to_owned());
    app.db
        .transaction(async |tx| audit::record(tx, by, "export.transactions", object, details).await)
        .await?;
    Ok(CsvFile::open(&app, Scope::Everything, narrowed.filters).await?)
}

/// A file that is read from the database while it is sent.
pub(crate) struct CsvFile {
    first: Vec<u8>,
    rest: Reading,
}

/// An export on its way; one of few at a time.
struct Reading {
    export: Export,
    scope: Scope,
    _one_of_few: SemaphorePermit<'static>,
}

impl CsvFile {
    /// Reads the first rows, so that what can go wrong at once is answered and not cut off.
    async fn open(app: &App, scope: Scope, filters: TransactionFilters) -> Result<Self> {
        let permit = timeout(PATIENCE, EXPORTS.acquire()).await;
        let permit = permit.ok().and_then(std::result::Result::ok);
        let permit = permit.ok_or_else(|| Error::new(Code::Busy))?;
        let export = Export::open(&app.db, scope, filters).await?;
        let mut rest = Reading { export, scope, _one_of_few: permit };
        let mut first = line(&header(scope))?;
        first.extend(rest.next().await?.unwrap_or_default());
        Ok(Self { first, rest })
    }
}

impl Reading {
    /// The next rows as text.
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(rows) = self.export.next().await? else { return Ok(None) };
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in &rows {
            writer.write_record(record(self.scope, row)).map_err(Error::internal)?;
        }
        let text = writer.into_inner().map_err(|error| Error::internal(error.to_string()))?;
        Ok(Some(text))
    }

    /// The rest of the file. A failure cuts the answer off: a short file must not look whole.
    fn stream(self) -> impl Stream<Item = Result<Vec<u8>>> + Send {
        stream::unfold(Some(self), |reading| async move {
            let mut reading = reading?;
            match reading.next().await {
                Ok(Some(text)) => Some((Ok(text), Some(reading))),
                Ok(None) => None,
                Err(error) => {
                    tracing::warn!(target: "http", error = %error.causes(), "an export broke off");
                    Some((Err(error), None))
                }
            }
        })
    }
}

fn line(cells: &[&str]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).map_err(Error::internal)?;
    writer.into_inner().map_err(|error| Error::internal(error.to_string()))
}

/// The columns: those of the person, and for staff whose it is.
fn header(scope: Scope) -> Vec<&'static str> {
    let mut names = vec![
        "id",
        "created_at",
        "type",
        "status",
        "amount",
        "currency",
        "payment_method",
        "provider_transaction_id",
        "escrow_id",
        "reverses",
        "description",
        "processed_at",
        "failed_at",
    ];
    if scope == Scope::Everything {
        names.extend(["user", "user_name", "user_email"]);
    }
    names
}

fn record(scope: Scope, view: &TransactionView) -> Vec<String> {
    let Transaction {
        id,
        created_at,
        kind,
        status,
        amount,
        currency,
        provider_transaction_id,
        escrow_id,
        reverses_id,
        description,
        processed_at,
        failed_at,
        user_id,
        ..
    } = &view.row.transaction;
    let maybe = |value: Option<String>| value.unwrap_or_default();
    let mut cells = vec![
        id.to_string(),
        created_at.to_rfc3339(),
        kind.to_string(),
        status.to_string(),
        amount.to_string(),
        currency.clone(),
        maybe(view.row.payment_method.clone()),
        harmless(provider_transaction_id.as_deref().unwrap_or_default()),
        maybe(escrow_id.map(|id| id.to_string())),
        maybe(reverses_id.map(|id| id.to_string())),
        harmless(description),
        maybe(processed_at.map(|at| at.to_rfc3339())),
        maybe(failed_at.map(|at| at.to_rfc3339())),
    ];
    if scope == Scope::Everything {
        cells.extend([user_id.to_string(), harmless(&view.user_name), harmless(&view.user_email)]);
    }
    cells
}

/// A text that somebody wrote, so that no spreadsheet takes it for a formula.
pub(super) fn harmless(text: &str) -> String {
    let first = text.trim_start_matches([' ', '\u{a0}']).chars().next();
    let formula = matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '|' | '%'));
    if formula { format!("'{text}") } else { text.to_owned() }
}

#[async_trait]
impl Writer for CsvFile {
    async fn write(self, _req: &mut Request, _depot: &mut Depot, res: &mut Response) {
        let name = HeaderValue::from_static("attachment; filename=\"transactions.csv\"");
        let headers = res.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
        headers.insert(CONTENT_DISPOSITION, name);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        res.status_code(StatusCode::OK);
        let Self { first, rest } = self;
        res.stream(stream::iter([Ok(first)]).chain(rest.stream()).boxed());
    }
}

impl EndpointOutRegister for CsvFile {
    fn register(_components: &mut Components, operation: &mut Operation) {
        let text = Content::new(Object::with_type(BasicType::String));
        let file = ResponseDoc::new("The file").add_content("text/csv", text);
        operation.responses.insert("200", file);
    }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+7", "-2", "@SUM(A1)", "\t=1", "\r=1", " =1", "|calc", "%0A"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in ["", "Conqueror account, season 31", "5305e3bab097f420a62ced0b", "a=b"] {
            assert_eq!(harmless(text), text);
        }
    }
}
