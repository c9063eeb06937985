//! Typed ids: a deal's id does not fit where a listing's is wanted.

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, AsExpression, FromSqlRow)]
        #[diesel(sql_type = sql_types::Uuid)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id: `UUIDv7`, so that rows of one time lie together.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "an id is made on purpose, never by default")]
            pub fn new() -> Self { Self(Uuid::now_v7()) }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { self.0.fmt(f) }
        }

        impl diesel::serialize::ToSql<sql_types::Uuid, diesel::pg::Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
                <Uuid as diesel::serialize::ToSql<sql_types::Uuid, diesel::pg::Pg>>::to_sql(&self.0, out)
            }
        }

        impl diesel::deserialize::FromSql<sql_types::Uuid, diesel::pg::Pg> for $name {
            fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                <Uuid as diesel::deserialize::FromSql<sql_types::Uuid, diesel::pg::Pg>>::from_sql(bytes).map(Self)
            }
        }
    )+ };
}

uuid_ids! {
    /// A person with an account.
    UserId,
    /// One sign-in of a person: the family of its refresh tokens.
    SessionId,
    /// A mailed proof of an address.
    EmailTokenId,
    /// A change of an address that waits for its proof.
    EmailChangeId,
    /// A file that somebody sent.
    UploadId,
    /// A code that was sent to a phone.
    CodeId,
    /// A game of the catalogue.
    GameId,
    /// A game account offered for sale.
    ListingId,
    /// A deal ("trade" in the UI): one listing, one buyer, one seller.
    EscrowId,
    /// A movement of money as people see it.
    TransactionId,
    /// A correction of a balance by staff.
    AdjustmentId,
    /// A way to pay.
    PaymentMethodId,
    /// A subscription plan.
    PlanId,
    /// A person's subscription to a plan.
    SubscriptionId,
}

/// A job's id: a bigint, because operators type it.
pub type JobId = i64;
