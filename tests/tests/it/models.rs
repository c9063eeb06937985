//! The specification's models: each field is a column, computed, or awaited with a reason. `models.txt` says which.

use std::collections::{BTreeMap, BTreeSet};

use tests::TestApp;

const TABLE: &str = include_str!("models.txt");

/// The specification's section on data, field by field. Chat, notifications, reviews and reports join with their issues.
const SPECIFIED: &[(&str, &str)] = &[
    (
        "User",
        "id email username phone_number full_name avatar is_active is_staff is_superuser is_verified rating total_sales \
         total_purchases balance language timezone created_at updated_at last_login deleted_at",
    ),
    (
        "Game",
        "id name slug description icon image color is_active sort_order created_at updated_at",
    ),
    ("Category", "id name slug parent"),
    (
        "Listing",
        "id seller game title description price original_price status is_premium views_count favorites_count \
         login_method account_email account_password account_additional_info level rank skins_count features images \
         moderated_by moderated_at approved_at rejected_at rejection_reason sold_at created_at updated_at deleted_at",
    ),
    ("ListingImage", "id listing image is_primary sort_order"),
    ("Favorite", "id user listing created_at"),
    ("View", "id listing user ip_address viewed_at"),
    ("PaymentMethod", "id name code icon is_active config"),
    (
        "Transaction",
        "id user amount currency type status payment_method provider_transaction_id description metadata processed_at \
         failed_at created_at",
    ),
    (
        "EscrowTransaction",
        "id listing buyer seller amount commission_amount seller_earnings status buyer_confirmed_at seller_paid_at \
         admin_released_at dispute_reason dispute_resolved_by dispute_resolution created_at updated_at",
    ),
    (
        "SubscriptionPlan",
        "id name slug price_monthly price_yearly commission_rate features is_premium is_pro sort_order is_active \
         created_at updated_at",
    ),
    (
        "UserSubscription",
        "id user plan status start_date end_date auto_renew cancelled_at cancel_reason payment_history created_at \
         updated_at",
    ),
];

/// What a field is here.
enum Place {
    /// Schema, table, column.
    Column(String),
    /// With its reason.
    Computed(String),
    /// With its reason.
    Awaiting(String),
}

/// Lines of the committed table, in its order.
fn recorded() -> Vec<(String, String, Place)> {
    TABLE
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (field, place) =
                line.split_once(" -> ").unwrap_or_else(|| panic!("no arrow: {line}"));
            let (model, field) =
                field.split_once('.').unwrap_or_else(|| panic!("no field: {line}"));
            let place = match place.split_once(": ") {
                Some(("computed", how)) => Place::Computed(how.to_owned()),
                Some(("awaiting", what)) => Place::Awaiting(what.to_owned()),
                Some((other, _)) => panic!("{other} is no place: {line}"),
                None => match place.matches('.').count() {
                    1 => Place::Column(format!("public.{place}")),
                    2 => Place::Column(place.to_owned()),
                    _ => panic!("no column: {line}"),
                },
            };
            (model.to_owned(), field.to_owned(), place)
        })
        .collect()
}

#[test]
fn every_field_of_the_specification_is_recorded_once() {
    let lines = recorded();
    let known: BTreeSet<(&str, &str)> =
        lines.iter().map(|(model, field, _)| (model.as_str(), field.as_str())).collect();
    assert_eq!(known.len(), lines.len(), "a field is recorded twice");
    let specified: BTreeSet<(&str, &str)> = SPECIFIED
        .iter()
        .flat_map(|(model, fields)| fields.split_whitespace().map(move |field| (*model, field)))
        .collect();
    let missing: Vec<_> = specified.difference(&known).collect();
    assert!(missing.is_empty(), "not in models.txt: {missing:?}");
    let invented: Vec<_> = known.difference(&specified).collect();
    assert!(invented.is_empty(), "not in the specification: {invented:?}");
    for (model, field, place) in &lines {
        if let Place::Computed(reason) | Place::Awaiting(reason) = place {
            assert!(reason.len() >= 8, "{model}.{field} gives no reason");
        }
    }
}

#[tokio::test]
async fn every_recorded_column_is_in_the_schema_and_nothing_is_awaited_that_came() {
    let app = TestApp::start().await;
    let columns: BTreeSet<String> = app
        .database
        .texts("SELECT table_schema || '.' || table_name || '.' || column_name FROM information_schema.columns")
        .await
        .into_iter()
        .collect();
    let lines = recorded();
    let mut tables: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (model, field, place) in &lines {
        if let Place::Column(column) = place {
            assert!(columns.contains(column), "{model}.{field} is not {column}");
            let (table, _) = column.rsplit_once('.').expect("a column");
            tables.entry(model).or_default().insert(table);
        }
    }
    for (model, field, place) in &lines {
        let Place::Awaiting(_) = place else { continue };
        for table in tables.get(model.as_str()).into_iter().flatten() {
            for name in [field.clone(), format!("{field}_id")] {
                let column = format!("{table}.{name}");
                assert!(!columns.contains(&column), "{model}.{field} came: it is {column}");
            }
        }
    }
    app.finish().await;
}
