//! The platform's side of the model test: the same operations over HTTP, and what is compared.

use sandbox::{Multicard, SANDBOX_HUMO, SANDBOX_UZCARD};
use serde_json::{Value, json};
use tests::{Click, Payme, Paynet, Person, Reply, TestApp, sell_body};

use super::book::{Answer, Book, PERFORMED, RETURNED, SPENT, TOO_LATE};
use super::op::{By, Op, PEOPLE, fitted};

/// Everything that money could hide in: what is held, what was earned.
const TOTALS: &str = "SELECT (SELECT coalesce(sum(balance) * 100, 0)::bigint FROM ledger.account WHERE kind = 'escrow')
    || ' ' || (SELECT coalesce(sum(balance) * 100, 0)::bigint FROM ledger.account WHERE kind = 'user_withdrawal_hold')
    || ' ' || (SELECT coalesce(sum(e.amount) * 100, 0)::bigint FROM ledger.entry e
               JOIN ledger.account a ON a.id = e.account_id WHERE a.kind = 'commission_revenue')";

/// Where money is paid out to.
const CARD: &str = "8600533364098829";

/// One history's people and things on a platform that other histories have used before.
pub(super) struct World<'a> {
    app: &'a TestApp,
    payme: Payme,
    click: Click,
    paynet: Paynet,
    multicard: &'a Multicard,
    people: Vec<Person>,
    staff: Person,
    /// Who looks at large withdrawals with them.
    colleague: Person,
    superuser: Person,
    /// How many corrections there were: the same again is the same one.
    corrections: u32,
    game: String,
    listings: Vec<String>,
    deals: Vec<String>,
    withdrawals: Vec<String>,
    /// Payme's ids of deposits to the balance.
    deposits: Vec<String>,
    /// Our orders of deals that are paid through Payme, by deal, and Payme's ids once it has begun.
    orders: Vec<(String, Option<String>)>,
    /// What the platform had earned before.
    earned: i64,
}

impl<'a> World<'a> {
    /// Plays a history; says how many steps it had, or where the platform and the reference differ.
    pub(super) async fn play(
        app: &'a TestApp,
        multicard: &'a Multicard,
        history: &[Op],
    ) -> Result<u32, String> {
        let mut people = Vec::new();
        for _ in 0..PEOPLE {
            people.push(app.person("trader").await);
        }
        let games = app.client.get("games/").await.expect(200);
        let mut world = World {
            app,
            payme: app.payme(),
            click: app.click(),
            paynet: Paynet::new(&app.client),
            multicard,
            people,
            staff: app.staff().await,
            colleague: app.staff().await,
            superuser: app.superuser().await,
            corrections: 0,
            game: games.text_at("/results/0/id").to_owned(),
            listings: Vec::new(),
            deals: Vec::new(),
            withdrawals: Vec::new(),
            deposits: Vec::new(),
            orders: Vec::new(),
            earned: 0,
        };
        [.., world.earned] = world.totals().await;
        let (mut book, mut steps) = (Book::new(PEOPLE), 0);
        for op in history {
            let Some(op) = fitted(*op, &book) else { continue };
            world.step(&mut book, op).await?;
            steps += 1;
        }
        world.end(&mut book).await?;
        Ok(steps)
    }

    async fn step(&mut self, book: &mut Book, op: Op) -> Result<(), String> {
        let before = book.clone();
        let expected = book.take(&op);
        let answer = self.call(&before, op).await?;
        if answer.0 != expected.0 || answer.1 != expected.1 {
            return Err(format!("{op:?}: answered {answer:?} instead of {expected:?}"));
        }
        self.compare(book).await.map_err(|difference| format!("after {op:?}: {difference}"))
    }

    /// Lets everything run out, so that the next history finds nothing open.
    async fn end(&mut self, book: &mut Book) -> Result<(), String> {
        for releases in [false, true] {
            self.step(book, Op::Switch { releases, on: true }).await?;
        }
        for deal in 0..book.deals.len() {
            if book.deals[deal].status == "disputed" {
                self.step(book, Op::Refund { deal }).await?;
            }
        }
        for withdrawal in 0..book.withdrawals.len() {
            if book.withdrawals[withdrawal].status == "pending" {
                self.step(book, Op::Reject { withdrawal }).await?;
            }
        }
        for hours in [73, 73, 25] {
            self.step(book, Op::Wait { seconds: hours * 3_600 }).await?;
        }
        for (who, person) in self.people.iter().enumerate() {
            let sql = format!(
                "SELECT total_sales || ' ' || total_purchases FROM users WHERE id = '{}'",
                person.id
            );
            let (sales, purchases) = book.counters(who);
            let counted = self.app.database.texts(&sql).await.remove(0);
            if counted != format!("{sales} {purchases}") {
                return Err(format!("counted {counted} instead of {sales} {purchases}"));
            }
        }
        let violations = shared::ledger::check(&self.app.app.db).await.expect("checks");
        if violations.is_empty() { Ok(()) } else { Err(format!("{violations:?}")) }
    }

    async fn call(&mut self, book: &Book, op: Op) -> Result<(u16, String), String> {
        let nothing = json!({});
        match op {
            Op::Deposit { who, soum, by } => self.deposit(who, soum, by).await,
            Op::Return { deposit } => {
                let params = json!({ "id": self.deposits[deposit], "reason": 5 });
                Ok(said(&self.payme.call("CancelTransaction", params).await))
            }
            Op::List { who, soum } => self.list(who, soum).await,
            Op::Buy { who, listing, by_payme } => self.buy(book, who, listing, by_payme).await,
            Op::Block { listing } => {
                let path = format!("admin-panel/listings/{}/block/", self.listings[listing]);
                Ok(answer(&self.staff.client.post(&path, nothing).await))
            }
            Op::Wait { seconds } => {
                self.app.advance(&format!("{seconds} seconds")).await;
                self.app.run_due_jobs().await;
                Ok((200, String::new()))
            }
            Op::Begin { deal } => self.begin(deal).await,
            Op::Perform { deal } => {
                let params = json!({ "id": self.orders[deal].1 });
                Ok(said(&self.payme.call("PerformTransaction", params).await))
            }
            Op::Withdraw { who, soum } => self.withdraw(who, book.sum(soum)).await,
            Op::TakeBack { who, withdrawal } => {
                self.on_withdrawal(&self.people[who], withdrawal, "cancel").await
            }
            Op::Approve { colleague, withdrawal } => {
                let staff = if colleague { &self.colleague } else { &self.staff };
                self.on_withdrawal(staff, withdrawal, "approve").await
            }
            Op::Reject { withdrawal } => {
                self.on_withdrawal(&self.staff, withdrawal, "reject").await
            }
            Op::Subscribe { who, pro } => self.subscribe(who, pro).await,
            Op::StopPlan { who } => self.renewing(who, "cancel").await,
            Op::ResumePlan { who } => self.renewing(who, "resume").await,
            Op::Correct { who, soum } => self.correct(who, soum).await,
            Op::Freeze { who, freezes } => self.freeze(who, freezes).await,
            Op::Switch { releases, on } => self.switch(releases, on).await,
            Op::Pay { who, deal } => self.party(who, deal, "pay", nothing).await,
            Op::HandOver { who, deal } => {
                self.party(who, deal, "seller-confirm-trade", nothing).await
            }
            Op::Confirm { who, deal } => self.party(who, deal, "buyer-confirm", nothing).await,
            Op::Release { who, deal } => self.party(who, deal, "release", nothing).await,
            Op::GiveUp { who, deal } => self.party(who, deal, "seller-cancel", nothing).await,
            Op::Cancel { who, deal } => self.party(who, deal, "buyer-cancel", nothing).await,
            Op::Dispute { who, deal } => {
                self.party(who, deal, "dispute", json!({ "reason": "it does not work" })).await
            }
            Op::Stop { deal } => self.decide(deal, "dispute", json!({ "reason": "a check" })).await,
            Op::Refund { deal } => self.decide(deal, "refund", nothing).await,
            Op::Complete { deal } => self.decide(deal, "complete", nothing).await,
            Op::Resolve { deal, percent } => {
                let price = book.listings[book.deals[deal].listing].price;
                let refund = price * percent / 100;
                let refund = format!("{}.{:02}", refund / 100, refund % 100);
                let body = json!({ "winner": "buyer", "note": "both", "refund_amount": refund });
                self.decide(deal, "resolve-dispute", body).await
            }
        }
    }

    async fn deposit(&mut self, who: usize, soum: i64, by: By) -> Result<(u16, String), String> {
        let method = match by {
            By::Payme => "payme",
            By::Click => "click",
            By::Paynet => "paynet",
            By::Uzcard => "uzcard",
            By::Humo => "humo",
        };
        let body = json!({ "amount": soum, "payment_method": method });
        let made = self.people[who].client.post("payments/deposit/", body).await;
        if made.status != 201 {
            return Err(format!("a deposit: {}", made.text));
        }
        let order = made.text_at("/id");
        match by {
            By::Payme => self.deposits.push(self.payme.pay(order, soum * 100).await),
            By::Click => drop(self.click.pay(order, &format!("{soum}.00")).await),
            By::Paynet => drop(self.paynet.pay(order, soum * 100).await),
            By::Uzcard => self.pay_by_card(order, SANDBOX_UZCARD).await?,
            By::Humo => self.pay_by_card(order, SANDBOX_HUMO).await?,
        }
        Ok((PERFORMED.0, String::new()))
    }

    /// Somebody pays on Multicard's page.
    async fn pay_by_card(&self, order: &str, card: &str) -> Result<(), String> {
        let invoices = self.multicard.invoices();
        let invoice = invoices.iter().rev().find(|invoice| invoice.invoice_id == order);
        let invoice = invoice.ok_or("the deposit has no invoice")?;
        self.multicard.pay(&invoice.uuid, card).await.map_err(|problem| format!("{problem:?}"))?;
        Ok(())
    }

    async fn correct(&mut self, who: usize, soum: i64) -> Result<(u16, String), String> {
        self.corrections += 1;
        let path = format!("admin-panel/users/{}/adjust-balance/", self.people[who].id);
        let reason = format!("correction {}", self.corrections);
        let body = json!({ "amount": format!("{soum}.00"), "reason": reason });
        Ok(answer(&self.staff.client.post(&path, body).await))
    }

    async fn freeze(&self, who: usize, freezes: bool) -> Result<(u16, String), String> {
        let verb = if freezes { "freeze" } else { "unfreeze" };
        let path = format!("admin-panel/users/{}/{verb}-balance/", self.people[who].id);
        Ok(answer(&self.staff.client.post(&path, json!({ "reason": "a check" })).await))
    }

    async fn switch(&self, releases: bool, on: bool) -> Result<(u16, String), String> {
        let name = if releases { "releases" } else { "withdrawals" };
        let path = format!("admin-panel/switches/{name}/{}/", if on { "on" } else { "off" });
        Ok(answer(&self.superuser.client.post(&path, json!({ "reason": "a check" })).await))
    }

    async fn subscribe(&self, who: usize, pro: bool) -> Result<(u16, String), String> {
        let plan = if pro { "pro" } else { "premium" };
        let body = json!({ "plan_slug": plan, "period": "monthly" });
        Ok(answer(&self.people[who].client.post("subscriptions/purchase/", body).await))
    }

    async fn renewing(&self, who: usize, verb: &str) -> Result<(u16, String), String> {
        let path = format!("subscriptions/{verb}/");
        Ok(answer(&self.people[who].client.post_empty(&path).await))
    }

    async fn on_withdrawal(
        &self,
        who: &Person,
        withdrawal: usize,
        verb: &str,
    ) -> Result<(u16, String), String> {
        let id = &self.withdrawals[withdrawal];
        Ok(answer(&match verb {
            "cancel" => who.client.post_empty(&format!("payments/withdrawals/{id}/cancel/")).await,
            "reject" => {
                let path = format!("payments/withdrawal/{id}/reject/");
                who.client.post(&path, json!({ "reason": "a check" })).await
            }
            _ => who.client.post_empty(&format!("payments/withdrawal/{id}/{verb}/")).await,
        }))
    }

    async fn withdraw(&mut self, who: usize, tiyin: i64) -> Result<(u16, String), String> {
        let body = Person::withdrawal(tiyin / 100, CARD);
        let asked = self.people[who].client.post("payments/withdrawal/create/", body).await;
        if asked.status == 201 {
            self.withdrawals.push(asked.text_at("/id").to_owned());
        }
        Ok(answer(&asked))
    }

    async fn list(&mut self, who: usize, soum: i64) -> Result<(u16, String), String> {
        let mut body = sell_body(&self.game);
        body["price"] = json!(soum);
        // The same words twice would be the same listing.
        body["title"] = json!(format!("Account number {}", self.listings.len()));
        let made = self.people[who].client.post("listings/", body).await;
        if made.status == 201 {
            let id = made.text_at("/id").to_owned();
            let path = format!("admin-panel/listings/{id}/approve/");
            self.staff.client.post_empty(&path).await.expect(200);
            self.listings.push(id);
        }
        Ok(answer(&made))
    }

    async fn buy(
        &mut self,
        book: &Book,
        who: usize,
        listing: usize,
        by_payme: bool,
    ) -> Result<(u16, String), String> {
        let method = if by_payme { "payme" } else { "balance" };
        let body = json!({ "listing_id": self.listings[listing], "payment_method": method });
        let bought = self.people[who].client.post("payments/purchase/", body).await;
        if bought.status == 201 {
            self.deals.push(bought.text_at("/id").to_owned());
            let order = bought.at("/transaction_id").as_str().unwrap_or_default();
            self.orders.push((order.to_owned(), None));
        } else if bought.status == 200 {
            let known = self.deals.iter().position(|deal| deal == bought.text_at("/id"));
            let theirs = known.filter(|deal| {
                book.deals[*deal].listing == listing && book.deals[*deal].buyer == who
            });
            theirs.ok_or_else(|| format!("another deal was bought again: {}", bought.text))?;
        }
        Ok(answer(&bought))
    }

    async fn begin(&mut self, deal: usize) -> Result<(u16, String), String> {
        let id = Payme::transaction_id();
        let price =
            format!("SELECT (amount * 100)::bigint FROM escrows WHERE id = '{}'", self.deals[deal]);
        let amount = self.app.database.number(&price).await;
        let params = json!({ "id": id, "time": Payme::now_ms(), "amount": amount, "account": { "order_id": self.orders[deal].0 } });
        let begun = self.payme.call("CreateTransaction", params).await;
        self.orders[deal].1 = Some(id);
        if begun["result"]["state"] == 1 {
            Ok((200, String::new()))
        } else {
            Err(begun.to_string())
        }
    }

    async fn party(
        &self,
        who: usize,
        deal: usize,
        step: &str,
        body: Value,
    ) -> Result<(u16, String), String> {
        let (path, client) =
            (format!("payments/escrow/{}/{step}/", self.deals[deal]), &self.people[who].client);
        let reply = if body == json!({}) {
            client.post_empty(&path).await
        } else {
            client.post(&path, body).await
        };
        Ok(answer(&reply))
    }

    async fn decide(&self, deal: usize, step: &str, body: Value) -> Result<(u16, String), String> {
        let path = format!("admin-panel/trades/{}/{step}/", self.deals[deal]);
        let reply = if body == json!({}) {
            self.staff.client.post_empty(&path).await
        } else {
            self.staff.client.post(&path, body).await
        };
        Ok(answer(&reply))
    }

    async fn totals(&self) -> [i64; 3] {
        let totals = self.app.database.texts(TOTALS).await.remove(0);
        let numbers: Vec<i64> =
            totals.split(' ').map(|number| number.parse().expect("a number")).collect();
        numbers.try_into().expect("three numbers")
    }

    /// The platform holds what the reference holds.
    async fn compare(&self, book: &Book) -> Result<(), String> {
        let ids = |ids: Vec<String>| format!("'{{{}}}'::uuid[]", ids.join(","));
        let people = ids(self.people.iter().map(|person| person.id.to_string()).collect());
        let (deals, listings) = (ids(self.deals.clone()), ids(self.listings.clone()));
        let withdrawals = ids(self.withdrawals.clone());
        let rows = format!(
            "SELECT 'balance ' || (balance * 100)::bigint FROM ledger.account
                 JOIN unnest({people}) WITH ORDINALITY AS p (id, place) ON owner_id = p.id AND kind = 'user_available' ORDER BY place"
        );
        let mut found = self.app.database.texts(&rows).await;
        let rows = format!(
            "SELECT 'deal ' || status || ' ' || (buyer_refund * 100)::bigint FROM escrows e
                 JOIN unnest({deals}) WITH ORDINALITY AS d (id, place) ON e.id = d.id ORDER BY place"
        );
        found.extend(self.app.database.texts(&rows).await);
        let rows = format!(
            "SELECT 'listing ' || status FROM listings l
                 JOIN unnest({listings}) WITH ORDINALITY AS i (id, place) ON l.id = i.id ORDER BY place"
        );
        found.extend(self.app.database.texts(&rows).await);
        let rows = format!(
            "SELECT 'withdrawal ' || CASE WHEN w.rejected_by IS NULL THEN t.status ELSE 'rejected' END FROM withdrawals w
                 JOIN transactions t ON t.id = w.transaction_id
                 JOIN unnest({withdrawals}) WITH ORDINALITY AS i (id, place) ON t.id = i.id ORDER BY place"
        );
        found.extend(self.app.database.texts(&rows).await);
        let [held, leaving, earned] = self.totals().await;
        found.push(format!("held {held} leaving {leaving} earned {}", earned - self.earned));
        let mut wanted: Vec<String> =
            book.balances.iter().map(|balance| format!("balance {balance}")).collect();
        wanted
            .extend(book.deals.iter().map(|deal| format!("deal {} {}", deal.status, deal.refund)));
        wanted.extend(book.listings.iter().map(|listing| format!("listing {}", listing.status)));
        let leaving =
            book.withdrawals.iter().map(|leaving| format!("withdrawal {}", leaving.status));
        wanted.extend(leaving);
        let (held, leaving) = (book.held(), book.on_the_way());
        wanted.push(format!("held {held} leaving {leaving} earned {}", book.commission));
        if found == wanted { Ok(()) } else { Err(format!("{found:?} instead of {wanted:?}")) }
    }
}

fn answer(reply: &Reply) -> (u16, String) {
    (reply.status, reply.code().to_owned())
}

/// Payme's answer as the reference names it.
fn said(answer: &Value) -> (u16, String) {
    let name = |(status, code): Answer| (status, code.to_owned());
    match (answer["result"]["state"].as_i64(), answer["error"]["code"].as_i64()) {
        (Some(2), _) => name(PERFORMED),
        (Some(-2), _) => name(RETURNED),
        (_, Some(-31_007)) => name(SPENT),
        (_, Some(-31_008)) => name(TOO_LATE),
        _ => (0, answer.to_string()),
    }
}
