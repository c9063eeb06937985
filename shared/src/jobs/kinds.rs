//! The kinds of job by name, each declared beside its noun.
