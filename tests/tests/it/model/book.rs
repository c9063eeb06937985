//! The reference: what the platform must say and hold after any history of operations. Amounts in tiyin, time in seconds.

use super::op::Op;
use super::payouts::{Plan, Withdrawal};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// What the platform answers: a status, and the code of the error.
pub(super) type Answer = (u16, &'static str);

pub(super) const OK: Answer = (200, "");
pub(super) const MADE: Answer = (201, "");
pub(super) const STATE: Answer = (409, "INVALID_STATE");
pub(super) const FORBIDDEN: Answer = (403, "PERMISSION_DENIED");
pub(super) const UNKNOWN: Answer = (404, "NOT_FOUND");
pub(super) const POOR: Answer = (402, "INSUFFICIENT_FUNDS");
/// Staff froze the person's money.
pub(super) const FROZEN: Answer = (409, "ACCOUNT_FROZEN");
/// Superusers switched it off.
pub(super) const OFF: Answer = (409, "SWITCHED_OFF");
const GONE: Answer = (409, "LISTING_UNAVAILABLE");
const LIMIT: Answer = (409, "LIMIT_REACHED");
/// Payme's answers, by the state or the error they carry.
pub(super) const PERFORMED: Answer = (2, "");
pub(super) const RETURNED: Answer = (3, "");
pub(super) const SPENT: Answer = (31_007, "");
pub(super) const TOO_LATE: Answer = (31_008, "");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    No,
    Released,
    ByStaff,
    Refunded,
    Resolved,
    GivenUp,
    Cancelled,
    Other,
}

#[derive(Clone, Debug)]
pub(super) struct Listing {
    pub(super) seller: usize,
    pub(super) price: i64,
    pub(super) status: &'static str,
}

#[derive(Clone, Debug)]
pub(super) struct Deal {
    pub(super) listing: usize,
    pub(super) buyer: usize,
    seller: usize,
    amount: i64,
    /// Of what is sold, in hundredths of a percent.
    rate: i64,
    pub(super) status: &'static str,
    pub(super) refund: i64,
    pay_by: i64,
    deliver_by: i64,
    refund_after: i64,
    receive_by: Option<i64>,
    release_at: i64,
    asked: bool,
    disputed_by: Option<usize>,
    ended: Ended,
    ended_at: i64,
    /// Payme began to pay it.
    begun: Option<i64>,
    performed: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Deposit {
    pub(super) who: usize,
    pub(super) amount: i64,
    pub(super) returned: bool,
}

/// Everything that is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    now: i64,
    pub(super) balances: Vec<i64>,
    pub(super) commission: i64,
    pub(super) listings: Vec<Listing>,
    pub(super) deals: Vec<Deal>,
    pub(super) deposits: Vec<Deposit>,
    pub(super) withdrawals: Vec<Withdrawal>,
    /// What people subscribed to; no history is as long as a month.
    pub(super) plans: Vec<Option<Plan>>,
    /// Whose money is frozen.
    pub(super) frozen: Vec<bool>,
    pub(super) withdrawals_off: bool,
    pub(super) releases_off: bool,
}

/// Half-up, as a calculator shows it.
fn commission(sold: i64, rate: i64) -> i64 {
    (sold * rate + 5_000) / 10_000
}

impl Book {
    pub(super) fn new(people: usize) -> Self {
        let (balances, plans) = (vec![0; people], vec![None; people]);
        Self { balances, plans, frozen: vec![false; people], ..Self::default() }
    }

    /// What is held in deals.
    pub(super) fn held(&self) -> i64 {
        self.deals.iter().filter(|deal| deal.holds()).map(|deal| deal.amount).sum()
    }

    /// How often somebody sold and bought.
    pub(super) fn counters(&self, who: usize) -> (usize, usize) {
        let sold = self.deals.iter().filter(|deal| deal.status == "confirmed");
        let of = |deal: &&Deal| deal.seller == who;
        (sold.clone().filter(of).count(), sold.filter(|deal| deal.buyer == who).count())
    }

    /// Takes an operation; says what the platform must answer.
    pub(super) fn take(&mut self, op: &Op) -> Answer {
        match *op {
            Op::Deposit { who, soum, by } => self.deposit(who, soum, by),
            Op::Return { deposit } => self.give_back(deposit),
            Op::List { who, soum } => {
                self.listings.push(Listing { seller: who, price: soum * 100, status: "active" });
                MADE
            }
            Op::Buy { who, listing, by_payme } => self.buy(who, listing, by_payme),
            Op::Block { listing } => self.block(listing),
            Op::Wait { seconds } => {
                self.now += seconds;
                (0..self.deals.len()).for_each(|deal| self.timers(deal));
                self.pay_out();
                OK
            }
            Op::Withdraw { who, soum } => self.withdraw(who, soum),
            Op::TakeBack { who, withdrawal } => self.take_back(who, withdrawal),
            Op::Approve { colleague, withdrawal } => self.approve(colleague, withdrawal),
            Op::Reject { withdrawal } => self.reject(withdrawal),
            Op::Subscribe { who, pro } => self.subscribe(who, pro),
            Op::StopPlan { who } | Op::ResumePlan { who } => self.renewing(who),
            Op::Correct { who, soum } => self.correct(who, soum),
            Op::Freeze { who, freezes } => self.freeze(who, freezes),
            Op::Switch { releases, on } => self.switch(releases, on),
            Op::Pay { who, deal } => self.pay(who, deal),
            Op::Begin { deal } => {
                self.deals[deal].begun = Some(self.now);
                OK
            }
            Op::Perform { deal } => self.perform(deal),
            Op::HandOver { who, deal } => self.hand_over(who, deal),
            Op::Confirm { who, deal } => self.confirm(who, deal),
            Op::Release { who, deal } => self.release(who, deal),
            Op::GiveUp { who, deal } => self.give_up(who, deal),
            Op::Cancel { who, deal } => self.cancel(who, deal),
            Op::Dispute { who, deal } => self.dispute(who, deal),
            Op::Stop { deal } => self.stop(deal),
            Op::Refund { deal } => self.decide(deal, self.deals[deal].amount, Ended::Refunded),
            Op::Complete { deal } => self.decide(deal, 0, Ended::ByStaff),
            Op::Resolve { deal, percent } => {
                self.decide(deal, self.deals[deal].amount * percent / 100, Ended::Resolved)
            }
        }
    }

    /// The deposit of a deal that Payme can begin to pay now.
    pub(super) fn may_begin(&self, deal: usize) -> bool {
        self.deals[deal].status == "pending_payment" && self.deals[deal].begun.is_none()
    }

    /// A payment that was begun and not ended. What a frozen payer's does has a test of its own.
    pub(super) fn may_perform(&self, number: usize) -> bool {
        let deal = &self.deals[number];
        deal.begun.is_some() && !deal.performed && !self.frozen[deal.buyer]
    }

    fn buy(&mut self, who: usize, number: usize, by_payme: bool) -> Answer {
        let listing = self.listings[number].clone();
        if listing.seller == who {
            return FORBIDDEN;
        }
        let theirs = |deal: &Deal| deal.listing == number && deal.buyer == who && deal.is_open();
        if let Some(deal) = self.deals.iter().position(theirs) {
            let waits = self.deals[deal].status == "pending_payment";
            return if waits && !by_payme { self.pay(who, deal) } else { OK };
        }
        if listing.status != "active" {
            return GONE;
        }
        let mine = self.deals.iter().filter(|deal| deal.buyer == who);
        let unpaid = mine.clone().filter(|deal| deal.status == "pending_payment").count();
        let just_expired = |deal: &Deal| {
            deal.listing == number
                && deal.status == "cancelled"
                && deal.ended == Ended::Other
                && deal.ended_at > self.now - HOUR
        };
        if by_payme && (unpaid >= 3 || mine.clone().any(just_expired)) {
            return LIMIT;
        }
        if !by_payme && let Some(refused) = self.cannot_spend(who, listing.price) {
            return refused;
        }
        self.listings[number].status = "reserved";
        self.deals.push(Deal {
            listing: number,
            buyer: who,
            seller: listing.seller,
            amount: listing.price,
            rate: Plan::commission(self.plans[listing.seller]),
            status: "pending_payment",
            refund: 0,
            pay_by: self.now + 30 * MINUTE,
            deliver_by: 0,
            refund_after: 0,
            receive_by: None,
            release_at: 0,
            asked: false,
            disputed_by: None,
            ended: Ended::No,
            ended_at: 0,
            begun: None,
            performed: false,
        });
        if !by_payme {
            self.fund(self.deals.len() - 1);
        }
        MADE
    }

    fn fund(&mut self, number: usize) {
        let (now, deal) = (self.now, &mut self.deals[number]);
        self.balances[deal.buyer] -= deal.amount;
        deal.status = "paid";
        deal.deliver_by = now + 24 * HOUR;
        deal.refund_after = now + 72 * HOUR;
    }

    fn pay(&mut self, who: usize, number: usize) -> Answer {
        let deal = &self.deals[number];
        if who != deal.buyer {
            return deal.refuse(who);
        }
        match deal.status {
            "pending_payment" if self.now >= deal.pay_by => STATE,
            "pending_payment" => match self.cannot_spend(who, deal.amount) {
                Some(refused) => refused,
                None => {
                    self.fund(number);
                    OK
                }
            },
            "refunded" | "cancelled" => STATE,
            _ => OK,
        }
    }

    fn perform(&mut self, number: usize) -> Answer {
        let (now, deal) = (self.now, &mut self.deals[number]);
        deal.performed = true;
        if deal.begun.is_some_and(|begun| now > begun + 12 * HOUR) {
            return TOO_LATE;
        }
        self.balances[deal.buyer] += deal.amount;
        if deal.status == "pending_payment" {
            self.fund(number);
        }
        PERFORMED
    }

    fn hand_over(&mut self, who: usize, number: usize) -> Answer {
        let (now, deal) = (self.now, &mut self.deals[number]);
        if who != deal.seller {
            return deal.refuse(who);
        }
        match (deal.status, deal.receive_by) {
            ("paid", None) => {
                deal.receive_by = Some(now + 72 * HOUR);
                OK
            }
            ("paid" | "delivered" | "disputed" | "confirmed", Some(_)) => OK,
            _ => STATE,
        }
    }

    fn confirm(&mut self, who: usize, number: usize) -> Answer {
        let (now, deal) = (self.now, &mut self.deals[number]);
        if who != deal.buyer {
            return deal.refuse(who);
        }
        match deal.status {
            "paid" if deal.receive_by.is_some() => {
                deal.receive(now);
                OK
            }
            "delivered" => OK,
            "confirmed" if deal.release_at > 0 => OK,
            _ => STATE,
        }
    }

    fn release(&mut self, who: usize, number: usize) -> Answer {
        let deal = &self.deals[number];
        if who != deal.buyer {
            return deal.refuse(who);
        }
        match (deal.status, deal.ended) {
            ("delivered", _) if self.releases_off => OFF,
            ("delivered", _) => {
                self.close(number, 0, Ended::Released);
                OK
            }
            ("confirmed", Ended::Released) => OK,
            _ => STATE,
        }
    }

    fn give_up(&mut self, who: usize, number: usize) -> Answer {
        let deal = &self.deals[number];
        if who != deal.seller {
            return deal.refuse(who);
        }
        match (deal.status, deal.ended) {
            ("paid", _) => {
                self.close(number, deal.amount, Ended::GivenUp);
                OK
            }
            ("refunded", Ended::GivenUp) => OK,
            _ => STATE,
        }
    }

    fn cancel(&mut self, who: usize, number: usize) -> Answer {
        let (now, deal) = (self.now, &mut self.deals[number]);
        if who != deal.buyer {
            return deal.refuse(who);
        }
        match (deal.status, deal.receive_by) {
            ("pending_payment", _) => self.end_reservation(number, Ended::Cancelled),
            ("paid", None) if now < deal.deliver_by => deal.asked = true,
            ("paid", None) => {
                let amount = deal.amount;
                self.close(number, amount, Ended::Cancelled);
            }
            ("paid", Some(_)) => {
                deal.asked = true;
                deal.status = "disputed";
                deal.disputed_by = Some(who);
            }
            ("disputed", _) if deal.asked && deal.disputed_by == Some(who) => {}
            ("refunded" | "cancelled", _) if deal.ended == Ended::Cancelled => {}
            _ => return STATE,
        }
        OK
    }

    fn dispute(&mut self, who: usize, number: usize) -> Answer {
        let deal = &mut self.deals[number];
        let (buyer, seller) = (who == deal.buyer, who == deal.seller);
        if !buyer && !seller {
            return UNKNOWN;
        }
        match deal.status {
            "disputed" if deal.disputed_by == Some(who) => return OK,
            "paid" if seller || deal.receive_by.is_some() => {}
            "delivered" if buyer => {}
            _ => return STATE,
        }
        deal.status = "disputed";
        deal.disputed_by = Some(who);
        OK
    }

    fn stop(&mut self, number: usize) -> Answer {
        let deal = &mut self.deals[number];
        if !deal.holds() {
            return STATE;
        }
        if deal.status != "disputed" {
            deal.status = "disputed";
            deal.disputed_by = None;
        }
        OK
    }

    fn block(&mut self, number: usize) -> Answer {
        let was = self.listings[number].status;
        if was == "sold" {
            return STATE;
        }
        self.listings[number].status = "blocked";
        let open = |deal: &Deal| deal.listing == number && deal.is_open();
        if was == "reserved"
            && let Some(deal) = self.deals.iter().position(open)
        {
            if self.deals[deal].status == "pending_payment" {
                self.end_reservation(deal, Ended::GivenUp);
            } else {
                self.stop(deal);
            }
        }
        OK
    }

    fn decide(&mut self, number: usize, refund: i64, how: Ended) -> Answer {
        let deal = &self.deals[number];
        if deal.ended == how && deal.refund == refund {
            return OK;
        }
        if !deal.holds() {
            return STATE;
        }
        if self.releases_off && refund < deal.amount {
            return OFF;
        }
        self.close(number, refund, how);
        OK
    }

    fn timers(&mut self, number: usize) {
        let (now, deal) = (self.now, &mut self.deals[number]);
        match (deal.status, deal.receive_by) {
            ("pending_payment", _) if now >= deal.pay_by => {
                self.end_reservation(number, Ended::Other);
            }
            ("paid", None) if deal.asked && now >= deal.deliver_by => {
                let amount = deal.amount;
                self.close(number, amount, Ended::Cancelled);
            }
            ("paid", None) if now >= deal.refund_after => {
                let amount = deal.amount;
                self.close(number, amount, Ended::Other);
            }
            ("paid", Some(receive_by)) if now >= receive_by => deal.receive(now),
            ("delivered", _) if self.releases_off => {}
            ("delivered", _) if now >= deal.release_at => self.close(number, 0, Ended::Released),
            _ => {}
        }
    }

    fn end_reservation(&mut self, number: usize, how: Ended) {
        let (now, deal) = (self.now, &mut self.deals[number]);
        (deal.status, deal.ended, deal.ended_at) = ("cancelled", how, now);
        self.listing_of(number, "active");
    }

    fn close(&mut self, number: usize, refund: i64, how: Ended) {
        let deal = &mut self.deals[number];
        let sold = deal.amount - refund;
        let fee = commission(sold, deal.rate);
        self.balances[deal.buyer] += refund;
        self.balances[deal.seller] += sold - fee;
        self.commission += fee;
        (deal.refund, deal.ended, deal.ended_at) = (refund, how, self.now);
        deal.status = if sold == 0 { "refunded" } else { "confirmed" };
        let revealed = deal.receive_by.is_some();
        self.listing_of(
            number,
            match (sold, revealed) {
                (0, true) => "archived",
                (0, false) => "active",
                _ => "sold",
            },
        );
    }

    /// What becomes of a deal's listing, unless staff blocked it.
    fn listing_of(&mut self, deal: usize, status: &'static str) {
        let listing = &mut self.listings[self.deals[deal].listing];
        if listing.status == "reserved" {
            listing.status = status;
        }
    }
}

impl Deal {
    fn is_open(&self) -> bool {
        self.status == "pending_payment" || self.holds()
    }

    pub(super) fn holds(&self) -> bool {
        matches!(self.status, "paid" | "delivered" | "disputed")
    }

    /// The other party may not; strangers see nothing.
    fn refuse(&self, who: usize) -> Answer {
        if who == self.buyer || who == self.seller { FORBIDDEN } else { UNKNOWN }
    }

    fn receive(&mut self, now: i64) {
        self.status = "delivered";
        self.release_at = now + 24 * HOUR;
    }
}
