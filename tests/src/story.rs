//! The steps of a sale through HTTP, for tests that begin in the middle of one.

use serde_json::{Value, json};
use shared::ids::EscrowId;

use crate::TestApp;
use crate::app::Person;

/// Tells a sale of 100,000.00 UZS up to a point.
pub struct Story<'a> {
    app: &'a TestApp,
}

/// A sale in progress.
pub struct Deal {
    pub id: EscrowId,
    pub listing: String,
    pub seller: Person,
    pub buyer: Person,
}

impl Deal {
    /// A path of the deal.
    pub fn path(&self, action: &str) -> String {
        format!("payments/escrow/{}/{action}", self.id)
    }
}

/// What the UI's sell form sends.
pub fn sell_body(game: &str) -> Value {
    json!({
        "game_id": game,
        "title": "Conqueror account, season 31",
        "description": "Level 72, four mythic outfits, clean history.",
        "price": 100_000,
        "level": "72",
        "rank": "Conqueror",
        "skins_count": 41,
        "features": ["mythic outfits"],
        "login_method": "email",
        "account_email": "conqueror72@gmail.com",
        "account_password": "s3cret-Conqueror",
        "account_additional_info": { "note": "backup codes in the mailbox" },
    })
}

impl<'a> Story<'a> {
    /// A story on a platform.
    pub fn new(app: &'a TestApp) -> Self {
        Self { app }
    }

    /// A listing that is for sale.
    pub async fn listed(&self, seller: &Person) -> String {
        let games = self.app.client.get("games/").await.expect(200);
        let listing = seller
            .client
            .post("listings/", sell_body(games.text_at("/results/0/id")))
            .await
            .expect(201);
        let id = listing.text_at("/id").to_owned();
        let staff = self.app.staff().await;
        staff.client.post_empty(&format!("admin-panel/listings/{id}/approve/")).await.expect(200);
        id
    }

    /// A deal that is paid and not handed over.
    pub async fn paid(&self) -> Deal {
        let (seller, buyer) = (self.app.person("seller").await, self.app.person("buyer").await);
        let listing = self.listed(&seller).await;
        self.app.fund(&buyer, 100_000).await;
        let reply = buyer
            .client
            .post("payments/purchase/", json!({ "listing_id": listing }))
            .await
            .expect(201);
        let id = EscrowId(reply.text_at("/id").parse().expect("a UUID"));
        Deal { id, listing, seller, buyer }
    }

    /// A deal whose credentials the buyer can see.
    pub async fn handed_over(&self) -> Deal {
        let deal = self.paid().await;
        deal.seller.client.post_empty(&deal.path("seller-confirm-trade/")).await.expect(200);
        deal
    }

    /// A deal whose receipt is confirmed: released in 24 hours.
    pub async fn delivered(&self) -> Deal {
        let deal = self.handed_over().await;
        deal.buyer.client.post_empty(&deal.path("buyer-confirm/")).await.expect(200);
        deal
    }
}
