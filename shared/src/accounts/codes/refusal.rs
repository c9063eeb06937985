//! Why a code is not taken: for the metrics and the log. The caller is told one thing for all of it.

use crate::text_enum::text_enum;

text_enum! {
    /// Why a code is not taken.
    Refusal {
        /// There is no such request, or no code waits for this phone.
        Unknown = "unknown",
        /// It was used, or replaced by another.
        Used = "used",
        /// It is too old.
        Expired = "expired",
        /// It was tried too often.
        Exhausted = "exhausted",
        /// It is another one.
        Wrong = "wrong",
    }
}
