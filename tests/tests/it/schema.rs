//! The schema: diesel's view and the catalogue are the same, migrations go both ways, indexes are where they must be.

use std::collections::BTreeMap;

use tests::{Database, TestApp};

/// Tables and columns of `schema.rs`, as text.
fn declared() -> BTreeMap<String, Vec<String>> {
    let source = include_str!("../../../shared/src/schema.rs");
    let mut tables = BTreeMap::new();
    for block in source.split("diesel::table! {").skip(1) {
        let block = block.split("\n}").next().expect("a block");
        let name = block.split('(').next().expect("a name").trim().to_owned();
        let mut columns = Vec::new();
        let mut renamed = None;
        for line in block.lines().map(str::trim) {
            if let Some(sql_name) = line.strip_prefix("#[sql_name = \"") {
                renamed = Some(sql_name.trim_end_matches("\"]").to_owned());
            } else if let Some((column, kind)) = line.trim_end_matches(',').split_once(" -> ") {
                columns.push(format!(
                    "{} {}",
                    renamed.take().unwrap_or_else(|| column.to_owned()),
                    kind
                ));
            }
        }
        tables.insert(name, columns);
    }
    tables
}

async fn catalogue(database: &Database) -> BTreeMap<String, Vec<String>> {
    let rows = database
        .texts(
            "SELECT c.table_name || '|' || c.column_name || ' ' || CASE WHEN c.is_nullable = 'YES' THEN 'Nullable<' ELSE '' END ||
                CASE c.udt_name WHEN 'uuid' THEN 'Uuid' WHEN 'text' THEN 'Text' WHEN 'bool' THEN 'Bool' WHEN 'int4' THEN 'Integer'
                    WHEN 'int2' THEN 'SmallInt' WHEN 'int8' THEN 'BigInt' WHEN 'timestamptz' THEN 'Timestamptz' WHEN 'numeric' THEN 'Numeric'
                    WHEN 'jsonb' THEN 'Jsonb' WHEN 'bytea' THEN 'Bytea' WHEN 'bpchar' THEN 'Bpchar' WHEN 'interval' THEN 'Interval' WHEN 'date' THEN 'Date' END ||
                CASE WHEN c.is_nullable = 'YES' THEN '>' ELSE '' END
             FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
             -- What diesel has no type for, only the database reads and writes.
             WHERE c.udt_name <> 'tsvector' AND c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.table_name NOT LIKE '\\_\\_diesel%'
               AND NOT (SELECT relispartition FROM pg_class WHERE oid = format('%I.%I', c.table_schema, c.table_name)::regclass)
             ORDER BY c.table_name, c.ordinal_position",
        )
        .await;
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        let (table, column) = row.split_once('|').expect("two parts");
        tables.entry(table.to_owned()).or_default().push(column.to_owned());
    }
    tables
}

#[tokio::test]
async fn diesel_sees_the_tables_as_they_are() {
    let app = TestApp::start().await;
    assert_eq!(declared(), catalogue(&app.database).await);
    app.finish().await;
}

#[tokio::test]
async fn every_foreign_key_has_an_index() {
    let app = TestApp::start().await;
    let bare = app
        .database
        .texts(
            "SELECT k.conrelid::regclass || ' ' || a.attname FROM pg_constraint k
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
             WHERE k.contype = 'f' AND NOT EXISTS (
                 SELECT 1 FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indkey[0] = k.conkey[1]
                 AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname)))",
        )
        .await;
    assert!(bare.is_empty(), "without an index: {bare:?}");
    app.finish().await;
}

#[tokio::test]
async fn no_table_is_wider_than_diesel_is_built_for() {
    assert!(declared().values().all(|columns| columns.len() <= 32));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrations_go_up_down_and_up_again_and_reference_data_is_not_overwritten() {
    let app = TestApp::start().await;
    let before = catalogue(&app.database).await;
    app.database.execute("UPDATE games SET icon = 'edited by staff' WHERE slug = 'steam'").await;
    let settings = &app.app.settings.database;
    assert!(
        shared::migrate::migrate(settings).await.expect("migrates").is_empty(),
        "nothing is pending"
    );
    let games = app.database.number("SELECT count(*) FROM games").await;
    assert!(games >= 40);
    assert_eq!(
        app.database.texts("SELECT icon FROM games WHERE slug = 'steam'").await,
        ["edited by staff"]
    );
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
    let mut folders: Vec<_> = std::fs::read_dir(root)
        .expect("a folder")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    for folder in folders.iter().rev() {
        app.database
            .execute(
                &std::fs::read_to_string(folder.join("down.sql"))
                    .expect("every migration goes down"),
            )
            .await;
    }
    assert!(catalogue(&app.database).await.is_empty(), "nothing is left");
    app.database.execute("DELETE FROM __diesel_schema_migrations").await;
    shared::migrate::migrate(settings).await.expect("migrates again");
    assert_eq!(before, catalogue(&app.database).await);
    app.finish().await;
}
