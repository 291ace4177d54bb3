//! Whether tenants are kept apart: two tenants get rows in every table, and each attack that a row-level policy can
//! fail to stop is carried out, as a role that policies bind and as the owner of the tables. The outcome is a matrix of
//! tables and attacks.

mod attack;
mod attacker;
mod calls;
mod contexts;
mod matrix;
mod ownership;
mod probe;
mod reads;
mod references;
mod seeds;
mod text;
mod writes;

pub use attack::{Attack, Cell, Verdict};
pub use matrix::{Matrix, MatrixRow, TenancyError, isolation_matrix};
pub use probe::Actor;
