//! Letters about subscriptions.

use chrono::{DateTime, Utc};

use super::SubscriptionNews;
use crate::accounts::User;
use crate::error::Result;
use crate::ids::SubscriptionId;
use crate::mail::templates::{self, PlanSubject};
use crate::mail::{Letter, Reader, local_time};
use crate::subscriptions::queries::{SubscriptionView, view};
use crate::subscriptions::{Subscription, SubscriptionStatus, current_plan};
use crate::{App, Conn, Money, Tx};

/// The letter to its owner; none when the subscription has moved on.
pub(super) async fn letter(
    conn: &mut Conn,
    app: &App,
    to: &User,
    (news, id, period): (SubscriptionNews, SubscriptionId, DateTime<Utc>),
) -> Result<Option<Letter>> {
    let Some(subscription) = Subscription::find(conn, id).await? else { return Ok(None) };
    if !news.is_still_so(&subscription, period) {
        return Ok(None);
    }
    // Who has bought anew since is not told that the old one is over.
    if news == SubscriptionNews::Expired && !current_plan(conn, to.id).await?.is_free() {
        return Ok(None);
    }
    let until = match news {
        SubscriptionNews::Purchased | SubscriptionNews::Renewed | SubscriptionNews::Expired => {
            subscription.end_date
        }
        SubscriptionNews::Unpaid => subscription.rights_until(),
    };
    let paid = paid_for(&subscription, period);
    let view = view(conn, subscription).await?;
    let about = &subject(conn, app, to, (&view, until)).await?;
    let reader = &Reader::from(to);
    Ok(Some(match news {
        SubscriptionNews::Purchased => {
            templates::subscription_purchased::letter(reader, about, paid)
        }
        SubscriptionNews::Renewed => templates::subscription_renewed::letter(reader, about, paid),
        SubscriptionNews::Unpaid => {
            templates::subscription_unpaid::letter(reader, about, next_price(&view))
        }
        SubscriptionNews::Expired => templates::subscription_expired::letter(reader, about),
    }))
}

/// The reminder before an end; none when the period has another end by now, or it has come.
pub(crate) async fn expiring_letter(
    tx: &mut Tx,
    app: &App,
    to: &User,
    (id, end): (SubscriptionId, DateTime<Utc>),
) -> Result<Option<Letter>> {
    let Some(subscription) = Subscription::find(tx, id).await? else { return Ok(None) };
    let over = subscription.status == SubscriptionStatus::Expired;
    if over || subscription.end_date != end || end <= tx.now() {
        return Ok(None);
    }
    let view = view(tx, subscription).await?;
    let about = &subject(tx, app, to, (&view, end)).await?;
    let reader = &Reader::from(to);
    Ok(Some(if view.subscription.auto_renew {
        templates::subscription_expiring::to_be_renewed(reader, about, next_price(&view))
    } else {
        templates::subscription_expiring::to_end(reader, about)
    }))
}

impl SubscriptionNews {
    /// `period` is the start of the one that was paid, or the end of the one that was not.
    fn is_still_so(self, subscription: &Subscription, period: DateTime<Utc>) -> bool {
        let over = subscription.status == SubscriptionStatus::Expired;
        match self {
            Self::Purchased | Self::Renewed => !over && subscription.start_date == period,
            Self::Unpaid => subscription.retry_at.is_some() && subscription.end_date == period,
            Self::Expired => over && subscription.end_date == period,
        }
    }
}

/// What the next period costs.
fn next_price(view: &SubscriptionView) -> Money {
    view.next_plan.price(view.subscription.next().1)
}

/// What was paid for the period that began then; the last word of the history about it.
fn paid_for(subscription: &Subscription, start: DateTime<Utc>) -> Money {
    let payments = subscription.payment_history.as_array().map(Vec::as_slice).unwrap_or_default();
    let began = |payment: &&serde_json::Value| {
        let began = payment.get("period_start").and_then(|at| at.as_str());
        began.and_then(|at| at.parse::<DateTime<Utc>>().ok()) == Some(start)
    };
    let payment = payments.iter().rev().find(began);
    let amount = payment.and_then(|payment| payment.get("amount")).and_then(|text| text.as_str());
    amount.and_then(Money::parse).unwrap_or(Money::ZERO)
}

async fn subject(
    conn: &mut Conn,
    app: &App,
    to: &User,
    (view, until): (&SubscriptionView, DateTime<Utc>),
) -> Result<PlanSubject> {
    Ok(PlanSubject {
        plan: view.plan.name.clone(),
        until: local_time(conn, until, to).await?,
        link: format!("{}/premium", app.settings.http.frontend_url),
    })
}
