//! One short round of the fault campaign, with dice that fall anew every time. A target of its own: it wants the machine
//! for itself.

use std::process::Command;

use tests::environment;

#[test]
fn fifteen_faults_lose_nothing_and_repeat_nothing() {
    // About a minute on a quiet machine; one that has more to do is given longer, and no promise is loosened by it.
    let round =
        Command::new(environment().binaries.join("faults")).args(["--within", "200"]).status();
    let round = round.expect("the campaign starts");
    assert!(round.success(), "the table above says what broke, and its seed repeats the round");
}
