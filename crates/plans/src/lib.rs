//! Plans: the queries of a schema, the database in which they are planned, normalised EXPLAIN output, claims about a
//! plan, and its snapshot.

mod candidates;
mod claim;
mod config;
mod database;
mod expansion;
mod explain;
mod filling;
mod generator;
mod node;
mod orphans;
mod parents;
mod partitions;
mod planned_query;
mod plot;
mod rendered;
mod scale;
mod settings;
mod shortage;
mod snapshot;
mod snapshot_text;
mod sweep;
mod words;
mod workload;

pub use claim::{Claim, PlanClaim};
pub use config::{PlannedTable, Plans, Setting};
pub use database::{PlanningError, planning_template};
pub use explain::{Explained, Mode};
pub use node::Node;
pub use planned_query::{PlanClaims, PlannedQuery};
pub use scale::{Scale, ScaleError, scaled_template};
pub use shortage::{AllRows, Shortage, shortages};
pub use snapshot::{Accepted, SnapshotError, check_snapshots, rendered};
pub use snapshot_text::SnapshotText;
pub use sweep::{FromRows, UsesIndexBetween};
pub use words::meaning;
pub use workload::{Parameter, WorkloadError, WorkloadQuery, read_workload};
