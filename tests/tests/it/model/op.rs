//! Operations, and how a history of them is drawn.

use proptest::prelude::*;

use super::book::Book;

/// One thing that somebody does. To add one: a variant, a weight in [`drawn`], its rule in `Book::take`, its call in
/// `World::call`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Deposit { who: usize, soum: i64, by: By },
    Return { deposit: usize },
    List { who: usize, soum: i64 },
    Buy { who: usize, listing: usize, by_payme: bool },
    Pay { who: usize, deal: usize },
    Begin { deal: usize },
    Perform { deal: usize },
    HandOver { who: usize, deal: usize },
    Confirm { who: usize, deal: usize },
    Release { who: usize, deal: usize },
    GiveUp { who: usize, deal: usize },
    Cancel { who: usize, deal: usize },
    Dispute { who: usize, deal: usize },
    Stop { deal: usize },
    Refund { deal: usize },
    Complete { deal: usize },
    Resolve { deal: usize, percent: i64 },
    Block { listing: usize },
    Withdraw { who: usize, soum: i64 },
    TakeBack { who: usize, withdrawal: usize },
    Approve { colleague: bool, withdrawal: usize },
    Reject { withdrawal: usize },
    Subscribe { who: usize, pro: bool },
    StopPlan { who: usize },
    ResumePlan { who: usize },
    Correct { who: usize, soum: i64 },
    Freeze { who: usize, freezes: bool },
    Switch { releases: bool, on: bool },
    Wait { seconds: i64 },
}

/// Through whom money comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Payme,
    Click,
    Paynet,
    Uzcard,
    Humo,
}

impl By {
    const ALL: [Self; 5] = [Self::Payme, Self::Click, Self::Paynet, Self::Uzcard, Self::Humo];
}

/// How many people trade.
pub(super) const PEOPLE: usize = 3;
/// No sum of a few of these is the length of a window of a deal, so that no step depends on how fast the machine is.
const WAITS: [i64; 5] = [17 * 60, 31 * 60, 13 * 3_600, 25 * 3_600, 73 * 3_600];
/// What people take out, in UZS: too little, what leaves at once, and what one or two members of staff look at first.
const SUMS: [i64; 4] = [9_000, 20_000, 60_000, 150_000];
/// What staff put right, in UZS.
const CORRECTIONS: [i64; 4] = [-60_000, -7_001, 1_000, 45_000];
/// In UZS; nothing is cheap enough that everybody can always pay.
const PRICES: [i64; 4] = [10_000, 33_333, 100_001, 250_000];

/// A number that stands for whatever exists when its turn comes.
fn any_index() -> std::ops::Range<usize> {
    0..64
}

/// One operation; its indexes are folded onto what exists by [`fitted`].
fn drawn() -> impl Strategy<Value = Op> {
    let who = 0..PEOPLE;
    let party = || (0..PEOPLE, any_index());
    let price = || prop::sample::select(&PRICES[..]);
    prop_oneof![
        5 => (who.clone(), price(), prop::sample::select(&By::ALL[..]))
            .prop_map(|(who, soum, by)| Op::Deposit { who, soum, by }),
        1 => any_index().prop_map(|deposit| Op::Return { deposit }),
        3 => (who.clone(), price()).prop_map(|(who, soum)| Op::List { who, soum }),
        2 => (who.clone(), prop::sample::select(&SUMS[..]))
            .prop_map(|(who, soum)| Op::Withdraw { who, soum }),
        1 => party().prop_map(|(who, withdrawal)| Op::TakeBack { who, withdrawal }),
        2 => (prop::bool::ANY, any_index())
            .prop_map(|(colleague, withdrawal)| Op::Approve { colleague, withdrawal }),
        1 => any_index().prop_map(|withdrawal| Op::Reject { withdrawal }),
        1 => (who.clone(), prop::bool::ANY).prop_map(|(who, pro)| Op::Subscribe { who, pro }),
        1 => who.clone().prop_map(|who| Op::StopPlan { who }),
        1 => who.clone().prop_map(|who| Op::ResumePlan { who }),
        2 => (who.clone(), prop::sample::select(&CORRECTIONS[..]))
            .prop_map(|(who, soum)| Op::Correct { who, soum }),
        2 => (who.clone(), prop::bool::weighted(0.4))
            .prop_map(|(who, freezes)| Op::Freeze { who, freezes }),
        2 => (prop::bool::ANY, prop::bool::weighted(0.6))
            .prop_map(|(releases, on)| Op::Switch { releases, on }),
        6 => (who, any_index(), prop::bool::weighted(0.4))
            .prop_map(|(who, listing, by_payme)| Op::Buy { who, listing, by_payme }),
        2 => party().prop_map(|(who, deal)| Op::Pay { who, deal }),
        3 => any_index().prop_map(|deal| Op::Begin { deal }),
        4 => any_index().prop_map(|deal| Op::Perform { deal }),
        5 => party().prop_map(|(who, deal)| Op::HandOver { who, deal }),
        4 => party().prop_map(|(who, deal)| Op::Confirm { who, deal }),
        2 => party().prop_map(|(who, deal)| Op::Release { who, deal }),
        1 => party().prop_map(|(who, deal)| Op::GiveUp { who, deal }),
        3 => party().prop_map(|(who, deal)| Op::Cancel { who, deal }),
        2 => party().prop_map(|(who, deal)| Op::Dispute { who, deal }),
        1 => any_index().prop_map(|deal| Op::Stop { deal }),
        1 => any_index().prop_map(|deal| Op::Refund { deal }),
        1 => any_index().prop_map(|deal| Op::Complete { deal }),
        2 => (any_index(), 1_i64..=99).prop_map(|(deal, percent)| Op::Resolve { deal, percent }),
        1 => any_index().prop_map(|listing| Op::Block { listing }),
        3 => prop::sample::select(&WAITS[..]).prop_map(|seconds| Op::Wait { seconds }),
    ]
}

/// A history of about 20 to 60 steps: what is drawn about things that do not exist yet is left out.
pub(super) fn history() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(drawn(), 36..=96)
}

/// The operation about things that exist; none when there is nothing of the kind. The latest come first.
pub(super) fn fitted(op: Op, book: &Book) -> Option<Op> {
    let fold = |index: usize, count: usize| (count > 0).then(|| count - 1 - index % count.min(4));
    let deals = book.deals.len();
    let on = |index: usize| fold(index, deals);
    let withdrawals = book.withdrawals.len();
    Some(match op {
        Op::Deposit { .. } | Op::List { .. } | Op::Withdraw { .. } | Op::Wait { .. } => op,
        Op::StopPlan { .. } | Op::ResumePlan { .. } | Op::Correct { .. } => op,
        Op::Freeze { .. } | Op::Switch { .. } => op,
        // Upgrades have tests of their own.
        Op::Subscribe { who, pro } => book.may_subscribe(who, pro).then_some(op)?,
        Op::TakeBack { who, withdrawal } => {
            Op::TakeBack { who, withdrawal: fold(withdrawal, withdrawals)? }
        }
        Op::Approve { colleague, withdrawal } => {
            Op::Approve { colleague, withdrawal: fold(withdrawal, withdrawals)? }
        }
        Op::Reject { withdrawal } => Op::Reject { withdrawal: fold(withdrawal, withdrawals)? },
        Op::Return { deposit } => Op::Return { deposit: fold(deposit, book.deposits.len())? },
        Op::Buy { who, listing, by_payme } => {
            Op::Buy { who, listing: fold(listing, book.listings.len())?, by_payme }
        }
        Op::Block { listing } => Op::Block { listing: fold(listing, book.listings.len())? },
        Op::Pay { who, deal } => Op::Pay { who, deal: on(deal)? },
        Op::Begin { deal } => {
            let deal = on(deal)?;
            book.may_begin(deal).then_some(Op::Begin { deal })?
        }
        Op::Perform { deal } => {
            let deal = on(deal)?;
            book.may_perform(deal).then_some(Op::Perform { deal })?
        }
        Op::HandOver { who, deal } => Op::HandOver { who, deal: on(deal)? },
        Op::Confirm { who, deal } => Op::Confirm { who, deal: on(deal)? },
        Op::Release { who, deal } => Op::Release { who, deal: on(deal)? },
        Op::GiveUp { who, deal } => Op::GiveUp { who, deal: on(deal)? },
        Op::Cancel { who, deal } => Op::Cancel { who, deal: on(deal)? },
        Op::Dispute { who, deal } => Op::Dispute { who, deal: on(deal)? },
        Op::Stop { deal } => Op::Stop { deal: on(deal)? },
        Op::Refund { deal } => Op::Refund { deal: on(deal)? },
        Op::Complete { deal } => Op::Complete { deal: on(deal)? },
        Op::Resolve { deal, percent } => Op::Resolve { deal: on(deal)?, percent },
    })
}
