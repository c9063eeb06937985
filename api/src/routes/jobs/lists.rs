//! Finding jobs.

use shared::jobs::Queue;
use shared::jobs::operate::{self, Filter, Order, View as JobsView};

use super::shape::JobOut;
use crate::prelude::*;

/// All jobs.
pub(crate) struct AllJobs;

impl Listed for AllJobs {
    type Item = JobOut;
    type Order = Order;
    type Filters = Filter;
    const ORDERINGS: &'static [(&'static str, Order)] =
        &[("created_at", Order::Oldest), ("-created_at", Order::Newest)];
    const DEFAULT_ORDER: Order = Order::Newest;

    fn filters(query: &mut Query) -> Filter {
        Filter {
            state: query.one_of("state", JobsView::ALL, JobsView::as_str),
            kind: query.text("kind"),
            queue: query.one_of("queue", Queue::ALL, Queue::as_str),
            trace_id: query.text("trace_id"),
            unique_key: query.text("unique_key"),
            created_after: query.moment("created_after"),
            created_before: query.moment("created_before"),
            error: query.text("search"),
        }
    }
}

/// Lists jobs, the newest first. For staff.
///
/// `ready`, `scheduled` and `retrying` are what is pending, by why it waits. `search` looks into the last error. The count
/// is exact below 10,000 and stops there, and no page goes further: a longer history is narrowed by `created_before`.
#[endpoint(tags("jobs"))]
pub(crate) async fn list_jobs(
    app: AppState,
    _staff: Staff,
    list: List<AllJobs>,
) -> ApiResult<Paged<JobOut>> {
    let conn = &mut app.db.read().await?;
    let page = operate::list(conn, &list.filters, list.order, list.window).await?;
    Ok(list.page(page.map(JobOut::from)))
}
