//! What operators do to jobs: the admin API and `wibe jobs` call the same commands.
