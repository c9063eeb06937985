//! The database's clock jumps ahead, is noticed and put right: what the schedule makes of it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use scheduler::Ticker;
use scheduler::schedule::{Scheduled, schedule};
use shared::jobs;
use tests::TestApp;

/// What has fired: a schedule and a time.
type Fired = HashSet<(String, DateTime<Utc>)>;

#[tokio::test]
async fn a_clock_that_ran_a_day_ahead_and_was_put_right_silences_no_schedule_and_repeats_no_tick() {
    day_ahead(false).await;
}

#[tokio::test]
async fn a_scheduler_that_is_restarted_after_a_clock_ran_ahead_goes_on_at_the_right_time() {
    day_ahead(true).await;
}

async fn day_ahead(restarted: bool) {
    let app = TestApp::start().await;
    let mut ticker = Ticker::new(app.app.clone());
    let mut fired = tick(&mut ticker).await;
    app.advance("1 hour").await;
    fired += tick(&mut ticker).await;
    app.advance("1 day").await;
    for _ in 0..3 {
        fired += tick(&mut ticker).await;
        app.advance("30 seconds").await;
    }
    app.run_due_jobs().await;
    // Where the server's own clock is ahead, so is the time at which a tick is said to have fired.
    let ahead = "UPDATE cron_ticks SET fired_at = fired_at + interval '1 day' WHERE tick_at > app_now() - interval '1 day'";
    app.database.execute(ahead).await;
    app.advance("-1 day").await;
    assert!(!of_the_future(&app).await.is_empty(), "ticks fired ahead of their time");
    no_firing_is_of_the_future(&app).await;

    if restarted {
        ticker = Ticker::new(app.app.clone());
    }
    fired += tick(&mut ticker).await;
    let (right, future) = (app.now().await, of_the_future(&app).await);
    let lines = schedule();
    let mut next: Vec<_> = lines.iter().map(|line| (next(line, right, &future), line)).collect();
    next.sort_by_key(|(tick_at, _)| *tick_at);
    for (tick_at, line) in next {
        let wait = (tick_at - app.now().await).num_milliseconds().max(0) + 10;
        app.advance(&format!("{wait} milliseconds")).await;
        fired += tick(&mut ticker).await;
        let row = format!(
            "SELECT count(*) FROM cron_ticks WHERE schedule = '{}' AND tick_at = '{tick_at}'",
            line.name
        );
        assert_eq!(app.database.number(&row).await, 1, "{} is silent at {tick_at}", line.name);
    }
    no_firing_is_of_the_future(&app).await;
    assert_eq!(
        i64::try_from(fired).expect("few"),
        app.database.number("SELECT count(*) FROM cron_ticks").await,
        "every tick was fired once"
    );
    app.run_due_jobs().await;
    let twice = "SELECT trace_id FROM jobs WHERE trace_id LIKE 'tick-' || kind || '-%'
                 GROUP BY trace_id HAVING count(*) > 1";
    assert!(app.database.texts(twice).await.is_empty(), "no tick has two jobs");
    app.finish().await;
}

async fn tick(ticker: &mut Ticker) -> usize {
    ticker.tick().await.expect("ticks")
}

/// The next time of a schedule that no clock ahead of time has used up.
fn next(line: &Scheduled, now: DateTime<Utc>, future: &Fired) -> DateTime<Utc> {
    let unused = |tick: &DateTime<Utc>| !future.contains(&(line.name.to_owned(), *tick));
    line.cron.after(&now).find(unused).expect("it goes on for ever")
}

/// The ticks of a time that has not come.
async fn of_the_future(app: &TestApp) -> Fired {
    let rows = "SELECT schedule || ' ' || (to_json(tick_at) #>> '{}') FROM cron_ticks WHERE tick_at > app_now()";
    let read = |row: String| {
        let (schedule, tick) = row.split_once(' ').expect("two parts");
        (schedule.to_owned(), tick.parse().expect("a time"))
    };
    app.database.texts(rows).await.into_iter().map(read).collect()
}

/// What operators are shown and alerted by: a firing of tomorrow would make a silent schedule look well.
async fn no_firing_is_of_the_future(app: &TestApp) {
    let conn = &mut app.app.db.read().await.expect("connects");
    let last = jobs::last_fires(conn).await.expect("answers");
    assert!(!last.is_empty(), "what fired before is shown");
    let ahead: Vec<_> = last.iter().filter(|fire| fire.age < 0).collect();
    assert!(ahead.is_empty(), "fired in the future: {ahead:?}");
}
