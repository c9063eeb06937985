//! Random histories of one person's subscription, step by step against a small model in memory that counts in days and
//! tiyin and knows nothing of the platform's code.

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use shared::jobs::kinds::CheckSubscriptionExpirations;
use tests::{Person, TestApp};
use uuid::Uuid;

use super::mine;

/// Histories, and steps of each.
const HISTORIES: usize = 8;
const STEPS: usize = 24;
/// A session lasts for 400 days.
const DAYS_MAX: i64 = 380;

#[derive(Clone, Copy, Debug)]
enum Step {
    Buy(Level, Length),
    Cancel,
    Resume,
    Fund(i64),
    /// Hours pass, and what is due runs.
    Wait(i64),
    /// To so many hours after the end, if it is ahead.
    ToEnd(i64),
    Check,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Level {
    Premium,
    Pro,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Length {
    Month,
    Year,
}

fn step() -> impl Strategy<Value = Step> {
    let level = prop_oneof![Just(Level::Premium), Just(Level::Pro)];
    let length = prop_oneof![5 => Just(Length::Month), 1 => Just(Length::Year)];
    prop_oneof![
        6 => (level, length).prop_map(|(level, length)| Step::Buy(level, length)),
        2 => Just(Step::Cancel),
        2 => Just(Step::Resume),
        3 => prop_oneof![Just(49_000), Just(60_000), Just(99_000), Just(500_000)].prop_map(Step::Fund),
        3 => (1_i64..240).prop_map(Step::Wait),
        5 => (-30_i64..30).prop_map(Step::ToEnd),
        1 => Just(Step::Check),
    ]
}

impl Level {
    fn slug(self) -> &'static str {
        match self {
            Self::Premium => "premium",
            Self::Pro => "pro",
        }
    }

    /// In tiyin.
    fn price(self, length: Length) -> i128 {
        match (self, length) {
            (Self::Premium, Length::Month) => 4_900_000,
            (Self::Premium, Length::Year) => 49_000_000,
            (Self::Pro, Length::Month) => 9_900_000,
            (Self::Pro, Length::Year) => 99_000_000,
        }
    }
}

impl Length {
    fn name(self) -> &'static str {
        match self {
            Self::Month => "monthly",
            Self::Year => "yearly",
        }
    }

    fn months(self) -> u32 {
        match self {
            Self::Month => 1,
            Self::Year => 12,
        }
    }
}

/// A calendar of its own: years, months and days in Tashkent.
fn months_after(anchor: DateTime<Utc>, months: u32) -> DateTime<Utc> {
    let home = anchor.naive_utc() + TimeDelta::hours(5);
    let count = u32::try_from(home.year()).expect("AD") * 12 + home.month0() + months;
    let (year, month) = (i32::try_from(count / 12).expect("small"), count % 12 + 1);
    let date = (1..=home.day()).rev().find_map(|day| NaiveDate::from_ymd_opt(year, month, day));
    (date.expect("a day").and_time(home.time()) - TimeDelta::hours(5)).and_utc()
}

/// What runs.
#[derive(Clone, Debug)]
struct Running {
    level: Level,
    length: Length,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    anchor: DateTime<Utc>,
    months: u32,
    renews: bool,
    next: Option<(Level, Length)>,
    retry: Option<DateTime<Utc>>,
}

#[derive(Debug, Default)]
struct Model {
    /// In tiyin.
    balance: i128,
    paid: Vec<i128>,
    running: Option<Running>,
}

impl Model {
    /// Enters a period of a plan from an instant that becomes its anchor.
    fn enter(&mut self, wanted: (Level, Length), start: DateTime<Utc>, amount: i128) {
        let months = wanted.1.months();
        self.running = Some(Running {
            level: wanted.0,
            length: wanted.1,
            start,
            end: months_after(start, months),
            anchor: start,
            months,
            renews: true,
            next: None,
            retry: None,
        });
        self.pay(amount);
    }

    fn pay(&mut self, amount: i128) {
        self.balance -= amount;
        self.paid.push(amount);
    }

    /// The next period of what runs, in its plan.
    fn prolong(&mut self) {
        let running = self.running.as_mut().expect("runs");
        let (level, length) = running.next.unwrap_or((running.level, running.length));
        running.months += length.months();
        running.start = running.end;
        running.end = months_after(running.anchor, running.months);
        (running.level, running.length) = (level, length);
        (running.next, running.retry) = (None, None);
        let amount = level.price(length);
        self.pay(amount);
    }

    /// What a purchase at an instant answers.
    fn buy(&mut self, wanted: (Level, Length), now: DateTime<Utc>) -> u16 {
        let price = wanted.0.price(wanted.1);
        let Some(running) = self.running.clone().filter(|running| running.lasts(now)) else {
            if price > self.balance {
                return 402;
            }
            self.enter(wanted, now, price);
            return 201;
        };
        let same = (running.level, running.length) == wanted;
        if running.end <= now {
            if price > self.balance {
                return 402;
            }
            if same {
                self.running.as_mut().expect("runs").next = None;
                self.prolong();
            } else {
                self.enter(wanted, running.end, price);
            }
            return 201;
        }
        if same {
            self.running.as_mut().expect("runs").next = None;
            return 200;
        }
        let more =
            wanted.0 > running.level || (wanted.0 == running.level && wanted.1 > running.length);
        if !more {
            let running = self.running.as_mut().expect("runs");
            (running.next, running.renews) = (Some(wanted), true);
            return 200;
        }
        let microseconds = |length: TimeDelta| i128::from(length.num_microseconds().expect("fits"));
        let (left, whole) =
            (microseconds(running.end - now), microseconds(running.end - running.start));
        let credit = running.level.price(running.length) * left / whole;
        if credit > price {
            return 400;
        }
        if price - credit > self.balance {
            return 402;
        }
        self.enter(wanted, now, price - credit);
        201
    }

    /// What the timer does at an instant.
    fn run_due(&mut self, now: DateTime<Utc>) {
        while let Some(running) = self.running.clone() {
            let due = running.retry.unwrap_or(running.end);
            if now < due {
                return;
            }
            let (level, length) = running.next.unwrap_or((running.level, running.length));
            let hours = |hours: i64| running.end + TimeDelta::hours(hours);
            if !running.renews || now > hours(26) {
                self.running = None;
            } else if level.price(length) <= self.balance {
                self.prolong();
            } else if now >= hours(24) {
                self.running = None;
            } else {
                let retry = if now < hours(6) { hours(6) } else { hours(24) };
                self.running.as_mut().expect("runs").retry = Some(retry);
            }
        }
    }

    fn cancel(&mut self, now: DateTime<Utc>) {
        let Some(running) = self.running.as_mut().filter(|running| running.lasts(now)) else {
            return;
        };
        (running.renews, running.next, running.retry) = (false, None, None);
        if running.end <= now {
            self.running = None;
        }
    }

    fn resume(&mut self, now: DateTime<Utc>) {
        if let Some(running) = self.running.as_mut().filter(|running| running.lasts(now)) {
            running.renews = true;
        }
    }
}

impl Running {
    fn lasts(&self, now: DateTime<Utc>) -> bool {
        let grace = if self.renews { TimeDelta::hours(24) } else { TimeDelta::zero() };
        now < self.end + grace
    }
}

/// One person's history, and what the model makes of it.
struct History<'a> {
    app: &'a TestApp,
    person: Person,
    begun: DateTime<Utc>,
    model: Model,
}

impl History<'_> {
    async fn take(&mut self, step: Step) {
        let client = &self.person.client;
        match step {
            Step::Buy(level, length) => {
                let body = json!({ "plan_slug": level.slug(), "period": length.name() });
                let reply = client.post("subscriptions/purchase/", body).await;
                // The platform's own instant, where it matters to the microsecond.
                let bought = reply.status == 201;
                let paid_at = reply.json["payment_history"].as_array().and_then(|paid| paid.last());
                let paid_at = paid_at.and_then(|paid| paid["paid_at"].as_str()).filter(|_| bought);
                let now = match paid_at {
                    Some(at) => at.parse().expect("a time"),
                    None => self.app.now().await,
                };
                let expected = self.model.buy((level, length), now);
                assert_eq!(reply.status, expected, "{}\n{:#?}", reply.text, self.model);
            }
            Step::Cancel => {
                client.post_empty("subscriptions/cancel/").await;
                self.model.cancel(self.app.now().await);
            }
            Step::Resume => {
                client.post_empty("subscriptions/resume/").await;
                self.model.resume(self.app.now().await);
            }
            Step::Fund(soum) => {
                self.app.fund(&self.person, soum).await;
                self.model.balance += i128::from(soum) * 100;
            }
            Step::Wait(hours) => self.wait(TimeDelta::hours(hours)).await,
            Step::ToEnd(hours) => {
                let Some(end) = self.model.running.as_ref().map(|running| running.end) else {
                    return;
                };
                let ahead =
                    end + TimeDelta::hours(hours) + TimeDelta::seconds(20) - self.app.now().await;
                if ahead > TimeDelta::zero() {
                    self.wait(ahead).await;
                }
            }
            Step::Check => {
                self.app.enqueue(CheckSubscriptionExpirations::default()).await;
                self.run_due().await;
            }
        }
    }

    async fn wait(&mut self, length: TimeDelta) {
        if self.app.now().await + length - self.begun > TimeDelta::days(DAYS_MAX) {
            return;
        }
        let microseconds = length.num_microseconds().expect("fits");
        self.app.advance(&format!("{microseconds} microseconds")).await;
        self.run_due().await;
    }

    async fn run_due(&mut self) {
        self.app.run_due_jobs().await;
        self.model.run_due(self.app.now().await);
    }

    /// The platform and the model say the same.
    async fn compare(&self) {
        let now = self.app.now().await;
        let shown = mine(&self.person).await;
        let running = self.model.running.as_ref().filter(|running| running.lasts(now));
        let plan = running.map_or("free", |running| running.level.slug());
        assert_eq!(shown.text_at("/plan/slug"), plan, "{}", shown.text);
        let balance = format!("{}.{:02}", self.model.balance / 100, self.model.balance % 100);
        assert_eq!(self.app.available(&self.person).await, balance);
        let paid = format!(
            "SELECT ((p ->> 'amount')::numeric * 100)::bigint FROM user_subscriptions s, jsonb_array_elements(s.payment_history)
             WITH ORDINALITY AS h (p, n) WHERE s.user_id = '{}' ORDER BY s.created_at, n",
            self.person.id
        );
        let expected: Vec<String> = self.model.paid.iter().map(ToString::to_string).collect();
        assert_eq!(self.app.database.texts(&paid).await, expected);
        let Some(running) = running else { return };
        let end: DateTime<Utc> = shown.text_at("/data/end_date").parse().expect("a time");
        assert_eq!(end, running.end);
        assert_eq!(shown.at("/data/auto_renew"), &json!(running.renews));
        let (level, length) = running.next.unwrap_or((running.level, running.length));
        let next = running.renews.then(|| level.slug());
        let told = shown.json.pointer("/data/next_charge/plan").and_then(Value::as_str);
        assert_eq!(told, next, "{}", length.name());
    }
}

#[tokio::test]
async fn whatever_is_done_in_whatever_order_the_model_says_the_same() {
    let app = TestApp::start().await;
    let mut seed = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
    if let Ok(given) = std::env::var("MODEL_SEED") {
        for (byte, pair) in seed.iter_mut().zip(given.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).expect("hex digits");
            *byte = u8::from_str_radix(pair, 16).expect("hex digits");
        }
    }
    let shown: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("MODEL_SEED={shown}");
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let histories = proptest::collection::vec(step(), STEPS);
    for number in 0..HISTORIES {
        let steps = histories.new_tree(&mut runner).expect("steps").current();
        let person = app.person("ali").await;
        let begun = app.now().await;
        let mut history = History { app: &app, person, begun, model: Model::default() };
        history.take(Step::Fund(500_000)).await;
        for (place, step) in steps.into_iter().enumerate() {
            println!("{number}.{place} {step:?}");
            history.take(step).await;
            history.compare().await;
        }
    }
    app.run_due_jobs().await;
    app.finish().await;
}
