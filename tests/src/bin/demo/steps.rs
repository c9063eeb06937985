//! The sale.

use diesel_async::SimpleAsyncConnection;
use serde_json::{Value, json};
use tests::{Client, Payme, mail};

use crate::ledger;
use crate::teller::{Platform, Result, detail, field, tell, want};

/// The price, in UZS; the seller is on the free plan, so the commission is a tenth.
const PRICE: &str = "450000.00";
const PRICE_TIYIN: i64 = 45_000_000;
const EARNINGS: &str = "405000.00";
const COMMISSION: &str = "45000.00";

/// A signed-in person.
struct Person {
    email: String,
    password: String,
    client: Client,
}

/// Registers two people, sells one account, and checks where the money went.
pub async fn sale(platform: &Platform) -> Result<()> {
    let before = platform.number("SELECT coalesce(sum(e.amount), 0)::bigint AS n FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id WHERE a.code = 'system:commission'").await?;
    let mut seller = register(platform, "seller").await?;
    let mut buyer = register(platform, "buyer").await?;
    let listing = list(platform, &seller).await?;
    deposit(platform, &buyer).await?;
    let deal = buy(&buyer, &listing).await?;
    hand_over(&seller, &buyer, &deal).await?;
    confirm(platform, &buyer, &deal).await?;
    release(platform, &mut seller, &mut buyer, &deal).await?;
    tell("The ledger of the deal");
    ledger::print(platform, &deal).await?;
    ledger::check(platform).await?;
    let after = platform.number("SELECT coalesce(sum(e.amount), 0)::bigint AS n FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id WHERE a.code = 'system:commission'").await?;
    if after - before < 45_000 {
        return Err(format!(
            "the commission account grew by {} instead of {COMMISSION}",
            after - before
        ));
    }
    Ok(())
}

async fn register(platform: &Platform, role: &str) -> Result<Person> {
    tell(&format!("The {role} registers and proves the e-mail address"));
    let since = platform.newest_job().await?;
    let email = format!("{role}-{}@example.uz", uuid::Uuid::new_v4().simple());
    let password = format!("{}-Qx7", uuid::Uuid::new_v4().simple());
    let body = json!({ "email": email, "password": password, "full_name": format!("Demo {role}"), "language": "en" });
    let reply = want(platform.client.post("auth/register/", body).await, 201, "register")?;
    platform.wait_for_job("send_email_verification", since).await?;
    let token = mail::verification_token(&platform.mail_dir, &email)
        .ok_or("the verification mail is not there")?;
    want(
        platform.client.post("auth/email/verify/", json!({ "token": token })).await,
        200,
        "verify",
    )?;
    let client = platform.client.with_token(&field(&reply, "/tokens/access")?);
    detail(&email);
    Ok(Person { email, password, client })
}

async fn sign_in(platform: &Platform, email: &str, password: &str) -> Result<Client> {
    let reply = want(
        platform.client.post("auth/login/", json!({ "email": email, "password": password })).await,
        200,
        "log in",
    )?;
    Ok(platform.client.with_token(&field(&reply, "/tokens/access")?))
}

async fn list(platform: &Platform, seller: &Person) -> Result<String> {
    tell("The seller lists an account, and staff approves it");
    let games = want(platform.client.get("games/").await, 200, "games")?;
    let body = json!({
        "game_id": field(&games, "/results/0/id")?,
        "title": "Conqueror account, season 31",
        "description": "Level 72, four mythic outfits, clean history.",
        "price": PRICE,
        "level": "72",
        "rank": "Conqueror",
        "skins_count": 41,
        "features": ["mythic outfits"],
        "login_method": "email",
        "account_email": "conqueror72@gmail.com",
        "account_password": "s3cret-Conqueror",
        "account_additional_info": { "note": "backup codes in the mailbox" },
    });
    let listing =
        field(&want(seller.client.post("listings/", body).await, 201, "create listing")?, "/id")?;
    let staff = sign_in(platform, &platform.staff.0, &platform.staff.1).await?;
    want(
        staff.post_empty(&format!("admin-panel/listings/{listing}/approve/")).await,
        200,
        "approve",
    )?;
    let public = want(platform.client.get(&format!("listings/{listing}/")).await, 200, "listing")?;
    detail(&format!(
        "{} for {} UZS is {}",
        field(&public, "/title")?,
        field(&public, "/price")?,
        field(&public, "/status")?
    ));
    if public.text.contains("conqueror72") || public.text.contains("s3cret") {
        return Err("the public listing shows the credentials".to_owned());
    }
    Ok(listing)
}

async fn deposit(platform: &Platform, buyer: &Person) -> Result<()> {
    tell("The buyer deposits through Payme: check, create, perform");
    let body = json!({ "amount": PRICE, "payment_method": "payme" });
    let reply = want(buyer.client.post("payments/deposit/", body).await, 201, "deposit")?;
    detail(&format!("the payer would open {}", field(&reply, "/payment_url")?));
    let id = Payme::new(&platform.client, &platform.payme_key)
        .pay(&field(&reply, "/id")?, PRICE_TIYIN)
        .await;
    detail(&format!("Payme transaction {id} is performed"));
    balance(buyer, PRICE, "0.00").await
}

async fn buy(buyer: &Person, listing: &str) -> Result<String> {
    tell("The buyer buys: the money goes into the deal");
    let body = json!({ "listing_id": listing, "payment_method": "balance" });
    let reply = want(buyer.client.post("payments/purchase/", body.clone()).await, 201, "purchase")?;
    let again =
        want(buyer.client.post("payments/purchase/", body).await, 200, "the same purchase again")?;
    if again.json.get("id") != reply.json.get("id") {
        return Err("a repeated purchase made another deal".to_owned());
    }
    balance(buyer, "0.00", PRICE).await?;
    field(&reply, "/id")
}

async fn hand_over(seller: &Person, buyer: &Person, deal: &str) -> Result<()> {
    tell("The seller hands over, and the buyer sees the credentials");
    let credentials = format!("payments/escrow/{deal}/credentials/");
    want(buyer.client.get(&credentials).await, 409, "credentials before the hand-over")?;
    want(
        seller.client.post_empty(&format!("payments/escrow/{deal}/seller-confirm-trade/")).await,
        200,
        "hand over",
    )?;
    let shown = want(buyer.client.get(&credentials).await, 200, "credentials")?;
    detail(&format!(
        "{} / {}",
        field(&shown, "/account_email")?,
        "•".repeat(field(&shown, "/account_password")?.len())
    ));
    Ok(())
}

async fn confirm(platform: &Platform, buyer: &Person, deal: &str) -> Result<()> {
    tell("The buyer confirms receipt: the seller is paid in 24 hours unless there is a dispute");
    let since = platform.newest_job().await?;
    let reply = want(
        buyer.client.post_empty(&format!("payments/escrow/{deal}/buyer-confirm/")).await,
        200,
        "confirm",
    )?;
    detail(&format!(
        "the deal is {}",
        reply
            .json
            .pointer("/status")
            .or_else(|| reply.json.pointer("/data/status"))
            .unwrap_or(&Value::Null)
    ));
    let scheduled = platform.newest_job().await? > since;
    if scheduled { Ok(()) } else { Err("no release was recorded".to_owned()) }
}

async fn release(
    platform: &Platform,
    seller: &mut Person,
    buyer: &mut Person,
    deal: &str,
) -> Result<()> {
    tell("A day passes: the clock is moved, and a worker releases the money");
    let released = platform
        .number("SELECT coalesce(max(id), 0) AS n FROM jobs WHERE kind = 'release_escrow_payment'")
        .await?;
    platform
        .database()
        .await?
        .batch_execute("UPDATE app_clock SET shift = shift + interval '24 hours 1 second'")
        .await
        .map_err(|error| error.to_string())?;
    platform.wait_for_job("release_escrow_payment", released - 1).await?;
    seller.client = sign_in(platform, &seller.email, &seller.password).await?;
    buyer.client = sign_in(platform, &buyer.email, &buyer.password).await?;
    let view = want(buyer.client.get(&format!("payments/escrow/{deal}/")).await, 200, "deal")?;
    if field(&view, "/status")? != "confirmed" {
        return Err(format!("the deal is {}", field(&view, "/status")?));
    }
    detail(&format!("the deal is confirmed; seller {EARNINGS} UZS, commission {COMMISSION} UZS"));
    balance(seller, EARNINGS, "0.00").await?;
    balance(buyer, "0.00", "0.00").await?;
    history(seller, &["sale", "commission"]).await?;
    history(buyer, &["deposit", "purchase"]).await
}

async fn balance(person: &Person, available: &str, held: &str) -> Result<()> {
    let reply = want(person.client.get("payments/balance/").await, 200, "balance")?;
    let found = (field(&reply, "/available")?, field(&reply, "/held")?);
    if found != (available.to_owned(), held.to_owned()) {
        return Err(format!(
            "{} has {found:?} instead of {available} available and {held} held",
            person.email
        ));
    }
    detail(&format!("balance: {available} available, {held} held"));
    Ok(())
}

async fn history(person: &Person, kinds: &[&str]) -> Result<()> {
    let reply = want(person.client.get("payments/transactions/").await, 200, "transactions")?;
    let rows = reply.json["results"].as_array().cloned().unwrap_or_default();
    let found: Vec<String> =
        rows.iter().map(|row| row["type"].as_str().unwrap_or_default().to_owned()).collect();
    if kinds.iter().all(|kind| found.iter().any(|found| found == kind))
        && found.len() == kinds.len()
    {
        Ok(())
    } else {
        Err(format!("{} has the transactions {found:?} instead of {kinds:?}", person.email))
    }
}
