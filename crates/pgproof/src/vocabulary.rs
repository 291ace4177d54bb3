//! The vocabulary of a suite: a sentence of each family, as its author writes it. Every example is compiled; what each
//! sentence demands is said where it is defined, and in `docs/suites.md`.
//!
//! Each example stands in a test, below these lines:
//!
//! ```no_run
//! use pgproof::prelude::*;
//!
//! let mut db = pgproof::fixture::sandbox("shop");
//! ```
//!
//! # Tables
//!
//! ## That they exist, with their columns
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(table("orders").exists());
//! db.check(table("order_items").has_columns(["order_id", "position", "product_id", "amount"]));
//! db.check(tables(["customers", "orders", "order_items", "products"]).are_all());
//! ```
//!
//! ## Primary keys
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(table("order_items").primary_key(["order_id", "position"]).named("order_items_pkey"));
//! ```
//!
//! ## Unique keys
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(table("customers").unique(["email"]).named("customers_email_key"));
//! db.check(table("seats").unique(["trip", "number"]).nulls_not_distinct());
//! let position = table("playlist").unique(["position"]);
//! db.check(position.deferrable(Deferrable::InitiallyImmediate));
//! ```
//!
//! ## Foreign keys
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! let key = table("orders").foreign_key(["customer_id"]).references("customers", ["id"]);
//! db.check(key.on_delete(Action::Cascade).on_update(Action::NoAction).named("orders_customer_id_fkey"));
//! let route = table("trips").foreign_key(["from", "to"]).references("routes", ["from", "to"]);
//! db.check(route.match_full().deferrable(Deferrable::InitiallyDeferred));
//! ```
//!
//! ## Rows that migrations insert
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(table("currencies").rows_equal("currencies.csv").by(["code"]));
//! db.check(table("settings").rows_equal("settings.csv").only_where("scope = 'default'"));
//! ```
//!
//! ## What becomes of a row: triggers, defaults, partitions
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(table("orders").row([("status", "paid")]).gets("priority", "10"));
//! db.check(table("orders").row([("status", "open")]).gets_null("paid_at"));
//! db.check(table("events").row([("day", "2024-07-01")]).goes_to("events_2024_07"));
//! ```
//!
//! ## Triggers
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! let touched = table("orders").trigger("orders_touch", Timing::Before, [Event::Update], "touch()");
//! db.check(touched.of_columns(["status"]).only_when("(old.status IS DISTINCT FROM new.status)"));
//! let emptied = table("orders").trigger("orders_emptied", Timing::After, [Event::Truncate], "tell()");
//! db.check(emptied.for_each_statement());
//! ```
//!
//! ## Row security and policies
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(table("orders").has_row_security());
//! db.check(table("orders").forces_row_security());
//! let own = "(tenant_id = current_tenant())";
//! let policy = table("orders").policy("own_rows", PolicyCommand::All).to(["shop_app"]);
//! db.check(policy.restrictive().using(own).with_check(own));
//! ```
//!
//! ## Owners
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(table("orders").is_owned_by("shop_owner"));
//! ```
//!
//! ## Comments
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(table("orders").has_comment().reading("One row an order, from the cart to the parcel."));
//! db.check(table("orders").column("status").has_comment());
//! ```
//!
//! ## The schema as a whole
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! use pgproof::assertions::count::Counted;
//!
//! db.check(schema().has_at_least(15, Counted::Indexes));
//! // Every object and property, as reviewed.
//! db.check_schema();
//! ```
//!
//! # Columns
//!
//! ## Types
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(table("orders").column("total").has_type("numeric(12,2)"));
//! db.check(table("orders").column("code").has_type("text").collated("\"C\""));
//! ```
//!
//! ## NULL
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(table("orders").column("customer_id").is_not_null());
//! db.check(table("orders").column("note").is_nullable());
//! ```
//!
//! ## Defaults
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(table("orders").column("status").defaults_to("'open'::text"));
//! db.check(table("orders").column("customer_id").has_no_default());
//! ```
//!
//! ## A list of values
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! let status = table("orders").column("status").accepts_only(["open", "paid", "sent"]);
//! db.check(status.or_null().by("orders_status_check"));
//! ```
//!
//! ## A range of values
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(table("order_items").column("amount").accepts_from("1").by("order_items_amount_check"));
//! db.check(table("products").column("discount").accepts_up_to("0.5"));
//! db.check(table("reviews").column("stars").accepts_between("1", "5"));
//! ```
//!
//! ## Documents
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(table("products").column("details").holds_documents());
//! ```
//!
//! ## Generated values
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(table("order_items").column("sum").is_generated_as("(price * (amount)::numeric)"));
//! db.check(table("orders").column("id").is_identity_always());
//! db.check(table("products").column("id").is_identity_by_default());
//! ```
//!
//! # Indexes and queries
//!
//! ## Indexes
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! let newest = index("orders_newest").on("orders", ["customer_id", "created_at DESC"]).method("btree");
//! db.check(newest.including(["total"]).only_where("(status = 'open'::text)"));
//! db.check(index("customers_email").on("customers", ["lower(email)"]).unique().nulls_not_distinct());
//! db.check(index("events_day").on("events", ["day"]).with("fillfactor=70"));
//! ```
//!
//! ## Queries
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(query("SELECT count(*) FROM currencies").returns("7"));
//! ```
//!
//! # Functions, views, roles, extensions
//!
//! ## Functions
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! let total = function("order_total").is("order_id bigint", "numeric").volatility(Volatility::Stable);
//! db.check(total.search_path("pg_catalog, public"));
//! db.check(function("current_tenant").is("", "uuid").security_definer("pg_catalog"));
//! db.check(function("order_total").runs("1"));
//! db.check(function("order_total").gives("NULL", "0"));
//! db.check(function("slug").is("title text", "text").volatility(Volatility::Immutable).strict().parallel_safe());
//! db.check(function("audit").is("", "trigger").parallel_restricted());
//! db.check(function("same_tenant").is("a uuid, b uuid", "boolean").leakproof());
//! ```
//!
//! ## Views
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(view("open_orders").is_readable());
//! db.check(view("open_orders").has_security_invoker());
//! let open = view("open_orders").is_defined_as("SELECT id, total FROM orders WHERE status = 'open'");
//! db.check(open.with("security_invoker=true"));
//! db.check(view("open_orders").has_columns(["id", "total"]));
//! ```
//!
//! ## Materialized views
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(materialized_view("revenue").is_fresh());
//! db.check(materialized_view("revenue").refreshes());
//! db.check(materialized_view("revenue").refreshes_concurrently());
//! ```
//!
//! ## Sequences
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(sequence("invoice_numbers").counts("bigint").starts_at(1000).owned_by("invoices.number"));
//! let rounds = sequence("rounds").counts("integer").in_steps_of(2).within(1, 99);
//! db.check(rounds.cycles().caches(20));
//! ```
//!
//! ## Roles
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(role("shop_reports").may_only([Privilege::Select], "orders"));
//! ```
//!
//! ## Extensions
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(extension("pgcrypto").is_installed());
//! ```
//!
//! # Expectations in files
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! let columns: Vec<ColumnLine> = expected(&db, "columns.csv");
//! db.check_all(columns.iter().flat_map(ColumnLine::assertions));
//! let keys = picked(&db, "foreign_keys.csv", |key: &ForeignKeyLine| key.table == "orders");
//! db.check_all(keys.iter().map(ForeignKeyLine::assertion));
//! let indexes = picked(&db, "indexes.csv", |index: &IndexLine| index.table == "orders");
//! db.check_all(indexes.iter().map(IndexLine::assertion));
//! ```
//!
//! # What a test works out itself
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! let rates = db.value("SELECT count(*) FROM rates").unwrap();
//! db.observe("003_rates.sql", "inserts seven rates").equals(rates.as_deref(), Some("7"));
//! let refused = db.attempt("DELETE FROM rates").unwrap();
//! db.observe("table rates", "keeps its rows").holds(!refused.is_accepted(), "DELETE was accepted");
//! ```
//!
//! # Migrations
//!
//! ## Run again
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(migrations().are_repeatable());
//! db.check(migrations().can_be_resumed());
//! db.check(migrations().can_be_resumed().by_the_rest());
//! db.check(migrations().survive_kills());
//! db.check(migrations().keep_rows());
//! db.check(migrations().can_run_at_once());
//! db.check(migrations().can_be_rolled_back());
//! ```
//!
//! ## Upgrades
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! # let mut db = pgproof::fixture::sandbox("shop");
//! db.check(database_of(["legacy/before_tenants.sql"]).is_upgraded().once());
//! ```
//!
//! # Plans
//!
//! ## Of queries in files
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! let mut plans = pgproof::fixture::planning("shop");
//! plans.check_snapshots();
//! let newest = plans.query("newest_orders");
//! plans.check(newest.uses_index("orders_newest").for_the_example());
//! ```
//!
//! ## Of queries in the suite
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! let mut plans = pgproof::fixture::planning("shop");
//! let open = || query("SELECT id FROM orders WHERE customer_id = 7 ORDER BY created_at DESC");
//! plans.check(open().uses_only_indexes_of("orders"));
//! plans.check(open().never_scans("orders"));
//! plans.check(open().no_sort());
//! plans.check(open().index_only("orders_newest"));
//! ```
//!
//! ## At other sizes of a table
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! let mut plans = pgproof::fixture::planning("shop");
//! let newest = plans.query("newest_orders");
//! plans.check(newest.uses_index_from("orders_newest", "orders", 1_000).to_rows(50_000_000));
//! ```
//!
//! # Tenants
//!
//! ```no_run
//! # use pgproof::prelude::*;
//! let mut tenants = pgproof::fixture::tenancy("shop");
//! tenants.check_isolation();
//! tenants.become_tenant("5c0a6a3e-58a1-4f0f-8a6b-1e0f9b0d7c11").unwrap();
//! tenants.check(query("SELECT count(*) FROM orders").returns("0"));
//! ```
