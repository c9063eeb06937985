//! The letters, in three languages and two forms: one file per letter, one frame around them all.
//!
//! A letter to an address that nobody has proved yet carries no word of the person who registered it: a name can be an
//! advertisement, and we would be mailing it to a stranger. No subject ever carries a person's words.

mod frame;
mod words;

// ── accounts ──
pub(crate) mod account_notice;
pub(crate) mod change_email;
pub(crate) mod new_device;
pub(crate) mod password_changed;
pub(crate) mod password_reset;
pub(crate) mod token_reused;
pub(crate) mod verify_email;
pub(crate) mod welcome;

// ── listings ──
pub(crate) mod listing_approved;
pub(crate) mod listing_rejected;
pub(crate) mod listing_taken_down;
pub(crate) mod new_listing;

// ── deals ──
pub(crate) mod deal_cancel_asked;
pub(crate) mod deal_cancelled;
pub(crate) mod deal_confirmed;
pub(crate) mod deal_delivered;
pub(crate) mod deal_disputed;
pub(crate) mod deal_handed_over;
pub(crate) mod deal_paid;
pub(crate) mod deal_refunded;
pub(crate) mod deal_resolved;
pub(crate) mod deal_withdrawn;

// ── money ──
pub(crate) mod deposit_cancelled;
pub(crate) mod deposit_completed;
pub(crate) mod deposit_returned;
pub(crate) mod purchase_refunded;
pub(crate) mod sale_paid;
pub(crate) mod withdrawal_failed;
pub(crate) mod withdrawal_paid;
pub(crate) mod withdrawal_rejected;

// ── subscriptions ──
pub(crate) mod subscription_expired;
pub(crate) mod subscription_expiring;
pub(crate) mod subscription_purchased;
pub(crate) mod subscription_renewed;
pub(crate) mod subscription_unpaid;

use crate::Money;

/// What a letter about a subscription is about.
#[derive(Clone, Debug)]
pub(crate) struct PlanSubject {
    /// The plan's name.
    pub(crate) plan: String,
    /// Until when it holds, on the reader's clock.
    pub(crate) until: String,
    /// The page of plans.
    pub(crate) link: String,
}

/// What a letter is about: a listing, or the deal on one.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// What people call the listing: ours, so it may stand in a subject.
    pub(crate) code: String,
    /// The seller's words.
    pub(crate) title: String,
    /// Its price.
    pub(crate) price: Money,
    /// Its page.
    pub(crate) link: String,
}

#[cfg(test)]
mod tests {
    use super::deal_refunded::Undone::{ByBuyer, ByStaff, Undelivered};
    use super::purchase_refunded::Why;
    use super::*;
    use crate::accounts::jobs::News;
    use crate::language::Language;
    use crate::mail::{Letter, Reader};

    const LINK: &str = "https://wibestore.uz/trade/1?a=b&lang=uz";
    const CARD: &str = "860053••••8829";
    const AT: &str = "26.11.2026, 14:30 (Asia/Tashkent)";
    const NAME: &str = "Ali <b>\"Sher\"</b>\r\nBcc: x@mail.uz";
    const TITLE: &str = "<script>alert('x')</script>\nVisit us & win";
    const WORDS: &str = "line one\n<img src=x>\n& line three";

    /// Every letter to one reader.
    fn letters(language: Language) -> Vec<Letter> {
        let reader = &Reader { to: "ali@mail.uz", language, name: NAME };
        let about = &Subject {
            code: "WB-000123".to_owned(),
            title: TITLE.to_owned(),
            price: Money::from_soum(150_000),
            link: LINK.to_owned(),
        };
        let (amount, method) = (Money::from_soum(90_000), "Payme");
        let plan =
            &PlanSubject { plan: TITLE.to_owned(), until: AT.to_owned(), link: LINK.to_owned() };
        let shares = deal_resolved::Shares { seller: amount, buyer: amount };
        let (ip, program) = (Some("203.0.113.7".to_owned()), Some(WORDS.to_owned()));
        let device = &new_device::Device { at: AT.to_owned(), ip, program };
        let sale = sale_paid::Sale { amount, commission: amount, earnings: amount };
        let mut letters = vec![
            verify_email::letter("ali@mail.uz", language, LINK),
            change_email::letter("ali@mail.uz", language, LINK),
            welcome::letter(reader, LINK),
            password_reset::letter("ali@mail.uz", language, LINK),
            password_changed::letter(reader, AT, LINK),
            new_device::letter(reader, device, LINK),
            token_reused::letter(reader, device, LINK),
            new_listing::letter(reader, about, AT),
            listing_approved::letter(reader, about),
            listing_rejected::letter(reader, about, WORDS),
            listing_taken_down::letter(reader, about, WORDS),
            deal_paid::letter(reader, about, AT, amount),
            deal_handed_over::letter(reader, about, AT),
            deal_delivered::to_seller(reader, about, AT),
            deal_delivered::to_silent_buyer(reader, about, AT),
            deal_confirmed::letter(reader, about),
            deal_disputed::letter(reader, about, WORDS),
            deal_disputed::by_staff(reader, about, WORDS),
            deal_resolved::letter(reader, about, shares, WORDS),
            deal_cancelled::letter(reader, about),
            deal_cancel_asked::letter(reader, about, AT),
            deal_withdrawn::letter(reader, about),
            deposit_completed::letter(reader, amount, method, AT, LINK),
            deposit_cancelled::letter(reader, amount, method, LINK),
            deposit_returned::letter(reader, amount, method, AT, LINK),
            sale_paid::letter(reader, about, sale, AT),
            subscription_purchased::letter(reader, plan, amount),
            subscription_renewed::letter(reader, plan, amount),
            subscription_unpaid::letter(reader, plan, amount),
            subscription_expiring::to_be_renewed(reader, plan, amount),
            subscription_expiring::to_end(reader, plan),
            subscription_expired::letter(reader, plan),
            withdrawal_paid::letter(reader, amount, CARD, AT, LINK),
            withdrawal_failed::letter(reader, amount, CARD, LINK),
            withdrawal_rejected::letter(reader, amount, CARD, WORDS, LINK),
        ];
        for news in News::ALL {
            letters.push(account_notice::letter("ali@mail.uz", language, *news, LINK));
        }
        for undone in [Undelivered, ByBuyer, ByStaff] {
            letters.push(deal_refunded::letter(reader, about, undone));
        }
        for why in [Why::GivenUp, Why::Undelivered, Why::ByStaff] {
            letters.push(purchase_refunded::letter(reader, about, amount, why, AT));
        }
        letters
    }

    #[test]
    fn every_letter_is_whole_in_both_forms_and_every_language() {
        for language in Language::ALL {
            for letter in letters(*language) {
                let (text, html) = (&letter.text, &letter.html);
                assert_eq!(letter.to, "ali@mail.uz");
                assert!(letter.subject.contains("WibeStore"), "{}", letter.subject);
                for form in [&letter.subject, text, html] {
                    assert!(!form.contains("{}"), "something is missing: {form}");
                }
                assert!(text.contains(LINK), "{text}");
                assert!(html.contains("href=\"https://wibestore.uz/trade/1?a=b&amp;lang=uz\""));
                assert!(html.contains(&format!("<html lang=\"{language}\">")), "{html}");
                assert!(text.ends_with(&format!("{}\n", words::FOOTER.get(*language))), "{text}");
            }
        }
    }

    #[test]
    fn no_two_letters_and_no_two_languages_say_the_same() {
        let bodies: Vec<String> =
            Language::ALL.iter().flat_map(|l| letters(*l)).map(|letter| letter.text).collect();
        let different: std::collections::HashSet<&String> = bodies.iter().collect();
        assert_eq!(different.len(), bodies.len());
    }

    #[test]
    fn a_persons_words_are_shown_and_do_nothing() {
        for language in Language::ALL {
            for letter in letters(*language) {
                let Letter { subject, text, html, .. } = letter;
                for alive in ["<script", "<img", "<b>", "</b>"] {
                    assert!(!html.contains(alive), "{html}");
                }
                for theirs in ["script", "Sher", "Bcc"] {
                    assert!(!subject.contains(theirs), "{subject}");
                }
                for line in text.lines() {
                    assert!(!line.starts_with("Bcc") && !line.starts_with("Visit us"), "{text}");
                    assert!(!line.starts_with("<img") && !line.starts_with("& line"), "{text}");
                }
            }
        }
    }

    #[test]
    fn a_stranger_is_told_nobodys_name() {
        for (letter, begins) in [
            (verify_email::letter("ali@mail.uz", Language::En, LINK), "This address was given"),
            (password_reset::letter("ali@mail.uz", Language::En, LINK), "A new password was asked"),
        ] {
            assert!(letter.text.starts_with(&format!("Hello!\n\n{begins}")), "{}", letter.text);
        }
    }
}
