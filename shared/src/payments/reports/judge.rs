//! What follows from two views of one payment. Pure.

use crate::text_enum::text_enum;

/// What a payment is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::payments) enum Ours {
    /// Its payer was credited.
    Credited,
    /// Its payer was credited, and the money was booked back to the provider.
    Returned,
    /// Its payer was not credited.
    Uncredited,
}

text_enum! {
    /// What a payment is at its provider.
    Theirs {
        /// The payer was debited.
        Paid = "paid",
        /// It is not decided.
        Open = "open",
        /// It came to nothing, or was given back.
        Undone = "undone",
        /// The provider does not know it.
        Missing = "missing",
    }
}

text_enum! {
    /// How the two differ. The texts are part of the cases' references: never renamed.
    Discrepancy {
        /// Paid there, not credited here, and what mends that has not helped.
        NotCredited = "not_credited",
        /// Paid there for nothing that we know.
        UnknownHere = "unknown_here",
        /// Paid there with another amount.
        Amount = "amount",
        /// Credited here, unknown there.
        UnknownThere = "unknown_there",
        /// Credited here, undone there.
        UndoneThere = "undone_there",
        /// Credited here, not decided there.
        OpenThere = "open_there",
        /// Booked back here, still paid there.
        KeptThere = "kept_there",
        /// The provider's line cannot be read.
        Unreadable = "unreadable",
    }
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::payments) enum Verdict {
    /// Nothing.
    Agreed,
    /// A job of the payment's ordinary path mends it; staff, when it has not.
    Repair(Discrepancy),
    /// Staff decide.
    Disagreed(Discrepancy),
}

/// Compares two views of one payment, whose amounts agree.
pub(in crate::payments) const fn judge(ours: Ours, theirs: Theirs) -> Verdict {
    match (ours, theirs) {
        (Ours::Credited, Theirs::Open) => Verdict::Disagreed(Discrepancy::OpenThere),
        (Ours::Credited, Theirs::Undone) => Verdict::Disagreed(Discrepancy::UndoneThere),
        (Ours::Credited, Theirs::Missing) => Verdict::Disagreed(Discrepancy::UnknownThere),
        (Ours::Returned, Theirs::Paid) => Verdict::Repair(Discrepancy::KeptThere),
        (Ours::Uncredited, Theirs::Paid) => Verdict::Repair(Discrepancy::NotCredited),
        (Ours::Credited, Theirs::Paid)
        | (Ours::Returned | Ours::Uncredited, Theirs::Open | Theirs::Undone | Theirs::Missing) => {
            Verdict::Agreed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_of_views_has_one_consequence() {
        let table = [
            (Ours::Credited, Theirs::Paid, "agreed"),
            (Ours::Credited, Theirs::Open, "case open_there"),
            (Ours::Credited, Theirs::Undone, "case undone_there"),
            (Ours::Credited, Theirs::Missing, "case unknown_there"),
            (Ours::Returned, Theirs::Paid, "repair kept_there"),
            (Ours::Returned, Theirs::Open, "agreed"),
            (Ours::Returned, Theirs::Undone, "agreed"),
            (Ours::Returned, Theirs::Missing, "agreed"),
            (Ours::Uncredited, Theirs::Paid, "repair not_credited"),
            (Ours::Uncredited, Theirs::Open, "agreed"),
            (Ours::Uncredited, Theirs::Undone, "agreed"),
            (Ours::Uncredited, Theirs::Missing, "agreed"),
        ];
        for (ours, theirs, expected) in table {
            let verdict = match judge(ours, theirs) {
                Verdict::Agreed => "agreed".to_owned(),
                Verdict::Repair(what) => format!("repair {what}"),
                Verdict::Disagreed(what) => format!("case {what}"),
            };
            assert_eq!(verdict, expected, "{ours:?} {theirs:?}");
        }
    }
}
