//! `payment_cases`: facts about money that no rule may decide, for staff. One fact opens one case, however often it is seen.

mod agree;
mod list;
mod measure;
mod model;
mod open;
mod resolve;

pub(crate) use agree::{close_agreed, open_case_again};
pub use list::{CaseFilters, CaseOrder, list_cases};
pub(super) use measure::measure;
pub use model::{CaseKind, CaseStatus, PaymentCase};
pub(crate) use open::{NewCase, open_case, reference};
pub use resolve::resolve_case;
