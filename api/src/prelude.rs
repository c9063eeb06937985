//! What a route file starts with: `use crate::prelude::*;`.
//!
//! ```ignore
//! //! Deals: what buyer and seller do with them.
//! use crate::prelude::*;
//! use shared::escrow::{self, Escrow};
//!
//! /// What the buyer complains about.
//! #[derive(Deserialize, ToSchema, Validate)]
//! #[serde(deny_unknown_fields)]
//! pub(crate) struct DisputeBody {
//!     #[validate(length(min = 1, max = 2000))]
//!     reason: String,
//! }
//!
//! /// Opens a dispute: the release stops until staff decides.
//! #[endpoint(tags("deals"))]
//! pub(crate) async fn dispute(app: AppState, user: SignedIn, id: Id<EscrowId>, body: Body<DisputeBody>) -> ApiResult<Json<EscrowOut>> {
//!     let escrow = app.db.transaction(async |tx| escrow::dispute(tx, &user, *id, &body.reason).await).await?;
//!     Ok(Json(EscrowOut::from(escrow)))
//! }
//! ```
//!
//! * Arguments are read in order, and the first that fails answers: who it must be first (`SignedIn`, `Verified`, `Staff`,
//!   `InAnyRole`, `Moderator`, `Finance`, `Superuser`), then path, then body. A new route is a line of `tests/tests/it/rights.txt`.
//! * A path argument has the name of its `{part}` in the router. `Id<T>` is a UUID, `Number` a whole number, `Slug` any
//!   short text.
//! * `*id`, `&body.field` and `user.user` read through their wrappers; `.0` takes the value out. `Caller` is the other
//!   side of the connection.
//! * `Created(T)` answers 201, `NewOrSame::{New, Same}` 201 or 200, `NoContent` 204, `NoStore(Json(T))` forbids caches.
//! * A list: `impl Listed for DealList { … }`, argument `list: List<DealList>`, answer `Ok(list.page(page))` with a
//!   [`shared::page::Page`]; the window, order and filters are `list.window`, `list.order`, `list.filters`.
//! * A detail that honours `fields` and `expand`: argument `view: View<DealOut>`, answer `Ok(view.show(out))`.
//! * A handler that moves money takes `once: Once` last and answers `once.answer(&app, async |tx| { …; Ok(Json(out)) }).await`
//!   as `ApiResult<Replayable<Json<Out>>>`: a repeat with the same `Idempotency-Key` has no second effect.
//! * Statuses beyond what the arguments say (402, for one) are added with `responses((status_code = 402, description = "…"))`.

pub(crate) use salvo::Writer;
pub(crate) use salvo::oapi::{ToSchema, endpoint};
pub(crate) use salvo::writing::Json;
pub(crate) use serde::{Deserialize, Serialize};
pub(crate) use validator::Validate;

pub(crate) use crate::app::AppState;
pub(crate) use crate::error::ApiResult;
pub(crate) use crate::extract::{
    Begun, Body, Caller, Finance, Id, InAnyRole, List, Listed, MaybeSignedIn, Moderator, Narrowed,
    Number, Once, OptionalBody, Query, Shown, SignedIn, Slug, Staff, Superuser, Verified, View,
};
pub(crate) use crate::response::{
    Created, NewOrSame, NoContent, NoStore, Paged, Replayable, Viewed,
};
