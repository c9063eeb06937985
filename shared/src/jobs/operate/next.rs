//! What happens to a job next, and what it waits for: the question an operator has first.

use chrono::{DateTime, SecondsFormat, Utc};

use super::JobState;
use crate::language::{Language, Text};

/// What is known when the question is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) state: JobState,
    pub(super) run_at: DateTime<Utc>,
    /// Attempts that have failed.
    pub(super) attempt: i16,
    pub(super) crashes: i16,
    pub(super) lease_until: Option<DateTime<Utc>>,
    /// Business time and real time.
    pub(super) now: DateTime<Utc>,
    pub(super) real_now: DateTime<Utc>,
    /// An operator asked its run to stop.
    pub(super) unwanted: bool,
    /// This version knows the kind.
    pub(super) known: bool,
    pub(super) paused: bool,
    /// Slots that live workers have for its queue.
    pub(super) slots: i64,
}

/// What happens to a job next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It runs at a time that has not come.
    RunsAt(DateTime<Utc>),
    /// It is tried again at a time that has not come.
    RetriesAt(DateTime<Utc>),
    /// It is due, and a worker takes it.
    RunsNow,
    /// It is due, and runs apart: a worker vanished with it.
    RunsAlone,
    /// It is due, and its queue is paused.
    WaitsForResume,
    /// It is due, and no live worker serves its queue.
    WaitsForWorker,
    /// This version does not know its kind.
    WaitsForVersion,
    /// An operator asked its run to stop, and it was over.
    WaitsUnwanted,
    /// It was handed to a worker.
    Starts,
    /// It runs.
    Ends,
    /// It runs, and an operator asked it to stop.
    Stops,
    /// Its worker is silent since its lease ran out.
    IsRescued,
    /// Nothing: it is done.
    Nothing,
    /// Nothing, until an operator retries or discards it.
    WaitsForOperator,
    /// Nothing, unless an operator retries it.
    StaysCancelled,
}

impl Next {
    pub(super) fn of(facts: &Facts) -> Self {
        match facts.state {
            JobState::Pending => Self::of_pending(facts),
            JobState::Dispatched if facts.paused => Self::WaitsForResume,
            JobState::Dispatched => Self::Starts,
            JobState::Running if facts.lease_until.is_some_and(|until| until < facts.real_now) => {
                Self::IsRescued
            }
            JobState::Running if facts.unwanted => Self::Stops,
            JobState::Running => Self::Ends,
            JobState::Done => Self::Nothing,
            JobState::Dead => Self::WaitsForOperator,
            JobState::Cancelled => Self::StaysCancelled,
        }
    }

    fn of_pending(facts: &Facts) -> Self {
        let due = facts.run_at <= facts.now;
        match (due, facts) {
            (_, Facts { known: false, .. }) => Self::WaitsForVersion,
            (_, Facts { unwanted: true, .. }) => Self::WaitsUnwanted,
            (false, Facts { attempt: 1.., .. }) => Self::RetriesAt(facts.run_at),
            (false, _) => Self::RunsAt(facts.run_at),
            (true, Facts { paused: true, .. }) => Self::WaitsForResume,
            (true, Facts { slots: ..=0, .. }) => Self::WaitsForWorker,
            (true, Facts { crashes: 1.., .. }) => Self::RunsAlone,
            (true, _) => Self::RunsNow,
        }
    }

    /// Stable: decide by it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::RunsAt(_) => "runs_at",
            Self::RetriesAt(_) => "retries_at",
            Self::RunsNow => "runs_now",
            Self::RunsAlone => "runs_alone",
            Self::WaitsForResume => "waits_for_resume",
            Self::WaitsForWorker => "waits_for_worker",
            Self::WaitsForVersion => "waits_for_version",
            Self::WaitsUnwanted => "waits_unwanted",
            Self::Starts => "starts",
            Self::Ends => "ends",
            Self::Stops => "stops",
            Self::IsRescued => "is_rescued",
            Self::Nothing => "nothing",
            Self::WaitsForOperator => "waits_for_operator",
            Self::StaysCancelled => "stays_cancelled",
        }
    }

    /// The sentence for people.
    #[must_use]
    pub fn sentence(self, language: Language) -> String {
        let moment = match self {
            Self::RunsAt(moment) | Self::RetriesAt(moment) => {
                moment.to_rfc3339_opts(SecondsFormat::Secs, true)
            }
            Self::RunsNow
            | Self::RunsAlone
            | Self::WaitsForResume
            | Self::WaitsForWorker
            | Self::WaitsForVersion
            | Self::WaitsUnwanted
            | Self::Starts
            | Self::Ends
            | Self::Stops
            | Self::IsRescued
            | Self::Nothing
            | Self::WaitsForOperator
            | Self::StaysCancelled => String::new(),
        };
        self.text().with(language, &moment)
    }

    const fn text(self) -> Text {
        match self {
            Self::RunsAt(_) => RUNS_AT,
            Self::RetriesAt(_) => RETRIES_AT,
            Self::RunsNow => RUNS_NOW,
            Self::RunsAlone => RUNS_ALONE,
            Self::WaitsForResume => WAITS_FOR_RESUME,
            Self::WaitsForWorker => WAITS_FOR_WORKER,
            Self::WaitsForVersion => WAITS_FOR_VERSION,
            Self::WaitsUnwanted => WAITS_UNWANTED,
            Self::Starts => STARTS,
            Self::Ends => ENDS,
            Self::Stops => STOPS,
            Self::IsRescued => IS_RESCUED,
            Self::Nothing => NOTHING,
            Self::WaitsForOperator => WAITS_FOR_OPERATOR,
            Self::StaysCancelled => STAYS_CANCELLED,
        }
    }
}

const RUNS_AT: Text = Text::new("{} da bajariladi.", "Выполнится в {}.", "It runs at {}.");
const RETRIES_AT: Text =
    Text::new("Keyingi urinish: {}.", "Следующая попытка в {}.", "The next attempt is at {}.");
const RUNS_NOW: Text = Text::new(
    "Vaqti keldi, birinchi bo'sh ishchi oladi.",
    "Время пришло, его возьмёт первый свободный обработчик.",
    "It is due; the next free worker takes it.",
);
const RUNS_ALONE: Text = Text::new(
    "Bajarilayotganda ishchi yo'qolgan, shuning uchun u alohida, navbat bilan bajariladi.",
    "Во время выполнения пропал обработчик, поэтому оно пойдёт отдельно от других.",
    "A worker vanished with it, so it runs apart from others, one at a time.",
);
const WAITS_FOR_RESUME: Text = Text::new(
    "Navbat to'xtatilgan; davom ettirilishini kutmoqda.",
    "Очередь приостановлена; ждёт, пока её возобновят.",
    "Its queue is paused; it waits until somebody resumes it.",
);
const WAITS_FOR_WORKER: Text = Text::new(
    "Bu navbatga xizmat qiladigan ishchi yo'q.",
    "Нет живого обработчика для этой очереди.",
    "No live worker serves its queue.",
);
const WAITS_FOR_VERSION: Text = Text::new(
    "Bu versiya vazifa turini bilmaydi; yangiroq ishchi bajaradi.",
    "Эта версия не знает такого вида; его выполнит более новый обработчик.",
    "This version does not know its kind; a newer worker runs it.",
);
const WAITS_UNWANTED: Text = Text::new(
    "To'xtatish so'ralgan edi, lekin bajarilishi tugab bo'lgan; yana bir marta bekor qiling.",
    "Его просили остановить, но попытка уже кончилась; отмените ещё раз.",
    "It was asked to stop when its run was over already; cancel it again.",
);
const STARTS: Text = Text::new(
    "Ishchiga berildi, hozir boshlanadi; xabar yo'qolsa, yana taklif qilinadi.",
    "Передано обработчику и сейчас начнётся; если сообщение потеряется, будет предложено снова.",
    "It was handed out and starts in a moment; if the message is lost, it is offered again.",
);
const ENDS: Text = Text::new("Bajarilmoqda.", "Выполняется.", "It is running.");
const STOPS: Text = Text::new(
    "Bajarilmoqda va keyingi qadamda to'xtaydi; tashqi chaqiruv uzilmaydi.",
    "Выполняется и остановится на следующем шаге; внешний вызов не прерывается.",
    "It is running and stops at its next step; a call to the outside is not interrupted.",
);
const IS_RESCUED: Text = Text::new(
    "Ishchisi javob bermayapti; boshqa ishchi bir necha soniyada oladi.",
    "Его обработчик молчит; другой возьмёт задание через несколько секунд.",
    "Its worker is silent; another one takes it over within seconds.",
);
const NOTHING: Text = Text::new(
    "Hech narsa: vazifa bajarilgan.",
    "Ничего: задание выполнено.",
    "Nothing: it is done.",
);
const WAITS_FOR_OPERATOR: Text = Text::new(
    "Hech narsa, toki operator takrorlamaguncha yoki chiqarib tashlamaguncha.",
    "Ничего, пока оператор не повторит или не отбросит его.",
    "Nothing, until an operator retries or discards it.",
);
const STAYS_CANCELLED: Text = Text::new(
    "Hech narsa: bekor qilingan. Operator takrorlashi mumkin.",
    "Ничего: отменено. Оператор может его повторить.",
    "Nothing: it is cancelled. An operator may retry it.",
);

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    /// A due job that nothing stands in the way of.
    fn due() -> Facts {
        Facts {
            state: JobState::Pending,
            run_at: NOW,
            attempt: 0,
            crashes: 0,
            lease_until: None,
            now: NOW,
            real_now: NOW,
            unwanted: false,
            known: true,
            paused: false,
            slots: 8,
        }
    }

    #[test]
    fn a_waiting_job_says_what_it_waits_for() {
        let later = NOW + TimeDelta::hours(1);
        for (facts, next) in [
            (due(), Next::RunsNow),
            (Facts { run_at: later, ..due() }, Next::RunsAt(later)),
            (Facts { run_at: later, attempt: 3, ..due() }, Next::RetriesAt(later)),
            (Facts { run_at: later, paused: true, ..due() }, Next::RunsAt(later)),
            (Facts { paused: true, slots: 0, ..due() }, Next::WaitsForResume),
            (Facts { slots: 0, crashes: 1, ..due() }, Next::WaitsForWorker),
            (Facts { crashes: 1, attempt: 1, ..due() }, Next::RunsAlone),
            (Facts { known: false, paused: true, ..due() }, Next::WaitsForVersion),
            (Facts { unwanted: true, ..due() }, Next::WaitsUnwanted),
            (Facts { state: JobState::Dispatched, ..due() }, Next::Starts),
            (Facts { state: JobState::Dispatched, paused: true, ..due() }, Next::WaitsForResume),
        ] {
            assert_eq!(Next::of(&facts), next, "{facts:?}");
        }
    }

    #[test]
    fn a_running_job_says_how_it_goes_on_and_an_ended_one_who_decides() {
        let running = Facts {
            state: JobState::Running,
            lease_until: Some(NOW + TimeDelta::seconds(20)),
            ..due()
        };
        assert_eq!(Next::of(&running), Next::Ends);
        assert_eq!(Next::of(&Facts { unwanted: true, ..running }), Next::Stops);
        let silent = Facts { lease_until: Some(NOW - TimeDelta::seconds(1)), ..running };
        assert_eq!(Next::of(&Facts { unwanted: true, ..silent }), Next::IsRescued);
        for (state, next) in [
            (JobState::Done, Next::Nothing),
            (JobState::Dead, Next::WaitsForOperator),
            (JobState::Cancelled, Next::StaysCancelled),
        ] {
            assert_eq!(Next::of(&Facts { state, paused: true, ..due() }), next);
        }
    }

    #[test]
    fn a_moment_is_told_in_every_language() {
        for language in Language::ALL {
            let sentence = Next::RetriesAt(NOW).sentence(*language);
            assert!(sentence.contains("1970-01-01T00:00:00Z"), "{sentence}");
        }
    }
}
