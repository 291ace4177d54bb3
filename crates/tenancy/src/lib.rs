//! Tenant isolation: two tenants get rows in every table, and every attack that row security can fail to stop is
//! carried out, both as a role to which policies apply and as the owner of the tables. The result is a matrix of tables
//! and attacks.

mod attack;
mod attacker;
mod calls;
mod cell;
mod config;
mod contexts;
mod matrix;
mod ownership;
mod probe;
mod reads;
mod references;
mod seeds;
mod text;
mod writes;

pub use attack::Attack;
pub use cell::{Cell, Verdict};
pub use config::{Accepted, AcceptedTable, Tenancy};
pub use matrix::{Matrix, MatrixRow, TenancyError, isolation_matrix};
pub use probe::Actor;
