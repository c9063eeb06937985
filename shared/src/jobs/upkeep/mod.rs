//! The jobs about jobs.

mod maintain_partitions;
mod prune_jobs;

pub use maintain_partitions::MaintainPartitions;
pub use prune_jobs::PruneJobs;
