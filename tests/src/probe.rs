//! What the test worker does at a named point of a job's way: nothing, die, or stop as if its machine had.

use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable that says `point:nth:kill` or `point:nth:stop`.
pub const VARIABLE: &str = "TEST_FAULT";

struct Fault {
    point: String,
    nth: u32,
    stops: bool,
    passes: AtomicU32,
}

/// Strikes when the point of the environment is passed for the nth time.
pub fn probe(point: &'static str) {
    static FAULT: OnceLock<Option<Fault>> = OnceLock::new();
    let Some(fault) = FAULT.get_or_init(Fault::read) else { return };
    if fault.point != point || fault.passes.fetch_add(1, Ordering::SeqCst) + 1 != fault.nth {
        return;
    }
    if fault.stops {
        let me = std::process::id().to_string();
        let stopped = Command::new("kill").args(["-STOP", &me]).status();
        assert!(stopped.is_ok_and(|status| status.success()), "stops itself");
    } else {
        std::process::abort();
    }
}

impl Fault {
    fn read() -> Option<Self> {
        let text = std::env::var(VARIABLE).ok()?;
        let parts: Vec<&str> = text.split(':').collect();
        let [point, nth, what @ ("kill" | "stop")] = parts[..] else {
            panic!("{VARIABLE}={text}: point:nth:kill or point:nth:stop");
        };
        let nth = nth.parse().expect("a number");
        Some(Self {
            point: point.to_owned(),
            nth,
            stops: what == "stop",
            passes: AtomicU32::new(0),
        })
    }
}
