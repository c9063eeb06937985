//! Purchases and whole sales per second: through HTTP, against the same statements in pgbench.

pub(crate) mod http;
mod stock;
mod story;

use std::collections::HashMap;
use std::sync::Arc;

use shared::App;

use crate::ceiling::pgbench::{Load, Pgbench};
use crate::ceiling::script::{self, Piece, Script};
use crate::ceiling::wire::Relay;
use crate::failure::{Attempt, Result};
use crate::meter::{Meter, Worker};
use crate::report::{Report, Section};
use crate::series::{Series, Timed, Turn, ratio};
use crate::servers::{Database, Servers, number, prefix};
use crate::{Bench, progress};
use http::Api;
use stock::{Market, SALES_TABLE, Sale};
use story::Story;

/// The least share of the ceiling that a whole sale reaches.
const PROMISE: f64 = 0.6;
/// Sales that are made before any is measured, per client.
const WARM_UP: usize = 4;

/// Both sides on one database.
struct Trade<'a> {
    servers: &'a Servers,
    story: Story,
    database: Database,
    app: Arc<App>,
    market: Market,
    /// Buyers at a time.
    clients: usize,
    /// Purchases per buyer and turn.
    each: usize,
}

/// Compares purchases from the balance.
pub(crate) async fn compare(bench: &Bench, report: &mut Report) -> Result<()> {
    play(bench, report, Trade::open(bench, "purchases", |_app| Story::Purchase).await?).await
}

/// Compares whole sales: deposit, purchase, hand-over, receipt and the seller's money.
pub(crate) async fn compare_whole(bench: &Bench, report: &mut Report) -> Result<()> {
    let story = |app: &App| Story::whole_sale(app.settings.payme.secret_key.expose());
    play(bench, report, Trade::open(bench, "sales", story).await?).await
}

/// Compares the two sides in turns.
async fn play(bench: &Bench, report: &mut Report, mut trade: Trade<'_>) -> Result<()> {
    let (title, name) = trade.story.names();
    let script = trade.record().await?;
    // The one statement that the API does not send: it is told by its client who buys what.
    let choose = format!(
        "\\set i :i + 1\n\\set n :first + :client_id * :each + :i - 1\nSELECT * FROM {SALES_TABLE} WHERE n = :n \\gset\n"
    );
    let text = format!("{choose}{}", script.text);
    let copy = bench.scripts.as_ref().map(|folder| folder.join(format!("{name}.sql")));
    let pgbench = Pgbench::prepare(name, &text, copy.as_deref())?;
    let api = Api::start(&bench.servers, trade.variables(trade.clients)).await?;
    let warm_up = trade.market.stock(WARM_UP * trade.clients).await?;
    api.sell(&trade.story, &warm_up, trade.clients).await?;
    let (mut ours, mut theirs) = (Series::new("API over HTTP"), Series::new("pgbench"));
    for round in 1..=bench.sizes.rounds {
        for turn in [round % 2, (round + 1) % 2] {
            if turn == 1 {
                ours.add(trade.http_turn(&api).await?);
                progress(&format!(
                    "{}, round {round}: API {:.0}/s",
                    title.to_lowercase(),
                    ours.rates().last().copied().unwrap_or(0.0)
                ));
            } else {
                theirs.add(trade.pgbench_turn(&pgbench, script.new_ids).await?);
                progress(&format!(
                    "{}, round {round}: pgbench {:.0}/s",
                    title.to_lowercase(),
                    theirs.rates().last().copied().unwrap_or(0.0)
                ));
            }
        }
    }
    api.stop().await?;
    trade.check().await?;
    if let (Story::WholeSale { .. }, Some((ratio, _))) = (&trade.story, ratio(&ours, &theirs)) {
        let line =
            format!("at least 60 % of pgbench's ceiling: {:.0} % (whole sales)", ratio * 100.0);
        report.target(ratio >= PROMISE, line);
    }
    report.add(trade.section(&script, ours, theirs));
    Ok(())
}

impl<'a> Trade<'a> {
    async fn open(
        bench: &'a Bench,
        purpose: &'static str,
        story: impl FnOnce(&App) -> Story,
    ) -> Result<Self> {
        let servers = &bench.servers;
        let database = servers.database(purpose).await?;
        let app = Arc::new(Database::app(database.variables())?);
        let market = Market::open(Arc::clone(&app)).await?;
        let clients = usize::try_from(bench.sizes.clients).attempt("too many")?;
        let purchases = usize::try_from(bench.sizes.purchases).attempt("too many")?;
        let story = story(&app);
        Ok(Self {
            servers,
            story,
            database,
            app,
            market,
            clients,
            each: purchases.div_ceil(clients),
        })
    }

    /// What the API is told, with this many connections to the database.
    fn variables(&self, connections: usize) -> HashMap<String, String> {
        let mut variables = self.database.variables();
        variables.insert("DATABASE_POOL_SIZE".to_owned(), connections.to_string());
        variables.insert("REDIS_URL".to_owned(), self.servers.redis_url());
        variables.insert("REDIS_PREFIX".to_owned(), prefix());
        variables
    }

    /// Plays three sales through an API with one connection, and writes down what the last two sent.
    async fn record(&mut self) -> Result<Script> {
        let relay = Relay::start(&self.database.app).await?;
        let mut variables = self.variables(1);
        let relayed = relay.relayed(&self.database.app)?;
        variables.insert("DATABASE_URL".to_owned(), relayed.to_string());
        let api = Api::start(self.servers, variables).await?;
        let mut purchases = Vec::new();
        // Stocked one by one: another buyer, another seller, another instant. What may differ must be seen to differ.
        for _ in 0..3 {
            let sales = self.market.stock(1).await?;
            let known = sales.first().attempt("a purchase")?.known();
            relay.take();
            api.sell(&self.story, &sales, 1).await?;
            purchases.push(Piece { known, recording: relay.take() });
        }
        api.stop().await?;
        let [_first, first, second] = purchases.as_slice() else {
            return Err("three sales are recorded".to_owned());
        };
        let script = script::write(first, second)?;
        progress(&format!(
            "a {} is {} statements, {} of them prepared anew each time",
            self.story.names().1,
            script.statements,
            script.prepared.len()
        ));
        for sql in &script.prepared {
            progress(&format!("prepared anew each time: {sql}"));
        }
        for line in &script.unexplained {
            progress(&format!("pgbench repeats a value that the API changes: {line}"));
        }
        Ok(script)
    }

    /// Fresh purchases for one turn, and the database at rest.
    async fn fresh(&mut self) -> Result<Vec<Sale>> {
        self.market.stock(self.clients * self.each).await
    }

    async fn http_turn(&mut self, api: &Api) -> Result<Turn> {
        let sales = self.fresh().await?;
        self.database.settle().await?;
        let meter = Meter::start(self.servers, Worker::Process(api.pid()?)).await?;
        let bought = api.sell(&self.story, &sales, self.clients).await?;
        self.turn(meter, bought).await
    }

    async fn pgbench_turn(&mut self, pgbench: &Pgbench, new_ids: usize) -> Result<Turn> {
        let sales = self.fresh().await?;
        stock::tabulate(&self.database, &sales, new_ids).await?;
        self.database.settle().await?;
        let first = sales.first().attempt("a purchase")?.n;
        let load = Load {
            clients: self.clients,
            each: self.each,
            variables: &[("first", i64::from(first))],
        };
        let meter = Meter::start(self.servers, Worker::Children).await?;
        let bought = pgbench.run(self.servers, &self.database, &load).await?;
        self.turn(meter, bought).await
    }

    async fn turn(&self, meter: Meter, bought: Timed) -> Result<Turn> {
        let done = bought.latencies.len();
        let cost = meter.finish(done).await?;
        Ok(Turn {
            rate: done as f64 / bought.elapsed.as_secs_f64(),
            latencies: bought.latencies,
            cost,
        })
    }

    /// Whoever made them, the sales are right: every deal ended as it should, and every invariant of the ledger holds.
    async fn check(&self) -> Result<()> {
        let mut admin = self.database.admin().await?;
        let (deal, listing) = self.story.end();
        let deals = format!("SELECT count(*) FROM escrows WHERE status <> '{deal}'");
        let listings = format!("SELECT count(*) FROM listings WHERE status <> '{listing}'");
        let others = (number(&mut admin, &deals).await?, number(&mut admin, &listings).await?);
        if others != (0, 0) {
            return Err(format!(
                "{} deals are not {deal} and {} listings are not {listing}",
                others.0, others.1
            ));
        }
        let violations =
            shared::ledger::check(&self.app.db).await.attempt("the ledger is not checked")?;
        let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
        if violations.is_empty() {
            Ok(())
        } else {
            Err(format!("the ledger is violated: {}", violations.join("; ")))
        }
    }

    fn section(&self, script: &Script, ours: Series, theirs: Series) -> Section {
        let (turn, clients) = (self.each * self.clients, self.clients);
        let (title, name) = self.story.names();
        let mut section = Section::new(format!(
            "{title}   {turn} a turn, {clients} at a time, each side on {clients} connections to PostgreSQL"
        ));
        section.ratio(&ours, &theirs);
        section.series(ours);
        section.series(theirs);
        section.note(format!(
            "pgbench sends what was recorded of a real {name} on the wire: {} statements, authentication to COMMIT (prepared \
             protocol), and one more that chooses the buyer and the listing",
            script.statements
        ));
        section.note(format!(
            "the API prepares {} of them anew for every {name}, which is a round trip each; pgbench prepares every statement once",
            script.prepared.len()
        ));
        section.note("the API also reads and writes HTTP and JSON, verifies a token, and opens and seals credentials; its client shares the cores");
        section.note(
            "afterwards every deal of both sides had ended as it should and every invariant of the ledger held",
        );
        for line in &script.unexplained {
            section.note(format!("pgbench repeats a value that the API changes: {line}"));
        }
        section
    }
}
