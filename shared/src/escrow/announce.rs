//! Who is told about a step of a deal: never the one who took it.

use super::model::{CloseReason, Escrow, Event};
use crate::Tx;
use crate::error::Result;
use crate::ids::UserId;
use crate::notifications::{DealNews, Notice, notify};

/// Records the notices of a step. The receipts of its money are the transactions' own. Last in a transaction.
pub(super) async fn announce(tx: &mut Tx, escrow: &Escrow, event: Event) -> Result<()> {
    for (person, news) in escrow.audience(event) {
        notify(tx, person, Notice::of_deal(news, escrow)).await?;
    }
    Ok(())
}

impl Escrow {
    fn audience(&self, event: Event) -> Vec<(UserId, DealNews)> {
        let (buyer, seller) = (self.buyer_id, self.seller_id);
        match event {
            // The buyer's own reservation, of which the seller never heard.
            Event::Opened | Event::Cancelled => vec![],
            Event::Paid => vec![(seller, DealNews::Paid)],
            Event::HandedOver => vec![(buyer, DealNews::HandedOver)],
            Event::Received => vec![(seller, DealNews::Delivered)],
            Event::CountedAsReceived => {
                vec![(seller, DealNews::Delivered), (buyer, DealNews::Delivered)]
            }
            Event::Released | Event::Completed => vec![(buyer, DealNews::Confirmed)],
            Event::Disputed if self.disputed_by == Some(buyer) => {
                vec![(seller, DealNews::Disputed)]
            }
            Event::Disputed if self.disputed_by == Some(seller) => {
                vec![(buyer, DealNews::Disputed)]
            }
            // Staff stopped it.
            Event::Disputed => vec![(seller, DealNews::Disputed), (buyer, DealNews::Disputed)],
            Event::CancelAsked => vec![(seller, DealNews::CancelAsked)],
            Event::Withdrawn => vec![(buyer, DealNews::Withdrawn)],
            Event::Resolved => vec![(seller, DealNews::Resolved), (buyer, DealNews::Resolved)],
            Event::Refunded if self.close_reason == Some(CloseReason::SellerCancelled) => vec![],
            Event::Refunded => vec![(seller, DealNews::Refunded)],
            Event::Expired => vec![(buyer, DealNews::Cancelled)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::EscrowStatus;
    use super::super::model::tests::sample;
    use super::*;

    #[test]
    fn the_other_side_is_told_and_both_when_nobody_acted() {
        let deal = sample(EscrowStatus::Disputed);
        let (buyer, seller) = (deal.buyer_id, deal.seller_id);
        let table = [
            (Event::Opened, vec![]),
            (Event::Cancelled, vec![]),
            (Event::Paid, vec![(seller, DealNews::Paid)]),
            (Event::HandedOver, vec![(buyer, DealNews::HandedOver)]),
            (Event::Received, vec![(seller, DealNews::Delivered)]),
            (
                Event::CountedAsReceived,
                vec![(seller, DealNews::Delivered), (buyer, DealNews::Delivered)],
            ),
            (Event::Released, vec![(buyer, DealNews::Confirmed)]),
            (Event::Completed, vec![(buyer, DealNews::Confirmed)]),
            (Event::Disputed, vec![(seller, DealNews::Disputed)]),
            (Event::Resolved, vec![(seller, DealNews::Resolved), (buyer, DealNews::Resolved)]),
            (Event::Refunded, vec![(seller, DealNews::Refunded)]),
            (Event::Expired, vec![(buyer, DealNews::Cancelled)]),
            (Event::CancelAsked, vec![(seller, DealNews::CancelAsked)]),
            (Event::Withdrawn, vec![(buyer, DealNews::Withdrawn)]),
        ];
        for (event, told) in &table {
            assert_eq!(deal.audience(*event), *told, "{event}");
        }
        for event in Event::ALL {
            assert!(table.iter().any(|(known, _)| known == event), "{event} is in the table");
        }
        let by_staff = Escrow { disputed_by: Some(UserId::new()), ..deal.clone() };
        let both = [(seller, DealNews::Disputed), (buyer, DealNews::Disputed)];
        assert_eq!(by_staff.audience(Event::Disputed), both, "staff stopped it");
        let by_seller = Escrow { disputed_by: Some(seller), ..deal.clone() };
        assert_eq!(by_seller.audience(Event::Disputed), [(buyer, DealNews::Disputed)]);
        let given_up = Escrow { close_reason: Some(CloseReason::SellerCancelled), ..deal };
        assert!(given_up.audience(Event::Refunded).is_empty(), "the seller knows");
    }
}
