//! The kinds of job.

use chrono::{DateTime, Utc};
use shared::jobs::Queue;
use shared::jobs::operate::{self, KindView};
use shared::page::Page;

use crate::prelude::*;

/// A kind of job, and whether it is failing.
#[derive(Serialize, ToSchema)]
pub(crate) struct KindOut {
    kind: String,
    /// The domain that an awaited kind comes with; how it runs is null until then.
    awaited_with: Option<&'static str>,
    /// `money`, `default`, `mail` or `bulk`.
    #[salvo(schema(value_type = Option<String>))]
    queue: Option<Queue>,
    /// `effect`, `external`, `plain` or `batch`.
    runner: Option<&'static str>,
    args_version: Option<i16>,
    /// Attempts, crashes included.
    max_attempts: Option<i16>,
    /// The longest run.
    timeout_seconds: Option<u64>,
    /// The wait after the first failure; it doubles.
    backoff_seconds: Option<u64>,
    /// The longest wait.
    backoff_max_seconds: Option<u64>,
    /// Dead jobs; exact below 10,000.
    dead: i64,
    /// When the first of them died (business time).
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    dead_since: Option<DateTime<Utc>>,
    /// What the last of them died of.
    last_error: Option<String>,
}

impl Shown for KindOut {}

impl From<KindView> for KindOut {
    fn from(view: KindView) -> Self {
        let rules = view.rules;
        let limits = rules.map(|rules| rules.limits);
        Self {
            kind: view.kind.to_owned(),
            awaited_with: view.awaited_with,
            queue: rules.map(|rules| rules.queue),
            runner: rules.map(|rules| rules.runner),
            args_version: rules.map(|rules| rules.args_version),
            max_attempts: limits.map(|limits| limits.max_attempts),
            timeout_seconds: limits.map(|limits| limits.timeout.as_secs()),
            backoff_seconds: limits.map(|limits| limits.backoff.base.as_secs()),
            backoff_max_seconds: limits.map(|limits| limits.backoff.max.as_secs()),
            dead: view.dead,
            dead_since: view.dead_since,
            last_error: view.last_error,
        }
    }
}

/// All kinds.
pub(crate) struct AllKinds;

impl Listed for AllKinds {
    type Item = KindOut;
    type Order = ();
    type Filters = ();
    const ORDERINGS: &'static [(&'static str, ())] = &[];
    const DEFAULT_ORDER: () = ();
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(_query: &mut Query) {}
}

/// Lists the kinds of job that this version knows or awaits: queue, limits, and how many are dead since when and of what.
/// For staff.
#[endpoint(tags("jobs"))]
pub(crate) async fn list_kinds(
    app: AppState,
    _staff: Staff,
    list: List<AllKinds>,
) -> ApiResult<Paged<KindOut>> {
    let kinds = operate::kinds(&mut *app.db.read().await?).await?;
    let page = Page::of(kinds, list.window);
    Ok(list.page(page.map(KindOut::from)))
}
