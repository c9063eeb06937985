//! The reference's withdrawals and plans.

use super::book::{Answer, Book, MADE, OFF, OK, STATE, UNKNOWN};

/// Amounts in tiyin: below the first nothing leaves, above the others one or two members of staff look first.
const MIN: i64 = 1_000_000;
pub(super) const REVIEW_ABOVE: i64 = 5_000_000;
pub(super) const SECOND_REVIEW_ABOVE: i64 = 10_000_000;
const TOO_SMALL: Answer = (400, "VALIDATION_ERROR");

#[derive(Clone, Debug)]
pub(super) struct Withdrawal {
    pub(super) who: usize,
    pub(super) amount: i64,
    /// As the owner sees it.
    pub(super) status: &'static str,
    /// By the member of staff, and by their colleague.
    approved: [bool; 2],
}

/// What somebody subscribed to, for a month.
#[derive(Clone, Copy, Debug)]
pub(super) enum Plan {
    Premium,
    Pro,
}

impl Plan {
    /// In tiyin.
    fn price(self) -> i64 {
        match self {
            Self::Premium => 4_900_000,
            Self::Pro => 9_900_000,
        }
    }

    /// In hundredths of a percent.
    pub(super) fn commission(plan: Option<Self>) -> i64 {
        match plan {
            None => 1_000,
            Some(Self::Premium) => 800,
            Some(Self::Pro) => 500,
        }
    }
}

impl Withdrawal {
    fn approvals_needed(&self) -> usize {
        match self.amount {
            amount if amount > SECOND_REVIEW_ABOVE => 2,
            amount if amount > REVIEW_ABOVE => 1,
            _ => 0,
        }
    }
}

impl Book {
    /// What the `count`th withdrawal of a history takes for an order of so many UZS: never the same twice, because the
    /// same again is the same withdrawal.
    pub(super) fn sum(&self, soum: i64) -> i64 {
        let nth = i64::try_from(self.withdrawals.len()).expect("few");
        (soum + nth) * 100
    }

    pub(super) fn withdraw(&mut self, who: usize, soum: i64) -> Answer {
        let amount = self.sum(soum);
        if self.withdrawals_off {
            return OFF;
        }
        if amount < MIN {
            return TOO_SMALL;
        }
        if let Some(refused) = self.cannot_spend(who, amount) {
            return refused;
        }
        self.balances[who] -= amount;
        self.withdrawals.push(Withdrawal { who, amount, status: "pending", approved: [false; 2] });
        MADE
    }

    pub(super) fn take_back(&mut self, who: usize, number: usize) -> Answer {
        let withdrawal = &mut self.withdrawals[number];
        match withdrawal.status {
            _ if withdrawal.who != who => UNKNOWN,
            "pending" => {
                withdrawal.status = "cancelled";
                self.balances[who] += withdrawal.amount;
                OK
            }
            "cancelled" => OK,
            _ => STATE,
        }
    }

    pub(super) fn approve(&mut self, colleague: bool, number: usize) -> Answer {
        let withdrawal = &mut self.withdrawals[number];
        let approved = &mut withdrawal.approved[usize::from(colleague)];
        match withdrawal.status {
            "pending" => *approved = true,
            "completed" if *approved => {}
            _ => return STATE,
        }
        OK
    }

    pub(super) fn reject(&mut self, number: usize) -> Answer {
        let withdrawal = &mut self.withdrawals[number];
        match withdrawal.status {
            "pending" => {
                withdrawal.status = "rejected";
                self.balances[withdrawal.who] += withdrawal.amount;
                OK
            }
            "rejected" => OK,
            _ => STATE,
        }
    }

    /// The workers' turn.
    pub(super) fn pay_out(&mut self) {
        if self.withdrawals_off {
            return;
        }
        for withdrawal in &mut self.withdrawals {
            let looks = withdrawal.approved.iter().filter(|approved| **approved).count();
            if withdrawal.status == "pending" && looks >= withdrawal.approvals_needed() {
                withdrawal.status = "completed";
            }
        }
    }

    /// What is on its way to cards.
    pub(super) fn on_the_way(&self) -> i64 {
        let waiting = self.withdrawals.iter().filter(|withdrawal| withdrawal.status == "pending");
        waiting.map(|withdrawal| withdrawal.amount).sum()
    }

    pub(super) fn subscribe(&mut self, who: usize, pro: bool) -> Answer {
        let plan = if pro { Plan::Pro } else { Plan::Premium };
        if self.plans[who].is_some() {
            // The same again, or a lesser one from the next period on: nothing is paid now.
            return OK;
        }
        if let Some(refused) = self.cannot_spend(who, plan.price()) {
            return refused;
        }
        self.balances[who] -= plan.price();
        self.plans[who] = Some(plan);
        MADE
    }

    /// Whether it is renewed changes nothing before its end.
    pub(super) fn renewing(&self, who: usize) -> Answer {
        if self.plans[who].is_some() { OK } else { UNKNOWN }
    }

    /// Whether a plan is bought anew, or nothing is paid for it. What an upgrade costs is a matter of seconds.
    pub(super) fn may_subscribe(&self, who: usize, pro: bool) -> bool {
        !(pro && matches!(self.plans[who], Some(Plan::Premium)))
    }
}
