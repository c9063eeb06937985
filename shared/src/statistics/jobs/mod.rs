//! The jobs of statistics.

mod calculate_daily_statistics;

pub use calculate_daily_statistics::CalculateDailyStatistics;
