//! The model test: random histories of every operation with money, with jumps in time, against a reference that is far
//! simpler than the platform. After each step the answer, every balance, every deal, what is held and what was earned are
//! as the reference says; after each history every invariant of the ledger holds.

mod book;
mod op;
mod payouts;
mod staff;
mod world;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tests::{Acquirer, TestApp, seed};

use world::World;

/// Histories, unless `WIBE_HISTORIES` says otherwise.
const HISTORIES: u32 = 4;
/// Histories on one platform: then its clock has gone far, and a fresh one is started.
const HISTORIES_EACH: u32 = 15;

#[test]
fn every_history_of_money_goes_as_the_reference_says() {
    let seed = seed("model");
    let cases = std::env::var("WIBE_HISTORIES")
        .map_or(HISTORIES, |text| text.parse().expect("a number of histories"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 40, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let platform = std::cell::RefCell::new(None::<(Acquirer, TestApp, u32)>);
    let steps = std::cell::Cell::new(0);
    let outcome = runner.run(&op::history(), |history| {
        runtime.block_on(async {
            let (acquirer, app, played) = match platform.take() {
                Some((_, app, HISTORIES_EACH)) => {
                    app.finish().await;
                    fresh().await
                }
                Some(running) => running,
                None => fresh().await,
            };
            match World::play(&app, &acquirer.multicard, &history).await {
                Ok(taken) => {
                    steps.set(steps.get() + taken);
                    platform.replace(Some((acquirer, app, played + 1)));
                    Ok(())
                }
                Err(difference) => {
                    // Kept for the one who looks, with its database.
                    std::mem::forget(app);
                    Err(TestCaseError::fail(difference))
                }
            }
        })
    });
    match outcome {
        Ok(()) => {
            println!("model: {cases} histories, {} steps", steps.get());
            if let Some((_, app, _)) = platform.take() {
                runtime.block_on(app.finish());
            }
        }
        Err(TestError::Fail(why, history)) => {
            panic!("WIBE_SEED={seed}: {why}\nshortest history: {history:#?}")
        }
        Err(TestError::Abort(why)) => panic!("WIBE_SEED={seed}: {why}"),
    }
}

/// A platform that pays out at once what nobody has to look at.
async fn fresh() -> (Acquirer, TestApp, u32) {
    let acquirer = Acquirer::start().await;
    let soum = |tiyin: i64| (tiyin / 100).to_string();
    let (one, two) = (soum(payouts::REVIEW_ABOVE), soum(payouts::SECOND_REVIEW_ABOVE));
    let settings = [
        ("WITHDRAWAL_HOLD", "0s"),
        ("WITHDRAWAL_REVIEW_ABOVE", one.as_str()),
        ("WITHDRAWAL_SECOND_REVIEW_ABOVE", two.as_str()),
        // Corrections by two have tests of their own.
        ("ADJUSTMENT_REVIEW_ABOVE", "900000000.00"),
    ];
    let app = acquirer.platform(&settings).await;
    (acquirer, app, 0)
}
