//! The reference's deposits, and what staff do to people's money and to the platform.

use super::book::{Answer, Book, Deposit, FROZEN, MADE, OK, PERFORMED, POOR, RETURNED, SPENT};
use super::op::By;

impl Book {
    pub(super) fn deposit(&mut self, who: usize, soum: i64, by: By) -> Answer {
        self.balances[who] += soum * 100;
        // The others' reversals have tests of their own.
        if by == By::Payme {
            self.deposits.push(Deposit { who, amount: soum * 100, returned: false });
        }
        PERFORMED
    }

    /// A provider takes back what it had paid, frozen or not.
    pub(super) fn give_back(&mut self, number: usize) -> Answer {
        let deposit = &mut self.deposits[number];
        if !deposit.returned {
            if self.balances[deposit.who] < deposit.amount {
                return SPENT;
            }
            self.balances[deposit.who] -= deposit.amount;
            deposit.returned = true;
        }
        RETURNED
    }

    /// Why somebody cannot spend so much, if they cannot.
    pub(super) fn cannot_spend(&self, who: usize, amount: i64) -> Option<Answer> {
        if self.frozen[who] {
            return Some(FROZEN);
        }
        (self.balances[who] < amount).then_some(POOR)
    }

    /// Staff put a balance right, frozen or not.
    pub(super) fn correct(&mut self, who: usize, soum: i64) -> Answer {
        if self.balances[who] + soum * 100 < 0 {
            return POOR;
        }
        self.balances[who] += soum * 100;
        MADE
    }

    pub(super) fn freeze(&mut self, who: usize, freezes: bool) -> Answer {
        self.frozen[who] = freezes;
        OK
    }

    pub(super) fn switch(&mut self, releases: bool, on: bool) -> Answer {
        if releases {
            self.releases_off = !on;
        } else {
            self.withdrawals_off = !on;
        }
        OK
    }
}
