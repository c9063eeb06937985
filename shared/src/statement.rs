//! Constant SQL that is prepared once per connection.
//!
//! `diesel::sql_query` is prepared anew each time, because its text might vary; here it cannot. Parameters are bound,
//! never written into the text.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Untyped};

/// A statement whose text is part of the program.
pub(crate) fn statement(sql: &'static str) -> Statement {
    Statement(sql)
}

/// A statement without parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement(&'static str);

/// A statement and its next parameter, of the SQL type `ST`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound<S, U, ST> {
    statement: S,
    value: U,
    sql_type: std::marker::PhantomData<ST>,
}

impl Statement {
    /// Binds `$1`.
    pub(crate) fn bind<ST, U>(self, value: U) -> Bound<Self, U, ST> {
        Bound { statement: self, value, sql_type: std::marker::PhantomData }
    }
}

impl<S, U, ST> Bound<S, U, ST> {
    /// Binds the next `$n`.
    pub(crate) fn bind<ST2, U2>(self, value: U2) -> Bound<Self, U2, ST2> {
        Bound { statement: self, value, sql_type: std::marker::PhantomData }
    }
}

impl QueryFragment<Pg> for Statement {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        pass.push_sql(self.0);
        Ok(())
    }
}

impl<S, U, ST> QueryFragment<Pg> for Bound<S, U, ST>
where
    S: QueryFragment<Pg>,
    Pg: HasSqlType<ST>,
    U: ToSql<ST, Pg>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.statement.walk_ast(pass.reborrow())?;
        pass.push_bind_param_value_only::<ST, U>(&self.value)
    }
}

// The cache is keyed by the text.
impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S, U, ST> QueryId for Bound<S, U, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}

impl<S, U, ST> Query for Bound<S, U, ST> {
    type SqlType = Untyped;
}
